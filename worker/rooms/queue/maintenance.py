"""The queue's upkeep and what it leaves: history, hourly figures, settings. One line of SQL each."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from reelq.worker.db.rows import Connection, rows, scalar
from reelq.worker.rooms.queue.reads import JobSummary

JOB_ENDS = ("completed", "failed", "cancelled")


@dataclass(frozen=True, slots=True)
class Figure:
    """Attempts of an hour that ended in one way."""

    hour: datetime
    job_type: str
    outcome: str
    jobs: int
    seconds: float
    cpu_seconds: float
    max_seconds: float


@dataclass(frozen=True, slots=True)
class TenantFigure(Figure):
    """The same of one tenant."""

    at_least: bool  # not all of its jobs were looked at: so many or more


@dataclass(frozen=True, slots=True)
class Setting:
    """What an operator may change of the queue as a whole."""

    name: str
    value: str
    description: str


@dataclass(frozen=True, slots=True)
class Archived:
    """What a run of the archiver did."""

    moved: int
    seconds: float
    finished: bool  # False: the time was up first


@dataclass(frozen=True, slots=True)
class Violation:
    """An invariant that does not hold."""

    invariant: str
    job_id: UUID | None
    detail: str | None


def verify(conn: Connection) -> list[Violation]:
    """What queue.verify() finds: nothing, when all is well. Reads all jobs."""
    return rows(conn, Violation, "select * from queue.verify()")


def archive_jobs(conn: Connection, limit: int = 1000) -> int | None:
    """Move one batch to the history. 0: nothing is left; None: nothing among those looked at, call again."""
    moved: int | None = scalar(conn, "select queue.archive_jobs(%s)", [limit])
    return moved


def archive(
    conn: Connection, limit: int = 1000, max_seconds: float | None = None, clock: Callable[[], float] = time.monotonic
) -> Archived:
    """Move all that is due, a batch a transaction, for `max_seconds` at most."""
    began, moved = clock(), 0
    while True:
        batch = archive_jobs(conn, limit)
        moved += batch or 0
        ran = clock() - began
        if batch == 0 or (max_seconds is not None and ran >= max_seconds):
            return Archived(moved, round(ran, 3), batch == 0)


def roll_up(conn: Connection) -> int:
    """Add up the hours that are over; return how many were new."""
    hours = 0
    while new := scalar(conn, "select queue.roll_up_stats()"):
        hours += new
    return hours


def stats(conn: Connection, since: timedelta) -> list[Figure]:
    """Attempts by hour, type and outcome, latest hour first."""
    return rows(conn, Figure, "select * from queue.stats(%s)", [since])


def tenant_stats(conn: Connection, since: timedelta) -> list[TenantFigure]:
    """The same of the tenant that the transaction acts for."""
    return rows(conn, TenantFigure, "select * from queue.tenant_stats(%s)", [since])


def list_history(
    conn: Connection,
    status: str | None = None,
    job_type: str | None = None,
    video_id: UUID | None = None,
    within: timedelta | None = None,
    limit: int = 50,
    tenant: str | None = None,
    code: str | None = None,
    after: UUID | None = None,
) -> list[JobSummary]:
    """Archived jobs that ended `within` that time, latest first; `after` is the last one of the page before."""
    arguments: list[Any] = [status, job_type, video_id, within, limit, tenant, code, after and str(after)]
    statement = "select * from queue.list_history(%s, %s, %s, base.clock() - %s::interval, %s, %s, null, %s, %s)"
    return rows(conn, JobSummary, statement, arguments)


def list_settings(conn: Connection) -> list[Setting]:
    """All settings by name."""
    return rows(conn, Setting, "select name, value, description from queue.settings order by name")


def set_setting(conn: Connection, name: str, value: str) -> str:
    """Change a setting; return it as it now stands."""
    return str(scalar(conn, "select queue.set_setting(%s, %s)", [name, value]))


@dataclass(frozen=True, slots=True)
class Broken:
    """A row of queue.verify_window."""

    invariant: str
    job_id: UUID | None
    detail: str


def next_window(conn: Connection, after: UUID | None, limit: int = 10_000) -> UUID | None:
    """Where the next window of jobs ends, behind this id; None: there are no more."""
    until: UUID | None = scalar(conn, "select queue.next_window(%s, %s)", [after, limit])
    return until


def verify_window(conn: Connection, after: UUID | None, until: UUID) -> list[Broken]:
    """What is wrong with the jobs of a window."""
    return rows(conn, Broken, "select * from queue.verify_window(%s, %s)", [after, until])
