"""What stands in our rooms and is made by no file: second signatures of our functions, and what is an operator's own.

    find   a row a thing: its name, kind, what it is, and what to do
    drop   signatures that an earlier text of a file made; two of one name make a call "not unique"

A function is its file's when it is the one that the file comments on. Of all else the name tells, since a file says `create`
before it. Partitions, what was detached and waits for its drop, and what belongs to a column are upkeep's and Postgres' own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from reelq.worker.db.schema import drift
from reelq.worker.db.schema.files import ROOT, File, files, migrations, rooms

SECOND = "second signature"  # beside the one that the file of that name makes
NOBODYS = "of nobody's file"  # an operator's own: no fault
STATES = (SECOND, NOBODYS)

# The name is that of base.schema_objects (drift.py); `own` what a file would call it; `typed` tells overloads apart.
STANDING = """
select
    space.nspname || '.' || p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')' as object,
    case p.prokind when 'p' then 'procedure' when 'a' then 'aggregate' else 'function' end as kind,
    space.nspname || '.' || p.proname as own,
    format('%%I.%%I(%%s)', space.nspname, p.proname, (
        select coalesce(string_agg(a.type::regtype::text, ', ' order by a.n), '') from unnest(p.proargtypes) with ordinality as a (type, n)
    )) as typed
from pg_proc as p
inner join pg_namespace as space on space.oid = p.pronamespace
where
    space.nspname = any(%(rooms)s)
    and not exists (select from pg_depend where objid = p.oid and classid = 'pg_proc'::regclass and deptype in ('i', 'e'))
union all
select
    space.nspname || '.' || c.relname,
    case c.relkind when 'v' then 'view' when 'm' then 'view' when 'S' then 'sequence' else 'table' end,
    space.nspname || '.' || c.relname,
    null
from pg_class as c
inner join pg_namespace as space on space.oid = c.relnamespace
where
    space.nspname = any(%(rooms)s)
    and c.relkind in ('r', 'p', 'v', 'm', 'S', 'f')
    and not c.relispartition
    and not exists (
        select from pg_depend
        where objid = c.oid and classid = 'pg_class'::regclass and (deptype = 'e' or (c.relkind = 'S' and deptype in ('a', 'i')))
    )
union all
select space.nspname || '.' || t.typname, 'type', space.nspname || '.' || t.typname, null
from pg_type as t
inner join pg_namespace as space on space.oid = t.typnamespace
where
    space.nspname = any(%(rooms)s)
    and (t.typtype in ('d', 'e', 'r') or exists (select from pg_class where oid = t.typrelid and relkind = 'c'))
    and not exists (select from pg_depend where objid = t.oid and classid = 'pg_type'::regclass and deptype = 'e')
union all
select space.nspname || '.' || c.relname || ' ' || t.tgname, 'trigger', t.tgname, null
from pg_trigger as t
inner join pg_class as c on c.oid = t.tgrelid
inner join pg_namespace as space on space.oid = c.relnamespace
where space.nspname = any(%(rooms)s) and not t.tgisinternal and t.tgparentid = 0 and not c.relispartition
order by 1
"""
TWICE = """
select space.nspname || '.' || p.proname from pg_proc as p
inner join pg_namespace as space on space.oid = p.pronamespace
where space.nspname = any(%(rooms)s)
group by 1 having count(*) > 1
"""
CREATES = re.compile(
    r"\bcreate\s+(?:or\s+replace\s+)?(?:(?:unlogged|materialized|recursive|constraint|foreign)\s+)*"
    r"(?:table|view|type|domain|sequence|trigger|function|procedure|aggregate)\s+(?:if\s+not\s+exists\s+)?([\w.\"]+)",
    re.IGNORECASE,
)
# What the roles beside the owner and everybody may do with the old signature, as grants on the new one.
RIGHTS = """
select format(
    'grant execute on routine %%s to %%s%%s',
    to_regprocedure(%(new)s), given.grantee::regrole, case when given.is_grantable then ' with grant option' end
)
from pg_proc as old
cross join lateral aclexplode(old.proacl) as given
where old.oid = to_regprocedure(%(old)s) and given.grantee not in (0, old.proowner)
"""
COMMENTED = re.compile(r"^comment on (?:function|procedure|aggregate) ([\w.]+\s*\([^()]*\))", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Stray:
    """Something that no file makes; `remedy` is a statement, or None when it may well stay."""

    object: str
    kind: str
    state: str
    remedy: str | None


def find(conn: psycopg.Connection[Any], root: Path = ROOT, vanished: Collection[str] = ()) -> list[Stray]:
    """What no file makes; without the names in `vanished`, whose files are told as gone."""
    code = files(root)
    made = _created(code + migrations(root), root) | set(vanished)
    found = []
    with conn.transaction():
        conn.execute("select set_config('search_path', '', true)")
        waiting = {name for (name,) in drift.rows(conn, drift.RETIRED)} if drift.rows(conn, drift.HAS_RETIRED) else set()
        standing = drift.rows(conn, STANDING, {"rooms": rooms(root)})
        older = {typed for file in code if file.kind == "function" for typed in _older(conn, file, standing)}
    for name, kind, called, typed in standing:
        if typed in older:
            found.append(Stray(name, kind, SECOND, f"drop {kind} {typed};"))
        elif called not in made and name not in waiting:
            found.append(Stray(name, kind, NOBODYS, None))
    return found


def signatures(conn: psycopg.Connection[Any], among: Sequence[str]) -> set[str]:
    """The functions of these rooms, with their types."""
    return {typed for _, _, _, typed in drift.rows(conn, STANDING, {"rooms": list(among)}) if typed is not None}


def drop(conn: psycopg.Connection[Any], code: Sequence[File], warn: Callable[[str], None]) -> None:
    """Drop the other signatures of functions that earlier texts of these files made; the new ones get their rights.

    The grants run last: until then whoever called the old one could not call the new one.

    What the fingerprints do not know was made by hand, and what others depend on they would lose: both are told to `warn` and stay.
    """
    twice = {name for (name,) in drift.rows(conn, TWICE, {"rooms": sorted({file.room for file in code if file.kind == "function"})})}
    code = [file for file in code if file.kind == "function" and called(file) in twice]
    if not code:
        return
    standing = drift.rows(conn, STANDING, {"rooms": sorted({file.room for file in code})})
    by_typed = {typed: (name, kind) for name, kind, _, typed in standing if typed is not None}
    known = drift.recorded(conn)
    for file in code:
        for typed in sorted(_older(conn, file, standing)):
            name, kind = by_typed[typed]
            if name not in known:
                warn(f"{typed} is none that sql/{file.place} makes or made, and stays: drop {kind} {typed};")
                continue
            _hand_on(conn, file, typed)
            try:
                with conn.transaction():
                    conn.execute(f"drop {kind} {typed}".encode())
                    conn.execute("delete from base.schema_objects where object = %s", [name])
            except psycopg.errors.DependentObjectsStillExist as error:
                told = (error.diag.message_detail or "others depend on it").split("\n", 1)[0]
                warn(f"{typed} is an earlier signature of sql/{file.place} and stays: {told}")


def _hand_on(conn: psycopg.Connection[Any], file: File, typed: str) -> None:
    """Give the function that a file comments on the rights of its earlier signature."""
    said = COMMENTED.search(file.text)
    for (grant,) in drift.rows(conn, RIGHTS, {"new": said and said[1], "old": typed}):
        conn.execute(grant.encode())


def called(file: File) -> str:
    """room.name of the function or view of a file."""
    return file.path.split("/", 1)[1].removesuffix(".sql").replace("/", ".")


def _older(conn: psycopg.Connection[Any], file: File, standing: Sequence[tuple[Any, ...]]) -> set[str]:
    """The other signatures of a function that its file comments on; none when that one does not stand."""
    typed = {typed for _, _, own, typed in standing if typed is not None and own == called(file)}
    said = COMMENTED.search(file.text)
    if len(typed) < 2 or said is None:
        return set()
    try:
        with conn.transaction():
            same = "select one, to_regprocedure(one) = to_regprocedure(%s) from unnest(%s::text[]) as one"
            found = drift.rows(conn, same, [said[1], sorted(typed)])
    except psycopg.errors.UndefinedObject:  # a type that a pending file makes
        return set()
    return {one for one, is_its in found if is_its is False}


def _created(code: Sequence[File], root: Path) -> set[str]:
    """Every name that a file creates."""
    texts = [file.text for file in code] + [(root / "ledger.sql").read_text(encoding="utf-8")]
    return {name.replace('"', "") for text in texts for name in CREATES.findall(text)}
