"""The private Postgres of the benchmark: durable, on a disk, thrown away afterwards; and its counters."""

from __future__ import annotations

import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import psycopg
from psycopg import sql

from benchmarks import machine
from demo import postgres

SETTINGS = {
    "shared_buffers": "1GB",
    "max_wal_size": "4GB",
    "max_connections": "100",
    # A checkpoint in the middle of a drain would put full pages into its WAL: there is one before each measure instead.
    "checkpoint_timeout": "1h",
}
COUNTING = {"shared_preload_libraries": "pg_stat_statements", "pg_stat_statements.max": "10000"}
DATABASE = "bench"
WATCHER = "bench_watcher"  # whose statements are ours and do not count
STATS_WAIT_S = 0.3  # backends hand in their counts when they exit


@dataclass(frozen=True, slots=True)
class Counters:
    """Totals of the server and of the benchmark's database so far."""

    wal_bytes: float
    buffers: float  # shared blocks hit and read
    xacts: float  # commits and rollbacks
    cpu_s: float


class Bench:
    """A running server and one database on it which is new for each measure."""

    def __init__(self, server: postgres.Server, *, statements: bool) -> None:
        self._server = server
        self.statements = statements  # pg_stat_statements counts buffers, else pg_stat_database does
        with psycopg.connect(server.url(), autocommit=True) as conn:
            conn.execute(sql.SQL("create role {} superuser login").format(sql.Identifier(WATCHER)))
            if statements:
                conn.execute("create extension pg_stat_statements")
        self._watch = psycopg.connect(self._watcher("postgres"), autocommit=True)

    @property
    def dsn(self) -> str:
        """The benchmark's database."""
        return self._server.url(DATABASE)

    @property
    def version(self) -> str:
        """The server's version."""
        return str(self._value("show server_version"))

    @property
    def pgbench(self) -> Path | None:
        """The program pgbench, which not every set of binaries has."""
        beside = self._server.binaries.folder / "pgbench"
        found = str(beside) if beside.exists() else shutil.which("pgbench")
        return Path(found) if found else None

    def buffers_from(self) -> str:
        """Where the buffer counts come from."""
        return "pg_stat_statements" if self.statements else "pg_stat_database"

    def fresh(self) -> None:
        """An empty database, and a checkpoint. What comes then writes to new pages: no full-page images."""
        name = sql.Identifier(DATABASE)
        self._watch.execute(sql.SQL("drop database if exists {} with (force)").format(name))
        self._watch.execute(sql.SQL("create database {}").format(name))
        self.checkpoint()

    def checkpoint(self) -> None:
        """Write everything down."""
        self._watch.execute("checkpoint")

    def count(self, *, all_gone: bool = False) -> Counters:
        """The counters now. `all_gone`: the clients have just left, so wait for what they hand in."""
        if all_gone:
            time.sleep(STATS_WAIT_S)
        row = self._watch.execute(
            "select xact_commit + xact_rollback, blks_hit + blks_read from pg_stat_database where datname = %s", [DATABASE]
        ).fetchone()
        xacts, blocks = row or (0, 0)
        if self.statements:
            blocks = self._value(
                "select coalesce(sum(shared_blks_hit + shared_blks_read), 0) from pg_stat_statements "
                "where dbid = (select oid from pg_database where datname = %s) and userid <> %s::regrole",
                [DATABASE, WATCHER],
            )
        wal = self._value("select pg_current_wal_insert_lsn() - '0/0'")
        return Counters(float(wal), float(blocks), float(xacts), self.cpu_s())

    def cpu_s(self) -> float:
        """CPU seconds of the server so far."""
        pid = self._server.pid
        return machine.server_cpu(pid) if pid is not None else 0.0

    def forget_statements(self) -> None:
        """Reset pg_stat_statements, so that it never runs out of room."""
        if self.statements:
            self._watch.execute("select pg_stat_statements_reset()")

    @contextmanager
    def session(self) -> Iterator[psycopg.Connection[Any]]:
        """A connection to the benchmark's database whose statements do not count."""
        with psycopg.connect(self._watcher(DATABASE), autocommit=True) as conn:
            yield conn

    def _watcher(self, database: str) -> str:
        return self._server.url(database).replace("postgres@", f"{WATCHER}@", 1)

    def _value(self, query: str, given: list[Any] | None = None) -> Any:
        row = self._watch.execute(query.encode(), given).fetchone()
        return row[0] if row else None

    def close(self) -> None:
        """Close our own connection."""
        self._watch.close()


def _leave(number: int, _frame: FrameType | None) -> None:
    """Unwind, so that everything that was started is stopped."""
    raise SystemExit(128 + number)


@contextmanager
def running(folder: Path, which: str | None = None) -> Iterator[Bench]:
    """A durable server below `folder`, stopped and removed at the end."""
    folder.mkdir(parents=True, exist_ok=True)
    place = Path(tempfile.mkdtemp(prefix="server-", dir=folder))
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)  # the server would outlive us
    started: list[postgres.Server] = []
    try:
        statements = True
        try:
            started.append(postgres.persistent(place, postgres.choose(which), SETTINGS | COUNTING))
        except postgres.PostgresError as error:
            if "pg_stat_statements" not in str(error):
                raise
            statements = False
            started.append(postgres.persistent(place, postgres.choose(which), SETTINGS))
        bench = Bench(started[0], statements=statements)
        try:
            yield bench
        finally:
            bench.close()
    finally:
        for server in started:
            server.stop()
            shutil.rmtree(server.folder, ignore_errors=True)
        shutil.rmtree(place, ignore_errors=True)
