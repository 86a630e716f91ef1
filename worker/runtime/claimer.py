"""When to claim, how far to look, and when to ask to be notified.

A claim settles what has ended in the same round trip. It passes lower bounds, so that the database steps over what was
taken before; once a second at the earliest a claim goes without them (a full look) and finds what lies below.

A worker with free slots that finds nothing asks to be notified, claims once more for what came in between, and then
waits; it goes on polling all the same. The queue sends no second notification for 20 ms after one was sent, so a worker
that was notified claims once more after that time.

When many small jobs come, the next claim is sent before the answer to the last one is worked off: see look_ahead.py.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from fractions import Fraction

from reelq.worker import db
from reelq.worker.rooms import queue
from reelq.worker.rooms.queue.jobs import Bounds, ClaimedJob
from reelq.worker.runtime.claim_cursors import ClaimCursors
from reelq.worker.runtime.in_flight import NOTHING
from reelq.worker.runtime.look_ahead import Claim, LookAhead
from reelq.worker.runtime.settler import Settler

FULL_LOOK_S = 1.0  # claims with lower bounds miss what lies below them no longer than this
CHORES_S = 5.0  # a worker whose slots are all busy still takes back expired leases for the others
LONGEST_POLL_S = 20.0  # an idle worker looks so often, whatever the settings say: health takes one that does not for dead
FULL_FOR_S = 1.0  # so long without a free slot, and nobody needs to notify us
RECHECK_S = 0.0275  # after a notification claim once more: the queue sends the next one 20 ms later at the earliest


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
        self._look_ahead = LookAhead(settler, slots)
        self._poll_s = min(poll_s, LONGEST_POLL_S)
        self._polls = polls
        self._cursors = ClaimCursors()
        self._notified = True  # somebody said that there is work
        self._full_at = float("-inf")  # latest full look
        self._asleep = False  # the queue notifies us
        self._busy_since: float | None = None  # no slot has been free since
        self._poll_at = 0.0  # next claim without a notification
        self._recheck_at = float("inf")  # one more claim after a notification
        self.found_nothing = False  # the latest claim brought nothing, and none is under way
        self.may_be_more = True  # the latest claim got all that it asked for

    @property
    def look_at(self) -> float:
        """When to claim next without a notification."""
        return min(self._poll_at, self._recheck_at)

    def work_ready(self) -> None:
        """There may be work."""
        self._notified = True

    def connected(self) -> None:
        """The connection is a new one: what the server knew of our sleep may be gone."""
        self._asleep = False

    def poll_every(self, poll_s: float) -> None:
        """How often to look without a notification, from now on."""
        self._poll_s = min(poll_s, LONGEST_POLL_S)
        self.look_now()

    def look_now(self) -> None:
        """Claim, or do the queue's chores, without waiting for the next poll."""
        self._poll_at = 0.0

    def postpone(self, seconds: float) -> None:
        """The database does not answer: do not claim before that."""
        self._poll_at = time.monotonic() + seconds
        self._recheck_at = float("inf")

    @property
    def is_pending(self) -> bool:
        """A claim is under way: until its answer is received nothing else may be asked of the queue. Small jobs only."""
        return self._look_ahead.is_pending

    def is_answered(self) -> bool:
        """Whether the answer to the claim that is under way is here."""
        return self._look_ahead.is_answered()

    def exchange(self, free: Callable[[], int], *, settle: bool) -> bool:
        """Settle and claim, if it is time to settle or there is a reason to look. Returns whether it did.

        Raises:
            DatabaseAway, QueueError, psycopg.Error: call again after `postpone`.
        """
        now = time.monotonic()
        notified, self._notified = self._notified, False
        polls, rechecks = now >= self._poll_at, now >= self._recheck_at
        if notified:
            self._recheck_at = now + RECHECK_S
        elif rechecks:
            self._recheck_at = float("inf")
        if self._look_ahead.is_pending:
            claim, filled = self._receive(free)
            limit, full = claim.limit, claim.full
        elif settle or notified or polls or rechecks:
            limit = self._look_ahead.limit(free())
            if limit == 0 and not settle and not polls:
                return False  # notified of work while all slots are busy
            full = polls or rechecks or now - self._full_at >= FULL_LOOK_S
            filled = self._claim(limit, full, free)
        else:
            return False
        found = filled > 0
        # Something is free, and there may be work that this claim did not see.
        unsure = not self._asleep or (notified and not found and not full)
        if filled <= limit - 1 and not self._polls and unsure and not self._look_ahead.is_pending:
            if not self._asleep:
                self._session.call(queue.set_worker_listening, self._worker_id)
                self._asleep = True
            limit = free()
            filled = self._claim(limit, True, free)
            found = found or filled > 0
        self.found_nothing = limit > 0 and not found and not self._look_ahead.is_pending
        self.may_be_more = filled > limit - 1
        self._schedule(is_full=self.may_be_more)
        return True

    def finish(self) -> None:
        """Receive the answer to the claim that is under way, if there is one, and send no other."""
        if self._look_ahead.is_pending:
            self._receive(None)

    def settle(self) -> None:
        """Settle only, and run the queue's due maintenance now and then: the worker stops, or its disk is full."""
        self._settler.settle()
        self._notified = False
        self.postpone(CHORES_S)

    def _claim(self, limit: int, full: bool, free: Callable[[], int]) -> Fraction:
        """One round trip. Returns how many slots are filled by what was claimed."""
        claim = Claim(limit, full, time.monotonic())
        jobs = self._settler.exchange(limit, self._bounds(full))
        try:
            self._send_ahead(claim, len(jobs), free)
        finally:
            filled = self._start_jobs(claim, jobs)
        return filled

    def _receive(self, free: Callable[[], int] | None) -> tuple[Claim, Fraction]:
        """As `_claim`, for the claim that is under way; without `free` no other is sent."""
        claim, answer = self._look_ahead.receive()
        try:
            if free is not None:
                self._send_ahead(claim, answer.count, free)
        finally:
            filled = self._start_jobs(claim, self._settler.close(answer.settled, answer.read()))
        return claim, filled

    def _send_ahead(self, claim: Claim, count: int, free: Callable[[], int]) -> None:
        """An answer is here: if it brings many jobs, send the next claim before they are started.

        Its bounds are those of the claim before, so it steps over the places of these jobs in passing.
        """
        limit = self._look_ahead.limit(free() - claim.limit) if self._look_ahead.note(count) else 0
        if limit < 1:
            return
        if self._asleep:
            self._session.call(queue.set_worker_busy, self._worker_id)
            self._asleep = False
        now = time.monotonic()
        full = now - self._full_at >= FULL_LOOK_S
        self._look_ahead.send(Claim(limit, full, now), self._bounds(full))

    def _bounds(self, full: bool) -> Bounds | None:
        """Where a claim begins to look in each lane."""
        return queue.FULL_LOOK if full else self._cursors.bounds()

    def _start_jobs(self, claim: Claim, jobs: list[ClaimedJob]) -> Fraction:
        """Start what a claim brought. Returns how many slots that fills."""
        if claim.full:
            self._full_at = claim.sent_at
        if not jobs:
            return NOTHING
        self._start(jobs, claim.sent_at)
        self._cursors.took(jobs, claim.full)
        sizes: dict[tuple[int, int], int] = {}
        for job in jobs:
            size = (job.weight, job.batch)
            sizes[size] = sizes.get(size, 0) + 1
        return sum((Fraction(weight * count, batch) for (weight, batch), count in sizes.items()), NOTHING)

    def _schedule(self, *, is_full: bool) -> None:
        """Set when to claim next, and whether the queue should still notify us."""
        now = time.monotonic()
        # Jittered: workers that were started together must not look together.
        self._poll_at = now + (CHORES_S if is_full else self._poll_s) * random.uniform(0.75, 1.0)
        if not is_full or not self._asleep:
            self._busy_since = None
        elif self._busy_since is None:
            self._busy_since = now
        elif now - self._busy_since > FULL_FOR_S and not self._look_ahead.is_pending:
            self._session.call(queue.set_worker_busy, self._worker_id)
            self._asleep = False
