"""What others made upon a column that a pending migration drops: told before the first file, since the migration could not run."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import psycopg

from reelq.worker.db.schema import drift
from reelq.worker.db.schema.files import ASIDE, File, SchemaError

ALTERED = re.compile(r"\balter\s+table\s+(?:if\s+exists\s+)?(?:only\s+)?([a-z0-9_]+\.[a-z0-9_]+)(.*)", re.IGNORECASE | re.DOTALL)
DROPPED = re.compile(r"\bdrop\s+column\s+(?:if\s+exists\s+)?([a-z0-9_]+)", re.IGNORECASE)
INSTEAD = re.compile(r"^-- instead: (.+)$", re.MULTILINE)  # in the head of a migration: where its columns are now
# A row a thing outside our rooms: a view, a function with its body parsed, a policy.
FOUND = """
select distinct
    wanted.place || '.' || wanted.name,
    coalesce(
        (
            select case c.relkind when 'm' then 'materialized view ' else 'view ' end || format('%%I.%%I', space.nspname, c.relname)
            from pg_rewrite as r
            inner join pg_class as c on c.oid = r.ev_class
            inner join pg_namespace as space on space.oid = c.relnamespace
            where d.classid = 'pg_rewrite'::regclass and r.oid = d.objid
        ),
        pg_describe_object(d.classid, d.objid, d.objsubid)
    )
from unnest(%(places)s::text[], %(names)s::text[]) as wanted (place, name)
inner join pg_attribute as a on a.attrelid = to_regclass(wanted.place) and a.attname = wanted.name and not a.attisdropped
inner join pg_depend as d
    on d.refclassid = 'pg_class'::regclass and d.refobjid = a.attrelid and d.refobjsubid = a.attnum and d.deptype = 'n'
left join pg_rewrite as rule on d.classid = 'pg_rewrite'::regclass and rule.oid = d.objid
left join pg_class as view on view.oid = rule.ev_class
left join pg_proc as p on d.classid = 'pg_proc'::regclass and p.oid = d.objid
where
    d.classid in ('pg_rewrite'::regclass, 'pg_proc'::regclass, 'pg_policy'::regclass)  -- checks and indexes go with it
    and (coalesce(view.relnamespace, p.pronamespace)::regnamespace::text <> all(%(rooms)s::text[])
        or coalesce(view.relnamespace, p.pronamespace) is null)
order by 1, 2
"""


def columns(file: File) -> list[tuple[str, str]]:
    """The columns that a migration drops: table and name."""
    if file.kind != "migration":
        return []
    altered = (ALTERED.search(statement) for statement in ASIDE.sub(" ", file.text).split(";"))
    return [(one[1].lower(), name.lower()) for one in altered if one for name in DROPPED.findall(one[2])]


def refuse(conn: psycopg.Connection[Any], steps: Sequence[File], among: Sequence[str]) -> None:
    """Refuse to begin while something outside our rooms needs a column that goes.

    Raises:
        SchemaError: what it is, and where the column's values are afterwards; nothing has changed.
    """
    for file in steps:
        gone = columns(file)
        if not gone:
            continue
        places, names = zip(*gone, strict=True)
        found = drift.rows(conn, FOUND, {"places": list(places), "names": list(names), "rooms": list(among)})
        if found:
            told = "; ".join(f"{thing} needs {column}" for column, thing in found)
            instead = INSTEAD.search(file.text)
            raise SchemaError(
                f"sql/{file.place} drops columns that others use: {told}",
                f"Nothing was changed. Drop it, upgrade, and make it again on {instead[1] if instead else 'other columns'}.",
            )
