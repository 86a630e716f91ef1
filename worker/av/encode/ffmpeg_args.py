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
from reelq.worker.av.encode import colour
from reelq.worker.av.encode.ladder import Rung
from reelq.worker.av.probe.facts import Audio, Measured, Video

KEY_FRAME_EVERY_S = 2  # at the same times in all renditions, so that HLS can cut all alike
AUDIO_KBPS = 128
AUDIO_ONLY_KBPS = 160
AUDIO_RATE_HZ = 48_000
MOST_ERRORS = 0.1  # share of packets that may be damaged; then ffmpeg ends with code 69
LEAST_TIME_SCALE = 10_000  # ticks a second in the MP4

# No tags, chapters or data of the sender; the index first, so that a player can begin at once.
CLEAN: dict[str, Any] = {"map_metadata": -1, "map_chapters": -1, "movflags": "+faststart"}


def file_url(path: Path) -> str:
    """A name that ffmpeg takes for a file, whatever it looks like."""
    return f"file:{path}"


def rate_text(rate: Fraction) -> str:
    """30000/1001."""
    return f"{rate.numerator}/{rate.denominator}"


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
    entry = ffmpeg.input(file_url(source), threads=threads, **allowlists.input_options())
    top = rungs[0]
    picture = _prepared(entry[str(video.index)], video, rate, top)
    branches = [picture] if len(rungs) == 1 else [picture.filter_multi_output("split", len(rungs))]
    streams = []
    for number, rung in enumerate(rungs):
        branch = branches[0] if len(rungs) == 1 else branches[0][number]
        if number > 0:
            branch = branch.filter("scale", rung.width, rung.height).filter("setsar", 1)
        tracks = [branch]
        settings = {**_video_settings(rung, rate, crf, preset, threads), **_tag_options(video), **CLEAN}
        if measured.audio is not None:
            tracks.append(entry[str(measured.audio.index)])
            settings |= _audio_settings(AUDIO_KBPS)
        streams.append(ffmpeg.output(*tracks, file_url(outputs[rung.profile]), **settings))
    return _with_limits(ffmpeg.merge_outputs(*streams), threads)


def sound(source: Path, audio: Audio, output: Path, *, threads: int) -> list[str]:
    """Arguments that write the sound of `source` as AAC."""
    entry = ffmpeg.input(file_url(source), threads=threads, **allowlists.input_options())
    settings = {**_audio_settings(AUDIO_ONLY_KBPS), **CLEAN, "format": "ipod"}
    return _with_limits(ffmpeg.output(entry[str(audio.index)], file_url(output), **settings), threads)


def _prepared(picture: Any, video: Video, rate: Fraction, top: Rung) -> Any:
    """Even in time, upright (ffmpeg turns it before the graph), square pixels, 8 bit, largest rung's size."""
    if video.interlaced:
        picture = picture.filter("bwdif", mode="send_frame", deint="interlaced")
    # First of all: without it ffmpeg makes up frame rates from headers (217 pictures of 53).
    picture = picture.filter("fps", rate_text(rate))
    if video.hdr:
        picture = picture.filter("zscale", w=top.width, h=top.height)
        for name, settings in colour.HDR_TO_SDR:
            picture = picture.filter(name, **settings)
    else:
        matrix = {"out_color_matrix": "bt709"} if colour.is_rgb(video) else {}
        picture = picture.filter("scale", top.width, top.height, in_range="auto", out_range="tv", **matrix)
    picture = picture.filter("format", "yuv420p").filter("setsar", 1)
    return picture.filter("setparams", range="tv", **colour.tags(video))


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
        "g": max(1, round(rate * KEY_FRAME_EVERY_S * 2)),  # a net: the line below decides
        "force_key_frames": f"expr:gte(t,n_forced*{KEY_FRAME_EVERY_S})",
        "threads": threads,
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
    """The tags of the graph once more, for encoders that read them from the command line."""
    return {**colour.tags(video), "color_range": "tv"}


def _audio_settings(kbps: int) -> dict[str, Any]:
    # async fills gaps with silence, so that sound stays with the picture.
    return {"c:a": "aac", "b:a": f"{kbps}k", "ac": 2, "ar": AUDIO_RATE_HZ, "af": "aresample=async=1"}


def _with_limits(streams: Any, threads: int) -> list[str]:
    """The whole line after the program's name, with the options that stand for all outputs in front."""
    first = ["-max_error_rate", str(MOST_ERRORS), "-filter_complex_threads", str(threads)]
    return [*first, *(str(word) for word in ffmpeg.get_args(streams))]
