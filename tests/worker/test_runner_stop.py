"""How jobs and workers are told to end: cancel, limits, lost leases, drain."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import psycopg
import pytest

from reelq.worker.errors import DatabaseAway, PermanentError, TransientError
from reelq.worker.handlers import no_op
from reelq.worker.jobs.context import JobContext
from reelq.worker.rooms import queue
from reelq.worker.runtime.registry import Registry
from reelq.worker.runtime.runner import Runner
from tests.worker.runnerkit import attempts, ended, enqueue, handler, job, make_settings, until, working

Conn = psycopg.Connection[Any]
LONG = '{"sleep_s": 600}'


def is_running(conn: Conn, job_id: Any) -> bool:
    """Whether a worker holds the job."""
    return bool(job(conn, job_id)["status"] == "running")


def test_cancel_stops_a_running_job_at_once(dsn: str, conn: Conn, tmp_path: Path) -> None:
    """The notification makes the worker beat now; it does not wait for the next heartbeat."""
    conn.execute("update queue.job_types set lease = '1 hour' where job_type = 'no_op'")
    with working(dsn, tmp_path, {"no_op": no_op}, heartbeat_s=600.0, poll_s=600.0):
        job_id = enqueue(conn, job_data=LONG)
        until(lambda: is_running(conn, job_id))
        assert conn.execute("select queue.cancel_job(%s, 'not wanted')", [job_id]).fetchone() == ("cancelling",)
        assert ended(conn, job_id)["status"] == "cancelled"
    assert [one["outcome"] for one in attempts(conn, job_id)] == ["cancelled"]


def test_an_error_after_a_cancel_is_a_cancel(dsn: str, conn: Conn, tmp_path: Path) -> None:
    """Whatever a handler says when its child was killed: why it was killed counts."""

    def run(ctx: JobContext) -> None:
        ctx.stop.wait(60)
        raise PermanentError("ffmpeg_killed")

    with working(dsn, tmp_path, {"no_op": handler(run)}):
        job_id = enqueue(conn)
        until(lambda: is_running(conn, job_id))
        conn.execute("select queue.cancel_job(%s)", [job_id])
        assert ended(conn, job_id)["error_class"] == "cancelled"


def test_time_and_stall_limits_end_an_attempt(dsn: str, conn: Conn, tmp_path: Path) -> None:
    """Both are worth another try, and say so by their code; progress keeps the stall limit off."""
    conn.execute("update queue.job_types set time_limit = '300 ms' where job_type = 'no_op'")
    conn.execute("update queue.job_types set stall_limit = '2 seconds' where job_type in ('extract_metadata', 'video_transcode')")

    def moving(ctx: JobContext) -> None:
        for step in range(25):
            ctx.progress(step / 25, "step")
            assert not ctx.stop.wait(0.1), "it was making headway"

    modules = {"no_op": no_op, "extract_metadata": handler(lambda ctx: ctx.stop.wait(60)), "video_transcode": handler(moving)}
    with working(dsn, tmp_path, modules, slots=3):
        moved = enqueue(conn, "video_transcode")
        slow, stalled = enqueue(conn, job_data=LONG), enqueue(conn, "extract_metadata")
        # The handler of the stalled one returns normally once told: the signal counts all the same.
        assert (ended(conn, slow)["error_code"], ended(conn, stalled)["error_code"]) == ("time_limit", "stalled")
        assert ended(conn, moved)["status"] == "completed"
    assert {job(conn, one)["error_class"] for one in (slow, stalled)} == {"transient"}


def test_without_heartbeats_an_attempt_ends_before_its_lease(
    dsn: str, conn: Conn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The trust window: when the queue may give the job away, nobody works on it any more."""
    conn.execute("update queue.job_types set lease = '2 seconds' where job_type = 'no_op'")

    monkeypatch.setattr("reelq.worker.runtime.contact.UNHEARD_S", 60.0)  # so long it claims all the same

    def fail(*_args: Any) -> None:
        raise DatabaseAway("no heartbeat comes through")

    began, told = threading.Event(), threading.Event()
    reasons: list[str | None] = []

    def run(ctx: JobContext) -> None:
        began.set()
        ctx.stop.wait(60)
        reasons.append(ctx.stop.reason)
        told.set()
        ctx.check()

    with working(dsn, tmp_path, {"no_op": handler(run)}, poll_s=60.0) as worker:
        until(lambda: worker.runner.loop.contact.may_claim, "the first heartbeat")
        monkeypatch.setattr(queue, "heartbeat", fail)
        job_id = enqueue(conn)
        assert began.wait(20)
        (attempt,) = worker.runner.loop.in_flight.attempts()
        row = conn.execute("select extract(epoch from expires_at - clock_timestamp())::float from queue.leases").fetchone()
        # Asked in this order, so that a pause in between makes the first look larger. Due is infinite once it has ended.
        due = attempt.deadlines.due()
        assert (row and due - time.monotonic() < row[0]) or due == float("inf")
        assert told.wait(20)
        assert reasons == ["lease_lost"]
    until(lambda: conn.execute("select queue.rescue_expired()").fetchone() and not is_running(conn, job_id))
    assert attempts(conn, job_id)[0]["outcome"] == "lost"


def test_heartbeats_keep_a_short_lease(dsn: str, conn: Conn, tmp_path: Path) -> None:
    """A lease of two seconds lasts a job of four, whatever the setting says about heartbeats."""
    conn.execute("update queue.job_types set lease = '2 seconds' where job_type = 'no_op'")
    with working(dsn, tmp_path, {"no_op": no_op}, heartbeat_s=30.0):
        done = ended(conn, enqueue(conn, job_data='{"sleep_s": 4}'))
    assert (done["status"], done["token"]) == ("completed", 1)


def test_a_drain_finishes_what_is_in_hand(dsn: str, conn: Conn, tmp_path: Path) -> None:
    """Nothing new is claimed, the job in hand completes, the worker leaves with 0."""
    go = threading.Event()
    with working(dsn, tmp_path, {"no_op": handler(lambda _ctx: go.wait(20) and {})}) as worker:
        first = enqueue(conn)
        until(lambda: is_running(conn, first))
        worker.runner.shutdown()
        second = enqueue(conn)
        until(lambda: conn.execute("select status from queue.workers").fetchone() == ("draining",))
        go.set()
        assert worker.join() == 0
    assert (job(conn, first)["status"], job(conn, second)["status"]) == ("completed", "queued")
    assert conn.execute("select status from queue.workers").fetchone() == ("stopped",)


def test_a_drain_by_sql_is_the_same(dsn: str, conn: Conn, tmp_path: Path) -> None:
    """queue.drain_worker reaches the worker by notification."""
    with working(dsn, tmp_path, {"no_op": no_op}, heartbeat_s=60.0) as worker:
        until(lambda: conn.execute("select status from queue.workers").fetchone())
        conn.execute("select queue.drain_worker(%s)", [worker.id])
        assert worker.join() == 0


@pytest.mark.parametrize("how", ["second signal", "end of the grace"])
def test_leaving_at_once_gives_jobs_back_uncharged(dsn: str, conn: Conn, tmp_path: Path, how: str) -> None:
    """The job is ready again in the same moment and has lost no attempt."""
    with working(dsn, tmp_path, {"no_op": no_op}, drain_grace_s=60.0 if how == "second signal" else 0.3) as worker:
        job_id = enqueue(conn, job_data=LONG)
        until(lambda: is_running(conn, job_id))
        worker.runner.shutdown()
        if how == "second signal":
            worker.runner.shutdown()
        assert worker.join() == 0
    left = job(conn, job_id)
    assert (left["status"], left["attempts"], left["crashes"]) == ("queued", 0, 0)
    assert attempts(conn, job_id)[0]["outcome"] == "released"


def test_a_handler_that_does_not_listen_is_left_behind(
    dsn: str, conn: Conn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its job goes back all the same; what the handler still does is behind the fence."""
    monkeypatch.setattr("reelq.worker.runtime.leaving.STOP_GRACE_S", 0.3)
    go = threading.Event()
    with working(dsn, tmp_path, {"no_op": handler(lambda _ctx: go.wait(20))}) as worker:
        job_id = enqueue(conn)
        until(lambda: is_running(conn, job_id))
        worker.runner.shutdown()
        worker.runner.shutdown()
        assert worker.join() == 0
    go.set()
    assert job(conn, job_id)["status"] == "queued"


def test_until_idle_waits_for_children_and_tells_failures(dsn: str, conn: Conn, tmp_path: Path) -> None:
    """0 when all is done, also what only became ready on the way; 1 when a job failed for good."""

    def run(ctx: JobContext) -> None:
        if ctx.job.job_data.get("bad"):
            raise PermanentError("bad")

    def go() -> int:
        settings = make_settings(dsn, tmp_path)
        return Runner(settings, Registry({"no_op": no_op, "extract_metadata": handler(run)}), until_idle=True).run()

    assert go() == 0
    parent = enqueue(conn, job_data='{"sleep_s": 0.5}')
    child = enqueue(conn, "extract_metadata", depends_on=[parent])
    assert go() == 0
    assert job(conn, child)["status"] == "completed"
    enqueue(conn, job_data='{"nonsense": 1}')
    assert go() == 1


def test_a_retry_is_left_when_it_is_not_due_soon(dsn: str, conn: Conn, tmp_path: Path) -> None:
    """--until-idle is no waiting for a back-off of minutes."""
    conn.execute("update queue.retry_policies set base = '10 minutes', jitter = 'none' where error_class = 'transient' and code = '*'")

    def run(_ctx: JobContext) -> None:
        raise TransientError("away")

    job_id = enqueue(conn)
    assert Runner(make_settings(dsn, tmp_path), Registry({"no_op": handler(run)}), until_idle=True).run() == 0
    assert job(conn, job_id)["status"] == "queued"
