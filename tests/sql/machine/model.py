"""The contract of the queue in plain Python, one method a function of SQL. Refusals change nothing."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from tests.sql.machine import graph
from tests.sql.machine.records import (
    CHORE_EVERY,
    GRACE,
    LOST_AFTER,
    MAX_CRASHES,
    OVER,
    POLICIES,
    Claim,
    Job,
    Lease,
    Refused,
    Worker,
)

Told = dict[UUID | None, str]


class Model:
    """All jobs and workers, and the time."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.jobs: dict[UUID, Job] = {}
        self.workers: dict[str, Worker] = {}
        self.looked: datetime | None = None  # the last rescue
        self.limits: dict[str, int] = {}
        self.pauses: set[tuple[str, str]] = set()

    # Jobs come and go

    def job(self, job_id: UUID) -> Job:
        """A job that has to exist (RQ004)."""
        if job_id not in self.jobs:
            raise Refused("RQ004")
        return self.jobs[job_id]

    def known_key(self, tenant: UUID | None, key: str | None) -> Job | None:
        """The job that this tenant has enqueued with this key."""
        return next((job for job in self.jobs.values() if key and (job.tenant, job.key) == (tenant, key)), None)

    def check_parents(self, parents: Iterable[UUID]) -> None:
        """Parents exist (RQ005)."""
        if any(parent not in self.jobs for parent in parents):
            raise Refused("RQ005")

    def add(self, jobs: list[Job]) -> None:
        """New jobs of one statement, with their edges."""
        self.jobs |= {job.id: job for job in jobs}
        for job in jobs:
            graph.link(self, job)
        for job in jobs:
            over = [parent for parent, done in job.edges.items() if not done and self.jobs[parent].status in OVER]
            if job.waits:
                graph.fall(self, over)
            else:
                self.queue(job)

    def queue(self, job: Job) -> None:
        """A queued job that waits for nobody stands where its time says."""
        job.place = "scheduled" if job.due > self.now else "free"

    def delete(self, ids: Iterable[UUID]) -> None:
        """Rows are deleted: children go the way of a failed parent's."""
        gone = [self.jobs.pop(job_id) for job_id in ids]
        graph.fall(self, [job.id for job in gone])
        for job in self.jobs.values():
            for old in gone:
                job.edges.pop(old.id, None)
                if old.id in job.spawned:
                    job.spawned.remove(old.id)

    # Gates

    def paused(self, job: Job) -> bool:
        """A pause holds this job."""
        holds = {("all", ""), ("job_type", job.job_type), ("tenant", str(job.tenant))}
        return bool(holds & self.pauses)

    def running(self) -> dict[str, int]:
        """How many run under each limit."""
        counts = dict.fromkeys(self.limits, 0)
        for job in self.jobs.values():
            own = f"tenant:{job.tenant}"
            keys = [f"type:{job.job_type}", own, *(f"name:{name}" for name in job.kind.limits)]
            for key in keys if job.lease else []:
                if key in counts:
                    counts[key] += 1
                elif key == own and job.tenant and "tenant:*" in self.limits:
                    counts[key] = 1
        return counts

    # A worker's calls

    def worker(self, name: str) -> Worker:
        """A worker that is registered and not stopped (RQ010)."""
        if name not in self.workers or self.workers[name].status == "stopped":
            raise Refused("RQ010")
        return self.workers[name]

    def hold(self, claim: Claim) -> Job:
        """The job, if this claim still holds it (RQ001)."""
        job = self.jobs.get(claim.job_id)
        if job is None or job.lease is None or job.token != claim.token:
            raise Refused("RQ001")
        return job

    def holds(self, claim: Claim) -> bool:
        """Whether it does."""
        job = self.jobs.get(claim.job_id)
        return job is not None and job.lease is not None and job.token == claim.token

    def take(self, name: str, job: Job) -> Claim:
        """A claim has taken this job."""
        job.status, job.place, job.token = "running", "leased", job.token + 1
        job.lease = Lease(name, job.token, self.now + job.kind.lease, self.now)
        return Claim(name, job.id, job.token)

    def complete(self, claim: Claim) -> None:
        """The work is done, whatever was asked for meanwhile."""
        job = self.hold(claim)
        job.history.append("completed")
        self._over(job, "completed", None)
        graph.release(self, job.id)

    def fail(self, claim: Claim, error_class: str, code: str, retry_after: float | None = None) -> str:
        """An error: the policy decides, unless a cancel was asked for."""
        job = self.hold(claim)
        assert job.lease is not None
        if job.lease.cancel or error_class == "cancelled":
            return self._cancel(job, code)
        policy = POLICIES.get((error_class, code)) or POLICIES[error_class, "*"]
        lost = error_class == "worker_lost"
        job.crashes += lost
        job.attempts += policy.charges and not lost
        if policy.fails or job.attempts >= job.max_attempts or job.crashes >= MAX_CRASHES:
            job.history.append("lost" if lost else "failed")
            self._over(job, "failed", code)
            graph.fall(self, [job.id])
            return "failed"
        job.history.append("lost" if lost else "retried")
        n = job.crashes if lost else job.attempts if policy.charges else job.token
        longest = policy.longest(n) if retry_after is None else timedelta(seconds=retry_after)
        job.wait = (self.now if retry_after is None else self.now + longest, self.now + longest)
        job.status, job.place, job.lease, job.code = "queued", "waiting", None, code
        return "queued"

    def requeue(self, claim: Claim, outcome: str, wait: timedelta) -> None:
        """Snoozed or released: back at no cost, unless a cancel was asked for."""
        job = self.hold(claim)
        assert job.lease is not None
        if job.lease.cancel:
            self._cancel(job, "cancelled")
            return
        job.history.append(outcome)
        job.status, job.lease, job.due = "queued", None, self.now + wait
        self.queue(job)

    def _cancel(self, job: Job, code: str) -> str:
        job.history.append("cancelled")
        self._over(job, "cancelled", code)
        graph.fall(self, [job.id])
        return "cancelled"

    def _over(self, job: Job, status: str, code: str | None) -> None:
        job.status, job.place, job.lease, job.code = status, "dead" if status == "failed" else "nowhere", None, code

    def beat(self, name: str, claims: list[Claim]) -> Told:
        """Extends what is held; tells what needs attention."""
        worker = self.worker(name)
        worker.beat_at = self.now
        worker.status = "active"
        told: Told = {None: "drain"} if worker.drains else {}
        for claim in claims:
            job = self.jobs.get(claim.job_id)
            lease = job.lease if job else None
            if job is None or lease is None or (lease.token, lease.worker) != (claim.token, name):
                told[claim.job_id] = "lost"
                continue
            lease.expires, lease.beat_at = self.now + job.kind.lease, self.now
            if lease.cancel:
                told[claim.job_id] = "cancel"
        return told

    # Chores and the operator's hands

    def promote(self) -> int:
        """What is due becomes free."""
        due = [job for job in self.jobs.values() if job.place == "scheduled" and job.due <= self.now]
        for job in due:
            job.place = "free"
        return len(due)

    def rescue(self) -> int:
        """Expired leases end as crashes; after a gap the fleet is first given another lease."""
        last, self.looked = self.looked, self.now
        running = [job for job in self.jobs.values() if job.lease]
        if last is not None and self.now - last > GRACE:
            for job in running:
                lease, length = job.lease, job.kind.lease
                assert lease is not None
                if last <= lease.expires < self.now + length and lease.beat_at > last - length:
                    lease.expires = self.now + length
        for worker in self.workers.values():
            if worker.status == "active" and worker.beat_at < self.now - LOST_AFTER:
                worker.status = "lost"
        expired = [job for job in running if job.lease and job.lease.expires < self.now]
        for job in expired:
            assert job.lease is not None
            self.fail(Claim(job.lease.worker, job.id, job.token), "worker_lost", "worker_lost")
        return len(expired)

    def chores(self) -> None:
        """What a full look does before it claims."""
        self.promote()
        if self.looked is None or not self.now - CHORE_EVERY <= self.looked <= self.now:
            self.rescue()

    def cancel(self, job_id: UUID) -> str:
        """A queued job at once, a running one through its lease."""
        job = self.job(job_id)
        if job.lease:
            job.lease.cancel = True
            return "cancelling"
        if job.status in OVER:
            raise Refused("RQ009")
        self._over(job, "cancelled", "cancelled")
        graph.fall(self, [job.id])
        return "cancelled"

    def reprioritise(self, job_id: UUID, priority: int) -> None:
        """Sooner or later; a running job when it comes back."""
        job = self.job(job_id)
        if job.status in OVER:
            raise Refused("RQ009")
        job.priority = priority

    def spawn(self, job: Job, children: list[Job]) -> None:
        """Who waits for the job waits for what it has fanned out into, too."""
        self.add(children)
        job.spawned += [child.id for child in children]
        for other in self.jobs.values():
            if other.edges.get(job.id) is False:
                other.edges |= {child.id: False for child in children}

    def retry(self, job_id: UUID) -> str:
        """By hand: fresh budgets, and what fell with it comes back."""
        job = self.job(job_id)
        parents = (self.jobs[parent].status for parent, done in job.edges.items() if not done)
        if job.status not in ("failed", "cancelled") or {"failed", "cancelled"} & set(parents):
            raise Refused("RQ009")
        for back in graph.revived(self, job):
            back.status, back.attempts, back.crashes, back.code = "queued", 0, 0, None
            back.due = self.now if back is job else max(back.due, self.now)
            if back.waits:
                back.place = "blocked"
            else:
                self.queue(back)
        return "queued"

    def mark_dead(self, name: str) -> int:
        """Its process is dead: its leases are over."""
        if name in self.workers and self.workers[name].status != "stopped":
            self.workers[name].status = "lost"
        held = [job.lease for job in self.jobs.values() if job.lease and job.lease.worker == name]
        for lease in held:
            ends = [lease.expires, self.now] + ([self.looked] if self.looked else [])
            lease.expires = min(ends) - timedelta(seconds=1)
        return len(held)

    def drain(self, name: str, drains: bool) -> None:
        """Take nothing new, or take that request back."""
        if name not in self.workers or self.workers[name].status == "stopped":
            raise Refused("RQ004")
        self.workers[name].drains = drains
