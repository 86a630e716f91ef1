"""A worker and its surroundings: the connection, the disk, its neighbours, its log."""

from __future__ import annotations

import errno
import io
import json
import logging
import os
import subprocess
import sys
import threading
import time
import uuid
from pathlib import Path
from typing import Any

import psycopg
import pytest
import structlog

from reelq.worker import db, logs
from reelq.worker.errors import DatabaseAway, SettingsError
from reelq.worker.handlers import no_op
from reelq.worker.jobs.context import JobContext
from reelq.worker.rooms import queue
from reelq.worker.runtime import neighbours
from reelq.worker.runtime.registry import shipped
from reelq.worker.scratch import Scratch
from tests.worker.runnerkit import attempts, ended, enqueue, handler, job, make_settings, until, working

Conn = psycopg.Connection[Any]
OURS = "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name like 'reelq %'"


def test_a_lost_connection_costs_no_job(dsn: str, conn: Conn, tmp_path: Path) -> None:
    """All of the worker's connections are cut while a job runs: it is settled, once, and the next one runs."""
    go = threading.Event()

    def run(ctx: JobContext) -> dict[str, Any]:
        ctx.on_complete(lambda _conn: None)
        assert go.wait(20)
        return {}

    with working(dsn, tmp_path, {"no_op": handler(run)}):
        job_id = enqueue(conn)
        until(lambda: job(conn, job_id)["status"] == "running")
        cut = len(conn.execute(OURS).fetchall())
        assert cut >= 3, "main, heart, listener"
        go.set()
        assert ended(conn, job_id)["status"] == "completed"
        assert ended(conn, enqueue(conn))["status"] == "completed"
    assert [one["outcome"] for one in attempts(conn, job_id)] == ["completed"]


@pytest.mark.parametrize("in_batch", [True, False])
def test_an_answer_that_got_lost_is_not_taken_for_a_lost_lease(
    dsn: str, conn: Conn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_batch: bool
) -> None:
    """The commit arrived, its answer did not; the repeat is refused by the fence, and the history tells the truth."""
    name = "settle_and_claim" if in_batch else "complete_job"
    real, breaks = getattr(queue, name), iter([True])

    def lossy(conn: db.Connection, *args: Any) -> Any:
        told = real(conn, *args)
        if (not in_batch or args[2]) and next(breaks, False):
            if not in_batch:
                conn.execute("commit")
            raise DatabaseAway("cut after the commit")
        return told

    monkeypatch.setattr(queue, name, lossy)

    def run(ctx: JobContext) -> None:
        if not in_batch:
            ctx.on_complete(lambda _conn: None)

    with working(dsn, tmp_path, {"no_op": handler(run)}) as worker:
        done = ended(conn, enqueue(conn))
        until(lambda: worker.runner.loop.settler.ended, "the line in the log")
        assert dict(worker.runner.loop.settler.ended) == {"job.completed": 1}
    assert (done["status"], done["token"]) == ("completed", 1)


def test_a_claim_that_was_never_heard_of_is_given_back(
    dsn: str, conn: Conn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection broke between the commit of a claim and its answer: no waiting for the lease, no charge."""
    real, unbroken = queue.settle_and_claim, [True]

    def lossy(conn: db.Connection, *args: Any) -> Any:
        claimed = real(conn, *args)
        if claimed and unbroken:
            unbroken.pop()
            raise DatabaseAway("cut after the commit")
        return claimed

    monkeypatch.setattr(queue, "settle_and_claim", lossy)
    with working(dsn, tmp_path, {"no_op": no_op}):
        job_id = enqueue(conn)
        until(lambda: job(conn, job_id)["status"] == "completed")
    assert [one["outcome"] for one in attempts(conn, job_id)] == ["released", "completed"]
    assert job(conn, job_id)["crashes"] == 0


def test_a_worker_without_heartbeats_does_not_go_on(
    dsn: str, conn: Conn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the heartbeat thread dies of a mistake of ours the jobs go back and the process ends."""

    def fail(*_args: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(threading, "excepthook", lambda _args: None)
    with pytest.raises(RuntimeError, match="leases"), working(dsn, tmp_path, {"no_op": no_op}) as worker:
        job_id = enqueue(conn, job_data='{"sleep_s": 600}')
        until(lambda: job(conn, job_id)["status"] == "running")
        monkeypatch.setattr(queue, "heartbeat", fail)
        until(lambda: job(conn, job_id)["status"] == "queued", "the job to go back")
        worker.join()
    assert job(conn, job_id)["crashes"] == 0


def test_a_worker_that_the_queue_forgot_registers_again(dsn: str, conn: Conn, tmp_path: Path) -> None:
    """Somebody signed it off, or the database is a restored one."""
    with working(dsn, tmp_path, {"no_op": no_op}) as worker:
        until(lambda: conn.execute("select status from queue.workers").fetchone())
        conn.execute("select queue.deregister_worker(%s)", [worker.id])
        assert ended(conn, enqueue(conn))["status"] == "completed"


def test_without_listen_it_polls(dsn: str, conn: Conn, tmp_path: Path) -> None:
    """Behind a transaction pooler: no LISTEN, nobody in queue.listening_workers, no prepared statements; drain is found by the heartbeat."""
    with working(dsn, tmp_path, {"no_op": no_op}, database_direct_url="off") as worker:
        assert ended(conn, enqueue(conn))["status"] == "completed"
        assert conn.execute("select count(*) from queue.listening_workers").fetchone() == (0,)
        conn.execute("select queue.drain_worker(%s)", [worker.id])
        assert worker.join() == 0


def test_an_idle_worker_asks_little(dsn: str, conn: Conn, tmp_path: Path) -> None:
    """About one transaction a poll, and a heartbeat every ten seconds."""

    def count() -> int:
        row = conn.execute("select xact_commit from pg_stat_database where datname = current_database()").fetchone()
        return int(row[0]) if row else 0

    with working(dsn, tmp_path, {"no_op": no_op}, poll_s=1.0, heartbeat_s=2.0):
        until(lambda: conn.execute("select count(*) from queue.listening_workers").fetchone() == (1,), "the worker to sleep")
        began, before = time.monotonic(), count()
        until(lambda: time.monotonic() - began > 4, "four seconds")
        after = until(lambda: count() - before, "statistics")
        assert after < 4 * (time.monotonic() - began) + 20  # what the worker did before it slept is counted late


def test_jobs_wait_while_the_disk_is_full(dsn: str, conn: Conn, tmp_path: Path) -> None:
    """Over its quota, or below the reserve, a worker claims nothing; it goes on when there is room."""
    full, go = threading.Event(), threading.Event()

    def run(ctx: JobContext) -> None:
        (ctx.scratch / "big").write_bytes(b"x" * 200_000)
        full.set()
        go.wait(20)

    with working(
        dsn, tmp_path, {"no_op": handler(run), "extract_metadata": no_op}, slots=2, scratch_quota_bytes=100_000
    ) as worker:
        big = enqueue(conn)
        assert full.wait(20)
        small = enqueue(conn, "extract_metadata")
        until(lambda: worker.runner.loop.host.disk, "the worker to notice")
        assert job(conn, small)["status"] == "queued"
        go.set()
        assert ended(conn, small)["status"] == ended(conn, big)["status"] == "completed"


def test_scratch_of_dead_workers_is_swept_and_that_of_living_ones_kept(dsn: str, tmp_path: Path) -> None:
    """The kernel knows who lives: the lock of a dead process is free."""
    settings = make_settings(dsn, tmp_path)
    alive = Scratch(settings, "alive")
    alive.open()
    kept = alive.make(uuid.uuid4(), 1)
    script = (
        "import os, sys; from pathlib import Path; from tests.worker.runnerkit import make_settings; from reelq.worker.scratch import Scratch\n"
        "s = Scratch(make_settings('', Path(sys.argv[1])), 'dead'); s.open(); (s.make('j', 1) / 'litter').touch(); os._exit(9)"
    )
    assert subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False).returncode == 9
    assert (settings.scratch / "dead" / "j-1" / "litter").exists()
    newcomer = Scratch(settings, "newcomer")
    newcomer.open()
    assert not (settings.scratch / "dead").exists()
    assert kept.is_dir()
    newcomer.close()
    alive.close()
    assert list(settings.scratch.iterdir()) == []


def test_only_dead_workers_of_this_host_are_marked(dsn: str, conn: Conn) -> None:
    """Same host, same boot, same PID namespace, and no such process; everybody else is left alone."""
    gone = subprocess.Popen(["true"])
    gone.wait()
    key = neighbours.process_key()
    for name, host, pid, its_key in [
        ("dead", "here", gone.pid, key),
        ("alive", "here", os.getppid(), key),
        ("elsewhere", "there", gone.pid, key),
        ("container", "here", gone.pid, "another boot"),
    ]:
        queue.register_worker(
            conn, name, host=host, pid=pid, version="0", pool="p", slots=1, types=None, capabilities=[], process_key=its_key
        )
    neighbours.mark_dead(conn, "here")
    assert conn.execute("select worker_id from queue.workers where status = 'lost'").fetchall() == [("dead",)]


def test_logs_are_json_and_keep_secrets(tmp_path: Path) -> None:
    """One object a line; a password does not appear, whichever way it came into the line."""
    settings = make_settings("postgresql://me:hunter22@db/x", tmp_path, link_secret='qu"ote', log_format="json")
    stream = io.StringIO()
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    try:
        logs.configure(settings, stream)
        log = structlog.get_logger()
        log.info("database.lost", error="cannot reach postgresql://me:hunter22@db/x", other=["hunter22"], third='qu"ote')
        try:
            raise RuntimeError("hunter22")
        except RuntimeError:
            log.exception("job.failed")
    finally:
        structlog.reset_defaults()
        root.handlers, root.level = handlers, level
        threading.excepthook = threading.__excepthook__
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line["event"] for line in lines] == ["database.lost", "job.failed"]
    assert "hunter22" not in stream.getvalue()
    assert lines[0]["third"] == "********"
    assert "RuntimeError" in lines[1]["exception"]


def test_a_log_that_cannot_be_written_loses_lines_and_nothing_else() -> None:
    """As on a full disk. When it can be written again it says how many are missing."""

    class Disk(io.StringIO):
        is_full = False

        def write(self, text: str) -> int:
            if self.is_full:
                raise OSError(errno.ENOSPC, "No space left on device")
            return super().write(text)

    disk = Disk()
    stream = logs.Lossy(disk)
    for text, disk.is_full in (("a\n", False), ("b\n", True), ("c\n", True), ("d\n", False)):
        stream.write(text)
        stream.flush()
    assert disk.getvalue() == 'a\n{"event": "log.lost", "level": "warning", "lines": 2}\nd\n'
    disk.close()
    stream.write("e\n")
    stream.flush()


def test_connections_know_poolers(tmp_path: Path) -> None:
    """Behind a pooler no session settings and no prepared statements; past it, both; the URL's own word wins."""
    plain = make_settings("postgresql://h/x?connect_timeout=3", tmp_path)
    assert "connect_timeout='3'" in db.conninfo(plain, "n") or "connect_timeout=3" in db.conninfo(plain, "n")
    assert "statement_timeout" in db.conninfo(plain, "n")
    pooled = make_settings("host=pooler", tmp_path, database_direct_url="host=direct")
    assert "statement_timeout" not in db.conninfo(pooled, "n")
    assert "host=direct" in db.conninfo(pooled, "n", direct=True)
    assert db.arguments(pooled)["prepare_threshold"] is None
    with pytest.raises(SettingsError):
        db.conninfo(make_settings("nonsense", tmp_path), "n")


def test_a_type_without_handler_is_refused_at_the_start() -> None:
    """--types with a typing error must not leave a worker that waits for ever."""
    with pytest.raises(SettingsError, match="video_transcod;"):
        shipped(["video_transcod"])
    assert {"no_op", "finish_video"} <= set(shipped().types)
