"""Restore a backup into a scratch server, and compare it with its manifest. The scratch server is ours alone and is thrown away.

It is restored by a plain owner, as it would be in earnest: who restores it need not be a superuser.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from reelq.worker import db
from reelq.worker.backup import archive, encryption, places, programs
from reelq.worker.backup import manifest as manifests
from reelq.worker.backup.compare import check_same
from reelq.worker.backup.manifest import Manifest
from reelq.worker.errors import BackupDamaged, BackupError, ReelqError, SettingsError
from reelq.worker.private_postgres.programs import Binaries, available, choose
from reelq.worker.private_postgres.server import Server, throwaway
from reelq.worker.rooms.ops import backups
from reelq.worker.settings import Settings

NAME = "reelq backup verify"
DATABASE = "restored"
# Nothing of it is kept, and one transaction takes a lock for every object.
SERVER = {
    "max_locks_per_transaction": "1024",
    "max_connections": "20",
    "shared_buffers": "256MB",
    "maintenance_work_mem": "256MB",
    "max_wal_size": "4GB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}
ROOM = 1.2  # of the database's size: it is restored without its dead rows, and sorts its indexes
ROOM_BYTES = 500_000_000

OnBytes = Callable[[int], None]


def verify(settings: Settings, wanted: str | None = None, on_progress: OnBytes | None = None) -> Manifest:
    """Verify the backup of that id, or the newest of this database; its manifest. The outcome is recorded where the database can be reached.

    Raises:
        BackupDamaged: it is not whole, or not what it was made of.
        BackupError: it cannot be verified here: "no_program", "no_room", "key_missing", "wrong_key", "newer_version", "not_found".
        TransientError: of the store.
    """
    store = places.open_backups(settings)
    manifest = places.find(store, wanted, None if wanted else _database(settings))
    manifests.check_version(manifest)
    encryption.check_opens(settings, manifest.encrypted_for)
    binaries = _binaries(settings, manifest)
    program = programs.find_restore(settings, manifest.pg_dump, binaries.major)
    settings.scratch.mkdir(parents=True, exist_ok=True)
    _check_room(settings, manifest)
    how = f"a private server of Postgres {binaries.major}"
    try:
        with throwaway(binaries, SERVER, below=settings.scratch) as server:
            address = _prepare(server, manifest)
            archive.feed(settings, store, manifest, program, address, restore_arguments(), on_progress)
            with psycopg.connect(address, autocommit=True) as conn:
                check_same(conn, manifest)
    except BackupDamaged as error:
        _record(settings, manifest, how, str(error))
        raise
    _record(settings, manifest, how, None)
    return manifest


def restore_arguments() -> list[str]:
    """One transaction: all of it or nothing; everything belongs to whoever restores."""
    return ["--single-transaction", "--exit-on-error", "--no-owner", "--enable-row-security"]


def _database(settings: Settings) -> str | None:
    """The name of the settings' database: others may share the store. None: the settings do not say."""
    try:
        return str(conninfo_to_dict(db.conninfo(settings, NAME)).get("dbname") or "") or None
    except SettingsError:
        return None


def _binaries(settings: Settings, manifest: Manifest) -> Binaries:
    """The server's programs of the backup's major, else the next newer ones.

    Raises:
        BackupError: "no_program".
    """
    least = max(manifest.pg_dump, manifest.postgres // 10_000)
    found = [choose(settings.postgres_bin)] if settings.postgres_bin else available()
    fit = sorted((one for one in found if one.major >= least), key=lambda one: one.major)
    if not fit:
        here = ", ".join(str(one.major) for one in found) or "none"
        hint = f"Install postgresql-{least} on this host (it need not run), or verify on another one."
        raise BackupError("no_program", f"a server of Postgres {least} or newer is needed to verify (found: {here})", hint)
    return fit[0]


def _check_room(settings: Settings, manifest: Manifest) -> None:
    """Refuse before the first byte when it will not fit.

    Raises:
        BackupError: "no_room".
    """
    wanted, free = int(manifest.database_bytes * ROOM) + ROOM_BYTES, shutil.disk_usage(settings.scratch).free
    if free < wanted:
        raise BackupError(
            "no_room", f"{settings.scratch} has {free / 1e9:.1f} GB free, and a restore of this backup needs {wanted / 1e9:.1f} GB",
            "REELQ_SCRATCH names a folder with more room.",
        )  # fmt: skip


def _prepare(server: Server, manifest: Manifest) -> str:
    """The roles and an empty database on the scratch server; its address, as the owner."""
    owner = manifest.owner
    with psycopg.connect(server.url(), autocommit=True) as conn:
        for role in {*manifest.roles, owner} - {"postgres"}:
            login = sql.SQL("login createrole" if role == owner else "nologin")
            conn.execute(sql.SQL("create role {} {}").format(sql.Identifier(role), login))
        conn.execute(
            sql.SQL("create database {} owner {} encoding 'UTF8' template template0").format(sql.Identifier(DATABASE), sql.Identifier(owner))
        )
    return psycopg.conninfo.make_conninfo(server.url(DATABASE), user=owner, application_name=NAME)


def _record(settings: Settings, manifest: Manifest, how: str, error: str | None) -> None:
    """Note the outcome; a database that is away, or knows no such backup, does not change it."""
    try:
        with db.connect(settings, NAME, direct=True) as conn:
            backups.note_verification(conn, UUID(manifest.id), how, error)
    except (ReelqError, psycopg.Error):
        return
