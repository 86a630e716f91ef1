"""Sealed rows for tests: envelopes of the right shape for SQL, real ones for what opens them."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

from reelq.worker import settings as worker_settings
from reelq.worker.secrets import Keyring
from reelq.worker.settings import Settings

Conn = psycopg.Connection[Any]
PLACE = {"table": "identity.users", "column": "two_factor_secret"}
CHECK_VALUE = "0123456789abcdef"


def shaped(key_id: str, text: str = "x") -> bytes:
    """What base.is_envelope takes; nobody can open it."""
    return bytes((1, len(key_id))) + key_id.encode() + b"n" * 12 + text.encode() + b"t" * 16


def add_users(conn: Conn, count: int, envelope: bytes | None, name: str = "u") -> list[UUID]:
    """So many users of the tenant `default`, each with that envelope."""
    found = conn.execute(
        "insert into identity.users (tenant_id, email, two_factor_secret)"
        " select (select id from identity.tenants where slug = 'default'), %s || n || '@example.com', %s from generate_series(1, %s) as n returning id",
        [name, envelope, count],
    )
    return [row[0] for row in found]


def seal_users(conn: Conn, keys: Keyring, count: int, name: str = "sealed") -> dict[UUID, bytes]:
    """So many users with a secret of their own each; their ids and what was sealed."""
    plain = {user: f"JBSWY3DPEHPK3PXP-{name}-{number}".encode() for number, user in enumerate(add_users(conn, count, None, name))}
    with conn.cursor() as cursor:
        sealed = [(keys.seal(text, row=user, **PLACE), user) for user, text in plain.items()]
        cursor.executemany("update identity.users set two_factor_secret = %s where id = %s", sealed)
    return plain


def opened(conn: Conn, keys: Keyring) -> dict[UUID, bytes]:
    """What is sealed in every user, opened."""
    found = conn.execute("select id, two_factor_secret from identity.users where two_factor_secret is not null").fetchall()
    return {user: keys.unseal(sealed, row=user, **PLACE) for user, sealed in found}


def key_ids(conn: Conn) -> dict[str, int]:
    """How many rows are under which key, by reading them all."""
    return dict(conn.execute("select base.envelope_key(two_factor_secret), count(*) from identity.users where two_factor_secret is not null group by 1").fetchall())


def settings_of(path: Path, dsn: str = "") -> Settings:
    """Settings that name a key file."""
    return worker_settings.load({"REELQ_SECRETS_FILE": str(path), "DATABASE_URL": dsn})
