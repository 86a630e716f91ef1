"""reelq tenants: list, show, create, set, suspend, activate, their configuration and quota."""

from __future__ import annotations

import re
from typing import Any

import click

from reelq.cli.app import App, Choice, JsonObject, Whole, json_option, pass_app
from reelq.cli.quotas import RESET_DAY, VIDEOS, set_for, show_for
from reelq.cli.terminal import output, text
from reelq.cli.terminal.output import Column

TIERS = ("standard", "premium", "enterprise")  # worker.rooms.identity.TIERS; a test compares

TENANTS = (
    Column("slug", keep=True),
    Column("name"),
    "status",
    Column("tier", spare=True),
    Column("job_weight", "weight", right=True, spare=True),
    Column("s3_bucket", "bucket", spare=True),
    Column("created_at", "age", show=text.age, right=True),
    Column("id", spare=True),
)

NAME = re.compile("[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")  # another name the database refuses, with the rules


@click.group("tenants")
def tenants() -> None:
    """Organisations whose videos are processed.

    The tenant "default" always exists.
    """


@tenants.command("list")
@json_option
@pass_app
def list_tenants(app: App, as_json: bool) -> None:
    """List tenants, by slug.

    \b
    Examples:
      reelq tenants list
      reelq tenants list --json | jq -r 'select(.status != "active") | .slug'
    """
    from reelq.worker.rooms import identity

    with app.connect() as conn:
        output.emit(identity.list_tenants(conn), as_json, TENANTS)


@tenants.command("create")
@click.argument("slug")
@click.option("--name", metavar="TEXT", help="As the tenant writes it; the slug if left out.")
@click.option("--tier", type=Choice(TIERS), default="standard", show_default=True, help="Its tier.")
@json_option
@pass_app
def create(app: App, slug: str, name: str | None, tier: str, as_json: bool) -> None:
    """Make a tenant and print its id. SLUG is 1 to 50 of a-z, 0-9 and hyphens.

    \b
    Examples:
      reelq tenants create acme --name "Acme Films"
    """
    from reelq.worker.rooms import identity

    with app.connect() as conn:
        made = identity.create_tenant(conn, slug, name, tier)
    output.emit([{"id": made, "slug": slug}], as_json, ("id",), headings=False)


@tenants.command("show")
@click.argument("tenant")
@json_option
@pass_app
def show(app: App, tenant: str, as_json: bool) -> None:
    """Show a tenant: tier and quota as its subscription gives them, bucket, users, keys. TENANT is a slug or an id.

    \b
    Examples:
      reelq tenants show acme
      reelq tenants show acme --json | jq .monthly_quota
    """
    from reelq.worker.rooms.identity import tenants as room

    with app.connect() as conn:
        output.emit_record(room.show_tenant(conn, tenant), as_json)


@tenants.command("set")
@click.argument("tenant")
@click.option("--name", metavar="TEXT", help="As the tenant writes it.")
@click.option("--tier", type=Choice(TIERS), help="Its tier without a subscription.")
@click.option("--weight", type=float, metavar="NUMBER", help="Its share of the workers inside a priority: 2 gets twice the turns of 1.")
@click.option("--bucket", metavar="NAME", help="A bucket of its own for its objects; with --region.")
@click.option("--region", metavar="NAME", help="Where the bucket is.")
@click.option("--common-store", is_flag=True, help="No bucket of its own any more.")
@click.option("--no-check", is_flag=True, help="Take the bucket though this host cannot try it; reelq doctor on a worker's host does.")
@json_option
@pass_app
def set_tenant(
    app: App,
    tenant: str,
    name: str | None,
    tier: str | None,
    weight: float | None,
    bucket: str | None,
    region: str | None,
    common_store: bool,
    no_check: bool,
    as_json: bool,
) -> None:
    """Change a tenant; what is not given stays. TENANT is a slug or an id.

    A bucket is tried first, with the server and the credentials of the settings: a probe is put, read back, listed and removed. What is
    made for the tenant from then on goes there; what is in another store stays there, and is read from there.

    \b
    Examples:
      reelq tenants set acme --tier premium --weight 2
      reelq tenants set acme --bucket acme-media --region eu-central-1
    """
    from reelq.worker.rooms.identity import tenants as room

    if common_store and (bucket or region):
        raise click.UsageError("--common-store must not stand with --bucket or --region")
    given = {"name": name, "tier": tier, "job_weight": weight, "s3_bucket": bucket, "s3_region": region}
    facts: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
    if common_store:
        facts |= {"s3_bucket": None, "s3_region": None}
    if not facts:
        raise click.UsageError("one of the options must be given")
    if no_check and not bucket:
        raise click.UsageError("--no-check must stand with --bucket")
    if bucket and region and not no_check and NAME.fullmatch(bucket):
        try_bucket(app, bucket, region)
    with app.connect() as conn:
        room.set_tenant(conn, tenant, facts)
        output.emit_record(room.show_tenant(conn, tenant), as_json)


def try_bucket(app: App, bucket: str, region: str) -> None:
    """Refuse a bucket that does not take, give and list what is put there.

    Raises:
        SettingsError: what is wrong with it, and what to do.
    """
    from reelq.worker.doctor.checks import objects
    from reelq.worker.errors import SettingsError

    for found in objects.look(objects.of_bucket(app.settings, f"s3://{bucket}", region), "store"):
        if found.level == "bad":
            refused = SettingsError(f"the bucket cannot be used: {found.detail}")
            refused.hint = f"{found.remedy} Nothing was changed; --no-check takes it as it is."
            raise refused


@tenants.command("config")
@click.argument("tenant")
@json_option
@pass_app
def config(app: App, tenant: str, as_json: bool) -> None:
    """Show what a tenant has chosen: weights and filters of its feeds, rates and times. TENANT is a slug or an id.

    \b
    Examples:
      reelq tenants config acme
      reelq tenants config acme --json | jq .content_filters
    """
    from reelq.worker.rooms.identity import tenants as room

    with app.connect() as conn:
        output.emit_record(room.tenant_config(conn, tenant), as_json)


@tenants.command("set-config")
@click.argument("tenant")
@click.option("--personalization/--no-personalization", "personal", default=None, help="Whether its feeds are personal at all.")
@click.option("--weights", type=JsonObject(), metavar="JSON", help="How much each signal counts: 0 to 1 each, exactly 1 together.")
@click.option("--filters", type=JsonObject(), metavar="JSON", help="max_maturity, excluded_categories, geo_allowed; {} filters nothing.")
@click.option("--rate", type=Whole(1), metavar="NUMBER", help="Requests a second that it may make.")
@click.option("--cache-seconds", type=Whole(0), metavar="NUMBER", help="How long an answer may be given again.")
@click.option("--retention-days", type=Whole(1), metavar="NUMBER", help="Days after the last reference after which operational objects go.")
@json_option
@pass_app
def set_config(
    app: App,
    tenant: str,
    personal: bool | None,
    weights: dict[str, Any] | None,
    filters: dict[str, Any] | None,
    rate: int | None,
    cache_seconds: int | None,
    retention_days: int | None,
    as_json: bool,
) -> None:
    """Change what a tenant has chosen; what is not given stays. TENANT is a slug or an id. JSON may be @FILE.

    \b
    Examples:
      reelq tenants set-config acme --weights '{"watch_history": 0.6, "editorial": 0.4}'
      reelq tenants set-config acme --filters '{"max_maturity": "teen", "geo_allowed": ["US", "GB"]}' --rate 100
    """
    from reelq.worker.rooms.identity import tenants as room

    given = {
        "personalization_enabled": personal,
        "personalization_weights": weights,
        "content_filters": filters,
        "rate_limit_rps": rate,
        "cache_ttl_seconds": cache_seconds,
        "retention_days": retention_days,
    }
    facts = {key: value for key, value in given.items() if value is not None}
    if not facts:
        raise click.UsageError("one of the options must be given")
    with app.connect() as conn:
        room.set_tenant_config(conn, tenant, facts)
        output.emit_record(room.tenant_config(conn, tenant), as_json)


@tenants.group("quota")
def quota() -> None:
    """How many videos a month a tenant may bring in."""


@quota.command("show")
@click.argument("tenant")
@json_option
@pass_app
def show_quota(app: App, tenant: str, as_json: bool) -> None:
    """Show a tenant's quota, and how much of it is used. TENANT is a slug or an id.

    \b
    Examples:
      reelq tenants quota show acme
    """
    with app.connect() as conn:
        show_for(conn, tenant, None, as_json)


@quota.command("set")
@click.argument("tenant")
@click.argument("videos", type=VIDEOS)
@click.option("--reset-day", type=RESET_DAY, metavar="DAY", help="The day of the month on which it begins anew, in UTC.")
@json_option
@pass_app
def set_quota(app: App, tenant: str, videos: int, reset_day: int | None, as_json: bool) -> None:
    """Set how many videos a month a tenant may bring in without a subscription. TENANT is a slug or an id; VIDEOS a number, or "unlimited".

    \b
    Examples:
      reelq tenants quota set acme 5000 --reset-day 1
      reelq tenants quota set acme unlimited
    """
    with app.connect() as conn:
        set_for(conn, tenant, None, videos, reset_day)
        show_for(conn, tenant, None, as_json)


@tenants.command("tidy")
@json_option
@pass_app
def tidy(app: App, as_json: bool) -> None:
    """End trials that are over, begin due quotas anew, remove old counters of keys. For an hourly timer; twice does no harm.

    \b
    Examples:
      reelq tenants tidy
    """
    from reelq.worker.rooms.identity import tenants as room

    with app.connect() as conn:
        did = room.tidy(conn)
    if as_json:
        output.emit_record(did, True)
    else:
        output.line(f"{did.trials} trials ended, {did.quotas} quotas begun anew, {did.counters} counters removed")


@tenants.command("suspend")
@click.argument("tenant")
@json_option
@pass_app
def suspend(app: App, tenant: str, as_json: bool) -> None:
    """Accept nothing for a tenant and start none of its jobs; running ones go on. TENANT is a slug or an id.

    \b
    Examples:
      reelq tenants suspend acme
    """
    _set_status(app, tenant, "suspended", as_json)


@tenants.command("activate")
@click.argument("tenant")
@json_option
@pass_app
def activate(app: App, tenant: str, as_json: bool) -> None:
    """Let a tenant's work go on. TENANT is a slug or an id.

    \b
    Examples:
      reelq tenants activate acme
    """
    _set_status(app, tenant, "active", as_json)


@tenants.command("delete")
@click.argument("tenant")
@json_option
@pass_app
def delete(app: App, tenant: str, as_json: bool) -> None:
    """Mark a tenant deleted: nothing is accepted and no job starts. TENANT is a slug or an id.

    After the setting keep_deleted_tenants `reelq retention run` and `reelq store sweep` remove its videos, files and bytes, then all the rest.
    Until then `reelq tenants activate` brings it back.

    \b
    Examples:
      reelq tenants delete acme
    """
    _set_status(app, tenant, "deleted", as_json)


def _set_status(app: App, tenant: str, status: str, as_json: bool) -> None:
    """Set it, and say so."""
    from reelq.worker.rooms import identity

    with app.connect() as conn:
        identity.set_tenant_status(conn, tenant, status)
    output.emit([{"tenant": tenant, "status": status}], as_json, headings=False)
