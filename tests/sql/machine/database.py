"""The queue in Postgres as the machine sees it: set up, wiped between examples, observed after every step."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

from tests.sql.machine.records import GRACE, KINDS, MAX_CRASHES
from tests.sql.queuekit import Queue

START = datetime.fromisoformat("2026-03-01 12:00:00+00")
TABLES = (
    "processing_jobs", "ready", "scheduled", "blocked", "parked", "leases", "dead_letters", "job_dependencies", "job_attempts",
    "workers", "pauses", "limits", "gate_events", "strikes", "spawned", "reservations", "lane_clocks",
)  # fmt: skip
TRUNCATE_EVERY = 20
OBSERVE = """
select
    j.id, j.status, j.token, j.attempts, j.crashes, j.scheduled_for, j.error_code, j.priority, j.worker_id, p.places,
    l.token as lease_token, l.worker_id as lease_worker, l.expires_at, l.cancel_requested_at is not null as cancel,
    array(select a.outcome from queue.job_attempts as a where a.job_id = j.id order by a.attempt) as history
from queue.processing_jobs as j
left join queue.leases as l on l.job_id = j.id
left join lateral (
    select string_agg(places.place, '+') as places from (
        select 'ready' as place from queue.ready as r where r.job_id = j.id
        union all select 'parked' from queue.parked as k where k.job_id = j.id
        union all select 'scheduled' from queue.scheduled as s where s.job_id = j.id
        union all select 'blocked' from queue.blocked as b where b.job_id = j.id
        union all select 'dead' from queue.dead_letters as d where d.job_id = j.id
    ) as places
) as p on true
"""


class Database(Queue):
    """One database for all examples of a run; `other` is a second session."""

    def __init__(self, conn: psycopg.Connection[Any], other: Queue) -> None:
        super().__init__(conn)
        conn.prepare_threshold = 1
        self.other = other
        conn.execute("set jit = off")
        conn.execute("update queue.upkeep set grace = %s", [GRACE])
        conn.execute("update queue.retry_policies set charges_after = null")  # days pass here
        conn.execute("update queue.job_types set max_crashes = %s, max_attempts = 3", [MAX_CRASHES])
        for name, kind in KINDS.items():
            conn.execute(
                "update queue.job_types set lease = %s, weight = %s, batch = %s, needs = %s, limits = %s where job_type = %s",
                [kind.lease, kind.weight, kind.batch, sorted(kind.needs), list(kind.limits), name],
            )
        self.tenants = [self.value("select identity.create_tenant(%s, %s)", slug, slug) for slug in ("one", "two")]
        self._wipes = 0
        self._verify = ""
        self.set_time(START)
        # Every lane exists, so that no session waits for another that makes the same one.
        for priority in range(1, 11):
            for name in KINDS:
                self.add(name, priority=priority)
        self.wipe()

    def wipe(self) -> None:
        """No jobs, no workers, the time at its start."""
        self._wipes += 1
        self.conn.execute("set session_replication_role = replica")
        with self.conn.transaction():
            if self._wipes % TRUNCATE_EVERY == 0:  # nobody vacuums here
                self.conn.execute(f"truncate {', '.join(f'queue.{table}' for table in TABLES)}".encode())
            for table in TABLES:
                self.conn.execute(f"delete from queue.{table}".encode())
            self.conn.execute("update queue.upkeep set last_run_at = null")
        self.conn.execute("set session_replication_role = origin")
        self.set_time(START)

    def set_time(self, at: datetime) -> None:
        """Stop the clock there."""
        self.conn.execute("update base_test.clock set at = %s", [at])

    def violations(self) -> list[Any]:
        """What queue.verify() finds: its text as a statement of ours, which is planned once and not at every step."""
        if not self._verify:
            self._verify = self.value("select prosrc from pg_proc where oid = 'queue.verify()'::regprocedure")
            self.conn.execute("set plan_cache_mode = force_generic_plan")
        return self.conn.execute(self._verify.encode()).fetchall()

    def observe(self) -> dict[UUID, Any]:
        """Every job and where it stands."""
        return {row.id: row for row in self.rows(OBSERVE)}

    def ready(self) -> list[Any]:
        """What a claim could find, in no order."""
        return self.rows(
            "select r.*, l.job_type, l.priority, l.weight from queue.ready as r join queue.lanes as l using (lane)"
        )

    def settle(self, worker: str, report: list[dict[str, object]]) -> dict[UUID, str]:
        """queue.settle_jobs; the verdict of each."""
        return {row.job_id: row.verdict for row in self.rows("select * from queue.settle_jobs(%s, %s)", worker, Jsonb(report))}

    def tell(self, worker: str, told: list[dict[str, object]]) -> dict[UUID | None, str]:
        """queue.heartbeat; what needs attention."""
        return {row.job_id: row.verdict for row in self.rows("select * from queue.heartbeat(%s, %s)", worker, Jsonb(told))}


def outcome(call: Callable[[], Any]) -> tuple[Any, str | None]:
    """The result of a call of the database, and None; or None and the SQLSTATE of its refusal, which has to say what to do."""
    try:
        return call(), None
    except psycopg.Error as error:
        assert error.diag.message_hint or not (error.sqlstate or "").startswith("RQ"), "a refusal says what to do"
        if not (error.sqlstate or "").startswith("RQ"):
            raise
        return None, error.sqlstate
