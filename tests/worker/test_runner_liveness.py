"""A worker that is alive works: connections that go silent, outages, a queue that refuses, a main thread that hangs."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from structlog.testing import capture_logs

from demo import postgres
from reelq.worker import db
from reelq.worker.db import schema
from reelq.worker.errors import DatabaseAway, DatabaseRefuses
from reelq.worker.handlers import no_op
from reelq.worker.jobs.context import JobContext
from reelq.worker.runtime.registry import Registry
from reelq.worker.runtime.runner import Runner
from reelq.worker.scratch import Scratch
from reelq.worker.systemd import Notifier
from tests.fakes.proxy import Proxy, proxy
from tests.worker.runnerkit import Worker, attempts, ended, enqueue, handler, job, make_settings, until, working
from tests.worker.test_systemd_notify import Ear

Conn = psycopg.Connection[Any]


class Gate:
    """A handler that waits for the test."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.reasons: list[str | None] = []
        self.module = handler(self._run)

    def _run(self, ctx: JobContext) -> dict[str, Any]:
        while not self.go.wait(0.01) and ctx.stop.reason is None:
            pass
        self.reasons.append(ctx.stop.reason)
        ctx.check()
        ctx.on_complete(lambda conn: conn.execute("select"))
        return {}


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
def between(dsn: str) -> Iterator[tuple[Proxy, str]]:
    with proxy(dsn) as made:
        yield made


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Deadlines of a second, so that nobody waits for half a minute."""
    monkeypatch.setattr("reelq.worker.db.connection.ANSWER_S", 1.0)
    monkeypatch.setattr("reelq.worker.db.connection.LONG_ANSWER_S", 1.0)
    monkeypatch.setattr("reelq.worker.db.connection.CHECK_S", 0.5)
    monkeypatch.setattr("reelq.worker.db.answers.LOOK_S", 0.2)
    monkeypatch.setattr("reelq.worker.runtime.heartbeat.ANSWER_S", 1.0)
    monkeypatch.setattr("reelq.worker.runtime.listener.ASK_S", 0.3)
    monkeypatch.setattr("reelq.worker.runtime.listener.ANSWER_S", 1.0)


def status(conn: Conn) -> str:
    """Of the only worker; none: ""."""
    row = conn.execute("select status from queue.workers").fetchone()
    return str(row[0]) if row else ""


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("whose", ["reelq main", "reelq heartbeat", "reelq slots", "reelq listener", ""])
def test_a_connection_that_is_never_answered_holds_up_nothing(
    between: tuple[Proxy, str], conn: Conn, tmp_path: Path, gate: Gate, whose: str
) -> None:
    """A pooler after a failover: the connection is open and silent, new ones work. What runs is settled, what waits is claimed."""
    middle, dsn = between
    with working(dsn, tmp_path, {"no_op": gate.module}) as worker:
        warm = enqueue(conn)  # after it the slots have a connection
        gate.go.set()
        assert ended(conn, warm)["status"] == "completed"
        gate.go.clear()
        job_id = enqueue(conn)
        until(lambda: job(conn, job_id)["status"] == "running")
        assert middle.silence(whose) >= 1
        gate.go.set()
        assert ended(conn, job_id)["status"] == "completed"
        assert ended(conn, enqueue(conn))["status"] == "completed"
        beat = conn.execute("select clock_timestamp()").fetchone()
        until(lambda: conn.execute("select last_beat_at > %s from queue.workers", beat).fetchone() == (True,), "a heartbeat")
        conn.execute("select queue.drain_worker(%s)", [worker.id])
        assert worker.join() == 0
    assert [one["outcome"] for one in attempts(conn, job_id)] == ["completed"]


@pytest.mark.usefixtures("impatient")
def test_a_drain_is_heard_while_the_queue_is_silent(between: tuple[Proxy, str], conn: Conn, tmp_path: Path) -> None:
    """SIGTERM comes while the loop waits for an answer that never comes, and nothing new is let in."""
    middle, dsn = between
    worker = Worker(Runner(make_settings(dsn, tmp_path, poll_s=0.1), Registry({"no_op": no_op})))
    assert ended(conn, enqueue(conn))["status"] == "completed"  # its start is over
    middle.silence()
    worker.runner.shutdown()
    assert worker.join() == 0


def test_an_outage_longer_than_the_lease_kills_nothing(between: tuple[Proxy, str], conn: Conn, tmp_path: Path, gate: Gate) -> None:
    """Nobody can have taken the job: it goes on, is charged nothing, and each trouble is told when it begins and when it ends."""
    middle, dsn = between
    conn.execute("update queue.job_types set lease = '2 seconds' where job_type = 'no_op'")
    conn.execute("update queue.upkeep set grace = '1 second'")
    with capture_logs() as lines, working(dsn, tmp_path, {"no_op": gate.module}) as worker:
        job_id = enqueue(conn)
        until(lambda: job(conn, job_id)["status"] == "running")
        middle.close()
        until(lambda: conn.execute("select expires_at < clock_timestamp() - interval '1 second' from queue.leases").fetchone() == (True,), "the lease to end")
        until(lambda: worker.runner.loop.outage.trouble.tries > 3, "several tries")
        assert gate.reasons == []
        middle.open()
        until(lambda: conn.execute("select expires_at > clock_timestamp() from queue.leases").fetchone() == (True,), "the lease to be extended")
        gate.go.set()
        done = ended(conn, job_id)
        until(lambda: "listener.found" in [line["event"] for line in lines], "the listener")
    assert gate.reasons == [None]
    assert (done["status"], done["token"], done["attempts"], done["crashes"]) == ("completed", 1, 0, 0)
    events = [line["event"] for line in lines]
    for begin, end in (("database.lost", "database.found"), ("heartbeat.failed", "heartbeat.recovered"), ("listener.lost", "listener.found")):
        told = [line["error"] for line in lines if line["event"] == begin]
        assert 1 <= len(told) == len({"".join(c for c in one if not c.isdigit()) for one in told}), told  # each reason once
        assert events.count(end) == 1


def test_a_result_of_an_outage_is_judged_by_the_fence(between: tuple[Proxy, str], conn: Conn, tmp_path: Path, gate: Gate) -> None:
    """This worker alone was cut off, and the queue gave its job away: it drops the work when it hears of that."""
    middle, dsn = between
    with working(dsn, tmp_path, {"no_op": gate.module}):
        job_id = enqueue(conn)
        until(lambda: job(conn, job_id)["status"] == "running")
        conn.execute("select queue.pause('job_type', 'no_op', 'given away')")
        middle.close()
        conn.execute("update queue.leases set expires_at = 'epoch'")
        conn.execute("select queue.rescue_expired()")
        middle.open()
        until(lambda: gate.reasons == ["lease_lost"], "the word of the queue")
    assert [one["outcome"] for one in attempts(conn, job_id)] == ["lost"]


def test_a_read_only_primary_is_one_outage(tmp_path: Path, gate: Gate) -> None:
    """Reads succeed meanwhile, and are not taken for the end of it."""
    with postgres.throwaway() as server:
        with psycopg.connect(server.url(), autocommit=True) as conn:
            schema.install(conn)
            conn.execute("update queue.job_types set lease = '2 seconds' where job_type = 'no_op'")
            conn.execute("update queue.upkeep set grace = '1 second'")
            with capture_logs() as lines, working(server.url(), tmp_path, {"no_op": gate.module}) as worker:
                job_id = enqueue(conn)
                until(lambda: job(conn, job_id)["status"] == "running")
                conn.execute("alter system set default_transaction_read_only = on")
                conn.execute("select pg_reload_conf()")
                until(lambda: worker.runner.loop.outage.trouble.tries > 4, "several tries")
                until(lambda: conn.execute("select expires_at < clock_timestamp() from queue.leases").fetchone() == (True,), "the lease to end")
                conn.execute("set default_transaction_read_only = off")
                conn.execute("alter system reset default_transaction_read_only")
                conn.execute("select pg_reload_conf()")
                until(lambda: not worker.runner.loop.outage, "the end of it")
                gate.go.set()
                done = ended(conn, job_id)
            assert (done["status"], done["token"]) == ("completed", 1)
    events = [line["event"] for line in lines]
    assert (events.count("database.lost"), events.count("database.found"), events.count("heartbeat.failed")) == (1, 1, 1)


def test_sessions_that_began_read_only_are_opened_again(dsn: str, conn: Conn, tmp_path: Path, gate: Gate) -> None:
    """As where a provider sets it for the database while its disk is full: a session keeps what it began with."""
    name = conn.info.dbname
    with working(dsn, tmp_path, {"no_op": gate.module}) as worker:
        until(lambda: conn.execute("select count(*) from queue.listening_workers").fetchone() == (1,), "the worker to listen")
        conn.execute(f"alter database {name} set default_transaction_read_only = on".encode())
        conn.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = %s and application_name like 'reelq%%'", [name])
        until(lambda: worker.runner.loop.outage.trouble.tries > 1, "several tries")
        conn.execute(f"alter database {name} reset default_transaction_read_only".encode())
        gate.go.set()
        assert ended(conn, enqueue(conn))["status"] == "completed"


def test_a_session_that_is_out_of_step_is_opened_again(dsn: str, tmp_path: Path) -> None:
    """A statement was sent and nobody will hear its answer, as when the socket's number belongs to somebody else."""
    session = db.Session(make_settings(dsn, tmp_path), "test")

    def torn(conn: db.Connection) -> None:
        conn.pgconn.send_query(b"select 1")
        raise OSError("torn")

    first = session.call(lambda conn: conn.info.backend_pid)
    with pytest.raises(OSError, match="torn"):
        session.call(torn)
    assert session.call(lambda conn: conn.info.backend_pid) != first
    session.close()


def test_a_worker_that_beats_and_is_refused_leaves(dsn: str, conn: Conn, tmp_path: Path, gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not before what it runs has ended. It says why once, and the exit code asks for another start."""
    monkeypatch.setattr("reelq.worker.runtime.outage.GIVE_UP_S", 1.0)
    with capture_logs() as lines, working(dsn, tmp_path, {"no_op": gate.module}) as worker:
        job_id = enqueue(conn)
        until(lambda: job(conn, job_id)["status"] == "running")
        conn.execute("alter function queue.claim_jobs rename to claim_jobs_of_another_release")
        loop = worker.runner.loop
        until(lambda: loop.outage and time.monotonic() > loop.outage.trouble.since + 2.0, "twice the time")
        assert worker.code is None, "a job runs"
        gate.go.set()
        assert worker.join() == 75
    assert job(conn, job_id)["status"] == "completed"
    events = [line["event"] for line in lines]
    assert (events.count("claim.failed"), events.count("worker.gave_up")) == (1, 1)


def test_what_cannot_be_settled_is_not_held_for_ever(dsn: str, conn: Conn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Heartbeats succeed; a job that has ended gets no more of them, so that its lease runs out."""
    monkeypatch.setattr("reelq.worker.runtime.heartbeat.UNSETTLED_S", 0.5)
    conn.execute("update queue.job_types set lease = '2 seconds' where job_type = 'no_op'")
    go = threading.Event()
    with working(dsn, tmp_path, {"no_op": handler(lambda _ctx: go.wait(20) and {})}):
        job_id = enqueue(conn)
        until(lambda: job(conn, job_id)["status"] == "running")
        for name in ("settle_and_claim", "settle_jobs"):
            conn.execute(f"alter function queue.{name} rename to {name}_of_another_release".encode())
        go.set()
        until(lambda: conn.execute("select expires_at < clock_timestamp() from queue.leases").fetchone() == (True,), "the lease to end")
        until(lambda: conn.execute("select last_beat_at > (select expires_at from queue.leases) from queue.workers").fetchone() == (True,), "a later heartbeat")
        for name in ("settle_and_claim", "settle_jobs"):
            conn.execute(f"alter function queue.{name}_of_another_release rename to {name}".encode())


def test_a_main_thread_that_hangs_is_not_kept_alive_by_the_heart(
    dsn: str, conn: Conn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """systemd's watchdog gets no more food, the queue no more heartbeats, and the process is told to end."""
    monkeypatch.setattr("reelq.worker.runtime.contact.STUCK_S", 1.0)
    listening = Ear(str(tmp_path / "notify"))
    hang, stuck = threading.Event(), threading.Event()
    trouble = Scratch.trouble

    def look(scratch: Scratch) -> str | None:
        if hang.is_set():
            until(lambda: not hang.is_set(), "the disk to answer")
        return trouble(scratch)

    monkeypatch.setattr(Scratch, "trouble", look)
    environ = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "300000"}
    runner = Runner(make_settings(dsn, tmp_path), Registry({"no_op": no_op}), Notifier(environ), on_stuck=stuck.set)
    worker = Worker(runner)
    until(lambda: listening.count("WATCHDOG=1") > 2, "food")
    hang.set()
    assert stuck.wait(20)
    fed, beat = listening.count("WATCHDOG=1"), conn.execute("select last_beat_at from queue.workers").fetchone()
    stuck.clear()
    assert stuck.wait(20), "it is told again while it lasts"
    assert listening.count("WATCHDOG=1") == fed
    assert conn.execute("select last_beat_at from queue.workers").fetchone() == beat
    hang.clear()
    until(lambda: listening.count("WATCHDOG=1") > fed, "food again")
    assert ended(conn, enqueue(conn))["status"] == "completed"
    runner.shutdown()
    assert worker.join() == 0


def test_an_undone_drain_is_undone(dsn: str, conn: Conn, tmp_path: Path, gate: Gate) -> None:
    """A worker that was asked to drain and still runs something claims again once that is taken back."""
    with working(dsn, tmp_path, {"no_op": gate.module, "extract_metadata": no_op}, slots=2, heartbeat_s=60.0) as worker:
        first = enqueue(conn)
        until(lambda: job(conn, first)["status"] == "running")
        conn.execute("select queue.drain_worker(%s)", [worker.id])
        until(lambda: worker.runner.loop.leaving, "the drain")
        second = enqueue(conn, "extract_metadata")
        conn.execute("select queue.drain_worker(%s, false)", [worker.id])
        assert ended(conn, second)["status"] == "completed"
        gate.go.set()
        assert ended(conn, first)["status"] == "completed"
        assert ended(conn, enqueue(conn, "extract_metadata"))["status"] == "completed"
        assert worker.code is None
    assert gate.reasons == [None]


def test_a_drain_by_signal_cannot_be_undone_from_afar(dsn: str, conn: Conn, tmp_path: Path, gate: Gate) -> None:
    """The process is going to end, and its row says so again."""
    with working(dsn, tmp_path, {"no_op": gate.module}) as worker:
        first = enqueue(conn)
        until(lambda: job(conn, first)["status"] == "running")
        worker.runner.shutdown()
        until(lambda: status(conn) == "draining")
        until(lambda: worker.runner._heartbeat._asked_to_drain, "the heartbeat to hear of it")
        conn.execute("select queue.drain_worker(%s, false)", [worker.id])
        until(lambda: status(conn) == "draining", "the worker to say it again")
        gate.go.set()
        assert worker.join() == 0


def test_the_first_signal_after_a_drain_from_afar_still_waits(dsn: str, conn: Conn, tmp_path: Path, gate: Gate) -> None:
    """Only a second one hurries."""
    with working(dsn, tmp_path, {"no_op": gate.module}) as worker:
        first = enqueue(conn)
        until(lambda: job(conn, first)["status"] == "running")
        conn.execute("select queue.drain_worker(%s)", [worker.id])
        until(lambda: worker.runner.loop.leaving.why == "asked", "the drain")
        worker.runner.shutdown()
        until(lambda: worker.runner.loop.leaving.why == "signal", "the signal")
        assert gate.reasons == []
        gate.go.set()
        assert worker.join() == 0
    assert job(conn, first)["status"] == "completed"


@pytest.mark.parametrize("change", ["dbname=not_there", "user=nobody_of_that_name"])
def test_who_is_not_let_in_is_no_outage(dsn: str, tmp_path: Path, change: str) -> None:
    """A wrong name of the database or the role: the operator's mistake, exit 2, no restart."""
    wrong = psycopg.conninfo.make_conninfo(dsn, **dict([change.split("=")]))
    with pytest.raises(DatabaseRefuses) as told:
        Runner(make_settings(wrong, tmp_path), Registry({"no_op": no_op})).run()
    assert told.value.exit_code == 2
    nowhere = psycopg.conninfo.make_conninfo(dsn, host="127.0.0.1", port=9)
    with pytest.raises(DatabaseAway) as away:
        Runner(make_settings(nowhere, tmp_path), Registry({"no_op": no_op})).run()
    assert away.value.exit_code == 75
