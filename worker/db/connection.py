"""Connections: how they are opened, how psycopg's errors become ours, and what happens when one is lost.

`Session` is one connection that one thread keeps, and opens again after a loss; `Pool` lends connections to the slots.
Each of their calls has a deadline of its own (answers.py), and each reason why a call fails is a class of worker.errors.
No transaction is open while ffmpeg runs: every call here is one short transaction.
"""

from __future__ import annotations

import logging
import random
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Concatenate, ParamSpec, TypeVar

import psycopg
import psycopg_pool
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import TransactionStatus

from reelq.worker import errors
from reelq.worker.db import text
from reelq.worker.db.answers import ANSWER_S, answer_within
from reelq.worker.db.rows import Connection as Connection
from reelq.worker.errors import DatabaseAway, DatabaseLocked, DatabaseRefuses, PermanentError, PoolExhausted
from reelq.worker.settings import Settings, environment
from reelq.worker.stop import StopSignal

P = ParamSpec("P")
T = TypeVar("T")

logging.getLogger("psycopg.pool").setLevel(logging.ERROR)  # it warns of every try; a call that fails is told by its caller

# A host that disappeared without closing the connection is noticed after 20 s idle, or 15 s after something was sent to it.
TRANSPORT: dict[str, str | int] = {
    "connect_timeout": 10,
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 2,
    "tcp_user_timeout": 15_000,  # milliseconds
    "client_encoding": "UTF8",  # else it is that of the database: text of SQL_ASCII would come as bytes
}
# A pooler that shares server sessions refuses these (PgBouncer: ignore_startup_parameters) and forgets SET.
SESSION = {
    "default_transaction_isolation": "read\\ committed",  # the queue refuses any other
    "statement_timeout": "60s",
    "lock_timeout": "20s",
    "idle_in_transaction_session_timeout": "60s",
    # What the driver can read, whatever the database, the role or a parameter of the server says.
    "datestyle": "iso",
    "intervalstyle": "postgres",
}
# Not away, and the same call may succeed again: deadlock, serialisation, lock and statement time-outs, no memory or connection left.
TRY_AGAIN = {"40P01", "40001", "55P03", "57014", "53000", "53100", "53200", "53300"}
LOCKED = {"40P01", "55P03"}  # of these, what another session's lock has done
FIRST_WAIT_S, LONGEST_WAIT_S = 0.1, 5.0
POOL_WAIT_S = 5.0  # for a connection to be made anew
LONG_ANSWER_S = 60.0  # a transaction of a handler has several statements
STUCK_S = LONG_ANSWER_S + 30.0  # when for so long no connection has come back, the threads that have them hang
CHECK_S = 5.0  # for a pool's connection to show that it still answers
# What a server says to a client that must not come in. libpq keeps the SQLSTATE of such an answer to itself.
REFUSALS = re.compile(
    r"password authentication failed|no password supplied|authentication failed for user|no pg_hba\.conf entry"
    r"|pg_hba\.conf rejects"
    r'|database ".*" does not exist|role ".*" does not exist|is not permitted to log in|permission denied for database'
)


def polls(settings: Settings) -> bool:
    """Whether the worker must do without LISTEN: REELQ_DATABASE_DIRECT_URL=off."""
    return settings.database_direct_url.strip().lower() == "off"


def behind_pooler(settings: Settings) -> bool:
    """database_url is taken for a transaction pooler when database_direct_url is set too."""
    return bool(settings.database_direct_url)


def conninfo(settings: Settings, name: str, *, direct: bool = False, lock_timeout: str = SESSION["lock_timeout"]) -> str:
    """libpq's keywords for a connection that shows up as `name` in pg_stat_activity.

    What DATABASE_URL says itself wins over ours. `direct` means past the pooler.
    """
    straight = direct and behind_pooler(settings) and not polls(settings)
    chosen = settings.database_direct_url if straight else settings.database_url
    try:
        given = conninfo_to_dict(chosen)
    except psycopg.ProgrammingError as error:
        raise errors.SettingsError("DATABASE_URL is neither a URL nor keywords that libpq knows") from error
    if straight or not behind_pooler(settings):
        ours = " ".join(f"-c {key}={value}" for key, value in {**SESSION, "lock_timeout": lock_timeout}.items())
        # As libpq has it: what the URL says, else PGOPTIONS, which ours would hide.
        theirs = given.get("options") or environment().get("PGOPTIONS", "")
        given["options"] = f"{ours} {theirs}".strip()
    return make_conninfo("", **{**TRANSPORT, "application_name": name, **given})


def conninfo_of(conn: Connection, **changes: str) -> str:
    """How this connection was made, its password included: for another one, or a program of Postgres."""
    return make_conninfo(conn.info.dsn, **{"password": conn.info.password or None, **changes})


def arguments(settings: Settings) -> dict[str, Any]:
    """How psycopg shall behave: autocommit, and no prepared statements behind a pooler."""
    return {"autocommit": True, "prepare_threshold": None if behind_pooler(settings) else 5}


def connect(settings: Settings, name: str, *, direct: bool = False, lock_timeout: str = SESSION["lock_timeout"]) -> Connection:
    """Open a connection.

    Raises:
        DatabaseAway: the server does not answer.
        DatabaseRefuses: it answers, and does not let us in: password, role or database are wrong.
        SettingsError: a pooler answers, and the settings do not say so.
    """
    try:
        with family():
            conn: Connection = psycopg.connect(
                conninfo(settings, name, direct=direct, lock_timeout=lock_timeout), **arguments(settings)
            )
            text.prepare(conn)
            return conn
    except DatabaseAway as error:
        if REFUSALS.search(str(error)):
            raise DatabaseRefuses(str(error)) from error
        if "unsupported startup parameter" not in str(error):
            raise
        raise errors.SettingsError(
            "DATABASE_URL is a pooler's: name the server's own address in REELQ_DATABASE_DIRECT_URL, or say `off` there to poll"
        ) from error


def has_pooler(conn: Connection) -> bool:
    """A pooler makes up the process id that it tells at the start."""
    row = conn.execute("select pg_backend_pid()").fetchone()
    return row is not None and row[0] != conn.info.backend_pid


def check_own_session(settings: Settings, conn: Connection, what: str) -> None:
    """Refuse a pooler that shares sessions: locks and settings of `what` would be others', and theirs ours.

    Raises:
        SettingsError.
    """
    if polls(settings) and has_pooler(conn):
        raise errors.SettingsError(
            f"DATABASE_URL is a pooler's, and {what} needs a session of its own: name the server's own address, as in "
            "reelq --database-url postgresql://…"
        )


@contextmanager
def family() -> Iterator[None]:
    """Turn psycopg's errors into those of worker.errors; others pass as they are."""
    try:
        yield
    except psycopg.InterfaceError as error:  # "the connection is closed": lost in an earlier call
        raise DatabaseAway(str(error)) from error
    except psycopg.Error as error:
        ours = errors.from_database(error)
        if ours is None and error.sqlstate in TRY_AGAIN:
            kind = DatabaseLocked if error.sqlstate in LOCKED else DatabaseAway
            ours = kind(error.diag.message_primary or str(error))
        if ours is None:
            raise
        raise ours from error


@contextmanager
def closing_unfit(conn: Connection) -> Iterator[None]:
    """Close the connection when the block fails and no later call on it could do better.

    That is one out of step with the server, as when somebody has closed its socket's number, and one whose session may not write: a session keeps
    what the database said of that when it began.
    """
    try:
        yield
    except BaseException as error:
        out_of_step = conn.info.transaction_status in (TransactionStatus.ACTIVE, TransactionStatus.UNKNOWN)
        if out_of_step or isinstance(error, psycopg.errors.ReadOnlySqlTransaction):
            conn.close()
        raise


def backoff(turn: int) -> float:
    """Seconds to wait before try number `turn` (0 is the first repeat): doubling, full jitter.

    All workers lose the database in the same second and must not reconnect in the same one.
    """
    longest: float = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** min(turn, 10))
    return random.uniform(FIRST_WAIT_S / 2, longest)


class Session:
    """One connection for one thread, opened when first used and again after it was lost."""

    def __init__(
        self,
        settings: Settings,
        name: str,
        on_open: Callable[[Connection], None] | None = None,
        *,
        lock_timeout: str = SESSION["lock_timeout"],
    ) -> None:
        self.answer_s = ANSWER_S  # how long a call may take
        self.answered_at = float("-inf")  # monotonic: when a call last succeeded
        self._settings = settings
        self._name = name
        self._on_open = on_open
        self._lock_timeout = lock_timeout
        self._conn: Connection | None = None

    def call(self, function: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call `function(connection, …)` once.

        Raises:
            DatabaseAway: not done, or done but the answer was lost; the next call opens a new connection.
            DatabaseLocked: not done, for another session's lock.
        """
        with family():
            try:
                if self._conn is None:
                    self._conn = connect(self._settings, self._name, lock_timeout=self._lock_timeout)
                    if self._on_open is not None:
                        self._on_open(self._conn)
                with closing_unfit(self._conn), answer_within(self._conn, self.answer_s):
                    answer = function(self._conn, *args, **kwargs)
                self.answered_at = time.monotonic()
                return answer
            finally:
                if self._conn is not None and self._conn.closed:
                    self._conn = None

    def close(self) -> None:
        """Close the connection; the next call opens another."""
        if self._conn is not None:
            self._conn.close()
            self._conn = None


class Pool:
    """Connections for the slots: none while nothing needs one, at most one a slot, and never more than the settings allow."""

    def __init__(self, settings: Settings, name: str, size: int) -> None:
        self._within = threading.local()
        self._size = size = min(size, settings.database_pool_size)
        self._lock = threading.Lock()
        self._lent = 0
        self._moved_at = 0.0  # monotonic: a connection was lent or came back
        self._pool = psycopg_pool.ConnectionPool(
            conninfo(settings, name),
            kwargs=arguments(settings) | {"prepare_threshold": None},  # what handlers write on completion ends in DEALLOCATE ALL
            min_size=0,
            max_size=size,
            max_idle=settings.database_idle_s,
            timeout=settings.database_wait_s,
            reconnect_timeout=POOL_WAIT_S,
            num_workers=1,
            configure=text.prepare,
            check=_check,
            open=False,
            name="slots",
        )

    def open(self) -> None:
        """Start its threads."""
        self._pool.open()

    def close(self) -> None:
        """Close what is idle; a connection in use is closed when it comes back."""
        self._pool.close(timeout=1)

    def call(self, function: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call `function(connection, …)` once with a connection of the pool.

        Raises:
            DatabaseAway: see Session.call.
            PoolExhausted: other threads have all connections, and have not given one back for STUCK_S.
            PermanentError: "write_after_completion", the thread is within such a call.
        """
        if getattr(self._within, "call", False):
            # It would wait for the row that the first call holds, and the first for it.
            raise PermanentError("write_after_completion", "What the handler writes on completion must go over the connection that it is given.")
        self._within.call = True
        try:
            with family(), self._borrowed() as conn, closing_unfit(conn), answer_within(conn, LONG_ANSWER_S):
                return function(conn, *args, **kwargs)
        finally:
            self._within.call = False

    @contextmanager
    def _borrowed(self) -> Iterator[Connection]:
        """A connection of the pool."""
        try:
            conn: Connection = self._pool.getconn()
        except psycopg_pool.PoolTimeout as error:
            with self._lock:
                is_stuck = self._lent >= self._size and time.monotonic() >= self._moved_at + STUCK_S
            if is_stuck:
                raise PoolExhausted(f"{self._size} connections are lent, and none has come back for {STUCK_S:g} s") from error
            raise
        self._count(1)
        try:
            with conn:
                yield conn
        finally:
            self._count(-1)
            self._pool.putconn(conn)

    def _count(self, lent: int) -> None:
        with self._lock:
            self._lent += lent
            self._moved_at = time.monotonic()

    def insist(self, stop: StopSignal, function: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call until the database is back; `function` must be safe to run twice.

        Raises:
            PoolExhausted: it is there, and this worker has no connection left.
            StopRequested: the attempt has to end.
        """
        turn = 0
        while True:
            stop.check()
            try:
                return self.call(function, *args, **kwargs)
            except PoolExhausted:
                raise
            except DatabaseAway:
                stop.wait(backoff(turn))
                turn += 1


def _check(conn: Connection) -> None:
    """Whether a connection that lay idle still answers; raises when it does not."""
    with answer_within(conn, CHECK_S):
        psycopg_pool.ConnectionPool.check_connection(conn)
