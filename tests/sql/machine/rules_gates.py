"""Limits and pauses, changes of priority, fan-out of a running job, and explain_job against what claims really do."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import MultipleResults, multiple, precondition, rule
from psycopg.types.json import Jsonb

from tests.sql.machine.base import JOBS, NO_ONE, PICK, Base
from tests.sql.machine.database import outcome
from tests.sql.machine.records import LOST_AFTER, Job, Refused
from tests.sql.machine.rules_enqueue import KIND, POLICY

LIMIT = st.sampled_from(["type:no_op", "name:licence", "tenant:*", "tenant:one"])
PAUSE = st.sampled_from([("all", ""), ("job_type", "extract_metadata"), ("tenant", "one")])
DEFAULT_PRIORITY = {"no_op": 5, "extract_metadata": 3, "video_transcode": 5}


class GateRules(Base):
    """What comes between a queued job and its claim."""

    def key(self, word: str) -> str:
        """A slug's key as the database keeps it."""
        return word.replace("one", str(self.db.tenants[0]))

    @rule(key=LIMIT, most=st.none() | st.integers(1, 3))
    def limit(self, key: str, most: int | None) -> None:
        """At most so many that are ready or running; none: what waits goes on."""
        if most is not None:
            self.db.value("select queue.set_limit(%s, %s)", key, most)
            self.model.limits[self.key(key)] = most
        else:
            _, refused = outcome(lambda: self.db.value("select queue.drop_limit(%s)", key))
            assert (refused is None) == (self.model.limits.pop(self.key(key), None) is not None)

    @rule(what=PAUSE, resume=st.booleans())
    def pause(self, what: tuple[str, str], resume: bool) -> None:
        """Nothing of it begins, or it goes on."""
        paused = (what[0], self.key(what[1]))
        if resume:
            _, refused = outcome(lambda: self.db.value("select queue.resume(%s, %s)", *what))
            assert (refused is None) == (paused in self.model.pauses)
            self.model.pauses.discard(paused)
        else:
            self.db.value("select queue.pause(%s, %s, 'a test')", *what)
            self.model.pauses.add(paused)

    @rule(target=JOBS, kind=KIND, policy=POLICY, parent=st.none() | JOBS)
    def enqueue_many(self, kind: str, policy: str, parent: UUID | None) -> MultipleResults[UUID]:
        """A child before its parent, by reference, and a third beside them."""
        if parent is not None and parent not in self.model.jobs:
            return NO_ONE  # type: ignore[no-any-return]
        above = [str(parent)] if parent else []
        specs = [
            {"job_type": kind, "depends_on": ["first"], "on_parent_failure": policy},
            {"job_type": kind, "ref": "first", "depends_on": above, "on_parent_failure": policy},
            {"job_type": "no_op"},
        ]
        rows = self.db.rows("select * from queue.enqueue_jobs(%s) order by place", Jsonb(specs))
        assert [(row.place, row.is_new) for row in rows] == [(1, True), (2, True), (3, True)]
        child, first, beside = (row.job_id for row in rows)
        self.model.add([
            self.fresh(child, kind, policy, [first]), self.fresh(first, kind, policy, [parent] if parent else []), self.fresh(beside, "no_op"),
        ])  # fmt: skip
        return multiple(child, first, beside)

    def fresh(self, job_id: UUID, kind: str, policy: str = "fail", parents: list[UUID] | None = None, tenant: UUID | None = None) -> Job:
        """A new job with what its type gives it."""
        edges = dict.fromkeys(parents or [], False)
        return Job(job_id, kind, DEFAULT_PRIORITY[kind], self.model.now, policy, 3, tenant, edges=edges)

    @precondition(lambda self: self.claims)
    @rule(target=JOBS, pick=PICK, kinds=st.lists(KIND, min_size=1, max_size=2))
    def spawn(self, pick: int, kinds: list[str]) -> Any:
        """A running job fans out: who waits for it waits for these as well."""
        claim = self.pick(pick)
        specs = Jsonb([{"job_type": kind} for kind in kinds])
        call = "select * from queue.spawn_jobs(%s, %s, %s) order by place"
        rows, job = self.both(lambda: self.db.rows(call, claim.job_id, claim.token, specs), lambda: self.model.hold(claim))
        if job is None:
            return NO_ONE
        children = [self.fresh(row.job_id, kind, tenant=job.tenant) for row, kind in zip(rows, kinds, strict=True)]
        self.model.spawn(job, children)
        return multiple(*[child.id for child in children])

    @precondition(lambda self: self.steps_since_explain > 8)
    @rule(seconds=st.sampled_from([0, 10]))
    def explain(self, seconds: int) -> None:
        """'claimable', and nothing else, if and only if a claim of a live worker takes the job."""
        self.steps_since_explain = 0
        self.model.now += timedelta(seconds=seconds)
        self.db.set_time(self.model.now)
        self.agree(self.db.rescue, self.model.rescue)
        self.agree(lambda: self.db.value("select queue.promote_due(1000)"), self.model.promote)
        self.every_job_is_as_the_contract_says()
        queued = [job.id for job in self.model.jobs.values() if job.status == "queued"]
        told = {job: [row.reason for row in self.db.rows("select * from queue.explain_job(%s)", job)] for job in queued}
        taken: set[UUID] = set()
        try:
            with self.db.transaction():
                for worker in self.model.workers.values():
                    live = worker.status == "active" and worker.beat_at > self.model.now - LOST_AFTER
                    while live and (rows := self.db.claim(worker.name, 1000)):
                        taken |= {row.job_id for row in rows}
                raise Refused("undo")
        except Refused:
            pass
        wrong = {job: reasons for job, reasons in told.items() if (job in taken) != (reasons == ["claimable"])}
        assert wrong == {}, f"of these were taken: {taken & set(wrong)}; paused {self.model.pauses}, limits {self.model.limits}"
        assert all(reasons for reasons in told.values())

    def let_everything_go(self) -> None:
        """No limits, no pauses."""
        for key in self.model.limits:
            self.db.value("select queue.drop_limit(%s)", key)
        for scope, key in self.model.pauses:
            self.db.value("select queue.resume(%s, %s)", scope, key)
        self.model.now += timedelta(seconds=1)
