"""What lies between the main thread and the slots: claimed jobs on their way in, ended ones on their way out.

A slot takes the next job when it is free. A job that fills a slot goes first, since a slot was claimed for it. Of small
jobs (`batch` of their type is above 1) more wait here than there are slots, in one queue for all, so that no slot is idle
while another has work. The main thread is not woken for each job that ends:

    a job that filled a slot has ended                            at once
    half of the small jobs are taken, or a slot finds nothing     at once
    the first one ended since the main thread looked              once; see batching.py
"""

from __future__ import annotations

import queue as queues
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from reelq.worker.runtime.attempt import Attempt

LARGE = object()  # in the queue it stands for the next of the jobs that fill a slot


class DispatchQueue:
    """Slots call `take` and `done`, the main thread all the rest."""

    def __init__(self, slots: int, wake: Callable[[], None]) -> None:
        self._slots = slots
        self._wake = wake
        self._todo: queues.SimpleQueue[Attempt | object | None] = queues.SimpleQueue()
        self._large: deque[Attempt] = deque()  # what fills a slot; for each there is a LARGE in `todo`
        self._ended: deque[Attempt] = deque()
        self._low = 0  # so few jobs in `todo` are worth a claim
        self._slot_is_free = False  # a job that filled a slot has ended
        self._armed = False  # the main thread wants to be woken
        self._by_first = False  # ... by the first that ends, whatever it is

    def give(self, attempts: Iterable[Attempt]) -> None:
        """Have them run, in this order, each in the next slot that is free; but those that fill a slot first."""
        for attempt in attempts:
            if attempt.fills_a_slot:
                self._large.append(attempt)
                self._todo.put(LARGE)
            else:
                self._todo.put(attempt)

    def take(self) -> Attempt | None:
        """The next one to run; waits for it. None: there will be no more."""
        while True:
            one = self._todo.get()
            if self._large:
                with suppress(IndexError):  # another slot was quicker
                    large = self._large.popleft()
                    if one is not LARGE:
                        self._todo.put(one)
                    return large
            if one is not LARGE:
                return one  # type: ignore[return-value]

    def done(self, attempt: Attempt) -> None:
        """It has ended. Called by its slot."""
        self._ended.append(attempt)
        if attempt.fills_a_slot:
            self._slot_is_free = True  # after the append: `collect` resets it before it looks
        if self._armed and (self._by_first or self.is_urgent()):
            self._armed = False
            self._wake()

    def is_urgent(self) -> bool:
        """Whether a slot is free or will be soon."""
        return self._slot_is_free or self._todo.qsize() <= self._low

    def collect(self) -> list[Attempt]:
        """What has ended since the last call."""
        self._slot_is_free = False
        ended = []
        while self._ended:
            ended.append(self._ended.popleft())
        return ended

    def arm(self, *, by_first: bool) -> bool:
        """Ask to be woken, before waiting; False when there is reason already not to wait."""
        self._by_first = by_first
        self._armed = True
        if self._ended and (by_first or self.is_urgent()):
            self._armed = False
        return self._armed

    def claimed(self, *, more: bool) -> None:
        """A claim is over. `more`: the queue may have more, so ask again when half of what is here is taken."""
        self._low = max(0, self._todo.qsize() // 2 - self._slots) if more else 0

    def take_back(self) -> list[Attempt]:
        """Remove and return the small jobs that no slot has begun. A job that fills a slot stays: a slot is about to begin it."""
        small: list[Attempt] = []
        others: list[Any] = []
        try:
            while True:
                one = self._todo.get_nowait()
                if isinstance(one, Attempt):
                    small.append(one)
                else:
                    others.append(one)
        except queues.Empty:
            for one in others:
                self._todo.put(one)
        return small

    def close(self) -> None:
        """Tell every slot that there will be no more."""
        for _ in range(self._slots):
            self._todo.put(None)
