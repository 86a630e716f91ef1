"""Who a worker is, as it tells the queue."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass

from reelq.worker import __version__, db
from reelq.worker.rooms import queue
from reelq.worker.runtime import neighbours
from reelq.worker.settings import Settings


@dataclass(frozen=True, slots=True)
class Registration:
    """A worker's name, new at every start, and what it takes."""

    worker_id: str
    types: tuple[str, ...]
    settings: Settings

    def register(self, conn: db.Connection) -> None:
        """Register this worker with the queue, or register it again."""
        settings = self.settings
        queue.register_worker(
            conn,
            self.worker_id,
            host=settings.host,
            pid=os.getpid(),
            version=__version__,
            pool=settings.pool,
            slots=settings.slots,
            types=self.types,
            capabilities=settings.offered,
            process_key=neighbours.process_key(),
            beat_interval_s=settings.heartbeat_s,
        )


def new(settings: Settings, types: tuple[str, ...]) -> Registration:
    """A worker of this process."""
    made = Registration(f"{settings.host}:{settings.pool}:{os.getpid()}:{secrets.token_hex(4)}", types, settings)
    neighbours.is_mine(made.worker_id)
    return made
