"""How many of a worker's slots may wait for one endpoint: a part of them, and fewer while it is slow.

Deliveries to an endpoint that hangs would else take one slot after the other until none is left for the others.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from reelq.worker.errors import SnoozeError

SLOW_S = 1.0  # an endpoint that takes longer is slow
PATIENCE_S = 0.05  # so long a delivery waits for a place: one that answers quickly has one free by then
SNOOZE_S = (1.0, 3.0)
SLOW_SNOOZE_S = (10.0, 20.0)  # each of thousands comes back once or twice before the endpoint's deliveries are held


class Crowding:
    """Deliveries under way, by endpoint. Shared by the slots."""

    def __init__(self, slots: int) -> None:
        self._most, self._most_slow = max(1, slots * 3 // 4), max(1, slots // 4)
        self._began: dict[UUID, list[float]] = {}
        self._condition = threading.Condition()

    @contextmanager
    def place(self, webhook_id: UUID) -> Iterator[None]:
        """Hold one of the endpoint's places for the length of the block.

        Raises:
            SnoozeError: "webhook_crowded", there is none.
        """
        began = self._enter(webhook_id)
        try:
            yield
        finally:
            with self._condition:
                others = self._began[webhook_id]
                others.remove(began)
                if not others:
                    del self._began[webhook_id]
                self._condition.notify_all()

    def _enter(self, webhook_id: UUID) -> float:
        until = None
        with self._condition:
            while True:
                now = time.monotonic()
                under_way = self._began.get(webhook_id, [])
                is_slow = bool(under_way) and now - min(under_way) > SLOW_S
                if len(under_way) < (self._most_slow if is_slow else self._most):
                    self._began.setdefault(webhook_id, []).append(now)
                    return now
                until = until or now + PATIENCE_S
                if is_slow or now >= until:
                    for_s = random.uniform(*(SLOW_SNOOZE_S if is_slow else SNOOZE_S))
                    raise SnoozeError("webhook_crowded", "Enough deliveries wait for this endpoint.", for_s=for_s)
                self._condition.wait(until - now)
