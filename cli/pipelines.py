"""reelq pipelines: list, show, graph, add, remove."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, TextIO

import click

from reelq.cli import pipeline_graph
from reelq.cli.app import App, Choice, json_option, pass_app, refuse_constant
from reelq.cli.terminal import output, text
from reelq.cli.terminal.output import Column

PIPELINES = (
    Column("name", keep=True),
    Column("steps", right=True),
    Column("running", right=True),
    Column("schedules", right=True, spare=True),
    Column("updated_at", "changed", show=text.age, right=True),
    Column("description"),
)
STEPS = (
    Column("step", keep=True),
    Column("job_type", "type", keep=True),
    Column("after"),
    Column("on_parent_failure", "if one fails", spare=True),
    Column("priority", "prio", right=True, spare=True),
    Column("job_data", "arguments", show=lambda data: text.to_json(data) if data else "", wrap=True),
)
OPTIONS = (Column("option", keep=True), Column("type", wrap=True), Column("default"), Column("meaning", wrap=True))
FORMATS = ("text", "dot", "mermaid", "json")


@click.group("pipelines")
def pipelines() -> None:
    """Look at pipelines; write those of your own.

    \b
    Examples:
      reelq pipelines list
      reelq pipelines graph standard
      reelq pipelines add archive archive.json
    """


@pipelines.command("list")
@json_option
@pass_app
def list_pipelines(app: App, as_json: bool) -> None:
    """List pipelines. RUNNING counts the runs of which a step runs at this moment.

    \b
    Examples:
      reelq pipelines list
      reelq pipelines list --json | jq -r .name
    """
    from reelq.worker.rooms.queue import pipelines as room

    with app.connect() as conn:
        found = output.emit(room.list_pipelines(conn), as_json, PIPELINES)
    if not found and not as_json:
        output.say("There is no pipeline. Make one: reelq pipelines add --help")


@pipelines.command("show")
@click.argument("name", metavar="NAME")
@json_option
@pass_app
def show(app: App, name: str, as_json: bool) -> None:
    """Show a pipeline: its steps, the options that a run may have, and the schedules that run it.

    With --json it is what `reelq pipelines add` takes.

    \b
    Examples:
      reelq pipelines show standard
      reelq pipelines show standard --json > mine.json
    """
    from reelq.worker.rooms.queue import pipelines as room

    with app.connect() as conn:
        found = room.show_pipeline(conn, name)
    found = output.in_order(found, "name", "description", "steps")
    if as_json:
        output.emit_record(found, True)
        return
    record = {key: found[key] for key in ("name", "description")}
    record["changed"] = text.shown(datetime.fromisoformat(found["updated_at"]))
    record["running"] = found["running"]
    record["schedules"] = found["schedules"]
    output.emit_record(record, False)
    output.emit(found["steps"], False, STEPS, title="steps, in their order")
    options = [one for step in found["steps"] for one in options_of(step, found["options"].get(step["step"]))]
    if options:
        output.emit(options, False, OPTIONS, title="options of a run")
        output.say(f"As in: reelq ingest FILE --pipeline {name} --option {options[-1]['option']}=…")


def options_of(step: dict[str, Any], schema: dict[str, Any] | None) -> list[dict[str, Any]]:
    """What `--option STEP.KEY=VALUE` may name of a step; what the pipeline gives it is the default."""
    from reelq.worker.jobs import options_text

    if not schema or "properties" not in schema:
        return []
    return [
        {
            "option": f"{step['step']}.{one['name']}",
            "type": one["type"],
            "default": text.to_json(step["job_data"][one["name"]]) if one["name"] in step["job_data"] else one["default"],
            "meaning": one["meaning"],
        }
        for one in options_text.arguments_of({"required": [], **schema})
    ]


@pipelines.command("graph")
@click.argument("name", metavar="NAME")
@click.option("--format", "form", type=Choice(FORMATS), default="text", show_default=True, help="As what it is drawn.")
@json_option
@pass_app
def graph(app: App, name: str, form: str, as_json: bool) -> None:
    """Draw which step waits for which. A step stands below the last one that it waits for.

    \b
    Examples:
      reelq pipelines graph standard
      reelq pipelines graph standard --format dot | dot -Tsvg > standard.svg
      reelq pipelines graph standard --format mermaid
    """
    from reelq.worker.rooms.queue import pipelines as room

    with app.connect() as conn:
        steps = room.show_pipeline(conn, name)["steps"]
    if as_json or form == "json":
        output.emit_record(pipeline_graph.edges(name, steps), True)
        return
    draw = {"text": pipeline_graph.tree, "dot": pipeline_graph.dot, "mermaid": pipeline_graph.mermaid}[form]
    for one in draw(name, steps):
        output.line(one)


@pipelines.command("add")
@click.argument("name", metavar="NAME")
@click.argument("file", type=click.File(encoding="utf-8"), metavar="FILE|-")
@click.option("--description", metavar="TEXT", help="One sentence for people; wins over the file's.")
@json_option
@pass_app
def add(app: App, name: str, file: TextIO, description: str | None, as_json: bool) -> None:
    """Make a pipeline of a JSON file (- is stdin), or replace the steps of the one of that name.

    The file is a list of steps, or an object with steps and description, as `reelq pipelines show --json` prints it. A step
    has step (its name) and job_type, and may have after (a list of steps), on_parent_failure (fail, cancel or run), priority and
    job_data. Runs that have been enqueued go on as they are.

    \b
    Examples:
      reelq pipelines add archive archive.json
      echo '[{"step": "get", "job_type": "download_video"}]' | reelq pipelines add fetch-only -
      reelq pipelines show standard --json | jq '(.steps[] | select(.step == "ladder") | .job_data.crf) = 21' | reelq pipelines add fine -
    """
    from reelq.worker.rooms.queue import pipelines as room

    steps, described = read_steps(file)
    with app.connect() as conn:
        done = room.set_pipeline(conn, name, steps, description or described)
    output.emit([{"pipeline": name, "change": done, "steps": len(steps)}], as_json, ("pipeline", "change"), headings=False)


@pipelines.command("remove")
@click.argument("name", metavar="NAME")
@json_option
@pass_app
def remove(app: App, name: str, as_json: bool) -> None:
    """Remove a pipeline. Runs that have been enqueued go on; one that a schedule runs is kept.

    \b
    Examples:
      reelq pipelines remove archive
    """
    from reelq.worker.rooms.queue import pipelines as room

    with app.connect() as conn:
        room.drop_pipeline(conn, name)
    output.emit([{"pipeline": name, "change": "removed"}], as_json, headings=False)


def read_steps(file: TextIO) -> tuple[list[Any], str | None]:
    """The steps and the description of a file; what they hold is for the database to judge.

    Raises:
        click.BadParameter: no JSON, or of another shape.
    """
    try:
        found = json.loads(file.read(), parse_constant=refuse_constant)
    except (OSError, ValueError) as error:
        raise click.BadParameter(f"must be a file of JSON ({error})", param_hint="FILE") from None
    if isinstance(found, dict):
        steps, description = found.get("steps"), found.get("description")
    else:
        steps, description = found, None
    if not isinstance(steps, list):
        raise click.BadParameter('must be a JSON list of steps, or an object with "steps"', param_hint="FILE")
    if description is not None and not isinstance(description, str):
        raise click.BadParameter("must have a text as description", param_hint="FILE")
    return steps, description
