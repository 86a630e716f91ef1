"""A session that holds a job and does not end its transaction: that job waits, and nothing else does."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import psycopg
import pytest
from structlog.testing import capture_logs

from reelq.worker.errors import PermanentError
from reelq.worker.handlers import no_op
from reelq.worker.jobs.context import JobContext
from reelq.worker.runtime.attempt import Attempt
from reelq.worker.runtime.settler import Settler
from tests.conftest import Connect
from tests.worker.runnerkit import attempts, ended, enqueue, handler, job, until, working

Conn = psycopg.Connection[Any]
HELD = "extract_metadata"  # the type of the jobs that are held; those of no_op are innocent
TROUBLES = {"database.lost", "claim.failed", "batch.refused", "worker.gave_up", "job.lost", "heartbeat.failed", "deregister.failed"}
HOLDS = {
    "by a cancel": "select queue.cancel_job(%s, 'held')",
    "its record": "select from queue.processing_jobs where id = %s for update",
    "its lease": "select from queue.leases where job_id = %s for update",
}


class Gate:
    """A handler that waits for the test, and then does what it says."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.fails = False
        self.writes = False
        self.module = handler(self._run)

    def _run(self, ctx: JobContext) -> dict[str, Any]:
        while not self.go.wait(0.01) and ctx.stop.reason is None:
            pass
        ctx.check()
        if self.fails:
            raise PermanentError("bad")
        if self.writes:
            ctx.on_complete(lambda conn: conn.execute("select"))
        return {}


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
def impatient(dsn: str, conn: Conn, monkeypatch: pytest.MonkeyPatch) -> str:
    """Short times: what waits for something else than a lock is given up long before a test ends. Where to connect."""
    monkeypatch.setattr("reelq.worker.runtime.heartbeat.UNSETTLED_S", 0.5)
    monkeypatch.setattr("reelq.worker.runtime.outage.GIVE_UP_S", 0.5)
    conn.execute("update queue.job_types set lease = '1 second' where job_type = %s", [HELD])
    return psycopg.conninfo.make_conninfo(dsn, options="-c lock_timeout=200ms")


def told(lines: list[Any], event: str) -> list[str]:
    """The jobs of which an event was told."""
    return [line["job_id"] for line in list(lines) if line["event"] == event]


def runs(conn: Conn, job_id: Any) -> None:
    until(lambda: job(conn, job_id)["status"] == "running", "the job to run")


def wait_three_leases(conn: Conn, job_id: Any) -> None:
    """Until nothing but heartbeats, or nobody's looking, can have kept the lease."""
    passed = "select clock_timestamp() > started_at + 3 * lease from queue.leases where job_id = %s"
    until(lambda: conn.execute(passed, [job_id]).fetchone() == (True,), "the time of three leases")


@pytest.mark.parametrize("hold", HOLDS)
def test_a_held_job_alone_waits(impatient: str, conn: Conn, connect: Connect, tmp_path: Path, gate: Gate, hold: str) -> None:
    """What comes meanwhile is done at once, the worker stays, and the held job is settled once, by the attempt that did it."""
    other = connect(autocommit=False)
    with capture_logs() as lines, working(impatient, tmp_path, {HELD: gate.module, "no_op": no_op}, slots=2) as worker:
        held = enqueue(conn, HELD)
        runs(conn, held)
        other.execute(HOLDS[hold], [held])
        gate.go.set()
        until(lambda: told(lines, "settlement.locked"), "the word that it is locked")
        assert {ended(conn, one)["status"] for one in [enqueue(conn) for _ in range(5)]} == {"completed"}
        wait_three_leases(conn, held)
        assert ended(conn, enqueue(conn))["status"] == "completed"
        assert worker.code is None
        other.rollback()
        assert ended(conn, held)["status"] == "completed"
        until(lambda: told(lines, "settlement.unlocked"), "the word that it is free")
    assert told(lines, "settlement.locked") == told(lines, "settlement.unlocked") == [str(held)]
    assert [line for line in lines if line["event"] in TROUBLES] == []
    done = job(conn, held)
    assert (done["token"], done["attempts"], done["crashes"]) == (1, 0, 0)
    assert [one["outcome"] for one in attempts(conn, held)] == ["completed"]


def test_a_record_that_is_held_costs_no_lease(impatient: str, conn: Conn, connect: Connect, tmp_path: Path, gate: Gate) -> None:
    """The heart knows that nothing but a lock is in the way, however long that takes."""
    other = connect(autocommit=False)
    with working(impatient, tmp_path, {HELD: gate.module}):
        held = enqueue(conn, HELD)
        runs(conn, held)
        other.execute(HOLDS["its record"], [held])
        gate.go.set()
        wait_three_leases(conn, held)
        assert conn.execute("select expires_at > clock_timestamp() from queue.leases").fetchone() == (True,)
        other.rollback()
        assert ended(conn, held)["status"] == "completed"


def test_a_held_failure_is_the_same(impatient: str, conn: Conn, connect: Connect, tmp_path: Path, gate: Gate) -> None:
    """Failures are settled by a function of their own."""
    gate.fails = True
    other = connect(autocommit=False)
    with capture_logs() as lines, working(impatient, tmp_path, {HELD: gate.module, "no_op": no_op}, slots=2):
        held = enqueue(conn, HELD)
        runs(conn, held)
        other.execute(HOLDS["by a cancel"], [held])
        gate.go.set()
        until(lambda: told(lines, "settlement.locked"), "the word that it is locked")
        assert ended(conn, enqueue(conn))["status"] == "completed"
        other.rollback()
        assert ended(conn, held)["status"] == "failed"
    assert [line for line in lines if line["event"] in TROUBLES] == []
    assert [one["outcome"] for one in attempts(conn, held)] == ["failed"]


@pytest.mark.parametrize("fails", [False, True])
def test_behind_a_pooler_too(dsn: str, conn: Conn, connect: Connect, tmp_path: Path, gate: Gate, fails: bool) -> None:
    """There the session cannot be told how long to wait: the server's own lock_timeout is none at all."""
    gate.fails = fails
    other = connect(autocommit=False)
    with capture_logs() as lines, working(dsn, tmp_path, {HELD: gate.module, "no_op": no_op}, slots=2, database_direct_url="off"):
        held = enqueue(conn, HELD)
        runs(conn, held)
        other.execute(HOLDS["by a cancel"], [held])
        gate.go.set()
        until(lambda: told(lines, "settlement.locked"), "the word that it is locked")
        assert ended(conn, enqueue(conn))["status"] == "completed"
        other.rollback()
        assert ended(conn, held)["status"] == ("failed" if fails else "completed")
    assert [line for line in lines if line["event"] in TROUBLES] == []


def test_a_held_job_with_writes_keeps_its_lease(impatient: str, conn: Conn, connect: Connect, tmp_path: Path, gate: Gate) -> None:
    """Its slot completes it; the other slots work."""
    gate.writes = True
    other = connect(autocommit=False)
    with capture_logs() as lines, working(impatient, tmp_path, {HELD: gate.module, "no_op": no_op}, slots=2):
        held = enqueue(conn, HELD)
        runs(conn, held)
        other.execute(HOLDS["its record"], [held])
        gate.go.set()
        until(lambda: told(lines, "completion.delayed"), "the word that it is delayed")
        wait_three_leases(conn, held)
        assert conn.execute("select expires_at > clock_timestamp() from queue.leases where job_id = %s", [held]).fetchone() == (True,)
        assert ended(conn, enqueue(conn))["status"] == "completed"
        other.rollback()
        assert ended(conn, held)["status"] == "completed"
    assert [line for line in lines if line["event"] in TROUBLES] == []
    assert [one["outcome"] for one in attempts(conn, held)] == ["completed"]


def test_of_many_small_jobs_only_those_that_are_held_wait(impatient: str, conn: Conn, connect: Connect, tmp_path: Path, gate: Gate) -> None:
    """They end in one batch, which is refused as a whole."""
    conn.execute("update queue.job_types set batch = 50 where job_type = 'no_op'")
    ids = [enqueue(conn) for _ in range(30)]
    other = connect(autocommit=False)
    counted = "select count(*) from queue.processing_jobs where status = 'completed'"
    with capture_logs() as lines, working(impatient, tmp_path, {"no_op": gate.module}):
        until(lambda: conn.execute("select count(*) from queue.leases").fetchone() == (30,), "the claim")
        other.execute("select from queue.processing_jobs where id = any(%s) for update", [ids[3:6]])
        gate.go.set()
        until(lambda: conn.execute(counted).fetchone() == (27,), "the others")
        until(lambda: set(told(lines, "settlement.locked")) == {str(one) for one in ids[3:6]}, "the words")
        other.rollback()
        until(lambda: conn.execute(counted).fetchone() == (30,), "those that were held")
    assert [line for line in lines if line["event"] in TROUBLES] == []
    assert {len(attempts(conn, one)) for one in ids} == {1}


def test_whoever_holds_jobs_that_wait_holds_up_no_other(
    impatient: str, conn: Conn, connect: Connect, tmp_path: Path, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The parents of those that are held are told at once: none of the batch is tried alone."""
    conn.execute("update queue.job_types set batch = 50 where job_type = 'no_op'")
    ids = [enqueue(conn) for _ in range(30)]
    children = [enqueue(conn, depends_on=[one]) for one in ids[3:15]]
    alone: list[Any] = []
    settle_one = Settler._settle_one

    def watched(settler: Settler, attempt: Attempt) -> None:
        alone.append(attempt.job.job_id)
        settle_one(settler, attempt)

    monkeypatch.setattr(Settler, "_settle_one", watched)
    other = connect(autocommit=False)
    with capture_logs() as lines, working(impatient, tmp_path, {"no_op": gate.module}):
        until(lambda: conn.execute("select count(*) from queue.leases").fetchone() == (30,), "the claim")
        other.execute("select queue.reprioritise_jobs(9, p_job_ids => %s)", [children])
        gate.go.set()
        until(lambda: conn.execute("select count(*) from queue.processing_jobs where status = 'completed'").fetchone() == (18,), "the others")
        until(lambda: set(told(lines, "settlement.locked")) == {str(one) for one in ids[3:15]}, "the words")
        assert alone == []
        other.rollback()
        until(lambda: conn.execute("select count(*) from queue.processing_jobs where status = 'completed'").fetchone() == (42,), "all of them")
    assert [line for line in lines if line["event"] in TROUBLES] == []


def test_a_lock_that_cannot_be_seen_is_found_by_trying(impatient: str, conn: Conn, connect: Connect, tmp_path: Path, gate: Gate) -> None:
    """On the edge to a job that waits for the held one."""
    other = connect(autocommit=False)
    with capture_logs() as lines, working(impatient, tmp_path, {HELD: gate.module, "no_op": no_op}, slots=2):
        held = enqueue(conn, HELD)
        child = enqueue(conn, depends_on=[held])
        runs(conn, held)
        other.execute("select from queue.job_dependencies where job_id = %s for update", [child])
        gate.go.set()
        until(lambda: told(lines, "settlement.locked") == [str(held)], "the word that it is locked")
        assert ended(conn, enqueue(conn))["status"] == "completed"
        wait_three_leases(conn, held)
        other.rollback()
        assert ended(conn, child)["status"] == "completed"
    assert [line for line in lines if line["event"] in TROUBLES] == []
    assert [one["outcome"] for one in attempts(conn, held)] == ["completed"]


def test_a_drain_waits_for_what_is_held(impatient: str, conn: Conn, connect: Connect, tmp_path: Path, gate: Gate) -> None:
    other = connect(autocommit=False)
    with capture_logs() as lines, working(impatient, tmp_path, {HELD: gate.module}) as worker:
        held = enqueue(conn, HELD)
        runs(conn, held)
        other.execute(HOLDS["by a cancel"], [held])
        gate.go.set()
        until(lambda: told(lines, "settlement.locked"), "the word that it is locked")
        worker.runner.shutdown()
        until(lambda: worker.runner.loop.leaving, "the drain")
        wait_three_leases(conn, held)
        assert worker.code is None
        other.rollback()
        assert worker.join() == 0
    assert [line for line in lines if line["event"] in TROUBLES] == []
    assert [one["outcome"] for one in attempts(conn, held)] == ["completed"]


def test_a_drain_ends_with_its_grace(
    impatient: str, conn: Conn, connect: Connect, tmp_path: Path, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker leaves in order all the same; the lease of what it could not settle runs out."""
    monkeypatch.setattr("reelq.worker.runtime.leaving.STOP_GRACE_S", 0.3)
    monkeypatch.setattr("reelq.worker.runtime.leaving.DEREGISTER_S", 0.3)
    other = connect(autocommit=False)
    with capture_logs() as lines, working(impatient, tmp_path, {HELD: gate.module}, drain_grace_s=0.3) as worker:
        held = enqueue(conn, HELD)
        runs(conn, held)
        other.execute(HOLDS["its record"], [held])
        gate.go.set()
        until(lambda: told(lines, "settlement.locked"), "the word that it is locked")
        worker.runner.shutdown()
        assert worker.join() == 0
    assert [line["jobs"] for line in lines if line["event"] == "deregister.failed"] == [1]
    assert conn.execute("select status from queue.workers").fetchone() == ("stopped",)
    other.rollback()


def test_a_table_that_is_locked_costs_no_result(impatient: str, conn: Conn, connect: Connect, tmp_path: Path, gate: Gate) -> None:
    """As by ALTER TABLE behind a forgotten transaction: nothing can be settled for long, and the worker keeps what it has done."""
    locking = connect()
    with capture_logs() as lines, working(impatient, tmp_path, {HELD: gate.module}) as worker:
        job_id = enqueue(conn, HELD)
        until(lambda: job(conn, job_id)["status"] == "running")
        with locking.transaction():
            locking.execute("lock table queue.processing_jobs")
            gate.go.set()
            loop = worker.runner.loop
            until(lambda: loop.outage and time.monotonic() > loop.outage.trouble.since + 2.0, "four times what it takes to give up")
        done = ended(conn, job_id)
    assert (done["status"], done["token"], done["crashes"]) == ("completed", 1, 0)
    assert "worker.gave_up" not in [line["event"] for line in lines]
