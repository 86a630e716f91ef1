"""API keys, as typed calls. One line of SQL each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from reelq.worker.db.calls import Connection, need_transaction, rows, run, scalar

SCOPES = ("read", "write", "delete", "admin")


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that was just made; nobody can see `key` again."""

    id: UUID
    key: str
    prefix: str  # its 8 characters after sk_live_


@dataclass(frozen=True, slots=True)
class RotatedKey(NewKey):
    """One that came in the place of another."""

    old_expires_at: datetime  # until then both are good


@dataclass(frozen=True, slots=True)
class Key:
    """A key as it is shown."""

    id: UUID
    tenant: str
    user_id: UUID | None  # None: it acts for the tenant itself
    name: str
    prefix: str
    state: str  # active, replaced, expired or revoked
    scopes: list[str]  # of SCOPES
    hourly_limit: int | None  # None: no bound, and nothing is counted
    used_this_hour: int
    last_used_at: datetime | None  # to five minutes
    expires_at: datetime | None
    revoked_at: datetime | None
    replaced_by: UUID | None
    created_by: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Caller:
    """Who comes with a key."""

    tenant_id: UUID
    user_id: UUID | None  # None: the tenant itself
    key_id: UUID
    scopes: list[str]
    role: str | None  # of the user within the tenant


def create_key(
    conn: Connection,
    name: str,
    *,
    tenant: str | None = None,
    user_id: UUID | None = None,
    scopes: Sequence[str] = ("read", "write"),
    hourly_limit: int | None = 1000,
    expires_at: datetime | None = None,
) -> NewKey:
    """Make a key of a tenant, or of its user. NotAllowed when the owner has a live one of that name."""
    given = [name, tenant, user_id, list(scopes), hourly_limit, expires_at]
    (one,) = rows(conn, NewKey, "select * from identity.create_key(%s, %s, %s, %s, %s, %s)", given)
    return one


def list_keys(conn: Connection, tenant: str | None, user_id: UUID | None, all_keys: bool, limit: int, after: UUID | None = None) -> list[Key]:
    """Newest first; `all_keys`: those that are over too; `after` goes on below an id."""
    return rows(conn, Key, "select * from identity.list_keys(%s, %s, %s, %s, %s)", [tenant, user_id, all_keys, limit, after])


def show_key(conn: Connection, key_id: UUID) -> Key:
    """One key. NotFound when there is none."""
    (one,) = rows(conn, Key, "select * from identity.show_key(%s)", [key_id])
    return one


def revoke_key(conn: Connection, key_id: UUID) -> bool:
    """Take it back; whether it was good until now."""
    return bool(scalar(conn, "select identity.revoke_key(%s)", [key_id]))


def rotate_key(conn: Connection, key_id: UUID, grace: timedelta) -> RotatedKey:
    """Make a new one in its place; the old one is good for `grace` more. NotAllowed when it is over."""
    (one,) = rows(conn, RotatedKey, "select * from identity.rotate_key(%s, %s)", [key_id, grace])
    return one


def authenticate(conn: Connection, key: str) -> Caller:
    """Who comes with it; until the transaction ends the session acts for them. NotAuthenticated, TooManyCalls; ValueError outside one."""
    need_transaction(conn, "authenticate")
    (one,) = rows(conn, Caller, "select * from identity.authenticate(%s)", [key])
    return one


def check_scope(conn: Connection, scope: str) -> None:
    """NotPermitted when the key of this session does not have it."""
    run(conn, "select identity.check_scope(%s)", [scope])
