"""A worker: claims, runs, settles, until it is told to leave.

    main thread    one message at a time: settle what ended, claim for the slots that are free
                                                                  running/claimer.py, ledger.py
    slot threads   one handler each                               running/slots.py, attempt.py
    heart          leases, progress, cancel, drain, watchdog      running/heart.py
    watch          time limits and lost leases, without database  running/watch.py
    listener       NOTIFY: work came, beat now                    running/listener.py

Only the main thread claims and settles; the others put messages into its mailbox. While Postgres is
away the handlers go on, what they finish is kept, and the main thread tries again with jitter.
"""

from __future__ import annotations

import os
import queue as queues
import secrets
import threading
import time
from functools import cache
from importlib import metadata
from typing import Any
from uuid import UUID

import psycopg
import structlog

from worker import db, queue, schema
from worker.errors import FAILED, DatabaseAway, QueueError, ReelqError, WorkerUnknown
from worker.queue import ClaimedJob
from worker.registry import Registry
from worker.running import neighbours
from worker.running.attempt import Attempt, Means
from worker.running.claimer import Claimer
from worker.running.heart import IDLE_S, Heart
from worker.running.idle import nothing_left
from worker.running.leash import Leash
from worker.running.ledger import Ledger
from worker.running.listener import Listener
from worker.running.outcome import Outcome
from worker.running.slots import Slots
from worker.running.watch import Watch
from worker.scratch import Scratch
from worker.settings import Settings
from worker.store import open_store
from worker.systemd import Notifier

log = structlog.get_logger()

LEAVE_S = 10.0  # what handlers get to notice that we leave at once
GOODBYE_S = 5.0  # what the database gets for our last words
QUIET_S = 3.0  # --until-idle: what is due later than this is left


class Runner:
    """One worker. `run` is called once; `leave` may be called from any thread and from a signal handler."""

    def __init__(
        self, settings: Settings, registry: Registry, notifier: Notifier | None = None, *, until_idle: bool = False
    ) -> None:
        self.settings = settings
        self.worker_id = f"{settings.host}:{settings.pool}:{os.getpid()}:{secrets.token_hex(4)}"
        self._registry = registry
        self._notifier = notifier or Notifier({})
        self._until_idle = until_idle
        self._mailbox: queues.SimpleQueue[tuple[str, Any]] = queues.SimpleQueue()
        self._held: dict[tuple[UUID, int], Attempt] = {}  # everything that is not settled, by job and token
        self._polls = db.polls(settings)
        self._session = db.Session(settings, f"reelq main {self.worker_id}", lambda _: self._claimer.connected())
        self._ledger = Ledger(self._session, self.worker_id)
        self._claimer = Claimer(
            self._session, self.worker_id, self._ledger, self._start, poll_s=settings.poll_s, polls=self._polls
        )
        self._scratch = Scratch(settings, self.worker_id)
        self._hurry = threading.Event()
        pool = db.Pool(settings, f"reelq slots {self.worker_id}", settings.slots)
        self._means = Means(settings, registry, pool, self._scratch, cache(lambda: open_store(settings)), self._hurry)
        self._slots = Slots(
            settings.slots,
            self._means,
            done=lambda attempt: self._mailbox.put(("ended", attempt)),
            died=lambda: self._mailbox.put(("died", None)),
        )
        self._heart = Heart(
            db.Session(settings, f"reelq heart {self.worker_id}"),
            self.worker_id,
            lambda: list(self._held.values()),
            every_s=settings.heartbeat_s,
            idle_s=settings.heartbeat_s if self._polls else max(IDLE_S, settings.heartbeat_s),
            notifier=self._notifier,
            on_drain=lambda: self._mailbox.put(("drain", None)),
        )
        self._watch = Watch(lambda: [one.leash for one in list(self._held.values())])
        self._listener = Listener(
            settings,
            f"reelq listener {self.worker_id}",
            on_ready=lambda job_type: self._mailbox.put(("ready", job_type)),
            on_worker=lambda worker_id: self._heart.beat_now() if worker_id == self.worker_id else None,
        )
        self._leaving_by: float | None = None  # draining; at once from then on
        self._gone_by: float | None = None  # leaving at once; what is in hand then is released
        self._quiet_since = time.monotonic()
        self._unknown = False  # the queue does not know us any more
        self._away = 0  # tries since the database last answered
        self._trouble: str | None = None  # with the disk

    def leave(self) -> None:
        """First call: drain. Second call: leave at once."""
        self._mailbox.put(("leave", None))

    def run(self) -> int:
        """Work until told to leave; returns the exit code.

        Raises:
            DatabaseAway, SchemaMismatch, SettingsError, QueueError: at the start only.
        """
        neighbours.is_mine(self.worker_id)
        try:
            self._session.call(schema.require)
            self._scratch.open()
            self._register()
            self._session.call(neighbours.bury_dead, self.settings.host)
            self._live()
        finally:
            self._session.close()
            self._scratch.close()
        return FAILED if self._until_idle and self._ledger.ended["job.failed"] else 0

    def _register(self) -> None:
        """Make this worker known to the queue."""
        self._session.call(
            queue.register_worker, self.worker_id, host=self.settings.host, pid=os.getpid(), version=version(),
            pool=self.settings.pool, slots=self.settings.slots, types=self._registry.types,
            capabilities=self.settings.capabilities, process_key=neighbours.process_key(),
        )  # fmt: skip

    def _live(self) -> None:
        """Start the threads, turn the loop, stop the threads."""
        self._means.pool.open()
        self._slots.start()
        self._heart.start()
        self._watch.start()
        if not self._polls:
            self._listener.start()
        self._notifier.ready()
        settings = self.settings
        log.info("worker.started", worker_id=self.worker_id, pool=settings.pool, slots=settings.slots, types=self._registry.types)
        try:
            while not self._is_over():
                self._turn()
        finally:
            self._hurry.set()
            self._slots.stop()
            self._say_goodbye()
            self._watch.stop()
            if not self._polls:
                self._listener.stop()
            self._heart.stop()
            self._heart.join(GOODBYE_S)
            self._means.pool.close()
            counts = {event.replace(".", "_"): count for event, count in sorted(self._ledger.ended.items())}
            log.info("worker.stopped", worker_id=self.worker_id, **counts)

    def _is_over(self) -> bool:
        """Leaving, and nothing in hand; or out of patience."""
        if self._gone_by is not None and time.monotonic() >= self._gone_by:
            return True
        return self._leaving_by is not None and not self._held

    def _turn(self) -> None:
        """Wait for messages, then do what they ask for."""
        deadlines = [self._claimer.look_at, self._leaving_by, self._gone_by]
        until = min(one for one in deadlines if one is not None)
        try:
            self._hear(*self._mailbox.get(timeout=max(0.0, until - time.monotonic())))
            while True:
                self._hear(*self._mailbox.get_nowait())
        except queues.Empty:
            self._slots.revive()
        if self._leaving_by is not None and self._gone_by is None and time.monotonic() >= self._leaving_by:
            self._leave_at_once()
        if self._away and time.monotonic() < self._claimer.look_at:
            return
        try:
            self._exchange()
        except DatabaseAway as error:
            if not self._away:
                log.warning("database.lost", error=str(error), jobs=len(self._held))
            self._claimer.put_off(db.backoff(self._away))
            self._away += 1
        except (QueueError, psycopg.Error) as error:
            self._unknown = isinstance(error, WorkerUnknown)  # signed off by somebody, or another database
            if not self._away:
                log.error("claim.failed", error=str(error), exc_info=not self._unknown)
            self._claimer.put_off(db.backoff(self._away))
            self._away += 1
        self._forget_settled()
        self._show_status()

    def _hear(self, word: str, value: Any) -> None:
        """One message."""
        if word == "ended":
            self._ledger.add(value)
            self._quiet_since = time.monotonic()
        elif word == "ready" and (not value or value in self._registry.types):
            self._claimer.want()
        elif word == "drain" and self._leaving_by is None:
            self._drain("asked")
        elif word == "leave":
            if self._leaving_by is None:
                self._drain("signal")
            elif self._gone_by is None:
                self._leave_at_once()

    def _exchange(self) -> None:
        """Settle and claim; on the way out only settle."""
        if self._unknown:
            self._register()
            self._unknown = False
        if self._away:
            self._session.call(queue.wake_worker, self.worker_id)  # an answer, and a clean start
            log.info("database.found", tries=self._away)
            self._away = 0
        if self._leaving_by is not None:
            self._claimer.settle()
            return
        self._claimer.exchange(self._free)
        if self._until_idle and self._claimer.found_nothing and not self._held:
            waited = time.monotonic() - self._quiet_since > QUIET_S
            if self._session.call(nothing_left, self._registry.types, waited=waited):
                self._drain("idle")

    def _free(self) -> int:
        """Slots that are free, in weight; none while the disk is full."""
        self._forget_settled()
        free = self.settings.slots - sum(one.job.weight for one in self._held.values() if one.outcome is None)
        if free <= 0:
            return 0
        trouble = self._scratch.trouble()
        if trouble and not self._trouble:
            log.warning("scratch.filled", trouble=trouble)
        self._trouble = trouble
        return 0 if trouble else free

    def _start(self, job: ClaimedJob, sent_at: float) -> None:
        """A claimed job goes to a slot."""
        for one in list(self._held.values()):
            if one.job.job_id == job.job_id:
                one.leash.set("lease_lost")  # the queue took it back, and gave it to us again
        attempt = Attempt(job, Leash(job, sent_at))
        self._held[job.job_id, job.token] = attempt
        self._heart.beat_by(attempt.leash.lease_s)
        self._watch.look_by(attempt.leash.due())
        self._slots.give(attempt)
        self._quiet_since = time.monotonic()

    def _forget_settled(self) -> None:
        """What is settled is not ours any more."""
        for attempt in self._ledger.closed:
            self._held.pop((attempt.job.job_id, attempt.job.token), None)
        self._ledger.closed.clear()

    def _drain(self, why: str) -> None:
        """Take nothing new; what is in hand may finish within the grace."""
        self._leaving_by = time.monotonic() + self.settings.drain_grace_s
        self._notifier.stopping()
        log.info("worker.draining", why=why, jobs=len(self._held), grace_s=self.settings.drain_grace_s)
        if why == "signal" and self._held and not self._away:
            self._quietly(queue.drain_worker)  # for people who look at the list of workers

    def _leave_at_once(self) -> None:
        """Stop what is in hand; it goes back to the queue and is charged nothing."""
        self._gone_by = time.monotonic() + LEAVE_S
        log.warning("worker.hurrying", jobs=len(self._held))
        self._hurry.set()
        for attempt in list(self._held.values()):
            attempt.leash.set("shutdown")

    def _say_goodbye(self) -> None:
        """Release what no handler gave back in time, and sign off. Without a database the leases expire."""
        for attempt in self._held.values():
            if attempt not in self._ledger.waiting:
                attempt.outcome = attempt.outcome or Outcome("released", message="shutdown")
                self._ledger.add(attempt)
        deadline = time.monotonic() + GOODBYE_S
        turn = 0
        while not (self._quietly(None) and self._quietly(queue.stop_worker)) and time.monotonic() < deadline:
            time.sleep(db.backoff(turn))
            turn += 1
        self._forget_settled()

    def _quietly(self, function: Any) -> bool:
        """Call a function of the queue about ourselves (None: settle); a failure is logged, not raised."""
        try:
            if function is None:
                self._ledger.settle()
            else:
                self._session.call(function, self.worker_id)
        except (ReelqError, psycopg.Error) as error:
            log.warning("goodbye.failed", error=str(error), jobs=len(self._held))
            return False
        return True

    def _show_status(self) -> None:
        """One line for systemctl."""
        ended = self._ledger.ended
        state = "draining, " if self._leaving_by is not None else "database away, " if self._away else self._trouble or ""
        self._notifier.status(
            f"{state}{len(self._held)} of {self.settings.slots} slots busy, "
            f"{ended['job.completed']} jobs completed, {ended['job.failed']} failed"
        )


@cache
def version() -> str:
    """The version of this program."""
    try:
        return metadata.version("reelq")
    except metadata.PackageNotFoundError:
        return "0"  # a checkout that was not installed
