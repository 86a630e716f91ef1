"""reelq users: suspend, activate, unlock, delete, restore, set-password, reset-password, verify-email, drop-second-factor, settings, set-setting."""

from __future__ import annotations

import click

from reelq.cli.app import App, json_option, pass_app, tenant_option
from reelq.cli.terminal import output
from reelq.cli.terminal.output import Column
from reelq.cli.users import asked

SETTINGS = (Column("name", keep=True), Column("value", keep=True), Column("description", wrap=True))


@click.command("suspend")
@click.argument("user")
@tenant_option
@json_option
@pass_app
def suspend(app: App, user: str, tenant: str | None, as_json: bool) -> None:
    """Let nobody log in with an account, and end its sessions.

    \b
    Examples:
      reelq users suspend ann@example.com
    """
    _set_status(app, user, "suspended", tenant, as_json)


@click.command("activate")
@click.argument("user")
@tenant_option
@json_option
@pass_app
def activate(app: App, user: str, tenant: str | None, as_json: bool) -> None:
    """Let a suspended or cancelled account log in again.

    \b
    Examples:
      reelq users activate ann@example.com
    """
    _set_status(app, user, "active", tenant, as_json)


@click.command("unlock")
@click.argument("user")
@tenant_option
@json_option
@pass_app
def unlock(app: App, user: str, tenant: str | None, as_json: bool) -> None:
    """Let somebody log in at once who was locked out by failed log-ins.

    \b
    Examples:
      reelq users unlock ann@example.com
    """
    from reelq.worker.rooms.identity import users as room

    with app.connect(tenant=tenant) as conn:
        before = room.show_user(conn, room.find_user(conn, user))
        room.unlock_user(conn, before.id)
    output.emit([{"user": user, "locked": "no"}], as_json, ("user",), headings=False)
    if before.locked_until is None and before.failed_login_attempts == 0:
        output.say("Nothing to do: no log-in of theirs has failed.")


@click.command("delete")
@click.argument("user")
@tenant_option
@json_option
@pass_app
def delete(app: App, user: str, tenant: str | None, as_json: bool) -> None:
    """Delete an account so that it can be restored, and print its id. Its sessions end, its address is free, its videos stay.

    \b
    Examples:
      reelq users delete ann@example.com
      reelq users restore "$(reelq users delete ann@example.com)"
    """
    from reelq.worker.rooms.identity import users as room

    with app.connect(tenant=tenant) as conn:
        found = room.find_user(conn, user)
        room.delete_user(conn, found)
    output.emit([{"id": found, "status": "deleted"}], as_json, ("id",), headings=False)


@click.command("restore")
@click.argument("user")
@tenant_option
@json_option
@pass_app
def restore(app: App, user: str, tenant: str | None, as_json: bool) -> None:
    """Bring a deleted account back, by its id: `reelq users list --deleted` shows it.

    \b
    Examples:
      reelq users restore 01976b1e-5a3c-7d4e-8f00-0123456789ab
    """
    from reelq.worker.errors import NotAllowed
    from reelq.worker.rooms.identity import users as room

    with app.connect(tenant=tenant) as conn:
        found = room.find_user(conn, user, deleted=None)
        if room.show_user(conn, found).deleted_at is None:
            raise NotAllowed(f"user {found} must be deleted to be restored, and is not", "reelq users list --deleted shows who is.")
        room.restore_user(conn, found)
    output.emit([{"id": found, "status": "active"}], as_json, headings=False)


@click.command("set-password")
@click.argument("user")
@click.option("--hash", "is_hash", is_flag=True, help="A hash of bcrypt or argon2id is given, as another system has made it.")
@tenant_option
@json_option
@pass_app
def set_password(app: App, user: str, is_hash: bool, tenant: str | None, as_json: bool) -> None:
    """Give an account another password, and end its sessions.

    The password is asked for, or read from the first line of stdin; it is never an argument, which every process of this host can read.

    \b
    Examples:
      reelq users set-password ann@example.com
      reelq users set-password ann@example.com < secret.txt
      reelq users set-password ann@example.com --hash < hash.txt
    """
    from reelq.worker.rooms.identity import login
    from reelq.worker.rooms.identity import users as room

    with app.connect(tenant=tenant) as conn:
        found = room.find_user(conn, user)
        given = asked.secret("hash" if is_hash else "password", twice=not is_hash)
        (login.set_password_hash if is_hash else login.set_password)(conn, found, given)
    output.emit([{"user": user, "password": "set"}], as_json, headings=False)


@click.command("reset-password")
@click.argument("user")
@tenant_option
@json_option
@pass_app
def reset_password(app: App, user: str, tenant: str | None, as_json: bool) -> None:
    """Print a token with which a user chooses another password.

    Nothing is sent: give the token to nobody but the owner of the address. The old password is good until then.

    \b
    Examples:
      reelq users reset-password ann@example.com
    """
    from reelq.worker.errors import NotAllowed
    from reelq.worker.rooms.identity import tokens
    from reelq.worker.rooms.identity import users as room

    with app.connect(tenant=tenant) as conn:
        one = room.show_user(conn, room.find_user(conn, user))
        made = tokens.request_reset(conn, one.email)
    if made.send_to is None:
        if one.status not in ("active", "trial"):
            raise NotAllowed(f"user {one.id} must be active, not {one.status}", f"reelq users activate {one.email}")
        raise NotAllowed(
            f"user {one.id} must have had no token just now, and has",
            "Use that one, or wait some minutes: reelq users settings (token_every)",
        )
    output.emit([{"token": made.token, "send_to": made.send_to}], as_json, ("token",), headings=False)


@click.command("verify-email")
@click.argument("user")
@click.option("--email", metavar="TEXT", help="A new address, which becomes theirs when the token is used.")
@tenant_option
@json_option
@pass_app
def verify_email(app: App, user: str, email: str | None, tenant: str | None, as_json: bool) -> None:
    """Print a token that proves the address of a user.

    Nothing is sent: the application mails it, calls identity.verify_email with what comes back, and mails the
    address of before that it was changed.

    \b
    Examples:
      reelq users verify-email ann@example.com
      reelq users verify-email ann@example.com --email ann@new.example.com
    """
    from reelq.worker.errors import NotAllowed
    from reelq.worker.rooms.identity import tokens
    from reelq.worker.rooms.identity import users as room

    with app.connect(tenant=tenant) as conn:
        made = tokens.request_verification(conn, room.find_user(conn, user), email)
    if made.send_to is None:
        raise NotAllowed("the user must have had no token just now", "Wait some minutes (the setting token_every); the last one is good.")
    output.emit([{"token": made.token, "send_to": made.send_to}], as_json, ("token",), headings=False)


@click.command("drop-second-factor")
@click.argument("user")
@tenant_option
@json_option
@pass_app
def drop_second_factor(app: App, user: str, tenant: str | None, as_json: bool) -> None:
    """Take the second factor of somebody away who lost the device and the recovery codes; the sessions end.

    \b
    Examples:
      reelq users drop-second-factor ann@example.com
    """
    from reelq.worker.rooms.identity import login
    from reelq.worker.rooms.identity import users as room

    with app.connect(tenant=tenant) as conn:
        before = room.show_user(conn, room.find_user(conn, user))
        login.drop_second_factor(conn, before.id)
    output.emit([{"user": user, "second_factor": "none"}], as_json, ("user",), headings=False)
    if not before.two_factor_enabled:
        output.say("Nothing to do: they log in without a second factor.")


@click.command("settings")
@json_option
@pass_app
def settings(app: App, as_json: bool) -> None:
    """List the settings of log-ins, sessions and passwords; they hold for all tenants.

    \b
    Examples:
      reelq users settings
    """
    from reelq.worker.rooms.identity import settings as room

    with app.connect() as conn:
        output.emit(room.list_settings(conn), as_json, SETTINGS)


@click.command("set-setting")
@click.argument("name")
@click.argument("value")
@json_option
@pass_app
def set_setting(app: App, name: str, value: str, as_json: bool) -> None:
    """Change a setting of log-ins, sessions and passwords.

    \b
    Examples:
      reelq users set-setting login_tries 10
      reelq users set-setting session_idle "12 hours"
      reelq users set-setting login_needs_verified_email yes
    """
    from reelq.worker.rooms.identity import settings as room

    with app.connect() as conn:
        kept = room.set_setting(conn, name, value)
    output.emit([{"name": name, "value": kept}], as_json, headings=False)


def _set_status(app: App, user: str, status: str, tenant: str | None, as_json: bool) -> None:
    """Set it, and say so."""
    from reelq.worker.rooms.identity import users as room

    with app.connect(tenant=tenant) as conn:
        room.set_user_status(conn, room.find_user(conn, user), status)
    output.emit([{"user": user, "status": status}], as_json, headings=False)
