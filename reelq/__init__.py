"""The public face of reelq: what a job type of your own and an application that enqueues import, and nothing else.

docs/jobs.md shows each of these names at work; a test compares the lists. Whatever is imported from further inside
may change with any release. Names are loaded when they are asked for, so that `reelq --help` loads nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reelq.worker import __version__ as __version__
    from reelq.worker.av.ffmpeg import FFmpegRun as FFmpegRun
    from reelq.worker.errors import JobError as JobError
    from reelq.worker.errors import PermanentError as PermanentError
    from reelq.worker.errors import RateLimitedError as RateLimitedError
    from reelq.worker.errors import ReelqError as ReelqError
    from reelq.worker.errors import SnoozeError as SnoozeError
    from reelq.worker.errors import StopRequested as StopRequested
    from reelq.worker.errors import TransientError as TransientError
    from reelq.worker.jobs.arguments import Pattern as Pattern
    from reelq.worker.jobs.arguments import Range as Range
    from reelq.worker.jobs.context import JobContext as JobContext
    from reelq.worker.jobs.declare import Retry as Retry
    from reelq.worker.jobs.declare import job_type as job_type
    from reelq.worker.rooms.queue.bulk import Enqueued as Enqueued
    from reelq.worker.rooms.queue.bulk import JobSpec as JobSpec
    from reelq.worker.rooms.queue.bulk import enqueue_jobs as enqueue_jobs
    from reelq.worker.rooms.queue.jobs import enqueue_job as enqueue_job
    from reelq.worker.stores.base import StoredObject as StoredObject

FACE = {
    "__version__": "reelq.worker",
    "Enqueued": "reelq.worker.rooms.queue.bulk",
    "FFmpegRun": "reelq.worker.av.ffmpeg",
    "JobContext": "reelq.worker.jobs.context",
    "JobError": "reelq.worker.errors",
    "JobSpec": "reelq.worker.rooms.queue.bulk",
    "Pattern": "reelq.worker.jobs.arguments",
    "PermanentError": "reelq.worker.errors",
    "Range": "reelq.worker.jobs.arguments",
    "RateLimitedError": "reelq.worker.errors",
    "ReelqError": "reelq.worker.errors",
    "Retry": "reelq.worker.jobs.declare",
    "SnoozeError": "reelq.worker.errors",
    "StopRequested": "reelq.worker.errors",
    "StoredObject": "reelq.worker.stores.base",
    "TransientError": "reelq.worker.errors",
    "enqueue_job": "reelq.worker.rooms.queue.jobs",
    "enqueue_jobs": "reelq.worker.rooms.queue.bulk",
    "job_type": "reelq.worker.jobs.declare",
}
__all__ = [name for name in FACE if not name.startswith("_")]


def __getattr__(name: str) -> Any:
    """A name of the face, loaded now."""
    if name not in FACE:
        raise AttributeError(f"module 'reelq' has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(FACE[name]), name)
    return found


def __dir__() -> list[str]:
    """What there is, for completion in a shell."""
    return sorted(FACE)
