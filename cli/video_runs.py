"""reelq videos rerun, cancel: what changes a video's run. Deletes are in video_deletes.py."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from uuid import UUID

import click

from reelq.cli.app import App, Seconds, Uuid, acting_for, json_option, key_values, pass_app, tenant_option
from reelq.cli.terminal import output
from reelq.cli.terminal.output import Column

if TYPE_CHECKING:
    import psycopg

LOOK_S = 0.5  # between two looks whether a cancelled run has ended
RERUN = (Column("video_id", "video", keep=True), Column("step", keep=True), Column("job_id", "job", keep=True))


@click.command("rerun")
@click.argument("video_ids", type=Uuid(), nargs=-1, required=True, metavar="VIDEO…")
@click.option("--pipeline", metavar="NAME", help="Which pipeline; default: that of the latest run.")
@click.option(
    "--option",
    "options",
    metavar="STEP.KEY=VALUE",
    multiple=True,
    callback=key_values,
    help="Argument of a step, such as ladder.crf=21; may be repeated. Those of earlier runs are not taken over.",
)
@click.option("--force", is_flag=True, help="If a run is at work, cancel it, wait for its end, and then run.")
@click.option("--patience", "patience_s", type=Seconds(), default=60.0, show_default=True, help="How long --force waits, such as 5m.")
@tenant_option
@json_option
@pass_app
def rerun(
    app: App,
    video_ids: tuple[UUID, ...],
    pipeline: str | None,
    options: dict[str, Any],
    force: bool,
    patience_s: float,
    tenant: str | None,
    as_json: bool,
) -> int:
    """Run a pipeline for videos again.

    A failed video is pending again. A ready one stays ready and is served from what it has: each variant that is made takes the
    place of the one of its profile, the others stay. If the new run fails, a ready video stays ready; `reelq jobs list
    --video` tells. An original that is stored is not fetched again, unless --option download.refetch=true.

    While a run is at work it is refused.

    \b
    Examples:
      reelq videos rerun 01976b1e-5a3c-7d4e-8f00-0123456789ab
      reelq videos rerun 01976b1e-5a3c-7d4e-8f00-0123456789ab --option ladder.crf=21 --force
      reelq videos list --status failed --json | jq -r .id | xargs reelq videos rerun
    """
    from reelq.worker.rooms.queue import pipelines as room

    def act(conn: psycopg.Connection[Any], video_id: UUID) -> list[dict[str, Any]]:
        if force:
            end_run(conn, video_id, tenant, patience_s)
        with acting_for(conn, tenant):
            made = room.rerun_video(conn, video_id, pipeline, options)
        return [{"video_id": video_id, "step": one.step, "job_id": one.job_id} for one in made]

    return for_each(app, video_ids, as_json, act, RERUN)


def end_run(conn: psycopg.Connection[Any], video_id: UUID, tenant: str | None, patience_s: float) -> None:
    """Cancel what is at work for a video, and wait until it has ended, or until patience does."""
    from reelq.worker.rooms.queue import pipelines as room

    until = time.monotonic() + patience_s
    while time.monotonic() < until:  # else the rerun is refused, and says what still runs
        with acting_for(conn, tenant):
            ended = room.cancel_run(conn, video_id, "Run again by hand.")
        if all(one.status != "cancelling" for one in ended):
            return
        time.sleep(LOOK_S)


@click.command("cancel")
@click.argument("video_ids", type=Uuid(), nargs=-1, required=True, metavar="VIDEO…")
@click.option("--reason", help="Kept with the jobs, and shown with them.")
@tenant_option
@json_option
@pass_app
def cancel(app: App, video_ids: tuple[UUID, ...], reason: str | None, tenant: str | None, as_json: bool) -> int:
    """Cancel what is at work for videos. What is queued ends at once, what runs stops within seconds ("cancelling").

    \b
    Examples:
      reelq videos cancel 01976b1e-5a3c-7d4e-8f00-0123456789ab --reason "wrong file"
    """
    from reelq.worker.rooms.queue import pipelines as room

    def act(conn: psycopg.Connection[Any], video_id: UUID) -> list[dict[str, Any]]:
        with acting_for(conn, tenant):
            ended = room.cancel_run(conn, video_id, reason)
        if not ended:
            output.say(f"Nothing is at work for {video_id}.")
        return [{"video_id": video_id, "step": one.step, "status": one.status, "job_id": one.job_id} for one in ended]

    columns = (Column("video_id", "video", keep=True), Column("step", keep=True), "status", Column("job_id", "job", keep=True))
    return for_each(app, video_ids, as_json, act, columns)


def for_each(
    app: App,
    video_ids: tuple[UUID, ...],
    as_json: bool,
    act: Callable[[psycopg.Connection[Any], UUID], list[dict[str, Any]]],
    columns: tuple[str | Column, ...],
) -> int:
    """Do it for every video, each by itself; the exit code is that of the last refusal."""
    from reelq.worker import db
    from reelq.worker.errors import QueueError

    code, headings = 0, True
    with app.connect() as conn:
        for video_id in dict.fromkeys(video_ids):
            try:
                with db.family():
                    told = act(conn, video_id)
            except QueueError as error:
                output.fail(str(error), error.hint)
                code = error.exit_code
                continue
            headings = not output.emit(told, as_json, columns, headings=headings) and headings
    return code
