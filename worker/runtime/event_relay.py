"""A thread that passes events on: once a second what is in the outbox, once a minute the upkeep of endpoints.

Every worker has one. Of several at once one works, and the others leave it to that. With an empty outbox a call costs one look at an index.
"""

from __future__ import annotations

import threading
import time

import psycopg
import structlog

from reelq.worker import db
from reelq.worker.errors import ReelqError
from reelq.worker.rooms.ops import events, webhooks
from reelq.worker.runtime.contact import Trouble

log = structlog.get_logger()

EVERY_S = 1.0
TEND_S = 60.0
BATCH = 2000  # events a transaction
HEAVY_S = 0.2  # what took so long may have been cut short by the weight of its events


class EventRelay(threading.Thread):
    """`stop` ends it after the call that is under way."""

    def __init__(self, pool: db.Pool) -> None:
        super().__init__(name="event relay", daemon=True)
        self._pool = pool
        self._stopping = threading.Event()
        self._trouble = Trouble()

    def stop(self) -> None:
        """End the thread."""
        self._stopping.set()

    def run(self) -> None:
        """Relay, and wait. An outage is the main thread's to tell of."""
        tend_at = time.monotonic()
        wait_s = EVERY_S
        while not self._stopping.wait(wait_s):
            wait_s = EVERY_S
            try:
                began = time.monotonic()
                relayed = self._pool.call(events.relay_events, BATCH)
                if relayed == BATCH or (relayed > 0 and time.monotonic() >= began + HEAVY_S):
                    wait_s = 0.0  # more may wait
                if time.monotonic() >= tend_at:
                    tend_at = time.monotonic() + TEND_S
                    self._pool.call(webhooks.tend_webhooks)
            except (ReelqError, psycopg.Error) as error:
                if self._trouble.failed(error):
                    log.warning("events.delayed", error=str(error)[:500])
                wait_s = db.backoff(self._trouble.tries)
            else:
                if self._trouble:
                    log.info("events.relayed", failures=self._trouble.over())
