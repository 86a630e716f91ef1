"""Subscriptions of users and tenants, as typed calls. One line of SQL each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from reelq.worker.db.calls import Connection, rows, scalar

STATUSES = ("active", "trialing", "past_due")  # of a live one
PLANS = ("free", "starter", "pro", "business", "standard", "premium", "enterprise")  # users' four, tenants' two, and that of both


@dataclass(frozen=True, slots=True)
class Subscription:
    """What a user or a tenant pays for."""

    id: UUID
    tenant: str
    user_id: UUID | None  # None: the tenant's own
    email: str | None
    plan: str
    status: str  # one of STATUSES, or cancelled
    provider: str | None
    provider_subscription_id: str | None
    trial_ends_at: datetime | None
    current_period_start: datetime
    current_period_end: datetime | None
    monthly_quota: int | None  # None: no bound
    ended_at: datetime | None
    created_at: datetime


def list_subscriptions(conn: Connection, tenant: str | None, live: bool, limit: int) -> list[Subscription]:
    """Newest first; `live`: only those that are not over."""
    return rows(conn, Subscription, "select * from identity.list_subscriptions(%s, %s, %s)", [tenant, live, limit])


def set_subscription(conn: Connection, tenant: str | None, user_id: UUID | None, facts: dict[str, Any]) -> UUID:
    """Make or change the live one of a user, or of the tenant; its id. BadArgument names what cannot be."""
    return scalar(conn, "select identity.set_subscription(%s, %s, %s)", [tenant, user_id, Jsonb(facts)])  # type: ignore[no-any-return]


def end_subscription(conn: Connection, tenant: str | None, user_id: UUID | None) -> UUID:
    """End the live one now; its id. NotAllowed when there is none."""
    return scalar(conn, "select identity.end_subscription(%s, %s)", [tenant, user_id])  # type: ignore[no-any-return]
