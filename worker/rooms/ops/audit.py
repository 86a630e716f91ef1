"""The audit: who did what, and what is worth a look. One line of SQL each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface
from typing import Any
from uuid import UUID

from reelq.worker.db.calls import Connection, rows

Address = IPv4Address | IPv6Address | IPv4Interface | IPv6Interface
NOTEWORTHY = 20  # the least risk that a list can be bounded by; ops.list_acts
RISKY = 50  # from here on somebody should look


@dataclass(frozen=True, slots=True)
class Act:
    """A row of ops.audit_logs, as ops.list_acts shows it."""

    id: int
    created_at: datetime
    tenant: str | None  # slug; None: the platform's
    actor: str  # e-mail address, name of a key, role, worker or upkeep
    action: str  # as user.role_changed
    entity_type: str
    entity_id: str | None  # None: several, and facts say how many
    risk_score: int  # 0 to 100
    diff: dict[str, Any] | None  # column → from and to
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    facts: dict[str, Any]
    request_id: str | None
    client_ip: Address | None
    user_agent: str | None
    actor_kind: str  # user, key, worker, role, system
    tenant_id: UUID | None
    user_id: UUID | None
    api_key_id: UUID | None
    subject_user_id: UUID | None  # whom it is about
    db_role: str | None  # for operators only, as the next three
    login_role: str | None
    program: str | None
    session_ip: Address | None
    redacted_at: datetime | None


@dataclass(frozen=True, slots=True)
class FailedLogins:
    """Log-ins of one person from one address that failed."""

    tenant_id: UUID | None
    user_id: UUID | None  # None: nobody has the address that was given
    email: str | None
    client_ip: Address | None
    failures: int
    locked: bool
    first_at: datetime
    last_at: datetime
    risk_score: int


@dataclass(frozen=True, slots=True)
class IdleKey:
    """A good key that nobody uses."""

    id: UUID
    tenant_id: UUID
    user_id: UUID | None
    name: str
    prefix: str
    scopes: list[str]
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class OverusedKey:
    """A key that was used in an hour for most of what it may."""

    id: UUID
    tenant_id: UUID
    user_id: UUID | None
    name: str
    prefix: str
    hour: datetime
    uses: int
    hourly_limit: int
    share: Decimal  # of the limit; 1 is all of it


def list_acts(
    conn: Connection,
    *,
    tenant: str | None = None,
    actor: str | None = None,
    action: str | None = None,
    entity_type: str | None = None,
    entity_id: str | None = None,
    about: str | None = None,
    request_id: str | None = None,
    client_ip: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    min_risk: int | None = None,
    limit: int = 50,
    after: int | None = None,
    act_id: int | None = None,
) -> list[Act]:
    """Acts, newest first; only those that fit all that is given. NotFound, BadArgument."""
    given = [
        *(tenant, actor, action, entity_type, entity_id, about, request_id, client_ip, since, until, min_risk, limit, after, act_id),
    ]
    return rows(conn, Act, "select * from ops.list_acts(%s, %s, %s, %s, %s, %s, %s, %s::inet, %s, %s, %s, %s, %s, %s)", given)


def failed_logins(conn: Connection, tenant: str | None, since: datetime | None, least: int) -> list[FailedLogins]:
    """Log-ins that failed, by person and address, most first."""
    return rows(conn, FailedLogins, "select * from ops.failed_logins(%s, %s, %s)", [tenant, since, least])


def idle_keys(conn: Connection, tenant: str | None, idle: timedelta, limit: int, after: UUID | None) -> list[IdleKey]:
    """Good keys that nobody has used for long, the oldest first."""
    return rows(conn, IdleKey, "select * from ops.idle_keys(%s, %s, %s, %s)", [tenant, idle, limit, after])


def overused_keys(conn: Connection, tenant: str | None, since: datetime | None, share: float) -> list[OverusedKey]:
    """Keys that are used for most of what they may in an hour."""
    return rows(conn, OverusedKey, "select * from ops.overused_keys(%s, %s, %s::numeric)", [tenant, since, share])
