"""The slots: threads that run attempts, one after another."""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog

from worker.running import outcome
from worker.running.attempt import Attempt, Means
from worker.running.backlog import Backlog

log = structlog.get_logger()


class Slot(threading.Thread):
    """One thread; `attempt` is what it has in hand."""

    def __init__(self, number: int, backlog: Backlog, means: Means, died: Callable[[], None]) -> None:
        super().__init__(name=f"slot-{number}", daemon=True)
        self.number = number
        self.attempt: Attempt | None = None
        self.over = False
        self._backlog = backlog
        self._means = means
        self._died = died

    def run(self) -> None:
        """Run what comes until told to end."""
        take, done, means = self._backlog.take, self._backlog.done, self._means
        try:
            while (attempt := take()) is not None:
                self.attempt = attempt
                attempt.run(means)
                self.attempt = None
                done(attempt)
        finally:
            self.over = True
            if self.attempt is not None:
                self._died()


class Slots:
    """All slots of a worker."""

    def __init__(self, count: int, backlog: Backlog, means: Means, died: Callable[[], None]) -> None:
        self._backlog = backlog
        self._means = means
        self._died = died
        self._slots = [self._slot(number) for number in range(1, count + 1)]

    def _slot(self, number: int) -> Slot:
        return Slot(number, self._backlog, self._means, self._died)

    def start(self) -> None:
        """Start the threads."""
        for slot in self._slots:
            slot.start()

    def revive(self) -> None:
        """Replace threads that died, and end what they had in hand: a job is settled, no slot is lost."""
        for place, slot in enumerate(self._slots):
            if not slot.over:
                continue
            self._slots[place] = self._slot(slot.number)
            self._slots[place].start()
            log.error("slot.died", slot=slot.number)
            if slot.attempt is not None:
                slot.attempt.leash.finish()
                slot.attempt.outcome = outcome.failed(RuntimeError("the slot's thread died"))
                self._backlog.done(slot.attempt)

    def stop(self) -> None:
        """End the threads that are free; one that is stuck in a handler dies with the process."""
        self._backlog.close()
