"""A large queue, loaded past the triggers: as many ready, scheduled, blocked and parked jobs and dead letters as one asks for.

Every ready job has its record. Of the others only those that the measured statements touch have one: the narrow
tables are what such jobs are looked for in, and the record is always read by its key.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

from tests.sql.queuekit import Queue

KINDS = ["no_op", "extract_metadata", "generate_thumbnail"]
PRIORITIES = [1, 5, 9]
RUNNING = 2000  # leases, the first EXPIRED of them expired
EXPIRED = 20
RECORDED = 2000  # scheduled, blocked and parked jobs and dead letters that have a record
TENANTS = 10_000  # whose jobs are parked, in turns
DUE = 200  # scheduled jobs whose time has come
OVER = 20_000  # records of what is over, where the queue was idle before
READY, SCHEDULED, BLOCKED, PARKED, LEASED, DONE, DEAD = "0123456"  # the first digit of their ids

HELPERS = """
create schema big;
create function big.id(place text, n bigint) returns uuid language sql immutable as
$$ select (place || '0000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid $$;
create function big.due(n bigint) returns timestamptz language sql stable as
$$ select now() + case when n <= 200 then interval '-1 hour' else interval '1 day' end + n * interval '1 millisecond' $$;
"""
RECORD = """
insert into queue.processing_jobs (
    id, job_type, priority, status, status_changed_at, scheduled_for, token, max_attempts, max_crashes, weight, needs, worker_id,
    started_at, completed_at, on_parent_failure, idempotency_key, limits, created_at, updated_at
)
select
    big.id(%(place)s, n), (%(kinds)s::text[])[1 + (n %% 3)::int], (%(priorities)s::int[])[1 + (n / 3 %% 3)::int], %(status)s, now(),
    case when %(place)s = '1' then big.due(n) else now() end, %(token)s, 3, 3, 1, '{}', 'w1', now(),
    case when %(status)s in ('completed', 'failed') then now() end, 'fail', case when n %% 20 = 0 then 'key-' || n || %(place)s end,
    case when %(place)s = '3' then '{big}'::text[] else '{}' end, now(), now()
from generate_series(%(start)s::bigint, %(end)s::bigint) as n
"""
GROW = {
    "ready": """
        insert into queue.ready (lane, fair_key, seq, job_id, flow, ready_at)
        select l.lane, n, n, big.id('0', n), '00000000-0000-0000-0000-000000000000', base.clock() from generate_series(%(start)s::bigint, %(end)s::bigint) as n
        join queue.lanes as l on l.job_type = (%(kinds)s::text[])[1 + (n %% 3)::int] and l.priority = (%(priorities)s::int[])[1 + (n / 3 %% 3)::int]
    """,
    "scheduled": """
        insert into queue.scheduled (due, job_id, job_type)
        select big.due(n), big.id('1', n), 'no_op' from generate_series(%(start)s::bigint, %(end)s::bigint) as n
    """,
    "blocked": """
        insert into queue.blocked (job_id, pending, job_type)
        select big.id('2', n), least(2, n), 'no_op' from generate_series(%(start)s::bigint, %(end)s::bigint) as n
    """,
    "parked": """
        insert into queue.parked (gate, rank, seq, job_id, job_type, priority, flow, fair_key)
        select 'name:big', n, n, big.id('3', n), 'no_op', (%(priorities)s::int[])[1 + (n / 3 %% 3)::int], big.id('9', n %% %(tenants)s), 1 + n / %(tenants)s
        from generate_series(%(start)s::bigint, %(end)s::bigint) as n
    """,
    "dead letters": """
        insert into queue.dead_letters (job_id, job_type, failed_at)
        select big.id('6', n), 'no_op', timestamptz '2026-01-01' - n * interval '1 millisecond' from generate_series(%(start)s::bigint, %(end)s::bigint) as n
    """,
}
LEASES = """
insert into queue.leases (job_id, token, worker_id, job_type, lease, expires_at, started_at, beat_at)
select big.id('4', n), 1, 'w1', 'no_op', '60 s',
    base.clock() + case when n <= %s then interval '-1 s' else '1 hour' end, now(), now()
from generate_series(1, %s::bigint) as n
"""
# A blocked job waits for the running job of its number and for the one before.
EDGES = """
insert into queue.job_dependencies (parent_id, job_id, on_failure, satisfied)
select big.id('4', greatest(1, n - d)), big.id('2', n), 'fail', false
from generate_series(1, %s::bigint) as n, generate_series(0, 1) as d
on conflict do nothing
"""


def big_id(place: str, n: int) -> UUID:
    """The id of the n-th job of a place."""
    return UUID(f"{place}0000000-0000-7000-8000-{n:012x}")


class BigQueue:
    """Grows a database that was cloned from the template; its clock is the product's own again.

    The planner is told of the tables once, before they grow: they are empty, or (`idle`) hold only what is over.
    """

    def __init__(self, conn: psycopg.Connection[Any], sql_root: Path, idle: bool = False) -> None:
        self.conn = conn
        self.size = 0
        queue = Queue(conn)
        conn.execute((sql_root / "functions" / "base" / "clock.sql").read_bytes(), prepare=False)
        conn.execute(HELPERS.encode(), prepare=False)
        queue.worker("w1")
        for kind in KINDS:
            for priority in PRIORITIES:
                queue.add(kind, priority=priority)
        conn.execute("set session_replication_role = replica")
        conn.execute("delete from queue.ready")
        conn.execute("delete from queue.processing_jobs")
        if idle:
            self._load(DONE, 1, OVER, "completed", 1)
        conn.execute("analyze")
        self._load(LEASED, 1, RUNNING, "running", token=1)
        for place in (SCHEDULED, BLOCKED, PARKED):
            self._load(place, 1, RECORDED, "queued")
        self._load(DEAD, 1, RECORDED, "failed", token=1)
        conn.execute(LEASES.encode(), [EXPIRED, RUNNING])
        # However long the rest takes: a fleet that was away for longer than the grace gets its leases extended first.
        conn.execute("update queue.upkeep set grace = '1000 years'")
        conn.execute(EDGES.encode(), [RECORDED])
        conn.execute("set session_replication_role = origin")

    def _load(self, place: str, start: int, end: int, status: str, token: int = 0) -> None:
        arguments = {"place": place, "start": start, "end": end, "status": status, "token": token}
        self.conn.execute(RECORD.encode(), {**arguments, "kinds": KINDS, "priorities": PRIORITIES})

    def grow(self, size: int) -> None:
        """Until there are `size` jobs of each place."""
        span = {"start": self.size + 1, "end": size, "kinds": KINDS, "priorities": PRIORITIES, "tenants": TENANTS}
        self.conn.execute("set session_replication_role = replica")
        self._load(READY, self.size + 1, size, "queued")
        for statement in GROW.values():
            self.conn.execute(statement.encode(), span)
        self.conn.execute("select setval('queue.ready_seq', %s)", [size])
        self.conn.execute("set session_replication_role = origin")
        self.size = size
