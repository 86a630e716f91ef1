"""reelq periodic run: the clock of the upkeep."""

from __future__ import annotations

from typing import Any

import click

from reelq.cli.app import App, Choice, pass_app


@click.group("periodic")
def periodic() -> None:
    """The clock of the upkeep, as a service."""


@periodic.command("run")
@click.option("--log-format", type=Choice(["auto", "json", "console"]), help="auto: console on a terminal, else JSON lines.")
@click.option("--log-level", type=Choice(["debug", "info", "warning", "error"]), help="Lowest level that is logged.")
@pass_app
def run(app: App, /, **flags: Any) -> None:
    """Look every minute, and do the upkeep that is due, until told to stop. See `reelq upkeep list`.

    Needs the account that owns the schema, and no pooler. Several may run, on as many hosts: each task is done once a tick. It goes on
    after the database was away. SIGTERM or Ctrl-C ends it at once, safely: what was under way is begun anew by the next clock.

    \b
    Examples:
      reelq periodic run
      systemctl enable --now reelq-periodic
    """
    from reelq.worker import logs
    from reelq.worker import settings as environment
    from reelq.worker.periodic import Periodic
    from reelq.worker.systemd import Notifier

    settings = environment.load(**app.flags, **flags)
    logs.configure(settings)
    raise SystemExit(Periodic(settings, Notifier(environment.environment())).run())
