"""Everything that a job needs, for the length of a block: database, store, scratch, and a worker when one is wanted."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import UUID

from reelq.worker import db
from reelq.worker import settings as environment
from reelq.worker.db import family
from reelq.worker.errors import HandlersError, SettingsError
from reelq.worker.jobs.context import JobContext
from reelq.worker.jobs.declare import JobType, types_of
from reelq.worker.rooms import queue
from reelq.worker.rooms.queue import job_types, reads
from reelq.worker.rooms.queue.jobs import JobProgress
from reelq.worker.runtime import handler_search
from reelq.worker.runtime.registry import Handler, Registry, shipped
from reelq.worker.runtime.runner import Runner
from reelq.worker.settings import Settings
from reelq.worker.stores.base import Store
from reelq.worker.stores.open import open_store
from reelq.worker.testing import leftovers
from reelq.worker.testing.database import temporary

# Of the machine's environment these do not count: a test has its own database and folders, and says what it runs.
OURS = ("REELQ_STORE", "REELQ_SCRATCH", "REELQ_DATABASE_DIRECT_URL", "REELQ_TYPES", "REELQ_POOL", "REELQ_HOST", "REELQ_SLOTS")
QUICK = {"heartbeat_s": 0.2, "poll_s": 0.05, "scratch_reserve_bytes": 1}  # a test waits for nobody
Declared = str | ModuleType | Callable[..., Any]  # a module's name, a module, or a function under @job_type


class JobFailed(AssertionError):
    """A job did not complete; the message has code, message, detail and stack of its last attempt."""


@dataclass(frozen=True, slots=True)
class JobRun:
    """What became of a job."""

    id: UUID
    job_type: str
    status: str  # queued, running, completed, failed, cancelled
    result: dict[str, Any] | None
    job_data: dict[str, Any]
    error_code: str | None
    error_message: str | None
    attempts: list[dict[str, Any]]  # a row of queue.job_attempts each, the first one first
    progress: list[JobProgress]  # every call of ctx.progress, over all attempts
    spawned: list[JobRun]  # what it fanned out to, with what became of those
    variants: list[dict[str, Any]]  # rows of media.variants, of a job that is about a video


@dataclass(slots=True)
class Stack:
    """A database with the schema, a store in a folder, and the handlers of a test."""

    settings: Settings
    handlers: list[JobType]
    folder: Path
    conn: db.Connection  # autocommit, as the owner of the database
    progress: dict[UUID, list[JobProgress]] = field(default_factory=dict)

    @property
    def database_url(self) -> str:
        """Of the temporary database."""
        return self.settings.database_url

    @property
    def store(self) -> Store:
        """Where jobs put their objects."""
        return open_store(self.settings)

    def run(self, job_type: str, job_data: Mapping[str, Any] | None = None, *, check: bool = True, **options: Any) -> JobRun:
        """Enqueue a job, work until nothing is left to do, and return what became of it.

        Args:
            options: named arguments of queue.enqueue_job, such as video_id or max_attempts.
            check: raise when the job, or one that it spawned, did not complete.

        Raises:
            JobFailed: with the last attempt's code, message, detail and stack.
            BadArgument: its type does not take such job_data.
        """
        with family():
            job_id = queue.enqueue_job(self.conn, job_type, job_data=dict(job_data or {}), **options)
        self.work()
        done = self.job(job_id)
        if check:
            expect_completed(done)
        return done

    def work(self) -> None:
        """Run a worker in this thread until nothing is left that is due within three seconds.

        A job that waits longer for its next attempt, or for its time, stays queued.
        """
        Runner(self.settings, self._registry(), until_idle=True).run()

    def job(self, job_id: UUID) -> JobRun:
        """What became of a job so far."""
        record = reads.show_job(self.conn, job_id)
        known = self.conn.execute(
            "select to_jsonb(a) from queue.job_attempts as a where a.job_id = %s order by a.attempt", [job_id]
        ).fetchall()
        spawned = self.conn.execute(
            "select s.job_id from queue.spawned as s where s.parent_id = %s order by s.job_id", [job_id]
        ).fetchall()
        variants = self.conn.execute(
            "select to_jsonb(v) from media.variants as v inner join media.videos as o on o.asset_id = v.asset_id"
            " where o.id = %s order by v.profile",
            [record["video_id"]],
        ).fetchall()
        return JobRun(
            id=job_id,
            job_type=record["job_type"],
            status=record["status"],
            result=record["result_data"],
            job_data=record["job_data"],
            error_code=record["error_code"],
            error_message=record["error_message"],
            attempts=[row for (row,) in known],
            progress=self.progress.get(job_id, []),
            spawned=[self.job(one) for (one,) in spawned],
            variants=[row for (row,) in variants],
        )

    def _registry(self) -> Registry:
        """The handlers, each of which writes down its progress."""
        return Recorded(shipped((), self.handlers), self.progress)


class Recorded(Registry):
    """Handlers that write down every ctx.progress."""

    def __init__(self, registry: Registry, progress: dict[UUID, list[JobProgress]]) -> None:
        super().__init__({})
        self._handlers = {name: _recording(registry.find(name), progress) for name in registry.types}


def _recording(handler: Handler, progress: dict[UUID, list[JobProgress]]) -> Handler:
    """A handler that keeps what it reports."""

    def run(args: Any, ctx: JobContext) -> dict[str, Any] | None:
        report = ctx.report

        def keep(at: JobProgress) -> None:
            progress.setdefault(ctx.job.job_id, []).append(at)
            report(at)

        ctx.report = keep
        return handler.run(args, ctx)

    return Handler(handler.job_type, handler.args, run, handler.declared, handler.example)


@contextmanager
def stack(*handlers: Declared, database_url: str | None = None, **settings: Any) -> Iterator[Stack]:
    """A database with the schema and these job types, a store and a scratch folder; all of it is gone after the block.

    Args:
        handlers: modules of job types, their names, or functions under @job_type; none: those of REELQ_HANDLERS and of
            installed packages.
        database_url: a server where a temporary database may be made; None: DATABASE_URL, else a private server.
        settings: as `reelq config show` names them, such as slots=2. REELQ_* of the environment count too, but for where
            things lie. Sources may be read from everywhere on this host.

    Raises:
        SettingsError: there is no Postgres; a sentence says what would do.
        HandlersError: a module that cannot be used.
    """
    unknown = sorted(settings.keys() - environment.FIELDS.keys())
    if unknown:
        raise SettingsError(f"{', '.join(unknown)} is not a setting (see `reelq config show`)")
    environ = environment.environment()
    server = environ.get("DATABASE_URL", "") if database_url is None else database_url
    kept = {name: value for name, value in environ.items() if name.startswith("REELQ_") and name not in OURS}
    with temporary(server) as url, leftovers.folder() as folder:
        ours = {
            "DATABASE_URL": url,
            "REELQ_STORE": (folder / "objects").as_uri(),
            "REELQ_SCRATCH": str(folder / "scratch"),
            "REELQ_SOURCE_ROOTS": "/",
        }
        chosen = environment.load({**kept, **ours}, **{**QUICK, **settings})
        found = [one for given in handlers for one in _types(given)] if handlers else handler_search.search(chosen.handlers)
        with db.connect(chosen, "reelq testing") as conn:
            for one in found:
                job_types.sync_job_type(conn, one.name, one.defaults, one.retry, one.schema)
            yield Stack(chosen, found, folder, conn)


def _types(given: Declared) -> Iterable[JobType]:
    """The job types of what a test named.

    Raises:
        HandlersError: there is none.
    """
    module = importlib.import_module(given) if isinstance(given, str) else given
    found = types_of(module)
    if not found:
        raise HandlersError(f"{given!r}: {handler_search.NONE_THERE}", "docs/jobs.md shows a module of job types that works")
    return found


def expect_completed(job: JobRun) -> None:
    """Raise when a job, or one that it spawned, did not complete.

    Raises:
        JobFailed.
    """
    if job.status != "completed":
        raise JobFailed(told(job))
    for one in job.spawned:
        expect_completed(one)


def told(job: JobRun) -> str:
    """Why a job did not complete, with all that its last attempt left."""
    lines = [f"{job.job_type} {job.id} is {job.status}, not completed"]
    if job.error_code:
        lines.append(f"{job.error_code}: {job.error_message}")
    lines.append(f"job_data: {json.dumps(job.job_data, ensure_ascii=False)}")
    if not job.attempts:
        return "\n".join([*lines, "It was not tried: stack.conn and queue.explain_job(id) tell why."])
    last = job.attempts[-1]
    lines.append(f"attempt {last['attempt']} ended as {last['outcome']}: {last['code']}: {last['message']}")
    # The detail of an error stands before its stack.
    for name in ("stack", "stderr_tail"):
        if last.get(name):
            lines += ["", f"{name.replace('_tail', ' of ffmpeg')}:", str(last[name]).rstrip()]
    return "\n".join(lines)
