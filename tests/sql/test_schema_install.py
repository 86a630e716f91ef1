"""The runner against our own sql/: installs, repeats, dumps alike, tells what was changed by hand."""

from __future__ import annotations

import subprocess
from typing import Any

import psycopg
import pytest

from demo import postgres
from reelq.worker.db import schema
from reelq.worker.errors import SchemaMismatch

Conn = psycopg.Connection[Any]


def dump(server: postgres.Server, dbname: str) -> str:
    """pg_dump of the schema alone, without what differs from run to run."""
    command = [str(server.binaries.folder / "pg_dump"), "--schema-only", "-d", server.url(dbname)]
    told = subprocess.run(command, capture_output=True, text=True, check=True, env={"LC_ALL": "C"}).stdout
    return "\n".join(line for line in told.splitlines() if not line.startswith(("\\restrict", "\\unrestrict")))


def test_a_second_install_does_nothing_and_finds_no_difference(empty_conn: Conn) -> None:
    assert len(schema.install(empty_conn)) == len(schema.files()) + 1  # procrastinate's tables
    assert schema.install(empty_conn) == []
    assert schema.diff(empty_conn) == []
    assert {row["state"] for row in schema.status(empty_conn)} == {"applied"}
    schema.require(empty_conn)


def test_every_reapplied_file_may_run_again_and_changes_nothing(pg_server: postgres.Server, empty_conn: Conn) -> None:
    schema.install(empty_conn)
    before = dump(pg_server, empty_conn.info.dbname)
    empty_conn.execute("update base.schema_ledger set sha256 = 'older text' where kind not in ('schema', 'migration')")
    again = schema.upgrade(empty_conn)
    assert {row["kind"] for row in again} == {"function", "view", "data", "grants"}
    assert dump(pg_server, empty_conn.info.dbname) == before
    assert schema.diff(empty_conn) == []


def test_the_printed_script_makes_the_same_database(pg_server: postgres.Server, empty_conn: Conn) -> None:
    empty_conn.autocommit = True
    empty_conn.execute("create database printed")
    try:
        psql = [str(pg_server.binaries.folder / "psql"), "-Xq", "-v", "ON_ERROR_STOP=1", pg_server.url("printed")]
        subprocess.run(psql, input=schema.script(), capture_output=True, text=True, check=True)
        schema.install(empty_conn)
        assert dump(pg_server, "printed") == dump(pg_server, empty_conn.info.dbname)
        with psycopg.connect(pg_server.url("printed")) as conn:
            assert schema.diff(conn) == []
            conn.execute("alter table queue.job_types add column x integer")
            assert [row["object"] for row in schema.diff(conn)] == ["queue.job_types"]
            conn.rollback()
            assert schema.upgrade(conn) == []
            assert schema.diff(conn) == []
    finally:
        empty_conn.execute("drop database printed with (force)")


def test_people_at_psql_need_no_prefixes(dsn: str) -> None:
    with psycopg.connect(dsn) as conn:
        conn.execute("select slug from tenants")
        conn.execute("select id from processing_jobs")


def test_a_database_without_schema_is_refused_with_a_hint(empty_conn: Conn) -> None:
    for look in (schema.require, schema.upgrade, schema.diff):
        with pytest.raises(SchemaMismatch) as refused:
            look(empty_conn)
        assert refused.value.hint == "Run `reelq schema install`."


def test_a_function_changed_by_hand_is_told_and_put_back(empty_conn: Conn) -> None:
    schema.install(empty_conn)
    empty_conn.execute(
        "create or replace function base.clock() returns timestamptz language sql as 'select null::timestamptz'"
    )
    empty_conn.execute("drop view if exists media.video_urls cascade")
    told = {(row["object"], row["state"]) for row in schema.diff(empty_conn)}
    assert told == {("base.clock()", "changed"), ("media.video_urls", "removed")}
    put_back = {row["path"] for row in schema.upgrade(empty_conn)}
    assert put_back == {"functions/base/clock.sql", "views/media/video_urls.sql", "grants.sql"}
    assert schema.diff(empty_conn) == []


def test_a_table_changed_by_hand_is_told_until_it_is_accepted(empty_conn: Conn) -> None:
    schema.install(empty_conn)
    empty_conn.execute("alter table media.videos add column note text")
    empty_conn.execute("create table media.scribble (id integer)")
    told = {("media.videos", "changed"), ("media.scribble", "added")}
    for _ in range(2):
        assert {(row["object"], row["state"]) for row in schema.diff(empty_conn)} == told
        warnings: list[str] = []
        schema.upgrade(empty_conn, warn=warnings.append)
        assert len(warnings) == len(told)
    schema.upgrade(empty_conn, accept=True)
    assert schema.diff(empty_conn) == []
