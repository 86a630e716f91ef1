"""Pipelines, and their runs for a video, as typed calls. One line of SQL each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from reelq.worker.db.rows import Connection, rows, scalar


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A pipeline on one line."""

    name: str
    description: str
    steps: int
    running: int  # runs of which a step runs now
    schedules: int  # that run it
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a new run."""

    step: str
    job_id: UUID


@dataclass(frozen=True, slots=True)
class Cancelled:
    """What became of a step when its run was cancelled."""

    job_id: UUID
    step: str | None
    status: str  # cancelled, or cancelling while it runs


@dataclass(frozen=True, slots=True)
class Deleted:
    """What went with a video."""

    jobs: int
    running: int
    variants: int
    objects: int  # which stay in the store


def list_pipelines(conn: Connection) -> list[Pipeline]:
    """All of them, by name."""
    return rows(conn, Pipeline, "select * from queue.list_pipelines()")


def show_pipeline(conn: Connection, name: str) -> dict[str, Any]:
    """All that is known of a pipeline; NotFound when there is none."""
    return dict(scalar(conn, "select queue.show_pipeline(%s)", [name]) or {})


def set_pipeline(conn: Connection, name: str, steps: Sequence[Any], description: str | None = None) -> str:
    """Make a pipeline, or replace the steps of the one of that name; made, replaced or unchanged."""
    return str(scalar(conn, "select queue.set_pipeline(%s, %s, %s)", [name, Jsonb(steps), description]))


def drop_pipeline(conn: Connection, name: str) -> None:
    """Remove it; NotFound when there is none, WrongState while a schedule runs it."""
    conn.execute("select queue.drop_pipeline(%s)", [name])


def rerun_video(conn: Connection, video_id: UUID, pipeline: str | None = None, options: dict[str, Any] | None = None) -> list[Step]:
    """Run a pipeline for a video again; WrongState while an earlier run is at work."""
    return rows(conn, Step, "select * from queue.rerun_video(%s, %s, %s)", [video_id, pipeline, Jsonb(options or {})])


def cancel_run(conn: Connection, video_id: UUID, reason: str | None = None) -> list[Cancelled]:
    """Cancel what is queued or running of the video's runs."""
    return rows(conn, Cancelled, "select * from queue.cancel_run(%s, %s)", [video_id, reason])


def delete_video(conn: Connection, video_id: UUID) -> Deleted:
    """Delete a video for good, with its jobs and variants."""
    (gone,) = rows(conn, Deleted, "select * from queue.delete_video(%s)", [video_id])
    return gone
