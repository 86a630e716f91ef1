"""The stored original of a job's video, brought into scratch."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from reelq.worker.errors import PermanentError
from reelq.worker.jobs import cold_source
from reelq.worker.rooms import media
from reelq.worker.stores.base import OnBytes
from reelq.worker.stores.open import Store

NO_ORIGINAL = "The original is not stored yet; download_video has to run first."


class Reading(cold_source.Asking, Protocol):
    """The part of a JobContext that is needed here."""

    @property
    def reserve_scratch(self) -> Callable[[int], None]:
        """Refuse where so many bytes have no room."""

    def store_at(self, bucket: str) -> Store:
        """The store that an object's row names."""


def stage(ctx: Reading, work: media.VideoSource, path: Path, on_progress: OnBytes) -> Path:
    """Fetch the original to `path`, compare its checksum, and return `path`.

    Raises:
        PermanentError: "no_original"; "object_missing", "object_corrupt" of the store.
        TransientError: "no_scratch_room", and those of the store.
        SnoozeError: "object_archived", it is in cold storage and was asked for.
    """
    if work.key is None or work.bucket is None:
        raise PermanentError("no_original", NO_ORIGINAL)
    ctx.reserve_scratch(work.size_bytes or 0)
    cold_source.get(ctx, ctx.store_at(work.bucket), work.key, path, work.sha256, on_progress)
    ctx.pool.insist(ctx.stop, media.touch_object, work.bucket, work.key)
    return path
