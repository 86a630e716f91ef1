"""The thread of the heartbeat: extends leases, reports progress, learns of cancels, feeds systemd's watchdog.

It has a connection of its own, so that neither a busy handler nor a slow claim delays it.
"""

from __future__ import annotations

import enum
import queue as queues
import threading
import time
from collections.abc import Callable

import psycopg
import structlog

from reelq.worker import db
from reelq.worker.errors import DatabaseAway, QueueError
from reelq.worker.rooms import queue
from reelq.worker.runtime.attempt import Attempt
from reelq.worker.systemd import Notifier

log = structlog.get_logger()

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
        worker_id: str,
        held: Callable[[], list[Attempt]],
        *,
        every_s: float,
        idle_s: float,
        notifier: Notifier,
        on_drain: Callable[[], None],
    ) -> None:
        super().__init__(name="heartbeat", daemon=True)
        self._session = session
        self._worker_id = worker_id
        self._held = held
        self._every_s = every_s
        self._idle_s = idle_s
        self._notifier = notifier
        self._on_drain = on_drain
        self._requests: queues.SimpleQueue[Request] = queues.SimpleQueue()
        self._next_at = 0.0
        self._failures = 0

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
            self._notifier.feed()
            now = time.monotonic()
            if request is Request.RESCHEDULE:
                self._next_at = min(self._next_at, now + self._interval())
            if request is Request.BEAT or now >= self._next_at:
                self._beat()
            wait_s = min(self._next_at - time.monotonic(), fed_s)
            try:
                request = self._requests.get(timeout=max(wait_s, 0.001))
            except queues.Empty:
                request = None
        self._session.close()

    def _pace(self, lease_s: float) -> float:
        """Seconds between beats that a lease of this length needs, so that three may be lost."""
        return min(self._every_s, lease_s / 4)

    def _interval(self) -> float:
        """Seconds to the next beat."""
        pace = min((self._pace(one.deadlines.lease_s) for one in self._held()), default=self._idle_s)
        return min(pace, db.backoff(self._failures)) if self._failures else pace

    def _beat(self) -> None:
        """One heartbeat. Whatever goes wrong, the next one is tried: deadlines end attempts before their leases do."""
        attempts = [one for one in self._held() if one.deadlines.reason != "lease_lost"]
        sent_at = time.monotonic()
        try:
            verdicts = self._session.call(
                queue.heartbeat, self._worker_id, [(one.job.job_id, one.job.token, one.deadlines.progress) for one in attempts]
            )
        except (DatabaseAway, QueueError, psycopg.Error) as error:
            self._failures += 1
            if self._failures == 1:
                log.warning("heartbeat.failed", error=str(error), jobs=len(attempts))
        else:
            if self._failures:
                log.info("heartbeat.recovered", failures=self._failures)
            self._failures = 0
            told = {one.job_id: one.verdict for one in verdicts}
            for one in attempts:
                verdict = told.get(one.job.job_id)
                if verdict == "lost":
                    one.deadlines.set("lease_lost")
                    continue
                one.deadlines.renew(sent_at)
                if verdict == "cancel":
                    one.deadlines.set("cancelled")
            if None in told:
                self._on_drain()
        now = time.monotonic()
        self._next_at = now + self._interval()
        # Again, now that beat_by can see it: a job that came in between counts.
        self._next_at = min(self._next_at, now + self._interval())
