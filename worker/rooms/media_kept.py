"""What is kept and what goes: bundles, retention of files, deleted videos. One line of SQL each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from reelq.worker.db.rows import Connection, rows, scalar

PAGE = 1000


@dataclass(frozen=True, slots=True)
class Bundle:
    """Files that are kept together."""

    id: UUID
    tenant: str
    name: str
    live: bool  # whether it keeps its files now
    assets: int
    ends_at: datetime | None
    ended_at: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Member:
    """A file of a bundle."""

    asset_id: UUID
    kind: str
    original_filename: str | None
    size_bytes: int | None
    retention_class: str
    videos: int  # live ones that show it
    added_at: datetime


@dataclass(frozen=True, slots=True)
class Expiring:
    """A file that retention removes."""

    asset_id: UUID
    tenant: str
    kind: str
    original_filename: str | None
    retention_class: str
    size_bytes: int | None
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class DeletedVideo:
    """A video that can be brought back."""

    id: UUID
    tenant: str
    title: str | None
    status: str
    deleted_at: datetime
    created_at: datetime


@dataclass(frozen=True, slots=True)
class SoftDeleted:
    """What a soft deletion did."""

    jobs: int
    running: int  # of them: told to stop
    purged_after: datetime


@dataclass(frozen=True, slots=True)
class PurgedTenants:
    """What a step of removing deleted tenants did."""

    tenants: int
    rows_gone: int
    objects_left: int


def create_bundle(conn: Connection, name: str, tenant: str | None = None, ends_at: datetime | None = None) -> UUID:
    """Make an empty bundle; `ends_at` is its term."""
    return UUID(str(scalar(conn, "select media.create_bundle(%s, %s, %s)", [name, tenant, ends_at])))


def add_to_bundle(conn: Connection, bundle: str, assets: Sequence[UUID]) -> int:
    """Put files into a bundle; how many were new in it."""
    return int(scalar(conn, "select media.add_to_bundle(%s, %s)", [bundle, list(assets)]))


def remove_from_bundle(conn: Connection, bundle: str, assets: Sequence[UUID]) -> int:
    """Take files out of a bundle; how many were in it."""
    return int(scalar(conn, "select media.remove_from_bundle(%s, %s)", [bundle, list(assets)]))


def end_bundle(conn: Connection, bundle: str) -> int:
    """From now on it keeps nothing; how many files are in it."""
    return int(scalar(conn, "select media.end_bundle(%s)", [bundle]))


def list_bundles(conn: Connection, tenant: str | None = None, over: bool = False, limit: int = 50) -> list[Bundle]:
    """Bundles, newest first; `over`: also those that keep nothing any more."""
    return rows(conn, Bundle, "select * from media.list_bundles(%s, %s, %s)", [tenant, over, limit])


def list_members(conn: Connection, bundle: str) -> list[Member]:
    """The files in a bundle."""
    return rows(conn, Member, "select * from media.list_bundle_members(%s)", [bundle])


def set_retention(conn: Connection, asset_id: UUID, class_: str | None, until: datetime | None) -> None:
    """Say how long a file is kept."""
    conn.execute("select media.set_retention(%s, %s, %s)", [asset_id, class_, until])


def expire_assets(conn: Connection, limit: int = 500) -> int | None:
    """Delete some files whose retention has ended. 0: the walk is at its end; None: nothing among those looked at, call again."""
    gone: int | None = scalar(conn, "select ops.expire_assets(%s)", [limit])
    return gone


def list_expiring(conn: Connection, before: datetime | None = None) -> Iterator[Expiring]:
    """What `expire_assets` would delete, a page at a time."""
    after: UUID | None = None
    while True:
        page = rows(conn, Expiring, "select * from ops.list_expiring(%s, %s, %s)", [before, after, PAGE])
        yield from page
        if len(page) < PAGE:
            return
        after = page[-1].asset_id


def soft_delete_video(conn: Connection, video_id: UUID, reason: str | None = None) -> SoftDeleted:
    """Delete a video so that it can be brought back."""
    (done,) = rows(conn, SoftDeleted, "select * from queue.soft_delete_video(%s, %s)", [video_id, reason])
    return done


def restore_video(conn: Connection, video_id: UUID) -> str:
    """Bring it back; its status."""
    return str(scalar(conn, "select queue.restore_video(%s)", [video_id]))


def list_deleted_videos(conn: Connection, tenant: str | None = None, limit: int = 50) -> list[DeletedVideo]:
    """Videos that can be brought back, the last deleted first."""
    return rows(conn, DeletedVideo, "select * from media.list_deleted_videos(%s, %s)", [tenant, limit])


def purge_videos(conn: Connection, limit: int = 100) -> int:
    """Delete for good some videos that were soft-deleted long ago; call it until it returns 0."""
    return int(scalar(conn, "select queue.purge_videos(%s)", [limit]))


def purge_tenants(conn: Connection, limit: int = 200) -> PurgedTenants:
    """A step of removing deleted tenants whose term is over."""
    (step,) = rows(conn, PurgedTenants, "select * from ops.purge_tenants(%s)", [limit])
    return step
