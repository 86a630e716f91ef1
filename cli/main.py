"""The command `reelq`: its tree, its global flags, and how an error becomes a message and an exit code.

Commands are imported when they are called, so that `reelq --help` and completion stay quick.
Exit codes: 0 done, 1 failed, 2 used wrongly, 3 a check says no, 75 database away, 130 interrupted,
141 the reader of a pipe has gone.
"""

from __future__ import annotations

import errno
import os
import re
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from reelq.cli import complete
from reelq.cli.app import App
from reelq.cli.terminal import output
from reelq.worker import __version__

DONE, FAILED, USED_WRONGLY = 0, 1, 2
INTERRUPTED, PIPE_CLOSED = 130, 141  # 128 + SIGINT and SIGPIPE, as shells say it
YOUR_TENANT = "Set reelq.tenant_id"  # how the hint of queue.visible_tenant begins

# name → where it is, and its short help (repeated here so that --help imports nothing; a test compares)
COMMANDS: dict[str, tuple[str, str]] = {
    "ingest": ("reelq.cli.ingest:ingest", "Bring files or URLs in, and make renditions of them."),
    "jobs": ("reelq.cli.jobs.commands:jobs", "Look at jobs, enqueue, cancel and retry them."),
    "job-types": ("reelq.cli.job_types:job_types", "Look at job types and their arguments; write those of your own."),
    "videos": ("reelq.cli.videos:videos", "Look at videos and what was made of them; run their pipeline again, delete them."),
    "bundles": ("reelq.cli.bundles:bundles", "Keep files together: what is in a live bundle does not go by retention."),
    "retention": ("reelq.cli.retention:retention", "What goes because its time is over: unused files, deleted videos and tenants."),
    "store": ("reelq.cli.store:store", "Objects: look at them, sweep, check and cool the stores, call cold ones back."),
    "pipelines": ("reelq.cli.pipelines:pipelines", "Look at pipelines; write those of your own."),
    "workers": ("reelq.cli.workers:workers", "Look at workers, drain them."),
    "top": ("reelq.cli.top.commands:top", "Watch workers, running jobs, queues and failures."),
    "worker": ("reelq.cli.worker:worker", "Run a worker."),
    "queue": ("reelq.cli.queue.commands:queue", "The queue as a whole: pauses, limits, history, hourly figures, settings."),
    "tenants": ("reelq.cli.tenants:tenants", "Organisations whose videos are processed."),
    "audit": ("reelq.cli.audit:audit", "Who did what: acts of people, keys and operators."),
    "secrets": ("reelq.cli.secrets:secrets", "Keys that seal secrets: make, rotate, count, forget them."),
    "events": ("reelq.cli.events:events", "What happened: videos ready, jobs failed, and what applications tell."),
    "webhooks": ("reelq.cli.webhooks:webhooks", "Endpoints that events are delivered to, signed as Standard Webhooks has it."),
    "keys": ("reelq.cli.keys:keys", "API keys, by which programs act for a tenant or one of its users."),
    "subscriptions": ("reelq.cli.subscriptions:subscriptions", "What users and tenants pay for; tier and quota follow from it."),
    "users": ("reelq.cli.users.commands:users", "Accounts: who may log in, and as what."),
    "sessions": ("reelq.cli.sessions:sessions", "Who is logged in where."),
    "notifications": ("reelq.cli.notifications:notifications", "What users are told: in the application, by mail, by web push."),
    "schedules": ("reelq.cli.schedules:schedules", "Recurring jobs and pipeline runs."),
    "upkeep": ("reelq.cli.upkeep:upkeep", "What keeps the database in shape: tasks on a clock."),
    "periodic": ("reelq.cli.periodic:periodic", "The clock of the upkeep, as a service."),
    "partitions": ("reelq.cli.partitions:partitions", "Make partitions ahead, drop those past their retention."),
    "backup": ("reelq.cli.backup:backup", "Make backups, verify them by restoring them, restore one in earnest."),
    "doctor": ("reelq.cli.doctor:doctor", "Check this host and the database, and say what to do."),
    "schema": ("reelq.cli.schema:schema", "Install, upgrade and check the database schema."),
    "config": ("reelq.cli.config:config", "Settings of this host, and those of all workers."),
    "flags": ("reelq.cli.flags:flags", "Behaviour that is on for some and off for others."),
    "completion": ("reelq.cli.completion:completion", "Print the completion script of a shell."),
}


class Tree(click.Group):
    """A group that imports a command when it is asked for."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """The names, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the module of that command."""
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(module), name)
        if ctx.resilient_parsing:  # a shell asks what could be typed next
            complete.teach(command)
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; one that is mistyped is refused with the nearest, as click does for commands that are imported."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from difflib import get_close_matches

            near = get_close_matches(args[0], COMMANDS)
            if not near:
                raise
            raise click.UsageError(f"{error.format_message()} Did you mean {' or '.join(map(repr, near))}?", ctx) from error

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, short) for name, (_, short) in COMMANDS.items()])


def show_version(ctx: click.Context, _param: click.Parameter, asked: bool) -> None:
    """--version: print it and leave."""
    if asked and not ctx.resilient_parsing:
        output.line(f"reelq {__version__}")
        ctx.exit()


def read_store(_ctx: click.Context, _param: click.Parameter, value: str | None) -> str | None:
    """--store: checked as the setting is."""
    if value is None:
        return None
    from reelq.worker.settings import parse_store

    try:
        return parse_store(value)
    except ValueError as error:
        raise click.BadParameter(f"must be {error}, not {value!r}") from None


@click.group(cls=Tree, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--database-url", metavar="URL", help="The database; wins over DATABASE_URL and PG*.")
@click.option("--store", metavar="URL", callback=read_store, help="Where objects lie; wins over REELQ_STORE.")
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=show_version,
    help="Print the version.",
)
@click.pass_context
def cli(ctx: click.Context, database_url: str | None, store: str | None) -> None:
    """Queue and workers of a video platform, on Postgres.

    Data goes to stdout, everything else to stderr; --json prints one object a line.
    Exit codes: 0 done, 1 failed, 2 used wrongly, 3 a check says no, 75 database away (try again).

    \b
    Examples:
      reelq schema install
      reelq worker run --slots 2
      reelq ingest clip.mp4 --wait
      reelq top
    """
    ctx.obj = App(database_url=database_url, store=store)


def main(args: Sequence[str] | None = None) -> int:
    """Run a command line; return its exit code. No error leaves as a traceback."""
    if sys.stderr is None:  # `2>&-`: what opens a file next would get its number
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - for as long as the process lives
    if sys.stdin is None:  # `<&-`: nothing to read, as of /dev/null
        sys.stdin = Path(os.devnull).open(encoding="utf-8")  # noqa: SIM115 - as above
    if sys.stdout is None:
        output.fail("stdout must be open, not closed by >&-", "to throw the output away: >/dev/null")
        return USED_WRONGLY
    try:
        result = cli.main(args=args, prog_name="reelq", standalone_mode=False)
        output.flush()
    except BaseException as error:  # noqa: BLE001 - the last line of defence: whatever it is becomes one line and a code
        try:
            return explain(error)
        except output.PipeClosed:
            output.abandon()
            return PIPE_CLOSED
    return result if isinstance(result, int) else DONE


def explain(error: BaseException) -> int:
    """Say in one line what went wrong, and return the exit code."""
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else FAILED
    if isinstance(error, (click.Abort, KeyboardInterrupt)):
        output.say("Interrupted.")
        return INTERRUPTED
    if isinstance(error, (output.PipeClosed, BrokenPipeError)):
        output.abandon()
        return PIPE_CLOSED
    if isinstance(error, output.NotWritten) or (isinstance(error, OSError) and error.errno == errno.ENOSPC and not error.filename):
        output.abandon()
        why = str(error.strerror).lower() if isinstance(error, OSError) else error
        output.fail(f"stdout must be writable, not refuse with: {why}", "What the command did is done; only its output is lost. Look again.")
        return FAILED
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        output.say(error.format_message())
        return USED_WRONGLY
    if isinstance(error, click.ClickException):
        where = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else None
        output.fail(refusal(error), f"see {where} --help" if where else getattr(error, "hint", None))
        return error.exit_code
    return explain_ours(error)


def refusal(error: click.ClickException) -> str:
    """click's message; where a value is refused, in one form: "--priority must be 1 (first) to 10 (last), not 11"."""
    if isinstance(error, click.BadParameter) and error.message.startswith("must "):
        subject = error.param_hint or (error.param.get_error_hint(error.ctx) if error.param and error.ctx else None)
        if subject:
            return f"{subject if isinstance(subject, str) else ' / '.join(subject)} {error.message}".replace("'", "", 2)
    return error.format_message()


def explain_ours(error: BaseException) -> int:
    """Errors of our family, of the database, of the system, and bugs."""
    import psycopg

    from reelq.worker.errors import DatabaseAway, DatabaseLocked, DatabaseReadOnly, DatabaseRefuses, JobError, ReelqError, from_database
    from reelq.worker.settings import environment

    found: BaseException | None = error
    if isinstance(error, psycopg.Error):
        found = from_database(error) or error
    debug = environment().get("REELQ_LOG_LEVEL", "").lower() == "debug"
    if debug:
        output.say("".join(traceback.format_exception(error)).rstrip())
    if isinstance(found, ReelqError):
        prefix = "the database is away: " if isinstance(found, DatabaseAway) else ""
        if isinstance(found, DatabaseLocked):
            prefix = ""  # it is there, and the message says what it waits for
        elif isinstance(found, DatabaseRefuses):
            prefix = "the database refuses us: "
        elif isinstance(found, DatabaseReadOnly):
            prefix = "the database takes no changes: "
        hint = f"{found.code}: {found.detail}" if isinstance(found, JobError) and found.detail else found.hint
        if hint and hint.startswith(YOUR_TENANT):
            hint += ' For this command line: PGOPTIONS="-c reelq.tenant_id=<id>" reelq …'
        message = (
            " ".join(str(found).split()) if isinstance(found, DatabaseAway) else str(found)
        )  # libpq's has lines
        output.fail(prefix + message, hint)
        return found.exit_code
    if isinstance(found, psycopg.Error):
        message, hint, code = from_postgres(found)
        output.fail(message, hint)
        return code
    if isinstance(found, OSError):
        output.fail(f"{found.strerror or found}" + (f": {found.filename}" if found.filename else ""))
        return FAILED
    output.fail(
        f"{type(found).__name__}: {found}",
        None if debug else "this is a bug; REELQ_LOG_LEVEL=debug shows where it happened",
    )
    return FAILED


def from_postgres(error: Any) -> tuple[str, str | None, int]:
    """Message, hint and exit code of an error of Postgres that has no class of its own."""
    import psycopg

    from reelq.worker.db import schema

    state = error.sqlstate or ""
    message = (error.diag.message_primary or str(error)).strip()
    if state in ("42P01", "42883", "3F000"):  # table, function or schema is not there
        return f"the schema is not installed or too old: {message}", "run: reelq schema install", FAILED
    if state == "22P05":  # \u0000 in a payload of a file; an option has been looked at
        return f"JSON must hold what Postgres can keep: {message}", "Leave out what is written \\u0000.", USED_WRONGLY
    if state == "42501":
        return message, who_may(message) if message.startswith("permission denied for ") else error.diag.message_hint, FAILED
    if state == "23503" and error.diag.schema_name not in schema.rooms():  # what goes is in use elsewhere
        table = f"{error.diag.schema_name}.{error.diag.table_name}"
        return (
            f"{table} refers to what would be deleted, by its foreign key {error.diag.constraint_name}",
            f"Delete those rows of {table}, or have the key do it (on delete cascade, on delete set null); then run this again: it goes on.",
            FAILED,
        )
    if not state and isinstance(error, psycopg.DataError):  # of a driver's own: an infinite time that somebody wrote by hand
        return f"the database holds a value that cannot be read here: {message}", "Find it with psql, and put it right.", FAILED
    if not state and isinstance(error, psycopg.ProgrammingError):  # the connection string, which may hold a password: not repeated
        return (
            "the database URL must be postgresql://user@host:5432/name or host=… dbname=…",
            "It is not repeated here, since it may hold a password.",
            USED_WRONGLY,
        )
    return f"{message} (SQLSTATE {state})" if state else message, error.diag.message_hint, FAILED


def who_may(message: str) -> str:
    """As whom to connect after a refusal: grants.sql says to whom a thing is open; what is not there is the owner's."""
    from reelq.worker.db import schema

    kind, _, name = message.removeprefix("permission denied for ").partition(" ")
    if kind == "database":
        return f"as the owner of the database: grant create on database {name} to the role that installs"
    if kind == "schema" and name not in schema.rooms():
        return f"an application's: grant usage on schema {name} to the owner of reelq's schema"
    listed = (schema.ROOT / "grants.sql").read_text(encoding="utf-8")
    found = re.search(rf"\('\w+\.{re.escape(name)}', '([a-z ]+)'", listed)
    roles = found[1] if found else "worker app readonly" if kind == "schema" else ""
    if not roles:
        return "needs the owner of the schema: connect as that role"
    return "connect as the owner of the schema, or as a member of " + " or ".join(f"reelq_{role}" for role in roles.split())


if __name__ == "__main__":
    sys.exit(main())
