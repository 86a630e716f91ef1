"""The database: reachable, its schema the one that this program knows, and what ops.health() has to say."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Any

import psycopg

from reelq.worker import __version__, db
from reelq.worker.db import schema
from reelq.worker.db.rows import Connection, rows, scalar
from reelq.worker.doctor.checks import connection, keys, transport
from reelq.worker.doctor.checks.findings import Finding, database
from reelq.worker.errors import DatabaseAway, QueueError, ReelqError
from reelq.worker.settings import Settings

NAME = "reelq doctor"
MOST_DIFFERENCES = 10


@dataclass(frozen=True, slots=True)
class Health:
    """A row of ops.health()."""

    finding: str
    level: str
    detail: str
    remedy: str | None


@dataclass(frozen=True, slots=True)
class Mended:
    """A row of queue.repair()."""

    job_id: Any
    what: str


def health(conn: Connection, deep: bool) -> list[Health]:
    """What the database knows of the queue's health; `deep` may take its time."""
    with conn.transaction():
        if deep:
            conn.execute("set local statement_timeout = 0")
        return rows(conn, Health, "select * from ops.health(%s)", [deep])


def repair(conn: Connection, limit: int) -> list[Mended]:
    """Mend what is found among the next jobs."""
    return rows(conn, Mended, "select * from queue.repair(%s)", [limit])


def reached(conn: Connection) -> Any:
    """Where the next repair goes on; None: at the start."""
    return scalar(conn, "select place::uuid from queue.upkeep where task = 'repair'")


def repair_all(conn: Connection, limit: int = 1000) -> Iterator[Mended]:
    """Mend what is found anywhere, a window at a time."""
    for _ in range(1 if reached(conn) is None else 2):  # finishing a round that was begun does not look at every job
        yield from repair(conn, limit)
        while reached(conn) is not None:
            yield from repair(conn, limit)


def check(settings: Settings, deep: bool) -> Iterator[Finding]:
    """Everything that needs the database.

    Raises:
        DatabaseAway: after what was found so far.
    """
    try:
        conn = db.connect(settings, NAME)
    except DatabaseAway:
        raise
    except ReelqError as error:
        yield database("bad", "database", str(error), error.hint or "Mend DATABASE_URL.")
        return
    with db.family(), conn:
        yield server(conn)
        yield from connection.check(settings, conn)
        yield from transport.check_database(settings, conn)
        installed = yield from schema_state(conn)
        if installed:
            yield connection.clock(conn)
            yield from queue_health(conn, deep)
            yield from keys.check_rows(settings, conn)


def server(conn: Connection) -> Finding:
    """Where it is, and which."""
    info, major = conn.info, conn.info.server_version // 10_000
    place = f"{info.dbname} at {info.host or 'the local socket'}:{info.port} as {info.user}, PostgreSQL {major}"
    if major < 15:
        return database("bad", "database", f"{place}, but 15 or newer is needed", "Upgrade the server.")
    return database("ok", "database", place)


def schema_state(conn: Connection) -> Generator[Finding, None, bool]:
    """The schema against this program's files; returns whether there is enough of it to go on."""
    try:
        schema.require(conn)
    except schema.SchemaError as error:
        yield database("bad", "schema", str(error), error.hint or "Install this version of reelq anew.")
        return False
    except QueueError as error:
        yield database("bad", "schema", str(error), error.hint)
        return False
    except psycopg.errors.InsufficientPrivilege:
        yield _stranger(conn)
        return False
    try:
        different = schema.diff(conn)
    except schema.SchemaNewer as newer:
        yield database("warn", "schema", f"{newer}; it accepts {__version__} still", "Install the newer reelq on this host too.")
        return True
    except psycopg.errors.InsufficientPrivilege:
        remedy = "Ask as the owner, or with a worker's account."
        yield database("warn", "schema", "This account may not look for changes by hand", remedy)
        return True
    for row in different[:MOST_DIFFERENCES]:
        file = row["object"].startswith("sql/")
        gone = row["state"] == "removed"
        if file:
            detail = f"{row['object']} is {row['state']}: the database and this program are of different versions"
        elif row["state"] == schema.SECOND:
            detail = f"{row['kind']} {row['object']} is a {row['state']}: calls of that name may be ambiguous"
        else:
            detail = f"{row['kind']} {row['object']} was {row['state']} by hand"
        yield database("bad" if gone else "warn", "schema", detail, "reelq schema upgrade; for tables see --accept")
    if len(different) > MOST_DIFFERENCES:
        yield database("warn", "schema", f"and {len(different) - MOST_DIFFERENCES} more", "reelq schema diff")
    if not different:
        yield database("ok", "schema", "As this program has it, and nothing was changed by hand")
    return True


def queue_health(conn: Connection, deep: bool) -> Iterator[Finding]:
    """ops.health(), row by row."""
    try:
        found = health(conn, deep)
    except psycopg.errors.InsufficientPrivilege:
        yield _stranger(conn)
    except psycopg.errors.UndefinedFunction as error:
        yield database("bad", "schema", (error.diag.message_primary or str(error)), "reelq schema upgrade")
    else:
        for row in found:
            yield database(row.level, row.finding, row.detail, row.remedy)


def _stranger(conn: Connection) -> Finding:
    """The finding for an account that may not read the schema."""
    remedy = f"grant reelq_worker to {conn.info.user}; to look only: grant reelq_readonly to {conn.info.user}"
    return database("bad", "roles", f"{conn.info.user} may not look at the queue's health", remedy)
