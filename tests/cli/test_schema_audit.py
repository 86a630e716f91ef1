"""reelq schema audit: a fresh installation passes, and each fault of its list is found."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from reelq.worker import settings
from reelq.worker.doctor import schema_audit
from reelq.worker.doctor.audited_queries import QUERIES

Conn = psycopg.Connection[Any]
FAULTS = {
    "created_at": "alter table ops.feature_flags drop column created_at",
    "foreign keys": "create table media.test_marks (id uuid primary key, video_id uuid references media.videos (id), created_at timestamptz)",
    "timestamptz": "alter table media.videos add column test_when timestamp",
    "JSONB": "comment on column media.videos.metadata is 'JSON [internal]'",
    "primary keys": "create table media.test_heap (n integer, created_at timestamptz)",
    "validity": "alter table media.videos add constraint test_short check (length(title) < 100) not valid",
    "duplicates": "drop index media.videos_one_idempotency_key",
}  # fmt: skip


def level(conn: Conn, check: str, **environ: str) -> str:
    return schema_audit.CHECKS[check](conn, settings.load(environ)).level


def test_a_fresh_installation_fails_in_nothing_but_that_nobody_has_made_a_backup(reelq, conn: Conn) -> None:
    conn.execute("select ops.maintain_partitions()")
    done = reelq("schema", "audit", "--json")
    assert [row["check"] for row in done.rows] == list(schema_audit.CHECKS)
    assert list(done.rows[0]) == ["check", "level", "detail", "remedy"]
    assert {row["check"] for row in done.rows if row["level"] == "fail"} <= {"backup"}
    assert done.code == (3 if "fail" in {row["level"] for row in done.rows} else 0)
    assert all((row["remedy"] is None) == (row["level"] == "ok") for row in done.rows)


def test_each_fault_is_found(conn: Conn) -> None:
    for check, fault in FAULTS.items():
        assert level(conn, check) == "ok", check
        with conn.transaction(force_rollback=True):
            conn.execute(fault.encode())
            assert level(conn, check) == "fail", check
            broken = [one for name in FAULTS if (one := schema_audit.CHECKS[name](conn, settings.load({}))).level == "fail"]
            assert [one.check for one in broken] == [check], broken


def test_a_query_that_reads_all_of_a_large_table_is_named(conn: Conn, monkeypatch: pytest.MonkeyPatch) -> None:
    assert level(conn, "plans") == "ok"
    monkeypatch.setattr(schema_audit, "LARGE", 1000)
    tenant = conn.execute("select id from identity.tenants").fetchone()[0]  # type: ignore[index]
    conn.execute(
        """
        with made as (
            insert into media.assets (tenant_id, source, source_url) select %s, 'upload', '/' || n from generate_series(1, 3000) as n returning id, tenant_id
        )
        insert into media.videos (tenant_id, asset_id) select m.tenant_id, m.id from made as m
        """,
        [tenant],
    )
    conn.execute("analyze media.videos; analyze media.assets")
    assert level(conn, "plans") == "ok"
    conn.execute("drop index media.videos_by_user")
    found = schema_audit.plans(conn, settings.load({}))
    assert (found.level, found.detail) == ("fail", "newest videos of a user (reads all of videos)")


def test_a_month_that_is_missing(conn: Conn) -> None:
    conn.execute("select ops.maintain_partitions()")
    assert level(conn, "partitions") == "ok"
    for state, told in (("ahead", "warn"), ("current", "fail")):
        name = conn.execute("select partition from ops.list_partitions() where parent = 'ops.events' and state = %s", [state]).fetchone()[0]  # type: ignore[index]
        conn.execute(f"drop table {name}".encode())
        assert level(conn, "partitions") == told


def test_the_pool_s_settings_are_those_of_the_source_unless_told(conn: Conn) -> None:
    assert level(conn, "pool") == "ok"
    assert level(conn, "pool", REELQ_DATABASE_IDLE_S="10m") == "warn"
    assert level(conn, "pool", REELQ_DATABASE_POOL_SIZE="5000") == "fail"


def test_a_backup_is_young_and_was_tried(conn: Conn) -> None:
    with conn.transaction(force_rollback=True):
        conn.execute("drop table if exists ops.backups cascade")
        assert level(conn, "backup") == "warn"
        conn.execute("create table ops.backups (status text, began_at timestamptz, verified_at timestamptz)")
        assert level(conn, "backup") == "fail"
        for made, tested, told in (("1 hour", None, "warn"), ("1 hour", "3 days", "ok"), ("1 hour", "60 days", "warn"), ("3 days", "3 days", "fail")):
            conn.execute("delete from ops.backups")
            conn.execute("insert into ops.backups values ('completed', base.clock() - %s::interval, base.clock() - %s::interval)", [made, tested])
            assert level(conn, "backup") == told, (made, tested)


def test_every_query_that_is_explained_runs(conn: Conn) -> None:
    """A table or column that is renamed must not leave a check that can only fail."""
    with psycopg.ClientCursor(conn) as cursor:
        for query in QUERIES:
            assert cursor.execute(query.text.encode(), {"id": schema_audit.NOBODY}).fetchall() == [], query.name
