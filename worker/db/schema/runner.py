"""The schema runner: sql/ into a database, and what became of it since.

    install   an empty or half installed database gets everything, an older one what is new
    upgrade   the same for a database that has the schema already
    status    what would be done, file by file (plan.py)
    diff      what was changed by hand (drift.py), and files that nobody applied
    print     all of it as one script, in order (files.py)

schema/ holds the desired state and runs once, migrations/ change tables that hold data and run once,
functions, views, data and grants run again whenever their text changes. A fresh database counts
every migration as done: its tables have that shape already. How a file is applied: apply.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import psycopg

from reelq.worker.db.schema import dependants, drift, locks, ownership, shared, strays, vendored
from reelq.worker.db.schema.apply import LOCK_WAIT_S, apply, enter, make_ledger, rehearse, session
from reelq.worker.db.schema.files import ROOT, File, files, rooms, search_path
from reelq.worker.db.schema.files import script as script_of
from reelq.worker.db.schema.plan import Plan, is_file, plan, read_ledger, refuse_unreleased, status
from reelq.worker.errors import SchemaMismatch


def _ignore(_text: str) -> None:
    """Warnings go nowhere unless the caller asks for them."""


def upgrade(
    conn: psycopg.Connection[Any],
    root: Path = ROOT,
    *,
    empty_too: bool = False,
    accept: bool = False,
    wait_s: float = LOCK_WAIT_S,
    patience_s: float = locks.PATIENCE_S,
    warn: Callable[[str], None] = _ignore,
) -> list[dict[str, Any]]:
    """Bring the database to the state of the files; return a row (path, kind, ms) a file that ran.

    Functions, views and grants that were changed by hand are put back, and older signatures of a function dropped; a table changed by hand is told
    to `warn` and stays (and stays told by `diff`) unless `accept`. Another runner is waited for `wait_s`, tables that
    others hold `patience_s` a file.

    Raises:
        SchemaMismatch: RQ011, newer than the files, or empty without `empty_too`.
        SchemaTaken: a schema of our names belongs to somebody else; nothing has changed.
        SchemaError: a file failed (with file and line), or see plan().
        SchemaBusy: others held a table all the time; the files before are applied, and the next upgrade goes on.
    """
    with session(conn, wait_s):
        todo = plan(conn, root)
        if todo.fresh and not empty_too:
            raise SchemaMismatch("this database has no reelq schema", "Run `reelq schema install`.")
        shared.refuse_foreign(conn, rooms(root), read_ledger(conn))
        shared.require_roles(conn, files(root))
        if todo.fresh:
            vendored.standing(conn)  # refuses another's schema of that name
            shared.require_encoding(conn)
            shared.require_create(conn)
        known: drift.Objects = {}
        before: drift.Objects = {}
        if not todo.fresh:
            refuse_unreleased(todo, read_ledger(conn) or {}, root)
            known, before = drift.recorded(conn), drift.describe(conn, rooms(root))
        by_hand = drift.changes(known, before) if known else {}
        steps = todo.steps + [file for file in _put_back(by_hand, root) if file not in todo.steps]
        if not todo.fresh:
            dependants.refuse(conn, steps, rooms(root))
        others_use = {} if todo.fresh else locks.tables(conn, rooms(root))
        # An install that stops has recorded nothing: the next run knows by that that it is still the first.
        follower = drift.Follower(conn, rooms(root), before) if known else None
        run = partial(apply, conn, closed=rooms(root), warn=warn, standing=others_use, patience_s=patience_s, follower=follower)
        if not todo.fresh and not any(file.kind == "migration" for file in steps):
            texts = "".join(file.text for file in steps)
            locks.patiently(conn, partial(rehearse, conn, steps, files(root), others_use), "the upgrade", texts, others_use, patience_s)
        make_ledger(conn, root, todo.fresh)
        standing = strays.signatures(conn, rooms(root))
        strays.drop(conn, files(root), warn)
        ran = [{"path": file.path, "kind": file.kind, "ms": run(file)} for file in steps]
        if standing - strays.signatures(conn, rooms(root)) and not any(row["kind"] == "grants" for row in ran):
            # One that took another's place has no rights yet.
            grants = [file for file in files(root) if file.kind == "grants"]
            ran += [{"path": file.path, "kind": file.kind, "ms": run(file)} for file in grants]
        _settle(conn, todo, warn)
        shared.set_search_path(conn, search_path(root), not known, warn)
        if not known:
            shared.close_temporary(conn, search_path(root))
        ownership.mend(conn, warn, others_use, patience_s)
        now = drift.describe(conn, rooms(root))
        stay = {} if accept else {o: s for o, s in by_hand.items() if before.get(o) == now.get(o)}
        stay = {o: s for o, s in stay.items() if now.get(o) != known.get(o)}
        # What somebody made beside a function of ours is never taken for one that a file made: the next upgrade would drop it.
        beside = {one.object for one in strays.find(conn, root) if one.state == strays.SECOND} - known.keys()
        for name, state in ((name, state) for name, state in stay.items() if name not in beside):
            warn(f"{name} was {state} by hand; `reelq schema upgrade --accept` takes it as it is")
        drift.record(conn, now, {o: known[o] for o in stay if o in known}, {o for o in stay if o not in known} | beside)
        # Last: all that is said above of who else lives in this database is said without it.
        if vendored.is_wanted(rooms(root)) and vendored.apply(conn, warn):
            ran.append({"path": vendored.PLACE, "kind": "vendored", "ms": 0})
        return ran


def install(conn: psycopg.Connection[Any], root: Path = ROOT, **options: Any) -> list[dict[str, Any]]:
    """upgrade() that also takes an empty database."""
    return upgrade(conn, root, empty_too=True, **options)


def script(root: Path = ROOT) -> str:
    """All that install() does as one script for psql."""
    return script_of(root, vendored.script() if vendored.is_wanted(rooms(root)) else "")


def _put_back(by_hand: dict[str, str], root: Path) -> list[File]:
    """The files of functions and views that were changed or dropped by hand, and the grants after them."""
    names = {name.split("(", 1)[0].replace(".", "/") for name, state in by_hand.items() if state != "added"}
    code = [file for file in files(root) if file.kind in ("function", "view")]
    found = [file for file in code if file.path.split("/", 1)[1].removesuffix(".sql") in names]
    return found + ([file for file in files(root) if file.kind == "grants"] if found else [])


def _settle(conn: psycopg.Connection[Any], todo: Plan, warn: Callable[[str], None]) -> None:
    """Tell of changed table files that no migration stands for, and of files that are gone.

    The migrations may have run in an upgrade that did not come to its end, so the ledger is asked and not this run.
    """
    ledger = read_ledger(conn) or {}
    moved = max((at for kind, _, at in ledger.values() if kind == "migration"), default=None)
    for file in todo.settled:
        if moved is None or moved < ledger[file.path][2]:
            warn(f"sql/{file.path} changed and no migration came with it: the table stays as it is")
        enter(conn, file, None)
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


def diff(conn: psycopg.Connection[Any], root: Path = ROOT) -> list[dict[str, Any]]:
    """A row a difference: object, kind, state. Objects: added, removed, changed by hand; files: see status()."""
    if read_ledger(conn) is None:
        raise SchemaMismatch("this database has no reelq schema", "Run `reelq schema install`.")
    known, now = drift.recorded(conn), drift.describe(conn, rooms(root))
    changed = drift.changes(known, now)
    rows = [{"object": name, "kind": (now.get(name) or known[name])[0], "state": state} for name, state in changed.items()]
    return rows + [
        {"object": f"sql/{row['path']}" if is_file(row) else row["path"], "kind": row["kind"], "state": row["state"]}
        for row in status(conn, root)
        if row["state"] not in ("applied", strays.NOBODYS, "newer") and row["path"] not in changed
    ]
