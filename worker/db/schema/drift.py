"""What was changed by hand: fingerprints of our objects, taken after each upgrade and compared later.

`describe` prints every function, view, table, type and sequence of our rooms from the catalogue and
hashes the text; the runner records the hashes in base.schema_objects. Partitions are left out, and so
are those that were detached and wait for their drop: upkeep makes and drops them. The texts are
Postgres' own (pg_get_functiondef and relatives), so after a major upgrade of the server they may
differ without anybody's doing: accept them once with `reelq schema upgrade --accept`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, LiteralString

import psycopg
from psycopg.rows import tuple_row

# A row an object: name, kind, md5 of its definition. Rights are part of it: a grant by hand is drift.
DESCRIBE = """
with room as (
    select oid, nspname from pg_namespace where nspname = any(%(rooms)s)
)
select
    room.nspname || '.' || p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')' as object,
    'function' as kind,
    md5(concat_ws(e'\\n', case when p.prokind in ('f', 'p') then pg_get_functiondef(p.oid) end, p.proacl)) as md5
from pg_proc as p
join room on room.oid = p.pronamespace
union all
select
    room.nspname || '.' || c.relname,
    case c.relkind when 'v' then 'view' when 'm' then 'view' when 'c' then 'type' when 'S' then 'sequence' else 'table' end,
    md5(concat_ws(
        e'\\n',
        c.relkind, c.relrowsecurity, c.relforcerowsecurity, c.reloptions, c.relacl,
        case when c.relkind in ('v', 'm') then pg_get_viewdef(c.oid) end,
        case when c.relkind = 'p' then pg_get_partkeydef(c.oid) end,
        (
            select string_agg(concat_ws(
                ' ', a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity,
                a.attgenerated, a.attacl, pg_get_expr(d.adbin, d.adrelid)
            ), e'\\n' order by a.attnum)
            from pg_attribute as a
            left join pg_attrdef as d on d.adrelid = a.attrelid and d.adnum = a.attnum
            where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        ),
        (
            select string_agg(
                concat_ws(' ', k.conname, pg_get_constraintdef(k.oid), k.convalidated), e'\\n' order by k.conname
            )
            from pg_constraint as k where k.conrelid = c.oid
        ),
        (
            select string_agg(
                concat_ws(' ', pg_get_indexdef(i.indexrelid), i.indisvalid), e'\\n' order by i.indexrelid::regclass::text
            )
            from pg_index as i where i.indrelid = c.oid
        ),
        (
            select string_agg(concat_ws(
                ' ', l.polname, l.polcmd, l.polpermissive, l.polroles::regrole[], pg_get_expr(l.polqual, l.polrelid),
                pg_get_expr(l.polwithcheck, l.polrelid)
            ), e'\\n' order by l.polname)
            from pg_policy as l where l.polrelid = c.oid
        ),
        (
            select string_agg(pg_get_triggerdef(t.oid) || t.tgenabled::text, e'\\n' order by t.tgname)
            from pg_trigger as t where t.tgrelid = c.oid and not t.tgisinternal
        )
    ))
from pg_class as c
join room on room.oid = c.relnamespace
where c.relkind in ('r', 'p', 'v', 'm', 'c', 'S') and not c.relispartition
union all
select
    room.nspname || '.' || t.typname,
    'type',
    md5(concat_ws(
        e'\\n', t.typtype, t.typnotnull, t.typdefault, format_type(t.typbasetype, t.typtypmod),
        (select string_agg(e.enumlabel, e'\\n' order by e.enumsortorder) from pg_enum as e where e.enumtypid = t.oid),
        (
            select string_agg(pg_get_constraintdef(k.oid), e'\\n' order by k.conname)
            from pg_constraint as k where k.contypid = t.oid
        )
    ))
from pg_type as t
join room on room.oid = t.typnamespace
where t.typtype in ('d', 'e')
order by 1
"""

HAS_RETIRED = "select from pg_class where oid = to_regclass('ops.retired_partitions')"
RETIRED = "select partition from ops.retired_partitions"


def rows(conn: psycopg.Connection[Any], query: LiteralString, params: Any = None) -> list[tuple[Any, ...]]:
    """The rows of a query as tuples, whatever rows the caller's connection makes."""
    return conn.cursor(row_factory=tuple_row).execute(query, params).fetchall()


Objects = dict[str, tuple[str, str]]  # name -> kind, md5


def describe(conn: psycopg.Connection[Any], rooms: Sequence[str]) -> Objects:
    """Every object of our rooms as it stands now; needs an empty search_path for stable texts."""
    with conn.transaction():
        conn.execute("set local search_path = ''")
        waiting = {name for (name,) in rows(conn, RETIRED)} if rows(conn, HAS_RETIRED) else set()
        found = rows(conn, DESCRIBE, {"rooms": list(rooms)})
        return {name: (kind, md5) for name, kind, md5 in found if name not in waiting}


def recorded(conn: psycopg.Connection[Any]) -> Objects:
    """The fingerprints of the last install or upgrade."""
    found = rows(conn, "select object, kind, md5 from base.schema_objects")
    return {name: (kind, md5) for name, kind, md5 in found}


def changes(known: Objects, now: Objects) -> dict[str, str]:
    """Object → `added`, `removed` or `changed`, by name."""
    found = dict.fromkeys(now.keys() - known.keys(), "added")
    found |= dict.fromkeys(known.keys() - now.keys(), "removed")
    found |= {name: "changed" for name in known.keys() & now.keys() if known[name] != now[name]}
    return dict(sorted(found.items()))


def record(conn: psycopg.Connection[Any], now: Objects, keep: Objects, skip: set[str]) -> None:
    """Write the fingerprints; those in `keep` stay as they were recorded, those in `skip` stay unrecorded.

    That way a change by hand is told by every diff until somebody accepts it or puts it right.
    """
    wanted = {name: value for name, value in now.items() if name not in skip} | keep
    with conn.transaction():
        conn.execute("delete from base.schema_objects where object <> all(%s)", [list(wanted)])
        conn.cursor().executemany(
            """
            insert into base.schema_objects as old (object, kind, md5) values (%s, %s, %s)
            on conflict (object) do update
            set kind = excluded.kind, md5 = excluded.md5, recorded_at = clock_timestamp()
            where old.md5 <> excluded.md5
            """,
            [(name, kind, md5) for name, (kind, md5) in wanted.items()],
        )
