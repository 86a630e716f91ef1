"""A worker's calls: claim, settle in each way, beat; honest ones, and zombies that report what is long over."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule
from psycopg.types.json import Jsonb

from tests.sql.machine import claims as checks
from tests.sql.machine.base import PICK, WORKERS, Base, Bounds
from tests.sql.machine.records import Claim, Refused

NAME = st.sampled_from(sorted(WORKERS))
ERRORS = st.sampled_from([
    ("transient", "oops"), ("transient", "store_away"), ("rate_limited", "quota"), ("permanent", "unreadable"),
    ("cancelled", "cancelled"), ("worker_lost", "killed"),
])  # fmt: skip
AFTER = st.sampled_from([None, None, 0, 90])  # retry_after_s
END = st.sampled_from(["completed", "completed", "failed", "failed", "snoozed", "released"])


def arguments(bounds: Bounds) -> list[Any]:
    """Bounds as claim_jobs takes them; none is a full look."""
    keys, seqs = [key for key, _ in bounds.values()], [seq for _, seq in bounds.values()]
    return [list(bounds), keys, seqs] if bounds else [None, None, None]


class WorkRules(Base):
    """What workers do."""

    @rule(name=NAME, limit=st.sampled_from([1, 1, 2, 3, 7, 50]), full=st.booleans())
    def claim(self, name: str, limit: int, full: bool) -> None:
        """A full look, or one from the bounds that this worker remembers."""
        self.look(name, limit, full)

    def look(self, name: str, limit: int, full: bool) -> None:
        """Claim, check what came against what stayed, and remember the new bounds."""
        bounds = {} if full else dict(self.bounds[name])
        rows, _ = self.both(lambda: self.db.claim(name, limit, *arguments(bounds)), lambda: self.model.worker(name))
        self.took(name, limit, rows, bounds)

    def took(self, name: str, limit: int, rows: list[Any] | None, bounds: Bounds) -> None:
        """What a claim brought, on the model's side."""
        if rows is None:
            return
        if not bounds:
            self.model.chores()
        worker = self.model.workers[name]
        if worker.drains or worker.unfit:
            assert rows == [], "a worker that drains, or whose host is in trouble, takes nothing new"
            return
        self.adopt_waits()
        gated = bool(self.model.limits or self.model.pauses)
        checks.check(self.model, worker, limit, rows, self.db.ready(), bounds, gated)
        before = self.model.running()
        for row in rows:
            claim = self.model.take(name, self.model.jobs[row.job_id])
            assert claim == self.claim_of(name, row)
            self.claims.append(claim)
            place = (row.fair_key, row.seq)
            self.bounds[name][row.lane] = max(place, self.bounds[name].get(row.lane, place))
        for key, count in self.model.running().items():
            most = self.model.limits.get(key, self.model.limits.get("tenant:*", 0))
            assert count <= max(most, before.get(key, 0)), f"{key} has {count} running"

    def adopt_waits(self) -> None:
        """A rescue within this claim may have made jobs wait: when, only the database knows."""
        for job in self.model.jobs.values():
            if job.wait is not None:
                self.compare(job, self.db.observe()[job.id])

    @precondition(lambda self: self.claims)
    @rule(pick=PICK, end=END, error=ERRORS, after=AFTER)
    def end(self, pick: int, end: str, error: tuple[str, str], after: float | None) -> None:
        """An attempt ends in one of its ways, by the function for it; what is over already is refused, as a zombie's."""
        claim = self.pick(pick)
        held = [claim.job_id, claim.token]
        wait = timedelta(seconds=600 if after is None else after)
        if end == "completed":
            self.both(lambda: self.db.value("select queue.complete_job(%s, %s)", *held), lambda: self.model.complete(claim))
        elif end == "failed":
            facts = Jsonb({} if after is None else {"retry_after_s": after})
            call = "select queue.fail_job(%s, %s, %s, %s, '', %s)"
            self.agree(lambda: self.db.value(call, *held, *error, facts), lambda: self.model.fail(claim, *error, after))
        elif end == "snoozed":
            call = "select queue.snooze_job(%s, %s, %s, 'later')"
            self.both(lambda: self.db.value(call, *held, wait), lambda: self.model.requeue(claim, "snoozed", max(wait, timedelta(seconds=1))))
        else:
            call = "select queue.release_job(%s, %s, 'drain')"
            self.both(lambda: self.db.value(call, *held), lambda: self.model.requeue(claim, "released", timedelta(0)))

    @precondition(lambda self: self.claims)
    @rule(name=NAME, ends=st.lists(st.tuples(PICK, END, ERRORS), min_size=1, max_size=4), limit=st.integers(0, 3), full=st.booleans())
    def work(self, name: str, ends: list[tuple[int, str, tuple[str, str]]], limit: int, full: bool) -> None:
        """Settle a batch and claim the next, in one call: what is late or another worker's is told as lost."""
        batch = {claim.job_id: (claim, end, error) for number, end, error in ends for claim in [self.pick(number)]}
        report = [
            claim.told(outcome=end, error_class=error[0], code=error[1], retry_after_s=30 if end == "snoozed" else None)
            for claim, end, error in batch.values()
        ]
        bounds = {} if full else dict(self.bounds[name])
        call = "select * from queue.settle_and_claim(%s, %s, %s, %s, %s, %s)"
        rows, _ = self.both(lambda: self.db.rows(call, name, limit, Jsonb(report), *arguments(bounds)), lambda: self.model.worker(name))
        if rows is None:
            return  # not registered: the settlements are rolled back with the call
        stale = {(row.job_id, row.token) for row in rows if row.verdict == "lost"}
        ended = sorted(batch.values(), key=lambda one: (one[1] != "completed", str(one[0].job_id)))
        assert stale == {(claim.job_id, claim.token) for claim, end, error in ended if not self.settle(name, claim, end, error)}
        self.adopt_waits()
        self.took(name, limit, [row for row in rows if row.verdict == "claimed"], bounds)

    def settle(self, name: str, claim: Claim, end: str, error: tuple[str, str]) -> bool:
        """One of a batch on the model's side; False when the lease is lost."""
        try:
            if claim.worker != name:
                return False
            if end == "completed":
                self.model.complete(claim)
            elif end == "failed":
                self.model.fail(claim, *error)
            else:
                self.model.requeue(claim, end, timedelta(seconds=30 if end == "snoozed" else 0))
        except Refused:
            return False
        return True

    @precondition(lambda self: self.claims)
    @rule(name=NAME, picks=st.lists(PICK, max_size=4))
    def beat(self, name: str, picks: list[int]) -> None:
        """A heartbeat, also for what is lost or another's."""
        held = list({claim.job_id: claim for claim in map(self.pick, picks)}.values())
        self.agree(
            lambda: self.db.tell(name, [claim.told(progress=0.5) for claim in held]),
            lambda: self.model.beat(name, held),
        )
