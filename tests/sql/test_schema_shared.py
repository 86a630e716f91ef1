"""A database that an application lives in too: its things are afterwards what they were before."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy
from psycopg import sql

from demo import postgres
from reelq.cli.main import main
from reelq.worker.db import schema
from reelq.worker.db.schema.shared import SchemaTaken
from reelq.worker.errors import USED_WRONGLY
from tests.sql.test_schema_install import dump
from tests.sql.test_schema_runner import CATS, change

Conn = psycopg.Connection[Any]
OLD_PATH = "identity, media, queue, ops, base, public"  # what installs set before 0.1.0
OUR_PATH = ", ".join(schema.search_path()).replace("$user", '"$user"')
DOCS = schema.ROOT.parent / "docs"

# Names that we use too, on purpose; `answer` is open to everybody, as Postgres makes functions.
APPLICATION = """
create table public.users (id integer primary key, name text);
insert into public.users values (1, 'ann');
create table public.videos (id integer primary key, owner integer references public.users (id));
create table public.processing_jobs (id integer primary key);
create view public.active_users as select name from public.users;
create function public.answer() returns integer language sql as 'select 42';
create function public.enqueue_job(text) returns text language sql as 'select $1';
create function public.clock() returns text language sql as $$ select 'a clock' $$;
create schema shop;
create table shop.orders (id integer primary key);
alter default privileges in schema shop grant select on tables to public;
alter default privileges grant usage on sequences to public;
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A small sql/ of the rooms base and cats."""
    change(tmp_path, {**CATS, "ledger.sql": (schema.ROOT / "ledger.sql").read_text()})
    return tmp_path


@pytest.fixture
def application(empty_conn: Conn) -> Conn:
    """A database that an application has made itself at home in."""
    empty_conn.execute(APPLICATION.encode())
    return empty_conn


@pytest.fixture
def everything(pg_server: postgres.Server) -> Callable[[Conn, list[str]], str]:
    """The catalogue of a database as pg_dump and the settings tell it, without some schemas."""

    def tell(conn: Conn, without: list[str]) -> str:
        leave_out = [f"--exclude-schema={name}" for name in without]
        command = [str(pg_server.binaries.folder / "pg_dump"), *leave_out, "-d", pg_server.url(conn.info.dbname)]
        told = subprocess.run(command, capture_output=True, text=True, check=True, env={"LC_ALL": "C"}).stdout
        lines = [line for line in told.splitlines() if not line.startswith(("\\restrict", "\\unrestrict"))]
        defaults = "select defaclrole, defaclnamespace, defaclobjtype, defaclacl::text from pg_default_acl order by oid"
        settings = "select setdatabase, setrole, setconfig from pg_db_role_setting order by 1, 2"
        return "\n".join(lines + [repr(conn.execute(query).fetchall()) for query in (defaults, settings)])

    return tell


def path_of(conn: Conn) -> str | None:
    """The search_path that is set for the database, as Postgres stores it."""
    found = conn.execute(
        """
        select substr(setting, 13) from pg_db_role_setting cross join unnest(setconfig) as setting
        where setrole = 0 and starts_with(setting, 'search_path=')
            and setdatabase = (select oid from pg_database where datname = current_database())
        """
    ).fetchone()
    return found[0] if found else None


def set_path(conn: Conn, value: str) -> None:
    conn.execute(f"alter database {sql.Identifier(conn.info.dbname).as_string(conn)} set search_path = {value}".encode())


def is_open(conn: Conn, function: str) -> bool:
    """Whether everybody may call it."""
    found = conn.execute("select has_function_privilege('public', %s, 'execute')", [function]).fetchone()
    return found == (True,)


def test_install_and_upgrade_leave_an_application_as_it_was(application: Conn, everything: Any) -> None:
    """Tables with rows, functions that everybody may call, default privileges, the search_path."""
    before = everything(application, [*schema.rooms(), "reelq_periodic"])
    warnings: list[str] = []
    schema.install(application, warn=warnings.append)
    assert everything(application, [*schema.rooms(), "reelq_periodic"]) == before
    application.execute("update base.schema_ledger set sha256 = 'older text' where kind not in ('schema', 'migration')")
    assert schema.upgrade(application, warn=warnings.append)
    assert everything(application, [*schema.rooms(), "reelq_periodic"]) == before
    assert [line.split(";")[0] for line in warnings] == ["others live in this database too, so its search_path stays as it is"]


def test_what_the_application_makes_later_is_as_open_as_ever(application: Conn) -> None:
    """The same role installs reelq and owns the application: its new functions stay callable for everybody."""
    schema.install(application)
    application.execute("create function public.later() returns integer language sql as 'select 1'")
    assert is_open(application, "public.later()")
    assert application.execute("select count(*) from pg_default_acl where defaclobjtype = 'f'").fetchone() == (0,)


@pytest.mark.parametrize("room", schema.rooms())
def test_a_schema_of_somebody_else_is_refused_and_nothing_changes(application: Conn, everything: Any, room: str) -> None:
    name = sql.Identifier(room)
    application.execute(sql.SQL("create schema {}; create table {}.messages (id integer)").format(name, name))
    before = everything(application, [])
    with pytest.raises(SchemaTaken, match=f"^the schema {room} of this database .*: it holds table {room}.messages$") as refused:
        schema.install(application)
    assert refused.value.exit_code == USED_WRONGLY
    assert refused.value.hint is not None and "Nothing was changed" in refused.value.hint
    assert everything(application, []) == before


def test_the_command_says_so_in_one_line(
    application: Conn, empty_dsn: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    application.execute("create schema queue; create function queue.push() returns integer language sql as 'select 1'")
    monkeypatch.setenv("DATABASE_URL", empty_dsn)
    assert main(["schema", "install"]) == USED_WRONGLY
    told = capsys.readouterr()
    assert told.out == ""
    first, hint = told.err.splitlines()
    assert first == "reelq: the schema queue of this database belongs to somebody else: it holds function queue.push()"
    assert hint.startswith(f"hint: Nothing was changed. The schema names {', '.join(schema.rooms())} have to be free")
    assert hint in (DOCS / "operate.md").read_text(encoding="utf-8")


def test_the_printed_script_refuses_it_too(pg_server: postgres.Server, application: Conn, everything: Any) -> None:
    application.execute("create schema queue; create type queue.colour as enum ('red', 'blue')")
    before = everything(application, [])
    psql = [str(pg_server.binaries.folder / "psql"), "-Xq", pg_server.url(application.info.dbname)]
    told = subprocess.run(psql, input=schema.script(), capture_output=True, text=True, check=True).stderr
    assert "the schema queue of this database belongs to somebody else: it holds type queue.colour" in told.splitlines()[0]
    assert everything(application, []) == before


def test_a_ledger_of_another_program_is_not_ours(application: Conn) -> None:
    application.execute("create schema base; create table base.schema_ledger (version integer)")
    with pytest.raises(SchemaTaken, match="it holds table base.schema_ledger"):
        schema.install(application)


def test_an_empty_schema_of_our_own_is_taken(empty_conn: Conn) -> None:
    """An operator made it beforehand, with default privileges of its own."""
    empty_conn.execute("create schema queue; alter default privileges in schema queue grant select on tables to pg_monitor")
    schema.install(empty_conn)
    assert schema.install(empty_conn) == []


def test_an_empty_schema_of_another_role_is_refused(empty_conn: Conn) -> None:
    empty_conn.execute("create schema media authorization pg_database_owner")
    with pytest.raises(SchemaTaken, match="schema media .*: it is owned by pg_database_owner, and postgres installs"):
        schema.install(empty_conn)


def test_a_half_made_install_goes_on_but_not_into_a_schema_that_was_taken_meanwhile(empty_conn: Conn, tree: Path) -> None:
    change(tree, {"schema/00_base/00_schemas.sql": "create schema if not exists base; select 1 / 0;"})
    with pytest.raises(schema.SchemaError, match="division by zero"):
        schema.install(empty_conn, tree)
    change(tree, CATS)
    empty_conn.execute("create schema cats; create table cats.strays ()")
    with pytest.raises(SchemaTaken, match="schema cats"):
        schema.install(empty_conn, tree)
    empty_conn.execute("drop schema cats cascade")
    assert [row["path"] for row in schema.install(empty_conn, tree)] == list(CATS)


def test_an_upgrade_that_brings_a_room_refuses_one_that_is_taken(empty_conn: Conn, tree: Path) -> None:
    schema.install(empty_conn, tree)
    empty_conn.execute("create schema dogs; create table dogs.dogs ()")
    change(tree, {"schema/20_dogs/10_dogs.sql": "create schema dogs; create table dogs.dogs ();"})
    with pytest.raises(SchemaTaken, match="schema dogs"):
        schema.upgrade(empty_conn, tree)


def test_a_database_of_our_own_gets_a_search_path_behind_public(empty_conn: Conn) -> None:
    warnings: list[str] = []
    schema.install(empty_conn, warn=warnings.append)
    assert (path_of(empty_conn), warnings) == (OUR_PATH, [])
    with psycopg.connect(empty_conn.info.dsn) as people:
        assert people.execute("select slug from tenants").fetchall() != []
        people.execute("create table users (mine integer)")
        assert people.execute("select 'users'::regclass::oid = 'public.users'::regclass::oid").fetchone() == (True,)


@pytest.mark.parametrize("page", ["operate.md", "psql.md"])
def test_the_documents_show_the_search_path_as_it_is(page: str) -> None:
    assert OUR_PATH in (DOCS / page).read_text(encoding="utf-8")


def test_a_search_path_that_we_once_set_in_front_of_public_is_replaced(empty_conn: Conn) -> None:
    schema.install(empty_conn)
    set_path(empty_conn, OLD_PATH)
    schema.upgrade(empty_conn)
    assert path_of(empty_conn) == OUR_PATH


@pytest.mark.parametrize("value", ["shop, public", "queue, public", "''"])
def test_a_search_path_of_somebody_else_stays(empty_conn: Conn, value: str) -> None:
    set_path(empty_conn, value)
    before = path_of(empty_conn)
    warnings: list[str] = []
    schema.install(empty_conn, warn=warnings.append)
    schema.upgrade(empty_conn, warn=warnings.append)
    assert path_of(empty_conn) == before
    assert [line.split(";")[0] for line in warnings] == [f"the search_path of this database is {before} and stays so"]


def test_a_search_path_that_somebody_took_away_does_not_come_back(empty_conn: Conn) -> None:
    schema.install(empty_conn)
    empty_conn.execute(sql.SQL("alter database {} reset search_path").format(sql.Identifier(empty_conn.info.dbname)))
    schema.upgrade(empty_conn)
    assert path_of(empty_conn) is None


@pytest.fixture
def guest(empty_conn: Conn, empty_dsn: str) -> Iterator[Conn]:
    """A role that may make schemas in a database which belongs to somebody else."""
    role, database = sql.Identifier(f"guest_{empty_conn.info.dbname}"), sql.Identifier(empty_conn.info.dbname)
    empty_conn.execute(sql.SQL("create role {0} login; grant create on database {1} to {0}").format(role, database))
    try:
        with psycopg.connect(empty_dsn, user=f"guest_{empty_conn.info.dbname}", autocommit=True) as conn:
            yield conn
    finally:
        empty_conn.execute(sql.SQL("drop owned by {0} cascade; drop role {0}").format(role))


@pytest.mark.usefixtures("dsn")  # the cluster's roles are there
def test_whoever_does_not_own_the_database_installs_without_a_search_path(guest: Conn) -> None:
    warnings: list[str] = []
    schema.install(guest, warn=warnings.append)
    assert path_of(guest) is None
    assert len(warnings) == 1 and warnings[0].startswith("only the owner of this database may set its search_path")


@pytest.mark.usefixtures("dsn")  # the cluster's roles are there
def test_a_role_that_may_make_no_schema_is_told_what_to_grant(guest: Conn, empty_conn: Conn) -> None:
    database, role = guest.info.dbname, guest.info.user
    empty_conn.execute(sql.SQL("revoke create on database {} from {}").format(sql.Identifier(database), sql.Identifier(role)))
    with pytest.raises(schema.SchemaError, match=f"^the role {role} must be allowed to create schemas in the database {database}$") as told:
        schema.install(guest)
    grant = str(told.value.hint).rsplit(": ", 1)[1]
    assert grant == f'grant create on database "{database}" to "{role}"'
    empty_conn.execute(grant.encode())
    schema.install(guest)


@pytest.mark.usefixtures("dsn")  # the cluster's roles are there
def test_all_roles_that_are_missing_are_told_at_once_before_anything_changes(guest: Conn, empty_conn: Conn, tree: Path) -> None:
    schema.install(guest, tree)
    one, other = f"absent_{guest.info.dbname}_1", f"absent_{guest.info.dbname}_2"
    text = (schema.ROOT / "functions/base/ensure_roles.sql").read_text().replace("'reelq_worker'", f"'{one}'").replace("'reelq_admin'", f"'{other}'")
    change(tree, {"functions/base/ensure_roles.sql": text, "grants.sql": "select base.ensure_roles();", "migrations/0001_rest.sql": "select 1;"})
    before = empty_conn.execute("select path, sha256 from base.schema_ledger order by 1").fetchall()
    for run in (schema.install, schema.upgrade):
        with pytest.raises(schema.SchemaError) as told:
            run(guest, tree)
        assert str(told.value) == f"the roles {one} and {other} must exist, and {guest.info.user} may not create them"
        assert str(told.value.hint) == "Nothing was changed. As a superuser: " + " ".join(f"create role {name} nologin;" for name in (one, other)) + "  then again."
    assert empty_conn.execute("select path, sha256 from base.schema_ledger order by 1").fetchall() == before
    empty_conn.execute(f"alter role {guest.info.user} createrole")
    try:
        assert "grants.sql" in [row["path"] for row in schema.upgrade(guest, tree)]
    finally:
        for name in (one, other):
            empty_conn.execute(f"drop role if exists {name}")


def test_a_function_that_an_upgrade_adds_is_closed_before_anybody_can_see_it(empty_conn: Conn, tree: Path) -> None:
    """The run breaks off right behind it, long before grants.sql; also in a migration without transaction."""
    schema.install(empty_conn, tree)
    change(tree, {
        "functions/cats/pet.sql": "create or replace function cats.pet() returns integer language sql as 'select 1';",
        "functions/cats/zap.sql": "create or replace function cats.zap() returns cats.nothing language sql as '';",
        "migrations/0001_add_purr.sql": (
            "-- transaction: none\n-- back: drop function cats.purr()\n"
            "create or replace function cats.purr() returns integer language sql as 'select 1';"
        ),
    })  # fmt: skip
    with pytest.raises(schema.SchemaError, match="zap"):
        schema.upgrade(empty_conn, tree)
    assert [is_open(empty_conn, name) for name in ("cats.pet()", "cats.purr()", "cats.count_cats()")] == [False] * 3


def test_a_model_with_a_name_of_ours_gets_its_table_in_public(application: Conn, empty_dsn: str) -> None:
    """SQLAlchemy takes any table on the search_path for one that is made already: ours are not on it."""
    schema.install(application)
    models = sqlalchemy.MetaData()
    sqlalchemy.Table("assets", models, sqlalchemy.Column("id", sqlalchemy.Integer, primary_key=True))
    engine = sqlalchemy.create_engine(empty_dsn.replace("postgresql:", "postgresql+psycopg:"))
    models.create_all(engine)
    engine.dispose()
    assert application.execute("select to_regclass('public.assets') is not null").fetchone() == (True,)


def test_commands_and_a_worker_do_not_meet_the_applications_names(
    application: Conn, empty_dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tables and functions of public have our names; whatever we say is qualified."""
    schema.install(application)
    monkeypatch.setenv("DATABASE_URL", empty_dsn)
    monkeypatch.setenv("REELQ_STORE", (tmp_path / "objects").as_uri())
    monkeypatch.setenv("REELQ_SCRATCH", str(tmp_path / "scratch"))
    for words in (
        ["jobs", "enqueue", "no_op"],
        ["worker", "run", "--until-idle", "--types", "no_op"],
        ["jobs", "list"],
        ["videos", "list"],
        ["workers", "list"],
        ["queue", "stats"],
        ["partitions", "maintain"],
    ):
        done = subprocess.run([sys.executable, "-m", "reelq.cli.main", *words], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    assert application.execute("select status from queue.processing_jobs").fetchall() == [("completed",)]
    assert application.execute("select * from public.processing_jobs").fetchall() == []
    assert application.execute("select * from queue.verify()").fetchall() == []


def test_fresh_and_shared_databases_have_the_same_rooms(pg_server: postgres.Server, application: Conn) -> None:
    """The application's presence changes nothing of ours."""
    schema.install(application)
    application.execute("create database alone")
    try:
        with psycopg.connect(pg_server.url("alone")) as alone:
            schema.install(alone)
        application.execute("drop schema shop cascade; drop view active_users; drop table videos, users, processing_jobs")
        application.execute("drop function answer, clock, public.enqueue_job(text)")
        application.execute("alter default privileges revoke usage on sequences from public")
        assert dump(pg_server, application.info.dbname) == dump(pg_server, "alone")
    finally:
        application.execute("drop database alone with (force)")
