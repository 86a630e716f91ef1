"""The thread of the heartbeat: extends leases, reports progress, learns of cancels, feeds systemd's watchdog.

It has a connection of its own, so that neither a busy handler nor a slow claim delays it; while it cannot get one, the main thread
sends its beats (relay.py). But a heart that beats is no
proof of life by itself: it beats, and feeds the watchdog, only while the loop that claims and settles goes round. And what
has ended is held for UNSETTLED_S of good heartbeats: what cannot be settled by then goes to another worker, unless all that is
in its way is a lock.
"""

from __future__ import annotations

import enum
import queue as queues
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

import psycopg
import structlog

from reelq.worker import db
from reelq.worker.errors import DatabaseAway, QueueError, WorkerUnknown
from reelq.worker.jobs import plain
from reelq.worker.rooms import queue
from reelq.worker.rooms.queue.jobs import Verdict
from reelq.worker.runtime.attempt import Attempt
from reelq.worker.runtime.contact import Contact, Trouble
from reelq.worker.runtime.deadlines import NO_PROGRESS
from reelq.worker.runtime.relay import Relay
from reelq.worker.systemd import Notifier

T = TypeVar("T")

log = structlog.get_logger()

ANSWER_S = 10.0  # a heartbeat waits for no lock: one that takes longer gets no answer
UNSETTLED_S = 60.0  # so long an ended job is held, counted while the queue answers
RELAYED_S = 30.0  # so often it tries its own connection while the main thread sends the beats
ERROR_CHARS = 500  # of an error in the log: it may quote what was reported
IDLE_S = 10.0  # between beats of a worker without jobs; after a minute without one the queue marks it lost


class Request(enum.Enum):
    """What other threads ask of the heartbeat."""

    BEAT = enum.auto()  # at once
    RESCHEDULE = enum.auto()  # a job with a shorter lease came: compute the next beat again
    STOP = enum.auto()


class Heartbeat(threading.Thread):
    """Beats every `every_s` seconds while there are jobs, and at once when told to."""

    def __init__(
        self,
        session: db.Session,
        relay: Relay,
        worker_id: str,
        held: Callable[[], list[Attempt]],
        *,
        every_s: float,
        idle_s: float,
        notifier: Notifier,
        contact: Contact,
        on_drain: Callable[[bool], None],
        on_failure: Callable[[], None],
        on_answer: Callable[[], None],
        on_stuck: Callable[[], None],
    ) -> None:
        super().__init__(name="heartbeat", daemon=True)
        self._session = session
        self._relay = relay
        self._worker_id = worker_id
        self._held = held
        self._every_s = every_s
        self._idle_s = idle_s
        self._notifier = notifier
        self._contact = contact
        self._on_drain = on_drain  # the queue asks this worker to drain, or does not any more
        self._asked_to_drain = False
        self._on_failure = on_failure
        self._on_answer = on_answer  # the first beat, or the first after some that failed, is answered
        self._on_stuck = on_stuck
        self._requests: queues.SimpleQueue[Request] = queues.SimpleQueue()
        self._next_at = 0.0
        self._trouble = Trouble()
        self._own = Trouble()  # with our own connection, while the main thread sends the beats
        self._own_at = 0.0  # monotonic: then it is tried again
        self._refused = Trouble()  # heartbeats that were taken only without progress
        self._good_since = time.monotonic()  # heartbeats have been answered since

    def beat_now(self) -> None:
        """Somebody waits for us: a cancel or a drain."""
        self._requests.put(Request.BEAT)

    def beat_by(self, lease_s: float) -> None:
        """A job with this lease was claimed: the next beat must not be later than it needs."""
        if self._next_at > time.monotonic() + self._pace(lease_s):
            self._requests.put(Request.RESCHEDULE)

    def stop(self) -> None:
        """End the thread."""
        self._requests.put(Request.STOP)

    def run(self) -> None:
        """Wait, feed the watchdog, beat."""
        request: Request | None = Request.BEAT
        fed_s = self._notifier.watchdog_s / 3 if self._notifier.watchdog_s else float("inf")
        while request is not Request.STOP:
            now = time.monotonic()
            if self._contact.is_stuck:
                self._stuck(now)
                request = self._wait(min(IDLE_S, fed_s))
                continue
            self._notifier.feed()
            if request is Request.RESCHEDULE:
                self._next_at = min(self._next_at, now + self._interval())
            if request is Request.BEAT or now >= self._next_at:
                self._beat()
            request = self._wait(min(self._next_at - time.monotonic(), fed_s))
        self._session.close()

    def _wait(self, wait_s: float) -> Request | None:
        """The next request; None when the time is over."""
        try:
            return self._requests.get(timeout=max(wait_s, 0.001))
        except queues.Empty:
            return None

    def _stuck(self, now: float) -> None:
        """The loop does not turn: nothing is extended, systemd's watchdog is not fed, and the process is to end."""
        if self._trouble.failed("stuck"):
            log.error("worker.stuck", turned_s=round(now - self._contact.turned_at, 1), jobs=len(self._held()))
        self._on_stuck()

    def _is_held(self, attempt: Attempt, now: float) -> bool:
        """Whether its lease is to be extended: it is not lost, and it runs, or has not waited for too long to be settled.

        Not counted is the wait for a lock: another worker could not settle it either, and would do the work again.
        """
        if attempt.deadlines.reason == "lease_lost":
            return False
        since = attempt.deadlines.over_since
        return since is None or attempt.is_locked or now < max(since, self._good_since) + UNSETTLED_S

    def _pace(self, lease_s: float) -> float:
        """Seconds between beats that a lease of this length needs, so that three may be lost."""
        return min(self._every_s, lease_s / 4)

    def _interval(self) -> float:
        """Seconds to the next beat."""
        pace = min((self._pace(one.deadlines.lease_s) for one in self._held()), default=self._idle_s)
        return min(pace, db.backoff(self._trouble.tries)) if self._trouble else pace

    def _call(self, function: Callable[..., T], *args: Any) -> T:
        """Call `function(connection, …)` over our own connection; while that cannot be had, over the main thread's."""
        ours: DatabaseAway | None = None
        if not self._own or time.monotonic() >= self._own_at:
            try:
                answer = self._session.call(function, *args)
            except DatabaseAway as error:
                ours = error
            else:
                if self._own:
                    log.info("heartbeat.unrelayed", failures=self._own.over())
                return answer
        try:
            answer = self._relay.call(self._session.answer_s, function, *args)
        except DatabaseAway as error:
            self._own_at = 0.0
            raise ours or error from None
        if ours is not None:
            self._own_at = time.monotonic() + RELAYED_S
            if self._own.failed(ours):
                log.warning("heartbeat.relayed", error=str(ours), jobs=len(self._held()))
        return answer

    def _ask(self, attempts: list[Attempt]) -> list[Verdict]:
        """Extend the leases of all. What one reports must not cost the others theirs: refused with progress, try without."""
        try:
            return self._call(
                queue.heartbeat, self._worker_id, [(one.job.job_id, one.job.token, one.deadlines.progress) for one in attempts]
            )
        except (DatabaseAway, WorkerUnknown):
            raise
        except Exception as error:  # noqa: BLE001 - psycopg's, or of the JSON encoder, which meets whatever was reported
            if self._refused.failed(error):
                log.warning("progress.refused", error=plain.line(error, ERROR_CHARS), jobs=len(attempts))
            return self._call(
                queue.heartbeat, self._worker_id, [(one.job.job_id, one.job.token, NO_PROGRESS) for one in attempts]
            )

    def _beat(self) -> None:
        """One heartbeat. Whatever goes wrong, the next one is tried: deadlines end attempts before their leases do."""
        sent_at = time.monotonic()
        attempts = [one for one in self._held() if self._is_held(one, sent_at)]
        shortest = min((one.deadlines.lease_s for one in attempts), default=float("inf"))
        self._session.answer_s = min(ANSWER_S, shortest / 4)
        try:
            verdicts = self._ask(attempts)
        except (DatabaseAway, QueueError, psycopg.Error) as error:
            if self._trouble.failed(error):
                log.warning("heartbeat.failed", error=str(error), jobs=len(attempts))
            self._contact.missed(plain.line(error, ERROR_CHARS))
            self._on_failure()
        else:
            is_first = self._contact.beat_at == float("-inf")
            self._contact.beat()
            if self._trouble:
                log.info("heartbeat.recovered", failures=self._trouble.over())
                self._good_since = time.monotonic()
                is_first = True
            if is_first:
                self._on_answer()
            told = {one.job_id: one.verdict for one in verdicts}
            for one in attempts:
                verdict = told.get(one.job.job_id)
                if verdict == "lost":
                    one.deadlines.set("lease_lost")
                    continue
                one.deadlines.renew(sent_at)
                if verdict == "cancel":
                    one.deadlines.set("cancelled")
            if (None in told) != self._asked_to_drain:
                self._asked_to_drain = None in told
                self._on_drain(self._asked_to_drain)
        now = time.monotonic()
        self._next_at = now + self._interval()
        # Again, now that beat_by can see it: a job that came in between counts.
        self._next_at = min(self._next_at, now + self._interval())
