"""The clock of `reelq periodic run`: procrastinate's periodic tasks, one a minute, which does the upkeep that is due.

What is due and who does it SQL decides (worker/upkeep/run.py), so two of these, or this beside a timer and cron, are harmless. procrastinate sees no
job of ours: its tables lie in a schema of their own (worker/db/schema/vendored.py), and its jobs say no more than "look".

Its worker ends, without an error, when one of its side tasks fails, as when Postgres restarts. So it is started anew until it is told to stop.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import threading
from collections.abc import Callable

import procrastinate
import psycopg_pool
import structlog
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from reelq.worker import db
from reelq.worker.db import schema
from reelq.worker.db.schema import vendored
from reelq.worker.errors import DONE, DatabaseAway, DatabaseRefuses, ReelqError, SchemaMissing
from reelq.worker.settings import Settings
from reelq.worker.stop import StopSignal
from reelq.worker.systemd import Notifier
from reelq.worker.upkeep import run as upkeep_run

EVERY = "* * * * *"
QUEUE = "upkeep"
SIDE_BY_SIDE = 3  # a VACUUM of an hour does not keep the others waiting
POLL_S = 5.0
LEAVE_S = 8.0  # after SIGTERM: a statement that is cancelled has ended, and its end is written down
FEED_S = 10.0  # where no watchdog says how often

log = structlog.get_logger()


class Periodic:
    """The service. `run` is called once, in the main thread; `stop` may be called from any."""

    def __init__(self, settings: Settings, notifier: Notifier, on_stuck: Callable[[], None] = lambda: os._exit(DONE)) -> None:
        self._settings = settings
        self._notifier = notifier
        self._on_stuck = on_stuck
        self._signal = StopSignal()
        self._leaving = asyncio.Event()

    def run(self) -> int:
        """Tick until told to stop; returns the exit code.

        Raises:
            DatabaseAway, SchemaMismatch, SettingsError, QueueError: at the start only.
        """
        with db.family(), db.connect(self._settings, "reelq periodic", direct=True) as conn:
            schema.require(conn)
            db.check_own_session(self._settings, conn, "reelq periodic run")
            if vendored.state(conn) == "pending":
                raise SchemaMissing(f"this database lacks the tables of {vendored.PACKAGE}", "As the owner: reelq schema upgrade")
        logging.getLogger("procrastinate").setLevel(logging.CRITICAL)  # it tells of each job and each lost connection; what matters is told here
        asyncio.run(self._live())
        return DONE

    async def _live(self) -> None:
        """One worker of procrastinate after the other."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop)
        feeding = asyncio.create_task(self._feed())
        turn = 0
        try:
            while not self._leaving.is_set():
                began = loop.time()
                await self._tick_on()
                if self._leaving.is_set():
                    break
                turn = 0 if loop.time() - began > 60 else turn + 1
                try:
                    await asyncio.wait_for(self._leaving.wait(), db.backoff(turn))
                except TimeoutError:
                    pass  # the pause is over
        finally:
            feeding.cancel()
            log.info("periodic.stopped")

    async def _tick_on(self) -> None:
        """Work until the worker ends, by itself or because it was told to."""
        app = self._app()
        try:
            async with app.open_async():
                self._notifier.ready()
                log.info("periodic.started", clock=upkeep_run.who(self._settings, "periodic"))
                working = asyncio.create_task(
                    app.run_worker_async(
                        queues=[QUEUE], name=self._settings.host, concurrency=SIDE_BY_SIDE, fetch_job_polling_interval=POLL_S, listen_notify=False,
                        delete_jobs="always", install_signal_handlers=False,
                    )
                )  # fmt: skip
                leaving = asyncio.create_task(self._leaving.wait())
                await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
                leaving.cancel()
                working.cancel()  # the worker then waits for the calls under way, which have their own signal
                await asyncio.gather(working, return_exceptions=True)
                if not self._leaving.is_set():
                    log.warning("periodic.lost", error="procrastinate's worker ended by itself; it begins anew")
        except (procrastinate.exceptions.ConnectorException, psycopg_pool.PoolTimeout, OSError) as error:
            log.warning("periodic.lost", error=" ".join(str(error).split()))

    def _app(self) -> procrastinate.App:
        """The app with its one task; connections go past any pooler, with a search_path of their own."""
        given = conninfo_to_dict(db.conninfo(self._settings, "reelq periodic clock", direct=True))
        given["options"] = f"{given.get('options', '')} -c search_path={vendored.SPACE},pg_catalog".strip()
        connector = procrastinate.PsycopgConnector(conninfo=make_conninfo("", **given), min_size=1, max_size=SIDE_BY_SIDE + 2, timeout=30.0)
        app = procrastinate.App(connector=connector)

        # One waits at most: after an outage there is one look, not one for each minute of it.
        @app.periodic(cron=EVERY)
        @app.task(name="upkeep", queue=QUEUE, queueing_lock="upkeep", pass_context=False)
        def upkeep(timestamp: int) -> None:
            del timestamp  # by this host's clock; SQL goes by the database's
            self.look()

        return app

    def look(self) -> None:
        """Do what is due, in a thread of procrastinate's worker."""
        try:
            for ran in upkeep_run.run(self._settings, clock="periodic", stop=self._signal, on_stuck=self._on_stuck):
                told = {"task": ran.name, "outcome": ran.outcome, "ran_s": ran.seconds, "result": ran.result, "error": ran.error}
                if ran.exit_code == DONE:
                    log.info("upkeep.ended", **told)
                else:
                    log.warning("upkeep.ended", **told)
        except DatabaseRefuses:
            raise
        except (DatabaseAway, ReelqError) as error:
            log.warning("upkeep.postponed", error=" ".join(str(error).split()))

    async def _feed(self) -> None:
        """Feed systemd's watchdog while the loop turns."""
        every = (self._notifier.watchdog_s or 2 * FEED_S) / 2
        while True:
            self._notifier.feed()
            await asyncio.sleep(every)

    def _stop(self) -> None:
        """SIGTERM: end the statements that run, then the process, whatever still hangs."""
        self._notifier.stopping()
        self._leaving.set()
        leaving = threading.Timer(LEAVE_S, self._on_stuck)
        leaving.daemon = True
        leaving.start()
        threading.Thread(target=self._signal.set, args=["shutdown"], daemon=True).start()
