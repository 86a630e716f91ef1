"""What a worker does with the jobs it is given: one process, real Postgres, handlers of the test."""

from __future__ import annotations

import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest

from reelq.worker.db import Connection
from reelq.worker.errors import PermanentError, RateLimitedError, SnoozeError, TransientError
from reelq.worker.handlers import no_op
from reelq.worker.jobs.context import JobContext
from reelq.worker.runtime.attempt import Attempt
from tests.worker.runnerkit import attempts, ended, enqueue, handler, job, until, working

Conn = psycopg.Connection[Any]


def test_a_job_is_run_and_its_result_kept(dsn: str, conn: Conn, tmp_path: Path) -> None:
    """The handler gets the job, and what it returns is the record's result."""

    def run(ctx: JobContext) -> dict[str, Any]:
        ctx.facts.add(1.5, 2**20)
        return {"token": ctx.job.token}

    with working(dsn, tmp_path, {"no_op": handler(run)}):
        done = ended(conn, enqueue(conn))
    assert (done["status"], done["result_data"]) == ("completed", {"token": 1})
    (attempt,) = attempts(conn, done["id"])
    assert (attempt["outcome"], attempt["cpu_seconds"], attempt["peak_memory_bytes"]) == ("completed", 1.5, 2**20)


class Unspeakable(Exception):
    """An error that cannot even be shown."""

    def __str__(self) -> str:
        raise RuntimeError("no words")


ERRORS: list[tuple[BaseException, str, str, str, int]] = [
    (TransientError("too_slow", "It took too long."), "queued", "transient", "too_slow", 1),
    (TransientError("source_away", "The source is away."), "queued", "transient", "source_away", 0),  # nor is the source's
    (TransientError("result_torn", "The result was damaged."), "queued", "transient", "result_torn", 0),
    (PermanentError("unreadable_media", "Not a video."), "failed", "permanent", "unreadable_media", 1),
    (RateLimitedError("slow_down", "Later.", retry_after_s=60), "queued", "rate_limited", "slow_down", 0),
    (ValueError("secret internals"), "queued", "transient", "internal_error", 1),
    (MemoryError(), "queued", "transient", "out_of_memory", 1),
    (OSError(28, "No space left on device"), "queued", "transient", "disk_full", 0),  # the host's trouble, not the job's
    (SystemExit(3), "queued", "transient", "internal_error", 1),
    (Unspeakable(), "queued", "transient", "internal_error", 1),
    (PermanentError("Bad Code!", "line\nbreak\0"), "failed", "permanent", "bad_code", 1),
]


@pytest.mark.parametrize(
    ("error", "status", "error_class", "code", "charged"), ERRORS, ids=[repr(type(e[0]).__name__) for e in ERRORS]
)
def test_an_error_is_settled_by_its_family(
    dsn: str, conn: Conn, tmp_path: Path, error: BaseException, status: str, error_class: str, code: str, charged: int
) -> None:
    """Whatever a handler raises ends its attempt, and the slot takes the next job."""

    def run(_ctx: JobContext) -> None:
        raise error

    conn.execute("update queue.retry_policies set jitter = 'none'")  # else the next attempt may begin at once
    with working(dsn, tmp_path, {"no_op": handler(run), "extract_metadata": no_op}) as worker:
        failed = ended(conn, enqueue(conn))
        assert ended(conn, enqueue(conn, "extract_metadata"))["status"] == "completed"
        assert worker.code is None
    (attempt,) = attempts(conn, failed["id"])
    assert (failed["status"], failed["attempts"]) == (status, charged)
    assert (attempt["error_class"], attempt["code"]) == (error_class, code)
    assert "internals" not in failed["error_message"]
    assert "\n" not in failed["error_message"]
    assert "test_runner.py" in attempt["stack"], "operators get the stack"


def test_a_snoozed_job_comes_back_uncharged(dsn: str, conn: Conn, tmp_path: Path) -> None:
    """Snoozing costs neither an attempt nor a crash."""

    def run(_ctx: JobContext) -> None:
        raise SnoozeError("not_yet", "The source is still uploading.", for_s=3600)

    with working(dsn, tmp_path, {"no_op": handler(run)}):
        slept = ended(conn, enqueue(conn))
    assert (slept["status"], slept["attempts"], slept["crashes"]) == ("queued", 0, 0)
    assert attempts(conn, slept["id"])[0]["outcome"] == "snoozed"


@pytest.mark.parametrize("data", ['{"sleep_s": "long"}', '{"sleeps": 1}', '{"sleep_s": true}'])
def test_wrong_job_data_fails_once_and_for_good(dsn: str, conn: Conn, tmp_path: Path, data: str) -> None:
    """A wrong type or an unknown field: no retry would help."""
    with working(dsn, tmp_path, {"no_op": no_op}):
        failed = ended(conn, enqueue(conn, job_data=data))
    assert (failed["status"], failed["error_class"], failed["error_code"]) == ("failed", "permanent", "bad_job_data")
    assert "sleep" in failed["error_message"]


@pytest.mark.parametrize("result", [{"at": object()}, ["list"], {"x": "y" * 70_000}, {"nan": float("nan")}])
def test_a_result_that_cannot_be_kept_fails_the_job(dsn: str, conn: Conn, tmp_path: Path, result: Any) -> None:
    """And does not hold up what is settled in the same batch."""
    with working(dsn, tmp_path, {"no_op": handler(lambda _ctx: result), "extract_metadata": no_op}, slots=2):
        other = enqueue(conn, "extract_metadata")
        failed = ended(conn, enqueue(conn))
        assert ended(conn, other)["status"] == "completed"
    assert (failed["status"], failed["error_code"]) == ("failed", "bad_result")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_slot_whose_thread_dies_is_replaced(dsn: str, conn: Conn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its job is settled, and the next one runs in its place."""
    whole = Attempt.run
    deaths = iter([True])

    def run(attempt: Attempt, deps: Any) -> None:
        if next(deaths, False):
            raise SystemExit  # ends a thread without a word
        whole(attempt, deps)

    monkeypatch.setattr(Attempt, "run", run)
    with working(dsn, tmp_path, {"no_op": no_op}):
        first = ended(conn, enqueue(conn))
        second = ended(conn, enqueue(conn))
    assert (first["status"], first["error_code"]) == ("queued", "internal_error")
    assert second["status"] == "completed"


def test_weights_count_against_the_slots(dsn: str, conn: Conn, tmp_path: Path) -> None:
    """A job of weight 2 fills a worker of two slots."""
    conn.execute("update queue.job_types set weight = 2 where job_type = 'video_transcode'")
    go, started = threading.Event(), threading.Event()
    beside: list[str] = []

    def heavy(_ctx: JobContext) -> None:
        started.set()
        go.wait(20)

    modules = {"video_transcode": handler(heavy), "no_op": handler(lambda _ctx: beside.append("ran"))}
    with working(dsn, tmp_path, modules, slots=2):
        big = enqueue(conn, "video_transcode", priority=1)
        assert started.wait(20)
        small = enqueue(conn)
        before = conn.execute("select last_run_at from queue.upkeep where task = 'rescue'").fetchone()
        until(lambda: conn.execute("select last_run_at from queue.upkeep where task = 'rescue'").fetchone() != before, "a look of the busy worker")
        assert beside == [], "a full worker must not take more"
        go.set()
        assert ended(conn, small)["status"] == ended(conn, big)["status"] == "completed"


def test_what_a_handler_makes_visible_is_written_with_its_completion(dsn: str, conn: Conn, tmp_path: Path) -> None:
    """One transaction: a write that is refused leaves the job uncompleted and the other writes undone."""
    conn.execute("create table public.made (job_id uuid primary key)")

    def run(ctx: JobContext) -> dict[str, Any]:
        def insert(connection: Connection) -> None:
            connection.execute("insert into public.made values (%s)", [ctx.job.job_id])

        def break_off(connection: Connection) -> None:
            connection.execute("select 1 / 0")

        ctx.on_complete(insert)
        if ctx.job.job_type == "extract_metadata":
            ctx.on_complete(break_off)
        return {"made": 1}

    with working(dsn, tmp_path, {"no_op": handler(run), "extract_metadata": handler(run)}):
        good, bad = ended(conn, enqueue(conn)), ended(conn, enqueue(conn, "extract_metadata"))
    assert (good["status"], good["result_data"]) == ("completed", {"made": 1})
    assert (bad["status"], bad["error_code"]) == ("queued", "internal_error")
    assert conn.execute("select array_agg(job_id) from public.made").fetchone() == ([good["id"]],)


def test_a_lost_lease_writes_nothing(dsn: str, conn: Conn, tmp_path: Path) -> None:
    """The queue gave the job away while the handler ran: neither its rows nor its result count."""
    conn.execute("create table public.made (token integer)")
    taken = threading.Event()

    def run(ctx: JobContext) -> dict[str, Any]:
        def insert(connection: Connection) -> None:
            connection.execute("insert into public.made values (%s)", [ctx.job.token])

        ctx.on_complete(insert)
        if ctx.job.token == 1:
            with conn.transaction():  # else a heartbeat may come in between
                conn.execute("update queue.leases set expires_at = 'epoch'")
                conn.execute("select queue.rescue_expired()")
            taken.set()
        return {"token": ctx.job.token}

    with working(dsn, tmp_path, {"no_op": handler(run)}, heartbeat_s=30.0):
        job_id = enqueue(conn)
        assert taken.wait(20)
        until(lambda: job(conn, job_id)["status"] == "completed", "the second attempt")
    assert job(conn, job_id)["result_data"] == {"token": 2}
    assert conn.execute("select token from public.made").fetchall() == [(2,)]
    assert [one["outcome"] for one in attempts(conn, job_id)] == ["lost", "completed"]


def test_the_scratch_folder_is_gone_on_every_way_out(dsn: str, conn: Conn, tmp_path: Path) -> None:
    """Completed, failed or stopped; a handler that never asks for one has none."""
    seen: list[Path] = []

    def run(ctx: JobContext) -> None:
        assert ctx.scratch == ctx.scratch
        (ctx.scratch / "frame.png").write_bytes(b"x")
        seen.append(ctx.scratch)
        if ctx.job.job_type == "extract_metadata":
            raise PermanentError("bad")

    with working(dsn, tmp_path, {"no_op": handler(run), "extract_metadata": handler(run)}):
        ended(conn, enqueue(conn))
        ended(conn, enqueue(conn, "extract_metadata"))
        assert len(set(seen)) == 2
        assert not any(path.exists() for path in seen)
    assert list((tmp_path / "scratch").iterdir()) == []


def test_many_small_jobs_take_few_transactions(dsn: str, conn: Conn, tmp_path: Path) -> None:
    """Settling and claiming share a round trip: 200 jobs on 8 slots, far fewer transactions than jobs."""

    def count() -> int:
        conn.execute("select pg_stat_force_next_flush()") if conn.info.server_version >= 150000 else None
        row = conn.execute("select xact_commit from pg_stat_database where datname = current_database()").fetchone()
        return int(row[0]) if row else 0

    conn.execute("select queue.enqueue_job('no_op') from generate_series(1, 200)")
    before = count()
    modules = {"no_op": SimpleNamespace(Args=no_op.Args, run=lambda _args, _ctx: {})}
    with working(dsn, tmp_path, modules, slots=8, until_idle=True, heartbeat_s=5.0) as worker:
        assert worker.join() == 0
    until(lambda: count() > before, "statistics")
    assert conn.execute("select count(*) from queue.job_attempts where outcome = 'completed'").fetchone() == (200,)
    assert count() - before < 250, "settle and claim together"


def test_arguments_reach_the_handler_with_their_types(dsn: str, conn: Conn, tmp_path: Path) -> None:
    """job_data becomes Args."""
    got: list[float] = []
    module = SimpleNamespace(Args=no_op.Args, run=lambda args, _ctx: got.append(args.sleep_s))
    with working(dsn, tmp_path, {"no_op": module}):
        ended(conn, enqueue(conn, job_data='{"sleep_s": 2}'))
    assert got == [2.0]
