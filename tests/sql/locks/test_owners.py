"""Videos, assets, tenants and types are deleted beside whoever enqueues, changes or ends their jobs (docs/design/locks.md)."""

from __future__ import annotations

import psycopg
import pytest

from tests.sql.locks.kit import settled, step, step_of, stored, two_videos
from tests.sql.queuekit import Queue


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
    assert_gone_unless_bytes_are_left(deleting, owner)
    assert queue.value("select count(*) from queue.processing_jobs") == (5 if owner == "tenant" else 0)


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
    assert_gone_unless_bytes_are_left(deleting, owner)
    assert queue.value("select count(*) from media.assets") == (1 if owner == "tenant" else 0)


def assert_gone_unless_bytes_are_left(deleting, owner):
    """A tenant's row goes after its objects (reelq tenants delete); no other owner waits for them."""
    if owner == "tenant":
        with pytest.raises((psycopg.errors.ForeignKeyViolation, psycopg.errors.RestrictViolation)):
            deleting.finish()
    else:
        deleting.finish()


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
