"""The main thread of a worker: one message at a time, then settle and claim.

Its mailbox is a SimpleQueue because that may be filled from a signal handler, whatever the main
thread is doing at that moment (Python's manual, "queue", read 2026-11-21: put() is reentrant).
"""

from __future__ import annotations

import queue as queues
import threading
import time
from typing import Any, assert_never

import psycopg
import structlog

from reelq.worker import db
from reelq.worker.errors import DatabaseAway, QueueError, ReelqError, WorkerUnknown
from reelq.worker.rooms import queue
from reelq.worker.rooms.queue.jobs import ClaimedJob
from reelq.worker.runtime.claimer import Claimer
from reelq.worker.runtime.deadline_watchdog import DeadlineWatchdog
from reelq.worker.runtime.dispatch_queue import DispatchQueue
from reelq.worker.runtime.heartbeat import Heartbeat
from reelq.worker.runtime.idle import nothing_left
from reelq.worker.runtime.in_flight import InFlight
from reelq.worker.runtime.messages import Mailbox, Message
from reelq.worker.runtime.orphaned_claims import release_orphaned_claims
from reelq.worker.runtime.outcome import AttemptOutcome
from reelq.worker.runtime.registration import Registration
from reelq.worker.runtime.settler import Settler
from reelq.worker.runtime.slots import Slots
from reelq.worker.scratch import Scratch
from reelq.worker.systemd import Notifier

log = structlog.get_logger()

LEAVE_S = 10.0  # what handlers get to notice that we leave at once
GOODBYE_S = 5.0  # what the database gets for our last words
SETTLE_S = 0.02  # so long a small job that has ended may wait to be settled with others
YIELD_S = 1e-6  # lets go of the interpreter, so that a slot begins now and not when we next wait
STATUS_S = 1.0  # systemd hears of jobs that often
DISK_S, DISK_OLD_S = 1.0, 10.0  # the disk is looked at so often after a look for work; before one when that is so long ago
QUIET_S = 3.0  # --until-idle: what is due later than this is left


class MainLoop:
    """What a worker does until it leaves. The threads that it uses are given to `run`."""

    def __init__(self, me: Registration, scratch: Scratch, notifier: Notifier, *, until_idle: bool) -> None:
        settings = me.settings
        self._me = me
        self._settings = settings
        self._scratch = scratch
        self._notifier = notifier
        self._until_idle = until_idle
        self.mailbox: Mailbox = queues.SimpleQueue()
        self.in_flight = InFlight(settings.slots)
        self.dispatch_queue = DispatchQueue(settings.slots, lambda: self.mailbox.put((Message.ENDED, "")))
        self.hurry = threading.Event()  # we leave at once
        self.trouble: str | None = None  # with the disk
        self._session = db.Session(settings, f"reelq main {me.worker_id}", lambda _: self._claimer.connected())
        self.settler = Settler(self._session, me.worker_id)
        self._claimer = Claimer(
            self._session, me.worker_id, self.settler, self._start,
            slots=settings.slots, poll_s=settings.poll_s, polls=db.polls(settings),
        )
        self._leaving_by: float | None = None  # draining; at once from then on
        self._gone_by: float | None = None  # leaving at once; what is in hand then is released
        self._quiet_since = time.monotonic()
        self._unknown = False  # the queue does not know us any more
        self._away = 0  # tries since the database last answered
        self._urgent = False  # what waits to be settled shall be settled now
        self._settle_at = 0.0  # else by then
        self._disk_at = float("-inf")  # when the disk was looked at
        self._status: tuple[str, float] = ("", 0.0)  # state and time of what systemd was told last

    def call(self, function: Any, *args: Any) -> Any:
        """Call `function(connection, …)` on the main thread's connection."""
        return self._session.call(function, *args)

    def run(self, slots: Slots, heartbeat: Heartbeat, watchdog: DeadlineWatchdog) -> None:
        """Work until it is time to leave."""
        self._slots, self._heartbeat, self._watchdog = slots, heartbeat, watchdog
        while not self._is_over():
            self._turn()

    def _is_over(self) -> bool:
        """Leaving, and nothing in hand; or out of patience."""
        if self._gone_by is not None and time.monotonic() >= self._gone_by:
            return True
        return self._leaving_by is not None and not self.in_flight

    def _turn(self) -> None:
        """Wait for messages, then do what they ask for."""
        try:
            self._handle(*self.mailbox.get(timeout=self._patience()))
            while True:
                self._handle(*self.mailbox.get_nowait())
        except queues.Empty:
            self._slots.revive()
        if not (self._heartbeat.is_alive() and self._watchdog.is_alive()):
            raise RuntimeError("the thread that keeps the leases died; see the log")
        if self._leaving_by is not None and self._gone_by is None and time.monotonic() >= self._leaving_by:
            self._leave_at_once()
        if self._away and time.monotonic() < self._claimer.look_at:
            return
        try:
            self._exchange()
        except DatabaseAway as error:
            if not self._away:
                log.warning("database.lost", error=str(error), jobs=len(self.in_flight))
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
        if time.monotonic() > self._disk_at + DISK_S:
            self._look_at_disk()

    def _patience(self) -> float:
        """Seconds that there is nothing to do unless somebody says so."""
        until = min(self._claimer.look_at, self._gone_by or self._leaving_by or float("inf"))
        if self._claimer.is_ahead:
            return 0.0 if self.dispatch_queue.is_urgent() or not self.dispatch_queue.arm(by_first=False) else SETTLE_S
        if not self._away:
            waiting = bool(self.settler.waiting)
            if not self.dispatch_queue.arm(by_first=not waiting):
                return 0.0
            if waiting:
                until = 0.0 if self._is_time_to_settle() else min(until, self._settle_at)
        return max(0.0, until - time.monotonic())

    def _is_time_to_settle(self) -> bool:
        """A slot is free or will be soon, or something has waited for long enough."""
        return self._urgent or self.dispatch_queue.is_urgent() or time.monotonic() >= self._settle_at

    def _collect(self) -> None:
        """What has ended goes to the settler."""
        ended = self.dispatch_queue.collect()
        if not ended:
            return
        self._quiet_since = time.monotonic()
        if not self.settler.waiting:
            self._urgent = False
            self._settle_at = self._quiet_since + SETTLE_S
        for attempt in ended:
            self.in_flight.ended(attempt)
            self.settler.add(attempt)
            self._urgent = self._urgent or attempt.fills_a_slot

    def _handle(self, message: Message, job_type: str) -> None:
        """One message; what ended or died is seen to by the turn that it began."""
        match message:
            case Message.WORK_READY:
                if not job_type or job_type in self._me.types:
                    self._claimer.want()
            case Message.ENDED | Message.SLOT_DIED:
                pass  # the turn collects what has ended, and revives slots
            case Message.DRAIN:
                if self._leaving_by is None:
                    self._drain("asked")
            case Message.LEAVE:
                if self._leaving_by is None:
                    self._drain("signal")
                elif self._gone_by is None:
                    self._leave_at_once()
            case _:
                assert_never(message)

    def _exchange(self) -> None:
        """Settle and claim; on the way out only settle."""
        if self._unknown:
            self._session.call(self._me.register)
            self._unknown = False
        if self._away:
            self._session.call(release_orphaned_claims, self._me.worker_id, self.in_flight.held.keys())
            log.info("database.found", tries=self._away)
            self._away = 0
        if self._claimer.is_ahead and not (self.dispatch_queue.is_urgent() or self._claimer.is_answered()):
            return
        self._collect()
        settle = bool(self.settler.waiting) and self._is_time_to_settle()
        if self._leaving_by is not None:
            if settle or time.monotonic() >= self._claimer.look_at:
                self._claimer.settle()
            return
        if self._claimer.exchange(self._free, settle=settle):
            self.dispatch_queue.claimed(more=self._claimer.may_be_more)
        if self._until_idle and self._claimer.found_nothing and not self.in_flight and not self._claimer.is_ahead:
            waited = time.monotonic() - self._quiet_since > QUIET_S
            if self._session.call(nothing_left, self._me.types, waited=waited):
                self._drain("idle")

    def _free(self) -> int:
        """Whole slots that are free; none while the disk is full."""
        self._collect()
        free = self.in_flight.free()
        if free == 0:
            return 0
        if self.in_flight or self.trouble or time.monotonic() > self._disk_at + DISK_OLD_S:
            self._look_at_disk()
        return 0 if self.trouble else free

    def _look_at_disk(self) -> None:
        """With no job in flight not on the way from a notification to a start: a cold look takes longer than a round trip."""
        self._disk_at = time.monotonic()
        trouble = self._scratch.trouble()
        if trouble and not self.trouble:
            log.warning("scratch.filled", trouble=trouble)
        self.trouble = trouble

    def _start(self, jobs: list[ClaimedJob], sent_at: float) -> None:
        """Claimed jobs go to the slots."""
        taken = self.in_flight.take(jobs, sent_at)
        self.dispatch_queue.give(taken)
        time.sleep(YIELD_S)
        self._heartbeat.beat_by(min(one.deadlines.lease_s for one in taken))
        self._watchdog.look_by(min(one.deadlines.due() for one in taken))
        self._quiet_since = time.monotonic()

    def _forget_settled(self) -> None:
        """What is settled is not ours any more."""
        if self.settler.closed:
            self.in_flight.forget(self.settler.closed)
            self.settler.closed.clear()

    def _drain(self, why: str) -> None:
        """Take nothing new and give back what has not begun; what has may finish within the grace."""
        self._leaving_by = time.monotonic() + self._settings.drain_grace_s
        self._notifier.stopping()
        self._land()
        self._give_back()
        log.info("worker.draining", why=why, jobs=len(self.in_flight), grace_s=self._settings.drain_grace_s)
        if why == "signal" and self.in_flight and not self._away:
            self._quietly(queue.drain_worker)  # for people who look at the list of workers

    def _land(self) -> None:
        """Nothing is under way any more. What was to be settled and did not arrive waits again."""
        try:
            self._claimer.land()
        except (ReelqError, psycopg.Error) as error:
            log.warning("claim.failed", error=str(error))

    def _give_back(self) -> None:
        """Small jobs that no slot has begun go back to the queue; nobody is charged."""
        for attempt in self.dispatch_queue.take_back():
            attempt.deadlines.finish()
            attempt.outcome = AttemptOutcome("released", message="shutdown")
            self.dispatch_queue.done(attempt)
        self._collect()
        self._urgent = True

    def _leave_at_once(self) -> None:
        """Stop what is in hand; it goes back to the queue and is charged nothing."""
        self._gone_by = time.monotonic() + LEAVE_S
        log.warning("worker.hurrying", jobs=len(self.in_flight))
        self.hurry.set()
        for attempt in self.in_flight.attempts():
            attempt.deadlines.set("shutdown")

    def say_goodbye(self) -> None:
        """Release what no handler gave back in time, and sign off. Without a database the leases expire."""
        self._land()
        self._give_back()
        waiting = set(self.settler.waiting)
        for attempt in self.in_flight.attempts():
            if attempt not in waiting:
                attempt.outcome = attempt.outcome or AttemptOutcome("released", message="shutdown")
                self.settler.add(attempt)
        deadline = time.monotonic() + GOODBYE_S
        turn = 0
        while not (self._quietly(None) and self._quietly(queue.deregister_worker)) and time.monotonic() < deadline:
            time.sleep(db.backoff(turn))
            turn += 1
        self._forget_settled()

    def _quietly(self, function: Any) -> bool:
        """Call a function of the queue about ourselves (None: settle); a failure is logged, not raised."""
        try:
            if function is None:
                self.settler.settle()
            else:
                self._session.call(function, self._me.worker_id)
        except (ReelqError, psycopg.Error) as error:
            log.warning("goodbye.failed", error=str(error), jobs=len(self.in_flight))
            return False
        return True

    def _show_status(self) -> None:
        """One line for systemctl, when something has changed but not at every turn."""
        state = "draining, " if self._leaving_by is not None else "database away, " if self._away else self.trouble or ""
        now = time.monotonic()
        if state == self._status[0] and now < self._status[1] + STATUS_S:
            return
        self._status = (state, now)
        ended = self.settler.ended
        self._notifier.status(
            f"{state}{self.in_flight.busy()} of {self._settings.slots} slots busy, "
            f"{ended['job.completed']} jobs completed, {ended['job.failed']} failed"
        )

    def close(self) -> None:
        """Close the main thread's connection."""
        self._session.close()
