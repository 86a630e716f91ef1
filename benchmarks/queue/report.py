"""Tables: of the medians a measure and queue, and of the goals. The same Markdown on the terminal and in the file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from benchmarks.queue.goals import Figures, Round, judge
from benchmarks.tables import number, table

TITLES = {
    "A": "A: enqueue",
    "B": "B: drain, one worker",
    "B2": "B2: drain, two workers",
    "C": "C: latency from commit to the handler's start, idle worker",
    "D": "D: the first 5,000 jobs of a backlog",
    "E": "E: five times in and out under a pinned snapshot",
    "F": "F: drain behind jobs that are due in ten hours",
}
LABELS = {
    "jobs_s": "jobs/s", "wal": "WAL B/job", "buffers": "buffers/job", "xacts": "xacts/job", "server_ms": "server CPU ms/job",
    "worker_ms": "worker CPU ms/job", "p50_ms": "p50 ms", "p95_ms": "p95 ms", "p99_ms": "p99 ms", "max_ms": "max ms",
    "single_s": "single jobs/s", "raw_copy_s": "raw COPY rows/s", "clients_off_s": "8 clients/s, nobody waits",
    "plain_s": "jobs/s without them", "plain_factor": "with/without",
    "clients_on_s": "8 clients/s, notified", "clients_factor": "on/off", "buffers_factor": "buffers factor", "slow": "slow",
    "first": "first jobs/s", "last": "last jobs/s", "factor": "first/last", "buffers_first": "buffers/job first",
    "buffers_last": "buffers/job last", "steps": "steps", "twice": "handled twice", "cut": "cut off",
}  # fmt: skip
QUIET = ("jobs", "twice", "cut", "steps")  # shown only when they are not as expected


@dataclass(frozen=True, slots=True)
class Sample:
    """One measure of one queue in one round; a line of --json."""

    round: int
    measure: str
    queue: str
    figures: Figures
    error: str | None = None

    def line(self) -> dict[str, Any]:
        """As JSON's document."""
        return {"round": self.round, "measure": self.measure, "queue": self.queue, **self.figures, "error": self.error}

    @classmethod
    def parse(cls, document: dict[str, Any]) -> Sample:
        """From `line`."""
        number, measure, queue, error = (document.pop(key) for key in ("round", "measure", "queue", "error"))
        return cls(number, measure, queue, document, error)


def rounds_of(samples: Sequence[Sample]) -> list[Round]:
    """Samples of one round together."""
    grouped: dict[int, Round] = {}
    for one in samples:
        if one.error is None:
            grouped.setdefault(one.round, {})[one.measure, one.queue] = one.figures
    return list(grouped.values())


def markdown(samples: Sequence[Sample]) -> str:
    """All tables."""
    parts = []
    for measure, title in TITLES.items():
        mine = [one for one in samples if one.measure == measure]
        if mine:
            parts += [f"### {title}", "", _measure_table(mine), *_notes(mine), ""]
    verdicts = judge(rounds_of(samples))
    if verdicts:
        rows = [
            [v.goal.measure, v.goal.text, ("≥ " if v.goal.at_least else "≤ ") + number(v.goal.limit), number(v.value),
             f"{number(v.low)} to {number(v.high)}", str(v.rounds), "ok" if v.met else "**missed**"]
            for v in verdicts
        ]  # fmt: skip
        parts += ["### Goals", "", table(["", "what", "goal", "median", "range", "rounds", "verdict"], rows), ""]
    return "\n".join(parts)


def _measure_table(samples: Sequence[Sample]) -> str:
    """A row a queue, medians over the rounds."""
    queues = list(dict.fromkeys(one.queue for one in samples))
    names = list(dict.fromkeys(name for one in samples for name in one.figures))
    names = [name for name in names if name not in QUIET or (name != "jobs" and any(one.figures.get(name) for one in samples))]
    if all(one.figures.get("steps", 5) == 5 for one in samples):
        names = [name for name in names if name != "steps"]
    rows = []
    for queue in queues:
        cells = [queue]
        for name in names:
            values = [one.figures[name] for one in samples if one.queue == queue and name in one.figures]
            cells.append(number(median(values)) if values else "")
        rows.append(cells)
    return table(["", *map(label, names)], rows)


def _notes(samples: Sequence[Sample]) -> list[str]:
    """What went wrong."""
    return [f"\n{one.queue}, round {one.round}: {one.error.splitlines()[0]}" for one in samples if one.error]


def label(name: str) -> str:
    """The head of a figure's column."""
    words = name.split("_")
    if words[0] == "bulk":
        return f"bulk {int(words[1]):,} jobs/s"
    if words[-1].isdigit():
        return f"{LABELS['_'.join(words[:-1])]} of {int(words[-1]):,}"
    return LABELS.get(name, name)
