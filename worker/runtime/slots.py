"""The slots: threads that run attempts, one after another."""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog

from reelq.worker.runtime import outcome
from reelq.worker.runtime.attempt import Attempt, AttemptDeps
from reelq.worker.runtime.dispatch_queue import DispatchQueue

log = structlog.get_logger()


class Slot(threading.Thread):
    """One thread; `attempt` is what it runs now."""

    def __init__(self, number: int, dispatch_queue: DispatchQueue, deps: AttemptDeps, died: Callable[[], None]) -> None:
        super().__init__(name=f"slot-{number}", daemon=True)
        self.number = number
        self.attempt: Attempt | None = None
        self.over = False
        self._dispatch_queue = dispatch_queue
        self._deps = deps
        self._died = died

    def run(self) -> None:
        """Run what comes until told to end."""
        take, done, deps = self._dispatch_queue.take, self._dispatch_queue.done, self._deps
        try:
            while (attempt := take()) is not None:
                self.attempt = attempt
                attempt.run(deps)
                self.attempt = None
                done(attempt)
        finally:
            self.over = True
            if self.attempt is not None:
                self._died()


class Slots:
    """All slots of a worker."""

    def __init__(self, count: int, dispatch_queue: DispatchQueue, deps: AttemptDeps, died: Callable[[], None]) -> None:
        self._dispatch_queue = dispatch_queue
        self._deps = deps
        self._died = died
        self._slots = [self._slot(number) for number in range(1, count + 1)]

    def _slot(self, number: int) -> Slot:
        return Slot(number, self._dispatch_queue, self._deps, self._died)

    def start(self) -> None:
        """Start the threads."""
        for slot in self._slots:
            slot.start()

    def revive(self) -> None:
        """Replace threads that died, and end what they ran: a job is settled, no slot is lost."""
        for place, slot in enumerate(self._slots):
            if not slot.over:
                continue
            self._slots[place] = self._slot(slot.number)
            self._slots[place].start()
            log.error("slot.died", slot=slot.number)
            if slot.attempt is not None:
                slot.attempt.deadlines.finish()
                slot.attempt.outcome = outcome.untellable(RuntimeError("the slot's thread died"))
                self._dispatch_queue.done(slot.attempt)

    def stop(self) -> None:
        """End the threads that are free; one that still runs a handler ends with the process."""
        self._dispatch_queue.close()
