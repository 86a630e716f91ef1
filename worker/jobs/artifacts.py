"""Between an attempt and its files: staged originals, names of objects, ffmpeg with the attempt's limits.

In the scratch folder `in` is what ffmpeg may read, `out` what it may write. Files there have
names that reelq chooses, never the sender's.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from reelq.worker.av.ffmpeg import FFmpeg
from reelq.worker.av.probe import clock
from reelq.worker.av.probe.facts import Measured
from reelq.worker.av.probe.parse import parse
from reelq.worker.av.probe.probe import measure
from reelq.worker.db.rows import Connection
from reelq.worker.jobs import originals
from reelq.worker.jobs.context import JobContext
from reelq.worker.jobs.stored import RegisteredObject
from reelq.worker.rooms import media
from reelq.worker.rooms.media import VideoSource
from reelq.worker.stores.base import OnBytes

SOURCE = "source"  # without a suffix, so that ffmpeg decides by the bytes
FETCH_SHARE = 0.02  # of the progress bar, for fetching the original


def ffmpeg(ctx: JobContext) -> FFmpeg:
    """ffmpeg and ffprobe for this attempt."""
    return ctx.ffmpeg()


def folder(ctx: JobContext, name: str) -> Path:
    """A folder in the attempt's scratch, made if it is not there."""
    return ctx.folder(name)


def stage(ctx: JobContext, work: VideoSource) -> Path:
    """Fetch the original, compare its checksum, and return its path.

    Raises:
        JobError: as originals.stage.
    """
    return originals.stage(ctx, work, folder(ctx, "in") / SOURCE, passing(ctx, "fetch", 0.0, FETCH_SHARE, work.size_bytes or 0))


def passing(ctx: JobContext, stage: str, start: float, end: float, size_bytes: int) -> OnBytes:
    """Report bytes that pass as the part of the progress bar from `start` to `end`.

    `size_bytes` is used where the other side does not say how many will come.
    """

    def tell(done: int, total: int | None) -> None:
        share = done / max(1, total or size_bytes)
        ctx.progress(start + (end - start) * min(1.0, share), stage)

    return tell


def source(ctx: JobContext, work: VideoSource) -> tuple[Measured, Path]:
    """What extract_metadata found of the original, or, where it has not run, what it would find; and the file that it is about.

    Raises:
        PermanentError, TransientError: as `stage`, and as av.probe.measure where that has not run.
    """
    path = stage(ctx, work)
    if work.probe is None or "packets" not in work.probe:
        facts, _, path = measure(ffmpeg(ctx), path, folder(ctx, "probe"))
        return facts, path
    if moves := work.probe.get("straightened"):
        path = clock.straightened(ffmpeg(ctx), path, folder(ctx, "probe"), moves)
    return parse(work.probe), path


def variant(ctx: JobContext, profile: str, mime: str, stored: RegisteredObject, **facts: Any) -> dict[str, Any]:
    """A row for media.put_variant."""
    return {
        "profile": profile,
        "mime": mime,
        "object_id": str(stored.object_id),
        "job_id": str(ctx.job.job_id),
        "attempt": ctx.job.token,
        **facts,
    }


def publish(ctx: JobContext, work: VideoSource, rows: list[dict[str, Any]]) -> None:
    """Make variants visible, all at once and only if the job completes under its lease."""

    def write(conn: Connection) -> None:
        for row in rows:
            media.put_variant(conn, work.asset_id, row)

    ctx.on_complete(write)
