"""Restore a backup in earnest: into an empty database or a new one, and bring it into a state in which work can go on.

All of it is read and compared with its checksum before the first change, and restored in one transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from reelq.worker import db
from reelq.worker.backup import archive, encryption, places, programs, target
from reelq.worker.backup import manifest as manifests
from reelq.worker.backup.compare import check_same
from reelq.worker.backup.manifest import Manifest
from reelq.worker.backup.verify import restore_arguments
from reelq.worker.db import schema
from reelq.worker.db.connection import Connection
from reelq.worker.db.schema import ownership, shared, vendored
from reelq.worker.errors import BackupError, DatabaseRefuses
from reelq.worker.rooms.ops import backups
from reelq.worker.settings import Settings
from reelq.worker.stores.base import Store

NAME = "reelq backup restore"
MAINTENANCE = "postgres"  # the database that one is made from
UNFINISHED = "_restoring"  # how a new database is called until all is well: nobody comes in meanwhile

OnStep = Callable[[str, int], None]  # what is done now, and bytes of it so far


@dataclass(frozen=True, slots=True)
class Restored:
    """What was done, and what is left to do."""

    manifest: Manifest
    database: str
    roles_made: list[str]
    jobs_released: int
    workers_stopped: int
    backups_known: int  # that the store has, and the restored database did not know
    to_do: list[str]


def restore(
    settings: Settings, wanted: str | None = None, *, create: bool = False, replace_ours: bool = False, on_step: OnStep | None = None
) -> Restored:
    """Restore the backup of that id, or the newest, into the settings' database.

    `create` makes that database first; `replace_ours` drops what is reelq's in it.

    Raises:
        BackupDamaged: it is cut or altered: nothing was changed; or differs from its manifest once restored.
        BackupError: "not_empty", "in_use", "no_database", "no_roles", "older_server", "newer_version", "key_missing", "wrong_key", "not_found".
        DatabaseAway, TransientError: of the server, of the store.
    """

    def step(name: str) -> Callable[[int], None]:
        return lambda done: on_step(name, done) if on_step is not None else None

    store = places.open_backups(settings)
    name = str(conninfo_to_dict(db.conninfo(settings, NAME)).get("dbname") or "") or None
    manifest = places.find(store, wanted, None if wanted else _one_of(store, name))
    manifests.check_version(manifest)
    encryption.check_opens(settings, manifest.encrypted_for)
    with ExitStack() as opened:
        maker = opened.enter_context(_to_make_from(settings, name)) if create else None
        first = maker or opened.enter_context(_connect(settings))
        program = programs.find_restore(settings, manifest.pg_dump, first.info.server_version // 10_000)
        if maker is None:
            target.check(first, manifest, replace_ours)
        archive.check_whole(store, manifest, step("reading"))
        roles_made = _make_roles(first, manifest)
        new = _create_database(maker, str(name)) if maker is not None else None
        with first if new is None else _connect(settings, new) as conn:
            if replace_ours:
                target.drop_ours(conn)
            archive.feed(settings, store, manifest, program, db.conninfo_of(conn), restore_arguments(), step("restoring"))
            step("comparing")(manifest.size_bytes)
            done = _settle(conn, store, manifest, roles_made)
        if maker is not None and new is not None:
            _rename(maker, new, str(name))
        return replace(done, database=str(name or done.database))


def named(settings: Settings) -> str:
    """The database that would be restored into, for a question.

    Raises:
        BackupError: "no_database".
        DatabaseAway: it is away.
    """
    with _connect(settings) as conn:
        return f"the database {conn.info.dbname} at {conn.info.host}:{conn.info.port}"


def _one_of(store: Store, name: str | None) -> str | None:
    """The database to look for: this one where the store has backups of it, else whichever one the store is of."""
    known = {one.database for one in places.list_manifests(store) if isinstance(one, Manifest)}
    return name if name in known else None


def _connect(settings: Settings, name: str | None = None) -> Connection:
    """To the database that is restored into, or to one of that name beside it.

    Raises:
        BackupError: "no_database".
    """
    try:
        conn = db.connect(settings if name is None else _beside(settings, name), NAME, direct=True)
    except DatabaseRefuses as error:
        if "does not exist" not in str(error) or "database" not in str(error):
            raise
        raise BackupError("no_database", f"there is no such database: {' '.join(str(error).split())}", "--create makes it.") from error
    db.check_own_session(settings, conn, NAME)
    conn.execute("select set_config('statement_timeout', '0', false)")
    return conn


def _to_make_from(settings: Settings, name: str | None) -> Connection:
    """A connection to the database that others are made from.

    Raises:
        BackupError: "no_database", the settings name none to make.
    """
    if name is None:
        raise BackupError("no_database", "DATABASE_URL must name the database that is to be made", "As in postgresql://owner@host/reelq")
    conn = db.connect(_beside(settings, MAINTENANCE), NAME)
    if conn.execute("select from pg_database where datname = %s", [name]).fetchone() is not None:
        conn.close()
        raise BackupError("not_empty", f"the database {name} exists already", "Leave --create out to restore into it.")
    return conn


def _beside(settings: Settings, name: str) -> Settings:
    """The settings for another database of the same server."""
    direct = settings.database_direct_url if db.behind_pooler(settings) and not db.polls(settings) else settings.database_url
    return replace(settings, database_url=make_conninfo(direct, dbname=name), database_direct_url="")


def _make_roles(conn: Connection, manifest: Manifest) -> list[str]:
    """The roles that rights and policies name, where they are missing.

    Raises:
        BackupError: "no_roles", this role may not make them.
    """
    missing = [name for name in manifest.roles if conn.execute("select to_regrole(quote_ident(%s)) is null", [name]).fetchone() == (True,)]
    for number, name in enumerate(missing):
        try:
            conn.execute(sql.SQL("create role {} nologin").format(sql.Identifier(name)))
        except psycopg.errors.InsufficientPrivilege as error:
            make = " ".join(f"create role {sql.Identifier(one).as_string(conn)} nologin;" for one in missing[number:])
            raise BackupError("no_roles", f"the roles {', '.join(missing[number:])} must exist", f"As a superuser: {make}  then again.") from error
        except psycopg.errors.DuplicateObject:
            continue  # another restore was quicker
    return missing


def _create_database(conn: Connection, name: str) -> str:
    """Make it, empty, under another name; that name. What a restore that was killed has left of one goes.

    Raises:
        BackupError: "in_use", another restore is at work in it; "no_database", this role may not.
    """
    new = name.encode()[: 63 - len(UNFINISHED)].decode(errors="ignore") + UNFINISHED
    conn.execute("select set_config('statement_timeout', '0', false)")
    try:
        conn.execute(sql.SQL("drop database if exists {}").format(sql.Identifier(new)))
        conn.execute(sql.SQL("create database {} encoding 'UTF8' template template0").format(sql.Identifier(new)))
        return new
    except (psycopg.errors.ObjectInUse, psycopg.errors.UniqueViolation, psycopg.errors.DuplicateDatabase) as error:
        raise BackupError("in_use", f"another restore is at work in the database {new}", "Wait for it, or end its session.") from error
    except psycopg.errors.InsufficientPrivilege as error:
        hint = "As a superuser: create database … owner …; then again without --create."
        raise BackupError("no_database", str(error.diag.message_primary), hint) from error


def _rename(conn: Connection, new: str, name: str) -> None:
    """Let it appear under its name.

    Raises:
        BackupError: "not_empty", somebody has made one of that name meanwhile; "in_use".
    """
    try:
        conn.execute(sql.SQL("alter database {} rename to {}").format(sql.Identifier(new), sql.Identifier(name)))
    except (psycopg.errors.DuplicateDatabase, psycopg.errors.ObjectInUse) as error:
        hint = f"It is whole, and lies in {new}: alter database {new} rename to …"
        raise BackupError("not_empty", f"what was restored could not be renamed to {name}: {error.diag.message_primary}", hint) from error


def _settle(conn: Connection, store: Store, manifest: Manifest, roles_made: list[str]) -> Restored:
    """What the dump does not hold, and what the database has to be told: it is another one now."""
    to_do: list[str] = []
    with db.family():
        ownership.mend(conn, to_do.append, {}, 60)
        path = schema.search_path()
        shared.set_search_path(conn, path, True, to_do.append)
        shared.close_temporary(conn, path)
        check_same(conn, manifest)
        settled = backups.settle_restored(conn, UUID(manifest.id))
        known = [
            backups.import_backup(conn, store.bucket, asdict(one)) for one in places.list_manifests(store) if isinstance(one, Manifest)
        ]
        conn.execute("analyze")
        ((database,),) = conn.execute("select current_database()::text").fetchall()
        moves = [row for row in schema.status(conn) if schema.is_file(row) and row["state"] in ("pending", "changed")]
        if not moves:
            # A backup of our rooms alone has no clock; the upgrade of an older one makes it.
            vendored.apply(conn, to_do.append)
    to_do += _left_to_do(manifest, bool(moves))
    return Restored(manifest, database, roles_made, settled.jobs_released, settled.workers_stopped, sum(known), to_do)


def _left_to_do(manifest: Manifest, is_older: bool) -> list[str]:
    """What only people can do, in order."""
    steps: Sequence[str | None] = [
        f"reelq schema upgrade: the backup is of reelq {manifest.reelq}" if is_older else None,
        "reelq secrets status: this host's key file has to have the keys of that time",
        "The store has objects of after the backup that no row names, and may lack some that rows name: check it before workers start",
        f"What was revoked, erased or changed after {manifest.began_at[:19]} is as it was then (keys, sessions, passwords): do it again",
        "Events of the last minutes before it may be delivered twice",
        "Does it take the place of the one that was? All is paused until you say so: reelq queue resume all. "
        "A copy beside it would delete its objects and tell its users again: docs/operate.md, A copy",
        "Then start the workers, and: reelq doctor",
    ]
    return [step for step in steps if step]
