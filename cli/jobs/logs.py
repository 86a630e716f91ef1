"""reelq jobs logs: what ffmpeg was called with and what it printed."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import click

from reelq.cli.app import App, Uuid, Whole, json_option, pass_app
from reelq.cli.terminal import output, text

if TYPE_CHECKING:
    from reelq.worker.rooms.queue.reads import AttemptLog


@click.command("logs")
@click.argument("job_id", type=Uuid(), metavar="JOB")
@click.option("--attempt", type=Whole(1), metavar="N", help="Which attempt; default: the latest that has a log.")
@click.option("--all", "everything", is_flag=True, help="All attempts, the first one first.")
@json_option
@pass_app
def logs(app: App, job_id: UUID, attempt: int | None, everything: bool, as_json: bool) -> None:
    """Show what ffmpeg and ffprobe were called with and what they printed.

    Of attempts that failed and of those that completed; it is there once an attempt has ended. The latest 20 attempts of a job are kept, 32,000
    characters of each. Without secrets, queries of URLs and the places of files. With --json an object an attempt.

    \b
    Examples:
      reelq jobs logs 01976b1e-5a3c-7d4e-8f00-0123456789ab
      reelq jobs logs 01976b1e-5a3c-7d4e-8f00-0123456789ab --attempt 2
      reelq jobs logs 01976b1e-5a3c-7d4e-8f00-0123456789ab --all --json | jq -r .log
    """
    from reelq.worker.rooms.queue import reads

    if everything and attempt is not None:
        raise click.UsageError("--all must stand without --attempt")
    with app.connect() as conn:
        found = reads.job_logs(conn, job_id, attempt)
    with_log = [one for one in found if one.log]
    chosen = found if everything or attempt is not None else with_log[-1:] or found[-1:]
    if as_json:
        output.emit(chosen, True)
        return
    if not chosen:
        output.say("No attempt has ended yet.")
    for one in chosen:
        show(one)


def show(one: AttemptLog) -> None:
    """An attempt: how it ended on stderr, what was printed on stdout."""
    ended = f"{one.outcome} ({one.code})" if one.code else one.outcome
    lasted = text.duration((one.ended_at - one.started_at).total_seconds())
    output.say(f"attempt {one.attempt}: {ended} after {lasted}, {text.age(one.ended_at)} ago, on {one.worker_id}")
    if not one.log:
        output.say("No program has run, or what it printed is not kept.")
    for line in (one.log or "").splitlines():
        output.line(line)
