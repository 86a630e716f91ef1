"""Who is logged in where, as typed calls. One line of SQL each. A log-in with a password is in login.py."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import IPv4Address, IPv6Address
from typing import Any
from uuid import UUID

from reelq.worker.db.calls import Connection, need_transaction, rows, run, scalar


@dataclass(frozen=True, slots=True)
class Session:
    """One session in a list."""

    id: UUID
    tenant: str  # slug
    user_id: UUID
    email: str
    state: str  # live, expired, idle, or why it was revoked
    device: str | None
    ip_address: IPv4Address | IPv6Address | Any | None
    user_agent: str | None
    second_factor: bool
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Opened:
    """A session that was opened just now; the token is told this once, and never printed by accident."""

    session_id: UUID
    token: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Bearer:
    """Who bears a session's token."""

    session_id: UUID
    user_id: UUID
    tenant_id: UUID
    role: str
    second_factor: bool
    expires_at: datetime


def open_session(conn: Connection, user_id: UUID, device: str | None = None, second_factor: bool = False) -> Opened:
    """A session of a user whom the application has recognised by itself."""
    (opened,) = rows(conn, Opened, "select * from identity.open_session(%s, %s, %s)", [user_id, device, second_factor])
    return opened


def check_session(conn: Connection, token: str) -> Bearer:
    """Who that is; for the rest of the transaction the connection acts as that user. NotAuthenticated when nobody; ValueError outside one."""
    need_transaction(conn, "check_session")
    (bearer,) = rows(conn, Bearer, "select * from identity.check_session(%s)", [token])
    return bearer


def close_session(conn: Connection, token: str) -> None:
    """Log out; the same for a token that is none."""
    run(conn, "select identity.close_session(%s)", [token])


def list_sessions(conn: Connection, user_id: UUID | None = None, ended: bool = False, limit: int = 50, after: UUID | None = None) -> list[Session]:
    """Newest first, those that the caller may see; `after` is the last id of the page before."""
    return rows(conn, Session, "select * from identity.list_sessions(%s, %s, %s, %s)", [user_id, ended, limit, after])


def revoke_session(conn: Connection, session_id: UUID) -> bool:
    """End one; whether it was live. NotFound when there is none."""
    return scalar(conn, "select identity.revoke_session(%s)", [session_id])  # type: ignore[no-any-return]


def revoke_sessions(conn: Connection, user_id: UUID, but: UUID | None = None) -> int:
    """End all of a user, but one; how many were live."""
    return scalar(conn, "select identity.revoke_sessions(%s, %s)", [user_id, but])  # type: ignore[no-any-return]


def remove_ended(conn: Connection, limit: int = 1000) -> int:
    """Remove what ended long ago, at most `limit` of each kind; how many rows went."""
    return scalar(conn, "select identity.remove_ended(%s)", [limit])  # type: ignore[no-any-return]
