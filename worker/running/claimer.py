"""When to look for work, how far, and when to ask to be notified.

A look settles what has ended in the same round trip. Between two full looks (one a second at most)
claims pass lower bounds. A worker with free slots and an empty look asks to be notified, looks
once more for what came in between, and then waits; polling goes on all the same.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from worker import db, queue
from worker.queue import ClaimedJob
from worker.running.lanes import Lanes
from worker.running.ledger import Ledger

FULL_LOOK_S = 1.0  # claims with lower bounds miss what lies below them no longer than this
CHORES_S = 5.0  # a worker whose slots are all busy still takes back expired leases for the others
FULL_FOR_S = 1.0  # so long without a free slot, and nobody needs to notify us


class Claimer:
    """Talks to the queue for the main thread."""

    def __init__(
        self,
        session: db.Session,
        worker_id: str,
        ledger: Ledger,
        start: Callable[[ClaimedJob, float], None],
        *,
        poll_s: float,
        polls: bool,
    ) -> None:
        self._session = session
        self._worker_id = worker_id
        self._ledger = ledger
        self._start = start  # gets a job and the monotonic time when its claim was sent
        self._poll_s = poll_s
        self._polls = polls
        self._lanes = Lanes()
        self._wanted = True  # somebody said that there is work
        self._full_at = float("-inf")  # last full look
        self._asleep = False  # the queue notifies us
        self._busy_since: float | None = None  # no slot has been free since
        self.look_at = 0.0  # next look without being told
        self.found_nothing = False  # the latest look gave nothing

    def want(self) -> None:
        """There may be work."""
        self._wanted = True

    def connected(self) -> None:
        """The connection is a new one: what the server knew of our sleep may be gone."""
        self._asleep = False

    def put_off(self, seconds: float) -> None:
        """The database does not answer: no look before that."""
        self.look_at = time.monotonic() + seconds

    def exchange(self, free: Callable[[], int]) -> None:
        """Settle and claim, if there is something to settle or a reason to look.

        Raises:
            DatabaseAway, QueueError, psycopg.Error: call again after `put_off`.
        """
        now = time.monotonic()
        if not (self._ledger.waiting or self._wanted or now >= self.look_at):
            return
        self._wanted = False
        limit = free()
        if limit == 0 and not self._ledger.waiting and now < self.look_at:
            return  # told of work while all slots are busy
        was_asleep = self._asleep
        full = now >= self.look_at or now - self._full_at >= FULL_LOOK_S
        claimed = self._look(limit, full)
        # Something is free and this look could not have been the last word.
        if claimed < limit and not self._polls and not (was_asleep and (claimed or full)):
            if not was_asleep:
                self._session.call(queue.sleep_worker, self._worker_id)
                self._asleep = True
            claimed += self._look(free(), full=True)
        self.found_nothing = limit > 0 and claimed == 0
        self._rest(free())

    def settle(self) -> None:
        """Settle only, and do the queue's chores now and then: the worker leaves, or its disk is full."""
        self._ledger.settle()
        self._wanted = False
        self.put_off(CHORES_S)

    def _look(self, limit: int, full: bool) -> int:
        """One round trip. Returns the weight that was claimed."""
        sent_at = time.monotonic()
        jobs = self._ledger.exchange(limit, queue.FULL_LOOK if full else self._lanes.bounds())
        if full:
            self._full_at = sent_at
        self._lanes.took(jobs, full)
        for job in jobs:
            self._start(job, sent_at)
        return sum(job.weight for job in jobs)

    def _rest(self, free: int) -> None:
        """When to look next; and whether to be notified still."""
        now = time.monotonic()
        # Jittered: workers that were started together must not look together.
        self.look_at = now + (self._poll_s if free else CHORES_S) * random.uniform(0.75, 1.0)
        if free or not self._asleep:
            self._busy_since = None
        elif self._busy_since is None:
            self._busy_since = now
        elif now - self._busy_since > FULL_FOR_S:
            self._session.call(queue.wake_worker, self._worker_id)
            self._asleep = False
