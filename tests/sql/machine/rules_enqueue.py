"""Jobs come: one, a graph in one statement, the same key again, a slow transaction; and go, deleted."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import MultipleResults, multiple, rule

from tests.sql.machine.base import JOBS, NO_ONE, Base
from tests.sql.machine.database import outcome
from tests.sql.machine.records import KINDS, Job, Refused

KIND = st.sampled_from(sorted(KINDS))
PRIORITY = st.sampled_from([5, 1, 10])
POLICY = st.sampled_from(["fail", "cancel", "run"])
DELAY = st.sampled_from([0, 0, 0, 5, 3600])  # seconds from now
TENANT = st.sampled_from([None, 0, 1])


class EnqueueRules(Base):
    """Enqueue and delete."""

    def tenant(self, number: int | None) -> UUID | None:
        """One of the two tenants, or none."""
        return None if number is None else self.db.tenants[number]

    def due(self, delay: int) -> datetime | None:
        """A time to enqueue for."""
        return self.model.now + timedelta(seconds=delay) if delay else None

    @rule(
        target=JOBS, kind=KIND, priority=PRIORITY, delay=DELAY, parents=st.lists(JOBS, max_size=3, unique=True), policy=POLICY,
        attempts=st.sampled_from([None, 1, 2]), key=st.sampled_from([None, None, None, "a", "b"]), tenant=TENANT,
    )  # fmt: skip
    def enqueue(
        self, kind: str, priority: int, delay: int, parents: list[UUID], policy: str, attempts: int | None, key: str | None, tenant: int | None
    ) -> Any:
        """One job; a key that the tenant has used returns its first job."""
        owner = self.tenant(tenant)
        got, refused = outcome(lambda: self.db.add(
            kind, priority=priority, scheduled_for=self.due(delay), depends_on=parents or None, on_parent_failure=policy,
            max_attempts=attempts, idempotency_key=key, tenant_id=owner,
        ))  # fmt: skip
        if known := self.model.known_key(owner, key):
            assert got == known.id
            return NO_ONE
        try:
            self.model.check_parents(parents)
        except Refused as refusal:
            assert refused == refusal.code
            return NO_ONE
        assert refused is None
        due = self.model.now + timedelta(seconds=delay)
        job = Job(got, kind, priority, due, policy, attempts or 3, owner, key, dict.fromkeys(parents, False))
        self.model.add([job])
        return got

    @rule(target=JOBS, kind=KIND, policy=POLICY, fan=st.integers(1, 3), parent=st.none() | JOBS)
    def enqueue_graph(self, kind: str, policy: str, fan: int, parent: UUID | None) -> MultipleResults[UUID]:
        """A fan-out and fan-in by a plain INSERT, children first."""
        if parent is not None and parent not in self.model.jobs:
            return NO_ONE
        first, last, *middle = ids = [self.db.value("select base.uuid_v7()") for _ in range(fan + 2)]
        edges = {last: middle, **{job: [first] for job in middle}, first: [parent] if parent else []}
        values = [part for job, parents in edges.items() for part in (job, kind, parents or None, policy)]
        insert = "insert into queue.processing_jobs (id, job_type, depends_on, on_parent_failure) values "
        self.db.conn.execute((insert + ", ".join(["(%s, %s, %s, %s)"] * len(edges))).encode(), values)
        priority = {"no_op": 5, "extract_metadata": 3, "video_transcode": 5}[kind]
        self.model.add([
            Job(job, kind, priority, self.model.now, policy, 3, edges=dict.fromkeys(parents, False)) for job, parents in edges.items()
        ])  # fmt: skip
        return multiple(*ids)

    @rule(target=JOBS, kind=KIND, name=st.sampled_from(["all", "probes"]))
    def enqueue_slowly(self, kind: str, name: str) -> Any:
        """A transaction that commits after a later job was claimed: its job lies below the worker's bounds."""
        other = self.db.other
        with other.transaction():
            early = other.add(kind, priority=5)
            late = self.db.add(kind, priority=5, tenant_id=self.db.tenants[0])
            now = self.model.now
            self.model.add([Job(late, kind, 5, now, "fail", 3, self.db.tenants[0])])
            self.look(name, 1, full=False)
        self.model.add([Job(early, kind, 5, now, "fail", 3)])
        return multiple(early, late)
