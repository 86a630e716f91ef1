"""The machine without rules: runs a call on both sides, and compares them after every step."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple

from tests.sql.machine.database import START, Database, outcome
from tests.sql.machine.model import Model
from tests.sql.machine.records import KINDS, Claim, Job, Refused, Worker

JOBS: Bundle[Any] = Bundle("jobs")
PICK = st.integers(0, 7)  # of the claims; see Base.pick
Result = TypeVar("Result")
WORKERS = {  # name → types, capabilities
    "all": (None, ["av1"]),
    "plain": (None, []),
    "probes": (["extract_metadata", "no_op"], ["av1", "gpu"]),
}
NO_ONE: Any = multiple()
Bounds = dict[int, tuple[float, int]]  # lane → the last place taken from it


class Base(RuleBasedStateMachine):
    """What the rules of all subjects share."""

    def __init__(self, database: Database) -> None:
        super().__init__()
        self.db = database
        self.model = Model(START)
        self.bounds: dict[str, Bounds] = {name: {} for name in WORKERS}
        self.claims: list[Claim] = []  # all that were ever made, the latest last
        self.sound = False
        self.steps_since_explain = 0
        database.wipe()

    @initialize(target=JOBS, kind=st.sampled_from(sorted(KINDS)), policy=st.sampled_from(["fail", "cancel", "run"]))
    def begin(self, kind: str, policy: str) -> Any:
        """All workers are there, two jobs run, one is ready, and one waits for the first."""
        for name in WORKERS:
            self.enter(name)
        first, second, third = (self.add(kind, policy) for _ in range(3))
        last = self.add("no_op", policy, [first])
        self.look("all", 2 * KINDS[kind].weight, full=True)
        return multiple(first, second, third, last)

    def add(self, kind: str, policy: str, parents: list[UUID] | None = None) -> UUID:
        """Enqueue a plain job on both sides."""
        job: UUID = self.db.add(kind, priority=5, on_parent_failure=policy, depends_on=parents)
        self.model.add([Job(job, kind, 5, self.model.now, policy, 3, edges=dict.fromkeys(parents or [], False))])
        return job

    def look(self, name: str, limit: int, full: bool) -> None:
        """A claim and its checks; see rules_work."""
        raise NotImplementedError

    def pick(self, number: int) -> Claim:
        """One of the claims, from the latest on: after each two that are held one that is over."""
        held = [claim for claim in self.claims if self.model.holds(claim)]
        over = [claim for claim in self.claims if claim not in held]
        turns = [(over if n % 3 == 2 else held) or over or held for n in range(number + 1)]
        chosen = turns[number]
        return chosen[-1 - turns[:number].count(chosen) % len(chosen)]

    def enter(self, name: str) -> None:
        """Register a worker, or register it again: it has forgotten its bounds."""
        types, capabilities = WORKERS[name]
        self.db.worker(name, types, capabilities)
        known = None if types is None else frozenset(types)
        self.model.workers[name] = Worker(name, known, frozenset(capabilities), self.model.now)
        self.bounds[name] = {}

    def both(self, sql: Callable[[], Any], model: Callable[[], Result]) -> tuple[Any, Result | None]:
        """Run a call on both sides: the same refusal, or both results."""
        got, refused = outcome(sql)
        try:
            expected, code = model(), None
        except Refused as refusal:
            expected, code = None, refusal.code
        assert refused == code, f"refused with {refused}, but the contract says {code}"
        return got, expected

    def agree(self, sql: Callable[[], Any], model: Callable[[], Any]) -> Any:
        """both(), and the results have to be the same."""
        got, expected = self.both(sql, model)
        assert got == expected, f"{got} came back, but the contract says {expected}"
        return got

    @invariant()
    def the_queue_is_sound(self) -> None:
        """No finding of queue.verify()."""
        self.sound = False
        self.steps_since_explain += 1
        assert self.db.violations() == []

    @invariant()
    def every_job_is_as_the_contract_says(self) -> None:
        """Status, place, token, budgets, lease, history and time of every job."""
        seen = self.db.observe()
        assert set(seen) == set(self.model.jobs)
        wrong = [(said, row) for job in self.model.jobs.values() if (said := self.compare(job, row := seen[job.id]))]
        assert wrong == []
        self.sound = True

    def compare(self, job: Job, row: Any) -> list[str]:
        """What differs; a back-off with jitter is taken over from the database where it lies in its bounds."""
        wrong = []
        if job.wait is not None:
            first, last = job.wait
            if not first <= row.scheduled_for <= last:
                wrong.append(f"waits until {row.scheduled_for}, not {first} to {last}")
            job.due, job.wait = row.scheduled_for, None
            self.model.queue(job)
        places = {None: "leased" if row.lease_token else "nowhere", "ready": "free", "parked": "free"}
        expected = {
            "status": job.status, "token": job.token, "attempts": job.attempts, "crashes": job.crashes,
            "error_code": job.code, "history": job.history, "scheduled_for": job.due, "priority": job.priority,
        }  # fmt: skip
        wrong += [f"{name} is {getattr(row, name)}, not {value}" for name, value in expected.items() if getattr(row, name) != value]
        if (place := places.get(row.places, row.places)) != job.place:
            wrong.append(f"stands in {place}, not {job.place}")
        if job.lease is not None:
            lease = (job.lease.token, job.lease.worker, job.lease.expires, job.lease.cancel)
            found = (row.lease_token, row.lease_worker, row.expires_at, row.cancel)
            if found != lease:
                wrong.append(f"leased as {found}, not {lease}")
        return wrong

    def teardown(self) -> None:
        """Nothing is stuck: an honest worker, some patience and a fresh look end every job that is not over."""
        if not self.sound:
            return  # it failed already
        self.let_everything_go()
        for name in WORKERS:
            self.enter(name)
        for _ in range(200):
            self.model.now += timedelta(hours=2)
            self.db.set_time(self.model.now)
            held = [job for name in ("all", "probes") for job in self.db.claim(name, 50)]
            for job in held:
                self.db.complete(job)
            left = self.db.value("select count(*) from queue.processing_jobs where status in ('queued', 'running')")
            if left == 0:
                break
        assert left == 0, "some jobs are never done"
        assert self.db.violations() == []

    def let_everything_go(self) -> None:
        """Take away what an operator put in the way; features with such hands add theirs."""

    @staticmethod
    def claim_of(worker: str, row: Any) -> Claim:
        """A row of claim_jobs as the worker keeps it."""
        return Claim(worker, row.job_id, row.token)
