"""What a tenant, an application, a reader and a worker see and may do: the functions, and the rooms as they work together.

That no table lets another tenant in is asked of all of them in test_rls_tables.py.
"""

from __future__ import annotations

from functools import partial
from uuid import uuid4

import pytest
from psycopg import sql

from demo import postgres
from tests.conftest import Connect
from tests.sql.mediakit import Conn, refused, scalar
from tests.sql.rolekit import PERMISSION_DENIED, ROLES, Become, Tenant, open_as


@pytest.fixture
def acme(conn: Conn) -> Tenant:
    """One tenant."""
    return Tenant(conn, "acme")


@pytest.fixture
def rival(conn: Conn) -> Tenant:
    """Another one."""
    return Tenant(conn, "rival")


@pytest.fixture
def become(connect: Connect) -> Become:
    """Open a connection as a role, for a tenant."""
    return partial(open_as, connect)


@pytest.mark.parametrize("role", ["reelq_app", "reelq_readonly"])
def test_without_a_tenant_nothing_is_visible(become: Become, acme: Tenant, role: str) -> None:
    """Denied by default: no error, no row."""
    conn = become(role)
    assert scalar(conn, "select count(*) from identity.tenants") == 0
    assert scalar(conn, "select count(*) from media.list_videos()") == 0
    assert refused(conn, "select media.show_video(%s)", acme.video) == "RQ004"


@pytest.mark.parametrize("role", ["reelq_app", "reelq_readonly"])
def test_a_tenant_sees_its_own_and_nobody_else_s(become: Become, acme: Tenant, rival: Tenant, role: str) -> None:
    """Functions give the same answer as tables and views."""
    conn = become(role, acme)
    assert conn.execute("select slug from identity.tenants").fetchall() == [("acme",)]
    assert conn.execute("select tenant_id from media.video_overview").fetchall() == [(acme.id,)]
    assert conn.execute("select id from identity.users").fetchall() == [(acme.user,)]
    assert conn.execute("select id from media.list_videos()").fetchall() == [(acme.video,)]
    for stranger in ("rival", "nobody"):  # one that is another's and one that never was
        assert refused(conn, "select id from media.list_videos(%s)", stranger) == "RQ004"
    assert scalar(conn, "select media.show_video(%s) ->> 'id'", acme.video) == str(acme.video)
    assert len(conn.execute("select * from media.list_variants(%s)", [acme.video]).fetchall()) == 1
    for call in ("show_video", "list_variants"):
        assert refused(conn, f"select * from media.{call}(%s)", rival.video) == "RQ004", call


@pytest.mark.parametrize("role", ["reelq_app", "reelq_readonly"])
def test_nobody_reads_a_secret_of_a_user(become: Become, acme: Tenant, role: str) -> None:
    """Neither the password's hash nor the second factor, also not with an asterisk."""
    conn = become(role, acme)
    for column in ("password_hash", "two_factor_secret", "*"):
        assert refused(conn, f"select {column} from identity.users") == PERMISSION_DENIED


def test_an_application_may_not_call_what_is_the_worker_s(become: Become, acme: Tenant) -> None:
    """Not even for its own video."""
    conn = become("reelq_app", acme)
    assert refused(conn, "select media.finish_video(%s)", acme.video) == PERMISSION_DENIED
    assert refused(conn, "select media.create_video('/b.mp4')") == PERMISSION_DENIED
    assert refused(conn, "select identity.create_tenant('x')") == PERMISSION_DENIED


def test_a_worker_works_for_every_tenant_through_functions_alone(become: Become, acme: Tenant, rival: Tenant) -> None:
    """It is trusted, and still has no table."""
    conn = become("reelq_worker")
    for tenant in (acme, rival):
        assert scalar(conn, "select tenant_id from media.get_work(%s)", tenant.video) == tenant.id
        # A status is moved under a job's token, by queue.advance_video.
        assert refused(conn, "select media.advance_video(%s, 'processing')", tenant.video) == PERMISSION_DENIED
        conn.execute("select media.finish_video(%s)", [tenant.video])
    assert scalar(conn, "select count(*) from media.list_videos(p_status => 'ready')") == 2
    assert refused(conn, "select * from media.videos") == PERMISSION_DENIED


def test_a_worker_that_names_a_tenant_is_held_to_it(become: Become, acme: Tenant, rival: Tenant) -> None:
    """Who sets reelq.tenant_id wants the fence, whoever they are."""
    conn = become("reelq_worker", acme)
    assert refused(conn, "select * from media.get_work(%s)", rival.video) == "RQ004"
    assert refused(conn, "select media.put_variant(%s, '{}')", rival.asset) == "RQ004"
    conn.execute("reset reelq.tenant_id")
    assert scalar(conn, "select video_status from media.get_work(%s)", rival.video) == "pending"


def test_trust_is_asked_of_the_caller_not_of_the_function_s_owner(connect: Connect, become: Become, acme: Tenant) -> None:
    """Inside a security definer function current_user is the owner; that must not count."""
    connect().execute(
        """
        create function media.asked() returns boolean language sql security definer set search_path = pg_catalog, pg_temp
        as 'select base.is_trusted()';
        grant execute on function media.asked() to public
        """
    )
    answers = {role: scalar(become(role), "select media.asked()") for role in ROLES}
    assert answers == {"reelq_worker": True, "reelq_app": False, "reelq_readonly": False}
    assert scalar(connect(), "select media.asked()") is True


def test_a_login_is_what_it_was_granted(
    pg_server: postgres.Server, connect: Connect, dsn: str, acme: Tenant, rival: Tenant
) -> None:
    """Roles that log in inherit: web is an application, encoder a worker."""
    admin = connect()
    names = {"reelq_app": f"web_{uuid4().hex[:8]}", "reelq_worker": f"encoder_{uuid4().hex[:8]}"}
    try:
        for group, login in names.items():
            admin.execute(sql.SQL("create role {} login in role {}").format(sql.Identifier(login), sql.Identifier(group)))
        with connect(user=names["reelq_app"]) as web, connect(user=names["reelq_worker"]) as encoder:
            assert scalar(web, "select count(*) from media.list_videos()") == 0
            web.execute("select set_config('reelq.tenant_id', %s, false)", [str(acme.id)])
            assert web.execute("select id from media.list_videos()").fetchall() == [(acme.video,)]
            assert web.execute("select id from media.videos").fetchall() == [(acme.video,)]
            assert scalar(encoder, "select count(*) from media.list_videos()") == 2
    finally:
        for login in names.values():
            admin.execute(sql.SQL("drop role if exists {}").format(sql.Identifier(login)))
