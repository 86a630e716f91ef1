"""What the figures are held against. Ratios are taken within a round; the verdict is on their median."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from statistics import median

Figures = dict[str, float]
Round = dict[tuple[str, str], Figures]  # (measure, queue) to figures

US = "reelq"


@dataclass(frozen=True, slots=True)
class Goal:
    """A sentence, a limit, and how a round's value is found."""

    measure: str
    text: str
    limit: float
    at_least: bool
    value: Callable[[Round], float]  # KeyError: the round lacks something for it

    def met(self, value: float) -> bool:
        """Whether a value is good enough."""
        return value >= self.limit if self.at_least else value <= self.limit


@dataclass(frozen=True, slots=True)
class Verdict:
    """A goal and what was measured."""

    goal: Goal
    value: float
    low: float
    high: float
    rounds: int

    @property
    def met(self) -> bool:
        """Whether the median is good enough."""
        return self.goal.met(self.value)


def ours(measure: str, figure: str) -> Callable[[Round], float]:
    """A figure of reelq."""
    return lambda one: one[measure, US][figure]


def against(measure: str, figure: str, peer: str) -> Callable[[Round], float]:
    """A figure of reelq divided by a peer's."""
    return lambda one: one[measure, US][figure] / one[measure, peer][figure]


def against_best(measure: str, figure: str) -> Callable[[Round], float]:
    """A figure of reelq divided by the smallest of all peers."""

    def value(one: Round) -> float:
        others = [figures[figure] for (of, queue), figures in one.items() if of == measure and queue != US]
        if not others:
            raise KeyError(measure)
        return one[measure, US][figure] / min(others)

    return value


def bulk_against(other: Callable[[Round, str], float]) -> Callable[[Round], float]:
    """The rate of the largest bulk enqueue divided by something of the same round."""

    def value(one: Round) -> float:
        sizes = [int(name.split("_")[1]) for name in one["A", US] if name.startswith("bulk_")]
        figure = f"bulk_{max(sizes)}_s"
        return one["A", US][figure] / other(one, figure)

    return value


def raw_copy(one: Round, _figure: str) -> float:
    """What the server could do."""
    return one["A", US]["raw_copy_s"]


def graphile(one: Round, figure: str) -> float:
    """graphile's rate."""
    return one["A", "graphile"][figure]


GOALS = (
    Goal("A", "bulk enqueue: share of raw COPY in the same round", 0.25, True, bulk_against(raw_copy)),
    Goal("A", "bulk enqueue: × graphile", 0.9, True, bulk_against(graphile)),
    Goal("A", "single inserts: × graphile", 1.1, True, against("A", "single_s", "graphile")),
    Goal("A", "8 clients of single inserts: a worker waits to be notified / none does", 0.8, True, ours("A", "clients_factor")),
    Goal("B", "drain, jobs/s: × graphile", 1.1, True, against("B", "jobs_s", "graphile")),
    Goal("B", "drain, jobs/s: × pgqueuer", 2, True, against("B", "jobs_s", "pgqueuer")),
    Goal("B", "drain, jobs/s: × procrastinate", 20, True, against("B", "jobs_s", "procrastinate")),
    Goal("B", "transactions a job", 0.02, False, ours("B", "xacts")),
    Goal("B", "shared buffers a job", 34, False, ours("B", "buffers")),
    Goal("B", "WAL bytes a job", 2000, False, ours("B", "wal")),
    Goal("C", "latency p50: × graphile", 1.2, False, against("C", "p50_ms", "graphile")),
    Goal("C", "latency p99: × the best of the others", 1.0, False, against_best("C", "p99_ms")),
    Goal("D", "buffers a job, largest backlog / smallest", 1.15, False, ours("D", "buffers_factor")),
    Goal("E", "rate with a pinned snapshot, first step / last", 1.05, False, ours("E", "factor")),
    Goal("F", "rate behind a million scheduled jobs: × own B, just before", 0.95, True, ours("F", "plain_factor")),
)


def judge(rounds: Iterable[Round]) -> list[Verdict]:
    """A verdict for each goal that at least one round has the figures for."""
    verdicts = []
    known = list(rounds)
    for goal in GOALS:
        values = []
        for one in known:
            try:
                values.append(goal.value(one))
            except (KeyError, ZeroDivisionError, ValueError):
                continue
        if values:
            verdicts.append(Verdict(goal, median(values), min(values), max(values), len(values)))
    return verdicts
