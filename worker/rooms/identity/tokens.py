"""What is mailed and used once, as typed calls. One line of SQL each. Sending is the caller's, to `send_to` and to nobody else."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from reelq.worker import passwords
from reelq.worker.db.calls import Connection, rows, scalar


@dataclass(frozen=True, slots=True)
class Mail:
    """A token, and where it goes; nowhere when `send_to` is None: say the same to whoever asked."""

    token: str = field(repr=False)
    send_to: str | None


@dataclass(frozen=True, slots=True)
class Invitation:
    """A token for a user who was made just now, or has not come yet."""

    user_id: UUID
    token: str = field(repr=False)
    send_to: str


@dataclass(frozen=True, slots=True)
class Token:
    """What a token is for."""

    purpose: str
    email: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Proved:
    """An address that is the user's from now on."""

    user_id: UUID
    told_to: str | None  # the address of before: mail there that it was changed; None: it is the same


def invite_user(conn: Connection, email: str, role: str = "member", full_name: str | None = None, tenant_id: UUID | None = None) -> Invitation:
    """Make an account whose user chooses a password with the token."""
    (made,) = rows(conn, Invitation, "select * from identity.invite_user(%s, %s, %s, %s)", [email, role, full_name, tenant_id])
    return made


def request_reset(conn: Connection, email: str) -> Mail:
    """Somebody has forgotten the password of an address, which may be nobody's."""
    (made,) = rows(conn, Mail, "select * from identity.request_reset(%s)", [email])
    return made


def request_verification(conn: Connection, user_id: UUID, email: str | None = None) -> Mail:
    """A token that proves the user's address, or a new one that becomes theirs. NotPermitted for a new one when a user's log-in is old."""
    (made,) = rows(conn, Mail, "select * from identity.request_verification(%s, %s)", [user_id, email])
    return made


def show_token(conn: Connection, token: str) -> Token:
    """What it is for; it stays good. NotAuthenticated when it is not good."""
    (found,) = rows(conn, Token, "select * from identity.show_token(%s)", [token])
    return found


def use_password_token(conn: Connection, token: str, password: str) -> UUID:
    """Choose a password after a reset or an invitation; the user's id.

    Raises:
        NotAuthenticated: the token is not good.
        WeakPassword: it is too short or their address; the token stays good.
    """
    # Not in the token's transaction: hashing takes a while. Of two that come at once SQL takes one.
    passwords.check(password, show_token(conn, token).email)
    made = passwords.hash_password(password, argon2_parameters(conn))
    return scalar(conn, "select identity.use_password_token(%s, %s)", [token, made])  # type: ignore[no-any-return]


def verify_email(conn: Connection, token: str) -> Proved:
    """The address is proved. NotAuthenticated when the token is not good."""
    (proved,) = rows(conn, Proved, "select * from identity.verify_email(%s)", [token])
    return proved


def argon2_parameters(conn: Connection) -> str:
    """How a password is hashed now, as the beginning of its hash."""
    return scalar(conn, "select identity.argon2_parameters()")  # type: ignore[no-any-return]
