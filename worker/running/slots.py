"""The slots: threads that run attempts, one after another."""

from __future__ import annotations

import queue as queues
import threading
from collections.abc import Callable

import structlog

from worker.running import outcome
from worker.running.attempt import Attempt, Means

log = structlog.get_logger()


class Slot(threading.Thread):
    """One thread; `attempt` is what it has in hand."""

    def __init__(
        self,
        number: int,
        todo: queues.SimpleQueue[Attempt | None],
        means: Means,
        done: Callable[[Attempt], None],
        died: Callable[[], None],
    ) -> None:
        super().__init__(name=f"slot-{number}", daemon=True)
        self.number = number
        self.attempt: Attempt | None = None
        self.over = False
        self._todo = todo
        self._means = means
        self._done = done
        self._died = died

    def run(self) -> None:
        """Run what comes until told to end."""
        try:
            while (attempt := self._todo.get()) is not None:
                self.attempt = attempt
                attempt.run(self._means)
                self.attempt = None
                self._done(attempt)
        finally:
            self.over = True
            if self.attempt is not None:
                self._died()


class Slots:
    """All slots of a worker, and the queue before them."""

    def __init__(self, count: int, means: Means, done: Callable[[Attempt], None], died: Callable[[], None]) -> None:
        self._means = means
        self._done = done
        self._died = died
        self._todo: queues.SimpleQueue[Attempt | None] = queues.SimpleQueue()
        self._slots = [self._slot(number) for number in range(1, count + 1)]

    def _slot(self, number: int) -> Slot:
        return Slot(number, self._todo, self._means, self._done, self._died)

    def start(self) -> None:
        """Start the threads."""
        for slot in self._slots:
            slot.start()

    def give(self, attempt: Attempt) -> None:
        """Run an attempt in the next free slot."""
        self._todo.put(attempt)

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
                self._done(slot.attempt)

    def stop(self) -> None:
        """End the threads that are free; one that is stuck in a handler dies with the process."""
        for _ in self._slots:
            self._todo.put(None)
