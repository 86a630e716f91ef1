"""Claims that are sent ahead of time, for many small jobs.

To turn an answer of some hundred small jobs into attempts takes this worker longer than the next claim takes the
database. So the next claim is sent as soon as an answer is here and before its jobs are started: then both work side
by side. It settles what has ended, as every claim does. Until its answer is received nothing else may be asked of the
queue, because one connection answers one question at a time.

Jobs that fill a slot come in small numbers: for them `is_pending` is always False.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from reelq.worker.db.async_query import AsyncQuery
from reelq.worker.rooms import queue
from reelq.worker.rooms.queue.jobs import Bounds, ClaimedJob
from reelq.worker.runtime.attempt import Attempt
from reelq.worker.runtime.settler import Settler

MANY = 64  # jobs in one answer: so many that to start them takes longer than to ask


@dataclass(frozen=True, slots=True)
class Claim:
    """What was asked for."""

    limit: int  # slots
    full: bool  # without lower bounds
    sent_at: float  # monotonic


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer whose rows are not read yet."""

    count: int  # rows
    settled: list[Attempt]  # what it settled
    read: Callable[[], list[ClaimedJob]]


class LookAhead:
    """At most one claim that was sent and not answered."""

    def __init__(self, settler: Settler, slots: int) -> None:
        self._settler = settler
        self._half = max(1, slots // 2)
        self._many = False  # the latest answer brought many jobs
        self._claim: Claim | None = None
        self._query: AsyncQuery[ClaimedJob] | None = None
        self._settling: list[Attempt] = []  # what was sent with it

    @property
    def is_pending(self) -> bool:
        """Whether a claim was sent whose answer is not received."""
        return self._claim is not None

    def is_answered(self) -> bool:
        """Whether `receive` would not wait."""
        return self._query is None or self._query.is_answered()

    def note(self, count: int) -> bool:
        """An answer brought so many jobs. Returns whether these are many, so that the next claim should be sent ahead."""
        self._many = count >= MANY
        return self._many

    def limit(self, free: int) -> int:
        """How many of the free slots to claim for; of many small jobs half of all slots, so that two claims take turns."""
        return min(free, self._half) if self._many else free

    def send(self, claim: Claim, bounds: Bounds | None) -> bool:
        """Settle and claim as `Settler.exchange` does, but leave the answer for `receive`.

        Returns whether it was sent; there may be something that only `exchange` can settle.

        Raises:
            DatabaseAway: what was not settled still waits.
        """
        if not self._settler.fits_one_call():
            return False
        self._settling, items = self._settler.take_waiting()
        arguments = (self._settler.worker_id, claim.limit, items, bounds)
        self._query = self._settler.call(self._settling, None, queue.ask_settle_and_claim, *arguments)
        if self._query is None:
            return False
        self._claim = claim
        return True

    def receive(self) -> tuple[Claim, Answer]:
        """Wait for the answer. Its jobs are read by `Settler.close`.

        Raises:
            DatabaseAway: as `send`.
        """
        claim, self._claim = self._claim, None
        query, self._query = self._query, None
        settling, self._settling = self._settling, []
        assert claim is not None
        assert query is not None
        result = self._settler.call(settling, None, lambda _: query.wait())
        if result is None:  # refused, and settled one by one
            return claim, Answer(0, [], list)
        return claim, Answer(result.ntuples, settling, lambda: query.rows(result))
