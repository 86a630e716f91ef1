"""What people read: the reading functions of schema `queue`, one line of SQL each.

Cheap on a large queue: they read the narrow tables, and counts are capped.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from reelq.worker.db.rows import Connection, rows, scalar


@dataclass(frozen=True, slots=True)
class JobSummary:
    """A job on one line; `place` says where a queued one waits."""

    id: UUID
    job_type: str
    status: str
    place: str  # ready, blocked, parked, backing off, scheduled; else the status
    priority: int
    attempts: int
    max_attempts: int
    token: int
    tenant_id: UUID | None
    video_id: UUID | None
    pipeline_step: str | None
    worker_id: str | None
    progress: float | None
    stage: str | None
    eta_s: float | None
    scheduled_for: datetime
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    error_class: str | None
    error_code: str | None
    error_message: str | None
    gate: str | None  # what holds a parked one: a key of a limit, or pause:<scope>:<key>


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker process as the queue knows it."""

    worker_id: str
    host: str
    pid: int
    pool: str
    version: str
    status: str  # active, draining, stopped, lost
    slots: int
    busy: int  # jobs that it has
    types: list[str] | None  # None: all
    capabilities: list[str]
    process_key: str | None
    started_at: datetime
    last_beat_at: datetime
    drain_requested_at: datetime | None
    trouble: str | None  # what keeps its host from working; None: it is fit
    remedy: str | None

    @property
    def is_gone(self) -> bool:
        """Whether it does not work any more; `busy` is then what has not been taken back from it."""
        return self.status in ("stopped", "lost")

    @property
    def state(self) -> str:
        """The status; in trouble: it is active and claims nothing."""
        return "in trouble" if self.trouble and self.status == "active" else self.status


@dataclass(frozen=True, slots=True)
class Running:
    """A job that runs now."""

    job_id: UUID
    job_type: str
    video_id: UUID | None
    title: str | None
    worker_id: str | None  # None: the caller acts for a tenant
    token: int
    started_at: datetime
    beat_at: datetime
    expires_at: datetime
    progress: float | None
    stage: str | None
    speed: float | None  # media seconds a second
    eta_s: float | None
    cancel_requested_at: datetime | None


@dataclass(frozen=True, slots=True)
class Depth:
    """How many jobs of a type wait where; counting stops at 10,000."""

    job_type: str
    ready: int
    scheduled: int
    blocked: int
    parked: int
    running: int
    dead: int
    at_least: list[str]  # where counting stopped: so many or more


@dataclass(frozen=True, slots=True)
class Failure:
    """A job that failed for good."""

    job_id: UUID
    job_type: str
    video_id: UUID | None
    failed_at: datetime
    attempts: int  # all that were started
    worker_id: str | None
    error_class: str | None
    error_code: str | None
    error_message: str | None


@dataclass(frozen=True, slots=True)
class Rate:
    """How a type did within the window."""

    job_type: str
    completed: int
    failed: int
    per_minute: float
    median_s: float | None
    at_least: list[str] = field(default_factory=list)  # of a tenant, when not all attempts were looked at: so many or more


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that keeps a job from running, or how it stands."""

    reason: str  # completed, failed, cancelled, running, not_due, blocked, paused, over_limit, no_worker, locked, claimable
    detail: str
    advice: str


@dataclass(frozen=True, slots=True)
class AttemptLog:
    """What the programs of an attempt were called with and printed."""

    attempt: int
    outcome: str
    code: str | None
    worker_id: str
    started_at: datetime
    ended_at: datetime
    log: str | None  # None: none ran, or it is not kept any more


def list_jobs(
    conn: Connection,
    status: str | None = None,
    job_type: str | None = None,
    video_id: UUID | None = None,
    limit: int = 50,
    *,
    after: UUID | None = None,
    place: str | None = None,
    code: str | None = None,
    tenant: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    pool: str | None = None,
    worker: str | None = None,
    priority: int | None = None,
) -> list[JobSummary]:
    """Jobs, newest first; `after` is the last one of the page before."""
    given = [status, job_type, video_id, limit, place, code, tenant, since, until, pool, worker, priority, after and str(after)]
    return rows(conn, JobSummary, "select * from queue.list_jobs(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)", given)


@dataclass(frozen=True, slots=True)
class Count:
    """How many jobs a list has."""

    jobs: int  # counting stops at 10,000
    is_all: bool


def count_jobs(
    conn: Connection,
    *,
    status: str | None = None,
    job_type: str | None = None,
    video_id: UUID | None = None,
    place: str | None = None,
    code: str | None = None,
    tenant: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    pool: str | None = None,
    worker: str | None = None,
    priority: int | None = None,
) -> Count:
    """How many jobs `list_jobs` has."""
    given = [status, job_type, video_id, place, code, tenant, since, until, pool, worker, priority]
    (count,) = rows(conn, Count, "select * from queue.count_jobs(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)", given)
    return count


@dataclass(frozen=True, slots=True)
class Names:
    """What people call a job's tenant and video."""

    job_id: UUID
    tenant: str | None
    title: str | None


def with_names(conn: Connection, jobs: list[JobSummary]) -> list[dict[str, Any]]:
    """Jobs by the names of their fields, with `tenant` (slug) and `title` (of the video) for people."""
    found = rows(conn, Names, "select * from queue.job_names(%s::uuid[])", [[job.id for job in jobs]])
    names = {row.job_id: row for row in found}
    nobody = Names(UUID(int=0), None, None)
    return [{**asdict(job), "tenant": name.tenant, "title": name.title} for job in jobs for name in (names.get(job.id, nobody),)]


@dataclass(frozen=True, slots=True)
class Status:
    """How far a job is, also one in the history."""

    id: UUID
    status: str
    status_changed_at: datetime


def statuses(conn: Connection, job_ids: list[UUID]) -> dict[UUID, Status]:
    """How far each of these jobs is; those that the caller may not see are left out."""
    found = rows(conn, Status, "select id, status, status_changed_at from queue.all_jobs where id = any(%s::uuid[])", [job_ids])
    return {row.id: row for row in found}


def show_job(conn: Connection, job_id: UUID) -> dict[str, Any]:
    """All that is known of a job: the record, lease, parents, children, attempts_history."""
    return dict(scalar(conn, "select queue.show_job(%s)", [job_id]) or {})


def job_logs(conn: Connection, job_id: UUID, attempt: int | None = None) -> list[AttemptLog]:
    """The logs of a job's attempts, in their order; NotFound when there is no such job or attempt."""
    return rows(conn, AttemptLog, "select * from queue.job_logs(%s, %s)", [job_id, attempt])


def explain_job(conn: Connection, job_id: UUID) -> list[Reason]:
    """Why a job is not running, with what to do. `claimable` stands alone: the next free worker takes it."""
    return rows(conn, Reason, "select * from queue.explain_job(%s)", [job_id])


def list_workers(conn: Connection, all_ever: bool = False) -> list[Worker]:
    """Workers that run, or whose jobs have not been taken back yet."""
    return rows(conn, Worker, "select * from queue.list_workers(%s)", [all_ever])


def running_jobs(conn: Connection) -> list[Running]:
    """What runs now, with progress."""
    return rows(conn, Running, "select * from queue.running_jobs()", [])


def depth(conn: Connection) -> list[Depth]:
    """How many jobs of each type are where."""
    return rows(conn, Depth, "select * from queue.depth()", [])


def recent_failures(conn: Connection, limit: int = 20) -> list[Failure]:
    """Jobs that failed for good, latest first."""
    return rows(conn, Failure, "select * from queue.recent_failures(%s)", [limit])


@dataclass(frozen=True, slots=True)
class ErrorCount:
    """How many jobs of a tenant have an error code."""

    place: str  # dead letter, backing off
    error_code: str
    tenant: str | None  # slug; None: the platform's own jobs
    jobs: int
    job_types: list[str]
    at_least: bool  # not all were looked at: so many or more


def count_errors(conn: Connection) -> list[ErrorCount]:
    """Dead letters and jobs that back off, by code and tenant; the most first."""
    return rows(conn, ErrorCount, "select * from queue.count_errors()", [])


def rates(conn: Connection, window: timedelta = timedelta(minutes=5)) -> list[Rate]:
    """Attempts that ended within the window, by type."""
    return rows(conn, Rate, "select * from queue.rates(%s)", [window])


def tenant_depth(conn: Connection) -> list[Depth]:
    """How many jobs of each type are where, of the tenant that the transaction acts for."""
    return rows(conn, Depth, "select * from queue.tenant_depth()", [])


def tenant_rates(conn: Connection, window: timedelta = timedelta(minutes=5)) -> list[Rate]:
    """Attempts that ended within the window, by type, of the tenant that the transaction acts for."""
    return rows(conn, Rate, "select * from queue.tenant_rates(%s)", [window])
