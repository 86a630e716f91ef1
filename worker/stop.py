"""How a running attempt is told to end: one signal, several reasons, killers called at once.

The heartbeat thread sets it (cancel, lost lease), the clock sets it (time limit), the drain sets
it. Whoever started a child process has registered how to kill it, so the child dies in the
thread that sets the signal, not when the handler looks next.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from reelq.worker.errors import StopRequested

REASONS = ("cancelled", "lease_lost", "time_limit", "stalled", "shutdown")


class StopSignal:
    """Set once; the first reason stays.

    A worker makes one for every job that it claims, by the thousand where they are small: what most never
    need, an event to wait on, is made when somebody waits, and one lock serves all of them for moments.
    """

    __slots__ = ("_event", "_killers", "_reason")
    _lock = threading.Lock()

    def __init__(self) -> None:
        self._event: threading.Event | None = None
        self._killers: list[Callable[[], None]] = []
        self._reason: str | None = None

    @property
    def reason(self) -> str | None:
        """Why the attempt has to end; None while it may go on."""
        return self._reason

    def set(self, reason: str) -> None:
        """Tell the attempt to end, and kill what it has running."""
        if reason not in REASONS:
            raise ValueError(f"unknown stop reason {reason!r}")
        with self._lock:
            if self._reason is not None:
                return
            self._reason = reason
            killers = list(self._killers)
            if self._event is not None:
                self._event.set()
        for kill in killers:
            kill()

    def check(self) -> None:
        """Raise StopRequested when the attempt has to end."""
        if self._reason is not None:
            raise StopRequested(self._reason)

    def wait(self, timeout_s: float | None = None) -> bool:
        """Sleep until the signal or the time-out; True when it is set."""
        with self._lock:
            if self._event is None:
                self._event = threading.Event()
                if self._reason is not None:
                    self._event.set()
        return self._event.wait(timeout_s)

    @contextmanager
    def killing(self, kill: Callable[[], None]) -> Iterator[None]:
        """Call `kill` (from whichever thread sets the signal) while the block runs.

        `kill` must be safe to call more than once and on a child that is gone.
        """
        with self._lock:
            self._killers.append(kill)
            already = self._reason is not None
        if already:
            kill()
        try:
            yield
        finally:
            with self._lock:
                self._killers.remove(kill)
