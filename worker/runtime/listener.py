"""The thread that listens: `reelq_ready` (work came) and `reelq_worker` (beat now). A notification
is a hint; whatever is missed here is found by polling.

It waits in poll() on the socket: psycopg's notifies() would wake ten times a second.
"""

from __future__ import annotations

import hashlib
import os
import select
import threading
from collections.abc import Callable

import psycopg
import structlog

from reelq.worker import db
from reelq.worker.errors import ReelqError
from reelq.worker.settings import Settings

log = structlog.get_logger()


def mark(worker_id: str) -> str:
    """What queue.notify_worker calls a worker: everybody who may connect can listen, so not its name."""
    return hashlib.sha256(worker_id.encode()).hexdigest()[:8]


class Listener(threading.Thread):
    """Calls `on_ready(job type)` and `on_worker(mark of a worker)`, see `mark`; both with "" after a gap."""

    def __init__(self, settings: Settings, name: str, on_ready: Callable[[str], None], on_worker: Callable[[str], None]) -> None:
        super().__init__(name="listener", daemon=True)
        self._settings = settings
        self._name = name
        self._on_ready = on_ready
        self._on_worker = on_worker
        self._over = threading.Event()
        self._wake_read, self._wake_write = os.pipe()

    def stop(self) -> None:
        """End the thread."""
        self._over.set()
        os.write(self._wake_write, b"x")

    def run(self) -> None:
        """Listen; reconnect with jitter when the connection is lost."""
        turn = 0
        while not self._over.is_set():
            try:
                with db.family(), db.connect(self._settings, self._name, direct=True) as conn:
                    conn.execute("listen reelq_ready")
                    conn.execute("listen reelq_worker")
                    turn = 0
                    self._on_ready("")  # work may have come while no connection listened
                    self._on_worker("")
                    self._listen(conn)
            except (ReelqError, psycopg.Error, OSError) as error:
                if turn == 0:
                    log.warning("listener.lost", error=str(error))
                self._over.wait(db.backoff(turn))
                turn += 1
        os.close(self._wake_read)
        os.close(self._wake_write)

    def _listen(self, conn: db.Connection) -> None:
        """Pass notifications on until stopped; raises when the connection is lost."""
        poll = select.poll()
        poll.register(conn.fileno(), select.POLLIN)
        poll.register(self._wake_read, select.POLLIN)
        while not self._over.is_set():
            while (notification := conn.pgconn.notifies()) is not None:
                callback = self._on_ready if notification.relname == b"reelq_ready" else self._on_worker
                callback(notification.extra.decode())
            poll.poll()
            conn.pgconn.consume_input()
