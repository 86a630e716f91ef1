"""Masked views: support sees how things stand, of all tenants or of the one that it names, and nobody's words."""

from __future__ import annotations

from typing import Any

import pytest
from psycopg import sql

from tests.conftest import Connect
from tests.sql.mediakit import Conn, refused, scalar
from tests.sql.personalkit import Person
from tests.sql.rolekit import Tenant, open_as

VIEWS = "select c.relnamespace::regnamespace || '.' || c.relname from pg_class as c where c.relkind = 'v' and c.relname like '%%\\_masked' order by 1"


@pytest.fixture
def bob(conn: Conn, clock: Any) -> Person:
    clock.set("2026-11-20T12:00:00Z")
    Tenant(conn, "rival")
    return Person(conn, Tenant(conn, "acme"), clock)


def masked(conn: Conn) -> list[str]:
    return [one for (one,) in conn.execute(VIEWS).fetchall()]


def count(conn: Conn, view: str) -> int:
    found: int = conn.execute(sql.SQL("select count(*) from {}").format(sql.SQL(view))).fetchone()[0]  # type: ignore[index]
    return found


def test_support_sees_all_tenants_or_the_one_it_names(conn: Conn, connect: Connect, bob: Person) -> None:
    views = masked(conn)
    assert len(views) >= 7
    for role in ("reelq_support", "reelq_admin"):
        acting = open_as(connect, role)
        everything = {view: count(acting, view) for view in views}
        assert everything["identity.users_masked"] == 3
        assert all(everything.values()), everything
        acting.execute("select set_config('reelq.tenant_id', %s, false)", [str(bob.tenant.id)])
        assert count(acting, "identity.users_masked") == 2
        acting.execute("select set_config('reelq.tenant_id', '01976b1e-5a3c-7d4e-8f00-0123456789ab', false)")
        assert {count(acting, view) for view in views} == {0}


def test_a_nonsense_tenant_or_a_user_is_no_support(conn: Conn, connect: Connect, bob: Person) -> None:
    support = open_as(connect, "reelq_support")
    support.execute("select set_config('reelq.tenant_id', 'nonsense', false)")
    assert {count(support, view) for view in masked(conn)} == {0}
    user = open_as(connect, "reelq_support", bob.tenant)
    user.execute("select set_config('reelq.user_id', %s, false)", [str(bob.id)])
    assert {count(user, view) for view in masked(conn)} == {0}


@pytest.mark.parametrize("role", ["reelq_app", "reelq_readonly", "reelq_worker"])
def test_nobody_else_reads_them(conn: Conn, connect: Connect, bob: Person, role: str) -> None:
    """Nor with the right, were it granted: the view asks who calls."""
    views = masked(conn)
    for view in views:
        refused(open_as(connect, role, bob.tenant), "42501", f"select * from {view}")
        conn.execute(sql.SQL("grant select on {} to {}").format(sql.SQL(view), sql.Identifier(role)))
    for name in ("is_support()", "current_tenant()"):
        conn.execute(sql.SQL("grant execute on function base.{} to {}").format(sql.SQL(name), sql.Identifier(role)))
    assert {count(open_as(connect, role, bob.tenant), view) for view in views} == {0}


def test_nobody_s_words_are_in_them(conn: Conn, connect: Connect, bob: Person) -> None:
    support = open_as(connect, "reelq_support")
    shown = "\n".join(str(row) for view in masked(conn) for row in support.execute(sql.SQL("select * from {}").format(sql.SQL(view))).fetchall())
    for words in ("bob@", "private.example", "Unusual", "/home", "x.mp4", "1234567"):
        assert words not in shown
    assert scalar(support, "select email from identity.users_masked where id = %s", bob.id) == "b***@p***.example"
    assert scalar(support, "select error_message from queue.processing_jobs_masked where id = %s", bob.failed) == "no mail to b***@p***.example"


def test_support_reads_nothing_but_them(connect: Connect, bob: Person) -> None:
    support = open_as(connect, "reelq_support")
    for table in ("identity.users", "media.videos", "queue.processing_jobs", "queue.job_attempts", "ops.erasures"):
        refused(support, "42501", f"select 1 from {table}")
