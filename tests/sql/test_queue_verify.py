"""queue.verify() finds each way in which the tables can disagree."""

from __future__ import annotations

from datetime import timedelta
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
    "another priority behind a gate": "update queue.parked set priority = 7",
    "another tenant's turn behind a gate": "update queue.parked set flow = base.uuid_v7()",
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
    queue.conn.execute("select queue.set_limit('name:shared', 1)")
    queue.add(limits=["shared"])
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


# What two sessions that do not see each other could leave behind, or a hand that writes past the triggers: the invariant that tells of it.
LEFT_BEHIND = {
    "insert into queue.blocked select job_id, 1, 'no_op' from queue.ready; insert into queue.job_dependencies (parent_id, job_id, on_failure, satisfied)"
    " select a.job_id, b.job_id, 'fail', false from queue.blocked as a, queue.blocked as b where a.job_id <> b.job_id":
        "no jobs wait for one another in a circle",
    "insert into queue.job_dependencies (parent_id, job_id, on_failure, satisfied) select l.job_id, h.id, 'fail', false from queue.job_history as h, queue.leases as l":
        "attempts and edges went with their job",
    "insert into queue.job_dependencies (parent_id, job_id, on_failure, satisfied) select h.id, l.job_id, 'fail', false from queue.job_history as h, queue.leases as l":
        "an edge of a job in the queue leads to another job in the queue",
    "update queue.processing_jobs set tenant_id = base.uuid_v7() where status = 'queued'": "a job belongs to a tenant, and its video to the same",
    "update queue.processing_jobs set video_id = base.uuid_v7() where status = 'queued'": "a job belongs to a tenant, and its video to the same",
    "update queue.processing_jobs set job_type = 'gone' where status = 'queued'": "a job in the queue has a type",
    "update queue.job_history set video_id = base.uuid_v7()":
        "the history of a video that was deleted went with it",
    "update queue.processing_jobs set pipeline_run = '00000000-0000-7000-8000-000000000001', video_id = base.uuid_v7()":
        "the steps of a run of a pipeline belong to one video",
}  # fmt: skip


@pytest.mark.parametrize("statements", LEFT_BEHIND)
def test_what_was_left_behind_is_found(queue, clock, statements):
    class Undo(Exception):
        pass

    clock.forward(timedelta(days=2))
    assert queue.value("select queue.archive_jobs()") == 1
    with pytest.raises(Undo), queue.transaction():
        queue.conn.execute("set local session_replication_role = replica")
        queue.conn.execute(statements)
        assert LEFT_BEHIND[statements] in {row.invariant for row in queue.violations()}
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
