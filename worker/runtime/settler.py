"""Settling: what is finished goes to the queue, and one canonical log line follows it.

A job whose rows another session holds cannot be settled before that session ends its transaction. It is put aside and tried
again, so that it alone waits: nothing else is held up by it, and its lease is kept (heartbeat.py).
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

import psycopg
import structlog

from reelq.worker import db
from reelq.worker.errors import BadArgument, DatabaseAway, DatabaseLocked, LeaseLost, QueueError
from reelq.worker.rooms import queue
from reelq.worker.rooms.queue.jobs import Bounds, ClaimedJob, Verdict
from reelq.worker.runtime.attempt import Attempt, was_completed
from reelq.worker.runtime.outcome import COMPLETED, AttemptOutcome

T = TypeVar("T")

PATIENCE_S = 4.0  # so long it waits in one turn for locks that only waiting finds, whatever the number of jobs

log = structlog.get_logger()

# Events by the job's new status; `queued` after an error is a retry.
FAILED = {"queued": "job.retried", "failed": "job.failed", "cancelled": "job.cancelled"}
EVENTS = {"completed": "job.completed", "snoozed": "job.snoozed", "released": "job.released"}
FINE = set(EVENTS.values())


def is_about_the_result(error: Exception) -> bool:
    """Whether a result was refused for what it holds: bad data, a broken constraint, its size. Else the queue is in trouble."""
    code = (error.sqlstate or "") if isinstance(error, psycopg.Error) else ""
    return isinstance(error, BadArgument | psycopg.DataError) or code.startswith(("22", "23", "54"))


@dataclass(slots=True)
class Wait:
    """An attempt that is put aside, since another session holds its job."""

    since: float  # monotonic
    retry_at: float
    tries: int = 1


class Settler:
    """What is finished and not settled yet. Nothing leaves it before the database has answered."""

    def __init__(self, session: db.Session, worker_id: str) -> None:
        self._session = session
        self._log: Any = log
        self.worker_id = worker_id
        self._batch: list[Attempt] = []  # completed, snoozed, released
        self._others: list[Attempt] = []
        self._locked: dict[Attempt, Wait] = {}
        self.ended: Counter[str] = Counter()  # events so far
        self.closed: list[Attempt] = []  # settled, and not yet forgotten by the main loop

    @property
    def waiting(self) -> list[Attempt]:
        """What is not settled yet, and not sent to be."""
        return self._others + self._batch if self._others else self._batch

    @property
    def locked(self) -> list[Attempt]:
        """What other sessions keep from being settled."""
        return list(self._locked)

    @property
    def retry_at(self) -> float:
        """When to call `retry_locked`; infinity when nothing is locked."""
        return min((wait.retry_at for wait in self._locked.values()), default=float("inf"))

    def add(self, attempt: Attempt) -> None:
        """An attempt has ended."""
        ended = attempt.outcome
        fits = ended is None or (ended.kind in EVENTS and not ended.settled)
        (self._batch if fits else self._others).append(attempt)

    def settle(self) -> None:
        """Settle all that waits, without claiming."""
        self.exchange(0, None, claim=False)

    def exchange(self, limit: int, bounds: Bounds | None, *, claim: bool = True) -> list[ClaimedJob]:
        """Settle all that waits and claim up to `limit` slots' worth: one round trip when nothing failed.

        Raises:
            DatabaseAway: what was not settled still waits.
        """
        while self._others:
            try:
                self._settle_alone(self._others[0])
            except DatabaseLocked as error:
                self._put_aside(self._others.pop(0), error)
        batch, items = self.take_waiting()
        if claim:
            aside = len(self._locked)
            rows: list[ClaimedJob] = self.call(batch, [], queue.settle_and_claim, self.worker_id, limit, items, bounds)
            if len(self._locked) > aside:  # refused for a lock, and now without what was locked
                rows = self.call([], [], queue.settle_and_claim, self.worker_id, limit, [], bounds)
            return self.close(batch, rows)
        if items:
            told: list[Verdict] = self.call(batch, [], queue.settle_jobs, self.worker_id, items)
            lost = {one.job_id for one in told if one.verdict == "lost"}
            self._close_batch(batch, {(one.job.job_id, one.job.token) for one in batch if one.job.job_id in lost})
        return []

    # `exchange` consists of these. look_ahead.py calls them one by one, for a claim that is sent now and answered later.

    def fits_one_call(self) -> bool:
        """Whether all that waits can be settled in one call, without asking anything else."""
        return not (self._others or any(one.sent for one in self._batch) or time.monotonic() >= self.retry_at)

    def take_waiting(self) -> tuple[list[Attempt], list[str]]:
        """What waits, as attempts and as the queue's functions take it; `call` has to follow."""
        batch, self._batch = self._batch, []
        return batch, [attempt.settlement or attempt.settled_as() for attempt in batch]

    def call(self, batch: list[Attempt], refused: T, function: Callable[..., T], *args: Any) -> T:
        """Call `function(connection, …)`, which settles `batch`.

        When the database is away the batch waits again. When the queue refuses it, or something in it is locked, it is
        settled one by one, and `refused` is returned.
        """
        try:
            return self._session.call(function, *args)
        except DatabaseLocked as error:
            if not batch:
                raise
            try:
                self._settle_around(batch, error)
            finally:
                self._batch[:0] = batch
            return refused
        except DatabaseAway:
            self._unanswered(batch)
            raise
        except (QueueError, psycopg.Error) as error:
            if not batch:
                raise
            # One result that the queue does not take must not hold up the others.
            log.error("batch.refused", error=str(error), jobs=len(batch))
            try:
                self._settle_singly(batch)
            finally:
                self._batch[:0] = batch
            return refused

    def _unanswered(self, batch: list[Attempt]) -> None:
        """They wait again, and may have been settled."""
        for attempt in batch:
            attempt.sent = True
        self._batch[:0] = batch
        batch.clear()

    def _settle_around(self, batch: list[Attempt], error: Exception) -> None:
        """A lock was waited for in vain: put aside whose jobs are held, and settle the rest. Takes from `batch` what it is done with."""
        held = self._session.call(queue.locked_jobs, [one.job.job_id for one in batch])
        for attempt in [one for one in batch if one.job.job_id in held]:
            self._put_aside(attempt, error)
            batch.remove(attempt)
        if held and len(batch) > 1:
            try:
                told = self._session.call(queue.settle_jobs, self.worker_id, [one.settled_as() for one in batch])
            except DatabaseLocked:
                pass  # another kind of lock, as on a tenant or on an edge: who it is only trying tells
            except DatabaseAway:
                self._unanswered(batch)
                raise
            except (QueueError, psycopg.Error):
                pass  # one of them is also refused
            else:
                lost = {one.job_id for one in told if one.verdict == "lost"}
                self._close_batch(batch, {(one.job.job_id, one.job.token) for one in batch if one.job.job_id in lost})
                batch.clear()
        self._settle_singly(batch)

    def _settle_singly(self, batch: list[Attempt]) -> None:
        """Settle one by one; whatever is locked is put aside. Takes from `batch` what it is done with."""
        until = time.monotonic() + PATIENCE_S
        while batch:
            try:
                self._settle_one(batch[0])
            except DatabaseLocked as error:
                self._put_aside(batch[0], error)
                if time.monotonic() > until:
                    for attempt in batch[1:]:
                        self._put_aside(attempt, error)
                    del batch[1:]
            del batch[0]

    def _put_aside(self, attempt: Attempt, error: Exception) -> None:
        """Another session holds the job: try again later."""
        now = time.monotonic()
        wait = self._locked.get(attempt)
        if wait is not None:
            wait.retry_at = now + db.backoff(wait.tries)
            wait.tries += 1
            return
        self._locked[attempt] = Wait(now, now + db.backoff(0))
        attempt.is_locked = True
        log.warning("settlement.locked", job_id=str(attempt.job.job_id), error=str(error))

    def retry_locked(self, *, at_once: bool = False) -> None:
        """Settle what was put aside and is free now. Waits for no lock that can be seen.

        Raises:
            DatabaseAway, QueueError, psycopg.Error: as `exchange`.
        """
        now = time.monotonic()
        due = [one for one, wait in self._locked.items() if at_once or now >= wait.retry_at]
        if not due:
            return
        error = DatabaseLocked("another session holds the job")
        held = self._session.call(queue.locked_jobs, [one.job.job_id for one in due])
        for attempt in due:
            if attempt.job.job_id in held or time.monotonic() > now + PATIENCE_S:
                self._put_aside(attempt, error)
                continue
            try:
                self._settle_again(attempt)
            except DatabaseLocked:
                self._put_aside(attempt, error)

    def _settle_again(self, attempt: Attempt) -> None:
        """Settle one that was put aside. What fails now for another reason waits with all others again."""
        ended = attempt.outcome
        try:
            if ended is not None and ended.kind == "failed":
                self._fail(attempt, ended)
            else:
                self._settle_one(attempt)
        except DatabaseLocked:
            raise
        except (DatabaseAway, QueueError, psycopg.Error) as error:
            attempt.sent = attempt.sent or isinstance(error, DatabaseAway)
            self._unlocked(attempt)
            self.add(attempt)
            raise

    def _unlocked(self, attempt: Attempt) -> None:
        """No lock keeps it any more."""
        wait = self._locked.pop(attempt)
        attempt.is_locked = False
        attempt.deadlines.over_since = time.monotonic()  # from now on it waits for something else
        log.info("settlement.unlocked", job_id=str(attempt.job.job_id), locked_s=round(time.monotonic() - wait.since, 1))

    def close(self, batch: list[Attempt], rows: list[ClaimedJob]) -> list[ClaimedJob]:
        """The batch was answered with these rows: note which settlements came too late; returns the claimed jobs."""
        lost = {(row.job_id, row.token) for row in rows if row.verdict == "lost"}
        self._close_batch(batch, lost)
        return [row for row in rows if row.verdict == "claimed"] if lost else rows

    def _close_batch(self, batch: list[Attempt], lost: set[tuple[UUID, int]]) -> None:
        """They are settled, or came too late."""
        if batch:
            self._log = log.bind()  # once for all lines
        late = {one: self._late(one) for one in batch if (one.job.job_id, one.job.token) in lost} if lost else {}
        for attempt in batch:
            self._close(attempt, late.get(attempt))

    def _settle_alone(self, attempt: Attempt) -> None:
        """One that does not fit the batch: an attempt whose lease is lost, one already settled, or a failure, whose
        new status (a retry or the end) only queue.fail_job tells."""
        ended = attempt.outcome
        if ended is not None and ended.kind == "failed":
            self._fail(attempt, ended)
        else:
            self._close(attempt, "job.lost" if ended is not None and ended.kind == "lost" else None)
        self._others.remove(attempt)

    def _fail(self, attempt: Attempt, ended: AttemptOutcome) -> None:
        """Settle a failure."""
        job = attempt.job
        given = (ended.error_class or "transient", ended.code or "internal_error", ended.message or "", attempt.errors())
        try:
            status = self._session.call(queue.fail_job, job.job_id, job.token, *given)
        except LeaseLost:
            self._close(attempt, self._late(attempt) or "job.completed")  # a handler's write may have committed the completion
        except (QueueError, psycopg.Error) as error:
            self._refuse(attempt, error)
        else:
            self._close(attempt, FAILED.get(status, "job.failed"))

    def _refuse(self, attempt: Attempt, error: Exception) -> None:
        """An outcome was refused alone: fail the job in words of our own, once, when it was for what the outcome says.

        Raises:
            QueueError, psycopg.Error: it was for something else.
        """
        if attempt.is_refused or not is_about_the_result(error):
            raise error
        log.error("result.refused", job_id=str(attempt.job.job_id), error=str(error))
        attempt.refuse(error)
        if attempt.outcome is not None:
            self._fail(attempt, attempt.outcome)

    def _settle_one(self, attempt: Attempt) -> None:
        """Settle one of a batch that was refused."""
        try:
            (verdict,) = self._session.call(queue.settle_jobs, self.worker_id, [attempt.settled_as()])
        except (QueueError, psycopg.Error) as error:
            self._refuse(attempt, error)
        else:
            self._close(attempt, self._late(attempt) if verdict.verdict == "lost" else None)

    def _late(self, attempt: Attempt) -> str | None:
        """The event of a settlement that came too late: the lease is lost, unless it is our own that had arrived before."""
        try:
            return None if attempt.sent and self._session.call(was_completed, attempt.job) else "job.lost"
        except DatabaseAway:
            return "job.lost"  # a guess: twice away within a moment

    def _close(self, attempt: Attempt, event: str | None) -> None:
        """The attempt is over: one line with all that is known of it."""
        if attempt in self._locked:
            self._unlocked(attempt)
        self.closed.append(attempt)
        ended = attempt.outcome
        event = event or EVENTS[ended.kind if ended else "released"]
        self.ended[event] += 1
        level = logging.INFO if event in FINE else logging.WARNING
        if not self._log.is_enabled_for(level):
            return
        job = attempt.job
        ran_s = attempt.ran_s
        began = time.time() - (time.monotonic() - attempt.started_at if attempt.started_at is not None else 0.0)
        line: dict[str, Any] = {"job_id": str(job.job_id), "job_type": job.job_type, "attempt": job.token}
        if job.video_id is not None:
            line["video_id"] = str(job.video_id)
        if job.pipeline_step is not None:
            line["pipeline_step"] = job.pipeline_step
        line["waited_s"] = round(max(0.0, began - job.ready_at.timestamp()), 3)
        line["ran_s"] = round(ran_s, 3)
        line |= attempt.costs()
        if ended is not None and ended is not COMPLETED:
            more = ("error_class", ended.error_class), ("code", ended.code), ("message", ended.message), ("stack", ended.stack)
            line |= {key: value for key, value in more if value is not None}
            if ended.result:
                line["result"] = ended.result
        self._log.log(level, event, **line)
