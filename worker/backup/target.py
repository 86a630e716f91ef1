"""The database that a backup is restored into: what it holds, who is in it, and how what is reelq's there makes room."""

from __future__ import annotations

from psycopg import sql

from reelq.worker.backup.manifest import Manifest
from reelq.worker.db import schema
from reelq.worker.db.connection import Connection
from reelq.worker.db.schema import vendored
from reelq.worker.errors import BackupError

# What is in a database besides what each has from the start; of public, which each has, one object.
HELD = """
select
    case n.nspname when 'public' then format('the relation public.%%I', min(c.relname)) else format('the schema %%I', n.nspname) end,
    n.nspname = any(%(ours)s)
from pg_namespace as n
left join pg_class as c on c.relnamespace = n.oid and c.relkind <> 'i'
where n.nspname <> 'information_schema' and n.nspname !~ '^pg_' and (n.nspname <> 'public' or c.oid is not null)
group by n.nspname
order by n.nspname
"""
# What others have made upon what is ours, as a view or a foreign key: DROP … CASCADE would take it along.
UPON_OURS = """
select distinct case user_.type when 'rule' then 'view ' || split_part(user_.identity, ' on ', 2) else user_.type || ' ' || user_.identity end
from pg_depend as d
cross join lateral pg_identify_object(d.refclassid, d.refobjid, 0) as used
cross join lateral pg_identify_object_as_address(d.refclassid, d.refobjid, 0) as used_name
cross join lateral pg_identify_object(d.classid, d.objid, 0) as user_
cross join lateral pg_identify_object_as_address(d.classid, d.objid, 0) as user_name
where
    d.refclassid <> 'pg_namespace'::regclass and d.deptype in ('n', 'a')
    and coalesce(used.schema, used_name.object_names[1]) = any(%(ours)s)
    and coalesce(user_.schema, user_name.object_names[1]) <> all(%(ours)s)
order by 1
"""
SESSIONS = """
select format('pid %%s (%%s)', pid, concat_ws(', ', usename, nullif(application_name, '')))
from pg_stat_activity
where datname = %(name)s and pid <> pg_backend_pid() and usesysid is not null
order by pid
"""
MOST_NAMED = 3


def ours() -> list[str]:
    """The schemas that are reelq's: its rooms, and that of its clock."""
    return [*schema.rooms(), vendored.SPACE]


def check(conn: Connection, manifest: Manifest, replace_ours: bool) -> None:
    """Refuse a database that holds something, or in which somebody is.

    Raises:
        BackupError: "not_empty", "in_use".
        SchemaError: a schema of our clock's name is somebody else's.
    """
    vendored.standing(conn)
    held = conn.execute(HELD, {"ours": ours()}).fetchall()
    mine, others = [name for name, is_ours in held if is_ours], [name for name, is_ours in held if not is_ours]
    if others and manifest.scope == "all":
        raise BackupError(
            "not_empty", f"the database holds {others[0]}, which is not reelq's, and the backup is of a whole database",
            "Restore into an empty database, or a new one: --create.",
        )  # fmt: skip
    # A restore of our rooms alone brings no clock, and leaves one that is there.
    if any(name != f"the schema {vendored.SPACE}" for name in mine) and not replace_ours:
        raise BackupError(
            "not_empty", f"the database holds reelq already ({mine[0]})",
            "Restore into an empty database or a new one (--create); --replace drops what is there.",
        )  # fmt: skip
    if replace_ours and (upon := [name for (name,) in conn.execute(UPON_OURS, {"ours": ours()})]):
        hint = "Drop these first and make them anew afterwards, or restore into a new database: --create."
        raise BackupError("not_empty", f"what is dropped is used by what is not reelq's: {_named(upon)}", hint)
    if sessions := [name for (name,) in conn.execute(SESSIONS, {"name": conn.info.dbname})]:
        hint = "Stop workers and applications first (select * from pg_stat_activity); --create restores into a new one, where nobody can be."
        raise BackupError("in_use", f"others are in the database: {_named(sessions)}", hint)


def drop_ours(conn: Connection) -> None:
    """Drop what is ours, a schema a transaction: each object takes a lock until the end of its own. Once begun, it may be begun again."""
    for room in reversed(ours()):
        conn.execute(sql.SQL("drop schema if exists {} cascade").format(sql.Identifier(room)))


def _named(names: list[str]) -> str:
    """The first of them, and how many more there are."""
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
