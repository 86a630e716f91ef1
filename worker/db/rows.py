"""What a SQL function returned, as typed values: how the modules of worker/rooms call functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import psycopg
from psycopg.pq import TransactionStatus
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


def need_transaction(conn: Connection, what: str) -> None:
    """ValueError where each statement is a transaction of its own: what holds until the end of one would be over before the next."""
    if conn.autocommit and conn.info.transaction_status == TransactionStatus.IDLE:
        raise ValueError(f"{what} must come within a transaction: with conn.transaction(): …")
