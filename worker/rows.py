"""What a SQL function returned, as typed values: the one way in which the rooms' modules ask."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

import psycopg
from psycopg import generators, pq
from psycopg.adapt import Transformer
from psycopg.rows import class_row, scalar_row

Connection = psycopg.Connection[Any]
Row = TypeVar("Row")
Tuple = TypeVar("Tuple", bound=NamedTuple)


def rows(conn: Connection, kind: type[Row], statement: Any, arguments: Sequence[Any] = ()) -> list[Row]:
    """All rows, as instances of the dataclass `kind`, which has to know every column."""
    with conn.cursor(row_factory=class_row(kind)) as cursor:
        return cursor.execute(statement, arguments).fetchall()


def tuples(conn: Connection, kind: type[Tuple], statement: Any, arguments: Sequence[Any] = ()) -> list[Tuple]:
    """All rows, as instances of the named tuple `kind`, which has to know every column in its place.

    For rows by the thousand: a third of the cost of `rows`, and binary, which also costs the server less.
    """

    def maker(cursor: psycopg.Cursor[Any]) -> Callable[[Sequence[Any]], Tuple]:
        return fitting(kind, cursor.pgresult)  # its description would make an object for each column

    with conn.cursor(binary=True, row_factory=maker) as cursor:
        return cursor.execute(statement, arguments).fetchall()


def fitting(kind: type[Tuple], told: pq.abc.PGresult | None) -> Callable[[Sequence[Any]], Tuple]:
    """What makes a `kind` of a row, if these are its columns."""
    names = [told.fname(n) for n in range(told.nfields)] if told else []
    if names != [field.encode() for field in kind._fields]:
        raise TypeError(f"{kind.__name__} does not fit the columns {names}")
    return kind._make


class Asked(Generic[Tuple]):
    """A statement that was sent and is answered later, so that both sides work meanwhile.

    psycopg waits for each answer; this sends and fetches with its means, one statement at a time. Until `wait` has
    returned the connection is good for nothing else.
    """

    def __init__(self, conn: Connection, kind: type[Tuple], statement: bytes, arguments: Sequence[str | None]) -> None:
        self._conn = conn
        self._kind = kind
        self._told: pq.abc.PGresult | None = None
        given = [one if one is None else one.encode() for one in arguments]
        conn.pgconn.send_query_params(statement, given, result_format=pq.Format.BINARY)
        conn.wait(generators.send(conn.pgconn))

    def is_answered(self) -> bool:
        """Whether `wait` would return or raise at once."""
        try:
            self._conn.pgconn.consume_input()
        except psycopg.OperationalError:
            return True
        return not self._conn.pgconn.is_busy()

    def wait(self) -> pq.abc.PGresult:
        """The answer, its rows not yet read.

        Raises:
            psycopg.Error: as execute does.
        """
        (self._told,) = self._conn.wait(generators.fetch_many(self._conn.pgconn))
        if self._told.status != pq.ExecStatus.TUPLES_OK:
            raise psycopg.errors.error_from_result(self._told, encoding=self._conn.info.encoding)
        return self._told

    def rows(self) -> list[Tuple]:
        """The rows of the answer."""
        if self._told is None:
            self.wait()
        assert self._told is not None
        reader = Transformer(self._conn)
        reader.set_pgresult(self._told, set_loaders=True, format=pq.Format.BINARY)
        return reader.load_rows(0, self._told.ntuples, fitting(self._kind, self._told))


def scalar(conn: Connection, statement: Any, arguments: Sequence[Any] = ()) -> Any:
    """The one value that a function returned; None for null."""
    with conn.cursor(row_factory=scalar_row) as cursor:
        return cursor.execute(statement, arguments).fetchone()
