"""The live screen of reelq top, drawn to fit: workers with their slots, queues, failures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from reelq.cli.terminal import screen, text
from reelq.cli.terminal.screen import styled
from reelq.cli.terminal.workers import troubles
from reelq.cli.top.snapshot import rate_of

if TYPE_CHECKING:
    from reelq.cli.top.snapshot import Snapshot
    from reelq.worker.errors import DatabaseAway
    from reelq.worker.rooms.queue.reads import Worker

STALE_S = 10.0  # a beat older than this is shown in yellow: five beats of 2 s were missed
TIGHT = 78  # below, what waits for its time, its parents or a gate is one number, so that names of types stay
MOST_TROUBLES = 3  # lines; `reelq workers list` tells all


def draw(seen: Snapshot, width: int, height: int, away: DatabaseAway | None = None) -> Group:
    """The screen; at least the head line, and as much of the rest as there is room for."""
    queues, failures = seen.queues(), seen.failures
    unfit = min(len(troubles(seen.workers)), MOST_TROUBLES)
    slots, queue_lines, failure_lines = share(
        height - 2,  # the head, and the last line, which a terminal scrolls at
        [unfit + len(seen.workers) + len(seen.running), len(queues) and len(queues) + 3, len(failures) and len(failures) + 3],
        [2, 5, 6],
    )
    parts: list[Any] = [head(seen, away)]
    parts += workers(seen, width, slots)
    if queue_lines:
        parts += [Text(), queue_table(queues, queue_lines - 3, width)]
    if failure_lines:
        parts += [Text(), failure_table(seen, failure_lines - 3, width)]
    return Group(*parts)


def share(lines: int, wanted: list[int], least: list[int]) -> list[int]:
    """Divide the lines: each part gets its least, or none where that does not fit; the rest goes to the parts in order."""
    given: list[int] = []
    for want, low in zip(wanted, least, strict=True):
        low = min(want, low)
        given.append(low if sum(given) + low <= lines else 0)
    for number, want in enumerate(wanted):
        if given[number]:
            given[number] += max(min(want - given[number], lines - sum(given)), 0)
    return given


def head(seen: Snapshot, away: DatabaseAway | None) -> Text:
    """One line: time, totals, and whether the database is away."""
    here = [worker for worker in seen.workers if not worker.is_gone]
    slots, busy = sum(worker.slots for worker in here), sum(worker.busy for worker in here)
    waiting = sum(one.ready for one in seen.depth)
    done = sum(rate.per_minute for rate in seen.rates)
    line = Text(no_wrap=True, overflow="ellipsis")
    line.append("reelq ", "bold").append(seen.at.astimezone().strftime("%H:%M:%S"))
    if away is not None:
        line.append("  the database is away; trying again", "bold red")
        return line.append("   q ends", "dim")
    line.append(
        f"  {len(here)} worker{'s'[: len(here) != 1]}  {busy}/{slots} slots  {waiting} ready  {done:.1f} done/min"
    )
    if seen.paused():
        line.append(f"  {seen.paused()}", "yellow")
    return line.append("   q ends", "dim")


def workers(seen: Snapshot, width: int, room: int) -> list[Any]:
    """A line for every worker and one for every slot in use; the worker's line counts its idle slots."""
    if not seen.workers and not seen.running:
        return [Text(), styled("No worker is running. Start one: reelq worker run", "yellow")]
    bar_width = 6 if width < TIGHT else 10 if width < 100 else 24
    shares = (5, 2) if TIGHT <= width < 100 else (1, 1)
    table = screen.grid(("", shares[0]), ("", shares[1]), ("", None), (">", None), (">", None), (">", None))
    told = [styled(what, "red") for what, _ in troubles(seen.workers)][:MOST_TROUBLES]
    room -= len(told)
    for one in told:
        one.no_wrap, one.overflow = True, "ellipsis"
    rows = []
    for worker in seen.workers:
        rows.append(worker_row(worker, seen))
        for job in seen.running:
            if job.worker_id == worker.worker_id:
                name = text.clean(job.title or str(job.video_id or job.job_id))
                rows.append([Text("  " + screen.activity(job)), Text(name), *screen.progress_cells(job, bar_width)])
    shown = rows if len(rows) <= room else rows[: max(room - 1, 0)]
    for row in shown:
        table.add_row(*row)
    more = [styled(f"… and {len(rows) - len(shown)} lines more", "dim")] if len(rows) > len(shown) else []
    return [*told, table, *more]


def worker_row(worker: Worker, seen: Snapshot) -> list[Text]:
    """Id, state, slots, last beat."""
    silent_s = (seen.at - worker.last_beat_at).total_seconds()
    beat = styled(text.duration(max(silent_s, 0)) + " ago", "yellow" if silent_s > STALE_S else "dim")
    state = screen.styled(worker.state, "bold red" if worker.state in ("in trouble", "lost") else None)
    if not worker.is_gone:
        state.append(f"  {worker.busy}/{worker.slots}", "")
    return [styled(worker.worker_id, "bold"), state, Text(), Text(), Text(), beat]


def queue_table(queues: list[dict[str, Any]], room: int, width: int) -> Table:
    """Depth and rates, a line a job type."""
    shown = queues
    if len(queues) > room:  # what is in trouble or at work, before what is idle
        first = sorted(queues, key=lambda one: (-one["failed"], -one["dead"], -one["running"], -one["ready"], one["job_type"]))
        shown = first[: max(room - 1, 0)]
    narrow = width < 90
    keys = ["ready", "scheduled", "blocked", "parked", "running", "dead"] if width >= TIGHT else ["ready", "waiting", "running", "dead"]
    names = [{"scheduled": "sched."}.get(key, key) for key in keys] + ["/min" if narrow else "done/min"]
    names += [] if narrow else ["median", "failed 5 min"]
    table = screen.grid(("job type", 1), *((f">{name}", None) for name in names), heading=True)
    for one in shown:
        waiting = one["scheduled"] + one["blocked"] + one["parked"]
        counts = [waiting if key == "waiting" else one[key] for key in keys]
        places = [("scheduled", "blocked", "parked") if key == "waiting" else (key,) for key in keys]
        is_cut = [not set(some).isdisjoint(one["at_least"]) for some in places]
        cells = [Text(text.count(count, cut), "" if count else "dim") for count, cut in zip(counts, is_cut, strict=True)]
        cells[-1].stylize("red" if counts[-1] else "dim")
        cells.append(Text(rate_of(one)))
        if not narrow:
            cells += [
                Text(text.duration(one["median_s"])),
                Text(text.count(one["failed"], "failed" in one["at_least"]), "red" if one["failed"] else "dim"),
            ]
        table.add_row(styled(one["job_type"]), *cells)
    if len(shown) < len(queues):
        table.add_row(styled(f"… and {len(queues) - len(shown)} more", "dim"))
    return table


def failure_table(seen: Snapshot, room: int, width: int) -> Table:
    """The latest failures: how long ago, which job, why."""
    columns = [(">failed", None), ("job type", None), ("error", 1), ("why", 2)]
    wide = width >= 120
    table = screen.grid(*([*columns[:2], ("job", None), *columns[2:]] if wide else columns), heading=True)
    for one in seen.failures[: max(room, 1)]:
        cells = [styled(text.age(one.failed_at, seen.at) + " ago", "dim"), styled(one.job_type)]
        cells += [styled(str(one.job_id), "dim")] if wide else []
        table.add_row(*cells, styled(one.error_code or "", "red"), styled(one.error_message or ""))
    return table
