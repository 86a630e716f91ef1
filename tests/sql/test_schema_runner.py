"""The runner itself, on small trees made for the purpose: order, migrations, crashes, two at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psycopg
import pytest

from demo import postgres
from reelq.worker.db import schema
from reelq.worker.db.schema import SchemaError
from reelq.worker.errors import SchemaMismatch
from tests.sql.test_schema_install import dump

Conn = psycopg.Connection[Any]

CATS = {
    "schema/00_base/00_schemas.sql": "create schema if not exists base; create schema cats;",
    "functions/base/one.sql": "create or replace function base.one() returns integer language sql as 'select 1';",
    "schema/00_base/10_settings.sql": "create table base.settings (id integer default base.one());",
    "schema/10_cats/10_cats.sql": "create table cats.cats (id integer primary key, name text);",
    "views/cats/names.sql": "create or replace view cats.names as select name from cats.cats;",
    "functions/cats/count_cats.sql": (
        "create or replace function cats.count_cats() returns bigint\nlanguage sql as\n'select count(*) from cats.cats';"
    ),
    "data/cats_cats.sql": "insert into cats.cats values (1, 'Tom') on conflict do nothing;",
}


# What a later release changes: a column, a table, a view, and a function that goes.
LATER: dict[str, str | None] = {
    "schema/10_cats/10_cats.sql": "create table cats.cats (id integer primary key, name text, lives integer);",
    "schema/10_cats/20_toys.sql": "create table cats.toys (id integer primary key references cats.cats (id));",
    "views/cats/names.sql": "create or replace view cats.names as select name, lives from cats.cats;",
    "functions/cats/count_cats.sql": None,
    "migrations/0001_add_lives.sql": (
        "-- back: alter table cats.cats drop column lives\n"
        "alter table cats.cats add column lives integer;\n"
        "insert into cats.toys select id from cats.cats;\n"
        "drop function cats.count_cats();"
    ),
}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A small sql/ of two rooms."""
    change(tmp_path, {**CATS, "ledger.sql": (schema.ROOT / "ledger.sql").read_text()})
    return tmp_path


def change(root: Path, files: Mapping[str, str | None]) -> None:
    """Write files below `root`; None removes one."""
    for path, text in files.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        if text is None:
            file.unlink()
        else:
            file.write_text(text)


def applied(rows: list[dict[str, Any]]) -> list[str]:
    return [row["path"] for row in rows]


def test_files_run_room_by_room_and_base_functions_before_base_tables(empty_conn: Conn, tree: Path) -> None:
    assert applied(schema.install(empty_conn, tree)) == list(CATS)


def test_an_upgraded_database_dumps_like_a_fresh_one(pg_server: postgres.Server, empty_conn: Conn, tree: Path) -> None:
    schema.install(empty_conn, tree)
    change(tree, LATER)
    ran = applied(schema.upgrade(empty_conn, tree))
    assert ran == ["schema/10_cats/20_toys.sql", "migrations/0001_add_lives.sql", "views/cats/names.sql"]
    assert schema.diff(empty_conn, tree) == []
    upgraded = dump(pg_server, empty_conn.info.dbname)
    empty_conn.execute("create database fresh")
    try:
        with psycopg.connect(pg_server.url("fresh")) as fresh:
            assert "migrations/0001_add_lives.sql" not in applied(schema.install(fresh, tree))
            assert schema.upgrade(fresh, tree) == []
        assert dump(pg_server, "fresh") == upgraded
    finally:
        empty_conn.execute("drop database fresh with (force)")


def test_status_says_what_upgrade_will_do(empty_conn: Conn, tree: Path) -> None:
    schema.install(empty_conn, tree)
    change(tree, LATER)
    told = {row["path"]: row["state"] for row in schema.status(empty_conn, tree) if row["state"] != "applied"}
    assert told == {
        "schema/10_cats/10_cats.sql": "changed",
        "schema/10_cats/20_toys.sql": "pending",
        "views/cats/names.sql": "changed",
        "migrations/0001_add_lives.sql": "pending",
        "functions/cats/count_cats.sql": "vanished",
    }
    with pytest.raises(SchemaMismatch, match="older than this program"):
        schema.require(empty_conn, tree)


def test_a_table_file_that_changed_without_a_migration_is_told(empty_conn: Conn, tree: Path) -> None:
    change(tree, {"migrations/0001_nothing.sql": "-- back: nothing\nselect 1;"})
    schema.install(empty_conn, tree)
    change(tree, {"schema/10_cats/10_cats.sql": LATER["schema/10_cats/10_cats.sql"], "functions/cats/count_cats.sql": None})
    warnings: list[str] = []
    assert schema.upgrade(empty_conn, tree, warn=warnings.append) == []
    assert [line.split(" and ")[0] for line in warnings] == [
        "sql/schema/10_cats/10_cats.sql changed",
        "sql/functions/cats/count_cats.sql is gone",
    ]


def test_a_table_file_whose_migration_ran_in_an_upgrade_that_stopped_is_not_told(empty_conn: Conn, tree: Path) -> None:
    schema.install(empty_conn, tree)
    change(tree, {**LATER, "data/cats_cats.sql": "select 1 / 0;"})
    with pytest.raises(SchemaError, match="data/cats_cats.sql"):
        schema.upgrade(empty_conn, tree)
    change(tree, {"data/cats_cats.sql": "select 1;"})
    warnings: list[str] = []
    assert applied(schema.upgrade(empty_conn, tree, warn=warnings.append)) == ["data/cats_cats.sql"]
    assert warnings == []


CAT_TABLE = CATS["schema/10_cats/10_cats.sql"]


def test_a_column_goes_after_what_read_it(empty_conn: Conn, tree: Path) -> None:
    """A migration that runs last comes after functions and views; left of an upgrade that was stopped it is none below the last."""
    schema.install(empty_conn, tree)
    change(tree, {
        "schema/10_cats/10_cats.sql": "create table cats.cats (id integer primary key, called text);",
        "views/cats/names.sql": "create or replace view cats.names as select called as name from cats.cats;",
        "data/cats_cats.sql": "insert into cats.cats (id) values (2) on conflict do nothing;",
        "migrations/0001_add_called.sql": "-- back: drop it\nalter table cats.cats add column called text;",
        "migrations/0002_drop_name.sql": "-- back: no way\n-- when: last\nalter table cats.cats drop column name;",
        "migrations/0003_break.sql": "-- back: no way\nselect 1;",
    })  # fmt: skip
    ran = applied(schema.upgrade(empty_conn, tree))
    assert ran.index("views/cats/names.sql") < ran.index("migrations/0002_drop_name.sql") == len(ran) - 1
    empty_conn.execute("delete from base.schema_ledger where path like '%%0002%%'")
    empty_conn.execute("alter table cats.cats add column name text")
    with pytest.raises(SchemaMismatch, match="0002_drop_name"):
        schema.require(empty_conn, tree)
    assert applied(schema.upgrade(empty_conn, tree)) == ["migrations/0002_drop_name.sql"]
    assert schema.status(empty_conn, tree)[0]["state"] == "applied"


@pytest.mark.parametrize(
    "since",
    [
        {"schema/10_cats/10_cats.sql": LATER["schema/10_cats/10_cats.sql"]},  # edited
        {"schema/10_cats/10_cats.sql": None, "schema/10_cats/15_cats.sql": CAT_TABLE},  # moved
        {"schema/10_cats/30_dogs.sql": None},  # taken away
    ],
)
def test_a_database_of_an_unreleased_version_is_refused_and_nothing_changes(
    pg_server: postgres.Server, empty_conn: Conn, tree: Path, since: dict[str, str | None]
) -> None:
    change(tree, {"schema/10_cats/30_dogs.sql": "create table cats.dogs (id integer);"})
    schema.install(empty_conn, tree)
    before = dump(pg_server, empty_conn.info.dbname)
    change(tree, {**since, "schema/10_cats/20_toys.sql": "create table cats.toys ();", "functions/base/one.sql": CATS["functions/base/one.sql"] + " "})
    for run in (schema.upgrade, schema.install):
        with pytest.raises(SchemaError, match="^this database was made by an unreleased version of reelq: it has another sql/schema/10_cats/") as told:
            run(empty_conn, tree)
        assert "\n" not in str(told.value) and str(told.value.hint).startswith("Nothing was changed. ")
    assert dump(pg_server, empty_conn.info.dbname) == before
    assert empty_conn.execute("select count(*) from base.schema_ledger where path like '%%toys%%'").fetchone() == (0,)


def test_an_upgrade_without_migrations_is_all_or_nothing(pg_server: postgres.Server, empty_conn: Conn, tree: Path) -> None:
    """A function that returns another type cannot be replaced: what comes before it stays as it was too."""
    schema.install(empty_conn, tree)
    before = dump(pg_server, empty_conn.info.dbname)
    change(tree, {
        "schema/10_cats/20_toys.sql": "create table cats.toys ();",
        "functions/cats/count_cats.sql": COUNT.replace("bigint", "integer").replace("count(*)", "1"),
    })  # fmt: skip
    with pytest.raises(SchemaError, match=r"count_cats\.sql: cannot change return type .*42P13") as told:
        schema.upgrade(empty_conn, tree)
    assert str(told.value.hint).startswith("Nothing was changed. ")
    assert dump(pg_server, empty_conn.info.dbname) == before
    assert {row["path"] for row in schema.status(empty_conn, tree) if row["state"] != "applied"} == {
        "schema/10_cats/20_toys.sql", "functions/cats/count_cats.sql",
    }  # fmt: skip


def test_a_ledger_without_its_fingerprints_is_refused(empty_conn: Conn, tree: Path) -> None:
    schema.install(empty_conn, tree)
    empty_conn.execute("drop table base.schema_objects")
    for look in (schema.install, schema.upgrade, schema.require, schema.status, schema.diff):
        with pytest.raises(SchemaError, match=r"^this database has base\.schema_ledger and no base\.schema_objects"):
            look(empty_conn, tree)


def test_an_edited_migration_is_refused(empty_conn: Conn, tree: Path) -> None:
    change(tree, LATER)
    schema.install(empty_conn, tree)
    change(tree, {"migrations/0001_add_lives.sql": "-- back: none\nselect 2;"})
    with pytest.raises(SchemaError, match="0001_add_lives.sql was edited after it was applied"):
        schema.upgrade(empty_conn, tree)


def test_a_database_newer_than_the_files_is_refused(empty_conn: Conn, tree: Path) -> None:
    change(tree, LATER)
    schema.install(empty_conn, tree)
    change(tree, {"migrations/0001_add_lives.sql": None})
    for look in (schema.upgrade, schema.require, schema.status):
        with pytest.raises(SchemaMismatch, match="newer than this program: it has had migrations/0001_add_lives.sql"):
            look(empty_conn, tree)


def test_a_migration_below_the_last_applied_one_is_refused(empty_conn: Conn, tree: Path) -> None:
    change(tree, {"migrations/0002_later.sql": "select 1;"})
    schema.install(empty_conn, tree)
    change(tree, {"migrations/0001_earlier.sql": "select 1;"})
    with pytest.raises(SchemaError, match="0001_earlier.sql comes before"):
        schema.upgrade(empty_conn, tree)


@pytest.mark.parametrize("names", [["1_short.sql"], ["0001_a.sql", "0001_b.sql"]])
def test_badly_numbered_migrations_are_refused(tree: Path, names: list[str]) -> None:
    change(tree, {f"migrations/{name}": "select 1;" for name in names})
    with pytest.raises(SchemaError):
        schema.migrations(tree)


COUNT = CATS["functions/cats/count_cats.sql"]


# A function whose file comments on it, and what a later release makes of it; calls without arguments fit both.
FEED = (
    "create or replace function cats.feed(p_name text default 'Tom') returns text language sql as 'select p_name';\n\n"
    "comment on function cats.feed(text) is 'Feed a cat.';"
)
FEED_MORE = (
    "create or replace function cats.feed(\n    p_name text default 'Tom',\n    p_meals integer default 1\n) returns text language sql as 'select p_name';\n\n"
    "comment on function cats.feed(\n    text, integer\n) is 'Feed a cat.';"
)
FED = {
    "functions/cats/feed.sql": FEED,
    "data/cats_feed.sql": "select cats.feed();",
    "grants.sql": "grant execute on function cats.feed to pg_monitor;",
}
SIGNATURES = "select oid::regprocedure::text from pg_proc where pronamespace = 'cats'::regnamespace and proname = 'feed' order by 1"


def strays(conn: Conn, root: Path) -> dict[str, tuple[str, str | None]]:
    """What status tells of no file: object → state and remedy."""
    return {row["path"]: (row["state"], row["remedy"]) for row in schema.status(conn, root) if not schema.is_file(row)}


def signatures(conn: Conn) -> list[str]:
    return [name for (name,) in conn.execute(SIGNATURES)]


def test_an_upgrade_drops_the_earlier_signature_of_a_function(pg_server: postgres.Server, empty_conn: Conn, tree: Path) -> None:
    """Before the files that follow call it; and the new one has the rights of the old."""
    change(tree, FED)
    schema.install(empty_conn, tree)
    change(tree, {"functions/cats/feed.sql": FEED_MORE, "data/cats_feed.sql": "select cats.feed() as twice;"})
    warnings: list[str] = []
    assert applied(schema.upgrade(empty_conn, tree, warn=warnings.append)) == ["functions/cats/feed.sql", "data/cats_feed.sql", "grants.sql"]
    assert (warnings, signatures(empty_conn)) == ([], ["cats.feed(text,integer)"])
    assert empty_conn.execute("select has_function_privilege('pg_monitor', 'cats.feed(text, integer)', 'execute')").fetchone() == (True,)
    assert (strays(empty_conn, tree), schema.diff(empty_conn, tree)) == ({}, [])
    assert schema.upgrade(empty_conn, tree) == []


def test_a_new_signature_has_the_rights_of_the_old_before_the_files_that_follow(empty_conn: Conn, tree: Path) -> None:
    """The grants run last, and may never run: an upgrade that stops in between locks nobody out."""
    change(tree, FED)
    schema.install(empty_conn, tree)
    empty_conn.execute("grant execute on function cats.feed to pg_read_all_stats with grant option")
    # With a migration nothing is rehearsed.
    change(tree, {"functions/cats/feed.sql": FEED_MORE, "data/cats_feed.sql": "select 1 / 0;", "migrations/0001_rest.sql": "select 1;"})
    with pytest.raises(SchemaError, match="data/cats_feed.sql"):
        schema.upgrade(empty_conn, tree)
    assert signatures(empty_conn) == ["cats.feed(text,integer)"]
    rights = (
        "select has_function_privilege('pg_monitor', oid, 'execute'), has_function_privilege('pg_read_all_stats', oid, 'execute with grant option'),"
        " exists (select from aclexplode(proacl) where grantee = 0) from pg_proc where oid = 'cats.feed(text, integer)'::regprocedure"
    )
    assert empty_conn.execute(rights).fetchone() == (True, True, False)


def test_what_an_upgrade_that_stopped_made_is_not_told_as_made_by_hand(empty_conn: Conn, tree: Path) -> None:
    """And what was changed by hand before it still is."""
    change(tree, {**FED, "schema/10_cats/30_dogs.sql": "create table cats.dogs (id integer);"})
    schema.install(empty_conn, tree)
    empty_conn.execute("alter table cats.dogs add column by_hand integer")
    change(tree, {**LATER, "functions/cats/feed.sql": FEED_MORE, "data/cats_feed.sql": "select 1 / 0;"})
    change(tree, {"schema/10_cats/40_birds.sql": "create table cats.birds (id bigint generated always as identity);"})
    change(tree, {"migrations/0002_index.sql": "-- transaction: none\ncreate index concurrently if not exists by_name on cats.cats (name);"})
    with pytest.raises(SchemaError, match="data/cats_feed.sql"):
        schema.upgrade(empty_conn, tree)
    by_hand = [{"object": "cats.dogs", "kind": "table", "state": "changed"}]
    assert [row for row in schema.diff(empty_conn, tree) if not row["object"].startswith("sql/")] == by_hand
    change(tree, {"data/cats_feed.sql": "select 1;"})
    warnings: list[str] = []
    assert applied(schema.upgrade(empty_conn, tree, warn=warnings.append)) == ["data/cats_feed.sql"]
    assert warnings == ["cats.dogs was changed by hand; `reelq schema upgrade --accept` takes it as it is"]
    assert schema.diff(empty_conn, tree) == by_hand


def leave_both(conn: Conn, tree: Path) -> None:
    """A database in which an upgrade left the earlier signature beside the new one, as upgrades did once."""
    change(tree, FED)
    schema.install(conn, tree)
    conn.execute("alter function cats.feed rename to fed")
    change(tree, {"functions/cats/feed.sql": FEED_MORE})
    schema.upgrade(conn, tree)
    conn.execute("alter function cats.fed rename to feed")
    conn.execute("update base.schema_objects set object = 'cats.feed(p_name text)' where object = 'cats.fed(p_name text)'")
    assert len(signatures(conn)) == 2


def test_an_earlier_signature_that_was_left_is_told_and_dropped_by_the_next_upgrade(empty_conn: Conn, tree: Path) -> None:
    leave_both(empty_conn, tree)
    assert strays(empty_conn, tree) == {"cats.feed(p_name text)": ("second signature", "drop function cats.feed(text);")}
    assert {"object": "cats.feed(p_name text)", "kind": "function", "state": "second signature"} in schema.diff(empty_conn, tree)
    assert applied(schema.upgrade(empty_conn, tree)) == ["grants.sql"]
    assert (signatures(empty_conn), strays(empty_conn, tree)) == (["cats.feed(text,integer)"], {})


def test_an_earlier_signature_on_which_others_depend_stays_and_is_told(empty_conn: Conn, tree: Path) -> None:
    change(tree, FED)
    schema.install(empty_conn, tree)
    empty_conn.execute("create view public.meals as select cats.feed('Tim')")
    change(tree, {"functions/cats/feed.sql": FEED_MORE, "data/cats_feed.sql": None, "grants.sql": "select 1;"})
    warnings: list[str] = []
    schema.upgrade(empty_conn, tree, warn=warnings.append)
    told = "cats.feed(text) is an earlier signature of sql/functions/cats/feed.sql and stays: view public.meals depends on function cats.feed(text)"
    assert told in warnings
    assert strays(empty_conn, tree) == {"cats.feed(p_name text)": ("second signature", "drop function cats.feed(text);")}
    empty_conn.execute("drop view public.meals")
    schema.upgrade(empty_conn, tree)
    assert signatures(empty_conn) == ["cats.feed(text,integer)"]


def test_a_signature_that_somebody_made_by_hand_is_told_and_never_dropped(empty_conn: Conn, tree: Path) -> None:
    change(tree, {"functions/cats/feed.sql": FEED})
    schema.install(empty_conn, tree)
    empty_conn.execute("create function cats.feed(integer, cats.cats[]) returns integer language sql as 'select 1'")
    for accept in (False, True, True):
        warnings: list[str] = []
        schema.upgrade(empty_conn, tree, accept=accept, warn=warnings.append)
        assert warnings == [
            "cats.feed(integer, cats.cats[]) is none that sql/functions/cats/feed.sql makes or made, and stays: drop function cats.feed(integer, cats.cats[]);"
        ]
    assert strays(empty_conn, tree) == {"cats.feed(integer, cats.cats[])": ("second signature", "drop function cats.feed(integer, cats.cats[]);")}
    assert schema.diff(empty_conn, tree) == [{"object": "cats.feed(integer, cats.cats[])", "kind": "function", "state": "added"}]


def test_an_operators_own_objects_are_told_as_of_nobodys_file(empty_conn: Conn, tree: Path) -> None:
    change(tree, FED)
    schema.install(empty_conn, tree)
    for made in (
        "create table cats.mine (id serial primary key, n integer generated by default as identity)",
        "create view cats.my_view as select 1 as one",
        "create materialized view cats.my_copy as select 1 as one",
        "create type cats.my_pair as (a integer)",
        "create domain cats.my_word as text",
        "create sequence cats.my_numbers",
        "create function cats.my_answer() returns trigger language plpgsql as 'begin return null; end'",
        "create trigger my_trigger after insert on cats.cats execute function cats.my_answer()",
        "create table cats.parts (id integer) partition by range (id)",
        "create table cats.parts_1 partition of cats.parts for values from (1) to (2)",
    ):
        empty_conn.execute(made.encode())
    own = ["cats.cats my_trigger", "cats.mine", "cats.my_answer()", "cats.my_copy", "cats.my_numbers", "cats.my_pair", "cats.my_view", "cats.my_word", "cats.parts"]
    assert strays(empty_conn, tree) == dict.fromkeys(own, ("of nobody's file", None))
    schema.upgrade(empty_conn, tree, accept=True)
    assert schema.diff(empty_conn, tree) == []


def test_functions_of_subjects_run_in_the_order_of_their_names_and_keep_their_key_when_they_move(empty_conn: Conn, tree: Path) -> None:
    """The ledger does not know subjects: a move is no change, and a change after it is told of the place where the file lies."""
    change(tree, {"functions/cats/z/a_cat.sql": COUNT.replace("count_cats", "a_cat")})
    ran = applied(schema.install(empty_conn, tree))
    assert [path for path in ran if "functions/cats" in path] == ["functions/cats/a_cat.sql", "functions/cats/count_cats.sql"]
    change(tree, {"functions/cats/z/a_cat.sql": None, "functions/cats/b/a_cat.sql": COUNT.replace("count_cats", "a_cat")})
    warnings: list[str] = []
    assert schema.upgrade(empty_conn, tree, warn=warnings.append) == []
    assert warnings == []
    empty_conn.execute("create or replace function cats.a_cat() returns bigint language sql as 'select 7::bigint'")
    assert "functions/cats/a_cat.sql" in applied(schema.upgrade(empty_conn, tree))
    change(tree, {"functions/cats/b/a_cat.sql": COUNT.replace("count_cats", "a_cat").replace("from cats.cats'", "from nowhere")})
    with pytest.raises(SchemaError, match=r"^sql/functions/cats/b/a_cat\.sql"):
        schema.upgrade(empty_conn, tree)


@pytest.mark.parametrize(
    ("place", "hint"),
    [
        ("functions/dogs/bark.sql", "functions/<room>/bark.sql or functions/<room>/<subject>/bark.sql. Rooms: base, cats."),
        ("functions/bark.sql", "functions/<room>/bark.sql"),
        ("functions/cats/a/b/deep.sql", "functions/<room>/deep.sql"),
        ("views/cats/some/names2.sql", "views/<room>/names2.sql"),
        ("views/dogs/names.sql", "views/<room>/names.sql"),
        ("data/dogs_dogs.sql", "data/<room>_<table>.sql"),
        ("data/cats/cats_cats.sql", "data/<room>_<table>.sql"),
        ("schema/10_cats/more/30_dogs.sql", "schema/<NN_room>/30_dogs.sql"),
        ("schema/30_dogs.sql", "schema/<NN_room>/30_dogs.sql"),
        ("migrations/old/0001_add_lives.sql", "migrations/0001_add_lives.sql"),
        ("grant.sql", "beside them only grants.sql and ledger.sql"),
        ("tables/cats.sql", "schema/, functions/, views/, data/ or migrations/"),
    ],
)
def test_a_file_that_would_never_be_installed_is_refused(tree: Path, place: str, hint: str) -> None:
    schema.files(tree)
    change(tree, {place: "select 1;"})
    with pytest.raises(SchemaError, match=f"sql/{place} would never be installed") as refused:
        schema.files(tree)
    assert hint in str(refused.value.hint)


@pytest.mark.parametrize(
    ("place", "text", "told"),
    [
        ("functions/cats/count_dogs.sql", COUNT, "function cats.count_dogs and no other, not cats.count_cats"),
        ("functions/base/count_cats.sql", COUNT, "function base.count_cats and no other, not cats.count_cats"),
        ("functions/cats/a/both.sql", f"{COUNT}\n{COUNT.replace('count_cats', 'both')}", "not cats.count_cats and cats.both"),
        ("functions/cats/nothing.sql", "select 1;", "not nothing"),
        ("views/base/names.sql", CATS["views/cats/names.sql"], "view base.names and no other, not cats.names"),
    ],
)
def test_a_function_or_view_is_what_its_file_and_folder_say(tree: Path, place: str, text: str, told: str) -> None:
    change(tree, {place: text})
    with pytest.raises(SchemaError, match=f"^sql/{place} must make the ") as refused:
        schema.files(tree)
    assert told in str(refused.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (COUNT + "\n" + COUNT.replace("count_cats", "other").replace("create or replace", "create"), "not cats.count_cats and cats.other"),
        (COUNT + "\n    " + COUNT.replace("count_cats", "other"), "not cats.count_cats and cats.other"),
        (COUNT + "\nCREATE OR REPLACE\nFUNCTION cats.other() returns integer language sql as 'select 1';", "and cats.other"),
        (COUNT + "\ncreate procedure cats.other() language sql as 'select 1';", "and cats.other"),
        (COUNT + "\ncreate view cats.other as select 1 as one;", "and cats.other"),
        (COUNT + "\ncreate or replace function other() returns integer language sql as 'select 1';", "and other"),
        (COUNT.replace("create or replace", "create"), "must say create or replace function, not create function"),
    ],
)
def test_a_file_makes_one_thing_however_it_is_written(tree: Path, text: str, told: str) -> None:
    change(tree, {"functions/cats/count_cats.sql": text})
    with pytest.raises(SchemaError, match=r"^sql/functions/cats/count_cats\.sql must ") as refused:
        schema.files(tree)
    assert told in str(refused.value) and "\n" not in str(refused.value)


def test_what_a_function_says_in_texts_and_comments_is_not_made_by_its_file(tree: Path) -> None:
    body = "$$ begin -- create function a.b()\n execute 'create function c.d() returns int'; return 1; end $$"
    text = f"-- create function e.f()\n/* create view g.h */\ncreate or replace function cats.count_cats() returns bigint language plpgsql as {body};"
    change(tree, {"functions/cats/count_cats.sql": text})
    assert len(schema.files(tree)) == len(CATS)


@pytest.mark.parametrize("place", ["schema/10_cats/20_dogs.SQL", "migrations/0001_add.SQL", "functions/cats/bark.Sql"])
def test_a_file_whose_name_ends_otherwise_is_refused(tree: Path, place: str) -> None:
    change(tree, {place: "select 1;"})
    for read in (schema.files, schema.migrations):
        with pytest.raises(SchemaError, match=f"^sql/{place} would never be installed: its name must end in .sql$"):
            read(tree)


@pytest.mark.parametrize("name", ["foo", "1_foo", "10-foo", "10_"])
def test_a_room_without_its_number_is_refused(tree: Path, name: str) -> None:
    (tree / "schema" / name).mkdir()
    for read in (schema.files, schema.rooms):
        with pytest.raises(SchemaError, match=f"^sql/schema/{name} must be called <NN>_<room>$"):
            read(tree)


@pytest.mark.parametrize("place", ["schema/10_cats/20_dogs.sql", "migrations/0001_add.sql", "data/cats_dogs.sql", "grants.sql"])
def test_what_cannot_be_read_is_refused_in_one_line(tree: Path, place: str) -> None:
    path = tree / place
    path.parent.mkdir(exist_ok=True)

    def refused(words: str) -> None:
        with pytest.raises(SchemaError, match=f"^sql/{place} must {words}"):
            schema.files(tree)

    path.write_bytes("select 'über';".encode("latin-1"))
    refused("be UTF-8, and byte 9 is not$")
    path.write_bytes(b"\xef\xbb\xbfselect 1;")
    refused("not begin with a byte order mark$")
    path.unlink()
    path.symlink_to("nowhere")
    refused("be a file that can be read: No such file")
    path.unlink()
    path.mkdir()
    refused("be a file that can be read: Is a directory$")


def test_a_name_that_stands_in_two_subjects_is_refused(tree: Path) -> None:
    change(tree, {"functions/cats/a/count_cats.sql": COUNT})
    with pytest.raises(SchemaError, match="have the same name"):
        schema.files(tree)


def test_a_failing_file_is_named_with_its_line_and_leaves_nothing(empty_conn: Conn, tree: Path) -> None:
    change(tree, {"schema/10_cats/20_dogs.sql": "create table cats.dogs (id integer);\n\nselect nothing_such;\n"})
    with pytest.raises(SchemaError, match="sql/schema/10_cats/20_dogs.sql, line 3: .*nothing_such.*42703"):
        schema.install(empty_conn, tree)
    assert empty_conn.execute("select to_regclass('cats.cats'), to_regclass('cats.dogs')").fetchone() == ("cats.cats", None)
    change(tree, {"schema/10_cats/20_dogs.sql": "create table cats.dogs (id integer);"})
    again = applied(schema.install(empty_conn, tree))
    assert again[0] == "schema/10_cats/20_dogs.sql"
    assert "schema/10_cats/10_cats.sql" not in again


def test_an_unqualified_name_fails_instead_of_landing_in_public(empty_conn: Conn, tree: Path) -> None:
    change(tree, {"schema/10_cats/20_dogs.sql": "create table dogs (id integer);"})
    with pytest.raises(SchemaError, match="no schema has been selected"):
        schema.install(empty_conn, tree)


INDEX = """-- transaction: none
-- back: drop index concurrently cats.cats_by_name
drop index concurrently if exists cats.cats_by_name;

create unique index concurrently cats_by_name on cats.cats (name);
"""


def test_a_migration_without_transaction_runs_again_after_it_failed(empty_conn: Conn, tree: Path) -> None:
    schema.install(empty_conn, tree)
    empty_conn.execute("insert into cats.cats values (2, 'Tom')")
    change(tree, {"migrations/0001_index_names.sql": INDEX})
    with pytest.raises(SchemaError, match="0001_index_names.sql"):
        schema.upgrade(empty_conn, tree)
    empty_conn.execute("delete from cats.cats where id = 2")
    assert applied(schema.upgrade(empty_conn, tree)) == ["migrations/0001_index_names.sql"]
    valid = "select indisvalid from pg_index where indexrelid = 'cats.cats_by_name'::regclass"
    assert empty_conn.execute(valid).fetchone() == (True,)


def test_two_runners_at_once_apply_each_file_once(empty_dsn: str, tree: Path) -> None:
    ran: list[list[str]] = []

    def run() -> None:
        with psycopg.connect(empty_dsn) as conn:
            ran.append(applied(schema.install(conn, tree)))

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(ran) == [[], [], list(CATS)]


def test_a_runner_that_waits_too_long_says_so(empty_dsn: str, empty_conn: Conn, tree: Path) -> None:
    with psycopg.connect(empty_dsn, autocommit=True) as other:
        other.execute("select pg_advisory_lock(%s)", [schema.LOCK_KEY])
        with pytest.raises(SchemaError, match="another schema runner"):
            schema.install(empty_conn, tree, wait_s=0.05)


CHILD = """
import sys, pathlib, psycopg
from reelq.worker.db import schema
schema.install(psycopg.connect(sys.argv[1]), pathlib.Path(sys.argv[2]))
"""


def test_a_runner_killed_half_way_leaves_whole_files_and_the_next_one_goes_on(
    pg_server: postgres.Server, empty_dsn: str, empty_conn: Conn, tree: Path
) -> None:
    """The child stops inside a file, at a lock that we hold, and is killed there."""
    change(tree, {"schema/10_cats/20_gate.sql": "create table cats.gate ();\nselect pg_advisory_xact_lock(42);"})
    # Locks of this kind belong to one database, so the gate is held in the child's.
    with psycopg.connect(empty_dsn, autocommit=True) as gate:
        gate.execute("select pg_advisory_lock(42)")
        environ = {**os.environ, "PYTHONPATH": str(schema.ROOT.parent)}
        child = subprocess.Popen([sys.executable, "-c", CHILD, empty_dsn, str(tree)], env=environ)
        waiting = "select count(*) from pg_locks where locktype = 'advisory' and objid = 42 and not granted"
        while gate.execute(waiting).fetchone() != (1,):
            assert child.poll() is None, "the child ended before it came to the gate"
        child.send_signal(signal.SIGKILL)
        child.wait()
    assert "schema/10_cats/20_gate.sql" in applied(schema.install(empty_conn, tree))
    assert schema.diff(empty_conn, tree) == []


def test_the_caller_gets_the_session_back_as_it_was(empty_conn: Conn, tree: Path) -> None:
    shown = "select current_setting('search_path'), current_setting('lock_timeout'), current_setting('check_function_bodies'), current_setting('deadlock_timeout')"
    before = empty_conn.execute(shown).fetchone()
    schema.install(empty_conn, tree)
    assert empty_conn.execute(shown).fetchone() == before
    assert empty_conn.execute("select count(*) from pg_locks where locktype = 'advisory'").fetchone() == (0,)
