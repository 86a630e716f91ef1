"""python -m benchmarks.vacuum: how much the weekly round of VACUUM and ANALYZE slows a drain, and how long the round takes alone."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click
import psycopg

from benchmarks import machine, server
from benchmarks.document import write_section
from benchmarks.place import cache
from benchmarks.queue.driving import Queue, drain
from benchmarks.queue.environments import reelq
from benchmarks.tables import table
from reelq.worker.rooms.ops.upkeep import tables_to_vacuum
from reelq.worker.upkeep.vacuum import SESSION, STATEMENTS

GOAL = 0.9  # of the rate without it
# What there is to vacuum beside the drain: jobs of the past with dead rows among them.
PAST = (
    "insert into queue.attempt_history (job_id, attempt, job_type, worker_id, started_at, ended_at, outcome, created_at) "
    "select base.uuid_v7(), 1, 'no_op', 'w1', now(), now(), 'completed', now() from generate_series(1, %(past)s) as n",
    "delete from queue.attempt_history where random() < 0.3",
)


class Round:
    """Vacuums all tables one after the other, again and again, until it is told to end."""

    def __init__(self, dsn: str) -> None:
        self.tables = 0
        self._over = threading.Event()
        self._conn = psycopg.connect(dsn, autocommit=True)
        for name, value in SESSION.items():
            self._conn.execute("select set_config(%s, %s, false)", [name, value])
        self._found = tables_to_vacuum(self._conn, False)
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        while not self._over.is_set():
            self.once()

    def once(self) -> None:
        """All tables, unless it is told to end."""
        for one in self._found:
            if self._over.is_set():
                return
            try:
                self._conn.execute(STATEMENTS[one.action].format(one.relation).encode())
            except psycopg.errors.QueryCanceled:
                return  # told to end
            self.tables += 1

    @contextmanager
    def beside(self) -> Iterator[None]:
        """While the block runs."""
        self._thread.start()
        try:
            yield
        finally:
            self.end()

    def end(self) -> None:
        """End it, and close the connection."""
        self._over.set()
        self._conn.cancel_safe()
        if self._thread.is_alive():
            self._thread.join()
        self._conn.close()


@click.command()
@click.option("--jobs", default=20_000, show_default=True, help="Of each drain.")
@click.option("--past", default=300_000, show_default=True, help="Attempts of the past beside them.")
@click.option("--rounds", default=5, show_default=True, help="Each is a drain without and a drain with it, in turns.")
@click.option("--write", "page", type=click.Path(path_type=Path), help="Put the result into its section of this page.")
def main(jobs: int, past: int, rounds: int, page: Path | None) -> None:
    """Drain the same jobs with and without VACUUM beside it; nine tenths of the rate is the goal."""
    begun = datetime.now(UTC)
    with server.running(cache()) as bench:
        queue = Queue(reelq(), bench)
        without, beside, alone_s, version = list[float](), list[float](), 0.0, bench.version
        for number in range(rounds):
            for with_it in (False, True) if number % 2 else (True, False):
                queue.reset()
                with psycopg.connect(bench.dsn, autocommit=True) as conn:
                    for statement in PAST:
                        conn.execute(statement.encode(), {"past": past})
                queue.enqueue_many(jobs)
                bench.checkpoint()
                work = Round(bench.dsn)
                if with_it:
                    with work.beside():
                        beside.append(drain(queue, jobs)["jobs_s"])
                    click.echo(f"round {number + 1}: {beside[-1]:,.0f} jobs/s beside {work.tables} tables", err=True)
                else:
                    without.append(drain(queue, jobs)["jobs_s"])
                    began = time.monotonic()
                    work.once()
                    alone_s = time.monotonic() - began
                    work.end()
                    click.echo(f"round {number + 1}: {without[-1]:,.0f} jobs/s without; all tables then take {alone_s:.1f} s", err=True)
    ratios = [one / other for one, other in zip(beside, without, strict=True)]
    told = table(
        ["", "median", "all rounds"],
        [
            ["jobs/s without", f"{statistics.median(without):,.0f}", " ".join(f"{one:,.0f}" for one in without)],
            ["jobs/s beside it", f"{statistics.median(beside):,.0f}", " ".join(f"{one:,.0f}" for one in beside)],
            [f"ratio, goal {GOAL}", f"{statistics.median(ratios):.2f}", " ".join(f"{one:.2f}" for one in ratios)],
            ["all tables once, after the drain, s", f"{alone_s:.1f}", ""],
        ],
    )
    host = ", ".join(f"{name} {value}" for name, value in machine.describe().items())
    facts = "\n".join(
        (
            f"- **command**: python -m benchmarks.vacuum --jobs {jobs} --past {past} --rounds {rounds}",
            f"- **date**: {begun:%Y-%m-%d %H:%M} UTC",
            f"- **machine**: {host}; it had other work beside this",
            f"- **Postgres**: {version}, durable",
            "- **beside the drain**: the statements of the task `vacuum` over all tables, begun anew as long as the drain lasts",
        )
    )
    click.echo(told)
    if page is not None:
        write_section(page, "vacuum", "VACUUM beside a drain", facts, told)


if __name__ == "__main__":
    main()
