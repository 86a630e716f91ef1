"""Workers that die or sleep in the middle of an encode."""

from __future__ import annotations

import hashlib
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg

from tests.acceptance.workerkit import WorkerProcess, alive, encoding, ingest, objects, outcomes, rows, step, until

Conn = psycopg.Connection[Any]
Start = Callable[..., WorkerProcess]


def assert_whole(conn: Conn, video_id: Any, store: Path, attempt: int) -> None:
    """Every variant of the ladder is of this attempt, and its object is what its row says."""
    variants = rows(conn, "select * from media.list_variants(%s) where profile <> 'poster'", video_id)
    assert variants
    for variant in variants:
        data = (store / variant["key"]).read_bytes()
        assert (len(data), hashlib.sha256(data).hexdigest()) == (variant["size_bytes"], variant["sha256"])
        assert variant["attempt"] == attempt


def test_kill_9_in_the_middle_of_an_encode(conn: Conn, start: Start, source: Path, store_dir: Path) -> None:
    """Its ffmpeg dies with it, nothing of it is visible, and a worker that was there all along finishes the job."""
    conn.execute("update queue.job_types set lease = '5 seconds'")
    first = start().started()
    video = ingest(conn, source)
    ffmpeg = encoding(conn, video, first)
    second = start().started()
    first.signal(signal.SIGKILL)
    first.process.wait()
    until(lambda: not alive(ffmpeg), "ffmpeg of the dead worker to go")
    assert not [name for name in objects(store_dir) if "/variants/h264" in name], "half an encode is no object"

    job = until(lambda: (j := step(conn, video, "video_transcode"))["status"] == "completed" and j, "the second attempt")
    assert outcomes(conn, job["id"]) == ["lost", "completed"]
    assert (job["attempts"], job["crashes"]) == (0, 1), "the job is not to blame"
    until(lambda: rows(conn, "select from media.videos where status = 'ready'"), "the video")
    assert_whole(conn, video, store_dir, attempt=2)
    second.signal(signal.SIGTERM)
    assert second.wait() == 0


def test_a_worker_that_starts_marks_a_dead_worker_of_its_host(conn: Conn, start: Start, tmp_path: Path) -> None:
    """With the usual lease of a minute a job is back within seconds after kill -9, and the litter is swept."""
    first = start().started()
    job_id = rows(conn, "select queue.enqueue_job('no_op', job_data => '{\"sleep_s\": 600}') as id")[0]["id"]
    until(lambda: rows(conn, "select from queue.leases"), "the claim")
    litter = tmp_path / "scratch" / rows(conn, "select worker_id from queue.leases")[0]["worker_id"]
    assert litter.is_dir()
    first.signal(signal.SIGKILL)
    first.process.wait()
    second = start().started()
    assert second.log("worker.found_dead")
    until(lambda: outcomes(conn, job_id) == ["lost"], "the rescue")
    assert not litter.exists()
    until(lambda: rows(conn, "select from queue.leases where token = 2"), "the next attempt")


def state(conn: Conn) -> dict[str, list[dict[str, Any]]]:
    """Every row that a job may change."""
    tables = ["queue.processing_jobs", "queue.job_attempts", "queue.ready", "media.videos", "media.assets", "media.variants"]
    return {table: rows(conn, f"select * from {table} as t order by t::text") for table in tables}


def test_a_worker_that_slept_past_its_lease_changes_nothing(conn: Conn, start: Start, source: Path, store_dir: Path) -> None:
    """Stopped in mid-encode, woken when another has finished the job: neither a row nor an object differs."""
    conn.execute("update queue.job_types set lease = '5 seconds'")
    sleeper = start("--types", "download_video,extract_metadata,video_transcode").started()
    video = ingest(conn, source)
    ffmpeg = encoding(conn, video, sleeper)
    sleeper.signal(signal.SIGSTOP)
    other = start().started()
    until(lambda: rows(conn, "select from media.videos where status = 'ready'"), "the video from the other worker")
    other.signal(signal.SIGTERM)
    assert other.wait() == 0
    before, there = state(conn), objects(store_dir)
    job_id = step(conn, video, "video_transcode")["id"]
    assert outcomes(conn, job_id) == ["lost", "completed"]

    sleeper.signal(signal.SIGCONT)
    until(lambda: sleeper.log("job.lost"), "the sleeper to notice")
    sleeper.signal(signal.SIGTERM)
    assert sleeper.wait() == 0
    assert state(conn) == before
    assert objects(store_dir) == there
    assert_whole(conn, video, store_dir, attempt=2)
    assert not alive(ffmpeg)
