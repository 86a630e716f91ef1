"""Wait until videos are ready or failed: bars on a terminal, a line for every step elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

from reelq.cli.app import App
from reelq.cli.terminal import live, output, screen, text

if TYPE_CHECKING:
    import psycopg
    from rich.console import RenderableType
    from rich.live import Live

    from reelq.worker.errors import DatabaseAway
    from reelq.worker.rooms.queue.reads import Running

EVERY_S = 0.4  # between two looks
OVER = ("ready", "failed")


@dataclass(slots=True)
class Waiting:
    """The videos that are waited for, as the last look saw them."""

    ids: list[UUID]
    videos: dict[UUID, dict[str, Any]] = field(default_factory=dict)
    running: list[Running] = field(default_factory=list)
    workers: int = 1
    away: DatabaseAway | None = None
    took_s: dict[UUID, float] = field(default_factory=dict)
    started: float = field(default_factory=time.monotonic)

    @property
    def open(self) -> list[UUID]:
        """Those that are neither ready nor failed."""
        return [one for one in self.ids if self.videos.get(one, {}).get("status") not in OVER]

    def look(self, conn: psycopg.Connection[Any]) -> None:
        """Ask for what can still change."""
        from reelq.worker.rooms import media
        from reelq.worker.rooms.queue import reads

        self.running = [job for job in reads.running_jobs(conn) if job.video_id in set(self.open)]
        self.workers = len(reads.list_workers(conn))
        for video_id in self.open:
            self.videos[video_id] = media.show_video(conn, video_id)
            if self.videos[video_id]["status"] in OVER:
                self.took_s[video_id] = time.monotonic() - self.started

    def title(self, video_id: UUID) -> str:
        """What people call it."""
        return text.clean(str(self.videos.get(video_id, {}).get("title") or video_id))

    def draw(self, width: int, height: int) -> RenderableType:
        """A line for every running job and every video that waits or is over, as many as fit."""
        from rich.console import Group

        table = screen.grid(("video", 2), ("what", 3), ("bar", None), (">%", None), (">speed", None), (">left", None))
        rows = [row for video_id in self.ids for row in self._rows(video_id, 12 if width < 100 else 24)]
        hidden = len(rows) - max(height - 3, 1)
        for row in rows[max(hidden, 0) :]:
            table.add_row(*row)
        notes = []
        if hidden > 0:
            done = len(self.ids) - len(self.open)
            notes.append(screen.styled(f"{done} of {len(self.ids)} videos are done", "dim"))
        if self.away:
            notes.append(screen.styled("the database is away; trying again …", "yellow"))
        elif not self.workers and self.open:
            notes.append(screen.styled("no worker is at work; start one: reelq worker run", "yellow"))
        return Group(table, *notes)

    def _rows(self, video_id: UUID, bar_width: int) -> Iterator[list[Any]]:
        """The lines of one video."""
        status = self.videos.get(video_id, {}).get("status", "pending")
        name = screen.styled(self.title(video_id))
        jobs = [job for job in self.running if job.video_id == video_id]
        if status in OVER:
            took = self.took_s.get(video_id)
            word = screen.styled(status if took is None else f"{status} after {text.duration(took)}", screen.STYLES[status])
            why = self.videos[video_id].get("error_code") or ""
            yield [name, word, screen.styled(why, "red"), "", "", ""]
        elif not jobs:
            yield [name, screen.styled(status, "dim"), "", "", "", ""]
        for job in jobs if status not in OVER else []:
            yield [name, screen.styled(screen.activity(job)), *screen.progress_cells(job, bar_width)]


def wait_for(app: App, videos: list[UUID], pause: Callable[[float], bool] | None = None) -> list[dict[str, Any]]:
    """Wait for all of them, through restarts of the database; return each as media.show_video tells it.

    `pause` sleeps between two looks, and may raise to end the waiting.
    """
    from reelq.worker.errors import DatabaseAway

    waiting = Waiting(list(videos))
    with _shown(waiting) as show:
        for seen in live.watch(app, waiting.look, EVERY_S, pause):
            waiting.away = seen if isinstance(seen, DatabaseAway) else None
            show()
            if not waiting.open:
                break
    return [waiting.videos[video_id] for video_id in videos]


@contextmanager
def _shown(waiting: Waiting) -> Iterator[Any]:
    """Yield the function that shows what is known now."""
    if not output.can_show_progress():
        yield _Teller(waiting).tell
        return
    from rich.live import Live

    console = output.console(stderr=True)
    live_screen: Live = Live(console=console, auto_refresh=False, vertical_overflow="crop")
    with live_screen:
        yield lambda: live_screen.update(waiting.draw(console.width, console.height), refresh=True)


class _Teller:
    """Says every step of every video once."""

    def __init__(self, waiting: Waiting) -> None:
        self._waiting = waiting
        self._said: dict[UUID | str, str] = {}

    def tell(self) -> None:
        """Say what has changed."""
        waiting = self._waiting
        self._once("away", "The database is away; trying again …" if waiting.away else "")
        if not waiting.away:
            self._once("workers", "" if waiting.workers else "No worker is at work; start one: reelq worker run")
        for video_id, video in waiting.videos.items():
            why = f" ({video['error_code']}: {video['error_message']})" if video.get("error_code") else ""
            self._once(video_id, f"{waiting.title(video_id)}: {video['status']}{why}")

    def _once(self, about: UUID | str, message: str) -> None:
        """Say it unless it was the last thing said about that."""
        if message and self._said.get(about) != message:
            output.say(message)
        self._said[about] = message
