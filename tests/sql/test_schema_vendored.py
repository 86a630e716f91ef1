"""procrastinate's tables: in a schema of their own, told by status, brought from any of its versions to the latest, and never another's."""

from __future__ import annotations

import psycopg
import pytest

from reelq.worker.db import schema
from reelq.worker.db.schema import SchemaError, vendored

SHAPE = """
select 'column', c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull::text
from pg_class as c inner join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
where c.relnamespace = 'reelq_periodic'::regnamespace and c.relkind = 'r'
union all
select 'index', tablename, indexname, indexdef, '' from pg_indexes where schemaname = 'reelq_periodic'
union all
select 'function', p.proname, pg_get_function_identity_arguments(p.oid), regexp_replace(p.prosrc, '\\s+', ' ', 'g'), coalesce(array_to_string(p.proconfig, ','), '')
from pg_proc as p where p.pronamespace = 'reelq_periodic'::regnamespace
union all
select 'trigger', tgrelid::regclass::text, tgname, '', '' from pg_trigger where tgrelid::regclass::text like '%procrastinate%' and not tgisinternal
order by 1, 2, 3, 4
"""


def shape(conn):
    return conn.execute(SHAPE).fetchall()


def said(conn):
    """The row of `reelq schema status`."""
    (row,) = [row for row in schema.status(conn) if row["kind"] == "vendored"]
    return row


def test_its_migrations_lead_to_what_its_schema_makes(conn, monkeypatch):
    """From the first to the last, as an upgrade of the package would bring them; each function keeps a search_path."""
    fresh = shape(conn)
    assert all("search_path=" in row[4] for row in fresh if row[0] == "function")
    conn.execute("drop schema reelq_periodic cascade; create schema reelq_periodic")
    first = "00.00.00_00"
    conn.execute(f"comment on schema reelq_periodic is 'procrastinate 0.0.1, schema {first}. As an old one.'".encode())
    assert (said(conn)["state"], said(conn)["path"]) == ("pending", f"reelq_periodic: procrastinate {vendored.latest()}")
    assert [row for row in schema.diff(conn) if row["kind"] == "vendored"]
    assert vendored.apply(conn, pytest.fail) is True
    indexes = {row[2] for row in fresh if row[0] == "index"}
    assert {row[2] for row in shape(conn) if row[0] == "index"} == indexes
    assert {row[:3] for row in shape(conn)} == {row[:3] for row in fresh}
    assert said(conn)["state"] == "applied"
    assert vendored.apply(conn, pytest.fail) is False


def test_a_later_version_s_tables_stay_and_are_no_drift(conn):
    conn.execute("comment on schema reelq_periodic is 'procrastinate 99.0.0, schema 99.00.00_01. As a new one.'")
    assert said(conn)["state"] == "newer"
    assert vendored.apply(conn, pytest.fail) is False
    assert [row for row in schema.diff(conn) if row["kind"] == "vendored"] == []


def test_a_role_that_may_make_no_schema_upgrades_all_the_rest(conn):
    """And is told what it goes without."""
    conn.execute("drop schema reelq_periodic cascade")
    told: list[str] = []
    with conn.transaction(force_rollback=True):
        conn.execute("set local role reelq_admin")
        assert vendored.apply(conn, told.append) is False
    assert "reelq periodic run needs it" in told[0]
    assert vendored.apply(conn, told.append) is True


def test_another_s_schema_of_that_name_stops_an_install_before_it_begins(empty_conn):
    empty_conn.execute("create schema reelq_periodic")
    with pytest.raises(SchemaError, match="was not made by reelq"):
        schema.install(empty_conn)
    assert empty_conn.execute("select to_regnamespace('queue')").fetchone() == (None,)


def test_nobody_but_the_owner_gets_at_it(conn):
    for role in ("reelq_worker", "reelq_admin", "reelq_app"):
        with conn.transaction(force_rollback=True):
            conn.execute(f"set local role {role}".encode())
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                conn.execute("select * from reelq_periodic.procrastinate_jobs")


def test_what_it_leaves_is_pruned_and_watched(conn):
    """A job that is over, one that waited for an hour, one of a worker that is gone; not one that waits, nor one that runs."""
    conn.execute("set search_path = reelq_periodic, pg_catalog")
    conn.execute("insert into procrastinate_workers default values")
    for status, worker, task in (("failed", None, "over"), ("doing", None, "lost"), ("doing", 1, "runs"), ("todo", None, "waits"), ("todo", None, "old")):
        conn.execute(
            "insert into procrastinate_jobs (queue_name, task_name, status, worker_id) values ('upkeep', %s, %s, %s)", [task, status, worker]
        )
    conn.execute("update procrastinate_events set at = at - interval '2 hours' where job_id = (select id from procrastinate_jobs where task_name = 'old')")
    conn.execute("reset search_path")
    told = conn.execute("select level, detail from ops.health() where finding = 'periodic clock'").fetchone()
    assert told == ("ok", "procrastinate has 5 jobs, 1 of them of workers that are gone")
    assert conn.execute("select ops.prune_clock()").fetchone() == (3,)
    assert {task for (task,) in conn.execute("select task_name from reelq_periodic.procrastinate_jobs")} == {"runs", "waits"}
