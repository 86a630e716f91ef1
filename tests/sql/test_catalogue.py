"""What must hold of every object of our rooms (tests/rules), asked of a fresh installation; and lists that stand in two places."""

from __future__ import annotations

import re
from typing import Any

import psycopg
import pytest

from reelq.worker import errors
from reelq.worker.db import schema
from tests import rules

Conn = psycopg.Connection[Any]
ROOMS = schema.rooms()


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.name.replace(" ", "_"))
def test_a_rule_holds(conn: Conn, rule: rules.Rule) -> None:
    assert rule.broken(conn, ROOMS) == [], rule.remedy


def test_tables_refer_to_rooms_on_their_left_only(conn: Conn) -> None:
    assert rules.right_of(conn, ROOMS) == []


@pytest.mark.parametrize("name", rules.FILE_RULES)
def test_a_rule_of_the_files_holds(name: str) -> None:
    assert list(rules.FILE_RULES[name](schema.ROOT)) == []


def test_what_breaks_a_rule_is_told_with_its_remedy(conn: Conn) -> None:
    """As `python -m tests.rules` prints it."""
    conn.execute("create table media.test_bare (tenant_id uuid references identity.tenants (id), updated_at timestamptz check (updated_at > '2000-01-01'))")
    conn.execute("create function media.test_bare() returns integer language sql as 'select 1'")
    told = rules.broken(conn)
    assert "row security is on and forced where there is a tenant: not media.test_bare. → select base.protect_tenant_rows('room.table'); in its file" in told
    assert len(told) == 15, "\n".join(told)


def test_a_function_that_forgets_to_ask_and_a_trigger_without_its_name_are_told(conn: Conn) -> None:
    conn.execute("create function media.test_peek(uuid) returns text language sql security definer as 'select $1::text'")
    conn.execute("revoke execute on function media.test_peek from public; grant execute on function media.test_peek to reelq_app")
    conn.execute("create function media.test_hook() returns trigger language plpgsql as 'begin return null; end'")
    conn.execute("create function media.test_name(x integer) returns integer language sql as 'select 1'")
    told = "\n".join(rules.broken(conn))
    assert "ask whose the rows are: not media.test_peek" in told
    assert "are called tg_… and have a trigger: not media.test_hook" in told
    assert "parameters begin with p_: not media.test_name" in told
    conn.execute("create function media.test_name(p_x text) returns integer language sql as 'select 1'")
    assert "a function has one signature: not media.test_name(p_x text)" in "\n".join(rules.broken(conn))


def test_every_error_code_has_a_class_and_a_row_in_the_readme() -> None:
    raised = rules.codes_in("".join(file.text.split("\ncomment on ", 1)[0] for file in schema.files()))
    listed = {
        code for line in (schema.ROOT / "README.md").read_text().splitlines() if line.startswith("|") for code in rules.codes_in(line)
    }
    assert set(errors.BY_SQLSTATE) == listed
    assert raised <= listed, "raised, but not in the table"


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
