"""The functions of schema `media` as typed calls: one line of SQL each, rows as frozen dataclasses.

Errors are psycopg's; `db.family` makes them ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from reelq.worker.db.rows import Connection, rows, scalar


@dataclass(frozen=True, slots=True)
class VideoSource:
    """What a handler needs to start on a video."""

    video_id: UUID
    asset_id: UUID
    tenant_id: UUID
    source_url: str | None
    original_filename: str | None
    bucket: str | None  # None, like the next four, until the original is stored
    key: str | None
    size_bytes: int | None
    sha256: str | None
    mime: str | None
    video_status: str
    asset_status: str
    probe: dict[str, Any] | None
    measured: dict[str, Any]  # columns of media.assets that are known


@dataclass(frozen=True, slots=True)
class Video:
    """A video with the facts of its asset, on one line."""

    id: UUID
    tenant: str
    title: str | None
    status: str
    error_code: str | None
    error_message: str | None
    asset_id: UUID
    kind: str | None
    original_filename: str | None
    size_bytes: int | None
    duration_seconds: Decimal | None
    width: int | None
    height: int | None
    video_codec: str | None
    audio_codec: str | None
    variants: int
    has_poster: bool
    created_at: datetime
    status_changed_at: datetime


@dataclass(frozen=True, slots=True)
class Variant:
    """One thing that was made of a video."""

    id: UUID
    profile: str
    bucket: str
    key: str
    size_bytes: int | None
    sha256: str | None
    mime: str | None
    width: int | None
    height: int | None
    bit_rate: int | None
    duration_seconds: Decimal | None
    frames: int | None
    frame_rate_num: int | None
    frame_rate_den: int | None
    video_codec: str | None
    audio_codec: str | None
    job_id: UUID | None
    attempt: int | None
    encode_seconds: Decimal | None
    speed: Decimal | None  # media seconds a second
    metadata: dict[str, Any]
    created_at: datetime
    updated_at: datetime


def get_work(conn: Connection, video_id: UUID) -> VideoSource:
    """What a handler needs to start; raises RQ004 for a video that is not there."""
    (row,) = rows(conn, VideoSource, "select * from media.get_work(%s)", [video_id])
    return row


def set_original(conn: Connection, asset_id: UUID, object_id: UUID) -> None:
    """Say which object is the original. Call it from ctx.on_complete."""
    conn.execute("select media.set_original(%s, %s)", [asset_id, object_id])


def record_probe(conn: Connection, asset_id: UUID, measured: dict[str, Any], probe: dict[str, Any] | None) -> None:
    """Keep what was measured; the keys of `measured` are columns of media.assets."""
    conn.execute("select media.record_probe(%s, %s, %s)", [asset_id, Jsonb(measured), None if probe is None else Jsonb(probe)])


def put_variant(conn: Connection, asset_id: UUID, variant: dict[str, Any]) -> UUID:
    """Make an object visible as the asset's variant of a profile. Call it from ctx.on_complete."""
    return UUID(str(scalar(conn, "select media.put_variant(%s, %s)", [asset_id, Jsonb(variant)])))


def finish_video(conn: Connection, video_id: UUID) -> None:
    """The video is ready. Call it from ctx.on_complete."""
    conn.execute("select media.finish_video(%s)", [video_id])


def list_videos(conn: Connection, tenant: str | None = None, status: str | None = None, limit: int = 50) -> list[Video]:
    """Videos, newest first; `tenant` is a slug."""
    return rows(conn, Video, "select * from media.list_videos(%s, %s, %s)", [tenant, status, limit])


def show_video(conn: Connection, video_id: UUID) -> dict[str, Any]:
    """All that is known of a video."""
    return dict(scalar(conn, "select media.show_video(%s)", [video_id]) or {})


def list_variants(conn: Connection, video_id: UUID) -> list[Variant]:
    """What was made of a video, the largest rendition first."""
    return rows(conn, Variant, "select * from media.list_variants(%s)", [video_id])


@dataclass(frozen=True, slots=True)
class KnownStore:
    """What the database knows of an object store."""

    mark: str | None  # None: no worker has used it yet
    has_objects: bool


@dataclass(frozen=True, slots=True)
class TenantStore:
    """A bucket of a tenant's own."""

    bucket: str  # as s3://bucket
    region: str


def tenant_store(conn: Connection, tenant_id: UUID) -> TenantStore | None:
    """Where a tenant's new objects go; None: to the common store."""
    found = rows(conn, TenantStore, "select * from media.tenant_store(%s)", [tenant_id])
    return found[0] if found else None


@dataclass(frozen=True, slots=True)
class ListedStore:
    """A tenant and its bucket."""

    tenant: str
    bucket: str
    region: str


def list_tenant_stores(conn: Connection) -> list[ListedStore]:
    """The tenants that have a bucket of their own."""
    return rows(conn, ListedStore, "select * from media.list_tenant_stores()")


def store_region(conn: Connection, bucket: str) -> str | None:
    """The region of a store that is a tenant's bucket."""
    return scalar(conn, "select media.store_region(%s)", [bucket])  # type: ignore[no-any-return]


def is_store(conn: Connection, s3_bucket: str) -> bool:
    """Whether objects of any tenant lie in this bucket."""
    return bool(scalar(conn, "select media.is_store(%s)", [s3_bucket]))


@dataclass(frozen=True, slots=True)
class FoundObject:
    """An object that can be referred to."""

    id: UUID
    key: str


def find_object(conn: Connection, tenant_id: UUID | None, bucket: str, sha256: str, size_bytes: int) -> FoundObject | None:
    """The tenant's object in that bucket with this content."""
    query = "select id, key from media.find_object(%s, %s, %s, %s) where id is not null"
    found = rows(conn, FoundObject, query, [tenant_id, bucket, sha256, size_bytes])
    return found[0] if found else None


def finish_object(conn: Connection, object_id: UUID, size_bytes: int, sha256: str) -> FoundObject:
    """All bytes are there; the object that is to be referred to."""
    (found,) = rows(conn, FoundObject, "select id, key from media.finish_object(%s, %s, %s)", [object_id, size_bytes, sha256])
    return found


@dataclass(frozen=True, slots=True)
class OpenedVariant:
    """Where a variant lies."""

    bucket: str
    key: str
    region: str | None  # of a tenant's own bucket
    storage_class: str


def open_variant(conn: Connection, video_id: UUID, profile: str) -> OpenedVariant:
    """Somebody is about to read it."""
    (found,) = rows(conn, OpenedVariant, "select * from media.open_variant(%s, %s)", [video_id, profile])
    return found


def touch_object(conn: Connection, bucket: str, key: str) -> None:
    """It was read; written at most once a day."""
    conn.execute("select media.touch_object(%s, %s)", [bucket, key])


def keep_file(conn: Connection, object_id: UUID, tenant_id: UUID | None, user_id: UUID | None, job_id: UUID, name: str) -> None:
    """A job type of one's own has stored a file. Call it from ctx.on_complete."""
    conn.execute("select media.keep_file(%s, %s, %s, %s, %s)", [object_id, tenant_id, user_id, job_id, name])


def find_store(conn: Connection, bucket: str) -> KnownStore:
    """What is known of a store before it is looked at."""
    (found,) = rows(conn, KnownStore, "select * from media.find_store(%s)", [bucket])
    return found


def list_stores(conn: Connection) -> list[str]:
    """The buckets of all stores that workers have ever used."""
    return [str(bucket) for (bucket,) in conn.execute("select media.list_stores()").fetchall()]


def register_store(conn: Connection, bucket: str, mark: str) -> str:
    """Remember a store's mark; the one that is known from now on."""
    return str(scalar(conn, "select media.register_store(%s, %s)", [bucket, mark]))
