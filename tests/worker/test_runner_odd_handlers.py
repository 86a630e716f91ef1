"""Handlers that hand over what they should not: it is theirs alone, and costs no other job and no worker anything."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg.rows import dict_row
from structlog.testing import capture_logs

from reelq.worker import db
from reelq.worker.errors import DatabaseAway, JobError, PermanentError, RateLimitedError, SnoozeError, StopRequested
from reelq.worker.handlers import no_op
from reelq.worker.jobs.context import JobContext
from reelq.worker.rooms.queue.jobs import JobProgress
from reelq.worker.runtime import outcome
from reelq.worker.runtime.outcome import AttemptOutcome
from tests.worker.runnerkit import attempts, ended, enqueue, handler, job, make_settings, until, working

Conn = psycopg.Connection[Any]
NAN, INFINITE = float("nan"), float("inf")


def hang(_conn: Conn, begun: threading.Semaphore, go: threading.Event) -> None:
    """A call that keeps its connection."""
    begun.release()
    go.wait(60)


@dataclass(frozen=True, slots=True)
class Which:
    """Which of a list a handler shall raise."""

    which: int


class Awkward:
    """An object that is neither a number nor a text, and says so loudly."""

    def __float__(self) -> float:
        raise ArithmeticError("no number")

    def __str__(self) -> str:
        raise ArithmeticError("no text")


def lease(conn: Conn, job_id: UUID) -> dict[str, Any]:
    """The lease of a running job."""
    with conn.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute("select * from queue.leases where job_id = %s", [job_id]).fetchone()
    assert row is not None
    return row


PROGRESS: list[tuple[tuple[Any, ...], tuple[Any, ...]]] = [
    ((Decimal("0.5"), "encode", Decimal("2"), Decimal("3")), (0.5, "encode", 2.0, 3.0)),
    ((NAN, "x", INFINITE, NAN), (None, "x", None, None)),
    ((7, "x"), (1.0, "x", None, None)),
    ((-7, "x"), (0.0, "x", None, None)),
    (("much", "x", "fast", object()), (None, "x", None, None)),
    ((0.5, "a\0b"), (0.5, "ab", None, None)),
    ((0.5, "\ud800"), (0.5, "?", None, None)),
    ((0.5, "s" * 50_000_000), (0.5, "s" * 100, None, None)),
    ((0.5, ["x"], 10**400), (0.5, "['x']", None, None)),
    ((Awkward(), Awkward(), Awkward(), Awkward()), (None, "Awkward, which cannot be shown: ArithmeticError", None, None)),
]


@pytest.mark.parametrize(("told", "kept"), PROGRESS, ids=range(len(PROGRESS)))
def test_odd_progress_is_cleaned_and_the_leases_are_extended(
    dsn: str, conn: Conn, tmp_path: Path, told: tuple[Any, ...], kept: tuple[Any, ...]
) -> None:
    """Of the job that told it and of its neighbour."""
    go = threading.Event()

    def run(ctx: JobContext) -> None:
        if ctx.job.job_type == "no_op":
            ctx.progress(*told)
        go.wait(20)

    with working(dsn, tmp_path, {"no_op": handler(run), "extract_metadata": handler(run)}, slots=2):
        odd, other = enqueue(conn), enqueue(conn, "extract_metadata")
        until(lambda: job(conn, odd)["status"] == job(conn, other)["status"] == "running", "both")
        until(lambda: lease(conn, odd)["stage"] == kept[1], "progress")
        until(lambda: all(lease(conn, one)["beat_at"] > lease(conn, one)["started_at"] for one in (odd, other)), "heartbeats")
        held = lease(conn, odd)
        assert (held["progress"], held["stage"], held["speed"], held["eta_s"]) == kept
        go.set()
        assert ended(conn, odd)["status"] == ended(conn, other)["status"] == "completed"


@pytest.mark.parametrize("fraction", [Awkward(), NAN, "x"], ids=["object", "nan", "text"])
def test_progress_that_the_queue_refuses_costs_no_lease(dsn: str, conn: Conn, tmp_path: Path, fraction: Any) -> None:
    """However it came into the heartbeat: the leases of all are extended without it."""
    go = threading.Event()

    def run(ctx: JobContext) -> None:
        if ctx.job.job_type == "no_op":
            ctx.report(JobProgress(fraction, "past the check"))
        go.wait(20)

    with working(dsn, tmp_path, {"no_op": handler(run), "extract_metadata": handler(run)}, slots=2):
        pair = enqueue(conn), enqueue(conn, "extract_metadata")
        until(lambda: all(job(conn, one)["status"] == "running" for one in pair), "both")
        before = [lease(conn, one)["expires_at"] for one in pair]
        until(lambda: all(lease(conn, one)["expires_at"] > was for one, was in zip(pair, before, strict=True)), "longer leases")
        go.set()
        assert [ended(conn, one)["status"] for one in pair] == ["completed", "completed"]


class Odd(JobError):
    """Of a class that the queue does not know."""

    error_class = "nope"


class Cancels(JobError):
    """Of a class that is not the handler's to use."""

    error_class = "cancelled"


class Sleeps(JobError):
    """Of the class of SnoozeError, without its time."""

    error_class = "snoozed"


class Bare(JobError):
    """One that forgot its parent's __init__."""

    def __init__(self) -> None:
        pass


class Mute(JobError):
    """One that cannot be shown."""

    def __str__(self) -> str:
        raise KeyboardInterrupt


ENDINGS: list[tuple[BaseException, str, str, str]] = [  # what is raised; outcome, code, part of the message
    (SnoozeError("later", for_s=NAN), "retried", "bad_snooze", "not nan"),
    (SnoozeError("later", for_s="soon"), "retried", "bad_snooze", "not soon"),  # type: ignore[arg-type]
    (SnoozeError("later", for_s=Decimal(5)), "snoozed", "", ""),  # type: ignore[arg-type]
    (Odd("x", "why"), "retried", "x", "why"),
    (Cancels("x", "why"), "retried", "x", "why"),
    (Sleeps("x", "why"), "retried", "x", "why"),
    (PermanentError(5, "why"), "failed", "internal_error", "why"),  # type: ignore[arg-type]
    (PermanentError(None, "why"), "failed", "internal_error", "why"),  # type: ignore[arg-type]
    (PermanentError("x", detail={"a": 1}), "failed", "x", "x"),  # type: ignore[arg-type]
    (PermanentError("x", detail=b"bytes"), "failed", "x", "x"),  # type: ignore[arg-type]
    (PermanentError("x", "\ud800"), "failed", "x", "?"),
    (RateLimitedError("x", "why", retry_after_s=Decimal(5)), "retried", "x", "why"),  # type: ignore[arg-type]
    (RateLimitedError("x", "why", retry_after_s="5"), "retried", "x", "why"),  # type: ignore[arg-type]
    (RateLimitedError("x", "why", retry_after_s=None), "retried", "x", "why"),  # type: ignore[arg-type]
    (RateLimitedError("x", "why", retry_after_s=-1e308), "retried", "x", "why"),
    (RateLimitedError("x", "why", retry_after_s=1e300), "retried", "x", "why"),
    (StopRequested("whatever"), "retried", "internal_error", "handler raised StopRequested"),
    (StopRequested("cancelled"), "retried", "internal_error", "handler raised StopRequested"),  # nobody had asked for it
    (Bare(), "retried", "internal_error", ""),
    (Mute("x"), "retried", "x", "cannot be shown"),
]


@pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
def test_an_odd_error_ends_its_own_attempt_and_nothing_else(dsn: str, conn: Conn, tmp_path: Path) -> None:
    """Every slot lives, every job is settled, and operators see the handler's own error."""
    conn.execute("update queue.retry_policies set jitter = 'none'")  # else the next attempt may begin at once

    def run(ctx: JobContext) -> None:
        raise ENDINGS[ctx.job.job_data["which"]][0]

    module = SimpleNamespace(Args=Which, run=lambda _args, ctx: run(ctx))
    with working(dsn, tmp_path, {"no_op": module, "extract_metadata": handler(lambda _ctx: None)}, slots=2) as worker:
        jobs = [enqueue(conn, job_data=json.dumps({"which": which})) for which in range(len(ENDINGS))]
        for job_id in jobs:
            ended(conn, job_id)
        assert ended(conn, enqueue(conn, "extract_metadata"))["status"] == "completed"
        assert worker.code is None
    for job_id, (error, kind, code, message) in zip(jobs, ENDINGS, strict=True):
        attempt = attempts(conn, job_id)[0]
        assert attempt["outcome"] == kind, error
        if kind != "snoozed":
            assert attempt["code"] == code, error
            assert message in attempt["message"], error
            assert type(error).__name__ in attempt["stack"], error


@pytest.mark.parametrize("facts", [(NAN, 5), (1.0, NAN), (1.0, -5), (-1.0, 10**400), ("x", "y"), (None, object())], ids=range(6))
def test_odd_facts_cost_nothing_but_themselves(dsn: str, conn: Conn, tmp_path: Path, facts: tuple[Any, Any]) -> None:
    """Of a job that completes and of one that fails; the neighbours are settled too."""

    def run(ctx: JobContext) -> None:
        ctx.facts.cpu_seconds, ctx.facts.peak_memory_bytes = facts
        ctx.facts.stderr = 5  # type: ignore[assignment]
        if ctx.job.job_type == "extract_metadata":
            raise PermanentError("mine", "why")

    with working(dsn, tmp_path, {"no_op": handler(run), "extract_metadata": handler(run)}, slots=2):
        done, failed = ended(conn, enqueue(conn)), ended(conn, enqueue(conn, "extract_metadata"))
    assert (done["status"], failed["status"], failed["error_code"]) == ("completed", "failed", "mine")


def test_an_ending_that_the_queue_refuses_fails_its_job_alone(
    dsn: str, conn: Conn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However it got past the checks: one is refused, the worker goes on to settle and claim."""
    bad = {
        "no_op": AttemptOutcome("failed", error_class="nope", code="x", message="why"),
        "extract_metadata": AttemptOutcome("snoozed", code="x", message="why", retry_after_s=-5.0),
    }

    def failed(error: BaseException, _stderr: str = "") -> AttemptOutcome:
        return bad[str(error)]

    def run(ctx: JobContext) -> None:
        if not ctx.job.job_data:
            raise ValueError(ctx.job.job_type)

    monkeypatch.setattr(outcome, "failed", failed)
    module = SimpleNamespace(Args=no_op.Args, run=lambda _args, ctx: run(ctx))
    with working(dsn, tmp_path, {"no_op": module, "extract_metadata": module}, slots=2):
        pair = enqueue(conn), enqueue(conn, "extract_metadata")
        refused = [ended(conn, one) for one in pair]
        assert ended(conn, enqueue(conn, job_data='{"sleep_s": 0}'))["status"] == "completed"
    assert [one["error_code"] for one in refused] == ["bad_outcome", "bad_outcome"]
    assert [attempts(conn, one)[0]["outcome"] for one in pair] == ["retried", "retried"]
    assert "nope" in attempts(conn, pair[0])[0]["stack"]


RESULTS: list[tuple[Any, str]] = [
    (7, "must be a JSON object, not int"),
    ([1], "must be a JSON object, not list"),
    ({"a": {1}}, "must be JSON: Object of type set"),
    ({"n": NAN}, "must be JSON: Out of range float"),
    ({"x": "a\0b"}, "NUL"),
    ({"\0": 1}, "NUL"),
    ({"x": "\\\0"}, "NUL"),
    ({"x": "\ud800"}, "half of a surrogate pair"),
    ({"x": "y" * 70_000}, "at most 49152 bytes"),
]


@pytest.mark.parametrize(("result", "message"), RESULTS, ids=range(len(RESULTS)))
def test_a_refused_result_says_whose_fault_it_is(result: Any, message: str) -> None:
    """The handler's, and what is wrong."""
    with pytest.raises(PermanentError, match="The handler's result must ") as caught:
        outcome.completed(result)
    assert caught.value.code == "bad_result"
    assert message in str(caught.value)


@pytest.mark.parametrize("text", ["\\u0000", "\\\\u0000", "C:\\u0000\\", "😀", "ü"])
def test_text_that_only_looks_odd_is_kept(dsn: str, conn: Conn, tmp_path: Path, text: str) -> None:
    """Six letters are no NUL, and a whole pair is a character."""
    with working(dsn, tmp_path, {"no_op": handler(lambda _ctx: {"x": text})}):
        done = ended(conn, enqueue(conn))
    assert (done["status"], done["result_data"]) == ("completed", {"x": text})


def test_a_result_that_only_the_queue_refuses_tells_why(dsn: str, conn: Conn, tmp_path: Path) -> None:
    """Deeper than Postgres reads: the attempt and the log bear code, message and reason."""
    deep: dict[str, Any] = {}
    for _ in range(900):
        deep = {"a": deep}
    conn.execute("alter table queue.processing_jobs add constraint shallow check (result_data::text not like '%{\"a\": {\"a\"%')")
    with capture_logs() as lines, working(dsn, tmp_path, {"no_op": handler(lambda _ctx: deep)}):
        failed = ended(conn, enqueue(conn))
    assert (failed["status"], failed["error_code"]) == ("failed", "bad_result")
    assert "shallow" in attempts(conn, failed["id"])[0]["stack"]
    (line,) = [one for one in lines if one["event"] == "job.failed"]
    assert line["code"] == "bad_result"
    assert "shallow" in line["message"]


def test_a_huge_message_leaves_the_frames(dsn: str, conn: Conn, tmp_path: Path) -> None:
    """Where it happened is worth more than all that it says."""

    def run(_ctx: JobContext) -> None:
        raise ValueError("x\n" * 2_500_000)

    with working(dsn, tmp_path, {"no_op": handler(run)}):
        failed = ended(conn, enqueue(conn))
    stack = attempts(conn, failed["id"])[0]["stack"]
    assert "test_runner_odd_handlers.py" in stack
    assert "characters)" in stack
    assert failed["error_message"] == "The job's handler raised ValueError; operators find the details with the attempt."


def test_every_fetched_source_has_a_file_of_its_own(dsn: str, conn: Conn, tmp_path: Path) -> None:
    """The second does not replace the first."""
    for name in ("one", "two"):
        (tmp_path / name).write_text(name)

    def run(ctx: JobContext) -> dict[str, Any]:
        files = [ctx.fetch(str(tmp_path / name)) for name in ("one", "two", "one")]
        return {"texts": [file.read_text() for file in files]}

    with working(dsn, tmp_path, {"no_op": handler(run)}):
        assert ended(conn, enqueue(conn))["result_data"] == {"texts": ["one", "two", "one"]}


@pytest.mark.parametrize("name", ["../../evil", "/tmp/evil", "..", ".", "", "a/b", "a\0b"])
def test_a_scratch_folder_lies_in_the_scratch_folder(dsn: str, conn: Conn, tmp_path: Path, name: str) -> None:
    """Any other name is refused."""
    with working(dsn, tmp_path, {"no_op": handler(lambda ctx: {"path": str(ctx.folder(name))})}):
        assert ended(conn, enqueue(conn))["error_code"] == "bad_name"


def test_a_handler_may_change_the_working_folder(dsn: str, conn: Conn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative REELQ_SCRATCH is where it was when the worker started."""
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)  # also puts it back

    def run(ctx: JobContext) -> dict[str, Any]:
        os.chdir(tmp_path / "elsewhere")
        return {"path": str(ctx.folder("x"))}

    with working(dsn, tmp_path, {"no_op": handler(run)}, scratch=Path("here")) as worker:
        paths = [Path(ended(conn, enqueue(conn))["result_data"]["path"]) for _ in range(2)]
        assert worker.code is None
    assert all(path.is_relative_to(tmp_path / "here") for path in paths)
    assert not (tmp_path / "elsewhere" / "here").exists()


@pytest.mark.parametrize("words", ["-c:v libx264", b"-an", [1]])
def test_a_text_is_not_taken_for_its_letters(dsn: str, conn: Conn, tmp_path: Path, words: Any) -> None:
    """Neither as words nor as options of the input."""

    def run(ctx: JobContext) -> dict[str, Any]:
        told = []
        for given in ({"words": words}, {"words": [], "before": words}):
            with pytest.raises(TypeError, match="must be a list of texts") as caught:
                ctx.run_ffmpeg(tmp_path / "in.mp4", output=tmp_path / "out.mp4", limit_s=5, **given)
            told.append(str(caught.value).split()[0])
        return {"told": told}

    with working(dsn, tmp_path, {"no_op": handler(run)}):
        assert ended(conn, enqueue(conn))["result_data"] == {"told": ["words", "before"]}


def test_ffmpeg_takes_relative_paths(dsn: str, conn: Conn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They mean what they mean to Python."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "out").mkdir()
    tone = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "sine=duration=1", "in.wav"]
    subprocess.run(tone, check=True, timeout=30)

    def run(ctx: JobContext) -> dict[str, Any]:
        ctx.run_ffmpeg(Path("in.wav"), ["-c:a", "flac"], Path("out/tone.flac"), limit_s=30)
        return {"bytes": Path("out/tone.flac").stat().st_size}

    with working(dsn, tmp_path, {"no_op": handler(run)}):
        assert ended(conn, enqueue(conn))["result_data"]["bytes"] > 100


@pytest.mark.parametrize("when", ["while it runs", "on completion"])
def test_a_handler_whose_threads_keep_all_connections_ends_and_is_charged_nothing(
    dsn: str, conn: Conn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    """It needs one more, and would wait until its time limit: the wait has an end, and the error is the host's."""
    monkeypatch.setattr("reelq.worker.db.connection.STUCK_S", 0.2)
    go, begun, slots = threading.Event(), threading.Semaphore(0), 2

    def run(ctx: JobContext) -> None:
        if ctx.job.token > 1:
            return
        for _ in range(slots + 2):
            threading.Thread(target=ctx.pool.call, args=(hang, begun, go), daemon=True).start()
        for _ in range(slots + 2):
            assert begun.acquire(timeout=60)
        if when == "on completion":
            ctx.on_complete(lambda conn: conn.execute("select 1"))
        else:
            ctx.advance_video("downloading")

    conn.execute("update queue.retry_policies set base = '1 hour', cap = '1 hour', jitter = 'none' where code = 'pool_exhausted'")
    with working(dsn, tmp_path, {"no_op": handler(run)}, slots=slots, database_wait_s=0.1):
        job_id = enqueue(conn)
        met = ended(conn, job_id)
        assert (met["status"], met["attempts"], met["crashes"], met["error_code"]) == ("queued", 0, 0, "pool_exhausted")
        go.set()
        conn.execute("select queue.run_job_now(%s)", [job_id])
        until(lambda: job(conn, job_id)["status"] == "completed", "the next attempt")


def test_a_pool_whose_server_is_away_is_not_exhausted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long that lasts: nobody has its connections."""
    monkeypatch.setattr("reelq.worker.db.connection.POOL_WAIT_S", 0.1)
    monkeypatch.setattr("reelq.worker.db.connection.STUCK_S", 0.0)
    pool = db.Pool(make_settings("postgresql://127.0.0.1:1/none", tmp_path, database_wait_s=0.1), "no server", 1)
    pool.open()
    with pytest.raises(DatabaseAway) as told:
        pool.call(lambda conn: conn.execute("select 1"))
    assert type(told.value) is DatabaseAway
    pool.close()
