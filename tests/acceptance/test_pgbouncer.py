"""A worker whose queries all go through a transaction pooler, with LISTEN past it and without."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from reelq.worker import db
from reelq.worker.settings import load
from tests.acceptance.workerkit import WorkerProcess, until

NOBODY = 65534
JOBS = 200


@pytest.fixture(params=["German", "SQL, DMY"])
def styled(conn: Any, request: pytest.FixtureRequest) -> str:
    """A database whose sessions print dates and intervals as psycopg does not read them."""
    for name, value in {"datestyle": request.param, "intervalstyle": "postgres_verbose", "timezone": "Asia/Kolkata"}.items():
        conn.execute(sql.SQL("alter database {} set {} = {}").format(sql.Identifier(conn.info.dbname), sql.Identifier(name), value))
    return str(request.param)


class PgBouncer:
    """pool_mode=transaction in front of a server, at one port, however often it is started."""

    def __init__(self, dsn: str, folder: Path, extra: str = "") -> None:
        program = shutil.which("pgbouncer", path=os.environ["PATH"] + ":/usr/sbin")
        if program is None:
            pytest.skip("pgbouncer is not installed; ./run does not, because the package starts a server")
        self._program = program
        server = conninfo_to_dict(dsn)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"postgresql://{server['user']}@127.0.0.1:{port}/{server['dbname']}"
        self._config = folder / "pgbouncer.ini"
        self._config.write_text(
            f"[databases]\n* = host={server['host']} port={server['port']} user={server['user']}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n"
            f"listen_port = {port}\nunix_socket_dir =\nauth_type = any\npool_mode = transaction\n{extra}"
        )

    def start(self) -> None:
        """Start it, and wait until it lets us through."""
        user: dict[str, Any] = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
        with self._config.open() as given:  # handed over open: nobody may not walk to root's folders
            with_us = ["setpriv", "--pdeathsig", "TERM", "--"] if shutil.which("setpriv") else []
            self._process = subprocess.Popen([*with_us, self._program, "-q", f"/dev/fd/{given.fileno()}"], pass_fds=[given.fileno()], **user)
        until(lambda: answers(self.url), "PgBouncer")

    def stop(self) -> None:
        """End it at once, with every connection of both sides."""
        self._process.terminate()
        self._process.wait(10)


@pytest.fixture
def pooled(dsn: str, tmp_path: Path) -> Iterator[str]:
    """URL of this test's database through PgBouncer."""
    pooler = PgBouncer(dsn, tmp_path)
    pooler.start()
    yield pooler.url
    pooler.stop()


@pytest.fixture
def narrow(dsn: str, tmp_path: Path) -> Iterator[PgBouncer]:
    """A PgBouncer that has two connections to the server for all its clients."""
    pooler = PgBouncer(dsn, tmp_path, "default_pool_size = 2\n")
    pooler.start()
    yield pooler
    pooler.stop()


def answers(url: str) -> bool:
    """Whether the pooler lets us through to the server."""
    try:
        with psycopg.connect(url, autocommit=True, prepare_threshold=None) as conn:
            return conn.execute("select 1").fetchone() == (1,)
    except psycopg.OperationalError:
        return False


@pytest.mark.parametrize("listens", [True, False], ids=["listening", "polling"])
def test_a_worker_behind_a_transaction_pooler_does_its_work(dsn, conn, pooled, settings_env, tmp_path, listens):
    conn.execute("insert into queue.processing_jobs (job_type) select 'no_op' from generate_series(1, %s)", [JOBS])
    environ = settings_env | {"DATABASE_URL": pooled, "REELQ_DATABASE_DIRECT_URL": dsn if listens else "off"}
    worker = WorkerProcess(environ, tmp_path, "--slots", "4", "--until-idle")
    assert worker.process.wait(60) == 0
    assert conn.execute("select count(*) from queue.job_attempts where outcome = 'completed'").fetchone() == (JOBS,)
    assert [line for line in worker.log() if line["level"] != "info"] == []


READ = "select pg_backend_pid(), current_setting('intervalstyle'), timestamptz '2026-03-04 05:06:07+00', date '2026-03-04', interval '-1 min'"


def test_times_are_read_right_whatever_session_of_the_server_answers(styled, pooled, settings_env):
    """PgBouncer keeps DateStyle for each client; IntervalStyle nobody keeps."""
    settings = load({"DATABASE_URL": pooled, "REELQ_DATABASE_DIRECT_URL": "off"})
    answers: set[tuple[Any, ...]] = set()
    with ExitStack() as open_ones:
        for n in range(4):
            conn = open_ones.enter_context(db.connect(settings, f"test {n}"))
            open_ones.enter_context(conn.transaction())  # keeps its session, so that the next one gets another
            answers.update(conn.execute(READ).fetchall())
    pids, told = {answer[0] for answer in answers}, {answer[1:] for answer in answers}
    assert len(pids) == 4
    assert told == {("postgres_verbose", datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC), date(2026, 3, 4), timedelta(minutes=-1))}


@pytest.mark.parametrize("command", [("job-types", "list"), ("job-types", "show", "no_op"), ("queue", "stats"), ("workers", "list")], ids=" ".join)
def test_commands_that_read_intervals_work_behind_a_pooler(styled, pooled, settings_env, command):
    environ = settings_env | {"DATABASE_URL": pooled, "REELQ_DATABASE_DIRECT_URL": "off"}
    done = subprocess.run([sys.executable, "-m", "reelq.cli.main", *command], env=environ, capture_output=True, text=True, timeout=60)
    assert (done.returncode, "bug" in done.stderr) == (0, False), done.stderr


def test_settings_that_do_not_tell_of_the_pooler_are_a_usage_error(pooled, settings_env, tmp_path):
    worker = WorkerProcess(settings_env | {"DATABASE_URL": pooled}, tmp_path)
    assert worker.process.wait(60) == 2


def test_a_worker_outlives_a_restart_of_a_pooler_with_two_connections(dsn, conn, narrow, settings_env, tmp_path):
    """More threads than connections, and all of them cut in the middle: every job completes, once, and none is charged."""
    conn.execute("insert into queue.processing_jobs (job_type, job_data) select 'no_op', '{\"sleep_s\": 0.05}' from generate_series(1, %s)", [JOBS])
    environ = settings_env | {"DATABASE_URL": narrow.url, "REELQ_DATABASE_DIRECT_URL": "off"}
    worker = WorkerProcess(environ, tmp_path, "--slots", "8", "--until-idle")

    def completed() -> int:
        return int(conn.execute("select count(*) from queue.job_attempts where outcome = 'completed'").fetchone()[0])

    until(lambda: completed() > 5, "the first jobs")
    narrow.stop()
    until(lambda: worker.log("database.lost"), "the worker to notice")
    narrow.start()
    assert worker.wait() == 0, worker.text()
    assert conn.execute("select distinct status, attempts, crashes from queue.processing_jobs").fetchall() == [("completed", 0, 0)]
    assert len(worker.log("database.found")) == 1


def test_the_commands_act_for_a_tenant_and_in_bulk_over_two_connections(conn, narrow, settings_env):
    """What a command sets ends with its transaction: the next client of the session acts for nobody."""
    environ = settings_env | {"DATABASE_URL": narrow.url, "REELQ_DATABASE_DIRECT_URL": "off"}

    def run(*command: str) -> list[dict[str, Any]]:
        done = subprocess.run([sys.executable, "-m", "reelq.cli.main", *command, "--json"], env=environ, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    run("tenants", "create", "acme", "--name", "Acme")
    conn.execute("select queue.enqueue_job('no_op', tenant_id => identity.find_tenant('acme')) from generate_series(1, 30)")
    conn.execute("select queue.enqueue_job('no_op') from generate_series(1, 30)")
    for _ in range(3):
        assert len(run("jobs", "list", "--tenant", "acme", "--limit", "100")) == 30
        assert len(run("jobs", "list", "--limit", "100")) == 60
    run("jobs", "cancel", "--tenant", "acme", "--status", "queued")
    assert conn.execute("select count(*), count(tenant_id) from queue.processing_jobs where status = 'cancelled'").fetchone() == (30, 30)
    with psycopg.connect(narrow.url, autocommit=True, prepare_threshold=None) as client:
        assert client.execute("select current_setting('reelq.tenant_id', true)").fetchone() in ((None,), ("",))


@pytest.mark.parametrize("command", [("schema", "install"), ("schema", "upgrade"), ("partitions", "maintain")], ids=" ".join)
def test_what_needs_a_session_of_its_own_says_so(pooled, settings_env, command):
    """Its lock and its settings would be those of the pooler's next client."""
    environ = settings_env | {"DATABASE_URL": pooled, "REELQ_DATABASE_DIRECT_URL": "off"}
    done = subprocess.run([sys.executable, "-m", "reelq.cli.main", *command], env=environ, capture_output=True, text=True, timeout=60)
    assert (done.returncode, "--database-url" in done.stderr) == (2, True), done.stderr


def test_without_its_direct_connection_a_worker_polls(conn, pooled, settings_env, tmp_path):
    """The server's own address is closed to it: that is told, and work goes on."""
    environ = settings_env | {"DATABASE_URL": pooled, "REELQ_DATABASE_DIRECT_URL": "postgresql://127.0.0.1:1/none"}
    worker = WorkerProcess(environ, tmp_path).started()
    until(lambda: worker.log("listener.lost"), "the word that it does not hear")
    conn.execute("select queue.enqueue_job('no_op')")
    until(lambda: conn.execute("select count(*) from queue.job_attempts where outcome = 'completed'").fetchone() == (1,), "the job")
    worker.signal(signal.SIGTERM)
    assert worker.wait() == 0
    assert {line["event"] for line in worker.log() if line["level"] != "info"} == {"listener.lost"}
