"""Who may see and do what: roles, row policies, grants; and an owner that is no superuser."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql

from demo import postgres
from tests.conftest import Connect
from worker import schema

Conn = psycopg.Connection[Any]
Become = Callable[..., Conn]
GRANTS = (Path(__file__).resolve().parents[2] / "sql" / "grants.sql").read_text()
ROOMS = ["base", "identity", "media", "queue"]
ROLES = ["reelq_worker", "reelq_app", "reelq_readonly"]
TENANT_TABLES = ["identity.users", "media.assets", "media.videos", "media.variants"]
# What grants.sql lists: (name, roles) of functions, names of tables and views.
LISTED = re.findall(r"\('([a-z]+\.[a-z0-9_]+)', '([a-z ]+)'\),?$", GRANTS, re.MULTILINE)
RELATIONS = re.findall(r"'([a-z]+\.[a-z0-9_]+)', '[a-z ]+',\s+'select", GRANTS)
PERMISSION_DENIED = "42501"


def scalar(conn: Conn, query: str, *args: Any) -> Any:
    """The one value of the one row."""
    row = conn.execute(query, args).fetchone()
    assert row is not None
    return row[0]


def refused(conn: Conn, query: str, *args: Any) -> str | None:
    """SQLSTATE of the refusal."""
    with pytest.raises(psycopg.Error) as caught:
        conn.execute(query, args)
    return caught.value.sqlstate


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
            """select media.put_variant(%s, '{"profile": "poster", "bucket": "b", "key": "k"}')""",
            self.asset,
        )


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

    def open_as(role: str, tenant: Tenant | None = None) -> Conn:
        conn = connect()
        conn.execute(sql.SQL("set role {}").format(sql.Identifier(role)))
        if tenant is not None:
            conn.execute("select set_config('reelq.tenant_id', %s, false)", [str(tenant.id)])
        return conn

    return open_as


@pytest.mark.parametrize("role", ["reelq_app", "reelq_readonly"])
def test_without_a_tenant_nothing_is_visible(become: Become, acme: Tenant, role: str) -> None:
    """Denied by default: no error, no row, through tables, views and functions."""
    conn = become(role)
    for name in [
        "identity.tenants",
        "media.assets",
        "media.videos",
        "media.variants",
        "media.video_overview",
        "media.video_urls",
    ]:
        assert scalar(conn, f"select count(*) from {name}") == 0, name
    assert scalar(conn, "select count(id) from identity.users") == 0
    assert scalar(conn, "select count(*) from media.list_videos()") == 0
    assert refused(conn, "select media.show_video(%s)", acme.video) == "RQ004"


@pytest.mark.parametrize("role", ["reelq_app", "reelq_readonly"])
def test_a_tenant_sees_its_own_and_nobody_else_s(
    become: Become, acme: Tenant, rival: Tenant, role: str
) -> None:
    """Tables, views and functions give the same answer."""
    conn = become(role, acme)
    assert conn.execute("select slug from identity.tenants").fetchall() == [("acme",)]
    for name in [
        "media.assets",
        "media.videos",
        "media.variants",
        "media.video_overview",
        "media.video_urls",
    ]:
        assert conn.execute(f"select tenant_id from {name}").fetchall() == [(acme.id,)], name
    assert conn.execute("select id from identity.users").fetchall() == [(acme.user,)]
    assert conn.execute("select id from media.list_videos()").fetchall() == [(acme.video,)]
    assert conn.execute("select id from media.list_videos('rival')").fetchall() == []
    assert scalar(conn, "select media.show_video(%s) ->> 'id'", acme.video) == str(acme.video)
    assert len(conn.execute("select * from media.list_variants(%s)", [acme.video]).fetchall()) == 1
    for call in ("show_video", "list_variants"):
        assert refused(conn, f"select * from media.{call}(%s)", rival.video) == "RQ004", call


@pytest.mark.parametrize("table", TENANT_TABLES)
def test_another_tenant_s_rows_cannot_be_written_even_where_writing_is_granted(
    connect: Connect, become: Become, acme: Tenant, rival: Tenant, table: str
) -> None:
    """The policy holds by itself: an insert is refused, an update and a delete meet no row."""
    connect().execute(f"grant insert, update, delete on {table} to reelq_app")
    key = "email" if table.endswith("users") else "tenant_id"
    rows = {
        "identity.users": ("(tenant_id, email) values (%s, 'eve@example.com')", []),
        "media.assets": ("(tenant_id) values (%s)", []),
        "media.videos": ("(tenant_id, asset_id) values (%s, %s)", [rival.asset]),
        "media.variants": (
            "(tenant_id, asset_id, profile, bucket, key) values (%s, %s, 'hls', 'b', 'k')",
            [rival.asset],
        ),
    }
    values, args = rows[table]
    conn = become("reelq_app", acme)

    assert refused(conn, f"insert into {table} {values}", rival.id, *args) == PERMISSION_DENIED
    for verb in (f"update {table} set {key} = {key}", f"delete from {table}"):
        assert conn.execute(f"{verb} where tenant_id = %s", [rival.id]).rowcount == 0
    assert (
        refused(conn, f"update {table} set tenant_id = %s where tenant_id = %s", rival.id, acme.id)
        == PERMISSION_DENIED
    )


@pytest.mark.parametrize("role", ROLES)
def test_no_role_writes_the_tables_of_identity_and_media(become: Become, acme: Tenant, role: str) -> None:
    """What is to be recorded goes through functions."""
    conn = become(role, acme)
    for table in ["identity.tenants", *TENANT_TABLES]:
        for verb in (
            f"delete from {table}",
            f"update {table} set created_at = now()",
            f"insert into {table} default values",
        ):
            assert refused(conn, verb) == PERMISSION_DENIED, verb


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


def test_a_worker_works_for_every_tenant_through_functions_alone(
    become: Become, acme: Tenant, rival: Tenant
) -> None:
    """It is trusted, and still has no table."""
    conn = become("reelq_worker")
    for tenant in (acme, rival):
        assert scalar(conn, "select tenant_id from media.get_work(%s)", tenant.video) == tenant.id
        conn.execute("select media.advance_video(%s, 'processing')", [tenant.video])
        conn.execute("select media.finish_video(%s)", [tenant.video])
    assert scalar(conn, "select count(*) from media.list_videos(p_status => 'ready')") == 2
    assert refused(conn, "select * from media.videos") == PERMISSION_DENIED


def test_a_worker_that_names_a_tenant_is_held_to_it(become: Become, acme: Tenant, rival: Tenant) -> None:
    """Who sets reelq.tenant_id wants the fence, whoever they are."""
    conn = become("reelq_worker", acme)
    assert refused(conn, "select * from media.get_work(%s)", rival.video) == "RQ004"
    conn.execute("select media.advance_video(%s, 'processing')", [rival.video])
    assert refused(conn, "select media.put_variant(%s, '{}')", rival.asset) == "RQ004"
    conn.execute("reset reelq.tenant_id")
    assert scalar(conn, "select video_status from media.get_work(%s)", rival.video) == "pending"


def test_trust_is_asked_of_the_caller_not_of_the_function_s_owner(
    connect: Connect, become: Become, acme: Tenant
) -> None:
    """Inside a security definer function current_user is the owner; that must not count."""
    connect().execute(
        """
        create function media.asked() returns boolean language sql security definer set search_path = ''
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
            admin.execute(
                sql.SQL("create role {} login in role {}").format(
                    sql.Identifier(login), sql.Identifier(group)
                )
            )
        with connect(user=names["reelq_app"]) as web, connect(user=names["reelq_worker"]) as encoder:
            assert scalar(web, "select count(*) from media.list_videos()") == 0
            web.execute("select set_config('reelq.tenant_id', %s, false)", [str(acme.id)])
            assert web.execute("select id from media.list_videos()").fetchall() == [(acme.video,)]
            assert web.execute("select id from media.videos").fetchall() == [(acme.video,)]
            assert scalar(encoder, "select count(*) from media.list_videos()") == 2
    finally:
        for login in names.values():
            admin.execute(sql.SQL("drop role if exists {}").format(sql.Identifier(login)))


def test_every_name_on_the_lists_exists(conn: Conn) -> None:
    """grants.sql passes over what is not there yet; in a whole installation all is there."""
    there = "select exists (select from pg_proc where pronamespace::regnamespace || '.' || proname = %s)"
    assert (len(LISTED), len(RELATIONS)) > (40, 10)
    assert [name for name, _ in LISTED if not scalar(conn, there, name)] == []
    assert [name for name in RELATIONS if scalar(conn, "select to_regclass(%s)", name) is None] == []


def test_functions_are_open_to_those_on_the_list_and_to_nobody_else(conn: Conn) -> None:
    """The catalogue against grants.sql, for every function of our schemas."""
    granted = {name: {f"reelq_{role}" for role in roles.split()} for name, roles in LISTED}
    found = conn.execute(
        """
        select routine.pronamespace::regnamespace || '.' || routine.proname,
               coalesce(
                   array_agg(grantee.rolname::text)
                   filter (where acl.grantee <> routine.proowner and acl.grantee <> 0), '{}'
               ),
               coalesce(bool_or(acl.grantee = 0), false)
        from pg_proc as routine
        cross join lateral aclexplode(coalesce(routine.proacl, acldefault('f', routine.proowner))) as acl
        left join pg_roles as grantee on grantee.oid = acl.grantee
        where routine.pronamespace::regnamespace::text = any(%s)
        group by routine.oid, 1
        """,
        [ROOMS],
    ).fetchall()
    assert [name for name, _, public in found if public and name != "base.clock"] == []
    assert {name: set(roles) for name, roles, _ in found if roles} == granted


def test_functions_that_are_called_from_outside_run_as_their_owner(conn: Conn) -> None:
    """The roles have no tables to work with themselves; helpers of base need none."""
    names = [
        name
        for name, _ in LISTED
        if name.split(".")[0] in ("media", "queue") and not name.endswith("_columns")
    ]
    open_ones = conn.execute(
        """
        select oid::regprocedure::text from pg_proc
        where pronamespace::regnamespace || '.' || proname = any(%s) and not prosecdef
        """,
        [names],
    ).fetchall()
    assert open_ones == []


def test_a_function_that_a_later_upgrade_adds_is_closed_too(conn: Conn) -> None:
    """Default privileges of the owner: nothing new is open to everybody."""
    conn.execute(
        "create function media.added() returns integer language sql set search_path = '' as 'select 1'"
    )
    assert scalar(conn, "select has_function_privilege('reelq_app', 'media.added()', 'execute')") is False


def test_every_table_with_a_tenant_has_forced_policies(conn: Conn) -> None:
    """Enabled and forced, one policy for the owner and one for the tenant."""
    open_ones = conn.execute(
        """
        select class.oid::regclass::text
        from pg_class as class
        where class.relnamespace::regnamespace::text = any(%s) and class.relkind in ('r', 'p')
            and has_any_column_privilege('reelq_app', class.oid, 'select')
            and exists (
                select from pg_attribute as attribute
                where attribute.attrelid = class.oid and attribute.attname = 'tenant_id'
            )
            and not (
                class.relrowsecurity and class.relforcerowsecurity
                and (select count(*) from pg_policy as policy where policy.polrelid = class.oid) >= 2
            )
        """,
        [ROOMS],
    ).fetchall()
    assert open_ones == []


def test_no_view_sees_with_its_owner_s_eyes(conn: Conn) -> None:
    """A view without security_invoker would pass by every policy."""
    views = conn.execute(
        """
        select oid::regclass::text from pg_class
        where relnamespace::regnamespace::text = any(%s) and relkind = 'v'
            and not coalesce('security_invoker=true' = any(reloptions), false)
        """,
        [ROOMS],
    ).fetchall()
    assert views == []


def test_granting_again_gives_the_same(conn: Conn) -> None:
    """grants.sql is applied again by upgrades."""
    acls = """
        select array_agg(proacl::text order by oid) from pg_proc
        where pronamespace::regnamespace::text = any(%s)
    """
    before = scalar(conn, acls, ROOMS)
    conn.execute(GRANTS)
    assert scalar(conn, acls, ROOMS) == before


def test_an_application_enqueues_for_its_own_tenant_alone(
    become: Become, acme: Tenant, rival: Tenant
) -> None:
    """By function and by plain INSERT; another tenant's video is not there for it."""
    conn = become("reelq_app", acme)
    by_function = scalar(conn, "select queue.enqueue_job('no_op', video_id => %s)", acme.video)
    conn.execute("insert into queue.processing_jobs (job_type, video_id) values ('no_op', %s)", [acme.video])

    assert refused(conn, "select queue.enqueue_job('no_op', video_id => %s)", rival.video) == "RQ004"
    assert (
        refused(
            conn, "insert into queue.processing_jobs (job_type, video_id) values ('no_op', %s)", rival.video
        )
        == "RQ004"
    )
    assert refused(conn, "select queue.enqueue_job('no_op', tenant_id => %s)", rival.id) == "RQ004"
    assert conn.execute("select distinct tenant_id from queue.processing_jobs").fetchall() == [(acme.id,)]
    assert scalar(conn, "select count(*) from queue.list_jobs()") == 2
    assert scalar(conn, "select queue.show_job(%s) ->> 'status'", by_function) == "queued"
    assert refused(conn, "update queue.processing_jobs set priority = 1") == PERMISSION_DENIED


def test_an_application_cannot_touch_or_see_another_tenant_s_job(
    connect: Connect, become: Become, acme: Tenant, rival: Tenant
) -> None:
    """Cancel, retry, show: the same answer as for a job that never was."""
    job = scalar(connect(), "select queue.enqueue_job('no_op', video_id => %s)", rival.video)
    conn = become("reelq_app", acme)
    for call in ("cancel_job", "retry_job", "show_job"):
        assert refused(conn, f"select queue.{call}(%s)", job) == "RQ004", call
    assert scalar(conn, "select count(*) from queue.list_jobs()") == 0
    assert scalar(conn, "select count(*) from queue.processing_jobs") == 0


def test_an_application_ingests_into_its_own_tenant(become: Become, acme: Tenant, rival: Tenant) -> None:
    """The video, its asset and all jobs of the pipeline are the tenant's."""
    conn = become("reelq_app", acme)
    video = scalar(conn, "select queue.ingest_video('https://example.com/a.mp4', 'acme')")
    assert scalar(conn, "select tenant_id from media.videos where id = %s", video) == acme.id
    assert scalar(conn, "select count(*) > 0 from queue.processing_jobs where video_id = %s", video)
    assert refused(conn, "select queue.ingest_video('https://example.com/a.mp4', 'rival')") == "RQ004"


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
    assert owner.execute(
        "select rolsuper, rolbypassrls from pg_roles where rolname = current_user"
    ).fetchone() == (False, False)

    acme = Tenant(owner, "acme")
    owner.execute("select media.advance_video(%s, 'processing')", [acme.video])
    owner.execute("select media.finish_video(%s)", [acme.video])
    assert owner.execute("select video_id, status from media.video_overview").fetchall() == [
        (acme.video, "ready")
    ]
    assert scalar(owner, "select base.is_trusted()") is True

    with psycopg.connect(empty_dsn, autocommit=True) as conn:
        for role, tenant, seen in (
            ("reelq_app", None, []),
            ("reelq_app", acme, [(acme.video,)]),
            ("reelq_worker", None, [(acme.video,)]),
        ):
            conn.execute(sql.SQL("set role {}").format(sql.Identifier(role)))
            conn.execute(
                "select set_config('reelq.tenant_id', %s, false)", [str(tenant.id) if tenant else ""]
            )
            assert conn.execute("select id from media.list_videos()").fetchall() == seen
        conn.execute("reset role")
    owner.execute("delete from identity.tenants where id = %s", [acme.id])
    assert scalar(owner, "select count(*) from media.variants") == 0
