"""The adapter of reelq itself: benchmarks/queue/adapter.

Work is done by the real worker, as `reelq worker run` starts it: claim, slot thread, settle. Only the handler is
the benchmark's: a no_op whose Args are the benchmark's payload, and which notes when it starts.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from benchmarks.queue.protocol import Adapter, dsn, main, paced, payload
from reelq.cli import worker as command
from reelq.worker import __version__, logs
from reelq.worker import settings as environment
from reelq.worker.db import schema
from reelq.worker.jobs.context import JobContext
from reelq.worker.rooms import queue
from reelq.worker.rooms.queue import bulk
from reelq.worker.runtime.registry import Registry

JOB_TYPE = "no_op"
BATCH = int(os.environ.get("BENCH_BATCH", "200"))  # the documented knob for work of milliseconds
# Half of the work is one tenant's, the rest is spread: what fairness has to deal with.
TENANTS = ("default", "big", *(f"small-{n}" for n in range(1, 9)))
SHARES = (1, 1, 1, 1, 1, 0, 2, 3, 4, 5, 1, 1, 1, 1, 1, 0, 6, 7, 8, 9)  # job number modulo 20 to a tenant's place
# Counts stop at 10,000 a place; zero is zero.
REMAINING = "select coalesce(sum(ready + blocked + running), 0) from queue.depth()"
SINGLE = "select queue.enqueue_job(%s, tenant_id => %s, job_data => %s)"


@dataclass(frozen=True, slots=True)
class Args:
    """The benchmark's payload."""

    i: int
    video_id: str
    pad: str


class Reelq(Adapter):
    """reelq with history, attempts, fairness, guards and dependencies as they are by default."""

    def info(self) -> dict[str, Any]:
        """What is measured."""
        return {
            "name": "reelq",
            "version": __version__,
            "settings": {
                "worker": "reelq.worker.runtime.runner.Runner as `reelq worker run --slots CONCURRENCY --log-level warning`",
                "job_types.batch": BATCH,
                "tenants": len(TENANTS),
                "bulk enqueue": "reelq.worker.rooms.queue.bulk.enqueue_all",
                "single enqueue": "queue.enqueue_job",
            },
            "remaining_sql": REMAINING,
            "clients": True,  # it knows the verbs pgbench and listen
        }

    def reset(self) -> None:
        """Install the schema, make tenants, set the batch."""
        with psycopg.connect(dsn(), autocommit=True) as conn:
            schema.install(conn)
            for slug in TENANTS[1:]:
                conn.execute("select identity.create_tenant(%s)", [slug])
            # Without a schema of its options: the payload is the benchmark's, and no other queue looks at it.
            conn.execute("update queue.job_types set batch = %s, options_schema = null where job_type = %s", [BATCH, JOB_TYPE])

    def enqueue_one(self, count: int) -> float:
        """queue.enqueue_job, prepared, a commit each."""
        with psycopg.connect(dsn(), autocommit=True) as conn:
            tenants = ids(conn)
            begin = time.perf_counter()
            for number in range(count):
                conn.execute(SINGLE, [JOB_TYPE, tenants[number % 20], Jsonb(payload(number))])
            return time.perf_counter() - begin

    def enqueue_many(self, count: int, chunk: int, delay_s: float) -> float:
        """queue.enqueue_jobs, a chunk a call; the next one is written down meanwhile."""
        with psycopg.connect(dsn(), autocommit=True) as conn:
            tenants = ids(conn)
            begin = time.perf_counter()
            due = {"scheduled_for": (datetime.now(UTC) + timedelta(seconds=delay_s)).isoformat()} if delay_s else {}
            specs = ({"job_type": JOB_TYPE, "tenant_id": tenants[n % 20], "job_data": payload(n), **due} for n in range(count))
            bulk.enqueue_all(conn, specs, chunk)
            return time.perf_counter() - begin

    def trickle(self, count: int, interval_s: float, committed: Callable[[int], None]) -> None:
        """queue.enqueue_job at a steady pace."""
        with psycopg.connect(dsn(), autocommit=True, prepare_threshold=0) as conn:
            tenants = ids(conn)
            for number in paced(count, interval_s):
                conn.execute(SINGLE, [JOB_TYPE, tenants[number % 20], Jsonb(payload(number))])
                committed(number)

    def work(self, concurrency: int, started: Callable[[int], None]) -> None:
        """What `reelq worker run` does, with the handler below."""

        def run(args: Args, _ctx: JobContext) -> dict[str, Any]:
            started(args.i)
            return {}

        folder = Path(tempfile.mkdtemp(prefix="reelq-bench-"))
        given = {"DATABASE_URL": dsn(), "REELQ_STORE": (folder / "objects").as_uri(), "REELQ_SCRATCH": str(folder / "scratch")}
        (folder / "objects").mkdir()
        settings = environment.load(given, slots=concurrency, log_level="warning", sandbox="off")
        logs.configure(settings)
        try:
            command.work(settings, Registry({JOB_TYPE: SimpleNamespace(Args=Args, run=run)}))
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def pgbench() -> str:
    """A script of one single enqueue, for a tenant by chance."""
    with psycopg.connect(dsn(), autocommit=True) as conn:
        tenants = ",".join(ids(conn))
    return (
        f"\\set n random(1, {len(SHARES)})\n"
        f"select queue.enqueue_job('{JOB_TYPE}', tenant_id => ('{{{tenants}}}'::uuid[])[:n], "
        f"job_data => '{json.dumps(payload(0))}');\n"
    )


def listen() -> None:
    """Wait for notifications as an idle worker does, and ask for the next one after each; take nothing."""
    name = "bench-sleeper"
    with psycopg.connect(dsn(), autocommit=True) as listening, psycopg.connect(dsn(), autocommit=True) as conn:
        queue.register_worker(
            conn, name, host="bench", pid=os.getpid(), version=__version__, pool="default", slots=10, types=[JOB_TYPE],
            capabilities=[], process_key=None,
        )  # fmt: skip
        listening.execute("listen reelq_ready")
        queue.set_worker_listening(conn, name)
        print("listening", flush=True)
        while True:
            list(listening.notifies(stop_after=1))  # with those that came along
            queue.set_worker_listening(conn, name)


def ids(conn: psycopg.Connection[Any]) -> list[str]:
    """The tenant of each job number modulo 20."""
    found = dict(conn.execute("select slug, id::text from identity.tenants").fetchall())
    return [found[TENANTS[place]] for place in SHARES]


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["pgbench"]:
            print(pgbench(), end="")
        case ["listen"]:
            listen()
        case words:
            sys.exit(main(Reelq(), words))
