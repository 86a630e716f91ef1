"""Webhooks that come in: genuine, fresh, and each with its effect once. The public face of this is reelq.webhooks.

Signatures are those of Standard Webhooks: HMAC-SHA256 over id, time and body. What bears a time more than five minutes from now is
refused, so that a message that somebody has recorded is of no use to them by the time that the inbox forgets it (30 days).

Source: Standard Webhooks specification 1.0.0, "Webhook metadata" and "Signature scheme", read 2026-11-27.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError

from reelq.worker.db.rows import Connection
from reelq.worker.errors import BadArgument, ReelqError
from reelq.worker.rooms.ops import inbox

SOURCE = "reelq"
# No dot: what is signed is <id>.<time>.<body>, and an id with one could take in a part of another message's body.
IDS = re.compile(r"[A-Za-z0-9_-]{1,255}")


class WebhookRefused(ReelqError):
    """It is not genuine, or not fresh, or no JSON object. Answer with status 400, and do nothing."""


@dataclass(frozen=True, slots=True)
class Event:
    """A message that is genuine and fresh."""

    id: str  # the same however often it is sent
    type: str  # as video.ready; "" where the sender says none
    sent_at: datetime  # of this try
    data: Any  # what `data` of the body holds
    body: dict[str, Any]  # all of it


def verify(headers: Mapping[str, str], body: bytes | str, secret: str | Sequence[str]) -> Event:
    """The event of a message that was signed with the secret, or one of several while it is changed; changes nothing.

    Args:
        headers: of the request, in whichever case.
        body: as it came, byte by byte; not JSON that was read and written again.
        secret: whsec_ and base64.

    Raises:
        WebhookRefused.
        BadArgument: a secret is none.
    """
    keys = [_key(one) for one in ([secret] if isinstance(secret, str) else secret)]
    given = {name.lower(): value for name, value in headers.items()}
    message_id = given.get("webhook-id", "")
    if not IDS.fullmatch(message_id):
        raise WebhookRefused("webhook-id must be 1 to 255 letters, digits, _ and -")
    try:
        text = body if isinstance(body, str) else body.decode()
    except UnicodeDecodeError:
        raise WebhookRefused("the body must be UTF-8") from None
    _check_signature(keys, given, text)
    try:
        read = json.loads(text)
    except (ValueError, RecursionError):
        read = None
    if not isinstance(read, dict):
        raise WebhookRefused("the body must be a JSON object")
    kind = read.get("type", "")
    return Event(
        message_id, kind if isinstance(kind, str) else "", datetime.fromtimestamp(float(given["webhook-timestamp"]), UTC), read.get("data"), read
    )


def receive(
    conn: Connection, headers: Mapping[str, str], body: bytes | str, secret: str | Sequence[str], *, source: str = SOURCE
) -> Event | None:
    """The event of a message that is here for the first time, in the transaction of its effect; None: it had its effect before.

    Call it first in the transaction, do what the event asks for in the same one, and answer with status 2xx after the commit, for
    None too. However often the message comes, by two at once or after a crash at any step, what you do commits once.

    Args:
        conn: psycopg 3, within a transaction; as an application, with reelq.tenant_id set.
        source: who sends, in your own word: ids of two senders may be alike.

    Raises:
        WebhookRefused.
        ValueError: the connection is in no transaction.
        BadArgument: a secret is none.
        NotFound: an application has not set reelq.tenant_id.
    """
    event = verify(headers, body, secret)
    return event if inbox.receive_message(conn, source, event.id) else None


def _check_signature(keys: Sequence[bytes], headers: Mapping[str, str], text: str) -> None:
    """One of the keys made one of the signatures, a short while ago."""
    for key in keys:
        try:
            Webhook(key).verify(text, dict(headers), json_parse=False)
        except WebhookVerificationError as error:
            told = str(error)
        except ValueError:  # a signature that is no "v1,<base64>"
            told = "Invalid Signature Headers"
        else:
            return
    raise WebhookRefused(f"the signature must be genuine and fresh: {told}")


def _key(secret: str) -> bytes:
    """The bytes of a secret; its text is repeated nowhere."""
    try:
        bare = secret.removeprefix("whsec_")
        key = base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True)
    except (ValueError, AttributeError):
        key = b""
    if len(key) < 16:
        raise BadArgument("a webhook secret must be whsec_ and base64 of at least 16 bytes", "As the sender shows it.")
    return key
