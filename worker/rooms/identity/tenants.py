"""Tenants, as typed calls. One line of SQL each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from reelq.worker.db.calls import Connection, rows, run, scalar

STATUSES = ("active", "suspended", "deleted")
TIERS = ("standard", "premium", "enterprise")


@dataclass(frozen=True, slots=True)
class Tenant:
    """One organisation whose videos are processed."""

    id: UUID
    slug: str
    name: str
    status: str  # one of STATUSES
    tier: str  # one of TIERS
    job_weight: Decimal  # share of the workers inside a priority
    s3_bucket: str | None  # a bucket of its own; None: the common store
    created_at: datetime
    status_changed_at: datetime


@dataclass(frozen=True, slots=True)
class TenantRecord:
    """All that is known of one."""

    id: UUID
    slug: str
    name: str
    status: str  # one of STATUSES
    tier: str  # one of TIERS, as its live subscription gives it
    tier_without_subscription: str
    subscription_status: str | None
    trial_ends_at: datetime | None
    monthly_quota: int | None  # videos; None: no bound
    used: int
    resets_on: date
    job_weight: Decimal
    s3_bucket: str | None
    s3_region: str | None
    users: int
    live_keys: int
    created_at: datetime
    status_changed_at: datetime


@dataclass(frozen=True, slots=True)
class TenantConfig:
    """What a tenant has chosen."""

    tenant_id: UUID
    personalization_enabled: bool
    personalization_weights: dict[str, float]
    content_filters: dict[str, Any]
    rate_limit_rps: int
    cache_ttl_seconds: int
    retention_days: int
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Tidied:
    """What a run of the upkeep did."""

    trials: int  # ended
    quotas: int  # begun anew
    counters: int  # of API keys, removed


def list_tenants(conn: Connection) -> list[Tenant]:
    """All of them, by slug."""
    return rows(conn, Tenant, "select * from identity.list_tenants()")


def create_tenant(conn: Connection, slug: str, name: str | None, tier: str) -> UUID:
    """Make a tenant; its id. WrongState when the slug is taken."""
    return scalar(conn, "select identity.create_tenant(%s, %s, %s)", [slug, name, tier])  # type: ignore[no-any-return]


def set_tenant_status(conn: Connection, tenant: str, status: str) -> None:
    """Suspend it, mark it deleted, or make it active again; `tenant` is a slug or an id. NotFound when there is none."""
    run(conn, "select identity.set_tenant_status(%s, %s)", [tenant, status])


def find_tenant(conn: Connection, tenant: str) -> UUID:
    """The id of a slug or an id. NotFound when there is none."""
    return scalar(conn, "select identity.find_tenant(%s)", [tenant])  # type: ignore[no-any-return]


def act_for(conn: Connection, tenant: str) -> UUID:
    """Until the transaction ends see and do what is this tenant's only; a slug or an id. NotFound when there is none."""
    return scalar(conn, "select identity.act_for(%s)", [tenant])  # type: ignore[no-any-return]


def show_tenant(conn: Connection, tenant: str) -> TenantRecord:
    """One, by slug or id. NotFound when there is none."""
    (one,) = rows(conn, TenantRecord, "select * from identity.show_tenant(%s)", [tenant])
    return one


def set_tenant(conn: Connection, tenant: str, facts: dict[str, Any]) -> None:
    """Change name, tier, job_weight, s3_bucket or s3_region; what is left out stays. BadArgument names what cannot be."""
    run(conn, "select identity.set_tenant(%s, %s)", [tenant, Jsonb(facts)])


def tenant_config(conn: Connection, tenant: str | None) -> TenantConfig:
    """Its configuration. NotFound when there is no such tenant."""
    (one,) = rows(conn, TenantConfig, "select * from identity.tenant_config(%s)", [tenant])
    return one


def set_tenant_config(conn: Connection, tenant: str | None, config: dict[str, Any]) -> None:
    """Change what is given of its configuration. BadArgument names what cannot be."""
    run(conn, "select identity.set_tenant_config(%s, %s)", [tenant, Jsonb(config)])


def tidy(conn: Connection, limit: int = 1000) -> Tidied:
    """End trials, begin quotas anew, remove old counters, so many of each a transaction, until nothing is left."""
    done = Tidied(0, 0, 0)
    while True:
        (now,) = rows(conn, Tidied, "select * from queue.tidy_identity(%s)", [limit])
        done = Tidied(done.trials + now.trials, done.quotas + now.quotas, done.counters + now.counters)
        if max(now.trials, now.quotas, now.counters) < limit:
            return done
