"""One attempt, from claim to outcome, in the thread of its slot. Never raises: whatever happens is an outcome."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reelq.worker import db, logs
from reelq.worker.errors import DatabaseAway, LeaseLost, PermanentError, ReelqError, StopRequested
from reelq.worker.jobs.context import Facts, JobContext
from reelq.worker.rooms import queue
from reelq.worker.rooms.queue import reads
from reelq.worker.rooms.queue.jobs import ClaimedJob
from reelq.worker.runtime import outcome
from reelq.worker.runtime.deadlines import Deadlines
from reelq.worker.runtime.outcome import COMPLETED, AttemptOutcome
from reelq.worker.runtime.registry import Registry
from reelq.worker.scratch import Scratch
from reelq.worker.settings import Settings
from reelq.worker.stop import StopSignal
from reelq.worker.stores.open import Store


@dataclass(frozen=True, slots=True)
class AttemptDeps:
    """What all attempts of a worker share."""

    settings: Settings
    registry: Registry
    pool: db.Pool
    scratch: Scratch
    open_store: Callable[[], Store]
    stopping: threading.Event  # set when the worker stops running jobs
    look_by: Callable[[float], None]  # the watch has to look at this time at the latest


@dataclass(slots=True, eq=False)
class Attempt:
    """A claimed job, until it is settled."""

    job: ClaimedJob
    deadlines: Deadlines
    outcome: AttemptOutcome | None = None
    facts: Facts = field(default_factory=Facts)
    started_at: float | None = None  # monotonic; None: no handler has run
    ended_at: float | None = None
    settlement: str = ""  # the outcome as queue.settle_jobs takes it; the slot writes it, which saves the main thread time
    sent: bool = False  # the outcome was sent once and no answer came: it may have arrived

    @property
    def fills_a_slot(self) -> bool:
        """Whether it takes a whole slot or more; else it is a small job, of which the queue gives several for a slot."""
        return self.job.weight >= self.job.batch

    def run(self, deps: AttemptDeps) -> None:
        """Run the handler and keep how that ended in `outcome`."""
        folder: list[Path] = []
        logs.job.set(self.job)
        try:
            self.started_at = self.deadlines.start()
            deps.look_by(self.deadlines.due())
            self.outcome = self._handle(deps, folder)
        except StopRequested as error:
            self.outcome = outcome.stopped(error.reason, error)
        except LeaseLost:  # a write under the token was refused before a heartbeat reported the loss
            self.outcome = outcome.stopped("lease_lost")
        except BaseException as error:  # noqa: BLE001 - SystemExit and MemoryError too: a slot outlives its jobs
            # When ffmpeg was killed the handler may raise any error; the reason of the kill is the outcome.
            reason = self.deadlines.reason
            self.outcome = outcome.stopped(reason, error) if reason else outcome.failed(error, self.facts.stderr)
        finally:
            self.deadlines.finish()
            for path in folder:
                shutil.rmtree(path, ignore_errors=True)
            self.ended_at = time.monotonic()
            self.settlement = self.settled_as()
            logs.job.set(None)

    def _handle(self, deps: AttemptDeps, folder: list[Path]) -> AttemptOutcome:
        """Parse the arguments, call the handler, commit what it wants written."""
        job = self.job
        if job.unreadable:
            raise PermanentError("unreadable_job", "The job holds a value that no worker can read.", detail=job.unreadable)

        def make_scratch() -> Path:
            if not folder:
                folder.append(deps.scratch.make(job.job_id, job.token))
            return folder[0]

        ctx = JobContext(
            job=job,
            settings=deps.settings,
            stop=self.deadlines,
            open_store=deps.open_store,
            make_scratch=make_scratch,
            report=self.deadlines.report,
            pool=deps.pool,
            facts=self.facts,
        )
        handler = deps.registry.find(job.job_type)
        ended = outcome.completed(handler.run(handler.parse(job.job_data), ctx))
        self.deadlines.check()
        return self._commit(deps, ctx, ended) if ctx.writes else ended

    def _commit(self, deps: AttemptDeps, ctx: JobContext, ended: AttemptOutcome) -> AttemptOutcome:
        """Complete the job and write what the handler made visible: one transaction, fence first.

        The work is done, so this waits for the database as long as it is away. The fence then
        decides whether the result still counts.
        """
        self.deadlines.finish()

        def write(conn: db.Connection) -> None:
            with conn.transaction():
                queue.complete_job(conn, self.job.job_id, self.job.token, ended.result, self.costs())
                for one in ctx.writes:
                    one(conn)

        turn = 0
        while True:
            try:
                deps.pool.call(write)
                return AttemptOutcome("completed", ended.result, settled="completed")
            except LeaseLost:
                if self.sent and deps.pool.insist(StopSignal(), was_completed, self.job):
                    return AttemptOutcome("completed", ended.result, settled="completed")
                return outcome.stopped("lease_lost")
            except DatabaseAway:
                self.sent = True
                if deps.stopping.wait(db.backoff(turn)):
                    return outcome.stopped("shutdown")
                turn += 1

    @property
    def ran_s(self) -> float:
        """How long its handler has run."""
        return 0.0 if self.started_at is None else (self.ended_at or time.monotonic()) - self.started_at

    def costs(self) -> dict[str, Any]:
        """What the attempt's children used, as the queue's functions take it."""
        if not self.facts.peak_memory_bytes:
            return {}
        return {
            "cpu_seconds": round(self.facts.cpu_seconds, 3),
            "peak_memory_bytes": self.facts.peak_memory_bytes,
        }

    def errors(self) -> dict[str, Any]:
        """Costs, and what operators may see of an error."""
        ended = self.outcome or AttemptOutcome("released")
        shown = {"stack": ended.stack, "stderr": ended.stderr, "retry_after_s": ended.retry_after_s}
        return self.costs() | {key: value for key, value in shown.items() if value is not None}

    def settled_as(self) -> str:
        """The outcome as an item of queue.settle_jobs, as JSON text."""
        if self.outcome is COMPLETED and not self.facts.peak_memory_bytes:
            return f'{{"job_id":"{self.job.job_id}","token":{self.job.token},"outcome":"completed"}}'
        ended = self.outcome or AttemptOutcome("released", message="shutdown")
        item: dict[str, Any] = {"job_id": str(self.job.job_id), "token": self.job.token, "outcome": ended.kind}
        if ended.kind == "completed":
            item["result"] = ended.result
        else:
            item |= {"code": ended.code, "message": ended.message}
        return json.dumps(item | self.errors())


def was_completed(conn: db.Connection, job: ClaimedJob) -> bool:
    """Whether this very attempt completed its job, as its history says; for an answer that was lost."""
    try:
        history = reads.show_job(conn, job.job_id)["attempts_history"]
    except (ReelqError, KeyError):
        return False
    return any(one["attempt"] == job.token and one["outcome"] == "completed" for one in history)
