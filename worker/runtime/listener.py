"""The thread that listens: `reelq_ready` (work came) and `reelq_worker` (beat now). A notification
is a hint; whatever is missed here is found by polling.

It waits in poll() on the socket: psycopg's notifies() would wake ten times a second. Now and then it asks something, for
a connection that is silent because it leads nowhere looks like one without news.
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
from reelq.worker.db.answers import answer_within
from reelq.worker.errors import ReelqError
from reelq.worker.runtime.contact import Trouble
from reelq.worker.settings import Settings

log = structlog.get_logger()

ASK_S = 30.0  # after so long without news it asks whether the connection still answers
ANSWER_S = 10.0


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
        os.write(self._wake_write, b"x")  # first: the thread closes the pipe when it ends
        self._over.set()

    def run(self) -> None:
        """Listen; reconnect with jitter when the connection is lost."""
        trouble = Trouble()
        while not self._over.is_set():
            try:
                with db.family(), db.connect(self._settings, self._name, direct=True) as conn:
                    with answer_within(conn, ANSWER_S):
                        conn.execute("listen reelq_ready")
                        conn.execute("listen reelq_worker")
                    if trouble:
                        log.info("listener.found", tries=trouble.over())
                    self._on_ready("")  # work may have come while no connection listened
                    self._on_worker("")
                    self._listen(conn)
            except (ReelqError, psycopg.Error, OSError) as error:
                if trouble.failed(error):
                    log.warning("listener.lost", error=str(error))
                self._over.wait(db.backoff(trouble.tries - 1))
        os.close(self._wake_read)
        os.close(self._wake_write)

    def _listen(self, conn: db.Connection) -> None:
        """Pass notifications on until stopped; raises when the connection is lost."""
        # Those that come while something is asked; all others are read below.
        conn.add_notify_handler(lambda one: self._tell(one.channel, one.payload))
        poll = select.poll()
        poll.register(conn.fileno(), select.POLLIN)
        poll.register(self._wake_read, select.POLLIN)
        while not self._over.is_set():
            while (notification := conn.pgconn.notifies()) is not None:
                self._tell(notification.relname.decode(), notification.extra.decode())
            if poll.poll(ASK_S * 1000):
                conn.pgconn.consume_input()
                continue
            with answer_within(conn, ANSWER_S):
                conn.execute("select")

    def _tell(self, channel: str, text: str) -> None:
        """Pass one notification on."""
        (self._on_ready if channel == "reelq_ready" else self._on_worker)(text)
