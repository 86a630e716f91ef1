"""What there is to do: the files of sql/ compared with the ledger, which knows what was applied."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import tuple_row

from reelq.worker import __version__
from reelq.worker.db.schema import drift, ownership, releases, shared, strays, vendored
from reelq.worker.db.schema.files import NO_WAY_UP, ROOT, File, SchemaError, files, migrations, rooms
from reelq.worker.errors import SchemaMismatch, SchemaMissing

Ledger = dict[str, tuple[str, str, Any]]  # path -> kind, sha256, applied_at
SAYS = "select where to_regprocedure('base.accepts_program(text)') is not null"
ACCEPTS = "select where base.accepts_program(%s)"
REAPPLIED = ("function", "view", "data", "grants")


class SchemaNewer(SchemaMismatch):
    """The database has had migrations that these files do not know."""


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
    ledger = read_ledger(conn)
    if ledger is None:
        return Plan(code, True, [], [])
    done = {path: sha for path, (kind, sha, _) in ledger.items() if kind == "migration"}
    unknown = sorted(done.keys() - {file.path for file in moves})
    if unknown:
        raise SchemaNewer(
            f"the database is newer than this program: it has had {unknown[-1]}",
            "Install the version of reelq that made the database's schema, or a later one.",
        )
    for file in moves:
        if file.path in done and done[file.path] != file.sha256:
            raise SchemaError(f"{file.path} was edited after it was applied", "Put its text back and write a new migration.")
    pending = [file for file in moves if file.path not in done]
    # One that runs last may be left of an upgrade that was stopped, while those after it are applied.
    last = [file for file in pending if file.is_last]
    pending = [file for file in pending if not file.is_last]
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
    # Nothing that runs meanwhile meets a function that reads a column which is gone.
    grants = [file for file in steps if file.kind == "grants"]
    steps = [file for file in steps if file not in grants] + last + grants
    settled = [file for file in code if file.kind == "schema" and ledger.get(file.path, ("", file.sha256))[1] != file.sha256]
    vanished = sorted(ledger.keys() - {file.path for file in code} - {file.path for file in moves})
    return Plan(steps, False, settled, vanished)


def refuse_unreleased(todo: Plan, ledger: Ledger, root: Path = ROOT) -> None:
    """Stop before anything has changed if a database was made of other table files and nothing leads from those to these.

    Migrations lead from one release to the next (releases.py). A database that has had none of them must have the table files of
    a release, beside those of new tables; of a tree without releases or migrations, those that are there now.

    Raises:
        SchemaError: names one of the files.
    """
    others = [file.path for file in todo.settled] + [path for path in todo.vanished if path.startswith("schema/")]
    known = releases.texts(root)
    if any(kind == "migration" for kind, _, _ in ledger.values()) or (migrations(root) and not known):
        return
    new = {file.path for file in todo.settled if known and file.path not in known}
    strange = [path for path in others if path not in new and ledger[path][1] not in known.get(path, ())]
    if strange:
        told = f"this database was made by an unreleased version of reelq: it has another sql/{min(strange)}"
        raise SchemaError(told, NO_WAY_UP)


def read_ledger(conn: psycopg.Connection[Any]) -> Ledger | None:
    """Path → kind, sha256, applied_at; None when there is no ledger.

    Raises:
        SchemaError: the ledger is there, and the fingerprints that belong to it are not.
    """
    if not shared.has_ledger(conn):
        return None
    if not drift.rows(conn, "select where to_regclass('base.schema_objects') is not null"):
        told = "this database has base.schema_ledger and no base.schema_objects: it is no whole schema of reelq"
        raise SchemaError(told, NO_WAY_UP)
    with conn.cursor(row_factory=tuple_row, binary=True) as cursor:  # binary: the driver reads times as text in one DateStyle only
        rows = cursor.execute("select path, kind, sha256, applied_at from base.schema_ledger").fetchall()
    return {path: (kind, sha, at) for path, kind, sha, at in rows}


def require(conn: psycopg.Connection[Any], root: Path = ROOT) -> None:
    """Check at the start of a program that the database has the tables that it expects.

    A newer database may be worked with as long as it says so (base.accepts_program): a release keeps what the one before it calls.

    Raises:
        SchemaMismatch: RQ011, not installed, older (tables or migrations are missing) or too new.
    """
    try:
        todo = plan(conn, root)
    except SchemaNewer:
        if drift.rows(conn, SAYS) and drift.rows(conn, ACCEPTS, [__version__]):
            return
        raise
    if todo.fresh:
        raise SchemaMissing("this database has no reelq schema", "Run `reelq schema install`.")
    missing = [file.path for file in todo.steps if file.kind in ("schema", "migration")]
    if missing:
        told = f"the database is older than this program: {missing[0]} is not applied"
        raise SchemaMismatch(told, "Run `reelq schema upgrade`.")


def status(conn: psycopg.Connection[Any], root: Path = ROOT) -> list[dict[str, Any]]:
    """A row a file: path, kind, state (applied, pending, changed, vanished), applied_at.

    And a row of the kind `owner` a thing whose owner is wrong: the object, and in words how. And a row a thing that no file makes
    (strays.py); `remedy` is the statement that mends it.
    """
    todo, ledger = plan(conn, root), read_ledger(conn) or {}
    todo_paths = {file.path for file in todo.steps} | {file.path for file in todo.settled}
    moves = migrations(root)
    rows = []
    for file in files(root) + moves:
        at = ledger.get(file.path, (None, None, None))[2]
        state = "applied" if file.path not in todo_paths else "changed" if file.path in ledger else "pending"
        state = "applied" if todo.fresh and file in moves else state
        rows.append({"path": file.path, "kind": file.kind, "state": "pending" if todo.fresh else state, "applied_at": at})
    rows += [{"path": p, "kind": ledger[p][0], "state": "vanished", "applied_at": ledger[p][2]} for p in todo.vanished]
    rows += [{"path": found, "kind": "owner", "state": told, "applied_at": None} for found, told, _ in ownership.faults(conn)]
    if vendored.is_wanted(rooms(root)):
        rows.append({"path": f"{vendored.PLACE} {vendored.latest()}", "kind": "vendored", "state": vendored.state(conn), "applied_at": None})
    if not todo.fresh:
        gone = [path.split("/", 1)[-1].removesuffix(".sql").replace("/", ".") for path in todo.vanished if path.startswith(("functions/", "views/"))]
        for one in strays.find(conn, root, gone):
            rows.append({"path": one.object, "kind": one.kind, "state": one.state, "applied_at": None, "remedy": one.remedy})
    return [{"remedy": None, **row} for row in rows]


def is_file(row: dict[str, Any]) -> bool:
    """Whether a row of status() is that of a file."""
    return row["kind"] not in ("owner", "vendored") and row["state"] not in strays.STATES
