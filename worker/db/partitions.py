"""Partitions: ops.maintain_partitions says what there is to do, and this module does what a function cannot.

DETACH … CONCURRENTLY runs outside transactions only. It takes no lock that would stop a reader or a
writer, but it waits for queries that read the parent, so it has a time limit. What is not done by then
stays half detached, a state that Postgres knows (`detaching`), and the next run ends it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

import psycopg
from psycopg import sql

from reelq.worker.db.rows import Connection, rows, scalar

WAIT_S = 10.0  # for one partition's readers; a report that runs longer is met again by the next run
SESSION = {
    "lock_timeout": "{ms}ms",
    "statement_timeout": "{ms}ms",  # several readers are waited for one after the other
    "client_connection_check_interval": "2s",  # when this is killed its lock is free soon
}
BY_HAND = ("skip", "keep")  # what no later run can put right
LATER = "left for the next run: {why}"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the maintenance."""

    parent: str | None
    partition: str | None
    action: str  # make, detach, finalize, drop, keep, skip, busy
    statement: str | None
    done: bool
    detail: str | None


@dataclass(frozen=True, slots=True)
class Partition:
    """A partition as it stands."""

    parent: str
    partition: str
    since: datetime
    until: datetime
    state: str  # ahead, current, kept, expired, detaching, detached
    rows_estimate: int | None  # None: never analysed
    size_bytes: int


def list_partitions(conn: Connection) -> list[Partition]:
    """The partitions of the tables that have a policy."""
    return rows(conn, Partition, "select * from ops.list_partitions()")


def steps(conn: Connection, dry_run: bool = False) -> list[Step]:
    """Make and drop what a function can; the steps, those that have to be run with their statement."""
    return rows(conn, Step, "select * from ops.maintain_partitions(%s)", [dry_run])


def maintain(conn: Connection, wait_s: float = WAIT_S) -> Iterator[Step]:
    """Do all of it, on a direct connection in autocommit; each step as it is done or left.

    Safe to be killed anywhere: the next run goes on.
    """
    with _alone(conn) as is_alone:
        if not is_alone:
            yield Step(None, None, "busy", None, False, "another session is at it")
            return
        again = False
        for step in steps(conn):
            result = _run(conn, step, wait_s)
            again = again or (result.done and step.statement is not None)
            yield result
        if again:
            # What was detached just now can be dropped.
            yield from (step for step in steps(conn) if step.action == "drop")


@contextmanager
def _alone(conn: Connection) -> Iterator[bool]:
    """Whether no other run is at it; none begins until this ends.

    A row that no role but the owner can lock, for an advisory lock anybody may hold who may connect. A row is held by a
    transaction, in which nothing is detached: hence a second connection, whose lock ends when this is killed. It
    holds nothing of the tables themselves, for which a detach would wait.
    """
    with psycopg.connect(conn.info.dsn, password=conn.info.password or None) as holder:
        holder.execute(sql.SQL("set role {}").format(sql.Identifier(scalar(conn, "select current_user"))))
        yield bool(scalar(holder, "select queue.take_lock('maintain_partitions')"))
        holder.rollback()


@contextmanager
def _limits(conn: Connection, wait_s: float) -> Iterator[None]:
    """The settings of SESSION, for one statement."""
    for name, value in SESSION.items():
        scalar(conn, "select set_config(%s, %s, false)", [name, value.format(ms=int(wait_s * 1000))])
    try:
        yield
    finally:
        if not conn.closed and not conn.broken:
            for name in SESSION:
                conn.execute(sql.SQL("reset {}").format(sql.Identifier(name)))


def _run(conn: Connection, step: Step, wait_s: float) -> Step:
    """Run the step's statement, if it has one."""
    if step.statement is None:
        return step if step.done or step.action in BY_HAND else replace(step, detail=LATER.format(why=step.detail))
    try:
        with _limits(conn, wait_s):
            conn.execute(step.statement.encode())
    except (psycopg.errors.LockNotAvailable, psycopg.errors.QueryCanceled):
        return replace(step, detail=LATER.format(why="somebody reads the table for longer than the limit"))
    except psycopg.errors.ObjectNotInPrerequisiteState as error:
        # Another of the table's partitions is half detached, and its own FINALIZE was left a moment ago.
        return replace(step, detail=LATER.format(why=error.diag.message_primary))
    return replace(step, done=True)
