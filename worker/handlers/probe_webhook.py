"""probe_webhook: ask an endpoint that fails whether it answers again, until it does or is switched off.

Reads the endpoint, writes how it answered: that lets its deliveries go, or switches it off. Safe to run twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from reelq.worker.errors import SnoozeError
from reelq.worker.jobs.context import JobContext
from reelq.worker.webhooks import sender_of

REQUIRES = None


@dataclass(frozen=True, slots=True)
class Args:
    """Which endpoint."""

    webhook_id: UUID


def run(args: Args, ctx: JobContext) -> None:
    """Ask it; come back later while it does not answer."""
    wait_s = sender_of(ctx.settings, ctx.pool).probe(args.webhook_id, ctx.job, ctx.stop)
    if wait_s is not None:
        raise SnoozeError("webhook_failing", "The endpoint does not answer yet.", for_s=wait_s)
