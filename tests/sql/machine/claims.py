"""What a claim may take, must take, and in which order: checked on what it took and what it left."""

from __future__ import annotations

from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any, NamedTuple

from tests.sql.machine.model import Model
from tests.sql.machine.records import KINDS, Worker

FIRST = (float("-inf"), 0)
PATIENCE = timedelta(minutes=1)  # of a heavy job at the head of its lane


class Place(NamedTuple):
    """A row of queue.ready, as far as it decides."""

    key: tuple[float, int]
    job_id: Any
    ready_at: datetime
    priority: int
    weight: int
    taken: bool


def check(
    model: Model, worker: Worker, limit: int, taken: list[Any], left: list[Any], bounds: dict[int, tuple[float, int]], gated: bool
) -> None:
    """All promises of a claim; `left` is queue.ready after it, `bounds` what the worker passed in.

    Behind gates (limits, pauses) jobs come and go while a claim looks: then only what it took is judged.
    """
    for row in taken:
        assert row.job_id in model.jobs and model.jobs[row.job_id].place == "free", "only what is free is taken"
        assert worker.takes(model.jobs[row.job_id]), "only the worker's types, and what it is capable of"
        assert not model.paused(model.jobs[row.job_id]), "what is paused does not begin"
    assert len({row.job_id for row in taken}) == len(taken)
    used = sum((Fraction(row.weight, row.batch) for row in taken), Fraction(0))
    assert used <= limit, "never more than the slots asked for"

    if limit < 1:
        return
    lanes: dict[int, list[Place]] = {}
    for row in taken:
        assert row.batch == KINDS[row.job_type].batch and row.weight == KINDS[row.job_type].weight
        lanes.setdefault(row.lane, []).append(Place((row.fair_key, row.seq), row.job_id, row.ready_at, row.priority, row.weight, True))
    for row in left:
        if worker.takes(model.jobs[row.job_id]) and (row.fair_key, row.seq) > bounds.get(row.lane, FIRST):
            place = Place((row.fair_key, row.seq), row.job_id, row.ready_at, row.priority, row.weight, False)
            lanes.setdefault(row.lane, []).append(place)
    for lane, places in lanes.items():
        places.sort(key=lambda place: place.key)
        assert gated or places[0].key > bounds.get(lane, FIRST), "nothing from below the bounds"
        order = [place.taken for place in places]
        assert gated or order == sorted(order, reverse=True), "a lane is served from its head"
    heads = sorted((places[0] for places in lanes.values()), key=lambda head: (urgency(model, head), head.key[1]))
    for head in heads:
        if head.weight <= limit:
            assert gated or head.taken, "who has a free slot for a job that is there gets the most urgent kind of work"
            return
        if head.ready_at <= model.now - PATIENCE:
            return  # slots are kept free for this heavy one


def urgency(model: Model, head: Place) -> int:
    """Priority, and one step for every hour of waiting."""
    return head.priority - int((model.now - head.ready_at).total_seconds() // 3600)
