"""benchmarks/queue/adapter: the program that any harness may call, with real processes."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import psycopg

from benchmarks.queue.driving import read
from tests.acceptance.workerkit import until

ROOT = Path(__file__).resolve().parents[2]
ADAPTER = ROOT / "benchmarks" / "queue" / "adapter"
JOBS = 300


def test_the_adapter_enqueues_drains_once_each_and_ends_at_sigterm(empty_dsn: str, tmp_path: Path) -> None:
    environ = {**os.environ, "BENCH_DSN": empty_dsn}
    out = tmp_path / "out"

    def verb(*words: str) -> str:
        return subprocess.run([ADAPTER, *words], env=environ, capture_output=True, text=True, check=True).stdout

    info = json.loads(verb("info"))
    assert {"name", "version", "settings", "remaining_sql"} <= info.keys()
    verb("reset")
    assert json.loads(verb("enqueue-many", str(JOBS), "100", "0"))["n"] == JOBS
    with psycopg.connect(empty_dsn, autocommit=True) as conn:

        def remaining() -> int:
            (left,) = conn.execute(info["remaining_sql"]).fetchone() or (None,)
            return int(left or 0)

        assert remaining() == JOBS
        worker = subprocess.Popen([ADAPTER, "work", "10", str(out)], env=environ, start_new_session=True)
        try:
            until(lambda: worker.poll() is not None or not remaining(), "the worker")
            assert worker.poll() is None
        finally:
            worker.terminate()
        assert worker.wait(30) == 0
        settled = conn.execute("select status, count(*) from queue.processing_jobs group by 1").fetchall()
    assert settled == [("completed", JOBS)]
    assert sorted(start.number for start in read(out)) == list(range(JOBS))
