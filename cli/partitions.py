"""reelq partitions: list, maintain."""

from __future__ import annotations

import click

from reelq.cli.app import App, Seconds, json_option, pass_app
from reelq.cli.terminal import output, text
from reelq.cli.terminal.output import Column

COLUMNS = (
    Column("parent", "table", keep=True),
    Column("partition", keep=True),
    Column("since", "from", show=lambda at: text.shown(at)[:10], keep=True),
    Column("until", "to", show=lambda at: text.shown(at)[:10], keep=True),
    Column("state"),
    Column("rows_estimate", "rows (estimate)", right=True),
    Column("size_bytes", "size", show=text.size, right=True),
)
STEPS = (Column("action"), Column("partition", keep=True), Column("done"), Column("detail"))


@click.group("partitions")
def partitions() -> None:
    """Make partitions ahead, drop those past their retention.

    \b
    Examples:
      reelq partitions list
      reelq partitions maintain
    """


@partitions.command("list")
@json_option
@pass_app
def list_partitions(app: App, as_json: bool) -> None:
    """List the partitions with span, state, estimated rows (nothing is counted) and size with indexes.

    States: ahead, current, kept, expired (to be detached), detaching (interrupted; the next run ends it), detached
    (waits for its drop).

    \b
    Examples:
      reelq partitions list
      reelq partitions list --json | jq 'select(.state == "expired")'
    """
    from reelq.worker.db import partitions as partitioned

    with app.connect() as conn:
        found = output.emit(partitioned.list_partitions(conn), as_json, COLUMNS)
    if not found and not as_json:
        output.say("No partitions yet: reelq partitions maintain makes them.")


@partitions.command("maintain")
@click.option("--dry-run", is_flag=True, help="Only print what there is to do.")
@click.option(
    "--wait", "wait_s", type=Seconds(), default=10, show_default=True,
    help="How long one partition's readers are waited for, such as 30s or 5m.",
)  # fmt: skip
@json_option
@pass_app
def maintain(app: App, dry_run: bool, wait_s: float, as_json: bool) -> int:
    """Make the partitions of the months to come; detach and drop those whose retention has ended.

    Needs the account that owns the tables. It blocks no reader or writer, and may be run at any time, twice, or again
    after it was killed. Exit code 75: something is left for the next run, as when a query reads a table
    for longer than --wait; 1: a policy or a partition has to be corrected by an operator.

    \b
    Examples:
      reelq partitions maintain --dry-run
      reelq partitions maintain
    """
    from reelq.worker import db
    from reelq.worker.db import partitions as partitioned
    from reelq.worker.db import schema
    from reelq.worker.errors import DONE, FAILED, TRY_AGAIN

    with db.family(), db.connect(app.settings, "reelq partitions", direct=True) as conn:
        schema.require(conn)
        if not dry_run:
            db.check_own_session(app.settings, conn, "reelq partitions maintain")
        steps = partitioned.steps(conn, True) if dry_run else list(partitioned.maintain(conn, wait_s))
    if any(step.action == "busy" for step in steps):
        output.say("Another session maintains the partitions at this moment.")
        return DONE
    if not output.emit(steps, as_json, STEPS) and not as_json:
        output.line("Nothing to do.")  # no news on stderr, which cron would mail every hour
    if dry_run:
        return DONE
    left = [step for step in steps if not step.done]
    for step in left:
        output.say(f"{step.action} {step.partition or step.parent}: {step.detail}")
    if any(step.action in partitioned.BY_HAND for step in left):
        return FAILED
    return TRY_AGAIN if left else DONE
