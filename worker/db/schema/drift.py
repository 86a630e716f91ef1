"""What was changed by hand: fingerprints of our objects, taken after each upgrade and compared later.

`describe` prints every function, view, table, type and sequence of our rooms from the catalogue and
hashes the text; the runner records the hashes in base.schema_objects. Partitions are left out, and so
are those that were detached and wait for their drop: upkeep makes and drops them. The texts are
Postgres' own (pg_get_functiondef and relatives), printed under the same parameters everywhere. What a dump, a restore by another
owner or another major of the server writes otherwise is left out or brought to one form: who granted, in which order, the
qualifiers of a view's columns, constraints that only say not null. `reelq schema upgrade --accept` takes what still differs.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Any

import psycopg
from psycopg.rows import tuple_row

# What the texts of the catalogue depend on.
PARAMETERS = {
    "search_path": "", "timezone": "UTC", "datestyle": "iso", "intervalstyle": "postgres", "extra_float_digits": "1", "bytea_output": "hex",
    "quote_all_identifiers": "off", "standard_conforming_strings": "on",
}  # fmt: skip
# The form of the fingerprints: one of another form tells nothing of a change. To be raised with any change of DESCRIBE.
FORM = "2:"

# Who may do what, by name: the owner as such, and nobody who granted it. MAINTAIN came with Postgres 17.
RIGHTS = """(
            select string_agg(concat_ws(' ', own.grantee, own.privilege_type, own.is_grantable), ', ' order by own.grantee, own.privilege_type)
            from (
                select
                    case given.grantee when {owner} then '' when 0 then 'public' else given.grantee::regrole::text end collate "C" as grantee,
                    given.privilege_type collate "C" as privilege_type, given.is_grantable
                from aclexplode({acl}) as given
                where given.privilege_type <> 'MAINTAIN'
            ) as own
        )"""

# A row an object: name, kind, md5 of its definition. Rights are part of it: a grant by hand is drift.
DESCRIBE = """
with room as (
    select oid, nspname, nspowner from pg_namespace where nspname = any(%(rooms)s)
)
select
    room.nspname || '.' || p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')' as object,
    'function' as kind,
    '2:' || md5(concat_ws(
        e'\\n', case when p.prokind in ('f', 'p') then pg_get_functiondef(p.oid) end, room.nspowner <> p.proowner, FUNCTION_RIGHTS
    )) as md5
from pg_proc as p
join room on room.oid = p.pronamespace
union all
select
    room.nspname || '.' || c.relname,
    case c.relkind when 'v' then 'view' when 'm' then 'view' when 'c' then 'type' when 'S' then 'sequence' else 'table' end,
    '2:' || md5(concat_ws(
        e'\\n',
        c.relkind, c.relrowsecurity, c.relforcerowsecurity, c.reloptions, RELATION_RIGHTS,
        case when c.relkind in ('v', 'm') then regexp_replace(pg_get_viewdef(c.oid), '[a-z0-9_]+[.]|[[:space:]()]', '', 'g') end,
        case when c.relkind = 'p' then pg_get_partkeydef(c.oid) end,
        (
            select string_agg(concat_ws(
                ' ', a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity,
                a.attgenerated, COLUMN_RIGHTS, pg_get_expr(d.adbin, d.adrelid)
            ), e'\\n' order by a.attnum)
            from pg_attribute as a
            left join pg_attrdef as d on d.adrelid = a.attrelid and d.adnum = a.attnum
            where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        ),
        (
            select string_agg(
                concat_ws(' ', k.conname, pg_get_constraintdef(k.oid), k.convalidated), e'\\n' order by k.conname
            )
            from pg_constraint as k where k.conrelid = c.oid and k.contype <> 'n'
        ),
        (
            select string_agg(
                concat_ws(' ', pg_get_indexdef(i.indexrelid), i.indisvalid), e'\\n' order by i.indexrelid::regclass::text
            )
            from pg_index as i where i.indrelid = c.oid
        ),
        (
            select string_agg(concat_ws(
                ' ', l.polname, l.polcmd, l.polpermissive,
                (select array_agg(r::regrole::text order by r::regrole::text) from unnest(l.polroles) as r),
                pg_get_expr(l.polqual, l.polrelid),
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
    '2:' || md5(concat_ws(
        e'\\n', t.typtype, t.typnotnull, t.typdefault, format_type(t.typbasetype, t.typtypmod),
        (select string_agg(e.enumlabel, e'\\n' order by e.enumsortorder) from pg_enum as e where e.enumtypid = t.oid),
        (
            select string_agg(pg_get_constraintdef(k.oid), e'\\n' order by k.conname)
            from pg_constraint as k where k.contypid = t.oid and k.contype <> 'n'
        )
    ))
from pg_type as t
join room on room.oid = t.typnamespace
where t.typtype in ('d', 'e')
order by 1
"""
DESCRIBE = (
    DESCRIBE.replace("FUNCTION_RIGHTS", RIGHTS.format(owner="p.proowner", acl="coalesce(p.proacl, acldefault('f', p.proowner))"))
    .replace("RELATION_RIGHTS", RIGHTS.format(
        owner="c.relowner", acl="coalesce(c.relacl, acldefault(case c.relkind when 'S' then 's' else 'r' end::\"char\", c.relowner))"
    ))
    .replace("COLUMN_RIGHTS", RIGHTS.format(owner="c.relowner", acl="a.attacl"))
)  # fmt: skip

NAMED = "select * from (DESCRIBE) as own where split_part(own.object, '(', 1) = any(%(names)s) or own.kind = 'sequence'".replace("DESCRIBE", DESCRIBE)
# A function alone: an upgrade replaces hundreds.
FUNCTION = DESCRIBE.split("union all", 1)[0] + "where room.nspname || '.' || p.proname = any(%(names)s)"

HAS_RETIRED = "select from pg_class where oid = to_regclass('ops.retired_partitions')"
RETIRED = "select partition from ops.retired_partitions"


def rows(conn: psycopg.Connection[Any], query: Any, params: Any = None) -> list[tuple[Any, ...]]:
    """The rows of a query as tuples, whatever rows the caller's connection makes."""
    return conn.cursor(row_factory=tuple_row).execute(query, params).fetchall()


Objects = dict[str, tuple[str, str]]  # name -> kind, md5


def describe(conn: psycopg.Connection[Any], rooms: Sequence[str]) -> Objects:
    """Every object of our rooms as it stands now."""
    with conn.transaction():
        for name, value in PARAMETERS.items():
            conn.execute("select set_config(%s, %s, true)", [name, value])
        waiting = {name for (name,) in rows(conn, RETIRED)} if rows(conn, HAS_RETIRED) else set()
        found = rows(conn, DESCRIBE, {"rooms": list(rooms)})
        return {name: (kind, md5) for name, kind, md5 in found if name not in waiting}


class Follower:
    """Records what each file of an upgrade makes of our objects, in the file's transaction.

    An upgrade that stops half way would else leave its own work to be told as somebody's. A file is taken to change nothing whose
    name it does not say, but for sequences, which a column makes: to print all objects takes a while, in which a migration would hold
    its locks. The grants change them all.
    """

    def __init__(self, conn: psycopg.Connection[Any], rooms: Sequence[str], before: Objects) -> None:
        self.conn, self.rooms, self.before = conn, rooms, before
        self.said = re.compile(rf"\b({'|'.join(map(re.escape, rooms))})\.(\w+)")

    def named(self, text: str) -> set[str]:
        """What a text says of our rooms."""
        return {f"{room}.{own}" for room, own in self.said.findall(text)}

    def record(self, names: Collection[str] | None, function: bool = False) -> Objects:
        """Record what differs from before among these names (of a function alone), or all; what to give to `advance` when that is committed."""
        if names is None:
            now, old = describe(self.conn, self.rooms), self.before
        else:
            found = rows(self.conn, FUNCTION if function else NAMED, {"rooms": list(self.rooms), "names": sorted(names)})
            now = {name: (kind, md5) for name, kind, md5 in found}
            kinds = {"function"} if function else {kind for kind, _ in self.before.values()}
            old = {n: one for n, one in self.before.items() if one[0] in kinds and (n.split("(", 1)[0] in names or one[0] == "sequence")}
        gone = old.keys() - now.keys()
        new = {name: value for name, value in now.items() if old.get(name) != value}
        if gone:
            self.conn.execute("delete from base.schema_objects where object = any(%s)", [list(gone)])
        _write(self.conn, new)
        return {name: value for name, value in self.before.items() if name not in gone} | new

    def advance(self, now: Objects) -> None:
        """A file is committed: what the next one is compared with."""
        self.before = now


def recorded(conn: psycopg.Connection[Any]) -> Objects:
    """The fingerprints of the last install or upgrade."""
    found = rows(conn, "select object, kind, md5 from base.schema_objects")
    return {name: (kind, md5) for name, kind, md5 in found}


def changes(known: Objects, now: Objects) -> dict[str, str]:
    """Object → `added`, `removed` or `changed`, by name."""
    found = dict.fromkeys(now.keys() - known.keys(), "added")
    found |= dict.fromkeys(known.keys() - now.keys(), "removed")
    both = {name for name in known.keys() & now.keys() if known[name][1].startswith(FORM)}
    found |= {name: "changed" for name in both if known[name] != now[name]}
    return dict(sorted(found.items()))


def record(conn: psycopg.Connection[Any], now: Objects, keep: Objects, skip: set[str]) -> None:
    """Write the fingerprints; those in `keep` stay as they were recorded, those in `skip` stay unrecorded.

    That way a change by hand is told by every diff until somebody accepts it or puts it right.
    """
    wanted = {name: value for name, value in now.items() if name not in skip} | keep
    with conn.transaction():
        conn.execute("delete from base.schema_objects where object <> all(%s)", [list(wanted)])
        _write(conn, wanted)


def _write(conn: psycopg.Connection[Any], wanted: Objects) -> None:
    """Write fingerprints, those that differ."""
    if not wanted:
        return
    conn.cursor().executemany(
        """
        insert into base.schema_objects as old (object, kind, md5) values (%s, %s, %s)
        on conflict (object) do update
        set kind = excluded.kind, md5 = excluded.md5, recorded_at = clock_timestamp()
        where old.md5 <> excluded.md5
        """,
        [(name, kind, md5) for name, (kind, md5) in wanted.items()],
    )
