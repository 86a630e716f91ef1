"""The table of rights in sql/README.md: it is what the catalogue says, and each cell is tried with rows of the caller, another user and another tenant."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql

from reelq.worker.db import schema
from tests.conftest import Connect
from tests.sql import tenantkit
from tests.sql.mediakit import Conn, scalar
from tools import rights
from tools.rights import CALLERS, VERBS, Caller


def user_column(table: str, own: str) -> str | None:
    """The column by which a table's policy knows whose a row is; None for one that looks elsewhere."""
    found = re.search(r"\((\w+) = \( SELECT (?:identity\.)?limited_to", own)
    return found.group(1) if found else None


@dataclass(frozen=True, slots=True)
class World:
    """Ann and Bob of acme, and a rival; rows of each in every table with a tenant."""

    owner: Conn
    acme: UUID
    rival: UUID
    ann: UUID
    bob: UUID
    rows: dict[str, dict[str, list[tenantkit.Row]]]  # table → own, other, rival → rows; without a user all of acme's are "other"

    def keys(self, table: str, whose: str) -> list[dict[str, Any]]:
        return [row.values for row in self.rows[table][whose]]


def make_user(conn: Conn, tenant: UUID, role: str) -> UUID:
    made: UUID = scalar(conn, "insert into identity.users (tenant_id, email, role) values (%s, %s, %s) returning id", tenant, f"{uuid4().hex}@x.example", role)
    return made


def make_world(owner: Conn, member: str) -> World:
    acme, rival = (scalar(owner, "select identity.create_tenant(%s)", f"{name}-{uuid4().hex[:6]}") for name in ("acme", "rival"))
    ann, bob, carl = make_user(owner, acme, member), make_user(owner, acme, "member"), make_user(owner, rival, "member")
    own_text = {row[0]: row[2] for row in owner.execute(rights.TABLES, [schema.rooms()] * 2).fetchall() if row[2]}
    people = (("own", acme, ann), ("other", acme, bob), ("rival", rival, carl))
    asset = "insert into media.assets (tenant_id, owner_user_id, source, source_url) values (%s, %s, 'upload', '/a') returning id"
    assets = {whose: scalar(owner, asset, tenant, user) for whose, tenant, user in people}
    rows: dict[str, dict[str, list[tenantkit.Row]]] = {}
    for table in tenantkit.tables(owner):
        if table == "identity.users":
            rows[table] = {whose: [tenantkit.Row(table, {"id": user, "tenant_id": tenant})] for whose, tenant, user in people}
            continue
        column = user_column(table, own_text.get(table, ""))
        rows[table] = {}
        for whose, tenant, user in people:
            also: dict[str, Any] = {column: user} if column else {"asset_id": assets[whose]} if table == "media.variants" else {}
            if table not in own_text and whose == "own":
                rows[table][whose] = []  # a row of nobody in particular
                continue
            rows[table][whose] = tenantkit.make_rows(owner, table, tenant, also)
            if table == "media.objects":  # whose it is says what refers to it
                owner.execute("update media.assets set object_id = %s where id = %s", [rows[table][whose][0].values["id"], assets[whose]])
    return World(owner, acme, rival, ann, bob, rows)


def act_as(conn: Conn, caller: Caller, world: World, named: bool = True) -> None:
    conn.execute(sql.SQL("set role {}").format(sql.Identifier(caller.role)))
    if named and caller.role not in ("reelq_admin", "reelq_worker", "reelq_support"):
        conn.execute("select set_config('reelq.tenant_id', %s, false)", [str(world.acme)])
        if caller.member:
            conn.execute("select set_config('reelq.user_id', %s, false)", [str(world.ann)])


def matching(row: tenantkit.Row) -> tuple[sql.Composed, list[Any]]:
    """A condition that finds a row by what was inserted, as far as it can be compared."""
    known = {name: value for name, value in row.values.items() if isinstance(value, UUID)}
    return sql.SQL(" and ").join(sql.SQL("{} = %s").format(sql.Identifier(name)) for name in known), list(known.values())


def seen(conn: Conn, world: World, table: str) -> str:
    """Whose rows a caller sees: all, tenant, own, or none; words that are no cell when it is something else."""
    whose = []
    for part, rows in world.rows[table].items():
        for row in rows:
            condition, values = matching(row)
            try:
                with conn.transaction():
                    found = conn.execute(sql.SQL("select 1 from {} where {}").format(sql.SQL(table), condition), values).fetchall()
            except psycopg.errors.InsufficientPrivilege:
                return "none"
            if found and part not in whose:
                whose.append(part)
    without_user = not world.rows[table]["own"]
    words = {("own", "other", "rival"): "all", ("own", "other"): "tenant", ("own",): "own", (): "none"}
    if without_user:
        words = {("other", "rival"): "all", ("other",): "tenant", (): "none"}
    return words.get(tuple(whose), f"rows of {whose}")


@pytest.mark.parametrize("caller", CALLERS, ids=lambda caller: caller.name)
def test_a_caller_sees_whose_rows_the_table_says(conn: Conn, connect: Connect, caller: Caller) -> None:
    world = make_world(conn, caller.member or "member")
    told = {table: row[caller.name].get("select", "none").split(" ")[0] for table, row in rights.cells(conn).items() if table in world.rows}
    acting = connect()
    act_as(acting, caller, world)
    assert {table: seen(acting, world, table) for table in world.rows} == told


@pytest.mark.parametrize("caller", CALLERS, ids=lambda caller: caller.name)
def test_without_a_tenant_only_operators_see_anything(conn: Conn, connect: Connect, caller: Caller) -> None:
    world = make_world(conn, caller.member or "member")
    acting = connect()
    act_as(acting, caller, world, named=False)
    found = {table: seen(acting, world, table) for table in world.rows}
    assert set(found.values()) == ({"all"} if caller.role == "reelq_admin" else {"none"}), found


def test_a_tenant_s_admin_sees_what_the_tenant_sees(conn: Conn, connect: Connect) -> None:
    world = make_world(conn, "admin")
    acting = connect()
    act_as(acting, Caller("admin", "reelq_app", "admin"), world)
    told = {table: row[CALLERS[0].name].get("select", "none").split(" ")[0] for table, row in rights.cells(conn).items() if table in world.rows}
    assert {table: seen(acting, world, table) for table in world.rows} == told


@pytest.mark.parametrize("who", ["nonsense", "unknown", "another tenant's", "deleted", "suspended"])
def test_a_user_who_is_nobody_here_sees_nothing_of_users(conn: Conn, connect: Connect, who: str) -> None:
    """Least of all what the tenant itself sees."""
    world = make_world(conn, "admin")
    conn.execute("update identity.users set deleted_at = now() where id = %s and %s", [world.ann, who == "deleted"])
    conn.execute("update identity.users set status = 'suspended' where id = %s and %s", [world.ann, who == "suspended"])
    carl = world.keys("identity.users", "rival")[0]["id"]
    name = {"nonsense": "nonsense", "unknown": str(uuid4()), "another tenant's": str(carl)}.get(who, str(world.ann))
    acting = connect()
    act_as(acting, CALLERS[0], world)
    acting.execute("select set_config('reelq.user_id', %s, false)", [name])
    users = world.rows.keys() & {table for table, row in rights.cells(conn).items() if row[CALLERS[1].name].get("select", "own").startswith("own")}
    assert {table: seen(acting, world, table) for table in users} == dict.fromkeys(users, "none")


@pytest.mark.parametrize("caller", CALLERS, ids=lambda caller: caller.name)
def test_a_caller_writes_what_the_table_says(conn: Conn, connect: Connect, caller: Caller) -> None:
    world = make_world(conn, caller.member or "member")
    told = rights.cells(conn)
    acting = connect()
    act_as(acting, caller, world)
    wrong = []
    for table in world.rows:
        for verb in set(VERBS) - {"select"}:
            allowed = told[table][caller.name].get(verb)
            if verb == "insert" and table == "queue.processing_jobs":
                for whose, tenant, user in (("own", world.acme, world.ann), ("other", world.acme, world.bob), ("rival", world.rival, None)):
                    done = tried(acting, "insert into queue.processing_jobs (job_type, tenant_id, user_id) values ('no_op', %s, %s)", tenant, user)
                    may = bool(allowed) and (whose == "own" or (whose == "other" and str(allowed).startswith("tenant")))
                    if done != may:
                        wrong.append(f"{verb} {table} {whose}: {done}")
            elif allowed:
                wrong.append(f"{verb} {table} is allowed and not tried here")
            elif verb == "insert":
                wrong += [f"insert {table}" for whose in world.rows[table] for row in world.rows[table][whose] if tried(acting, row)]
            else:
                text = f"update {table} set tenant_id = tenant_id" if verb == "update" else f"delete from {table}"
                wrong += [f"{verb} {table}"] if tried(acting, text) else []
    assert wrong == []


def tried(conn: Conn, what: str | tenantkit.Row, *values: Any) -> bool:
    """Whether it is done; undone afterwards."""
    try:
        with conn.transaction(force_rollback=True):
            if isinstance(what, tenantkit.Row):
                what.insert(conn)
                return True
            return conn.execute(what.encode(), values).rowcount > 0
    except psycopg.Error:
        return False


def test_the_page_says_what_the_database_does(conn: Conn) -> None:
    assert rights.page(conn) == rights.PAGE.read_text(encoding="utf-8"), "python -m tools.rights"
