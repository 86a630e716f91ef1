"""Jobs with more children than one transaction deals with: bounded steps, and whole at each of them."""

from __future__ import annotations

import pytest

from tests.sql.queuekit import Queue

FALL_AT_ONCE = 2000
RELEASED_AT_ONCE = 5000
WINDOW = "select * from queue.verify_window(null, 'ffffffff-ffff-ffff-ffff-ffffffffffff')"  # of all jobs


@pytest.fixture
def queue(conn):
    queue = Queue(conn)
    queue.worker("idle", types=["extract_metadata"])
    return queue


def fan(queue, parent, count, policy="fail"):
    """So many jobs that wait for it."""
    queue.conn.execute(
        "insert into queue.processing_jobs (job_type, depends_on, on_parent_failure) select 'no_op', %s, %s from generate_series(1, %s)",
        ([parent], policy, count),
    )


def chain(queue, first, count):
    queue.conn.execute(
        """
        with ids as materialized (select base.uuid_v7() as id, n from generate_series(1, %s) as n)
        insert into queue.processing_jobs (id, job_type, depends_on)
        select id, 'no_op', array[coalesce(lag(id) over (order by n), %s)] from ids
        """,
        (count, first),
    )


def statuses(queue):
    return {row.status: row.count for row in queue.rows("select status, count(*) from queue.processing_jobs group by 1")}


def look(queue):
    """A full look of a worker that takes none of them."""
    assert queue.claim("idle") == []


@pytest.mark.parametrize("shape", [fan, chain])
def test_a_failure_takes_so_many_with_it_and_claims_do_the_rest(queue, shape):
    parent = queue.add()
    job = queue.take()
    shape(queue, parent, 5000)
    queue.fail(job, "permanent")
    assert statuses(queue) == {"failed": 1 + FALL_AT_ONCE, "queued": 5000 - FALL_AT_ONCE}
    assert queue.violations() == [] == queue.rows("select * from queue.find_faults(array(select job_id from queue.blocked))")
    assert queue.rows(WINDOW) == []
    for _ in range(100):
        look(queue)
        if "queued" not in statuses(queue):
            break
    assert statuses(queue) == {"failed": 5001}
    look(queue)
    assert queue.rows("select * from queue.cascades") == []
    queue.value("select queue.retry_job(%s)", parent)
    assert statuses(queue) == {"queued": 5001}


@pytest.mark.parametrize("policy", ["fail", "run"])
def test_a_completion_releases_so_many_and_claims_do_the_rest(queue, policy):
    parent = queue.add()
    job = queue.take()
    fan(queue, parent, 8000, policy)
    queue.complete(job) if policy == "fail" else queue.fail(job, "permanent")
    assert queue.value("select count(*) from queue.ready") == RELEASED_AT_ONCE
    assert queue.violations() == []
    look(queue)
    assert queue.value("select count(*) from queue.ready") == RELEASED_AT_ONCE + 2000
    look(queue), look(queue)
    assert queue.value("select count(*) from queue.ready") == 8000
    assert queue.rows("select * from queue.cascades") == []


def test_a_job_that_is_retried_half_way_keeps_those_that_have_not_fallen(queue):
    parent = queue.add()
    job = queue.take()
    fan(queue, parent, 3000)
    queue.fail(job, "permanent")
    queue.value("select queue.retry_job(%s)", parent)
    assert queue.rows("select * from queue.cascades") == []
    look(queue)
    assert statuses(queue) == {"queued": 3001}
    queue.complete(queue.take())
    assert queue.value("select count(*) from queue.ready") == 3000


def test_a_job_that_is_deleted_takes_its_children_along_in_steps(queue):
    parent = queue.add()
    fan(queue, parent, 5000)
    queue.conn.execute("delete from queue.processing_jobs where id = %s", (parent,))
    assert statuses(queue) == {"failed": FALL_AT_ONCE, "queued": 5000 - FALL_AT_ONCE}
    assert queue.violations() == [] == queue.rows(WINDOW)
    for _ in range(4):
        look(queue)
    assert statuses(queue) == {"failed": 5000}
    assert queue.rows("select from queue.job_dependencies") == [] == queue.rows("select from queue.cascades")


def test_a_claim_that_goes_on_waits_for_no_child_that_somebody_holds(queue, connect):
    parent = queue.add()
    job = queue.take()
    fan(queue, parent, 2010)
    queue.fail(job, "permanent")
    held = queue.value("select min(job_id::text)::uuid from queue.blocked")
    other = Queue(connect())
    other.conn.execute("set lock_timeout = '1s'")
    with queue.transaction():
        queue.rows("select from queue.processing_jobs where id = %s for share", held)
        look(other)
    assert statuses(queue) == {"failed": 2010, "queued": 1}
    look(queue)
    assert statuses(queue) == {"failed": 2011}


def test_a_rescue_waits_for_no_child_that_somebody_holds(queue, connect):
    queue.conn.execute("update queue.job_types set max_crashes = 1")
    parent = queue.add()
    queue.take()
    held, free = queue.add(depends_on=[parent]), queue.add(depends_on=[parent])
    queue.conn.execute("update queue.leases set expires_at = '2000-01-01'")
    other = Queue(connect())
    other.conn.execute("set lock_timeout = '1s'")
    with queue.transaction():
        queue.rows("select from queue.processing_jobs where id = %s for share", held)
        assert other.rescue() == 1
    assert [queue.status(job) for job in (parent, held, free)] == ["failed", "queued", "failed"]
    look(queue)
    assert queue.status(held) == "failed"
    assert queue.rows("select * from queue.cascades") == []


def test_a_release_that_cancels_waits_for_no_child_that_somebody_holds(queue, connect):
    """It has the job's lock in hand, and a child may have the lower id."""
    parent = queue.add()
    job = queue.take()
    child = queue.add(depends_on=[parent])
    queue.value("select queue.cancel_job(%s)", parent)
    other = Queue(connect())
    other.conn.execute("set lock_timeout = '1s'")
    with queue.transaction():
        queue.rows("select from queue.processing_jobs where id = %s for share", child)
        other.rows("select queue.release_job(%s, %s, 'shutdown')", parent, job.token)
    assert [queue.status(one) for one in (parent, child)] == ["cancelled", "queued"]
    look(queue)
    assert queue.status(child) == "failed"


def test_a_circle_is_found_among_thousands_listed_child_first(queue):
    ids = [str(queue.value("select base.uuid_v7()")) for _ in range(3)]
    chain(queue, queue.add(), 3000)
    assert queue.value("select queue.find_circle(array(select id from queue.processing_jobs))") == []
    with queue.transaction():
        edges = ", ".join(f"('{ids[n]}', '{ids[(n + 1) % 3]}', 'fail', false)" for n in range(3))
        queue.conn.execute(f"insert into queue.job_dependencies (parent_id, job_id, on_failure, satisfied) values {edges}")
        every = "array(select id from queue.processing_jobs) || %s::uuid[]"
        assert [str(one) for one in queue.value(f"select queue.find_circle({every})", ids)] == sorted(ids)
        queue.conn.execute("delete from queue.job_dependencies where job_id = any(%s::uuid[])", (ids,))


@pytest.mark.parametrize("held", ["videos", "assets"])
@pytest.mark.parametrize("below", [False, True])
def test_a_claim_that_goes_on_waits_for_no_video_that_somebody_holds(queue, connect, held, below):
    """A step waits for a job of no video: when it falls, its video fails, which the tenant's open transaction holds."""
    parent = queue.add()
    job = queue.take()
    video = queue.value("select queue.ingest_video('https://x/a.mp4')")
    run, asset = queue.rows("select j.pipeline_run, j.asset_id from queue.processing_jobs as j where j.video_id = %s limit 1", video)[0]
    first = queue.add(depends_on=[parent])
    step = queue.value(
        "insert into queue.processing_jobs (job_type, video_id, pipeline_run, pipeline_step, depends_on)"
        " values ('generate_thumbnail', %s, %s, 'x', %s) returning id",
        video, run, [first if below else parent],
    )  # fmt: skip
    queue.value("select queue.cancel_job(%s)", parent)
    queue.rows("select queue.release_job(%s, %s, 'shutdown')", parent, job.token)  # which leaves the children to claims
    other = Queue(connect())
    other.conn.execute("set lock_timeout = '1s'")
    with queue.transaction():
        queue.rows(f"select from media.{held} where id = %s for no key update", {"videos": video, "assets": asset}[held])
        look(other)
    assert [queue.status(job) for job in (first, step)] == ["failed", "queued"]
    look(queue), look(queue)
    assert queue.status(step) == "failed"
    assert queue.value("select status from media.videos where id = %s", video) == "failed"
    assert queue.rows("select * from queue.cascades") == []


def test_cascades_that_are_held_hide_no_others(queue, connect):
    """A look takes a hundred of them. What cannot go on stays, and must not come first for ever."""
    queue.worker()
    many = [queue.add() for _ in range(150)]
    last = queue.add()
    jobs = queue.claim(limit=151)
    children = [queue.add(depends_on=[job]) for job in many]
    free = queue.add(depends_on=[last])
    order = {job: n for n, job in enumerate([*many, last])}
    queue.conn.execute("select queue.cancel_job(id) from queue.processing_jobs where id = any(%s)", ([*many, last],))
    for job in sorted(jobs, key=lambda job: order[job.job_id]):
        queue.rows("select queue.release_job(%s, %s, 'shutdown')", job.job_id, job.token)  # which leaves the children to claims
    other = Queue(connect())
    other.conn.execute("set lock_timeout = '1s'")
    with queue.transaction():
        queue.rows("select from queue.processing_jobs where id = any(%s) for share", children)
        for _ in range(100):
            look(other)
            if other.status(free) == "failed":
                break
        assert other.status(free) == "failed"
    look(queue), look(queue)
    assert statuses(queue) == {"cancelled": 151, "failed": 151}


def test_a_job_that_is_deleted_half_way_leaves_no_edge(queue):
    parent = queue.add()
    job = queue.take()
    fan(queue, parent, 4500)
    queue.fail(job, "permanent")
    look(queue)  # now its place is behind those that have fallen
    queue.conn.execute("delete from queue.processing_jobs where id = %s", (parent,))
    for _ in range(5):
        look(queue)
    assert statuses(queue) == {"failed": 4500}
    assert queue.rows("select from queue.job_dependencies") == [] == queue.rows("select from queue.cascades")
