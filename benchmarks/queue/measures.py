"""The measures A to F. Each works in a fresh database and returns figures by name."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import quantiles

from benchmarks.queue import enqueueing
from benchmarks.queue.driving import AdapterFailed, Queue, Start, drain, read

CLAIMED = 5_000  # D: how much of the backlog is drained
STEPS = 5  # E
DUE_IN_S = 36_000  # F: ten hours
WARM_UP = 20  # C


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much of everything; smaller for a quick look."""

    jobs: int = 20_000  # B, B2, E, F
    backlogs: tuple[int, ...] = (20_000, 1_000_000)  # D
    scheduled: int = 1_000_000  # F
    singles: int = 2_000  # A
    bulk: tuple[int, ...] = (10_000, 100_000)  # A
    clients_s: int = 5  # A: how long 8 clients insert, twice on and twice off
    trickle: int = 200  # C
    interval_ms: int = 50  # C
    concurrency: int = 10
    limit_s: float = 90  # a drain is cut off after that


def enqueue(queue: Queue, sizes: Sizes) -> dict[str, float]:
    """A: singles with a commit each, bulk, raw COPY in the same round, and what notifying costs."""
    figures = enqueueing.singles(queue, sizes.singles)
    for count in sizes.bulk:
        figures |= enqueueing.bulk(queue, count)
    figures |= enqueueing.raw_copy(queue, max(sizes.bulk))
    return figures | enqueueing.clients(queue, sizes.clients_s)


def backlog(queue: Queue, sizes: Sizes) -> dict[str, float]:
    """B: one worker drains what is queued."""
    return _drained(queue, sizes, workers=1)


def two_workers(queue: Queue, sizes: Sizes) -> dict[str, float]:
    """B2: two workers do."""
    return _drained(queue, sizes, workers=2)


def _drained(queue: Queue, sizes: Sizes, workers: int) -> dict[str, float]:
    queue.reset()
    queue.enqueue_many(sizes.jobs)
    return drain(queue, sizes.jobs, workers=workers, concurrency=sizes.concurrency, limit_s=sizes.limit_s)


def latency(queue: Queue, sizes: Sizes) -> dict[str, float]:
    """C: from the return of the commit to the handler's start, in an idle worker."""
    queue.reset()
    worker = queue.worker(sizes.concurrency)
    try:
        queue.trickle(WARM_UP, sizes.interval_ms)
        _wait(lambda: worker.count() >= WARM_UP, worker.check)
        committed = queue.trickle(sizes.trickle, sizes.interval_ms)
        _wait(lambda: worker.count() >= WARM_UP + sizes.trickle, worker.check)
    finally:
        worker.stop()
    return waits(committed, read(worker.out, skip=WARM_UP))


def waits(committed: list[Start], started: list[Start]) -> dict[str, float]:
    """Milliseconds from commit to start: percentiles."""
    begun = {one.number: one.at for one in started}
    if lost := sum(one.number not in begun for one in committed):
        raise AdapterFailed(f"{lost} jobs were never started")
    ms = sorted(1000 * (begun[one.number] - one.at) for one in committed)
    cuts = quantiles(ms, n=100, method="inclusive")
    return {"p50_ms": cuts[49], "p95_ms": cuts[94], "p99_ms": cuts[98], "max_ms": ms[-1]}


def _wait(done: Callable[[], bool], check: Callable[[], None]) -> None:
    deadline = time.monotonic() + 60
    while not done():
        check()
        if time.monotonic() > deadline:
            raise TimeoutError("jobs that were enqueued one by one were not started within 60 s")
        time.sleep(0.02)


def deep_backlog(queue: Queue, sizes: Sizes) -> dict[str, float]:
    """D: the first 5,000 jobs out of few and out of many."""
    figures: dict[str, float] = {}
    for size in sizes.backlogs:
        queue.reset()
        queue.enqueue_many(size)
        target = min(CLAIMED, size)
        one = drain(queue, size, target=target, concurrency=sizes.concurrency, limit_s=sizes.limit_s)
        figures |= {f"jobs_s_{size}": one["jobs_s"], f"buffers_{size}": one["buffers"]}
        figures["twice"] = figures.get("twice", 0) + one["twice"]
    few, many = min(sizes.backlogs), max(sizes.backlogs)
    figures["buffers_factor"] = figures[f"buffers_{many}"] / figures[f"buffers_{few}"]
    figures["slow"] = figures[f"jobs_s_{few}"] / figures[f"jobs_s_{many}"] if figures[f"jobs_s_{many}"] else float("inf")
    return figures


def pinned(queue: Queue, sizes: Sizes) -> dict[str, float]:
    """E: in and out again and again while a snapshot from before the first job keeps every dead row."""
    jobs = min(sizes.jobs, queue.info.get("pinned_jobs", sizes.jobs))  # a slow queue would not come to a second step
    queue.reset()
    steps = []
    with queue.bench.session() as conn:
        conn.execute("begin isolation level repeatable read")
        conn.execute("select count(*) from pg_class")  # only now there is a snapshot
        for _ in range(STEPS):
            queue.enqueue_many(jobs)
            steps.append(drain(queue, jobs, concurrency=sizes.concurrency, limit_s=sizes.limit_s))
            if steps[-1]["cut"]:
                break  # what is left would be drained by the next step
        conn.execute("rollback")
    first, last = steps[0], steps[-1]
    figures = {"first": first["jobs_s"], "last": last["jobs_s"]}
    if len(steps) > 1 and last["jobs_s"]:
        figures["factor"] = first["jobs_s"] / last["jobs_s"]
    return figures | {
        "buffers_first": first["buffers"],
        "buffers_last": last["buffers"],
        "steps": float(len(steps)),
        "cut": last["cut"],
        "twice": sum(one["twice"] for one in steps),
    }


def scheduled(queue: Queue, sizes: Sizes) -> dict[str, float]:
    """F: as B, behind a million jobs that are due in ten hours; and a plain B just before, for the ratio."""
    plain = backlog(queue, sizes)
    queue.reset()
    queue.enqueue_many(sizes.scheduled, DUE_IN_S)
    queue.bench.checkpoint()
    queue.enqueue_many(sizes.jobs)
    figures = drain(queue, sizes.jobs, concurrency=sizes.concurrency, limit_s=sizes.limit_s)
    return {"plain_s": plain["jobs_s"], **figures, "plain_factor": figures["jobs_s"] / plain["jobs_s"]}


MEASURES: dict[str, Callable[[Queue, Sizes], dict[str, float]]] = {
    "A": enqueue,
    "B": backlog,
    "B2": two_workers,
    "C": latency,
    "D": deep_backlog,
    "E": pinned,
    "F": scheduled,
}
