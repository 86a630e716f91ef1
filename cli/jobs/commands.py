"""reelq jobs: list, show, explain; `enqueue`, `tail` and what changes jobs have files of their own."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any
from uuid import UUID

import click

from reelq.cli.app import App, Uuid, Whole, json_option, pass_app
from reelq.cli.jobs import changes
from reelq.cli.jobs.enqueue import enqueue, enqueue_many
from reelq.cli.jobs.filters import STATUSES as STATUSES
from reelq.cli.jobs.filters import filter_options, say_known_codes
from reelq.cli.jobs.logs import logs
from reelq.cli.jobs.tail import tail
from reelq.cli.terminal import output, text
from reelq.cli.terminal.output import Column

TITLE = 24  # letters of a video's title that a list shows
COLUMNS = (
    Column("id", keep=True),
    Column("job_type", "type"),
    Column("place", "state", keep=True),
    Column("tenant", spare=True),
    Column("title", "video", show=lambda title: text.shown(title if len(title or "") <= TITLE else f"{title[: TITLE - 1]}…"), spare=True),
    Column("created_at", "age", show=text.age, right=True, spare=True),
    Column("progress", show=text.percent, right=True, spare=True),
    Column("attempts", "tries", right=True, spare=True),
    Column("priority", "prio", right=True, spare=True),
    Column("why"),  # the latest error, or the gate of a parked one
)
EXPLAINED = (Column("reason", keep=True), Column("text", "why, and what to do", wrap=True))
ERRORS = (
    Column("place", "state", keep=True),
    Column("error_code", "error", keep=True),
    Column("tenant"),
    Column("jobs", right=True),
    Column("job_types", "types", wrap=True),
)
ATTEMPTS = (
    Column("attempt", right=True),
    Column("outcome", keep=True),
    *(Column(name, keep=True, spare=True) for name in ("error_class", "started_at", "ended_at")),
    Column("worker_id", spare=True),
    Column("code", keep=True),
    Column("message", wrap=True),
)
RELATIVES = (Column("id", keep=True), "job_type", "status", "on_failure", "satisfied")
# What a reader asks first: what is it, how does it stand, why, when, with what; then the bookkeeping.
FIRST = (
    *("id", "job_type", "status", "place", "gate", "cancel_reason", "error_class", "error_code", "error_message", "worker_id"),
    *("video_id", "asset_id", "pipeline_step", "pipeline_run", "tenant_id", "user_id", "channel_id", "idempotency_key"),
    *("priority", "attempts", "max_attempts", "crashes", "max_crashes", "created_at", "scheduled_for", "next_retry_at", "started_at"),
    *("completed_at", "duration_ms", "job_data", "result_data", "limits", "needs", "weight", "on_parent_failure", "token"),
    *("status_changed_at", "updated_at"),
)
UNTOLD = ("archived", "more_parents", "more_children")  # told only when they are true
PARTS = ("lease", "parents", "children", "attempts_history")


@click.group("jobs")
def jobs() -> None:
    """Look at jobs, enqueue, cancel and retry them.

    \b
    Examples:
      reelq jobs list --status failed
      reelq jobs explain 01976b1e-5a3c-7d4e-8f00-0123456789ab
      reelq jobs tail
    """


for command in (enqueue, enqueue_many, logs, tail, *changes.COMMANDS):
    jobs.add_command(command)


@jobs.command("list")
@filter_options(STATUSES)
@click.option("--limit", type=Whole(1), default=50, show_default=True, help="At most so many.")
@click.option("--after", type=Uuid(), help="The next page: what comes after this job, the last one of a page.")
@json_option
@pass_app
def list_jobs(app: App, /, limit: int, after: UUID | None, as_json: bool, **given: Any) -> None:
    """List jobs, newest first; only those that fit all options that are given.

    The state of a queued job is where it waits: ready, scheduled, backing off, blocked (by parents) or parked. Then WHY names
    the limit or the pause that it is behind (see `reelq queue limits` and `pauses`), else the latest error.

    \b
    Examples:
      reelq jobs list --status failed --tenant acme --since 2h
      reelq jobs list --place backing-off --code store_away
      reelq jobs list --video 01976b1e-5a3c-7d4e-8f00-0123456789ab
      reelq jobs list --status failed --json | jq -r .id
    """
    from reelq.worker.rooms.queue import reads

    which = {name: value for name, value in given.items() if value is not None}
    with app.connect() as conn:
        rows = reads.list_jobs(conn, limit=limit, after=after, **which)
        told = reads.with_names(conn, rows)
        count = None if as_json else reads.count_jobs(conn, **which)
        if not rows and not after:
            say_known_codes(conn, which.get("code"), which.get("place"))
    if as_json:
        output.emit(told, True)
        return
    output.emit([{**row, "why": row["gate"] or row["error_code"]} for row in told], False, COLUMNS)
    if count is not None:
        say_how_many(len(rows), count.jobs, count.is_all, after, rows[-1].id if rows else None)


def say_how_many(shown: int, found: int, is_all: bool, after: UUID | None, last: UUID | None) -> None:
    """How many of how many, and how to see the next page."""
    if not shown:
        output.say("No such jobs." if after is None else "No more such jobs.")
        return
    if is_all and shown >= found:
        return
    output.say(f"{shown} of {'' if is_all else 'more than '}{found:,}; the next page: the same with --after {last}")


@jobs.command("summary")
@json_option
@pass_app
def summary(app: App, as_json: bool) -> None:
    """Count dead letters and jobs that back off, by error code and tenant.

    Of the latest 10,000 dead letters, and of the 10,000 scheduled jobs that are due first.

    \b
    Examples:
      reelq jobs summary
      reelq jobs summary --json | jq 'select(.tenant == "acme")'
    """
    from reelq.worker.rooms.queue import reads

    with app.connect() as conn:
        found = reads.count_errors(conn)
    output.emit(found if as_json else [{**asdict(one), "jobs": f"{one.jobs}{'+' * one.at_least}"} for one in found], as_json, ERRORS)
    if not found and not as_json:
        output.say("No job has failed for good or backs off.")


@jobs.command("show")
@click.argument("job_id", type=Uuid(), metavar="JOB")
@json_option
@pass_app
def show(app: App, job_id: UUID, as_json: bool) -> None:
    """Show all that is known of a job. That is the record, its lease, parents, children and every attempt.

    \b
    Examples:
      reelq jobs show 01976b1e-5a3c-7d4e-8f00-0123456789ab
      reelq jobs show 01976b1e-5a3c-7d4e-8f00-0123456789ab --json | jq .attempts_history
    """
    from reelq.worker.rooms.queue import reads

    with app.connect() as conn:
        job = reads.show_job(conn, job_id)
    if as_json:
        output.emit_record(job, True)
        return
    record = output.in_order(job, *FIRST)
    output.emit_record({key: value for key, value in record.items() if key not in PARTS and (value or key not in UNTOLD)}, False)
    if job["lease"]:
        output.emit_record(job["lease"], False, title="lease")
    for name in ("parents", "children"):
        if job[name]:
            output.emit(job[name], False, RELATIVES, title=name)
    if job["attempts_history"]:
        output.emit(job["attempts_history"], False, ATTEMPTS, title="attempts")
        last = job["attempts_history"][-1]
        for name in ("stack", "stderr_tail"):
            if last.get(name):
                output.lines(f"{name} of the last attempt", last[name])
        if any(one.get("has_log") for one in job["attempts_history"]):
            output.say(f"What ffmpeg was called with and printed: reelq jobs logs {job_id}")


@jobs.command("explain")
@click.argument("job_id", type=Uuid(), metavar="JOB")
@json_option
@pass_app
def explain(app: App, job_id: UUID, as_json: bool) -> None:
    """Say why a job is not running, and what to do.

    One entry for each thing that holds it: not_due, blocked, paused, over_limit, no_worker, locked. `claimable` stands alone,
    when and only when the next free worker takes the job in its turn. Else how it stands: running, completed, failed,
    cancelled.

    \b
    Examples:
      reelq jobs explain 01976b1e-5a3c-7d4e-8f00-0123456789ab
      reelq jobs list --status queued --json | jq -r .id | xargs -n1 reelq jobs explain --json | jq -r .reason | sort | uniq -c
    """
    from reelq.worker.rooms.queue import reads

    with app.connect() as conn:
        reasons = reads.explain_job(conn, job_id)
    if as_json:
        output.emit(reasons, True)
        return
    lines = [({"reason": one.reason, "text": one.detail}, {"reason": "", "text": f"→ {one.advice}"}) for one in reasons]
    output.emit([line for pair in lines for line in pair], False, EXPLAINED)
