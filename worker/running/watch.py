"""The thread that watches the deadlines of running attempts. It never talks to the database,
so that a connection that hangs cannot keep a lost lease alive."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable

from worker.running.leash import Leash

LOOK_S = 1.0  # deadlines move (heartbeats, progress); with a job in hand look at least so often


class Watch(threading.Thread):
    """Calls `expire` on every leash that is due."""

    def __init__(self, leashes: Callable[[], Iterable[Leash]]) -> None:
        super().__init__(name="watch", daemon=True)
        self._leashes = leashes
        self._changed = threading.Condition()
        self._until = 0.0  # when it looks next
        self._over = False

    def look_by(self, due: float) -> None:
        """A new leash is due at `due`: make sure that somebody looks by then."""
        if due < self._until or self._until == float("inf"):
            with self._changed:
                self._until = 0.0
                self._changed.notify()

    def stop(self) -> None:
        """End the thread."""
        with self._changed:
            self._over = True
            self._changed.notify()

    def run(self) -> None:
        """Sleep until the nearest deadline; without jobs, until there is one."""
        while not self._over:
            nearest = float("inf")
            busy = False
            for leash in self._leashes():
                leash.expire()  # kills in this thread; not under the lock
                busy = True
                nearest = min(nearest, leash.due())
            with self._changed:
                now = time.monotonic()
                self._until = min(nearest, now + LOOK_S) if busy else float("inf")
                while not self._over and 0.0 < self._until and time.monotonic() < self._until:
                    self._changed.wait(None if self._until == float("inf") else self._until - time.monotonic())
