"""reelq bundles: files that are kept together, until somebody ends the bundle or its term has come."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import click

from reelq.cli.app import App, Moment, Uuid, Whole, json_option, pass_app, tenant_option
from reelq.cli.terminal import output, text
from reelq.cli.terminal.output import Column

COLUMNS = (
    Column("id", keep=True, whole=True),
    Column("name", keep=True),
    Column("tenant", spare=True),
    Column("live"),
    Column("assets", "files", right=True),
    Column("ends_at", "term", spare=True),
    Column("ended_at", "ended", spare=True),
    Column("created_at", "age", show=text.age, right=True, spare=True),
)
MEMBERS = (
    Column("asset_id", "file", keep=True, whole=True),
    Column("kind"),
    Column("original_filename", "name"),
    Column("size_bytes", "size", show=text.size, right=True),
    Column("retention_class", "class", spare=True),
    Column("videos", right=True),
    Column("added_at", "age", show=text.age, right=True, spare=True),
)


@click.group("bundles")
def bundles() -> None:
    """Keep files together: what is in a live bundle does not go by retention.

    \b
    Examples:
      reelq bundles create "summer campaign" --until 2030-09-01
      reelq bundles add "summer campaign" 01976b1e-5a3c-7d4e-8f00-0123456789ab
    """


@bundles.command("create")
@click.argument("name")
@click.option("--until", "ends_at", type=Moment(), metavar="TIME", help="Its term, after which it keeps nothing. Default: until it is ended.")
@tenant_option
@json_option
@pass_app
def create(app: App, name: str, ends_at: datetime | None, tenant: str | None, as_json: bool) -> None:
    """Make an empty bundle, and print its id.

    \b
    Examples:
      reelq bundles create "summer campaign" --until 2030-09-01 --tenant acme
    """
    from reelq.worker.rooms import media_kept

    with app.connect(tenant=tenant) as conn:
        made = media_kept.create_bundle(conn, name, ends_at=ends_at)
    if as_json:
        output.emit([{"id": made, "name": name}], True)
    else:
        output.line(str(made))


@bundles.command("add")
@click.argument("bundle")
@click.argument("assets", type=Uuid(), nargs=-1, required=True, metavar="FILE…")
@tenant_option
@json_option
@pass_app
def add(app: App, bundle: str, assets: tuple[UUID, ...], tenant: str | None, as_json: bool) -> None:
    """Put files into a bundle. BUNDLE is its id or its name; FILE is the id of a file (asset_id of a video).

    \b
    Examples:
      reelq bundles add "summer campaign" $(reelq videos show $video --json | jq -r .asset.id)
    """
    from reelq.worker.rooms import media_kept

    with app.connect(tenant=tenant) as conn:
        new = media_kept.add_to_bundle(conn, bundle, assets)
    output.emit([{"bundle": bundle, "added": new}], as_json)


@bundles.command("remove")
@click.argument("bundle")
@click.argument("assets", type=Uuid(), nargs=-1, required=True, metavar="FILE…")
@tenant_option
@json_option
@pass_app
def remove(app: App, bundle: str, assets: tuple[UUID, ...], tenant: str | None, as_json: bool) -> None:
    """Take files out of a bundle; their retention counts from now on.

    \b
    Examples:
      reelq bundles remove "summer campaign" 01976b1e-5a3c-7d4e-8f00-0123456789ab
    """
    from reelq.worker.rooms import media_kept

    with app.connect(tenant=tenant) as conn:
        gone = media_kept.remove_from_bundle(conn, bundle, assets)
    output.emit([{"bundle": bundle, "removed": gone}], as_json)


@bundles.command("list")
@click.option("--tenant", metavar="SLUG", help="Only bundles of this tenant.")
@click.option("--all", "over", is_flag=True, help="Also those that are over.")
@click.option("--limit", type=Whole(1), default=50, show_default=True, help="At most so many.")
@json_option
@pass_app
def list_bundles(app: App, tenant: str | None, over: bool, limit: int, as_json: bool) -> None:
    """List bundles, newest first.

    \b
    Examples:
      reelq bundles list --tenant acme
      reelq bundles list --all --json | jq -r .name
    """
    from reelq.worker.rooms import media_kept

    with app.connect() as conn:
        found = output.emit(media_kept.list_bundles(conn, tenant, over, limit), as_json, COLUMNS)
    if not found and not as_json:
        output.say("No such bundles.")


@bundles.command("show")
@click.argument("bundle")
@tenant_option
@json_option
@pass_app
def show(app: App, bundle: str, tenant: str | None, as_json: bool) -> None:
    """List the files in a bundle. BUNDLE is its id or its name.

    \b
    Examples:
      reelq bundles show "summer campaign"
    """
    from reelq.worker.rooms import media_kept

    with app.connect(tenant=tenant) as conn:
        found = output.emit(media_kept.list_members(conn, bundle), as_json, MEMBERS)
    if not found and not as_json:
        output.say("No file is in it.")


@bundles.command("end")
@click.argument("bundle")
@tenant_option
@json_option
@pass_app
def end(app: App, bundle: str, tenant: str | None, as_json: bool) -> None:
    """End a bundle: it keeps nothing from now on. BUNDLE is its id or its name.

    \b
    Examples:
      reelq bundles end "summer campaign"
    """
    from reelq.worker.rooms import media_kept

    with app.connect(tenant=tenant) as conn:
        assets = media_kept.end_bundle(conn, bundle)
    output.emit([{"bundle": bundle, "assets": assets}], as_json)
