"""Tenants and roles for the tests of who may see and do what."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from psycopg import sql

from tests.sql.mediakit import Conn, scalar

Become = Callable[..., Conn]
ROLES = ["reelq_worker", "reelq_app", "reelq_readonly"]
PERMISSION_DENIED = "42501"


class Tenant:
    """A tenant with a user, a video and a variant."""

    def __init__(self, conn: Conn, slug: str) -> None:
        self.slug = slug
        self.id: UUID = scalar(conn, "select identity.create_tenant(%s)", slug)
        self.user: UUID = scalar(
            conn,
            "insert into identity.users (tenant_id, email) values (%s, %s) returning id",
            self.id,
            f"ann@{slug}.example.com",
        )
        self.video: UUID = scalar(conn, "select media.create_video('/a.mp4', %s, %s)", self.id, self.user)
        self.asset: UUID = scalar(conn, "select asset_id from media.get_work(%s)", self.video)
        scalar(
            conn,
            """select media.put_variant(%s, jsonb_build_object('profile', 'poster', 'bucket', 'b', 'key', %s::text))""",
            self.asset,
            f"{slug}/poster",
        )


def open_as(connect: Callable[..., Conn], role: str, tenant: Tenant | None = None) -> Conn:
    """A connection that acts as a role, for a tenant."""
    conn = connect()
    conn.execute(sql.SQL("set role {}").format(sql.Identifier(role)))
    if tenant is not None:
        conn.execute("select set_config('reelq.tenant_id', %s, false)", [str(tenant.id)])
    return conn
