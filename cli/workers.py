"""reelq workers: list, drain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reelq.cli.app import App, json_option, pass_app
from reelq.cli.terminal import output, text
from reelq.cli.terminal import workers as shown
from reelq.cli.terminal.output import Column

if TYPE_CHECKING:
    from reelq.worker.rooms.queue.reads import Worker

COLUMNS = (
    Column("worker_id", "worker", keep=True),
    Column("state", keep=True),
    Column("busy", right=True),
    Column("slots", right=True),
    Column("types", show=lambda types: "all" if types is None else text.shown(types)),
    Column("last_beat_at", "last beat", show=text.age, right=True),
    Column("up_s", "up", show=text.duration, right=True),
    Column("version", spare=True),
)


@click.group("workers")
def workers() -> None:
    """Look at workers, drain them.

    \b
    Examples:
      reelq workers list
      reelq workers drain --host encoder3
    """


@workers.command("list")
@click.option("--all", "everyone", is_flag=True, help="Also those that have stopped or were lost.")
@json_option
@pass_app
def list_workers(app: App, everyone: bool, as_json: bool) -> None:
    """List the workers: active, draining, and lost ones whose jobs have not been taken back.

    \b
    Examples:
      reelq workers list
      reelq workers list --all --json | jq 'select(.status == "lost")'
    """
    from reelq.worker.rooms.queue import reads

    with app.connect() as conn:
        found = reads.list_workers(conn, everyone)
    show(found, as_json)
    if not found and not as_json:
        output.say("No worker is running. Start one: reelq worker run")


def show(found: list[Worker], as_json: bool) -> None:
    """Workers; for people with what keeps a host from working, or what a worker that is gone still has, below."""
    if as_json:
        output.emit(found, True)
        return
    output.emit(map(shown.row, found), False, COLUMNS)
    shown.tell(found)


@workers.command("drain")
@click.argument("worker_ids", nargs=-1, metavar="[WORKER…]")
@click.option("--host", help="Every worker of this host.")
@click.option("--pool", help="Every worker of this pool.")
@click.option("--undo", is_flag=True, help="Take the request back.")
@json_option
@pass_app
def drain(
    app: App, worker_ids: tuple[str, ...], host: str | None, pool: str | None, undo: bool, as_json: bool
) -> None:
    """Ask workers to take nothing new, finish what they run and stop.

    All or none: when one of them is not running, none is asked. --undo is for requests of this command: a worker that was
    told to end by a signal, as by systemctl stop, goes on draining and ends, though the list shows it as active again.

    \b
    Examples:
      reelq workers drain encoder3:default:4711:a1b2
      reelq workers drain --host encoder3
      reelq workers drain --host encoder3 --undo
    """
    from reelq.worker.errors import NotFound
    from reelq.worker.rooms import queue
    from reelq.worker.rooms.queue import reads

    if not worker_ids and host is None and pool is None:
        raise click.UsageError("WORKER, --host or --pool must be given")
    with app.connect() as conn:
        there = [one for one in reads.list_workers(conn) if one.status in ("active", "draining")]
        chosen = list(worker_ids)
        if pool is not None:
            chosen += [one.worker_id for one in there if one.pool == pool and host in (None, one.host)]
            if len(chosen) == len(worker_ids):
                known = ", ".join(sorted({one.pool for one in there if host in (None, one.host)})) or "none"
                place = "" if host is None else f" on host '{host}'"
                raise NotFound(f"no worker of pool '{pool}' is running{place}", f"Pools there: {known}")
        with conn.transaction():
            if host is not None and pool is None:
                queue.drain_host(conn, host, not undo)
                chosen += [one.worker_id for one in there if one.host == host]
            for worker_id in sorted(set(chosen)):
                queue.drain_worker(conn, worker_id, not undo)
        show([one for one in reads.list_workers(conn) if one.worker_id in chosen], as_json)
