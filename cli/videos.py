"""reelq videos: list, show, open; `rerun`, `cancel`, `delete` and `restore` are in files of their own."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote
from uuid import UUID

import click

from reelq.cli.app import App, Choice, Uuid, Whole, json_option, pass_app, tenant_option
from reelq.cli.terminal import output, text
from reelq.cli.terminal.output import Column
from reelq.cli.video_deletes import delete, restore
from reelq.cli.video_runs import cancel, rerun

if TYPE_CHECKING:
    from reelq.worker.rooms.media import OpenedVariant, Variant
    from reelq.worker.settings import Settings

STATUSES = ("pending", "downloading", "processing", "compressing", "uploading", "ready", "failed")

COLUMNS = (
    Column("id", keep=True, whole=True),
    Column("status", keep=True),
    Column("title"),
    Column("tenant", spare=True),
    Column("duration_seconds", "length", show=text.duration, right=True, spare=True),
    Column("height", "px", right=True, spare=True),
    Column("variants", "made", right=True, spare=True),
    Column("created_at", "age", show=text.age, right=True, spare=True),
    Column("error_code", "error"),
)
DELETED = (
    Column("id", keep=True, whole=True),
    Column("status"),
    Column("title"),
    Column("tenant", spare=True),
    Column("deleted_at", "deleted", show=text.age, right=True),
    Column("created_at", "age", show=text.age, right=True, spare=True),
)
VARIANTS = (
    Column("profile", keep=True),
    Column("dimensions", "size in px"),
    Column("codecs"),
    Column("bit_rate", show=text.bit_rate, right=True),
    Column("size_bytes", "size", show=text.size, right=True),
    Column("duration_seconds", "length", show=text.duration, right=True),
    Column("encode_seconds", "took", show=text.duration, right=True),
    Column("speed", show=lambda speed: "" if speed is None else f"{float(speed):.1f}×", right=True),
)
# What a reader asks first: what is it, how does it stand, why, when; then what belongs to the platform.
FIRST = (
    *("id", "title", "status", "error_code", "error_message", "tenant", "tenant_id", "user_id", "asset_id", "created_at", "updated_at"),
    *("status_changed_at", "description", "metadata"),
)
FIRST_OF_ASSET = (
    *("id", "status", "error_code", "error_message", "kind", "original_filename", "source", "source_url", "size_bytes", "container_format"),
    *("duration_seconds", "width_px", "height_px", "frame_rate_num", "frame_rate_den", "video_codec", "audio_codec", "created_at"),
    *("updated_at", "status_changed_at"),
)


@click.group("videos")
def videos() -> None:
    """Look at videos and what was made of them; run their pipeline again, delete them.

    \b
    Examples:
      reelq videos list
      reelq videos open 01976b1e-5a3c-7d4e-8f00-0123456789ab
    """


for command in (rerun, cancel, delete, restore):
    videos.add_command(command)


@videos.command("list")
@click.option("--tenant", metavar="SLUG", help="Only videos of this tenant.")
@click.option("--status", type=Choice(STATUSES), help="Only videos of this status.")
@click.option("--deleted", is_flag=True, help="Those that were deleted and can be restored, the last one first.")
@click.option("--limit", type=Whole(1), default=50, show_default=True, help="At most so many.")
@json_option
@pass_app
def list_videos(app: App, tenant: str | None, status: str | None, deleted: bool, limit: int, as_json: bool) -> None:
    """List videos, newest first.

    \b
    Examples:
      reelq videos list --status failed
      reelq videos list --tenant acme --json | jq -r .title
    """
    from reelq.worker.rooms import media, media_kept

    if deleted and status:
        raise click.UsageError("--deleted must not come with --status")
    with app.connect() as conn:
        if deleted:
            found = output.emit(media_kept.list_deleted_videos(conn, tenant, limit), as_json, DELETED)
        else:
            found = output.emit(media.list_videos(conn, tenant, status, limit), as_json, COLUMNS)
    if not found and not as_json:
        output.say("No such videos.")


@videos.command("show")
@click.argument("video_id", type=Uuid(), metavar="VIDEO")
@tenant_option
@json_option
@pass_app
def show(app: App, video_id: UUID, tenant: str | None, as_json: bool) -> None:
    """Show a video: its record, what was measured of its file, and what was made of it.

    \b
    Examples:
      reelq videos show 01976b1e-5a3c-7d4e-8f00-0123456789ab
      reelq videos show 01976b1e-5a3c-7d4e-8f00-0123456789ab --json | jq .asset.frame_rate_num
    """
    from reelq.worker.rooms import media

    with app.connect(tenant=tenant) as conn:
        video = media.show_video(conn, video_id)
        variants = media.list_variants(conn, video_id)
    if as_json:
        output.emit_record(video, True)
        return
    record = output.in_order(video, *FIRST)
    output.emit_record({name: value for name, value in record.items() if name not in ("asset", "variants")}, False)
    asset = output.in_order(video["asset"], *FIRST_OF_ASSET)
    output.emit_record({name: value for name, value in asset.items() if name != "probe"}, False, title="asset")
    output.emit(
        [described(variant) for variant in variants],
        False,
        VARIANTS,
        title="made of it" if variants else None,
    )


@videos.command("open")
@click.argument("video_id", type=Uuid(), metavar="VIDEO")
@click.option("--profile", help="Which variant, such as h264-720p or poster; default: the largest rendition.")
@click.option("--print", "only_print", is_flag=True, help="Print the address and launch nothing.")
@tenant_option
@json_option
@pass_app
def open_variant(app: App, video_id: UUID, profile: str | None, only_print: bool, tenant: str | None, as_json: bool) -> None:
    """Print the address of a variant, and show it in a desktop's player when this is one's terminal.

    The address is a signed link of ten minutes; of a file:// store without links it is the file's own.

    \b
    Examples:
      reelq videos open 01976b1e-5a3c-7d4e-8f00-0123456789ab --profile poster
      ffplay "$(reelq videos open 01976b1e-5a3c-7d4e-8f00-0123456789ab)"
    """
    from reelq.worker.rooms import media

    with app.connect(tenant=tenant) as conn:
        variant = choose(media.list_variants(conn, video_id), profile)
        url = address(with_link_secret(app), media.open_variant(conn, video_id, variant.profile))
    if as_json:
        output.emit_record({"video_id": video_id, "profile": variant.profile, "url": url}, True)
        return
    output.line(url)
    if output.on_terminal() and output.on_desktop() and not only_print:
        click.launch(url)


def choose(variants: list[Variant], profile: str | None) -> Variant:
    """The variant of that profile, else the first: the largest rendition.

    Raises:
        click.ClickException: there is none (yet).
    """
    if not variants:
        raise click.ClickException("this video has no variants yet")
    for variant in variants:
        if profile in (None, variant.profile):
            return variant
    raise click.UsageError(
        f"--profile must be one of {', '.join(variant.profile for variant in variants)}, not {profile}"
    )


def with_link_secret(app: App) -> Settings:
    """The settings; where links of a file:// store are served and this host says no secret for them, with the one that all share."""
    from reelq.worker.runtime.live_settings import sealed_settings

    settings = app.settings
    if not settings.public_url or not settings.store.startswith("file://") or "link_secret" in settings.given:
        return settings
    with app.connect() as conn:
        return sealed_settings(settings, conn)


def address(settings: Settings, variant: OpenedVariant) -> str:
    """A link to the object: signed, or file:// where the store is a folder without a server.

    Raises:
        click.ClickException: the object lies in another folder than the settings name, whose links nobody would serve.
    """
    from reelq.worker.stores.open import open_bucket, open_store

    store = open_store(settings)
    if variant.bucket.startswith("s3://"):
        store = open_bucket(settings, variant.bucket, variant.region)
    elif store.bucket != variant.bucket:
        raise click.ClickException(
            f"the object lies in {variant.bucket}, but the store is {store.bucket}; see --store"
        )
    if store.bucket.startswith("file://") and not (settings.link_secret and settings.public_url):
        folder = Path(unquote(store.bucket.removeprefix("file://")))
        return "file://" + quote(str(folder / variant.key))
    return store.signed_url(variant.key)


def described(variant: Variant) -> dict[str, object]:
    """A variant's columns, and its size in pixels and codecs as text."""
    wide = f"{variant.width}×{variant.height}" if variant.width and variant.height else ""
    codecs = "+".join(name for name in (variant.video_codec, variant.audio_codec) if name)
    return {**asdict(variant), "dimensions": wide, "codecs": codecs or (variant.mime or "")}
