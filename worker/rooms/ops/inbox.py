"""Messages from outside, each effective once. One line of SQL."""

from __future__ import annotations

from reelq.worker.db.calls import Connection, need_transaction, scalar


def receive_message(conn: Connection, source: str, message_id: str) -> bool:
    """Whether a message is here for the first time; in the transaction of its effect. ValueError where there is none."""
    need_transaction(conn, "receiving a message")
    return scalar(conn, "select ops.receive_message(%s, %s)", [source, message_id])  # type: ignore[no-any-return]
