"""One attempt, from claim to outcome, in the thread of its slot. Never raises: whatever happens is an outcome."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import structlog

from reelq.worker import db, logs
from reelq.worker.errors import DatabaseAway, DatabaseLocked, LeaseLost, PermanentError, PoolExhausted, ReelqError
from reelq.worker.jobs import plain
from reelq.worker.jobs.context import Facts, JobContext
from reelq.worker.jobs.known_store import WorkerStores
from reelq.worker.rooms.queue import reads
from reelq.worker.rooms.queue.jobs import ClaimedJob
from reelq.worker.runtime import completion, outcome
from reelq.worker.runtime.contact import Trouble
from reelq.worker.runtime.deadlines import Deadlines
from reelq.worker.runtime.live_settings import LiveSettings
from reelq.worker.runtime.outcome import COMPLETED, AttemptOutcome
from reelq.worker.runtime.registry import Registry
from reelq.worker.scratch import Scratch
from reelq.worker.settings import Settings
from reelq.worker.stop import StopSignal

log = structlog.get_logger()

MOST_FAILURES = 5  # of a handler's writes on completion, when each may pass
MOST_BYTES = 2.0**62  # what the queue's column holds


@dataclass(frozen=True, slots=True)
class AttemptDeps:
    """What all attempts of a worker share."""

    live: LiveSettings
    registry: Registry
    pool: db.Pool
    scratch: Scratch
    stores: WorkerStores
    stopping: threading.Event  # set when the worker stops running jobs
    look_by: Callable[[float], None]  # the watch has to look at this time at the latest

    @property
    def settings(self) -> Settings:
        """As they are now: an attempt keeps those of its start."""
        return self.live.current


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
    is_refused: bool = False  # the queue did not take its first outcome
    is_locked: bool = False  # it has ended, and another session holds its job: a lock, and nothing else, keeps it from being settled
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
        except BaseException as error:  # noqa: BLE001 - SystemExit and MemoryError too: a slot outlives its jobs
            self.outcome = self._ended_by(error)
        finally:
            self.deadlines.finish()
            for path in folder:
                shutil.rmtree(path, ignore_errors=True)
            self.ended_at = time.monotonic()
            self._prepare()
            logs.job.set(None)

    def _ended_by(self, error: BaseException) -> AttemptOutcome:
        """The outcome that an error of the handler means."""
        # When ffmpeg was killed the handler may raise any error; the reason of the kill is the outcome.
        reason = self.deadlines.reason
        try:
            if isinstance(error, LeaseLost):  # a write under the token was refused before a heartbeat reported the loss
                return outcome.stopped("lease_lost")
            return outcome.stopped(reason, error) if reason else outcome.failed(error, self.facts.stderr)
        except BaseException as second:  # noqa: BLE001 - an error that cannot even be looked at
            return outcome.untellable(second)

    def _prepare(self) -> None:
        """Write the settlement."""
        try:
            self.settlement = self.settled_as()
        except BaseException as error:  # noqa: BLE001 - see run
            self.facts = Facts()
            self.outcome = outcome.untellable(error)
            self.settlement = self.settled_as()

    def refuse(self, error: BaseException) -> None:
        """The queue does not take the outcome for what it says."""
        self.is_refused = True
        self.facts = Facts()
        self.outcome = outcome.refused(self.outcome or AttemptOutcome("released"), error)
        self.settlement = ""

    def _handle(self, deps: AttemptDeps, folder: list[Path]) -> AttemptOutcome:
        """Parse the arguments, call the handler, commit what it wants written."""
        job = self.job
        if job.unreadable:
            raise PermanentError("unreadable_job", "The job holds a value that no worker can read.", detail=job.unreadable)

        def make_scratch() -> Path:
            if not folder:
                folder.append(deps.scratch.make(job.job_id, job.token))
            return folder[0]

        settings = deps.settings
        self.facts.log.mask_secrets = lambda text: logs.Masker(settings)(None, "", text)
        ctx = JobContext(
            job=job,
            settings=settings,
            stop=self.deadlines,
            open_store=cache(lambda: deps.stores.of_tenant(job.tenant_id)),  # once an attempt; what raises is not kept
            open_bucket=deps.stores.at,
            make_scratch=make_scratch,
            reserve_scratch=lambda size_bytes: deps.scratch.reserve(make_scratch(), size_bytes),
            report=self.deadlines.report,
            pool=deps.pool,
            facts=self.facts,
        )
        handler = deps.registry.find(job.job_type)
        ended = outcome.completed(handler.run(handler.parse(job.job_data), ctx))
        self.deadlines.check()
        # With a log it is settled alone, so that a batch of small jobs carries no logs.
        return self._commit(deps, ctx, ended) if ctx.writes or self.facts.log.text() else ended

    def _commit(self, deps: AttemptDeps, ctx: JobContext, ended: AttemptOutcome) -> AttemptOutcome:
        """Complete the job and write what the handler made visible: one transaction, fence first.

        The work is done, so this waits for the database as long as it is away. The fence then
        decides whether the result still counts. A write of the handler's that fails in a way that may pass, such as a
        deadlock, is done again a few times, and whatever else it raises is the handler's own error.
        """
        self.deadlines.finish()
        turn, failures = 0, 0
        trouble = Trouble()
        while True:
            try:
                deps.pool.call(completion.complete, self.job, ended.result, self.costs() | self._log(), ctx.writes)
                return AttemptOutcome("completed", ended.result, settled="completed")
            except LeaseLost:
                if self.sent and deps.pool.insist(StopSignal(), was_completed, self.job):
                    return AttemptOutcome("completed", ended.result, settled="completed")
                return outcome.stopped("lease_lost")
            except completion.WriteFailed as failed:
                failures += 1
                self.sent = True  # it may have committed by itself
                error = failed.error
                if not failed.may_pass or failures == MOST_FAILURES:
                    raise error from None
            except PoolExhausted:
                raise
            except DatabaseAway as away:
                self.is_locked = isinstance(away, DatabaseLocked)
                self.sent = self.sent or not self.is_locked
                error = away
            if trouble.failed(error):
                log.warning("completion.delayed", job_id=str(self.job.job_id), error=plain.line(error, 500))
            if deps.stopping.wait(db.backoff(turn)):
                return outcome.stopped("shutdown")
            if self.deadlines.reason == "cancelled":
                return outcome.stopped("cancelled")
            turn += 1

    @property
    def ran_s(self) -> float:
        """How long its handler has run."""
        return 0.0 if self.started_at is None else (self.ended_at or time.monotonic()) - self.started_at

    def costs(self) -> dict[str, Any]:
        """What the attempt's children used, as the queue's functions take it."""
        if self.facts.peak_memory_bytes == 0:
            return {}
        cpu_s = plain.number(self.facts.cpu_seconds) or 0.0  # a handler may have written anything there
        most = plain.number(self.facts.peak_memory_bytes) or 0.0
        return {"cpu_seconds": round(max(cpu_s, 0.0), 3), "peak_memory_bytes": int(min(most, MOST_BYTES))} if most > 0 else {}

    def _log(self) -> dict[str, str]:
        """What its programs were called with and printed, if it ran any."""
        told = self.facts.log.text()
        return {"log": told} if told else {}

    def errors(self) -> dict[str, Any]:
        """Costs, and what operators may see of an error and of the programs that ran."""
        ended = self.outcome or AttemptOutcome("released")
        shown = {"stack": ended.stack, "stderr": ended.stderr, "retry_after_s": ended.retry_after_s}
        return self.costs() | self._log() | {key: value for key, value in shown.items() if value is not None}

    def settled_as(self) -> str:
        """The outcome as an item of queue.settle_jobs, as JSON text."""
        if self.outcome is COMPLETED and not self.costs():
            return f'{{"job_id":"{self.job.job_id}","token":{self.job.token},"outcome":"completed"}}'
        ended = self.outcome or AttemptOutcome("released", message="shutdown")
        item: dict[str, Any] = {"job_id": str(self.job.job_id), "token": self.job.token, "outcome": ended.kind}
        if ended.kind == "completed":
            item["result"] = ended.result
        else:
            item |= {"code": ended.code, "message": ended.message}
        return db.json_text(item | self.errors(), allow_nan=False)


def was_completed(conn: db.Connection, job: ClaimedJob) -> bool:
    """Whether this very attempt completed its job, as its history says; for an answer that was lost."""
    try:
        history = reads.show_job(conn, job.job_id)["attempts_history"]
    except (ReelqError, KeyError):
        return False
    return any(one["attempt"] == job.token and one["outcome"] == "completed" for one in history)
