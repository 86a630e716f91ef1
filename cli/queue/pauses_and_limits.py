"""reelq queue: pause, resume, pauses; limits, set-limit, drop-limit. The verbs are named as the SQL functions are."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from reelq.cli.app import App, Choice, Whole, json_option, pass_app, tenant_option
from reelq.cli.terminal import output, text
from reelq.cli.terminal.output import Column

if TYPE_CHECKING:
    from reelq.worker.rooms.queue.limits import Limit, Pause

SCOPES = ("all", "job_type", "tenant", "channel", "input")  # worker.rooms.queue.limits.SCOPES; a test compares

PAUSES = (
    Column("scope", keep=True),
    Column("key", keep=True),
    Column("title"),
    Column("reason", wrap=True),
    Column("paused_by", "by"),
    Column("since", "for", show=text.age, right=True),
    Column("parked", right=True),
)
LIMITS = (
    Column("name", "limit", keep=True),
    Column("max_running", "max", right=True),
    Column("used", right=True),
    Column("running", right=True),
    Column("parked", right=True),
)


@click.command("pause")
@click.argument("scope", type=Choice(SCOPES))
@click.argument("key", default="", metavar="[KEY]")
@click.option("--reason", required=True, metavar="TEXT", help="One sentence for people who find it paused.")
@json_option
@pass_app
def pause(app: App, scope: str, key: str, reason: str, as_json: bool) -> None:
    """Hold jobs back; running ones go on. A pause holds for all workers until `reelq queue resume`, through restarts too.

    SCOPE is all, job_type, tenant, channel or input; KEY says which: a job type, the slug or id of a tenant, the id of a
    channel or of an asset. Again with another reason changes the reason.

    \b
    Examples:
      reelq queue pause all --reason "the store moves tonight"
      reelq queue pause job_type video_transcode --reason "the encoder is being upgraded"
      reelq queue pause tenant acme --reason "asked for it"
    """
    from reelq.worker.rooms.queue import limits

    with app.connect() as conn:
        limits.pause(conn, scope, key, reason)
        told = [one for one in limits.list_pauses(conn) if one.scope == scope and key.lower() in (one.key, one.name.lower())]
    show(told, as_json)


@click.command("resume")
@click.argument("scope", type=Choice(SCOPES))
@click.argument("key", default="", metavar="[KEY]")
@json_option
@pass_app
def resume(app: App, scope: str, key: str, as_json: bool) -> None:
    """End a pause: what it held goes on. For an input also its strikes are forgotten.

    \b
    Examples:
      reelq queue resume all
      reelq queue resume tenant acme
      reelq queue resume input 01976b1e-5a3c-7d4e-8f00-0123456789ab
    """
    from reelq.worker.rooms.queue import limits

    with app.connect() as conn:
        limits.resume(conn, scope, key)
    output.emit([{"scope": scope, "key": key, "state": "resumed"}], as_json, headings=False)


@click.command("pauses")
@tenant_option
@json_option
@pass_app
def pauses(app: App, tenant: str | None, as_json: bool) -> None:
    """List what is paused, and why; also inputs that the poison guard holds, and tenants that are not active.

    PARKED counts the jobs that were put aside so far. Those of a paused job type stay where they are.

    \b
    Examples:
      reelq queue pauses
      reelq queue pauses --json | jq -r 'select(.scope == "input") | .key'
    """
    from reelq.worker.rooms.queue import limits

    with app.connect(tenant=tenant) as conn:
        found = limits.list_pauses(conn)
    show(found, as_json)
    if not found and not as_json:
        output.say("Nothing is paused.")


def show(found: list[Pause], as_json: bool) -> None:
    """Pauses; for people the key is the one to type: a tenant's slug, and an input's id beside its title."""
    if as_json:
        output.emit(found, True)
        return
    rows: list[dict[str, Any]] = []
    for one in found:
        is_tenant = one.scope in ("tenant", "suspended")
        row = {name: getattr(one, name) for name in ("scope", "reason", "paused_by", "since", "parked")}
        row["parked"] = text.count(one.parked, one.at_least)
        row["key"] = one.name if is_tenant else one.key
        row["title"] = "" if is_tenant or one.name == one.key else one.name
        rows.append(row)
    titled = any(row["title"] for row in rows)
    output.emit(rows, False, [column for column in PAUSES if titled or column.key != "title"])


@click.command("limits")
@tenant_option
@json_option
@pass_app
def limits(app: App, tenant: str | None, as_json: bool) -> None:
    """List the limits: how many jobs may be ready or running together (max), how many are (used), run, and wait (parked; 10,000+
    where counting stops).

    \b
    Examples:
      reelq queue limits
      reelq queue limits --json | jq 'select(.parked > 0)'
    """
    from reelq.worker.rooms.queue import limits

    with app.connect(tenant=tenant) as conn:
        found = show_limits(limits.list_limits(conn), as_json)
    if not found and not as_json:
        output.say("There is no limit. Set one: reelq queue set-limit KEY N")


def show_limits(found: list[Limit], as_json: bool) -> int:
    """Limits; for people 10,000+ where counting stopped."""
    rows = [{**asdict(one), "parked": text.count(one.parked, one.at_least)} for one in found]
    return output.emit(found if as_json else rows, as_json, LIMITS)


@click.command("set-limit")
@click.argument("key", metavar="KEY")
@click.argument("most", type=Whole(1), metavar="N")
@json_option
@pass_app
def set_limit(app: App, key: str, most: int, as_json: bool) -> None:
    """Let at most N jobs of KEY run at once.

    Ready ones count too. The others wait, by urgency, and one enters for each that ends.

    KEY is type:JOB_TYPE, tenant:SLUG, tenant:* (each tenant that has none of its own) or name:WORD (jobs enqueued
    under that name, or of a type that names it). A lower limit stops nothing that has entered.

    \b
    Examples:
      reelq queue set-limit type:video_transcode 4
      reelq queue set-limit 'tenant:*' 10
      reelq queue set-limit name:youtube 2
    """
    from reelq.worker.rooms.queue import limits

    with app.connect() as conn:
        limits.set_limit(conn, key, most)
        told = [one for one in limits.list_limits(conn) if key in (one.name, one.limit_key)]
    show_limits(told, as_json)


@click.command("drop-limit")
@click.argument("key", metavar="KEY")
@json_option
@pass_app
def drop_limit(app: App, key: str, as_json: bool) -> None:
    """Lift a limit: what waits behind it goes on. A tenant without one of its own is under tenant:* if there is that.

    \b
    Examples:
      reelq queue drop-limit type:video_transcode
    """
    from reelq.worker.rooms.queue import limits

    with app.connect() as conn:
        limits.drop_limit(conn, key)
    output.emit([{"key": key, "state": "dropped"}], as_json, headings=False)
