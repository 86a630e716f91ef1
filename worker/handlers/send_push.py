"""send_push: push a notification to one browser of its user.

Reads notification and subscription at the last moment and under the fencing token; writes when it was pushed, or removes a
subscription that the push service says is over, in the transaction that completes the job. At least once: what the service took
right before the worker died is pushed again; it bears the same topic and id, so that a browser that was away gets one, and one
that was not can tell.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from reelq.worker import db
from reelq.worker.errors import LeaseLost, TransientError
from reelq.worker.jobs.context import JobContext
from reelq.worker.notices import push
from reelq.worker.rooms.ops import notifications

EXAMPLE = {"notification_id": "01976b1e-5a3c-7d4e-8f00-0123456789ab", "subscription_id": "01976b1e-5a3c-7d4e-8f00-ba9876543210"}
REQUIRES = None


@dataclass(frozen=True, slots=True)
class Args:
    """What is pushed, and where to."""

    notification_id: Annotated[UUID, "A row of ops.notifications."]
    subscription_id: Annotated[UUID, "A row of ops.push_subscriptions."]


def run(args: Args, ctx: JobContext) -> dict[str, Any]:
    """Push it, unless there is a reason not to."""
    if not ctx.settings.vapid_private_key:
        raise TransientError("worker_misconfigured", "This host pushes nothing: it has no REELQ_VAPID_PRIVATE_KEY.")
    try:
        found = ctx.pool.insist(ctx.stop, notifications.push_to_send, ctx.job.job_id, ctx.job.token)
    except LeaseLost:
        ctx.stop.set("lease_lost")
        ctx.stop.check()
        raise
    if found is None or found.not_sent_because:
        return {"sent": False, "because": "gone" if found is None else found.not_sent_because}
    values = {
        "id": str(found.notification_id), "type": found.type, "title": found.title, "message": found.message, "action_url": found.action_url,
    }  # fmt: skip
    to = push.Subscription(found.endpoint, found.p256dh, found.auth)
    try:
        push.send(to, push.content(values), topic=found.notification_id, expires_at=found.expires_at, settings=ctx.settings, stop=ctx.stop)
    except push.SubscriptionGone as gone:

        def forget(conn: db.Connection) -> None:
            notifications.forget_push_subscription(conn, args.subscription_id)

        ctx.on_complete(forget)
        return {"sent": False, "because": f"the subscription is over: {gone}"}

    def write(conn: db.Connection) -> None:
        notifications.note_sent(conn, args.notification_id, "push")

    ctx.on_complete(write)
    return {"sent": True}
