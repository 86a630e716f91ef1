"""reelq keys: API keys of tenants and users."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import click

from reelq.cli.app import App, Choice, Moment, Uuid, Whole, json_option, pass_app, tenant_option
from reelq.cli.terminal import output, text
from reelq.cli.terminal.output import Column
from reelq.worker.settings import parse_seconds

SCOPES = ("read", "write", "delete", "admin")  # worker.rooms.identity.keys.SCOPES; a test compares
NO_LIMIT = -1
KEYS = (
    Column("id", keep=True, whole=True),
    Column("prefix", keep=True),
    Column("name"),
    Column("state"),
    Column("tenant", spare=True),
    Column("scopes", spare=True),
    Column("hourly_limit", "an hour", right=True, spare=True),
    Column("used_this_hour", "used", right=True, spare=True),
    Column("last_used_at", "last used", show=text.age, right=True),
    Column("expires_at", "expires", spare=True),
    Column("user_id", "user", spare=True),
)
ONCE = "This is the only time that the key is shown: keep it where secrets are kept."


class Limit(click.ParamType[Any]):
    """A number of uses an hour, or "unlimited"."""

    name = "uses"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The value; refuses with what it must be."""
        if value in ("unlimited", NO_LIMIT):
            return NO_LIMIT
        number: int = Whole(1, 2147483647, words='a number of uses an hour, or "unlimited"').convert(value, param, ctx)
        return number


class Grace(click.ParamType[Any]):
    """A time span from zero: 0, 15m, 24h, 7d."""

    name = "span"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """The value; refuses with what it must be."""
        if isinstance(value, timedelta):
            return value
        try:
            return timedelta() if str(value) == "0" else timedelta(seconds=parse_seconds(str(value)))
        except (ValueError, OverflowError):
            self.fail(f"must be 0 or a time span such as 24h, not {value!r}", param, ctx)


@contextmanager
def shown_once(key_id: UUID) -> Iterator[None]:
    """What stdout does not take of a new key is lost: say so while the id is known.

    Raises:
        NotAllowed: stdout is full, or its reader has gone.
    """
    from reelq.worker.errors import NotAllowed

    try:
        yield
        output.flush()
    except (output.NotWritten, output.PipeClosed) as error:
        output.abandon()
        why = f": {error}" if str(error) else ""
        raise NotAllowed(
            f"key {key_id} was made, and stdout did not take it{why}; it cannot be shown again",
            f"reelq keys revoke {key_id}, or for another one in its place: reelq keys rotate {key_id} --grace 0",
        ) from None


@click.group("keys")
def keys() -> None:
    """API keys, by which programs act for a tenant or one of its users.

    A key is shown once, when it is made; the database keeps its hash.
    """


@keys.command("create")
@click.argument("name")
@tenant_option
@click.option("--user", metavar="USER", help="The user that it acts for: an id or an e-mail address; else the tenant itself.")
@click.option(
    "--scope", "scopes", type=Choice(SCOPES), multiple=True, default=("read", "write"), show_default=True, help="What it may do; may be repeated."
)
@click.option("--hourly-limit", type=Limit(), default=1000, show_default=True, metavar="USES", help='Uses an hour, or "unlimited".')
@click.option("--expires", type=Moment(), metavar="TIME", help="From when on it is refused; else never.")
@json_option
@pass_app
def create(
    app: App,
    name: str,
    tenant: str | None,
    user: str | None,
    scopes: tuple[str, ...],
    hourly_limit: int,
    expires: datetime | None,
    as_json: bool,
) -> None:
    """Make an API key and print it: alone on stdout, so that it can be piped to where secrets are kept.

    \b
    Examples:
      reelq keys create Production --tenant acme | systemd-creds encrypt --name reelq-key - key.cred
      reelq keys create Reports --tenant acme --scope read --hourly-limit unlimited --expires 2030-01-01 --json
    """
    from reelq.worker.rooms.identity import keys as room
    from reelq.worker.rooms.identity import quotas

    with app.connect(tenant=tenant) as conn:
        made = room.create_key(
            conn,
            name,
            user_id=quotas.find_account(conn, user) if user is not None else None,
            scopes=scopes,
            hourly_limit=None if hourly_limit == NO_LIMIT else hourly_limit,
            expires_at=expires,
        )
    with shown_once(made.id):
        if as_json:
            output.emit_record({"id": made.id, "name": name, "prefix": made.prefix, "key": made.key}, True)
        else:
            output.line(made.key)
    if as_json:
        return
    output.say(f"Key {made.id} ({made.prefix}). {ONCE}")


@keys.command("list")
@tenant_option
@click.option("--user", metavar="USER", help="Only keys of this user: an id or an e-mail address.")
@click.option("--all", "all_of_them", is_flag=True, help="Those that are revoked or expired too.")
@click.option("--limit", type=Whole(1, 1000), default=100, show_default=True, help="At most so many.")
@click.option("--after", type=Uuid(), metavar="KEY", help="Go on below this id.")
@json_option
@pass_app
def list_keys(app: App, tenant: str | None, user: str | None, all_of_them: bool, limit: int, after: UUID | None, as_json: bool) -> None:
    """List API keys, newest first.

    \b
    Examples:
      reelq keys list --tenant acme
      reelq keys list --all --json | jq 'select(.last_used_at == null) | .id'
    """
    from reelq.worker.rooms.identity import keys as room
    from reelq.worker.rooms.identity import quotas

    with app.connect(tenant=tenant) as conn:
        user_id = quotas.find_account(conn, user) if user is not None else None
        found = output.emit(room.list_keys(conn, None, user_id, all_of_them, limit, after), as_json, KEYS)
    if not found and not as_json:
        output.say("No such keys.")


@keys.command("show")
@click.argument("key_id", type=Uuid(), metavar="KEY")
@tenant_option
@json_option
@pass_app
def show(app: App, key_id: UUID, tenant: str | None, as_json: bool) -> None:
    """Show an API key: whose it is, what it may do, how often it was used. KEY is its id.

    \b
    Examples:
      reelq keys show 01976b1e-5a3c-7d4e-8f00-0123456789ab
    """
    from reelq.worker.rooms.identity import keys as room

    with app.connect(tenant=tenant) as conn:
        output.emit_record(room.show_key(conn, key_id), as_json)


@keys.command("revoke")
@click.argument("key_id", type=Uuid(), metavar="KEY")
@tenant_option
@json_option
@pass_app
def revoke(app: App, key_id: UUID, tenant: str | None, as_json: bool) -> None:
    """Take an API key back, at once. KEY is its id. Twice is no error.

    \b
    Examples:
      reelq keys revoke 01976b1e-5a3c-7d4e-8f00-0123456789ab
    """
    from reelq.worker.rooms.identity import keys as room

    with app.connect(tenant=tenant) as conn:
        was_good = room.revoke_key(conn, key_id)
    output.emit([{"id": key_id, "state": "revoked"}], as_json, headings=False)
    if not was_good and not as_json:
        output.say("It was revoked before.")


@keys.command("rotate")
@click.argument("key_id", type=Uuid(), metavar="KEY")
@click.option("--grace", type=Grace(), default="24h", show_default=True, metavar="SPAN", help="How long the old key is still good: 0 to 30d.")
@tenant_option
@json_option
@pass_app
def rotate(app: App, key_id: UUID, grace: timedelta, tenant: str | None, as_json: bool) -> None:
    """Make a new key in the place of one, and print it: alone on stdout. KEY is the old one's id.

    \b
    Examples:
      reelq keys rotate 01976b1e-5a3c-7d4e-8f00-0123456789ab --grace 7d
    """
    from reelq.worker.rooms.identity import keys as room

    with app.connect(tenant=tenant) as conn:
        made = room.rotate_key(conn, key_id, grace)
    with shown_once(made.id):
        if as_json:
            output.emit_record({"id": made.id, "prefix": made.prefix, "key": made.key, "old_expires_at": made.old_expires_at}, True)
        else:
            output.line(made.key)
    if as_json:
        return
    output.say(f"Key {made.id} ({made.prefix}). The old one is good until {text.shown(made.old_expires_at)}. {ONCE}")
