"""What a SQL function returned, as typed values: the one way in which the rooms' modules ask."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import psycopg
from psycopg.rows import class_row, scalar_row

Connection = psycopg.Connection[Any]
Row = TypeVar("Row")


def rows(conn: Connection, kind: type[Row], statement: Any, arguments: Sequence[Any] = ()) -> list[Row]:
    """All rows, as instances of the dataclass `kind`, which has to know every column."""
    with conn.cursor(row_factory=class_row(kind)) as cursor:
        return cursor.execute(statement, arguments).fetchall()


def scalar(conn: Connection, statement: Any, arguments: Sequence[Any] = ()) -> Any:
    """The one value that a function returned; None for null."""
    with conn.cursor(row_factory=scalar_row) as cursor:
        return cursor.execute(statement, arguments).fetchone()
