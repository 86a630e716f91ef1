"""python -m benchmarks.queue: the same work through reelq and other queues, in interleaved rounds."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from benchmarks.document import write_section
from benchmarks.queue import rounds as turns
from benchmarks.queue.environments import CONTENDERS
from benchmarks.queue.measures import MEASURES, Sizes
from benchmarks.queue.report import markdown

DEFAULT = Sizes()


def words(allowed: Sequence[str]) -> click.ParamType[list[str]]:
    """A type: some of `allowed`, commas between them."""

    class Words(click.ParamType[list[str]]):
        name = "words"

        def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> list[str]:
            found = str(value).split(",") if not isinstance(value, list) else value
            for word in found:
                if word and word not in allowed:
                    self.fail(f"must be among {', '.join(allowed)}, not {word}", param, ctx)
            return [word for word in found if word]

    return Words()


@click.command(context_settings={"show_default": True, "help_option_names": ["-h", "--help"]})
@click.option("--measures", type=words(list(MEASURES)), default=",".join(MEASURES), help="Which, with commas.")
@click.option("--queues", type=words(list(CONTENDERS)), default=",".join(CONTENDERS), help="Which, with commas.")
@click.option("--adapter", "adapters", multiple=True, metavar="NAME=COMMAND", help="Another queue, by its adapter's command.")
@click.option("--rounds", type=click.IntRange(min=1), default=3, help="How often; results are medians.")
@click.option("--jobs", type=click.IntRange(min=100), default=DEFAULT.jobs, help="Jobs of a drain (B, B2, E, F).")
@click.option("--concurrency", type=click.IntRange(min=1), default=DEFAULT.concurrency, help="Jobs side by side in a worker.")
@click.option("--backlog", "backlogs", type=click.IntRange(min=20_001), multiple=True, default=DEFAULT.backlogs[1:],
              help="D's large backlog; may be given several times. The goal's is 10000000.")  # fmt: skip
@click.option("--scheduled", type=click.IntRange(min=1), default=DEFAULT.scheduled, help="F's jobs that are due in ten hours.")
@click.option(
    "--limit", "limit_s", type=click.FloatRange(min=1), default=DEFAULT.limit_s, help="Seconds to cut a drain off after."
)
@click.option("--pg", help="Postgres: system, wheel, or a major; default: the system's, else the wheel's.")
@click.option("--json", "as_json", is_flag=True, help="A line a measure, queue and round on stdout instead of tables.")
@click.option("--read", "files", type=click.Path(exists=True, dir_okay=False, path_type=Path), multiple=True,
              help="Measure nothing: report the lines of earlier --json runs.")  # fmt: skip
@click.option(
    "--write", type=click.Path(dir_okay=False, path_type=Path), help="Put the result into this file: docs/benchmarks.md."
)
def bench(
    measures: list[str], queues: list[str], adapters: tuple[str, ...], rounds: int, as_json: bool, files: tuple[Path, ...],
    write: Path | None, pg: str | None, jobs: int, concurrency: int, backlogs: tuple[int, ...], scheduled: int, limit_s: float,
) -> None:  # fmt: skip
    """Run the same no-op jobs through reelq and other Postgres queues.

    Every measure gets a fresh database on a private durable server. Rates on a busy machine are noise: read ratios
    within a round, and counts.

    \b
    Examples:
      ./run bench queue --measures B,C --queues reelq,graphile --rounds 1
      ./run bench queue --write docs/benchmarks.md
      ./run bench queue --json > lines.jsonl; ./run bench queue --read lines.jsonl
      ./run bench queue --queues reelq --adapter other="python other.py"
    """
    if files:
        conditions, samples = turns.read(files)
    else:
        sizes = Sizes(
            jobs=jobs, backlogs=(DEFAULT.backlogs[0], *backlogs), scheduled=scheduled, concurrency=concurrency, limit_s=limit_s
        )
        others = dict(one.partition("=")[::2] for one in adapters)
        conditions, samples = turns.run(measures, queues, others, rounds, sizes, pg, as_json)
    if not as_json:
        print(markdown(samples))
    if write is not None:
        head = "\n".join(f"- **{name}**: {value}" for name, value in conditions.items())
        write_section(write, "queue", "Queue", head, markdown(samples))
        print(f"bench: wrote {write}", file=sys.stderr)


if __name__ == "__main__":
    bench(prog_name="./run bench queue")
