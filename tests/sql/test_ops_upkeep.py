"""Of all clocks that call, one does a task, once a tick, whatever dies or jumps; what fails and what is late is told once."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from tests.patience import QUICK_S
from tests.sql.healthkit import health
from tests.sql.queuekit import Queue
from tests.sql.rolekit import open_as
from tests.worker.upkeepkit import OWNERS

MONDAY = datetime(2027, 3, 1, 0, 0, 30, tzinfo=UTC)
TOLD = "select event_type, data ->> 'task' from ops.outbox where event_type like 'upkeep.%%' order by seq"


@pytest.fixture
def queue(conn, clock):
    """On a Monday, with nothing due: all was done at this moment."""
    clock.set(MONDAY)
    conn.execute("update ops.upkeep_tasks set next_at = queue.next_tick(cron, 'UTC', base.clock())")
    return Queue(conn)


def begin(queue, name, who="test", anyway=False):
    (row,) = queue.rows("select * from ops.begin_task(%s, %s, %s)", name, who, anyway)
    return row


def end(queue, name, token, outcome="done", error=None):
    return queue.value("select ops.end_task(%s, %s, %s, %s)", name, token, outcome, error)


def task(queue, name):
    (row,) = queue.rows("select * from ops.list_tasks() where name = %s", name)
    return row


def names(queue):
    return [row.name for row in queue.rows("select name from ops.list_tasks()")]


def begun(queue, name, **named):
    """The token of a task that has to be there for the taking."""
    row = begin(queue, name, **named)
    assert row.outcome == "begun", row
    return row.token


def test_three_clocks_at_once_for_a_month_do_each_task_once_a_tick(queue, connect, clock):
    """In steps of seven hours, so that ticks of days and weeks fall anywhere; of the ticks of a step that come together one is done."""
    crons = {row.name: row.cron for row in queue.rows("select name, cron from ops.list_tasks()")}
    expected = dict.fromkeys(crons, 0)
    done: list[tuple[str, int]] = []
    sessions = [Queue(connect()) for _ in range(3)]
    barrier = threading.Barrier(4)
    steps = 31 * 24 // 7

    def tick(mine, place):
        for _ in range(steps):
            barrier.wait(QUICK_S)
            # Each begins with another task, so that they meet; twice, since one may have been looked at before the one that comes first.
            for name in [*list(crons)[place * 4 :], *list(crons)[: place * 4]] * 2:
                row = begin(mine, name, f"clock {place}")
                if row.outcome == "begun":
                    done.append((name, row.token))
                    assert end(mine, name, row.token)
            barrier.wait(QUICK_S)

    threads = [threading.Thread(target=tick, args=(mine, place), daemon=True) for place, mine in enumerate(sessions)]
    for thread in threads:
        thread.start()
    for _ in range(steps):
        before = clock.now()
        now = clock.forward(timedelta(hours=7))
        for name, due in queue.conn.execute(
            "select c.name, queue.next_tick(c.cron, 'UTC', %s) <= %s from unnest(%s::text[], %s::text[]) as c (name, cron)",
            [before, now, list(crons), list(crons.values())],
        ):
            expected[name] += due
        barrier.wait(QUICK_S)
        barrier.wait(QUICK_S)
    for thread in threads:
        thread.join(QUICK_S)
    counts = {name: sum(1 for other, _ in done if other == name) for name in crons}
    assert counts == expected
    assert len(set(done)) == len(done), "a token was given twice"
    assert (expected["roll_up_stats"], expected["verify"], expected["vacuum"]) == (steps, 31, 4)


def test_two_sessions_in_one_moment(queue, connect):
    """The second neither waits nor begins, before the first commits and after."""
    other = Queue(connect())
    with queue.transaction():
        token = begun(queue, "archive_jobs", anyway=True)
        assert begin(other, "archive_jobs", anyway=True).outcome == "busy"
    assert begin(other, "archive_jobs", anyway=True).outcome == "busy"
    assert end(queue, "archive_jobs", token)
    assert begun(other, "archive_jobs", anyway=True) == token + 1


def test_a_task_whose_process_died_is_taken_over_after_two_minutes(queue, clock):
    """And what the dead one says later counts for nothing. While it gives signs of life nobody else begins."""
    clock.forward(timedelta(hours=1))
    first = begun(queue, "repair")
    for _ in range(3):
        clock.forward(119)
        assert begin(queue, "repair").outcome == "busy"
        assert queue.value("select ops.keep_task('repair', %s)", first) is True
    clock.forward(121)
    second = begun(queue, "repair")
    assert queue.value("select ops.keep_task('repair', %s)", first) is False
    assert end(queue, "repair", first) is False
    assert task(queue, "repair").state == "running"
    assert end(queue, "repair", second) is True
    assert end(queue, "repair", second) is False
    assert begin(queue, "repair").outcome == "not_due"


def test_a_failure_is_tried_again_later_and_later_and_told_once(queue, clock):
    clock.forward(timedelta(days=7))
    for wait in (10, 20, 40, 80, 160, 320, 360, 360):
        assert end(queue, "vacuum", begun(queue, "vacuum"), "failed", "no room on the disk")
        clock.forward(timedelta(minutes=wait) - timedelta(seconds=1))
        assert begin(queue, "vacuum").outcome == "not_due"
        clock.forward(1)
    assert queue.conn.execute(TOLD).fetchall() == [("upkeep.failed", "vacuum")]
    (told,) = [detail for level, detail in health(queue, "tasks") if level == "warn" and detail.startswith("vacuum ")]
    assert "has failed 8 times" in told
    assert "no room on the disk" in told
    assert "reelq upkeep run vacuum" in told
    assert end(queue, "vacuum", begun(queue, "vacuum"))
    assert (task(queue, "vacuum").state, task(queue, "vacuum").failures) == ("ok", 0)
    clock.forward(timedelta(days=7))
    assert end(queue, "vacuum", begun(queue, "vacuum"), "failed", "again")
    assert len(queue.conn.execute(TOLD).fetchall()) == 2


def test_what_was_in_the_way_or_told_to_end_is_no_failure(queue, clock):
    """The one is tried again after five minutes, the other at once; the tick stays theirs."""
    clock.forward(timedelta(hours=1))
    assert end(queue, "partitions", begun(queue, "partitions"), "interrupted")
    assert end(queue, "partitions", begun(queue, "partitions"), "later", "a report reads the table")
    assert begin(queue, "partitions").outcome == "not_due"
    clock.forward(timedelta(minutes=5))
    assert end(queue, "partitions", begun(queue, "partitions"))
    assert queue.conn.execute(TOLD).fetchall() == []


def test_late_is_told_once_a_tick_and_by_health_as_long_as_it_lasts(queue, clock):
    """Nobody called for a day, then for another week."""
    clock.forward(timedelta(days=1))
    late = {row.name for row in queue.rows("select name from ops.list_tasks() where state = 'late'")}
    assert {"relay_events", "archive_jobs", "partitions"} <= late
    assert "vacuum" not in late
    assert queue.value("select ops.tell_late_tasks()") == len(late)
    clock.forward(timedelta(hours=1))
    queue.value("select ops.tell_late_tasks()")
    told = queue.conn.execute(TOLD).fetchall()
    assert len(set(told)) == len(told), "told at every look"
    assert end(queue, "archive_jobs", begun(queue, "archive_jobs"))
    (warned,) = [detail for _, detail in health(queue, "tasks") if detail.startswith("partitions ")]
    assert "is late: it was due 1 day 00:15:30 ago; it was last done never" in warned
    assert not [detail for _, detail in health(queue, "tasks") if detail.startswith("archive_jobs ")]
    clock.forward(timedelta(days=7))
    assert ("upkeep.late", "archive_jobs") not in queue.conn.execute(TOLD).fetchall()[len(told) :]
    assert queue.value("select ops.tell_late_tasks()") >= 1
    assert ("upkeep.late", "archive_jobs") in queue.conn.execute(TOLD).fetchall()[len(told) :]


def test_a_run_that_hangs_is_told(queue, clock):
    """Its process lives and says so, and is at it for longer than the task may take."""
    begun(queue, "archive_jobs", anyway=True, who="timer host:7")
    for _ in range(62):
        clock.forward(119)
        queue.value("select ops.keep_task('archive_jobs', 1)")
    (told,) = [detail for _, detail in health(queue, "tasks") if detail.startswith("archive_jobs ")]
    assert "hangs" in told
    assert "timer host:7" in told


@pytest.mark.parametrize(("back", "waits"), [(timedelta(hours=2), True), (timedelta(days=400), False)])
def test_a_clock_that_jumps_back_does_no_tick_twice_and_stops_nothing(queue, clock, back, waits):
    """A small jump is waited for; after a large one the schedule begins anew, also where a process died or a task failed in the future."""
    clock.forward(timedelta(hours=1))
    assert end(queue, "roll_up_stats", begun(queue, "roll_up_stats"))
    begun(queue, "archive_jobs")
    assert end(queue, "tidy_identity", begun(queue, "tidy_identity"), "failed", "oops")
    clock.forward(-back)
    outcomes = set()
    for _ in range(2):
        clock.forward(timedelta(minutes=50))
        outcomes.add(begin(queue, "roll_up_stats").outcome)
    assert outcomes == ({"not_due"} if waits else {"not_due", "begun"})
    if not waits:
        for name in ("archive_jobs", "tidy_identity"):
            begin(queue, name)
        clock.forward(timedelta(hours=1))
        for name in ("archive_jobs", "tidy_identity"):
            begun(queue, name)


def test_an_operator_changes_a_schedule_and_switches_a_task_off(queue, connect, clock):
    admin = Queue(open_as(connect, "reelq_admin"))
    assert admin.value("select ops.set_task('vacuum', '0 4 * * 6')") == datetime(2027, 3, 6, 4, 0, tzinfo=UTC)
    admin.value("select ops.set_task('verify', p_enabled => false)")
    clock.forward(timedelta(days=30))
    assert begin(queue, "verify").outcome == "off"
    assert task(queue, "verify").state == "off"
    assert not [detail for _, detail in health(queue, "tasks") if detail.startswith("verify ")]
    assert end(queue, "verify", begun(queue, "verify", anyway=True))
    admin.value("select ops.set_task('verify', p_enabled => true, p_late_after => '2 days')")
    assert begin(queue, "verify").outcome == "not_due"
    acts = queue.rows("select action from ops.list_acts(p_entity_type => 'upkeep_task')")
    assert len(acts) == 3, "who changed a schedule is written down, and no run is"
    for bad in ("select ops.set_task('verify', 'often')", "select ops.set_task('verify', p_late_after => '1 second')"):
        with pytest.raises(psycopg.Error) as refused:
            admin.value(bad)
        assert refused.value.sqlstate == "RQ008"


def test_what_an_operator_set_survives_an_upgrade(queue):
    """The shipped rows are written again when their text changes."""
    from reelq.worker.db import schema

    queue.value("select ops.set_task('vacuum', '0 4 * * 6', p_late_after => '7 days', p_enabled => false)")
    (data,) = [file for file in schema.files() if file.path == "data/ops_upkeep_tasks.sql"]
    queue.conn.execute(data.text)
    row = task(queue, "vacuum")
    assert (row.cron, row.late_after, row.enabled) == ("0 4 * * 6", timedelta(days=7), False)


def test_who_may_do_what(queue, connect, clock):
    """A worker does what needs no owner; an application nothing; an admin who is not the owner cannot take what he cannot do."""
    clock.forward(timedelta(days=14))
    for role in ("reelq_worker", "reelq_admin"):
        one = Queue(open_as(connect, role))
        assert {name for name in names(one) if begin(one, name, anyway=True).outcome == "owner_only"} == OWNERS
        queue.conn.execute("update ops.upkeep_tasks set lease_until = null")
    for role, statement in (("reelq_worker", "select ops.set_task('vacuum')"), ("reelq_worker", "select ops.prune_clock()"), ("reelq_app", "select ops.list_tasks()")):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            open_as(connect, role).execute(statement)


def test_wrong_names_and_words_are_refused(queue):
    for statement, code in (
        ("select ops.begin_task('nope', 'me')", "RQ004"),
        ("select ops.begin_task('vacuum', '')", "RQ008"),
        ("select ops.end_task('vacuum', 1, 'well')", "RQ008"),
        ("select ops.set_task('nope')", "RQ004"),
        ("select ops.prune_clock(0)", "RQ008"),
    ):
        with pytest.raises(psycopg.Error) as refused:
            queue.value(statement)
        assert refused.value.sqlstate == code, statement


def test_hot_tables_are_those_where_autovacuum_is_behind(queue):
    assert queue.rows("select * from ops.tables_to_vacuum(true)") == []
    queue.conn.execute("insert into ops.outbox (event_type, ordering_key, data) select 'x', 'x', '{}' from generate_series(1, 11000)")
    queue.conn.execute("delete from ops.outbox")
    queue.value("select pg_stat_force_next_flush()")
    queue.value("select 1")
    assert [row.relation for row in queue.rows("select * from ops.tables_to_vacuum(true)")] == ["ops.outbox"]
    every = queue.rows("select relation, action from ops.tables_to_vacuum(false)")
    assert ("queue.leases", "vacuum") in every
    assert ("queue.job_history", "analyze") in every
    queue.conn.execute("vacuum queue.leases")
    queue.value("select pg_stat_force_next_flush()")
    assert "queue.leases" not in [row.relation for row in queue.rows("select * from ops.tables_to_vacuum(false)")], "a killed run begins anew"


def test_what_comes_first_is_waited_for_unless_it_has_failed(queue, clock):
    clock.forward(timedelta(days=8))
    assert begin(queue, "verify_backup").outcome == "not_due"
    first = begun(queue, "backup")
    assert begin(queue, "verify_backup").outcome == "not_due"
    assert end(queue, "backup", first)
    assert end(queue, "verify_backup", begun(queue, "verify_backup"))

    clock.forward(timedelta(days=8))
    assert end(queue, "backup", begun(queue, "backup"), "failed", "no room")
    assert begun(queue, "verify_backup")
