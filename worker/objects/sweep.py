"""Delete the bytes of what nothing refers to: SQL decides which, this deletes, the bytes first and then the row.

Killed at any step the next sweep goes on: what is condemned stays so until its bytes are gone. Two sweeps at once do the same work twice and no harm:
a key is never written again. A store that does not show the mark that the database knows, or bears another's, is left alone, and so is an object in
another tenant's bucket. While everything is paused nothing is deleted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import groupby
from uuid import UUID

from reelq.worker.db.rows import Connection
from reelq.worker.errors import JobError
from reelq.worker.objects.stores import ProvedStores, reason
from reelq.worker.rooms import objects
from reelq.worker.stores.base import Store

WALK, PAGE = 5000, 500  # rows of a transaction: looked at, deleted
LEFTOVERS = timedelta(days=1)


@dataclass(slots=True)
class Swept:
    """What a sweep did."""

    looked_at: int = 0
    unreferenced: int = 0  # since now: their grace begins
    litter: int = 0  # of attempts that are over: the same
    condemned: int = 0
    deleted: int = 0
    leftovers: int = 0  # broken uploads and files of puts that were killed
    skipped: dict[str, str] = field(default_factory=dict)  # bucket → why it was left alone
    foreign: int = 0  # objects that lie in another tenant's bucket

    @property
    def is_clean(self) -> bool:
        """Whether nothing was left alone that should have gone."""
        return not self.skipped and not self.foreign


def run(conn: Connection, stores: ProvedStores, tell: Callable[[Swept], None] = lambda _: None) -> Swept:
    """Mark, condemn, delete; and tidy the stores that are known."""
    done = Swept(skipped=stores.held())
    if done.skipped:
        return done
    mark(conn, done, tell)
    while (count := objects.condemn_objects(conn, PAGE)) != 0:
        done.condemned += count or 0
        tell(done)
    delete(conn, stores, done, tell)
    for bucket in stores.known():
        store = stores.find(bucket, done.skipped)
        if store is not None:
            try:
                done.leftovers += store.sweep(LEFTOVERS.total_seconds())
            except JobError as error:
                done.skipped[bucket] = reason(error)
    return done


def mark(conn: Connection, done: Swept, tell: Callable[[Swept], None]) -> None:
    """Walk over the register, a page at a time."""
    after = None
    while (litter := objects.mark_litter(conn, after, PAGE)).seen:
        done.litter, after = done.litter + litter.marked, litter.last_id
    after = None
    while (page := objects.mark_unreferenced(conn, after, WALK)).seen:
        done.looked_at, done.unreferenced, after = done.looked_at + page.seen, done.unreferenced + page.marked, page.last_id
        tell(done)


def delete(conn: Connection, stores: ProvedStores, done: Swept, tell: Callable[[Swept], None]) -> None:
    """Delete what is condemned, also by sweeps before this one."""
    after = None
    while page := objects.list_condemned(conn, after, PAGE, list(done.skipped)):
        after = page[-1].id
        gone = []
        for bucket, some in groupby(sorted(page, key=lambda one: one.bucket), key=lambda one: one.bucket):
            store = stores.find(bucket, done.skipped)
            if store is None:
                continue
            emptied = delete_bytes(store, list(some), done)
            # A share that went while it was emptied has its objects still: then their rows stay.
            if stores.find(bucket, done.skipped) is not None:
                gone += emptied
        done.deleted += objects.forget_objects(conn, gone)
        tell(done)


def delete_bytes(store: Store, some: list[objects.Condemned], done: Swept) -> list[UUID]:
    """Delete objects of one store; which are gone. The first that the store refuses ends it: the store is left alone from there on."""
    gone = []
    for one in some:
        if one.bucket_tenant_id is not None and one.bucket_tenant_id != one.tenant_id:
            done.foreign += 1
            continue
        try:
            store.delete(one.key)
        except JobError as error:
            done.skipped[one.bucket] = reason(error)
            break
        gone.append(one.id)
    return gone
