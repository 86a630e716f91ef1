"""Partitioned tables of the tests' own: what the upkeep does must not depend on which tables the product has."""

from __future__ import annotations

from datetime import timedelta

from reelq.worker.db import partitions
from tests.sql.mediakit import Conn
from tests.sql.queuekit import Queue

EVENTS = "ops.test_events"  # kept for 90 days
NOTES = "ops.test_notes"  # kept for a year
BOTH = (EVENTS, NOTES)
HISTORIES = ("queue.attempt_history", "queue.dependency_history", "queue.job_history")
RETENTION = timedelta(days=90)


def make_tables(conn: Conn) -> None:
    """Two tables with a policy and no partition, and no policy for any other table."""
    for table in BOTH:
        conn.execute(f"create table {table} (id bigint generated always as identity, at timestamptz not null, primary key (id, at)) partition by range (at)")
    conn.execute("delete from ops.partition_policies")
    conn.execute("insert into ops.partition_policies (parent, retention) values (%s, '90 days'), (%s, '1 year')", BOTH)


def keep_histories_only(conn: Conn) -> None:
    """Policies for the queue's own history, as they are installed, and for no other table."""
    conn.execute("delete from ops.partition_policies where parent <> all(%s)", [list(HISTORIES)])


def write(queue: Queue, table: str = EVENTS) -> None:
    """A row of now, in the partition that has to be there."""
    queue.conn.execute(f"insert into {table} (at) values (base.clock())")


def maintain(queue: Queue, wait_s: float = 1.0) -> list[tuple[str, str | None, bool]]:
    """What was done, as (action, partition, done)."""
    return [(step.action, step.partition, step.done) for step in partitions.maintain(queue.conn, wait_s)]


def names(queue: Queue, parent: str = NOTES) -> list[str]:
    """The partitions of a table, earliest first."""
    return [row.name for row in queue.rows("select ops.full_name(partition) as name from base.partitions(%s)", parent)]


def months(parent: str, *wanted: str) -> list[str]:
    """The names that partitions of these months have."""
    return [f"{parent}_{month}" for month in wanted]


def states(queue: Queue, parent: str = EVENTS) -> dict[str, str]:
    """Month → state."""
    found = queue.rows("select * from ops.list_partitions() where parent = %s", parent)
    return {row.partition.removeprefix(f"{parent}_"): row.state for row in found}


def blocked(observer: Queue, pid: int) -> None:
    """Return once that session waits for another."""
    waited = observer.value(
        """
        with recursive look (n, blocked) as (
            select 0, false
            union all
            select n + 1, cardinality(pg_blocking_pids(%s)) > 0
            from look, lateral (select pg_sleep(0.01)) as nap
            where not blocked and n < 500
        )
        select bool_or(blocked) from look
        """,
        pid,
    )
    assert waited
