"""reelq jobs: list, show, enqueue, cancel, retry; `tail` is in cli/tail.py."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import click

from cli import output, text
from cli.app import App, JsonObject, Moment, Uuid, json_option, pass_app
from cli.output import Column
from cli.tail import tail

if TYPE_CHECKING:
    import psycopg

STATUSES = ("queued", "running", "completed", "failed", "cancelled")  # worker.queue.STATUSES; a test compares
FAILURE_POLICIES = ("fail", "cancel", "run")

COLUMNS = (
    Column("id", keep=True),
    Column("job_type", "type", keep=True),
    Column("place", "state", keep=True),
    Column("progress", show=text.percent, right=True),
    Column("attempts", "tries", right=True),
    Column("priority", "prio", right=True),
    Column("created_at", "age", show=text.age, right=True),
    Column("error_code", "error"),
)
ATTEMPTS = ("attempt", "outcome", "started_at", "ended_at", "worker_id", "error_class", "code", "message")
RELATIVES = (Column("id", keep=True), "job_type", "status", "on_failure", "satisfied")
FIRST = (
    "id",
    "job_type",
    "status",
    "place",
    "error_class",
    "error_code",
    "error_message",
    "video_id",
    "asset_id",
    "tenant_id",
    "pipeline_step",
    "priority",
    "attempts",
    "max_attempts",
    "created_at",
    "scheduled_for",
    "started_at",
    "completed_at",
    "job_data",
    "result_data",
)
PARTS = ("lease", "parents", "children", "attempts_history")


@click.group("jobs")
def jobs() -> None:
    """Look at jobs, enqueue, cancel and retry them.

    \b
    Examples:
      reelq jobs list --status failed
      reelq jobs tail
    """


jobs.add_command(tail)


@jobs.command("list")
@click.option("--status", type=click.Choice(STATUSES), help="Only jobs of this status.")
@click.option("--type", "job_type", metavar="TYPE", help="Only jobs of this type.")
@click.option("--video", "video_id", type=Uuid(), help="Only jobs of this video.")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="At most so many.")
@json_option
@pass_app
def list_jobs(
    app: App, status: str | None, job_type: str | None, video_id: UUID | None, limit: int, as_json: bool
) -> None:
    """List jobs, newest first.

    The state of a queued job is where it waits: ready, scheduled, backing off, blocked (by parents), parked.

    \b
    Examples:
      reelq jobs list --status failed
      reelq jobs list --video 01976b1e-5a3c-7d4e-8f00-0123456789ab
      reelq jobs list --status failed --json | jq -r .id
    """
    from worker import looks

    with app.connect() as conn:
        found = output.emit(looks.list_jobs(conn, status, job_type, video_id, limit), as_json, COLUMNS)
    if not found and not as_json:
        output.say("No such jobs.")


@jobs.command("show")
@click.argument("job_id", type=Uuid(), metavar="JOB")
@json_option
@pass_app
def show(app: App, job_id: UUID, as_json: bool) -> None:
    """Show all that is known of a job: the record, lease, parents, children and every attempt.

    \b
    Examples:
      reelq jobs show 01976b1e-5a3c-7d4e-8f00-0123456789ab
      reelq jobs show 01976b1e-5a3c-7d4e-8f00-0123456789ab --json | jq .attempts_history
    """
    from worker import looks

    with app.connect() as conn:
        job = looks.show_job(conn, job_id)
    if as_json:
        output.emit_record(job, True)
        return
    record = output.in_order(job, *FIRST)
    output.emit_record({key: value for key, value in record.items() if key not in PARTS}, False)
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


@jobs.command("enqueue")
@click.argument("job_type", metavar="TYPE")
@click.option("--video", "video_id", type=Uuid(), help="The video it works on; its tenant and asset too.")
@click.option("--data", type=JsonObject(), metavar="JSON", help="Object for the handler; @FILE reads one.")
@click.option("--priority", type=click.IntRange(1, 10), help="1 (first) to 10 (last); default: the type's.")
@click.option(
    "--after", "depends_on", type=Uuid(), multiple=True, help="A job that has to end first; repeatable."
)
@click.option(
    "--on-parent-failure", type=click.Choice(FAILURE_POLICIES), help="What then becomes of it; default: fail."
)
@click.option("--at", "scheduled_for", type=Moment(), help="Not before: 2030-01-31T20:00, or +15m from now.")
@click.option("--key", help="Idempotency key: a second enqueue with it returns the first job.")
@click.option("--max-attempts", type=click.IntRange(min=1), help="Default: the type's.")
@json_option
@pass_app
def enqueue(
    app: App,
    job_type: str,
    video_id: UUID | None,
    data: dict[str, Any] | None,
    priority: int | None,
    depends_on: tuple[UUID, ...],
    on_parent_failure: str | None,
    scheduled_for: datetime | None,
    key: str | None,
    max_attempts: int | None,
    as_json: bool,
) -> None:
    """Enqueue one job of TYPE and print its id.

    \b
    Examples:
      reelq jobs enqueue no_op
      reelq jobs enqueue video_transcode --video 01976b1e-5a3c-7d4e-8f00-0123456789ab --priority 2
      reelq jobs enqueue no_op --data '{"seconds": 3}' --at +15m --key nightly
    """
    from worker import queue

    with app.connect() as conn:
        job_id = queue.enqueue_job(
            conn,
            job_type,
            video_id=video_id,
            job_data=data,
            priority=priority,
            scheduled_for=scheduled_for,
            depends_on=depends_on or None,
            on_parent_failure=on_parent_failure,
            idempotency_key=key,
            max_attempts=max_attempts,
        )
    if as_json:
        output.emit_record({"job_id": job_id, "job_type": job_type}, True)
    else:
        output.line(str(job_id))


@jobs.command("cancel")
@click.argument("job_ids", type=Uuid(), nargs=-1, required=True, metavar="JOB…")
@click.option("--reason", help="Kept with the job, and shown to whoever looks at it.")
@json_option
@pass_app
def cancel(app: App, job_ids: tuple[UUID, ...], reason: str | None, as_json: bool) -> int:
    """Cancel jobs. A queued one ends at once; a running one is told and stops within seconds ("cancelling").

    \b
    Examples:
      reelq jobs cancel 01976b1e-5a3c-7d4e-8f00-0123456789ab --reason "wrong file"
      reelq jobs list --status queued --type no_op --json | jq -r .id | xargs reelq jobs cancel
    """
    from worker import queue

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
    from worker import queue

    return for_each(app, job_ids, as_json, queue.retry_job)


def for_each(
    app: App, job_ids: tuple[UUID, ...], as_json: bool, act: Callable[[psycopg.Connection[Any], UUID], str]
) -> int:
    """Do it for every job, each in a transaction of its own; the exit code is that of the last refusal."""
    from worker import db
    from worker.errors import QueueError

    code = 0
    with app.connect() as conn:
        for job_id in job_ids:
            try:
                with db.family():
                    status = act(conn, job_id)
            except QueueError as error:
                output.fail(str(error), error.hint)
                code = error.exit_code
                continue
            output.emit([{"job_id": job_id, "status": status}], as_json, headings=False)
    return code
