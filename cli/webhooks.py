"""reelq webhooks: endpoints that events are delivered to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import click

from reelq.cli.app import Ago, App, Choice, Seconds, Uuid, Whole, acting_for, json_option, pass_app, tenant_option
from reelq.cli.terminal import output, text
from reelq.cli.terminal.output import Column

if TYPE_CHECKING:
    from reelq.worker.webhooks.secrets import NewSecret

WEBHOOKS = (
    Column("id", keep=True, whole=True),
    Column("state", keep=True),
    Column("url"),
    Column("events"),
    Column("tenant", spare=True),
    Column("failing_since", "failing", show=text.age, right=True),
    Column("last_error", "error", spare=True),
    Column("last_success_at", "arrived", show=text.age, right=True),
    Column("description", spare=True),
)
DELIVERIES = (
    Column("job_id", "job", keep=True, whole=True),
    Column("event_id", "event", spare=True, whole=True),
    Column("event_type", "type"),
    Column("status", keep=True),
    Column("attempts", "tries", right=True),
    Column("created_at", "age", show=text.age, right=True),
    Column("error_code", "error"),
    Column("ordering_key", "key", spare=True),
)
STATUSES = ("queued", "running", "completed", "failed", "cancelled")
ONCE = "This is the only time that the secret is shown: give it to whoever verifies the deliveries."
webhook_argument = click.argument("webhook_id", type=Uuid(), metavar="WEBHOOK")


class Overlap(click.ParamType[Any]):
    """A time span from zero: 0, 1h, 1d, 7d."""

    name = "span"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """The value; refuses with what it must be."""
        if isinstance(value, timedelta):
            return value
        return timedelta() if str(value) == "0" else timedelta(seconds=Seconds().convert(value, param, ctx))


@contextmanager
def shown_once(webhook_id: UUID) -> Iterator[None]:
    """What stdout does not take of a new secret is lost: say so while the id is known.

    Raises:
        NotAllowed: stdout is full, or its reader has gone.
    """
    from reelq.worker.errors import NotAllowed

    try:
        yield
        output.flush()
    except (output.NotWritten, output.PipeClosed):
        output.abandon()
        raise NotAllowed(
            f"webhook {webhook_id} has a new secret, and stdout did not take it; it cannot be shown again",
            f"reelq webhooks rotate-secret {webhook_id} --overlap 0",
        ) from None


def new_secret(app: App) -> NewSecret:
    """A secret, sealed under this host's key.

    Raises:
        SettingsError: this host has no keys.
    """
    from reelq.worker.secrets import Keyring
    from reelq.worker.webhooks import secrets

    return secrets.make(Keyring.load(app.settings))


def show_secret(webhook_id: UUID, made: NewSecret, as_json: bool, **more: Any) -> None:
    """Print it, alone on stdout."""
    with shown_once(webhook_id):
        if as_json:
            output.emit_record({"id": webhook_id, "secret": made.secret, **more}, True)
        else:
            output.line(made.secret)


def say_state(webhook_id: UUID, state: str, as_json: bool, more: str = "") -> None:
    """What has become of an endpoint."""
    output.emit([{"id": webhook_id, "state": state}], as_json, headings=False)
    if more and not as_json:
        output.say(more)


@click.group("webhooks")
def webhooks() -> None:
    """Endpoints that events are delivered to, signed as Standard Webhooks has it.

    A secret is shown once, when it is made; the database keeps it sealed. See docs/events.md.
    """


@webhooks.command("create")
@click.argument("url")
@click.option("--event", "events", multiple=True, default=("*",), show_default=True, metavar="FILTER", help="video.ready, video.* or *; repeat it.")
@click.option("--description", default="", help="What people call it.")
@click.option("--operators", is_flag=True, help="Of no tenant: it gets the events that concern the operators.")
@tenant_option
@json_option
@pass_app
def create(app: App, url: str, events: tuple[str, ...], description: str, operators: bool, tenant: str | None, as_json: bool) -> None:
    """Make an endpoint, and print its secret: alone on stdout. Needs this host's keys (reelq secrets).

    \b
    Examples:
      reelq webhooks create https://acme.example/hooks --tenant acme
      reelq webhooks create https://acme.example/hooks --tenant acme --event 'video.*' --event job.failed --json
      reelq webhooks create https://ops.example/hooks --operators
    """
    from reelq.worker.rooms.ops import webhooks as room

    made = new_secret(app)
    with app.connect(tenant=tenant) as conn:
        webhook_id = room.create_webhook(conn, url, made.id, made.sealed, events=events, description=description, for_operators=operators)
    show_secret(webhook_id, made, as_json, url=url, events=list(events))
    if not as_json:
        output.say(f"Webhook {webhook_id}. {ONCE}")


@webhooks.command("list")
@tenant_option
@click.option("--limit", type=Whole(1, 1000), default=100, show_default=True, help="At most so many.")
@click.option("--after", type=Uuid(), metavar="WEBHOOK", help="Go on below this id.")
@json_option
@pass_app
def list_webhooks(app: App, tenant: str | None, limit: int, after: UUID | None, as_json: bool) -> None:
    """List endpoints, newest first.

    \b
    Examples:
      reelq webhooks list --tenant acme
      reelq webhooks list --json | jq -r 'select(.state != "active") | .id'
    """
    from reelq.worker.rooms.ops import webhooks as room

    with app.connect(tenant=tenant) as conn:
        found = output.emit(room.list_webhooks(conn, None, None, limit, after), as_json, WEBHOOKS)
    if not found and not as_json:
        output.say("No webhooks.")


@webhooks.command("show")
@webhook_argument
@tenant_option
@json_option
@pass_app
def show(app: App, webhook_id: UUID, tenant: str | None, as_json: bool) -> None:
    """Show an endpoint: its state, why, and since when.

    \b
    Examples:
      reelq webhooks show 01976b1e-5a3c-7d4e-8f00-0123456789ab
    """
    from reelq.worker.errors import NotFound
    from reelq.worker.rooms.ops import webhooks as room

    with app.connect(tenant=tenant) as conn:
        found = room.list_webhooks(conn, None, webhook_id, 1)
    if not found:
        raise NotFound(f"no webhook {webhook_id}", "Look with: reelq webhooks list")
    output.emit_record(found[0], as_json)


@webhooks.command("set")
@webhook_argument
@click.option("--url", help="Where to deliver from now on, also what waits.")
@click.option("--event", "events", multiple=True, metavar="FILTER", help="The filters, in place of the earlier ones; may be repeated.")
@click.option("--description", help="What people call it.")
@click.option("--max-running", type=Whole(0), metavar="N", help="So many deliveries at once at most; 0: no limit. For operators.")
@tenant_option
@json_option
@pass_app
def set_webhook(
    app: App,
    webhook_id: UUID,
    url: str | None,
    events: tuple[str, ...],
    description: str | None,
    max_running: int | None,
    tenant: str | None,
    as_json: bool,
) -> None:
    """Change an endpoint; what is left out stays as it is.

    \b
    Examples:
      reelq webhooks set 01976b1e-5a3c-7d4e-8f00-0123456789ab --event video.ready
      reelq webhooks set 01976b1e-5a3c-7d4e-8f00-0123456789ab --max-running 2
    """
    from reelq.worker.rooms.ops import webhooks as room

    given = {"url": url, "events": list(events) or None, "description": description}
    changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if max_running is not None:
        changes["max_running"] = max_running or None
    if not changes:
        raise click.UsageError("must be told what to change: --url, --event, --description or --max-running")
    with app.connect(tenant=tenant) as conn:
        room.set_webhook(conn, webhook_id, changes)
    say_state(webhook_id, "changed", as_json)


@webhooks.command("rotate-secret")
@webhook_argument
@click.option("--overlap", type=Overlap(), default="1d", show_default=True, metavar="SPAN", help="How long both secrets sign: 0 to 30d.")
@tenant_option
@json_option
@pass_app
def rotate_secret(app: App, webhook_id: UUID, overlap: timedelta, tenant: str | None, as_json: bool) -> None:
    """Put a new secret in the place of an endpoint's, and print it: alone on stdout.

    \b
    Examples:
      reelq webhooks rotate-secret 01976b1e-5a3c-7d4e-8f00-0123456789ab --overlap 7d
    """
    from reelq.worker.rooms.ops import webhooks as room

    made = new_secret(app)
    with app.connect(tenant=tenant) as conn:
        ends_at = room.rotate_secret(conn, webhook_id, made.id, made.sealed, overlap)
    show_secret(webhook_id, made, as_json, old_ends_at=ends_at)
    if not as_json:
        output.say(f"The old secret signs beside it until {text.shown(ends_at)}. {ONCE}")


@webhooks.command("test")
@webhook_argument
@tenant_option
@json_option
@pass_app
def test_webhook(app: App, webhook_id: UUID, tenant: str | None, as_json: bool) -> None:
    """Deliver one event webhook.ping, once; prints its job.

    \b
    Examples:
      reelq webhooks test 01976b1e-5a3c-7d4e-8f00-0123456789ab
      reelq jobs show $(reelq webhooks test 01976b1e-5a3c-7d4e-8f00-0123456789ab)
    """
    from reelq.worker.rooms.ops import webhooks as room

    with app.connect(tenant=tenant) as conn:
        job_id = room.test_webhook(conn, webhook_id)
    if as_json:
        output.emit_record({"job_id": job_id}, True)
    else:
        output.line(str(job_id))


@webhooks.command("enable")
@webhook_argument
@tenant_option
@json_option
@pass_app
def enable(app: App, webhook_id: UUID, tenant: str | None, as_json: bool) -> None:
    """Switch an endpoint on again; it gets the events from now on. What it missed: reelq webhooks replay.

    \b
    Examples:
      reelq webhooks enable 01976b1e-5a3c-7d4e-8f00-0123456789ab
    """
    from reelq.worker.rooms.ops import webhooks as room

    with app.connect(tenant=tenant) as conn:
        was_off = room.enable_webhook(conn, webhook_id)
    say_state(webhook_id, "active", as_json, "" if was_off else "It was on before; its failures are forgotten.")


@webhooks.command("disable")
@webhook_argument
@click.option("--reason", default="by hand", show_default=True, help="One line for whoever finds it off.")
@tenant_option
@json_option
@pass_app
def disable(app: App, webhook_id: UUID, reason: str, tenant: str | None, as_json: bool) -> None:
    """Switch an endpoint off: it gets no events, and what waits for it ends.

    \b
    Examples:
      reelq webhooks disable 01976b1e-5a3c-7d4e-8f00-0123456789ab --reason "moving to another host"
    """
    from reelq.worker.rooms.ops import webhooks as room

    with app.connect(tenant=tenant) as conn:
        was_on = room.disable_webhook(conn, webhook_id, reason)
    say_state(webhook_id, "disabled", as_json, "" if was_on else "It was off before.")


@webhooks.command("delete")
@webhook_argument
@tenant_option
@json_option
@pass_app
def delete(app: App, webhook_id: UUID, tenant: str | None, as_json: bool) -> None:
    """Delete an endpoint and its secrets; what waits for it ends.

    \b
    Examples:
      reelq webhooks delete 01976b1e-5a3c-7d4e-8f00-0123456789ab
    """
    from reelq.worker.rooms.ops import webhooks as room

    with app.connect(tenant=tenant) as conn:
        room.delete_webhook(conn, webhook_id)
    say_state(webhook_id, "deleted", as_json)


@webhooks.command("replay")
@webhook_argument
@click.option("--event", "events", type=Uuid(), multiple=True, metavar="EVENT", help="This event; may be repeated.")
@click.option("--since", type=Ago(), metavar="TIME", help="All that happened since: 2h, 3d, or a time.")
@click.option("--until", type=Ago(), metavar="TIME", help="And before then.")
@click.option("--missed", is_flag=True, help="Only what has neither arrived there nor is on its way.")
@tenant_option
@json_option
@pass_app
def replay(
    app: App,
    webhook_id: UUID,
    events: tuple[UUID, ...],
    since: datetime | None,
    until: datetime | None,
    missed: bool,
    tenant: str | None,
    as_json: bool,
) -> None:
    """Deliver events once more, with their first ids: those named, or those of a time range (kept for 30 days).

    \b
    Examples:
      reelq webhooks replay 01976b1e-5a3c-7d4e-8f00-0123456789ab --since 3d --missed
      reelq webhooks replay 01976b1e-5a3c-7d4e-8f00-0123456789ab --since 2026-11-20T08:00 --until 2026-11-20T09:00
      reelq webhooks replay 01976b1e-5a3c-7d4e-8f00-0123456789ab --event 01976b1e-5a3c-7d4e-8f00-0123456789ac
    """
    from reelq.worker.rooms.ops import webhooks as room

    if bool(events) == (since is not None):
        raise click.UsageError("must be told which: --event, or --since and perhaps --until")
    enqueued, looked_at, reached = 0, 0, 0
    with app.connect() as conn:
        while True:
            with acting_for(conn, tenant):  # a transaction each, so that the relay waits for none for long
                part = room.replay_events(conn, webhook_id, events or None, since, until, missed, reached)
            enqueued, looked_at = enqueued + part.enqueued, looked_at + part.looked_at
            if part.reached is None:
                break
            reached = part.reached
    if as_json:
        output.emit_record({"webhook_id": webhook_id, "events": looked_at, "enqueued": enqueued}, True)
    else:
        output.say(f"{enqueued} deliveries of {looked_at} events enqueued.")


@webhooks.command("deliveries")
@webhook_argument
@click.option("--event", type=Uuid(), metavar="EVENT", help="Only of this event.")
@click.option("--status", type=Choice(STATUSES), help="Only those whose job is in this status.")
@click.option("--limit", type=Whole(1, 1000), default=50, show_default=True, help="At most so many.")
@click.option("--after", type=Uuid(), metavar="JOB", help="Go on below this job.")
@tenant_option
@json_option
@pass_app
def deliveries(
    app: App, webhook_id: UUID, event: UUID | None, status: str | None, limit: int, after: UUID | None, tenant: str | None, as_json: bool
) -> None:
    """List deliveries to an endpoint, newest first, and how they went. What each attempt met: reelq jobs show JOB.

    \b
    Examples:
      reelq webhooks deliveries 01976b1e-5a3c-7d4e-8f00-0123456789ab --status failed
    """
    from reelq.worker.rooms.ops import webhooks as room

    with app.connect(tenant=tenant) as conn:
        found = output.emit(room.list_deliveries(conn, webhook_id, event, status, limit, after), as_json, DELIVERIES)
    if not found and not as_json:
        output.say("No such deliveries.")
