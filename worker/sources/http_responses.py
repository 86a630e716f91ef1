"""What the answers of a source's server mean: which error, how long to wait, what proves sameness.

Source: RFC 9110, sections 8.8.3 (ETag), 10.2.3 (Retry-After) and 15 (status codes), read 2026-11-21.
"""

from __future__ import annotations

import re
from email.utils import parsedate_to_datetime

import httpx

from reelq.worker.errors import JobError, PermanentError, RateLimitedError, TransientError

# When a server says 429 and no time, and when it says an absurd one.
RETRY_S, LONGEST_RETRY_S = 60.0, 24 * 3600.0


def check_scheme(url: httpx.URL) -> None:
    """Refuse all but http and https with a host that is a name or an address."""
    if url.scheme not in ("http", "https") or not re.fullmatch(rb"[A-Za-z0-9._:-]+", url.raw_host):
        raise PermanentError("source_refused", "Sources are fetched by http, https or s3 only.")


def validator(headers: httpx.Headers) -> str | None:
    """What proves that a later answer is of the same bytes; a weak ETag does not."""
    etag: str = headers.get("etag", "")
    if etag:
        return etag if etag.startswith('"') else None
    modified: str | None = headers.get("last-modified")
    return modified


def too_large(limit_bytes: int) -> PermanentError:
    """The source is larger than `limit_bytes`."""
    return PermanentError("source_too_large", f"The source is larger than the {limit_bytes:,} bytes allowed.")


def refusal(status: int, headers: httpx.Headers, now: float) -> JobError:
    """The error of ours for an answer that is not the file; `now` in seconds since 1970."""
    asked_s = retry_after_s(headers.get("retry-after"), now)
    if status == 429 or (status == 503 and asked_s is not None):
        return RateLimitedError("source_busy", "The source asks us to come back later.", retry_after_s=asked_s or RETRY_S)
    if status >= 500 or status in (408, 421, 425):
        return TransientError("source_away", f"The source's server failed with status {status}.")
    if status in (404, 410):
        return PermanentError("source_missing", f"The source is not there (status {status}).")
    if status in (401, 402, 403, 407, 451):
        return PermanentError("source_denied", f"The source may not be read (status {status}).")
    return PermanentError("source_refused", f"The source's server answered with status {status}.")


def retry_after_s(text: str | None, now: float) -> float | None:
    """Read Retry-After, seconds or a date, as seconds from `now`; None when it says nothing."""
    if text is None:
        return None
    try:
        asked = float(text) if text.strip().isdigit() else parsedate_to_datetime(text).timestamp() - now
    except (ValueError, OverflowError):
        return None
    return min(max(asked, 1.0), LONGEST_RETRY_S)
