"""Fan-outs beside whatever else is about the same jobs (docs/design/locks.md)."""

from __future__ import annotations

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.sql.locks.kit import child, fans_out, wait_for_others_than
from tests.sql.queuekit import Queue, Race


def test_two_fan_outs_that_would_wait_for_each_other_are_refused(queue, race):
    first, second = queue.add(), queue.add()
    jobs = {job.job_id: job for job in (queue.take(), queue.take())}
    after_first, after_second = child(queue, first), child(queue, second)

    def spawn(q, job_id, waits_for):
        specs = Jsonb([{"job_type": "no_op", "depends_on": [str(waits_for)], "idempotency_key": f"part of {job_id}"}])
        return q.rows("select * from queue.spawn_jobs(%s, %s, %s)", job_id, jobs[job_id].token, specs)

    with queue.transaction():
        spawn(queue, first, after_second)
        late = race(lambda q: spawn(q, second, after_first))
    with pytest.raises(psycopg.Error) as error:
        late.finish()
    assert error.value.sqlstate == "RQ006"


def test_an_archived_job_gets_no_edge_to_a_part_that_comes_meanwhile(queue, race, clock):
    clock.set(queue.value("select now()"))
    parent = queue.add()
    job = queue.take()
    over = child(queue, parent)
    queue.value("select queue.cancel_job(%s)", over)
    queue.conn.execute("update queue.leases set expires_at = '9999-01-01'")
    clock.forward(queue.value("select interval '40 days'"))
    spawn = "select * from queue.spawn_jobs(%s, %s, '[{\"job_type\": \"no_op\"}]')"
    with queue.transaction():
        assert queue.value("select queue.archive_jobs()") == 1
        fanning_out = race(lambda q: q.rows(spawn, parent, job.token))
    fanning_out.finish()
    assert queue.rows("select from queue.job_dependencies where job_id = %s", over) == []


def test_a_job_waits_for_a_part_that_is_spawning_in_its_turn(queue, race):
    """Whoever comes later finds what a part of its parent has fanned out into: the part is locked as well."""
    top = queue.add()
    job = queue.take()
    (part,) = (row.job_id for row in queue.rows("select * from queue.spawn_jobs(%s, %s, '[{\"job_type\": \"no_op\"}]')", top, job.token))
    queue.complete(job)
    taken = queue.take()
    assert taken.job_id == part
    with queue.transaction():
        (below,) = queue.rows("select * from queue.spawn_jobs(%s, %s, '[{\"job_type\": \"no_op\"}]')", part, taken.token)
        late = race(lambda q: q.add(depends_on=[top]))
    waiting = late.finish()
    assert {row.parent_id for row in queue.rows("select parent_id from queue.job_dependencies where job_id = %s and not satisfied", waiting)} == {part, below.job_id}


def test_a_job_waits_for_a_part_that_came_and_is_spawning_while_it_waited(queue, connect, observer):
    """It did not see the part when it began, since that was not committed: it locks what it finds when it has waited."""
    top = queue.add()
    job = queue.take()
    holder, spawner = Queue(connect()), Queue(connect())
    spawn = "select * from queue.spawn_jobs(%s, %s, '[{\"job_type\": \"no_op\"}]')"
    holder.conn.execute("begin")
    with queue.transaction():
        (part,) = queue.rows(spawn, top, job.token)
        holding = Race(holder, lambda q: q.rows("select from queue.processing_jobs where id = %s for no key update", top))
        holding.start_and_wait_until_blocked(observer)
        late = Race(Queue(connect()), lambda q: q.add(depends_on=[top])).start_and_wait_until_blocked(observer)
    holding.finish()
    taken = queue.take()
    assert taken.job_id == part.job_id
    with spawner.transaction():
        (below,) = spawner.rows(spawn, part.job_id, taken.token)
        holder.conn.execute("commit")
        wait_for_others_than(holder, [late], observer)
    edges = queue.rows("select parent_id from queue.job_dependencies where job_id = %s and not satisfied", late.finish())
    assert {row.parent_id for row in edges} == {top, part.job_id, below.job_id}


def test_whoever_waits_for_a_job_and_for_its_parts_locks_them_in_one_order(queue, race):
    """The part is older than the second parent, which waits for it and falls with it."""
    top = queue.add()
    job = queue.take()
    (part,) = (row.job_id for row in queue.rows("select * from queue.spawn_jobs(%s, %s, '[{\"job_type\": \"no_op\"}]')", top, job.token))
    queue.complete(job)
    job = queue.take()
    assert job.job_id == part
    late = child(queue, top)
    with queue.transaction():
        queue.rows("select from queue.processing_jobs where id = %s for share", late)
        failing = race(lambda q: q.fail(job, "permanent"))
        enqueuing = race(lambda q: q.add(depends_on=[top, late]))
    assert failing.finish() == "failed"
    enqueuing.finish()


def test_a_job_is_deleted_beside_a_fan_out_of_its_parent(queue, race):
    parent = queue.add()
    job = queue.take()
    below = child(queue, parent)
    with queue.transaction():
        queue.rows("select from queue.blocked where job_id = %s for update", below)
        deleting = race(lambda q: q.conn.execute("delete from queue.processing_jobs where id = %s", (below,)))
        spawning = race(lambda q: q.rows("select * from queue.spawn_jobs(%s, %s, '[{\"job_type\": \"no_op\"}]')", parent, job.token))
    deleting.finish()
    spawning.finish()
    assert queue.rows("select from queue.job_dependencies where job_id = %s", below) == []


def test_a_tenant_is_deleted_beside_a_fan_out_of_a_job_without_a_video(queue, race, maybe):
    tenant = queue.value("select identity.create_tenant('ann')")
    queue.add(tenant_id=tenant)
    job = queue.take()
    with queue.transaction():
        queue.rows("select from queue.processing_jobs where id = %s for key share", job.job_id)
        deleting = race(lambda q: q.conn.execute("delete from identity.tenants where id = %s", (tenant,)))
        spawning = maybe(lambda q: q.rows("select * from queue.spawn_jobs(%s, %s, '[{\"job_type\": \"no_op\"}]')", job.job_id, job.token))
    deleting.finish()
    with pytest.raises(psycopg.Error) as error:
        spawning.finish()
    assert error.value.sqlstate == "RQ001"


@pytest.mark.parametrize("change", ["cancel_jobs", "reprioritise_jobs", "delete_jobs"])
@pytest.mark.parametrize("names", ["idempotency key", "depends_on", "part of a parent"])
def test_a_fan_out_locks_older_jobs_before_its_own(queue, race, names, change):
    """A bulk change takes both in the order of their ids: it has the older one in hand, and is not at the other yet."""
    older = queue.add(idempotency_key="older", priority=9)
    named = older
    if names == "part of a parent":
        # A retried fan-out is told the older job again, as a part of its own.
        named = queue.add(priority=1)
        parent = queue.take()
        fans_out(parent, {"job_type": "no_op", "idempotency_key": "older"})(queue)
    middle = queue.add(priority=9)
    queue.add(priority=1, idempotency_key="own")
    job = queue.take()
    spec = {"job_type": "no_op"} | ({"idempotency_key": "older"} if names == "idempotency key" else {"depends_on": [str(named)]})
    call = f"select * from queue.{change}({'7, ' if change == 'reprioritise_jobs' else ''}{'' if change == 'delete_jobs' else 'p_job_ids => '}%s)"
    with queue.transaction():
        queue.rows("select from queue.processing_jobs where id = %s for share", middle)
        changing = race(lambda q: q.rows(call, [older, middle, job.job_id]))
        fanning_out = race(fans_out(job, spec))
    changing.finish()
    try:
        fanning_out.finish()
    except psycopg.Error as error:
        assert error.sqlstate == {"delete_jobs": "RQ001"}.get(change)
    assert queue.violations() == []


def test_a_fan_out_that_finds_a_key_late_locks_its_job_too(queue, connect, observer):
    """The key is committed while it waits for that: it gives up all that it holds, and begins anew."""
    queue.add(idempotency_key="own")
    job = queue.take()
    gate, holder = queue.add(), Queue(connect())
    holder.conn.execute("begin")
    holder.rows("select from queue.processing_jobs where id = %s for update", gate)

    def fan_out(q):
        with q.transaction():
            told = fans_out(job, {"job_type": "no_op", "idempotency_key": "late"})(q)
            q.rows("select from queue.processing_jobs where id = %s for key share", gate)
            return told

    with queue.transaction():
        late = queue.add(idempotency_key="late")
        fanning_out = Race(Queue(connect()), fan_out).start_and_wait_until_blocked(observer)
    wait_for_others_than(queue, [fanning_out], observer)
    held = "select id from queue.processing_jobs where id = any(%s) for no key update skip locked"
    assert queue.rows(held, [job.job_id, late]) == []
    holder.conn.execute("commit")
    assert [(row.job_id, row.is_new) for row in fanning_out.finish()] == [(late, False)]


def test_a_fan_out_about_another_video_locks_that_before_jobs(queue, race):
    """Who deletes that video has it in hand, and waits for its jobs, of which one is a parent of the part."""
    video = queue.value("select media.create_video('/b.mp4')")
    queue.add()
    job = queue.take()
    parent = queue.add(video_id=video)
    with queue.transaction():
        queue.rows("select from queue.processing_jobs where id = %s for key share", parent)
        deleting = race(lambda q: q.rows("select * from queue.delete_video(%s)", video))
        fanning_out = race(fans_out(job, {"job_type": "no_op", "depends_on": [str(parent)], "video_id": str(video)}))
    deleting.finish()
    with pytest.raises(psycopg.Error) as error:
        fanning_out.finish()
    assert error.value.sqlstate == "RQ004"
