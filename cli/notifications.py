"""reelq notifications: list, read, send, settings, set, purge."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import click

from reelq.cli.app import App, Choice, Moment, Uuid, Whole, json_option, pass_app, tenant_option
from reelq.cli.terminal import output, text
from reelq.cli.terminal.output import Column

NOTIFICATIONS = (
    Column("id", keep=True),
    Column("type"),
    Column("title", keep=True),
    Column("read_at", "read", show=text.age, right=True),
    Column("created_at", "age", show=text.age, right=True),
    Column("email_sent_at", "mailed", show=text.age, right=True),
    Column("push_sent_at", "pushed", show=text.age, right=True),
    Column("message", spare=True),
)
SETTINGS = (
    Column("type", keep=True),
    Column("in_app", keep=True),
    Column("email", keep=True),
    Column("push", keep=True),
    Column("chosen", keep=True),
    Column("about", spare=True),
)
STATES = {"on": True, "off": False, "default": None}
user_option = click.option("--user", metavar="USER", required=True, help="Whose, by address or id.")


@click.group("notifications")
def notifications() -> None:
    """What users are told: in the application, by mail, by web push.

    \b
    Examples:
      reelq notifications list --user ann@example.com --unread
      reelq notifications send --user ann@example.com "Maintenance tonight" "From 22:00 to 23:00 nothing is encoded."
      reelq notifications settings --user ann@example.com
    """


@notifications.command("list")
@user_option
@click.option("--unread", is_flag=True, help="Only those that were not read.")
@click.option("--limit", type=Whole(1, 1000), default=50, show_default=True, help="At most so many.")
@click.option("--after", type=Uuid(), help="The next page: what comes after this one, the last of a page.")
@tenant_option
@json_option
@pass_app
def list_notifications(
    app: App, user: str, unread: bool, limit: int, after: UUID | None, tenant: str | None, as_json: bool
) -> None:
    """List a user's notifications, newest first: those that have not expired.

    \b
    Examples:
      reelq notifications list --user ann@example.com
      reelq notifications list --user ann@example.com --unread --json | jq -r .title
    """
    from reelq.worker.rooms.identity import users
    from reelq.worker.rooms.ops import notifications as room

    with app.connect(tenant=tenant) as conn:
        whose = users.find_user(conn, user)
        found = room.list_notifications(conn, whose, unread, limit, after)
        waiting = room.count_unread(conn, whose)
    output.emit(found, as_json, NOTIFICATIONS)
    if as_json:
        return
    output.say(f"{waiting} unread." if found else "No such notifications.")
    if len(found) == limit:
        output.say(f"There may be more; the next page: the same with --after {found[-1].id}")


@notifications.command("read")
@click.argument("ids", nargs=-1, type=Uuid(), metavar="[NOTIFICATION…]")
@user_option
@click.option("--all", "all_", is_flag=True, help="All of the user.")
@tenant_option
@json_option
@pass_app
def read(app: App, ids: tuple[UUID, ...], user: str, all_: bool, tenant: str | None, as_json: bool) -> None:
    """Mark notifications of a user as read; print how many were not.

    \b
    Examples:
      reelq notifications read --user ann@example.com 01976b1e-5a3c-7d4e-8f00-0123456789ab
      reelq notifications read --user ann@example.com --all
    """
    from reelq.worker.rooms.identity import users
    from reelq.worker.rooms.ops import notifications as room

    if bool(ids) == all_:
        raise click.UsageError("NOTIFICATION or --all must be given, and not both")
    with app.connect(tenant=tenant) as conn:
        marked = room.mark_read(conn, None if all_ else ids, users.find_user(conn, user))
    output.emit([{"read": marked}], as_json, headings=False)


@notifications.command("send")
@click.argument("title")
@click.argument("message")
@user_option
@click.option("--url", metavar="URL", help="Where its link leads: http, https, or a path within the application.")
@click.option("--label", metavar="TEXT", help="What its link says.")
@click.option("--type", "type_", default="notice.sent", show_default=True, help="A type of ops.event_types: the user may have chosen by it.")
@click.option("--expires", type=Moment(), help="Not shown or sent from then on, as +2h or 2030-01-31T20:00; else as the type says.")
@tenant_option
@json_option
@pass_app
def send(
    app: App, title: str, message: str, user: str, url: str | None, label: str | None, type_: str, expires: datetime | None,
    tenant: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Tell a user something, by the channels that they want; print the notification's id.

    \b
    Examples:
      reelq notifications send --user ann@example.com "Maintenance tonight" "From 22:00 to 23:00 nothing is encoded." --expires +12h
      reelq notifications send --user ann@example.com "Pay" "The card was refused." --url /billing --label "Open billing"
    """
    from reelq.worker.rooms.identity import users
    from reelq.worker.rooms.ops import notifications as room

    with app.connect(tenant=tenant) as conn:
        made = room.send_notification(conn, users.find_user(conn, user), title, message, url, label, type_, expires)
    if made is None:
        output.say("Not sent: the user has turned off every channel for this type.")
    if made is not None or as_json:
        output.emit([{"id": made}], as_json, headings=False)


@notifications.command("settings")
@user_option
@tenant_option
@json_option
@pass_app
def settings(app: App, user: str, tenant: str | None, as_json: bool) -> None:
    """Show by which channels a user is told of what, and about which channels they have chosen.

    \b
    Examples:
      reelq notifications settings --user ann@example.com
    """
    from reelq.worker.rooms.identity import users
    from reelq.worker.rooms.ops import notifications as room

    with app.connect(tenant=tenant) as conn:
        found = room.list_settings(conn, users.find_user(conn, user))
    output.emit(found, as_json, SETTINGS)


@notifications.command("set")
@click.argument("channel", type=Choice(["in_app", "email", "push"]))
@click.argument("state", type=Choice(list(STATES)))
@user_option
@click.option("--type", "type_", default="*", show_default=True, help="Of what, a type of ops.event_types; *: of all without a choice of their own.")
@tenant_option
@json_option
@pass_app
def set_(app: App, channel: str, state: str, user: str, type_: str, tenant: str | None, as_json: bool) -> None:
    """Choose for a user whether a channel is on, off, or as the type has it; print what holds now.

    \b
    Examples:
      reelq notifications set email off --user ann@example.com
      reelq notifications set push on --user ann@example.com --type video.ready
      reelq notifications set email default --user ann@example.com
    """
    from reelq.worker.rooms.identity import users
    from reelq.worker.rooms.ops import notifications as room

    with app.connect(tenant=tenant) as conn, conn.transaction():
        whose = users.find_user(conn, user)
        room.set_setting(conn, channel, STATES[state], type_, whose)
        found = room.list_settings(conn, whose)
    output.emit(found, as_json, SETTINGS)


@notifications.command("purge")
@json_option
@pass_app
def purge(app: App, as_json: bool) -> None:
    """Remove notifications that have expired, and messages of the inbox after 30 days, in small transactions. For a daily timer.

    \b
    Examples:
      reelq notifications purge
    """
    from reelq.worker.rooms.ops import notifications as room

    removed = 0
    with app.connect() as conn:
        while some := room.purge(conn):
            removed += some
    output.emit([{"removed": removed}], as_json, headings=False)
