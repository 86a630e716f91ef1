"""reelq jobs retry, cancel, reprioritise, run-now, reschedule: jobs by their ids, or all that fit a filter."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import click

from reelq.cli.app import PRIORITY, App, Moment, Uuid, Whole, json_option, pass_app
from reelq.cli.jobs.filters import PLACES, filter_options, say_known_codes
from reelq.cli.terminal import output
from reelq.cli.terminal.output import Column

if TYPE_CHECKING:
    import psycopg

    from reelq.worker.rooms.queue.changes import Change, Outcome

MANY = 100  # more than that are asked about on a terminal
WAITING = PLACES[:5]
OUTCOMES = (Column("outcome", keep=True), Column("job_type", "type"), Column("jobs", right=True, keep=True), Column("reason", "why"))

Act = Callable[["psycopg.Connection[Any]", UUID], object]
Call = Callable[["psycopg.Connection[Any]", "Change", int, "str | None"], "list[Outcome]"]


def change_options(command: Any) -> Any:
    """What the five commands share besides the filter."""
    for option in (
        json_option,
        click.option("--yes", is_flag=True, help=f"Do not ask before more than {MANY} jobs are changed."),
        click.option("--limit", type=Whole(1), help="At most so many."),
        click.option("--dry-run", is_flag=True, help="Change nothing; say what would become of how many."),
        click.option("--all", "all_jobs", is_flag=True, help="All that there are, without any other filter."),
    ):
        command = option(command)
    return command


@click.command("retry")
@click.argument("job_ids", type=Uuid(), nargs=-1, metavar="[JOB]…")
@filter_options(("failed", "cancelled"), ("dead-letter",))
@change_options
@pass_app
def retry(app: App, /, job_ids: tuple[UUID, ...], **given: Any) -> int:
    """Take failed or cancelled jobs back into the queue, with those that ended because of them.

    By ids, or all failed jobs that fit a filter (cancelled ones with --status cancelled).

    \b
    Examples:
      reelq jobs retry 01976b1e-5a3c-7d4e-8f00-0123456789ab
      reelq jobs retry --code store_away --since 3h --dry-run
      reelq jobs retry --tenant acme --type video_transcode --limit 500
      reelq jobs list --status failed --json | jq -r .id | xargs reelq jobs retry
    """
    from reelq.worker.rooms import queue
    from reelq.worker.rooms.queue import changes

    return carry_out(app, "retry", job_ids, given, queue.retry_job, changes.retry_jobs, settled=("queued", "running"))


@click.command("cancel")
@click.argument("job_ids", type=Uuid(), nargs=-1, metavar="[JOB]…")
@click.option("--reason", help="Kept with the job, and shown with it.")
@filter_options(("queued", "running"), PLACES[:6])
@change_options
@pass_app
def cancel(app: App, /, job_ids: tuple[UUID, ...], reason: str | None, **given: Any) -> int:
    """Cancel jobs. A queued one ends at once; a running one stops within seconds ("cancelling").

    By ids, or all queued and running jobs that fit a filter.

    \b
    Examples:
      reelq jobs cancel 01976b1e-5a3c-7d4e-8f00-0123456789ab --reason "wrong file"
      reelq jobs cancel --tenant acme --status queued --since 1h --dry-run
    """
    from reelq.worker.rooms import queue
    from reelq.worker.rooms.queue import changes

    return carry_out(
        app,
        "cancel",
        job_ids,
        given,
        lambda conn, job_id: queue.cancel_job(conn, job_id, reason),
        lambda conn, change, limit, after: changes.cancel_jobs(conn, change, reason, limit, after),
        settled=("parent_failed",),
    )


@click.command("reprioritise")
@click.argument("job_ids", type=Uuid(), nargs=-1, metavar="[JOB]…")
@click.argument("new_priority", type=PRIORITY, metavar="PRIORITY")
@filter_options(("queued", "running"), PLACES[:6])
@change_options
@pass_app
def reprioritise(app: App, /, job_ids: tuple[UUID, ...], **given: Any) -> int:
    """Serve jobs sooner or later. PRIORITY is 1 (first) to 10 (last); for a running job it counts when it comes back.

    By ids, or all queued jobs that fit a filter.

    \b
    Examples:
      reelq jobs reprioritise 01976b1e-5a3c-7d4e-8f00-0123456789ab 1
      reelq jobs reprioritise --tenant acme --type video_transcode 9
    """
    from reelq.worker.rooms import queue
    from reelq.worker.rooms.queue import changes

    new = given.pop("new_priority")

    def act(conn: psycopg.Connection[Any], job_id: UUID) -> int:
        queue.reprioritise_job(conn, job_id, new)
        return int(new)

    def call(conn: psycopg.Connection[Any], change: Change, limit: int, after: str | None) -> list[Outcome]:
        return changes.reprioritise_jobs(conn, change, new, limit, after)

    return carry_out(app, "reprioritise", job_ids, given, act, call, tells="priority")


@click.command("run-now")
@click.argument("job_ids", type=Uuid(), nargs=-1, metavar="[JOB]…")
@filter_options(("queued",), PLACES[1:3])
@change_options
@pass_app
def run_now(app: App, /, job_ids: tuple[UUID, ...], **given: Any) -> int:
    """Make jobs due that are scheduled for later or backing off. Limits and pauses hold as for all others.

    By ids, or all such jobs that fit a filter.

    \b
    Examples:
      reelq jobs run-now 01976b1e-5a3c-7d4e-8f00-0123456789ab
      reelq jobs run-now --place backing-off --code store_away
    """
    from reelq.worker.rooms import queue
    from reelq.worker.rooms.queue import changes

    return carry_out(app, "run now", job_ids, given, queue.run_job_now, changes.run_jobs_now, tells="place")


@click.command("reschedule")
@click.argument("job_ids", type=Uuid(), nargs=-1, metavar="[JOB]…")
@click.argument("at", type=Moment(), metavar="TIME")
@filter_options(("queued",), WAITING)
@change_options
@pass_app
def reschedule(app: App, /, job_ids: tuple[UUID, ...], at: datetime, **given: Any) -> int:
    """Give queued jobs another time. TIME is +10m, +2h or 2030-01-31T20:00; one that has passed means now.

    A time without an offset (+00:00) is in this host's zone. One that the clock leaves out in spring comes an hour later; of one that
    comes twice in autumn the second is meant.

    By ids, or all queued jobs that fit a filter.

    \b
    Examples:
      reelq jobs reschedule 01976b1e-5a3c-7d4e-8f00-0123456789ab +10m
      reelq jobs reschedule --type video_transcode --place ready 2030-01-31T02:00
    """
    from reelq.worker.rooms import queue
    from reelq.worker.rooms.queue import changes

    return carry_out(
        app,
        "reschedule",
        job_ids,
        given,
        lambda conn, job_id: queue.reschedule_job(conn, job_id, at),
        lambda conn, change, limit, after: changes.reschedule_jobs(conn, change, at, limit, after),
        tells="place",
    )


COMMANDS = (cancel, retry, reprioritise, run_now, reschedule)


def carry_out(
    app: App,
    verb: str,
    job_ids: tuple[UUID, ...],
    given: dict[str, Any],
    act: Act,
    call: Call,
    *,
    tells: str = "status",
    settled: tuple[str, ...] = (),
) -> int:
    """Ids one by one, each with its answer; what a filter chooses, in transactions of a thousand, with counts."""
    from reelq.worker.rooms.queue.changes import Change, JobFilter

    as_json, all_jobs = given.pop("as_json"), given.pop("all_jobs")
    dry_run, limit, yes = given.pop("dry_run"), given.pop("limit"), given.pop("yes")
    jobs = JobFilter(**given)
    is_filtered = jobs != JobFilter()
    if not job_ids and not is_filtered and not all_jobs:
        raise click.UsageError(f"which jobs to {verb} must be given: ids, or a filter such as --type, or --all")
    if job_ids and all_jobs:
        raise click.UsageError("--all stands for all jobs, not beside ids")
    if job_ids and not is_filtered and not dry_run and limit is None:
        return for_each(app, job_ids, as_json, act, tells, settled)
    change = Change(jobs, job_ids or None, all_jobs, dry_run)
    return change_all(app, verb, change, call, limit, yes, as_json)


def change_all(app: App, verb: str, change: Change, call: Call, limit: int | None, yes: bool, as_json: bool) -> int:
    """Call again and again, and add up; 1 when something was refused."""
    from dataclasses import replace

    from reelq.worker.rooms.queue import changes

    found: Counter[tuple[str, str | None, str | None]] = Counter()
    is_more = False
    with app.connect() as conn:
        if not change.dry_run and not yes and sys.stdin.isatty() and output.can_show_progress():
            would = call(conn, replace(change, dry_run=True), changes.LOOK, None)
            many = sum(row.jobs or 0 for row in would if row.outcome not in ("refused", "unchanged", "more"))
            many = many if limit is None else min(many, limit)
            more = "more than " if limit is None and any(row.outcome == "more" for row in would) else ""
            if many > MANY or more:
                click.confirm(f"{verb.capitalize()} {more}{many:,} jobs?", abort=True, err=True)
        batch = changes.LOOK if change.dry_run else changes.BATCH
        with progress(verb) as tell:
            for did in changes.everything(lambda most, after: call(conn, change, most, after), limit, batch):
                for row in did:
                    is_more |= row.outcome == "more"
                    if row.jobs:
                        found[(row.outcome, row.job_type, row.reason)] += row.jobs
                tell(found.total())
        if not found:
            say_known_codes(conn, change.jobs.code, change.jobs.place)
    order = sorted(found, key=lambda key: (key[0] == "refused", -found[key], *map(str, key)))
    told = [{"outcome": outcome, "job_type": kind, "reason": why, "jobs": found[outcome, kind, why]} for outcome, kind, why in order]
    output.emit(told, as_json, OUTCOMES)
    if not told and not as_json:
        output.say("No such jobs.")
    if change.dry_run and not as_json:
        output.say("Nothing was changed: this was a dry run.")
    if is_more:
        output.say("More jobs are left, beyond --limit.")
    return int(not change.dry_run and any(outcome == "refused" for outcome, _, _ in found))


@contextmanager
def progress(verb: str) -> Iterator[Callable[[int], None]]:
    """How many were met so far, on a terminal."""
    if not output.can_show_progress():
        yield lambda _count: None
        return
    with output.console(stderr=True).status(f"{verb} …") as status:
        yield lambda count: status.update(f"{verb}: {count:,} jobs …")


def for_each(app: App, job_ids: tuple[UUID, ...], as_json: bool, act: Act, tells: str, settled: tuple[str, ...]) -> int:
    """Do it for every job, each in a transaction of its own; the exit code is that of the last refusal.

    What an earlier id has taken along is no refusal: of several, one that is in `settled` (status or error code) is as was asked.
    """
    from reelq.worker import db
    from reelq.worker.errors import NotAllowed, QueueError
    from reelq.worker.rooms.queue import reads

    code = 0
    with app.connect() as conn:
        for job_id in dict.fromkeys(job_ids):
            try:
                with db.family():
                    told = act(conn, job_id)
            except QueueError as error:
                now = reads.show_job(conn, job_id) if isinstance(error, NotAllowed) and len(job_ids) > 1 else {}
                if not {now.get("status"), now.get("error_code")} & set(settled):
                    output.fail(str(error), error.hint)
                    code = error.exit_code
                    continue
                told = now["status"]
            output.emit([{"job_id": job_id, tells: told}], as_json, headings=False)
    return code
