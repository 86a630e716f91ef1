"""Worker processes: started, watched by their log and their children, and ended."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

PATIENCE_S = 150.0  # an encode on two cores that others use too
LOOK_S = 0.02
# Heartbeats and polls that a test has the patience for, and an encode that lasts on a fast host too.
UNHURRIED = {
    "REELQ_HEARTBEAT_S": "0.3",
    "REELQ_POLL_S": "0.3",
    "REELQ_FFMPEG_PRESET": "slow",
    "REELQ_FFMPEG_THREADS": "1",
    "REELQ_SCRATCH_RESERVE_BYTES": "1MB",
}


def until(condition: Callable[[], Any], what: str, timeout_s: float = PATIENCE_S) -> Any:
    """Wait until `condition()` is true and return what it returned."""
    deadline = time.monotonic() + timeout_s
    while not (found := condition()):
        assert time.monotonic() < deadline, f"waited {timeout_s} s for {what}"
        time.sleep(LOOK_S)
    return found


class WorkerProcess:
    """`python -m reelq.cli.main worker run …` with its log in a file."""

    def __init__(self, environ: Mapping[str, str], folder: Path, *arguments: str) -> None:
        self._log = folder / f"worker-{time.monotonic_ns()}.log"
        self._out = self._log.with_suffix(".out")
        with self._log.open("wb") as log, self._out.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "reelq.cli.main", "worker", "run", *arguments],
                env=dict(environ), stdin=subprocess.DEVNULL, stdout=out, stderr=log,
            )  # fmt: skip

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.process.pid

    def log(self, event: str | None = None) -> list[dict[str, Any]]:
        """Its log so far; only lines of `event` when one is named."""
        lines = self._log.read_text(encoding="utf-8").splitlines(keepends=True)
        parsed = [json.loads(line) for line in lines if line.startswith("{") and line.endswith("\n")]
        return [line for line in parsed if event in (None, line["event"])]

    def text(self) -> str:
        """The log as it is, for failures."""
        return self._log.read_text(encoding="utf-8")[-5000:]

    def started(self) -> WorkerProcess:
        """Wait until it is registered."""
        until(lambda: self.log("worker.started") or self.process.poll() is not None, "the worker to start")
        assert self.process.poll() is None, self.text()
        return self

    def signal(self, number: int) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def wait(self, timeout_s: float = PATIENCE_S) -> int:
        """Wait for its end; its exit code. It must not have written to stdout."""
        code = self.process.wait(timeout_s)
        assert self._out.read_bytes() == b"", "stdout belongs to data"
        return code

    def descendants(self) -> set[int]:
        """Processes that it started, directly or not, zombies left out."""
        parents = {pid: parent for pid, parent, _ in processes()}
        found = {self.pid}
        while more := {pid for pid, parent in parents.items() if parent in found} - found:
            found |= more
        return found - {self.pid}

    def encoders(self) -> set[int]:
        """The ffmpeg processes among them."""
        names = {pid: name for pid, _, name in processes()}
        return {pid for pid in self.descendants() if names.get(pid) == "ffmpeg"}


def processes() -> Iterator[tuple[int, int, str]]:
    """Process id, parent and name of everything that is alive."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            head, _, tail = (entry / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")
        except (FileNotFoundError, ProcessLookupError):
            continue  # gone meanwhile
        state, parent = tail.split()[:2]
        if state != "Z":
            yield int(entry.name), int(parent), head.partition("(")[2]


def alive(pids: set[int]) -> set[int]:
    """Those of these processes that live."""
    return pids & {pid for pid, _, _ in processes()}


@contextmanager
def workers(environ: Mapping[str, str], folder: Path) -> Iterator[Callable[..., WorkerProcess]]:
    """Start workers in the block; whatever is left of them is killed afterwards."""
    made: list[WorkerProcess] = []

    def start(*arguments: str, **variables: str) -> WorkerProcess:
        made.append(WorkerProcess({**environ, **variables}, folder, *arguments))
        return made[-1]

    try:
        yield start
    finally:
        for worker in made:
            if worker.process.poll() is None:
                left = worker.descendants()
                worker.signal(signal.SIGKILL)
                worker.process.wait()
                until(lambda left=left: not alive(left), "the children of a killed worker to go")  # type: ignore[misc]


def clip(folder: Path, *, seconds: int = 14, height: int = 480) -> Path:
    """A clip whose ladder takes some seconds to encode."""
    path = folder / "clip.mp4"
    size = f"{height * 16 // 9 // 2 * 2}x{height}"
    command = [
        "ffmpeg", "-v", "error", "-f", "lavfi", "-i", f"testsrc2=size={size}:rate=30:duration={seconds}",
        "-f", "lavfi", "-i", f"sine=frequency=440:duration={seconds}", "-c:v", "libx264", "-preset", "ultrafast",
        "-c:a", "aac", "-shortest", str(path),
    ]  # fmt: skip
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return path


def ingest(conn: psycopg.Connection[Any], source: Path) -> Any:
    """The standard pipeline for a file; the video's id."""
    row = conn.execute("select queue.ingest_video(%s)", [str(source)]).fetchone()
    assert row is not None
    return row[0]


def rows(conn: psycopg.Connection[Any], statement: str, *arguments: Any) -> list[dict[str, Any]]:
    """All rows of a statement."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(statement, arguments).fetchall()  # type: ignore[arg-type]


def step(conn: psycopg.Connection[Any], video_id: Any, job_type: str) -> dict[str, Any]:
    """The job of a type for a video."""
    (found,) = rows(conn, "select * from queue.processing_jobs where video_id = %s and job_type = %s", video_id, job_type)
    return found


def encoding(conn: psycopg.Connection[Any], video_id: Any, worker: WorkerProcess, least: float = 0.1) -> set[int]:
    """Wait until the ladder of a video is being encoded and has got somewhere; the ffmpeg processes."""

    def look() -> set[int]:
        assert worker.process.poll() is None, worker.text()
        assert not worker.log("job.failed"), worker.text()
        far = rows(
            conn,
            "select from queue.leases l join queue.processing_jobs j on j.id = l.job_id "
            "where j.video_id = %s and l.job_type = 'video_transcode' and l.stage = 'encode' and l.progress > %s",
            video_id,
            least,
        )
        return worker.encoders() if far else set()

    found: set[int] = until(look, "an encode")
    return found


def outcomes(conn: psycopg.Connection[Any], job_id: Any) -> list[str]:
    """How the attempts of a job ended, in order."""
    return [
        row["outcome"] for row in rows(conn, "select outcome from queue.job_attempts where job_id = %s order by attempt", job_id)
    ]


def objects(store: Path) -> dict[str, int]:
    """Every file below the store's folder, hidden ones too, with its size."""
    return {str(path.relative_to(store)): path.stat().st_size for path in store.rglob("*") if path.is_file()}


def environment() -> dict[str, str]:
    """The environment without what belongs to a database or to us."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PG", "REELQ_", "DATABASE_"))}
