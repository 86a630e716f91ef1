"""reelq secrets: init, rotate, status, forget. No key is ever printed."""

from __future__ import annotations

from collections import Counter

import click

from reelq.cli.app import App, Seconds, json_option, pass_app
from reelq.cli.terminal import output
from reelq.cli.terminal.output import Column

USES = (
    Column("key_id", "key", keep=True),
    Column("state", keep=True),
    Column("column", wrap=True),
    Column("rows", right=True, keep=True),
    Column("advice", wrap=True, spare=True),
)
ROWS = (Column("column", keep=True), Column("row_id", "row", keep=True), Column("key_id", "key", keep=True), Column("why"))
DONE = (
    Column("column", wrap=True),
    Column("from", keep=True),
    Column("to", keep=True),
    Column("rows", right=True, keep=True),
    Column("refused", right=True, spare=True),
)
DEAD = "Nobody can open them. Of identity.users: reelq users drop-second-factor ID removes one, and its user sets up another."
NAMED = 5  # rows of a kind that a message names


@click.group("secrets")
def secrets() -> None:
    """Keys that seal secrets: make, rotate, count, forget them.

    The keys are in the file that REELQ_SECRETS_FILE names, and never in the database, a log or a command line.

    \b
    Examples:
      reelq secrets init
      reelq secrets status
    """


@secrets.command("init")
@click.option("--no-database", is_flag=True, help="Only make the file; the first rotate tells the database.")
@click.option("--lost", metavar="KEY", help="The database's current key, when that is lost for good.")
@click.option("--yes", "sure", is_flag=True, help="Do not ask whether that key is lost.")
@json_option
@pass_app
def init(app: App, no_database: bool, lost: str | None, sure: bool, as_json: bool) -> None:
    """Make the key file with a first key, mode 0600.

    Never overwrites one. Keep a copy apart from the database and its dumps: without the key no secret opens again. Other hosts need the same file.

    \b
    Examples:
      REELQ_SECRETS_FILE=/etc/reelq/secrets reelq secrets init
      reelq secrets init --lost k20261127-3f9a
    """
    from reelq.worker.rotation import rotate as rotation

    if no_database:
        if lost:
            raise click.UsageError("--lost is told to the database: leave --no-database out")
        ring = rotation.init(None, app.settings, None)
    else:
        with app.connect() as conn:
            if lost is not None and rotation.may_begin_anew(conn, app.settings, lost):
                confirm_lost(lost, rotation.count_under(conn, lost), sure)
            ring = rotation.init(conn, app.settings, lost)
    output.emit([{"key_id": ring.current.key_id, "file": str(ring.path)}], as_json, headings=False)
    output.say("Keep a copy of this file apart from the database and its dumps; bring it to every host that opens secrets.")


def confirm_lost(key_id: str, rows: int, sure: bool) -> None:
    """Say what is lost with a key, and ask.

    Raises:
        click.UsageError: nobody is there to answer.
        click.ClickException: the answer was no.
    """
    output.say(f"{rows:,} {'row is' if rows == 1 else 'rows are'} sealed under key {key_id}, and will not open without a copy of its file.")
    if sure:
        return
    if not output.can_ask():
        raise click.UsageError("--yes must be given where nobody can be asked")
    if not click.confirm(f"Is key {key_id} lost on all hosts, with every copy?", err=True):
        raise click.ClickException("no key was made")


@secrets.command("rotate")
@click.option("--prepare", is_flag=True, help="Only add the next key to the file, to be brought to all hosts first.")
@click.option("--new-key", is_flag=True, help="A new key also when an earlier rotation has not ended.")
@click.option("--wait", type=Seconds(), default=60.0, metavar="TIME", help="How long to wait for rows that others hold.  [default: 60s]")
@json_option
@pass_app
@click.pass_context
def rotate(ctx: click.Context, app: App, prepare: bool, new_key: bool, wait: float, as_json: bool) -> None:
    """Make a new key current and seal all secrets anew.

    Everything else goes on running meanwhile. Goes on where an earlier rotation was interrupted, and makes no key then. The old key
    stays in the file until `reelq secrets forget`.
    With more than one host: --prepare, bring the file to all hosts, then rotate on one of them.

    Exit code 3: rows were left that do not open here. 75: rows are held by others, or the database is away; run it again.

    \b
    Examples:
      reelq secrets rotate
      reelq secrets rotate --prepare
    """
    from reelq.worker.errors import CHECK_SAYS_NO
    from reelq.worker.rotation import rotate as rotation
    from reelq.worker.rotation import status as states

    with app.connect() as conn:
        if prepare:
            key = rotation.prepare(conn, app.settings)
            output.emit([{"key_id": key.key_id, "state": "next"}], as_json, headings=False)
            output.say("Bring the file to all hosts and restart what reads a copy of it; then: reelq secrets rotate")
            return
        begun = rotation.begin(conn, app.settings, new_key=new_key)
        output.say(f"key {begun.key_id} is current" if begun.is_new else f"going on with the rotation to key {begun.key_id}; no key was made")
        counts: Counter[tuple[str, str]] = Counter()
        refused: dict[tuple[str, str], list[str]] = {}
        try:
            for part in rotation.reseal(conn, begun.ring, app.settings, wait_s=wait):
                place = (f"{part.used.table_name}.{part.used.column_name}", part.used.key_id)
                counts[place] += part.count
                refused.setdefault(place, []).extend(part.refused)
        finally:
            done = [
                {"column": column, "from": key_id, "to": begun.ring.current.key_id, "rows": count, "refused": len(refused[column, key_id])}
                for (column, key_id), count in counts.items()
            ]
            output.emit(done, as_json, DONE)
        lost = [one for one in states.status(conn, begun.ring) if one.state == "missing" and one.column]
    for (column, key_id), ids in refused.items():
        if ids:
            output.say(f"{len(ids)} rows of {column} do not open under key {key_id}, and stay: {named(ids)}")
            output.say(DEAD)
    for one in lost:
        output.say(f"{one.rows} rows of {one.column} are sealed under key {one.key_id}, which is not here (RQ017): reelq secrets status --rows")
    if lost or any(refused.values()):
        ctx.exit(CHECK_SAYS_NO)


def named(ids: list[str]) -> str:
    """The first ones, and how many more."""
    more = f" and {len(ids) - NAMED} more" if len(ids) > NAMED else ""
    return ", ".join(ids[:NAMED]) + more


@secrets.command("status")
@click.option("--rows", "show_rows", is_flag=True, help="Instead: try every row, and list those that do not open here.")
@json_option
@pass_app
@click.pass_context
def status(ctx: click.Context, app: App, show_rows: bool, as_json: bool) -> None:
    """Count the rows of each key, and say which may go.

    Rows are counted by what they say of their key; --rows tries them.

    Exit code 3: a key is missing here that rows are sealed under, or that is the database's current one; the key file cannot be used; with
    --rows: some row does not open.

    \b
    Examples:
      reelq secrets status
      reelq secrets status --rows --json | jq -r .row_id
    """
    from reelq.worker.errors import CHECK_SAYS_NO
    from reelq.worker.rotation import rotate as rotation
    from reelq.worker.rotation import status as states
    from reelq.worker.secrets import Keyring
    from reelq.worker.secrets.keyfile import KeyFileError

    with app.connect() as conn:
        ring = None
        try:
            ring = Keyring.load(app.settings)
        except KeyFileError as error:  # what the database knows is told all the same
            output.say(f"{error}. {error.hint}")
        if show_rows:
            lost = output.emit(states.unreadable_rows(conn, ring), as_json, ROWS)
            ctx.exit(CHECK_SAYS_NO if lost or ring is None else 0)
        current = rotation.current_of(conn)
        found = states.status(conn, ring, is_refused=ring is None and rotation.has_file(app.settings))
    if not output.emit(found, as_json, USES) and not as_json:
        output.say("no secret is sealed, and there is no key")
    is_bad = any(one.state in ("missing", "other") and (one.column or one.key_id == current) for one in found)
    ctx.exit(CHECK_SAYS_NO if ring is None or is_bad else 0)


@secrets.command("forget")
@click.argument("key_id", metavar="KEY")
@json_option
@pass_app
def forget(app: App, key_id: str, as_json: bool) -> None:
    """Remove an old key from the key file.

    Refused while rows are sealed under it. Dumps from before the rotation need the key: keep the copy that goes with them.

    \b
    Examples:
      reelq secrets forget k20250301-91c0
    """
    from reelq.worker.rotation import rotate as rotation

    with app.connect() as conn:
        rotation.forget(conn, app.settings, key_id)
    output.emit([{"key_id": key_id, "state": "forgotten"}], as_json, headings=False)
