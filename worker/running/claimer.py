"""When to look for work, how far, and when to ask to be notified.

A look settles what has ended in the same round trip. Between two full looks (one a second at most)
claims pass lower bounds. A worker with free slots and an empty look asks to be notified, looks
once more for what came in between, and then waits; polling goes on all the same. The queue sends no second
notification for a moment after one was sent: whoever was woken looks once more when that moment is over.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from fractions import Fraction

from worker import db, queue
from worker.queue import ClaimedJob
from worker.running.hands import NOTHING
from worker.running.lanes import Lanes
from worker.running.ledger import Ledger

FULL_LOOK_S = 1.0  # claims with lower bounds miss what lies below them no longer than this
CHORES_S = 5.0  # a worker whose slots are all busy still takes back expired leases for the others
FULL_FOR_S = 1.0  # so long without a free slot, and nobody needs to notify us
LINGER_S = 0.0275  # after a notification; the queue sends the next one 20 ms later at the earliest


class Claimer:
    """Talks to the queue for the main thread."""

    def __init__(
        self,
        session: db.Session,
        worker_id: str,
        ledger: Ledger,
        start: Callable[[list[ClaimedJob], float], None],
        *,
        poll_s: float,
        polls: bool,
    ) -> None:
        self._session = session
        self._worker_id = worker_id
        self._ledger = ledger
        self._start = start  # gets the jobs and the monotonic time when their claim was sent
        self._poll_s = poll_s
        self._polls = polls
        self._lanes = Lanes()
        self._wanted = True  # somebody said that there is work
        self._full_at = float("-inf")  # last full look
        self._asleep = False  # the queue notifies us
        self._busy_since: float | None = None  # no slot has been free since
        self._poll_at = 0.0  # next look without being told
        self._linger_at = float("inf")  # one more look after a notification
        self.found_nothing = False  # the latest look gave nothing
        self.may_be_more = True  # the latest look was filled

    @property
    def look_at(self) -> float:
        """When to look next without being told."""
        return min(self._poll_at, self._linger_at)

    def want(self) -> None:
        """There may be work."""
        self._wanted = True

    def connected(self) -> None:
        """The connection is a new one: what the server knew of our sleep may be gone."""
        self._asleep = False

    def put_off(self, seconds: float) -> None:
        """The database does not answer: no look before that."""
        self._poll_at = time.monotonic() + seconds
        self._linger_at = float("inf")

    def exchange(self, free: Callable[[], int], *, settle: bool) -> bool:
        """Settle and claim, if it is time to settle or there is a reason to look. Returns whether it did.

        Raises:
            DatabaseAway, QueueError, psycopg.Error: call again after `put_off`.
        """
        now = time.monotonic()
        told, self._wanted = self._wanted, False
        polls, lingers = now >= self._poll_at, now >= self._linger_at
        if told:
            self._linger_at = now + LINGER_S
        elif lingers:
            self._linger_at = float("inf")
        if not (settle or told or polls or lingers):
            return False
        limit = free()
        if limit == 0 and not settle and not polls:
            return False  # told of work while all slots are busy
        full = polls or lingers or now - self._full_at >= FULL_LOOK_S
        filled = self._look(limit, full)
        found = filled > 0
        # Something is free and this look could not have been the last word.
        if filled <= limit - 1 and not self._polls and (not self._asleep or (told and not found and not full)):
            if not self._asleep:
                self._session.call(queue.sleep_worker, self._worker_id)
                self._asleep = True
            limit = free()
            filled = self._look(limit, full=True)
            found = found or filled > 0
        self.found_nothing = limit > 0 and not found
        self.may_be_more = filled > limit - 1
        self._rest(is_full=self.may_be_more)
        return True

    def settle(self) -> None:
        """Settle only, and do the queue's chores now and then: the worker leaves, or its disk is full."""
        self._ledger.settle()
        self._wanted = False
        self.put_off(CHORES_S)

    def _look(self, limit: int, full: bool) -> Fraction:
        """One round trip. Returns how many slots are filled by what was claimed."""
        sent_at = time.monotonic()
        jobs = self._ledger.exchange(limit, queue.FULL_LOOK if full else self._lanes.bounds())
        if full:
            self._full_at = sent_at
        if not jobs:
            return NOTHING
        self._start(jobs, sent_at)
        self._lanes.took(jobs, full)
        sizes: dict[tuple[int, int], int] = {}
        for job in jobs:
            size = (job.weight, job.batch)
            sizes[size] = sizes.get(size, 0) + 1
        return sum((Fraction(weight * count, batch) for (weight, batch), count in sizes.items()), NOTHING)

    def _rest(self, *, is_full: bool) -> None:
        """When to look next; and whether to be notified still."""
        now = time.monotonic()
        # Jittered: workers that were started together must not look together.
        self._poll_at = now + (CHORES_S if is_full else self._poll_s) * random.uniform(0.75, 1.0)
        if not is_full or not self._asleep:
            self._busy_since = None
        elif self._busy_since is None:
            self._busy_since = now
        elif now - self._busy_since > FULL_FOR_S:
            self._session.call(queue.wake_worker, self._worker_id)
            self._asleep = False
