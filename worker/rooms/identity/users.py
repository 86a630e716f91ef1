"""Accounts, as typed calls. One line of SQL each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from reelq.worker.db.calls import Connection, rows, run, scalar

ROLES = ("admin", "member", "viewer", "beta_tester")
STATUSES = ("active", "trial", "suspended", "cancelled")  # that one may set; deleted is a verb of its own


@dataclass(frozen=True, slots=True)
class User:
    """One account in a list."""

    id: UUID
    tenant: str  # slug
    email: str
    email_verified: bool
    username: str | None
    full_name: str | None
    role: str  # one of ROLES
    status: str  # one of STATUSES, or deleted
    two_factor_enabled: bool
    last_login_at: datetime | None
    locked_until: datetime | None  # too many failed log-ins
    created_at: datetime
    deleted_at: datetime | None


@dataclass(frozen=True, slots=True)
class UserDetails:
    """One account, with what is around it; no secret is among it."""

    id: UUID
    tenant: str  # slug
    email: str
    email_verified: bool
    username: str | None
    full_name: str | None
    avatar_url: str | None
    role: str
    status: str
    has_password: bool
    two_factor_enabled: bool
    recovery_codes_left: int
    sessions: int  # live ones
    failed_login_attempts: int
    locked_until: datetime | None
    last_login_at: datetime | None
    timezone: str
    language: str
    settings: dict[str, Any]
    metadata: dict[str, Any]
    created_at: datetime
    status_changed_at: datetime
    deleted_at: datetime | None


def list_users(
    conn: Connection, status: str | None = None, role: str | None = None, deleted: bool = False, limit: int = 50, after: UUID | None = None
) -> list[User]:
    """Newest first, those that the caller may see; `after` is the last id of the page before."""
    return rows(conn, User, "select * from identity.list_users(%s, %s, %s, %s, %s)", [status, role, deleted, limit, after])


def find_user(conn: Connection, user: str, *, deleted: bool | None = False) -> UUID:
    """The id of an address or an id; of a live user, a deleted one, or either (None). NotFound when there is none."""
    return scalar(conn, "select identity.find_user(%s, %s)", [user, deleted])  # type: ignore[no-any-return]


def show_user(conn: Connection, user_id: UUID) -> UserDetails:
    """One account. NotFound when there is none."""
    (found,) = rows(conn, UserDetails, "select * from identity.show_user(%s)", [user_id])
    return found


def create_user(
    conn: Connection, email: str, role: str = "member", full_name: str | None = None, username: str | None = None, tenant_id: UUID | None = None
) -> UUID:
    """Make an account without a password; its id. NotAllowed when the address is taken."""
    return scalar(conn, "select identity.create_user(%s, %s, %s, %s, %s)", [email, role, full_name, username, tenant_id])  # type: ignore[no-any-return]


def change_user(conn: Connection, user_id: UUID, changes: Mapping[str, Any]) -> None:
    """Change email, username, full_name, avatar_url, timezone, language, settings or metadata; what is not named stays."""
    run(conn, "select identity.change_user(%s, %s)", [user_id, Jsonb(dict(changes))])


def set_user_role(conn: Connection, user_id: UUID, role: str) -> None:
    """Give another role; the sessions end. NotAllowed for the last admin of a tenant."""
    run(conn, "select identity.set_user_role(%s, %s)", [user_id, role])


def set_user_status(conn: Connection, user_id: UUID, status: str) -> None:
    """Suspend, cancel, or make active again. NotAllowed for the last admin of a tenant."""
    run(conn, "select identity.set_user_status(%s, %s)", [user_id, status])


def delete_user(conn: Connection, user_id: UUID) -> None:
    """Delete, so that it can be restored. NotAllowed for the last admin of a tenant."""
    run(conn, "select identity.delete_user(%s)", [user_id])


def restore_user(conn: Connection, user_id: UUID) -> None:
    """Bring a deleted account back. NotAllowed when its address is another's by now."""
    run(conn, "select identity.restore_user(%s)", [user_id])


def unlock_user(conn: Connection, user_id: UUID) -> None:
    """Let somebody log in at once who was locked out."""
    run(conn, "select identity.unlock_user(%s)", [user_id])
