"""An owner that is no superuser, as on managed Postgres."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from demo import postgres
from reelq.worker.db import schema
from tests.sql.mediakit import Conn, scalar
from tests.sql.rolekit import Tenant


@pytest.fixture
def owner(pg_server: postgres.Server, empty_dsn: str) -> Iterator[Conn]:
    """An owner that is no superuser, with an empty database of its own."""
    name = f"owner_{uuid4().hex[:8]}"
    role = sql.Identifier(name)
    with psycopg.connect(empty_dsn, autocommit=True) as admin:
        database = sql.Identifier(admin.info.dbname)
        admin.execute(sql.SQL("create role {} login createrole").format(role))
        admin.execute(sql.SQL("alter database {} owner to {}").format(database, role))
        try:
            with psycopg.connect(empty_dsn, user=name, autocommit=True) as conn:
                yield conn
        finally:
            admin.execute(sql.SQL("drop owned by {} cascade").format(role))
            admin.execute(sql.SQL("alter database {} owner to current_user").format(database))
            admin.execute(sql.SQL("drop role {}").format(role))


def test_an_owner_that_is_no_superuser_installs_and_works(owner: Conn, empty_dsn: str) -> None:
    """Managed Postgres gives no superuser. Forced policies bind the owner, and its own lets it through."""
    schema.install(owner)
    assert owner.execute("select rolsuper, rolbypassrls from pg_roles where rolname = current_user").fetchone() == (False, False)

    acme = Tenant(owner, "acme")
    owner.execute("select media.advance_video(%s, 'processing')", [acme.video])
    owner.execute("select media.finish_video(%s)", [acme.video])
    assert owner.execute("select video_id, status from media.video_overview").fetchall() == [(acme.video, "ready")]
    assert scalar(owner, "select base.is_trusted()") is True

    with psycopg.connect(empty_dsn, autocommit=True) as conn:
        for role, tenant, seen in (
            ("reelq_app", None, []),
            ("reelq_app", acme, [(acme.video,)]),
            ("reelq_worker", None, [(acme.video,)]),
        ):
            conn.execute(sql.SQL("set role {}").format(sql.Identifier(role)))
            conn.execute("select set_config('reelq.tenant_id', %s, false)", [str(tenant.id) if tenant else ""])
            assert conn.execute("select id from media.list_videos()").fetchall() == seen
        conn.execute("reset role")
    for statement in ("delete from media.variants where tenant_id = %s", "update media.assets set object_id = null where tenant_id = %s", "delete from media.objects where tenant_id = %s"):
        owner.execute(statement.encode(), [acme.id])  # a tenant goes after its objects
    owner.execute("delete from identity.tenants where id = %s", [acme.id])
    assert scalar(owner, "select count(*) from media.variants") == 0
