"""Looking again and again, through restarts of the database."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import psycopg

    from reelq.cli.app import App
    from reelq.worker.errors import DatabaseAway

Seen = TypeVar("Seen")


def wait(seconds: float) -> bool:
    """Sleep; never asks to end."""
    time.sleep(seconds)
    return False


def watch(
    app: App,
    look: Callable[[psycopg.Connection[Any]], Seen],
    every_s: float,
    pause: Callable[[float], bool] | None = None,
) -> Iterator[Seen | DatabaseAway]:
    """Yield what `look` sees, every `every_s` seconds, until `pause` returns True.

    The first look raises when the database is away; later ones yield the error and try again.

    Raises:
        DatabaseAway, SchemaMismatch: at the first look.
    """
    from reelq.worker import db
    from reelq.worker.db import schema
    from reelq.worker.errors import DatabaseAway

    pause = pause or wait
    session = db.Session(app.settings, "reelq command", on_open=schema.require)
    lost = -1  # how many looks in a row found no database
    try:
        yield session.call(look)
        while not pause(every_s if lost < 0 else max(every_s, db.backoff(lost))):
            try:
                seen: Seen | DatabaseAway = session.call(look)
                lost = -1
            except DatabaseAway as error:
                seen, lost = error, lost + 1
            yield seen
    finally:
        session.close()
