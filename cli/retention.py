"""reelq retention: what goes because its time is over."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import click

from reelq.cli.app import App, Choice, Moment, Uuid, json_option, pass_app, tenant_option
from reelq.cli.terminal import output, text
from reelq.cli.terminal.output import Column

CLASSES = ("operational", "bundle", "ai_generated")
EXPIRING = (
    Column("asset_id", "file", keep=True, whole=True),
    Column("tenant"),
    Column("original_filename", "name"),
    Column("retention_class", "class"),
    Column("size_bytes", "size", show=text.size, right=True),
    Column("expires_at", "due", spare=True),
)


@click.group("retention")
def retention() -> None:
    """What goes because its time is over: unused files, deleted videos and tenants.

    \b
    Examples:
      reelq retention run --dry-run
      reelq retention run
    """


@retention.command("run")
@click.option("--dry-run", is_flag=True, help="List the files that would go, and change nothing.")
@click.option("--by", "before", type=Moment(), metavar="TIME", help="With --dry-run: that will be due by this time.")
@json_option
@pass_app
def run(app: App, dry_run: bool, before: datetime | None, as_json: bool) -> None:
    """Delete the rows of what is due. For a daily timer; twice at once does no harm. The bytes go by `reelq store sweep`.

    A file goes when no video is about it, it is in no live bundle, and it was not used for as long as the tenant says
    (retention_days, 90). A soft-deleted video goes after the setting keep_deleted_videos, a deleted tenant after
    keep_deleted_tenants.

    \b
    Examples:
      reelq retention run --dry-run --by +30d
      reelq retention run --json
    """
    from reelq.worker.objects import retention as work
    from reelq.worker.rooms import media_kept

    if before is not None and not dry_run:
        raise click.UsageError("--by must come with --dry-run")
    with app.connect() as conn:
        if dry_run:
            found = output.emit(media_kept.list_expiring(conn, before), as_json, EXPIRING)
            if not found and not as_json:
                output.say("No file is due.")
            return
        done = work.run(conn)
    if as_json:
        output.emit_record(done, True)
    else:
        output.line(f"{done.videos} videos purged, {done.assets} files expired, {done.tenants} tenants removed")


@retention.command("set")
@click.argument("asset_id", type=Uuid(), metavar="FILE")
@click.option("--class", "class_", type=Choice(CLASSES), help="How its end is reckoned.")
@click.option("--until", type=Moment(), metavar="TIME", help="It does not go before this time.")
@tenant_option
@json_option
@pass_app
def set_retention(app: App, asset_id: UUID, class_: str | None, until: datetime | None, tenant: str | None, as_json: bool) -> None:
    """Say how long a file is kept. FILE is its id (asset_id of a video).

    \b
    Examples:
      reelq retention set 01976b1e-5a3c-7d4e-8f00-0123456789ab --class bundle
      reelq retention set 01976b1e-5a3c-7d4e-8f00-0123456789ab --until 2031-01-01
    """
    from reelq.worker.rooms import media_kept

    with app.connect(tenant=tenant) as conn:
        media_kept.set_retention(conn, asset_id, class_, until)
    given = {"asset_id": asset_id, "retention_class": class_, "retention_until": until}
    output.emit([{name: value for name, value in given.items() if value is not None}], as_json)
