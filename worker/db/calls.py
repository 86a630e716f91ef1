"""rows and scalar (rows.py) with errors of worker.errors, and `run` for what returns nothing.

For modules of worker/rooms that an application calls with a connection of its own: its handler catches NotAuthenticated, not a number.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from reelq.worker.db import rows as plain
from reelq.worker.db.connection import family
from reelq.worker.db.rows import Connection as Connection
from reelq.worker.db.rows import Row
from reelq.worker.db.rows import need_transaction as need_transaction


def rows(conn: Connection, kind: type[Row], statement: Any, arguments: Sequence[Any] = ()) -> list[Row]:
    """All rows, as instances of the dataclass `kind`, which has to know every column."""
    with family():
        return plain.rows(conn, kind, statement, arguments)


def scalar(conn: Connection, statement: Any, arguments: Sequence[Any] = ()) -> Any:
    """The one value that a function returned; None for null."""
    with family():
        return plain.scalar(conn, statement, arguments)


def run(conn: Connection, statement: Any, arguments: Sequence[Any] = ()) -> None:
    """Call what returns nothing."""
    with family():
        conn.execute(statement, arguments)
