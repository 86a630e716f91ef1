"""Whether this host can take work, as the main thread asks before each claim, and what the worker's row says of that.

ffmpeg and the store are looked at by a thread of their own (fitness.py). The scratch disk is looked at here, since it fills up
while jobs run; and the heartbeat's trouble counts too, because leases of what is claimed would not be extended.
"""

from __future__ import annotations

import time

import structlog

from reelq.worker import db
from reelq.worker.rooms import queue
from reelq.worker.runtime.contact import UNHEARD_S, Contact
from reelq.worker.runtime.fitness import Fitness, Trouble
from reelq.worker.scratch import Scratch
from reelq.worker.settings import Settings

log = structlog.get_logger()

DISK_S, DISK_OLD_S = 1.0, 10.0  # the disk is looked at so often after a look for work; before one when that is so long ago
UNHEARD_REMEDY = "reelq health names limits of connections and of roles that are used up or wrong; the journal has heartbeat.failed"


class HostState:
    """Called by the main thread alone."""

    def __init__(self, session: db.Session, worker_id: str, settings: Settings, scratch: Scratch, fitness: Fitness, contact: Contact) -> None:
        self._session = session
        self._worker_id = worker_id
        self._settings = settings
        self._scratch = scratch
        self._fitness = fitness
        self._contact = contact
        self._disk_at = float("-inf")  # when the disk was looked at
        self.disk: str | None = None  # what is wrong with it
        self.told: Trouble | None = None  # what our row says

    @property
    def trouble(self) -> str | None:
        """What keeps the host from working, apart from the database."""
        return self._fitness.trouble.what if self._fitness.trouble else self.disk

    @property
    def may_claim(self) -> bool:
        """Whether jobs may be claimed, as far as the last look at the disk knows."""
        return self._fitness.is_known and not self._fitness.trouble and self._contact.may_claim

    def has_room(self, *, is_busy: bool) -> bool:
        """Whether the disk has room for more jobs; looked at again when that may have changed since."""
        if is_busy or self.disk or time.monotonic() > self._disk_at + DISK_OLD_S:
            self._look_at_disk()
        return not self.disk

    def look(self) -> None:
        """Look at the disk when it is time. Not between a notification and a start: it may take longer than a round trip."""
        if time.monotonic() > self._disk_at + DISK_S:
            self._look_at_disk()

    def doubt(self, code: str | None) -> None:
        """An attempt failed with this code."""
        self._fitness.doubt(code)

    def tell(self) -> None:
        """Have our row say what keeps this host from working, when that has changed."""
        now = self._fitness.trouble
        if now is None and self._contact.unheard_s >= UNHEARD_S:
            now = Trouble(f"the queue takes no heartbeat of it: {self._contact.error}", UNHEARD_REMEDY)
        if now is None and self.disk:  # without its figures, which change all the time
            now = Trouble("no room for work in progress", f"Make room below {self._settings.scratch}: df")
        if now == self.told:
            return
        what, remedy = (now.what, now.remedy) if now else (None, None)
        self._session.call(queue.set_worker_trouble, self._worker_id, what, remedy)
        self.told = now

    def _look_at_disk(self) -> None:
        self._disk_at = time.monotonic()
        found = self._scratch.trouble()
        if found and not self.disk:
            log.warning("scratch.filled", trouble=found)
        self.disk = found
