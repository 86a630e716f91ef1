"""A real worker on a private Postgres with a file store, and one video that was fetched and measured."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

from benchmarks import machine
from benchmarks.place import ROOT, child_environ
from benchmarks.server import Bench
from benchmarks.transcode import hand
from benchmarks.transcode.hand import Cost
from reelq.worker.db import schema
from reelq.worker.rooms import queue

LONGEST_S = 3600.0
LOOK_S = 0.05
IDLE_STOP_S = 5.0


class JobFailed(Exception):
    """A job of the benchmark failed; the message is the job's."""


@dataclass(slots=True)
class Stage:
    """What runs, and the connection that looks at it."""

    bench: Bench
    conn: psycopg.Connection[Any]
    worker: subprocess.Popen[bytes]
    scratch: Path
    video: UUID | None = None

    def ingest(self, source: Path) -> None:
        """Bring the source in by the standard pipeline, with its transcode: a warm-up of the whole way."""
        self.video = queue.ingest_video(self.conn, str(source), original_filename=source.name)
        self._wait("select status = 'ready', status = 'failed', error_message from media.videos where id = %s", self.video)

    def transcode(self) -> Cost:
        """One job: from the commit that enqueues it to the time of its completion."""
        return self._job(lambda: None)

    def spy(self, program: str) -> list[str]:
        """One job more, and the command line of the ffmpeg that it runs."""
        seen: list[list[str]] = []

        def look() -> None:
            found = None if seen else hand.running(program, self.scratch)
            if found:
                seen.append(found)

        self._job(look)
        if not seen:
            raise JobFailed("the worker's ffmpeg was too quick to be seen; take a longer clip")
        return seen[0]

    def _job(self, look: Any) -> Cost:
        before = self._cpu_s()
        job = queue.enqueue_job(self.conn, "video_transcode", video_id=self.video)
        began = time.time()
        self._wait(
            "select status = 'completed', status in ('failed', 'cancelled'), error_message "
            "from queue.processing_jobs where id = %s",
            job,
            look,
        )
        row = self.conn.execute(
            "select extract(epoch from completed_at)::float8 from queue.processing_jobs where id = %s", [job]
        ).fetchone()
        assert row is not None
        return Cost(row[0] - began, self._cpu_s() - before)

    def _cpu_s(self) -> float:
        """The worker with the children that it waited for, and the server."""
        return machine.session_cpu(self.worker.pid) + self.bench.cpu_s()

    def _wait(self, query: str, given: UUID, look: Any = lambda: None) -> None:
        deadline = time.monotonic() + LONGEST_S
        while True:
            row = self.conn.execute(query.encode(), [given]).fetchone()
            if row is not None and row[0]:
                return
            if row is not None and row[1]:
                raise JobFailed(str(row[2]))
            if self.worker.poll() is not None:
                raise JobFailed(f"the worker ended with {self.worker.returncode}")
            if time.monotonic() > deadline:
                raise JobFailed("it takes more than an hour")
            look()
            time.sleep(LOOK_S)


@contextmanager
def up(bench: Bench, folder: Path, source: Path, sandbox: str) -> Iterator[Stage]:
    """Install, start a worker of one slot, and stop it at the end."""
    bench.fresh()
    for name in ("objects", "scratch"):
        (folder / name).mkdir(parents=True)
    environ = child_environ(
        {
            "DATABASE_URL": bench.dsn,
            "REELQ_STORE": (folder / "objects").as_uri(),
            "REELQ_SCRATCH": str(folder / "scratch"),
            "REELQ_SOURCE_ROOTS": str(source.parent),
            "REELQ_SANDBOX": sandbox,
            "REELQ_LOG_LEVEL": "warning",
            "PYTHONPATH": str(ROOT),
        }
    )
    with psycopg.connect(bench.dsn, autocommit=True) as conn:
        schema.install(conn)
        worker = subprocess.Popen(
            [sys.executable, "-m", "reelq.cli.main", "worker", "run", "--slots", "1"],
            env=environ, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        try:
            yield Stage(bench, conn, worker, folder / "scratch")
        finally:
            worker.terminate()
            try:
                worker.wait(IDLE_STOP_S)
            except subprocess.TimeoutExpired:
                worker.terminate()  # we were interrupted in the middle of an encode: the second one does not wait for it
                worker.wait()
