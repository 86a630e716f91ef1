"""reelq worker run: claim jobs and do their work."""

from __future__ import annotations

import gc
import os
import signal
import sys
from types import FrameType
from typing import TYPE_CHECKING, Any

import click

from reelq.cli.app import App, Choice, Seconds, Whole, pass_app

if TYPE_CHECKING:
    from reelq.worker.runtime.registry import Registry
    from reelq.worker.settings import Settings

GC_AFTER = 50_000  # new objects until the collector looks for cycles; small jobs leave none, and Python's default is 700
SWITCH_S = 0.0005  # after which a waiting thread gets the interpreter; Python's default is 5 ms


@click.group()
def worker() -> None:
    """Run a worker."""


@worker.command("run")
@click.option("--slots", type=Whole(1), help="Jobs side by side. Default: REELQ_SLOTS, else 1.")
@click.option("--types", multiple=True, metavar="TYPE[,TYPE…]", help="Take only these job types. Default: REELQ_TYPES, else all.")
@click.option("--pool", help="Name of the worker pool. Default: REELQ_POOL, else `default`.")
@click.option("--capabilities", multiple=True, metavar="WORD[,WORD…]", help="What this host offers, such as av1 or gpu.")
@click.option("--drain-grace", "drain_grace_s", type=Seconds(), help="How long a drain waits for running jobs, such as 15m.")
@click.option(
    "--log-format", type=Choice(["auto", "json", "console"]), help="auto: console on a terminal, else JSON lines."
)
@click.option("--log-level", type=Choice(["debug", "info", "warning", "error"]), help="Lowest level that is logged.")
@click.option("--until-idle", is_flag=True, help="Leave when nothing is left to do; for scripts.")
@pass_app
def run(app: App, /, until_idle: bool, types: tuple[str, ...], capabilities: tuple[str, ...], **flags: Any) -> None:
    """Claim jobs and do their work until told to stop.

    SIGTERM, Ctrl-C or SIGHUP (a terminal that is closed) drains: nothing new is claimed, and running jobs
    may finish until the grace ends; then they go back to the queue and are charged no attempt. A second
    signal stops them at once, the same way. Under nohup SIGHUP is ignored. The log goes to stderr, one line a job.

    It does the shipped job types, and those of your own that an entry point reelq.handlers or the setting
    REELQ_HANDLERS=module names (docs/jobs.md). A type without a handler here, a module that cannot be imported, and a
    handler whose type has no row yet (`reelq job-types sync` writes it) end it at the start, with exit code 2.

    With --until-idle it leaves when nothing of its types can be claimed, runs anywhere, is due
    within three seconds, or waits for a job that runs: exit 0, or 1 when a job that it ran failed for good.

    \b
    Examples:
      reelq worker run
      reelq worker run --slots 4 --types extract_metadata,generate_thumbnail
      reelq worker run --pool gpu --capabilities gpu,av1 --drain-grace 15m
      reelq worker run --until-idle && echo all done
    """
    from reelq.worker import logs
    from reelq.worker import settings as environment
    from reelq.worker.runtime import handler_search
    from reelq.worker.settings import parse_list

    flags |= {"types": parse_list(",".join(types)) or None, "capabilities": parse_list(",".join(capabilities)) or None}
    settings = environment.load(**app.flags, **flags)
    logs.configure(settings)
    raise SystemExit(work(settings, handler_search.find(settings), until_idle=until_idle))


def work(settings: Settings, registry: Registry, *, until_idle: bool = False) -> int:
    """Run a worker in this thread, the main one, under the usual signals; returns its exit code.

    Raises:
        DatabaseAway, SchemaMismatch, SettingsError: it could not start.
    """
    from reelq.worker.errors import TRY_AGAIN, USED_WRONGLY, SchemaMissing
    from reelq.worker.runtime.runner import Runner
    from reelq.worker.settings import environment
    from reelq.worker.systemd import Notifier

    # The main thread hangs where nothing can interrupt it, so this is no time for manners: the kernel ends the children.
    runner = Runner(settings, registry, Notifier(environment()), until_idle=until_idle, on_stuck=lambda: os._exit(TRY_AGAIN))
    tune()

    def leave(_number: int, _frame: FrameType | None) -> None:
        runner.shutdown()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, leave)
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # else nohup started it
        signal.signal(signal.SIGHUP, leave)
    try:
        return runner.run()
    except SchemaMissing as error:  # a wrong database, as far as a worker can tell: systemd is not to try for ever
        error.exit_code = USED_WRONGLY
        raise


def tune() -> None:
    """Set the interpreter up for small jobs by the thousand; this process does nothing else.

    Objects made so far are frozen: the garbage collector need not walk over them again for every few
    thousand jobs. And a thread waits a tenth as long for another to yield the interpreter.
    """
    gc.freeze()
    gc.set_threshold(GC_AFTER, 10, 10)
    sys.setswitchinterval(SWITCH_S)
