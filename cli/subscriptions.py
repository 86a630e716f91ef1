"""reelq subscriptions: list, set, end."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from reelq.cli.app import App, Choice, Moment, Whole, json_option, pass_app
from reelq.cli.quotas import UNLIMITED, VIDEOS
from reelq.cli.terminal import output
from reelq.cli.terminal.output import Column

if TYPE_CHECKING:
    from uuid import UUID

    import psycopg

STATUSES = ("active", "trialing", "past_due")  # worker.rooms.identity.subscriptions.STATUSES; a test compares
PLANS = ("free", "starter", "pro", "business", "standard", "premium", "enterprise")  # and PLANS
SUBSCRIPTIONS = (
    Column("tenant", keep=True),
    Column("email", "user", keep=True),
    Column("plan"),
    Column("status"),
    Column("monthly_quota", "videos a month", right=True),
    Column("trial_ends_at", "trial ends", spare=True),
    Column("current_period_end", "paid until", spare=True),
    Column("ended_at", "ended", spare=True),
    Column("provider", spare=True),
    Column("provider_subscription_id", "their id", spare=True),
)


@click.group("subscriptions")
def subscriptions() -> None:
    """What users and tenants pay for; tier and quota follow from it.

    One live subscription each. Without one a user is on the tier free with 30 videos a month, a tenant on its own tier without a bound.
    """


@subscriptions.command("list")
@click.option("--tenant", metavar="SLUG", help="Only of this tenant and its users.")
@click.option("--all", "all_of_them", is_flag=True, help="Those that are over too.")
@click.option("--limit", type=Whole(1, 10_000), default=100, show_default=True, help="At most so many.")
@json_option
@pass_app
def list_subscriptions(app: App, tenant: str | None, all_of_them: bool, limit: int, as_json: bool) -> None:
    """List subscriptions, newest first.

    \b
    Examples:
      reelq subscriptions list
      reelq subscriptions list --tenant acme --all --json | jq .provider_subscription_id
    """
    from reelq.worker.rooms.identity import subscriptions as room

    with app.connect() as conn:
        found = output.emit(room.list_subscriptions(conn, tenant, not all_of_them, limit), as_json, SUBSCRIPTIONS)
    if not found and not as_json:
        output.say("No such subscriptions.")


@subscriptions.command("set")
@click.option("--tenant", metavar="SLUG", help="Of this tenant; slug or id.")
@click.option("--user", metavar="USER", help="Of this user: an id or an e-mail address.")
@click.option("--plan", type=Choice(PLANS), help="The tier that it gives; has to be given for a new one.")
@click.option("--status", type=Choice(STATUSES), help="active, trialing (with --trial-ends) or past_due.")
@click.option("--quota", type=VIDEOS, metavar="VIDEOS", help='Videos a month, or "unlimited"; of a new one as before, if left out.')
@click.option("--trial-ends", type=Moment(), metavar="TIME", help="When the trial is over.")
@click.option("--period-start", type=Moment(), metavar="TIME", help="When the period that is paid for begins.")
@click.option("--period-end", type=Moment(), metavar="TIME", help="When it ends.")
@click.option("--provider", metavar="NAME", help="Who takes the money, such as stripe.")
@click.option("--provider-id", metavar="ID", help="The provider's id of the subscription.")
@click.option("--customer-id", metavar="ID", help="The provider's id of the customer.")
@json_option
@pass_app
def set_subscription(
    app: App,
    tenant: str | None,
    user: str | None,
    plan: str | None,
    status: str | None,
    quota: int | None,
    trial_ends: datetime | None,
    period_start: datetime | None,
    period_end: datetime | None,
    provider: str | None,
    provider_id: str | None,
    customer_id: str | None,
    as_json: bool,
) -> None:
    """Make or change the live subscription of a tenant or of a user; what is not given stays. Prints its id.

    \b
    Examples:
      reelq subscriptions set --tenant acme --plan premium --quota 5000
      reelq subscriptions set --user ann@acme.example --plan pro --status trialing --trial-ends +336h
    """
    from reelq.worker.rooms.identity import subscriptions as room

    given = {
        "plan": plan,
        "status": status,
        "monthly_quota": quota,
        "trial_ends_at": trial_ends and trial_ends.isoformat(),
        "current_period_start": period_start and period_start.isoformat(),
        "current_period_end": period_end and period_end.isoformat(),
        "provider": provider,
        "provider_subscription_id": provider_id,
        "provider_customer_id": customer_id,
    }
    facts: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
    if quota == UNLIMITED:
        facts["monthly_quota"] = None
    if not facts:
        raise click.UsageError("one of the options must be given")
    with app.connect() as conn:
        made = room.set_subscription(conn, tenant, owner(conn, tenant, user), facts)
    output.emit([{"id": made}], as_json, headings=False)


@subscriptions.command("end")
@click.option("--tenant", metavar="SLUG", help="Of this tenant; slug or id.")
@click.option("--user", metavar="USER", help="Of this user: an id or an e-mail address.")
@json_option
@pass_app
def end(app: App, tenant: str | None, user: str | None, as_json: bool) -> None:
    """End the live subscription of a tenant or of a user, now. Prints its id.

    \b
    Examples:
      reelq subscriptions end --user ann@acme.example
    """
    from reelq.worker.rooms.identity import subscriptions as room

    with app.connect() as conn:
        ended = room.end_subscription(conn, tenant, owner(conn, tenant, user))
    output.emit([{"id": ended}], as_json, headings=False)


def owner(conn: psycopg.Connection[Any], tenant: str | None, user: str | None) -> UUID | None:
    """The user whose it is; None: the tenant itself.

    Raises:
        click.UsageError: nobody was named.
    """
    from reelq.worker.rooms.identity import quotas

    if user is not None:
        return quotas.find_account(conn, user)
    if tenant is None:
        raise click.UsageError("--tenant or --user must be given")
    return None
