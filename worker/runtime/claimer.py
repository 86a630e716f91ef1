"""When to look for work, how far, and when to ask to be notified.

A look settles what has ended in the same round trip. Between two full looks (one a second at most)
claims pass lower bounds. A worker with free slots and an empty look asks to be notified, looks
once more for what came in between, and then waits; polling goes on all the same. The queue sends no second
notification for a moment after one was sent: whoever was woken looks once more when that moment is over.

Many small jobs: the next look is asked for before the answer to the last one becomes attempts, so that the
database and this worker work side by side. What comes then is taken as half of the slots at a time.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from reelq.worker import db
from reelq.worker.rooms import queue
from reelq.worker.rooms.queue.jobs import ClaimedJob
from reelq.worker.runtime.claim_cursors import ClaimCursors
from reelq.worker.runtime.in_flight import NOTHING
from reelq.worker.runtime.settler import Settler

FULL_LOOK_S = 1.0  # claims with lower bounds miss what lies below them no longer than this
CHORES_S = 5.0  # a worker whose slots are all busy still takes back expired leases for the others
FULL_FOR_S = 1.0  # so long without a free slot, and nobody needs to notify us
MANY = 64  # jobs in one answer: so many that to start them takes longer than to ask
LINGER_S = 0.0275  # after a notification; the queue sends the next one 20 ms later at the earliest


@dataclass(frozen=True, slots=True)
class Look:
    """What was asked for."""

    limit: int
    full: bool
    sent_at: float


class Claimer:
    """Talks to the queue for the main thread."""

    def __init__(
        self,
        session: db.Session,
        worker_id: str,
        settler: Settler,
        start: Callable[[list[ClaimedJob], float], None],
        *,
        slots: int,
        poll_s: float,
        polls: bool,
    ) -> None:
        self._session = session
        self._worker_id = worker_id
        self._settler = settler
        self._start = start  # gets the jobs and the monotonic time when their claim was sent
        self._half = max(1, slots // 2)
        self._poll_s = poll_s
        self._polls = polls
        self._lanes = ClaimCursors()
        self._wanted = True  # somebody said that there is work
        self._full_at = float("-inf")  # last full look
        self._asleep = False  # the queue notifies us
        self._busy_since: float | None = None  # no slot has been free since
        self._poll_at = 0.0  # next look without being told
        self._linger_at = float("inf")  # one more look after a notification
        self._many = False  # the latest answer brought many small jobs
        self._ahead: Look | None = None  # under way, while the main thread goes on
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

    @property
    def is_ahead(self) -> bool:
        """A look is under way: until its answer is taken nothing else may be asked of the queue."""
        return self._ahead is not None

    def is_answered(self) -> bool:
        """Whether the answer to the look that is under way is here."""
        return self._settler.is_answered()

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
        if self._ahead is not None:
            limit, full = self._ahead.limit, self._ahead.full
            filled = self._land(free)
        elif settle or told or polls or lingers:
            limit = self._share(free())
            if limit == 0 and not settle and not polls:
                return False  # told of work while all slots are busy
            full = polls or lingers or now - self._full_at >= FULL_LOOK_S
            filled = self._look(limit, full, free)
        else:
            return False
        found = filled > 0
        # Something is free and this look could not have been the last word.
        unsure = not self._asleep or (told and not found and not full)
        if filled <= limit - 1 and not self._polls and unsure and self._ahead is None:
            if not self._asleep:
                self._session.call(queue.set_worker_listening, self._worker_id)
                self._asleep = True
            limit = free()
            filled = self._look(limit, True, free)
            found = found or filled > 0
        self.found_nothing = limit > 0 and not found
        self.may_be_more = filled > limit - 1
        self._rest(is_full=self.may_be_more)
        return True

    def land(self) -> None:
        """Take the answer to the look that is under way, and ask for no more."""
        if self._ahead is not None:
            self._land(None)

    def settle(self) -> None:
        """Settle only, and do the queue's chores now and then: the worker leaves, or its disk is full."""
        self._settler.settle()
        self._wanted = False
        self.put_off(CHORES_S)

    def _share(self, free: int) -> int:
        """How much of what is free to ask for: of many small jobs, half of the slots at a time."""
        return min(free, self._half) if self._many else free

    def _look(self, limit: int, full: bool, free: Callable[[], int]) -> Fraction:
        """One round trip. Returns how many slots are filled by what was claimed."""
        look = Look(limit, full, time.monotonic())
        jobs = self._settler.exchange(limit, queue.FULL_LOOK if full else self._lanes.bounds())
        try:
            self._go_on(look, len(jobs), free)
        finally:
            filled = self._begin(look, jobs)
        return filled

    def _land(self, free: Callable[[], int] | None) -> Fraction:
        """As `_look`, for what is under way."""
        look, self._ahead = self._ahead, None
        assert look is not None
        heard = self._settler.hear()
        try:
            if free is not None:
                self._go_on(look, heard.count, free)
        finally:
            filled = self._begin(look, self._settler.take(heard))
        return filled

    def _go_on(self, look: Look, count: int, free: Callable[[], int]) -> None:
        """An answer is here: if it brings many jobs, send the next look before they are started.

        Its bounds are those of the look before, so it steps over the places of these jobs in passing.
        """
        self._many = count >= MANY
        limit = self._share(free() - look.limit) if self._many else 0
        if limit < 1:
            return
        if self._asleep:
            self._session.call(queue.set_worker_busy, self._worker_id)
            self._asleep = False
        now = time.monotonic()
        full = now - self._full_at >= FULL_LOOK_S
        if self._settler.ask(limit, queue.FULL_LOOK if full else self._lanes.bounds()):
            self._ahead = Look(limit, full, now)

    def _begin(self, look: Look, jobs: list[ClaimedJob]) -> Fraction:
        """Start what a look brought. Returns how many slots that fills."""
        if look.full:
            self._full_at = look.sent_at
        if not jobs:
            return NOTHING
        self._start(jobs, look.sent_at)
        self._lanes.took(jobs, look.full)
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
        elif now - self._busy_since > FULL_FOR_S and self._ahead is None:
            self._session.call(queue.set_worker_busy, self._worker_id)
            self._asleep = False
