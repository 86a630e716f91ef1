"""reelq jobs logs: what ffmpeg was called with and what it printed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import click

from reelq.cli.app import App, Seconds, Uuid, Whole, json_option, pass_app
from reelq.cli.terminal import live, output, text

if TYPE_CHECKING:
    import psycopg

    from reelq.worker.rooms.queue.reads import AttemptLog, Status

ENDED = ("completed", "failed", "cancelled")


@dataclass(slots=True)
class Follower:
    """Finds the attempts that have ended since the last look."""

    job_id: UUID
    status: Status | None = None
    told: set[tuple[int, datetime]] = field(default_factory=set)

    def look(self, conn: psycopg.Connection[Any]) -> list[AttemptLog]:
        """The new ones. The status is read first: what has ended by then is among the logs."""
        from reelq.worker.rooms.queue import reads

        now = reads.statuses(conn, [self.job_id]).get(self.job_id)
        if now is not None and now == self.status:
            return []  # an attempt that ends changes the status
        new = [one for one in reads.job_logs(conn, self.job_id) if (one.attempt, one.ended_at) not in self.told]
        self.told |= {(one.attempt, one.ended_at) for one in new}
        self.status = now
        return new

    @property
    def over(self) -> str | None:
        """How the job has ended; None: it has not."""
        return self.status.status if self.status and self.status.status in ENDED else None


@click.command("logs")
@click.argument("job_id", type=Uuid(), metavar="JOB")
@click.option("--attempt", type=Whole(1), metavar="N", help="Which attempt; default: the latest that has a log.")
@click.option("--all", "everything", is_flag=True, help="All attempts, the first one first.")
@click.option("--follow", is_flag=True, help="All attempts, and the next ones as they end, until the job is over.")
@click.option("--every", "every_s", type=Seconds(), default=1.0, show_default=True, help="With --follow: seconds between two looks.")
@json_option
@pass_app
def logs(app: App, job_id: UUID, attempt: int | None, everything: bool, follow: bool, every_s: float, as_json: bool) -> int:
    """Show what ffmpeg and ffprobe were called with and what they printed.

    Of attempts that failed and of those that completed; it is there once an attempt has ended. The latest 20 attempts of a job are kept, 32,000
    characters of each. Without secrets, queries of URLs and the places of files. With --json an object an attempt.

    With --follow the exit code is 1 when the job has failed or was cancelled, and 130 after Ctrl-C.

    \b
    Examples:
      reelq jobs logs 01976b1e-5a3c-7d4e-8f00-0123456789ab
      reelq jobs logs 01976b1e-5a3c-7d4e-8f00-0123456789ab --attempt 2
      reelq jobs logs 01976b1e-5a3c-7d4e-8f00-0123456789ab --all --json | jq -r .log
      reelq jobs logs 01976b1e-5a3c-7d4e-8f00-0123456789ab --follow
    """
    from reelq.worker.rooms.queue import reads

    if everything and attempt is not None:
        raise click.UsageError("--all must stand without --attempt")
    if follow and attempt is not None:
        raise click.UsageError("--follow must stand without --attempt")
    if follow:
        return follow_job(app, job_id, every_s, as_json)
    with app.connect() as conn:
        found = reads.job_logs(conn, job_id, attempt)
    with_log = [one for one in found if one.log]
    chosen = found if everything or attempt is not None else with_log[-1:] or found[-1:]
    tell(chosen, as_json)
    if not chosen and not as_json:
        output.say("No attempt has ended yet.")
    return 0


def follow_job(app: App, job_id: UUID, every_s: float, as_json: bool) -> int:
    """Show attempts as they end, through restarts of the database; the exit code."""
    from reelq.worker.errors import DatabaseAway

    follower = Follower(job_id)
    said = ""

    def say_once(word: str) -> None:
        nonlocal said
        if word and word != said:
            output.say(word)
        said = word

    for seen in live.watch(app, follower.look, every_s):
        if isinstance(seen, DatabaseAway):
            say_once("The database is away; trying again …")
            continue
        tell(seen, as_json)
        output.flush()
        if follower.over:
            if not as_json:
                output.say("The job was cancelled." if follower.over == "cancelled" else f"The job has {follower.over}.")
            return 0 if follower.over == "completed" else 1
        say_once("" if follower.told else "No attempt has ended yet; waiting …")
    return 0


def tell(attempts: list[AttemptLog], as_json: bool) -> None:
    """Attempts, one after the other."""
    if as_json:
        output.emit(attempts, True)
        return
    for one in attempts:
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
