"""reelq queue: archive, roll-up, history, stats, settings, set; pauses and limits are in cli/queue/pauses_and_limits.py."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import click

from reelq.cli.app import App, Choice, Seconds, Uuid, Whole, json_option, pass_app, tenant_option
from reelq.cli.queue.pauses_and_limits import drop_limit, limits, pause, pauses, resume, set_limit
from reelq.cli.terminal import output, text
from reelq.cli.terminal.output import Column

JOB_ENDS = ("completed", "failed", "cancelled")  # worker.rooms.queue.maintenance.JOB_ENDS; a test compares

HISTORY = (
    Column("id", keep=True),
    Column("job_type", "type", keep=True),
    Column("status", keep=True),
    Column("tenant", spare=True),
    Column("token", "claims", right=True),
    Column("started_at", "started"),
    Column("completed_at", "ended"),
    Column("error_code", "error"),
)
STATS = (
    Column("hour", show=lambda hour: hour.astimezone().strftime("%Y-%m-%d %H:%M"), keep=True),
    Column("job_type", "type", keep=True),
    Column("outcome"),
    Column("jobs", "attempts", right=True),
    Column("seconds", "time", show=text.duration, right=True),
    Column("max_seconds", "longest", show=text.duration, right=True),
    Column("cpu_seconds", "cpu", show=text.duration, right=True, spare=True),
)


@click.group("queue")
def queue() -> None:
    """The queue as a whole: pauses, limits, history, hourly figures, settings.

    Hold work back with pause, resume, set-limit and drop-limit; look with pauses, limits, history and stats; archive and
    roll-up are for a timer. Single jobs: `reelq jobs`. How much waits now: `reelq top`.

    \b
    Examples:
      reelq queue pause job_type video_transcode --reason "the encoder is being upgraded"
      reelq queue set-limit 'tenant:*' 10
      reelq queue stats --since 7d
      reelq queue history --status failed --within 30d
    """


for command in (pause, resume, pauses, limits, set_limit, drop_limit):
    queue.add_command(command)


@queue.command("archive")
@click.option("--limit", type=Whole(1, 10_000), default=1000, show_default=True, help="Jobs per transaction.")
@click.option("--max-seconds", type=Seconds(), help="Stop after that long, such as 5m; the next run goes on.")
@json_option
@pass_app
def archive(app: App, limit: int, max_seconds: float | None, as_json: bool) -> None:
    """Move jobs that are long over to the history, in small transactions that wait for no lock.

    Completed and cancelled ones after the setting archive_after, failed ones after archive_failed_after. If several run at
    once, one works and the others end.

    \b
    Examples:
      reelq queue archive
      reelq queue archive --max-seconds 10m --json
    """
    from reelq.worker.rooms.queue import maintenance

    with app.connect() as conn:
        did = maintenance.archive(conn, limit, max_seconds)
    if as_json:
        output.emit_record(did, True)
        return
    output.line(f"{did.moved} jobs moved to the history in {text.duration(did.seconds)}")
    if not did.finished:
        output.say("Stopped after --max-seconds; the next run goes on from here.")


@queue.command("roll-up")
@json_option
@pass_app
def roll_up(app: App, as_json: bool) -> None:
    """Add up the hours that are over, for `reelq queue stats`. For an hourly timer; twice does no harm.

    \b
    Examples:
      reelq queue roll-up
    """
    from reelq.worker.rooms.queue import maintenance

    with app.connect() as conn:
        hours = maintenance.roll_up(conn)
    if as_json:
        output.emit_record({"hours": hours}, True)
    else:
        output.line(f"{hours} hour{'' if hours == 1 else 's'} added up")


@queue.command("history")
@click.option("--status", type=Choice(JOB_ENDS), help="Only jobs that ended so.")
@click.option("--type", "job_type", metavar="TYPE", help="Only jobs of this type.")
@click.option("--video", "video_id", type=Uuid(), help="Only jobs of this video.")
@click.option("--code", metavar="CODE", help="Only jobs that ended with this error code.")
@click.option("--within", type=Seconds(), help="Only jobs that ended in the last 12h, 30d, …  [default: 31d, with --video all]")
@click.option("--limit", type=Whole(1), default=50, show_default=True, help="At most so many.")
@click.option("--after", type=Uuid(), help="The next page: what comes after this job, the last one of a page.")
@tenant_option
@json_option
@pass_app
def history(
    app: App,
    status: str | None,
    job_type: str | None,
    video_id: UUID | None,
    code: str | None,
    within: float | None,
    limit: int,
    after: UUID | None,
    tenant: str | None,
    as_json: bool,
) -> None:
    """List archived jobs, latest end first. `reelq jobs show` shows one with its attempts.

    \b
    Examples:
      reelq queue history --status failed --within 90d
      reelq queue history --tenant acme --code unreadable_media
      reelq queue history --video 01976b1e-5a3c-7d4e-8f00-0123456789ab
      reelq queue history --type video_transcode --json | jq .error_code
    """
    from reelq.worker.rooms.queue import maintenance, reads

    span = timedelta(seconds=within) if within is not None else None if video_id else timedelta(days=31)
    with app.connect(tenant=tenant) as conn:
        rows = maintenance.list_history(conn, status, job_type, video_id, span, limit, None, code, after)
        told = reads.with_names(conn, rows)
    output.emit(told, as_json, HISTORY)
    if as_json:
        return
    if not rows:
        output.say("No such jobs in the history.")
    elif len(rows) == limit:
        output.say(f"There may be more; the next page: the same with --after {rows[-1].id}")


@queue.command("stats")
@click.option("--since", type=Seconds(), default=86400, show_default="24h", help="How far back, such as 2h or 30d.")
@tenant_option
@json_option
@pass_app
def stats(app: App, since: float, tenant: str | None, as_json: bool) -> None:
    """Show attempts by hour, type and outcome. The latest hour comes first; the current hour is counted up to now.

    The hourly roll-up knows no tenants: with --tenant the attempts of its latest 100,000 jobs, and of as many in the history, are added
    up now. Where it has more, a line says so, and with --json `at_least` is true.

    \b
    Examples:
      reelq queue stats --since 7d
      reelq queue stats --tenant acme --since 2h
      reelq queue stats --json | jq 'select(.outcome != "completed")'
    """
    from reelq.worker.rooms.queue import maintenance

    span = timedelta(seconds=since)
    with app.connect(tenant=tenant) as conn:
        found = maintenance.stats(conn, span) if tenant is None else maintenance.tenant_stats(conn, span)
    output.emit(found, as_json, STATS)
    if as_json:
        return
    if not found:
        output.say("No attempt ended in that time.")
    elif any(getattr(one, "at_least", False) for one in found):
        output.say("So many or more: only the latest 100,000 jobs were looked at.")


@queue.command("settings")
@json_option
@pass_app
def settings(app: App, as_json: bool) -> None:
    """List what can be changed of the queue as a whole.

    \b
    Examples:
      reelq queue settings
    """
    from reelq.worker.rooms.queue import maintenance

    with app.connect() as conn:
        settings = maintenance.list_settings(conn)
        output.emit(settings, as_json, (Column("name", keep=True), Column("value", keep=True), Column("description", wrap=True)))


@queue.command("set")
@click.argument("name", metavar="NAME")
@click.argument("value", metavar="VALUE")
@json_option
@pass_app
def set_(app: App, name: str, value: str, as_json: bool) -> None:
    """Change a setting of the queue; it holds at once.

    \b
    Examples:
      reelq queue set archive_after '36 hours'
    """
    from reelq.worker.rooms.queue import maintenance

    with app.connect() as conn:
        value = maintenance.set_setting(conn, name, value)
    output.emit([{"name": name, "value": value}], as_json, headings=False)
