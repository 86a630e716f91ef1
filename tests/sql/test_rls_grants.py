"""grants.sql against the catalogue: nothing is open but what it lists."""

from __future__ import annotations

import re
from pathlib import Path

from reelq.worker.db import schema
from tests.sql.mediakit import Conn, scalar

GRANTS = (Path(__file__).resolve().parents[2] / "sql" / "grants.sql").read_text()
ROOMS = schema.rooms()
# What grants.sql lists: (name, roles) of functions, names of tables and views.
LISTED = re.findall(r"\('([a-z]+\.[a-z0-9_]+)', '([a-z ]+)'\),?$", GRANTS, re.MULTILINE)
RELATIONS = re.findall(r"'([a-z]+\.[a-z0-9_]+)', '[a-z ]+',\s+'select", GRANTS)


def test_every_name_on_the_lists_exists(conn: Conn) -> None:
    """grants.sql passes over what is not there yet; in a whole installation all is there."""
    there = "select exists (select from pg_proc where pronamespace::regnamespace || '.' || proname = %s)"
    assert (len(LISTED), len(RELATIONS)) > (40, 10)
    assert [name for name, _ in LISTED if not scalar(conn, there, name)] == []
    assert [name for name in RELATIONS if scalar(conn, "select to_regclass(%s)", name) is None] == []


def test_functions_are_open_to_those_on_the_list_and_to_nobody_else(conn: Conn) -> None:
    """The catalogue against grants.sql, for every function of our schemas."""
    granted = {name: {f"reelq_{role}" for role in roles.split()} for name, roles in LISTED}
    found = conn.execute(
        """
        select routine.pronamespace::regnamespace || '.' || routine.proname,
               coalesce(
                   array_agg(grantee.rolname::text)
                   filter (where acl.grantee <> routine.proowner and acl.grantee <> 0), '{}'
               ),
               coalesce(bool_or(acl.grantee = 0), false)
        from pg_proc as routine
        cross join lateral aclexplode(coalesce(routine.proacl, acldefault('f', routine.proowner))) as acl
        left join pg_roles as grantee on grantee.oid = acl.grantee
        where routine.pronamespace::regnamespace::text = any(%s)
        group by routine.oid, 1
        """,
        [ROOMS],
    ).fetchall()
    assert [name for name, _, public in found if public and name != "base.clock"] == []
    assert {name: set(roles) for name, roles, _ in found if roles} == granted


def test_granting_again_gives_the_same(conn: Conn) -> None:
    """grants.sql is applied again by upgrades."""
    acls = """
        select array_agg(acl::text order by kind, oid, number) from (
            select 'function', oid, 0, proacl from pg_proc where pronamespace::regnamespace::text = any(%s)
            union all
            select 'relation', oid, 0, relacl from pg_class where relnamespace::regnamespace::text = any(%s)
            union all
            select 'column', attrelid, attnum, attacl from pg_attribute
            where attrelid in (select oid from pg_class where relnamespace::regnamespace::text = any(%s))
        ) as granted (kind, oid, number, acl)
    """
    before = scalar(conn, acls, ROOMS, ROOMS, ROOMS)
    conn.execute(GRANTS)
    assert scalar(conn, acls, ROOMS, ROOMS, ROOMS) == before
