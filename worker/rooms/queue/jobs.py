"""The functions of schema `queue` as typed calls: one line of SQL each, rows as frozen dataclasses.

Every call is one statement on an autocommit connection, or part of the caller's transaction. Errors
are psycopg's; `db.family` makes them ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from psycopg.types.json import Jsonb

from reelq.worker.db.async_query import AsyncQuery, Unreadable
from reelq.worker.db.rows import Connection, rows, scalar

LOCK_TIMEOUT = "2s"  # so long a settlement waits for a lock, and all that would be claimed with it
# Before a call that settles, where the session cannot have been told: behind a pooler. It holds for this one statement; what the call is given
# first depends on it, so that it comes before.
_IMPATIENT = f"select c.* from pg_catalog.set_config('lock_timeout', '{LOCK_TIMEOUT}', true) as s (v) cross join lateral "  # noqa: S608 - a constant
STATUSES = ("queued", "running", "completed", "failed", "cancelled")


UNREADABLE = "\0"  # no key of job_data: Postgres keeps no NUL


class ClaimedJob(NamedTuple):
    """A job under lease. `token` is the fence: every later write of the attempt bears it.

    The columns of queue.claimed_job in their order. A named tuple, because a claim may bring thousands
    and a frozen dataclass takes ten times as long to make.
    """

    verdict: str  # "claimed"; "lost" answers a settlement that came too late: only job_id and token are set
    job_id: UUID
    token: int
    job_type: str
    tenant_id: UUID | None
    user_id: UUID | None
    video_id: UUID | None
    asset_id: UUID | None
    job_data: dict[str, Any]
    priority: int
    attempts: int  # charged before this one
    max_attempts: int
    lease: timedelta
    time_limit: timedelta
    stall_limit: timedelta | None
    weight: int
    pipeline_run: UUID | None
    pipeline_step: str | None
    scheduled_for: datetime
    created_at: datetime
    ready_at: datetime
    lane: int
    fair_key: float
    seq: int
    batch: int  # it takes weight / batch of a worker's slots

    @classmethod
    def mend(cls, values: Sequence[Any]) -> ClaimedJob:
        """A job of which Python cannot read all: job_data says so, and the attempt fails with it. Times get a stand-in."""
        found = dict(zip(cls._fields, values, strict=True))
        told = "; ".join(value.error for value in values if isinstance(value, Unreadable))
        spans = {"lease": timedelta(minutes=1), "time_limit": timedelta(minutes=1), "stall_limit": None}
        times = dict.fromkeys(("scheduled_for", "created_at", "ready_at"), datetime.now(UTC))
        stand_ins = {name: value for name, value in (spans | times).items() if isinstance(found[name], Unreadable)}
        return cls(**(found | stand_ins | {"job_data": {UNREADABLE: told}}))

    @property
    def unreadable(self) -> str | None:
        """What Python could not read of the job; None: it read all."""
        return self.job_data.get(UNREADABLE)


@dataclass(frozen=True, slots=True)
class JobProgress:
    """How far an attempt is; None says nothing new."""

    fraction: float | None = None  # 0 to 1
    stage: str | None = None
    speed: float | None = None  # media seconds a second
    eta_s: float | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """An answer about one job: of a heartbeat (cancel, lost, drain without job) or a settlement (ok, lost)."""

    job_id: UUID | None
    verdict: str


@dataclass(frozen=True, slots=True)
class Bounds:
    """Lower bounds of lanes, as three lists of equal length: what this worker took last from each."""

    lanes: list[int]
    fair_keys: list[float]
    seqs: list[int]


FULL_LOOK: Bounds | None = None  # no bounds: finds everything, moves due jobs, takes back expired leases


def register_worker(
    conn: Connection,
    worker_id: str,
    *,
    host: str,
    pid: int,
    version: str,
    pool: str,
    slots: int,
    types: Sequence[str] | None,
    capabilities: Sequence[str],
    process_key: str | None,
    beat_interval_s: float | None = None,
) -> None:
    """Make this worker known; only then may it claim."""
    conn.execute(
        "select queue.register_worker(%s, %s, %s, %s, %s, %s, %s, %s, %s, make_interval(secs => %s))",
        [worker_id, host, pid, version, pool, slots, types if types is None else list(types), list(capabilities), process_key, beat_interval_s],
    )


def settle_and_claim(
    conn: Connection, worker_id: str, limit: int, results: Sequence[str], bounds: Bounds | None
) -> list[ClaimedJob]:
    """Settle what is finished, each an object as JSON text, and claim up to `limit` slots' worth, in one transaction."""
    asked = ask_settle_and_claim(conn, worker_id, limit, results, bounds)
    return asked.rows(asked.wait())


def ask_settle_and_claim(
    conn: Connection, worker_id: str, limit: int, results: Sequence[str], bounds: Bounds | None
) -> AsyncQuery[ClaimedJob]:
    """`settle_and_claim`, without waiting for the answer."""
    lower = (_array(bounds.lanes), _array(bounds.fair_keys), _array(bounds.seqs)) if bounds else (None, None, None)
    if not results:  # the same without a function around it, which would copy the rows: a job that comes to an idle worker starts sooner
        return AsyncQuery(conn, ClaimedJob, b"select * from queue.claim_jobs($1, $2, $3, $4, $5)", [worker_id, str(limit), *lower])
    given = [worker_id, str(limit), f"[{','.join(results)}]", *lower]
    if conn.prepare_threshold is None:
        impatient = f"{_IMPATIENT} queue.settle_and_claim(case when s.v <> '' then $1 end, $2, $3, $4, $5, $6) as c"
        return AsyncQuery(conn, ClaimedJob, impatient.encode(), given)
    return AsyncQuery(conn, ClaimedJob, b"select * from queue.settle_and_claim($1, $2, $3, $4, $5, $6)", given)


def _array(numbers: Iterable[float]) -> str:
    """Numbers as Postgres reads an array of them."""
    return f"{{{','.join(map(str, numbers))}}}"


def settle_jobs(conn: Connection, worker_id: str, results: Sequence[str]) -> list[Verdict]:
    """Settle what is finished, each an object as JSON text; one verdict (ok, lost) a job."""
    given = [worker_id, f"[{','.join(results)}]"]
    if conn.prepare_threshold is None:
        return rows(conn, Verdict, f"{_IMPATIENT} queue.settle_jobs(case when s.v <> '' then %s end, %s) as c", given)
    return rows(conn, Verdict, "select * from queue.settle_jobs(%s, %s)", given)


def locked_jobs(conn: Connection, job_ids: Sequence[UUID]) -> set[UUID]:
    """Which of these jobs another session holds at this moment, so that they cannot be settled."""
    return {job_id for (job_id,) in conn.execute("select queue.locked_jobs(%s)", [list(job_ids)])}


def complete_job(conn: Connection, job_id: UUID, token: int, result: dict[str, Any], facts: dict[str, Any]) -> None:
    """Complete a job; what follows in the same transaction is under its fence. LeaseLost when it is not ours."""
    conn.execute("select queue.complete_job(%s, %s, %s, %s)", [job_id, token, Jsonb(result), Jsonb(facts)])


def advance_video(conn: Connection, job_id: UUID, token: int, status: str) -> None:
    """Tell how far the job's video is; forward only. LeaseLost when the job is not ours."""
    conn.execute("select queue.advance_video(%s, %s, %s)", [job_id, token, status])


def begin_object(conn: Connection, job_id: UUID, token: int, tenant_id: UUID | None, bucket: str, key: str, mime: str | None) -> UUID:
    """Register an object before its first byte. LeaseLost when the job is not ours."""
    return UUID(str(scalar(conn, "select queue.begin_object(%s, %s, %s, %s, %s, %s)", [job_id, token, tenant_id, bucket, key, mime])))


def fail_job(conn: Connection, job_id: UUID, token: int, error_class: str, code: str, message: str, facts: dict[str, Any]) -> str:
    """End the attempt with an error; returns the job's new status: queued (a retry), failed or cancelled."""
    given = [job_id, token, error_class, code, message, Jsonb(facts)]
    if conn.prepare_threshold is None:
        return str(scalar(conn, f"{_IMPATIENT} queue.fail_job(case when s.v <> '' then %s end, %s, %s, %s, %s, %s) as c", given))
    return str(scalar(conn, "select queue.fail_job(%s, %s, %s, %s, %s, %s)", given))


def heartbeat(conn: Connection, worker_id: str, jobs: Iterable[tuple[UUID, int, JobProgress]]) -> list[Verdict]:
    """Extend the leases of these (job, token, progress); returns what needs attention."""
    beats = [
        {"job_id": str(job_id), "token": token, "progress": at.fraction, "stage": at.stage, "speed": at.speed, "eta_s": at.eta_s}
        for job_id, token, at in jobs
    ]
    return rows(conn, Verdict, "select * from queue.heartbeat(%s, %s)", [worker_id, Jsonb(beats)])


def set_worker_listening(conn: Connection, worker_id: str) -> None:
    """Ask to be notified; claim once more after it."""
    conn.execute("select queue.set_worker_listening(%s)", [worker_id])


def set_worker_busy(conn: Connection, worker_id: str) -> None:
    """Ask for no more notifications: all slots are busy."""
    conn.execute("select queue.set_worker_busy(%s)", [worker_id])


def set_worker_trouble(conn: Connection, worker_id: str, trouble: str | None, remedy: str | None) -> None:
    """Tell what keeps this host from working, and what to do about it; None and None: nothing does."""
    conn.execute("select queue.set_worker_trouble(%s, %s, %s)", [worker_id, trouble, remedy])


def deregister_worker(conn: Connection, worker_id: str) -> None:
    """The worker stops and holds no job any more."""
    conn.execute("select queue.deregister_worker(%s)", [worker_id])


def drain_worker(conn: Connection, worker_id: str, drain: bool = True) -> None:
    """Ask a worker to take nothing new and leave, or take that back."""
    conn.execute("select queue.drain_worker(%s, %s)", [worker_id, drain])


def drain_host(conn: Connection, host: str, drain: bool = True) -> int:
    """The same for all workers of a host; returns how many. NotFound when none runs there."""
    return int(scalar(conn, "select queue.drain_host(%s, %s)", [host, drain]))


def mark_worker_dead(conn: Connection, worker_id: str) -> int:
    """The caller knows that this worker's process is dead: its leases expire now. Returns how many."""
    return int(scalar(conn, "select queue.mark_worker_dead(%s)", [worker_id]))


def enqueue_job(
    conn: Connection,
    job_type: str,
    *,
    video_id: UUID | None = None,
    asset_id: UUID | None = None,
    tenant_id: UUID | None = None,
    user_id: UUID | None = None,
    job_data: dict[str, Any] | None = None,
    priority: int | None = None,
    scheduled_for: datetime | None = None,
    depends_on: Sequence[UUID] | None = None,
    on_parent_failure: str | None = None,
    idempotency_key: str | None = None,
    max_attempts: int | None = None,
    limits: Sequence[str] | None = None,
    channel_id: UUID | None = None,
) -> UUID:
    """Enqueue one job; None takes the type's default. Returns its id."""
    given = [job_type, video_id, asset_id, tenant_id, user_id, Jsonb(job_data or {}), priority, scheduled_for,
             None if depends_on is None else list(depends_on), on_parent_failure, idempotency_key, max_attempts,
             None if limits is None else list(limits), channel_id]  # fmt: skip
    statement = "select queue.enqueue_job(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
    return UUID(str(scalar(conn, statement, given)))


def ingest_video(
    conn: Connection,
    source_url: str,
    *,
    tenant: str | None = None,
    user_id: UUID | None = None,
    pipeline: str = "standard",
    options: dict[str, Any] | None = None,
    title: str | None = None,
    original_filename: str | None = None,
    idempotency_key: str | None = None,
) -> UUID:
    """A video and the jobs of its pipeline, in one transaction; returns the video's id. Uses up one of the month's quota.

    Without `tenant`, a slug, it is of the one that reelq.tenant_id names, else of "default". A second call with an `idempotency_key`
    returns the first one's video. QuotaSpent when there is none left.
    """
    given = [source_url, tenant, user_id, pipeline, Jsonb(options or {}), title, original_filename, idempotency_key]
    return UUID(str(scalar(conn, "select queue.ingest_video(%s, %s, %s, %s, %s, %s, %s, %s)", given)))


def cancel_job(conn: Connection, job_id: UUID, reason: str | None = None) -> str:
    """Cancel a job; returns its status, or `cancelling` when a running one was told to stop."""
    return str(scalar(conn, "select queue.cancel_job(%s, %s)", [job_id, reason]))


def retry_job(conn: Connection, job_id: UUID) -> str:
    """Give a failed or cancelled job another set of attempts; returns its new status."""
    return str(scalar(conn, "select queue.retry_job(%s)", [job_id]))


def reprioritise_job(conn: Connection, job_id: UUID, priority: int) -> None:
    """Serve a job sooner or later: 1 first, 10 last. For a running one it counts when it comes back."""
    conn.execute("select queue.reprioritise_job(%s, %s)", [job_id, priority])


def run_job_now(conn: Connection, job_id: UUID) -> str:
    """Make a scheduled or backing-off job due; returns where it stands then."""
    return str(scalar(conn, "select queue.run_job_now(%s)", [job_id]))


def reschedule_job(conn: Connection, job_id: UUID, at: datetime) -> str:
    """Give a queued job another time; returns where it stands then."""
    return str(scalar(conn, "select queue.reschedule_job(%s, %s)", [job_id, at]))
