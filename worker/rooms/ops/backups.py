"""Backups: the record of them, counts and checksums of tables, and what a restored database needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from reelq.worker.db.calls import Connection, rows, run, scalar


@dataclass(frozen=True, slots=True)
class Backup:
    """A row of ops.backups."""

    id: UUID
    status: str
    database_name: str
    bucket: str
    key: str
    store_mark: str | None
    key_fingerprints: list[str]
    reelq_version: str
    postgres_version: int
    began_at: datetime
    seen_at: datetime
    ended_at: datetime | None
    size_bytes: int
    sha256: str | None
    database_bytes: int | None
    table_count: int | None
    row_count: int | None
    error_code: str | None
    error_message: str | None
    verified_at: datetime | None
    verified_how: str | None
    verify_failed_at: datetime | None
    verify_error: str | None
    pruned_at: datetime | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Begun:
    """What ops.begin_backup() returned."""

    id: UUID
    key: str
    store_mark: str | None
    began_at: datetime


@dataclass(frozen=True, slots=True)
class Listed:
    """A table that a backup would hold."""

    table_name: str
    is_ours: bool
    row_estimate: int
    refusal: str | None


@dataclass(frozen=True, slots=True)
class Counted:
    """What ops.count_table() returned."""

    row_count: int
    sampled: int
    sha256: str


@dataclass(frozen=True, slots=True)
class ToPrune:
    """A backup whose bytes may go."""

    id: UUID
    key: str
    status: str
    began_at: datetime


@dataclass(frozen=True, slots=True)
class Settled:
    """What ops.settle_restored() did."""

    jobs_released: int
    workers_stopped: int


def begin(conn: Connection, bucket: str, suffix: str, program: str, fingerprints: Sequence[str]) -> Begun:
    """Begin a backup; refused while another runs."""
    (begun,) = rows(conn, Begun, "select * from ops.begin_backup(%s, %s, %s, %s)", [bucket, suffix, program, list(fingerprints)])
    return begun


def note(conn: Connection, backup: UUID, size_bytes: int, store_mark: str | None) -> None:
    """Tell that it is at work; refused when it was given up."""
    run(conn, "select ops.note_backup(%s, %s, %s)", [backup, size_bytes, store_mark])


def complete(conn: Connection, backup: UUID, *facts: Any) -> None:
    """Note that it is in the store: size, checksum, size of the database, tables, rows."""
    run(conn, "select ops.complete_backup(%s, %s, %s, %s, %s, %s)", [backup, *facts])


def fail(conn: Connection, backup: UUID, code: str, message: str) -> None:
    """Note that it has failed."""
    run(conn, "select ops.fail_backup(%s, %s, %s)", [backup, code, message])


def note_verification(conn: Connection, backup: UUID, how: str, error: str | None) -> bool:
    """Note what a verification has found; false: this database knows no such backup."""
    known: bool = scalar(conn, "select ops.note_verification(%s, %s, %s)", [backup, how, error])
    return known


def to_prune(conn: Connection, bucket: str, keep: timedelta) -> list[ToPrune]:
    """Those whose bytes may go."""
    return rows(conn, ToPrune, "select * from ops.backups_to_prune(%s, %s)", [bucket, keep])


def note_pruned(conn: Connection, backup: UUID) -> None:
    """Note that nothing of it is in the store."""
    run(conn, "select ops.note_pruned(%s)", [backup])


def list_backups(conn: Connection, everything: bool = False, limit: int = 100) -> list[Backup]:
    """Newest first."""
    return rows(conn, Backup, "select * from ops.list_backups(%s, %s)", [everything, limit])


def import_backup(conn: Connection, bucket: str, manifest: dict[str, Any]) -> bool:
    """Enter one that the store has; whether it was new here."""
    new: bool = scalar(conn, "select ops.import_backup(%s, %s)", [bucket, Jsonb(manifest)])
    return new


def list_tables(conn: Connection, everything: bool) -> list[Listed]:
    """The tables that a backup by this role would hold."""
    return rows(conn, Listed, "select * from ops.tables_to_back_up(%s)", [everything])


def count_table(conn: Connection, table: str, every: str) -> Counted:
    """Count it, and make a checksum of a sample."""
    (counted,) = rows(conn, Counted, "select * from ops.count_table(%s, %s)", [table, every])
    return counted


def settle_restored(conn: Connection, backup: UUID) -> Settled:
    """Give back what ran at the time of the backup, and let its workers register anew."""
    (settled,) = rows(conn, Settled, "select * from ops.settle_restored(%s)", [backup])
    return settled


def list_roles(conn: Connection) -> list[str]:
    """The roles that have to be there before a dump of this database is restored."""
    found: list[str] = scalar(conn, "select array(select ops.roles_of_database()::text)")
    return found
