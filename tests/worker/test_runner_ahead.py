"""The next look is under way while the last one's jobs are started: nothing is lost or doubled, whatever happens then."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest

from reelq.worker.errors import DatabaseAway, PermanentError
from reelq.worker.handlers import no_op
from reelq.worker.rooms import queue
from reelq.worker.runtime.look_ahead import LookAhead
from tests.conftest import Connect
from tests.worker.runnerkit import Worker, attempts, handler, job, until, working
from tests.worker.test_runner_batch import count, outcomes, small

Conn = psycopg.Connection[Any]
KEY = 42


class Hold:
    """Holds the first look that is sent ahead inside the database, until it is let go."""

    def __init__(self, conn: Conn, monkeypatch: pytest.MonkeyPatch) -> None:
        self._conn = conn
        self.sent = threading.Event()
        real = LookAhead.send

        def send(ahead: LookAhead, *args: Any) -> bool:
            if not self.sent.is_set():
                conn.execute("select pg_advisory_lock(%s)", [KEY])
            asked = real(ahead, *args)
            if asked:
                self.sent.set()
            return asked

        monkeypatch.setattr(LookAhead, "send", send)
        conn.execute(
            """
            create function public.wait_for_test() returns trigger language plpgsql as
            $$ begin perform pg_advisory_xact_lock_shared(42); return null; end $$
            """
        )
        conn.execute("create trigger wait_for_test after insert on queue.leases for each statement execute function public.wait_for_test()")

    def let_go(self) -> None:
        """The database answers."""
        self._conn.execute("select pg_advisory_unlock_all()")


@pytest.fixture
def hold(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hold]:
    made = Hold(connect(), monkeypatch)
    yield made
    made.let_go()


def main_backend(conn: Conn, worker: Worker) -> int | None:
    """The pid of the main thread's connection, once it waits for the test."""
    row = conn.execute(
        "select pid from pg_stat_activity where application_name = %s and wait_event = 'advisory'", [f"reelq main {worker.id}"]
    ).fetchone()
    return row[0] if row else None


def test_it_drains_with_a_look_under_way(dsn: str, conn: Conn, tmp_path: Path, hold: Hold) -> None:
    """What the answer brings goes back; nobody is charged."""
    small(conn, 2000)
    with working(dsn, tmp_path, {"no_op": no_op}, slots=4) as worker:
        until(lambda: main_backend(conn, worker), "a look under way")
        worker.runner.shutdown()
        hold.let_go()
        assert worker.join() == 0
    assert count(conn, "running") == 0
    assert set(outcomes(conn)) <= {"completed", "released"}
    assert outcomes(conn)["completed"] == count(conn, "completed") > 0
    assert conn.execute("select max(attempts), max(crashes) from queue.processing_jobs").fetchone() == (0, 0)


def test_its_connection_breaks_with_a_look_under_way(dsn: str, conn: Conn, tmp_path: Path, hold: Hold) -> None:
    """What it had sent is settled once more, and what was claimed for it is found."""
    ran: list[Any] = []
    module = SimpleNamespace(Args=no_op.Args, run=lambda _args, ctx: ran.append(ctx.job.job_id))
    ids = small(conn, 1000)
    with working(dsn, tmp_path, {"no_op": module}, slots=4) as worker:
        pid = until(lambda: main_backend(conn, worker), "a look under way")
        assert conn.execute("select pg_terminate_backend(%s, 5000)", [pid]).fetchone() == (True,)
        hold.let_go()
        until(lambda: count(conn, "completed") == 1000, "all")
    assert sorted(ran) == sorted(ids)
    assert set(outcomes(conn)) <= {"completed", "released"}


def test_a_look_that_cannot_be_sent_costs_no_job(dsn: str, conn: Conn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection breaks between an answer and the next look: what the answer brought is here."""
    real, calls = queue.ask_settle_and_claim, Counter[str]()

    def lossy(conn: Any, *args: Any) -> Any:
        calls["ask"] += 1
        if calls["ask"] in (1, 4):
            raise DatabaseAway("cut before it was sent")
        return real(conn, *args)

    monkeypatch.setattr(queue, "ask_settle_and_claim", lossy)
    monkeypatch.setattr(queue, "settle_and_claim", lambda *args: (asked := real(*args)).rows(asked.wait()))
    small(conn, 3000)
    with working(dsn, tmp_path, {"no_op": no_op}, slots=4, until_idle=True) as worker:
        assert worker.join() == 0
        assert len(worker.runner.loop.in_flight) == 0
    assert calls["ask"] > 4
    assert outcomes(conn) == {"completed": 3000}


def test_it_hears_while_a_look_is_under_way(dsn: str, conn: Conn, tmp_path: Path, hold: Hold) -> None:
    """A job that is slow does not wait for the database to be cancelled, nor the slots for work that is here."""
    slow = threading.Event()

    def run(ctx: Any) -> None:
        if ctx.job.priority == 1:
            slow.set()
            while not ctx.stop.wait(0.01):
                pass
            ctx.check()

    small(conn, 2000)
    row = conn.execute("select queue.enqueue_job('no_op', priority => 1)").fetchone()
    with working(dsn, tmp_path, {"no_op": handler(run)}, slots=4) as worker:
        assert slow.wait(20)
        until(lambda: main_backend(conn, worker), "a look under way")
        conn.execute("select queue.cancel_job(%s)", row)
        held = worker.runner.loop.in_flight
        until(lambda: any(one.outcome and one.outcome.kind != "completed" for one in held.attempts()), "its end")
        hold.let_go()
        until(lambda: count(conn, "completed") == 2000, "the others")
        until(lambda: count(conn, "cancelled") == 1, "the cancelled one")


def test_each_of_many_has_its_own_end(dsn: str, conn: Conn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Failures, results that are refused and lost leases among thousands, with looks sent ahead all the time."""
    sent: Counter[bool] = Counter()
    real = LookAhead.send

    def send(ahead: LookAhead, *args: Any) -> bool:
        asked = real(ahead, *args)
        sent[asked] += 1
        return asked

    monkeypatch.setattr(LookAhead, "send", send)
    ids = small(conn, 4000)
    odd = {"fail": ids[700], "large": ids[1400], "lost": ids[2100]}

    def run(ctx: Any) -> Any:
        if ctx.job.job_id == odd["fail"]:
            raise PermanentError("bad")
        if ctx.job.job_id == odd["large"]:
            return {"x": "y" * 100_000}
        if ctx.job.job_id == odd["lost"] and ctx.job.token == 1:
            with conn.transaction():
                conn.execute("update queue.leases set expires_at = 'epoch' where job_id = %s", [ctx.job.job_id])
                conn.execute("select queue.rescue_expired()")
        return {}

    with working(dsn, tmp_path, {"no_op": handler(run)}, slots=4, until_idle=True) as worker:
        assert worker.join() == 1
    assert sent[True] > 5
    ends = {name: [(one["outcome"], one["code"]) for one in attempts(conn, one)] for name, one in odd.items()}
    assert ends["fail"] == [("failed", "bad")]
    assert ends["large"] == [("failed", "bad_result")]
    assert [outcome for outcome, _ in ends["lost"]] == ["lost", "completed"]
    assert all(job(conn, one)["token"] == 1 for one in ids[:50])
    assert outcomes(conn) == {"completed": 3998, "failed": 2, "lost": 1}
