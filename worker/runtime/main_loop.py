"""The main thread of a worker: wait for a message, settle what has ended, claim for the slots that are free.

    _turn          waits, handles messages, exchanges with the queue; an error of the database is met here
    _exchange      settles and claims in one round trip; while draining it only settles
    _drain         takes nothing new; running jobs may finish
    _undrain       takes work again: who asked for the drain has taken that back
    _stop_jobs     ends running jobs at once: the second signal, or the end of the grace
    _give_up       leaves, since the queue answers the heartbeat and not this loop, or this loop and not the heartbeat
    deregister     the last calls to the queue

What is special to small jobs, of which a worker holds many for each slot, is behind `Batching`.

The mailbox is a SimpleQueue because that may be filled from a signal handler, whatever the main
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
from reelq.worker.errors import DatabaseAway, DatabaseLocked, ReelqError, WorkerUnknown
from reelq.worker.rooms import queue
from reelq.worker.rooms.queue.jobs import LOCK_TIMEOUT, ClaimedJob
from reelq.worker.runtime.batching import Batching
from reelq.worker.runtime.claimer import Claimer
from reelq.worker.runtime.contact import UNHEARD_S, Contact, Trouble
from reelq.worker.runtime.deadline_watchdog import DeadlineWatchdog
from reelq.worker.runtime.dispatch_queue import DispatchQueue
from reelq.worker.runtime.fitness import Fitness
from reelq.worker.runtime.fitness import Trouble as HostTrouble
from reelq.worker.runtime.heartbeat import Heartbeat
from reelq.worker.runtime.idle import nothing_left
from reelq.worker.runtime.in_flight import InFlight
from reelq.worker.runtime.messages import Mailbox, Message
from reelq.worker.runtime.orphaned_claims import release_orphaned_claims
from reelq.worker.runtime.outcome import AttemptOutcome
from reelq.worker.runtime.registration import Registration
from reelq.worker.runtime.relay import Relay
from reelq.worker.runtime.settler import Settler
from reelq.worker.runtime.slots import Slots
from reelq.worker.scratch import Scratch
from reelq.worker.systemd import Notifier

log = structlog.get_logger()

STOP_GRACE_S = 10.0  # what handlers get to end after they were told to stop
DEREGISTER_S = 5.0  # how long we try to tell the database that we stop
GIVE_UP_S = 60.0  # a worker that has not settled and claimed for so long, though the queue answers its heartbeats, ends; or the other way
YIELD_S = 1e-6  # lets go of the interpreter, so that a slot begins now and not when we next wait
STATUS_S = 1.0  # systemd hears of jobs that often
DISK_S, DISK_OLD_S = 1.0, 10.0  # the disk is looked at so often after a look for work; before one when that is so long ago
UNHEARD_REMEDY = "reelq health names limits of connections and of roles that are used up or wrong; the journal has heartbeat.failed"
IDLE_EXIT_S = 3.0  # --until-idle: jobs due later than this are not waited for


class MainLoop:
    """What a worker does until it stops. The threads that it uses are given to `run`."""

    def __init__(self, me: Registration, scratch: Scratch, fitness: Fitness, notifier: Notifier, *, until_idle: bool) -> None:
        settings = me.settings
        self._me = me
        self._settings = settings
        self._scratch = scratch
        self._fitness = fitness
        self._told: HostTrouble | None = None  # what our row says of this host
        self.left_unfit = False  # --until-idle, and this host cannot work
        self._notifier = notifier
        self._until_idle = until_idle
        self.mailbox: Mailbox = queues.SimpleQueue()
        self.contact = Contact()
        self.in_flight = InFlight(settings.slots, self.contact)
        self.dispatch_queue = DispatchQueue(settings.slots, lambda: self.mailbox.put((Message.ENDED, "")))
        self.stopping = threading.Event()  # running jobs are ended now
        self.trouble: str | None = None  # with the disk
        self._session = db.Session(settings, f"reelq main {me.worker_id}", lambda _: self._claimer.connected(), lock_timeout=LOCK_TIMEOUT)
        self.relay = Relay(self._session, lambda: self.mailbox.put((Message.RELAY, "")))
        self.settler = Settler(self._session, me.worker_id)
        self._claimer = Claimer(
            self._session, me.worker_id, self.settler, self._start,
            slots=settings.slots, poll_s=settings.poll_s, polls=db.polls(settings),
        )
        self._batching = Batching(self.dispatch_queue, self.settler, self._claimer)
        self.gave_up = False
        self._drain_until: float | None = None  # draining; then running jobs are stopped
        self._drain_why = ""
        self._stop_until: float | None = None  # running jobs were told to stop; what has not ended by then is released
        self._idle_since = time.monotonic()
        self._unknown = False  # the queue does not know us any more
        self._away = Trouble()  # since the queue last settled and claimed for us
        self._disk_at = float("-inf")  # when the disk was looked at
        self._status: tuple[str, float] = ("", 0.0)  # state and time of what systemd was told last

    def call(self, function: Any, *args: Any) -> Any:
        """Call `function(connection, …)` on the main thread's connection."""
        return self._session.call(function, *args)

    def run(self, slots: Slots, heartbeat: Heartbeat, watchdog: DeadlineWatchdog) -> None:
        """Work until it is time to stop."""
        self._slots, self._heartbeat, self._watchdog = slots, heartbeat, watchdog
        while not self._is_over():
            self._turn()

    def _is_over(self) -> bool:
        """Draining and no job left, or the time for stopping them is over."""
        if self.gave_up:
            return True
        if self._stop_until is not None and time.monotonic() >= self._stop_until:
            return True
        return self._drain_until is not None and not self.in_flight

    def _turn(self) -> None:
        """Wait for messages, then do what they ask for."""
        self.contact.turned()
        try:
            self._handle(*self.mailbox.get(timeout=self._wait_s()))
            while True:
                self._handle(*self.mailbox.get_nowait())
        except queues.Empty:
            self._slots.revive()
        self.contact.turned()
        if not (self._heartbeat.is_alive() and self._watchdog.is_alive()):
            raise RuntimeError("the thread that keeps the leases died; see the log")
        if self._drain_until is not None and self._stop_until is None and time.monotonic() >= self._drain_until:
            self._stop_jobs()
        if self._away and time.monotonic() < self._claimer.look_at:
            return
        try:
            self._exchange()
        except (ReelqError, psycopg.Error) as error:
            self._failed(error)
        else:
            self._answered()
        self._forget_settled()
        self._show_status()
        if time.monotonic() > self._disk_at + DISK_S:
            self._look_at_disk()

    def _failed(self, error: Exception) -> None:
        """The queue was not reached, or refused: say so once for each reason, and try again later."""
        self.contact.failed()
        self._unknown = self._unknown or isinstance(error, WorkerUnknown)  # signed off by somebody, or another database
        if self._away.failed(error):
            if isinstance(error, DatabaseAway):
                log.warning("database.lost", error=str(error), jobs=len(self.in_flight))
            else:
                log.error("claim.failed", error=str(error), exc_info=not self._unknown)
        self._claimer.postpone(db.backoff(self._away.tries - 1))
        is_locked = isinstance(error, DatabaseLocked)
        for attempt in self.settler.waiting:
            attempt.is_locked = is_locked  # as of a table that is altered: its lease is kept until it can be settled
        # The queue is there, as the heartbeat knows, and not for us. Whatever runs may end first. A lock would hold up another process just so.
        is_there = self.contact.beat_at > self._away.since
        if is_there and not is_locked and time.monotonic() > self._away.since + GIVE_UP_S and not self.in_flight.busy():
            self._give_up(error, time.monotonic() - self._away.since)

    def _answered(self) -> None:
        """The queue has settled and claimed, as far as there was something to do."""
        self.contact.answered()
        if self._away:
            log.info("database.found", tries=self._away.over())
            self._heartbeat.beat_now()  # leases may be about to run out
        unheard_s = self.contact.unheard_s
        if unheard_s > GIVE_UP_S and not self.in_flight.busy():
            self._give_up(self.contact.error, unheard_s)

    def _give_up(self, error: object, failing_s: float) -> None:
        """End: another process may be luckier, and a worker that cannot do both, beat and work, is worse than none."""
        log.error("worker.gave_up", error=str(error), failing_s=round(failing_s, 1), jobs=len(self.in_flight))
        self.gave_up = True

    def _wait_s(self) -> float:
        """Seconds that there is nothing to do unless a message comes."""
        until = min(self._claimer.look_at, self._stop_until or self._drain_until or float("inf"))
        if not self._away:
            until = min(until, self.settler.retry_at)
        return self._batching.wait_s(until, is_away=bool(self._away))

    def _collect(self) -> None:
        """What has ended takes no slot any more, and waits to be settled."""
        ended = self._batching.collect()
        for attempt in ended:
            self.in_flight.ended(attempt)
            if attempt.outcome is not None and attempt.outcome.kind == "failed":
                self._fitness.doubt(attempt.outcome.code)
        if ended:
            self._idle_since = time.monotonic()

    def _handle(self, message: Message, job_type: str) -> None:
        """Do what one message asks for."""
        match message:
            case Message.WORK_READY:
                if not job_type or job_type in self._me.types:
                    self._claimer.work_ready()
            case Message.ENDED | Message.SLOT_DIED:
                pass  # it was only to wake us: each turn collects what has ended, and replaces slots that died
            case Message.PROBE:
                if not self._away:
                    self._claimer.look_now()
            case Message.RELAY:
                self._serve_heartbeat()
            case Message.DRAIN:
                if self._drain_until is None:
                    self._drain("asked")
            case Message.UNDRAIN:
                if self._drain_why == "asked" and self._stop_until is None:
                    self._undrain()
                elif self._drain_until is not None:
                    self._try_call(queue.drain_worker)  # it leaves all the same, and its row has to say so
            case Message.SHUTDOWN:
                if self._drain_why != "signal":
                    self._drain("signal")
                elif self._stop_until is None:
                    self._stop_jobs()
            case _:
                assert_never(message)

    def _serve_heartbeat(self) -> None:
        """Send the heartbeat over our connection. Of a claim that is under way on it the answer is received first."""
        try:
            self._claimer.finish()
        except (ReelqError, psycopg.Error) as error:
            self._failed(error)
        if self._away:
            self.relay.refuse()
        else:
            self.relay.serve()

    def _exchange(self) -> None:
        """Settle and claim; while draining only settle."""
        if self._unknown:
            self._session.call(self._me.register)
            self._unknown, self._told = False, None
        if self._away:
            self._session.call(release_orphaned_claims, self._me.worker_id, self.in_flight.held.keys())
        if self._batching.awaits_claim():
            return
        self._tell_trouble()
        if not self._claimer.is_pending:
            self.settler.retry_locked()
        self._collect()
        settle = self._batching.is_time_to_settle()
        if self._drain_until is not None:
            if settle or time.monotonic() >= self._claimer.look_at:
                self._claimer.settle()
            return
        if self._claimer.exchange(self._free, settle=settle):
            self._batching.claimed()
        if self._until_idle and self._told and not self.in_flight and time.monotonic() - self._idle_since > IDLE_EXIT_S:
            self.left_unfit = True
            self._drain("unfit")
        elif self._until_idle and self._claimer.found_nothing and not self.in_flight:
            waited = time.monotonic() - self._idle_since > IDLE_EXIT_S
            if self._session.call(nothing_left, self._me.types, waited=waited):
                self._drain("idle")

    def _free(self) -> int:
        """Whole slots that are free; none while this host cannot work, or no lease would be extended."""
        self._collect()
        if not self._fitness.is_known or self._fitness.trouble or not self.contact.may_claim:
            return 0
        free = self.in_flight.free()
        if free == 0:
            return 0
        if self.in_flight or self.trouble or time.monotonic() > self._disk_at + DISK_OLD_S:
            self._look_at_disk()
        return 0 if self.trouble else free

    def _tell_trouble(self) -> None:
        """Have our row say what keeps this host from working, when that has changed."""
        now = self._fitness.trouble
        if now is None and self.contact.unheard_s >= UNHEARD_S:
            now = HostTrouble(f"the queue takes no heartbeat of it: {self.contact.error}", UNHEARD_REMEDY)
        if now is None and self.trouble:  # without its figures, which change all the time
            now = HostTrouble("no room for work in progress", f"Make room below {self._settings.scratch}: df")
        if now == self._told or self._claimer.is_pending:
            return
        what, remedy = (now.what, now.remedy) if now else (None, None)
        self._session.call(queue.set_worker_trouble, self._me.worker_id, what, remedy)
        self._told = now

    def _look_at_disk(self) -> None:
        """Note whether there is room for jobs. Not between a notification and a start: it may take longer than a round trip."""
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
        self._idle_since = time.monotonic()

    def _forget_settled(self) -> None:
        """A settled job is not in flight any more."""
        if self.settler.closed:
            self.in_flight.forget(self.settler.closed)
            self.settler.closed.clear()

    def _drain(self, why: str) -> None:
        """Take nothing new and release what no slot has begun; running jobs may finish within the grace.

        `why`: signal, asked (by the queue), idle or unfit (both with --until-idle). A signal after another reason begins the
        grace anew.
        """
        self._drain_until = time.monotonic() + self._settings.drain_grace_s
        self._drain_why = why
        if why != "asked":  # that may be taken back, which systemd could not be told
            self._notifier.stopping()
        self._finish_claim()
        self._release_unstarted()
        log.info("worker.draining", why=why, jobs=len(self.in_flight), grace_s=self._settings.drain_grace_s)
        if why == "signal" and self.in_flight and not self._away:
            self._try_call(queue.drain_worker)  # for people who look at the list of workers

    def _undrain(self) -> None:
        """Take work again."""
        self._drain_until, self._drain_why = None, ""
        self._claimer.look_now()
        log.info("worker.undrained", jobs=len(self.in_flight))

    def _finish_claim(self) -> None:
        """Receive the answer to a claim that is under way. What it was to settle waits again if that fails."""
        try:
            self._claimer.finish()
        except (ReelqError, psycopg.Error) as error:
            log.warning("claim.failed", error=str(error))

    def _release_unstarted(self) -> None:
        """Jobs that no slot has begun go back to the queue; they are charged nothing."""
        for attempt in self.dispatch_queue.take_back():
            attempt.deadlines.finish()
            attempt.outcome = AttemptOutcome("released", message="shutdown")
            self.dispatch_queue.done(attempt)
        self._collect()
        self._batching.settle_at_once()

    def _stop_jobs(self) -> None:
        """End running jobs; they go back to the queue and are charged nothing."""
        self._stop_until = time.monotonic() + STOP_GRACE_S
        log.warning("worker.stopping", jobs=len(self.in_flight))
        self.stopping.set()
        for attempt in self.in_flight.attempts():
            attempt.deadlines.set("shutdown")

    def deregister(self) -> None:
        """Release what has not ended in time, and tell the queue that we stop. Without a database the leases expire."""
        self._notifier.stopping()
        self._session.answer_s = DEREGISTER_S
        self.relay.close()
        self._finish_claim()
        self._release_unstarted()
        waiting = {*self.settler.waiting, *self.settler.locked}
        for attempt in self.in_flight.attempts():
            if attempt not in waiting:
                attempt.outcome = attempt.outcome or AttemptOutcome("released", message="shutdown")
                self.settler.add(attempt)
        deadline = time.monotonic() + DEREGISTER_S
        turn = 0
        while not (self._try_call(None) and self._try_call(queue.deregister_worker)) and time.monotonic() < deadline:
            time.sleep(db.backoff(turn))
            turn += 1
        if self.settler.locked:  # their sessions outlast the grace: the leases run out
            log.warning("deregister.failed", error="other sessions hold jobs that have ended", jobs=len(self.settler.locked))
            self._try_call(queue.deregister_worker)
        self._forget_settled()

    def _try_call(self, function: Any) -> bool:
        """Call a function of the queue about ourselves (None: settle); a failure is logged, not raised."""
        try:
            if function is None:
                self.settler.settle()
                self.settler.retry_locked(at_once=True)
            else:
                self._session.call(function, self._me.worker_id)
        except (ReelqError, psycopg.Error) as error:
            log.warning("deregister.failed", error=str(error), jobs=len(self.in_flight))
            return False
        return function is not None or not self.settler.locked

    def _show_status(self) -> None:
        """One line for systemctl, when something has changed but not at every turn."""
        unfit = self._fitness.trouble.what if self._fitness.trouble else self.trouble
        state = f"{unfit}, " if unfit else ""
        if self._drain_until is not None or self._away:
            state = "draining, " if self._drain_until is not None else "database away, "
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
