"""Until when an attempt may go on: the stop signal, plus the clocks that set it.

Three deadlines, all on this process's monotonic clock:

    trust    the lease minus a margin, counted from when the last good heartbeat was SENT. Past
             it the queue may give the job to another, so this attempt has ended by then.
    limit    the job type's time limit.
    headway  the job type's stall limit, counted from the last change of progress.

Whoever looks first notices: the watch thread, or the handler in `check` (a process that was
suspended past its lease finds out before its next visible step).
"""

from __future__ import annotations

import time

from worker.queue import ClaimedJob, Progress
from worker.stop import StopSignal

MARGIN = 0.1  # of the lease; what it takes to kill a process group, many times over
LONGEST_MARGIN_S = 5.0


class Leash(StopSignal):
    """The stop signal of one attempt, with its deadlines."""

    def __init__(self, job: ClaimedJob, sent_at: float) -> None:
        super().__init__()
        self.lease_s = job.lease.total_seconds()
        self.progress = Progress()
        self._trusted_s = self.lease_s - min(self.lease_s * MARGIN, LONGEST_MARGIN_S)
        self._stall_s = job.stall_limit.total_seconds() if job.stall_limit is not None else None
        self._trusted_until = sent_at + self._trusted_s
        self._ends_at = sent_at + job.time_limit.total_seconds()
        self._moved_at = sent_at
        self._over = False

    def renew(self, sent_at: float) -> None:
        """A heartbeat that was sent at `sent_at` has extended the lease."""
        self._trusted_until = max(self._trusted_until, sent_at + self._trusted_s)

    def report(self, progress: Progress) -> None:
        """Remember how far the work is; a change is headway."""
        if (progress.fraction, progress.stage) != (self.progress.fraction, self.progress.stage):
            self._moved_at = time.monotonic()
        self.progress = progress

    def finish(self) -> None:
        """The handler is through: no deadline matters any more. The fence judges what it has made."""
        self._over = True

    def due(self) -> float:
        """When the next deadline is, in monotonic seconds; infinity when there is none."""
        if self._over or self.reason is not None:
            return float("inf")
        due = min(self._trusted_until, self._ends_at)
        return due if self._stall_s is None else min(due, self._moved_at + self._stall_s)

    def expire(self) -> None:
        """Set the signal when a deadline has passed."""
        now = time.monotonic()
        if now < self.due():
            return
        if now >= self._trusted_until:
            self.set("lease_lost")
        elif now >= self._ends_at:
            self.set("time_limit")
        else:
            self.set("stalled")

    def check(self) -> None:
        """Raise StopRequested when the attempt has to end, or had to by now."""
        self.expire()
        super().check()
