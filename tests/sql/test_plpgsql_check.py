"""plpgsql_check over every function, where the server offers the extension: wrong column names, types, dead code."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from reelq.worker.db import schema

# Trigger functions are checked against each table that they hang on.
CHECK = """
select p.oid::regprocedure::text || ' line ' || coalesce(found.lineno, 0) || ': ' || found.level || ' '
    || found.sqlstate || ' ' || found.message
from pg_proc as p
join pg_language as l on l.oid = p.prolang and l.lanname = 'plpgsql'
left join pg_trigger as t on t.tgfoid = p.oid and not t.tgisinternal
cross join lateral plpgsql_check_function_tb(
    p.oid, coalesce(t.tgrelid, 0), performance_warnings := false, extra_warnings := true, security_warnings := true,
    oldtable := t.tgoldtable, newtable := t.tgnewtable
) as found
where p.pronamespace::regnamespace::text = any(%s)
"""

# What it says wrongly, with the reason.
NOT_SO = {
    "queue.enqueue_job": "2F005",  # its loop has no exit but return, so there is no end to reach
}


def test_plpgsql_check_finds_nothing(conn: psycopg.Connection[Any]) -> None:
    there = conn.execute("select 1 from pg_available_extensions where name = 'plpgsql_check'").fetchone()
    if there is None:
        pytest.skip("this server has no plpgsql_check (Debian: postgresql-NN-plpgsql-check)")
    conn.execute("create extension plpgsql_check with schema public")
    conn.execute("set search_path = public")
    found = [text for (text,) in conn.execute(CHECK, [schema.rooms()]).fetchall()]
    real = {text for text in found if not (code := NOT_SO.get(text.split("(", 1)[0])) or code not in text}
    assert sorted(real) == []
