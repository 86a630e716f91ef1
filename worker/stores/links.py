"""Links to objects of a folder store: signed by us, good until a moment.

A link is `PUBLIC_URL/KEY?expires=UNIX_SECONDS&signature=HEX`. The signature is HMAC-SHA-256 over
the key and the moment, so neither can be changed. Whatever serves the folder calls `verify`.
"""

from __future__ import annotations

import hashlib
import hmac
from urllib.parse import parse_qs, quote, unquote, urlsplit


def sign(public_url: str, key: str, secret: str, expires_at: int) -> str:
    """The link to `key` that ends at `expires_at` (seconds since 1970)."""
    return f"{public_url}/{quote(key)}?expires={expires_at}&signature={_signature(key, secret, expires_at)}"


def verify(public_url: str, url: str, secret: str, now: float) -> str | None:
    """The key that `url` may read at `now` (seconds since 1970); None when it may not."""
    link, base = urlsplit(url), urlsplit(public_url)
    fields = parse_qs(link.query, keep_blank_values=True)
    if not secret or sorted(fields) != ["expires", "signature"]:
        return None
    if any(len(found) != 1 for found in fields.values()):
        return None
    if link[:2] != base[:2] or not link.path.startswith(f"{base.path}/"):
        return None
    key, moment = unquote(link.path[len(base.path) + 1 :]), fields["expires"][0]
    if not (moment.isascii() and moment.isdigit() and len(moment) < 16) or int(moment) <= now:
        return None
    expected = _signature(key, secret, int(moment)).encode()
    return key if hmac.compare_digest(expected, fields["signature"][0].encode("utf-8", "replace")) else None


def _signature(key: str, secret: str, expires_at: int) -> str:
    text = f"reelq-link-1\n{expires_at}\n{key}"
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()
