"""The main thread of a worker: wait for a message, settle what has ended, claim for the slots that are free.

    _turn        waits, handles messages, exchanges with the queue
    _exchange    settles and claims in one round trip; while draining it only settles
    deregister   the last calls to the queue

What keeps it from that has a file each: `HostState` (ffmpeg, store, disk), `Outage` (no answer), `Leaving` (drain and stop). What
is special to small jobs, of which a worker holds many for each slot, is behind `Batching`.

The mailbox is a SimpleQueue because that may be filled from a signal handler, whatever the main
thread is doing at that moment (Python's manual, "queue", read 2026-11-21: put() is reentrant).
"""

from __future__ import annotations

import queue as queues
import time
from typing import Any, assert_never

import psycopg

from reelq.worker import db, logs
from reelq.worker.errors import ReelqError
from reelq.worker.rooms.queue.jobs import LOCK_TIMEOUT, ClaimedJob
from reelq.worker.runtime.batching import Batching
from reelq.worker.runtime.claimer import Claimer
from reelq.worker.runtime.contact import Contact
from reelq.worker.runtime.deadline_watchdog import DeadlineWatchdog
from reelq.worker.runtime.dispatch_queue import DispatchQueue
from reelq.worker.runtime.fitness import Fitness
from reelq.worker.runtime.heartbeat import Heartbeat
from reelq.worker.runtime.host_state import HostState
from reelq.worker.runtime.idle import nothing_left
from reelq.worker.runtime.in_flight import InFlight
from reelq.worker.runtime.leaving import Leaving
from reelq.worker.runtime.live_settings import LiveSettings
from reelq.worker.runtime.messages import Mailbox, Message
from reelq.worker.runtime.orphaned_claims import release_orphaned_claims
from reelq.worker.runtime.outage import Outage
from reelq.worker.runtime.registration import Registration
from reelq.worker.runtime.relay import Relay
from reelq.worker.runtime.settler import Settler
from reelq.worker.runtime.slots import Slots
from reelq.worker.runtime.status_line import StatusLine
from reelq.worker.scratch import Scratch
from reelq.worker.settings import Settings
from reelq.worker.systemd import Notifier

YIELD_S = 1e-6  # lets go of the interpreter, so that a slot begins now and not when we next wait
IDLE_EXIT_S = 3.0  # --until-idle: jobs due later than this are not waited for


class MainLoop:
    """What a worker does until it stops. The threads that it uses are given to `run`."""

    def __init__(self, me: Registration, scratch: Scratch, fitness: Fitness, notifier: Notifier, *, until_idle: bool) -> None:
        settings, worker_id = me.settings, me.worker_id
        self._me = me
        self._until_idle = until_idle
        self.left_unfit = False  # --until-idle, and this host cannot work
        self.mailbox: Mailbox = queues.SimpleQueue()
        self.contact = Contact()
        self.in_flight = InFlight(settings.slots, self.contact)
        self.dispatch_queue = DispatchQueue(settings.slots, lambda: self.mailbox.put((Message.ENDED, "")))
        self._session = db.Session(settings, f"reelq main {worker_id}", lambda _: self._claimer.connected(), lock_timeout=LOCK_TIMEOUT)
        self.settler = Settler(self._session, worker_id)
        self._claimer = Claimer(
            self._session, worker_id, self.settler, self._start,
            slots=settings.slots, poll_s=settings.poll_s, polls=db.polls(settings),
        )
        self._batching = Batching(self.dispatch_queue, self.settler, self._claimer)
        self.host = HostState(self._session, worker_id, settings, scratch, fitness, self.contact)
        self.outage = Outage(self.contact, self.in_flight, self.settler, self._claimer)
        self.leaving = Leaving(
            self._session, worker_id, notifier, self.in_flight, self.dispatch_queue, self.settler, self._claimer, self._batching,
            collect=self._collect, grace_s=settings.drain_grace_s,
        )  # fmt: skip
        self.relay = Relay(self._session, lambda: self.mailbox.put((Message.RELAY, "")))
        self.live = LiveSettings(settings, self._settings_changed)
        self._status = StatusLine(notifier, settings.slots)
        self._idle_since = time.monotonic()

    def call(self, function: Any, *args: Any) -> Any:
        """Call `function(connection, …)` on the main thread's connection."""
        return self._session.call(function, *args)

    def run(self, slots: Slots, heartbeat: Heartbeat, watchdog: DeadlineWatchdog) -> None:
        """Work until it is time to stop."""
        self._slots, self._heartbeat, self._watchdog = slots, heartbeat, watchdog
        while not (self.outage.gave_up or self.leaving.is_over):
            self._turn()

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
        self.leaving.hurry()
        if self.outage and time.monotonic() < self._claimer.look_at:
            return
        try:
            self._exchange()
        except (ReelqError, psycopg.Error) as error:
            self.outage.failed(error)
        else:
            self.outage.answered(self._heartbeat.beat_now)
        self._forget_settled()
        self._show_status()
        self.host.look()

    def _wait_s(self) -> float:
        """Seconds that there is nothing to do unless a message comes."""
        until = min(self._claimer.look_at, self.leaving.until)
        if not self.outage:
            until = min(until, self.settler.retry_at)
        return self._batching.wait_s(until, is_away=bool(self.outage))

    def _handle(self, message: Message, job_type: str) -> None:
        """Do what one message asks for."""
        match message:
            case Message.WORK_READY:
                if not job_type or job_type in self._me.types:
                    self._claimer.work_ready()
            case Message.ENDED | Message.SLOT_DIED:
                pass  # it was only to wake us: each turn collects what has ended, and replaces slots that died
            case Message.PROBE:
                if not self.outage:
                    self._claimer.look_now()
            case Message.RELAY:
                self._relay_beats()
            case Message.DRAIN:
                if not self.leaving:
                    self.leaving.drain("asked")
            case Message.UNDRAIN:
                self.leaving.undrain()
            case Message.SHUTDOWN:
                self.leaving.signalled(is_away=bool(self.outage))
            case _:
                assert_never(message)

    def _relay_beats(self) -> None:
        """Send the heartbeat over our connection. Of a claim that is under way on it the answer is received first."""
        try:
            self._claimer.finish()
        except (ReelqError, psycopg.Error) as error:
            self.outage.failed(error)
        if self.outage:
            self.relay.refuse()
        else:
            self.relay.serve()

    def _exchange(self) -> None:
        """Settle and claim; while draining only settle."""
        if self.outage.is_unknown:
            self._session.call(self._me.register)
            self.outage.is_unknown, self.host.told = False, None
        if self.outage:
            self._session.call(release_orphaned_claims, self._me.worker_id, self.in_flight.held.keys())
        if self._batching.awaits_claim():
            return
        if not self._claimer.is_pending:
            self.host.tell()
            if self.live.is_due:
                self._session.call(self.live.look)
            self.settler.retry_locked()
        self._collect()
        settle = self._batching.is_time_to_settle()
        if self.leaving:
            if settle or time.monotonic() >= self._claimer.look_at:
                self._claimer.settle()
            return
        if self._claimer.exchange(self._free, settle=settle):
            self._batching.claimed()
        if self._until_idle and not self.in_flight:
            self._leave_when_idle()

    def _settings_changed(self, settings: Settings) -> None:
        """An operator has changed some; those of attempts count from the next one on."""
        self._claimer.poll_every(settings.poll_s)
        self.leaving.grace_s = settings.drain_grace_s
        logs.set_level(settings.log_level)

    def _leave_when_idle(self) -> None:
        """Nothing runs: leave when nothing is left to do, or this host cannot do it."""
        waited = time.monotonic() - self._idle_since > IDLE_EXIT_S
        if self.host.told and waited:
            self.left_unfit = True
            self.leaving.drain("unfit")
        elif self._claimer.found_nothing and self._session.call(nothing_left, self._me.types, waited=waited):
            self.leaving.drain("idle")

    def _free(self) -> int:
        """Whole slots that are free; none while this host cannot work, or no lease would be extended."""
        self._collect()
        free = self.in_flight.free() if self.host.may_claim else 0
        return free if free and self.host.has_room(is_busy=bool(self.in_flight)) else 0

    def _collect(self) -> None:
        """What has ended takes no slot any more, and waits to be settled."""
        ended = self._batching.collect()
        for attempt in ended:
            self.in_flight.ended(attempt)
            if attempt.outcome is not None and attempt.outcome.kind == "failed":
                self.host.doubt(attempt.outcome.code)
        if ended:
            self._idle_since = time.monotonic()

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

    def _show_status(self) -> None:
        """One line for systemctl."""
        away = "database away" if self.outage else self.host.trouble
        self._status.show("draining" if self.leaving else away or "", self.in_flight.busy(), self.settler.ended)

    def deregister(self) -> None:
        """Leave the queue."""
        self.relay.close()
        self.leaving.deregister()
        self._forget_settled()

    def close(self) -> None:
        """Close the main thread's connection."""
        self._session.close()
