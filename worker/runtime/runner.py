"""A worker: claims, runs, settles, until it is told to stop.

    main thread    one message at a time: settle what ended, claim for the slots that are free
                                                                  main_loop.py, claimer.py, in_flight.py, settler.py;
                                                                  host_state.py, outage.py, leaving.py;
                                                                  for many small jobs batching.py, look_ahead.py
    slot threads   one handler each                               slots.py, dispatch_queue.py, attempt.py
    heartbeat      leases, progress, cancel, drain, watchdog      heartbeat.py
    fitness        ffmpeg and the store, as this host has them     fitness.py
    watchdog       time limits and lost leases, without database  deadline_watchdog.py
    listener       NOTIFY: work came, beat now                    listener.py
    event relay    events from the outbox to whom they concern    event_relay.py

Only the main thread claims and settles; the others put messages into its mailbox. While Postgres is
away the handlers go on, what they finish is kept, and the main thread tries again with jitter.

A worker that is alive and does not work is worse than none. So every call has a deadline (worker/db/answers.py), the heart
beats only while the main thread turns, and a worker of which one of the two is refused what the other is granted leaves
(outage.py). While only the heart's connection cannot be had, the main thread sends its beats (relay.py).
"""

from __future__ import annotations

from collections.abc import Callable

import structlog

from reelq.worker import db
from reelq.worker.db import schema
from reelq.worker.errors import FAILED, TRY_AGAIN
from reelq.worker.jobs.known_store import WorkerStores
from reelq.worker.runtime import neighbours, registration
from reelq.worker.runtime.attempt import AttemptDeps
from reelq.worker.runtime.deadline_watchdog import DeadlineWatchdog
from reelq.worker.runtime.event_relay import EventRelay
from reelq.worker.runtime.fitness import Fitness
from reelq.worker.runtime.heartbeat import IDLE_S, Heartbeat
from reelq.worker.runtime.leaving import DEREGISTER_S
from reelq.worker.runtime.listener import Listener, mark
from reelq.worker.runtime.main_loop import MainLoop
from reelq.worker.runtime.messages import Message
from reelq.worker.runtime.registry import Registry
from reelq.worker.runtime.slots import Slots
from reelq.worker.sandbox.child import bubble_wanted
from reelq.worker.scratch import Scratch
from reelq.worker.settings import Settings
from reelq.worker.systemd import Notifier

log = structlog.get_logger()


class Runner:
    """One worker. `run` is called once; `shutdown` may be called from any thread and from a signal handler."""

    def __init__(
        self,
        settings: Settings,
        registry: Registry,
        notifier: Notifier | None = None,
        *,
        until_idle: bool = False,
        on_stuck: Callable[[], None] = lambda: None,
    ) -> None:
        """`on_stuck` is called when the main thread has hung for a minute: it should end the process."""
        self._settings = settings
        self._notifier = notifier or Notifier({})
        self._until_idle = until_idle
        self._me = me = registration.new(settings, registry.types)
        self._scratch = Scratch(settings, me.worker_id)
        self._pool = db.Pool(settings, f"reelq slots {me.worker_id}", settings.slots + 2)  # one more to look at the store, one to relay events
        stores = WorkerStores(settings, self._pool)
        self._fitness = Fitness(settings, registry.types, stores.look, lambda: loop.mailbox.put((Message.WORK_READY, "")))
        self.loop = loop = MainLoop(me, self._scratch, self._fitness, self._notifier, until_idle=until_idle)
        self._event_relay = EventRelay(self._pool)
        self._watchdog = DeadlineWatchdog(lambda: [one.deadlines for one in loop.in_flight.attempts()])
        deps = AttemptDeps(
            loop.live, registry, self._pool, self._scratch, stores, loop.leaving.stopping, self._watchdog.look_by,
        )  # fmt: skip
        self._slots = Slots(settings.slots, loop.dispatch_queue, deps, died=lambda: loop.mailbox.put((Message.SLOT_DIED, "")))
        polls = db.polls(settings)
        self._heartbeat = Heartbeat(
            db.Session(settings, f"reelq heartbeat {me.worker_id}"),
            loop.relay,
            me.worker_id,
            loop.in_flight.attempts,
            every_s=settings.heartbeat_s,
            idle_s=settings.heartbeat_s if polls else max(IDLE_S, settings.heartbeat_s),
            notifier=self._notifier,
            contact=loop.contact,
            on_drain=lambda asked: loop.mailbox.put((Message.DRAIN if asked else Message.UNDRAIN, "")),
            on_failure=lambda: loop.mailbox.put((Message.PROBE, "")),
            on_answer=lambda: loop.mailbox.put((Message.WORK_READY, "")),
            on_stuck=on_stuck,
        )
        self._listener = (
            None
            if polls
            else Listener(
                settings,
                f"reelq listener {me.worker_id}",
                on_ready=lambda job_type: loop.mailbox.put((Message.WORK_READY, job_type)),
                on_worker=lambda told: self._heartbeat.beat_now() if told in ("", mark(me.worker_id)) else None,
            )
        )

    @property
    def worker_id(self) -> str:
        """host:pool:pid:random."""
        return self._me.worker_id

    def shutdown(self) -> None:
        """First call: drain. Second call: stop running jobs."""
        self.loop.mailbox.put((Message.SHUTDOWN, ""))

    def run(self) -> int:
        """Work until told to stop; returns the exit code.

        Raises:
            DatabaseAway, SchemaMismatch, SettingsError, QueueError: at the start only.
        """
        self._sandboxed = bubble_wanted(self._settings.sandbox)
        try:
            self.loop.call(schema.require)
            self._scratch.open()
            self.loop.call(self._me.register)
            self.loop.call(neighbours.mark_dead, self._settings.host)
            self._live()
        finally:
            self.loop.close()
            self._scratch.close()
        if self.loop.outage.gave_up:
            return TRY_AGAIN
        return FAILED if self._until_idle and (self.loop.settler.ended["job.failed"] or self.loop.left_unfit) else 0

    def _live(self) -> None:
        """Start the threads, turn the loop, stop the threads."""
        self._pool.open()
        self._slots.start()
        self.loop.contact.turned()  # what came before may have taken long
        self._heartbeat.start()
        self._watchdog.start()
        if self._listener is not None:
            self._listener.start()
        self._notifier.ready()
        settings = self._settings
        log.info(
            "worker.started", worker_id=self.worker_id, pool=settings.pool, slots=settings.slots,
            types=self._me.types, sandboxed=self._sandboxed,
        )  # fmt: skip
        self._fitness.start()
        self._event_relay.start()
        try:
            self.loop.run(self._slots, self._heartbeat, self._watchdog)
        finally:
            self.loop.leaving.stopping.set()
            self._slots.stop()
            self.loop.deregister()
            self._watchdog.stop()
            self._fitness.stop()
            self._event_relay.stop()
            if self._listener is not None:
                self._listener.stop()
            self._heartbeat.stop()
            self._heartbeat.join(DEREGISTER_S)
            self._pool.close()
            counts = {event.replace(".", "_"): count for event, count in sorted(self.loop.settler.ended.items())}
            log.info("worker.stopped", worker_id=self.worker_id, **counts)
