"""reelq audit: list, show, risky, role-changes, failed-logins, idle-keys, overused-keys."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any
from uuid import UUID

import click

from reelq.cli.app import Ago, App, Seconds, Uuid, Whole, json_option, pass_app
from reelq.cli.terminal import live, output, text
from reelq.cli.terminal.output import Column

if TYPE_CHECKING:
    import psycopg

    from reelq.worker.rooms.ops.audit import Act

OVERLAP = timedelta(minutes=1)  # an act becomes visible when its transaction ends, which may be later than acts that came after it
MOST = 1000  # acts at a look of --follow
ACTS = (
    Column("id", keep=True),
    Column("created_at", "when", keep=True),
    Column("actor"),
    Column("action", keep=True),
    Column("thing", "what"),
    Column("risk_score", "risk", right=True),
    Column("change"),
    Column("tenant", spare=True),
    Column("client_ip", "from", spare=True),
)
FAILED = (
    Column("email", "person", keep=True),
    Column("client_ip", "from", keep=True),
    Column("failures", right=True),
    Column("locked"),
    Column("first_at", "first", spare=True),
    Column("last_at", "last"),
    Column("risk_score", "risk", right=True),
)
KEYS = (
    Column("id", keep=True),
    "name",
    Column("prefix", keep=True),
    Column("last_used_at", "last used"),
    Column("created_at", "made", spare=True),
    Column("scopes", spare=True),
)
OVERUSED = (
    Column("id", keep=True),
    "name",
    Column("prefix", keep=True),
    Column("hour"),
    Column("uses", right=True),
    Column("hourly_limit", "limit", right=True),
    Column("share", right=True),
)
RISK = Whole(20, 100, words="20 (worth a look) to 100")
tenant_filter = click.option("--tenant", metavar="SLUG", help="Only of this tenant.")


class Address(click.ParamType[Any]):
    """An IP address."""

    name = "address"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The value; refuses with what it must be."""
        try:
            return str(ip_address(str(value).strip()))
        except ValueError:
            self.fail(f"must be an address such as 203.0.113.7, not {value!r}", param, ctx)


def _filters(*left_out: str) -> Callable[[Any], Any]:
    """The options that choose acts; they arrive as keywords of worker.rooms.ops.audit.list_acts."""
    options = {
        "tenant": tenant_filter,
        "actor": click.option(
            "--actor", metavar="WHO",
            help="Who did it: e-mail address, id of a user or key, name of a role or worker; or user, key, worker, role, system.",
        ),
        "action": click.option("--action", metavar="ACTION", help="What was done, as user.role_changed; user: all that was done to users."),
        "entity": click.option("--entity", metavar="TYPE[/ID]", help="What it was done to, as pause or api_key/01976b1e-…"),
        "about": click.option("--about", metavar="WHO", help="The user whom it is about: e-mail address or id."),
        "request_id": click.option("--request", "request_id", metavar="ID", help="What this request did."),
        "client_ip": click.option("--from", "client_ip", type=Address(), help="Done from this address."),
        "since": click.option("--since", type=Ago(), help="Since then: 2h (ago), or 2030-01-31T20:00 in this host's zone."),
        "until": click.option("--until", type=Ago(), help="Before then; as --since."),
        "min_risk": click.option("--min-risk", type=RISK, help="Of this risk and more."),
    }  # fmt: skip

    def decorate(command: Any) -> Any:
        for name, option in reversed(options.items()):
            if name not in left_out:
                command = option(command)
        return command

    return decorate


limit_option = click.option("--limit", type=Whole(1, 1000), default=50, show_default=True, help="At most so many.")
after_option = click.option("--after", type=Whole(1), help="The next page: what comes after this act, the last one of a page.")


@click.group("audit")
def audit() -> None:
    """Who did what: acts of people, keys and operators.

    \b
    Examples:
      reelq audit list --since 1d
      reelq audit list --entity limit --since 7d
      reelq audit list --about ann@example.com
      reelq audit risky
    """


@audit.command("list")
@_filters()
@limit_option
@after_option
@click.option("--follow", is_flag=True, help="Wait for new ones and print them, until Ctrl-C.")
@click.option("--every", "every_s", type=Seconds(), default=1.0, show_default=True, help="Seconds between two looks of --follow.")
@json_option
@pass_app
def list_acts(app: App, /, limit: int, after: int | None, follow: bool, every_s: float, as_json: bool, **given: Any) -> int:
    """List acts, newest first; only those that fit all options that are given.

    Risk is 0 (everyday) to 100; sql/README.md says by which rules. --json has the whole of each act: before, after, address, program.

    \b
    Examples:
      reelq audit list --action user.role_changed --tenant acme
      reelq audit list --actor ann@example.com --since 7d
      reelq audit list --entity pause/all: --json | jq .after.reason
      reelq audit list --follow --min-risk 50
    """
    if follow and (after is not None or given["until"] is not None):
        raise click.UsageError("--follow must stand without --after and --until")
    return _follow(app, every_s, as_json, given) if follow else _page(app, limit, after, as_json, given)


@audit.command("risky")
@_filters("min_risk", "since")
@click.option("--since", type=Ago(), default="30d", show_default=True, help="Since then: 2h (ago), or 2030-01-31T20:00 in this host's zone.")
@click.option("--min-risk", type=RISK, default=50, show_default=True, help="Of this risk and more.")
@limit_option
@after_option
@json_option
@pass_app
def risky(app: App, /, limit: int, after: int | None, as_json: bool, **given: Any) -> int:
    """List acts that somebody should look at: a role given, a second factor taken away, mass deletion, a pause of all.

    \b
    Examples:
      reelq audit risky
      reelq audit risky --min-risk 70 --since 7d --json | jq -r '[.actor, .action] | @tsv'
    """
    return _page(app, limit, after, as_json, given)


@audit.command("role-changes")
@_filters("action", "entity", "min_risk")
@limit_option
@after_option
@json_option
@pass_app
def role_changes(app: App, /, limit: int, after: int | None, as_json: bool, **given: Any) -> int:
    """List changes of users' roles: who, whose, from what to what.

    \b
    Examples:
      reelq audit role-changes --tenant acme
      reelq audit role-changes --about ann@example.com
    """
    return _page(app, limit, after, as_json, given | {"action": "user.role_changed"})


@audit.command("show")
@click.argument("act_id", metavar="ID", type=Whole(1))
@json_option
@pass_app
def show(app: App, act_id: int, as_json: bool) -> None:
    """Show all that is known of an act.

    \b
    Examples:
      reelq audit show 4711
      reelq audit show 4711 --json | jq .diff
    """
    from reelq.worker.rooms.ops import audit as acts

    with app.connect() as conn:
        (act,) = acts.list_acts(conn, act_id=act_id, limit=1)
    if as_json:
        output.emit_record(act, True)
        return
    known = asdict(act)
    parts = {name: known.pop(name) or {} for name in ("diff", "before", "after", "facts")}
    output.emit_record({name: value for name, value in known.items() if value is not None}, False)
    if parts["diff"]:
        changes = [{"column": name, **change} for name, change in sorted(parts["diff"].items())]
        output.emit(changes, False, (Column("column", keep=True), Column("from", wrap=True), Column("to", wrap=True)), title="what changed")
    for name in ("before", "after", "facts"):
        if parts[name] and not (parts["diff"] and name != "facts"):
            output.emit_record(parts[name], False, title=name)


@audit.command("failed-logins")
@tenant_filter
@click.option("--since", type=Ago(), default="1d", show_default=True, help="Since then: 2h (ago), or 2030-01-31T20:00 in this host's zone.")
@click.option("--least", type=Whole(1), default=1, show_default=True, help="Only so many and more.")
@json_option
@pass_app
def failed_logins(app: App, tenant: str | None, since: datetime, least: int, as_json: bool) -> None:
    """Count log-ins that failed, by person and address, most first.

    \b
    Examples:
      reelq audit failed-logins --least 5
      reelq audit failed-logins --tenant acme --since 7d
    """
    from reelq.worker.rooms.ops import audit as acts

    with app.connect() as conn:
        found = output.emit(acts.failed_logins(conn, tenant, since, least), as_json, FAILED)
    if not found and not as_json:
        output.say("No log-in has failed.")


@audit.command("idle-keys")
@tenant_filter
@click.option("--idle", "idle_s", type=Seconds(), default="90d", show_default=True, help="Unused for so long, an hour or more.")
@limit_option
@click.option("--after", type=Uuid(), help="The next page: what comes after this key, the last one of a page.")
@json_option
@pass_app
def idle_keys(app: App, tenant: str | None, idle_s: float, limit: int, after: UUID | None, as_json: bool) -> None:
    """List good API keys that nobody has used for long: worth revoking.

    \b
    Examples:
      reelq audit idle-keys
      reelq audit idle-keys --idle 30d --json | jq -r .id
    """
    from reelq.worker.rooms.ops import audit as acts

    with app.connect() as conn:
        found = output.emit(acts.idle_keys(conn, tenant, timedelta(seconds=idle_s), limit, after), as_json, KEYS)
    if not found and not as_json:
        output.say("No key is idle.")


@audit.command("overused-keys")
@tenant_filter
@click.option("--since", type=Ago(), help="Since then: 2h (ago), or 2030-01-31T20:00; else the hour before this one.")
@click.option("--share", type=float, default=0.8, show_default=True, help="Of the key's hourly limit: 0.8 is four fifths.")
@json_option
@pass_app
def overused_keys(app: App, tenant: str | None, since: datetime | None, share: float, as_json: bool) -> None:
    """List API keys that were used in an hour for most of what they may, or for more.

    \b
    Examples:
      reelq audit overused-keys
      reelq audit overused-keys --since 1d --share 1
    """
    from reelq.worker.rooms.ops import audit as acts

    with app.connect() as conn:
        found = output.emit(acts.overused_keys(conn, tenant, since, share), as_json, OVERUSED)
    if not found and not as_json:
        output.say("No key is used for that much.")


def _page(app: App, limit: int, after: int | None, as_json: bool, given: dict[str, Any]) -> int:
    """Print a page, and how to see the next one."""
    from reelq.worker.rooms.ops import audit as acts

    with app.connect() as conn:
        found = acts.list_acts(conn, limit=limit, after=after, **_chosen(given))
    if as_json:
        output.emit(found, True)
        return 0
    output.emit([_told(act) for act in found], False, _columns())
    if not found:
        output.say("No such acts." if after is None else "No more such acts.")
    elif len(found) == limit:
        output.say(f"The next page: the same with --after {found[-1].id}")
    return 0


def _columns() -> list[Column]:
    """What fits: on a narrow terminal times go without their zone, so that they stay on one line; below 72 columns without the year too."""
    width = output.console().width if output.on_terminal() else 1000
    if width >= 100:
        return list(ACTS)
    begin = 0 if width >= 72 else 5
    short = [replace(column, show=lambda at: text.shown(at)[begin:19]) if column.key == "created_at" else column for column in ACTS]
    return [column for column in short if width >= 72 or column.key != "change"]


def _chosen(given: dict[str, Any]) -> dict[str, Any]:
    """The filters that were given; TYPE/ID as two."""
    which = {name: value for name, value in given.items() if value is not None}
    kind, _, key = which.pop("entity", "").partition("/")
    return which | {name: value for name, value in (("entity_type", kind), ("entity_id", key)) if value}


@dataclass(slots=True)
class Follower:
    """Tells the acts that have come since the last look."""

    chosen: dict[str, Any]
    seen: dict[int, datetime] = field(default_factory=dict)
    since: datetime | None = None

    def look(self, conn: psycopg.Connection[Any]) -> list[Act]:
        """The new ones, oldest first. The first look tells of none, or with --since of those since then."""
        from reelq.worker.rooms.ops import audit as acts

        asked: datetime | None = self.chosen.get("since")
        first = self.since is None
        since = self.since or asked or conn.execute("select now()").fetchone()[0]  # type: ignore[index]
        begin = since if first and asked else since - OVERLAP
        found = acts.list_acts(conn, **self.chosen | {"since": begin, "limit": MOST})
        new = [act for act in reversed(found) if act.id not in self.seen]
        self.since = max([since, *(act.created_at for act in new)])
        self.seen |= {act.id: act.created_at for act in new}
        self.seen = {key: at for key, at in self.seen.items() if at > self.since - 2 * OVERLAP}
        return [] if first and asked is None else new


def _follow(app: App, every_s: float, as_json: bool, given: dict[str, Any]) -> int:
    """Print acts as they come."""
    from reelq.worker.errors import DatabaseAway

    follower = Follower(_chosen(given))
    away = False
    for seen in live.watch(app, follower.look, every_s):
        if isinstance(seen, DatabaseAway):
            if not away:
                output.say("The database is away; trying again …")
            away = True
            continue
        away = False
        for act in seen:
            output.emit_record(act, True) if as_json else output.line(_line(act))
        output.flush()
    return 0


def _line(act: Act) -> str:
    """An act as a line."""
    told = _told(act)
    words = (text.shown(act.created_at), act.actor, act.action, told["thing"], f"risk {act.risk_score}", told["change"])
    return "  ".join(word for word in words if word)


def _told(act: Act) -> dict[str, Any]:
    """An act as a row of a table: what it was done to, and what changed in a few words."""
    return asdict(act) | {"thing": " ".join(filter(None, (act.entity_type, act.entity_id))), "change": _change(act)}


def _change(act: Act) -> str:
    """What changed; of what came or went the reason, or how many."""
    if act.diff:
        return ", ".join(f"{name}: {_value(one.get('from'))} → {_value(one.get('to'))}" for name, one in sorted(act.diff.items()))
    whole = {**(act.before or {}), **(act.after or {}), **act.facts}
    known = [f"{name} {_value(whole[name])}" for name in ("jobs", "workers", "reason", "role", "name", "max_running", "prefix") if whole.get(name)]
    return ", ".join(known)


def _value(value: Any) -> str:
    """A value of JSON in a word."""
    return "none" if value is None else text.shown(value)
