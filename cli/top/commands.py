"""reelq top: what the workers do now, how much waits, how fast it goes, what failed."""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from reelq.cli.app import App, Seconds, json_option, pass_app, tenant_option
from reelq.cli.terminal import live, output, text, workers
from reelq.cli.terminal.output import Column
from reelq.cli.top.snapshot import Snapshot, look, rate_of

if TYPE_CHECKING:
    from reelq.worker.errors import DatabaseAway

WORKERS = (
    Column("worker_id", "worker", keep=True),
    Column("state", keep=True),
    Column("busy", right=True),
    Column("slots", right=True),
    Column("last_beat_at", "last beat", show=text.age, right=True),
)
RUNNING = (
    Column("job_id", "running job", keep=True),
    Column("job_type", "type"),
    "stage",
    Column("title", spare=True),
    Column("progress", show=text.percent, right=True),
    Column("speed", show=lambda speed: "" if speed is None else f"{speed:.1f}×", right=True, spare=True),
    Column("eta_s", "left", show=text.duration, right=True),
)
QUEUES = (
    Column("job_type", "type", keep=True),
    Column("ready", right=True),
    Column("scheduled", "sched.", right=True),
    *(Column(name, right=True) for name in ("blocked", "parked", "running", "dead")),
    Column("per_minute", "/min", right=True),
    Column("median_s", "median", show=text.duration, right=True, spare=True),
    Column("failed", "failed 5 min", right=True, spare=True),
)
FAILED = (
    Column("failed_at", "failed", show=text.age, right=True),
    Column("job_id", "job", keep=True),
    Column("job_type", "type"),
    Column("error_code", "error"),
    Column("error_message", "why"),
)


@click.command("top")
@click.option("--every", "every_s", type=Seconds(), default=1.0, show_default=True, help="Seconds between looks.")
@click.option("--once", is_flag=True, help="Print one look as plain tables and stop.")
@tenant_option
@json_option
@pass_app
def top(app: App, every_s: float, once: bool, tenant: str | None, as_json: bool) -> None:
    """Watch workers, running jobs, queues and failures. For a tenant: its running jobs, queues, failures and pauses.

    Live on a terminal until q or Ctrl-C, through restarts of the database. With --json one object a look;
    in a pipe without --json there is one look. Numbers with a + are so many or more: counting stops at 10,000, and a
    tenant's jobs that wait or have failed are looked for among its latest 10,000.

    \b
    Examples:
      reelq top
      reelq top --every 5s
      reelq top --tenant acme
      reelq top --once --json | jq '.queues[] | {job_type, ready}'
    """
    if as_json:
        follow_json(app, every_s, once, tenant)
    elif once or not output.on_terminal():
        with app.connect() as conn:
            tables(look(conn, tenant), of_all=tenant is None)
    else:
        follow_screen(app, every_s, tenant)


def follow_json(app: App, every_s: float, once: bool, tenant: str | None = None) -> None:
    """Print an object for each look. While the database is away, say so on stderr and wait."""
    from reelq.worker.errors import DatabaseAway

    for seen in live.watch(app, partial(look, tenant=tenant), every_s):
        if isinstance(seen, DatabaseAway):
            output.say("The database is away; trying again …")
            continue
        shown = {name: getattr(seen, name) for name in ("at", "workers", "running")}
        output.emit_record({**shown, "queues": seen.queues(), "failures": seen.failures, "pauses": seen.pauses}, True)
        output.flush()
        if once:
            return


def tables(seen: Snapshot, *, of_all: bool = True) -> None:
    """Print one look as tables."""
    if not output.emit(map(workers.row, seen.workers), False, WORKERS) and of_all:
        output.say("No worker is running.")
    workers.tell(seen.workers)
    if seen.paused():
        output.say(f"{seen.paused().capitalize()}: reelq queue pauses")
    queues = [
        {**one, **{place: text.count(one[place], True) for place in one["at_least"]}, "per_minute": rate_of(one)}
        for one in seen.queues()
    ]
    for rows, columns in ((seen.running, RUNNING), (queues, QUEUES), (seen.failures[:10], FAILED)):
        output.emit(rows, False, columns, title="" if rows else None)


def follow_screen(app: App, every_s: float, tenant: str | None = None) -> None:
    """The live screen, until q or Ctrl-C."""
    from rich.live import Live

    from reelq.cli.top.screen import draw
    from reelq.worker.errors import DatabaseAway

    console = output.console()
    seen: Snapshot | None = None
    with ExitStack() as stack:
        leaving = stack.enter_context(ends_in_order())
        pause = stack.enter_context(keyboard(leaving))
        screen: Live | None = None
        try:
            for now in live.watch(app, partial(look, tenant=tenant), every_s, pause):
                away: DatabaseAway | None = now if isinstance(now, DatabaseAway) else None
                seen = seen if isinstance(now, DatabaseAway) else now
                assert seen is not None  # watch() raises when the first look fails
                if screen is None:  # not before the first look: its error belongs on the normal screen
                    screen = stack.enter_context(Live(console=console, screen=True, auto_refresh=False))
                screen.update(draw(seen, console.width, console.height, away), refresh=True)
        except KeyboardInterrupt:
            return  # Ctrl-C is a normal way to end it


@contextmanager
def ends_in_order() -> Iterator[list[int]]:
    """End on SIGTERM as on Ctrl-C, so that the terminal gets its own screen back.

    Yields a list that is no longer empty once a signal came: the KeyboardInterrupt alone is lost where
    Python cannot raise, as in a finaliser.
    """
    came: list[int] = []

    def leave(signum: int, _frame: object) -> None:
        came.append(signum)
        raise KeyboardInterrupt

    before = {one: signal.signal(one, leave) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield came
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


@contextmanager
def keyboard(leaving: list[int]) -> Iterator[Any]:
    """Yield a function that pauses until a key: it returns True for q and after a signal; another key ends the pause."""
    try:
        import termios
        import tty

        before = termios.tcgetattr(sys.stdin)
    except (ImportError, ValueError, OSError, termios.error):
        yield lambda seconds: bool(leaving) or live.wait(seconds)
        return

    def pause(seconds: float) -> bool:
        ends = time.monotonic() + seconds
        while (left := ends - time.monotonic()) > 0 and not leaving:
            if select.select([sys.stdin], [], [], left)[0]:
                keys = os.read(sys.stdin.fileno(), 64)
                return not keys or b"q" in keys.lower()  # nothing to read: the terminal has gone
        return bool(leaving)

    try:
        tty.setcbreak(sys.stdin)
        yield pause
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)
