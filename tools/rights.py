"""Who may do what with each table, from the catalogue: the table in sql/README.md between its two marks.

    python -m tools.rights        write it anew, from a database made of this checkout on a Postgres started for it

A cell says whose rows: all, tenant (the one of reelq.tenant_id), own (those of reelq.user_id), none (—). tests/sql/test_rights.py
compares the page with a database, and tries each cell with rows of the caller, of another user and of another tenant.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import class_row

from demo import postgres
from reelq.worker.db import schema

PAGE = Path(__file__).resolve().parents[1] / "sql" / "README.md"
BEGIN, END = "<!-- rights: python -m tools.rights -->", "<!-- /rights -->"
VERBS = ("select", "insert", "update", "delete")
WORDS = {"select": "read", "insert": "insert", "update": "update", "delete": "delete"}


@dataclass(frozen=True, slots=True)
class Caller:
    """A column of the table: a database role, and as which user of the tenant."""

    name: str
    role: str
    member: str | None = None  # identity.users.role; None: no reelq.user_id


@dataclass(frozen=True, slots=True)
class Table:
    """What the catalogue says of a table."""

    name: str
    of_tenants: bool  # a policy by tenant
    own: str | None  # the condition by which a user's rows are told


CALLERS = (
    Caller("app, or as a tenant's admin", "reelq_app"),
    Caller("app as a member", "reelq_app", "member"),
    Caller("app as a viewer", "reelq_app", "viewer"),
    Caller("readonly", "reelq_readonly"),
    Caller("worker", "reelq_worker"),
    Caller("admin", "reelq_admin"),
    Caller("support", "reelq_support"),
)
TABLES = """
select
    c.relnamespace::regnamespace || '.' || c.relname as name,
    exists (select from pg_policy as p where p.polrelid = c.oid and p.polname in ('tenant_sees_its_own', 'tenant_sees_itself')) as of_tenants,
    (
        select pg_get_expr(p.polqual, p.polrelid) from pg_policy as p
        where p.polrelid = c.oid and p.polname = 'user_sees_their_own'
    ) as own
from pg_class as c
where c.relnamespace::regnamespace::text = any(%s) and c.relkind in ('r', 'p') and not c.relispartition
order by array_position(%s, c.relnamespace::regnamespace::text), c.relname
"""
GRANTED = """
select has_any_column_privilege(%(role)s, %(table)s::regclass, %(verb)s), not has_table_privilege(%(role)s, %(table)s::regclass, %(verb)s)
"""
MASKED = """
select c.relnamespace::regnamespace || '.' || c.relname
from pg_class as c
where c.relkind = 'v' and has_table_privilege('reelq_support', c.oid, 'select') and c.relnamespace::regnamespace::text = any(%s)
order by array_position(%s, c.relnamespace::regnamespace::text), c.relname
"""
GRANTED_DELETE = "select has_table_privilege(%(role)s, %(table)s::regclass, %(verb)s), false"


def scope(table: Table, caller: Caller, verb: str) -> str:
    """Whose rows the policies leave to a caller who has the privilege."""
    if not table.of_tenants or caller.role in ("reelq_admin", "reelq_worker"):
        return "all"
    if caller.member is None or table.own is None:
        return "tenant"
    if (caller.member == "viewer" and verb != "select") or re.search(r"\bOR false\b", table.own):
        return "none"
    return "own"


def cells(conn: psycopg.Connection[Any]) -> dict[str, dict[str, dict[str, str]]]:
    """Table → caller's name → verb → whose rows (all, tenant, own); a verb that is not allowed is left out."""
    rooms = schema.rooms()
    with conn.cursor(row_factory=class_row(Table)) as cursor:
        tables = cursor.execute(TABLES, [rooms, rooms]).fetchall()
    found: dict[str, dict[str, dict[str, str]]] = {}
    for table in tables:
        found[table.name] = {}
        for caller in CALLERS:
            allowed = {}
            for verb in VERBS:
                query = GRANTED_DELETE if verb == "delete" else GRANTED
                row = conn.execute(query, {"role": caller.role, "table": table.name, "verb": verb}).fetchone()
                whose = scope(table, caller, verb)
                if row and row[0] and whose != "none":
                    allowed[verb] = whose + (" (some columns)" if row[1] else "")
            found[table.name][caller.name] = allowed
    return found


def text(conn: psycopg.Connection[Any]) -> str:
    """The table as it stands in the page. Tables that only the owner and operators see are named in one line."""
    found = cells(conn)
    closed = [f"`{name}`" for name, row in found.items() if not any(allowed for caller, allowed in row.items() if caller != "admin")]
    lines = [f"| table | {' | '.join(caller.name for caller in CALLERS)} |", "| --- |" + " --- |" * len(CALLERS)]
    for name, row in found.items():
        if f"`{name}`" not in closed:
            told = [", ".join(f"{WORDS[verb]} {whose}" for verb, whose in row[caller.name].items()) or "—" for caller in CALLERS]
            lines.append(f"| `{name}` | {' | '.join(told)} |")
    lines += ["", f"The owner, functions and, to read, `reelq_admin` alone touch {', '.join(closed)}."]
    masked = [f"`{name}`" for (name,) in conn.execute(MASKED, [schema.rooms()] * 2).fetchall()]
    lines += ["", f"`reelq_support` and `reelq_admin` read these views, which show personal data masked or not at all: {', '.join(masked)}."]
    return "\n".join(lines)


def page(conn: psycopg.Connection[Any]) -> str:
    """sql/README.md with the table as the database has it."""
    before, rest = PAGE.read_text(encoding="utf-8").split(BEGIN, 1)
    return f"{before}{BEGIN}\n{text(conn)}\n{END}{rest.split(END, 1)[1]}"


def main() -> None:
    """Write it."""
    with postgres.throwaway() as server:
        with psycopg.connect(server.url(), autocommit=True) as conn:
            conn.execute("create database rights")
        with psycopg.connect(server.url("rights"), autocommit=True) as conn:
            schema.install(conn)
            PAGE.write_text(page(conn), encoding="utf-8")


if __name__ == "__main__":
    main()
