"""What a role may put in the way of our functions, and every way in which it reaches them.

    Intruder   a session of a role, with hostile temporary objects, settings and casts; hears when any of it is run by another role
    walk       every function, relation and kind of write that the role may reach
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
from psycopg import sql

from reelq.worker.db import schema
from tests.sql.mediakit import Conn

# Run by anybody but the role itself, this is an intrusion: it could as well say `alter role … superuser`.
EVIL = """
create function pg_temp.evil() returns pg_catalog.bool language plpgsql as $$
begin
    if current_user <> {role} then
        raise warning 'intruder: run by %', current_user;
    end if;
    return true;
end $$;
create function pg_temp.evil(pg_catalog.text) returns pg_catalog.text language plpgsql as $$ begin perform pg_temp.evil(); return $1; end $$;
"""
# Every type of Postgres' own that a name without a schema could mean, as a domain whose check runs code.
TYPES = """
select format('create domain pg_temp.%I as pg_catalog.%I check (pg_temp.evil())', typname, typname) from pg_catalog.pg_type
where typnamespace = 'pg_catalog'::regnamespace and typtype = 'b' and typelem = 0 and typname !~ '^_' and typname not in ('pg_node_tree')
"""
# Every relation of Postgres' own and of ours that a name without a schema could mean, as a view that runs code.
RELATIONS = """
select distinct on (relname) format('create temp view %%I as select * from %%s where pg_temp.evil()', relname, oid::regclass)
from pg_catalog.pg_class
where relnamespace = 'pg_catalog'::regnamespace and relkind in ('r', 'v') and has_table_privilege(oid, 'select')
union all
select distinct on (relname) format('create temp view %%I as select where pg_temp.evil()', relname)
from pg_catalog.pg_class as c
where relnamespace::regnamespace::text = any(%(rooms)s) and relkind in ('r', 'p', 'v') and not relispartition
"""
# Names that our statements give to their own parts.
PARTS = ["new_jobs", "old_jobs", "old_rows", "due", "head", "gone", "taken", "started", "new", "free", "kinds", "places", "found"]
# Functions and operators that a search_path of the caller's would prefer to Postgres' own.
BETTER = """
create schema {room};
create function {room}.lower(pg_catalog.text) returns pg_catalog.text language sql as 'select pg_temp.evil($1)';
create function {room}.format(pg_catalog.text, pg_catalog.text) returns pg_catalog.text language sql as 'select pg_temp.evil($1)';
create function {room}.quote_literal(pg_catalog.text) returns pg_catalog.text language sql as 'select pg_temp.evil($1)';
create function {room}.same(pg_catalog.uuid, pg_catalog.uuid) returns pg_catalog.bool language sql as 'select pg_temp.evil()';
create function {room}.same(pg_catalog.text, pg_catalog.text) returns pg_catalog.bool language sql as 'select pg_temp.evil()';
create operator {room}.= (leftarg = pg_catalog.uuid, rightarg = pg_catalog.uuid, function = {room}.same);
create operator {room}.= (leftarg = pg_catalog.text, rightarg = pg_catalog.text, function = {room}.same);
create operator {room}.<> (leftarg = pg_catalog.text, rightarg = pg_catalog.text, function = {room}.same);
create type {room}.odd as (id pg_catalog.text);
create function {room}.as_text({room}.odd) returns pg_catalog.text language sql as 'select pg_temp.evil($1.id)';
create function {room}.as_uuid({room}.odd) returns pg_catalog.uuid language sql as 'select pg_temp.evil($1.id)::pg_catalog.uuid';
create cast ({room}.odd as pg_catalog.text) with function {room}.as_text({room}.odd) as implicit;
create cast ({room}.odd as pg_catalog.uuid) with function {room}.as_uuid({room}.odd) as implicit;
"""
SETTINGS = [
    {},
    {"search_path": ""},
    {"search_path": "pg_temp, hostile, pg_catalog"},
    {"search_path": "hostile, pg_catalog", "standard_conforming_strings": "off", "backslash_quote": "on"},
    {"row_security": "off", "datestyle": "SQL, DMY", "intervalstyle": "sql_standard", "timezone": "<+23>-23"},
    {"transform_null_equals": "on", "array_nulls": "off", "bytea_output": "escape", "plan_cache_mode": "force_custom_plan"},
]


class Intruder:
    """A session of a role with everything in the way that it may put there."""

    def __init__(self, connect: Callable[..., Conn], role: str, tenant: Any) -> None:
        self.role = role
        self.heard: list[str] = []
        self.conn = connect()
        self.conn.add_notice_handler(self._hear)
        rooms = {"rooms": schema.rooms()}
        made = [text for (text,) in self.conn.execute(TYPES)] + [text for (text,) in self.conn.execute(RELATIONS, rooms)]
        made += [f"create temp view {part} as select where pg_temp.evil()" for part in PARTS]
        self.conn.execute("select set_config('reelq.tenant_id', %s, false)", [str(tenant) if tenant else ""])
        self.conn.execute(sql.SQL("set role {}").format(sql.Identifier(role)))
        self.conn.execute(EVIL.replace("{role}", f"'{role}'").encode())
        self.conn.execute(BETTER.replace("{room}", "hostile").encode())
        self.refused = [text for text in made if not self._may(text)]

    def _hear(self, told: Any) -> None:
        if "intruder" in (told.message_primary or ""):
            self.heard.append(f"{told.message_primary}\n{told.context}")

    def _may(self, text: str) -> bool:
        """Make an object; False when it exists already, or may not be."""
        try:
            self.conn.execute(text.encode())
        except psycopg.Error:
            return False
        return True

    def tries(self, text: str, *args: Any) -> str | None:
        """Run a statement and take it back; the code of its error."""
        code = None
        try:
            with self.conn.transaction(force_rollback=True):
                self.conn.execute(text.encode(), args)
        except psycopg.Error as error:
            code = error.sqlstate
        return code


def walk(intruder: Intruder, admin: Conn, known: dict[str, Any]) -> Iterator[tuple[str, str | None]]:
    """All that the role may call, read and write; yields what was done and the code of its error (None: it went well).

    `admin` is another session: in the intruder's own even the catalogue is not what it seems.
    """
    for name, arguments in _functions(admin, intruder.role):
        for call in _calls(name, arguments, known):
            yield call, intruder.tries(call)
    for name, columns in admin.execute(READABLE, {"rooms": schema.rooms(), "role": intruder.role}).fetchall():
        yield name, intruder.tries(f"select {columns} from {name}")
    given = [
        {"job_type": "no_op"}, {"job_type": "no_op", "video_id": known["p_video_id"]}, {"job_type": "no_op", "asset_id": known["p_asset_id"]},
        {"job_type": "no_op", "tenant_id": known["tenant_id"], "idempotency_key": "k", "limits": "{a}", "depends_on": f"{{{known['p_job_id']}}}"},
    ]  # fmt: skip
    for row in given:
        values = ", ".join(f"'{value}'" for value in row.values())
        text = f"insert into queue.processing_jobs ({', '.join(row)}) values ({values}) returning id"
        yield text, intruder.tries(text)


READABLE = """
select c.oid::regclass::text, string_agg(quote_ident(a.attname), ', ' order by a.attnum)
from pg_class as c inner join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
where
    c.relnamespace::regnamespace::text = any(%(rooms)s) and c.relkind in ('r', 'p', 'v') and not c.relispartition
    and has_column_privilege(%(role)s, c.oid, a.attnum, 'select')
group by c.oid order by 1
"""
CALLABLE = """
select
    p.oid::regproc::text,
    array(select quote_ident(n) from unnest(p.proargnames[:p.pronargs]) with ordinality as w (n, place) order by place),
    array(
        select s.nspname || '.' || quote_ident(t.typname)
        from unnest(p.proargtypes::oid[]) with ordinality as w (id, place)
        inner join pg_type as t on t.oid = w.id inner join pg_namespace as s on s.oid = t.typnamespace
        order by place
    )
from pg_proc as p
where
    p.pronamespace::regnamespace::text = any(%(rooms)s) and p.prorettype <> 'trigger'::regtype
    and has_function_privilege(%(role)s, p.oid, 'execute')
order by 1
"""


def _functions(admin: Conn, role: str) -> list[tuple[str, list[tuple[str, str]]]]:
    """Each function of ours that the role may call, with names and types of its arguments."""
    found = admin.execute(CALLABLE, {"rooms": schema.rooms(), "role": role}).fetchall()
    return [(name, list(zip(names, types, strict=True))) for name, names, types in found]


# What makes a function go as far as it can.
WORDS: dict[str, Any] = {
    "p_job_type": "no_op", "job_type": "no_op", "p_worker_id": "w1", "p_host": "host", "p_limit": 10, "p_token": 1, "p_status": None,
    "p_pid": 1, "p_version": "0", "p_pool": "p", "p_slots": 5, "p_scope": "tenant", "p_reason": "because", "p_priority": 7, "p_key": "type:no_op",
    "p_max": 3, "p_name": "archive_after", "p_value": "2 days", "p_error_class": "transient", "p_code": "oops", "p_message": "It broke.",
    "p_for": "1 minute", "p_window": "5 minutes", "p_since": None, "name": "standard", "source_url": "http://x/a.mp4", "tenant": None,
    "pipeline": "standard", "title": "t", "run": "r", "priority": 7, "p_profile": "poster", "p_source_url": "http://x/b.mp4",
    "p_bucket": "b", "p_size_bytes": 1, "p_sha256": "0" * 64, "p_mime": "video/mp4", "limits": "{own}", "depends_on": None, "options": "{}",
    "on_parent_failure": None, "idempotency_key": "key", "max_attempts": 2, "scheduled_for": None, "channel_id": None, "original_filename": "a",
    "p_types": None, "p_capabilities": "{}", "p_process_key": None, "p_lanes": None, "p_fair_keys": None, "p_seqs": None,
}  # fmt: skip
DOCUMENTS: dict[str, list[Any]] = {
    "p_specs": [[{"job_type": "no_op", "ref": "a"}, {"job_type": "no_op", "depends_on": ["a"], "idempotency_key": "z", "limits": ["own"]}]],
    "p_variant": [{"profile": "hls", "bucket": "b", "key": "k"}], "p_measured": [{"width": 2, "height": 2}],
}  # fmt: skip


def _calls(name: str, arguments: list[tuple[str, str]], known: dict[str, Any]) -> Iterator[str]:
    """A function called as it is meant to be, with nothing but nulls, and with arguments that a cast of the caller's makes."""
    for how in ("meant", "null", "cast"):
        texts = []
        for argument, kind in arguments:
            value = json.dumps(DOCUMENTS.get(argument, [{}])[0]) if kind == "pg_catalog.jsonb" else known.get(argument, WORDS.get(argument))
            value = "true" if kind == "pg_catalog.bool" else value
            if how == "null" or value is None:
                texts.append(f"null::{kind}")
            elif how == "cast" and kind in ("pg_catalog.uuid", "pg_catalog.text"):
                texts.append(f"row('{value}')::hostile.odd")
            else:
                quoted = str(value).replace("'", "''")
                texts.append(f"'{quoted}'::{kind}")
        yield f"select * from {name}({', '.join(texts)})"
