"""Drive an adapter: its verbs as calls, its worker as a process that is watched while it drains."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import machine
from benchmarks.place import child_environ
from benchmarks.queue.environments import Contender
from benchmarks.queue.protocol import RECORD
from benchmarks.server import Bench, Counters

LOOK_S = 0.01  # how often a drain is checked
SETTLE_S = 60.0  # how long settling may take once every handler has started
STOP_S = 60.0
BEGIN_AT = 0.05  # rates count from here on: a program's start is not the queue's speed
CHUNK = 10_000


class AdapterFailed(Exception):
    """A verb ended with an error."""


@dataclass(frozen=True, slots=True)
class Start:
    """A handler has started."""

    number: int
    at: float  # Unix time


def read(out: Path, skip: int = 0) -> list[Start]:
    """The records of a file, without the first `skip`."""
    data = out.read_bytes() if out.exists() else b""
    whole = len(data) // RECORD.size * RECORD.size
    return [Start(int(number), at) for number, at in RECORD.iter_unpack(data[skip * RECORD.size : whole])]


class Worker:
    """A worker process of a queue."""

    def __init__(self, queue: Queue, concurrency: int, out: Path) -> None:
        self.out = out
        out.touch()
        self._log = out.with_suffix(".log")
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [*queue.contender.command, "work", str(concurrency), str(out)],
                env=queue.environ, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    def count(self) -> int:
        """How many handlers have started."""
        return self.out.stat().st_size // RECORD.size

    def cpu_s(self) -> float:
        """CPU seconds so far."""
        return machine.session_cpu(self._process.pid)

    def check(self) -> None:
        """Raise AdapterFailed when it has ended by itself."""
        if self._process.poll() is not None:
            raise AdapterFailed(f"the worker ended with {self._process.returncode}:\n{self._tail()}")

    def stop(self) -> None:
        """SIGTERM, and a kill when that does not help."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()
        if tail := self._tail():
            print(f"bench: the worker said: {tail}", file=sys.stderr)

    def _tail(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")[-2000:].strip()


class Queue:
    """One queue in the benchmark's database."""

    def __init__(self, contender: Contender, bench: Bench) -> None:
        self.contender = contender
        self.bench = bench
        self.environ = child_environ({**contender.environ, "BENCH_DSN": bench.dsn})
        self.info: dict[str, Any] = json.loads(self._verb("info"))
        self._temporary = tempfile.TemporaryDirectory(prefix="reelq-bench-out-")  # gone when we are
        self._folder = Path(self._temporary.name)
        self._files = 0

    @property
    def name(self) -> str:
        """Its name on the command line."""
        return self.contender.name

    def reset(self) -> None:
        """A fresh database with its schema."""
        self.bench.fresh()
        self._verb("reset")
        self.bench.forget_statements()

    def enqueue_one(self, count: int) -> float:
        """Seconds that `count` single enqueues took."""
        return float(json.loads(self._verb("enqueue-one", str(count)))["seconds"])

    def enqueue_many(self, count: int, delay_s: float = 0) -> float:
        """Seconds that a bulk enqueue took."""
        return float(json.loads(self._verb("enqueue-many", str(count), str(CHUNK), str(delay_s)))["seconds"])

    def trickle(self, count: int, interval_ms: int) -> list[Start]:
        """Enqueue at a pace; when each commit returned."""
        out = self.file()
        self._verb("trickle", str(count), str(interval_ms), str(out))
        return read(out)

    def text(self, verb: str) -> str:
        """What another verb prints."""
        return self._verb(verb)

    def background(self, *verb: str) -> subprocess.Popen[str]:
        """Start a verb that goes on until it is ended; it prints one line when it is ready."""
        process = subprocess.Popen([*self.contender.command, *verb], env=self.environ, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        process.stdout.readline()
        return process

    def worker(self, concurrency: int) -> Worker:
        """Start a worker."""
        return Worker(self, concurrency, self.file())

    def remaining(self) -> int:
        """Jobs that are due and not finished."""
        with self.bench.session() as conn:
            row = conn.execute(self.info["remaining_sql"].encode()).fetchone()
        return int(row[0]) if row else 0

    def file(self) -> Path:
        """A new file for records."""
        self._files += 1
        return self._folder / f"{self._files}.out"

    def _verb(self, *verb: str) -> str:
        done = subprocess.run(
            [*self.contender.command, *verb],
            env=self.environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise AdapterFailed(f"{self.contender.name} {' '.join(verb)} ended with {done.returncode}:\n{done.stderr[-3000:]}")
        return done.stdout


@dataclass(frozen=True, slots=True)
class _Mark:
    """How far a drain was at some moment."""

    jobs: int
    server_s: float
    workers_s: float


def drain(
    queue: Queue, total: int, *, workers: int = 1, concurrency: int = 10, target: int | None = None, limit_s: float = 90
) -> dict[str, float]:
    """Start workers and watch until `total` jobs are done, or `target` of them, or time is up.

    The rate is that of handler starts between the 5 % and the last mark; counters are of the whole drain,
    CPU is of the same part as the rate. `cut` is 1 when time was up before.
    """
    bench, wanted = queue.bench, target or total
    before = bench.count()
    began = time.monotonic()
    pool = [queue.worker(concurrency) for _ in range(workers)]
    first: _Mark | None = None
    try:
        while (done := sum(one.count() for one in pool)) < wanted and time.monotonic() - began < limit_s:
            if first is None and done >= wanted * BEGIN_AT:
                first = _mark(bench, pool)
            for one in pool:
                one.check()
            time.sleep(LOOK_S)
        cut = done < wanted
        last = _mark(bench, pool)
        if not cut and target is None:
            _wait_settled(queue)
            last = _mark(bench, pool)
        after = bench.count()
    finally:
        for one in pool:
            one.stop()
    starts = sorted((start for one in pool for start in read(one.out)), key=lambda start: start.at)
    gone = bench.count(all_gone=True)
    if target is not None or cut:
        after = gone  # running jobs were finished at the stop, and are among the starts
    twice = len(starts) - len({start.number for start in starts})
    figures = _per_job(starts, wanted, before, after, gone, last, first)
    return figures | {"jobs": float(len(starts)), "twice": float(twice), "cut": float(cut)}


def _mark(bench: Bench, pool: list[Worker]) -> _Mark:
    return _Mark(sum(one.count() for one in pool), bench.cpu_s(), sum(one.cpu_s() for one in pool))


def _wait_settled(queue: Queue) -> None:
    """Every handler has started; wait until the queue knows that all are done."""
    deadline = time.monotonic() + SETTLE_S
    while queue.remaining():
        if time.monotonic() > deadline:
            raise AdapterFailed(f"{queue.name}: {queue.remaining()} jobs are not settled {SETTLE_S:.0f} s after the last start")
        time.sleep(0.05)


def _per_job(
    starts: list[Start], wanted: int, before: Counters, after: Counters, gone: Counters, last: _Mark, first: _Mark | None
) -> dict[str, float]:
    jobs = max(1, len(starts))
    counted = starts[:wanted]
    begin = int(len(counted) * BEGIN_AT)
    span = counted[-1].at - counted[begin].at if len(counted) > begin + 1 else 0.0
    figures = {
        "jobs_s": (len(counted) - begin - 1) / span if span else 0.0,
        "wal": (after.wal_bytes - before.wal_bytes) / jobs,
        "buffers": (after.buffers - before.buffers) / jobs,
        "xacts": (gone.xacts - before.xacts) / jobs,
    }
    if first is not None and last.jobs > first.jobs:
        share = last.jobs - first.jobs
        figures["server_ms"] = 1000 * (last.server_s - first.server_s) / share
        figures["worker_ms"] = 1000 * (last.workers_s - first.workers_s) / share
    return figures
