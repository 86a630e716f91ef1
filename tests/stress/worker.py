"""A worker of the stress: claims in turn with and without bounds, ends jobs in every way, forgets some, and comes back late for others."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

from psycopg.types.json import Jsonb

from tests.stress.actor import Actor
from tests.stress.setting import LEASE_S

FATES = {"completed": 78, "transient": 5, "permanent": 1, "snoozed": 3, "released": 3, "forgotten": 3, "zombie": 5, "long": 2}
FULL_LOOK_S = 0.3
SLOTS = 6


class Worker:
    """One that is registered under a name of its own."""

    def __init__(self, actor: Actor) -> None:
        self.actor = actor
        self.name = f"w{actor.seed}"
        able = actor.seed % 2 == 0  # half of the fleet
        actor.conn.execute(
            "select queue.register_worker(%s, 'host', 1, '0', 'stress', %s, null, %s)", [self.name, SLOTS, ["av1"] if able else []]
        )
        self.bounds: dict[int, tuple[float, int]] = {}
        self.looked = 0.0
        self.late: list[tuple[float, Any]] = []  # when a zombie wakes up
        self.done: list[dict[str, Any]] = []  # to be settled with the next claim
        self.count: Counter[str] = Counter()

    def turn(self, claiming: bool) -> int:
        """Settle what is done, claim what is next, do it; how much came."""
        full = time.monotonic() - self.looked > FULL_LOOK_S or not self.bounds
        if full:
            self.looked = time.monotonic()
        keys, seqs = [key for key, _ in self.bounds.values()], [seq for _, seq in self.bounds.values()]
        bounds = [None, None, None] if full else [list(self.bounds), keys, seqs]
        limit = self.actor.dice.choice([1, 2, SLOTS]) if claiming else 0
        report, self.done = self.done, []
        rows = self.actor.rows("select * from queue.settle_and_claim(%s, %s, %s, %s, %s, %s)", self.name, limit, Jsonb(report), *bounds)
        self.told(report, {(str(row.job_id), row.token) for row in rows if row.verdict == "lost"})
        jobs = [row for row in rows if row.verdict == "claimed"]
        for job in jobs:
            place = (job.fair_key, job.seq)
            self.bounds[job.lane] = max(place, self.bounds.get(job.lane, place))
            self.do(job)
        self.wake_zombies()
        return len(jobs)

    def told(self, report: list[dict[str, Any]], stale: set[tuple[str, int]]) -> None:
        """Write down which reports were taken and which came too late."""
        for one in report:
            verdict = "lost" if (one["job_id"], one["token"]) in stale else "ok"
            self.actor.note("report", job=one["job_id"], token=one["token"], outcome=one["outcome"], verdict=verdict)

    def do(self, job: Any) -> None:
        """Let the dice decide how it ends."""
        (fate,) = self.actor.dice.choices(list(FATES), list(FATES.values()))
        self.count[fate] += 1
        self.actor.nap(self.actor.dice.uniform(0, 0.008))
        one = {"job_id": str(job.job_id), "token": job.token, "outcome": fate}
        if fate == "zombie":
            self.late.append((time.monotonic() + LEASE_S * self.actor.dice.uniform(1.0, 3.0), job))
        elif fate == "long":
            self.long(job)
            self.done.append({**one, "outcome": "completed"})
        elif fate in ("transient", "permanent"):
            self.done.append({**one, "outcome": "failed", "error_class": fate, "code": "oops", "message": "It broke."})
        elif fate == "snoozed":
            self.done.append({**one, "retry_after_s": self.actor.dice.uniform(0, 0.3)})
        elif fate != "forgotten":
            self.done.append(one)

    def long(self, job: Any) -> None:
        """Longer than the lease: heartbeats keep it, unless somebody cancels or takes it."""
        until = time.monotonic() + LEASE_S * 1.3
        while time.monotonic() < until and not self.actor.stopped:
            told = Jsonb([{"job_id": str(job.job_id), "token": job.token, "progress": 0.5}])
            if [row for row in self.actor.rows("select * from queue.heartbeat(%s, %s)", self.name, told) if row.job_id]:
                return
            self.actor.nap(LEASE_S / 4)

    def wake_zombies(self) -> None:
        """Those whose time has come report through the single functions, which raise when it is too late."""
        now = time.monotonic()
        awake = [job for at, job in self.late if at <= now]
        self.late = [(at, job) for at, job in self.late if at > now]
        for job in awake:
            _, refused = self.actor.allowed(("RQ001",), lambda job=job: self.actor.value(  # type: ignore[misc]
                "select queue.complete_job(%s, %s)", job.job_id, job.token
            ))  # fmt: skip
            self.actor.note("report", job=job.job_id, token=job.token, outcome="completed", verdict="lost" if refused else "ok")


def run(actor: Actor) -> None:
    """Work until SIGTERM; then settle, and leave."""
    worker = Worker(actor)
    while not actor.stopped:
        if worker.turn(claiming=True) == 0:
            actor.nap(0.02)
    worker.turn(claiming=False)
    actor.rows("select queue.deregister_worker(%s)", worker.name)
    actor.note("fates", **worker.count)
