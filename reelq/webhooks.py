"""Receive webhooks (Standard Webhooks): reelq's own, and those of any sender that signs in the same way.

    import reelq.webhooks

    with conn.transaction():
        event = reelq.webhooks.receive(conn, request.headers, request.body, secret)
        if event is not None:  # None: it came before, and had its effect
            ...                # in this transaction: all of it commits together

`verify` alone says whether a message is genuine and fresh; `receive` also lets it have its effect once. docs/embed.md shows it at work.
"""

from __future__ import annotations

from reelq.worker.incoming import Event as Event
from reelq.worker.incoming import WebhookRefused as WebhookRefused
from reelq.worker.incoming import receive as receive
from reelq.worker.incoming import verify as verify

__all__ = ["Event", "WebhookRefused", "receive", "verify"]
