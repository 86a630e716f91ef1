"""The one way of a job's bytes into a store: asked for, registered, put, finished.

    media.find_object     the tenant has the same bytes in that bucket already: nothing is uploaded
    queue.begin_object    a row, under the token, before the first byte: whatever is killed, no byte is without one
    store.put
    media.finish_object   the object that counts: of two who store the same bytes at once the second gets the first's

Nobody knows of the object until the transaction that completes the job refers to it (media.use_object). What is killed on the way leaves
a row that a sweep finds.
"""

from __future__ import annotations

from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Protocol
from uuid import UUID

from reelq.worker import db
from reelq.worker.errors import LeaseLost
from reelq.worker.rooms import media, queue
from reelq.worker.rooms.queue.jobs import ClaimedJob
from reelq.worker.stop import StopSignal
from reelq.worker.stores.base import OnBytes, StoredObject, digest_chunks
from reelq.worker.stores.disk import disk_side, guarded
from reelq.worker.stores.open import Store


@dataclass(frozen=True, slots=True)
class RegisteredObject(StoredObject):
    """An object that is in a store and in media.objects; to be referred to when the job completes."""

    object_id: UUID
    bucket: str
    is_new: bool  # False: the tenant had these bytes already


class Storing(Protocol):
    """The half of a JobContext that is needed here."""

    job: ClaimedJob
    stop: StopSignal
    pool: db.Pool

    @property
    def store(self) -> Store:
        """Where the tenant's new objects go."""


def store_object(
    ctx: Storing, key: str, path: Path, content_type: str, tenant_id: UUID | None, *, on_progress: OnBytes | None = None
) -> RegisteredObject:
    """Have the file's bytes in the store of the job's tenant. The key that comes back may be another one than `key`.

    Raises:
        PermanentError, TransientError: as Store.put.
        StopRequested: also when the lease is lost.
    """
    store = ctx.store
    alive = None if on_progress is None else lambda *_: on_progress(0, None)  # a long read is no stall
    with disk_side(), FileIO(path) as source:
        size, digest = digest_chunks(guarded(source, disk_side), stop=ctx.stop, on_progress=alive)
    found = ctx.pool.insist(ctx.stop, media.find_object, tenant_id, store.bucket, digest, size)
    if found is not None:
        if on_progress is not None:
            on_progress(size, size)
        return RegisteredObject(found.key, size, digest, found.id, store.bucket, is_new=False)
    try:
        begun = ctx.pool.insist(ctx.stop, queue.begin_object, ctx.job.job_id, ctx.job.token, tenant_id, store.bucket, key, content_type)
    except LeaseLost:
        ctx.stop.set("lease_lost")
        ctx.stop.check()
        raise
    stored = store.put(key, path, content_type, stop=ctx.stop, on_progress=on_progress)
    counts = ctx.pool.insist(ctx.stop, media.finish_object, begun, stored.size_bytes, stored.sha256)
    return RegisteredObject(counts.key, stored.size_bytes, stored.sha256, counts.id, store.bucket, is_new=counts.id == begun)
