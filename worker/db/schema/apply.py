"""One runner at a time, one file at a time: the session that holds the lock, and a file with its row of the ledger.

One advisory lock, held by the session, lets one runner work at a time and is gone when it dies. Each
file is one transaction together with its row in base.schema_ledger, so a runner that is killed
leaves whole files, and the next one goes on. A migration with `-- transaction: none` in its head
runs statement by statement instead (a blank line between two) and must bear being run again.

Nobody waits long behind a file that waits for a lock: see locks.py.

The lock and the settings belong to the session: connect directly, not through a transaction pooler.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from reelq.worker.db.schema import drift, locks, shared, strays
from reelq.worker.db.schema.files import ASIDE, NO_WAY_UP, File, SchemaError, migrations, parts, statements

LOCK_KEY = int.from_bytes(b"reelq", "big")
LOCK_WAIT_S = 600  # another runner is at work; a big index takes minutes
# Under these every file means the same everywhere.
SESSION = {
    "client_encoding": "UTF8",
    **drift.PARAMETERS,  # search_path is empty: an unqualified name in a file fails, and with pg_catalog here a function would land in that
    "client_min_messages": "warning",
    "default_transaction_isolation": "read committed",
    "check_function_bodies": "off",  # functions may call later ones
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "lock_timeout": f"{locks.BUDGET_MS}ms",  # whoever waits for a lock queues the application behind it
    "client_connection_check_interval": "2s",  # when a runner is killed its lock is free soon
}
TRIGGER = re.compile(r"\btrigger\b|\b(create|drop) policy\b", re.IGNORECASE)
CONCURRENTLY = re.compile(r"\bconcurrently\b", re.IGNORECASE)
# What a file is told whose table was not made.
MISSING = (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedObject, psycopg.errors.UndefinedColumn, psycopg.errors.UndefinedFunction)
OWNER = "It needs the owner of the schema; a first install in a cluster needs a role that may create roles (createrole)."


@contextmanager
def session(conn: psycopg.Connection[Any], wait_s: float) -> Iterator[None]:
    """Hold the runner's lock, and the settings of SESSION."""
    conn.autocommit = True
    for name, value in SESSION.items():
        _set(conn, name, value)
    _set(conn, "lock_timeout", f"{int(wait_s * 1000)}ms")
    try:
        conn.execute("select pg_advisory_lock(%s)", [LOCK_KEY])
    except psycopg.errors.LockNotAvailable as error:
        told = f"another schema runner has been at work for {wait_s:g} s"
        raise SchemaError(told, "Wait for it and run this again.") from error
    try:
        _set(conn, "lock_timeout", SESSION["lock_timeout"])
        locks.cancel_autovacuum_soon(conn)
        yield
    finally:
        if not conn.closed and not conn.broken:
            conn.execute("select pg_advisory_unlock(%s)", [LOCK_KEY])
            for name in SESSION:
                conn.execute(sql.SQL("reset {}").format(sql.Identifier(name)))
            locks.cancel_autovacuum_soon(conn, False)


def _set(conn: psycopg.Connection[Any], name: str, value: str) -> None:
    """Set a parameter of the session."""
    conn.execute("select set_config(%s, %s, false)", [name, value])


def make_ledger(conn: psycopg.Connection[Any], root: Path, fresh: bool) -> None:
    """Make the ledger; on a fresh database enter the migrations as done, in the same transaction."""
    with conn.transaction():
        conn.execute((root / "ledger.sql").read_bytes(), prepare=False)
        for file in migrations(root) if fresh else []:
            enter(conn, file, None)


def rehearse(conn: psycopg.Connection[Any], steps: list[File], code: list[File], standing: dict[str, int]) -> None:
    """Run files in one transaction and take it back, so that one which cannot run leaves nothing of those before it.

    `code` is what upgrade() looks through for older signatures. Migrations are not rehearsed: they may take long, and some run outside a transaction.
    A file that takes a strong lock on a table of `standing` is taken back at once, and what cannot run without it is left to the
    real run: the lock would be held to the end of all.

    Raises:
        SchemaError: with file, line and the server's message; nothing was changed.
        psycopg.Error: a lock was not to be had; nothing was changed.
    """
    alone = False
    with conn.transaction(force_rollback=True):
        strays.drop(conn, code, lambda _: None)
        for file in steps:
            try:
                with conn.transaction() as tried:
                    _run(conn, file, standing)
                    strays.drop(conn, [file], lambda _: None)
                    if locks.are_held(conn, standing):
                        alone = True
                        raise psycopg.Rollback(tried)
            except psycopg.Error as error:
                if conn.broken or isinstance(error, locks.NOT_HAD):
                    raise
                if alone and isinstance(error, MISSING):
                    continue
                raise SchemaError(_told(file, error), NO_WAY_UP) from error


def apply(
    conn: psycopg.Connection[Any],
    file: File,
    closed: list[str],
    warn: Callable[[str], None],
    standing: dict[str, int],
    patience_s: float = locks.PATIENCE_S,
    follower: drift.Follower | None = None,
) -> int:
    """Run one file and enter it in the ledger; return the milliseconds. What it adds to the rooms in `closed` is not PUBLIC's.

    What it makes of our objects is recorded with it, where there is a `follower`.

    An older signature of its function is dropped with it: calls of the files that follow would not be unique. `standing` are the
    tables that others may use.

    Raises:
        SchemaError: with file, line and the server's message.
        SchemaBusy: it did not get its locks for so long.
    """

    def whole() -> int:
        started = time.monotonic()
        with conn.transaction():
            _run(conn, file, standing)
            strays.drop(conn, [file], warn)
            shared.close(conn, closed)
            ms = int((time.monotonic() - started) * 1000)
            enter(conn, file, ms)
            now = _follow(file, follower) if follower and file.kind != "data" else None
        if follower and now is not None:
            follower.advance(now)
        return ms

    try:
        if file.transactional:
            return locks.patiently(conn, whole, f"sql/{file.place}", file.text, standing, patience_s)
        return _run_apart(conn, file, closed, standing, patience_s, follower)
    except psycopg.Error as error:
        if conn.broken:
            raise
        hint = error.diag.message_hint or (OWNER if error.sqlstate == "42501" else None)
        raise SchemaError(_told(file, error), hint) from error
    finally:
        if not conn.broken:
            _set(conn, "lock_timeout", SESSION["lock_timeout"])


def _run(conn: psycopg.Connection[Any], file: File, standing: dict[str, int]) -> None:
    """Run a file inside a transaction; statement by statement where it may want strong locks on several tables.

    Raises:
        psycopg.Error: with the position in the file.
    """
    if not standing or not (file.kind in ("schema", "migration") or TRIGGER.search(ASIDE.sub(" ", file.text))):
        conn.execute(file.text.encode(), prepare=False)
        return
    budget = locks.Budget(conn, standing)
    for offset, part in parts(file.text):
        try:
            budget.run(part)
        except psycopg.Error as error:
            error.add_note(str(offset))  # where the statement begins: the server tells places within it
            raise


def _run_apart(
    conn: psycopg.Connection[Any], file: File, closed: list[str], standing: dict[str, int], patience_s: float, follower: drift.Follower | None
) -> int:
    """Run a file outside a transaction, and enter it."""
    started = time.monotonic()
    for statement in statements(file.text):
        if CONCURRENTLY.search(ASIDE.sub(" ", statement)):
            # It waits for old transactions, and nobody for it; broken off, it leaves an index that is invalid.
            locks.wait_at_most(conn, patience_s * 1000)
            locks.patiently(conn, partial(conn.execute, statement.encode(), prepare=False), f"sql/{file.place}", statement, standing, 0)
        else:
            locks.wait_at_most(conn, locks.BUDGET_MS)
            locks.patiently(conn, partial(conn.execute, statement.encode(), prepare=False), f"sql/{file.place}", statement, standing, patience_s)
    shared.close(conn, closed)
    invalid = drift.rows(conn, "select indexrelid::regclass::text from pg_index where not indisvalid")
    if invalid:
        names = ", ".join(name for (name,) in invalid)
        raise SchemaError(f"sql/{file.place} left invalid indexes: {names}", "Drop them and run this again.")
    ms = int((time.monotonic() - started) * 1000)
    with conn.transaction():
        enter(conn, file, ms)
        now = _follow(file, follower) if follower else None
    if follower and now is not None:
        follower.advance(now)
    return ms


def _follow(file: File, follower: drift.Follower) -> drift.Objects:
    """Record what a file may have changed: its function, what it names, or anything."""
    if file.kind == "grants":
        return follower.record(None)
    if file.kind == "function" and not TRIGGER.search(ASIDE.sub(" ", file.text)):
        return follower.record({strays.called(file)}, function=True)
    return follower.record(follower.named(file.text))


def _told(file: File, error: psycopg.Error) -> str:
    """`path, line N: message (SQLSTATE)`; without the line when the server does not say where."""
    place = f"sql/{file.place}"
    if error.diag.statement_position and file.transactional:
        begins = int(getattr(error, "__notes__", ["0"])[0])
        place += f", line {file.text[: begins + int(error.diag.statement_position) - 1].count(chr(10)) + 1}"
    parts = [error.diag.message_primary or str(error), error.diag.message_detail, error.diag.context]
    return f"{place}: {'; '.join(part for part in parts if part)} ({error.sqlstate})"


def enter(conn: psycopg.Connection[Any], file: File, ms: int | None) -> None:
    """Write the file's row of the ledger."""
    conn.execute(
        """
        insert into base.schema_ledger (path, kind, sha256, ms) values (%s, %s, %s, %s)
        on conflict (path) do update
        set kind = excluded.kind, sha256 = excluded.sha256, ms = excluded.ms, applied_at = clock_timestamp()
        """,
        [file.path, file.kind, file.sha256, ms],
    )
