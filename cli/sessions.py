"""reelq sessions: list, revoke, remove-ended."""

from __future__ import annotations

from uuid import UUID

import click

from reelq.cli.app import App, Uuid, Whole, json_option, pass_app, tenant_option
from reelq.cli.terminal import output, text
from reelq.cli.terminal.output import Column

SESSIONS = (
    Column("id", keep=True),
    Column("email", keep=True),
    Column("state"),
    Column("device"),
    Column("ip_address", "address"),
    Column("last_seen_at", "seen", show=text.age, right=True),
    Column("created_at", "age", show=text.age, right=True),
    Column("tenant", spare=True),
    Column("second_factor", "2nd factor", spare=True),
    Column("user_agent", "browser", spare=True),
)


@click.group("sessions")
def sessions() -> None:
    """Who is logged in where.

    \b
    Examples:
      reelq sessions list --user ann@example.com
      reelq sessions revoke --user ann@example.com
    """


@sessions.command("list")
@click.option("--user", metavar="USER", help="Only those of this user, by address or id.")
@click.option("--ended", is_flag=True, help="Also those that have ended.")
@click.option("--limit", type=Whole(1, 1000), default=50, show_default=True, help="At most so many.")
@click.option("--after", type=Uuid(), help="The next page: what comes after this session, the last one of a page.")
@tenant_option
@json_option
@pass_app
def list_sessions(app: App, user: str | None, ended: bool, limit: int, after: UUID | None, tenant: str | None, as_json: bool) -> None:
    """List sessions, newest first: the live ones.

    \b
    Examples:
      reelq sessions list --tenant acme
      reelq sessions list --user ann@example.com --ended --json | jq -r .state
    """
    from reelq.worker.rooms.identity import sessions as room
    from reelq.worker.rooms.identity import users

    with app.connect(tenant=tenant) as conn:
        found = room.list_sessions(conn, users.find_user(conn, user) if user else None, ended, limit, after)
    output.emit(found, as_json, SESSIONS)
    if as_json:
        return
    if not found:
        output.say("No such sessions.")
    elif len(found) == limit:
        output.say(f"There may be more; the next page: the same with --after {found[-1].id}")


@sessions.command("revoke")
@click.argument("session_ids", nargs=-1, type=Uuid(), metavar="[SESSION…]")
@click.option("--user", metavar="USER", help="All of this user, by address or id.")
@click.option("--but", type=Uuid(), help="With --user: all but this one.")
@tenant_option
@json_option
@pass_app
def revoke(app: App, session_ids: tuple[UUID, ...], user: str | None, but: UUID | None, tenant: str | None, as_json: bool) -> None:
    """End sessions, all or none of those that are named; print how many were live.

    \b
    Examples:
      reelq sessions revoke 01976b1e-5a3c-7d4e-8f00-0123456789ab
      reelq sessions revoke --user ann@example.com
    """
    from reelq.worker.rooms.identity import sessions as room
    from reelq.worker.rooms.identity import users

    if bool(session_ids) == (user is not None):
        raise click.UsageError("SESSION or --user must be given, and not both")
    if but is not None and user is None:
        raise click.UsageError("--but must come with --user")
    with app.connect(tenant=tenant) as conn, conn.transaction():
        if user is not None:
            ended = room.revoke_sessions(conn, users.find_user(conn, user), but)
        else:
            ended = sum(room.revoke_session(conn, one) for one in session_ids)
    output.emit([{"revoked": ended}], as_json, headings=False)


@sessions.command("remove-ended")
@json_option
@pass_app
def remove_ended(app: App, as_json: bool) -> None:
    """Remove sessions and single-use tokens that ended long ago, in small transactions. For a daily timer.

    They are kept for the setting keep_ended_sessions after their time: `reelq users settings`.

    \b
    Examples:
      reelq sessions remove-ended
    """
    from reelq.worker.rooms.identity import sessions as room

    removed = 0
    with app.connect() as conn:
        while some := room.remove_ended(conn):
            removed += some
    output.emit([{"removed": removed}], as_json, headings=False)
