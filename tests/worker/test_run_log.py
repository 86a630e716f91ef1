"""What an attempt's programs were called with and printed: kept with the attempt, bounded, without secrets and places."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest

from reelq.worker.errors import PermanentError, SnoozeError
from reelq.worker.jobs.context import JobContext
from reelq.worker.jobs.run_log import MOST_CHARS, RunLog, masked
from reelq.worker.rooms.queue import reads
from reelq.worker.sandbox.child import Ended
from tests.worker.runnerkit import attempts, ended, enqueue, handler, until, working

Conn = psycopg.Connection[Any]
QUIET = Ended(0, "", "", None, 0.5, 0.1, 1)


def run_of(ctx: JobContext) -> None:
    """A program that stands for ffmpeg: it says where its file is and with which key it was fetched."""
    said = "import sys; sys.stderr.write('/srv/scratch/a-1/in/source: from https://u:pw@cdn.example/a/b/c.mp4?sig=abc with of-the-store\\n')"
    ffmpeg = ctx.ffmpeg()
    ffmpeg._run([sys.executable, "-c", said], ffmpeg.limits(20), read=None, write=None, on_line=None)


def logs_of(conn: Conn, job_id: UUID) -> list[str | None]:
    return [one.log for one in reads.job_logs(conn, job_id)]


@pytest.mark.parametrize(
    ("error", "outcome"), [(None, "completed"), (PermanentError("damaged", "No."), "failed"), (SnoozeError("later", "Later.", for_s=60), "snoozed")]
)
def test_a_log_is_kept_however_the_attempt_ends(dsn: str, conn: Conn, tmp_path: Path, error: BaseException | None, outcome: str) -> None:
    def run(ctx: JobContext) -> dict[str, Any]:
        run_of(ctx)
        if error is not None:
            raise error
        return {"done": True}

    job_id = enqueue(conn)
    with working(dsn, tmp_path, {"no_op": handler(run)}, sandbox="off", s3_secret_access_key="of-the-store"):
        (attempt,) = until(lambda: attempts(conn, job_id))
    assert attempt["outcome"] == outcome
    (log,) = logs_of(conn, job_id)
    assert log is not None and log.startswith("$ …/") and "# exit code 0 after" in log
    assert "…/in/source: from https:…/b/c.mp4?… with ********" in log
    assert not [word for word in ("srv", "scratch", "sig", "abc", "pw@", "of-the-store") if word in log.splitlines()[-1]]


def test_a_job_that_runs_no_program_has_no_log_and_goes_with_its_batch(dsn: str, conn: Conn, tmp_path: Path) -> None:
    with working(dsn, tmp_path, {"no_op": handler(lambda _ctx: {"done": True})}):
        done = ended(conn, enqueue(conn))
    assert logs_of(conn, done["id"]) == [None]
    (shown,) = reads.show_job(conn, done["id"])["attempts_history"]
    assert shown["has_log"] is False and "log" not in shown


def test_a_log_is_bounded_and_the_latest_runs_stay() -> None:
    log = RunLog()
    for number in range(50):
        log.add(dataclasses.replace(QUIET, command=("ffmpeg", f"run{number}"), stderr_tail="x" * 5000))
    text = log.text()
    assert len(text) <= MOST_CHARS and "run49" in text and "run1\n" not in text and text.startswith("(44 earlier runs are left out)")
    log.add(dataclasses.replace(QUIET, command=("ffmpeg", "y" * 100_000), stderr_tail="z" * 100_000))
    assert len(log.text()) <= MOST_CHARS and log.text().endswith("z\n")


def test_lists_that_are_the_same_in_every_call_are_left_out() -> None:
    log = RunLog()
    log.add(dataclasses.replace(QUIET, command=("ffprobe", "-codec_whitelist:v", "h264,hevc", "-i", "a b")))
    assert log.text().splitlines()[0] == "$ ffprobe -codec_whitelist:v … -i 'a b'"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("-i file:/var/lib/reelq/vm:default:1:2/abc-1/in/source -y", "-i file:…/in/source -y"),
        ("/var/lib/reelq/vm:1/in/source: Invalid data", "…/in/source: Invalid data"),
        ("scale=iw/2:ih/2,fps=30000/1001", "scale=iw/2:ih/2,fps=30000/1001"),
        ("https://u:p@h.example/k.mp4?X-Amz-Signature=1&b=2 x", "https://h.example/k.mp4?… x"),
    ],
)
def test_places_and_queries_are_masked(text: str, shown: str) -> None:
    assert masked(text) == shown
