"""A worker whose queries all go through a transaction pooler, with LISTEN past it and without."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from tests.acceptance.workerkit import WorkerProcess, until

NOBODY = 65534
JOBS = 200


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


def test_settings_that_do_not_tell_of_the_pooler_are_a_usage_error(pooled, settings_env, tmp_path):
    worker = WorkerProcess(settings_env | {"DATABASE_URL": pooled}, tmp_path)
    assert worker.process.wait(60) == 2
