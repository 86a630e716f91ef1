"""The thread that says that a task is still being done, and ends it: told to stop, out of time, or taken over by somebody else.

A statement that runs is cancelled in the server, again and again until the task has noticed. A task that does not notice even so
hangs where nothing reaches it; then the process is ended, and its lease runs out.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from reelq.worker import db
from reelq.worker.db.rows import Connection
from reelq.worker.errors import DatabaseAway, ReelqError
from reelq.worker.rooms.ops import upkeep as room
from reelq.worker.settings import Settings
from reelq.worker.stop import StopSignal

KEEP_S = 20.0  # ops.task_lease() is six times as long
LOOK_S = 0.5
CANCEL_S = 2.0
STUCK_S = 60.0  # after the signal; a statement that is cancelled ends within moments


class Lease(threading.Thread):
    """Of one task; a context manager around it."""

    def __init__(
        self, settings: Settings, name: str, token: int, seconds: float, conn: Connection, stop: StopSignal,
        say: Callable[[str], None], on_stuck: Callable[[], None],
    ) -> None:  # fmt: skip
        super().__init__(name=f"lease of {name}", daemon=True)
        self._session = db.Session(settings, f"reelq upkeep lease {name}")
        self._task, self._token = name, token
        self._until = time.monotonic() + seconds
        self._conn, self._signal, self._say, self._on_stuck = conn, stop, say, on_stuck
        self._over = threading.Event()

    def __enter__(self) -> Lease:
        """Begin."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """The task has ended, however."""
        self._over.set()
        self.join()
        self._session.close()

    def run(self) -> None:
        """Look twice a second; say so every twenty."""
        kept, stopped = time.monotonic(), None
        while not self._over.wait(LOOK_S if stopped is None else CANCEL_S):
            now = time.monotonic()
            if self._signal.reason is None and now >= self._until:
                self._signal.set("time_limit")
            if self._signal.reason is None and now >= kept + KEEP_S:
                kept = now
                self._keep()
            if self._signal.reason is not None:
                stopped = stopped or now
                self._cancel()
                if now >= stopped + STUCK_S:
                    self._say(f"hangs where nothing reaches it ({self._signal.reason}): the process ends")
                    self._on_stuck()
                    return

    def _keep(self) -> None:
        """Extend the lease; another's means that this one took too long to say so."""
        try:
            if not self._session.call(room.keep_task, self._task, self._token):
                self._signal.set("lease_lost")
        except DatabaseAway as error:
            self._say(f"its lease could not be extended: {error}")

    def _cancel(self) -> None:
        """End the statement that runs, if one does."""
        try:
            with db.family():
                self._conn.cancel_safe(timeout=CANCEL_S)
        except ReelqError as error:
            self._say(f"its statement could not be cancelled: {error}")
