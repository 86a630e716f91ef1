"""generate_thumbnail: one picture that stands for the video.

A good moment of a video (av/stills/frames.py), the photo itself, a song's cover art or its waveform.
It is read back before it is stored.
Reads the original; writes variant `poster`, a JPEG. Safe to run twice: each attempt stores
under its own key.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reelq.worker.av.encode import verify
from reelq.worker.av.ffmpeg import FFmpeg
from reelq.worker.av.probe.facts import Measured
from reelq.worker.av.stills import frames, poster, transparent
from reelq.worker.errors import PermanentError
from reelq.worker.jobs import artifacts, object_keys
from reelq.worker.jobs.context import JobContext
from reelq.worker.jobs.stored import store_object

WALL_S = 300.0  # a day of sound has to be decoded for its waveform; a picture takes a second
LOOK_SHARE = 0.8  # of the progress bar


@dataclass(frozen=True, slots=True)
class Args:
    """Nothing: the best moment is chosen, not asked for."""


def run(args: Args, ctx: JobContext) -> dict[str, Any]:  # noqa: ARG001  all handlers are called alike
    """Choose, cut, store; return what was chosen."""
    work = ctx.work()
    ctx.advance_video("processing")
    measured, source = artifacts.source(ctx, work)
    output = artifacts.folder(ctx, "out") / "poster"  # a suffix would make ffprobe read patterns into names
    ffmpeg = artifacts.ffmpeg(ctx)
    ctx.progress(0.0, "choose")
    facts = _make(ffmpeg, measured, source, output, ctx)
    ctx.progress(LOOK_SHARE, "verify")
    width, height = verify.picture(ffmpeg, output)
    stored = store_object(ctx, object_keys.variant(ctx, work, "poster", "jpg"), output, "image/jpeg", work.tenant_id)
    row = artifacts.variant(ctx, "poster", "image/jpeg", stored, width=width, height=height, metadata=facts)
    artifacts.publish(ctx, work, [row])
    return {"width": width, "height": height, "size_bytes": stored.size_bytes, **facts}


def _make(ffmpeg: FFmpeg, measured: Measured, source: Path, output: Path, ctx: JobContext) -> dict[str, Any]:
    """Write the poster to `output`; return where it comes from."""
    video, audio = measured.video, measured.audio

    def cut(arguments: list[str]) -> int:
        cost, _ = ffmpeg.run(arguments, read=source.parent, write=output.parent, wall_s=WALL_S)
        return cost.complaints

    if video is not None and measured.kind == "image":
        ground = transparent.ground(ffmpeg, source, video, output.parent)
        cut(poster.of_image(source, video, measured.orientation, output, ground))
        return {"from": "image"} if ground is None else {"from": "image", "ground": ground.replace("0x", "#")}
    if video is not None:
        best, looked_at = frames.choose(
            ffmpeg, source, video, output.parent, lambda share: ctx.progress(LOOK_SHARE * share, "choose")
        )
        cut(poster.of_video(source, video, frames.way_to(best), output))
        return {
            "from": "video",
            "at_seconds": round(best.at_s, 3),
            "candidates": looked_at,
            "good": best.good,  # false: every moment is too dark, too bright or empty; this is the best of them
        }
    if measured.cover_index is not None and _has_cover(cut, source, measured.cover_index, output):
        return {"from": "cover"}
    if audio is None:
        raise PermanentError("unreadable_media", "There is neither picture nor sound in the file.")
    cut(poster.of_sound(source, audio, output))
    return {"from": "sound"}


def _has_cover(cut: Callable[[list[str]], int], source: Path, index: int, output: Path) -> bool:
    """Cut the cover; false where it is damaged, for which the decoder makes up a green or grey picture."""
    try:
        return cut(poster.of_cover(source, index, output)) == 0
    except PermanentError:
        return False
