"""The stores that rows name, each only while it shows the mark by which the database knows it."""

from __future__ import annotations

from reelq.worker.db.rows import Connection
from reelq.worker.errors import ReelqError
from reelq.worker.rooms import media
from reelq.worker.rooms.queue import limits
from reelq.worker.settings import Settings
from reelq.worker.stores.base import Store
from reelq.worker.stores.open import open_bucket

PAUSED = "everything is paused"


class ProvedStores:
    """Opens a store when a row names its bucket, and asks for its mark each time that it is used."""

    def __init__(self, conn: Connection, settings: Settings) -> None:
        self._conn, self._settings = conn, settings
        self._open: dict[str, Store] = {}

    def known(self) -> list[str]:
        """All buckets that a worker has ever used."""
        return media.list_stores(self._conn)

    def held(self) -> dict[str, str]:
        """Why no store is to be changed, by bucket: while everything is paused, as in a restored copy, which shares the stores; else nothing."""
        why = next((one for one in limits.list_pauses(self._conn) if one.scope == "all"), None)
        return {} if why is None else dict.fromkeys(self.known(), f"{PAUSED}: {why.reason}")

    def find(self, bucket: str, skipped: dict[str, str]) -> Store | None:
        """The store of that bucket; None when it is not to be touched, and `skipped` says why."""
        if bucket in skipped:
            return None
        try:
            store = self._open.get(bucket)
            if store is None:
                store = open_bucket(self._settings, bucket, media.store_region(self._conn, bucket))
                store.expected, store.may_adopt = media.find_store(self._conn, bucket).mark, False
                if store.expected is None:
                    skipped[bucket] = "no worker has used it, so that nobody knows its mark"
                    return None
                self._open[bucket] = store
            found = store.read_mark()
        except ReelqError as error:
            skipped[bucket] = reason(error)
            return None
        if found != store.expected:
            skipped[bucket] = "it does not show its mark: is it mounted?" if found is None else "it bears the mark of another store"
            return None
        return store


def reason(error: ReelqError) -> str:
    """One line for people."""
    detail = getattr(error, "detail", "")
    return f"{error}" + (f" ({detail})" if detail else "")
