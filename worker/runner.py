"""A worker: claims, runs, settles, until it is told to leave.

    main thread    one message at a time: settle what ended, claim for the slots that are free
                                                                  running/loop.py, claimer.py, hands.py, ledger.py
    slot threads   one handler each                               running/slots.py, backlog.py, attempt.py
    heart          leases, progress, cancel, drain, watchdog      running/heart.py
    watch          time limits and lost leases, without database  running/watch.py
    listener       NOTIFY: work came, beat now                    running/listener.py

Only the main thread claims and settles; the others put messages into its mailbox. While Postgres is
away the handlers go on, what they finish is kept, and the main thread tries again with jitter.
"""

from __future__ import annotations

from functools import cache

import structlog

from worker import db, schema
from worker.errors import FAILED
from worker.registry import Registry
from worker.running import identity, neighbours
from worker.running.attempt import Means
from worker.running.broom import sweep_store
from worker.running.heart import IDLE_S, Heart
from worker.running.listener import Listener
from worker.running.loop import GOODBYE_S, Loop
from worker.running.slots import Slots
from worker.running.watch import Watch
from worker.sandbox import bubble_wanted
from worker.scratch import Scratch
from worker.settings import Settings
from worker.store import open_store
from worker.systemd import Notifier

log = structlog.get_logger()


class Runner:
    """One worker. `run` is called once; `leave` may be called from any thread and from a signal handler."""

    def __init__(
        self, settings: Settings, registry: Registry, notifier: Notifier | None = None, *, until_idle: bool = False
    ) -> None:
        self._settings = settings
        self._notifier = notifier or Notifier({})
        self._until_idle = until_idle
        self._me = me = identity.new(settings, registry.types)
        self._scratch = Scratch(settings, me.worker_id)
        self.loop = loop = Loop(me, self._scratch, self._notifier, until_idle=until_idle)
        self._pool = db.Pool(settings, f"reelq slots {me.worker_id}", settings.slots)
        self._watch = Watch(lambda: [one.leash for one in loop.hands.attempts()])
        means = Means(
            settings, registry, self._pool, self._scratch, cache(lambda: open_store(settings)), loop.hurry, self._watch.look_by
        )
        self._slots = Slots(settings.slots, loop.backlog, means, died=lambda: loop.mailbox.put(("died", None)))
        polls = db.polls(settings)
        self._heart = Heart(
            db.Session(settings, f"reelq heart {me.worker_id}"),
            me.worker_id,
            loop.hands.attempts,
            every_s=settings.heartbeat_s,
            idle_s=settings.heartbeat_s if polls else max(IDLE_S, settings.heartbeat_s),
            notifier=self._notifier,
            on_drain=lambda: loop.mailbox.put(("drain", None)),
        )
        self._listener = (
            None
            if polls
            else Listener(
                settings,
                f"reelq listener {me.worker_id}",
                on_ready=lambda job_type: loop.mailbox.put(("ready", job_type)),
                on_worker=lambda worker_id: self._heart.beat_now() if worker_id in ("", me.worker_id) else None,
            )
        )

    @property
    def worker_id(self) -> str:
        """host:pool:pid:random."""
        return self._me.worker_id

    def leave(self) -> None:
        """First call: drain. Second call: leave at once."""
        self.loop.mailbox.put(("leave", None))

    def run(self) -> int:
        """Work until told to leave; returns the exit code.

        Raises:
            DatabaseAway, SchemaMismatch, SettingsError, QueueError: at the start only.
        """
        self._sandboxed = bubble_wanted(self._settings.sandbox)
        try:
            self.loop.call(schema.require)
            self._scratch.open()
            self.loop.call(self._me.register)
            self.loop.call(neighbours.bury_dead, self._settings.host)
            self._live()
        finally:
            self.loop.close()
            self._scratch.close()
        return FAILED if self._until_idle and self.loop.ledger.ended["job.failed"] else 0

    def _live(self) -> None:
        """Start the threads, turn the loop, stop the threads."""
        self._pool.open()
        self._slots.start()
        self._heart.start()
        self._watch.start()
        if self._listener is not None:
            self._listener.start()
        self._notifier.ready()
        settings = self._settings
        log.info(
            "worker.started", worker_id=self.worker_id, pool=settings.pool, slots=settings.slots,
            types=self._me.types, sandboxed=self._sandboxed,
        )  # fmt: skip
        sweep_store(settings)
        try:
            self.loop.run(self._slots, self._heart, self._watch)
        finally:
            self.loop.hurry.set()
            self._slots.stop()
            self.loop.say_goodbye()
            self._watch.stop()
            if self._listener is not None:
                self._listener.stop()
            self._heart.stop()
            self._heart.join(GOODBYE_S)
            self._pool.close()
            counts = {event.replace(".", "_"): count for event, count in sorted(self.loop.ledger.ended.items())}
            log.info("worker.stopped", worker_id=self.worker_id, **counts)
