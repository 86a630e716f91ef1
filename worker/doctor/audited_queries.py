"""What the product and whoever embeds it ask all the time: `reelq schema audit` explains each on the database at hand."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Query:
    """One query, with %(id)s for any id, and the tables of which it must not read all."""

    name: str
    tables: tuple[str, ...]
    text: str


QUERIES = (
    Query(
        "newest videos of a tenant", ("videos",),
        "select id from media.videos where tenant_id = %(id)s and deleted_at is null order by created_at desc limit 50",
    ),
    Query("newest videos of a user", ("videos",), "select id from media.videos where user_id = %(id)s order by created_at desc limit 50"),
    Query(
        "videos that have failed", ("videos",),
        "select id from media.videos where status = 'failed' and status <> 'ready' and deleted_at is null order by id limit 50",
    ),
    Query(
        "videos by words", ("videos",),
        "select id from media.videos where search @@ plainto_tsquery('pg_catalog.english', 'cat') and deleted_at is null limit 50",
    ),
    Query("variants of an asset", ("variants",), "select id from media.variants where asset_id = %(id)s"),
    Query(
        "asset of a video", ("videos", "assets"),
        "select a.id from media.videos as v join media.assets as a on a.id = v.asset_id where v.id = %(id)s",
    ),
    Query("a job", ("processing_jobs",), "select status from queue.processing_jobs where id = %(id)s"),
    Query("jobs of a video", ("processing_jobs",), "select id from queue.processing_jobs where video_id = %(id)s"),
    Query(
        "newest jobs of a tenant", ("processing_jobs",),
        "select id from queue.processing_jobs where tenant_id = %(id)s order by id desc limit 50",
    ),
    Query(
        "a job by its idempotency key", ("processing_jobs",),
        "select id from queue.processing_jobs where tenant_id = %(id)s and idempotency_key = 'k'",
    ),
    Query("attempts of a job", ("job_attempts",), "select attempt from queue.job_attempts where job_id = %(id)s"),
    Query("a user by address", ("users",), "select id from identity.users where lower(email) = 'a@b.example' and deleted_at is null"),
    Query("sessions of a user", ("user_sessions",), "select id from identity.user_sessions where user_id = %(id)s"),
    Query(
        "acts of a tenant", ("audit_logs",),
        "select id from ops.audit_logs where tenant_id = %(id)s and created_at > now() - interval '1 day' order by created_at desc limit 50",
    ),
    Query("events of a tenant", ("events",), "select seq from ops.events where tenant_id = %(id)s order by seq desc limit 50"),
)  # fmt: skip
