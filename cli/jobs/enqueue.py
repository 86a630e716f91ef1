"""reelq jobs enqueue, and enqueue-many from a file."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, NoReturn, TextIO
from uuid import UUID

import click

from reelq.cli.app import PRIORITY, App, Choice, JsonObject, Moment, Uuid, Whole, json_option, pass_app, refuse_constant, tenant_option
from reelq.cli.terminal import output, text
from reelq.cli.terminal.output import Column

if TYPE_CHECKING:
    import psycopg

    from reelq.worker.rooms.queue.bulk import Enqueued, JobSpec

FAILURE_POLICIES = ("fail", "cancel", "run")
CHUNK = 1000  # specs a statement, so that there is progress to show; half a second's worth
MADE = (Column("place", right=True), Column("job_id", "id", keep=True), Column("is_new", "new"))


@click.command("enqueue")
@click.argument("job_type", metavar="TYPE")
@click.option("--video", "video_id", type=Uuid(), help="The video it works on; its tenant and asset too.")
@click.option("--data", type=JsonObject(), metavar="JSON", help="Object for the handler; @FILE reads one.")
@click.option("--priority", type=PRIORITY, help="1 (first) to 10 (last); default: the type's.")
@click.option(
    "--after", "depends_on", type=Uuid(), multiple=True, help="A job that has to end first; repeatable."
)
@click.option(
    "--on-parent-failure", type=Choice(FAILURE_POLICIES), help="What then becomes of it; default: fail."
)
@click.option(
    "--at", "scheduled_for", type=Moment(), help="Not before: 2030-01-31T20:00 (in this host's zone unless an offset follows), or +15m from now."
)
@click.option("--key", help="Idempotency key: a second enqueue with it returns the first job, and says so.")
@click.option("--max-attempts", type=Whole(1), help="Default: the type's.")
@click.option("--under", "limits", metavar="NAME", multiple=True, help="A named limit that it is under (name:NAME); repeatable.")
@click.option("--channel", "channel_id", type=Uuid(), help="The channel it is for, by which it can be paused.")
@tenant_option
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
    limits: tuple[str, ...],
    channel_id: UUID | None,
    tenant: str | None,
    as_json: bool,
) -> None:
    """Enqueue one job of TYPE and print its id.

    \b
    Examples:
      reelq jobs enqueue no_op
      reelq jobs enqueue video_transcode --video 01976b1e-5a3c-7d4e-8f00-0123456789ab --priority 2
      reelq jobs enqueue no_op --tenant acme
      reelq jobs enqueue no_op --data '{"sleep_s": 3}' --at +15m --key nightly
    """
    from reelq.worker.rooms import queue
    from reelq.worker.rooms.queue import bulk

    with app.connect(tenant=tenant) as conn:
        given: dict[str, Any] = {
            "video_id": video_id,
            "job_data": data,
            "priority": priority,
            "scheduled_for": scheduled_for,
            "depends_on": depends_on or None,
            "on_parent_failure": on_parent_failure,
            "idempotency_key": key,
            "max_attempts": max_attempts,
            "limits": limits or None,
            "channel_id": channel_id,
        }
        if key is None:
            one = bulk.Enqueued(1, queue.enqueue_job(conn, job_type, **given), True)
        else:
            (one,) = _enqueue_with_key(conn, bulk.JobSpec(job_type, **given))
        told = _status(conn, [one])
    if as_json:
        output.emit_record({"job_id": one.job_id, "job_type": job_type, "is_new": one.is_new, "status": told[0]["status"]}, True)
    else:
        output.line(str(one.job_id))


def _enqueue_with_key(conn: psycopg.Connection[Any], spec: JobSpec) -> list[Enqueued]:
    """As queue.enqueue_job, which does not tell whether the job is new.

    Raises:
        QueueError: without the number of the spec, as there is one.
    """
    from reelq.worker import errors

    try:
        return enqueue_all(conn, [spec])
    except errors.QueueError as error:
        raise type(error)(re.sub(r"^spec 1: ", "", str(error)), error.hint) from error


def _status(conn: psycopg.Connection[Any], made: list[Enqueued]) -> list[dict[str, Any]]:
    """Each with its status; stderr says of those that are not new since when they have it, and what to do."""
    from reelq.worker.rooms.queue import reads

    known = {}
    for begin in range(0, len(made), CHUNK):
        known.update(reads.statuses(conn, [one.job_id for one in made[begin : begin + CHUNK]]))
    old: dict[str, list[Enqueued]] = {}
    for one in made:
        if not one.is_new and one.job_id in known:
            old.setdefault(known[one.job_id].status, []).append(one)
    for status, those in old.items():
        first = those[0].job_id
        since = text.shown(known[first].status_changed_at)
        many = f"{len(those)} jobs {status}, such as {first}" if len(made) > 1 else status
        output.say(f"not new: {many} since {since}; {reads.explain_job(conn, first)[0].advice}")
    return [
        {"place": one.place, "job_id": one.job_id, "is_new": one.is_new, "status": known[one.job_id].status if one.job_id in known else None}
        for one in made
    ]


@click.command("enqueue-many")
@click.argument("file", type=click.File(encoding="utf-8"), metavar="FILE|-")
@tenant_option
@json_option
@pass_app
def enqueue_many(app: App, file: TextIO, tenant: str | None, as_json: bool) -> None:
    """Enqueue the jobs of a file, all or none.

    The file (- is stdin) is a JSON array of specs, or holds a spec a line: objects with job_type and what
    queue.enqueue_job takes (video_id, job_data, priority, scheduled_for, depends_on, idempotency_key, …). A `ref` is a word
    that names a spec for the depends_on of others in the file, before or after it. Printed are place in the file, id,
    whether the job is new or an earlier one has its idempotency key; with --json also its status.

    \b
    Examples:
      reelq jobs enqueue-many jobs.json
      printf '%s\\n' '{"job_type": "no_op", "ref": "a"}' '{"job_type": "no_op", "depends_on": ["a"]}' | reelq jobs enqueue-many -
      jq -c '{job_type: "video_transcode", video_id: .id}' videos.jsonl | reelq jobs enqueue-many - --json | jq -r .job_id
    """
    specs = read_specs(file)
    with app.connect(tenant=tenant) as conn:
        made = enqueue_all(conn, specs)
        told = _status(conn, made)
    if not output.emit(told, as_json, MADE) and not as_json:
        output.say("There was no spec: nothing is enqueued.")


def read_specs(file: TextIO) -> list[Any]:
    """The specs, as they stand there; what they hold is for the database to judge.

    Raises:
        click.BadParameter: not JSON.
    """
    try:
        content = file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise click.BadParameter(f"must be a file of text ({error})", param_hint="FILE") from None
    try:
        if content.lstrip().startswith("["):
            found: list[Any] = _read(content)
            return found
    except ValueError as error:
        raise click.BadParameter(f"must be a JSON array or a spec a line ({error})", param_hint="FILE") from None
    specs = []
    for number, line in enumerate(content.splitlines(), 1):
        try:
            specs += [_read(line)] if line.strip() else []
        except ValueError as error:
            raise click.BadParameter(f"must be JSON in line {number} ({error})", param_hint="FILE") from None
    return specs


def enqueue_all(conn: psycopg.Connection[Any], specs: list[Any]) -> list[Enqueued]:
    """Enqueue them in one transaction, a chunk a statement; all at once when they refer to one another.

    Raises:
        QueueError: which names the spec.
    """
    import psycopg

    from reelq.worker.rooms.queue import bulk

    size = CHUNK if all(isinstance(spec, dict) and "ref" not in spec for spec in specs) else max(len(specs), 1)
    made: list[Enqueued] = []
    with progress(len(specs)) as advance, conn.transaction():
        for begin in range(0, len(specs), size):
            chunk = specs[begin : begin + size]
            try:
                with conn.transaction():
                    rows = bulk.enqueue_jobs(conn, chunk)
            except psycopg.Error as error:
                _blame(conn, chunk, begin, error)
            made += [bulk.Enqueued(begin + one.place, one.job_id, one.is_new) for one in rows]
            advance(len(chunk))
    return made


@contextmanager
def progress(total: int) -> Iterator[Callable[[int], None]]:
    """A bar on stderr, when that is a terminal and there is more than one chunk; yields what moves it."""
    if total <= CHUNK or not output.can_show_progress():
        yield lambda _count: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("enqueueing"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=output.console(stderr=True), transient=True) as shown:
        task = shown.add_task("", total=total)
        yield lambda count: shown.advance(task, count)


def _blame(conn: psycopg.Connection[Any], chunk: list[Any], begin: int, error: psycopg.Error) -> NoReturn:
    """Raise the error with the spec's number in the file.

    Raises:
        QueueError: the database's own, or BadArgument for a value that no function saw.
        psycopg.Error: nothing to do with the specs.
    """
    from reelq.worker import errors
    from reelq.worker.rooms.queue import bulk

    ours = errors.from_database(error)
    state = error.sqlstate or ""
    if not isinstance(ours, errors.QueueError) and not state.startswith("22"):
        raise error
    message = error.diag.message_primary or str(error)
    if re.search(r"\bspec \d", message):  # counted within the statement
        message = re.sub(r"\bspec (\d+)", lambda found: f"spec {begin + int(found[1])}", message)
    else:
        place = bulk.culprit(conn, chunk, error)
        message = f"spec {begin + place}: {message}" if place else message
    kind = type(ours) if isinstance(ours, errors.QueueError) else errors.BadArgument
    raise kind(message, error.diag.message_hint or "Nothing was enqueued.") from error


def _read(content: str) -> Any:
    """JSON as the standard has it: without Python's NaN and Infinity."""
    return json.loads(content, parse_constant=refuse_constant)
