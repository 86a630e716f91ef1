"""A worker whose queries all go through a transaction pooler, with LISTEN past it and without."""

from __future__ import annotations

import os
import shutil
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


@pytest.fixture
def pooled(dsn: str, tmp_path: Path) -> Iterator[str]:
    """URL of this test's database through PgBouncer, pool_mode=transaction."""
    program = shutil.which("pgbouncer", path=os.environ["PATH"] + ":/usr/sbin")
    if program is None:
        pytest.skip("pgbouncer is not installed; ./run does not, because the package starts a server")
    server = conninfo_to_dict(dsn)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = tmp_path / "pgbouncer.ini"
    config.write_text(
        f"[databases]\n* = host={server['host']} port={server['port']} user={server['user']}\n"
        f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\npool_mode = transaction\n"
    )
    user: dict[str, Any] = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
    with config.open() as given:  # handed over open: nobody may not walk to root's folders
        with_us = ["setpriv", "--pdeathsig", "TERM", "--"] if shutil.which("setpriv") else []
        pooler = subprocess.Popen([*with_us, program, "-q", f"/dev/fd/{given.fileno()}"], pass_fds=[given.fileno()], **user)
    url = f"postgresql://{server['user']}@127.0.0.1:{port}/{server['dbname']}"
    try:
        until(lambda: answers(url), "PgBouncer")
        yield url
    finally:
        pooler.terminate()
        pooler.wait(10)


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
