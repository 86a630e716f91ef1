"""The read side of schema `queue` as typed calls: what people and screens look at.

One line of SQL each, rows as frozen dataclasses; nothing here changes anything. Errors are psycopg's;
`db.family` makes them ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

import psycopg
from psycopg.rows import class_row, scalar_row

Connection = psycopg.Connection[Any]
Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Job:
    """A job on one line. `place` is its status, and for a queued one where it waits."""

    id: UUID
    job_type: str
    status: str
    place: str  # ready, scheduled, backing off, blocked, parked, running, completed, failed, cancelled
    priority: int
    attempts: int  # charged against max_attempts
    max_attempts: int
    token: int  # attempts that were started
    tenant_id: UUID | None
    video_id: UUID | None
    pipeline_step: str | None
    worker_id: str | None
    progress: float | None  # 0 to 1
    stage: str | None
    eta_s: float | None
    scheduled_for: datetime
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    error_class: str | None
    error_code: str | None
    error_message: str | None


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker process."""

    worker_id: str
    host: str
    pid: int
    pool: str
    version: str
    status: str  # active, draining, stopped, lost
    slots: int
    busy: int  # jobs under lease
    types: list[str] | None  # None: all
    capabilities: list[str]
    process_key: str | None
    started_at: datetime
    last_beat_at: datetime
    drain_requested_at: datetime | None


@dataclass(frozen=True, slots=True)
class Running:
    """A job under lease, as its last heartbeat told."""

    job_id: UUID
    job_type: str
    video_id: UUID | None
    title: str | None
    worker_id: str
    token: int
    started_at: datetime
    beat_at: datetime
    expires_at: datetime
    progress: float | None  # 0 to 1
    stage: str | None
    speed: float | None  # media seconds a second
    eta_s: float | None
    cancel_requested_at: datetime | None


@dataclass(frozen=True, slots=True)
class Depth:
    """How many jobs of a type are where; counting stops at 10,000."""

    job_type: str
    ready: int
    scheduled: int
    blocked: int
    running: int
    dead: int


@dataclass(frozen=True, slots=True)
class Rate:
    """What ended within a window."""

    job_type: str
    completed: int
    failed: int
    per_minute: float
    median_s: float | None


@dataclass(frozen=True, slots=True)
class Failure:
    """A job that failed for good."""

    job_id: UUID
    job_type: str
    video_id: UUID | None
    failed_at: datetime
    attempts: int
    worker_id: str | None
    error_class: str | None
    error_code: str | None
    error_message: str | None


def list_jobs(
    conn: Connection,
    status: str | None = None,
    job_type: str | None = None,
    video_id: UUID | None = None,
    limit: int = 50,
) -> list[Job]:
    """Jobs, newest first."""
    return _rows(
        conn, Job, "select * from queue.list_jobs(%s, %s, %s, %s)", [status, job_type, video_id, limit]
    )


def show_job(conn: Connection, job_id: UUID) -> dict[str, Any]:
    """All that is known of a job; RQ004 when there is none."""
    with conn.cursor(row_factory=scalar_row) as cursor:
        return dict(cursor.execute("select queue.show_job(%s)", [job_id]).fetchone() or {})


def list_workers(conn: Connection, everyone: bool = False) -> list[Worker]:
    """Workers at work; `everyone`: all that were ever known."""
    return _rows(conn, Worker, "select * from queue.list_workers(%s)", [everyone])


def running_jobs(conn: Connection) -> list[Running]:
    """Jobs under lease, by worker."""
    return _rows(conn, Running, "select * from queue.running_jobs()", [])


def depth(conn: Connection) -> list[Depth]:
    """How much waits, by type."""
    return _rows(conn, Depth, "select * from queue.depth()", [])


def rates(conn: Connection, window: timedelta = timedelta(minutes=5)) -> list[Rate]:
    """What ended within the window, by type."""
    return _rows(conn, Rate, "select * from queue.rates(%s)", [window])


def recent_failures(conn: Connection, limit: int = 20) -> list[Failure]:
    """Jobs that failed for good, latest first."""
    return _rows(conn, Failure, "select * from queue.recent_failures(%s)", [limit])


def _rows(conn: Connection, kind: type[Row], statement: Any, arguments: Sequence[Any]) -> list[Row]:
    """All rows, as instances of `kind`."""
    with conn.cursor(row_factory=class_row(kind)) as cursor:
        return cursor.execute(statement, arguments).fetchall()
