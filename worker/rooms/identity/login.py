"""A log-in with password and second factor; passwords and second factors set. SQL decides, Python computes hashes and codes.

    try:
        opened = log_in(conn, "ann@example.com", password)
    except SecondFactorNeeded as needed:
        opened = give_code(conn, needed.challenge, "123456", keys)  # keys: worker.secrets.Keyring

The connection is in autocommit and outside a transaction: a failed log-in is counted, and a code used up, whatever the caller does then.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import NoReturn
from uuid import UUID

from psycopg.pq import TransactionStatus

from reelq.worker import passwords
from reelq.worker.db.calls import Connection, rows, run, scalar
from reelq.worker.db.connection import family
from reelq.worker.errors import NotAuthenticated
from reelq.worker.rooms.identity.tokens import argon2_parameters
from reelq.worker.rooms.identity.users import show_user
from reelq.worker.secrets import Keyring

PLACE = "identity.users"  # where the secret of a second factor is sealed for
COLUMN = "two_factor_secret"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks for a log-in: told to the database for its transactions alone, so that connections may be shared, also behind a pooler."""

    tenant_id: UUID | None = None  # None: accounts of all tenants
    client_ip: str | None = None
    user_agent: str | None = None
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class Begun:
    """The first step: how to hash what was given."""

    attempt: UUID
    recipe: str
    decoy: str | None


@dataclass(frozen=True, slots=True)
class Answer:
    """The second step: what SQL decided."""

    outcome: str  # in, second_factor, password_right or refused
    user_id: UUID | None
    tenant_id: UUID | None
    session_id: UUID | None
    token: str | None = field(repr=False)
    expires_at: datetime | None
    challenge: UUID | None = field(repr=False)
    hash_again: bool | None


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """A session; the token is told this once."""

    user_id: UUID
    tenant_id: UUID
    session_id: UUID
    token: str = field(repr=False)
    expires_at: datetime
    codes_left: int | None = None  # recovery codes that are good, where a second factor was given


@dataclass(frozen=True, slots=True)
class _Last:
    """The last step, with a second factor."""

    outcome: str
    user_id: UUID | None
    tenant_id: UUID | None
    session_id: UUID | None
    token: str | None = field(repr=False)
    expires_at: datetime | None
    codes_left: int | None


@dataclass(frozen=True, slots=True)
class _Challenge:
    """What a code is checked with."""

    user_id: UUID
    sealed_secret: bytes = field(repr=False)
    at_time: datetime


class SecondFactorNeeded(NotAuthenticated):
    """The password was right; call give_code with `challenge`, which is good for one code and five minutes."""

    def __init__(self, challenge: UUID) -> None:
        super().__init__("a code of the second factor is needed", "Give the six digits that the device shows, or a recovery code.")
        self.challenge = challenge


def begin_login(conn: Connection, email: str) -> Begun:
    """Count a log-in, and learn how its password is hashed."""
    (begun,) = rows(conn, Begun, "select * from identity.begin_login(%s)", [email])
    return begun


def give_proof(conn: Connection, attempt: UUID, proof: bytes) -> None:
    """Give what was typed, once; committed before it is judged, so that a rollback brings no second guess."""
    run(conn, "select identity.give_proof(%s, %s)", [attempt, proof])


def finish_login(conn: Connection, attempt: UUID, device: str | None = None, open_session: bool = True) -> Answer:
    """Say whether it was right."""
    (answer,) = rows(conn, Answer, "select * from identity.finish_login(%s, %s, %s)", [attempt, device, open_session])
    return answer


def finish_second_factor(conn: Connection, challenge: UUID, step: int | None, recovery: bytes | None, device: str | None = None) -> LoggedIn:
    """Give the step whose code was right, or the hash of a recovery code; NotAuthenticated when it may not be used."""
    (last,) = _last(conn, challenge, step, recovery, device)
    return _opened(conn, last)


def _last(conn: Connection, challenge: UUID, step: int | None, recovery: bytes | None, device: str | None) -> list[_Last]:
    """What SQL decided of a code."""
    return rows(conn, _Last, "select * from identity.finish_second_factor(%s, %s, %s, %s)", [challenge, step, recovery, device])


def _opened(conn: Connection, last: _Last) -> LoggedIn:
    """The session; NotAuthenticated when there is none. Outside the transaction, so that what was written down stays."""
    if last.user_id is None or last.tenant_id is None or last.session_id is None or last.token is None or last.expires_at is None:
        refuse(conn)
    return LoggedIn(last.user_id, last.tenant_id, last.session_id, last.token, last.expires_at, last.codes_left)


def log_in(conn: Connection, email: str, password: str, *, device: str | None = None, caller: Caller | None = None) -> LoggedIn:
    """A session for a password. Each call counts as one try. `caller` is who asks: see Caller.

    Raises:
        SecondFactorNeeded: the password was right, and the account has a second factor.
        NotAuthenticated: RQ014, one wording for everything that was wrong.
    """
    answer, attempt, recipe = _try(conn, email, password, device, caller, open_session=True)
    if answer.user_id is None or answer.tenant_id is None:
        refuse(conn)
    if answer.hash_again and passwords.may_hash_again(password, recipe):
        made = passwords.hash_password(password, argon2_parameters(conn))
        with _acting(conn, caller):
            scalar(conn, "select identity.hash_again(%s, %s)", [attempt, made])
    if answer.challenge is not None:
        raise SecondFactorNeeded(answer.challenge)
    if answer.session_id is None or answer.token is None or answer.expires_at is None:
        refuse(conn)
    return LoggedIn(answer.user_id, answer.tenant_id, answer.session_id, answer.token, answer.expires_at)


def give_code(conn: Connection, challenge: UUID, code: str, keys: Keyring, *, device: str | None = None, caller: Caller | None = None) -> LoggedIn:
    """A session for the code of a second factor, or for a recovery code. A challenge is good for one code; then begin anew.

    Raises:
        NotAuthenticated: RQ014, the same words as before.
    """
    _check_outside(conn)
    with _acting(conn, caller):
        (found,) = rows(conn, _Challenge, "select * from identity.show_challenge(%s)", [challenge])
    step, recovery = None, None
    if passwords.looks_like_code(code):
        secret = keys.unseal(found.sealed_secret, table=PLACE, row=found.user_id, column=COLUMN).decode()
        step = passwords.totp_step(secret, code, found.at_time)
    else:
        recovery = passwords.recovery_hash(code)
    with _acting(conn, caller):
        (last,) = _last(conn, challenge, step, recovery, device)
    return _opened(conn, last)


def check_password(conn: Connection, email: str, password: str, *, caller: Caller | None = None) -> UUID:
    """The user of a right password, without a session: before something that wants it once more. Counts as a log-in."""
    answer, _, _ = _try(conn, email, password, None, caller, open_session=False)
    if answer.outcome != "password_right" or answer.user_id is None:
        refuse(conn)
    return answer.user_id


def set_password(conn: Connection, user_id: UUID, password: str, *, but: UUID | None = None) -> None:
    """Give another password; the sessions end, but for the one `but`. WeakPassword when it is too short or their address."""
    passwords.check(password, show_user(conn, user_id).email)
    made = passwords.hash_password(password, argon2_parameters(conn))
    run(conn, "select identity.set_password(%s, %s, %s)", [user_id, made, but])


def set_password_hash(conn: Connection, user_id: UUID, password_hash: str) -> None:
    """Take over a hash that another system made: bcrypt, or argon2id. The next log-in makes ours of it."""
    run(conn, "select identity.set_password(%s, %s)", [user_id, password_hash])


def enrol_second_factor(conn: Connection, user_id: UUID, keys: Keyring) -> str:
    """Begin a second factor; its secret in base32, for `passwords.totp_uri` and the user's device. Told this once."""
    secret = passwords.new_totp_secret()
    sealed = keys.seal(secret.encode(), table=PLACE, row=user_id, column=COLUMN)
    run(conn, "select identity.enrol_second_factor(%s, %s)", [user_id, sealed])
    return secret


def confirm_second_factor(conn: Connection, user_id: UUID, keys: Keyring, code: str) -> list[str]:
    """The user has shown a code: it is asked for from now on. Ten recovery codes, told this once. NotAuthenticated for a wrong code."""
    sealed = scalar(conn, "select identity.second_factor_secret(%s)", [user_id])
    secret = keys.unseal(sealed, table=PLACE, row=user_id, column=COLUMN).decode()
    step = passwords.totp_step(secret, code, scalar(conn, "select base.clock()"))
    codes = passwords.new_recovery_codes()
    hashes = [passwords.recovery_hash(one) for one in codes]
    run(conn, "select identity.confirm_second_factor(%s, %s, %s)", [user_id, step, hashes])
    return codes


def drop_second_factor(conn: Connection, user_id: UUID, *, but: UUID | None = None) -> None:
    """Take it away, with its recovery codes; the sessions end, but for the one `but`."""
    run(conn, "select identity.drop_second_factor(%s, %s)", [user_id, but])


def refuse(conn: Connection) -> NoReturn:
    """Raise the one refusal, in the words of identity.refuse_credentials."""
    run(conn, "select identity.refuse_credentials()")
    raise AssertionError("identity.refuse_credentials must raise")


def _kept(text: str) -> str:
    """A text with "?" for what Postgres cannot keep."""
    return text.replace("\0", "?").encode("utf-8", "replace").decode()


@contextmanager
def _acting(conn: Connection, caller: Caller | None) -> Iterator[None]:
    """A transaction that acts for the caller, and leaves nothing of them on the connection; without one, the settings of the session."""
    with family(), conn.transaction():
        if caller is not None:
            told = {
                "tenant_id": caller.tenant_id, "user_id": None, "api_key_id": None, "client_ip": caller.client_ip,
                "user_agent": caller.user_agent, "request_id": caller.request_id,
            }  # fmt: skip
            for name, value in told.items():
                run(conn, "select set_config(%s, %s, true)", [f"reelq.{name}", "" if value is None else _kept(str(value))])
        yield


def _check_outside(conn: Connection) -> None:
    """A rollback would take back that a try was counted, or a code used up."""
    if not conn.autocommit or conn.info.transaction_status != TransactionStatus.IDLE:
        raise ValueError("a log-in must begin outside a transaction, on a connection in autocommit: each try is counted in one of its own")


def _try(
    conn: Connection, email: str, password: str, device: str | None, caller: Caller | None, *, open_session: bool
) -> tuple[Answer, UUID, str]:
    """Both steps; the attempt that it was, and what its proof was made by."""
    _check_outside(conn)
    # What is longer than any address is of nobody.
    with _acting(conn, caller):
        begun = begin_login(conn, _kept(email[:1000]))
    proof = _proof(password, begun.recipe)
    if begun.decoy:
        _proof(password, begun.decoy)
    with _acting(conn, caller):
        give_proof(conn, begun.attempt, proof)
    with _acting(conn, caller):
        return finish_login(conn, begun.attempt, device, open_session), begun.attempt, begun.recipe


def _proof(password: str, recipe: str) -> bytes:
    """passwords.proof; of a hash that nothing can be checked with, one that is never right: refused like everything else."""
    try:
        return passwords.proof(password, recipe)
    except passwords.UnusableHash:
        return secrets.token_bytes(32)
