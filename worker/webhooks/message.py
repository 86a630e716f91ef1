"""An event as it goes over the wire: the body, and the headers that sign it.

The body of an event is the same at every attempt, and its id too; the time is that of the attempt, so that an old request
cannot be sent again by somebody else.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from standardwebhooks import Webhook

USER_AGENT = b"reelq-webhooks"


def body_of(event: Mapping[str, Any]) -> bytes:
    """type, timestamp and data, as compact JSON."""
    parts = {"type": event["type"], "timestamp": event["timestamp"], "data": event["data"]}
    return json.dumps(parts, separators=(",", ":"), ensure_ascii=False).encode()


def headers_of(event_id: str, body: bytes, signers: Sequence[Webhook], at: datetime | None = None) -> list[tuple[bytes, bytes]]:
    """The headers of one attempt: a signature by each secret that is good now."""
    at = at or datetime.now(UTC)
    name, text = f"msg_{event_id}", body.decode()
    signature = " ".join(one.sign(msg_id=name, timestamp=at, data=text) for one in signers)
    return [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"accept", b"*/*"),
        (b"accept-encoding", b"identity"),
        (b"user-agent", USER_AGENT),
        (b"webhook-id", name.encode()),
        (b"webhook-timestamp", str(int(at.timestamp())).encode()),
        (b"webhook-signature", signature.encode()),
    ]
