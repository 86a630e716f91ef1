"""One order of locks: what deletes, fails, cancels and retries the same jobs waits, and never deadlocks (docs/design/locks.md)."""

from __future__ import annotations

from functools import partial

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.sql.queuekit import Queue, Race


@pytest.fixture
def queue(conn):
    return Queue(conn)


@pytest.fixture
def observer(connect):
    return Queue(connect())


@pytest.fixture
def maybe(connect, observer):
    """Begin a call that may have to wait."""
    return lambda call: Race(Queue(connect()), call).start_until_blocked_or_done(observer)


@pytest.fixture
def race(connect, observer):
    """Begin a call in a session of its own that has to wait."""

    def begin(call) -> Race:
        return Race(Queue(connect()), call).start_and_wait_until_blocked(observer)

    return begin


def child(queue, *parents, **named):
    return queue.add(depends_on=list(parents), **named)


def settled(job, outcome="completed", **more) -> Jsonb:
    return Jsonb([{"job_id": str(job.job_id), "token": job.token, "outcome": outcome, **more}])


def chain(queue, *parents):
    """Jobs that wait for one another, listed child first: the end of the chain has the lowest id. From that end on."""
    ids = [queue.value("select base.uuid_v7()") for _ in parents]
    edges = [[*above, *ids[n + 1 : n + 2]] for n, above in enumerate(parents)]
    values = [part for job, above in zip(ids, edges, strict=True) for part in (job, above)]
    queue.conn.execute("insert into queue.processing_jobs (id, job_type, depends_on) values " + ", ".join(["(%s, 'no_op', %s)"] * len(ids)), values)
    return ids


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


@pytest.mark.parametrize("call", ["fail", "batch", "cancel", "retry", "complete"])
def test_a_video_is_deleted_while_a_step_of_its_pipeline_ends(queue, race, call):
    """The video goes first, its jobs after it: whoever ends a step takes them in that order."""
    video = queue.value("select queue.ingest_video('/a.mp4')")
    job = queue.take()
    if call == "retry":
        queue.fail(job, "permanent")
    waiting = queue.value("select id from queue.processing_jobs where video_id = %s and pipeline_step = 'probe'", video)
    calls = {
        "fail": lambda q: q.fail(job, "permanent"),
        "batch": lambda q: q.rows("select * from queue.settle_jobs('w1', %s)", settled(job, "failed", error_class="permanent", code="bad")),
        "cancel": lambda q: q.value("select queue.cancel_job(%s)", waiting),
        "retry": lambda q: q.value("select queue.retry_job(%s)", job.job_id),
        "complete": lambda q: q.complete(job),
    }
    with queue.transaction():
        # Both stop at a child, which the video's deletion takes along and the end of the step changes.
        queue.rows("select from queue.processing_jobs where video_id = %s and pipeline_step = 'probe' for share", video)
        queue.rows("select from queue.blocked where job_id = %s for update", waiting)
        ending = race(calls[call])
        deleting = race(lambda q: q.conn.execute("delete from media.videos where id = %s", (video,)))
    ending.finish()
    deleting.finish()
    assert queue.rows("select from queue.processing_jobs where video_id = %s", video) == []


@pytest.mark.parametrize("held", ["videos", "assets"])
def test_a_rescue_waits_for_nobody_who_deletes_the_video(queue, connect, held):
    queue.conn.execute("update queue.job_types set max_crashes = 1")
    video = queue.value("select queue.ingest_video('/a.mp4')")
    queue.take()
    queue.conn.execute("update queue.leases set expires_at = '2000-01-01'")
    other = Queue(connect())
    other.conn.execute("set lock_timeout = '1s'")
    with queue.transaction():
        queue.rows(f"select from media.{held} where id = (select {'id' if held == 'videos' else 'asset_id'} from media.videos where id = %s) for update", video)
        assert other.rescue() == 0
    assert other.rescue() == 1


def test_a_retry_and_an_enqueuer_lock_in_one_order(queue, race, maybe):
    """Of two jobs that fell one after the other the later one has the lower id."""
    top = queue.add()
    low, high = chain(queue, [], [top])
    queue.fail(queue.take(), "permanent")
    with queue.transaction():
        queue.rows("select from queue.processing_jobs where id = %s for share", low)
        retrying = race(lambda q: q.value("select queue.retry_job(%s)", top))
        enqueuing = maybe(lambda q: q.add(depends_on=[low, high]))
    assert retrying.finish() == "queued"
    enqueuing.finish()


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


def wait_for_others_than(queue, calls, observer):
    """Return once each of the calls waits for a lock, and none for one of this session."""
    waits = "select cardinality(pg_blocking_pids(%s)) > 0 and not %s = any(pg_blocking_pids(%s))"
    pids = [call._queue.conn.info.backend_pid for call in calls]
    while not all(observer.value(waits, pid, queue.conn.info.backend_pid, pid) for pid in pids):
        assert all(call._thread.is_alive() for call in calls), "one of them has not waited"


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


def test_a_retry_waits_for_another_that_brings_back_the_same_child(queue, race):
    """Each alone leaves the child to the other, because its other parent is failed still."""
    parents = [queue.add(), queue.add()]
    common = child(queue, *parents)
    for _ in parents:
        queue.fail(queue.take(), "permanent")
    with queue.transaction():
        queue.value("select queue.retry_job(%s)", parents[0])
        late = race(lambda q: q.value("select queue.retry_job(%s)", parents[1]))
    assert late.finish() == "queued"
    assert queue.place(common) == "blocked"


@pytest.mark.parametrize("owner", ["video", "tenant", "tenant of a video", "asset"])
def test_an_owner_is_deleted_beside_an_enqueue(queue, race, owner):
    """The job that comes is deleted with it, or refused: it never runs for nobody."""
    tenant = queue.value("select identity.create_tenant('ann')")
    video = queue.value("select media.create_video('/a.mp4', %s)", tenant)
    asset = queue.value("select asset_id from media.videos where id = %s", video)
    if owner == "asset":
        queue.conn.execute("delete from media.videos where id = %s", (video,))
    named = {"video": {"video_id": video}, "tenant": {"tenant_id": tenant}, "tenant of a video": {"video_id": video}, "asset": {"asset_id": asset}}[owner]
    table, key = {"video": ("media.videos", video), "asset": ("media.assets", asset)}.get(owner, ("identity.tenants", tenant))
    with queue.transaction():
        job = queue.add(**named)
        deleting = race(lambda q: q.conn.execute(f"delete from {table} where id = %s", (key,)))
    deleting.finish()
    assert queue.rows("select from queue.processing_jobs where id = %s", job) == []
    with pytest.raises(psycopg.Error) as error:
        queue.add(**named)
    assert error.value.sqlstate == "RQ004"


def test_a_video_is_deleted_beside_the_archiver_with_its_history(queue, race, clock):
    clock.set(queue.value("select now()"))
    video = queue.value("select media.create_video('/a.mp4')")
    queue.add(video_id=video)
    queue.complete(queue.take())
    clock.forward(queue.value("select interval '40 days'"))
    with queue.transaction():
        assert queue.value("select queue.archive_jobs()") == 1
        deleting = race(lambda q: q.conn.execute("delete from media.videos where id = %s", (video,)))
    deleting.finish()
    for table in ("job_history", "attempt_history", "processing_jobs"):
        assert queue.value(f"select count(*) from queue.{table}") == 0


@pytest.mark.parametrize("change", ["delete from queue.job_types where job_type = 'fresh'", "update queue.job_types set job_type = 'stale' where job_type = 'fresh'"])
@pytest.mark.parametrize("waits", ["scheduled", "blocked"])
def test_a_type_is_deleted_or_renamed_beside_an_enqueue(queue, race, waits, change):
    queue.conn.execute("insert into queue.job_types (job_type, description) values ('fresh', 'New.')")
    parent = queue.add()
    named = {"scheduled_for": queue.value("select now() + interval '1 hour'")} if waits == "scheduled" else {"depends_on": [parent]}
    with queue.transaction():
        queue.add("fresh", **named)
        changing = race(lambda q: q.conn.execute(change))
    with pytest.raises(psycopg.Error) as error:
        changing.finish()
    assert error.value.sqlstate == "RQ009"


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


def step(queue):
    """A tenant's video with its pipeline, and its first step at work: tenant, video, asset, job."""
    tenant = queue.value("select identity.create_tenant('ann')")
    video = queue.value("select queue.ingest_video('/a.mp4', 'ann')")
    return tenant, video, queue.value("select asset_id from media.videos where id = %s", video), queue.take()


def stored(queue, asset):
    queue.rows("select media.record_original(%s, 'file:///store', 'a.mp4', 1, %s, 'video/mp4')", asset, "a" * 64)
    queue.rows("""select media.put_variant(%s, '{"profile": "h264-720p", "bucket": "file:///store", "key": "b.mp4"}')""", asset)


@pytest.mark.parametrize("owner", ["video", "video, by its function", "tenant"])
def test_an_owner_is_deleted_between_a_completion_and_what_its_worker_writes(queue, race, owner):
    tenant, video, asset, job = step(queue)
    delete, key = {
        "video": ("delete from media.videos where id = %s", video),
        "video, by its function": ("select * from queue.delete_video(%s)", video),
        "tenant": ("delete from identity.tenants where id = %s", tenant),
    }[owner]
    with queue.transaction():
        queue.complete(job)
        deleting = race(lambda q: q.conn.execute(delete, (key,)))
        stored(queue, asset)
    deleting.finish()
    assert queue.value("select count(*) from queue.processing_jobs") == 0


@pytest.mark.parametrize("owner", ["asset", "tenant"])
def test_the_same_for_a_job_of_an_asset_without_a_video(queue, race, owner):
    tenant = queue.value("select identity.create_tenant('ann')")
    video = queue.value("select media.create_video('/a.mp4', %s)", tenant)
    asset = queue.value("select asset_id from media.videos where id = %s", video)
    queue.conn.execute("delete from media.videos where id = %s", (video,))
    queue.add(asset_id=asset)
    job = queue.take()
    delete, key = {"asset": ("delete from media.assets where id = %s", asset), "tenant": ("delete from identity.tenants where id = %s", tenant)}[owner]
    with queue.transaction():
        queue.complete(job)
        deleting = race(lambda q: q.conn.execute(delete, (key,)))
        stored(queue, asset)
    deleting.finish()
    assert queue.value("select count(*) from media.assets") == 0


def test_a_run_is_cancelled_by_whoever_has_added_a_job_while_its_video_is_deleted(queue, race):
    _, video, _, _ = step(queue)
    with queue.transaction():
        queue.add(video_id=video)
        deleting = race(lambda q: q.rows("select * from queue.delete_video(%s)", video))
        queue.rows("select * from queue.cancel_run(%s)", video)
    deleting.finish()
    assert queue.value("select count(*) from queue.processing_jobs") == 0


@pytest.mark.parametrize("owner", ["video", "tenant"])
@pytest.mark.parametrize("call", ["cancel_run", "cancel_job", "cancel_jobs", "fail", "batch", "retry", "rerun", "pipeline", "spawn"])
def test_an_owner_is_deleted_beside_whoever_changes_its_video(queue, race, maybe, owner, call):
    """A third session keeps the video from being deleted; those who change it need not wait for that."""
    tenant, video, _, job = step(queue)
    if call in ("retry", "rerun"):
        queue.fail(job, "permanent")
    calls = {
        "cancel_run": lambda q: q.rows("select * from queue.cancel_run(%s)", video),
        "cancel_job": lambda q: q.value("select queue.cancel_job(id) from queue.processing_jobs where video_id = %s and pipeline_step = 'probe'", video),
        "cancel_jobs": lambda q: q.rows("select * from queue.cancel_jobs(p_video_id => %s)", video),
        "fail": lambda q: q.fail(job, "permanent"),
        "batch": lambda q: q.rows("select * from queue.settle_jobs('w1', %s)", settled(job, "failed", error_class="permanent", code="bad")),
        "retry": lambda q: q.rows("select * from queue.retry_jobs(p_video_id => %s)", video),
        "rerun": lambda q: q.rows("select * from queue.rerun_video(%s)", video),
        "pipeline": lambda q: q.rows("select * from queue.enqueue_pipeline('standard', %s, run => 'again')", video),
        "spawn": lambda q: q.rows("select * from queue.spawn_jobs(%s, %s, '[{\"job_type\": \"no_op\"}]')", job.job_id, job.token),
    }
    delete = "select * from queue.delete_video(%s)" if owner == "video" else "delete from identity.tenants where id = %s"
    with queue.transaction():
        queue.rows("select from media.videos where id = %s for key share", video)
        deleting = race(lambda q: q.conn.execute(delete, (video if owner == "video" else tenant,)))
        changing = maybe(calls[call])
    deleting.finish()
    try:
        changing.finish()
    except psycopg.Error as error:
        assert error.sqlstate == {"pipeline": "RQ004", "rerun": "RQ004", "spawn": "RQ001", "fail": "RQ001"}.get(call)
    assert queue.value("select count(*) from queue.processing_jobs") == 0


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


def test_two_retries_lock_in_one_order_what_both_bring_back(queue, connect, race, observer):
    """A child of both comes while they wait. Its third parent has the lowest id: both stop there, each with its own job in hand."""
    jobs = [queue.add() for _ in range(3)]
    low, *roots = jobs
    for job in jobs:
        queue.value("select queue.cancel_job(%s)", job)
    last = Queue(connect())
    with queue.transaction():
        common = queue.add(depends_on=jobs)
        last.conn.execute("begin")
        holding = Race(last, lambda q: q.rows("select from queue.processing_jobs where id = %s for no key update", low))
        holding.start_and_wait_until_blocked(Queue(connect()))
        retrying = [race(lambda q, job=job: q.value("select queue.retry_job(%s)", job)) for job in roots]
    holding.finish()
    wait_for_others_than(queue, retrying, observer)
    last.conn.execute("commit")
    assert [call.finish() for call in retrying] == ["queued", "queued"]
    assert queue.status(common) == "failed"  # until the third is retried
    assert queue.value("select queue.retry_job(%s)", low) == "queued"
    assert queue.place(common) == "blocked"


def test_two_retries_do_not_leave_to_each_other_a_child_that_came_meanwhile(queue, connect, observer):
    """Both stay open until each has looked: who looks once does not see that the child came, or that its other parent is retried."""
    roots = [queue.add(), queue.add()]
    for job in roots:
        queue.value("select queue.cancel_job(%s)", job)
    gate, holder = queue.add(), Queue(connect())
    holder.conn.execute("begin")
    holder.rows("select from queue.processing_jobs where id = %s for update", gate)

    def retry(q, job):
        with q.transaction():
            told = q.value("select queue.retry_job(%s)", job)
            q.rows("select from queue.processing_jobs where id = %s for key share", gate)
            return told

    with queue.transaction():
        common = queue.add(depends_on=roots)
        retrying = [Race(Queue(connect()), partial(retry, job=job)).start_and_wait_until_blocked(observer) for job in roots]
    wait_for_others_than(queue, retrying, observer)
    holder.conn.execute("commit")
    assert [call.finish() for call in retrying] == ["queued", "queued"]
    assert queue.place(common) == "blocked"


def test_a_job_that_fails_while_a_retry_waits_is_retried_too(queue, race):
    first, second = queue.add(), queue.add()
    queue.fail(queue.take(), "permanent")
    job = queue.take()
    assert job.job_id == second
    with queue.transaction():
        queue.rows("select from queue.processing_jobs where id = %s for share", first)
        retrying = race(lambda q: q.rows("select outcome, reason, jobs from queue.retry_jobs(p_job_ids => %s)", [first, second]))
        queue.fail(job, "permanent")
    assert [tuple(row) for row in retrying.finish()] == [("retried", None, 2)]
    assert [queue.status(one) for one in (first, second)] == ["queued"] * 2


@pytest.fixture
def due(queue):
    """A schedule of a tenant's video whose tick has come: the tenant, the video, the key of the tick."""
    tenant = queue.value("select identity.create_tenant('acme')")
    video = queue.value("select media.create_video('/a.mp4', %s)", tenant)
    queue.value("select queue.set_schedule('nightly', '0 3 * * *', 'no_op', p_video_id => %s)", video)
    queue.conn.execute("update queue.schedules set next_run_at = '2026-03-01 03:00Z'")
    return tenant, video, "schedule:nightly:2026-03-01T03:00:00Z"


@pytest.mark.parametrize("held", ["media.videos", "identity.tenants"])
def test_no_tick_waits_for_whoever_holds_what_it_is_about(queue, connect, due, held):
    tenant, video, key = due
    queue.value("select queue.set_schedule('zero', '0 3 * * *', 'no_op')")
    queue.conn.execute("update queue.schedules set next_run_at = '2026-03-01 03:00Z' where name = 'zero'")
    other = Queue(connect())
    other.conn.execute("set lock_timeout = '1s'")
    with queue.transaction():
        queue.rows(f"select from {held} where id = any(%s) for update", [tenant, video])
        assert other.value("select queue.run_schedules()") == 1  # the other schedule
    # It waits, which is no trouble yet.
    assert queue.value("select last_error from queue.schedules where name = 'nightly'") is None
    assert queue.value("select next_run_at = '2026-03-01 03:00Z' from queue.schedules where name = 'nightly'")
    assert queue.value("select queue.run_schedules()") == 1
    assert queue.value("select count(*) from queue.processing_jobs where idempotency_key = %s", key) == 1
    assert queue.value("select last_error from queue.schedules where name = 'nightly'") is None


def test_ticks_that_wait_hide_no_other_and_are_no_trouble_yet(queue, connect, clock, due):
    """As many as a call looks at are held; the others come all the same."""
    clock.set(queue.value("select timestamptz '2026-03-01 03:02Z'"))
    tenant, _, _ = due
    queue.value("select queue.set_schedule('zero', '0 3 * * *', 'no_op')")
    queue.conn.execute("update queue.schedules set next_run_at = '2026-03-01 03:00:30Z' where name = 'zero'")
    other = Queue(connect())
    with queue.transaction():
        queue.rows("select from identity.tenants where id = %s for update", tenant)
        assert other.value("select queue.run_schedules(1)") == 1
        assert [row.level for row in other.rows("select * from queue.health_of_schedules()")] == ["ok"]
        clock.forward(queue.value("select interval '10 minutes'"))
        (finding,) = other.rows("select * from queue.health_of_schedules()")
    assert "nightly has been due since" in finding.detail and "holds its tenant or its video" in finding.remedy
    assert queue.value("select queue.run_schedules()") == 1


def test_a_lock_that_times_out_loses_no_tick(queue, connect, due):
    """Here the platform itself has used the key."""
    tenant, video, key = due
    other = Queue(connect())
    other.conn.execute("set lock_timeout = '100ms'")
    with queue.transaction():
        queue.add(tenant_id=tenant, idempotency_key=key)
        assert other.value("select queue.run_schedules()") == 0
        queue.conn.execute("delete from queue.processing_jobs")
    assert "(55P03)" in queue.value("select last_error from queue.schedules")
    assert queue.value("select queue.run_schedules()") == 1
    assert queue.value("select video_id from queue.processing_jobs where idempotency_key = %s", key) == video


def test_a_tenant_uses_no_key_of_a_schedule(queue, due):
    tenant, video, key = due
    queue.conn.execute("select set_config('reelq.tenant_id', %s, false)", (str(tenant),))
    for call, *arguments in (
        ("select queue.enqueue_job('no_op', idempotency_key => %s)", key),
        ("select * from queue.enqueue_jobs(%s)", Jsonb([{"job_type": "no_op", "idempotency_key": key}])),
        ("insert into queue.processing_jobs (job_type, tenant_id, idempotency_key) values ('no_op', %s, %s)", tenant, key),
        ("select * from queue.enqueue_pipeline('standard', %s, '{}', %s)", video, key),
    ):
        with pytest.raises(psycopg.Error) as refused:
            queue.conn.execute(call, arguments)
        assert refused.value.sqlstate == "RQ008" and refused.value.diag.message_hint
        assert "idempotency_key must not begin with schedule:" in str(refused.value)
    assert queue.value("select queue.run_schedules()") == 1  # whoever's claim calls it
    assert queue.value("select current_setting('reelq.tenant_id')") == str(tenant)


def step_of(queue, video, *parents):
    """A step of the video's run that waits for these jobs."""
    run = queue.value("select pipeline_run from queue.processing_jobs where video_id = %s limit 1", video)
    return queue.value(
        "insert into queue.processing_jobs (job_type, video_id, pipeline_run, pipeline_step, depends_on)"
        " values ('generate_thumbnail', %s, %s, 'x', %s) returning id",
        video, run, list(parents),
    )  # fmt: skip


def two_videos(queue):
    """Each with a first step; the first one has the lower id."""
    videos = [queue.value("select queue.ingest_video(%s)", f"/{name}.mp4") for name in "ab"]
    return [(video, queue.value("select id from queue.processing_jobs where video_id = %s and pipeline_step = 'download'", video)) for video in videos]


def test_two_videos_whose_steps_wait_for_each_other_are_deleted_at_once(queue, race):
    """Each delete has its own jobs in hand, of which the other's are children."""
    (one, first), (two, second) = two_videos(queue)
    below = [step_of(queue, one, second), step_of(queue, two, first)]
    with queue.transaction():
        queue.rows("select from queue.blocked where job_id = any(%s) for update", below)
        deleting = [race(lambda q, video=video: q.conn.execute("delete from media.videos where id = %s", (video,))) for video in (one, two)]
    for call in deleting:
        call.finish()
    queue.worker("idle", types=["extract_metadata"])
    assert queue.claim("idle") == []
    assert queue.rows("select from queue.processing_jobs") == [] == queue.rows("select from queue.job_dependencies")
    assert queue.rows("select from queue.cascades") == []


def test_a_run_is_cancelled_while_a_video_of_its_parents_and_children_is_deleted(queue, race):
    (one, first), (two, second) = two_videos(queue)
    below, child = step_of(queue, two, first), step_of(queue, one, second)
    with queue.transaction():
        queue.rows("select from queue.blocked where job_id = %s for update", below)
        deleting = race(lambda q: q.conn.execute("delete from media.videos where id = %s", (two,)))
        cancelling = race(lambda q: q.rows("select * from queue.cancel_run(%s)", one))
    deleting.finish()
    cancelling.finish()
    queue.worker("idle", types=["extract_metadata"])
    assert queue.claim("idle") == []
    assert (queue.status(first), queue.status(child)) == ("cancelled", "cancelled")
    assert queue.rows("select from queue.job_dependencies where parent_id = %s", second) == []


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


def fans_out(job, *specs):
    return lambda q: q.rows("select * from queue.spawn_jobs(%s, %s, %s) order by place", job.job_id, job.token, Jsonb(list(specs)))


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
