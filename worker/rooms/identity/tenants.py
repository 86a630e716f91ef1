"""Tenants, as typed calls. One line of SQL each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from reelq.worker.db.rows import Connection, rows, scalar

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


def list_tenants(conn: Connection) -> list[Tenant]:
    """All of them, by slug."""
    return rows(conn, Tenant, "select * from identity.list_tenants()")


def create_tenant(conn: Connection, slug: str, name: str | None, tier: str) -> UUID:
    """Make a tenant; its id. WrongState when the slug is taken."""
    return scalar(conn, "select identity.create_tenant(%s, %s, %s)", [slug, name, tier])  # type: ignore[no-any-return]


def set_tenant_status(conn: Connection, tenant: str, status: str) -> None:
    """Suspend it, mark it deleted, or make it active again; `tenant` is a slug or an id. NotFound when there is none."""
    conn.execute("select identity.set_tenant_status(%s, %s)", [tenant, status])


def find_tenant(conn: Connection, tenant: str) -> UUID:
    """The id of a slug or an id. NotFound when there is none."""
    return scalar(conn, "select identity.find_tenant(%s)", [tenant])  # type: ignore[no-any-return]


def act_for(conn: Connection, tenant: str) -> UUID:
    """Until the transaction ends see and do what is this tenant's only; a slug or an id. NotFound when there is none."""
    return scalar(conn, "select identity.act_for(%s)", [tenant])  # type: ignore[no-any-return]
