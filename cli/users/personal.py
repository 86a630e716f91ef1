"""reelq users export, erase, erasures, find-pii: personal data."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import click

from reelq.cli.app import App, Choice, Seconds, Whole, acting_for, json_option, pass_app, tenant_option
from reelq.cli.terminal import output, text
from reelq.cli.terminal.output import Column

if TYPE_CHECKING:
    import psycopg

    from reelq.worker.rooms.ops.personal import Erasure, Finding

STATUSES = ("requested", "running", "completed", "open")  # worker.rooms.ops.personal.STATUSES; a test compares
FILE, FOLDER = click.Path(dir_okay=False, path_type=Path), click.Path(file_okay=False, path_type=Path)
FINDINGS_BLOCKS = 1000  # of a call of ops.find_pii: 8 MB of a table
COUNTS = (
    Column("relation", "table", keep=True),
    Column("rows", right=True, keep=True),
    Column("action", "what is done"),
    Column("reason", spare=True),
)
ERASURES = (
    Column("user_id", "user", keep=True, whole=True),
    Column("status", keep=True),
    Column("requested_by", "asked by", spare=True),
    Column("created_at", "asked", show=text.age, right=True),
    Column("ended_at", "done", show=text.age, right=True),
    Column("rows", right=True),
    Column("objects", right=True),
)
FINDINGS = (
    Column("relation", "table", keep=True),
    Column("column_name", "column", keep=True),
    Column("column_class", "class", spare=True),
    Column("kind", keep=True),
    Column("sample"),
    Column("hits", right=True),
    Column("row_key", "row", spare=True),
)


@click.command("export")
@click.argument("user")
@click.option("--output", "target", type=FILE, metavar="FILE", help="Write here, not to stdout. A new file.")
@click.option("--objects", "folder", type=FOLDER, metavar="FOLDER", help="Bring the bytes of the objects here too.")
@tenant_option
@json_option
@pass_app
def export(app: App, user: str, target: Path | None, folder: Path | None, tenant: str | None, as_json: bool) -> int:
    """Give out all that is a user's: their rows, and the objects of their files.

    One JSON object a line, with or without --json: {"table", "row"} for each row, then {"object"} for each object.
    Secrets are not among them. USER is an address or an id.

    \b
    Examples:
      reelq users export ann@example.com --output ann.jsonl
      reelq users export ann@example.com --output ann.jsonl --objects ann/
    """
    del as_json
    from reelq.worker.personal.export import export as walk

    count = problems = 0
    with ExitStack() as stack:
        conn = stack.enter_context(app.connect())
        user_id = find(conn, user, tenant)
        sink = None if target is None else stack.enter_context(open(target, "x", encoding="utf-8", opener=private))
        for one in walk(conn, app.settings, user_id, folder):
            written = text.to_json(one)
            if sink is None:
                output.line(written, clean=False)
            else:
                sink.write(written + "\n")
            count += 1
            problems += "problem" in one
    if sink is not None or sys.stdout.isatty() or not count:
        output.say(f"{count} rows and objects." if count else "Nothing is theirs.")
    if problems:
        output.fail(f"{problems} objects must be in the store, and are missing or damaged", "Their lines bear a problem; the rest is exported.")
        return 1
    return 0


def private(path: str, flags: int) -> int:
    """Open a file that nobody else reads."""
    import os

    return os.open(path, flags, 0o600)


def find(conn: psycopg.Connection[Any], user: str, tenant: str | None) -> UUID:
    """The user's id, within the tenant if one is named."""
    from reelq.worker.rooms.ops import personal

    with acting_for(conn, tenant):
        return personal.find_subject(conn, user)


wait_option = click.option(
    "--wait", "wait_s", type=Seconds(), default=120.0, show_default=True, help="How long to wait for running jobs of theirs, such as 5m."
)
sure_option = click.option("--yes", "sure", is_flag=True, help="Do not ask. Without a terminal it is needed.")


@click.command("erase")
@click.argument("user")
@click.option("--dry-run", is_flag=True, help="Count what would go, and change nothing.")
@wait_option
@sure_option
@tenant_option
@json_option
@pass_app
def erase(app: App, user: str, dry_run: bool, wait_s: float, sure: bool, tenant: str | None, as_json: bool) -> None:
    """Erase a user for good: account, videos, files and their objects, jobs, history, and what the audit says of them.

    Running jobs of theirs are cancelled and waited for. What somebody else has a share in stays for that one. Killed
    at any moment, the same command goes on. At the end stands a certificate: reelq users erasures. USER is an
    address or an id.

    \b
    Examples:
      reelq users erase ann@example.com --dry-run
      reelq users erase ann@example.com --yes
    """
    from reelq.worker.rooms.ops import personal

    with app.connect() as conn:
        user_id = find(conn, user, tenant)
        if dry_run:
            counts = personal.count_rows(conn, user_id)
            output.emit(counts if as_json else [one for one in counts if one.rows], as_json, COUNTS)
            return
        erase_all(app, conn, [user_id], wait_s, sure, tenant, as_json)


@click.command("erase-requested")
@wait_option
@sure_option
@tenant_option
@json_option
@pass_app
def erase_requested(app: App, wait_s: float, sure: bool, tenant: str | None, as_json: bool) -> None:
    """Erase all who asked for it by ops.request_erasure, and go on with what was begun; oldest first. For a timer.

    \b
    Examples:
      reelq users erase-requested --yes
    """
    from reelq.worker.rooms.ops import personal

    with app.connect() as conn:
        with acting_for(conn, tenant):
            ids = [one.user_id for one in reversed(personal.list_erasures(conn, "open", 1000))]
        if not ids:
            output.say("Nobody has asked.")
            return
        erase_all(app, conn, ids, wait_s, sure, tenant, as_json)


def erase_all(app: App, conn: psycopg.Connection[Any], ids: list[UUID], wait_s: float, sure: bool, tenant: str | None, as_json: bool) -> None:
    """Erase these, one after the other, and show the certificate of each."""
    from reelq.worker.personal.erase import erase as work
    from reelq.worker.rooms.ops import personal

    if not sure:
        confirm(ids)
    headings = True
    for user_id in ids:
        with acting_for(conn, tenant):
            erasure_id = personal.begin_erasure(conn, user_id)
        work(conn, app.settings, erasure_id, wait_s)
        done = [shown(one) for one in personal.list_erasures(conn, "completed", 1000) if one.id == erasure_id]
        headings = not output.emit(done, as_json, ERASURES, headings=headings) and headings


def confirm(ids: list[UUID]) -> None:
    """Ask.

    Raises:
        click.UsageError: nobody is there to answer.
        click.ClickException: the answer was no.
    """
    if not output.can_ask():
        raise click.UsageError("--yes must be given where nobody can be asked")
    for user_id in ids:
        output.say(str(user_id))
    if not click.confirm(f"Erase {'this user' if len(ids) == 1 else f'these {len(ids)} users'} for good?", err=True):
        raise click.ClickException("nothing was erased")


def shown(one: Erasure) -> dict[str, Any]:
    """An erasure with its sums."""
    from dataclasses import asdict

    return {
        **asdict(one),
        "rows": sum(count for name, count in one.counts.items() if not name.startswith("objects")),
        "objects": one.counts.get("objects", 0),
    }


@click.command("erasures")
@click.option("--status", type=Choice(STATUSES), help="Only those; open: not completed.")
@click.option("--limit", type=Whole(1, 1000), default=50, show_default=True, help="At most so many.")
@tenant_option
@json_option
@pass_app
def erasures(app: App, status: str | None, limit: int, tenant: str | None, as_json: bool) -> None:
    """List erasures, newest first: asked for, under way, and done, which are the certificates.

    \b
    Examples:
      reelq users erasures
      reelq users erasures --status completed --json | jq '{user_id, ended_at, counts, counts_sha256}'
    """
    from reelq.worker.rooms.ops import personal

    with app.connect(tenant=tenant) as conn:
        found = output.emit((shown(one) for one in personal.list_erasures(conn, status, limit)), as_json, ERASURES)
    if not found and not as_json:
        output.say("No erasures.")


@click.command("find-pii")
@click.argument("user", required=False)
@click.option("--table", metavar="ROOM.TABLE", help="Look into this table only.")
@tenant_option
@json_option
@pass_app
def find_pii(app: App, user: str | None, table: str | None, tenant: str | None, as_json: bool) -> None:
    """Look for e-mail addresses, phone numbers, payment cards and IBANs in all texts, or in those of one user.

    Samples are masked. In a column that is not of the class "personal" none belong: it is neither exported nor
    erased with anybody. Tables are read a few megabytes at a time.

    \b
    Examples:
      reelq users find-pii
      reelq users find-pii --table queue.job_attempts --json | jq -r .row_key
      reelq users find-pii ann@example.com
    """

    if user is None and tenant is not None:
        raise click.UsageError("--tenant must come with USER: tables are looked through as a whole")
    found, headings = 0, True
    with app.connect() as conn:
        looks = looks_of_user(conn, find(conn, user, tenant), table) if user is not None else looks_of_all(conn, table)
        for told in looks:
            if told:
                headings = not output.emit(told, as_json, FINDINGS, headings=headings) and headings
                found += sum(one.hits for one in told)
    output.say(f"{found} found." if found else "Nothing found.")


def looks_of_user(conn: psycopg.Connection[Any], user_id: UUID, table: str | None) -> Iterator[list[Finding]]:
    """What is found in each table of theirs."""
    from reelq.worker.rooms.ops import personal

    for name in personal.export_tables(conn) if table is None else [table]:
        yield personal.find_pii_of_user(conn, user_id, name)


def looks_of_all(conn: psycopg.Connection[Any], table: str | None) -> Iterator[list[Finding]]:
    """What is found in each part of each table, a few megabytes at a time."""
    from reelq.worker.rooms.ops import personal

    for part in personal.pii_tables(conn, table):
        for at in range(0, part.blocks, FINDINGS_BLOCKS):
            yield personal.find_pii(conn, part.part, at, FINDINGS_BLOCKS)
