"""reelq videos delete, restore."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

import click

from reelq.cli.app import App, Uuid, acting_for, json_option, pass_app, tenant_option
from reelq.cli.terminal import output
from reelq.cli.terminal.output import Column
from reelq.cli.video_runs import for_each

if TYPE_CHECKING:
    import psycopg

GONE = (
    Column("video_id", "video", keep=True),
    *(Column(name, right=True) for name in ("jobs", "running", "variants", "objects")),
)
DELETED = (
    Column("video_id", "video", keep=True),
    *(Column(name, right=True) for name in ("jobs", "running")),
    Column("purged_after", "gone for good"),
)


@click.command("delete")
@click.argument("video_ids", type=Uuid(), nargs=-1, required=True, metavar="VIDEO…")
@click.option("--hard", is_flag=True, help="For good, now, with jobs, history and what was made. Also of a video that was deleted before.")
@click.option("--reason", help="Kept with the act and with the jobs that are cancelled; not with --hard.")
@click.option("--yes", "sure", is_flag=True, help="With --hard: do not ask. Without a terminal it is needed.")
@tenant_option
@json_option
@pass_app
def delete(app: App, video_ids: tuple[UUID, ...], hard: bool, reason: str | None, sure: bool, tenant: str | None, as_json: bool) -> int:
    """Delete videos so that nobody finds them any more. `reelq videos restore` brings them back.

    Their queued jobs are cancelled, running ones stop within seconds, schedules are paused, the idempotency key is free. After the setting
    keep_deleted_videos `reelq retention run` deletes them for good.

    With --hard they go now, with jobs, attempts, history and the records of what was made; what runs stops within a heartbeat, and what it still
    makes counts for nothing. Objects that nothing else refers to go by `reelq store sweep`.

    \b
    Examples:
      reelq videos delete 01976b1e-5a3c-7d4e-8f00-0123456789ab --reason "wrong file"
      reelq videos list --tenant acme --status failed --json | jq -r .id | xargs reelq videos delete --hard --yes
    """
    from reelq.worker.rooms import media_kept
    from reelq.worker.rooms.queue import pipelines as room

    if hard and reason is not None:
        raise click.UsageError("--reason must not come with --hard, which keeps nothing that could bear it")
    if hard and not sure:
        confirm(app, video_ids, tenant)

    def act_hard(conn: psycopg.Connection[Any], video_id: UUID) -> list[dict[str, Any]]:
        with acting_for(conn, tenant):
            gone = room.delete_video(conn, video_id)
        counts = {"jobs": gone.jobs, "running": gone.running, "variants": gone.variants, "objects": gone.objects}
        return [{"video_id": video_id, **counts}]

    def act_soft(conn: psycopg.Connection[Any], video_id: UUID) -> list[dict[str, Any]]:
        with acting_for(conn, tenant):
            done = media_kept.soft_delete_video(conn, video_id, reason)
        return [{"video_id": video_id, "jobs": done.jobs, "running": done.running, "purged_after": done.purged_after}]

    return for_each(app, video_ids, as_json, act_hard if hard else act_soft, GONE if hard else DELETED)


@click.command("restore")
@click.argument("video_ids", type=Uuid(), nargs=-1, required=True, metavar="VIDEO…")
@tenant_option
@json_option
@pass_app
def restore(app: App, video_ids: tuple[UUID, ...], tenant: str | None, as_json: bool) -> int:
    """Bring deleted videos back. One that was not ready is failed: `reelq videos rerun` makes it. Its schedules stay paused.

    \b
    Examples:
      reelq videos restore 01976b1e-5a3c-7d4e-8f00-0123456789ab
      reelq videos list --deleted --json | jq -r .id
    """
    from reelq.worker.rooms import media_kept

    def act(conn: psycopg.Connection[Any], video_id: UUID) -> list[dict[str, Any]]:
        with acting_for(conn, tenant):
            return [{"video_id": video_id, "status": media_kept.restore_video(conn, video_id)}]

    return for_each(app, video_ids, as_json, act, (Column("video_id", "video", keep=True), Column("status")))


def confirm(app: App, video_ids: tuple[UUID, ...], tenant: str | None) -> None:
    """Name the videos and ask.

    Raises:
        click.UsageError: nobody is there to answer.
        click.Abort: the answer was no.
    """
    from reelq.worker.errors import NotFound
    from reelq.worker.rooms import media

    if not output.can_ask():
        raise click.UsageError("--yes must be given where nobody can be asked")
    with app.connect(tenant=tenant) as conn:
        for video_id in video_ids:
            try:
                video = media.show_video(conn, video_id)
            except NotFound:  # perhaps one that was deleted before
                output.say(f"{video_id}  deleted, or not there")
                continue
            made = len(video["variants"])
            output.say(f"{video_id}  {video['title'] or '(no title)'}  {video['tenant']}  {video['status']}, {made} made")
    many = "this video" if len(video_ids) == 1 else f"these {len(video_ids)} videos"
    if not click.confirm(f"Delete {many} for good?", err=True):
        raise click.ClickException("nothing was deleted")
