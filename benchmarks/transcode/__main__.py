"""python -m benchmarks.transcode: what the worker adds to ffmpeg's own time."""

from __future__ import annotations

import json
import shlex
import shutil
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import click

from benchmarks import machine, server
from benchmarks.document import write_section
from benchmarks.place import cache
from benchmarks.tables import number, table
from benchmarks.transcode import hand, stage
from benchmarks.transcode.hand import Cost
from reelq.worker import settings as environment
from reelq.worker.sandbox.child import bubble_wanted

GOAL_PERCENT = 2.0
WAYS = {
    "worker": "the job, from the commit that enqueues it to its completion: fetch, encode, read back, store, record",
    "hand": "the worker's very ffmpeg command, run by hand",
    "each": "one ffmpeg a rendition, one after another",
}
Round = dict[str, Cost]


@click.command(context_settings={"show_default": True})
@click.option("--file", "source", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A video of yours.")
@click.option("--seconds", type=click.IntRange(min=2), default=30, help="Length of the clip that is made otherwise.")
@click.option("--size", default="1280x720", help="Its size.")
@click.option("--rounds", type=click.IntRange(min=1), default=3, help="How often; results are medians.")
@click.option("--sandbox", type=click.Choice(["auto", "off"]), default="auto", help="Around both the worker's ffmpeg and yours.")
@click.option("--pg", help="Postgres: system, wheel, or a major; default: the system's, else the wheel's.")
@click.option("--json", "as_json", is_flag=True, help="A line a round and way on stdout instead of a table.")
@click.option("--write", type=click.Path(dir_okay=False, path_type=Path), help="Put the result into docs/benchmarks.md.")
def bench(
    source: Path | None, seconds: int, size: str, rounds: int, sandbox: str, pg: str | None, as_json: bool, write: Path | None
) -> None:
    """Encode a video's ladder by a real worker and by plain ffmpeg, in turns.

    The command that is run by hand is read from the running worker's ffmpeg; only the paths are changed. Both run at
    the same niceness, in the same sandbox or none.

    \b
    Examples:
      ./run bench transcode
      ./run bench transcode --file talk.mp4 --rounds 5
      ./run bench transcode --sandbox off --write docs/benchmarks.md
    """
    settings = environment.load({}, sandbox=sandbox)
    conditions = {
        "command": shlex.join(["./run", "bench", "transcode", *sys.argv[1:]]),
        "date": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "machine": ", ".join(f"{name} {value}" for name, value in machine.describe().items()),
        "sandbox": "bubblewrap around all" if bubble_wanted(settings.sandbox) else "off",
        "ffmpeg": f"{hand.tools(settings).version()}, preset {settings.ffmpeg_preset}, {hand.tools(settings).threads} threads",
    }
    cache().mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="transcode-", dir=cache()))
    try:
        clip = source.resolve() if source else hand.make_clip(settings, folder / "in", seconds, size)
        conditions["video"] = clip.name
        with server.running(cache(), pg) as one, stage.up(one, folder / "stack", clip, sandbox) as ours:
            conditions["Postgres"] = one.version
            results = turns(ours, settings, clip, folder / "out", rounds)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if as_json:
        print(json.dumps({"conditions": conditions}))
        for place, figures in enumerate(results, 1):
            for way, cost in figures.items():
                print(json.dumps({"round": place, "way": way, "wall_s": cost.wall_s, "cpu_s": cost.cpu_s}))
    else:
        print(report(results))
    if write is not None:
        write_section(
            write, "transcode", "Transcode", "\n".join(f"- **{k}**: {v}" for k, v in conditions.items()), report(results)
        )


def turns(ours: stage.Stage, settings: environment.Settings, clip: Path, output: Path, rounds: int) -> list[Round]:
    """A warm-up, then rounds; who comes first turns."""
    tell("warming up: the standard pipeline, and a job whose ffmpeg is watched")
    ours.ingest(clip)
    program = shutil.which(settings.ffmpeg or "ffmpeg")
    if program is None:
        raise click.ClickException("there is no ffmpeg")
    same = hand.moved(ours.spy(program), clip, output)
    each = hand.one_each(settings, clip, output)
    ways: dict[str, Callable[[], Cost]] = {
        "worker": ours.transcode,
        "hand": lambda: hand.run(settings, [same], clip, output),
        "each": lambda: hand.run(settings, each, clip, output),
    }
    results = []
    for place in range(rounds):
        names = list(ways)[place % len(ways) :] + list(ways)[: place % len(ways)]
        costs = {}
        for name in names:
            costs[name] = ways[name]()
            tell(f"round {place + 1} {name}: {costs[name].wall_s:.2f} s, CPU {costs[name].cpu_s:.2f} s")
        results.append({name: costs[name] for name in ways})
    return results


def report(results: list[Round]) -> str:
    """Medians, the ratios within a round, the verdict."""
    rows = []
    for way, text in WAYS.items():
        more = [100 * (one[way].wall_s / one["hand"].wall_s - 1) for one in results]
        wall, cpu = (median(costs) for costs in zip(*((one[way].wall_s, one[way].cpu_s) for one in results), strict=True))
        rows.append([text, number(wall), number(cpu), "" if way == "hand" else f"{median(more):+.1f} %"])
    overhead = [100 * (one["worker"].wall_s / one["hand"].wall_s - 1) for one in results]
    saved = median(100 * (1 - one["worker"].wall_s / one["each"].wall_s) for one in results)
    verdict = "ok" if median(overhead) <= GOAL_PERCENT else "**missed**"
    return "\n".join(
        [
            table(["", "wall s", "CPU s", "against by hand"], rows),
            "",
            f"The worker adds {median(overhead):.1f} % ({min(overhead):.1f} to {max(overhead):.1f} in {len(overhead)} rounds); "
            f"goal ≤ {GOAL_PERCENT:.0f} %: {verdict}. Against one ffmpeg a rendition it saves {saved:.0f} % of the time.",
        ]
    )


def tell(line: str) -> None:
    """Progress, for people."""
    print(f"bench: {line}", file=sys.stderr)


if __name__ == "__main__":
    bench(prog_name="./run bench transcode")
