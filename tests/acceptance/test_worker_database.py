"""Workers and their database: away at the start, restarted under a running encode; a thousand jobs for two."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg

from demo import postgres
from reelq.worker.db import schema
from tests.acceptance.workerkit import (
    UNHURRIED,
    WorkerProcess,
    encoding,
    environment,
    ingest,
    outcomes,
    rows,
    step,
    until,
    workers,
)

Start = Callable[..., WorkerProcess]


def test_a_database_that_is_away_at_the_start(start: Start) -> None:
    """Exit 75, which service managers take for: try again."""
    worker = start(DATABASE_URL="postgresql://nobody@127.0.0.1:9/none?connect_timeout=2")
    assert worker.wait() == 75
    assert "Traceback" not in worker.text()


def test_a_database_without_the_schema(start: Start, empty_dsn: str) -> None:
    """Exit 1 and what to do about it."""
    worker = start(DATABASE_URL=empty_dsn)
    assert worker.wait() == 2
    assert "reelq schema install" in worker.text()


def test_postgres_restarts_under_a_running_encode(source: Path, tmp_path: Path) -> None:
    """The encode is neither lost nor run twice: the worker connects anew and settles it."""
    with postgres.throwaway(durable=True) as server:
        with psycopg.connect(server.url(), autocommit=True) as conn:
            schema.install(conn)
        environ = (
            environment()
            | UNHURRIED
            | {
                "DATABASE_URL": server.url(),
                "REELQ_STORE": (tmp_path / "objects").as_uri(),
                "REELQ_SCRATCH": str(tmp_path / "scratch"),
                "REELQ_SOURCE_ROOTS": str(source.parent),
                "REELQ_LOG_FORMAT": "json",
            }
        )
        with workers(environ, tmp_path) as start:
            worker = start().started()
            with psycopg.connect(server.url(), autocommit=True) as conn:
                video = ingest(conn, source)
                ffmpeg = encoding(conn, video, worker)
            server.restart(signal.SIGQUIT)  # as a crash: nobody is told, and recovery follows
            assert worker.encoders() == ffmpeg, "a running ffmpeg is not killed"
            with psycopg.connect(server.url(), autocommit=True) as conn:
                until(lambda: rows(conn, "select from media.videos where status = 'ready'"), "the video")
                assert outcomes(conn, step(conn, video, "video_transcode")["id"]) == ["completed"]
                assert rows(conn, "select * from queue.verify()") == []
            assert worker.log("database.lost") or worker.log("heartbeat.failed")
            worker.signal(signal.SIGTERM)
            assert worker.wait() == 0


def test_two_workers_and_a_thousand_jobs(conn: psycopg.Connection[Any], start: Start) -> None:
    """Each job is run exactly once, and both workers do their share."""
    pair = [start("--slots", "4") for _ in range(2)]
    for worker in pair:
        worker.started()
    conn.execute("select queue.enqueue_job('no_op') from generate_series(1, 1000)")
    until(lambda: rows(conn, "select from queue.processing_jobs where status <> 'completed' limit 1") == [], "all jobs to be done")
    for worker in pair:
        worker.signal(signal.SIGTERM)
    assert [worker.wait() for worker in pair] == [0, 0]
    assert rows(
        conn, "select count(*), count(distinct job_id) as jobs, max(attempt) from queue.job_attempts where outcome = 'completed'"
    ) == [{"count": 1000, "jobs": 1000, "max": 1}]
    assert rows(conn, "select from queue.job_attempts where outcome <> 'completed'") == []
    done = [len(worker.log("job.completed")) for worker in pair]
    assert sum(done) == 1000
    assert min(done) > 0
