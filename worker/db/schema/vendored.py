"""The tables of procrastinate, the clock of `reelq periodic run`: its own text, in a schema of their own that is none of our rooms.

Its package ships the whole schema, for an empty database, and migrations by number. The comment on the schema says which one was the last,
so that the next version of the package brings what is newer. Every function is given a search_path: its texts name nothing in full.
Nothing of the package is imported: that is worker/periodic.py's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from reelq.worker.db.schema import drift
from reelq.worker.db.schema.files import SchemaError

PACKAGE = "procrastinate"
SPACE = "reelq_periodic"
PLACE = f"{SPACE}: {PACKAGE}"  # how status() calls it
MADE = re.compile(rf"^{PACKAGE} \S+, schema (?P<last>\S+)\. ")
COMMENT = "{package} {version}, schema {last}. The clock of reelq periodic run: made, upgraded and pruned by reelq, and used by nothing else."
STANDING = "select pg_get_userbyid(nspowner), coalesce(obj_description(oid, 'pg_namespace'), '') from pg_namespace where nspname = %(space)s"
# Its functions name nothing in full: each gets a search_path; and nobody but the owner may call, read or use anything.
PIN = """
do $pin$
declare
    v_name text;
begin
    for v_name in
        select p.oid::regprocedure::text from pg_catalog.pg_proc as p where p.pronamespace = pg_catalog.to_regnamespace('reelq_periodic')
    loop
        execute format('alter function %s set search_path = reelq_periodic, pg_catalog, pg_temp', v_name);
        execute format('revoke all on function %s from public', v_name);
    end loop;
    -- What default privileges of a shared database gave away.
    revoke all on all tables in schema reelq_periodic from public;
    revoke all on all sequences in schema reelq_periodic from public;
end;
$pin$;
"""
MAY_MAKE = "select where has_database_privilege(current_database(), 'create')"


def is_wanted(rooms: Sequence[str]) -> bool:
    """Whether these rooms have an upkeep that it is the clock of."""
    return "ops" in rooms


def folder() -> Path:
    """Where the package keeps its SQL."""
    return Path(str(metadata.distribution(PACKAGE).locate_file(f"{PACKAGE}/sql")))


def moves() -> list[Path]:
    """The migrations of the package, by number."""
    return sorted((folder() / "migrations").glob("*.sql"))


def number(path: Path) -> str:
    """Of a migration: 03.04.00_50."""
    return path.name[:11]


def latest() -> str:
    """The number of the package's last migration: that of its whole schema too."""
    return number(moves()[-1])


def standing(conn: psycopg.Connection[Any]) -> str | None:
    """The number of the last migration that stands in the database; None: there is no such schema.

    Raises:
        SchemaError: somebody else made a schema of that name.
    """
    for owner, comment in drift.rows(conn, STANDING, {"space": SPACE}):
        found = MADE.match(comment)
        if found is None:
            told = f"the schema {SPACE} of this database belongs to {owner} and was not made by reelq"
            raise SchemaError(told, f"Rename it: alter schema {SPACE} rename to …; without it there is no reelq periodic run.")
        return found["last"]
    return None


def state(conn: psycopg.Connection[Any]) -> str:
    """applied, pending (not made yet, or migrations are missing) or newer (another version of the package made it)."""
    last = standing(conn)
    if last is None or last < latest():
        return "pending"
    return "applied" if last == latest() else "newer"


def apply(conn: psycopg.Connection[Any], warn: Callable[[str], None]) -> bool:
    """Make it, or bring it to this version of the package; whether there was anything to do.

    An upgrade by an owner who may make no schema goes on without it: the other clocks do.
    """
    last = standing(conn)
    if state(conn) != "pending":
        return False
    if last is None and not drift.rows(conn, MAY_MAKE):
        warn(f"this role may make no schema in this database, so {SPACE} is missing: reelq periodic run needs it, timers and cron do not")
        return False
    if last is None:
        run(conn, folder() / "schema.sql", latest())
    else:
        # Each in a transaction of its own: what one adds to an enum the next may use.
        for path in moves():
            if number(path) > last:
                run(conn, path, number(path))
    return True


def run(conn: psycopg.Connection[Any], path: Path, last: str) -> None:
    """One file of the package; `last` is the migration that stands then."""
    with conn.transaction():
        conn.execute("set local check_function_bodies = off")
        conn.execute(text_of(path, last).encode())


def text_of(path: Path, last: str) -> str:
    """What is run for a file of the package, within a transaction."""
    told = COMMENT.format(package=PACKAGE, version=metadata.version(PACKAGE), last=last)
    return "\n".join(
        (
            f"create schema if not exists {SPACE};",
            f"set local search_path = {SPACE}, pg_catalog;",
            path.read_text(encoding="utf-8"),
            PIN,
            f"comment on schema {SPACE} is {sql.Literal(told).as_string(None)};",
        )
    )


def script() -> str:
    """The whole of it for `reelq schema print`, within its transaction."""
    return f"-- {PLACE}\n{text_of(folder() / 'schema.sql', latest())}\n"
