"""queue.verify() finds each way in which the tables can disagree."""

from __future__ import annotations

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
        raise Undo
