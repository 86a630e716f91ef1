"""reelq config show: every setting, its value, where it came from and what it is for."""

from __future__ import annotations

import click

from reelq.cli.app import App, json_option, pass_app
from reelq.cli.terminal import output
from reelq.cli.terminal.output import Column

COLUMNS = (
    Column("variable", keep=True),
    Column("value", wrap=True),
    Column("source", "from"),
    Column("help", "meaning", wrap=True),
)


@click.group("config")
def config() -> None:
    """Show the settings.

    \b
    Examples:
      reelq config show
    """


@config.command("show")
@json_option
@pass_app
def show(app: App, as_json: bool) -> None:
    """Show every setting: its variable, its value (secrets masked), where it came from, what it means.

    A flag wins over the variable, NAME_FILE (the file that holds the value) over NAME, and both over the
    default. All mistakes are reported at once, with exit code 2.

    \b
    Examples:
      reelq config show
      reelq config show --json | jq -r 'select(.source != "default") | .variable'
    """
    from reelq.worker import settings

    shown = app.settings.shown()
    environ = settings.environment()
    rows = [
        {
            "name": name,
            "variable": settings.variable(name),
            "value": shown[name],
            "source": source(name, app.flags, environ),
            "default": "" if field.secret else field.default or "",
            "help": field.help,
        }
        for name, field in settings.FIELDS.items()
    ]
    output.emit(rows, as_json, COLUMNS)


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
