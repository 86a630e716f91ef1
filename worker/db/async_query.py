"""A statement that is sent now and answered later, so that server and worker work side by side.

Only `settle_and_claim` and bulk enqueue need it; everything else asks through rows.py.
"""

from __future__ import annotations

import select
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar
from weakref import WeakKeyDictionary

import psycopg
from psycopg import abc, pq
from psycopg.adapt import Transformer

from reelq.worker.db.rows import Connection

Tuple = TypeVar("Tuple", bound=NamedTuple)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Stands for a value that Python cannot read, such as a whole number of ten thousand digits."""

    error: str


class AsyncQuery(Generic[Tuple]):
    """A statement that was sent and is answered later.

    With libpq's own calls: psycopg's cursor waits for each answer, and costs an idle worker a third of a millisecond more.
    The rows come as named tuples and in binary, for there may be thousands. Until `wait` has returned the connection
    can do nothing else.
    """

    def __init__(self, conn: Connection, kind: type[Tuple], statement: bytes, arguments: Sequence[str | None]) -> None:
        self._kind = kind
        self._wire = wire = _wires.get(conn) or _Wire(conn)
        self._pgconn = conn.pgconn
        given = [one if one is None else one.encode() for one in arguments]
        if conn.prepare_threshold is None:  # behind a pooler prepared statements do not last
            self._pgconn.send_query_params(statement, given, result_format=pq.Format.BINARY)
        else:
            self._pgconn.send_query_prepared(wire.prepared(statement), given, result_format=pq.Format.BINARY)
        while self._pgconn.flush():
            wire.until(select.POLLOUT | select.POLLIN)

    def is_answered(self) -> bool:
        """Whether `wait` would return or raise at once."""
        try:
            self._pgconn.consume_input()
        except psycopg.OperationalError:
            return True
        return not self._pgconn.is_busy()

    def wait(self) -> pq.abc.PGresult:
        """The answer, its rows not yet read.

        Raises:
            psycopg.Error: as execute does.
        """
        told = None
        while True:
            while self._pgconn.is_busy():
                self._wire.until(select.POLLIN)
            one = self._pgconn.get_result()
            if one is None:
                break
            told = told or one
        if told is None or told.status != pq.ExecStatus.TUPLES_OK:
            raise self._wire.refusal(told)
        return told

    def rows(self, told: pq.abc.PGresult) -> list[Tuple]:
        """The rows of an answer. A kind with a method `mend` is given what of a row cannot be read as Unreadable."""
        return self._wire.read(told, self._kind)


class _Wire:
    """What is kept for a connection: names of prepared statements, how its values are read."""

    def __init__(self, conn: Connection) -> None:
        self._pgconn = conn.pgconn
        self._encoding = conn.info.encoding
        self._names: dict[bytes, bytes] = {}
        self._readers: dict[type, abc.Transformer] = {}
        self._poll = select.poll()
        _wires[conn] = self

    def prepared(self, statement: bytes) -> bytes:
        """Its name on the server."""
        if statement not in self._names:
            name = f"reelq_{len(self._names)}".encode()
            told = self._pgconn.prepare(name, statement)
            if told.status != pq.ExecStatus.COMMAND_OK:
                raise self.refusal(told)
            self._names[statement] = name
        return self._names[statement]

    def until(self, events: int) -> None:
        """Wait for one of these events, and read what has come."""
        self._poll.register(self._pgconn.socket, events)
        self._poll.poll()
        self._pgconn.consume_input()

    def read(self, told: pq.abc.PGresult, kind: type[Tuple]) -> list[Tuple]:
        """Rows as instances of the named tuple `kind`, which has to know every column in its place."""
        reader = self._readers.get(kind)
        if reader is None:
            names = [told.fname(n) for n in range(told.nfields)]
            if names != [field.encode() for field in kind._fields]:
                raise TypeError(f"{kind.__name__} does not fit the columns {names}")
            reader = self._readers[kind] = Transformer(None)
            reader.set_pgresult(told, set_loaders=True, format=pq.Format.BINARY)
        reader.set_pgresult(told, set_loaders=False, format=pq.Format.BINARY)
        try:
            return reader.load_rows(0, told.ntuples, kind._make)
        except Exception:
            mend = getattr(kind, "mend", None)
            if mend is None:
                raise
            return [self._row(reader, told, row, kind, mend) for row in range(told.ntuples)]

    def _row(self, reader: abc.Transformer, told: pq.abc.PGresult, row: int, kind: type[Tuple], mend: Any) -> Tuple:
        """One row of an answer of which some row cannot be read."""
        try:
            return reader.load_rows(row, row + 1, kind._make)[0]
        except Exception:  # noqa: BLE001 - a loader may raise anything: ValueError, RecursionError, DataError
            values: list[Any] = []
            for column in range(told.nfields):
                given = told.get_value(row, column)
                try:
                    loader = reader.get_loader(told.ftype(column), pq.Format.BINARY)
                    values.append(None if given is None else loader.load(given))
                except Exception as error:  # noqa: BLE001 - as above
                    values.append(Unreadable(f"{kind._fields[column]}: {type(error).__name__}: {str(error)[:200]}"))
            mended: Tuple = mend(values)
            return mended

    def refusal(self, told: pq.abc.PGresult | None) -> psycopg.Error:
        """The error for an answer that is an error."""
        if told is None:
            return psycopg.OperationalError("the server sent no answer")
        return psycopg.errors.error_from_result(told, encoding=self._encoding)


_wires: WeakKeyDictionary[Connection, _Wire] = WeakKeyDictionary()
