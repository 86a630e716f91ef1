"""What this worker has claimed and not settled, and how many of its slots that takes.

A job takes weight / batch of a slot: 1 where it is work for seconds, 1/200 where the queue hands out 200 at once.
Kept as counts by (weight, batch) and added up as fractions, so that nothing drifts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from fractions import Fraction
from math import ceil
from operator import itemgetter
from uuid import UUID

from reelq.worker.rooms.queue.jobs import ClaimedJob
from reelq.worker.runtime.attempt import Attempt
from reelq.worker.runtime.contact import Contact
from reelq.worker.runtime.deadlines import Deadlines

NOTHING, HALF = Fraction(0), Fraction(1, 2)
URGENCY = itemgetter(*map(ClaimedJob._fields.index, ("priority", "fair_key", "seq")))


class InFlight:
    """Written by the main thread alone; heartbeat and watchdog read `attempts`."""

    def __init__(self, slots: int, contact: Contact) -> None:
        self._slots = slots
        self._contact = contact
        self.held: dict[tuple[UUID, int], Attempt] = {}  # by job and token
        self._newest: dict[UUID, Attempt] = {}
        self._load: Counter[tuple[int, int]] = Counter()  # by weight and batch; what has ended takes no slot

    def __len__(self) -> int:
        return len(self.held)

    def attempts(self) -> list[Attempt]:
        """All of them; may be called from any thread."""
        return list(self.held.values())

    def take(self, jobs: Iterable[ClaimedJob], sent_at: float) -> list[Attempt]:
        """Jobs that a claim sent at `sent_at` brought; the most urgent first."""
        taken = []
        for job in sorted(jobs, key=URGENCY):
            attempt = Attempt(job, Deadlines(job, sent_at, self._contact))
            older = self._newest.get(job.job_id)
            if older is not None:
                older.deadlines.set("lease_lost")  # the queue took it back, and gave it to us again
            self._newest[job.job_id] = attempt
            self.held[job.job_id, job.token] = attempt
            self._load[job.weight, job.batch] += 1
            taken.append(attempt)
        return taken

    def ended(self, attempt: Attempt) -> None:
        """Its slot is free; it is held until it is settled."""
        self._load[attempt.job.weight, attempt.job.batch] -= 1

    def forget(self, attempts: Iterable[Attempt]) -> None:
        """They are settled."""
        for attempt in attempts:
            job_id = attempt.job.job_id
            self.held.pop((job_id, attempt.job.token), None)
            if self._newest.get(job_id) is attempt:
                del self._newest[job_id]

    def free(self) -> int:
        """Whole slots that a claim may fill.

        Where only one slot is left for small jobs, it counts as free already when half of its jobs are done: else
        it would idle during each claim. So there are never more in flight than a slot and a half could take.
        """
        if not self.held:
            return self._slots
        large, small = self._taken()
        room = self._slots - large
        if 1 <= room < 2 and 0 < small <= HALF:
            return 1
        return max(0, int(room - small))

    def busy(self) -> int:
        """Slots that are taken, at least in part."""
        return min(self._slots, ceil(sum(self._taken())))

    def _taken(self) -> tuple[Fraction, Fraction]:
        """Slots that are taken by jobs that fill one, and by small ones."""
        large, small = NOTHING, NOTHING
        for (weight, batch), count in self._load.items():
            if count and weight >= batch:
                large += Fraction(weight * count, batch)
            elif count:
                small += Fraction(weight * count, batch)
        return large, small
