"""Sound in two channels at its right place in time, whatever it came in.

One channel goes to both sides as it is. What is said to be surround is mixed as usual (centre and surrounds at -3 dB), all of
it 3 dB lower, and the peaks that are left are limited. Where nobody says which channel is where, every second goes to the
left, the others to the right, and none is lost.
"""

from __future__ import annotations

from reelq.worker.av.probe.facts import Audio

# Layouts that ffmpeg's mixer knows how to bring down to two channels, without a side in front for height.
MIXED = frozenset({
    "2.1", "3.0", "3.0(back)", "3.1", "4.0", "4.1", "quad", "quad(side)", "5.0", "5.0(side)", "5.1", "5.1(side)",
    "6.0", "6.0(front)", "hexagonal", "6.1", "6.1(back)", "6.1(front)", "7.0", "7.0(front)", "7.1", "7.1(wide)",
    "7.1(wide-side)", "octagonal",
})  # fmt: skip
# Peaks between samples are caught at four times the rate; 0.79 is -2 dB, of which AAC may take back one.
LIMITED = "aresample=192000,alimiter=level=disabled:limit=0.79:attack=2:release=60"
# Gaps are filled with silence and overlaps cut as soon as they are as long as a picture lasts.
IN_TIME = "aresample=async=1:min_hard_comp=0.03"


# Two mono tracks, whatever their layouts say. `join` ends with the shorter one and heeds no clock: both are made alike before.
JOINED = {"inputs": 2, "channel_layout": "stereo", "map": "0.0-FL|1.0-FR"}


def filters(audio: Audio) -> str:
    """For -af; the encoder's rate is asked for beside it."""
    return ",".join(part for part in (mixed(audio), IN_TIME) if part)


def mixed(audio: Audio) -> str:
    """The filters that make two channels of `audio`'s."""
    if audio.channels == 1:
        return "pan=stereo|c0=c0|c1=c0"
    if audio.channels == 2:
        return "" if audio.layout in (None, "stereo", "downmix") else "pan=stereo|c0=c0|c1=c1"
    if audio.layout in MIXED:
        # In floating point, where the mixer does not turn all down by the sum of its factors (8 dB for 5.1).
        return f"aformat=sample_fmts=fltp,aformat=sample_fmts=fltp:channel_layouts=stereo,volume=-3dB,{LIMITED}"
    sides = (range(0, audio.channels, 2), range(1, audio.channels, 2))
    return "pan=stereo|" + "|".join(f"c{side}={average(numbers)}" for side, numbers in enumerate(sides))


def mono(audio: Audio) -> str:
    """The filter that makes one channel of all."""
    return f"pan=mono|c0={average(range(audio.channels))}"


def average(channels: range) -> str:
    """Channels in equal parts, as pan writes it."""
    return "+".join(f"{1 / len(channels):.6f}*c{number}" for number in channels)
