"""deliver_webhook: POST an event to an endpoint.

Reads the endpoint (kept for seconds) and its sealed secrets; writes to the endpoint's row when its state changes. Twice is safe for us: the
event bears the same id, by which the receiver knows it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from reelq.worker.jobs.context import JobContext
from reelq.worker.webhooks import sender_of

REQUIRES = None
EXAMPLE = {
    "webhook_id": "01976b1e-5a3c-7d4e-8f00-0123456789ab",
    "event": {"id": "01976b1e-5a3c-7d4e-8f00-0123456789ac", "type": "video.ready", "timestamp": "2026-11-27T11:07:34.180258Z", "data": {}},
}


@dataclass(frozen=True, slots=True)
class Args:
    """All that is sent, so that a delivery reads nothing else."""

    webhook_id: UUID
    event: dict[str, Any]


def run(args: Args, ctx: JobContext) -> None:
    """Deliver it."""
    sender_of(ctx.settings, ctx.pool).deliver(args.webhook_id, args.event, ctx.job, ctx.stop)
