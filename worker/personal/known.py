"""The stores that rows name, each proved to be the one that it was: an unmounted share has no object, and everything in it would seem erased."""

from __future__ import annotations

from reelq.worker.db.rows import Connection
from reelq.worker.rooms import media
from reelq.worker.settings import Settings
from reelq.worker.stores.open import Store, check_holds_something, open_bucket


class KnownStores:
    """Opens a store when a row names its bucket."""

    def __init__(self, conn: Connection, settings: Settings) -> None:
        self._conn, self._settings = conn, settings
        self._open: dict[str, Store] = {}

    def find(self, bucket: str) -> Store | None:
        """The store of that bucket, with the credentials of the settings; None: no worker has ever used it, and no row names it.

        Raises:
            SettingsError: it is no bucket.
            TransientError: "store_away", it is not the store that it was.
        """
        if bucket not in self._open:
            store = open_bucket(self._settings, bucket, media.store_region(self._conn, bucket))
            known = media.find_store(self._conn, bucket)
            if not known.has_objects:
                return None
            if known.mark is None:
                check_holds_something(store)
            store.expected = known.mark
            store.may_adopt = False
            self._open[bucket] = store
        return self._open[bucket]
