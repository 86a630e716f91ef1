"""The stores as a worker uses them: each has to bear the mark that the database remembers.

A worker that starts while a share is not mounted sees an empty folder, and cannot know by itself that this is not the store.
What is new goes to the bucket of the job's tenant where it has one, else to the store of the settings; what is there is read from the
bucket that its row names.
"""

from __future__ import annotations

import threading
from uuid import UUID

from reelq.worker import db
from reelq.worker.rooms import media
from reelq.worker.settings import Settings
from reelq.worker.stores.open import Store, check_holds_something, open_bucket, open_store


class WorkerStores:
    """Opens a store when it is first needed. Safe to share between threads."""

    def __init__(self, settings: Settings, pool: db.Pool) -> None:
        self._settings, self._pool = settings, pool
        self._lock = threading.Lock()
        self._open: dict[str, Store] = {}
        self._common: str | None = None  # how the store of the settings calls itself

    def common(self) -> Store:
        """The store of the settings, which will refuse to be used while it is not the one that is known.

        Raises:
            SettingsError, DatabaseAway.
            TransientError: of the store, as "store_away".
        """
        if self._common is None:
            store = open_store(self._settings)
            self._common = store.bucket
            self._keep(store)
        return self._known(self._common)

    def of_tenant(self, tenant_id: UUID | None) -> Store:
        """Where a tenant's new objects go. Raises as `common`."""
        own = None if tenant_id is None else self._pool.call(media.tenant_store, tenant_id)
        return self.common() if own is None else self.at(own.bucket, own.region)

    def at(self, bucket: str, region: str | None = None) -> Store:
        """The store that an object's row names. Raises as `common`."""
        if bucket not in self._open:
            self._keep(open_bucket(self._settings, bucket, region or self._pool.call(media.store_region, bucket)))
        return self._known(bucket)

    def look(self) -> Store:
        """The store of the settings, with the mark that the database knows now: an operator may have accepted another one. Raises as `common`."""
        store = self.common()
        learn_mark(store, self._pool)
        return store

    def _keep(self, store: Store) -> None:
        with self._lock:
            self._open.setdefault(store.bucket, store)

    def _known(self, bucket: str) -> Store:
        store = self._open[bucket]
        # Those of tenants nobody looks at in between, so each attempt asks; the common one is looked at when there is a doubt.
        if store.expected is None or bucket != self._common:
            learn_mark(store, self._pool)
        return store


def learn_mark(store: Store, pool: db.Pool) -> None:
    """Let the store show the mark that the database knows now.

    Raises:
        DatabaseAway.
        TransientError: of the store, as "store_away".
    """
    known = pool.call(media.find_store, store.bucket)
    mark = known.mark
    if mark is None:
        if known.has_objects:
            check_holds_something(store)
        mark = pool.call(media.register_store, store.bucket, store.adopt())
    store.expected = mark
