"""The line that `systemctl status` shows of a worker."""

from __future__ import annotations

import time
from collections.abc import Mapping

from reelq.worker.systemd import Notifier

STATUS_S = 1.0  # systemd hears of jobs that often


class StatusLine:
    """Told when something has changed, and not at every turn."""

    def __init__(self, notifier: Notifier, slots: int) -> None:
        self._notifier = notifier
        self._slots = slots
        self._told: tuple[str, float] = ("", 0.0)  # state and time

    def show(self, state: str, busy: int, ended: Mapping[str, int]) -> None:
        """`state`: what is to be known beside its work, or nothing."""
        now = time.monotonic()
        if state == self._told[0] and now < self._told[1] + STATUS_S:
            return
        self._told = (state, now)
        before = f"{state}, " if state else ""
        self._notifier.status(
            f"{before}{busy} of {self._slots} slots busy, {ended['job.completed']} jobs completed, {ended['job.failed']} failed"
        )
