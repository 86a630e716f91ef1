"""What a claim may take, must take, and in which order: checked on what it took and what it left."""

from __future__ import annotations

from datetime import datetime
from fractions import Fraction
from typing import Any, NamedTuple

from tests.sql.machine.model import Model
from tests.sql.machine.records import KINDS, Worker

FIRST = (float("-inf"), 0)


class Place(NamedTuple):
    """A row of queue.ready, as far as it decides."""

    key: tuple[float, int]
    job_id: Any
    ready_at: datetime
    priority: int
    taken: bool


def check(model: Model, worker: Worker, limit: int, taken: list[Any], left: list[Any], bounds: dict[int, tuple[float, int]]) -> None:
    """All promises of a claim; `left` is queue.ready after it, `bounds` what the worker passed in."""
    for row in taken:
        assert row.job_id in model.jobs and model.jobs[row.job_id].place == "free", "only what is free is taken"
        assert worker.takes(model.jobs[row.job_id]), "only the worker's types, and what it is capable of"
    assert len({row.job_id for row in taken}) == len(taken)
    used = sum((Fraction(row.weight, row.batch) for row in taken), Fraction(0))
    assert used <= limit, "never more than the slots asked for"

    lanes: dict[int, list[Place]] = {}
    for row in taken:
        assert row.batch == KINDS[row.job_type].batch and row.weight == KINDS[row.job_type].weight
        lanes.setdefault(row.lane, []).append(Place((row.fair_key, row.seq), row.job_id, row.ready_at, row.priority, True))
    for row in left:
        job = model.jobs[row.job_id]
        if worker.takes(job) and job.kind.weight <= limit and (row.fair_key, row.seq) > bounds.get(row.lane, FIRST):
            lanes.setdefault(row.lane, []).append(Place((row.fair_key, row.seq), row.job_id, row.ready_at, row.priority, False))
    if limit < 1:
        return
    assert bool(taken) == bool(lanes), "who has a free slot for a job that is there gets one"
    heads = []
    for lane, places in lanes.items():
        places.sort(key=lambda place: place.key)
        assert places[0].key > bounds.get(lane, FIRST), "nothing from below the bounds"
        order = [place.taken for place in places]
        assert order == sorted(order, reverse=True), "a lane is served from its head"
        heads.append((urgency(model, places[0]), places[0].key, places[0].taken))
    if heads:
        assert min(heads)[2], "the most urgent kind of work is served"


def urgency(model: Model, head: Place) -> int:
    """Priority, and one step for every hour of waiting."""
    return head.priority - int((model.now - head.ready_at).total_seconds() // 3600)
