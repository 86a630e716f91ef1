"""The upkeep: which task is due, who does it, how it went; and what some of them call. One line of SQL each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from psycopg.types.json import Jsonb

from reelq.worker.db.calls import Connection, rows, scalar


@dataclass(frozen=True, slots=True)
class Task:
    """A row of ops.list_tasks."""

    name: str
    state: str  # off, running, late, failed, due, ok
    cron: str
    next_at: datetime
    began_at: datetime | None
    ended_at: datetime | None
    succeeded_at: datetime | None
    outcome: str | None  # done, failed, later, interrupted
    error: str | None
    result: dict[str, Any] | None
    failures: int
    who: str | None
    enabled: bool
    owner_only: bool
    late_after: timedelta
    time_limit: timedelta
    about: str


@dataclass(frozen=True, slots=True)
class Begun:
    """What ops.begin_task answers."""

    outcome: str  # begun, not_due, busy, off, owner_only
    token: int | None
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Table:
    """A table to vacuum, or a partitioned one to analyse."""

    relation: str
    action: str
    size_bytes: int
    dead_rows: int


def list_tasks(conn: Connection) -> list[Task]:
    """All of them, in the order in which they are done."""
    return rows(conn, Task, "select * from ops.list_tasks()")


def set_task(conn: Connection, name: str, cron: str | None, late_after: timedelta | None, enabled: bool | None) -> datetime:
    """Change a task; when it is due next. NotFound, BadArgument."""
    return scalar(conn, "select ops.set_task(%s, %s, %s, %s)", [name, cron, late_after, enabled])  # type: ignore[no-any-return]


def begin_task(conn: Connection, name: str, who: str, anyway: bool) -> Begun:
    """Take a task, if it is due and nobody does it. NotFound when there is none of that name."""
    (answer,) = rows(conn, Begun, "select * from ops.begin_task(%s, %s, %s)", [name, who, anyway])
    return answer


def keep_task(conn: Connection, name: str, token: int) -> bool:
    """Say that it is still being done; False: stop."""
    return bool(scalar(conn, "select ops.keep_task(%s, %s)", [name, token]))


def end_task(conn: Connection, name: str, token: int, outcome: str, error: str | None, result: dict[str, Any] | None) -> bool:
    """Write down how it went; False: another session has taken it over."""
    arguments = [name, token, outcome, error, None if result is None else Jsonb(result)]
    return bool(scalar(conn, "select ops.end_task(%s, %s, %s, %s, %s)", arguments))


def tell_late_tasks(conn: Connection) -> int:
    """Write an event for each task that is late and of which none was written; how many."""
    return int(scalar(conn, "select ops.tell_late_tasks()"))



def relay_events(conn: Connection, limit: int) -> int:
    """Pass on events of the outbox; how many."""
    return int(scalar(conn, "select ops.relay_events(%s)", [limit]))


def prune_clock(conn: Connection, limit: int) -> int:
    """Remove what procrastinate has left; how many rows."""
    return int(scalar(conn, "select ops.prune_clock(%s)", [limit]))


def tables_to_vacuum(conn: Connection, hot: bool) -> list[Table]:
    """The tables that are to be vacuumed, small ones first; `hot`: where autovacuum is behind."""
    return rows(conn, Table, "select * from ops.tables_to_vacuum(%s)", [hot])
