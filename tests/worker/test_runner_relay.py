"""A heartbeat without a connection of its own goes over the main thread's; a worker without any heartbeat claims nothing and leaves."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo
from structlog.testing import capture_logs

from reelq.worker.handlers import no_op
from reelq.worker.jobs.context import JobContext
from tests.worker.runnerkit import attempts, ended, enqueue, handler, job, until, working

Conn = psycopg.Connection[Any]
EXTENDED = "select expires_at > %s::timestamptz + interval '3 seconds' from queue.leases"


@pytest.fixture
def role(dsn: str, conn: Conn) -> Iterator[sql.Identifier]:
    """A worker's role that may have one connection."""
    name = sql.Identifier(f"narrow_{uuid.uuid4().hex}")
    conn.execute(sql.SQL("create role {} login in role reelq_worker connection limit 1").format(name))
    yield name
    conn.execute(sql.SQL("drop role {}").format(name))


@pytest.fixture
def narrow(dsn: str, role: sql.Identifier) -> str:
    """The database, for that role."""
    return make_conninfo(dsn, user=role.as_string().strip('"'))


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of a second instead of a minute."""
    monkeypatch.setattr("reelq.worker.runtime.contact.UNHEARD_S", 0.3)
    monkeypatch.setattr("reelq.worker.runtime.host_state.UNHEARD_S", 0.3)


def waiting(go: threading.Event, reasons: list[str | None]) -> Any:
    """A handler that waits for the test and needs no connection."""

    def run(ctx: JobContext) -> dict[str, Any]:
        while not go.wait(0.01) and ctx.stop.reason is None:
            pass
        reasons.append(ctx.stop.reason)
        ctx.check()
        return {}

    return handler(run)


def rename(conn: Conn, function: str, name: str) -> None:
    """Give a function of the queue another name."""
    conn.execute(sql.SQL("alter function queue.{} rename to {}").format(sql.Identifier(function), sql.Identifier(name)))


def test_a_role_whose_connections_are_used_up_loses_no_job(
    narrow: str, role: sql.Identifier, conn: Conn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The main thread sends the heartbeats; a job runs for longer than its lease, once. The log tells begin and end."""
    monkeypatch.setattr("reelq.worker.runtime.heartbeat.RELAYED_S", 0.3)
    conn.execute("update queue.job_types set lease = '2 seconds' where job_type = 'no_op'")
    go, reasons = threading.Event(), list[str | None]()
    with capture_logs() as lines, working(narrow, tmp_path, {"no_op": waiting(go, reasons)}):
        job_id = enqueue(conn)
        until(lambda: job(conn, job_id)["status"] == "running")
        began = job(conn, job_id)["started_at"]
        until(lambda: reasons or conn.execute(EXTENDED, [began]).fetchone() == (True,), "the lease to be extended twice")
        assert reasons == []
        go.set()
        done = ended(conn, job_id)
        conn.execute(sql.SQL("alter role {} connection limit -1").format(role))
        until(lambda: "heartbeat.unrelayed" in [line["event"] for line in lines], "a connection of its own")
    events = [line["event"] for line in lines]
    assert (done["status"], done["token"], done["crashes"]) == ("completed", 1, 0)
    assert (events.count("heartbeat.relayed"), events.count("heartbeat.unrelayed"), events.count("heartbeat.failed")) == (1, 1, 0)


def test_a_cancel_is_heard_over_the_main_connection(narrow: str, conn: Conn, tmp_path: Path) -> None:
    """What the heartbeat brings back arrives as well."""
    reasons = list[str | None]()
    with working(narrow, tmp_path, {"no_op": waiting(threading.Event(), reasons)}):
        job_id = enqueue(conn)
        until(lambda: job(conn, job_id)["status"] == "running")
        conn.execute("select queue.cancel_job(%s)", [job_id])
        assert ended(conn, job_id)["status"] == "cancelled"
    assert reasons == ["cancelled"]


def test_many_small_jobs_leave_room_for_heartbeats(narrow: str, conn: Conn, tmp_path: Path) -> None:
    """Claims are sent ahead on the connection; the beats get in between, and no job is lost."""
    conn.execute("update queue.job_types set batch = 200 where job_type = 'no_op'")
    conn.execute("select queue.enqueue_job('no_op') from generate_series(1, 3000)")
    with capture_logs() as lines, working(narrow, tmp_path, {"no_op": no_op}, slots=2, heartbeat_s=0.05) as worker:
        until(lambda: conn.execute("select count(*) from queue.processing_jobs where status <> 'completed'").fetchone() == (0,))
        until(lambda: worker.runner.loop.settler.ended["job.completed"] == 3000, "the log")
    events = {line["event"] for line in lines}
    assert "heartbeat.relayed" in events
    assert not events & {"heartbeat.failed", "database.lost", "claim.failed", "job.lost", "orphan.released"}
    assert conn.execute("select count(*) from queue.job_attempts").fetchone() == (3000,)


@pytest.mark.usefixtures("hurried")
def test_a_worker_that_cannot_beat_claims_nothing_more(dsn: str, conn: Conn, tmp_path: Path) -> None:
    """Its row says why, health and explain name it, and it goes on when heartbeats are taken again."""
    go = threading.Event()
    with working(dsn, tmp_path, {"no_op": waiting(go, []), "extract_metadata": no_op}, slots=2) as worker:
        first = enqueue(conn)
        until(lambda: job(conn, first)["status"] == "running")
        rename(conn, "heartbeat", "heartbeat_of_another_release")
        until(lambda: conn.execute("select trouble from queue.workers where trouble is not null").fetchone(), "the row to say so")
        second = enqueue(conn, "extract_metadata")
        go.set()
        assert ended(conn, first)["status"] == "completed"
        assert job(conn, second)["token"] == 0
        told = conn.execute("select detail from queue.health() where finding = 'workers' and level <> 'ok'").fetchall()
        assert any("takes no heartbeat of it: function queue.heartbeat" in row[0] for row in told), told
        rename(conn, "heartbeat_of_another_release", "heartbeat")
        assert ended(conn, second)["status"] == "completed"
        until(lambda: conn.execute("select trouble from queue.workers").fetchone() == (None,), "the row to be well again")
        assert worker.code is None


@pytest.mark.usefixtures("hurried")
def test_a_worker_that_never_beat_claims_nothing_and_leaves(
    dsn: str, conn: Conn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Started again and again, it must not take a job each time and lose it. The exit code asks for another start."""
    monkeypatch.setattr("reelq.worker.runtime.outage.GIVE_UP_S", 1.0)
    rename(conn, "heartbeat", "heartbeat_of_another_release")
    job_id = enqueue(conn)
    with capture_logs() as lines, working(dsn, tmp_path, {"no_op": no_op}) as worker:
        assert worker.join() == 75
    rename(conn, "heartbeat_of_another_release", "heartbeat")
    assert job(conn, job_id)["token"] == 0
    assert attempts(conn, job_id) == []
    gave_up = [line for line in lines if line["event"] == "worker.gave_up"]
    assert len(gave_up) == 1
    assert "queue.heartbeat" in gave_up[0]["error"]
