"""The register of objects, for whoever looks after the stores. One line of SQL each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from reelq.worker.db.rows import Connection, rows, scalar


@dataclass(frozen=True, slots=True)
class ObjectRow:
    """An object as a list shows it."""

    id: UUID
    tenant: str | None
    bucket: str
    key: str
    state: str
    size_bytes: int | None
    sha256: str | None
    storage_class: str
    restored_until: datetime | None
    fault: str | None
    unreferenced_since: datetime | None
    last_used_at: datetime
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Marked:
    """A page of the walk that looks for unreferenced objects."""

    seen: int
    last_id: UUID | None
    marked: int
    cleared: int


@dataclass(frozen=True, slots=True)
class Littered:
    """A page of the walk that looks for what dead attempts left."""

    seen: int
    last_id: UUID | None
    marked: int


@dataclass(frozen=True, slots=True)
class Begun:
    """A page of the walk that looks for what is unused."""

    seen: int
    last_id: UUID | None
    begun: int


@dataclass(frozen=True, slots=True)
class Condemned:
    """An object whose bytes are to be deleted."""

    id: UUID
    bucket: str
    key: str
    tenant_id: UUID | None
    bucket_tenant_id: UUID | None  # whose own bucket it is


@dataclass(frozen=True, slots=True)
class Moving:
    """An object on its way to cold storage or back."""

    id: UUID
    bucket: str
    key: str
    storage_class: str
    size_bytes: int | None


@dataclass(frozen=True, slots=True)
class Requested:
    """How an object stands that somebody wants to read."""

    id: UUID
    storage_class: str


@dataclass(frozen=True, slots=True)
class Known:
    """What the register says of a key."""

    id: UUID
    key: str
    state: str
    size_bytes: int | None
    sha256: str | None
    storage_class: str
    fault: str | None


@dataclass(frozen=True, slots=True)
class Check:
    """How far the comparison of a store with the register has come."""

    bucket: str
    with_content: bool
    place: str | None
    listed: int
    strays: int
    missing: int
    altered: int
    example: str | None
    started_at: datetime
    finished_at: datetime | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Dropped:
    """A variant whose object was missing or altered."""

    video_id: UUID | None
    asset_id: UUID
    profile: str
    key: str


def list_objects(
    conn: Connection, tenant: str | None = None, state: str | None = None, class_: str | None = None, faulty: bool = False, limit: int = 50
) -> list[ObjectRow]:
    """Objects, newest first."""
    return rows(conn, ObjectRow, "select * from media.list_objects(%s, %s, %s, %s, %s)", [tenant, state, class_, faulty, limit])


def show_object(conn: Connection, object_id: UUID) -> dict[str, Any]:
    """All that is known of an object; NotFound when there is none."""
    return dict(scalar(conn, "select media.show_object(%s)", [object_id]) or {})


def mark_unreferenced(conn: Connection, after: UUID | None, limit: int) -> Marked:
    """Note since when nothing refers to the objects of a page."""
    (page,) = rows(conn, Marked, "select * from media.mark_unreferenced(%s, %s)", [after, limit])
    return page


def mark_litter(conn: Connection, after: UUID | None, limit: int) -> Littered:
    """Note which unfinished objects of a page nobody will finish."""
    (page,) = rows(conn, Littered, "select * from queue.mark_litter(%s, %s)", [after, limit])
    return page


def condemn_objects(conn: Connection, limit: int) -> int | None:
    """Give up objects to be deleted. 0: none is due any more; None: call again."""
    count: int | None = scalar(conn, "select ops.condemn_objects(%s)", [limit])
    return count


def list_condemned(conn: Connection, after: UUID | None, limit: int, but: Sequence[str] = ()) -> list[Condemned]:
    """Objects whose bytes are to be deleted, not those of the buckets `but`."""
    return rows(conn, Condemned, "select * from media.list_condemned(%s, %s, %s)", [after, limit, list(but)])


def forget_objects(conn: Connection, ids: Sequence[UUID]) -> int:
    """Their bytes are gone: delete their rows."""
    return int(scalar(conn, "select media.forget_objects(%s)", [list(ids)]))


def begin_cooling(conn: Connection, after: UUID | None, limit: int) -> Begun:
    """What was not used for long is cooling from now on."""
    (page,) = rows(conn, Begun, "select * from ops.begin_cooling(%s, %s)", [after, limit])
    return page


def list_moving(conn: Connection, after: UUID | None, limit: int) -> list[Moving]:
    """What is on its way to cold storage or back."""
    return rows(conn, Moving, "select * from ops.list_moving(%s, %s)", [after, limit])


def settle_storage(conn: Connection, object_id: UUID, since: str, class_: str, until: datetime | None, days: int) -> str:
    """Note how an object lies in its store, which stood as `since` says; how it stands from now on."""
    return str(scalar(conn, "select ops.settle_storage(%s, %s, %s, %s, %s)", [object_id, since, class_, until, days]))


def request_restore(conn: Connection, bucket: str, key: str) -> Requested:
    """Somebody wants to read a cold object; NotFound when the register does not know it."""
    (found,) = rows(conn, Requested, "select * from media.request_restore(%s, %s)", [bucket, key])
    return found


def begin_check(conn: Connection, bucket: str, with_content: bool, anew: bool) -> Check:
    """Begin to compare a store with the register, or go on with it."""
    (check,) = rows(conn, Check, "select * from media.begin_check(%s, %s, %s)", [bucket, with_content, anew])
    return check


def list_checks(conn: Connection, bucket: str | None = None) -> list[Check]:
    """How the latest comparison of each store stands."""
    return rows(conn, Check, "select * from media.list_checks(%s)", [bucket])


def save_check(
    conn: Connection, bucket: str, since: str | None, place: str | None, counts: tuple[int, int, int, int], example: str | None, finished: bool
) -> bool:
    """Note how far it has come; `counts` are listed, strays, missing, altered. False: another check of the store has moved on."""
    arguments = [bucket, since, place, *counts, example, finished]
    return bool(scalar(conn, "select media.save_check(%s, %s, %s, %s, %s, %s, %s, %s, %s)", arguments))


def list_by_key(conn: Connection, bucket: str, after: str | None, limit: int) -> list[Known]:
    """Rows of a bucket in the order of the bytes of their keys."""
    return rows(conn, Known, "select * from media.list_by_key(%s, %s, %s)", [bucket, after, limit])


def find_by_key(conn: Connection, bucket: str, keys: Sequence[str]) -> list[Known]:
    """The rows of these keys."""
    return rows(conn, Known, "select * from media.list_by_key(%s, p_keys => %s)", [bucket, list(keys)])


def set_fault(conn: Connection, ids: Sequence[UUID], fault: str | None) -> int:
    """Note that objects are missing, altered or (None) whole."""
    return int(scalar(conn, "select media.set_fault(%s, %s)", [list(ids), fault]))


def own_keys(conn: Connection, keys: Sequence[str]) -> set[str]:
    """Which of them a job of this database may have written."""
    return {str(key) for (key,) in conn.execute("select * from media.own_keys(%s)", [list(keys)])}


def adopt_strays(conn: Connection, bucket: str, keys: Sequence[str]) -> int:
    """Give rows to objects that no row names, so that the sweep takes them."""
    return int(scalar(conn, "select media.adopt_strays(%s, %s)", [bucket, list(keys)]))


def drop_faulty_variants(conn: Connection, limit: int = 500) -> list[Dropped]:
    """Delete rows of variants whose object is missing or altered; call it until it returns none."""
    return rows(conn, Dropped, "select * from ops.drop_faulty_variants(%s)", [limit])
