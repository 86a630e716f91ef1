"""The store as a worker uses it: it has to bear the mark that the database remembers.

A worker that starts while a share is not mounted sees an empty folder, and cannot know by itself that this is not the store.
"""

from __future__ import annotations

from reelq.worker import db
from reelq.worker.rooms import media
from reelq.worker.settings import Settings
from reelq.worker.stores.open import Store, check_holds_something, open_store


def open_known_store(settings: Settings, pool: db.Pool) -> Store:
    """The store of the settings, which will refuse to be used while it is not the one that is known.

    Raises:
        SettingsError, DatabaseAway.
        TransientError: of the store, as "store_away".
    """
    store = open_store(settings)
    learn_mark(store, pool)
    return store


def learn_mark(store: Store, pool: db.Pool) -> None:
    """Let the store show the mark that the database knows now: an operator may have accepted another one.

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
