"""Which jobs: the options that list, retry, cancel, reprioritise, run-now and reschedule share."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from reelq.cli.app import PRIORITY, Ago, Choice, Uuid
from reelq.cli.terminal import output

if TYPE_CHECKING:
    import psycopg

STATUSES = ("queued", "running", "completed", "failed", "cancelled")  # worker.rooms.queue.STATUSES; a test compares
PLACES = ("ready", "scheduled", "backing-off", "blocked", "parked", "running", "dead-letter")


def filter_options(statuses: tuple[str, ...], places: tuple[str, ...] = PLACES) -> Callable[[Any], Any]:
    """The options as a decorator; they arrive as keywords named as the fields of changes.JobFilter."""
    options = [
        click.option("--status", type=Choice(statuses), help="Only jobs of this status."),
        click.option("--place", type=Choice(places), help="Only jobs that stand there."),
        click.option("--type", "job_type", metavar="TYPE", help="Only jobs of this type."),
        click.option("--code", metavar="CODE", help="Only jobs whose latest error has this code."),
        click.option("--tenant", metavar="SLUG", help="Only jobs of this tenant."),
        click.option("--video", "video_id", type=Uuid(), help="Only jobs of this video."),
        click.option(
            "--since",
            type=Ago(),
            help="Only jobs that ended (those that are not over: came) since then: 2h (ago), or 2030-01-31T20:00 in this host's zone.",
        ),
        click.option("--until", type=Ago(), help="Only jobs that ended, or came, before then; as --since."),
        click.option("--pool", metavar="POOL", help="Only jobs whose latest attempt a worker of this pool has, or had."),
        click.option("--worker", metavar="ID", help="Only jobs whose latest attempt this worker has, or had."),
        click.option("--with-priority", "priority", type=PRIORITY, help="Only jobs of this priority."),
    ]

    def decorate(command: Any) -> Any:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def say_known_codes(conn: psycopg.Connection[Any], code: str | None, place: str | None = None) -> None:
    """Of a code that no job was found with: those that there are, when it is none of them and the caller may know.

    With a place it is about the jobs that stand there now: an outage that is over has left none, and the code may well be right.
    """
    import psycopg

    from reelq.worker.rooms.queue import reads

    if code is None:
        return
    try:
        counted = reads.count_errors(conn)
    except psycopg.errors.InsufficientPrivilege:
        return
    if place == "backing-off":
        known = dict.fromkeys(one.error_code for one in counted if one.place == "backing off")
        if code not in known:
            output.say(f"no job backs off for '{code}' now; jobs back off for: {', '.join(known) or 'nothing'}")
        return
    known = dict.fromkeys(one.error_code for one in counted)
    if code not in known:
        output.say(f"no job has ended with code '{code}' of late; codes there are: {', '.join(known) or 'none'}")
