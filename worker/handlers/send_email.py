"""send_email: mail a notification to its user, or a token that identity has made for them.

Reads the notification, or makes the token anew, at the last moment and under the fencing token; writes when it was sent, in the
transaction that completes the job. At least once: a mail that the server took right before the worker died is sent again, with
the same Message-ID. A token is made by each try, and an older mail's is void then: it stands in no table and in no job.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal
from urllib.parse import quote
from uuid import UUID

from reelq.worker import db
from reelq.worker.errors import LeaseLost, TransientError
from reelq.worker.jobs.context import JobContext
from reelq.worker.notices import mail
from reelq.worker.rooms.ops import notifications

EXAMPLE = {"notification_id": "01976b1e-5a3c-7d4e-8f00-0123456789ab"}
REQUIRES = None

SUBJECTS = {"verify_email": "Confirm your address", "reset_password": "Choose a new password", "invitation": "You are invited"}
OPENINGS = {
    "verify_email": "Confirm that this address is yours:",
    "reset_password": "Somebody, perhaps you, has asked for a new password of this account. Choose it here:",
    "invitation": "An account was made for you. Choose a password here:",
}


@dataclass(frozen=True, slots=True)
class Args:
    """What is mailed: one of the two."""

    notification_id: Annotated[UUID | None, "A row of ops.notifications."] = None
    token: Annotated[
        Literal["verify_email", "reset_password", "invitation"] | None, "A token of identity for the job's user; made when it is mailed."
    ] = None

    def __post_init__(self) -> None:
        if (self.notification_id is None) == (self.token is None):
            raise ValueError("notification_id or token must be given, and not both")


def run(args: Args, ctx: JobContext) -> dict[str, Any]:
    """Mail it, unless there is a reason not to."""
    if not ctx.settings.smtp_host:
        raise TransientError("worker_misconfigured", "This host sends no mail: it has no REELQ_SMTP_HOST.")
    letter = _notification(ctx) if args.notification_id else _token(ctx)
    if isinstance(letter, str):
        return {"sent": False, "because": letter}
    mail.send(mail.write(letter, ctx.settings), ctx.settings, ctx.stop)
    if args.notification_id:
        sent = args.notification_id

        def write(conn: db.Connection) -> None:
            notifications.note_sent(conn, sent, "email")

        ctx.on_complete(write)
    return {"sent": True}


def _notification(ctx: JobContext) -> mail.Letter | str:
    """The mail of a notification, or why none is sent."""
    found = _under_token(ctx, notifications.mail_to_send)
    if found is None:
        return "gone"
    if found.not_sent_because:
        return str(found.not_sent_because)
    link = found.action_url
    if link and link.startswith("/"):  # a path leads nowhere in a mail, unless it is known where the application is
        link = f"{ctx.settings.app_url}{link}" if ctx.settings.app_url else None
    values = {"title": found.title, "message": found.message, "link": link, "label": found.action_label, "tenant": found.tenant}
    return mail.Letter(found.notification_id, found.send_to, found.title, "notification", values)


def _token(ctx: JobContext) -> mail.Letter | str:
    """The mail of a token, or why none is sent."""
    found = _under_token(ctx, notifications.token_to_mail)
    if found is None:
        return "used, replaced or too old"
    link = ctx.settings.mail_token_url.replace("{purpose}", found.purpose).replace("{token}", quote(found.token)) or None
    subject = SUBJECTS[found.purpose]
    values = {
        "subject": subject, "opening": OPENINGS[found.purpose], "link": link, "token": found.token, "tenant": found.tenant,
        "expires_at": f"{found.expires_at:%Y-%m-%d %H:%M} UTC",
    }  # fmt: skip
    return mail.Letter(ctx.job.job_id, found.send_to, subject, "token", values)


def _under_token(ctx: JobContext, call: Any) -> Any:
    try:
        return ctx.pool.insist(ctx.stop, call, ctx.job.job_id, ctx.job.token)
    except LeaseLost:
        ctx.stop.set("lease_lost")
        ctx.stop.check()
        raise
