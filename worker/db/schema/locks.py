"""Locks that claims and enqueues would wait for: asked for in short, tried again, told when they cannot be had.

While a statement waits for a strong lock on a table, all who come later wait behind it. So none waits longer than BUDGET_MS, and a
file that holds a strong lock already asks for the next ones within what is left of that. What is not had by then is taken
back and tried again after a pause, in which the others get on with their work.

`create index concurrently` and its like hold up neither readers nor writers, so those wait as long as the operator does.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import psycopg
from psycopg.sql import SQL

from reelq.worker.db.schema import drift
from reelq.worker.db.schema.files import ASIDE, SchemaError
from reelq.worker.errors import TRY_AGAIN

BUDGET_MS = 200  # how long anybody may wait behind an upgrade
LEAST_MS = 1  # 0 would mean for ever
PATIENCE_S = 60  # how long an upgrade tries again
PAUSES_S = (0.1, 5.0)  # the first pause and the longest; they double, with jitter

# What lets nobody write, or nobody read; not the locks of `concurrently`, `validate constraint` and vacuum.
STRONG = """
select from pg_locks
where pid = pg_backend_pid() and locktype = 'relation' and granted and relation = any(%s::oid[])
    and mode in ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
limit 1
"""
TABLES = """
select c.oid, c.oid::regclass::text from pg_class as c inner join pg_namespace as n on n.oid = c.relnamespace
where n.nspname = any(%s) and c.relkind in ('r', 'p')
"""
# The session with the oldest transaction among those that hold any lock on one of these.
HOLDER = """
select a.pid, coalesce(a.usename::text, a.backend_type), a.application_name, l.relation::regclass::text,
    extract(epoch from clock_timestamp() - a.xact_start)::bigint
from pg_locks as l inner join pg_stat_activity as a on a.pid = l.pid
where l.locktype = 'relation' and l.relation = any(%s::oid[]) and l.granted and a.pid <> pg_backend_pid()
    and l.database = (select oid from pg_database where datname = current_database())
order by a.xact_start nulls last limit 1
"""
HINT = "End the transaction, as by select pg_terminate_backend(pid), or wait longer with --wait, and run this again: it goes on from there."
NOT_HAD = (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected)
Result = TypeVar("Result")


class SchemaBusy(SchemaError):
    """A lock was not to be had for as long as the operator waits. Nothing of that file stays; those before it do."""

    exit_code = TRY_AGAIN


def tables(conn: psycopg.Connection[Any], rooms: list[str]) -> dict[str, int]:
    """The tables that are there now: name, oid. What a file makes itself, nobody waits for."""
    return {name: oid for oid, name in drift.rows(conn, TABLES, [rooms])}


def are_held(conn: psycopg.Connection[Any], standing: dict[str, int]) -> bool:
    """Whether this session holds a strong lock on one of these tables."""
    return bool(drift.rows(conn, STRONG, [list(standing.values())]))


def wait_at_most(conn: psycopg.Connection[Any], ms: float) -> None:
    """From here on no statement waits longer for a lock."""
    conn.execute("select set_config('lock_timeout', %s, false)", [f"{max(int(ms), LEAST_MS)}ms"])


def cancel_autovacuum_soon(conn: psycopg.Connection[Any], soon: bool = True) -> None:
    """Have autovacuum give way within our wait: it does when somebody has waited for deadlock_timeout. Only a superuser may say so."""
    try:
        conn.execute(SQL("set deadlock_timeout = {}").format(BUDGET_MS // 2) if soon else "reset deadlock_timeout")
    except psycopg.errors.InsufficientPrivilege:
        pass  # then it is waited for


class Budget:
    """How long the rest of a transaction may wait for locks: BUDGET_MS in all from the first strong one on; `since` when it was had."""

    def __init__(self, conn: psycopg.Connection[Any], standing: dict[str, int]) -> None:
        self._conn = conn
        self._standing = standing
        self.since: float | None = None

    def run(self, statement: str) -> None:
        """Run one statement within what is left."""
        began = time.monotonic()
        left = BUDGET_MS if self.since is None else BUDGET_MS - (began - self.since) * 1000
        wait_at_most(self._conn, left)
        self._conn.execute(statement.encode(), prepare=False)
        if self.since is None and are_held(self._conn, self._standing):
            self.since = began


def patiently(
    conn: psycopg.Connection[Any], do: Callable[[], Result], what: str, text: str, standing: dict[str, int], patience_s: float
) -> Result:
    """Do it again and again, with pauses, until it gets its locks; `do` leaves nothing when it does not.

    Raises:
        SchemaBusy: it did not for `patience_s`.
    """
    deadline, pauses = time.monotonic() + patience_s, _pauses()
    while True:
        try:
            return do()
        except NOT_HAD as error:
            left = deadline - time.monotonic()
            if left <= 0:
                told = f"{what} did not get its locks within {patience_s:g} s: {_blame(conn, text, standing)}"
                kept = "Nothing of that file stays, and what was applied before it does." if what.startswith("sql/") else "Nothing of it was changed."
                raise SchemaBusy(told, f"{kept} {HINT}") from error
        time.sleep(min(next(pauses), left))


def _pauses() -> Iterator[float]:
    pause, longest = PAUSES_S
    while True:
        yield pause * random.uniform(0.5, 1)
        pause = min(2 * pause, longest)


def _blame(conn: psycopg.Connection[Any], text: str, standing: dict[str, int]) -> str:
    """Who holds what the file asks for, as far as can be told now."""
    said = set(re.findall(r"[a-z_0-9]+\.[a-z_0-9]+", ASIDE.sub(" ", text)))
    for pid, who, program, table, held_s in drift.rows(conn, HOLDER, [[standing[name] for name in said & standing.keys()]]):
        name = ", ".join(part for part in (who, program) if part)
        age = "" if held_s is None else f"; its transaction began {held_s} s ago"
        return f"pid {pid} ({name}) holds {table}{age}"
    return "others held them each time"
