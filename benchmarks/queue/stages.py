"""python -m benchmarks.queue.stages: where the time of C goes, from the commit of a job to the start of its handler in an idle worker.

The worker is the benchmark's own, with a mark at each step of the way (MARKS). Beside it the same idle database is asked for
nothing, and to commit one row: so much of the claim is the way there and back, and the disk.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import click
import psycopg

from benchmarks import machine, server
from benchmarks.document import write_section
from benchmarks.place import ROOT, cache, child_environ
from benchmarks.queue.protocol import paced
from benchmarks.queue.reelq import Reelq
from benchmarks.tables import table
from reelq.worker.db.async_query import AsyncQuery
from reelq.worker.runtime.attempt import Attempt
from reelq.worker.runtime.dispatch_queue import DispatchQueue
from reelq.worker.runtime.listener import Listener
from reelq.worker.runtime.main_loop import MainLoop

INTERVAL_S = 0.05
FIRST = 20  # jobs until everything is prepared
READY_S = 3.0  # until the worker listens
CONCURRENCY = 10
# Step: what is marked, before or after the call, and what lies between the mark above and this one.
MARKS: dict[str, tuple[type, str, bool, str]] = {
    "told": (Listener, "_tell", False, "commit, notification, the listener's thread wakes"),
    "woken": (MainLoop, "_handle", False, "the main thread wakes"),
    "asks": (AsyncQuery, "__init__", False, "what else there is to do is looked at, the claim is written"),
    "sent": (AsyncQuery, "__init__", True, "it is sent"),
    "answered": (AsyncQuery, "wait", True, "the way there, the claim, its commit, the way back"),
    "given": (DispatchQueue, "give", False, "the answer is read, the attempt made"),
    "slot": (Attempt, "run", False, "a slot's thread wakes"),
    "started": (Attempt, "run", False, "deadlines, arguments, the handler"),
}


def work(out: Path) -> None:
    """The worker: appends a JSON line a job to `out`, its number and the Unix times of the marks."""
    marks: dict[str, float] = {}
    with out.open("a", buffering=1) as file:

        def started(number: int) -> None:
            marks["started"] = time.time()
            file.write(json.dumps([number, marks]) + "\n")

        for name, (owner, method, is_after, _) in MARKS.items():
            if name != "started":
                setattr(owner, method, _marked(getattr(owner, method), name, marks, is_after=is_after))
        Reelq().work(CONCURRENCY, started)


def _marked(function: Callable[..., Any], name: str, marks: dict[str, float], *, is_after: bool) -> Callable[..., Any]:
    def called(*args: Any, **kwargs: Any) -> Any:
        if name == "told":
            marks.clear()
        if not is_after:
            marks.setdefault(name, time.time())
        result = function(*args, **kwargs)
        if is_after:
            marks.setdefault(name, time.time())
        return result

    return called


def measure(bench: server.Bench, jobs: int, folder: Path) -> tuple[dict[str, float], dict[str, float]]:
    """Medians in ms: of the steps, and of the two plain statements."""
    bench.fresh()
    os.environ["BENCH_DSN"] = bench.dsn
    reelq, out, committed = Reelq(), folder / "marks", dict[int, float]()
    reelq.reset()
    out.touch()
    worker = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.queue.stages", "--work", str(out)],
        env=child_environ({"BENCH_DSN": bench.dsn, "PYTHONPATH": str(ROOT)}), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        time.sleep(READY_S)
        reelq.trickle(jobs + FIRST, INTERVAL_S, lambda number: committed.__setitem__(number, time.time()))
        time.sleep(READY_S)
    finally:
        worker.terminate()
        worker.wait()
    spans: dict[str, list[float]] = {name: [] for name in [*MARKS, "all"]}
    for number, marks in map(json.loads, out.read_text().splitlines()):
        if number < FIRST or set(marks) != set(MARKS):
            continue  # found by a poll
        before = committed[number]
        for name in MARKS:
            spans[name].append(marks[name] - before)
            before = marks[name]
        spans["all"].append(before - committed[number])
    return {name: median(of) * 1000 for name, of in spans.items()}, _plain(bench.dsn, jobs)


def _plain(dsn: str, count: int) -> dict[str, float]:
    """What a round trip takes at this pace: alone, and with the commit of one row."""
    with psycopg.connect(dsn, autocommit=True, prepare_threshold=0) as conn:
        conn.execute("create table one_row as select 1 as n")
        found = {}
        for name, statement in (("round trip", "select 1"), ("round trip and commit", "update one_row set n = n + 1")):
            took = []
            for _ in paced(count, INTERVAL_S):
                begin = time.perf_counter()
                conn.execute(statement)
                took.append(time.perf_counter() - begin)
            found[name] = median(took) * 1000
        return found


@click.command(context_settings={"show_default": True, "help_option_names": ["-h", "--help"]})
@click.option("--jobs", type=click.IntRange(min=10), default=300, help="How many are measured; figures are medians.")
@click.option("--pg", help="Postgres: system, wheel, or a major; default: the system's, else the wheel's.")
@click.option("--write", type=click.Path(dir_okay=False, path_type=Path), help="Put the result into this file: docs/benchmarks.md.")
@click.option("--work", "out", type=click.Path(dir_okay=False, path_type=Path), hidden=True)
def bench(jobs: int, pg: str | None, write: Path | None, out: Path | None) -> None:
    """Show where the time goes from the commit of a job to its handler's start.

    \b
    Examples:
      ./run bench stages
      ./run bench stages --write docs/benchmarks.md
    """
    if out is not None:
        work(out)
        return
    with server.running(cache(), pg) as database, tempfile.TemporaryDirectory() as folder:
        steps, plain = measure(database, jobs, Path(folder))
        rows = [[f"{steps[name]:.2f}", what] for name, (*_, what) in MARKS.items()]
        rows.append([f"{steps['all']:.2f}", "all (the median of the whole, not the sum of medians)"])
        rows += [[f"{ms:.2f}", f"beside it: a {name} on the same idle server"] for name, ms in plain.items()]
        text = table(["p50 ms", "step"], rows)
        print(text)
        if write is not None:
            facts = ", ".join(f"{name} {value}" for name, value in machine.describe().items())
            command = "./run bench stages" + (f" --jobs {jobs}" if jobs != 300 else "")
            head = f"- **command**: {command}\n- **machine**: {facts}\n- **Postgres**: {database.version}"
            write_section(write, "stages", "Where the time of C goes", head, text)


if __name__ == "__main__":
    bench(prog_name="./run bench stages")
