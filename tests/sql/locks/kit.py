"""Jobs, videos and calls for the tests of locks."""

from __future__ import annotations

from psycopg.types.json import Jsonb


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


def wait_for_others_than(queue, calls, observer, *, may_pass=False):
    """Return once each of the calls waits for a lock, and none for one of this session. `may_pass`: or has ended."""
    waits = "select cardinality(pg_blocking_pids(%s)) > 0 and not %s = any(pg_blocking_pids(%s))"
    pids = {call: call._queue.conn.info.backend_pid for call in calls}
    while pids and not all(observer.value(waits, pid, queue.conn.info.backend_pid, pid) for pid in pids.values()):
        pids = {call: pid for call, pid in pids.items() if not may_pass or call._thread.is_alive()}
        assert all(call._thread.is_alive() for call in pids), "one of them has not waited"


def step(queue):
    """A tenant's video with its pipeline, and its first step at work: tenant, video, asset, job."""
    tenant = queue.value("select identity.create_tenant('ann')")
    video = queue.value("select queue.ingest_video('/a.mp4', 'ann')")
    return tenant, video, queue.value("select asset_id from media.videos where id = %s", video), queue.take()


def stored(queue, asset):
    queue.rows("select media.record_original(%s, 'file:///store', 'a.mp4', 1, %s, 'video/mp4')", asset, "a" * 64)
    queue.rows("""select media.put_variant(%s, '{"profile": "h264-720p", "bucket": "file:///store", "key": "b.mp4"}')""", asset)


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


def fans_out(job, *specs):
    return lambda q: q.rows("select * from queue.spawn_jobs(%s, %s, %s) order by place", job.job_id, job.token, Jsonb(list(specs)))
