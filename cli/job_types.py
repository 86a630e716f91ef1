"""reelq job-types: list, show, sync."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from reelq.cli.app import App, json_option, pass_app
from reelq.cli.terminal import output, text
from reelq.cli.terminal.output import Column

if TYPE_CHECKING:
    from reelq.worker.rooms.queue.job_types import Refused
    from reelq.worker.runtime.registry import Registry

TYPES = (
    Column("job_type", "type", keep=True),
    Column("handler", "handler here", keep=True),
    Column("priority", "prio", right=True, spare=True),
    Column("lease", show=text.duration, right=True, spare=True),
    Column("time_limit", "time limit", show=text.duration, right=True, spare=True),
    Column("weight", right=True, spare=True),
    Column("batch", right=True, spare=True),
    Column("needs", spare=True),
    Column("description"),
)
ARGUMENTS = (Column("name", keep=True), Column("type", wrap=True), Column("default"), Column("meaning", wrap=True))
POLICIES = (
    Column("error_class", "after", keep=True),
    Column("code", keep=True),
    Column("action"),
    Column("base", "first wait", show=text.duration, right=True),
    Column("factor", right=True),
    Column("cap", "longest", show=text.duration, right=True),
    Column("charges"),
)
CHANGES = (
    Column("job_type", "type", keep=True),
    Column("name", keep=True),
    Column("action", keep=True),
    Column("old_value", "is", wrap=True),
    Column("new_value", "declared", wrap=True),
)
SECONDS = ("lease", "time_limit", "stall_limit", "base", "cap")
NO_ROW = "no row: run reelq job-types sync"
NO_HANDLER = "-"


@click.group("job-types")
def job_types() -> None:
    """Look at job types and their arguments; write those of your own.

    \b
    Examples:
      reelq job-types list
      reelq job-types show video_transcode
      REELQ_HANDLERS=myapp.jobs reelq job-types sync
    """


@job_types.command("list")
@json_option
@pass_app
def list_job_types(app: App, as_json: bool) -> None:
    """List the job types of the database, and which of them have a handler in this installation.

    HANDLER HERE is `shipped`, the module of your own (an entry point reelq.handlers, or REELQ_HANDLERS), or - where there is
    none: then a worker of this installation does not take it. Types with a handler and without a row are told on stderr.

    \b
    Examples:
      reelq job-types list
      reelq job-types list --json | jq -r 'select(.handler == null) | .job_type'
    """
    from reelq.worker.rooms.queue import job_types

    registry = everything(app)
    with app.connect() as conn:
        rows = job_types.list_job_types(conn)
    told: list[dict[str, Any]] = [
        plain(asdict(one)) | {"handler": handler(registry, one.job_type)} for one in rows
    ]
    if not as_json:
        told = [{**one, "handler": one["handler"] or NO_HANDLER, "needs": ", ".join(one["needs"])} for one in told]
    output.emit(told, as_json, TYPES)
    for name in sorted({*registry.types} - {one.job_type for one in rows}):
        output.say(f"{name} has a handler ({handler(registry, name)}) and {NO_ROW}")


@job_types.command("show")
@click.argument("name", metavar="NAME")
@json_option
@pass_app
def show(app: App, name: str, as_json: bool) -> None:
    """Show a job type: its defaults, what follows its errors, its arguments, and a payload to begin with.

    \b
    Examples:
      reelq job-types show video_transcode
      reelq job-types show no_op --json | jq .options_schema
    """
    from reelq.worker.errors import UnknownJobType
    from reelq.worker.jobs import options_schema, options_text
    from reelq.worker.rooms.queue import job_types

    registry = everything(app)
    with app.connect() as conn:
        row = job_types.find_job_type(conn, name)
        policies = job_types.list_retry_policies(conn, name)
    here = registry.find(name) if name in registry.types else None
    if row is None:
        hint = "its handler is here: run reelq job-types sync" if here else "reelq job-types list shows all of them"
        raise UnknownJobType(f"no job type {name!r} in the database", hint)
    schema = here.schema() if here else row.options_schema
    example = None if schema is None else options_schema.payload(schema)
    retry = [plain(asdict(one)) for one in policies]
    record = plain(asdict(row)) | {"handler": handler(registry, name)}
    record |= {"options_schema": schema, "retry": retry, "example": example}
    if as_json:
        output.emit_record(record, True)
        return
    record["handler"] = record["handler"] or "none in this installation"
    output.emit_record(readable(record), False)
    output.emit(retry, False, POLICIES, title="what follows an error")
    if schema is None:
        output.say("Its arguments are not known: no handler is here, and none was synced.")
        return
    if not output.emit(options_text.arguments_of(schema), False, ARGUMENTS, title="arguments"):
        output.lines("arguments", "none")
    output.lines("example", command(name, example, video=row.requires == "video"))
    if here and schema != row.options_schema:
        output.say("The database has other arguments than the handler here: run reelq job-types sync")


@job_types.command("sync")
@click.option("--dry-run", is_flag=True, help="Say what would change, and change nothing.")
@click.option("--overwrite", is_flag=True, help="Write also what was changed by hand in the database.")
@json_option
@pass_app
def sync(app: App, dry_run: bool, overwrite: bool, as_json: bool) -> None:
    """Write what the handlers of your own declare into the database: one row a job type, and its retry policies.

    Again changes nothing. What was changed by hand since the last sync is kept and told so (`kept`); --overwrite takes
    what the handler declares. The shipped types are part of the schema. It needs the account that owns the schema.

    Where arguments change, waiting jobs that the new ones refuse are counted (`refused`, up to 1,000): a worker will fail them.

    \b
    Examples:
      REELQ_HANDLERS=myapp.jobs reelq job-types sync --dry-run
      REELQ_HANDLERS=myapp.jobs reelq job-types sync
    """
    from reelq.worker.rooms.queue import job_types

    found = everything(app).declared
    if not found:
        output.say("There is no handler of your own here: set REELQ_HANDLERS=module, or install a package with an entry point.")
        return
    told: list[dict[str, Any]] = []
    refused: dict[str, job_types.Refused] = {}
    with app.connect() as conn, conn.transaction(force_rollback=dry_run):
        for one in found:
            changes = job_types.sync_job_type(conn, one.name, one.defaults, one.retry, one.schema, overwrite=overwrite)
            if any((change.name, change.action) == ("options_schema", "changed") for change in changes):
                count = job_types.count_refused_jobs(conn, one.name, one.schema)
                if count.jobs:
                    refused[one.name] = count
                    number = f"{count.jobs}" + "+" * (not count.is_all)
                    changes.append(job_types.Change("waiting jobs", None, number, "refused"))
            told += [{"job_type": one.name, **asdict(change)} for change in changes]
    output.emit(told, as_json, CHANGES)
    for name, count in refused.items():
        say_refused(name, count)
    done = "would be " if dry_run else ""
    counts = [f"{sum(row['action'] == word for row in told)} {done}{word}" for word in ("added", "changed", "removed", "kept")]
    output.say(f"{', '.join(one.name for one in found)}: " + (", ".join(counts) if told else "all as declared"))


def say_refused(name: str, count: Refused) -> None:
    """How many waiting jobs new arguments refuse, one of them, and what to do."""
    number = f"{count.jobs:,} waiting job{'s'[: count.jobs != 1]} of {name}"
    output.say(f"{number if count.is_all else f'at least {number}'} will fail with bad_job_data, such as {count.job_id}: {count.reason}")
    output.say("hint: Take the old arguments, too, until they are done (a default for what is new), or cancel them: reelq jobs cancel JOB …")


def everything(app: App) -> Registry:
    """All handlers of this installation, whatever REELQ_TYPES says."""
    from reelq.worker.runtime import handler_search, registry

    return registry.shipped((), handler_search.search(app.settings.handlers))


def handler(registry: Registry, name: str) -> str | None:
    """Who does jobs of a type here: `shipped`, a module, or nobody."""
    if name not in registry.types:
        return None
    declared = registry.find(name).declared
    return declared.module if declared else "shipped"


def plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row with its times in seconds."""
    return {name: value.total_seconds() if name in SECONDS and value is not None else value for name, value in row.items()}


def readable(record: Mapping[str, Any]) -> dict[str, Any]:
    """The part of the record that is a name and a value a line."""
    shown = {name: value for name, value in record.items() if name not in ("options_schema", "retry", "example")}
    shown |= {name: text.duration(shown[name]) for name in SECONDS if shown.get(name) is not None}
    shown |= {name: ", ".join(shown[name]) for name in ("needs", "limits")}
    return output.in_order(shown, "job_type", "description", "handler")


def command(name: str, example: Any, *, video: bool) -> str:
    """The line that enqueues one."""
    name += " --video 01976b1e-5a3c-7d4e-8f00-0123456789ab" if video else ""
    data = f" --data {shlex.quote(json.dumps(example, ensure_ascii=False))}" if example else ""
    return f"reelq jobs enqueue {name}{data}"
