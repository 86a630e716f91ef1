"""Everything that can go wrong, in one family.

    ReelqError
    ├── JobError                what a handler raises; settles the attempt
    │   ├── TransientError      worth another try after a back-off
    │   ├── RateLimitedError    try again at a known time; costs no attempt
    │   ├── PermanentError      the same input always fails; the job fails for good
    │   └── SnoozeError         not now; goes back to the queue, costs nothing
    ├── StopRequested           the attempt has to end at once (see worker.stop)
    ├── DatabaseAway            no connection to Postgres; try again
    │   ├── DatabaseReadOnly    Postgres answers and takes no change
    │   ├── DatabaseLocked      another session holds a lock for too long
    │   ├── PoolExhausted       this worker lends all its connections, and none comes back
    │   └── DatabaseRefuses     Postgres answers and does not let us in: password, role or database are wrong
    ├── SettingsError           the environment or a flag is wrong
    │   └── HandlersError       a job type is declared wrongly, or its module cannot be used
    └── QueueError              one class per SQLSTATE that sql/README.md lists
        ├── LeaseLost           RQ001
        └── … see BY_SQLSTATE

The messages of job errors are shown to tenants: one clear sentence, no path of the
host, nothing that ffmpeg printed. What only operators may see goes into `detail`.
"""

from __future__ import annotations

import re

import psycopg

DONE, FAILED, USED_WRONGLY, CHECK_SAYS_NO, TRY_AGAIN = 0, 1, 2, 3, 75  # exit codes; 75 is EX_TEMPFAIL of sysexits.h

# What Postgres says when all its connections are taken, and PgBouncer.
FULL = re.compile(r"too many clients already|remaining connection slots are reserved|too many connections for|no more connections allowed")


class ReelqError(Exception):
    """Base of the family; `exit_code` is what a command ends with."""

    exit_code = FAILED
    hint: str | None = None


class JobError(ReelqError):
    """An attempt failed. `code` is a stable word, `detail` is for operators only."""

    error_class = "transient"

    def __init__(self, code: str, message: str = "", *, detail: str = "") -> None:
        super().__init__(message or code)
        self.code = code
        self.detail = detail


class TransientError(JobError):
    """Worth another try: a store, a host or the network was away."""


class RateLimitedError(JobError):
    """The other side said when to come back; `retry_after_s` is in seconds."""

    error_class = "rate_limited"

    def __init__(self, code: str, message: str = "", *, retry_after_s: float, detail: str = "") -> None:
        super().__init__(code, message, detail=detail)
        self.retry_after_s = retry_after_s


class PermanentError(JobError):
    """The same input will fail the same way for ever."""

    error_class = "permanent"


class SnoozeError(JobError):
    """Not now: the job returns to the queue after `for_s` seconds and is charged nothing."""

    error_class = "snoozed"

    def __init__(self, code: str, message: str = "", *, for_s: float) -> None:
        super().__init__(code, message)
        self.for_s = for_s


class StopRequested(ReelqError):
    """The attempt was told to end; `reason` is one of worker.stop.REASONS."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class SettingsError(ReelqError):
    """Settings are wrong; the message lists every mistake, a line each."""

    exit_code = USED_WRONGLY


class HandlersError(SettingsError):
    """A job type is declared wrongly, or its module cannot be used; the message says which, in a line each."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


# What libpq says when TLS does not come about as the address asks for it.
NO_TLS = re.compile(
    r"certificate verify failed|does not match host name|root certificate file|does not support SSL|unsupported protocol|protocol version"
)


class DatabaseAway(ReelqError):
    """Postgres cannot be reached."""

    exit_code = TRY_AGAIN
    hint = "Check DATABASE_URL or PGHOST/PGPORT, and that the server runs; then try again."

    def __init__(self, message: str = "") -> None:
        super().__init__(message)
        if NO_TLS.search(message):
            self.hint = (
                "sslrootcert must name the file of the CA that signed the server's certificate (Debian: /etc/ssl/certs/ca-certificates.crt; "
                "the driver's wheel finds none by `system`), and the address the server's name: docs/operate.md, TLS."
            )
        elif FULL.search(message):
            self.hint = (
                "The server has no connection left: select application_name, state, count(*) from pg_stat_activity group by 1, 2 "
                "says who has them; show max_connections says how many there are. Use fewer workers, a pooler, or raise it."
            )


class DatabaseReadOnly(DatabaseAway):
    """A standby, a primary in the middle of a failover, or a server that was told so."""

    hint = (
        "After a failover wait. Else DATABASE_URL names a standby (target_session_attrs=read-write finds the primary), or "
        "default_transaction_read_only is on: show it in psql."
    )


class DatabaseLocked(DatabaseAway):
    """Nothing was done: another session holds a lock for longer than this one waits, or the two waited for each other."""

    hint = (
        "select * from ops.health() where finding = 'locks' names a session that has held one for a minute; at once: "
        "select pid, pg_blocking_pids(pid), query from pg_stat_activity where wait_event_type = 'Lock'. Then try again."
    )

    def __init__(self, message: str = "") -> None:
        super().__init__(message if message.startswith("another session") else f"another session holds a lock: {message}")


class PoolExhausted(DatabaseAway):
    """All connections of a worker's slots are lent, and for longer than a call may last none has come back."""


class DatabaseRefuses(DatabaseAway):
    """Postgres answers, and password, role or database are wrong: at the start the operator's mistake.

    A worker that is at work takes it for an outage, since it was let in before: it goes on trying, and says why.
    """

    exit_code = USED_WRONGLY
    hint = "Check user, password and name of the database in DATABASE_URL; trying again does not mend them."


class QueueError(ReelqError):
    """The database refused; message and hint are its own."""

    exit_code = USED_WRONGLY

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class LeaseLost(QueueError):
    """RQ001: another attempt holds the job, or it is over. Drop the result."""

    exit_code = FAILED


class WrongIsolation(QueueError):
    """RQ002: the queue works under READ COMMITTED only."""


class UnknownJobType(QueueError):
    """RQ003."""


class NotFound(QueueError):
    """RQ004: no such job, worker, pipeline, tenant or video."""


class UnknownParent(QueueError):
    """RQ005: a job that is to be waited for does not exist."""


class DependencyCycle(QueueError):
    """RQ006."""


class IllegalChange(QueueError):
    """RQ007: the state machine does not allow this change."""


class BadArgument(QueueError):
    """RQ008."""


class NotAllowed(QueueError):
    """RQ009: the job's state does not allow this verb."""

    exit_code = FAILED


class WorkerUnknown(QueueError):
    """RQ010: register first."""

    exit_code = FAILED


class SchemaMismatch(QueueError):
    """RQ011: not installed, older than this program, or too new for it."""

    exit_code = FAILED


class SchemaMissing(SchemaMismatch):
    """RQ011, of a database that has none at all: most likely another's."""


class TenantInactive(QueueError):
    """RQ012."""

    exit_code = FAILED


class QuotaSpent(QueueError):
    """RQ013: the month's videos of the user or the tenant are used up; the hint says when it begins anew."""

    exit_code = FAILED


class NotAuthenticated(QueueError):
    """RQ014: wrong, unknown, locked, suspended, expired, used or revoked; always the same words."""

    exit_code = FAILED


class TooManyCalls(QueueError):
    """RQ015: over a rate; `retry_after_s` says in how many seconds to come back."""

    exit_code = TRY_AGAIN

    def __init__(self, message: str, hint: str | None = None, detail: str | None = None) -> None:
        super().__init__(message, hint)
        self.retry_after_s = int(detail) if detail and detail.isdecimal() else None


class NotPermitted(QueueError):
    """RQ016: the user's role or the key's scope does not allow it."""

    exit_code = FAILED


class KeyMissing(QueueError):
    """RQ017: sealed under a key that is not here."""

    exit_code = FAILED


class ObjectGone(QueueError):
    """RQ018: the object was swept before it was referred to; its bytes have to be stored again."""

    exit_code = TRY_AGAIN


BY_SQLSTATE: dict[str, type[QueueError]] = {
    "RQ001": LeaseLost,
    "RQ002": WrongIsolation,
    "RQ003": UnknownJobType,
    "RQ004": NotFound,
    "RQ005": UnknownParent,
    "RQ006": DependencyCycle,
    "RQ007": IllegalChange,
    "RQ008": BadArgument,
    "RQ009": NotAllowed,
    "RQ010": WorkerUnknown,
    "RQ011": SchemaMismatch,
    "RQ012": TenantInactive,
    "RQ013": QuotaSpent,
    "RQ014": NotAuthenticated,
    "RQ015": TooManyCalls,
    "RQ016": NotPermitted,
    "RQ017": KeyMissing,
    "RQ018": ObjectGone,
}


def from_database(error: psycopg.Error) -> ReelqError | None:
    """Translate a psycopg error into the family; None when the family has no class for it.

    An OperationalError without SQLSTATE, class 08 (connection) and class 57P (shutdown, crash,
    starting up) mean that the database is away.
    """
    code = error.sqlstate or ""
    message = (error.diag.message_primary or str(error)).strip()
    if code == "RQ015":
        return TooManyCalls(message, error.diag.message_hint, error.diag.message_detail)
    if code in BY_SQLSTATE:
        return BY_SQLSTATE[code](message, error.diag.message_hint)
    if code == "25006":
        return DatabaseReadOnly(message)
    if code.startswith(("08", "57P")) or (isinstance(error, psycopg.OperationalError) and not code):
        return DatabaseAway(message)
    return None
