"""Workers in a thread of the test, with handlers that the test writes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
from psycopg.rows import dict_row

from reelq.worker import settings
from reelq.worker.jobs.context import JobContext
from reelq.worker.runtime.registry import Registry
from reelq.worker.runtime.runner import Runner
from reelq.worker.settings import Settings

PATIENCE_S = 60.0  # only a fault takes as long: two cores are shared with everything else that tests
LOOK_S = 0.01


def until(condition: Callable[[], Any], what: str = "the condition", timeout_s: float = PATIENCE_S) -> Any:
    """Wait until `condition()` is true and return what it returned."""
    deadline = time.monotonic() + timeout_s
    while not (found := condition()):
        assert time.monotonic() < deadline, f"waited {timeout_s} s for {what}"
        time.sleep(LOOK_S)
    return found


@dataclass(frozen=True, slots=True)
class NoArgs:
    """A handler without arguments."""


def handler(run: Callable[[JobContext], Any]) -> SimpleNamespace:
    """A handler module made of one function."""
    return SimpleNamespace(Args=NoArgs, run=lambda _args, ctx: run(ctx))


def make_settings(dsn: str, folder: Path, **flags: Any) -> Settings:
    """Settings that no environment has a hand in; quick beats and polls."""
    given = {"heartbeat_s": 0.2, "poll_s": 0.2, "scratch_reserve_bytes": 1, **flags}
    environ = {"DATABASE_URL": dsn, "REELQ_STORE": (folder / "objects").as_uri(), "REELQ_SCRATCH": str(folder / "scratch"), "REELQ_SOURCE_ROOTS": "/"}
    return settings.load(environ, **given)


class Worker:
    """A runner in a thread."""

    def __init__(self, runner: Runner) -> None:
        self.runner = runner
        self.code: int | None = None
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="runner", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.code = self.runner.run()
        except BaseException as error:  # noqa: BLE001 - told by join
            self.error = error

    @property
    def id(self) -> str:
        """Its worker id."""
        return self.runner.worker_id

    def join(self) -> int:
        """Wait until it has left; its exit code."""
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive(), "the worker does not leave"
        if self.error is not None:
            raise self.error
        assert self.code is not None
        return self.code


@contextmanager
def working(dsn: str, folder: Path, modules: dict[str, Any], *, until_idle: bool = False, **flags: Any) -> Iterator[Worker]:
    """A worker with these handlers for the length of the block; afterwards it leaves at once."""
    runner = Runner(make_settings(dsn, folder, **flags), Registry(modules), until_idle=until_idle)
    worker = Worker(runner)
    try:
        yield worker
    finally:
        runner.shutdown()
        runner.shutdown()
        worker.join()


def job(conn: psycopg.Connection[Any], job_id: Any) -> dict[str, Any]:
    """The record of a job."""
    with conn.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute("select * from queue.processing_jobs where id = %s", [job_id]).fetchone()
    assert row is not None
    return row


def attempts(conn: psycopg.Connection[Any], job_id: Any) -> list[dict[str, Any]]:
    """Its attempts that ended."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute("select * from queue.job_attempts where job_id = %s order by attempt", [job_id]).fetchall()


def enqueue(conn: psycopg.Connection[Any], job_type: str = "no_op", **columns: Any) -> Any:
    """Enqueue with named arguments of queue.enqueue_job; returns the id."""
    names = "".join(f", {name} => %({name})s" for name in columns)
    row = conn.execute(f"select queue.enqueue_job(%(job_type)s{names})", {"job_type": job_type, **columns}).fetchone()  # type: ignore[arg-type]
    assert row is not None
    return row[0]


def ended(conn: psycopg.Connection[Any], job_id: Any) -> dict[str, Any]:
    """Wait until a job has been tried once at least and does not run; its record."""

    def look() -> dict[str, Any] | None:
        found = job(conn, job_id)
        return found if found["token"] > 0 and found["status"] != "running" else None

    found: dict[str, Any] = until(look, f"job {job_id}")
    return found
