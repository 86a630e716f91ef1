"""Every table and view with a tenant, as the catalogue has them, and a row of a tenant in each.

What a new table needs is read from the catalogue too: a column that must have a value gets one that its checks accept, or that of
a row it refers to. Where that cannot be guessed, COLUMNS says it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from reelq.worker.db import schema
from tests.sql.mediakit import Conn, scalar

ROLES = ("reelq_app", "reelq_readonly", "reelq_worker")
# Columns that cannot be guessed from the catalogue, or a function that makes a value; more than one set makes more than one row.
COLUMNS: dict[str, list[dict[str, Any]]] = {
    "media.assets": [{"kind": kind} for kind in ("video", "image", "audio", "document")],  # each has a view
    "identity.api_keys": [{"prefix": "abcd1234"}],
    "identity.one_time_tokens": [{"purpose": "invitation", "used_at": "2030-01-01 00:00+00"}],  # of live ones a user has one a purpose
    "ops.notifications": [{"channels": ["in_app"], "expires_at": "2099-01-01 00:00+00"}],
    "ops.notification_settings": [{"type": "*"}],
    "ops.push_subscriptions": [{"endpoint": lambda: f"https://push.example/{uuid4().hex}", "p256dh": "B" + 86 * "A", "auth": 22 * "A"}],
    "queue.processing_jobs": [{"job_type": "no_op"}],
    "queue.schedules": [{"job_type": "no_op"}],
    "queue.job_history": [{"job_type": "no_op", "status": "completed", "token": 0}],  # queue.verify() looks at it after the test
}
MADE_WITH_A_TENANT = ("identity.tenant_configs",)  # by a trigger, one row each
NUMBERS = ("integer", "bigint", "smallint", "numeric", "real", "double precision")
TELL = "add its columns to COLUMNS in tests/sql/tenantkit.py"


@dataclass(frozen=True, slots=True)
class Row:
    """A row as it was inserted."""

    table: str
    values: dict[str, Any]

    def insert(self, conn: Conn) -> None:
        """Insert it; what has a default gets a new value."""
        names = sql.SQL(", ").join(map(sql.Identifier, self.values))
        marks = sql.SQL(", ").join(sql.Placeholder() * len(self.values))
        text = sql.SQL("insert into {} ({}) values ({})").format(sql.SQL(self.table), names, marks)
        conn.execute(text, list(self.values.values()))


def tenant_relations(conn: Conn, kinds: str, partitions: bool = False) -> list[str]:
    """Relations of our rooms with a column tenant_id; kinds as in pg_class.relkind."""
    found = conn.execute(
        """
        select c.relnamespace::regnamespace || '.' || quote_ident(c.relname)
        from pg_class as c inner join pg_attribute as a on a.attrelid = c.oid
        where c.relnamespace::regnamespace::text = any(%s) and c.relkind = any(%s) and c.relispartition = %s
            and a.attname = 'tenant_id' and not a.attisdropped
        order by 1
        """,
        [schema.rooms(), list(kinds), partitions],
    ).fetchall()
    return [name for (name,) in found]


def tables(conn: Conn) -> list[str]:
    """The tables with a tenant."""
    return tenant_relations(conn, "rp")


def views(conn: Conn) -> list[str]:
    """The views with a tenant. Masked ones show a tenant nothing at all: tests/sql/test_masked_views.py."""
    return [view for view in tenant_relations(conn, "v") if not view.endswith("_masked")]


# Making a row


def dicts(conn: Conn, query: str, *args: Any) -> list[dict[str, Any]]:
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query.encode(), args).fetchall()


def wanted_columns(conn: Conn, table: str) -> dict[str, str]:
    """Column → type, of those that have to be given."""
    found = dicts(
        conn,
        """
        select attname, format_type(atttypid, null) as type from pg_attribute
        where attrelid = %s::regclass and attnum > 0 and not attisdropped and attidentity = '' and attgenerated = ''
            and (attname = 'tenant_id' or (attnotnull and not atthasdef))
        order by attnum
        """,
        table,
    )
    return {row["attname"]: row["type"] for row in found}


def constraints(conn: Conn, table: str) -> list[dict[str, Any]]:
    """Checks and foreign keys: name, kind, columns, definition, and of foreign keys the columns they refer to."""
    return dicts(
        conn,
        """
        select k.conname as name, k.contype as kind, pg_get_constraintdef(k.oid) as definition, k.confrelid::regclass::text as other,
            array(select a.attname::text from unnest(k.conkey) with ordinality as u (n, at) join pg_attribute as a
                on a.attrelid = k.conrelid and a.attnum = u.n order by u.at) as columns,
            array(select a.attname::text from unnest(k.confkey) with ordinality as u (n, at) join pg_attribute as a
                on a.attrelid = k.confrelid and a.attnum = u.n order by u.at) as other_columns
        from pg_constraint as k where k.conrelid = %s::regclass and k.contype in ('c', 'f') order by k.conname
        """,
        table,
    )


def guesses(type_: str, checks: list[str]) -> list[Any]:
    """Values of a type, those that the checks name first."""
    word = f"x{uuid4().hex[:8]}"
    if type_ in ("text", "character varying"):
        literals = [found.replace("''", "'") for check in checks for found in re.findall(r"'((?:[^']|'')*)'::text", check)]
        words = [word, f"{word}@example.com", f"https://example.com/{word}", "en", word[1:] * 8, f"{word}/{word}", "a", word.upper()]
        return [*literals, *words]
    if type_.endswith("[]"):
        return ["{}"]
    by_type: dict[str, list[Any]] = {
        "uuid": [uuid4()],
        "boolean": [False, True],
        "jsonb": ["{}", "[]"],
        "json": ["{}", "[]"],
        "interval": ["1 day", "1 month"],
        "inet": ["192.0.2.1"],
        "bytea": [b"\x01\x01k" + bytes(40), bytes(32), uuid4().bytes * 2],
        "date": ["2030-01-01"],
        "timestamp with time zone": ["now", "2030-01-01 00:00+00"],
    }
    return by_type.get(type_, [1, 0, 10, 100, 1000] if type_ in NUMBERS else [])


def referred(conn: Conn, key: dict[str, Any], tenant: UUID) -> dict[str, Any]:
    """The values of a foreign key's columns: those of a row of the tenant, made if there is none."""
    if key["other"] == "identity.tenants":
        return dict.fromkeys(key["columns"], tenant)
    names = sql.SQL(", ").join(map(sql.Identifier, key["other_columns"]))
    query = sql.SQL("select {} from {}").format(names, sql.SQL(key["other"]))
    args: list[Any] = []
    if key["other"] in tables(conn):
        query, args = query + sql.SQL(" where tenant_id = %s"), [tenant]
    found = conn.execute(query, args).fetchone()
    if found is None:
        make_rows(conn, key["other"], tenant)
        found = conn.execute(query, args).fetchone()
        assert found is not None
    return dict(zip(key["columns"], found, strict=True))


def make_rows(conn: Conn, table: str, tenant: UUID, also: dict[str, Any] | None = None) -> list[Row]:
    """As the owner, insert a row of the tenant (or as many as COLUMNS says); an AssertionError tells what is missing.

    With more values, `also`, each row gets an id that is known, where the table has such a column.
    """
    has_id = also is not None and scalar(conn, "select exists (select from pg_attribute where attrelid = %s::regclass and attname = 'id' and atttypid = 'uuid'::regtype)", table)
    if scalar(conn, "select relkind = 'p' from pg_class where oid = %s::regclass", table):
        scalar(conn, "select base.make_partition(%s, base.clock()::date)", table)
    if table in MADE_WITH_A_TENANT:
        conn.execute(sql.SQL("delete from {} where tenant_id = %s").format(sql.SQL(table)), [tenant])
    return [make_row(conn, table, tenant, {**given, **(also or {}), **({"id": uuid4()} if has_id else {})}) for given in COLUMNS.get(table, [{}])]


def make_row(conn: Conn, table: str, tenant: UUID, given: dict[str, Any]) -> Row:
    """Guess until the checks are content."""
    rules = constraints(conn, table)
    known: dict[str, Any] = {name: value() if callable(value) else value for name, value in given.items()} | {"tenant_id": tenant}
    wanted = wanted_columns(conn, table)
    for key in rules:
        if key["kind"] == "f" and (set(key["columns"]) & wanted.keys()) - known.keys():
            known |= referred(conn, key, tenant)
    options: dict[str, Iterator[Any]] = {}
    for name, type_ in wanted.items():
        if name not in known:
            options[name] = iter(guesses(type_, [rule["definition"] for rule in rules if rule["kind"] == "c" and name in rule["columns"]]))
            known[name] = next(options[name], None)
            assert known[name] is not None, f"cannot guess a value for {table}.{name}, which is {type_}: {TELL}"
    while True:
        row = Row(table, known)
        try:
            with conn.transaction():
                row.insert(conn)
            return row
        except (psycopg.errors.CheckViolation, psycopg.errors.UniqueViolation) as error:
            refuser = error.diag.constraint_name
            broken = next((rule["columns"] for rule in rules if rule["name"] == refuser), list(options))
            following = ((column, value) for column in broken if column in options for value in options[column])
            column, value = next(following, (None, None))
            if column is None and isinstance(error, psycopg.errors.UniqueViolation):  # a row of two keys alone: another one on the other side
                column, value = another(conn, rules, tenant)
            assert column is not None, f"cannot guess a row of {table}, {refuser} refuses all: {TELL}"
            known = {**known, column: value}
        except psycopg.Error as error:
            raise AssertionError(f"cannot guess a row of {table} ({str(error).splitlines()[0]}): {TELL}") from error


def another(conn: Conn, rules: list[dict[str, Any]], tenant: UUID) -> tuple[str | None, Any]:
    """The first column that refers to a table with ids, and the id of a new row of the tenant there."""
    for key in rules:
        if key["kind"] == "f" and key["other"] != "identity.tenants" and key["other_columns"] == ["id"]:
            return key["columns"][0], make_rows(conn, key["other"], tenant, {})[-1].values["id"]
    return None, None


# Asking as a role


@dataclass(frozen=True, slots=True)
class World:
    """Two tenants with a row in every table that has a tenant; who may touch what is left to the policies alone."""

    owner: Conn
    acme: UUID
    rival: UUID
    rows: dict[str, list[Row]]  # the rival's

    def count(self, relation: str, tenant: UUID) -> int:
        """Rows of a tenant, as the owner sees them."""
        found: int = scalar(self.owner, f"select count(*) from {relation} where tenant_id = %s", tenant)
        return found


def make_world(owner: Conn) -> World:
    """Make it. All roles get all rights on the tables with a tenant, and may read everything that views read."""
    acme, rival = (scalar(owner, "select identity.create_tenant(%s)", f"{name}-{uuid4().hex[:6]}") for name in ("acme", "rival"))
    rows: dict[str, list[Row]] = {}
    for table in tables(owner):
        make_rows(owner, table, acme)
        rows[table] = make_rows(owner, table, rival)
    everybody = sql.SQL(", ").join(map(sql.Identifier, ROLES))
    for room in schema.rooms():
        owner.execute(sql.SQL("grant select on all tables in schema {} to {}").format(sql.Identifier(room), everybody))
    for table in tables(owner):
        owner.execute(sql.SQL("grant insert, update, delete on {} to {}").format(sql.SQL(table), everybody))
    return World(owner, acme, rival, rows)


def select(world: World, conn: Conn, tenant: UUID | None) -> Iterator[str]:
    """Own rows are seen, through tables and views, and nobody else's."""
    for relation in [*tables(world.owner), *views(world.owner)]:
        if not world.count(relation, world.rival):
            yield f"no row of a tenant shows in {relation}, so nothing is proved: {TELL}"
        others, own = conn.execute(
            sql.SQL("select count(*) filter (where tenant_id is distinct from %(own)s), count(*) filter (where tenant_id = %(own)s) from {}")
            .format(sql.SQL(relation)), {"own": tenant}
        ).fetchone() or (0, 0)  # fmt: skip
        if others:
            yield f"{relation} shows rows of another tenant"
        if tenant and not own and relation in world.rows:
            yield f"{relation} does not show the tenant's own rows"
    for partition in tenant_relations(world.owner, "r", partitions=True):
        if scalar(conn, f"select count(*) from {partition}"):
            yield f"the partition {partition} shows rows: it has no row security"


def insert(world: World, conn: Conn, tenant: UUID | None) -> Iterator[str]:
    """A row of another tenant is refused: by the policy (42501), or before that by a trigger."""
    for row in chain.from_iterable(world.rows.values()):
        before = world.count(row.table, world.rival)
        try:
            row.insert(conn)
            yield f"{row.table} takes a row of another tenant"
        except psycopg.Error as error:
            if error.sqlstate != "42501" and not str(error.sqlstate).startswith("RQ"):
                yield f"{row.table} lets a row of another tenant come as far as: {error}"
        if world.count(row.table, world.rival) != before:
            yield f"{row.table} has more rows of another tenant than before"


def touched(conn: Conn, statement: str, *args: Any) -> int:
    """How many rows a statement would touch; 0 when it is refused. Without a condition it asks no policy for reading."""
    try:
        with conn.transaction(force_rollback=True):
            return conn.execute(statement.encode(), args).rowcount
    except psycopg.Error:
        return 0


def update(world: World, conn: Conn, tenant: UUID | None) -> Iterator[str]:
    """Another tenant's row is not met, and an own one is not given away."""
    for table in tables(world.owner):
        own = world.count(table, world.acme) if tenant else 0
        if touched(conn, f"update {table} set tenant_id = tenant_id where tenant_id = %s", world.rival):
            yield f"{table} lets rows of another tenant be changed"
        if touched(conn, f"update {table} set tenant_id = %s", world.acme) > own:
            yield f"{table} lets rows of another tenant be taken"
        if touched(conn, f"update {table} set tenant_id = %s where tenant_id = %s", world.rival, world.acme):
            yield f"{table} lets a tenant's rows be given to another"


def delete(world: World, conn: Conn, tenant: UUID | None) -> Iterator[str]:
    """Another tenant's row is not met."""
    for table in tables(world.owner):
        own = world.count(table, world.acme) if tenant else 0
        if touched(conn, f"delete from {table} where tenant_id = %s", world.rival) or touched(conn, f"delete from {table}") > own:
            yield f"{table} lets rows of another tenant be deleted"


VERBS: dict[str, Callable[[World, Conn, UUID | None], Iterator[str]]] = {"select": select, "insert": insert, "update": update, "delete": delete}


def leaks(world: World, conn: Conn, role: str, verb: str) -> list[str]:
    """What a role can do with another tenant's rows, with and without a tenant of its own; conn becomes that role."""
    conn.execute(sql.SQL("set role {}").format(sql.Identifier(role)))
    found = list(VERBS[verb](world, conn, None))
    # A worker's role has no policy at all: it calls functions, and sees no table even with a tenant.
    if role != "reelq_worker":
        conn.execute("select set_config('reelq.tenant_id', %s, false)", [str(world.acme)])
        found += [f"{told}, as {role}" for told in VERBS[verb](world, conn, world.acme)]
    return sorted(set(found))
