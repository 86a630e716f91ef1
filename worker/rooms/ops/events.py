"""Events, as typed calls. One line of SQL each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from reelq.worker.db.calls import Connection, rows, run, scalar


@dataclass(frozen=True, slots=True)
class EventType:
    """A row of ops.list_event_types()."""

    name: str
    about: str
    audience: str
    is_own: bool  # an application's


@dataclass(frozen=True, slots=True)
class Event:
    """A row of ops.list_events()."""

    seq: int
    event_id: UUID
    tenant: str | None
    event_type: str
    ordering_key: str
    data: dict[str, Any]
    created_at: datetime
    relayed_at: datetime | None  # None: it is in the outbox still


def relay_events(conn: Connection, limit: int) -> int:
    """Pass on what is in the outbox; when it is `limit`, call again."""
    count: int = scalar(conn, "select ops.relay_events(%s)", [limit])
    return count


def list_event_types(conn: Connection) -> list[EventType]:
    """By name."""
    return rows(conn, EventType, "select * from ops.list_event_types()")


def add_event_type(conn: Connection, name: str, about: str, audience: str = "tenant") -> None:
    """Make a type of an application."""
    run(conn, "select ops.add_event_type(%s, %s, %s)", [name, about, audience])


def emit_event(conn: Connection, event_type: str, data: Mapping[str, Any], ordering_key: str | None = None) -> None:
    """Tell something that happened in an application."""
    run(conn, "select ops.emit_event(%s, %s, %s)", [event_type, Jsonb(dict(data)), ordering_key])


def list_events(
    conn: Connection,
    *,
    event_type: str | None = None,
    key: str | None = None,
    event_id: UUID | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int = 100,
    before: int | None = None,
) -> list[Event]:
    """Newest first; `before` goes on below a seq."""
    given = [event_type, key, event_id, since, until, limit, before]
    return rows(conn, Event, "select * from ops.list_events(null, %s, %s, %s, %s, %s, %s, %s)", given)
