"""Two sessions at the same job: whoever holds the lock wins, the other sees that it lost."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.sql.queuekit import Queue, Race


@pytest.fixture
def queue(conn):
    return Queue(conn)


@pytest.fixture
def other(connect):
    return Queue(connect())


@pytest.fixture
def observer(connect):
    return Queue(connect())


def expire(queue):
    queue.conn.execute("update queue.leases set expires_at = 'epoch'")


def test_a_child_enqueued_while_its_parent_completes_is_released(queue, other, observer):
    parent = queue.add()
    job = queue.take()
    with queue.transaction():
        queue.complete(job)
        race = Race(other, lambda q: q.add(depends_on=[parent])).start_and_wait_until_blocked(observer)
    assert queue.place(race.finish()) == "ready"


def test_a_parent_that_completes_while_its_child_is_enqueued_releases_it(queue, other, observer):
    parent = queue.add()
    job = queue.take()
    with queue.transaction():
        child = queue.add(depends_on=[parent])
        race = Race(other, lambda q: q.complete(job)).start_and_wait_until_blocked(observer)
    race.finish()
    assert queue.place(child) == "ready"


@pytest.mark.parametrize("size", [1, 20])  # the edges of a large batch are looked for at once
def test_the_same_in_a_batch(queue, other, observer, size):
    parents = [queue.add() for _ in range(size)]
    queue.worker()
    jobs = queue.claim(limit=size)
    report = Jsonb([{"job_id": str(job.job_id), "token": job.token, "outcome": "completed"} for job in jobs])
    with queue.transaction():
        child = queue.add(depends_on=parents[-1:])
        race = Race(other, lambda q: q.rows("select * from queue.settle_jobs('w1', %s)", report)).start_and_wait_until_blocked(observer)
    assert {row.verdict for row in race.finish()} == {"ok"}
    assert queue.place(child) == "ready"


def test_a_parent_that_fails_while_its_child_is_enqueued_decides_its_fate(queue, other, observer):
    parent = queue.add()
    job = queue.take()
    with queue.transaction():
        child = queue.add(depends_on=[parent])
        race = Race(other, lambda q: q.fail(job, "permanent")).start_and_wait_until_blocked(observer)
    race.finish()
    assert queue.status(child) == "failed"


def test_complete_beats_rescue(queue, other):
    """The completing session holds the job: the rescuer passes it by and finds nothing later."""
    job_id = queue.add()
    job = queue.take()
    expire(queue)
    with queue.transaction():
        queue.complete(job)
        assert other.rescue() == 0
    assert (queue.status(job_id), other.rescue()) == ("completed", 0)


def test_rescue_beats_complete(queue, other, observer):
    job_id = queue.add()
    job = queue.take()
    expire(queue)
    with queue.transaction():
        assert queue.rescue() == 1
        race = Race(other, lambda q: q.complete(job, {"from": "zombie"})).start_and_wait_until_blocked(observer)
    with pytest.raises(psycopg.Error) as error:
        race.finish()
    assert error.value.sqlstate == "RQ001"
    assert (queue.status(job_id), queue.job(job_id).result_data, queue.outcomes(job_id)) == ("queued", None, ["lost"])


def test_rescue_beats_a_batch(queue, other, observer):
    queue.add()
    job = queue.take()
    expire(queue)
    report = Jsonb([{"job_id": str(job.job_id), "token": job.token, "outcome": "completed"}])
    with queue.transaction():
        queue.rescue()
        race = Race(other, lambda q: q.rows("select * from queue.settle_jobs('w1', %s)", report)).start_and_wait_until_blocked(observer)
    assert [row.verdict for row in race.finish()] == ["lost"]


def test_complete_beats_cancel(queue, other, observer):
    job_id = queue.add()
    job = queue.take()
    with queue.transaction():
        queue.complete(job)
        race = Race(other, lambda q: q.value("select queue.cancel_job(%s)", job_id)).start_and_wait_until_blocked(observer)
    with pytest.raises(psycopg.Error) as error:
        race.finish()
    assert error.value.sqlstate == "RQ009"
    assert queue.status(job_id) == "completed"


def test_cancel_before_complete_is_a_request_and_the_finished_work_stands(queue, other, observer):
    job_id = queue.add()
    job = queue.take()
    with queue.transaction():
        assert queue.value("select queue.cancel_job(%s)", job_id) == "cancelling"
        race = Race(other, lambda q: q.complete(job)).start_and_wait_until_blocked(observer)
    race.finish()
    assert queue.status(job_id) == "completed"


def test_claim_beats_cancel(queue, other, observer):
    job_id = queue.add()
    queue.worker()
    with queue.transaction():
        queue.claim()
        race = Race(other, lambda q: q.value("select queue.cancel_job(%s)", job_id)).start_and_wait_until_blocked(observer)
    assert race.finish() == "cancelling"


def test_cancel_beats_claim(queue, other):
    queue.worker()
    job_id = queue.add()
    with queue.transaction():
        queue.value("select queue.cancel_job(%s)", job_id)
        assert other.claim() == []
    assert other.claim() == []


def test_a_beat_that_is_under_way_saves_the_lease(queue, other):
    """The rescuer does not wait for it; it passes the lease by."""
    job_id = queue.add()
    job = queue.take()
    queue.conn.execute("update queue.leases set expires_at = base.clock() - interval '1 second'")
    with queue.transaction():
        queue.beat("w1", job)
        assert other.rescue() == 0
    assert (other.rescue(), queue.status(job_id)) == (0, "running")


def test_a_beat_that_comes_while_a_rescue_is_at_work_saves_the_lease(queue, other, connect, observer):
    """The rescuer has read all expired leases at once, and looks again at each before it takes it."""
    first = queue.add(priority=1)
    queue.add()
    queue.conn.execute("update queue.processing_jobs set max_crashes = 1")
    queue.take()
    second = queue.take()
    queue.conn.execute("update queue.leases set expires_at = base.clock() - interval '1 second' - case when job_id = %s then '1 second' else '0' end::interval", (first,))
    with queue.conn.transaction(force_rollback=True):
        # The first job's end has to wait here, for an index entry.
        queue.conn.execute("insert into queue.dead_letters (job_id, job_type, failed_at) values (%s, 'no_op', now())", (first,))
        race = Race(other, lambda q: q.rescue()).start_and_wait_until_blocked(observer)
        Queue(connect()).beat("w1", second)
    assert (race.finish(), queue.status(first), queue.status(second.job_id)) == (1, "failed", "running")


def test_a_beat_does_not_wait_for_a_rescue_and_then_learns_that_it_lost(queue, other):
    queue.add()
    job = queue.take()
    expire(queue)
    with queue.transaction():
        queue.rescue()
        other.conn.execute("set lock_timeout = '1s'")
        assert other.beat("w1", job) == {}
    assert other.beat("w1", job) == {job.job_id: "lost"}


def test_claims_side_by_side_never_take_the_same_job(queue, other):
    jobs = {queue.add() for _ in range(10)}
    queue.worker("w1"), queue.worker("w2")
    with queue.transaction():
        mine = {job.job_id for job in queue.claim("w1", 5)}
        yours = {job.job_id for job in other.claim("w2", 5)}
    assert mine | yours == jobs and not mine & yours


def test_two_enqueuers_with_one_idempotency_key_get_one_job(queue, other, observer):
    with queue.transaction():
        first = queue.add(idempotency_key="k")
        race = Race(other, lambda q: q.add(idempotency_key="k")).start_and_wait_until_blocked(observer)
    assert race.finish() == first


def test_two_enqueuers_of_one_pipeline_run_get_one_graph(queue, other, observer):
    video = queue.value("select media.create_video('/a.mp4')")
    call = "select * from queue.enqueue_pipeline('standard', %s)"
    with queue.transaction():
        first = queue.rows(call, video)
        race = Race(other, lambda q: q.rows(call, video)).start_and_wait_until_blocked(observer)
    second = race.finish()
    assert {s.job_id for s in first} == {s.job_id for s in second}


def test_parents_that_finish_side_by_side_release_their_child_once(queue, other, observer):
    parents = [queue.add(), queue.add()]
    child = queue.add(depends_on=parents)
    first, second = queue.take(), queue.take()
    with queue.transaction():
        queue.complete(first)
        race = Race(other, lambda q: q.complete(second)).start_and_wait_until_blocked(observer)
    race.finish()
    assert queue.place(child) == "ready"


def test_the_history_is_a_second_fence(queue):
    """Were the token not compared, the key of the attempts would still refuse a second end."""
    queue.add()
    job = queue.take()
    row = (job.job_id, job.token, "no_op", "w1")
    queue.complete(job)
    with pytest.raises(psycopg.errors.UniqueViolation):
        queue.conn.execute(
            "insert into queue.job_attempts (job_id, attempt, job_type, worker_id, started_at, ended_at, outcome)"
            " values (%s, %s, %s, %s, now(), now(), 'completed')", row
        )  # fmt: skip


def test_a_retry_waits_for_the_other_parent_that_completes(queue, other, observer):
    """The revived child counts only what is still open; else it would wait for ever."""
    failed, good = queue.add(priority=1), queue.add()
    child = queue.add(depends_on=[failed, good])
    queue.fail(queue.take(), "permanent")
    job = queue.take()
    with queue.transaction():
        queue.complete(job)
        race = Race(other, lambda q: q.value("select queue.retry_job(%s)", failed)).start_and_wait_until_blocked(observer)
    race.finish()
    queue.complete(queue.take())
    assert queue.place(child) == "ready"


def test_a_retry_of_a_child_sees_its_parent_fail_at_the_same_moment(queue, other, observer):
    parent = queue.add()
    child = queue.add(depends_on=[parent])
    queue.value("select queue.cancel_job(%s)", child)
    job = queue.take()
    with queue.transaction():
        queue.fail(job, "permanent")
        race = Race(other, lambda q: q.value("select queue.retry_job(%s)", child)).start_and_wait_until_blocked(observer)
    with pytest.raises(psycopg.Error) as error:
        race.finish()
    assert error.value.sqlstate == "RQ009"


def test_two_retries_of_two_parents_revive_their_child(queue, other, observer):
    parents = [queue.add(), queue.add()]
    child = queue.add(depends_on=parents)
    for _ in parents:
        queue.fail(queue.take(), "permanent")
    with queue.transaction():
        queue.value("select queue.retry_job(%s)", parents[0])
        race = Race(other, lambda q: q.value("select queue.retry_job(%s)", parents[1])).start_and_wait_until_blocked(observer)
    race.finish()
    assert queue.place(child) == "blocked"
    for _ in parents:
        queue.complete(queue.take())
    assert queue.place(child) == "ready"


def test_a_claim_does_not_wait_for_whoever_enqueues_a_child(queue, other, connect):
    """An open transaction in psql holds a share lock on its parent: other jobs are claimed meanwhile, and this one after."""
    parent, free = queue.add(), queue.add()
    other.worker("w1")
    other.conn.execute("set lock_timeout = '2s'")
    with queue.transaction():
        queue.add(depends_on=[parent])
        assert [job.job_id for job in other.claim("w1", 5)] == [free]
    assert [job.job_id for job in other.claim("w1", 5)] == [parent]


def test_a_job_that_comes_back_while_it_is_cancelled_leaves_nothing_behind(queue, other, observer):
    job_id = queue.add()
    job = queue.take()
    with queue.transaction():
        queue.conn.execute("select queue.release_job(%s, %s, 'drain')", (job.job_id, job.token))
        race = Race(other, lambda q: q.value("select queue.cancel_job(%s)", job_id)).start_and_wait_until_blocked(observer)
    assert race.finish() == "cancelled"
    assert (queue.status(job_id), queue.violations()) == ("cancelled", [])


def test_batches_with_common_children_do_not_deadlock(queue, other, observer):
    """Counters are locked once, in the order of their ids, whatever completes or fails in which order."""
    first, second = queue.add(priority=1), queue.add(priority=2)
    children = [queue.add(depends_on=[first, second], on_parent_failure="run") for _ in range(4)]
    jobs = [queue.take(), queue.take()]
    ends = [{"outcome": "completed"}, {"outcome": "failed", "error_class": "permanent", "code": "bad"}]
    reports = [Jsonb([{"job_id": str(job.job_id), "token": job.token, **end}]) for job, end in zip(jobs, ends, strict=True)]
    with queue.transaction():
        queue.rows("select * from queue.settle_jobs('w1', %s)", reports[0])
        race = Race(other, lambda q: q.rows("select * from queue.settle_jobs('w1', %s)", reports[1])).start_and_wait_until_blocked(observer)
    race.finish()
    assert {queue.place(child) for child in children} == {"ready"}


@pytest.mark.parametrize(
    "call",
    [
        "select queue.rescue_expired()", "select queue.promote_due()", "delete from queue.processing_jobs", "select queue.continue_cascades()",
        "select queue.resume('all')", "select queue.drop_limit('type:no_op')",
    ],
)  # fmt: skip
def test_chores_and_deletes_need_read_committed_too(queue, call):
    queue.add()
    with pytest.raises(psycopg.Error) as error, queue.transaction():
        queue.conn.execute("set transaction isolation level repeatable read")
        queue.conn.execute(call)
    assert error.value.sqlstate == "RQ002"


def test_claims_side_by_side_look_at_the_common_limit(queue, other):
    """The row that another session holds is passed over; it exists."""
    queue.worker("w1"), queue.worker("w2")
    queue.value("select queue.set_limit('tenant:*', 5)")
    with queue.transaction():
        queue.claim("w1")
        assert other.claim("w2") == []


def test_a_job_that_gets_a_permit_while_the_backlog_is_parked_keeps_it(queue, other, observer):
    """The look and the lock are two statements; in between another claim lets the job in."""
    job_id = queue.add()
    queue.value("select queue.set_limit('type:no_op', 1)")
    lane = queue.value("select lane from queue.ready")
    with queue.transaction():
        queue.conn.execute("lock table queue.ready in share mode")
        race = Race(other, lambda q: q.value("select queue.park_ahead(%s, '-infinity', 0, 10)", lane)).start_and_wait_until_blocked(observer)
        queue.conn.execute("select queue.initialise_limits('{type:no_op}'), queue.acquire_permits('{type:no_op}')")
        queue.conn.execute("delete from queue.ready")
        queue.value("select queue.admit_jobs(%s, '{type:no_op}')", [job_id])
    assert race.finish() == 0
    assert queue.rows("select limits from queue.ready") == [(["type:no_op"],)]
    assert queue.violations() == []


def test_a_limit_that_is_set_while_a_claim_takes_away_its_row_holds(queue, other, observer):
    """The tenant's row came with tenant:*, which was dropped; the operator's own limit comes at that moment."""
    tenant = queue.value("select identity.create_tenant('one', 'one')")
    queue.worker()
    queue.value("select queue.set_limit('tenant:*', 1)")
    queue.add(tenant_id=tenant), queue.add(tenant_id=tenant)
    queue.claim(), queue.claim()
    queue.value("select queue.drop_limit('tenant:*')")
    with queue.transaction():
        queue.conn.execute("select queue.admit_parked()")
        assert queue.rows("select limit_key from queue.limits") == []
        race = Race(other, lambda q: q.value("select queue.set_limit('tenant:one', 1)")).start_and_wait_until_blocked(observer)
    race.finish()
    assert queue.rows("select limit_key, max_running from queue.limits") == [(f"tenant:{tenant}", 1)]


def test_two_claims_that_give_a_tenant_its_first_unit_do_not_wait_for_one_another(queue, other):
    """They would deadlock over two tenants that they meet in different order."""
    tenant = queue.value("select identity.create_tenant('one', 'one')")
    queue.worker("w1"), queue.worker("w2")
    queue.value("select queue.set_limit('tenant:*', 5)")
    queue.claim("w1")
    queue.add(tenant_id=tenant), queue.add(tenant_id=tenant)
    other.conn.execute("set lock_timeout = '1s'")
    with queue.transaction():
        assert len(queue.claim("w1")) == 1
        assert other.claim("w2") == []


def test_two_claims_that_keep_slots_free_for_the_same_job_do_not_wait_for_one_another(queue, other, clock):
    clock.set(queue.value("select now()"))
    queue.conn.execute("update queue.job_types set weight = 4 where job_type = 'video_transcode'")
    queue.conn.execute("select queue.register_worker(w, 'host', 1, '0', 'pool', 4) from unnest(array['w1', 'w2']) as w")
    queue.add("video_transcode")
    queue.conn.execute("insert into queue.job_types (job_type, description) values ('later', 'It comes after the heavy one.')")
    clock.forward(timedelta(minutes=2))
    light = queue.add("later")
    other.conn.execute("set lock_timeout = '1s'")
    with queue.transaction():
        assert queue.claim("w1", 3) == [], "this one keeps its slots"
        assert [job.job_id for job in other.claim("w2", 3)] == [light], "and this one neither waits nor keeps any"


def test_batches_that_end_jobs_in_several_ways_do_not_deadlock(queue, connect, observer):
    """A completion releases before a failure does: the counters of both are locked at the start, in order."""
    parents = [queue.add(priority=n) for n in (1, 2, 3, 4)]
    for pair in ((0, 3), (1, 2)):
        queue.add(depends_on=[parents[n] for n in pair], on_parent_failure="run")
    jobs = [queue.take() for _ in parents]
    ends = [{"outcome": "completed"}, {"outcome": "failed", "error_class": "permanent", "code": "bad"}]
    mine, yours = (
        Jsonb([{"job_id": str(jobs[n + k].job_id), "token": jobs[n + k].token, **ends[k]} for k in (0, 1)]) for n in (0, 2)
    )
    call = "select * from queue.settle_jobs('w1', %s)"
    with queue.transaction():
        # The first batch waits here between its completion and its failure.
        queue.rows("select from queue.leases where job_id = %s for update", parents[1])
        first = Race(Queue(connect()), lambda q: q.rows(call, mine)).start_and_wait_until_blocked(observer)
        second = Race(Queue(connect()), lambda q: q.rows(call, yours)).start_and_wait_until_blocked(observer)
    assert [row.verdict for race in (first, second) for row in race.finish()] == ["ok"] * 4
