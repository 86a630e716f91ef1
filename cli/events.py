"""reelq events: what happened, and who is told."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import click

from reelq.cli.app import Ago, App, Choice, Uuid, Whole, json_option, pass_app, tenant_option
from reelq.cli.terminal import output, text
from reelq.cli.terminal.output import Column

EVENTS = (
    Column("seq", keep=True, right=True),
    Column("event_id", "event", keep=True, whole=True),
    Column("event_type", "type", keep=True),
    Column("tenant", spare=True),
    Column("ordering_key", "key"),
    Column("created_at", "age", show=text.age, right=True),
    Column("relayed_at", "relayed", show=text.age, right=True, spare=True),
)
TYPES = (Column("name", keep=True, whole=True), Column("audience"), Column("is_own", "own", spare=True), Column("about"))
BATCH = 5000  # events a transaction


@click.group("events")
def events() -> None:
    """What happened: videos ready, jobs failed, and what applications tell. Kept for 30 days.

    Endpoints get events by `reelq webhooks`. See docs/events.md.
    """


@events.command("list")
@tenant_option
@click.option("--type", "event_type", metavar="TYPE", help="Only these: a name, or video.* for all that begin so.")
@click.option("--key", help="Only of this ordering key, as video:<id>.")
@click.option("--since", type=Ago(), metavar="TIME", help="Only what happened since: 2h, 3d, or a time.")
@click.option("--until", type=Ago(), metavar="TIME", help="And before then.")
@click.option("--limit", type=Whole(1, 1000), default=50, show_default=True, help="At most so many.")
@click.option("--before", type=Whole(1), metavar="SEQ", help="Go on below this seq.")
@json_option
@pass_app
def list_events(
    app: App,
    tenant: str | None,
    event_type: str | None,
    key: str | None,
    since: datetime | None,
    until: datetime | None,
    limit: int,
    before: int | None,
    as_json: bool,
) -> None:
    """List events, newest first, with those that are not passed on yet.

    \b
    Examples:
      reelq events list --tenant acme --type 'video.*' --since 1d
      reelq events list --json | jq -r 'select(.event_type == "job.failed") | .data.error_code'
    """
    from reelq.worker.rooms.ops import events as room

    with app.connect(tenant=tenant) as conn:
        found = room.list_events(conn, event_type=event_type, key=key, since=since, until=until, limit=limit, before=before)
    if not output.emit(found, as_json, EVENTS) and not as_json:
        output.say("No such events.")


@events.command("show")
@click.argument("event_id", type=Uuid(), metavar="EVENT")
@tenant_option
@json_option
@pass_app
def show(app: App, event_id: UUID, tenant: str | None, as_json: bool) -> None:
    """Show an event with its data.

    \b
    Examples:
      reelq events show 01976b1e-5a3c-7d4e-8f00-0123456789ac
    """
    from reelq.worker.errors import NotFound
    from reelq.worker.rooms.ops import events as room

    with app.connect(tenant=tenant) as conn:
        found = room.list_events(conn, event_id=event_id, limit=1)
    if not found:
        raise NotFound(f"no event {event_id}", "Events are kept for 30 days. Look with: reelq events list")
    output.emit_record(found[0], as_json)


@events.command("relay")
@json_option
@pass_app
def relay(app: App, as_json: bool) -> None:
    """Pass on what is in the outbox, and look after endpoints that fail. Workers do so every second.

    \b
    Examples:
      reelq events relay
    """
    from reelq.worker.rooms.ops import events as room
    from reelq.worker.rooms.ops import webhooks

    count = 0
    with app.connect() as conn:
        while (part := room.relay_events(conn, BATCH)) > 0:
            count += part
        probes = webhooks.tend_webhooks(conn)
    if as_json:
        output.emit_record({"events": count, "probes": probes}, True)
    else:
        output.say(f"{count} events passed on." + (f" {probes} endpoints are asked again." if probes else ""))


@events.command("types")
@json_option
@pass_app
def types(app: App, as_json: bool) -> None:
    """List the types of events that there are, and what their data has.

    \b
    Examples:
      reelq events types
    """
    from reelq.worker.rooms.ops import events as room

    with app.connect() as conn:
        output.emit(room.list_event_types(conn), as_json, TYPES)


@events.command("add-type")
@click.argument("name")
@click.option("--about", required=True, help="When it is told, and what its data has.")
@click.option("--audience", type=Choice(("tenant", "operator")), default="tenant", show_default=True, help="operator: no tenant's endpoint gets it.")
@json_option
@pass_app
def add_type(app: App, name: str, about: str, audience: str, as_json: bool) -> None:
    """Make a type of event that an application emits (ops.emit_event), or change what is said of it.

    \b
    Examples:
      reelq events add-type order.paid --about "An order was paid. Data: order_id."
    """
    from reelq.worker.rooms.ops import events as room

    with app.connect() as conn:
        room.add_event_type(conn, name, about, audience)
    output.emit([{"name": name, "audience": audience}], as_json, headings=False)


@events.command("emit")
@click.argument("event_type", metavar="TYPE")
@click.option("--data", default="{}", show_default=True, metavar="JSON", help="A JSON object: ids and plain facts.")
@click.option("--key", help="What it is about: events of one key are delivered in order.")
@tenant_option
@json_option
@pass_app
def emit(app: App, event_type: str, data: str, key: str | None, tenant: str | None, as_json: bool) -> None:
    """Tell something that happened in an application; the type is one of add-type's.

    \b
    Examples:
      reelq events emit order.paid --tenant acme --key order:1234 --data '{"order_id": 1234}'
    """
    import json

    from reelq.cli.app import finite, refuse_constant
    from reelq.worker.rooms.ops import events as room

    try:
        told = json.loads(data, parse_constant=refuse_constant, parse_float=finite)
    except ValueError as error:
        raise click.BadParameter(f"must be a JSON object: {error}", param_hint="'--data'") from None
    if not isinstance(told, dict):
        raise click.BadParameter(f"must be a JSON object, not {data[:80]}", param_hint="'--data'")
    with app.connect(tenant=tenant) as conn:
        room.emit_event(conn, event_type, told, key)
    output.emit([{"event_type": event_type, "state": "told"}], as_json, headings=False)
