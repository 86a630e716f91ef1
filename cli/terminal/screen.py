"""Pieces of live screens: a running job as the cells of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reelq.cli.terminal import text

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

    from reelq.worker.rooms.queue.reads import Running

STYLES = {
    "ready": "green",
    "completed": "green",
    "active": "green",
    "failed": "red",
    "lost": "red",
    "cancelled": "yellow",
    "draining": "yellow",
    "running": "cyan",
}


def styled(word: str, style: str | None = None) -> Text:
    """Text of a state in its colour; nothing in it is read as markup."""
    from rich.text import Text

    return Text(text.clean(word), style=style or STYLES.get(word, ""))


def grid(*columns: tuple[str, int | None], heading: bool = False) -> Table:
    """A borderless table; a column is its heading (`>`: to the right) and its share of what is left over.

    A share of None keeps the column as wide as its content.
    """
    from rich import box
    from rich.table import Table

    table = Table(
        box=box.SIMPLE_HEAD if heading else None,
        show_header=heading,
        show_edge=False,
        pad_edge=False,
        expand=True,
        padding=(0, 2, 0, 0),
        header_style="dim",
    )
    for name, share in columns:
        table.add_column(
            styled(name.lstrip(">")),
            justify="right" if name.startswith(">") else "left",
            ratio=share,
            no_wrap=True,
            overflow="ellipsis",
        )
    return table


def activity(job: Running) -> str:
    """The job's type, and its stage where it tells one."""
    if job.cancel_requested_at is not None:
        return f"{job.job_type}: cancelling"
    return f"{job.job_type}: {job.stage}" if job.stage else job.job_type


def progress_cells(job: Running, width: int) -> list[Text]:
    """Bar, percent, speed and the time that remains."""
    return [
        styled(text.bar(job.progress, width), "cyan"),
        styled(text.percent(job.progress)),
        styled("" if job.speed is None else f"{job.speed:.1f}×"),
        styled("" if job.eta_s is None else f"{text.duration(job.eta_s)} left"),
    ]
