"""python -m benchmarks.queue: the same work through reelq and other queues, in interleaved rounds."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import click

from benchmarks import machine, server
from benchmarks.document import write_section
from benchmarks.place import cache
from benchmarks.queue import environments
from benchmarks.queue.driving import AdapterFailed, Queue
from benchmarks.queue.measures import MEASURES, Sizes
from benchmarks.queue.report import Sample, markdown

ALL = ",".join(environments.CONTENDERS)
DEFAULT = Sizes()


def words(allowed: Sequence[str]) -> click.ParamType[list[str]]:
    """A type: some of `allowed`, commas between them."""

    class Words(click.ParamType[list[str]]):
        name = "words"

        def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> list[str]:
            found = str(value).split(",") if not isinstance(value, list) else value
            for word in found:
                if word not in allowed:
                    self.fail(f"{word} is not one of {', '.join(allowed)}", param, ctx)
            return found

    return Words()


@click.command(context_settings={"show_default": True})
@click.option("--measures", type=words(list(MEASURES)), default="A,B,B2,C,D,E,F", help="Which, with commas.")
@click.option("--queues", type=words(list(environments.CONTENDERS)), default=ALL, help="Which, with commas.")
@click.option("--rounds", type=click.IntRange(min=1), default=3, help="How often; results are medians.")
@click.option("--jobs", type=click.IntRange(min=100), default=DEFAULT.jobs, help="Jobs of a drain (B, B2, E, F).")
@click.option("--concurrency", type=click.IntRange(min=1), default=DEFAULT.concurrency, help="Jobs side by side in a worker.")
@click.option(
    "--backlog", type=click.IntRange(min=20_000), default=max(DEFAULT.backlogs), help="D's large backlog; the goal's is 10000000."
)
@click.option("--scheduled", type=click.IntRange(min=1), default=DEFAULT.scheduled, help="F's jobs that are due in ten hours.")
@click.option(
    "--limit", "limit_s", type=click.FloatRange(min=1), default=DEFAULT.limit_s, help="Seconds after which a drain is cut off."
)
@click.option("--pg", help="Postgres: system, wheel, or a major; default: the system's, else the wheel's.")
@click.option("--json", "as_json", is_flag=True, help="A line a measure, queue and round on stdout instead of tables.")
@click.option("--read", "files", type=click.Path(exists=True, dir_okay=False, path_type=Path), multiple=True,
              help="Measure nothing: report the lines of earlier --json runs.")  # fmt: skip
@click.option(
    "--write", type=click.Path(dir_okay=False, path_type=Path), help="Put the result into a Markdown file, docs/benchmarks.md."
)
def bench(
    measures: list[str], queues: list[str], rounds: int, as_json: bool, files: tuple[Path, ...], write: Path | None,
    pg: str | None, jobs: int, concurrency: int, backlog: int, scheduled: int, limit_s: float,
) -> None:  # fmt: skip
    """Run the same no-op jobs through reelq and other Postgres queues.

    Every measure gets a fresh database on a private durable server. Rates on a busy machine are noise: read ratios
    within a round, and counts. F needs B of the same round, so it brings it along.

    \b
    Examples:
      ./run bench queue --measures B,C --queues reelq,graphile --rounds 1
      ./run bench queue --write docs/benchmarks.md
      ./run bench queue --json > lines.jsonl; ./run bench queue --read lines.jsonl
    """
    if files:
        lines = [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]
        conditions: dict[str, str] = next((line["conditions"] for line in lines if "conditions" in line), {})
        samples = [Sample.parse(line) for line in lines if "conditions" not in line]
    else:
        sizes = Sizes(
            jobs=jobs, backlogs=(min(DEFAULT.backlogs), backlog), scheduled=scheduled, concurrency=concurrency, limit_s=limit_s
        )
        if "F" in measures and "B" not in measures:
            measures = ["B", *measures]
        conditions, samples = run(measures, queues, rounds, sizes, pg, as_json)
    if not as_json:
        print(markdown(samples))
    if write is not None:
        write_section(write, "queue", "Queue", introduction(conditions), markdown(samples))
        print(f"bench: wrote {write}", file=sys.stderr)


def run(
    measures: list[str], queues: list[str], rounds: int, sizes: Sizes, pg: str | None, as_json: bool
) -> tuple[dict[str, str], list[Sample]]:
    """Measure; returns under which conditions, and the samples."""
    samples: list[Sample] = []
    with server.running(cache(), pg) as one:
        contenders = []
        conditions = about(one, sizes)
        for name in queues:
            try:
                contenders.append(Queue(environments.CONTENDERS[name](), one))
            except (environments.Unavailable, AdapterFailed) as error:
                print(f"bench: {name} is left out: {error}", file=sys.stderr)
        for queue in contenders:
            info = queue.info
            told = ", ".join(f"{key} {value}" for key, value in info["settings"].items())
            conditions[queue.name] = f"{info['version']}; {told}"
        if as_json:
            print(json.dumps({"conditions": conditions}), flush=True)
        for number in range(1, rounds + 1):
            for measure in measures:
                # The order turns from round to round: nobody is always the first after a pause.
                turn = (number - 1) % max(1, len(contenders))
                for queue in contenders[turn:] + contenders[:turn]:
                    sample = take(number, measure, queue, sizes)
                    samples.append(sample)
                    if as_json:
                        print(json.dumps(sample.line()), flush=True)
    order = list(queues)
    return conditions, sorted(samples, key=lambda sample: (sample.round, sample.measure, order.index(sample.queue)))


def take(number: int, measure: str, queue: Queue, sizes: Sizes) -> Sample:
    """One measure of one queue."""
    try:
        figures = MEASURES[measure](queue, sizes)
    except (AdapterFailed, TimeoutError) as error:
        print(f"bench: round {number} {measure} {queue.name}: {error}", file=sys.stderr)
        return Sample(number, measure, queue.name, {}, str(error))
    shown = " ".join(f"{name}={value:.4g}" for name, value in figures.items())
    print(f"bench: round {number} {measure} {queue.name}: {shown}", file=sys.stderr)
    return Sample(number, measure, queue.name, figures)


def about(one: server.Bench, sizes: Sizes) -> dict[str, str]:
    """What a reader must know of the run."""
    settings = " ".join(f"{name}={value}" for name, value in server.SETTINGS.items())
    return {
        "command": shlex.join(["./run", "bench", "queue", *sys.argv[1:]]),
        "date": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "machine": ", ".join(f"{name} {value}" for name, value in machine.describe().items()),
        "Postgres": f"{one.version}, fsync and synchronous_commit on, {settings}",
        "buffers": f"shared blocks hit and read, from {one.buffers_from()}",
        "sizes": ", ".join(f"{name} {value}" for name, value in asdict(sizes).items()),
    }


def introduction(conditions: dict[str, str]) -> str:
    """The head of the section in the file."""
    return "\n".join(f"- **{name}**: {value}" for name, value in conditions.items())


if __name__ == "__main__":
    bench(prog_name="./run bench queue")
