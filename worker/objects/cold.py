"""Cold storage: what was not used for long goes there, and what is asked for comes back. The register's state follows what the store says.

A move is asked for when its row has been committed, so that whoever is killed leaves a row that says cooling or restoring: the next round asks the
store how the object stands, and asks again where nothing has begun. While everything is paused nothing is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from reelq.worker.db.rows import Connection
from reelq.worker.errors import JobError, PermanentError
from reelq.worker.objects.stores import ProvedStores, reason
from reelq.worker.rooms import objects
from reelq.worker.stores.base import Storage, Store

WALK, PAGE = 5000, 200
RESTORED_DAYS = 7  # how long a copy that was called back can be read


@dataclass(slots=True)
class Moved:
    """What a round did."""

    begun: int = 0  # cooling since now
    cold: int = 0
    restoring: int = 0  # still on their way
    restored: int = 0
    missing: int = 0
    skipped: dict[str, str] = field(default_factory=dict)  # bucket → why it was left alone


def run(conn: Connection, stores: ProvedStores, *, begin: bool = True) -> Moved:
    """Begin with what is unused for long, unless `begin` is False, and follow all that is on its way."""
    done = Moved(skipped=stores.held())
    begin = begin and not done.skipped
    after = None
    while begin and (page := objects.begin_cooling(conn, after, WALK)).seen:
        done.begun, after = done.begun + page.begun, page.last_id
    after = None
    while some := objects.list_moving(conn, after, PAGE):
        after = some[-1].id
        for one in some:
            store = stores.find(one.bucket, done.skipped)
            if store is None:
                continue
            try:
                follow(conn, store, one, done)
            except PermanentError as error:
                if error.code != "object_missing":
                    raise
                objects.set_fault(conn, [one.id], "missing")
                done.missing += 1
            except JobError as error:
                done.skipped[one.bucket] = reason(error)
    return done


def follow(conn: Connection, store: Store, one: objects.Moving, done: Moved) -> None:
    """A step of one object."""
    stands = store.storage(one.key)
    if one.storage_class == "restoring":
        if stands is not None and stands.class_ == "cold":
            store.restore(one.key, RESTORED_DAYS)
            stands = store.storage(one.key)
        if stands is not None and stands.class_ == "hot":  # a folder's: it is back, and goes again when its time is over
            stands = Storage("restored")
    elif stands is not None and stands.class_ == "hot":  # cooling, or a folder's that was restored for a while
        store.cool(one.key)
        stands = store.storage(one.key)
    if stands is None:
        raise PermanentError("object_missing", "The stored object is not there.", detail=one.key)
    settle(conn, one, stands, done)


def settle(conn: Connection, one: objects.Moving, stands: Storage, done: Moved) -> None:
    """Write down how it stands."""
    known = objects.settle_storage(conn, one.id, one.storage_class, stands.class_, stands.until, RESTORED_DAYS)
    done.cold += known == "cold"
    done.restoring += known == "restoring"
    done.restored += known == "restored"


def ask(conn: Connection, store: Store, key: str, days: int = RESTORED_DAYS) -> str:
    """Ask for a cold object; how it stands afterwards. The row is committed first.

    Raises:
        NotFound: the register does not know it.
        JobError: of the store; then the next round asks again.
    """
    wanted = objects.request_restore(conn, store.bucket, key)
    if wanted.storage_class != "restoring":
        return wanted.storage_class
    store.restore(key, days)
    stands = store.storage(key)
    if stands is None:
        return wanted.storage_class
    if stands.class_ == "hot":
        stands = Storage("restored")
    return objects.settle_storage(conn, wanted.id, "restoring", stands.class_, stands.until, days)
