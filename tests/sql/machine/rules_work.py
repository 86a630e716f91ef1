"""A worker's calls: claim, settle in each way, beat; honest ones, and zombies that report what is long over."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import MultipleResults, consumes, multiple, rule
from psycopg.types.json import Jsonb

from tests.sql.machine import claims as checks
from tests.sql.machine.base import CLAIMS, SPENT, WORKERS, Base, Bounds
from tests.sql.machine.records import Claim, Refused

NAME = st.sampled_from(sorted(WORKERS))
ERRORS = st.sampled_from([
    ("transient", "oops"), ("transient", "store_away"), ("rate_limited", "quota"), ("permanent", "unreadable"),
    ("cancelled", "cancelled"), ("worker_lost", "killed"),
])  # fmt: skip
AFTER = st.sampled_from([None, None, 0, 90])  # retry_after_s
ENDS = st.sampled_from(["completed", "failed", "snoozed", "released"])


def arguments(bounds: Bounds) -> list[Any]:
    """Bounds as claim_jobs takes them; none is a full look."""
    keys, seqs = [key for key, _ in bounds.values()], [seq for _, seq in bounds.values()]
    return [list(bounds), keys, seqs] if bounds else [None, None, None]


class WorkRules(Base):
    """What workers do."""

    @rule(target=CLAIMS, name=NAME, limit=st.sampled_from([1, 1, 2, 3, 7, 50]), full=st.booleans())
    def claim(self, name: str, limit: int, full: bool) -> MultipleResults[Any]:
        """A full look, or one from the bounds that this worker remembers."""
        return multiple(*self.look(name, limit, full))

    def look(self, name: str, limit: int, full: bool) -> list[Claim]:
        """Claim, check what came against what stayed, and remember the new bounds."""
        bounds = {} if full else dict(self.bounds[name])
        rows, _ = self.both(lambda: self.db.claim(name, limit, *arguments(bounds)), lambda: self.model.worker(name))
        return self.took(name, limit, rows, bounds)

    def took(self, name: str, limit: int, rows: list[Any] | None, bounds: Bounds) -> list[Claim]:
        """What a claim brought, on the model's side."""
        if rows is None:
            return []
        if not bounds:
            self.model.chores()
        worker = self.model.workers[name]
        if worker.drains and (worker.status != "lost" or not rows):  # known: of one that is lost the drain is forgotten
            assert rows == [], "a draining worker takes nothing new"
            return []
        self.adopt_waits()
        gated = bool(self.model.limits or self.model.pauses)
        checks.check(self.model, worker, limit, rows, self.db.ready(), bounds, gated)
        before = self.model.running()
        taken = []
        for row in rows:
            claim = self.model.take(name, self.model.jobs[row.job_id])
            assert claim == self.claim_of(name, row)
            taken.append(claim)
            place = (row.fair_key, row.seq)
            self.bounds[name][row.lane] = max(place, self.bounds[name].get(row.lane, place))
        for key, count in self.model.running().items():
            most = self.model.limits.get(key, self.model.limits.get("tenant:*", 0))
            assert count <= max(most, before.get(key, 0)), f"{key} has {count} running"
        return taken

    def adopt_waits(self) -> None:
        """A rescue within this claim may have made jobs wait: when, only the database knows."""
        for job in self.model.jobs.values():
            if job.wait is not None:
                self.compare(job, self.db.observe()[job.id])

    @rule(target=SPENT, claim=consumes(CLAIMS))
    def complete(self, claim: Claim) -> Claim:
        """The work is done."""
        call = "select queue.complete_job(%s, %s)"
        self.both(lambda: self.db.value(call, claim.job_id, claim.token), lambda: self.model.complete(claim))
        return claim

    @rule(target=SPENT, claim=consumes(CLAIMS), error=ERRORS, after=AFTER)
    def fail(self, claim: Claim, error: tuple[str, str], after: float | None) -> Claim:
        """It broke; retry_after wins over the back-off."""
        facts = Jsonb({} if after is None else {"retry_after_s": after})
        self.agree(
            lambda: self.db.value("select queue.fail_job(%s, %s, %s, %s, '', %s)", claim.job_id, claim.token, *error, facts),
            lambda: self.model.fail(claim, *error, after),
        )
        return claim

    @rule(target=SPENT, claim=consumes(CLAIMS), seconds=st.sampled_from([0, 5, 600]))
    def snooze(self, claim: Claim, seconds: int) -> Claim:
        """Not now; costs nothing."""
        wait = timedelta(seconds=seconds)
        call = "select queue.snooze_job(%s, %s, %s, 'later')"
        self.both(
            lambda: self.db.value(call, claim.job_id, claim.token, wait), lambda: self.model.requeue(claim, "snoozed", wait)
        )
        return claim

    @rule(target=SPENT, claim=consumes(CLAIMS))
    def release(self, claim: Claim) -> Claim:
        """Handed back at once, as by a drain; costs nothing."""
        call = "select queue.release_job(%s, %s, 'drain')"
        self.both(
            lambda: self.db.value(call, claim.job_id, claim.token), lambda: self.model.requeue(claim, "released", timedelta(0))
        )
        return claim

    @rule(claim=SPENT, error=st.none() | ERRORS)
    def report_late(self, claim: Claim, error: tuple[str, str] | None) -> None:
        """A zombie reports again what it reported before, or lost: refused, unless a rescue never came."""
        if error:
            call, arguments = "select queue.fail_job(%s, %s, %s, %s, '')", error
            self.agree(lambda: self.db.value(call, claim.job_id, claim.token, *arguments), lambda: self.model.fail(claim, *arguments))
        else:
            call = "select queue.complete_job(%s, %s)"
            self.both(lambda: self.db.value(call, claim.job_id, claim.token), lambda: self.model.complete(claim))

    @rule(target=CLAIMS, name=NAME, ends=st.lists(st.tuples(consumes(CLAIMS) | SPENT, ENDS, ERRORS), max_size=4), limit=st.integers(0, 3), full=st.booleans())
    def work(self, name: str, ends: list[tuple[Claim, str, tuple[str, str]]], limit: int, full: bool) -> MultipleResults[Any]:
        """Settle a batch and claim the next, in one call: what is late or another worker's is told as stale."""
        batch = {claim.job_id: (claim, end, error) for claim, end, error in ends}
        report = [
            claim.told(outcome=end, error_class=error[0], code=error[1], retry_after_s=30 if end == "snoozed" else None)
            for claim, end, error in batch.values()
        ]
        bounds = {} if full else dict(self.bounds[name])
        rows, _ = self.both(
            lambda: self.db.rows("select * from queue.work(%s, %s, %s, %s, %s, %s)", name, limit, Jsonb(report), *arguments(bounds)),
            lambda: self.model.worker(name),
        )
        if rows is None:
            return multiple()  # not registered: the settlements are rolled back with the call
        stale = {(row.job_id, row.token) for row in rows if row.verdict == "stale"}
        ended = sorted(batch.values(), key=lambda one: (one[1] != "completed", str(one[0].job_id)))
        assert stale == {(claim.job_id, claim.token) for claim, end, error in ended if not self.settle(name, claim, end, error)}
        self.adopt_waits()
        return multiple(*self.took(name, limit, [row for row in rows if row.verdict == "claimed"], bounds))

    def settle(self, name: str, claim: Claim, end: str, error: tuple[str, str]) -> bool:
        """One of a batch on the model's side; False when it is stale."""
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

    @rule(name=NAME, held=st.lists(CLAIMS | SPENT, max_size=4, unique_by=lambda claim: claim.job_id))
    def beat(self, name: str, held: list[Claim]) -> None:
        """A heartbeat, also for what is lost or another's."""
        self.agree(
            lambda: self.db.tell(name, [claim.told(progress=0.5) for claim in held]),
            lambda: self.model.beat(name, held),
        )
