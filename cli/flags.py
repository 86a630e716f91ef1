"""reelq flags: list, set, explain, delete."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import click

from reelq.cli.app import App, Choice, Uuid, json_option, pass_app
from reelq.cli.terminal import output
from reelq.cli.terminal.output import Column

FLAGS = (
    Column("name", keep=True),
    Column("enabled", "on", show=lambda found: "yes" if found else "no"),
    Column("rollout_percentage", "%", right=True),
    Column("rollout_by", "of", spare=True),
    Column("user_rules", "users", show=lambda found: str(len(found)), right=True, spare=True),
    Column("tenant_rules", "tenants", show=lambda found: str(len(found)), right=True, spare=True),
    Column("segment_rules", "segments", show=lambda found: str(len(found)), right=True, spare=True),
    Column("description", wrap=True),
)


@click.group("flags")
def flags() -> None:
    """Behaviour that is on for some and off for others.

    A rule of the user goes first, then one of the tenant, then segments, then the percentage. Whoever is in stays in while it grows.

    \b
    Examples:
      reelq flags set ladder.better_compression --percentage 5
      reelq flags set ladder.better_compression --tenant acme --on
      reelq flags explain ladder.better_compression --tenant acme
    """


@flags.command("list")
@json_option
@pass_app
def list_flags(app: App, as_json: bool) -> None:
    """List all flags.

    \b
    Examples:
      reelq flags list
      reelq flags list --json | jq -r 'select(.enabled) | .name'
    """
    from reelq.worker.rooms.ops import flags as room

    with app.connect() as conn:
        output.emit(room.list_flags(conn), as_json, FLAGS)


@flags.command("set")
@click.argument("name", metavar="NAME")
@click.option("--on/--off", "on", default=None, help="For everybody; with --tenant or --user for those alone.")
@click.option("--percentage", type=click.FloatRange(0, 100), metavar="NUMBER", help="On for so many of those whom no rule names.")
@click.option("--by", type=Choice(["tenant", "user"]), help="What the percentage counts.")
@click.option("--tenant", metavar="SLUG", help="Only this tenant, whatever the percentage is. Slug or id.")
@click.option("--user", "user_id", type=Uuid(), metavar="ID", help="Only this user.")
@click.option("--as-others", is_flag=True, help="No rule for --tenant or --user any more.")
@click.option("--segments", metavar="JSON", help='Rules in order, as \'[{"tier": ["premium"], "percentage": 50}]\'; [] for none.')
@click.option("--description", metavar="TEXT", help="What it does where it is on; a flag that is new must have one.")
@json_option
@pass_app
def set_flag(
    app: App,
    name: str,
    on: bool | None,
    percentage: float | None,
    by: str | None,
    tenant: str | None,
    user_id: UUID | None,
    as_others: bool,
    segments: str | None,
    description: str | None,
    as_json: bool,
) -> None:
    """Change a flag; what is not given stays. With --description one is made that is not there yet. Workers follow with their next job.

    \b
    Examples:
      reelq flags set ladder.better_compression --percentage 5
      reelq flags set ladder.better_compression --segments '[{"tier": ["premium", "enterprise"]}]'
      reelq flags set ladder.better_compression --tenant acme --off
      reelq flags set ladder.better_compression --off
      reelq flags set my.flag --percentage 5 --description "The new player"
    """
    from reelq.worker.rooms.ops import flags as room

    whole = {"percentage": percentage, "by": by, "segments": segments, "description": description}
    if tenant is not None or user_id is not None:
        if any(value is not None for value in whole.values()):
            raise click.UsageError("--tenant and --user must stand with --on, --off or --as-others alone")
        if (on is None) != as_others:
            raise click.UsageError("one of --on, --off and --as-others must be given")
    elif as_others:
        raise click.UsageError("--as-others must stand with --tenant or --user")
    elif on is not None and percentage is not None:
        raise click.UsageError("--percentage must not stand with --on or --off")
    with app.connect() as conn:
        if tenant is not None or user_id is not None:
            room.set_flag_for(conn, name, tenant, user_id, on)
        else:
            facts = facts_of(on, percentage, by, segments, description)
            if not facts:
                raise click.UsageError("one of the options must be given")
            # A name that is mistyped would be a flag that nobody asks about, and the one that was meant stays as it is.
            known = [one.name for one in room.list_flags(conn)]
            if name not in known and description is None:
                raise click.UsageError(f"there is no flag {name!r}; --description makes it. Known: {', '.join(known) or 'none'}")
            room.set_flag(conn, name, facts)
        output.emit([one for one in room.list_flags(conn) if one.name == name], as_json, FLAGS)


def facts_of(on: bool | None, percentage: float | None, by: str | None, segments: str | None, description: str | None) -> dict[str, Any]:
    """What the options say, as ops.set_flag takes it."""
    import json

    facts: dict[str, Any] = {}
    if on is not None:
        facts = {"enabled": True, "rollout_percentage": 100} if on else {"enabled": False}
    if percentage is not None:
        facts |= {"enabled": True, "rollout_percentage": percentage}
    if by is not None:
        facts["rollout_by"] = by
    if segments is not None:
        try:
            facts |= {"enabled": True, "segment_rules": json.loads(segments)}
        except ValueError as error:
            raise click.BadParameter(f"must be a JSON list, not {segments!r} ({error})", param_hint="--segments") from None
    if description is not None:
        facts["description"] = description
    return facts


@flags.command("explain")
@click.argument("name", metavar="NAME")
@click.option("--tenant", metavar="SLUG", help="For this tenant. Slug or id.")
@click.option("--user", "user_id", type=Uuid(), metavar="ID", help="For this user.")
@json_option
@pass_app
def explain(app: App, name: str, tenant: str | None, user_id: UUID | None, as_json: bool) -> None:
    """Say whether a flag is on for a tenant or user, and why.

    \b
    Examples:
      reelq flags explain ladder.better_compression --tenant acme
    """
    from reelq.worker.rooms.identity import tenants
    from reelq.worker.rooms.ops import flags as room

    with app.connect() as conn:
        decided = room.explain(conn, name, None if tenant is None else tenants.find_tenant(conn, tenant), user_id)
    if as_json:
        output.emit_record(decided, True)
    else:
        output.line(f"{'on' if decided.is_on else 'off'}: {decided.about}")


@flags.command("delete")
@click.argument("name", metavar="NAME")
@json_option
@pass_app
def delete(app: App, name: str, as_json: bool) -> None:
    """Remove a flag: what asks for it behaves as before it came. One that the product asks for comes back, off, with the next upgrade.

    \b
    Examples:
      reelq flags delete my.flag
    """
    from reelq.worker.errors import NotFound
    from reelq.worker.rooms.ops import flags as room

    with app.connect() as conn:
        if not room.delete_flag(conn, name):
            raise NotFound(f"no flag {name}", "Look with: reelq flags list")
    output.emit([{"name": name, "deleted": True}], as_json, ("name",), headings=False)
