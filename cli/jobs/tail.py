"""reelq jobs tail: one line for every change of a job's state."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import click

from reelq.cli.app import App, Seconds, Uuid, json_option, pass_app
from reelq.cli.terminal import live, output, text

if TYPE_CHECKING:
    import psycopg

NEWEST = 200  # how many of the newest jobs are compared at a look, besides all that run
LOOKED_UP = 50  # how many jobs are asked for by id at a look: those that have left the newest and the running
ENDED = ("completed", "failed", "cancelled")


@dataclass(frozen=True, slots=True)
class State:
    """What a job was at a look; a change of place or token is an event."""

    job_id: str
    job_type: str
    video_id: str | None
    place: str
    token: int
    percent: int | None
    stage: str | None
    error_code: str | None
    error_message: str | None


@dataclass(slots=True)
class Follower:
    """Compares one look with the last."""

    job_id: UUID | None
    video_id: UUID | None
    job_type: str | None
    with_progress: bool
    known: dict[str, State] = field(default_factory=dict)
    first: bool = True

    def look(self, conn: psycopg.Connection[Any]) -> list[State]:
        """The jobs that matter, as they are now."""
        from reelq.worker.rooms.queue import reads

        if self.job_id is not None:
            return [_from_record(reads.show_job(conn, self.job_id))]
        if self.video_id is not None:
            return [
                _from_summary(row)
                for row in reversed(reads.list_jobs(conn, None, self.job_type, self.video_id, 1000))
            ]
        rows = reads.list_jobs(conn, None, self.job_type, None, NEWEST) + reads.list_jobs(
            conn, "running", self.job_type, None, 1000
        )
        seen = {state.job_id: state for state in map(_from_summary, rows)}
        left = [key for key, old in self.known.items() if key not in seen and old.place not in ENDED][
            :LOOKED_UP
        ]
        for key in left:
            seen[key] = _from_record(reads.show_job(conn, UUID(key)))
        return [seen[key] for key in sorted(seen)]

    def events(self, states: list[State]) -> list[dict[str, Any]]:
        """What has changed since the last look. The first look reports how things are."""
        found = []
        for now in states:
            before = self.known.get(now.job_id)
            self.known[now.job_id] = now
            if self._tells(before, now):
                found.append(_event(before, now))
        if len(self.known) > 20 * NEWEST:
            self.known = {state.job_id: state for state in states}
        self.first = False
        return found

    def _tells(self, before: State | None, now: State) -> bool:
        """Whether the step from `before` to `now` is an event."""
        if before is None:
            everything = self.job_id is None and self.video_id is None
            return not (self.first and everything and now.place != "running")
        if (before.place, before.token) != (now.place, now.token):
            return True
        return self.with_progress and (before.percent, before.stage) != (now.percent, now.stage)

    @property
    def over(self) -> bool:
        """Whether the job or every job of the video has ended."""
        bound = self.job_id is not None or self.video_id is not None
        return bound and all(state.place in ENDED for state in self.known.values())

    @property
    def failed(self) -> bool:
        """Whether one of them did not complete."""
        return any(state.place in ("failed", "cancelled") for state in self.known.values())


@click.command("tail")
@click.option("--job", "job_id", type=Uuid(), help="Only this job; ends when it has ended.")
@click.option("--video", "video_id", type=Uuid(), help="Only this video's jobs; ends when all have ended.")
@click.option("--type", "job_type", metavar="TYPE", help="Only jobs of this type.")
@click.option("--progress", "with_progress", is_flag=True, help="A line for every percent of progress too.")
@click.option(
    "--every", "every_s", type=Seconds(), default=1.0, show_default=True, help="Seconds between two looks."
)
@json_option
@pass_app
def tail(
    app: App,
    job_id: UUID | None,
    video_id: UUID | None,
    job_type: str | None,
    with_progress: bool,
    every_s: float,
    as_json: bool,
) -> int:
    """Follow changes of jobs: a line each, until Ctrl-C.

    Looks at all running jobs and the newest 200. With --job or --video it ends by itself, with exit code 1
    when something failed or was cancelled. Changes between two looks are shown as one step.

    \b
    Examples:
      reelq jobs tail
      reelq jobs tail --video 01976b1e-5a3c-7d4e-8f00-0123456789ab --progress
      reelq jobs tail --json | jq 'select(.to == "failed")'
    """
    from reelq.worker.errors import DatabaseAway

    if job_id is not None and video_id is not None:
        raise click.UsageError("--job must stand without --video")
    follower = Follower(job_id, video_id, job_type, with_progress)
    away = False
    for seen in live.watch(app, follower.look, every_s):
        if isinstance(seen, DatabaseAway):
            if not away:
                output.say("The database is away; trying again …")
            away = True
            continue
        away = False
        for event in follower.events(seen):
            output.emit_record(event, True) if as_json else output.paragraph(_told(event), event["job_id"])
        output.flush()
        if follower.over:
            return 1 if follower.failed else 0
    return 0


def _event(before: State | None, now: State) -> dict[str, Any]:
    """A change as an event; its keys do not change between versions."""
    return {
        "at": datetime.now(UTC),
        "job_id": now.job_id,
        "job_type": now.job_type,
        "video_id": now.video_id,
        "from": before.place if before else None,
        "to": now.place,
        "attempt": now.token,
        "percent": now.percent,
        "stage": now.stage,
        "error_code": now.error_code,
        "error_message": now.error_message,
    }


def _told(event: dict[str, Any]) -> str:
    """A change as a line: time, id, type, what became of it."""
    parts = [
        event["at"].astimezone().strftime("%H:%M:%S"),
        event["job_id"],
        f"{event['job_type']:<18}",
        f"{event['to']:<11}",
    ]
    if event["percent"] is not None and event["to"] == "running":
        parts.append(f"{event['percent']}%")
    parts += [
        word for word in (event["stage"] if event["to"] == "running" else None, event["error_code"]) if word
    ]
    if event["error_message"] and event["error_message"] != event["error_code"]:
        parts.append(event["error_message"])
    return "  ".join(parts).rstrip()


def _from_summary(row: Any) -> State:
    """The state in a row of queue.list_jobs."""
    video = str(row.video_id) if row.video_id else None
    return State(
        str(row.id),
        row.job_type,
        video,
        row.place,
        row.token,
        _percent(row.progress),
        row.stage,
        row.error_code,
        row.error_message,
    )


def _from_record(job: dict[str, Any]) -> State:
    """The state in the object that queue.show_job returns."""
    lease = job["lease"] or {}
    return State(
        job["id"],
        job["job_type"],
        job["video_id"],
        job["place"],
        job["token"],
        _percent(lease.get("progress")),
        lease.get("stage"),
        job["error_code"],
        job["error_message"],
    )


def _percent(progress: float | None) -> int | None:
    """0 to 100."""
    return None if progress is None else int(text.clamp(progress) * 100)
