"""Checks what an encoder made before anybody sees it. Exit code 0 is not enough: a truncated
source gave exit code 0 and 42 of 132 pictures.
"""

from __future__ import annotations

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
    """Read a rendition back and compare it with what the source promised.

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
    """Read an audio rendition back. Errors as `rendition`."""
    made = _read(ffmpeg, path)
    if made.video is not None:
        raise _wrong("there is a picture in it")
    _same_sound(made, source)
    return _checked(made, path)


def picture(ffmpeg: FFmpeg, path: Path) -> tuple[int, int]:
    """Read a poster back, to its last line; returns width and height.

    Raises:
        PermanentError: "result_incomplete", no picture was made.
        TransientError: "result_torn", it cannot be decoded: the disk or the host lost a part.
    """
    if not path.exists() or path.stat().st_size == 0:
        raise PermanentError("result_incomplete", "No picture could be made of the file.")
    _decode(ffmpeg, path)
    stream = ffmpeg.probe(path)["streams"][0]
    return int(stream["width"]), int(stream["height"])


def _decode(ffmpeg: FFmpeg, path: Path) -> None:
    """Decode all of a result; what was written without a fault is read without one, so the fault is the host's."""
    arguments = [*allowlists.input_flags(), "-xerror", "-err_detect", "explode", "-i", f"file:{path}", "-map", "0"]
    torn = TransientError("result_torn", "The result was damaged while it was written; the worker's disk may be full or failing.")
    if truncation.is_truncated(path):
        raise torn
    wall_s = PROBE_WALL_S + path.stat().st_size / DECODED_BYTES_PER_S
    try:
        cost, _ = ffmpeg.run([*arguments, "-f", "null", "-"], read=path.parent, write=path.parent, wall_s=wall_s)
    except PermanentError as error:
        raise TransientError(torn.code, str(torn), detail=error.detail) from error
    if cost.complaints:
        raise TransientError(torn.code, str(torn), detail=cost.stderr_tail)


def _read(ffmpeg: FFmpeg, path: Path) -> Measured:
    if not path.exists() or path.stat().st_size == 0:
        raise _incomplete("nothing")
    _decode(ffmpeg, path)
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
