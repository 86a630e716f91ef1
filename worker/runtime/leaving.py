"""How a worker leaves: it drains, is hurried, and says goodbye.

    drain        takes nothing new; running jobs may finish within the grace
    undrain      takes work again: who asked for the drain has taken that back
    stop_jobs    ends running jobs at once: the second signal, or the end of the grace
    deregister   the last calls to the queue
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import psycopg
import structlog

from reelq.worker import db
from reelq.worker.errors import ReelqError
from reelq.worker.rooms import queue
from reelq.worker.runtime.batching import Batching
from reelq.worker.runtime.claimer import Claimer
from reelq.worker.runtime.dispatch_queue import DispatchQueue
from reelq.worker.runtime.in_flight import InFlight
from reelq.worker.runtime.outcome import AttemptOutcome
from reelq.worker.runtime.settler import Settler
from reelq.worker.systemd import Notifier

log = structlog.get_logger()

STOP_GRACE_S = 10.0  # what handlers get to end after they were told to stop
DEREGISTER_S = 5.0  # how long we try to tell the database that we stop


class Leaving:
    """Called by the main thread alone."""

    def __init__(
        self,
        session: db.Session,
        worker_id: str,
        notifier: Notifier,
        in_flight: InFlight,
        dispatch_queue: DispatchQueue,
        settler: Settler,
        claimer: Claimer,
        batching: Batching,
        *,
        collect: Callable[[], None],
        grace_s: float,
    ) -> None:
        self._session = session
        self._worker_id = worker_id
        self._notifier = notifier
        self._in_flight = in_flight
        self._dispatch_queue = dispatch_queue
        self._settler = settler
        self._claimer = claimer
        self._batching = batching
        self._collect = collect  # what has ended since waits to be settled
        self.grace_s = grace_s  # an operator may change it
        self.stopping = threading.Event()  # running jobs are ended now
        self.drain_until: float | None = None  # draining; then running jobs are stopped
        self.why = ""  # signal, asked (by the queue), idle or unfit (both with --until-idle)
        self.stop_until: float | None = None  # running jobs were told to stop; what has not ended by then is released

    def __bool__(self) -> bool:
        return self.drain_until is not None

    @property
    def is_over(self) -> bool:
        """Draining and no job left, or the time for stopping them is over."""
        if self.stop_until is not None and time.monotonic() >= self.stop_until:
            return True
        return self.drain_until is not None and not self._in_flight

    @property
    def until(self) -> float:
        """When there is something to do here; infinity while it does not leave."""
        return self.stop_until or self.drain_until or float("inf")

    def hurry(self) -> None:
        """Stop running jobs when their grace is over."""
        if self.drain_until is not None and self.stop_until is None and time.monotonic() >= self.drain_until:
            self.stop_jobs()

    def signalled(self, *, is_away: bool) -> None:
        """A signal: the first drains, whatever asked for a drain before; the second stops running jobs."""
        if self.why != "signal":
            self.drain("signal", is_away=is_away)
        elif self.stop_until is None:
            self.stop_jobs()

    def drain(self, why: str, *, is_away: bool = False) -> None:
        """Take nothing new and release what no slot has begun. A signal after another reason begins the grace anew."""
        self.drain_until = time.monotonic() + self.grace_s
        self.why = why
        if why != "asked":  # that may be taken back, which systemd could not be told
            self._notifier.stopping()
        self._finish_claim()
        self._release_unstarted()
        log.info("worker.draining", why=why, jobs=len(self._in_flight), grace_s=self.grace_s)
        if why == "signal" and self._in_flight and not is_away:
            self._try_call(queue.drain_worker)  # for people who look at the list of workers

    def undrain(self) -> None:
        """The queue does not ask for a drain any more."""
        if self.why == "asked" and self.stop_until is None:
            self.drain_until, self.why = None, ""
            self._claimer.look_now()
            log.info("worker.undrained", jobs=len(self._in_flight))
        elif self.drain_until is not None:
            self._try_call(queue.drain_worker)  # it leaves all the same, and its row has to say so

    def stop_jobs(self) -> None:
        """End running jobs; they go back to the queue and are charged nothing."""
        self.stop_until = time.monotonic() + STOP_GRACE_S
        log.warning("worker.stopping", jobs=len(self._in_flight))
        self.stopping.set()
        for attempt in self._in_flight.attempts():
            attempt.deadlines.set("shutdown")

    def deregister(self) -> None:
        """Release what has not ended in time, and tell the queue that we stop. Without a database the leases expire."""
        self._notifier.stopping()
        self._session.answer_s = DEREGISTER_S
        self._finish_claim()
        self._release_unstarted()
        waiting = {*self._settler.waiting, *self._settler.locked}
        for attempt in self._in_flight.attempts():
            if attempt not in waiting:
                attempt.outcome = attempt.outcome or AttemptOutcome("released", message="shutdown")
                self._settler.add(attempt)
        deadline = time.monotonic() + DEREGISTER_S
        turn = 0
        while not (self._try_settle() and self._try_call(queue.deregister_worker)) and time.monotonic() < deadline:
            time.sleep(db.backoff(turn))
            turn += 1
        if self._settler.locked:  # their sessions outlast the grace: the leases run out
            log.warning("deregister.failed", error="other sessions hold jobs that have ended", jobs=len(self._settler.locked))
            self._try_call(queue.deregister_worker)

    def _finish_claim(self) -> None:
        """Receive the answer to a claim that is under way. What it was to settle waits again if that fails."""
        try:
            self._claimer.finish()
        except (ReelqError, psycopg.Error) as error:
            log.warning("claim.failed", error=str(error))

    def _release_unstarted(self) -> None:
        """Jobs that no slot has begun go back to the queue; they are charged nothing."""
        for attempt in self._dispatch_queue.take_back():
            attempt.deadlines.finish()
            attempt.outcome = AttemptOutcome("released", message="shutdown")
            self._dispatch_queue.done(attempt)
        self._collect()
        self._batching.settle_at_once()

    def _try_settle(self) -> bool:
        """Settle what waits; whether nothing is left. A failure is logged, not raised."""

        def settle() -> None:
            self._settler.settle()
            self._settler.retry_locked(at_once=True)

        return self._try(settle) and not self._settler.locked

    def _try_call(self, function: Callable[..., Any]) -> bool:
        """Call a function of the queue about ourselves; whether it was done."""
        return self._try(lambda: self._session.call(function, self._worker_id))

    def _try(self, act: Callable[[], object]) -> bool:
        try:
            act()
        except (ReelqError, psycopg.Error) as error:
            log.warning("deregister.failed", error=str(error), jobs=len(self._in_flight))
            return False
        return True
