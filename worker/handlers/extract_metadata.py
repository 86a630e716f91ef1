"""extract_metadata: measure the original with ffprobe, and refuse what will never work.

Reads the asset's object; writes the measured columns and `probe` of media.assets. Safe to run
twice: the second run writes the same values.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from reelq.worker.av.probe.content_hash import essence
from reelq.worker.av.probe.probe import measure
from reelq.worker.jobs import artifacts
from reelq.worker.jobs.context import JobContext
from reelq.worker.rooms import media


@dataclass(frozen=True, slots=True)
class Args:
    """Nothing: all originals are measured alike."""


def run(args: Args, ctx: JobContext) -> dict[str, Any]:  # noqa: ARG001  all handlers are called alike
    """Measure the original; return the facts an operator wants to see."""
    work = ctx.work()
    ctx.advance_video("processing")
    path = artifacts.stage(ctx, work)
    ctx.progress(None, "probe")
    ffmpeg = artifacts.ffmpeg(ctx)
    measured, document, path = measure(ffmpeg, path, artifacts.folder(ctx, "probe"))
    document["left_out"], document["joined"] = list(measured.left_out), list(measured.joined)
    ctx.progress(0.5, "hash")
    digest = essence(ffmpeg, path, measured, artifacts.folder(ctx, "out"))
    columns = {**measured.columns(), "essence_sha256": digest}
    ctx.on_complete(lambda conn: media.record_probe(conn, work.asset_id, columns, document))
    shown = ("kind", "duration_seconds", "width", "height", "video_codec", "audio_codec", "hdr")
    return {**{name: columns[name] for name in shown}, "left_out": document["left_out"], "joined": document["joined"]}
