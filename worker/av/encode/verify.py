"""Checks what an encoder made before anybody sees it. Exit code 0 is not enough: a truncated
source gave exit code 0 and 42 of 132 pictures.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from reelq.worker.av import allowlists, truncation
from reelq.worker.av.encode.ladder import Rung
from reelq.worker.av.encode.picture import frames as frames_of
from reelq.worker.av.ffmpeg import PROBE_WALL_S, FFmpeg
from reelq.worker.av.probe.facts import Measured
from reelq.worker.av.probe.parse import parse
from reelq.worker.errors import PermanentError, TransientError
from reelq.worker.stores.disk import disk_side

FRAME_SHARE, FRAMES_MORE = 0.01, 2  # pictures that may be missing or too many: rounding of rates and ends
DECODED_BYTES_PER_S = 50e3  # so slow only where a rendition has hardly a bit a picture
DURATION_SHARE, DURATION_MORE_S = 0.01, 0.25  # sound: an encoder's first and last frame, resampling


@dataclass(frozen=True, slots=True)
class Checked:
    """A rendition that was read back."""

    width: int | None
    height: int | None
    frames: int | None
    duration_s: float
    bit_rate: int
    audio_codec: str | None
    video_codec: str | None


def rendition(ffmpeg: FFmpeg, path: Path, rung: Rung, source: Measured, rate: Fraction) -> Checked:
    """Read a rendition back and compare it with what the source promised. Whether it can be decoded is for `decode` to say.

    Raises:
        PermanentError: "result_incomplete" or "result_wrong".
    """
    made = _read(ffmpeg, path)
    video, expected = made.video, source.video
    if video is None or expected is None or video.codec != "h264":
        raise _wrong("there is no picture in it")
    if (video.width, video.height) != (rung.width, rung.height):
        raise _wrong(f"it is {video.width}x{video.height} instead of {rung.width}x{rung.height}")
    frames = frames_of(source, rate)
    if abs(video.frames - frames) > max(FRAMES_MORE, frames * FRAME_SHARE):
        raise _incomplete(f"{video.frames:,} of {frames:,} pictures")
    _same_sound(made, source)
    return _checked(made, path)


def sound(ffmpeg: FFmpeg, path: Path, source: Measured) -> Checked:
    """Read an audio rendition back, and decode it. Errors as `rendition` and `decode`."""
    decode(ffmpeg, [path])
    made = _read(ffmpeg, path)
    if made.video is not None:
        raise _wrong("there is a picture in it")
    _same_sound(made, source)
    return _checked(made, path)


def picture(ffmpeg: FFmpeg, path: Path) -> tuple[int, int]:
    """Read a poster back, to its last line; returns width and height.

    Raises:
        PermanentError: "result_incomplete", no picture was made.
        TransientError: see `decode`.
    """
    if not _is_there(path):
        raise PermanentError("result_incomplete", "No picture could be made of the file.")
    decode(ffmpeg, [path])
    stream = ffmpeg.probe(path)["streams"][0]
    return int(stream["width"]), int(stream["height"])


def decode(ffmpeg: FFmpeg, paths: Iterable[Path]) -> None:
    """Read results to their last packets and decode sound and key frames. What is not there is not looked at.

    All pictures would take an eighth of the time of the encode, and say less about the disk than `fsync`, which fails where the
    kernel has lost a page; until then it reads back what it has in memory.

    Raises:
        TransientError: "result_torn", "disk_full", "disk_failed": what was written without a fault is read without one, so it is the host's.
    """
    torn = TransientError("result_torn", "The result was damaged while it was written; the worker's disk may be full or failing.")
    inputs, maps, wall_s = [], [], PROBE_WALL_S
    there = [path for path in paths if _is_there(path)]
    for number, path in enumerate(there):
        with disk_side(), path.open("rb+") as file:
            os.fsync(file.fileno())
        if truncation.is_truncated(path):
            raise torn
        # Of a file without a picture ffmpeg 8.0 refuses the option.
        key_frames = [] if path.suffix == ".m4a" else ["-skip_frame", "nokey"]
        inputs += [*allowlists.input_flags(), *key_frames, "-err_detect", "explode", "-i", f"file:{path}"]
        maps += ["-map", str(number)]
        wall_s += path.stat().st_size / DECODED_BYTES_PER_S
    if not there:
        return
    folder = there[0].parent
    try:
        cost, _ = ffmpeg.run(["-xerror", *inputs, *maps, "-f", "null", "-"], read=folder, write=folder, wall_s=wall_s)
    except PermanentError as error:
        raise TransientError(torn.code, str(torn), detail=error.detail) from error
    if cost.complaints:
        raise TransientError(torn.code, str(torn), detail=cost.stderr_tail)


def _is_there(path: Path) -> bool:
    return path.exists() and path.stat().st_size > 0


def _read(ffmpeg: FFmpeg, path: Path) -> Measured:
    if not _is_there(path):
        raise _incomplete("nothing")
    if not truncation.moov_before_mdat(path):
        raise _wrong("its index does not come first")
    document, tracks = ffmpeg.read(path)
    document["packets"] = {str(index): track.facts() for index, track in tracks.items()}
    return parse(document)


def _same_sound(made: Measured, source: Measured) -> None:
    if (made.audio is None) != (source.audio is None):
        raise _incomplete("no sound") if made.audio is None else _wrong("there is sound in it")
    if made.audio is not None and source.audio is not None:
        difference = abs(made.audio.duration_s - source.audio.duration_s)
        if difference > max(DURATION_MORE_S, source.audio.duration_s * DURATION_SHARE):
            raise _incomplete(f"{made.audio.duration_s:.1f} of {source.audio.duration_s:.1f} seconds of sound")


def _checked(made: Measured, path: Path) -> Checked:
    video, audio = made.video, made.audio
    duration = made.duration_s or 0.0
    return Checked(
        width=None if video is None else video.width,
        height=None if video is None else video.height,
        frames=None if video is None else video.frames,
        duration_s=duration,
        bit_rate=int(path.stat().st_size * 8 / duration) if duration else 0,
        audio_codec=None if audio is None else audio.codec,
        video_codec=None if video is None else video.codec,
    )


def _wrong(what: str) -> PermanentError:
    return PermanentError("result_wrong", f"The result is not what was asked for: {what}.")


def _incomplete(what: str) -> PermanentError:
    return PermanentError("result_incomplete", f"The file could be converted only in part: {what}.")
