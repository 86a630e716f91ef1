"""The adapter of pgqueuer over asyncpg and uvloop, as its own command runs."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from importlib.metadata import version
from typing import Any

import asyncpg
import uvloop
from pgqueuer import PgQueuer
from pgqueuer.db import AsyncpgDriver
from pgqueuer.models import Job
from pgqueuer.queries import Queries

from benchmarks.queue.protocol import Adapter, batches, dsn, main, paced, payload

NAME = "no_op"
BATCH = 50
# No cap on running tasks, as by default. The least that it accepts is two batches, and with that it is slower: 8.7k
# against 10.3k jobs/s and 57 against 47 buffers a job, measured in one quarter of an hour.
CAP = None


def packed(number: int) -> bytes:
    """The payload as it takes it."""
    return json.dumps(payload(number)).encode()


async def queries() -> Queries:
    """Its functions on a connection of their own."""
    return Queries(AsyncpgDriver(await asyncpg.connect(dsn())))


class Pgqueuer(Adapter):
    """Claims and completes in batches; moves what has ended to a log table."""

    def info(self) -> dict[str, Any]:
        """What is measured."""
        return {
            "name": "pgqueuer",
            "version": version("pgqueuer"),
            "settings": {
                "driver": "asyncpg, uvloop",
                "batch_size": BATCH,
                "max_concurrent_tasks": "none",
                "bulk enqueue": "enqueue of lists",
                "single enqueue": "enqueue",
            },
            "remaining_sql": "select count(*) from pgqueuer where status in ('queued', 'picked') and execute_after <= now()",
        }

    def reset(self) -> None:
        """Its schema."""
        uvloop.run(self._reset())

    async def _reset(self) -> None:
        await (await queries()).install()

    def enqueue_one(self, count: int) -> float:
        """One call a job."""
        return float(uvloop.run(self._enqueue_one(count)))

    async def _enqueue_one(self, count: int) -> float:
        calls = await queries()
        begin = time.perf_counter()
        for number in range(count):
            await calls.enqueue(NAME, packed(number))
        return time.perf_counter() - begin

    def enqueue_many(self, count: int, chunk: int, delay_s: float) -> float:
        """One call a chunk."""
        return float(uvloop.run(self._enqueue_many(count, chunk, delay_s)))

    async def _enqueue_many(self, count: int, chunk: int, delay_s: float) -> float:
        calls = await queries()
        begin = time.perf_counter()
        for numbers in batches(count, chunk):
            size = len(numbers)
            due: list[timedelta | None] | None = [timedelta(seconds=delay_s)] * size if delay_s else None
            data: list[bytes | None] = [packed(number) for number in numbers]
            await calls.enqueue([NAME] * size, data, [0] * size, due)
        return time.perf_counter() - begin

    def trickle(self, count: int, interval_s: float, committed: Callable[[int], None]) -> None:
        """One call a job at a pace."""
        uvloop.run(self._trickle(count, interval_s, committed))

    async def _trickle(self, count: int, interval_s: float, committed: Callable[[int], None]) -> None:
        calls = await queries()
        for number in paced(count, interval_s):
            await calls.enqueue(NAME, packed(number))
            committed(number)

    def work(self, concurrency: int, started: Callable[[int], None]) -> None:
        """Until SIGTERM. How many run side by side is up to it: see CAP."""
        del concurrency
        uvloop.run(self._work(started))

    async def _work(self, started: Callable[[int], None]) -> None:
        manager = PgQueuer(AsyncpgDriver(await asyncpg.connect(dsn())))

        async def no_op(job: Job) -> None:
            started(json.loads(job.payload or b"{}")["i"])

        manager.entrypoint(NAME)(no_op)
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, manager.shutdown.set)
        await manager.run(batch_size=BATCH, max_concurrent_tasks=CAP)


if __name__ == "__main__":
    sys.exit(main(Pgqueuer()))
