"""A database that an application lives in too: what is not ours stays as it was.

    refuse_foreign     a schema of our names that somebody else made stops an install before it begins
    close              new objects are closed to PUBLIC one by one; default privileges are the owner's affair
    set_search_path    the database's search_path: ours behind public, and only where nobody minds
    close_temporary    where nobody else lives nobody but the owner needs temporary objects
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from typing import Any

import psycopg
from psycopg import sql

from reelq.worker.db.schema import drift
from reelq.worker.db.schema.files import File, SchemaError
from reelq.worker.db.schema.foreign import ENCODING, FOREIGN, hint
from reelq.worker.errors import USED_WRONGLY

LEDGER = """
select from pg_attribute as attribute
inner join pg_class as class on class.oid = attribute.attrelid
inner join pg_namespace as space on space.oid = class.relnamespace
where
    space.nspname = 'base'
    and class.relname = 'schema_ledger'
    and attribute.attname in ('path', 'kind', 'sha256', 'applied_at', 'ms')
having count(*) = 5
"""

# What Postgres gives everybody with each new function, and the owner's default privileges with anything else.
OPEN = """
select format('revoke execute on routine %%s from public', own.oid::regprocedure)
from pg_proc as own
where
    own.pronamespace = any(%(spaces)s)
    and pg_has_role(current_user, own.proowner, 'usage')
    and (own.proacl is null or exists (select from aclexplode(own.proacl) as given where given.grantee = 0))
union all
select format('revoke all on %%s %%s from public', case own.relkind when 'S' then 'sequence' else 'table' end, own.oid::regclass)
from pg_class as own
where
    own.relnamespace = any(%(spaces)s)
    and own.relkind in ('r', 'p', 'v', 'm', 'S')
    and pg_has_role(current_user, own.relowner, 'usage')
    and exists (select from aclexplode(own.relacl) as given where given.grantee = 0)
"""

# Whether anybody else lives here: a schema, or an object of public, that is neither ours nor an extension's.
NEIGHBOURS = """
select space.oid from pg_namespace as space
where
    space.nspname <> all(%(rooms)s || array['public', 'information_schema', 'reelq_periodic'])
    and space.nspname !~ '^pg_'
    and not exists (
        select from pg_depend
        where classid = 'pg_namespace'::regclass and objid = space.oid and deptype = 'e'
    )
union all
select own.objid from pg_depend as own
where
    own.refclassid = 'pg_namespace'::regclass
    and own.refobjid = to_regnamespace('public')
    and own.classid in ('pg_class'::regclass, 'pg_proc'::regclass, 'pg_type'::regclass)
    and not exists (
        select from pg_depend as extension
        where extension.classid = own.classid and extension.objid = own.objid and extension.deptype = 'e'
    )
limit 1
"""

# The one of the database itself, else that of the whole cluster; roles' own are stronger and none of our business.
SETTING = """
select setdatabase <> 0, substr(setting, length('search_path=') + 1)
from pg_db_role_setting
cross join lateral unnest(setconfig) as setting
where
    setrole = 0
    and setdatabase in (0, (select oid from pg_database where datname = current_database()))
    and starts_with(setting, 'search_path=')
order by setdatabase desc
limit 1
"""

ROLES = re.compile(r"\barray\s*\[([^\]]*)\]")
MISSING = "select name from unnest(%(roles)s::text[]) with ordinality as listed (name, n) where to_regrole(name) is null order by n"

OWNS_DATABASE = "select pg_has_role(current_user, datdba, 'usage') from pg_database where datname = current_database()"


class SchemaTaken(SchemaError):
    """A schema of our names belongs to somebody else. Nothing was changed."""

    exit_code = USED_WRONGLY


def has_ledger(conn: psycopg.Connection[Any]) -> bool:
    """Whether base.schema_ledger is there, and is the one that we know."""
    return bool(drift.rows(conn, LEDGER))


def refuse_foreign(conn: psycopg.Connection[Any], rooms: Sequence[str], ledger: Collection[str] | None) -> None:
    """Stop before anything has changed if a room's schema exists and the ledger (paths; None: there is none) has no file in it.

    Raises:
        SchemaTaken: it holds something, or another role owns it.
    """
    ours = {"base"} if ledger is not None else set()
    for path in ledger or ():
        kind, _, rest = path.partition("/")
        if kind in ("schema", "functions", "views"):
            ours.add(re.sub(r"^\d+_", "", rest.split("/", 1)[0]))
    for (told,) in drift.rows(conn, FOREIGN, {"rooms": [room for room in rooms if room not in ours]}):
        raise SchemaTaken(told, hint(rooms))


def require_encoding(conn: psycopg.Connection[Any]) -> None:
    """Stop before anything has changed if the database cannot keep every character.

    Raises:
        SchemaError: with how to make one that can.
    """
    for told, hint_ in drift.rows(conn, ENCODING):
        raise SchemaError(told, hint_)


def require_create(conn: psycopg.Connection[Any]) -> None:
    """Stop before anything has changed if the installing role may make no schema here.

    Raises:
        SchemaError: with what to grant.
    """
    may = "select has_database_privilege(current_database(), 'create'), current_user::text, current_database()::text"
    ((allowed, role, database),) = drift.rows(conn, may)
    if not allowed:
        grant = sql.SQL("grant create on database {} to {}").format(sql.Identifier(database), sql.Identifier(role))
        told = f"the role {role} must be allowed to create schemas in the database {database}"
        raise SchemaError(told, f"Nothing was changed. As the owner of the database: {grant.as_string(conn)}")


def require_roles(conn: psycopg.Connection[Any], code: Sequence[File]) -> None:
    """Stop before anything has changed if roles that these files grant to are missing and the caller may not make them.

    base.ensure_roles() would tell them one by one, and of an upgrade with the last file.

    Raises:
        SchemaError: with the statements that make them.
    """
    text = next((file.text for file in code if file.path == "functions/base/ensure_roles.sql"), "")
    listed = ROLES.search(text)
    if listed is None or drift.rows(conn, "select from pg_roles where rolname = current_user and (rolcreaterole or rolsuper)"):
        return
    missing = [name for (name,) in drift.rows(conn, MISSING, {"roles": re.findall(r"'(\w+)'", listed[1])})]
    if missing:
        ((role,),) = drift.rows(conn, "select current_user::text")
        told = f"the role{'s' * (len(missing) > 1)} {' and '.join(missing)} must exist, and {role} may not create {'them' if missing[1:] else 'it'}"
        make = " ".join(f"create role {name} nologin;" for name in missing)
        raise SchemaError(told, f"Nothing was changed. As a superuser: {make}  then again.")


def close(conn: psycopg.Connection[Any], rooms: Sequence[str]) -> None:
    """Take from PUBLIC what it has in our rooms. In the transaction that made a function, nobody can call it meanwhile."""
    spaces = [oid for (oid,) in drift.rows(conn, "select oid from pg_namespace where nspname = any(%s)", [list(rooms)])]
    for (revoke,) in drift.rows(conn, OPEN, {"spaces": spaces}):
        conn.execute(revoke.encode())


def set_search_path(
    conn: psycopg.Connection[Any], wanted: Sequence[str], first: bool, warn: Callable[[str], None]
) -> None:
    """People at psql need no prefixes in a database of our own: its search_path lists all rooms, behind public.

    It is set by the first install alone, where nobody else lives and nobody has set another. Later only one that an
    earlier release set is brought up to date: who took it away had a reason.
    """
    of_database, value = next(iter(drift.rows(conn, SETTING)), (False, None))
    shown = ", ".join(f'"{name}"' if name.startswith("$") else name for name in wanted)
    advice = f"for one role: alter role … set search_path = {shown}"
    if of_database and is_ours(value, wanted):
        if names(value) == list(wanted):
            return
    elif not first:
        return
    elif value is not None:
        warn(f"the search_path of this {'database' if of_database else 'cluster'} is {value} and stays so; {advice}")
        return
    elif drift.rows(conn, NEIGHBOURS, {"rooms": list(wanted)}):
        warn(f"others live in this database too, so its search_path stays as it is; {advice}")
        return
    if drift.rows(conn, OWNS_DATABASE) != [(True,)]:
        warn(f"only the owner of this database may set its search_path, so it stays as it is; {advice}")
        return
    ((database,),) = drift.rows(conn, "select current_database()")
    path = sql.SQL(", ").join(map(sql.Identifier, wanted))
    conn.execute(sql.SQL("alter database {} set search_path = {}").format(sql.Identifier(database), path))


def close_temporary(conn: psycopg.Connection[Any], wanted: Sequence[str]) -> None:
    """Take from PUBLIC the right to make temporary objects, at the first install and where nobody else lives.

    None of our functions looks at any; this is a second lock. Elsewhere an application may need them: ops.health() tells.
    """
    if drift.rows(conn, NEIGHBOURS, {"rooms": list(wanted)}) or drift.rows(conn, OWNS_DATABASE) != [(True,)]:
        return
    ((database,),) = drift.rows(conn, "select current_database()")
    conn.execute(sql.SQL("revoke temporary on database {} from public").format(sql.Identifier(database)))


def names(value: str) -> list[str]:
    """The names of a search_path as Postgres stores it."""
    return [part.strip().strip('"') for part in value.split(",")]


def is_ours(value: str, wanted: Sequence[str]) -> bool:
    """Whether a release of ours set this: the rooms that it had, behind public, or (until 0.1.0) before it."""
    found = names(value)
    had = [name for name in wanted[2:-1] if name in found]
    return found in (["$user", "public", *had, "base"], [*had, "base", "public"])
