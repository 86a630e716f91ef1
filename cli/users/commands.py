"""reelq users: list, show, add, invite, set; what changes whether somebody may log in is in cli/users/changes.py."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import click

from reelq.cli.app import App, Choice, JsonObject, Uuid, Whole, json_option, pass_app, tenant_option
from reelq.cli.terminal import output, text
from reelq.cli.terminal.output import Column
from reelq.cli.users.changes import (
    activate,
    delete,
    drop_second_factor,
    reset_password,
    restore,
    set_password,
    set_setting,
    settings,
    suspend,
    unlock,
    verify_email,
)
from reelq.cli.users.personal import erase, erase_requested, erasures, export, find_pii
from reelq.cli.users.quota import quota

ROLES = ("admin", "member", "viewer", "beta_tester")  # worker.rooms.identity.users.ROLES; a test compares
STATUSES = ("active", "trial", "suspended", "cancelled")  # and STATUSES there

USERS = (
    Column("email", keep=True),
    Column("role"),
    Column("status"),
    Column("tenant"),
    Column("full_name", "name", spare=True),
    Column("email_verified", "verified", spare=True),
    Column("two_factor_enabled", "2nd factor", spare=True),
    Column("last_login_at", "last log-in", show=text.age, right=True),
    Column("created_at", "age", show=text.age, right=True, spare=True),
    Column("id", spare=True),
)


@click.group("users")
def users() -> None:
    """Accounts: who may log in, and as what.

    USER is an address or an id. --tenant acts for one tenant; without it for all of them.

    \b
    Examples:
      reelq users invite ann@example.com --role admin --tenant acme
      reelq users list --tenant acme
      reelq users suspend ann@example.com
    """


for command in (
    suspend, activate, unlock, delete, restore, set_password, reset_password, verify_email, drop_second_factor, settings, set_setting, quota,
    export, erase, erase_requested, erasures, find_pii,
):  # fmt: skip
    users.add_command(command)


@users.command("list")
@click.option("--status", type=Choice(STATUSES), help="Only those of this status.")
@click.option("--role", type=Choice(ROLES), help="Only those of this role.")
@click.option("--deleted", is_flag=True, help="The deleted ones instead.")
@click.option("--limit", type=Whole(1, 1000), default=50, show_default=True, help="At most so many.")
@click.option("--after", type=Uuid(), help="The next page: what comes after this user, the last one of a page.")
@tenant_option
@json_option
@pass_app
def list_users(
    app: App, status: str | None, role: str | None, deleted: bool, limit: int, after: UUID | None, tenant: str | None, as_json: bool
) -> None:
    """List users, newest first.

    \b
    Examples:
      reelq users list --tenant acme
      reelq users list --role admin --json | jq -r .email
    """
    from reelq.worker.rooms.identity import users as room

    with app.connect(tenant=tenant) as conn:
        found = room.list_users(conn, status, role, deleted, limit, after)
    output.emit(found, as_json, USERS)
    if as_json:
        return
    if not found:
        output.say("No such users.")
    elif len(found) == limit:
        output.say(f"There may be more; the next page: the same with --after {found[-1].id}")


@users.command("show")
@click.argument("user")
@tenant_option
@json_option
@pass_app
def show(app: App, user: str, tenant: str | None, as_json: bool) -> None:
    """Show an account, by address or id; a deleted one by its id.

    \b
    Examples:
      reelq users show ann@example.com
      reelq users show ann@example.com --json | jq .sessions
    """
    from reelq.worker.rooms.identity import users as room

    with app.connect(tenant=tenant) as conn:
        output.emit_record(room.show_user(conn, room.find_user(conn, user, deleted=None)), as_json)


@users.command("add")
@click.argument("email")
@click.option("--role", type=Choice(ROLES), default="member", show_default=True, help="What they may do in the tenant.")
@click.option("--name", "full_name", metavar="TEXT", help="Their name.")
@click.option("--username", metavar="TEXT", help="A public handle.")
@tenant_option
@json_option
@pass_app
def add(app: App, email: str, role: str, full_name: str | None, username: str | None, tenant: str | None, as_json: bool) -> None:
    """Make an account without a password and print its id. `reelq users invite` lets its user choose one.

    \b
    Examples:
      reelq users add ann@example.com --role admin --tenant acme
      reelq users add ann@example.com && reelq users set-password ann@example.com < secret.txt
    """
    from reelq.worker.rooms.identity import users as room

    with app.connect(tenant=tenant) as conn:
        made = room.create_user(conn, email, role, full_name, username)
    output.emit([{"id": made, "email": email}], as_json, ("id",), headings=False)


@users.command("invite")
@click.argument("email")
@click.option("--role", type=Choice(ROLES), default="member", show_default=True, help="What they may do in the tenant.")
@click.option("--name", "full_name", metavar="TEXT", help="Their name.")
@tenant_option
@json_option
@pass_app
def invite(app: App, email: str, role: str, full_name: str | None, tenant: str | None, as_json: bool) -> None:
    """Make an account and print a token, with which its user chooses a password.

    Nothing is sent: give the token to nobody but the owner of EMAIL. Again for who has not come yet: a new token, in place of the old.

    \b
    Examples:
      reelq users invite ann@example.com --role admin --tenant acme
      reelq users invite ann@example.com --json | jq -r .token
    """
    from reelq.worker.rooms.identity import tokens

    with app.connect(tenant=tenant) as conn:
        made = tokens.invite_user(conn, email, role, full_name)
    output.emit([{"token": made.token, "send_to": made.send_to, "user_id": made.user_id}], as_json, ("token",), headings=False)


@users.command("set")
@click.argument("user")
@click.option("--email", metavar="TEXT", help="Another address; it counts as unproved.")
@click.option("--role", type=Choice(ROLES), help="Another role; the sessions end.")
@click.option("--name", "full_name", metavar="TEXT", help="Another name; empty: none.")
@click.option("--username", metavar="TEXT", help="Another handle; empty: none.")
@click.option("--time-zone", metavar="TEXT", help="As Europe/Vienna.")
@click.option("--language", metavar="TEXT", help="As en or de-AT.")
@click.option("--metadata", type=JsonObject(), help="What the application keeps here; JSON or @FILE.")
@tenant_option
@json_option
@pass_app
def set_(
    app: App,
    user: str,
    email: str | None,
    role: str | None,
    full_name: str | None,
    username: str | None,
    time_zone: str | None,
    language: str | None,
    metadata: dict[str, Any] | None,
    tenant: str | None,
    as_json: bool,
) -> None:
    """Change an account; what is not named stays. All of it or nothing.

    \b
    Examples:
      reelq users set ann@example.com --role viewer
      reelq users set ann@example.com --name "Ann Example" --email ann@new.example.com
    """
    from reelq.worker.rooms.identity import users as room

    given: dict[str, Any] = {
        "email": email, "full_name": full_name, "username": username, "timezone": time_zone, "language": language, "metadata": metadata,
    }  # fmt: skip
    changes = {name: value for name, value in given.items() if value is not None}
    changes |= {name: None for name in ("full_name", "username") if changes.get(name) == ""}
    if not changes and role is None:
        raise click.UsageError("what is to change must be given, as --role")
    with app.connect(tenant=tenant) as conn, conn.transaction():
        found = room.find_user(conn, user)
        if changes:
            room.change_user(conn, found, changes)
        if role is not None:
            room.set_user_role(conn, found, role)
        output.emit_record(room.show_user(conn, found), as_json)
