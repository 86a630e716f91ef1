"""Small jobs that a worker holds by the hundred: each keeps every promise that a large one has."""

from __future__ import annotations

import threading
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest

from reelq.worker.errors import DatabaseAway, PermanentError
from reelq.worker.handlers import no_op
from reelq.worker.jobs.context import JobContext
from reelq.worker.rooms import queue
from tests.worker.runnerkit import attempts, enqueue, handler, job, until, working

Conn = psycopg.Connection[Any]


class Gate:
    """A handler that notes which jobs began, and holds each until the gate is opened."""

    def __init__(self) -> None:
        self.began: list[Any] = []
        self.open = threading.Event()
        self.module = handler(self._run)

    def _run(self, ctx: JobContext) -> dict[str, Any]:
        self.began.append(ctx.job.job_id)
        while not self.open.wait(0.01):
            ctx.check()
        return {}


@pytest.fixture
def gate() -> Any:
    made = Gate()
    yield made
    made.open.set()


def small(conn: Conn, count: int, batch: int = 50, job_type: str = "no_op") -> list[Any]:
    """Jobs of a type of which a worker takes `batch` for one slot."""
    conn.execute("update queue.job_types set batch = %s where job_type = %s", [batch, job_type])
    added = "insert into queue.processing_jobs (job_type) select %s from generate_series(1, %s) returning id"
    return [row[0] for row in conn.execute(added, [job_type, count])]


def count(conn: Conn, status: str) -> int:
    """Jobs with this status."""
    row = conn.execute("select count(*) from queue.processing_jobs where status = %s", [status]).fetchone()
    return int(row[0]) if row else 0


def outcomes(conn: Conn) -> dict[str, int]:
    """Attempts by outcome."""
    return dict(conn.execute("select outcome, count(*) from queue.job_attempts group by 1").fetchall())


def test_a_slot_holds_a_batch_and_no_more(
    dsn: str, conn: Conn, tmp_path: Path, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two slots and a batch of 50: a hundred jobs in flight, two of them begun, the rest left for others."""
    monkeypatch.setattr("reelq.worker.runtime.claimer.CHORES_S", 0.3)
    small(conn, 130)
    with working(dsn, tmp_path, {"no_op": gate.module}, slots=2):
        until(lambda: len(gate.began) == 2, "both slots")
        before = conn.execute("select last_run_at from queue.upkeep where task = 'rescue'").fetchone()
        until(lambda: conn.execute("select last_run_at from queue.upkeep where task = 'rescue'").fetchone() != before, "another look")
        assert (count(conn, "running"), len(gate.began)) == (100, 2)
        gate.open.set()
        until(lambda: count(conn, "completed") == 130, "all")
    assert max(Counter(gate.began).values()) == 1


def test_a_drain_gives_back_at_once_what_has_not_begun(dsn: str, conn: Conn, tmp_path: Path, gate: Gate) -> None:
    """They are ready for others while the jobs in the slots still run, and are charged nothing."""
    small(conn, 60)
    with working(dsn, tmp_path, {"no_op": gate.module}, slots=2, heartbeat_s=60.0) as worker:
        until(lambda: len(gate.began) == 2, "both slots")
        worker.runner.shutdown()
        until(lambda: count(conn, "running") == 2, "the others to go back")
        assert worker.code is None, "two still run"
        gate.open.set()
        assert worker.join() == 0
    assert (len(gate.began), count(conn, "completed"), count(conn, "queued")) == (2, 2, 58)
    assert outcomes(conn) == {"released": 58, "completed": 2}
    assert conn.execute("select max(attempts), max(crashes) from queue.processing_jobs").fetchone() == (0, 0)


def test_leaving_at_once_gives_everything_back(dsn: str, conn: Conn, tmp_path: Path, gate: Gate) -> None:
    """A second signal: also those in the slots, and no other one begins on the way out."""
    small(conn, 60)
    with working(dsn, tmp_path, {"no_op": gate.module}, slots=2) as worker:
        until(lambda: len(gate.began) == 2, "both slots")
        worker.runner.shutdown()
        worker.runner.shutdown()
        assert worker.join() == 0
    assert (len(gate.began), count(conn, "queued"), outcomes(conn)) == (2, 60, {"released": 60})


def test_a_cancel_before_its_start_ends_a_job_without_running_it(dsn: str, conn: Conn, tmp_path: Path, gate: Gate) -> None:
    """The worker is told while the job waits for a slot."""
    ids = small(conn, 20)
    with working(dsn, tmp_path, {"no_op": gate.module}, heartbeat_s=60.0) as worker:
        until(lambda: gate.began, "the slot")
        (waiting,) = [one for one in ids if one not in gate.began][-1:]
        conn.execute("select queue.cancel_job(%s)", [waiting])
        held = worker.runner.loop.in_flight.held
        until(lambda: held[waiting, 1].deadlines.reason == "cancelled", "the word to come")
        gate.open.set()
        until(lambda: count(conn, "completed") == 19, "the others")
        until(lambda: job(conn, waiting)["status"] == "cancelled", "the cancelled one")
    assert waiting not in gate.began


def test_a_lease_lost_before_its_start_drops_the_job(dsn: str, conn: Conn, tmp_path: Path, gate: Gate) -> None:
    """The queue took it back while it waited here: its successor runs it, this worker does not."""
    ids = small(conn, 20)
    with working(dsn, tmp_path, {"no_op": gate.module}, heartbeat_s=0.2) as worker:
        until(lambda: gate.began, "the slot")
        (waiting,) = [one for one in ids if one not in gate.began][-1:]
        held = worker.runner.loop.in_flight.held[waiting, 1]
        with conn.transaction():  # else a heartbeat may come in between
            conn.execute("update queue.leases set expires_at = 'epoch' where job_id = %s", [waiting])
            conn.execute("select queue.rescue_expired()")
        until(lambda: held.deadlines.reason == "lease_lost", "the heartbeat to tell")
        conn.execute("update queue.processing_jobs set job_data = '{}' where id = %s", [waiting])
        gate.open.set()
        until(lambda: count(conn, "completed") >= 19, "the others")
        until(lambda: worker.runner.loop.settler.ended["job.lost"] == 1, "the line in the log")
        assert held.started_at is None
    assert gate.began.count(waiting) <= 1, "only under a new token"


def test_without_heartbeats_no_waiting_job_begins_after_its_lease(
    dsn: str, conn: Conn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lease counts from the claim, wherever the job waits."""
    conn.execute("update queue.job_types set lease = '1 second' where job_type = 'no_op'")

    def fail(*_args: Any) -> None:
        raise DatabaseAway("no heartbeat comes through")

    monkeypatch.setattr("reelq.worker.runtime.contact.UNHEARD_S", 60.0)  # so long it claims all the same
    began: list[float] = []

    def run(ctx: JobContext) -> None:
        began.append(time.monotonic())
        while not ctx.stop.wait(0.01):
            pass  # stopped by the lost lease
        ctx.check()

    with working(dsn, tmp_path, {"no_op": handler(run)}, poll_s=60.0) as worker:
        until(lambda: worker.runner.loop.contact.may_claim, "the first heartbeat")
        monkeypatch.setattr(queue, "heartbeat", fail)
        with conn.transaction():  # one claim takes them all
            small(conn, 20)
        until(lambda: worker.runner.loop.settler.ended["job.lost"] == 20, "all to be dropped")
    assert len(began) == 1


def test_limits_count_from_the_start_and_the_lease_is_kept_meanwhile(dsn: str, conn: Conn, tmp_path: Path) -> None:
    """Ten jobs of 0.3 s one after another, a time limit and a lease of two seconds: all complete."""
    conn.execute("update queue.job_types set time_limit = '2 seconds', stall_limit = '1.8 seconds', lease = '2 seconds' where job_type = 'no_op'")
    conn.execute("update queue.job_types set batch = 50 where job_type = 'no_op'")
    ids = [enqueue(conn, job_data='{"sleep_s": 0.3}') for _ in range(10)]
    late = enqueue(conn, job_data='{"sleep_s": 60}', priority=10)
    with working(dsn, tmp_path, {"no_op": no_op}, heartbeat_s=30.0):
        until(lambda: count(conn, "completed") == 10, "the ten")
        until(lambda: job(conn, late)["token"] > 0 and job(conn, late)["status"] != "running", "the late one")
    assert all(len(attempts(conn, one)) == 1 for one in ids)
    assert attempts(conn, late)[0]["code"] in ("time_limit", "stalled")


def test_slots_share_one_pile(dsn: str, conn: Conn, tmp_path: Path) -> None:
    """One slot is held up by a slow job; the other does all the rest meanwhile."""
    go, slow = threading.Event(), threading.Event()
    ran: Counter[str] = Counter()

    def run(args: Any, _ctx: JobContext) -> None:
        if args.sleep_s:
            slow.set()
            assert go.wait(20)
        ran[threading.current_thread().name] += 1

    conn.execute("update queue.job_types set batch = 50 where job_type = 'no_op'")
    enqueue(conn, job_data='{"sleep_s": 1}', priority=1)
    small(conn, 300)
    with working(dsn, tmp_path, {"no_op": SimpleNamespace(Args=no_op.Args, run=run)}, slots=2):
        assert slow.wait(20)
        until(lambda: count(conn, "completed") == 300, "all but the slow one")
        assert len(ran) == 1
        go.set()
        until(lambda: count(conn, "completed") == 301, "the slow one")


def test_large_jobs_beside_small_ones_get_whole_slots(dsn: str, conn: Conn, tmp_path: Path, gate: Gate) -> None:
    """A large job takes a slot of its own: with one in flight, two slots hold one batch of small jobs."""
    large = Gate()
    small(conn, 200)
    enqueue(conn, "video_transcode", priority=1)
    modules = {"no_op": gate.module, "video_transcode": large.module}
    with working(dsn, tmp_path, modules, slots=2):
        until(lambda: gate.began and large.began, "both slots")
        assert count(conn, "running") == 51
        large.open.set()
        until(lambda: len(gate.began) == 2, "the free slot to take a small one")
        gate.open.set()
        until(lambda: count(conn, "completed") == 201, "all")


def test_one_failure_among_many_is_its_own(dsn: str, conn: Conn, tmp_path: Path) -> None:
    """Each job of a batch has its own outcome."""

    def run(args: Any, ctx: JobContext) -> dict[str, Any]:
        if args.sleep_s:
            raise PermanentError("bad")
        return {"token": ctx.job.token} if ctx.job.priority == 2 else {}

    ids = small(conn, 50)
    bad = enqueue(conn, job_data='{"sleep_s": 1}')
    telling = enqueue(conn, priority=2)
    with working(dsn, tmp_path, {"no_op": SimpleNamespace(Args=no_op.Args, run=run)}, slots=2, until_idle=True) as worker:
        assert worker.join() == 1
    assert {job(conn, one)["status"] for one in ids} == {"completed"}
    assert (job(conn, bad)["status"], job(conn, bad)["error_code"]) == ("failed", "bad")
    assert job(conn, telling)["result_data"] == {"token": 1}


def test_two_workers_run_everything_exactly_once(dsn: str, conn: Conn, tmp_path: Path) -> None:
    """2,000 jobs, two workers, one of which drains in the middle."""
    ran: list[Any] = []
    module = SimpleNamespace(Args=no_op.Args, run=lambda _args, ctx: ran.append(ctx.job.job_id))
    ids = small(conn, 2000)
    with ExitStack() as stack:
        first, second = (
            stack.enter_context(working(dsn, tmp_path / name, {"no_op": module}, slots=3)) for name in ("one", "two")
        )
        until(lambda: len(ran) > 300, "some")
        first.runner.shutdown()
        assert first.join() == 0
        until(lambda: count(conn, "completed") == 2000, "all")
        assert second.code is None
    assert sorted(ran) == sorted(ids)
    assert conn.execute("select count(*) from queue.verify()").fetchone() == (0,)


def test_a_thousand_jobs_take_few_transactions(dsn: str, conn: Conn, tmp_path: Path) -> None:
    """At most one for fifty jobs."""

    def commits() -> int:
        row = conn.execute("select xact_commit from pg_stat_database where datname = current_database()").fetchone()
        return int(row[0]) if row else 0

    small(conn, 5000, batch=200)
    conn.execute("select pg_stat_force_next_flush()")
    before = commits()
    with working(dsn, tmp_path, {"no_op": no_op}, slots=10, until_idle=True, heartbeat_s=5.0) as worker:
        assert worker.join() == 0
    until(lambda: commits() > before, "statistics")
    assert count(conn, "completed") == 5000
    assert commits() - before <= 100


def test_a_claim_that_was_never_heard_of_goes_back_as_a_whole(
    dsn: str, conn: Conn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection broke between the commit of a large claim and its answer."""
    real, unbroken = queue.settle_and_claim, [True]

    def lossy(conn: Any, *args: Any) -> Any:
        claimed = real(conn, *args)
        if claimed and unbroken:
            unbroken.pop()
            raise DatabaseAway("cut after the commit")
        return claimed

    monkeypatch.setattr(queue, "settle_and_claim", lossy)
    small(conn, 40)
    with working(dsn, tmp_path, {"no_op": no_op}, slots=2):
        until(lambda: count(conn, "completed") == 40, "all")
    assert outcomes(conn) == {"released": 40, "completed": 40}
    assert conn.execute("select max(attempts), max(crashes) from queue.processing_jobs").fetchone() == (0, 0)


def test_a_worker_that_was_woken_looks_once_more(
    dsn: str, conn: Conn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The queue may keep the next notification back for a moment: what came in it is found without one, and without a poll."""
    looks: list[float] = []
    real = queue.settle_and_claim

    def noting(conn: Any, *args: Any) -> Any:
        looks.append(time.monotonic())
        return real(conn, *args)

    monkeypatch.setattr(queue, "settle_and_claim", noting)
    monkeypatch.setattr("reelq.worker.runtime.claimer.RECHECK_S", 3.0)  # for a loaded host
    with working(dsn, tmp_path, {"no_op": no_op}, poll_s=60.0, heartbeat_s=60.0) as worker:
        until(lambda: conn.execute("select count(*) from queue.listening_workers").fetchone() == (1,), "the worker to sleep")
        claimer = worker.runner.loop._claimer
        until(lambda: claimer.look_at > time.monotonic() + 10, "the worker to rest")
        began = len(looks)
        conn.execute("notify reelq_ready, 'no_op'")
        until(lambda: len(looks) > began, "the look at once")
        with conn.transaction():  # silently, as if its notification were kept back
            conn.execute("create temporary table awake on commit drop as table queue.listening_workers")
            conn.execute("delete from queue.listening_workers")
            job_id = conn.execute("select queue.enqueue_job('no_op')").fetchone()
            conn.execute("insert into queue.listening_workers table awake")
        assert job_id is not None
        until(lambda: job(conn, job_id[0])["status"] == "completed", "the second look")
        until(lambda: claimer.look_at > time.monotonic() + 10, "no third one")
