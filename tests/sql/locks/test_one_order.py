"""Cascades, cancels, enqueues and deletes of the same jobs: they wait, and never deadlock (docs/design/locks.md)."""

from __future__ import annotations

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.sql.locks.kit import chain, child, settled, step_of
from tests.sql.queuekit import Queue


def test_a_completion_beside_a_cascade_over_common_children(queue, race, maybe):
    """P fails, with C below it and D below C; Q completes, for which D and E wait as well, and E for P."""
    first, second = queue.add(), queue.add()
    below = child(queue, first)
    ends = [child(queue, below, second), child(queue, first, second)]
    jobs = {job.job_id: job for job in (queue.take(), queue.take())}
    with queue.transaction():
        queue.rows("select from queue.processing_jobs where id = %s for share", below)  # as who enqueues a child of it
        failing = race(lambda q: q.fail(jobs[first], "permanent"))
        completing = maybe(lambda q: q.complete(jobs[second]))
    assert failing.finish() == "failed"
    completing.finish()
    assert [queue.status(job) for job in (below, *ends)] == ["failed"] * 3


def test_two_cascades_over_common_children_lock_in_one_order(queue, race):
    first, second = queue.add(), queue.add()
    ids = chain(queue, [second], [first])
    jobs = {job.job_id: job for job in (queue.take(), queue.take())}
    with queue.transaction():
        queue.rows("select from queue.processing_jobs where id = %s for share", ids[0])
        calls = [race(lambda q, job=job: q.fail(job, "permanent")) for job in jobs.values()]
    assert [call.finish() for call in calls] == ["failed", "failed"]
    assert [queue.status(job) for job in ids] == ["failed"] * 2


def test_a_cascade_and_an_enqueuer_of_children_lock_in_one_order(queue, race):
    parent = queue.add()
    low, high = sorted([child(queue, parent), child(queue, parent)])
    job = queue.take()
    with queue.transaction():
        below = queue.add(depends_on=[low])
        failing = race(lambda q: q.fail(job, "permanent"))
        late = queue.add(depends_on=[high])
    assert failing.finish() == "failed"
    assert [queue.status(one) for one in (low, high, below, late)] == ["failed"] * 4


def test_a_cancel_locks_those_that_fall_with_it_in_one_order(queue, race):
    """The job below has the lower id; a failure above locks it first."""
    low, high = chain(queue, [], [queue.add()])
    job = queue.take()
    with queue.transaction():
        queue.rows("select from queue.blocked where job_id = %s for update", high)
        cancelling = race(lambda q: q.value("select queue.cancel_job(%s)", high))
        failing = race(lambda q: q.fail(job, "permanent"))
    assert cancelling.finish() == "cancelled"
    assert failing.finish() == "failed"
    assert (queue.status(high), queue.status(low)) == ("cancelled", "failed")


def test_a_child_is_deleted_while_its_parent_fails(queue, race):
    parent = queue.add()
    below = child(queue, parent)
    job = queue.take()
    with queue.transaction():
        queue.rows("select from queue.job_dependencies where job_id = %s for update", below)
        deleting = race(lambda q: q.conn.execute("delete from queue.processing_jobs where id = %s", (below,)))
        failing = race(lambda q: q.fail(job, "permanent"))
    deleting.finish()
    assert failing.finish() == "failed"
    assert queue.rows("select from queue.processing_jobs where id = %s", below) == []


@pytest.mark.parametrize("other", ["delete from queue.processing_jobs where id = %s", "select queue.reprioritise_job(%s, 1)", "select queue.cancel_job(%s)"])
def test_a_job_is_cancelled_while_another_session_changes_it(queue, race, other):
    job = queue.add()
    with queue.transaction():
        queue.rows("select from queue.ready where job_id = %s for update", job)
        cancelling = race(lambda q: q.value("select queue.cancel_job(%s)", job))
        changing = race(lambda q: q.conn.execute(other, (job,)))
    assert cancelling.finish() == "cancelled"
    if "delete" in other:
        changing.finish()
    else:
        with pytest.raises(psycopg.Error) as error:
            changing.finish()
        assert error.value.sqlstate == "RQ009"


def test_batches_with_the_same_keys_in_opposite_order_do_not_deadlock(queue, race):
    def batch(keys) -> Jsonb:
        return Jsonb([{"job_type": "no_op", "idempotency_key": key} for key in keys])

    call = "select * from queue.enqueue_jobs(%s) order by place"
    with queue.transaction():
        queue.add(idempotency_key="b")
        first = race(lambda q: q.rows(call, batch("abc")))
        second = race(lambda q: q.rows(call, batch("cba")))
    told = [{key: row.job_id for key, row in zip(keys, call.finish(), strict=True)} for keys, call in (("abc", first), ("cba", second))]
    assert told[0] == told[1]
    ids = [told[0][key] for key in "abc"]
    assert len(set(ids)) == 3


def test_one_bad_row_stops_no_claim(queue, clock):
    """Somebody wrote past the functions: a due job of no type, and one that is ready already."""
    clock.set(queue.value("select now()"))
    queue.conn.execute("insert into queue.job_types (job_type, description) values ('fresh', 'New.')")
    later = {"scheduled_for": queue.value("select base.clock() + interval '1 minute'")}
    bad, good, double = queue.add("fresh", **later), queue.add(**later), queue.add(**later)
    with queue.transaction():
        queue.conn.execute("set local session_replication_role = replica")
        queue.conn.execute("delete from queue.lanes where job_type = 'fresh'; delete from queue.job_types where job_type = 'fresh'")
        queue.conn.execute("insert into queue.ready (lane, seq, job_id, ready_at) select max(lane), 1, %s, now() from queue.lanes", (double,))
    clock.forward(queue.value("select interval '2 minutes'"))
    queue.worker()
    assert {job.job_id for job in queue.claim(limit=5)} == {good, double}
    assert queue.claim(limit=5) == []
    queue.conn.execute("delete from queue.processing_jobs where id = any(%s)", ([bad, double],))
    queue.conn.execute("delete from queue.scheduled")


@pytest.mark.parametrize("call", ["fail", "batch"])
@pytest.mark.parametrize("other", ["cancel", "cancel many", "enqueue", "cancel a part"])
def test_a_failure_locks_those_that_fall_with_it_in_one_order(queue, race, call, other):
    """The job below has the lower id: it was named before its parent, or its parent is a part of a fan-out."""
    if other == "cancel a part":
        top = queue.add()
        job = queue.take()
        low = child(queue, top)
        queue.rows("select * from queue.spawn_jobs(%s, %s, '[{\"job_type\": \"no_op\"}]')", top, job.token)
        queue.complete(job)
    else:
        low, _ = chain(queue, [], [])
    job = queue.take()
    assert low < job.job_id
    fail = {
        "fail": lambda q: q.fail(job, "permanent"),
        "batch": lambda q: q.rows("select * from queue.settle_jobs('w1', %s)", settled(job, "failed", error_class="permanent", code="bad")),
    }[call]
    change = {
        "cancel many": lambda q: q.rows("select * from queue.cancel_jobs(p_job_ids => %s)", [low, job.job_id]),
        "enqueue": lambda q: q.add(depends_on=[low, job.job_id]),
    }.get(other, lambda q: q.value("select queue.cancel_job(%s)", job.job_id))
    with queue.transaction():
        queue.rows("select from queue.processing_jobs where id = %s for no key update", low)
        changing = race(change)
        failing = race(fail)
    changing.finish()
    failing.finish()
    assert queue.status(job.job_id) in ("failed", "cancelled")
    assert queue.status(low) in ("failed", "cancelled")


def test_a_job_is_deleted_while_it_is_cancelled_with_its_child_of_a_lower_id(queue, race):
    low, high = chain(queue, [], [])
    with queue.transaction():
        queue.rows("select from queue.ready where job_id = %s for update", high)
        deleting = race(lambda q: q.conn.execute("delete from queue.processing_jobs where id = %s", (high,)))
        cancelling = race(lambda q: q.rows("select * from queue.cancel_jobs(p_job_ids => %s)", [low, high]))
    deleting.finish()
    cancelling.finish()
    assert queue.status(low) == "cancelled"


@pytest.mark.parametrize("policy", ["fail", "run"])
def test_a_delete_waits_for_no_child_that_somebody_holds(queue, connect, policy):
    parent = queue.add()
    held, free = child(queue, parent, on_parent_failure=policy), child(queue, parent)
    other = Queue(connect())
    other.conn.execute("set lock_timeout = '1s'")
    with queue.transaction():
        queue.rows("select from queue.processing_jobs where id = %s for share", held)
        other.conn.execute("delete from queue.processing_jobs where id = %s", (parent,))
    assert queue.violations() == []
    queue.worker("idle", types=["extract_metadata"])
    assert queue.claim("idle") == []
    assert (queue.status(free), queue.status(held)) == ("failed", {"fail": "failed", "run": "queued"}[policy])
    assert queue.rows("select from queue.job_dependencies") == [] == queue.rows("select from queue.cascades")


def test_a_delete_waits_for_no_edge_of_a_job_that_is_deleted_beside_it(queue, connect):
    """The edge is satisfied: nothing is to be done for the child."""
    parent = queue.add()
    below = child(queue, parent)
    queue.complete(queue.take())
    other = Queue(connect())
    other.conn.execute("set lock_timeout = '1s'")
    with queue.transaction():
        queue.conn.execute("delete from queue.processing_jobs where id = %s", (below,))
        other.conn.execute("delete from queue.processing_jobs where id = %s", (parent,))
    queue.worker("idle", types=["extract_metadata"])
    assert queue.claim("idle") == []
    assert queue.rows("select from queue.job_dependencies") == [] == queue.rows("select from queue.cascades")


def test_a_step_comes_below_one_that_runs_and_of_one_that_has_failed(queue, race):
    """Its video fails with it, but whoever ends the step that runs takes the video first."""
    video = queue.value("select queue.ingest_video('/a.mp4')")
    job = queue.take()
    failed = queue.add()
    queue.value("select queue.cancel_job(%s)", failed)
    with queue.transaction():
        queue.rows("select from queue.processing_jobs where id = %s for share", job.job_id)
        failing = race(lambda q: q.fail(job, "permanent"))
        below = step_of(queue, video, job.job_id, failed)
    assert failing.finish() == "failed"
    assert queue.violations() == []
    queue.worker("idle", types=["extract_metadata"])
    assert queue.claim("idle") == []
    assert queue.status(below) == "failed"
    assert queue.rows("select from queue.cascades") == []
