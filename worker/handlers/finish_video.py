"""finish_video: the last step of a pipeline; the video and its asset become `ready`.

Reads the video's row; the database refuses (not_allowed) when nothing was made of the video or
another step has failed it. Writes the two statuses. Safe to run twice: the second changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from reelq.worker import db
from reelq.worker.jobs.context import JobContext
from reelq.worker.rooms import media


@dataclass(frozen=True, slots=True)
class Args:
    """Nothing to say: the job's video is all it needs."""


def run(_args: Args, ctx: JobContext) -> dict[str, Any]:
    """Mark the job's video ready, in the transaction that completes the job."""
    video_id = ctx.video_id

    def write(conn: db.Connection) -> None:
        media.finish_video(conn, video_id)

    ctx.on_complete(write)
    return {}
