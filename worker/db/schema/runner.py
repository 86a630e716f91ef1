"""The schema runner: sql/ into a database, and what became of it since.

    install   an empty or half installed database gets everything, an older one what is new
    upgrade   the same for a database that has the schema already
    status    what would be done, file by file
    diff      what was changed by hand (worker/db/schema/drift.py), and files that nobody applied
    print     all of it as one script, in order

schema/ holds the desired state and runs once, migrations/ change tables that hold data and run once,
functions, views, data and grants run again whenever their text changes. A fresh database counts
every migration as done: its tables have that shape already.

One advisory lock, held by the session, lets one runner work at a time and is gone when it dies. Each
file is one transaction together with its row in base.schema_ledger, so a runner that is killed
leaves whole files, and the next one goes on. A migration with `-- transaction: none` in its head
runs statement by statement instead (a blank line between two) and must bear being run again.

The lock and the settings belong to the session: connect directly, not through a transaction pooler.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from reelq.worker.db.schema import drift, shared
from reelq.worker.db.schema.files import ROOT, File, SchemaError, files, migrations, rooms, search_path, statements
from reelq.worker.errors import SchemaMismatch

LOCK_KEY = int.from_bytes(b"reelq", "big")
LOCK_WAIT_S = 600  # another runner is at work; a big index takes minutes
# Under these every file means the same everywhere.
SESSION = {
    "client_min_messages": "warning",
    "default_transaction_isolation": "read committed",
    "search_path": "",  # an unqualified name in a file fails instead of landing anywhere
    "check_function_bodies": "off",  # functions may call later ones
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "lock_timeout": "5s",  # a lock that is not had by then would queue the application behind it
    "client_connection_check_interval": "2s",  # when a runner is killed its lock is free soon
}
REAPPLIED = ("function", "view", "data", "grants")


@dataclass(frozen=True, slots=True)
class Plan:
    """What there is to do; `steps` in order."""

    steps: list[File]
    fresh: bool  # no ledger yet: migrations are entered without being run
    settled: list[File]  # schema files whose text changed: the migrations did the work, or nobody did
    vanished: list[str]  # files of the ledger that the code does not have any more


def plan(conn: psycopg.Connection[Any], root: Path = ROOT) -> Plan:
    """Compare the files with the ledger.

    Raises:
        SchemaMismatch: RQ011, the database is newer than these files.
        SchemaError: a frozen migration was edited, or one came in below the last that was run.
    """
    code, moves = files(root), migrations(root)
    ledger = _ledger(conn)
    if ledger is None:
        return Plan(code, True, [], [])
    done = {path: sha for path, (kind, sha, _) in ledger.items() if kind == "migration"}
    unknown = sorted(done.keys() - {file.path for file in moves})
    if unknown:
        raise SchemaMismatch(
            f"the database is newer than this program: it has had {unknown[-1]}",
            "Install the version of reelq that made the database's schema, or a later one.",
        )
    for file in moves:
        if file.path in done and done[file.path] != file.sha256:
            raise SchemaError(f"{file.path} was edited after it was applied", "Put its text back and write a new migration.")
    pending = [file for file in moves if file.path not in done]
    if pending and done and pending[0].path < max(done):
        raise SchemaError(f"{pending[0].path} comes before {max(done)}, which is applied", "Give it the next number.")
    steps = [
        file
        for file in code
        if file.path not in ledger or (file.kind in REAPPLIED and ledger[file.path][1] != file.sha256)
    ]
    if pending:
        # New tables first, so that a migration may fill them; then what replaces or reads the changed ones.
        early = [file for file in steps if file.kind == "schema" or (file.kind, file.room) == ("function", "base")]
        steps = early + pending + [file for file in steps if file not in early]
    settled = [file for file in code if file.kind == "schema" and ledger.get(file.path, ("", file.sha256))[1] != file.sha256]
    vanished = sorted(ledger.keys() - {file.path for file in code} - {file.path for file in moves})
    return Plan(steps, False, settled, vanished)


def _ledger(conn: psycopg.Connection[Any]) -> dict[str, tuple[str, str, Any]] | None:
    """Path → kind, sha256, applied_at; None when there is no ledger."""
    if not shared.has_ledger(conn):
        return None
    rows = drift.rows(conn, "select path, kind, sha256, applied_at from base.schema_ledger")
    return {path: (kind, sha, at) for path, kind, sha, at in rows}


def require(conn: psycopg.Connection[Any], root: Path = ROOT) -> None:
    """Check at the start of a program that the database has the tables that it expects.

    Raises:
        SchemaMismatch: RQ011, not installed, older (tables or migrations are missing) or newer.
    """
    todo = plan(conn, root)
    if todo.fresh:
        raise SchemaMismatch("this database has no reelq schema", "Run `reelq schema install`.")
    missing = [file.path for file in todo.steps if file.kind in ("schema", "migration")]
    if missing:
        told = f"the database is older than this program: {missing[0]} is not applied"
        raise SchemaMismatch(told, "Run `reelq schema upgrade`.")


def _ignore(_text: str) -> None:
    """Nobody wants to hear warnings."""


def upgrade(
    conn: psycopg.Connection[Any],
    root: Path = ROOT,
    *,
    empty_too: bool = False,
    accept: bool = False,
    wait_s: float = LOCK_WAIT_S,
    warn: Callable[[str], None] = _ignore,
) -> list[dict[str, Any]]:
    """Bring the database to the state of the files; return a row (path, kind, ms) a file that ran.

    Functions, views and grants that were changed by hand are put back; a table changed by hand is told
    to `warn` and stays (and stays told by `diff`) unless `accept`.

    Raises:
        SchemaMismatch: RQ011, newer than the files, or empty without `empty_too`.
        SchemaTaken: a schema of our names belongs to somebody else; nothing has changed.
        SchemaError: a file failed (with file and line), or see plan().
    """
    with _session(conn, wait_s):
        todo = plan(conn, root)
        if todo.fresh and not empty_too:
            raise SchemaMismatch("this database has no reelq schema", "Run `reelq schema install`.")
        shared.refuse_foreign(conn, rooms(root), _ledger(conn))
        known: drift.Objects = {}
        before: drift.Objects = {}
        if not todo.fresh:
            known, before = drift.recorded(conn), drift.describe(conn, rooms(root))
        _prepare(conn, root, todo.fresh)
        by_hand = drift.changes(known, before) if known else {}
        steps = todo.steps + [file for file in _put_back(by_hand, root) if file not in todo.steps]
        ran = [{"path": file.path, "kind": file.kind, "ms": _apply(conn, file, rooms(root))} for file in steps]
        _settle(conn, todo, ran, warn)
        shared.set_search_path(conn, search_path(root), not known, warn)
        now = drift.describe(conn, rooms(root))
        stay = {} if accept else {o: s for o, s in by_hand.items() if before.get(o) == now.get(o)}
        stay = {o: s for o, s in stay.items() if now.get(o) != known.get(o)}
        for name, state in stay.items():
            warn(f"{name} was {state} by hand; `reelq schema upgrade --accept` takes it as it is")
        drift.record(conn, now, {o: known[o] for o in stay if o in known}, {o for o in stay if o not in known})
        return ran


def install(conn: psycopg.Connection[Any], root: Path = ROOT, **options: Any) -> list[dict[str, Any]]:
    """upgrade() that also takes an empty database."""
    return upgrade(conn, root, empty_too=True, **options)


@contextmanager
def _session(conn: psycopg.Connection[Any], wait_s: float) -> Iterator[None]:
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
        yield
    finally:
        if not conn.closed and not conn.broken:
            conn.execute("select pg_advisory_unlock(%s)", [LOCK_KEY])
            for name in SESSION:
                conn.execute(sql.SQL("reset {}").format(sql.Identifier(name)))


def _set(conn: psycopg.Connection[Any], name: str, value: str) -> None:
    """Set a parameter of the session."""
    conn.execute("select set_config(%s, %s, false)", [name, value])


def _prepare(conn: psycopg.Connection[Any], root: Path, fresh: bool) -> None:
    """Make the ledger; on a fresh database enter the migrations as done, in the same transaction."""
    with conn.transaction():
        conn.execute((root / "ledger.sql").read_bytes(), prepare=False)
        for file in migrations(root) if fresh else []:
            _enter(conn, file, None)


def _apply(conn: psycopg.Connection[Any], file: File, closed: list[str]) -> int:
    """Run one file and enter it in the ledger; return the milliseconds. What it adds to the rooms in `closed` is not PUBLIC's.

    Raises:
        SchemaError: with file, line and the server's message.
    """
    started = time.monotonic()
    try:
        if file.transactional:
            with conn.transaction():
                conn.execute(file.text.encode(), prepare=False)
                shared.close(conn, closed)
                ms = int((time.monotonic() - started) * 1000)
                _enter(conn, file, ms)
            return ms
        for statement in statements(file.text):
            conn.execute(statement.encode(), prepare=False)
        shared.close(conn, closed)
    except psycopg.Error as error:
        if conn.broken:
            raise
        raise SchemaError(_told(file, error), error.diag.message_hint) from error
    invalid = drift.rows(conn, "select indexrelid::regclass::text from pg_index where not indisvalid")
    if invalid:
        names = ", ".join(name for (name,) in invalid)
        raise SchemaError(f"sql/{file.place} left invalid indexes: {names}", "Drop them and run this again.")
    ms = int((time.monotonic() - started) * 1000)
    _enter(conn, file, ms)
    return ms


def _told(file: File, error: psycopg.Error) -> str:
    """`path, line N: message (SQLSTATE)`; without the line when the server does not say where."""
    place = f"sql/{file.place}"
    if error.diag.statement_position and file.transactional:
        place += f", line {file.text[: int(error.diag.statement_position) - 1].count(chr(10)) + 1}"
    parts = [error.diag.message_primary or str(error), error.diag.message_detail, error.diag.context]
    return f"{place}: {'; '.join(part for part in parts if part)} ({error.sqlstate})"


def _enter(conn: psycopg.Connection[Any], file: File, ms: int | None) -> None:
    """Write the file's row of the ledger."""
    conn.execute(
        """
        insert into base.schema_ledger (path, kind, sha256, ms) values (%s, %s, %s, %s)
        on conflict (path) do update
        set kind = excluded.kind, sha256 = excluded.sha256, ms = excluded.ms, applied_at = clock_timestamp()
        """,
        [file.path, file.kind, file.sha256, ms],
    )


def _put_back(by_hand: dict[str, str], root: Path) -> list[File]:
    """The files of functions and views that were changed or dropped by hand, and the grants after them."""
    names = {name.split("(", 1)[0].replace(".", "/") for name, state in by_hand.items() if state != "added"}
    code = [file for file in files(root) if file.kind in ("function", "view")]
    found = [file for file in code if file.path.split("/", 1)[1].removesuffix(".sql") in names]
    return found + ([file for file in files(root) if file.kind == "grants"] if found else [])


def _settle(conn: psycopg.Connection[Any], todo: Plan, ran: list[dict[str, Any]], warn: Callable[[str], None]) -> None:
    """Tell of changed table files that no migration stands for, and of files that are gone."""
    moved = any(row["kind"] == "migration" for row in ran)
    for file in todo.settled:
        if not moved:
            warn(f"sql/{file.path} changed and no migration came with it: the table stays as it is")
        _enter(conn, file, None)
    for path in todo.vanished:
        name = re.sub(r"\d+_", "", path.split("/", 1)[-1].removesuffix(".sql")).replace("/", ".", 1)
        if path.split("/", 1)[0] in ("functions", "views", "schema") and _exists(conn, name):
            warn(f"sql/{path} is gone and {name} is still there: drop it in a migration")
        else:
            conn.execute("delete from base.schema_ledger where path = %s", [path])


def _exists(conn: psycopg.Connection[Any], name: str) -> bool:
    """Whether a function or relation of that qualified name exists."""
    room, _, own = name.partition(".")
    return bool(drift.rows(
        conn,
        """
        select from pg_proc where pronamespace = to_regnamespace(%(room)s) and proname = %(own)s
        union all
        select from pg_class where relnamespace = to_regnamespace(%(room)s) and relname = %(own)s
        """,
        {"room": room, "own": own},
    ))


def status(conn: psycopg.Connection[Any], root: Path = ROOT) -> list[dict[str, Any]]:
    """A row a file: path, kind, state (applied, pending, changed, vanished), applied_at."""
    todo, ledger = plan(conn, root), _ledger(conn) or {}
    todo_paths = {file.path for file in todo.steps} | {file.path for file in todo.settled}
    moves = migrations(root)
    rows = []
    for file in files(root) + moves:
        at = ledger.get(file.path, (None, None, None))[2]
        state = "applied" if file.path not in todo_paths else "changed" if file.path in ledger else "pending"
        state = "applied" if todo.fresh and file in moves else state
        rows.append({"path": file.path, "kind": file.kind, "state": "pending" if todo.fresh else state, "applied_at": at})
    rows += [{"path": p, "kind": ledger[p][0], "state": "vanished", "applied_at": ledger[p][2]} for p in todo.vanished]
    return rows


def diff(conn: psycopg.Connection[Any], root: Path = ROOT) -> list[dict[str, Any]]:
    """A row a difference: object, kind, state. Objects: added, removed, changed by hand; files: see status()."""
    if _ledger(conn) is None:
        raise SchemaMismatch("this database has no reelq schema", "Run `reelq schema install`.")
    known, now = drift.recorded(conn), drift.describe(conn, rooms(root))
    rows = [
        {"object": name, "kind": (now.get(name) or known[name])[0], "state": state}
        for name, state in drift.changes(known, now).items()
    ]
    return rows + [
        {"object": f"sql/{row['path']}", "kind": row["kind"], "state": row["state"]}
        for row in status(conn, root)
        if row["state"] != "applied"
    ]
