"""queue.verify() finds each way in which the tables can disagree."""

from __future__ import annotations

from uuid import UUID

import pytest

from tests.sql.queuekit import Queue

DAMAGE = {
    "a ready row is gone": "delete from queue.ready",
    "a row stands in two places": "insert into queue.dead_letters select job_id, 'no_op', now() from queue.ready",
    "a row of no job": "insert into queue.dead_letters values (base.uuid_v7(), 'no_op', now())",
    "a lease is gone": "delete from queue.leases",
    "a lease with another token": "update queue.leases set token = 7",
    "a lease of another worker": "update queue.leases set worker_id = 'w9'",
    "the wrong lane": "update queue.ready set lane = lane + 100",
    "another time": "update queue.scheduled set due = due + interval '1 second'",
    "a wrong count": "update queue.blocked set pending = 2",
    "a missing edge": "delete from queue.job_dependencies",
    "an edge satisfied too soon": "update queue.job_dependencies set satisfied = true",
    "an attempt without a row": "delete from queue.job_attempts",
}


@pytest.fixture
def queue(conn):
    """One job in every place."""
    queue = Queue(conn)
    queue.complete((queue.add(), queue.take())[1])
    queue.add(priority=1)
    running = queue.take()
    queue.add(scheduled_for=queue.value("select base.clock() + interval '1 day'"))
    queue.add(depends_on=[running.job_id])
    queue.add()
    return queue


def test_a_sound_queue_has_no_findings(queue):
    assert queue.violations() == []


@pytest.mark.parametrize("what", DAMAGE)
def test_damage_is_found(queue, what):
    class Undo(Exception):
        pass

    with pytest.raises(Undo), queue.transaction():
        queue.conn.execute(DAMAGE[what])
        assert queue.violations() != []
        assert in_windows(queue, 2) != []
        raise Undo


def in_windows(queue, size):
    """What queue.verify_window() finds, window by window."""
    found, after = [], None
    while (until := queue.value("select queue.next_window(%s, %s)", after, size)) is not None:
        found += queue.rows("select * from queue.verify_window(%s, %s)", after, until)
        after = until
    return found


def test_windows_of_a_sound_queue_have_no_findings(queue):
    assert in_windows(queue, 2) == in_windows(queue, 1000) == []


def test_a_finding_is_told_by_the_window_that_its_job_is_in(queue):
    (job_id,) = (row.job_id for row in queue.rows("delete from queue.ready returning job_id"))
    assert [(row.job_id, row.detail) for row in in_windows(queue, 2)] == [(job_id, "queued but nowhere")]
    assert queue.rows("select * from queue.verify_window(%s, null)", job_id) == []
    assert queue.rows("select * from queue.verify_window(null, %s)", UUID(int=job_id.int - 1)) == []
    queue.conn.execute("select queue.repair()")
