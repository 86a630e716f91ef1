"""Workers and jobs that are told to stop: signals, cancel."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg

from tests.acceptance.workerkit import WorkerProcess, alive, encoding, ingest, outcomes, rows, step, until
from tests.patience import QUICK_S

Conn = psycopg.Connection[Any]
Start = Callable[..., WorkerProcess]


def test_sigterm_drains(conn: Conn, start: Start, source: Path) -> None:
    """The encode in hand completes; what became ready meanwhile is left for others; exit 0."""
    worker = start("--slots", "2").started()
    video = ingest(conn, source)
    encoding(conn, video, worker)
    until(lambda: step(conn, video, "generate_thumbnail")["status"] == "completed", "the poster")
    worker.signal(signal.SIGTERM)
    assert worker.wait() == 0
    assert step(conn, video, "video_transcode")["status"] == "completed"
    assert step(conn, video, "finish_video")["status"] == "queued"
    assert [line["jobs"] for line in worker.log("worker.draining")] == [1]
    assert rows(conn, "select status from queue.workers") == [{"status": "stopped"}]


def test_a_second_sigterm_gives_the_job_back_at_once(conn: Conn, start: Start, source: Path) -> None:
    """ffmpeg is gone, the job is ready again and has been charged nothing."""
    worker = start().started()
    video = ingest(conn, source)
    ffmpeg = encoding(conn, video, worker)
    worker.signal(signal.SIGTERM)
    until(lambda: worker.log("worker.draining"), "the drain")
    began = time.monotonic()
    worker.signal(signal.SIGTERM)
    assert worker.wait() == 0
    assert time.monotonic() - began < QUICK_S
    assert not alive(ffmpeg)
    job = step(conn, video, "video_transcode")
    assert (job["status"], job["attempts"], job["crashes"]) == ("queued", 0, 0)
    assert outcomes(conn, job["id"]) == ["released"]


def started(start: Start, hangup: Any) -> WorkerProcess:
    """A worker that was started with this disposition of SIGHUP, which children inherit."""
    before = signal.signal(signal.SIGHUP, hangup)
    try:
        return start().started()
    finally:
        signal.signal(signal.SIGHUP, before)


def sleeping(conn: Conn, worker: WorkerProcess, sleep_s: float) -> Any:
    """Have a job that only sleeps run; its id."""
    job_id = rows(conn, "select queue.enqueue_job('no_op', job_data => jsonb_build_object('sleep_s', %s::numeric)) as id", sleep_s)[0]["id"]
    until(lambda: rows(conn, "select 1 from queue.processing_jobs where id = %s and status = 'running'", job_id), "the job to run")
    return job_id


def test_a_closed_terminal_drains_and_a_second_hangup_hurries(conn: Conn, start: Start) -> None:
    """SIGHUP is taken as SIGTERM: it kills no worker, and charges nothing."""
    worker = started(start, signal.SIG_DFL)
    job_id = sleeping(conn, worker, 600)
    worker.signal(signal.SIGHUP)
    until(lambda: worker.log("worker.draining"), "the drain")
    worker.signal(signal.SIGHUP)
    assert worker.wait() == 0
    assert outcomes(conn, job_id) == ["released"]
    assert rows(conn, "select status, crashes from queue.processing_jobs") == [{"status": "queued", "crashes": 0}]


def test_a_hangup_lets_a_job_finish(conn: Conn, start: Start) -> None:
    """As the first SIGTERM does."""
    worker = started(start, signal.SIG_DFL)
    job_id = sleeping(conn, worker, 2)
    worker.signal(signal.SIGHUP)
    assert worker.wait() == 0
    assert outcomes(conn, job_id) == ["completed"]
    assert rows(conn, "select status from queue.workers") == [{"status": "stopped"}]


def test_under_nohup_a_hangup_is_ignored(conn: Conn, start: Start) -> None:
    """Who started it so wants it to outlive the terminal."""
    worker = started(start, signal.SIG_IGN)
    worker.signal(signal.SIGHUP)
    job_id = rows(conn, "select queue.enqueue_job('no_op') as id")[0]["id"]
    until(lambda: outcomes(conn, job_id) == ["completed"], "the next job")
    assert not worker.log("worker.draining")
    worker.signal(signal.SIGTERM)
    assert worker.wait() == 0


def test_cancel_of_a_running_encode(conn: Conn, start: Start, source: Path, tmp_path: Path) -> None:
    """ffmpeg is gone at once, and so is its folder; the worker goes on."""
    conn.execute("update queue.job_types set lease = '1 hour'")
    worker = start(REELQ_HEARTBEAT_S="10m").started()  # the notification brings it, not the next heartbeat
    video = ingest(conn, source)

    def ffmpeg() -> set[int]:
        running = step(conn, video, "video_transcode")["status"] == "running"
        return worker.encoders() if running else set()

    encoders = until(ffmpeg, "an encode")
    job_id = step(conn, video, "video_transcode")["id"]
    conn.execute("select queue.cancel_job(%s, 'not wanted')", [job_id])
    until(lambda: not alive(encoders), "ffmpeg to go")
    until(lambda: step(conn, video, "video_transcode")["status"] == "cancelled", "the settlement")
    assert outcomes(conn, job_id) == ["cancelled"]
    until(lambda: not list((tmp_path / "scratch").glob("*/*")), "the scratch folder to go")
    other = rows(conn, "select queue.enqueue_job('no_op') as id")[0]["id"]
    until(lambda: outcomes(conn, other) == ["completed"], "the next job")
