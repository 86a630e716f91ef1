"""reelq upkeep: run, list, set."""

from __future__ import annotations

import os
import signal
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from reelq.cli.app import App, Choice, Seconds, json_option, pass_app
from reelq.cli.terminal import output, text
from reelq.cli.terminal.output import Column

if TYPE_CHECKING:
    from types import FrameType

    from reelq.worker.rooms.ops.upkeep import Task
    from reelq.worker.upkeep.run import Ran

CLOCKS = ("command", "timer", "cron")
TASKS = (
    Column("name", keep=True),
    Column("state", keep=True),
    Column("cron", "when (UTC)", keep=True),
    Column("succeeded_at", "done", show=text.age, right=True),
    Column("next", "due"),
    Column("result", "what it did", spare=True),
    Column("who", "by", spare=True),
    Column("error", wrap=True),
)
RAN = (
    Column("name", keep=True),
    Column("outcome", keep=True),
    Column("seconds", right=True),
    Column("result", "what it did"),
    Column("error", wrap=True),
)


@click.group("upkeep")
def upkeep() -> None:
    """What keeps the database in shape: tasks on a clock.

    Three clocks can call them: `reelq periodic run`, a systemd timer, cron. Any two of them at once are harmless: each task is
    done once a tick.

    \b
    Examples:
      reelq upkeep list
      reelq upkeep run
    """


@upkeep.command("list")
@json_option
@pass_app
def list_(app: App, as_json: bool) -> None:
    """List the tasks: how each stands, when it is due and was last done, what it did or why it was not done.

    State: ok, due, running, failed (it will be tried again), late (nobody has done it for too long), off.

    \b
    Examples:
      reelq upkeep list
      reelq upkeep list --json | jq 'select(.state == "late" or .state == "failed")'
    """
    from reelq.worker.rooms.ops import upkeep as room

    with app.connect() as conn:
        found = room.list_tasks(conn)
    output.emit(found if as_json else [shown(one) for one in found], as_json, TASKS)


def shown(one: Task) -> dict[str, Any]:
    """A task as a row for people."""
    return {
        "name": one.name,
        "state": one.state,
        "cron": one.cron,
        "succeeded_at": one.succeeded_at,
        "next": one.next_at.astimezone().strftime("%Y-%m-%d %H:%M"),
        "result": figures(one.result),
        "who": one.who,
        "error": None if one.outcome == "done" else one.error,
    }


def figures(result: dict[str, Any] | None) -> str:
    """A result in one line."""
    return ", ".join(f"{value} {name}" for name, value in (result or {}).items())


@upkeep.command("set")
@click.argument("name", metavar="TASK")
@click.option("--cron", metavar="CRON", help="When it is due, in UTC: five fields as in a crontab, or @hourly, @daily, …")
@click.option("--late-after", "late_after_s", type=Seconds(), help="So long after its tick it is late, such as 6h.")
@click.option("--on/--off", "enabled", default=None, help="Off: no clock does it; reelq upkeep run TASK does all the same.")
@json_option
@pass_app
def set_(app: App, name: str, cron: str | None, late_after_s: float | None, enabled: bool | None, as_json: bool) -> None:
    """Change when a task is due, or switch it off. Ticks of the time when it was off are not made up for.

    \b
    Examples:
      reelq upkeep set vacuum --cron '0 4 * * 6'
      reelq upkeep set vacuum_hot --off
    """
    from reelq.worker.rooms.ops import upkeep as room

    if cron is None and late_after_s is None and enabled is None:
        raise click.UsageError("--cron, --late-after, --on or --off must be given")
    with app.connect() as conn:
        room.set_task(conn, name, cron, None if late_after_s is None else timedelta(seconds=late_after_s), enabled)
        (one,) = [task for task in room.list_tasks(conn) if task.name == name]
    output.emit([one if as_json else shown(one)], as_json, TASKS)


@upkeep.command("run")
@click.argument("names", metavar="[TASK]…", nargs=-1)
@click.option("--clock", type=Choice(CLOCKS), default="command", show_default=True, help="Who calls, for `reelq upkeep list`.")
@json_option
@pass_app
def run(app: App, names: tuple[str, ...], clock: str, as_json: bool) -> int:
    """Do the tasks that are due, or those that are named at once. One that fails keeps none from running.

    For a timer, every few minutes. What another session does at this moment is left to it; one whose process died is taken
    over after two minutes. Some need the account that owns the schema: with another they are left to a clock that has it.

    Exit code 0: all is done, or nothing was due. 1: a task failed, and is tried again later. 3: a check found a fault that somebody must look at. 75:
    something was in the way, and the next run tries again. SIGTERM ends it at once; what was under way is begun anew.

    \b
    Examples:
      reelq upkeep run
      reelq upkeep run vacuum partitions
      reelq upkeep run --json | jq 'select(.outcome != "done")'
    """
    from reelq.worker.errors import DONE, TRY_AGAIN
    from reelq.worker.stop import StopSignal
    from reelq.worker.upkeep import run as upkeep_run

    stop = StopSignal()

    def leave(_number: int, _frame: FrameType | None) -> None:
        stop.set("shutdown")

    before = signal.signal(signal.SIGTERM, leave)
    all_ran = []
    try:
        for ran in upkeep_run.run(app.settings, names, clock=clock, stop=stop, say=progress, on_stuck=lambda: os._exit(TRY_AGAIN)):
            all_ran.append(ran)
            if as_json:
                output.emit([ran], True)
            else:
                progress(ran.name, ran.outcome)
    finally:
        signal.signal(signal.SIGTERM, before)
    if not as_json and not output.emit([row(one) for one in all_ran], False, RAN):
        output.line("Nothing is due.")
    for one in all_ran:
        if one.exit_code != DONE:  # to stderr too, which cron mails
            output.say(f"{one.name} {one.outcome}: {one.error}")
    return upkeep_run.exit_code([one.exit_code for one in all_ran])


def row(ran: Ran) -> dict[str, Any]:
    """What became of a task as a row for people."""
    return {"name": ran.name, "outcome": ran.outcome, "seconds": ran.seconds, "result": figures(ran.result), "error": ran.error}


def progress(name: str, told: str) -> None:
    """How far a task is; to people only, whom cron would mail it."""
    if output.can_show_progress():
        output.say(f"{name}: {told}")
