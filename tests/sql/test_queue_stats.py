"""Hourly figures: every attempt is counted once, whenever and however often the roll-up runs."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest

from tests.sql.queuekit import Queue
from tests.sql.test_queue_history import archive, dead, done

HOUR = timedelta(hours=1)


@pytest.fixture
def queue(conn):
    return Queue(conn)


@pytest.fixture
def other(connect):
    return Queue(connect())


def roll_up(queue):
    hours = 0
    while new := queue.value("select queue.roll_up_stats()"):
        hours += new
    return hours


def stats(queue, since="24 hours"):
    return {
        (str(row.hour)[11:13], row.outcome): row.jobs
        for row in queue.rows("select s.hour at time zone 'UTC' as hour, s.outcome, s.jobs from queue.stats(%s) as s", since)
    }


def rolled(queue):
    return queue.rows("select * from queue.job_stats order by hour, job_type, outcome")


@pytest.fixture
def noon(clock):
    clock.set("2027-05-10 12:10+00")
    return clock


def test_hours_that_are_over_are_added_up_and_this_one_is_counted_now(queue, noon):
    done(queue), dead(queue)
    assert roll_up(queue) == 0
    assert rolled(queue) == []
    assert stats(queue) == {("12", "completed"): 1, ("12", "failed"): 1}
    noon.set("2027-05-10 13:05+00")
    done(queue)
    assert roll_up(queue) == 1
    assert {row.outcome for row in rolled(queue)} == {"completed", "failed"}
    assert stats(queue) == {("12", "completed"): 1, ("12", "failed"): 1, ("13", "completed"): 1}


def test_seconds_are_those_of_the_attempts(queue, noon):
    for seconds in (10, 30):
        queue.add()
        job = queue.take()
        noon.forward(seconds)
        queue.conn.execute("select queue.fail_job(%s, %s, 'permanent', 'x', 'x', '{\"cpu_seconds\": 1.5}')", (job.job_id, job.token))
    noon.forward(HOUR)
    roll_up(queue)
    (row,) = rolled(queue)
    assert (row.jobs, row.seconds, row.max_seconds, row.cpu_seconds) == (2, 40.0, 30.0, 3.0)


def test_running_again_changes_nothing(queue, noon):
    done(queue)
    noon.forward(HOUR)
    roll_up(queue)
    before = rolled(queue)
    for _ in range(3):
        assert roll_up(queue) == 0
    assert rolled(queue) == before


def test_an_attempt_whose_transaction_was_long_is_counted_by_the_next_run(queue, other, noon):
    """It ended at ten past twelve and commits after one."""
    with other.transaction():
        done(other)
        noon.set("2027-05-10 13:05+00")
        roll_up(queue)
        assert rolled(queue) == []
    noon.set("2027-05-10 14:05+00")
    roll_up(queue)
    assert [row.jobs for row in rolled(queue)] == [1]


def test_archived_attempts_count_as_before(queue, noon):
    done(queue)
    noon.forward(timedelta(days=2))
    archive(queue)
    done(queue)
    noon.forward(HOUR)
    roll_up(queue)
    assert [row.jobs for row in rolled(queue)] == [1, 1]
    assert queue.value("select sum(jobs) from queue.stats('30 days')") == 2


def test_a_forgotten_timer_is_made_up_for_a_day_a_transaction(queue, noon):
    roll_up(queue)
    done(queue)
    noon.forward(timedelta(days=90))
    done(queue)
    assert queue.value("select queue.roll_up_stats()") == 24
    noon.forward(HOUR)
    assert roll_up(queue) == 89 * 24 + 1
    assert [row.jobs for row in rolled(queue)] == [1, 1]


def test_a_late_timer_leaves_no_gap_of_hours(queue, noon):
    roll_up(queue)
    done(queue)
    noon.forward(2 * HOUR)
    assert stats(queue) == {("12", "completed"): 1}


def test_one_rolls_up_at_a_time(queue, other, noon):
    done(queue)
    noon.forward(HOUR)
    with queue.transaction():
        assert queue.value("select queue.roll_up_stats()") == 1
        assert other.value("select queue.roll_up_stats()") == 0
    assert [row.jobs for row in rolled(queue)] == [1]


def test_the_current_hour_is_found_without_reading_the_table(queue):
    """By the BRIN index: a part of the blocks of a table whose rows lie in the order of their end."""
    queue.conn.execute(
        "insert into queue.job_attempts (job_id, attempt, job_type, worker_id, started_at, ended_at, outcome)"
        " select gen_random_uuid(), 1, 'no_op', 'w1', at, at, 'completed'"
        " from generate_series(now() - interval '1 day', now(), interval '800 ms') as at"
    )
    queue.conn.execute("vacuum analyze queue.job_attempts")
    roll_up(queue)
    blocks = queue.value("select relpages from pg_class where oid = 'queue.job_attempts'::regclass")
    (plan,) = queue.value("explain (analyze, buffers, format json) select * from queue.stats('2 hours')")
    assert blocks > 1000
    assert plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"] < blocks / 3
    queue.conn.execute("delete from queue.job_attempts")


@pytest.mark.parametrize("since", ["0 seconds", "-1 hour", "3 years", None])
def test_a_span_that_makes_no_sense_is_refused(queue, since):
    with pytest.raises(psycopg.Error) as error:
        queue.rows("select * from queue.stats(%s)", since)
    assert error.value.sqlstate == "RQ008"


def test_after_busy_hours_a_call_adds_up_fewer(queue, noon):
    """As many as hold a million attempts at the rate of the last two hours: no call takes long."""
    done(queue)
    noon.forward(HOUR)
    assert roll_up(queue) == 1
    queue.conn.execute("update queue.job_stats set jobs = 400000")
    noon.forward(10 * HOUR)
    assert queue.value("select queue.roll_up_stats()") == 2
    assert roll_up(queue) == 8
