"""The facts of a file that all other code works with."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

SDR_PRIMARIES = frozenset({"bt709", "smpte170m", "bt470bg", "smpte240m"})  # near enough to sRGB's
HDR_TRANSFERS = frozenset({"smpte2084", "arib-std-b67"})  # PQ and HLG


@dataclass(frozen=True, slots=True)
class Video:
    """The main moving picture, or the one picture of an image."""

    index: int
    codec: str
    width: int  # as shown, after rotation and pixel aspect
    height: int
    coded_width: int
    coded_height: int
    rotation: int  # clockwise degrees that the player turns it
    sar: Fraction
    rate: Fraction | None  # None for a single picture
    frames: int
    start_s: float
    duration_s: float
    pixel_format: str | None
    color_space: str | None
    color_transfer: str | None
    color_primaries: str | None
    color_range: str | None
    interlaced: bool
    key_frames: int
    upright: tuple[str, ...] = ()  # filters that turn and mirror it as the player would
    odd_sar: bool = False  # the stream's pixel aspect is no camera's and must not be used
    hold_s: float = 0.0  # how much longer than others the last picture stands
    peak_nits: float | None = None  # of HDR, as the file says

    @property
    def hdr(self) -> bool:
        """Whether it must be tone-mapped for ordinary screens."""
        return self.color_transfer in HDR_TRANSFERS

    @property
    def wide(self) -> bool:
        """Whether its colours reach beyond sRGB, so that a JPEG would show them pale."""
        if self.color_primaries is None:
            return self.color_space in ("bt2020nc", "bt2020c")  # 7.1 and newer write a matrix alone, where only that was asked for
        return self.color_primaries not in SDR_PRIMARIES

    @property
    def has_alpha(self) -> bool:
        """Whether parts of it may be transparent."""
        form = self.pixel_format or ""
        return form.startswith(("rgba", "bgra", "argb", "abgr", "ya", "yuva", "gbrap", "pal8"))


@dataclass(frozen=True, slots=True)
class Audio:
    """The main sound."""

    index: int
    codec: str
    channels: int
    sample_rate_hz: int
    start_s: float
    duration_s: float  # without an encoder's padding
    layout: str | None = None  # 5.1(side); None when the file does not say which channel is where
    right: int | None = None  # the track of the right side, where `index` is a mono track of the left one

    @property
    def indexes(self) -> tuple[int, ...]:
        """The tracks that it is in."""
        return (self.index,) if self.right is None else (self.index, self.right)


@dataclass(frozen=True, slots=True)
class Measured:
    """A file; `video` and `audio` are None where there is none that plays."""

    kind: str  # video, audio or image; document when nothing of these
    container: str
    mime: str | None
    duration_s: float | None  # of what plays, from the packets; None for an image
    bit_rate: int | None
    video: Video | None
    audio: Audio | None
    cover_index: int | None  # cover art of a song
    orientation: int  # EXIF, 1 to 8
    gap_s: float  # longest time that one picture stands, or without a sound
    packets: int = 0  # of what plays
    keyless: int = 0  # of these before the first key, as in a recording that begins in the middle
    left_out: tuple[dict[str, Any], ...] = ()  # streams that are not used: stream, type, codec, why
    joined: tuple[dict[str, Any], ...] = ()  # mono tracks that become one sound: stream, type, codec, side

    @property
    def start_s(self) -> float:
        """When picture or sound begins, by the file's clock: zero in the results."""
        return min((track.start_s for track in (self.video, self.audio) if track is not None), default=0.0)

    def columns(self) -> dict[str, Any]:
        """By column of media.assets."""
        video, audio = self.video, self.audio
        moving = video is not None and self.kind == "video"
        rate = video.rate if video is not None and moving else None
        return {
            "kind": self.kind,
            "mime": self.mime,
            "container": self.container,
            "duration_seconds": None if self.duration_s is None else round(self.duration_s, 3),
            "bit_rate": self.bit_rate,
            "width": video and video.width,
            "height": video and video.height,
            "coded_width": video and video.coded_width,
            "coded_height": video and video.coded_height,
            "rotation": video and video.rotation,
            "sar": f"{video.sar.numerator}:{video.sar.denominator}" if video is not None else None,
            "frame_rate_num": rate and rate.numerator,
            "frame_rate_den": rate and rate.denominator,
            "frames": video.frames if video is not None and moving else None,
            "video_codec": video.codec if video is not None and moving else None,
            "pixel_format": video and video.pixel_format,
            "color_space": video and video.color_space,
            "color_transfer": video and video.color_transfer,
            "color_primaries": video and video.color_primaries,
            "color_range": video and video.color_range,
            "hdr": None if video is None else video.hdr,
            "audio_codec": audio and audio.codec,
            "audio_channels": audio and audio.channels,
            "audio_sample_rate_hz": audio and audio.sample_rate_hz,
        }
