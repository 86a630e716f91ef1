"""generate_thumbnail: one picture that stands for the video.

A good moment of a video (av/frames.py), the photo itself, a song's cover art or its waveform.
Reads the original; writes variant `poster`, a JPEG. Safe to run twice: each attempt stores
under its own key.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reelq.worker.av.ffmpeg import FFmpeg
from reelq.worker.av.probe.facts import Measured
from reelq.worker.av.stills import frames, poster
from reelq.worker.errors import PermanentError
from reelq.worker.jobs import artifacts, object_keys
from reelq.worker.jobs.context import JobContext

WALL_S = 300.0  # a day of sound has to be decoded for its waveform; a picture takes a second
LOOK_SHARE = 0.8  # of the progress bar


@dataclass(frozen=True, slots=True)
class Args:
    """Nothing: the best moment is chosen, not asked for."""


def run(args: Args, ctx: JobContext) -> dict[str, Any]:  # noqa: ARG001  all handlers are called alike
    """Choose, cut, store; return what was chosen."""
    work = ctx.work()
    ctx.advance_video("processing")
    source = artifacts.stage(ctx, work)
    measured = artifacts.measured(ctx, work, source)
    output = artifacts.folder(ctx, "out") / "poster"  # a suffix would make ffprobe read patterns into names
    ffmpeg = artifacts.ffmpeg(ctx)
    ctx.progress(0.0, "choose")
    arguments, facts = _plan(ffmpeg, measured, source, output, ctx)
    ctx.progress(LOOK_SHARE, "cut")
    ffmpeg.run(arguments, read=source.parent, write=output.parent, wall_s=WALL_S)
    width, height = _check(ffmpeg, output)
    stored = ctx.store.put(object_keys.variant(ctx, work, "poster", "jpg"), output, "image/jpeg", stop=ctx.stop)
    row = artifacts.variant(ctx, "poster", "image/jpeg", stored, width=width, height=height, metadata=facts)
    artifacts.publish(ctx, work, [row])
    return {"width": width, "height": height, "size_bytes": stored.size_bytes, **facts}


def _plan(ffmpeg: FFmpeg, measured: Measured, source: Path, output: Path, ctx: JobContext) -> tuple[list[str], dict[str, Any]]:
    """The arguments that make the poster, and where it comes from."""
    video, audio = measured.video, measured.audio
    if video is not None and measured.kind == "image":
        return poster.of_image(source, video, measured.orientation, output), {"from": "image"}
    if video is not None:
        best, looked_at = frames.choose(
            ffmpeg, source, video, output.parent, lambda share: ctx.progress(LOOK_SHARE * share, "choose")
        )
        facts = {
            "from": "video",
            "at_seconds": round(best.at_s, 3),
            "candidates": looked_at,
            "good": best.good,  # false: all moments are dark, glaring or empty; this is the best of them
        }
        return poster.of_video(source, video, frames.way_to(best), output), facts
    if measured.cover_index is not None:
        return poster.of_cover(source, measured.cover_index, output), {"from": "cover"}
    if audio is None:
        raise PermanentError("unreadable_media", "There is neither picture nor sound in the file.")
    return poster.of_sound(source, audio.index, output), {"from": "sound"}


def _check(ffmpeg: FFmpeg, output: Path) -> tuple[int, int]:
    """Width and height of the finished JPEG.

    Raises:
        PermanentError: "result_incomplete", ffmpeg ended well and made no picture.
    """
    if not output.exists() or output.stat().st_size == 0:
        raise PermanentError("result_incomplete", "No picture could be made of the file.")
    stream = ffmpeg.probe(output)["streams"][0]
    return int(stream["width"]), int(stream["height"])
