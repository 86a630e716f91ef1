"""One thread that cuts connections whose time is over, however busily the other side sends.

A time-out of the socket counts from the last byte, so that a byte now and then would hold a slot for ever.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

TICK_S = 0.2


class Cut:
    """A deadline that waits to be met or cancelled."""

    __slots__ = ("at", "cut", "is_over")

    def __init__(self, at: float, cut: Callable[[], None]) -> None:
        self.at, self.cut, self.is_over = at, cut, False


class DeadlineClock:
    """Deadlines that lie seconds ahead, all of them; the thread sleeps while there is none."""

    def __init__(self) -> None:
        self._open: set[Cut] = set()
        self._condition = threading.Condition()
        self._thread: threading.Thread | None = None

    def start(self, after_s: float, cut: Callable[[], None]) -> Cut:
        """Call `cut` in so many seconds, from the clock's thread, unless it is cancelled; `is_over` then says so."""
        one = Cut(time.monotonic() + after_s, cut)
        with self._condition:
            if not self._open:
                self._condition.notify()
            self._open.add(one)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="webhook deadlines", daemon=True)
                self._thread.start()
        return one

    def cancel(self, one: Cut) -> None:
        """It was met."""
        with self._condition:
            self._open.discard(one)

    def _run(self) -> None:
        while True:
            with self._condition:
                if not self._open:
                    self._condition.wait()
                now = time.monotonic()
                due = [one for one in self._open if one.at <= now]
                for one in due:
                    one.is_over = True
                    self._open.discard(one)
            for one in due:
                one.cut()
            time.sleep(TICK_S)
