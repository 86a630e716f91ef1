"""Deliveries by a real worker to a strict receiver: signed, in order per key, held while an endpoint fails, and never twice in effect."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg

from tests.fakes import webhook_receiver as fake
from tests.worker.runnerkit import until, working
from tests.worker.webhookkit import MODULES, add_hook, emit, make_keys, numbers

Conn = psycopg.Connection[Any]


def flags(keys: Any, **more: Any) -> dict[str, Any]:
    return {"secrets_file": str(keys.path), "allow_private_addresses": True, "slots": 4, **more}


def test_events_arrive_signed_and_in_order_of_their_key(dsn: str, conn: Conn, tmp_path: Path) -> None:
    """Each once where nothing goes wrong, of one key in order, over few connections; both secrets sign while one takes the other's place."""
    keys = make_keys(tmp_path)
    with fake.receiving() as receiver, working(dsn, tmp_path, MODULES, **flags(keys)):
        hook = add_hook(conn, keys, receiver.url, "video.*")
        receiver.secret = hook.secret
        emit(conn, 300, key="same")
        emit(conn, 5, event_type="job.failed")
        until(lambda: len(receiver.received) == 300, "300 deliveries")
        assert numbers(receiver) == list(range(1, 301))
        assert receiver.refused == []
        assert receiver.connections <= 4
        (row,) = conn.execute("select failures, last_success_at is not null from ops.webhooks").fetchall()
        assert row == (0, True)
