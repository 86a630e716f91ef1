"""Names of objects in a store. They bear the job and its attempt: a late worker never writes over a newer one's bytes."""

from __future__ import annotations

from reelq.worker.jobs.context import JobContext
from reelq.worker.rooms.media import VideoSource


def original(ctx: JobContext, work: VideoSource) -> str:
    """Where this attempt puts the original."""
    return f"tenants/{work.tenant_id}/media/{work.asset_id}/original/{_attempt(ctx)}"


def variant(ctx: JobContext, work: VideoSource, profile: str, suffix: str) -> str:
    """Where this attempt puts a variant: another attempt's name is another one."""
    base = f"tenants/{work.tenant_id}/media/{work.asset_id}/variants"
    return f"{base}/{profile}/{work.asset_id}-{_attempt(ctx)}.{suffix}"


def _attempt(ctx: JobContext) -> str:
    return f"{ctx.job.job_id}-{ctx.job.token}"
