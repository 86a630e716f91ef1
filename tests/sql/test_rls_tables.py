"""Another tenant's rows, in every table and view that has a tenant: found in the catalogue, so that a new one is among them."""

from __future__ import annotations

import pytest

from reelq.worker.db import schema
from tests.conftest import Connect
from tests.sql import tenantkit
from tests.sql.mediakit import Conn, scalar
from tests.sql.tenantkit import ROLES, VERBS


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("role", ROLES)
def test_no_role_touches_another_tenant_s_rows_whatever_it_is_granted(conn: Conn, connect: Connect, role: str, verb: str) -> None:
    """The policies hold by themselves: all tables and all verbs are granted here."""
    assert tenantkit.leaks(tenantkit.make_world(conn), connect(), role, verb) == []


def test_no_role_writes_a_table_but_where_the_grants_say_so(conn: Conn) -> None:
    """What is to be recorded goes through functions; an application may insert jobs."""
    found = conn.execute(
        """
        select role || ' ' || verb || ' ' || c.relnamespace::regnamespace || '.' || c.relname
        from pg_class as c, unnest(array['reelq_worker', 'reelq_app', 'reelq_readonly']) as role,
            unnest(array['insert', 'update', 'delete', 'truncate', 'references', 'trigger']) as verb
        where c.relnamespace::regnamespace::text = any(%s) and c.relkind in ('r', 'p', 'v', 'm')
            and (has_table_privilege(role, c.oid, verb)
                or (verb in ('insert', 'update', 'references') and has_any_column_privilege(role, c.oid, verb)))
        """,
        [schema.rooms()],
    ).fetchall()
    assert found == [("reelq_app insert queue.processing_jobs",)]


TABLE = "create table media.test_leaky (id bigint generated always as identity primary key, tenant_id uuid not null)"


@pytest.mark.parametrize(
    ("made", "verb", "told"),
    [
        (TABLE, "select", "media.test_leaky shows rows of another tenant"),
        (TABLE, "insert", "media.test_leaky takes a row of another tenant"),
        (TABLE, "update", "media.test_leaky lets a tenant's rows be given to another"),
        (TABLE, "delete", "media.test_leaky lets rows of another tenant be deleted"),
        ("alter table media.videos disable row level security", "select", "media.video_overview shows rows of another tenant"),
        ("create policy open on media.videos for update using (true)", "update", "media.videos lets rows of another tenant be taken"),
        ("create view media.test_view as select id, tenant_id from media.videos", "select", "media.test_view shows rows of another tenant"),
        ("create view media.test_view as select id, tenant_id from media.videos where false", "select", "no row of a tenant shows in media.test_view"),
        ("drop policy tenant_sees_its_own on media.videos", "select", "media.videos does not show the tenant's own rows"),
    ],
)  # fmt: skip
def test_a_leak_would_be_found(conn: Conn, connect: Connect, made: str, verb: str, told: str) -> None:
    conn.execute(made.encode())
    assert any(line.startswith(told) for line in tenantkit.leaks(tenantkit.make_world(conn), connect(), "reelq_app", verb))


def test_a_row_that_cannot_be_guessed_is_asked_for(conn: Conn) -> None:
    """By the name of its table, with the place where to say it."""
    conn.execute("create table media.test_odd (tenant_id uuid not null, at_what point not null)")
    with pytest.raises(AssertionError, match=r"media\.test_odd\.at_what, which is point: add its columns to COLUMNS in tests/sql/tenantkit\.py"):
        tenantkit.make_world(conn)
    conn.execute("drop table media.test_odd; create table media.test_odd (tenant_id uuid not null, code text not null constraint it_is_odd check (code = md5('odd')))")
    with pytest.raises(AssertionError, match="a row of media.test_odd, it_is_odd refuses all: add its columns"):
        tenantkit.make_world(conn)


def test_a_row_is_guessed_from_checks_and_references(conn: Conn) -> None:
    """Lists, lengths, numbers, foreign keys to tables of the same tenant that have no row yet."""
    conn.execute(
        """
        create table media.test_cards (
            id uuid primary key default base.uuid_v7(),
            tenant_id uuid not null references identity.tenants (id) on delete cascade,
            video_id uuid not null references media.videos (id) on delete cascade,
            colour text not null constraint colour_is_known check (colour in ('red', 'blue')),
            code text not null constraint code_has_64_hex_digits check (code ~ '^[0-9a-f]{64}$'),
            place integer not null constraint place_is_large check (place > 99),
            data jsonb not null constraint data_is_a_list check (jsonb_typeof(data) = 'array'),
            unique (tenant_id, video_id)
        )
        """
    )
    tenant = scalar(conn, "select identity.create_tenant('acme')")
    (row,) = tenantkit.make_rows(conn, "media.test_cards", tenant)
    assert (row.values["colour"], row.values["place"], row.values["data"]) == ("red", 100, "[]")
    assert scalar(conn, "select tenant_id from media.videos where id = %s", row.values["video_id"]) == tenant
