"""reelq schedules: recurring jobs and pipeline runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

import click

from reelq.cli.app import PRIORITY, App, Choice, JsonObject, Uuid, json_option, pass_app, tenant_option
from reelq.cli.terminal import output, text
from reelq.cli.terminal.output import Column

if TYPE_CHECKING:
    from datetime import datetime

    from reelq.worker.rooms.queue.schedules import Schedule

MISSED = ("once", "all", "skip")  # worker.rooms.queue.schedules.MISSED; a test compares

SCHEDULES = (
    Column("name", keep=True),
    Column("cron", keep=True),
    Column("makes"),
    Column("next_run", "next tick", keep=True),
    Column("last_run", "last tick", spare=True),
    Column("last_enqueued_at", "enqueued", show=text.age, right=True),
    Column("time_zone", "zone", spare=True),
    Column("tenant", spare=True),
    Column("last_error", "error", wrap=True),
)


@click.group("schedules")
def schedules() -> None:
    """Recurring jobs and pipeline runs.

    Claiming workers enqueue them, once per tick, however many they are.
    """


@schedules.command("list")
@tenant_option
@json_option
@pass_app
def list_schedules(app: App, tenant: str | None, as_json: bool) -> None:
    """List schedules: the next tick, the last one that was enqueued and how long ago that was, and what went wrong.

    Ticks are times of CRON, shown in local time. A worker enqueues one when it claims: after a time without workers that is later.

    \b
    Examples:
      reelq schedules list
      reelq schedules list --json | jq 'select(.last_error != null) | .name'
    """
    from reelq.worker.rooms.queue import schedules as room

    with app.connect(tenant=tenant) as conn:
        found = room.list_schedules(conn)
    if as_json:
        output.emit(found, True)
    elif not output.emit([shown(one) for one in found], False, SCHEDULES):
        output.say("There is no schedule. Make one: reelq schedules add --help")


def shown(one: Schedule) -> dict[str, Any]:
    """A schedule as a row for people; times are local."""
    return {
        "name": one.name,
        "cron": one.cron,
        "time_zone": one.time_zone,
        "makes": one.job_type or f"pipeline {one.pipeline}",
        "tenant": one.tenant,
        "next_run": "paused" if one.paused_at else tick(one.next_run_at),
        "last_run": tick(one.last_run_at) if one.last_run_at else None,
        "last_enqueued_at": one.last_enqueued_at,
        "last_error": one.last_error,
    }


def tick(at: datetime) -> str:
    """A tick, which is a whole minute, in local time."""
    return at.astimezone().strftime("%Y-%m-%d %H:%M")


@schedules.command("add")
@click.argument("name")
@click.argument("cron")
@click.option("--type", "--job", "job_type", metavar="TYPE", help="Enqueue a job of this type.")
@click.option("--pipeline", metavar="NAME", help="Run this pipeline for --video.")
@click.option("--video", "video_id", type=Uuid(), help="What the jobs are about.")
@click.option(
    "--data", "job_data", type=JsonObject(), default="{}", help="Arguments of the job, or options of the pipeline; JSON or @FILE."
)
@click.option("--time-zone", default="UTC", show_default=True, help="In which CRON is read, as Europe/Berlin.")
@click.option(
    "--missed", type=Choice(MISSED), default="once", show_default=True,
    help="Ticks that came while no worker claimed: one run for all, a run each, or none.",
)  # fmt: skip
@click.option("--priority", type=PRIORITY, help="Of the job; 1 first.")
@click.option("--tenant", metavar="SLUG", help="Whose the jobs are; without it the platform's own.")
@json_option
@pass_app
def add(
    app: App,
    name: str,
    cron: str,
    job_type: str | None,
    pipeline: str | None,
    video_id: UUID | None,
    job_data: dict[str, Any],
    time_zone: str,
    missed: str,
    priority: int | None,
    tenant: str | None,
    as_json: bool,
) -> None:
    """Make a schedule, or change the one of that name.

    CRON has five fields as in a crontab (minute, hour, day, month, weekday), or is @hourly, @daily, @weekly, @monthly or @yearly.
    L is the last day of a month: "0 4 L * *".

    \b
    Examples:
      reelq schedules add nightly "15 3 * * *" --type no_op --time-zone Europe/Berlin
      reelq schedules add often "*/10 * * * *" --type no_op --data '{"sleep_s": 1}' --missed skip
    """
    from reelq.worker.rooms import identity
    from reelq.worker.rooms.queue import schedules as room

    with app.connect() as conn:
        tenant_id = identity.find_tenant(conn, tenant) if tenant else None
        room.set_schedule(
            conn, name, cron, job_type=job_type, pipeline=pipeline, video_id=video_id, job_data=job_data,
            time_zone=time_zone, missed=missed, priority=priority, tenant_id=tenant_id,
        )  # fmt: skip
        found = [one for one in room.list_schedules(conn) if one.name == name]
    output.emit(found if as_json else [shown(one) for one in found], as_json, None if as_json else SCHEDULES)


@schedules.command("pause")
@click.argument("name")
@json_option
@pass_app
def pause(app: App, name: str, as_json: bool) -> None:
    """Let a schedule enqueue nothing until `reelq schedules resume`. Jobs that it has enqueued go on.

    \b
    Examples:
      reelq schedules pause nightly
    """
    from reelq.worker.rooms.queue import schedules as room

    with app.connect() as conn:
        room.pause_schedule(conn, name)
    output.emit([{"name": name, "state": "paused"}], as_json, headings=False)


@schedules.command("resume")
@click.argument("name")
@json_option
@pass_app
def resume(app: App, name: str, as_json: bool) -> None:
    """Go on with the next tick; those of the pause are not made up for.

    \b
    Examples:
      reelq schedules resume nightly
    """
    from reelq.worker.rooms.queue import schedules as room

    with app.connect() as conn:
        room.resume_schedule(conn, name)
    output.emit([{"name": name, "state": "resumed"}], as_json, headings=False)


@schedules.command("remove")
@click.argument("name")
@json_option
@pass_app
def remove(app: App, name: str, as_json: bool) -> None:
    """Remove a schedule. Jobs that it has enqueued stay.

    \b
    Examples:
      reelq schedules remove nightly
    """
    from reelq.worker.rooms.queue import schedules as room

    with app.connect() as conn:
        room.drop_schedule(conn, name)
    output.emit([{"name": name, "state": "removed"}], as_json, headings=False)
