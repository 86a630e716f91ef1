"""The store as a worker uses it: it has to bear the mark that the database remembers.

A worker that starts while a share is not mounted sees an empty folder, and cannot know by itself that this is not the store.
"""

from __future__ import annotations

from reelq.worker import db
from reelq.worker.errors import TransientError
from reelq.worker.rooms import media
from reelq.worker.settings import Settings
from reelq.worker.stores.open import Store, open_store


def open_known_store(settings: Settings, pool: db.Pool) -> Store:
    """The store of the settings, which will refuse to be used while it is not the one that is known.

    Raises:
        SettingsError, DatabaseAway.
        TransientError: of the store, as "store_away".
    """
    store = open_store(settings)
    known = pool.call(media.find_store, store.bucket)
    mark = known.mark
    if mark is None:
        if known.has_objects and store.is_empty():
            detail = f"{store.bucket} is empty, and media.assets and media.variants name objects in it: is it mounted?"
            raise TransientError("store_away", "The object store is not there.", detail=detail)
        mark = pool.call(media.register_store, store.bucket, store.adopt())
    store.expected = mark
    return store
