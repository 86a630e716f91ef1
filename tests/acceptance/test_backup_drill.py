"""The drill: under load the database is destroyed and restored from the last backup, and work goes on. And a backup that is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from demo import postgres
from reelq.worker.db import schema
from tests.acceptance.workerkit import UNHURRIED, WorkerProcess, alive, processes, until, workers

JOBS_BEFORE = 40


def run(environ: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command, to its end."""
    return subprocess.run(
        [sys.executable, "-m", "reelq.cli.main", *arguments], env=dict(environ), capture_output=True, text=True, check=False, timeout=150
    )


@pytest.fixture
def environ(pg_server: postgres.Server, settings_env: dict[str, str], tmp_path: Path) -> Any:
    """The environment of a database of its own, that may go."""
    name = f"drill_{os.getpid()}_{tmp_path.name[-20:]}".replace("-", "_")
    with psycopg.connect(pg_server.url(), autocommit=True) as admin:
        admin.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        with psycopg.connect(pg_server.url(name), autocommit=True) as conn:
            schema.install(conn)
        yield settings_env | UNHURRIED | {"DATABASE_URL": pg_server.url(name)}
        admin.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))


class Enqueuer(threading.Thread):
    """Enqueues one job after the other, and goes on when the database is back."""

    def __init__(self, dsn: str) -> None:
        super().__init__()
        self.over = threading.Event()
        self.committed: list[Any] = []
        self._dsn = dsn

    def run(self) -> None:
        while not self.over.wait(0.005):
            try:
                with psycopg.connect(self._dsn, autocommit=True) as conn:
                    while not self.over.wait(0.005):
                        row = conn.execute("select queue.enqueue_job('no_op', job_data => '{\"sleep_s\": 0.02}')").fetchone()
                        assert row is not None
                        self.committed.append(row[0])
            except psycopg.Error:
                continue  # it is away: that is the drill


def test_a_destroyed_database_is_restored_under_load_and_work_goes_on(environ: dict[str, str], pg_server: postgres.Server, tmp_path: Path) -> None:
    dsn = environ["DATABASE_URL"]
    name = dsn.rpartition("/")[2]
    enqueuers = [Enqueuer(dsn) for _ in range(2)]
    with workers(environ, tmp_path) as start:
        worker: WorkerProcess = start("--slots", "2").started()
        try:
            for one in enqueuers:
                one.start()
            until(lambda: all(len(one.committed) >= JOBS_BEFORE for one in enqueuers), "jobs to come")
            until(lambda: worker.log("job.completed"), "jobs to run")
            before = [job for one in enqueuers for job in list(one.committed)]
            made = run(environ, "backup", "create", "--json")
            assert made.returncode == 0, made.stderr
            with psycopg.connect(pg_server.url(), autocommit=True) as admin:
                admin.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))
            listed = run(environ, "backup", "list", "--store", "--json")
            assert json.loads(listed.stdout)["id"] == json.loads(made.stdout)["id"]
            restored = run(environ, "backup", "restore", "--create", "--json")
            assert restored.returncode == 0, restored.stderr
            resumed = run(environ, "queue", "resume", "all")
            assert resumed.returncode == 0, resumed.stderr
            after = {id(one): len(one.committed) for one in enqueuers}
            until(lambda: all(len(one.committed) >= after[id(one)] + 10 for one in enqueuers), "enqueuers to be back")
        finally:
            for one in enqueuers:
                one.over.set()
            for one in enqueuers:
                one.join()
        with psycopg.connect(dsn, autocommit=True) as conn:
            open_jobs = "select count(*) from queue.processing_jobs where status in ('queued', 'running')"
            until(lambda: conn.execute(open_jobs).fetchone() == (0,), "the rest to be done")
            counted = conn.execute("select status, count(*) from queue.processing_jobs where id = any(%s) group by 1", [before]).fetchall()
            assert counted == [("completed", len(before))], "what was committed before the backup is there, and done"
            assert conn.execute("select * from queue.verify()").fetchall() == []
            assert conn.execute("select count(*) from queue.processing_jobs where status = 'failed'").fetchone() == (0,)
            assert conn.execute("select status from ops.backups").fetchall() == [("completed",)]
        # The same worker process, which came anew: the one that the backup knows had to register again.
        assert worker.process.poll() is None
        worker.signal(signal.SIGTERM)
        assert worker.wait() == 0


def test_a_backup_that_is_killed_is_told_and_pruned(environ: dict[str, str], tmp_path: Path) -> None:
    with psycopg.connect(environ["DATABASE_URL"], autocommit=True) as conn:
        conn.execute("create schema app; create table app.ballast (raw bytea); alter table app.ballast alter raw set storage external")
        for _ in range(40):
            conn.execute("insert into app.ballast values (%s)", [os.urandom(1 << 20)])
        root = Path(environ["REELQ_STORE"].removeprefix("file://")) / ".backups"

        def begun() -> list[Path]:
            return [path for path in (root / ".incoming").glob("*") if path.name != "store" and path.stat().st_size > 1 << 20]

        killed = subprocess.Popen([sys.executable, "-m", "reelq.cli.main", "backup", "create"], env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        (part,) = until(lambda: begun() or (killed.poll() is not None and pytest.fail("it was too quick")), "the dump to begin")
        children = {pid for pid, parent, _ in processes() if parent == killed.pid}
        assert children, "pg_dump is at work"
        killed.kill()
        killed.communicate()
        until(lambda: not alive(children), "pg_dump to die with it")

        again = run(environ, "backup", "create")
        assert again.returncode == 1 and "another backup is running since" in again.stderr
        conn.execute("update ops.backups set seen_at = seen_at - interval '3 minutes'")
        health = conn.execute("select level, detail from ops.health() where finding = 'backups'").fetchall()
        assert any(level == "warn" and "was killed" in detail for level, detail in health)
        assert run(environ, "backup", "create").returncode == 0
        assert conn.execute("select status, error_code from ops.backups order by began_at").fetchall() == [("failed", "killed"), ("completed", None)]
        os.utime(part, (0, 0))  # a day later
        pruned = run(environ, "backup", "prune", "--json")
        assert json.loads(pruned.stdout)["status"] == "failed" and not part.exists()
        assert run(environ, "backup", "prune").stdout == "Nothing to do.\n"

        # SIGTERM takes back what was begun, and says so at once.
        stopped = subprocess.Popen([sys.executable, "-m", "reelq.cli.main", "backup", "create"], env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        until(begun, "the dump to begin")
        stopped.send_signal(signal.SIGTERM)
        stopped.communicate()
        assert stopped.returncode == 128 + signal.SIGTERM and begun() == []
        assert conn.execute("select error_code from ops.backups order by began_at desc limit 1").fetchone() == ("stopped",)
