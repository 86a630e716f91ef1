"""reelq config: the settings of this host with their source (show), and those of all workers, which the database holds (list, get, set, unset)."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from reelq.cli.app import App, json_option, pass_app
from reelq.cli.terminal import output
from reelq.cli.terminal.output import Column

if TYPE_CHECKING:
    from reelq.worker.rooms.ops.config import ConfigKey
    from reelq.worker.settings import Settings

COLUMNS = (
    Column("variable", keep=True),
    Column("value", wrap=True),
    Column("source", "from"),
    Column("help", "meaning", wrap=True),
)


KEYS = (
    Column("key", keep=True),
    Column("value", wrap=True),
    Column("is_default", "default", show=lambda found: "" if found is None else "yes" if found else "no"),
    Column("bounds", wrap=True, spare=True),
    Column("description", "meaning", wrap=True),
)


@click.group("config")
def config() -> None:
    """Settings of this host, and those of all workers.

    This host's come from its environment (show); those of all workers stand in the database (list, get, set, unset). A flag
    wins over the environment, both over the database, and that over the default.

    \b
    Examples:
      reelq config show
      reelq config list
      reelq config set worker.log_level debug
    """


@config.command("show")
@json_option
@pass_app
def show(app: App, as_json: bool) -> None:
    """Show every setting: its variable, its value (secrets masked), where it came from, what it means.

    A flag wins over the variable, NAME_FILE (the file that holds the value) over NAME, both over what operators have
    set for all workers (`reelq config set`; from: database), and that over the default. All mistakes are reported at
    once, with exit code 2. When no database answers, that part is left out, and a line says so.

    \b
    Examples:
      reelq config show
      reelq config show --json | jq -r 'select(.source != "default") | .variable'
    """
    from reelq.worker import settings

    chosen = app.settings
    now, overridden = from_database(app)
    shown = now.shown()
    environ = settings.environment()
    rows = [
        {
            "name": name,
            "variable": settings.variable(name),
            "value": shown[name],
            "source": "database" if shown[name] != chosen.shown()[name] else source(name, app.flags, environ),
            "default": "" if field.secret else field.default or "",
            "help": field.help,
        }
        for name, field in settings.FIELDS.items()
    ]
    output.emit(rows, as_json, COLUMNS)
    for name, text in overridden.items():
        output.say(f"The database says worker.{name} = {text}, but this host's {settings.variable(name)} or flag wins.")


def from_database(app: App) -> tuple[Settings, dict[str, str]]:
    """The settings with what operators have set for all workers; and of that what this host says otherwise."""
    from reelq.worker.errors import ReelqError
    from reelq.worker.rooms.ops import config as room
    from reelq.worker.runtime import live_settings

    if not app.settings.database_url and not has_server():
        return app.settings, {}
    try:
        with app.connect() as conn:
            return live_settings.overlay(app.settings, room.list_keys(conn, live_settings.UNDER))
    except ReelqError as error:
        output.say(f"What the database says is not shown: {str(error).splitlines()[0]}")
        return app.settings, {}


def has_server() -> bool:
    """Whether PG* variables name a server; else none is tried."""
    from reelq.worker import settings

    return any(settings.environment().get(name) for name in ("PGHOST", "PGSERVICE", "PGDATABASE"))


def source(name: str, flags: dict[str, str], environ: dict[str, str]) -> str:
    """flag, file, environment or default; for the database also PG*."""
    from reelq.worker import settings

    variable = settings.variable(name)
    if name in flags:
        return "flag"
    if environ.get(f"{variable}_FILE"):
        return f"{variable}_FILE"
    if environ.get(variable):
        return "environment"
    if name == "secrets_file" and settings.credential_of_keys(environ):
        return f"credential {settings.CREDENTIAL_OF_KEYS}"
    if name == "database_url" and any(word.startswith("PG") for word in environ):
        return "PG* variables"
    return "default"


@config.command("list")
@click.argument("under", required=False, metavar="[WORD]")
@json_option
@pass_app
def list_config(app: App, under: str | None, as_json: bool) -> None:
    """List what operators can set for all workers, with what holds: keys of ops.system_config, all or those under WORD.

    \b
    Examples:
      reelq config list
      reelq config list worker --json | jq -r 'select(.is_default | not) | .key'
    """
    from reelq.worker.rooms.ops import config as room

    with app.connect() as conn:
        found = room.list_keys(conn, under)
    output.emit(found if as_json else [described(one) for one in found], as_json, KEYS)


@config.command("get")
@click.argument("key", metavar="KEY")
@json_option
@pass_app
def get(app: App, key: str, as_json: bool) -> None:
    """Print what a key is for all workers. Of a secret: whether one is set.

    \b
    Examples:
      reelq config get worker.poll_s
    """
    from reelq.worker.rooms.ops import config as room

    with app.connect() as conn:
        room.value(conn, key)  # refuses what is no key
        (found,) = [one for one in room.list_keys(conn) if one.key == key]
    if as_json:
        output.emit_record(found, True)
    else:
        output.line(spelt(found))


@config.command("set")
@click.argument("key", metavar="KEY")
@click.argument("value", metavar="VALUE")
@json_option
@pass_app
def set_config(app: App, key: str, value: str, as_json: bool) -> None:
    """Set a key for all workers: they follow within seconds, without a restart. `-` reads VALUE from stdin, as a secret has to come.

    A secret is sealed with this host's keys (`reelq secrets`) before it goes to the database.

    \b
    Examples:
      reelq config set worker.poll_s 0.2s
      reelq config set worker.ffmpeg_preset medium
      reelq config set worker.link_secret - <secret.txt
    """
    from reelq.worker.rooms.ops import config as room

    text = sys.stdin.read().strip() if value == "-" else value
    with app.connect() as conn:
        room.value(conn, key)
        (found,) = [one for one in room.list_keys(conn) if one.key == key]
        if found.value_type == "secret":
            if value != "-":
                raise click.UsageError(f"{key} must come by stdin, as `-`: others see the arguments of a command")
            if not text:
                raise click.UsageError(f"{key} must not be empty; reelq config unset {key} removes it")
            from reelq.worker.secrets import Keyring

            envelope = Keyring.load(app.settings).seal(text.encode(), table=room.TABLE, row=key, column=room.COLUMN)
            room.set_sealed(conn, key, envelope)
        else:
            room.set_value(conn, key, read_value(found.value_type, text))
        (found,) = [one for one in room.list_keys(conn) if one.key == key]
    if as_json:
        output.emit_record(found, True)
    else:
        output.emit([described(found)], False, KEYS[:2], headings=False)


@config.command("unset")
@click.argument("key", metavar="KEY")
@json_option
@pass_app
def unset(app: App, key: str, as_json: bool) -> None:
    """Bring back the default of a key; remove a secret.

    \b
    Examples:
      reelq config unset worker.log_level
    """
    from reelq.worker.rooms.ops import config as room

    with app.connect() as conn:
        room.set_value(conn, key, None)
        (found,) = [one for one in room.list_keys(conn) if one.key == key]
    if as_json:
        output.emit_record(found, True)
    else:
        output.emit([described(found)], False, KEYS[:2], headings=False)


def read_value(value_type: str, text: str) -> Any:
    """What was typed as the JSON value of a key's type; what cannot be one goes as a text, and SQL says what it must be."""
    import json

    if value_type not in ("boolean", "integer", "number", "json"):
        return text
    words = {"yes": True, "on": True, "no": False, "off": False} if value_type == "boolean" else {}
    try:
        return words[text.lower()] if text.lower() in words else json.loads(text)
    except ValueError:
        return text


def spelt(found: ConfigKey) -> str:
    """A value as it is typed; of a secret whether there is one."""
    import json

    if found.value_type == "secret":
        return "********" if found.is_set else ""
    if found.value is None or isinstance(found.value, str):
        return found.value or ""
    return json.dumps(found.value)


def described(found: ConfigKey) -> dict[str, Any]:
    """A row of the list for people."""
    least, most = found.min_value, found.max_value
    bounds = "" if least is None and most is None else f"{'' if least is None else f'{least:f}'}–{'' if most is None else f'{most:f}'}"
    return {
        "key": found.key,
        "value": spelt(found),
        "is_default": found.is_default,
        "bounds": ", ".join(found.choices) if found.choices else f"{found.value_type} {bounds}".strip(),
        "description": found.description,
    }
