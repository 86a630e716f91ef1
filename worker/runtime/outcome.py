"""How an attempt ended, and which ending an error means."""

from __future__ import annotations

import errno
import json
import math
import re
import traceback
from dataclasses import dataclass, field
from typing import Any

from reelq.worker.errors import (
    DatabaseAway,
    JobError,
    NotAllowed,
    NotFound,
    PermanentError,
    RateLimitedError,
    SettingsError,
    SnoozeError,
    TenantInactive,
)

RESULT_BYTES = 48 * 1024  # as JSON text; the queue takes 64 kB in its own, larger, form
STACK_CHARS = 16_000
MESSAGE_CHARS = 2_000
LONGEST_SNOOZE_S = 365 * 86_400.0

INTERNAL = "The worker met an error of its own; operators find the details with the attempt."
# What an attempt is told when it was stopped, by reason; cancelled, lease_lost and shutdown are no errors of the job.
STOPPED = {
    "time_limit": "The job ran longer than its type may.",
    "stalled": "The job made no headway for longer than its type may.",
}


@dataclass(frozen=True, slots=True)
class AttemptOutcome:
    """What goes to the queue. `kind`: completed, failed, snoozed, released, or lost (the lease is).

    `settled` is the job's new status when the attempt has settled itself.
    """

    kind: str
    result: dict[str, Any] = field(default_factory=dict)
    error_class: str | None = None
    code: str | None = None
    message: str | None = None
    stack: str | None = None
    stderr: str | None = None
    retry_after_s: float | None = None
    settled: str | None = None


COMPLETED = AttemptOutcome("completed")  # with nothing to tell
TEXT = json.JSONEncoder(allow_nan=False)


def completed(result: Any) -> AttemptOutcome:
    """The handler returned `result`.

    Raises:
        PermanentError: "bad_result", it is no small JSON object.
    """
    if result is None or result == {}:
        return COMPLETED
    try:
        text = TEXT.encode(result)
    except (TypeError, ValueError, RecursionError) as error:
        raise PermanentError("bad_result", INTERNAL, detail=f"not JSON: {error}") from error
    if not isinstance(result, dict) or len(text) > RESULT_BYTES:
        raise PermanentError("bad_result", INTERNAL, detail=f"no object of at most {RESULT_BYTES} bytes")
    return AttemptOutcome("completed", json.loads(text.replace("\\u0000", "")))  # Postgres keeps no NUL


def stopped(reason: str, error: BaseException | None = None) -> AttemptOutcome:
    """The attempt was told to end."""
    if reason == "cancelled":
        return AttemptOutcome("failed", error_class="cancelled", code="cancelled", message="The job was cancelled while it ran.")
    if reason == "lease_lost":
        return AttemptOutcome("lost", message="lease_lost")
    if reason == "shutdown":
        return AttemptOutcome("released", message="shutdown")
    return AttemptOutcome("failed", error_class="transient", code=reason, message=STOPPED[reason], stack=stack_of(error))


def failed(error: BaseException, stderr: str = "") -> AttemptOutcome:
    """The handler raised `error`."""
    if isinstance(error, SnoozeError):
        for_s = min(max(error.for_s, 0.0), LONGEST_SNOOZE_S)
        return AttemptOutcome("snoozed", code=error.code, message=_sentence(str(error)), retry_after_s=for_s)
    known = error if isinstance(error, JobError) else _known(error)
    wait_s = known.retry_after_s if isinstance(known, RateLimitedError) and math.isfinite(known.retry_after_s) else None
    detail = f"{known.detail}\n\n" if known.detail and known.detail != stderr else ""
    return AttemptOutcome(
        "failed",
        error_class=known.error_class,
        code=_word(known.code),
        message=_sentence(str(known)),
        stack=_clean(detail + (stack_of(error) or ""))[-STACK_CHARS:],
        stderr=_clean(stderr) or None,
        retry_after_s=wait_s,
    )


def _known(error: BaseException) -> JobError:
    """The job error that stands for an error of another family."""
    if isinstance(error, DatabaseAway):
        return JobError("database_away", "The database was away for a moment.")
    if isinstance(error, NotFound):
        return PermanentError("not_found", "What the job works on is not there any more.")
    if isinstance(error, NotAllowed):
        return PermanentError("not_allowed", str(error))
    if isinstance(error, TenantInactive):
        return PermanentError("tenant_inactive", str(error))
    if isinstance(error, SettingsError):
        return JobError("worker_misconfigured", "The worker is not set up for this job.")
    if isinstance(error, MemoryError):
        return JobError("out_of_memory", "The worker ran out of memory.")
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return JobError("disk_full", "The worker ran out of disk space.")
    return JobError("internal_error", INTERNAL)


def stack_of(error: BaseException | None) -> str | None:
    """The traceback as text; never fails, whatever the exception does when it is shown."""
    if error is None:
        return None
    try:
        return "".join(traceback.format_exception(error))[-STACK_CHARS:]
    except Exception as second:  # noqa: BLE001 - an exception whose own __str__ raises
        return f"{type(error).__name__}, which cannot be shown: {type(second).__name__}"


def _word(code: str) -> str:
    """A code as the queue takes it: lower case, digits, underscores, 63 characters."""
    word = re.sub(r"[^a-z0-9_]+", "_", code.lower()).strip("_")[:63]
    return word if word[:1].isalpha() else "internal_error"


def _sentence(message: str) -> str:
    """A message for tenants: one line, not endless."""
    return _clean(" ".join(message.split()))[:MESSAGE_CHARS]


def _clean(text: str) -> str:
    """Text that Postgres keeps: no NUL, no half of a surrogate pair."""
    return text.replace("\0", "").encode(errors="replace").decode()
