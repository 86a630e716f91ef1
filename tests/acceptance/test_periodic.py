"""reelq periodic run as a process: two of them, a restart of the database, an end at once, a process that is killed."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import psycopg
import pytest

from demo import postgres
from reelq.worker import settings
from reelq.worker.db import schema
from reelq.worker.upkeep.tasks import TASKS
from tests.acceptance.workerkit import until
from tests.conftest import MOVABLE_CLOCK
from tests.patience import QUICK_S

# As it is but for the pace: a tick a second.
PROGRAM = "import sys; from reelq.worker import periodic; periodic.EVERY = '* * * * * *'; periodic.POLL_S = 0.1; from reelq.cli.main import main; sys.exit(main(sys.argv[1:]))"


class Service:
    """A process, and what it has logged."""

    def __init__(self, url, folder):
        self.log_file = folder / f"{time.monotonic_ns()}.log"
        environment = {**settings.environment(), "DATABASE_URL": url, "REELQ_STORE": folder.as_uri()}
        with self.log_file.open("wb") as log:
            self.process = subprocess.Popen([sys.executable, "-c", PROGRAM, "periodic", "run", "--log-format", "json"], env=environment, stderr=log)

    def log(self, event):
        lines = [line for line in self.log_file.read_text().splitlines() if line.startswith("{") and line.endswith("}")]
        return [row for row in map(json.loads, lines) if row["event"] == event]

    def wait_for(self, event, more_than=0):
        until(lambda: len(self.log(event)) > more_than or self.process.poll() is not None, event, QUICK_S * 2)
        assert self.process.poll() is None, self.log_file.read_text()[-3000:]
        return self.log(event)


@pytest.fixture
def server():
    with postgres.throwaway() as one:
        with psycopg.connect(one.url(), autocommit=True) as conn:
            schema.install(conn)
            conn.execute(MOVABLE_CLOCK)
            conn.execute("update base_test.clock set at = clock_timestamp()")
        yield one


@contextmanager
def services(url, folder, count):
    running = [Service(url, folder) for _ in range(count)]
    try:
        yield running
    finally:
        for one in running:
            one.process.kill()
            one.process.wait()


def ask(server, question):
    with psycopg.connect(server.url(), autocommit=True) as conn:
        cursor = conn.execute(question)
        return cursor.fetchall() if cursor.description else []


def forward(server, span):
    ask(server, f"update base_test.clock set at = base.clock() + interval '{span}'")


def all_done(server, tokens):
    return ask(server, f"select bool_and(token = {tokens} and outcome = 'done') from ops.upkeep_tasks") == [(True,)]


def test_two_at_once_live_through_a_restart_and_end_at_once(server, tmp_path):
    with services(server.url(), tmp_path, 2) as (one, other):
        until(lambda: all_done(server, 1), "the first round", QUICK_S * 2)
        until(lambda: len(one.log("upkeep.ended")) + len(other.log("upkeep.ended")) == len(TASKS), "an end of each", QUICK_S)

        server.stop()
        server.start()
        forward(server, "7 days")
        until(lambda: all_done(server, 2), "a round after the restart", QUICK_S * 2)
        assert (one.process.poll(), other.process.poll()) == (None, None)
        assert ask(server, "select count(*) from queue.processing_jobs") == [(0,)]

        # One is told to end while a task hangs in a statement: at once, and the other takes the task.
        holder = psycopg.connect(server.url())
        holder.execute("lock table queue.upkeep in access exclusive mode")
        forward(server, "1 hour")
        begun = "select who from ops.upkeep_tasks where lease_until is not null and name = 'archive_jobs' and token = 3"
        until(lambda: ask(server, begun), "a task that hangs", QUICK_S * 2)
        ((who,),) = ask(server, begun)
        first, second = (one, other) if who.endswith(f":{one.process.pid}") else (other, one)
        first.process.send_signal(signal.SIGTERM)
        assert first.process.wait(QUICK_S) == 0
        holder.close()
        until(lambda: all_done(server, 3) or ask(server, "select 1 from ops.upkeep_tasks where name = 'archive_jobs' and outcome = 'done' and token > 3"), "the other", QUICK_S * 2)

        # And one is killed: what it left in procrastinate's tables is taken away by the next round.
        second.process.kill()
        second.process.wait()
    with services(server.url(), tmp_path, 1) as (third,):
        third.wait_for("periodic.started")
        forward(server, "8 days")
        until(lambda: ask(server, "select 1 from ops.list_tasks() having bool_and(state = 'ok')"), "the last round", QUICK_S * 2)
        third.process.send_signal(signal.SIGINT)
        assert third.process.wait(QUICK_S) == 0


def test_without_its_tables_it_says_what_to_do(dsn, conn, tmp_path):
    conn.execute("drop schema reelq_periodic cascade")
    with services(dsn, tmp_path, 1) as (one,):
        assert one.process.wait(QUICK_S) == 1
        assert "reelq schema upgrade" in one.log_file.read_text()
