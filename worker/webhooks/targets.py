"""What a worker knows of endpoints: read again after some seconds, so that a delivery costs no query."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from standardwebhooks import Webhook

from reelq.worker.errors import KeyMissing, SettingsError, TransientError
from reelq.worker.rooms.ops.webhooks import StoredTarget
from reelq.worker.secrets import EnvelopeRefused, Keyring
from reelq.worker.webhooks import secrets
from reelq.worker.webhooks.connection import Place

FRESH_S = 3.0
MOST_KNOWN = 10_000


@dataclass(slots=True)
class Target:
    """An endpoint, ready to be delivered to."""

    webhook_id: UUID
    tenant_id: UUID | None
    place: Place
    status: str
    is_held: bool  # its channel is paused
    failures: int
    expires_after: timedelta
    signers: list[Webhook] = field(repr=False)
    read_at: datetime  # by the database's clock
    got_at: float  # monotonic
    noted_at: float = float("-inf")  # monotonic: the database was told that a delivery arrived

    def now(self) -> datetime:
        """The database's time, near enough."""
        return self.read_at + timedelta(seconds=time.monotonic() - self.got_at)


class Targets:
    """Endpoints by id. Shared by the slots."""

    def __init__(self, keys: Callable[[], Keyring]) -> None:
        self._keys = keys
        self._known: dict[UUID, Target] = {}
        self._lock = threading.Lock()

    def find(self, webhook_id: UUID, read: Callable[[], StoredTarget | None]) -> Target | None:
        """The endpoint as it was within the last seconds; None: there is none.

        Raises:
            TransientError: "worker_misconfigured", this host cannot open its secrets.
        """
        known = self._known.get(webhook_id)
        # One that is off is asked for each time: what comes after it was switched on must not end by what was known before.
        if known is not None and known.status == "active" and time.monotonic() < known.got_at + FRESH_S:
            return known
        stored = read()
        if stored is None:
            self.forget(webhook_id)
            return None
        target = self._target(webhook_id, stored)
        with self._lock:
            if known is not None:
                target.noted_at = known.noted_at
            elif len(self._known) >= MOST_KNOWN:
                self._known.clear()
            self._known[webhook_id] = target
        return target

    def forget(self, webhook_id: UUID) -> None:
        """Read it again next time."""
        with self._lock:
            self._known.pop(webhook_id, None)

    def _target(self, webhook_id: UUID, stored: StoredTarget) -> Target:
        try:
            signers = [Webhook(secrets.opened(self._keys(), row, sealed)) for row, sealed in zip(stored.secret_ids, stored.secrets, strict=True)]
        except (SettingsError, KeyMissing, EnvelopeRefused) as error:
            raise TransientError("worker_misconfigured", "The worker cannot open the endpoint's secret.", detail=str(error)) from error
        return Target(
            webhook_id, stored.tenant_id, Place.of(stored.url), stored.status, stored.is_held, stored.failures, stored.expires_after,
            signers, stored.read_at, time.monotonic(),
        )  # fmt: skip
