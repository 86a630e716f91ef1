"""Until when an attempt may go on: the stop signal, plus the clocks that set it.

Three deadlines, all on this process's monotonic clock:

    lease    the lease minus a margin, counted from when the last good heartbeat was SENT, at first the
             claim. Later the queue may give the job to another worker, so this attempt must have ended; but not
             while the queue answers nobody here (contact.py): then the fence judges the result.
    limit    the job type's time limit, counted from the start of the handler.
    stall    the job type's stall limit, counted from the last change of progress, at first the start.

The watchdog thread checks them, and the handler does in `check`: a process that was suspended
past its lease finds out before its next visible step.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache

from reelq.worker.rooms.queue.jobs import ClaimedJob, JobProgress
from reelq.worker.runtime.contact import Contact
from reelq.worker.stop import StopSignal

MARGIN = 0.1  # of the lease; many times what it takes to kill a process group
LONGEST_MARGIN_S = 5.0
FOREVER = float("inf")
NO_PROGRESS = JobProgress()


@dataclass(frozen=True, slots=True)
class Terms:
    """A job type's times in seconds; no limit is infinity."""

    lease_s: float
    trusted_s: float  # for this long after the latest good heartbeat no other worker can have the job
    limit_s: float
    stall_s: float


@lru_cache(maxsize=256)
def terms(lease: timedelta, time_limit: timedelta, stall_limit: timedelta | None) -> Terms:
    """The terms of a claim; there are as many as job types."""
    lease_s = lease.total_seconds()
    stall_s = FOREVER if stall_limit is None else stall_limit.total_seconds()
    return Terms(lease_s, lease_s - min(lease_s * MARGIN, LONGEST_MARGIN_S), time_limit.total_seconds(), stall_s)


class Deadlines(StopSignal):
    """The stop signal of one attempt, with its deadlines."""

    __slots__ = ("_contact", "_ends_at", "_moved_at", "_terms", "_trusted_until", "over_since", "progress")

    def __init__(self, job: ClaimedJob, sent_at: float, contact: Contact) -> None:
        super().__init__()
        self._contact = contact
        self.progress = NO_PROGRESS
        self._terms = agreed = terms(job.lease, job.time_limit, job.stall_limit)
        self._trusted_until = sent_at + agreed.trusted_s
        self._ends_at = self._moved_at = FOREVER  # it may wait in the dispatch queue before it starts
        self.over_since: float | None = None  # monotonic: the handler returned then, and what it made waits to be settled

    @property
    def lease_s(self) -> float:
        """How long a claim or a heartbeat holds."""
        return self._terms.lease_s

    def start(self) -> float:
        """The handler starts, unless it must not any more; returns when, in monotonic seconds.

        Raises:
            StopRequested: cancelled, or the lease is lost, while the job waited in the dispatch queue.
        """
        self.check()
        now = time.monotonic()
        self._ends_at = now + self._terms.limit_s
        self._moved_at = now
        return now

    def renew(self, sent_at: float) -> None:
        """A heartbeat that was sent at `sent_at` has extended the lease."""
        self._trusted_until = max(self._trusted_until, sent_at + self._terms.trusted_s)

    def report(self, progress: JobProgress) -> None:
        """Remember how far the work is; a change starts the stall limit anew."""
        if (progress.fraction, progress.stage) != (self.progress.fraction, self.progress.stage):
            self._moved_at = time.monotonic()
        self.progress = progress

    def finish(self) -> None:
        """The handler has returned: no deadline matters any more. The fence decides whether its result counts."""
        if self.over_since is None:
            self.over_since = time.monotonic()

    def due(self) -> float:
        """When the next deadline is, in monotonic seconds; infinity when there is none."""
        if self.over_since is not None or self._reason is not None:
            return FOREVER
        return min(self._lease_ends_at(), self._ends_at, self._moved_at + self._terms.stall_s)

    def _lease_ends_at(self) -> float:
        """When the lease is lost; infinity while nobody can tell, because the queue is away."""
        trusted = self._trusted_until
        is_unsure = time.monotonic() >= trusted and self._contact.is_away(self._terms.lease_s)
        return FOREVER if is_unsure else trusted

    def expire(self) -> None:
        """Set the signal when a deadline has passed."""
        now = time.monotonic()
        if now < self.due():
            return
        if now >= self._lease_ends_at():
            self.set("lease_lost")
        elif now >= self._ends_at:
            self.set("time_limit")
        else:
            self.set("stalled")

    def check(self) -> None:
        """Raise StopRequested when the attempt has to end, or had to by now."""
        self.expire()
        super().check()
