"""Endpoints and their deliveries, as typed calls. One line of SQL each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from reelq.worker.db.calls import Connection, rows, run, scalar


@dataclass(frozen=True, slots=True)
class WebhookRow:
    """A row of ops.list_webhooks()."""

    id: UUID
    tenant: str | None  # None: the operators
    url: str
    events: list[str]
    description: str
    state: str  # active, failing or disabled
    reason: str | None
    max_running: int | None
    failures: int
    failing_since: datetime | None
    last_error: str | None
    last_failed_at: datetime | None
    last_success_at: datetime | None
    old_secret_ends_at: datetime | None
    created_by: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Delivery:
    """A row of ops.list_deliveries()."""

    job_id: UUID
    event_id: UUID
    event_type: str
    ordering_key: str
    status: str
    attempts: int
    error_code: str | None
    error_message: str | None
    next_retry_at: datetime | None
    created_at: datetime
    completed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Replayed:
    """What ops.replay_events() returned."""

    looked_at: int
    enqueued: int
    reached: int | None


@dataclass(frozen=True, slots=True)
class StoredTarget:
    """The row of ops.webhook_target()."""

    tenant_id: UUID | None
    url: str
    status: str
    is_held: bool
    failures: int
    expires_after: timedelta
    read_at: datetime
    secret_ids: list[UUID]
    secrets: list[bytes]


def create_webhook(
    conn: Connection,
    url: str,
    secret_id: UUID,
    sealed: bytes,
    *,
    events: Sequence[str] = ("*",),
    tenant: str | None = None,
    description: str = "",
    for_operators: bool = False,
) -> UUID:
    """Make an endpoint; the secret is one of worker.webhooks.secrets.make."""
    given = [url, secret_id, sealed, list(events), tenant, description, for_operators]
    made: UUID = scalar(conn, "select ops.create_webhook(%s, %s, %s, %s, %s, %s, %s)", given)
    return made


def list_webhooks(conn: Connection, tenant: str | None, webhook_id: UUID | None, limit: int, after: UUID | None = None) -> list[WebhookRow]:
    """Newest first; `after` goes on below an id."""
    return rows(conn, WebhookRow, "select * from ops.list_webhooks(%s, %s, %s, %s)", [tenant, webhook_id, limit, after])


def set_webhook(conn: Connection, webhook_id: UUID, changes: Mapping[str, Any]) -> None:
    """Change what is named."""
    run(conn, "select ops.set_webhook(%s, %s)", [webhook_id, Jsonb(dict(changes))])


def rotate_secret(conn: Connection, webhook_id: UUID, secret_id: UUID, sealed: bytes, overlap: timedelta) -> datetime:
    """Put a new secret in the place of the current one; when that ends."""
    ends: datetime = scalar(conn, "select ops.rotate_webhook_secret(%s, %s, %s, %s)", [webhook_id, secret_id, sealed, overlap])
    return ends


def test_webhook(conn: Connection, webhook_id: UUID) -> UUID:
    """Enqueue a ping; its job."""
    job: UUID = scalar(conn, "select ops.test_webhook(%s)", [webhook_id])
    return job


def enable_webhook(conn: Connection, webhook_id: UUID) -> bool:
    """Whether it was off."""
    return bool(scalar(conn, "select ops.enable_webhook(%s)", [webhook_id]))


def disable_webhook(conn: Connection, webhook_id: UUID, reason: str) -> bool:
    """Whether it was on."""
    return bool(scalar(conn, "select ops.disable_webhook(%s, %s)", [webhook_id, reason]))


def delete_webhook(conn: Connection, webhook_id: UUID) -> None:
    """Delete it."""
    run(conn, "select ops.delete_webhook(%s)", [webhook_id])


def replay_events(
    conn: Connection,
    webhook_id: UUID,
    event_ids: Sequence[UUID] | None,
    since: datetime | None,
    until: datetime | None,
    missed: bool,
    after: int = 0,
    limit: int = 1000,
) -> Replayed:
    """Deliver events once more; go on with `after` = reached until that is None."""
    given = [webhook_id, list(event_ids) if event_ids else None, since, until, missed, after, limit]
    (one,) = rows(conn, Replayed, "select * from ops.replay_events(%s, %s, %s, %s, %s, %s, %s)", given)
    return one


def list_deliveries(
    conn: Connection, webhook_id: UUID, event_id: UUID | None, status: str | None, limit: int, after: UUID | None = None
) -> list[Delivery]:
    """Newest first; `after` goes on below a job."""
    return rows(conn, Delivery, "select * from ops.list_deliveries(%s, %s, %s, %s, %s)", [webhook_id, event_id, status, limit, after])


def find_target(conn: Connection, webhook_id: UUID) -> StoredTarget | None:
    """What a worker needs to deliver; None: it is gone."""
    found = rows(conn, StoredTarget, "select * from ops.webhook_target(%s)", [webhook_id])
    return found[0] if found else None


def note_failure(conn: Connection, webhook_id: UUID, code: str, is_gone: bool) -> str:
    """A delivery failed by the endpoint's fault: active, failing or disabled."""
    state: str = scalar(conn, "select ops.note_webhook_failure(%s, %s, %s)", [webhook_id, code, is_gone])
    return state


def note_success(conn: Connection, webhook_id: UUID) -> None:
    """A delivery arrived."""
    run(conn, "select ops.note_webhook_success(%s)", [webhook_id])


def note_probe(conn: Connection, webhook_id: UUID, code: str | None) -> timedelta | None:
    """How it answered a ping; when to ask again, None: no more."""
    wait: timedelta | None = scalar(conn, "select ops.note_probe(%s, %s)", [webhook_id, code])
    return wait


def tend_webhooks(conn: Connection) -> int:
    """Upkeep; how many probes were started."""
    started: int = scalar(conn, "select ops.tend_webhooks()")
    return started
