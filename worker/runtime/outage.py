"""While the queue does not answer the main thread: it tries again later, what runs goes on, and a worker that gets nowhere leaves.

A worker that is alive and does not work is worse than none. So it gives up when the queue answers its heartbeat and not the main
thread for GIVE_UP_S, or the main thread and not its heartbeat, and nothing runs any more.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import structlog

from reelq.worker import db
from reelq.worker.errors import DatabaseAway, DatabaseLocked, WorkerUnknown
from reelq.worker.runtime.claimer import Claimer
from reelq.worker.runtime.contact import Contact, Trouble
from reelq.worker.runtime.in_flight import InFlight
from reelq.worker.runtime.settler import Settler

log = structlog.get_logger()

GIVE_UP_S = 60.0  # a worker that has not settled and claimed for so long, though the queue answers its heartbeats, ends; or the other way


class Outage:
    """True while the latest exchange with the queue failed. Called by the main thread alone."""

    def __init__(self, contact: Contact, in_flight: InFlight, settler: Settler, claimer: Claimer) -> None:
        self._contact = contact
        self._in_flight = in_flight
        self._settler = settler
        self._claimer = claimer
        self.trouble = Trouble()  # since the queue last settled and claimed for us
        self.is_unknown = False  # the queue does not know us any more
        self.gave_up = False

    def __bool__(self) -> bool:
        return bool(self.trouble)

    def failed(self, error: Exception) -> None:
        """The queue was not reached, or refused: say so once for each reason, and try again later."""
        self._contact.failed()
        self.is_unknown = self.is_unknown or isinstance(error, WorkerUnknown)  # signed off by somebody, or another database
        if self.trouble.failed(error):
            if isinstance(error, DatabaseAway):
                log.warning("database.lost", error=str(error), jobs=len(self._in_flight))
            else:
                log.error("claim.failed", error=str(error), exc_info=not self.is_unknown)
        self._claimer.postpone(db.backoff(self.trouble.tries - 1))
        is_locked = isinstance(error, DatabaseLocked)
        for attempt in self._settler.waiting:
            attempt.is_locked = is_locked  # as of a table that is altered: its lease is kept until it can be settled
        # The queue is there, as the heartbeat knows, and not for us. Whatever runs may end first. A lock would hold up another process just so.
        is_there = self._contact.beat_at > self.trouble.since
        if is_there and not is_locked:
            self._give_up(error, time.monotonic() - self.trouble.since)

    def answered(self, beat_now: Callable[[], None]) -> None:
        """The queue has settled and claimed, as far as there was something to do."""
        self._contact.answered()
        if self.trouble:
            log.info("database.found", tries=self.trouble.over())
            beat_now()  # leases may be about to run out
        self._give_up(self._contact.error, self._contact.unheard_s)

    def _give_up(self, error: object, failing_s: float) -> None:
        """End after long: another process may be luckier, and a worker that cannot do both, beat and work, is worse than none."""
        if failing_s > GIVE_UP_S and not self._in_flight.busy():
            log.error("worker.gave_up", error=str(error), failing_s=round(failing_s, 1), jobs=len(self._in_flight))
            self.gave_up = True
