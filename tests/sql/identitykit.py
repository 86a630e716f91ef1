"""Accounts for the tests of log-ins, sessions and tokens: cheap hashes, and a caller as which one acts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import sql
from psycopg.rows import dict_row

from reelq.worker import passwords
from reelq.worker.rooms.identity import login
from tests.sql.mediakit import Conn, scalar

PASSWORD = "correct horse battery"
WRONG = "wrong horse battery"
CHEAP = "$argon2id$v=19$m=64,t=1,p=1"
HASH = passwords.hash_password(PASSWORD, CHEAP)
NOT_AUTHENTICATED = ("RQ014", "not authenticated", "Check what was given. After several wrong tries wait some minutes, or reset the password.")


def make_cheap(conn: Conn) -> None:
    """Let a hash take a tenth of a millisecond: less than identity.set_login_setting would allow."""
    conn.execute(
        "update identity.login_settings set value = case name when 'argon2_memory_kib' then '64' when 'bcrypt_cost' then '4' else '1' end "
        "where name in ('argon2_memory_kib', 'argon2_passes', 'bcrypt_cost')"
    )


def add_user(conn: Conn, email: str = "ann@example.com", role: str = "member", tenant: UUID | None = None, password_hash: str | None = HASH) -> UUID:
    """An account, as the owner makes it; of the tenant "default" where none is given."""
    made: UUID = scalar(
        conn,
        "insert into identity.users (tenant_id, email, role, password_hash) "
        "values (coalesce(%s, (select id from identity.tenants where slug = 'default')), %s, %s, %s) returning id",
        tenant, email, role, password_hash,
    )  # fmt: skip
    return made


def one(conn: Conn, query: str, *args: Any) -> dict[str, Any]:
    """The one row."""
    with conn.cursor(row_factory=dict_row) as cursor:
        (found,) = cursor.execute(query.encode(), args).fetchall()
    return found


def told(conn: Conn, query: str, *args: Any) -> tuple[str | None, str | None, str | None]:
    """Code, words and hint of a refusal; the ids that were asked for are left out."""
    with pytest.raises(psycopg.Error) as caught:
        conn.execute(query.encode(), args)
    words = caught.value.diag.message_primary or ""
    for given in args:
        words = words.replace(str(given), "ID")
    return caught.value.sqlstate, words, caught.value.diag.message_hint


def judge(conn: Conn, attempt: UUID, proof: bytes) -> login.Answer:
    """The steps after the first."""
    login.give_proof(conn, attempt, proof)
    return login.finish_login(conn, attempt)


def try_login(conn: Conn, email: str, password: str = PASSWORD) -> login.Answer:
    """Both steps, as a program does them."""
    begun = login.begin_login(conn, email)
    return judge(conn, begun.attempt, passwords.proof(password, begun.recipe))


@dataclass(frozen=True)
class Caller:
    """Somebody who asks: a role, and perhaps a tenant and a user of it."""

    conn: Conn

    def __call__(self, query: str, *args: Any) -> str:
        """"ok", or the code of the refusal; nothing stays."""
        try:
            with self.conn.transaction(force_rollback=True):
                self.conn.execute(query.encode(), args)
        except psycopg.Error as error:
            return error.sqlstate or ""
        return "ok"


def become(conn: Conn, role: str, tenant: UUID | None = None, user: UUID | None = None) -> Caller:
    """Let a connection act as a role, for a tenant, as a user."""
    conn.execute(sql.SQL("set role {}").format(sql.Identifier(role)))
    conn.execute("select set_config('reelq.tenant_id', %s, false), set_config('reelq.user_id', %s, false)", [str(tenant or ""), str(user or "")])
    return Caller(conn)
