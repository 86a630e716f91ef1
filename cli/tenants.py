"""reelq tenants: list, create, suspend, activate."""

from __future__ import annotations

import click

from reelq.cli.app import App, Choice, json_option, pass_app
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


def _set_status(app: App, tenant: str, status: str, as_json: bool) -> None:
    """Set it, and say so."""
    from reelq.worker.rooms import identity

    with app.connect() as conn:
        identity.set_tenant_status(conn, tenant, status)
    output.emit([{"tenant": tenant, "status": status}], as_json, headings=False)
