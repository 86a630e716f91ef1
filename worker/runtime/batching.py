"""When ended jobs are settled, and how long the main thread may sleep.

A job that fills a slot is settled at once, because its slot is free. Small jobs (`batch` of their type is above 1) end by
the thousand, and a transaction for each would cost more than the job. So the first one that ends waits SETTLE_S for
others. The wait is cut short when the slots are about to run out of work, since settling also claims.
"""

from __future__ import annotations

import time

from reelq.worker.runtime.attempt import Attempt
from reelq.worker.runtime.claimer import Claimer
from reelq.worker.runtime.dispatch_queue import DispatchQueue
from reelq.worker.runtime.settler import Settler

SETTLE_S = 0.02  # so long an ended small job may wait to be settled with others


class Batching:
    """Between the slots and the settler. Called by the main thread alone."""

    def __init__(self, dispatch_queue: DispatchQueue, settler: Settler, claimer: Claimer) -> None:
        self._dispatch_queue = dispatch_queue
        self._settler = settler
        self._claimer = claimer
        self._at_once = False  # do not wait for others
        self._settle_at = 0.0  # else settle by then

    def collect(self) -> list[Attempt]:
        """Hand over to the settler what has ended since the last call, and return it."""
        ended = self._dispatch_queue.collect()
        if ended and not self._settler.waiting:
            self._at_once = False
            self._settle_at = time.monotonic() + SETTLE_S
        for attempt in ended:
            self._settler.add(attempt)
            self._at_once = self._at_once or attempt.fills_a_slot
        return ended

    def settle_at_once(self) -> None:
        """What waits to be settled shall not wait for others."""
        self._at_once = True

    def is_time_to_settle(self) -> bool:
        """Whether something waits to be settled, and has waited for long enough."""
        return bool(self._settler.waiting) and self._is_due()

    def _is_due(self) -> bool:
        return self._at_once or self._dispatch_queue.is_urgent() or time.monotonic() >= self._settle_at

    def claimed(self) -> None:
        """A claim is over: set how few jobs may be left before the next one."""
        self._dispatch_queue.claimed(more=self._claimer.may_be_more)

    def awaits_claim(self) -> bool:
        """Whether a claim is under way, not answered yet, and the slots still have work: nothing to do until then."""
        return self._claimer.is_pending and not (self._dispatch_queue.is_urgent() or self._claimer.is_answered())

    def wait_s(self, until: float, *, is_away: bool) -> float:
        """Seconds that the main thread may sleep: until that time, or until there is something to settle.

        `is_away`: the database does not answer, so that nothing can be settled. Jobs that end meanwhile wake the main
        thread by a message.
        """
        if self._claimer.is_pending:
            urgent = self._dispatch_queue.is_urgent() or not self._dispatch_queue.arm(by_first=False)
            return 0.0 if urgent else SETTLE_S
        if not is_away:
            waiting = bool(self._settler.waiting)
            if not self._dispatch_queue.arm(by_first=not waiting):
                return 0.0
            if waiting:
                until = 0.0 if self._is_due() else min(until, self._settle_at)
        return max(0.0, until - time.monotonic())
