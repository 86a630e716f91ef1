"""The program's side of the upkeep: each task is killed anywhere and taken over, one that hangs is ended, clocks of all three kinds meet."""

from __future__ import annotations

import os
import signal
import threading
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from reelq.worker import periodic, settings
from reelq.worker.stop import StopSignal
from reelq.worker.systemd import Notifier
from reelq.worker.upkeep import lease, run, tasks, vacuum
from tests.patience import QUICK_S
from tests.sql.queuekit import Queue
from tests.worker.upkeepkit import OWNERS

FIRST = datetime(2027, 3, 1, 0, 0, 30, tzinfo=UTC)
MOST_STATEMENTS = 6  # a task is killed before each of so many, as far as it has them


@pytest.fixture
def config(settings_env):
    return settings.load(settings_env)


@pytest.fixture
def queue(conn, clock):
    """With something to do for most tasks: a job for the history, an event, a user who asked to be erased, a key that ends."""
    one = Queue(conn)
    clock.set(FIRST - timedelta(days=40))
    one.add()
    one.complete(one.take())
    user = one.value("select identity.create_user('ann@example.com')")
    one.value("select ops.request_erasure(%s)", user)
    one.conn.execute(
        "insert into identity.api_keys (tenant_id, name, prefix, key_hash, created_by, expires_at) select id, 'k', '12345678', sha256('k'), 't', %s from identity.tenants",
        [FIRST + timedelta(days=5)],
    )
    one.value("select base.emit_event('upkeep.late', null, 'x', '{}')")
    clock.set(FIRST)
    one.rows("select * from ops.maintain_partitions()")
    one.conn.execute("drop table ops.audit_logs_2027_06")
    return one


def killed_at(config, name, statement):
    """Whether a process that does the task was killed before its so-manieth statement; else it has ended the task."""
    pid = os.fork()
    if pid == 0:
        try:
            count = 0
            execute = psycopg.Cursor.execute

            def counting(cursor, *arguments, **options):
                nonlocal count
                if str(cursor.connection.info.get_parameters().get("application_name")).startswith((f"reelq upkeep {name}", "reelq backup")):
                    count += 1
                    if count == statement:
                        os.kill(os.getpid(), signal.SIGKILL)
                return execute(cursor, *arguments, **options)

            setattr(psycopg.Cursor, "execute", counting)  # noqa: B010 - in this process alone
            list(run.run(config, [name], clock="test"))
        finally:
            os._exit(0)
    _, status = os.waitpid(pid, 0)
    return os.WIFSIGNALED(status)


@pytest.mark.parametrize("name", tasks.TASKS)
def test_a_task_that_is_killed_anywhere_is_taken_over_and_done(config, queue, clock, name):
    if name == "verify_backup":
        assert [ran.outcome for ran in run.run(config, ["backup"], clock="test")] == ["done"]
    for statement in range(1, MOST_STATEMENTS + 1):
        if not killed_at(config, name, statement):
            break
        assert queue.value("select state from ops.list_tasks() where name = %s", name) == "running"
        (busy,) = run.run(config, [name], clock="test")
        assert (busy.outcome, busy.exit_code) == ("busy", 75)
        clock.forward(121)
    else:
        (ran,) = run.run(config, [name], clock="test")
        assert (ran.outcome, ran.exit_code, ran.error) == ("done", 0, None)
    went = queue.conn.execute("select state, outcome, error from ops.list_tasks() where name = %s", [name]).fetchone()
    assert went == ("ok", "done", None)
    assert statement > 1, "it was killed at least once"
    left = {
        "archive_jobs": "select count(*) from queue.processing_jobs",
        "relay_events": "select count(*) from ops.outbox",
        "erase_requested": "select count(*) from ops.erasures where status <> 'completed'",
        "partitions": "select 3 - count(*) from ops.list_partitions() where parent = 'ops.audit_logs' and state = 'ahead'",
    }
    assert queue.value(left.get(name, "select 0")) == 0


def test_every_task_of_the_database_is_in_the_registry_and_the_other_way(queue):
    rows = queue.rows("select name, owner_only from ops.list_tasks()")
    assert {row.name for row in rows} == tasks.TASKS.keys()
    assert {row.name for row in rows if row.owner_only} == OWNERS


def test_all_three_clocks_at_once_for_a_month(config, queue, clock):
    """What a timer and cron call, and procrastinate's task: each task is done once in each of six weeks' steps, and all is well at the end."""
    steps, told = 6, list[run.Ran]()
    service = periodic.Periodic(config, Notifier({}))

    def call(name):
        told.extend(run.run(config, clock=name))

    for _ in range(steps):
        clock.forward(timedelta(days=7))
        threads = [threading.Thread(target=call, args=(name,)) for name in ("timer", "cron")] + [threading.Thread(target=service.look)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(QUICK_S)
    assert [ran for ran in told if ran.outcome != "done"] == []
    tokens = {row.name: row.token for row in queue.rows("select name, token from ops.upkeep_tasks")}
    assert tokens == dict.fromkeys(tasks.TASKS, steps)
    assert {row.state for row in queue.rows("select state from ops.list_tasks()")} == {"ok"}
    assert queue.rows("select * from ops.outbox where event_type = 'upkeep.failed'") == []


def test_one_that_fails_keeps_none_from_running(config, queue, monkeypatch):
    def broken(work):
        work.conn.execute("select 1 / 0")
        return {}

    monkeypatch.setitem(tasks.TASKS, "archive_jobs", broken)
    ran = {one.name: one for one in run.run(config, clock="test")}
    assert ran.keys() == tasks.TASKS.keys()
    assert {name for name, one in ran.items() if one.outcome != "done"} == {"archive_jobs"}
    assert (ran["archive_jobs"].exit_code, ran["archive_jobs"].error) == (1, "DivisionByZero: division by zero")
    assert run.exit_code([one.exit_code for one in ran.values()]) == 1


def attempt(config, queue, monkeypatch, function, seconds, stop=None, on_stuck=lambda: None):
    """Begin archive_jobs as `function` with so many seconds; what attempt() says."""
    monkeypatch.setitem(tasks.TASKS, "archive_jobs", function)
    monkeypatch.setattr(lease, "LOOK_S", 0.02)
    monkeypatch.setattr(lease, "CANCEL_S", 0.1)
    (begun,) = queue.rows("select * from ops.begin_task('archive_jobs', 'test', true)")
    return run.attempt(config, "archive_jobs", begun.token, seconds, stop or StopSignal(), lambda *_: None, on_stuck)


def test_a_statement_that_hangs_is_cancelled_when_the_time_is_up(config, queue, monkeypatch):
    def hangs(work):
        work.conn.execute("select pg_sleep(3600)")
        return {}

    assert attempt(config, queue, monkeypatch, hangs, 0.1) == ("failed", None, "it took longer than its time limit, 0 s", 1)
    assert queue.rows("select 1 from pg_stat_activity where query like 'select pg_sleep(3600)' and state = 'active'") == []


def test_where_nothing_reaches_it_the_process_is_ended(config, queue, monkeypatch):
    ended = threading.Event()
    monkeypatch.setattr(lease, "STUCK_S", 0.2)

    def hangs(work):
        assert ended.wait(QUICK_S)
        work.stop.check()
        return {}

    attempt(config, queue, monkeypatch, hangs, 0.1, on_stuck=ended.set)
    assert ended.is_set()


def test_told_to_stop_it_leaves_its_task_to_the_next_at_once(config, queue, monkeypatch):
    stop = StopSignal()

    def endless(work):
        stop.set("shutdown")
        work.conn.execute("select pg_sleep(3600)")
        return {}

    outcome, _, error, code = attempt(config, queue, monkeypatch, endless, 3600, stop)
    assert (outcome, error, code) == ("interrupted", "its process was told to end", 75)


def test_one_that_was_taken_over_ends(config, queue, clock, monkeypatch):
    """As after a pause of the whole host: the other's run counts, and this one stops."""
    monkeypatch.setattr(lease, "KEEP_S", 0.05)

    def slow(work):
        clock.forward(121)
        queue.value("select token from ops.begin_task('archive_jobs', 'another', true)")
        work.conn.execute("select pg_sleep(3600)")
        return {}

    assert attempt(config, queue, monkeypatch, slow, 3600)[:3] == ("interrupted", None, "another session has taken it over")
    assert queue.value("select who from ops.list_tasks() where name = 'archive_jobs'") == "another"


def test_vacuum_passes_over_what_is_locked_and_locks_nobody_out(config, queue, connect, monkeypatch):
    """Of a table that somebody holds it does not wait; what it does needs no lock that stops writers."""
    assert "full" not in str(vacuum.STATEMENTS)
    holder = Queue(connect())
    with holder.transaction():
        holder.conn.execute("lock table queue.leases in access exclusive mode")
        (ran,) = run.run(config, ["vacuum"], clock="test")
    assert ran.outcome == "done"
    queue.value("select pg_stat_force_next_flush()")
    at = dict(queue.conn.execute("select relname, last_vacuum from pg_stat_user_tables where relname in ('leases', 'ready')").fetchall())
    assert at["leases"] is None
    assert at["ready"] is not None


def test_an_account_that_is_not_the_owner_s_leaves_tables_to_the_owner(settings_env, queue, dsn):
    queue.conn.execute("create role upkeep_worker login in role reelq_worker")
    try:
        config = settings.load({**settings_env, "DATABASE_URL": dsn.replace("postgres@", "upkeep_worker@")})
        ran = {one.name: one for one in run.run(config, clock="test")}
        assert ran.keys() == tasks.TASKS.keys() - OWNERS
        assert {one.outcome for one in ran.values()} == {"done"}, ran
        (one,) = run.run(config, ["vacuum"], clock="test")
        assert (one.outcome, one.exit_code, one.error) == ("owner_only", 1, "needs the account that owns the schema")
    finally:
        queue.conn.execute("drop role upkeep_worker")
