"""Personal data: found, exported, erased. One line of SQL each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.rows import scalar_row

from reelq.worker.db.calls import Connection, rows, scalar

STATUSES = ("requested", "running", "completed", "open")
PAGE_ROWS = 500  # so many rows of an export are here at once


@dataclass(frozen=True, slots=True)
class Erasure:
    """An erasure that was asked for, is under way, or done: then it is the certificate."""

    id: UUID
    tenant_id: UUID
    user_id: UUID
    status: str  # requested, running, completed
    step: int
    requested_by: str  # user:<id>, tenant:<id> or role:<name>
    erased_by: str | None
    began_at: datetime | None
    ended_at: datetime | None
    counts: dict[str, int]  # rows by table; "objects" of the store
    counts_sha256: str | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Step:
    """What one transaction of an erasure did."""

    step: str
    changed: int
    running: int  # jobs that are waited for


@dataclass(frozen=True, slots=True)
class FileObject:
    """A file that goes, or an object that goes with files."""

    asset_id: UUID | None  # the file; None: this is an object
    prefix: str | None  # how the keys of all that lies in a store of the file begin
    object_id: UUID | None
    bucket: str | None
    key: str | None


@dataclass(frozen=True, slots=True)
class UserObject:
    """An object of a user's file."""

    bucket: str
    key: str
    size_bytes: int | None
    sha256: str | None
    what: str  # original, the variant's profile, or the name of a job's file
    asset_id: UUID | None  # None: of a job's file


@dataclass(frozen=True, slots=True)
class TableCount:
    """How many rows of a user a table has, and what an erasure does with them."""

    relation: str
    action: str
    rows: int
    reason: str


@dataclass(frozen=True, slots=True)
class Finding:
    """A place where something looks like personal data."""

    relation: str
    column_name: str
    column_class: str  # where it is not personal, it does not belong
    row_key: str
    kind: str  # email, phone, card, iban
    sample: str  # masked
    hits: int


@dataclass(frozen=True, slots=True)
class Part:
    """A table with texts, or a partition of one."""

    relation: str
    part: str
    blocks: int



def find_subject(conn: Connection, user: str) -> UUID:
    """The id of a user by id or e-mail address, also of one who is deleted or erased. NotFound when there is none."""
    return scalar(conn, "select ops.find_subject(%s)", [user])  # type: ignore[no-any-return]


def begin_export(conn: Connection, user_id: UUID) -> UUID:
    """Enter the export in the audit; the user's tenant."""
    return scalar(conn, "select ops.begin_export(%s)", [user_id])  # type: ignore[no-any-return]


def export_tables(conn: Connection) -> list[str]:
    """The tables that an export looks into."""
    with conn.cursor(row_factory=scalar_row) as cursor:
        return cursor.execute("select ops.export_tables()").fetchall()


def export_rows(conn: Connection, user_id: UUID, relation: str) -> Iterator[dict[str, Any]]:
    """Rows of one table that are the user's, a page at a time; inside a transaction."""
    with conn.cursor("export_rows", row_factory=scalar_row) as cursor:
        cursor.itersize = PAGE_ROWS
        yield from cursor.execute("select ops.export_rows(%s, %s)", [user_id, relation])


def export_objects(conn: Connection, user_id: UUID) -> Iterator[UserObject]:
    """Their objects, a page at a time; inside a transaction."""
    with conn.cursor("export_objects") as cursor:
        cursor.itersize = PAGE_ROWS
        for row in cursor.execute("select bucket, key, size_bytes, sha256, what, asset_id from ops.export_objects(%s)", [user_id]):
            yield UserObject(*row)


def count_rows(conn: Connection, user_id: UUID) -> list[TableCount]:
    """What an erasure would do; changes nothing."""
    return rows(conn, TableCount, "select * from ops.count_rows_of_user(%s)", [user_id])


def request_erasure(conn: Connection, user_id: UUID) -> UUID:
    """Ask for it; the erasure's id."""
    return scalar(conn, "select ops.request_erasure(%s)", [user_id])  # type: ignore[no-any-return]


def begin_erasure(conn: Connection, user_id: UUID) -> UUID:
    """Close the account, and begin or go on; the erasure's id."""
    return scalar(conn, "select ops.begin_erasure(%s)", [user_id])  # type: ignore[no-any-return]


def erase_rows(conn: Connection, erasure_id: UUID) -> Step:
    """One transaction's part of an erasure."""
    (step,) = rows(conn, Step, "select * from ops.erase_rows(%s)", [erasure_id])
    return step


def objects_to_erase(conn: Connection, erasure_id: UUID, limit: int) -> list[FileObject]:
    """The next files, and their objects: nothing refers to those any more but what goes."""
    return rows(conn, FileObject, "select * from ops.objects_to_erase(%s, %s)", [erasure_id, limit])


def keys_in_use(conn: Connection, bucket: str, keys: list[str]) -> set[str]:
    """Which of these objects other files need."""
    with conn.cursor(row_factory=scalar_row) as cursor:
        return set(cursor.execute("select ops.keys_in_use(%s, %s)", [bucket, keys]).fetchall())


def erase_assets(conn: Connection, erasure_id: UUID, asset_ids: list[UUID], objects: int, kept: int) -> int:
    """Delete the rows of files whose bytes are gone."""
    return scalar(conn, "select ops.erase_assets(%s, %s, %s, %s)", [erasure_id, asset_ids, objects, kept])  # type: ignore[no-any-return]


def list_erasures(conn: Connection, status: str | None = None, limit: int = 50) -> list[Erasure]:
    """Erasures, newest first."""
    return rows(conn, Erasure, "select * from ops.list_erasures(%s, %s)", [status, limit])


def pii_tables(conn: Connection, relation: str | None = None) -> list[Part]:
    """The tables that hold texts, by partition."""
    return rows(conn, Part, "select * from ops.pii_tables(%s)", [relation])


def find_pii(conn: Connection, part: str, from_block: int, blocks: int) -> list[Finding]:
    """What looks like personal data in some blocks."""
    return rows(conn, Finding, "select * from ops.find_pii(%s, %s, %s)", [part, from_block, blocks])


def find_pii_of_user(conn: Connection, user_id: UUID, relation: str) -> list[Finding]:
    """The same, in a user's rows of one table."""
    return rows(conn, Finding, "select * from ops.find_pii_of_user(%s, %s)", [user_id, relation])
