"""The adapter of procrastinate, as its manual sets it up: an async app over a pool of psycopg connections."""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from typing import Any

import procrastinate

from benchmarks.queue.protocol import Adapter, batches, dsn, main, paced, payload

NAME = "no_op"
PINNED_JOBS = 2000  # E in five steps takes minutes even so


def make_app(connections: int = 4, started: Callable[[int], None] | None = None) -> procrastinate.App:
    """An app with the one task."""
    app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=dsn(), min_size=connections, max_size=connections))

    async def no_op(i: int, video_id: str, pad: str) -> None:
        del video_id, pad
        if started is not None:
            started(i)

    app.task(name=NAME)(no_op)
    return app


class Procrastinate(Adapter):
    """Claims one job a call; listens for notifications."""

    def info(self) -> dict[str, Any]:
        """What is measured."""
        return {
            "name": "procrastinate",
            "version": version("procrastinate"),
            "settings": {
                "driver": "psycopg, a connection a slot and 2",
                "tasks": "async",
                "jobs a step of E": PINNED_JOBS,
                "bulk enqueue": "batch_defer_async",
                "single enqueue": "defer_async",
            },
            "pinned_jobs": PINNED_JOBS,
            "remaining_sql": "select count(*) from procrastinate_jobs "
            "where status in ('todo', 'doing') and (scheduled_at is null or scheduled_at <= now())",
        }

    def reset(self) -> None:
        """Its schema."""
        asyncio.run(self._reset())

    async def _reset(self) -> None:
        async with make_app(1).open_async() as app:
            await app.schema_manager.apply_schema_async()

    def enqueue_one(self, count: int) -> float:
        """defer_async."""
        return asyncio.run(self._enqueue_one(count))

    async def _enqueue_one(self, count: int) -> float:
        async with make_app(1).open_async() as app:
            task = app.configure_task(NAME)
            begin = time.perf_counter()
            for number in range(count):
                await task.defer_async(**payload(number))
            return time.perf_counter() - begin

    def enqueue_many(self, count: int, chunk: int, delay_s: float) -> float:
        """batch_defer_async."""
        return asyncio.run(self._enqueue_many(count, chunk, delay_s))

    async def _enqueue_many(self, count: int, chunk: int, delay_s: float) -> float:
        async with make_app(1).open_async() as app:
            begin = time.perf_counter()
            for numbers in batches(count, chunk):
                due = datetime.now(UTC) + timedelta(seconds=delay_s) if delay_s else None
                await app.configure_task(NAME, schedule_at=due).batch_defer_async(*(payload(number) for number in numbers))
            return time.perf_counter() - begin

    def trickle(self, count: int, interval_s: float, committed: Callable[[int], None]) -> None:
        """defer_async at a pace."""
        asyncio.run(self._trickle(count, interval_s, committed))

    async def _trickle(self, count: int, interval_s: float, committed: Callable[[int], None]) -> None:
        async with make_app(1).open_async() as app:
            task = app.configure_task(NAME)
            for number in paced(count, interval_s):
                await task.defer_async(**payload(number))
                committed(number)

    def work(self, concurrency: int, started: Callable[[int], None]) -> None:
        """run_worker_async; it handles SIGTERM itself."""
        logging.basicConfig(level=logging.ERROR)
        asyncio.run(self._work(concurrency, started))

    async def _work(self, concurrency: int, started: Callable[[int], None]) -> None:
        async with make_app(concurrency + 2, started).open_async() as app:
            await app.run_worker_async(concurrency=concurrency)


if __name__ == "__main__":
    sys.exit(main(Procrastinate()))
