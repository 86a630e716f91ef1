"""No role becomes another: whatever it puts in the way, nothing of its own is run by the owner's rights."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from psycopg import sql

from tests.conftest import Connect
from tests.sql.hostile import SETTINGS, Intruder, walk
from tests.sql.mediakit import Conn, refused, scalar
from tests.sql.rolekit import PERMISSION_DENIED, ROLES, Tenant, open_as


@pytest.fixture
def known(conn: Conn) -> dict[str, Any]:
    """A tenant with a job that runs, one that waits for it and one that has failed; arguments that name them."""
    acme = Tenant(conn, "acme")
    conn.execute("select queue.register_worker('w1', 'host', 1, '0', 'p', 10)")
    failed = scalar(conn, "select queue.enqueue_job('no_op', tenant_id => %s)", acme.id)
    token = scalar(conn, "select token from queue.claim_jobs('w1', 1)")
    conn.execute("select queue.fail_job(%s, %s, 'permanent', 'oops', 'It broke.')", [failed, token])
    running = scalar(conn, "select queue.enqueue_job('no_op', video_id => %s)", acme.video)
    conn.execute("select from queue.claim_jobs('w1', 1)")
    conn.execute("select queue.enqueue_job('no_op', tenant_id => %s, depends_on => array[%s])", [acme.id, running])
    conn.execute("select queue.set_limit('type:no_op', 100), queue.pause('tenant', 'acme', 'because')")
    return {
        "p_job_id": running, "p_video_id": acme.video, "video_id": acme.video, "p_asset_id": acme.asset, "asset_id": acme.asset,
        "p_tenant_id": acme.id, "tenant_id": acme.id, "user_id": acme.user, "p_user_id": acme.user,
    }  # fmt: skip


@pytest.fixture
def open_door(conn: Conn) -> None:
    """A database in which everybody may make temporary objects and schemas, as one that an application lives in too."""
    conn.execute(sql.SQL("grant temporary, create on database {} to public").format(sql.Identifier(conn.info.dbname)))


@pytest.mark.parametrize("role", ROLES)
def test_nothing_of_a_caller_s_is_run_by_the_owner(
    connect: Connect, conn: Conn, known: dict[str, Any], open_door: None, role: str
) -> None:
    """Types, relations, functions, operators and casts of its own, with six sets of settings, at every door there is."""
    intruder = Intruder(connect, role, known["tenant_id"])
    assert len(intruder.refused) < 20, intruder.refused
    went_well = 0
    for settings in SETTINGS:
        intruder.conn.execute("reset all")
        intruder.conn.execute("select pg_catalog.set_config('reelq.tenant_id', %s, false)", [str(known["tenant_id"])])
        intruder.conn.execute(sql.SQL("set role {}").format(sql.Identifier(role)))
        for name, value in settings.items():
            intruder.conn.execute("select pg_catalog.set_config(%s, %s, false)", [name, value])
        for did, code in walk(intruder, conn, known):
            assert intruder.heard == [], f"{did}, with {settings}"
            went_well += code is None
    assert went_well > 100, "the walk comes to nothing"


def test_the_walk_hears_a_function_that_pins_an_empty_path(
    connect: Connect, conn: Conn, known: dict[str, Any], open_door: None
) -> None:
    """With an empty search_path the caller's temporary types come before Postgres' own: what all functions once had."""
    conn.execute("alter function queue.list_jobs set search_path = ''")
    intruder = Intruder(connect, "reelq_readonly", known["tenant_id"])
    intruder.tries("select * from queue.list_jobs()")
    assert intruder.heard


def test_where_the_database_is_ours_no_role_makes_temporary_objects(connect: Connect) -> None:
    for role in ROLES:
        conn = open_as(connect, role)
        assert refused(conn, "create temp table mine (id integer)") == PERMISSION_DENIED, role
        assert refused(conn, "create function pg_temp.evil() returns integer language sql as 'select 1'") == PERMISSION_DENIED, role


@pytest.mark.parametrize("path", ["", "pg_catalog, pg_temp"])
def test_no_search_path_opens_the_record_to_a_role_that_was_granted_it(connect: Connect, conn: Conn, known: dict[str, Any], path: str) -> None:
    """The guard knows our functions by their search_path, which anybody may set: nobody but the owner comes as far as that."""
    conn.execute("grant update, delete on queue.processing_jobs to reelq_app")
    before = conn.execute("select * from queue.processing_jobs order by id").fetchall()
    app = connect()
    app.execute("set role reelq_app")
    app.execute("select set_config('reelq.tenant_id', %s, false), set_config('search_path', %s, false)", [str(known["tenant_id"]), path])
    for text in ("update queue.processing_jobs set status = 'completed', completed_at = now()", "update queue.processing_jobs set priority = 1",
                 "delete from queue.processing_jobs"):  # fmt: skip
        assert app.execute(text.encode()).rowcount == 0
    assert conn.execute("select * from queue.processing_jobs order by id").fetchall() == before


def test_an_empty_search_path_does_not_make_the_owner_s_hand_one_of_our_functions(conn: Conn, known: dict[str, Any]) -> None:
    conn.execute("set search_path = ''")
    assert refused(conn, "update queue.processing_jobs set priority = 1 where id = %s", known["p_job_id"]) == "RQ007"


def test_no_role_can_lock_what_the_queue_locks(connect: Connect, known: dict[str, Any]) -> None:
    for role in ROLES:
        conn = open_as(connect, role)
        for table in ("queue.locks", "queue.upkeep", "queue.limits", "identity.tenants", "queue.processing_jobs"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                conn.execute(f"select from {table} for update".encode())
