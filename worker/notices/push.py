"""Push a notification to a browser: encrypted for it (RFC 8291), signed by us (VAPID, RFC 8292), to the address that it gave (RFC 8030).

That address is a stranger's: only public addresses are connected to, no redirect is followed, nothing but the status is read,
and all of it ends after PUSH_S.
Sources: RFC 8030, sections 5 and 7.3; RFC 8291, section 4, read 2026-11-27.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx

from reelq.worker.errors import PermanentError, RateLimitedError, TransientError
from reelq.worker.notices import guarded_post, push_encryption, tls
from reelq.worker.settings import Settings
from reelq.worker.sources.address_policy import AddressGuard, Resolve, system_resolve
from reelq.worker.sources.http_responses import retry_after_s
from reelq.worker.stop import StopSignal

PUSH_S = 20.0  # for all of it
MOST_BYTES = 3_000  # of what is encrypted: every service takes 4,096 of the encrypted (RFC 8030, section 7.2)
MESSAGE_CHARS = 600
LONGEST_TTL_S = 28 * 86_400  # some services refuse more
SIGNED_FOR_S = 12 * 3_600  # RFC 8292: at most a day
RETRY_S = 60.0  # where a service says 429 and not when


class SubscriptionGone(Exception):
    """The push service says that the browser takes nothing more, or it never could."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """Where a browser takes messages, and how they are encrypted."""

    endpoint: str
    p256dh: str
    auth: str


def content(values: Mapping[str, Any]) -> bytes:
    """What the browser's service worker gets, as JSON; the longest text is cut so that every push service takes it."""
    shown = {name: value for name, value in values.items() if value is not None}
    chars = MESSAGE_CHARS
    while True:
        told = json.dumps(shown | {"message": str(values["message"])[:chars]}, ensure_ascii=False).encode()
        if len(told) <= MOST_BYTES or chars == 0:
            return told
        chars //= 2


def send(
    to: Subscription,
    told: bytes,
    *,
    topic: UUID,
    expires_at: datetime,
    settings: Settings,
    stop: StopSignal,
    resolve: Resolve = system_resolve,
) -> None:
    """Push it. When this returns the service has taken it; after an error it may have. Of one topic a browser that was away gets the last.

    Raises:
        SubscriptionGone: nothing can be pushed there, now or later.
        PermanentError: "address_refused", "push_refused".
        RateLimitedError: "push_busy".
        TransientError: "push_away", "name_unknown", "push_misconfigured".
        StopRequested: at once, also while the service is silent.
    """
    try:
        url = httpx.URL(to.endpoint)
    except (httpx.InvalidURL, ValueError) as error:  # as of a port that there is not
        raise SubscriptionGone("its address is none") from error
    try:
        body = push_encryption.encrypt(told, to.p256dh, to.auth)
    except ValueError as error:  # a key that is no point of the curve
        raise SubscriptionGone("its key is none") from error
    ttl_s = max(0, min(LONGEST_TTL_S, int((expires_at - datetime.now(UTC)).total_seconds())))
    headers = {
        "TTL": str(ttl_s),
        "Urgency": "normal",
        "Topic": base64.urlsafe_b64encode(topic.bytes).decode().rstrip("="),
        "Content-Encoding": "aes128gcm",
        "Content-Type": "application/octet-stream",
        "Authorization": _signature(url, settings),
    }
    guard = AddressGuard(allow_private=settings.allow_private_addresses, resolve=resolve)
    try:
        answer = guarded_post.post(url, body, headers, guard=guard, timeout_s=PUSH_S, stop=stop, tls=tls.context(settings))
    except guarded_post.NoAnswer as error:
        raise TransientError("push_away", "The push service does not answer.", detail=str(error)) from error
    _judge(answer)


def _signature(url: httpx.URL, settings: Settings) -> str:
    claims = {
        "aud": f"{url.scheme}://{url.netloc.decode()}",
        "sub": settings.vapid_subject,
        "exp": int(time.time()) + SIGNED_FOR_S,
    }
    try:
        key = push_encryption.private_key(settings.vapid_private_key)
    except (ValueError, TypeError):
        # Without the cause, which could quote the key.
        raise TransientError("push_misconfigured", "REELQ_VAPID_PRIVATE_KEY is no key of the curve P-256.") from None
    return push_encryption.authorization(key, claims)


def _judge(answer: guarded_post.Answer) -> None:
    """What the service's status means."""
    status = answer.status
    if 200 <= status < 300:
        return
    if status in (404, 410):
        raise SubscriptionGone(f"status {status}")
    asked_s = retry_after_s(answer.retry_after, time.time())
    if status == 429 or (status == 503 and asked_s is not None):
        raise RateLimitedError("push_busy", "The push service asks us to come back later.", retry_after_s=asked_s or RETRY_S)
    if status >= 500 or status in (408, 421, 425):
        raise TransientError("push_away", f"The push service failed with status {status}.")
    raise PermanentError("push_refused", f"The push service refuses the message with status {status}.")
