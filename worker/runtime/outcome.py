"""How an attempt ended, and which ending an error means."""

from __future__ import annotations

import errno
import json
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
    PoolExhausted,
    RateLimitedError,
    SettingsError,
    SnoozeError,
    TenantInactive,
)
from reelq.worker.jobs import plain

RESULT_BYTES = 48 * 1024  # as JSON text; the queue takes 64 kB in its own, larger, form
STACK_CHARS = 16_000
DETAIL_CHARS = 4_000  # of an error's detail, before the frames
FRAMES_CHARS = STACK_CHARS - DETAIL_CHARS
PIECE_CHARS = 2_000  # of one piece of a traceback; a message of megabytes must not push the frames out
MESSAGE_CHARS = 2_000
LONGEST_WAIT_S = 365 * 86_400.0

INTERNAL = "The worker met an error of its own; operators find the details with the attempt."
REFUSED = "The queue refused how the job's handler ended; operators find the details with the attempt."
# What an attempt is told when it was stopped, by reason; cancelled, lease_lost and shutdown are no errors of the job.
STOPPED = {
    "time_limit": "The job ran longer than its type may.",
    "stalled": "The job made no progress for longer than its type allows.",
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


COMPLETED = AttemptOutcome("completed")  # without a result
CLASSES = ("transient", "rate_limited", "permanent")
NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")  # in JSON text; after a backslash that stands for itself it is six letters
TEXT = json.JSONEncoder(allow_nan=False)


def completed(result: Any) -> AttemptOutcome:
    """The handler returned `result`.

    Raises:
        PermanentError: "bad_result", it is no small JSON object that Postgres can keep.
    """
    if result is None or (isinstance(result, dict) and not result):
        return COMPLETED
    if not isinstance(result, dict):
        raise _bad_result(f"be a JSON object, not {type(result).__name__}")
    try:
        text = TEXT.encode(result)
    except Exception as error:  # beside the encoder's own, whatever the methods of a class of the handler raise
        raise _bad_result(f"be JSON: {plain.line(error, 200)}") from error
    if len(text) > RESULT_BYTES:
        raise _bad_result(f"be at most {RESULT_BYTES} bytes as JSON, not {len(text)}")
    if NUL.search(text):
        raise _bad_result("not hold the character NUL, which Postgres cannot keep")
    if "\\ud" in text and _has_half_pair(result):
        raise _bad_result("not hold half of a surrogate pair, which is no character")
    return AttemptOutcome("completed", json.loads(text))


def _bad_result(must: str) -> PermanentError:
    """What is wrong with a result; for the handler's author, and no secret to tenants."""
    return PermanentError("bad_result", f"The handler's result must {must}.")


def _has_half_pair(result: dict[str, Any]) -> bool:
    """Whether a text in it cannot be written as UTF-8."""
    try:
        json.dumps(result, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return True
    return False


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
    """The handler raised `error`. What it hung on the error is taken as far as it makes sense; the rest operators are told."""
    known = error if isinstance(error, JobError) else _known(error)
    error_class = getattr(known, "error_class", None)
    wait_s = plain.number(getattr(known, "retry_after_s", None))
    notes = []
    if isinstance(error, SnoozeError):
        for_s = plain.number(getattr(error, "for_s", None))
        if for_s is not None:
            for_s = min(max(for_s, 0.0), LONGEST_WAIT_S)
            return AttemptOutcome("snoozed", code=_word(_code(error)), message=_sentence(error), retry_after_s=for_s)
        given = plain.line(getattr(error, "for_s", None), 100)
        known = JobError("bad_snooze", f"The handler's snooze must be a number of seconds, not {given}.")
        error_class = known.error_class
    elif error_class not in CLASSES:
        notes.append(f"error_class must be {', '.join(CLASSES)}, not {plain.line(error_class, 100)}; taken for transient")
        error_class = "transient"
    elif isinstance(known, RateLimitedError) and (wait_s is None or wait_s < 0):
        notes.append("retry_after_s must be a number of seconds, 0 or more; the retry policy says when")
        wait_s = None
    detail, stderr = plain.text(getattr(known, "detail", "")), plain.text(stderr)
    if detail and detail != stderr:
        notes.append(detail[:DETAIL_CHARS])
    notes.append((stack_of(error) or "")[-STACK_CHARS + DETAIL_CHARS :])
    return AttemptOutcome(
        "failed",
        error_class=str(error_class),
        code=_word(_code(known)),
        message=_sentence(known),
        stack="\n\n".join(notes)[-STACK_CHARS:],
        stderr=stderr or None,
        retry_after_s=None if wait_s is None else min(wait_s, LONGEST_WAIT_S),
    )


def untellable(error: BaseException) -> AttemptOutcome:
    """Not even `failed` could make an outcome of this error."""
    return AttemptOutcome(
        "failed",
        error_class="transient",
        code="internal_error",
        message=INTERNAL,
        stack=f"{type(error).__name__}, which cannot be shown",
    )


def refused(ended: AttemptOutcome, error: BaseException) -> AttemptOutcome:
    """The queue does not take this ending for what it says: the attempt fails, and tells why."""
    said = plain.line(error, 500)
    if ended.kind == "completed":
        message = f"The handler's result was refused: {said}"
        return AttemptOutcome("failed", error_class="permanent", code="bad_result", message=message, stack=said)
    stack = f"The queue refused this ending ({ended.kind}, {plain.line(ended.error_class, 100)}): {said}"
    return AttemptOutcome("failed", error_class="transient", code="bad_outcome", message=REFUSED, stack=stack)


def _known(error: BaseException) -> JobError:
    """The job error that stands for an error of another family."""
    if isinstance(error, PoolExhausted):
        return JobError("pool_exhausted", "The worker has no connection to the database left.", detail=str(error))
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
    name = plain.line(type(error).__name__, 100)
    return JobError("internal_error", f"The job's handler raised {name}; operators find the details with the attempt.")


def stack_of(error: BaseException | None) -> str | None:
    """The traceback as text; never fails, whatever the exception does when it is shown."""
    if error is None:
        return None
    try:
        pieces = traceback.format_exception(error)
        text = plain.text("".join(map(_cut, pieces)))
    except BaseException as second:  # noqa: BLE001 - an exception whose own attributes raise
        return f"{type(error).__name__}, which cannot be shown: {type(second).__name__}"
    return text if len(text) <= FRAMES_CHARS else f"{text[: FRAMES_CHARS // 4]}\n…\n{text[-FRAMES_CHARS // 2 :]}"


def _cut(piece: str) -> str:
    """A piece of a traceback, of bounded length."""
    return piece if len(piece) <= PIECE_CHARS else f"{piece[:PIECE_CHARS]}… ({len(piece)} characters)\n"


def _code(error: BaseException) -> str:
    """The code of a job error, as it was given."""
    return plain.line(getattr(error, "code", ""), 200)


def _word(code: str) -> str:
    """A code as the queue takes it: lower case, digits, underscores, 63 characters."""
    word = re.sub(r"[^a-z0-9_]+", "_", code.lower()).strip("_")[:63]
    return word if word[:1].isalpha() and word != "none" else "internal_error"


def _sentence(error: BaseException) -> str:
    """An error's message for tenants: one line of bounded length."""
    return plain.line(plain.text(error), MESSAGE_CHARS)
