"""Rounds over measures over queues, interleaved; what is measured is told as it comes."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg

from benchmarks import machine, server
from benchmarks.place import cache
from benchmarks.queue import environments
from benchmarks.queue.driving import AdapterFailed, Queue
from benchmarks.queue.environments import Contender
from benchmarks.queue.measures import MEASURES, Sizes
from benchmarks.queue.report import Sample

Conditions = dict[str, str]


def run(
    measures: Sequence[str],
    queues: Sequence[str],
    adapters: Mapping[str, str],
    rounds: int,
    sizes: Sizes,
    pg: str | None,
    as_json: bool,
) -> tuple[Conditions, list[Sample]]:
    """Measure; returns under which conditions, and the samples."""
    samples: list[Sample] = []
    with server.running(cache(), pg) as one:
        contenders = [queue for queue in (_made(name, one) for name in queues) if queue is not None]
        contenders += [Queue(Contender(name, tuple(shlex.split(command))), one) for name, command in adapters.items()]
        conditions = about(one, sizes, contenders)
        if as_json:
            print(json.dumps({"conditions": conditions}), flush=True)
        for number in range(1, rounds + 1):
            # The order changes from round to round, so that no queue is always the first after a pause.
            turn = (number - 1) % max(1, len(contenders))
            for measure in measures:
                for queue in contenders[turn:] + contenders[:turn]:
                    sample = take(number, measure, queue, sizes)
                    samples.append(sample)
                    if as_json:
                        print(json.dumps(sample.line()), flush=True)
    order = [queue.name for queue in contenders]
    return conditions, sorted(samples, key=lambda sample: (sample.round, order.index(sample.queue)))


def _made(name: str, one: server.Bench) -> Queue | None:
    """A queue with its environment; None when that cannot be made here."""
    try:
        return Queue(environments.CONTENDERS[name](), one)
    except (environments.Unavailable, AdapterFailed) as error:
        print(f"bench: {name} is left out: {error}", file=sys.stderr)
        return None


def take(number: int, measure: str, queue: Queue, sizes: Sizes) -> Sample:
    """One measure of one queue; what goes wrong is told and the others go on."""
    try:
        cannot = queue.info.get("cannot", ())
        if measure in cannot:
            raise AdapterFailed(f"it cannot: {cannot[measure]}" if isinstance(cannot, dict) else "it cannot")
        figures = MEASURES[measure](queue, sizes)
    except (AdapterFailed, TimeoutError, psycopg.Error) as error:
        print(f"bench: round {number} {measure} {queue.name}: {error}", file=sys.stderr)
        return Sample(number, measure, queue.name, {}, str(error))
    shown = " ".join(f"{name}={value:.4g}" for name, value in figures.items())
    print(f"bench: round {number} {measure} {queue.name}: {shown}", file=sys.stderr)
    return Sample(number, measure, queue.name, figures)


def about(one: server.Bench, sizes: Sizes, contenders: Sequence[Queue]) -> Conditions:
    """What a reader must know of the run."""
    settings = " ".join(f"{name}={value}" for name, value in server.SETTINGS.items())
    told = {
        "command": shlex.join(["./run", "bench", "queue", *sys.argv[1:]]),
        "date": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "machine": ", ".join(f"{name} {value}" for name, value in machine.describe().items()),
        "Postgres": f"{one.version}, fsync and synchronous_commit on, {settings}",
        "buffers": f"shared blocks hit and read, from {one.buffers_from()}",
        "sizes": ", ".join(f"{name} {value}" for name, value in asdict(sizes).items()),
    }
    for queue in contenders:
        words = ", ".join(f"{key} {value}" for key, value in queue.info["settings"].items())
        told[queue.name] = f"{queue.info['version']}; {words}"
    return told


def read(files: Sequence[Path]) -> tuple[Conditions, list[Sample]]:
    """The lines of earlier --json runs. A round of one file is no round of another: their ratios mean nothing."""
    conditions: Conditions = {}
    samples = []
    for place, file in enumerate(files):
        for line in file.read_text(encoding="utf-8").splitlines():
            document: dict[str, Any] = json.loads(line)
            if told := document.get("conditions"):
                for name, value in told.items():
                    known = conditions.get(name)
                    conditions[name] = value if known in (None, value) else f"{known}; then {value}"
            else:
                document["round"] += 1000 * place
                samples.append(Sample.parse(document))
    return conditions, samples
