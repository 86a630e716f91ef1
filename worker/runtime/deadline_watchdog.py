"""The thread that watches the deadlines of running attempts. It never talks to the database,
so that a connection that hangs cannot keep a lost lease alive."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable

from reelq.worker.runtime.deadlines import Deadlines

LOOK_S = 1.0  # deadlines move (heartbeats, progress); with a job in flight look at least so often
IDLE_S = 5.0  # without one: what comes later than that needs nobody to be woken for it


class DeadlineWatchdog(threading.Thread):
    """Calls `expire` on all deadlines that are due."""

    def __init__(self, all_deadlines: Callable[[], Iterable[Deadlines]]) -> None:
        super().__init__(name="watch", daemon=True)
        self._all_deadlines = all_deadlines
        self._changed = threading.Condition()
        self._until = 0.0  # when it checks next
        self._again = False  # an attempt came whose deadline is earlier
        self._over = False

    def look_by(self, due: float) -> None:
        """A new attempt has a deadline at `due`: make sure that it is checked by then."""
        if due < self._until:
            with self._changed:
                self._again = True
                self._changed.notify()

    def stop(self) -> None:
        """End the thread."""
        with self._changed:
            self._over = True
            self._changed.notify()

    def run(self) -> None:
        """Sleep until the nearest deadline."""
        while not self._over:
            nearest = self._until = float("inf")  # set first, so that an attempt that comes during the check asks for another
            busy = False
            for deadlines in self._all_deadlines():
                deadlines.expire()  # may kill a child, so not under the lock
                busy = True
                nearest = min(nearest, deadlines.due())
            with self._changed:
                self._until = min(nearest, time.monotonic() + (LOOK_S if busy else IDLE_S))
                if not self._again and not self._over:
                    self._changed.wait(max(0.0, self._until - time.monotonic()))
                self._again = False
