"""Notifications of users, and what is mailed and pushed of them. One line of SQL each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from reelq.worker.db.calls import Connection, rows, run, scalar

CHANNELS = ("in_app", "email", "push")


@dataclass(frozen=True, slots=True)
class Notification:
    """What a user is told."""

    id: UUID
    type: str
    title: str
    message: str
    action_url: str | None
    action_label: str | None
    created_at: datetime
    expires_at: datetime
    read_at: datetime | None
    email_sent_at: datetime | None
    push_sent_at: datetime | None


@dataclass(frozen=True, slots=True)
class Setting:
    """By which channels a user is told of a type."""

    type: str
    about: str
    in_app: bool
    email: bool
    push: bool
    chosen: list[str]  # channels about which the user has chosen; else it is the default


@dataclass(frozen=True, slots=True)
class MailToSend:
    """A notification that is to be mailed, unless there is a reason not to."""

    not_sent_because: str | None
    notification_id: UUID
    send_to: str
    type: str
    title: str
    message: str
    action_url: str | None
    action_label: str | None
    tenant: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class PushToSend:
    """A notification that is to be pushed to a browser, unless there is a reason not to."""

    not_sent_because: str | None
    notification_id: UUID
    subscription_id: UUID
    endpoint: str
    p256dh: str
    auth: str = field(repr=False)
    type: str
    title: str
    message: str
    action_url: str | None
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class TokenToMail:
    """A token that was made just now, for this one mail."""

    purpose: str
    token: str = field(repr=False)
    send_to: str
    expires_at: datetime
    tenant: str


def list_notifications(
    conn: Connection, user_id: UUID | None, unread: bool = False, limit: int = 50, after: UUID | None = None
) -> list[Notification]:
    """A user's, newest first."""
    return rows(conn, Notification, "select * from ops.list_notifications(%s, %s, %s, %s)", [user_id, unread, limit, after])


def count_unread(conn: Connection, user_id: UUID | None) -> int:
    """How many they have not read."""
    return scalar(conn, "select ops.count_unread(%s)", [user_id])  # type: ignore[no-any-return]


def mark_read(conn: Connection, ids: Sequence[UUID] | None, user_id: UUID | None) -> int:
    """They have read these, or all; how many were unread."""
    return scalar(conn, "select ops.mark_read(%s, %s)", [None if ids is None else list(ids), user_id])  # type: ignore[no-any-return]


def send_notification(
    conn: Connection, user_id: UUID, title: str, message: str, action_url: str | None = None, action_label: str | None = None,
    type: str = "notice.sent", expires_at: datetime | None = None,  # noqa: A002 - the column's name
) -> UUID | None:  # fmt: skip
    """Tell a user something; None: they want to hear of this by no channel."""
    arguments = [user_id, title, message, action_url, action_label, type, expires_at]
    return scalar(conn, "select ops.send_notification(%s, %s, %s, %s, %s, %s, %s)", arguments)  # type: ignore[no-any-return]


def list_settings(conn: Connection, user_id: UUID | None) -> list[Setting]:
    """By which channels a user is told of what."""
    return rows(conn, Setting, "select * from ops.list_notification_settings(%s)", [user_id])


def set_setting(conn: Connection, channel: str, is_on: bool | None, type: str, user_id: UUID | None) -> None:  # noqa: A002 - the column's name
    """They choose it; None: as the type has it by itself."""
    run(conn, "select ops.set_notification_setting(%s, %s, %s, %s)", [channel, is_on, type, user_id])


def purge(conn: Connection, limit: int = 1000) -> int:
    """Remove what has expired, a part; how many rows went."""
    return scalar(conn, "select ops.purge_notifications(%s)", [limit])  # type: ignore[no-any-return]


def mail_to_send(conn: Connection, job_id: UUID, token: int) -> MailToSend | None:
    """What a running job mails; None: it is gone. LeaseLost when the job is not ours."""
    return next(iter(rows(conn, MailToSend, "select * from ops.mail_to_send(%s, %s)", [job_id, token])), None)


def push_to_send(conn: Connection, job_id: UUID, token: int) -> PushToSend | None:
    """What a running job pushes; None: it is gone. LeaseLost when the job is not ours."""
    return next(iter(rows(conn, PushToSend, "select * from ops.push_to_send(%s, %s)", [job_id, token])), None)


def token_to_mail(conn: Connection, job_id: UUID, token: int) -> TokenToMail | None:
    """Make the token that a running job mails; None: there is none to be made. LeaseLost when the job is not ours."""
    return next(iter(rows(conn, TokenToMail, "select * from ops.token_to_mail(%s, %s)", [job_id, token])), None)


def note_sent(conn: Connection, notification_id: UUID, channel: str) -> None:
    """A mail server or push service took it."""
    run(conn, "select ops.note_sent(%s, %s)", [notification_id, channel])


def forget_push_subscription(conn: Connection, subscription_id: UUID) -> None:
    """It is over."""
    run(conn, "select ops.forget_push_subscription(%s)", [subscription_id])
