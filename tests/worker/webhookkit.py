"""Endpoints for tests: a key file, a webhook with a sealed secret, and workers that deliver."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

from reelq.worker.handlers import deliver_webhook, probe_webhook
from reelq.worker.rooms.ops import webhooks as room
from reelq.worker.secrets import Keyring, keyfile
from reelq.worker.secrets.keys import make_key
from reelq.worker.webhooks import secrets
from tests.sql.secretkit import settings_of

Conn = psycopg.Connection[Any]
MODULES = {"deliver_webhook": deliver_webhook, "probe_webhook": probe_webhook}


@dataclass(frozen=True)
class Keys:
    """A key file of this test's."""

    path: Path
    ring: Keyring


def make_keys(folder: Path) -> Keys:
    """A file with one key."""
    path = folder / "secrets"
    made = keyfile.entry(make_key())
    keyfile.create(path, keyfile.KeyFile(made.key.key_id, (made,)))
    return Keys(path, Keyring.load(settings_of(path)))


@dataclass(frozen=True)
class Hook:
    """An endpoint and its secret."""

    id: UUID
    secret: str


def add_hook(conn: Conn, keys: Keys, url: str, *events: str, tenant: str | None = None) -> Hook:
    """An endpoint of the tenant `default`, unless another is named."""
    made = secrets.make(keys.ring)
    return Hook(room.create_webhook(conn, url, made.id, made.sealed, events=events or ("*",), tenant=tenant), made.secret)


def emit(conn: Conn, count: int = 1, key: str = "thing:{n}", event_type: str = "video.ready", tenant: str = "default") -> None:
    """So many events of a tenant, each with a number; {n} in the key is the number."""
    conn.execute(
        "select base.emit_event(%s, t.id, replace(%s, '{n}', n::text), jsonb_build_object('n', n)) "
        "from identity.tenants as t cross join generate_series(1, %s) as n where t.slug = %s",
        [event_type, key, count, tenant],
    )


def numbers(receiver: Any) -> list[int]:
    """The numbers of the events that arrived, in order, each once: at least once is what is promised."""
    found: dict[str, int] = {}
    for one in receiver.received:
        found.setdefault(one.id, one.body["data"].get("n", 0))
    return list(found.values())
