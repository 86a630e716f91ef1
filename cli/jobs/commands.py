"""reelq jobs: list, show, explain, cancel, retry, reprioritise; `enqueue` and `tail` have files of their own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any
from uuid import UUID

import click

from reelq.cli.app import PRIORITY, App, Choice, Uuid, Whole, json_option, pass_app
from reelq.cli.jobs.enqueue import enqueue, enqueue_many
from reelq.cli.jobs.tail import tail
from reelq.cli.terminal import output, text
from reelq.cli.terminal.output import Column

if TYPE_CHECKING:
    import psycopg

STATUSES = ("queued", "running", "completed", "failed", "cancelled")  # worker.rooms.queue.STATUSES; a test compares

COLUMNS = (
    Column("id", keep=True),
    Column("job_type", "type"),
    Column("place", "state", keep=True),
    Column("created_at", "age", show=text.age, right=True, spare=True),
    Column("progress", show=text.percent, right=True, spare=True),
    Column("attempts", "tries", right=True, spare=True),
    Column("priority", "prio", right=True, spare=True),
    Column("why"),  # the latest error, or the gate of a parked one
)
EXPLAINED = (Column("reason", keep=True), Column("text", "why, and what to do", wrap=True))
ATTEMPTS = ("attempt", "outcome", "started_at", "ended_at", "worker_id", "error_class", "code", "message")
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


for command in (enqueue, enqueue_many, tail):
    jobs.add_command(command)


@jobs.command("list")
@click.option("--status", type=Choice(STATUSES), help="Only jobs of this status.")
@click.option("--type", "job_type", metavar="TYPE", help="Only jobs of this type.")
@click.option("--video", "video_id", type=Uuid(), help="Only jobs of this video.")
@click.option("--limit", type=Whole(1), default=50, show_default=True, help="At most so many.")
@json_option
@pass_app
def list_jobs(
    app: App, status: str | None, job_type: str | None, video_id: UUID | None, limit: int, as_json: bool
) -> None:
    """List jobs, newest first.

    The state of a queued job is where it waits: ready, scheduled, backing off, blocked (by parents) or parked. Then WHY names
    the limit or the pause that it is behind (see `reelq queue limits` and `pauses`), else the latest error.

    \b
    Examples:
      reelq jobs list --status failed
      reelq jobs list --video 01976b1e-5a3c-7d4e-8f00-0123456789ab
      reelq jobs list --status failed --json | jq -r .id
    """
    from reelq.worker.rooms.queue import reads

    with app.connect() as conn:
        rows = reads.list_jobs(conn, status, job_type, video_id, limit)
    told = rows if as_json else [{**asdict(one), "why": one.gate or one.error_code} for one in rows]
    found = output.emit(told, as_json, COLUMNS)
    if not found and not as_json:
        output.say("No such jobs.")


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


@jobs.command("cancel")
@click.argument("job_ids", type=Uuid(), nargs=-1, required=True, metavar="JOB…")
@click.option("--reason", help="Kept with the job, and shown with it.")
@json_option
@pass_app
def cancel(app: App, job_ids: tuple[UUID, ...], reason: str | None, as_json: bool) -> int:
    """Cancel jobs. A queued one ends at once; a running one stops within seconds ("cancelling").

    \b
    Examples:
      reelq jobs cancel 01976b1e-5a3c-7d4e-8f00-0123456789ab --reason "wrong file"
      reelq jobs list --status queued --type no_op --json | jq -r .id | xargs reelq jobs cancel
    """
    from reelq.worker.rooms import queue

    return for_each(app, job_ids, as_json, lambda conn, job_id: queue.cancel_job(conn, job_id, reason))


@jobs.command("retry")
@click.argument("job_ids", type=Uuid(), nargs=-1, required=True, metavar="JOB…")
@json_option
@pass_app
def retry(app: App, job_ids: tuple[UUID, ...], as_json: bool) -> int:
    """Take failed or cancelled jobs back into the queue, with those that ended because of them.

    \b
    Examples:
      reelq jobs retry 01976b1e-5a3c-7d4e-8f00-0123456789ab
      reelq jobs list --status failed --json | jq -r .id | xargs reelq jobs retry
    """
    from reelq.worker.rooms import queue

    return for_each(app, job_ids, as_json, queue.retry_job)


@jobs.command("reprioritise")
@click.argument("job_ids", type=Uuid(), nargs=-1, required=True, metavar="JOB…")
@click.argument("priority", type=PRIORITY, metavar="PRIORITY")
@json_option
@pass_app
def reprioritise(app: App, job_ids: tuple[UUID, ...], priority: int, as_json: bool) -> int:
    """Serve jobs sooner or later. PRIORITY is 1 (first) to 10 (last); for a running job it counts when it comes back.

    \b
    Examples:
      reelq jobs reprioritise 01976b1e-5a3c-7d4e-8f00-0123456789ab 1
      reelq jobs list --status queued --type no_op --json | jq -r .id | xargs -I{} reelq jobs reprioritise {} 9
    """
    from reelq.worker.rooms import queue

    def act(conn: psycopg.Connection[Any], job_id: UUID) -> int:
        queue.reprioritise_job(conn, job_id, priority)
        return priority

    return for_each(app, job_ids, as_json, act, "priority")


def for_each(
    app: App,
    job_ids: tuple[UUID, ...],
    as_json: bool,
    act: Callable[[psycopg.Connection[Any], UUID], object],
    tells: str = "status",
) -> int:
    """Do it for every job, each in a transaction of its own; the exit code is that of the last refusal."""
    from reelq.worker import db
    from reelq.worker.errors import QueueError

    code = 0
    with app.connect() as conn:
        for job_id in job_ids:
            try:
                with db.family():
                    told = act(conn, job_id)
            except QueueError as error:
                output.fail(str(error), error.hint)
                code = error.exit_code
                continue
            output.emit([{"job_id": job_id, tells: told}], as_json, headings=False)
    return code
