"""Schedules: recurring jobs and pipeline runs, as typed calls. One line of SQL each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from reelq.worker.db.rows import Connection, rows, scalar

MISSED = ("once", "all", "skip")


@dataclass(frozen=True, slots=True)
class Schedule:
    """One schedule."""

    name: str
    cron: str
    time_zone: str
    tenant: str | None  # slug of whose its jobs are; None: the platform's own
    job_type: str | None
    pipeline: str | None
    video_id: UUID | None
    job_data: dict[str, Any]
    priority: int | None
    missed: str  # one of MISSED
    paused_at: datetime | None
    next_run_at: datetime
    last_run_at: datetime | None  # a tick
    last_job_id: UUID | None
    last_error: str | None  # why the latest tick enqueued nothing
    last_enqueued_at: datetime | None  # later than last_run_at, its tick, when no worker claimed at that time


def set_schedule(
    conn: Connection,
    name: str,
    cron: str,
    *,
    job_type: str | None = None,
    pipeline: str | None = None,
    video_id: UUID | None = None,
    job_data: dict[str, Any] | None = None,
    time_zone: str = "UTC",
    missed: str = "once",
    priority: int | None = None,
    tenant_id: UUID | None = None,
) -> datetime:
    """Make a schedule, or change the one of that name; its next tick."""
    given = [name, cron, job_type, pipeline, video_id, Jsonb(job_data or {}), time_zone, missed, priority, tenant_id]
    return scalar(conn, "select queue.set_schedule(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)", given)  # type: ignore[no-any-return]


def drop_schedule(conn: Connection, name: str) -> None:
    """Remove it; jobs that it has enqueued stay. NotFound when there is none."""
    conn.execute("select queue.drop_schedule(%s)", [name])


def pause_schedule(conn: Connection, name: str) -> None:
    """Let it enqueue nothing until `resume_schedule`. NotFound when there is none."""
    conn.execute("select queue.pause_schedule(%s)", [name])


def resume_schedule(conn: Connection, name: str) -> datetime:
    """Go on; the next tick. Those of the pause are not made up for. NotFound when there is none."""
    return scalar(conn, "select queue.resume_schedule(%s)", [name])  # type: ignore[no-any-return]


def list_schedules(conn: Connection) -> list[Schedule]:
    """All of them, by name."""
    return rows(conn, Schedule, "select * from queue.list_schedules()")
