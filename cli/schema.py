"""`reelq schema`: install, upgrade, status, diff and print, over worker/db/schema/runner.py; and audit, over worker/doctor/schema_audit.py."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
import psycopg

from reelq.cli.app import App, Seconds, json_option, pass_app
from reelq.cli.terminal import output
from reelq.cli.terminal.output import Column, emit, say
from reelq.worker import db
from reelq.worker.db import schema as runner
from reelq.worker.errors import CHECK_SAYS_NO

FILE_COLUMNS = (Column("path", keep=True), Column("kind", spare=True), Column("state", keep=True), Column("applied_at", spare=True))
RAN_COLUMNS = ("path", "kind", "ms")
AUDIT_COLUMNS = (Column("level", keep=True), Column("check", keep=True), Column("detail", wrap=True), Column("remedy", wrap=True))
DIFF_COLUMNS = ("object", "kind", "state")


@contextmanager
def direct(app: App, *, changes: bool = False) -> Iterator[psycopg.Connection[Any]]:
    """A connection past any pooler: the lock and the settings of what changes the schema belong to the session."""
    with db.family(), db.connect(app.settings, "reelq schema", direct=True) as conn:
        if changes:
            db.check_own_session(app.settings, conn, "reelq schema")
        yield conn


@click.group()
def schema() -> None:
    """Install, upgrade and check the database schema."""


@schema.command()
@json_option
@pass_app
def install(app: App, as_json: bool) -> None:
    """Make the schema; go on where an install was interrupted.

    The database may have an application's tables in it. Where a schema has one of our names already, nothing is changed
    and the exit code is 2.

    \b
    Examples:
      createdb reelq && DATABASE_URL=postgresql:///reelq reelq schema install
    """
    with direct(app, changes=True) as conn:
        ran = runner.install(conn, warn=say)
    _tell(ran, as_json)


@schema.command()
@click.option("--accept", is_flag=True, help="Take tables that were changed by hand as they are.")
@click.option(
    "--wait", "wait_s", type=Seconds(), default=runner.PATIENCE_S, show_default=True,
    help="How long a file tries again while others hold a table that it needs, such as 30s or 5m.",
)  # fmt: skip
@json_option
@pass_app
def upgrade(app: App, accept: bool, wait_s: float, as_json: bool) -> None:
    """Bring an older database to this version; put functions back that were changed by hand.

    Workers may go on meanwhile: nobody waits longer than 0.2 s behind a lock that this waits for. Exit code 75: a session held
    a table for longer than --wait. The message names it; run this again, and it goes on from there.

    \b
    Examples:
      reelq schema status && reelq schema upgrade
    """
    with direct(app, changes=True) as conn:
        ran = runner.upgrade(conn, accept=accept, patience_s=wait_s, warn=say)
    _tell(ran, as_json)


@schema.command()
@click.option("--all", "every", is_flag=True, help="Also the files that stand as they should.")
@json_option
@pass_app
@click.pass_context
def status(ctx: click.Context, app: App, every: bool, as_json: bool) -> None:
    """Show what upgrade would do, file by file, what has a wrong owner, and what no file makes. Exit code 3: there is something to do.

    A second signature of one of our functions makes its calls ambiguous: upgrade drops what an earlier release left. Anything
    else in our schemas that is `of nobody's file` may be yours, and is no fault.

    \b
    Examples:
      reelq schema status
      reelq schema status --all --json | jq -r .path
    """
    with direct(app) as conn:
        rows = runner.status(conn)
    open_rows = [row for row in rows if row["state"] != "applied"]
    emit(rows if every else open_rows, as_json, FILE_COLUMNS)
    files = [row for row in rows if runner.is_file(row)]
    say(f"{sum(row['state'] == 'applied' for row in files)} of {len(files)} files stand as they should")
    remedies = [row["remedy"] for row in rows if row["remedy"]]
    if remedies:
        say("reelq schema upgrade drops what an earlier release left; by hand:\n  " + "\n  ".join(remedies))
    ctx.exit(CHECK_SAYS_NO if any(row["state"] != runner.NOBODYS for row in open_rows) else 0)


@schema.command()
@json_option
@pass_app
@click.pass_context
def diff(ctx: click.Context, app: App, as_json: bool) -> None:
    """Show what was changed by hand since the last upgrade. Exit code 3: something was.

    \b
    Examples:
      reelq schema diff || echo "somebody was here"
    """
    with direct(app) as conn:
        rows = runner.diff(conn)
    emit(rows, as_json, DIFF_COLUMNS)
    say("no difference" if not rows else f"{len(rows)} differences")
    ctx.exit(CHECK_SAYS_NO if rows else 0)


@schema.command("audit")
@json_option
@pass_app
@click.pass_context
def audit(ctx: click.Context, app: App, as_json: bool) -> None:
    """Go through the list before production, a line a check: ok, warn or fail. Changes nothing. Exit code 3: something fails.

    created_at, ON DELETE, timestamptz, JSONB that is described, keys, valid indexes, partitions ahead, plans of the product's
    queries on this very database, query times, the pool, a backup that was tried, the way back from a migration.

    \b
    Examples:
      reelq schema audit
      reelq schema audit --json | jq -r 'select(.level != "ok") | .remedy'
    """
    from reelq.worker.doctor import schema_audit

    with direct(app) as conn:
        runner.require(conn)
        found = list(schema_audit.audit(conn, app.settings))
    emit(found, as_json, AUDIT_COLUMNS)
    counts = [f"{sum(one.level == level for one in found)} {level}" for level in schema_audit.LEVELS]
    say(", ".join(counts))
    ctx.exit(CHECK_SAYS_NO if schema_audit.worst(found) == "fail" else 0)


@schema.command("print")
def print_() -> None:
    """Print the whole schema as one script for psql.

    \b
    Examples:
      reelq schema print | psql -X -v ON_ERROR_STOP=1 reelq
    """
    output.raw(runner.script())


def _tell(ran: list[dict[str, Any]], as_json: bool) -> None:
    """The files that ran, and a closing word."""
    emit(ran, as_json, RAN_COLUMNS)
    say(f"{len(ran)} files applied in {sum(row['ms'] for row in ran)} ms" if ran else "nothing to do")
