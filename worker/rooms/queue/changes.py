"""Many jobs changed by hand at once: queue.retry_jobs and its like, as typed calls. One line of SQL each.

Each call is a transaction of its own and looks at a bounded part of the queue; `everything` repeats it until nothing is left.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import astuple, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from reelq.worker.db.rows import Connection, rows

BATCH = 1000  # jobs per transaction
LOOK = 20_000  # that a call looks at, and a dry run tells of


@dataclass(frozen=True, slots=True)
class JobFilter:
    """Which jobs: those that fit all that is not None. The fields are the arguments of queue.list_jobs and queue.retry_jobs."""

    status: str | None = None
    job_type: str | None = None
    video_id: UUID | None = None
    place: str | None = None
    code: str | None = None
    tenant: str | None = None  # slug or id
    since: datetime | None = None  # end of jobs that are over, enqueue of the others
    until: datetime | None = None
    pool: str | None = None
    worker: str | None = None
    priority: int | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became, or would become, of some jobs."""

    outcome: str  # retried, cancelled, …, refused; `more`: something is left
    job_type: str | None
    reason: str | None  # of refused ones
    jobs: int | None
    after: str | None  # of `more`: where to go on


@dataclass(frozen=True, slots=True)
class Change:
    """Which jobs, and how."""

    jobs: JobFilter
    job_ids: Sequence[UUID] | None = None
    all_jobs: bool = False
    dry_run: bool = False

    def arguments(self, *own: Any) -> list[Any]:
        """In the order of the SQL functions, `own` before the last ones."""
        return [*astuple(self.jobs), None if self.job_ids is None else list(self.job_ids), self.all_jobs, *own, self.dry_run]


Call = Callable[[int, str | None], list[Outcome]]  # at most so many, after


def retry_jobs(conn: Connection, change: Change, limit: int, after: str | None = None) -> list[Outcome]:
    """Take failed jobs back into the queue, with those that ended because of them."""
    arguments = [*change.arguments(), limit, after]
    statement = "select * from queue.retry_jobs(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s::uuid[], %s, %s, %s, %s)"
    return rows(conn, Outcome, statement, arguments)


def cancel_jobs(conn: Connection, change: Change, reason: str | None, limit: int, after: str | None = None) -> list[Outcome]:
    """Cancel queued jobs, and tell running ones to stop."""
    arguments = [*change.arguments(reason), limit, after]
    statement = "select * from queue.cancel_jobs(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s::uuid[], %s, %s, %s, %s, %s)"
    return rows(conn, Outcome, statement, arguments)


def reprioritise_jobs(conn: Connection, change: Change, priority: int, limit: int, after: str | None = None) -> list[Outcome]:
    """Serve jobs sooner or later: 1 first, 10 last."""
    arguments = [priority, *change.arguments(), limit, after]
    statement = "select * from queue.reprioritise_jobs(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s::uuid[], %s, %s, %s, %s)"
    return rows(conn, Outcome, statement, arguments)


def run_jobs_now(conn: Connection, change: Change, limit: int, after: str | None = None) -> list[Outcome]:
    """Make scheduled and backing-off jobs due."""
    arguments = [*change.arguments(), limit, after]
    statement = "select * from queue.run_jobs_now(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s::uuid[], %s, %s, %s, %s)"
    return rows(conn, Outcome, statement, arguments)


def reschedule_jobs(conn: Connection, change: Change, at: datetime, limit: int, after: str | None = None) -> list[Outcome]:
    """Give queued jobs another time."""
    arguments = [at, *change.arguments(), limit, after]
    statement = "select * from queue.reschedule_jobs(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s::uuid[], %s, %s, %s, %s)"
    return rows(conn, Outcome, statement, arguments)


def everything(call: Call, most: int | None = None, batch: int = BATCH) -> Iterator[list[Outcome]]:
    """Repeat a call until nothing is left, or `most` jobs were met; what each did. The last one has a row `more` when jobs are left."""
    met, after = 0, None
    while True:
        did = call(batch if most is None else min(batch, most - met), after)
        met += sum(row.jobs or 0 for row in did if row.outcome not in ("brought back", "fallen"))
        after = next((row.after for row in did if row.outcome == "more"), None)
        is_last = after is None or (most is not None and met >= most)
        yield did if is_last else [row for row in did if row.outcome != "more"]
        if is_last:
            return
