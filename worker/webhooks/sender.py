"""Deliver events: one of these for a worker, used by all its slots."""

from __future__ import annotations

import random
import ssl
import threading
import time
import weakref
from collections.abc import Mapping
from functools import cached_property
from typing import Any
from uuid import UUID

import httpcore
import httpx

from reelq.worker import db
from reelq.worker.errors import DatabaseAway, JobError, PermanentError, SnoozeError
from reelq.worker.rooms.ops import webhooks as room
from reelq.worker.rooms.queue.jobs import ClaimedJob
from reelq.worker.secrets import Keyring
from reelq.worker.settings import Settings
from reelq.worker.sources.address_policy import AddressGuard, Resolve, system_resolve
from reelq.worker.stop import StopSignal
from reelq.worker.webhooks import answer, message
from reelq.worker.webhooks.answer import Failure
from reelq.worker.webhooks.clock import DeadlineClock
from reelq.worker.webhooks.connection import Answer, DeadlineOver, EndpointConnection
from reelq.worker.webhooks.crowding import Crowding
from reelq.worker.webhooks.targets import Target, Targets

DELIVERY_S = 10.0  # for all of a delivery: connect, send, be answered
MOST_KEPT = 16  # connections of an endpoint
NOTED_S = 60.0  # so often the database is told that deliveries arrive
HELD_S = (5.0, 15.0)  # jobs in hand of an endpoint that is held go back for so long; the next claim then parks them
PING = "webhook.ping"


class Sender:
    """Connections, endpoints and deadlines of a worker."""

    def __init__(
        self,
        settings: Settings,
        pool: db.Pool,
        *,
        tls: ssl.SSLContext | None = None,
        resolve: Resolve = system_resolve,
        within_s: float | None = None,
    ) -> None:
        self._settings = settings
        self._pool = pool
        self._resolve = resolve
        self._given_tls = tls
        self._within_s = within_s or DELIVERY_S
        self._clock = DeadlineClock()
        self._crowding = Crowding(settings.slots)
        self._targets = Targets(lambda: self._keys)
        self._kept: dict[UUID, list[EndpointConnection]] = {}
        self._lock = threading.Lock()

    @cached_property
    def _keys(self) -> Keyring:
        return Keyring.load(self._settings)

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return self._given_tls or httpx.create_ssl_context(trust_env=False)

    def deliver(self, webhook_id: UUID, event: Mapping[str, Any], job: ClaimedJob, stop: StopSignal) -> None:
        """Deliver an event, or say by an error why not.

        Raises:
            PermanentError: "webhook_missing", "webhook_disabled", "webhook_expired".
            SnoozeError: "webhook_crowded", "webhook_held".
            TransientError, RateLimitedError: see worker/webhooks/answer.py.
            StopRequested.
        """
        is_ping = event.get("type") == PING
        target = self._find(webhook_id, stop)
        if target is None or target.tenant_id != job.tenant_id:
            raise PermanentError("webhook_missing", "The endpoint is not there any more.")
        if target.status != "active":
            raise PermanentError("webhook_disabled", "The endpoint is switched off.")
        if target.now() > job.created_at + target.expires_after:
            raise PermanentError("webhook_expired", "The event could not be delivered in the time allowed.")
        if target.is_held and not is_ping:
            raise SnoozeError("webhook_held", "The endpoint's deliveries are held.", for_s=random.uniform(*HELD_S))
        with self._crowding.place(webhook_id):
            failure = self.send(target, event, stop)
        if failure is None:
            if not is_ping:
                self._arrived(target)
            return
        if failure.is_endpoints and not is_ping:
            self._targets.forget(webhook_id)
            self._pool.insist(stop, room.note_failure, webhook_id, failure.code, failure.is_gone)
        raise failure.error()

    def probe(self, webhook_id: UUID, job: ClaimedJob, stop: StopSignal) -> float | None:
        """Ask an endpoint whether it answers; seconds until it is to be asked again, None: no more.

        Raises:
            StopRequested.
        """
        target = self._find(webhook_id, stop)
        if target is None or target.tenant_id != job.tenant_id:
            return None
        at = target.now().isoformat().replace("+00:00", "Z")
        event = {"id": str(job.job_id), "type": PING, "timestamp": at, "data": {"webhook_id": str(webhook_id)}}
        failure = self.send(target, event, stop)
        wait = self._pool.insist(stop, room.note_probe, webhook_id, failure.code if failure else None)
        self._targets.forget(webhook_id)
        return None if wait is None else wait.total_seconds()

    def _find(self, webhook_id: UUID, stop: StopSignal) -> Target | None:
        return self._targets.find(webhook_id, lambda: self._pool.insist(stop, room.find_target, webhook_id))

    def _arrived(self, target: Target) -> None:
        """Let the database know, if it has to."""
        now = time.monotonic()
        if target.failures == 0 and now < target.noted_at + NOTED_S:
            return
        target.failures, target.noted_at = 0, now
        try:
            self._pool.call(room.note_success, target.webhook_id)
        except DatabaseAway:
            target.noted_at = float("-inf")  # the next one tells it; this one has arrived all the same

    def send(self, target: Target, event: Mapping[str, Any], stop: StopSignal) -> Failure | None:
        """One attempt; None: it has arrived. A kept connection may have been closed meanwhile, so that is tried anew at once."""
        body = message.body_of(event)
        headers = message.headers_of(event["id"], body, target.signers)
        until = time.monotonic() + self._within_s
        while True:
            connection = self._take(target)
            was_used = connection.is_used
            try:
                said = self._post(connection, headers, body, until - time.monotonic(), stop)
            except DeadlineOver:
                stop.check()
                return answer.SLOW
            except (httpcore.NetworkError, httpcore.ProtocolError) as error:
                stop.check()
                if was_used and time.monotonic() < until:
                    self._drop_kept(target.webhook_id)
                    continue
                return answer.of_error(error)
            except (httpcore.TimeoutException, JobError, OSError) as error:
                stop.check()
                return answer.of_error(error)
            self._keep(target.webhook_id, connection)
            return answer.of_status(said.status, said.retry_after, time.time())

    def _post(self, connection: EndpointConnection, headers: list[tuple[bytes, bytes]], body: bytes, within_s: float, stop: StopSignal) -> Answer:
        try:
            return connection.post(headers, body, max(within_s, 0.001), stop)
        except BaseException:
            connection.close()
            raise

    def _take(self, target: Target) -> EndpointConnection:
        """A kept connection, else a new one."""
        while True:
            with self._lock:
                kept = self._kept.get(target.webhook_id)
                connection = kept.pop() if kept else None
            if connection is None:
                guard = AddressGuard(allow_private=self._settings.allow_private_addresses, resolve=self._resolve)
                return EndpointConnection(target.place, guard, self._tls, self._clock)
            if connection.place == target.place and connection.is_good():
                return connection
            connection.close()

    def _keep(self, webhook_id: UUID, connection: EndpointConnection) -> None:
        """For the next delivery, when it can be used again."""
        if connection.is_good():
            with self._lock:
                kept = self._kept.setdefault(webhook_id, [])
                if len(kept) < MOST_KEPT:
                    kept.append(connection)
                    return
        connection.close()

    def _drop_kept(self, webhook_id: UUID) -> None:
        """The endpoint has closed one of them, so it will have closed them all."""
        with self._lock:
            dropped = self._kept.pop(webhook_id, [])
        for one in dropped:
            one.close()


_senders: weakref.WeakKeyDictionary[db.Pool, Sender] = weakref.WeakKeyDictionary()
_lock = threading.Lock()


def sender_of(settings: Settings, pool: db.Pool) -> Sender:
    """The sender of a worker, which its pool stands for."""
    with _lock:
        if pool not in _senders:
            _senders[pool] = Sender(settings, pool)
        return _senders[pool]
