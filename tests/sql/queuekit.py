"""Short words for the queue's functions, so that a test reads as the promise it holds."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import namedtuple_row
from psycopg.types.json import Jsonb

LOCK_WAIT_S = 10.0  # a test that waits longer for a lock than this has found a bug


class Queue:
    """The queue as one session sees it."""

    def __init__(self, conn: psycopg.Connection[Any]) -> None:
        self.conn = conn

    def rows(self, sql: str, *args: Any) -> list[Any]:
        """Rows with named columns."""
        with self.conn.cursor(row_factory=namedtuple_row) as cursor:
            return cursor.execute(sql, args).fetchall()

    def value(self, sql: str, *args: Any) -> Any:
        """First column of the first row; None without one."""
        row = self.conn.execute(sql, args).fetchone()
        return None if row is None else row[0]

    def add(self, job_type: str = "no_op", **named: Any) -> UUID:
        """Enqueue a job."""
        if isinstance(named.get("job_data"), dict):
            named["job_data"] = Jsonb(named["job_data"])
        names = "".join(f", {name} => %s" for name in named)
        return self.value(f"select queue.enqueue_job(%s{names})", job_type, *named.values())  # type: ignore[no-any-return]

    def worker(self, name: str = "w1", types: list[str] | None = None, capabilities: list[str] | None = None) -> str:
        """Register a worker."""
        self.conn.execute(
            "select queue.register_worker(%s, 'host', 1, '0', 'pool', 10, %s, %s)", (name, types, capabilities or [])
        )
        return name

    def claim(self, worker: str = "w1", limit: int = 1, *bounds: list[Any]) -> list[Any]:
        """Claim jobs; a full look unless bounds are given."""
        lanes, keys, seqs = bounds or (None, None, None)
        return self.rows("select * from queue.claim_jobs(%s, %s, %s, %s, %s)", worker, limit, lanes, keys, seqs)

    def take(self, worker: str = "w1") -> Any:
        """Register the worker if needed, and claim one job that has to be there."""
        if not self.value("select 1 from queue.workers where worker_id = %s and status = 'active'", worker):
            self.worker(worker)
        (job,) = self.claim(worker)
        return job

    def complete(self, job: Any, result: dict[str, Any] | None = None) -> None:
        """Complete a claimed job."""
        self.conn.execute("select queue.complete_job(%s, %s, %s)", (job.job_id, job.token, Jsonb(result or {})))

    def fail(self, job: Any, error_class: str = "transient", code: str = "oops", **facts: Any) -> str:
        """Fail a claimed job; the new status."""
        return self.value(  # type: ignore[no-any-return]
            "select queue.fail_job(%s, %s, %s, %s, 'It broke.', %s)", job.job_id, job.token, error_class, code, Jsonb(facts)
        )

    def beat(self, worker: str, *jobs: Any, **extra: Any) -> dict[UUID | None, str]:
        """Heartbeat; what needs attention."""
        told = [{"job_id": str(job.job_id), "token": job.token, **extra} for job in jobs]
        return {row.job_id: row.verdict for row in self.rows("select * from queue.heartbeat(%s, %s)", worker, Jsonb(told))}

    def rescue(self) -> int:
        """Take back expired leases."""
        return self.value("select queue.rescue_expired()")  # type: ignore[no-any-return]

    def job(self, job_id: UUID) -> Any:
        """The record."""
        (job,) = self.rows("select * from queue.processing_jobs where id = %s", job_id)
        return job

    def status(self, job_id: UUID) -> str:
        """Status of a job."""
        return self.job(job_id).status  # type: ignore[no-any-return]

    def place(self, job_id: UUID) -> str:
        """Where a job stands: ready, scheduled, blocked, …"""
        return self.value("select place from queue.job_summary where id = %s", job_id)  # type: ignore[no-any-return]

    def outcomes(self, job_id: UUID) -> list[str]:
        """How the attempts of a job ended, in order."""
        return [row.outcome for row in self.rows("select outcome from queue.job_attempts where job_id = %s order by attempt", job_id)]

    def violations(self) -> list[Any]:
        """What queue.verify() finds."""
        return self.rows("select * from queue.verify()")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Hold the locks of what is done inside."""
        with self.conn.transaction():
            yield


class Race:
    """A call in another session that has to wait for a lock that we hold."""

    def __init__(self, queue: Queue, call: Callable[[Queue], Any]) -> None:
        self.outcome: Any = None
        self.error: BaseException | None = None
        self._queue = queue
        self._thread = threading.Thread(target=self._run, args=(call,), daemon=True)
        self._pid = queue.conn.info.backend_pid

    def _run(self, call: Callable[[Queue], Any]) -> None:
        try:
            self.outcome = call(self._queue)
        except psycopg.Error as error:
            self.error = error

    def start_and_wait_until_blocked(self, observer: Queue) -> Race:
        """Start the call; return once Postgres says that it waits for a lock."""
        self._thread.start()
        waited = observer.value(
            """
            with recursive look (n, blocked) as (
                select 0, false
                union all
                select n + 1, cardinality(pg_blocking_pids(%s)) > 0
                from look, lateral (select pg_sleep(0.01)) as nap
                where not blocked and n < 500
            )
            select bool_or(blocked) from look
            """,
            self._pid,
        )
        assert waited, "the other session never waited for the lock"
        return self

    def start_until_blocked_or_done(self, observer: Queue) -> Race:
        """Start the call; return once it waits for a lock, or has ended."""
        self._thread.start()
        while self._thread.is_alive() and not observer.value("select cardinality(pg_blocking_pids(%s)) > 0", self._pid):
            self._thread.join(0.01)
        return self

    def finish(self) -> Any:
        """The call's result, or its error raised."""
        self._thread.join(LOCK_WAIT_S)
        assert not self._thread.is_alive(), "the other session still waits"
        if self.error is not None:
            raise self.error
        return self.outcome
