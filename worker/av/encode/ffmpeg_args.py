"""ffmpeg's arguments for all renditions of a video: one process, one decode, one graph.

The graph is built with ffmpeg-python, which names and joins the pads; it starts nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import ffmpeg

from reelq.worker.av import allowlists
from reelq.worker.av.encode import colour, stereo
from reelq.worker.av.encode import picture as picture_chain
from reelq.worker.av.encode.ladder import Rung
from reelq.worker.av.probe.facts import Audio, Measured, Video

KEY_FRAME_EVERY_S = 2  # at the same times in all renditions, so that HLS can cut all alike
AUDIO_KBPS = 128
AUDIO_ONLY_KBPS = 160
AUDIO_RATE_HZ = 48_000
MOST_ERRORS = 1  # ffmpeg's own limit, which works in some versions only: ffmpeg.Losses counts in all
LEAST_TIME_SCALE = 10_000  # ticks a second in the MP4

# No tags, chapters or data of the sender; the index first, so that a player can begin at once.
CLEAN: dict[str, Any] = {"map_metadata": -1, "map_chapters": -1, "movflags": "+faststart"}


def file_url(path: Path) -> str:
    """The path as a file: URL, so that ffmpeg reads no protocol or pattern into it."""
    return f"file:{path}"


def ladder(
    source: Path,
    measured: Measured,
    rungs: list[Rung],
    outputs: Mapping[str, Path],
    *,
    rate: Fraction,
    crf: int,
    preset: str,
    threads: int,
) -> list[str]:
    """Arguments that write every rung's MP4 to `outputs[profile]`."""
    video = measured.video
    if video is None:
        raise ValueError("there is no picture to encode")
    entry = ffmpeg.input(file_url(source), threads=threads, **_input(measured), **picture_chain.INPUT)
    picture = _prepared(entry[str(video.index)], measured, video, rate, rungs[0])
    branches = [picture] if len(rungs) == 1 else [picture.filter_multi_output("split", len(rungs))]
    sounds, sound_settings = _sounds(entry, measured, len(rungs), AUDIO_KBPS)
    streams = []
    for number, rung in enumerate(rungs):
        branch = branches[0] if len(rungs) == 1 else branches[0][number]
        if number > 0:
            branch = branch.filter("scale", rung.width, rung.height).filter("setsar", 1)
        tracks = [branch]
        settings = {**_video_settings(rung, rate, crf, preset, threads), **_tag_options(video), **CLEAN, **sound_settings}
        if sounds:
            tracks.append(sounds[number])
        streams.append(ffmpeg.output(*tracks, file_url(outputs[rung.profile]), **settings))
    return _with_limits(ffmpeg.merge_outputs(*streams), threads)


def sound(source: Path, measured: Measured, output: Path, *, threads: int) -> list[str]:
    """Arguments that write the sound of `source` as AAC."""
    if measured.audio is None:
        raise ValueError("there is no sound to encode")
    entry = ffmpeg.input(file_url(source), threads=threads, **_input(measured))
    (track,), settings = _sounds(entry, measured, 1, AUDIO_ONLY_KBPS)
    return _with_limits(ffmpeg.output(track, file_url(output), **settings, **CLEAN, format="ipod"), threads)


def _input(measured: Measured) -> dict[str, Any]:
    """Options before -i. With -copyts the offset is all that moves the clock: all that plays begins at zero, whatever else
    is in the file and whichever version reads it.
    """
    return {**allowlists.input_options(), "noautorotate": None, "itsoffset": f"{-measured.start_s:.6f}"}


def _prepared(picture: Any, measured: Measured, video: Video, rate: Fraction, top: Rung) -> Any:
    """Even in time, upright, square pixels, eight bits, largest rung's size."""
    filters = [
        *picture_chain.whole(video), *picture_chain.paced(measured, rate),
        *picture_chain.ordinary(video, top.width, top.height), ("format", {"pix_fmts": "yuv420p"}),
        *picture_chain.upright(video), ("setsar", {"sar": 1}), ("setparams", {"range": "tv", **colour.tags(video)}),
    ]  # fmt: skip
    for name, options in filters:
        picture = picture.filter(name, **options)
    return picture


def _video_settings(rung: Rung, rate: Fraction, crf: int, preset: str, threads: int) -> dict[str, Any]:
    return {
        "c:v": "libx264",
        "preset": preset,
        "profile:v": "high",
        "crf": crf,
        "maxrate": f"{rung.maxrate_kbps}k",
        "bufsize": f"{2 * rung.maxrate_kbps}k",
        "sc_threshold": 0,
        "flags": "+cgop",
        "g": max(1, round(rate * KEY_FRAME_EVERY_S * 2)),  # an upper bound: the line below decides
        "force_key_frames": f"expr:gte(t,n_forced*{KEY_FRAME_EVERY_S})",
        "threads": threads,
        "fps_mode": "passthrough",  # the graph has made them even
        "video_track_timescale": _time_scale(rate),
        "format": "mp4",
    }


def _time_scale(rate: Fraction) -> int:
    """Ticks a second of which every picture lasts a whole number, so that steps are all alike."""
    scale = rate.numerator
    while scale < LEAST_TIME_SCALE:
        scale *= 2
    return scale


def _tag_options(video: Video) -> dict[str, Any]:
    """The colour tags of the graph again, for encoders that take them from the command line."""
    return {**colour.tags(video), "color_range": "tv"}


def _sounds(entry: Any, measured: Measured, count: int, kbps: int) -> tuple[list[Any], dict[str, Any]]:
    """The sound for each of `count` outputs, and how it is encoded; nothing where there is none."""
    audio = measured.audio
    if audio is None:
        return [], {}
    settings = {"c:a": "aac", "b:a": f"{kbps}k", "ac": 2, "ar": AUDIO_RATE_HZ}
    if audio.right is None:
        return [entry[str(audio.index)]] * count, {**settings, "af": stereo.filters(audio)}
    pair = _pair(entry, audio, max(0.0, audio.start_s - measured.start_s))
    if count == 1:
        return [pair], settings
    copies = pair.filter_multi_output("asplit", count)
    return [copies[number] for number in range(count)], settings


def _pair(entry: Any, audio: Audio, start_s: float) -> Any:
    """Left and right of two mono tracks, in time with each other from `start_s` on."""
    in_time = {"async": 1, "min_hard_comp": 0.03, "first_pts": round(start_s * AUDIO_RATE_HZ)}
    whole = {"whole_dur": f"{audio.duration_s:.6f}"}
    sides = [entry[str(index)].filter("aresample", AUDIO_RATE_HZ, **in_time).filter("apad", **whole) for index in audio.indexes]
    return ffmpeg.filter(sides, "join", **stereo.JOINED)


def _with_limits(streams: Any, threads: int) -> list[str]:
    """The whole line after the program's name, with the options that stand for all outputs in front."""
    first = ["-copyts", "-max_error_rate", str(MOST_ERRORS), "-filter_complex_threads", str(threads)]
    return [*first, *(str(word) for word in ffmpeg.get_args(streams))]
