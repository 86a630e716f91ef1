"""reelq backup: create, list, verify, restore, prune."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import timedelta
from typing import Any

import click

from reelq.cli.app import App, Seconds, json_option, pass_app
from reelq.cli.terminal import output, text
from reelq.cli.terminal.output import Column

BACKUPS = (
    Column("began_at", "began", keep=True),
    Column("status", keep=True),
    Column("size_bytes", "size", show=text.size, right=True),
    Column("row_count", "rows", right=True, spare=True),
    Column("encrypted"),
    Column("verified_at", "verified", show=text.age, right=True),
    Column("trouble", wrap=True, spare=True),
    Column("id", keep=True),
)
STORED = (
    Column("began_at", "began", keep=True),
    Column("database", keep=True),
    Column("size_bytes", "size", show=text.size, right=True),
    Column("rows", right=True, spare=True),
    Column("encrypted"),
    Column("reelq", spare=True),
    Column("postgres", spare=True),
    Column("trouble", wrap=True, spare=True),
    Column("id", keep=True),
)
MADE = (
    Column("id", keep=True),
    Column("size_bytes", "size", show=text.size, right=True),
    Column("tables", right=True),
    Column("rows", right=True),
    Column("encrypted"),
    Column("key", keep=True),
)
PRUNED = (Column("began_at", "began", keep=True), Column("status", keep=True), Column("objects", right=True), Column("id", keep=True))


@click.group("backup")
def backup() -> None:
    """Make backups, verify them by restoring them, restore one in earnest.

    Where they lie says REELQ_BACKUP_STORE; they are encrypted for REELQ_BACKUP_RECIPIENTS. docs/operate.md, Back up.

    \b
    Examples:
      reelq backup create
      reelq backup list
      reelq backup verify
    """


@backup.command("create")
@json_option
@pass_app
def create(app: App, as_json: bool) -> None:
    """Make a backup: a dump in Postgres' custom format, streamed to the store, and a manifest with counts and checksums beside it.

    Needs the account that owns the schema. While it runs nobody can change or drop a table: upgrades and the end of old
    partitions wait for it.

    \b
    Examples:
      reelq backup create
      REELQ_BACKUP_RECIPIENTS=age1… reelq backup create --json | jq -r .id
    """
    from reelq.worker.backup import create as creating

    with _ending_in_order(), _progress("written") as tell:
        made = creating.create(app.settings, lambda done: tell("", done))
    output.emit_record(_shown(made), as_json, MADE)


@backup.command("list")
@click.option("--all", "everything", is_flag=True, help="Those that were pruned or failed long ago, too.")
@click.option("--store", "in_store", is_flag=True, help="Ask the store instead of the database, as when that is lost.")
@json_option
@pass_app
def list_backups(app: App, everything: bool, in_store: bool, as_json: bool) -> None:
    """List backups, newest first.

    \b
    Examples:
      reelq backup list
      reelq backup list --store
      reelq backup list --json | jq 'select(.verified_at == null)'
    """
    if in_store:
        _list_store(app, as_json)
        return
    from reelq.worker.rooms.ops import backups

    with app.connect() as conn:
        found = backups.list_backups(conn, everything)
    rows: list[Any] = list(found) if as_json else [
        asdict(one) | {
            "began_at": text.shown(one.began_at), "encrypted": _yes(one.key_fingerprints), "trouble": one.error_message or one.verify_error,
            "status": "pruned" if one.pruned_at else one.status,
        } for one in found
    ]  # fmt: skip
    if not output.emit(rows, as_json, BACKUPS) and not as_json:
        output.say("No backups yet: reelq backup create makes one.")


def _list_store(app: App, as_json: bool) -> None:
    """What the manifests say."""
    from reelq.worker.backup import places
    from reelq.worker.errors import BackupError

    rows = [
        {"trouble": str(one)} if isinstance(one, BackupError) else _shown(one)
        for one in places.list_manifests(places.open_backups(app.settings))
    ]
    if not output.emit(rows, as_json, STORED) and not as_json:
        output.say("The store holds no backup.")


@backup.command("verify")
@click.argument("backup_id", metavar="[ID]", required=False)
@json_option
@pass_app
def verify(app: App, backup_id: str | None, as_json: bool) -> None:
    """Restore a backup into a private server on this host, and compare every table with the manifest. Without ID the newest one.

    Needs the programs of a Postgres server on this host, room in REELQ_SCRATCH for the database, and where it is encrypted
    REELQ_BACKUP_IDENTITY_FILE.
    Exit code 3: the backup is cut, altered, or not what it was made of; 1: it could not be verified here.

    \b
    Examples:
      reelq backup verify
      reelq backup verify 01a21cb0-5fd6-7c51-baac-2b497d0c9801
    """
    from reelq.worker.backup import verify as verifying

    with _ending_in_order(), _progress("restored") as tell:
        found = verifying.verify(app.settings, backup_id, lambda done: tell("", done))
    output.emit_record(_shown(found), as_json, MADE)
    output.say("It was restored, and every table has the rows that the manifest says.")


@backup.command("restore")
@click.argument("backup_id", metavar="[ID]", required=False)
@click.option("--create", "make", is_flag=True, help="Make the database that DATABASE_URL names first.")
@click.option("--replace", is_flag=True, help="Drop what is reelq's in the database first.")
@click.option("--yes", "sure", is_flag=True, help="Do not ask before --replace.")
@json_option
@pass_app
def restore(app: App, backup_id: str | None, make: bool, replace: bool, sure: bool, as_json: bool) -> None:
    """Restore a backup into an empty database, or with --create into a new one. Without ID the newest one.

    The backup is read and compared with its checksum before anything is changed, and restored in one transaction. Then jobs that ran
    at its time go back to the queue, and what is left to do is said. --replace drops what is there before that transaction: it is
    gone, whatever becomes of the restore.

    \b
    Examples:
      reelq backup restore --create
      reelq backup restore 01a21cb0-5fd6-7c51-baac-2b497d0c9801
      reelq backup restore --replace
    """
    from reelq.worker.backup import restore as restoring

    if make and replace:
        raise click.UsageError("--create makes a new database, in which there is nothing to replace")
    if replace and not sure:
        if not output.can_ask():
            raise click.UsageError("--yes must be given with --replace where nobody can be asked")
        if not click.confirm(f"Drop all that is reelq's in {restoring.named(app.settings)}?", err=True):
            raise click.ClickException("nothing was changed")
    with _ending_in_order(), _progress("") as tell:
        done = restoring.restore(app.settings, backup_id, create=make, replace_ours=replace, on_step=tell)
    if as_json:
        output.emit_record({**asdict(done), "manifest": _shown(done.manifest)}, True)
    else:
        output.emit_record(
            {"database": done.database, "backup": done.manifest.id, "of": done.manifest.began_at[:19], "rows": done.manifest.rows,
             "roles made": ", ".join(done.roles_made), "jobs given back": done.jobs_released, "workers to come anew": done.workers_stopped}, False,
        )  # fmt: skip
    for number, step in enumerate(done.to_do, 1):
        output.say(f"{number}. {step}")


@backup.command("prune")
@click.option("--keep", "keep_s", type=Seconds(), metavar="TIME", help="Keep those of this time, as 30d.  [default: REELQ_BACKUP_KEEP]")
@click.option("--dry-run", is_flag=True, help="Only print what would go.")
@json_option
@pass_app
def prune(app: App, keep_s: float | None, dry_run: bool, as_json: bool) -> None:
    """Remove backups that are older than they are kept, and what failed ones have left. Never the last one that was verified, nor the last one.

    \b
    Examples:
      reelq backup prune --dry-run
      reelq backup prune --keep 90d
    """
    from reelq.worker.backup import prune as pruning

    done = pruning.prune(app.settings, None if keep_s is None else timedelta(seconds=keep_s), dry_run=dry_run)
    if not output.emit(done, as_json, PRUNED) and not as_json:
        output.line("Nothing to do.")
    elif dry_run:
        output.say("Nothing was removed: this was a dry run.")


def _shown(manifest: Any) -> dict[str, Any]:
    """A manifest as a row: tables as a number."""
    found = asdict(manifest)
    return found | {
        "began_at": manifest.began_at[:19], "tables": len(manifest.tables), "rows": manifest.rows, "encrypted": _yes(manifest.encrypted_for),
        "postgres": manifest.postgres // 10_000,
    }  # fmt: skip


def _yes(keys: list[str]) -> str:
    return "yes" if keys else "no"


@contextmanager
def _ending_in_order() -> Iterator[None]:
    """SIGTERM ends it as Ctrl-C does: what has been begun is taken back, and the record says so."""

    def leave(_number: int, _frame: object) -> None:
        raise SystemExit(128 + signal.SIGTERM)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _progress(word: str) -> Iterator[Callable[[str, int], None]]:
    """Tell on a terminal how far it is."""
    if not output.can_show_progress():
        yield lambda _name, _done: None
        return
    with output.console(stderr=True).status("…") as status:
        yield lambda name, done: status.update(f"{text.size(done)} {name or word}")
