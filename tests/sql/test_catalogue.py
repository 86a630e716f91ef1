"""What must hold of every object of our rooms, asked of the catalogue; and lists that stand in two places."""

from __future__ import annotations

import re
from typing import Any

import psycopg
import pytest

from reelq.worker import errors
from reelq.worker.db import schema

Conn = psycopg.Connection[Any]
ROOMS = schema.rooms()


def names(conn: Conn, query: str) -> list[str]:
    """The first column of a query over the rooms (%(rooms)s)."""
    return [row[0] for row in conn.execute(query.encode(), {"rooms": ROOMS}).fetchall()]


@pytest.mark.parametrize(
    ("what", "query"),
    [
        ("schema", "select nspname from pg_namespace where nspname = any(%(rooms)s) and obj_description(oid) is null"),
        (
            "table, view or type",
            """
            select oid::regclass::text from pg_class
            where relnamespace::regnamespace::text = any(%(rooms)s) and relkind in ('r', 'p', 'v', 'm')
                and not relispartition and obj_description(oid, 'pg_class') is null
            union all
            select t.oid::regtype::text from pg_type as t left join pg_class as c on c.oid = t.typrelid
            where t.typnamespace::regnamespace::text = any(%(rooms)s)
                and (t.typtype in ('d', 'e') or c.relkind = 'c') and obj_description(t.oid, 'pg_type') is null
            """,
        ),
        (
            "column of a table",
            """
            select c.oid::regclass || '.' || a.attname from pg_class as c join pg_attribute as a on a.attrelid = c.oid
            where c.relnamespace::regnamespace::text = any(%(rooms)s) and c.relkind in ('r', 'p')
                and not c.relispartition and a.attnum > 0 and not a.attisdropped
                and col_description(c.oid, a.attnum) is null
            """,
        ),
        (
            "function",
            """
            select oid::regprocedure::text from pg_proc
            where pronamespace::regnamespace::text = any(%(rooms)s) and obj_description(oid, 'pg_proc') is null
            """,
        ),
    ],
    ids=["schema", "relation", "column", "function"],
)
def test_everything_has_a_comment(conn: Conn, what: str, query: str) -> None:
    assert names(conn, query) == [], f"{what} without comment"


def test_every_function_has_its_own_search_path(conn: Conn) -> None:
    """`pg_catalog, pg_temp`: nobody can put another table, type or operator under a function of ours. An empty path will not do:
    with it the caller's temporary tables and types are found before Postgres' own."""
    query = """
        select oid::regprocedure::text from pg_proc
        where pronamespace::regnamespace::text = any(%(rooms)s)
            and not coalesce('search_path=pg_catalog, pg_temp' = any(proconfig), false)
    """
    assert names(conn, query) == []


def test_every_foreign_key_has_an_index(conn: Conn) -> None:
    """One whose first columns are the key's, in any order, so that deleting a parent is no walk over the table."""
    query = """
        select k.conrelid::regclass || ' ' || k.conname from pg_constraint as k
        where k.contype = 'f' and k.conparentid = 0 and k.connamespace::regnamespace::text = any(%(rooms)s)
            and not exists (
                select from pg_index as i
                where i.indrelid = k.conrelid
                    and (i.indkey::smallint[])[0:cardinality(k.conkey) - 1] @> k.conkey
            )
    """
    assert sorted(set(names(conn, query)) - WITHOUT_INDEX.keys()) == []


# Foreign keys that go without an index, with the reason.
WITHOUT_INDEX: dict[str, str] = {}


def test_every_foreign_key_says_what_a_delete_does(conn: Conn) -> None:
    """Postgres' default, no action, is what one gets by not thinking of it: RESTRICT says the same in words."""
    query = """
        select conrelid::regclass || ' ' || conname from pg_constraint
        where contype = 'f' and conparentid = 0 and connamespace::regnamespace::text = any(%(rooms)s)
            and confdeltype = 'a'
    """
    assert names(conn, query) == []


def test_tables_refer_to_rooms_on_their_left_only(conn: Conn) -> None:
    """By foreign key, default, check, policy, view or return type: whatever pg_depend knows.

    Not by trigger: a room may hang a trigger of its own on a table to its left, which then knows nothing of it.
    """
    query = """
        select distinct own.nspname, other.nspname,
            pg_describe_object(d.classid, d.objid, d.objsubid) || ' -> '
            || pg_describe_object(d.refclassid, d.refobjid, d.refobjsubid)
        from pg_depend as d
        cross join lateral pg_identify_object(d.classid, d.objid, d.objsubid) as o
        cross join lateral pg_identify_object(d.refclassid, d.refobjid, d.refobjsubid) as r
        join pg_namespace as own on own.nspname = coalesce(o.schema, split_part(o.identity, ' on ', 2))
            or (o.schema is null and o.identity like '%% on ' || own.nspname || '.%%')
        join pg_namespace as other on other.nspname = r.schema
        where own.nspname = any(%(rooms)s) and other.nspname = any(%(rooms)s)
            and d.classid <> 'pg_trigger'::regclass
    """
    found = conn.execute(query, {"rooms": ROOMS}).fetchall()
    assert [text for own, other, text in found if ROOMS.index(other) > ROOMS.index(own)] == []


def test_functions_name_rooms_on_their_left_only() -> None:
    """Bodies are text to the catalogue, so the files are read."""
    wrong = []
    for file in schema.files():
        if file.kind not in ("function", "view"):
            continue
        code = re.sub(r"--[^\n]*|'[^'\n]*'", "", file.text.split("\ncomment on ", 1)[0])
        for room in ROOMS[ROOMS.index(file.room) + 1 :]:
            wrong += [f"{file.path}: {word}" for word in re.findall(rf"\b{room}\.[a-z_]+\b", code)]
    assert wrong == []


def test_row_security_is_on_and_forced_where_there_is_a_tenant(conn: Conn) -> None:
    query = """
        select c.oid::regclass::text from pg_class as c join pg_attribute as a on a.attrelid = c.oid
        where c.relnamespace::regnamespace::text = any(%(rooms)s) and c.relkind in ('r', 'p')
            and a.attname = 'tenant_id' and not a.attisdropped and not (c.relrowsecurity and c.relforcerowsecurity)
    """
    assert names(conn, query) == []


def test_row_security_has_a_policy_where_it_is_on(conn: Conn) -> None:
    query = """
        select oid::regclass::text from pg_class
        where relnamespace::regnamespace::text = any(%(rooms)s) and relrowsecurity and not relispartition
            and not exists (select from pg_policy where polrelid = pg_class.oid)
    """
    assert names(conn, query) == []


def test_functions_that_run_with_the_owners_rights_are_not_open_to_everybody(conn: Conn) -> None:
    query = """
        select oid::regprocedure::text from pg_proc
        where pronamespace::regnamespace::text = any(%(rooms)s) and prosecdef
            and has_function_privilege('public', oid, 'execute') and oid <> 'base.clock()'::regprocedure
    """
    assert names(conn, query) == []


def test_checks_have_names_that_say_something(conn: Conn) -> None:
    """Not <table>_<column>_check, which is what Postgres makes up."""
    query = """
        select conrelid::regclass || ' ' || conname from pg_constraint
        where contype = 'c' and conrelid <> 0 and connamespace::regnamespace::text = any(%(rooms)s)
            and conname ~ '_check[0-9]*$'
    """
    assert names(conn, query) == []


def test_no_index_repeats_the_start_of_another(conn: Conn) -> None:
    """Same table, same predicate, plain columns: the shorter one is only work."""
    query = """
        select a.indexrelid::regclass || ' is the start of ' || b.indexrelid::regclass
        from pg_index as a
        join pg_index as b on b.indrelid = a.indrelid and b.indexrelid <> a.indexrelid
        join pg_class as ca on ca.oid = a.indexrelid
        join pg_class as cb on cb.oid = b.indexrelid and cb.relam = ca.relam
        where ca.relnamespace::regnamespace::text = any(%(rooms)s) and not a.indisunique
            and a.indexprs is null and b.indexprs is null
            and coalesce(pg_get_expr(a.indpred, a.indrelid), '') = coalesce(pg_get_expr(b.indpred, b.indrelid), '')
            and a.indkey::text || ' ' = left(b.indkey::text || ' ', length(a.indkey::text) + 1)
            and a.indoption::text || ' ' = left(b.indoption::text || ' ', length(a.indoption::text) + 1)
    """
    assert names(conn, query) == []


def code_of(error: str) -> set[str]:
    return set(re.findall(r"RQ\d{3}", error))


def test_every_error_code_has_a_class_and_a_row_in_the_readme() -> None:
    raised = code_of("".join(file.text.split("\ncomment on ", 1)[0] for file in schema.files()))
    listed = {
        code for line in (schema.ROOT / "README.md").read_text().splitlines() if line.startswith("|") for code in code_of(line)
    }
    assert set(errors.BY_SQLSTATE) == listed
    assert raised <= listed, "raised, but not in the table"


def test_a_function_lists_the_error_codes_that_it_raises() -> None:
    missing = []
    for file in schema.files():
        code, _, manual = file.text.partition("\ncomment on ")
        if file.kind == "function" and code_of(code) - code_of(manual):
            missing.append(f"{file.path}: {', '.join(sorted(code_of(code) - code_of(manual)))}")
    assert missing == []


def test_every_raise_has_a_code_and_a_hint() -> None:
    """An error that a caller can act on says how. Plain assertions of our own (P0004) are for us."""
    missing = []
    for file in schema.files():
        for found in re.findall(r"raise exception\b.*?;(?=\s*\n)", file.text, flags=re.DOTALL):
            if "errcode" not in found or "hint" not in found:
                missing.append(f"{file.path}: {found.splitlines()[0].strip()}")
    assert missing == []


def test_the_statuses_of_a_job_are_the_same_in_python_and_in_the_table(conn: Conn) -> None:
    from reelq.worker.rooms import queue

    row = conn.execute(
        """
        select string_agg(pg_get_constraintdef(oid), ' ') from pg_constraint
        where conrelid = 'queue.processing_jobs'::regclass and contype = 'c'
            and pg_get_constraintdef(oid) ~ 'status = ANY'
        """
    ).fetchone()
    assert row is not None
    assert set(re.findall(r"'([a-z]+)'::text", row[0])) == set(queue.STATUSES)


def test_who_turns_paths_off_turns_jit_off_too() -> None:
    """A path that is turned off costs 1e10, which wakes the compiler: 100 ms a call, measured."""
    wrong = [f.path for f in schema.files() if "\nset enable_" in f.text and "\nset jit = off" not in f.text]
    assert wrong == []
