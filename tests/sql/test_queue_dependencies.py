"""Jobs that wait for jobs: release, failure policies, cascades, circles, revival, pipelines."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.sql.queuekit import Queue


@pytest.fixture
def queue(conn):
    return Queue(conn)


def test_a_child_waits_for_all_of_its_parents(queue):
    parents = [queue.add(), queue.add()]
    child = queue.add(depends_on=parents)
    assert queue.place(child) == "blocked"
    queue.complete(queue.take())
    assert queue.place(child) == "blocked"
    queue.complete(queue.take())
    assert queue.place(child) == "ready"


def test_a_child_of_finished_parents_is_ready_at_once(queue):
    parent = queue.add()
    queue.complete(queue.take())
    assert queue.place(queue.add(depends_on=[parent, parent])) == "ready"


def test_depends_on_job_id_becomes_an_edge(queue):
    parent = queue.add()
    child = queue.value("insert into queue.processing_jobs (job_type, depends_on_job_id) values ('no_op', %s) returning id", parent)
    assert queue.place(child) == "blocked"
    queue.complete(queue.take())
    assert queue.place(child) == "ready"


def test_a_released_child_still_waits_for_its_time(queue, clock):
    parent = queue.add()
    child = queue.add(depends_on=[parent], scheduled_for=queue.value("select base.clock() + interval '1 hour'"))
    queue.complete(queue.take())
    assert queue.place(child) == "scheduled"
    clock.forward(timedelta(hours=1))
    assert queue.take().job_id == child


@pytest.mark.parametrize(("policy", "status", "place"), [("fail", "failed", "failed"), ("cancel", "cancelled", "cancelled"), ("run", "queued", "ready")])
@pytest.mark.parametrize("end", ["failed before", "failed after", "cancelled"])
def test_a_failed_parent_decides_as_its_edge_says(queue, policy, status, place, end):
    parent = queue.add()
    if end == "failed before":
        queue.fail(queue.take(), "permanent")
        child = queue.add(depends_on=[parent], on_parent_failure=policy)
    else:
        child = queue.add(depends_on=[parent], on_parent_failure=policy)
        if end == "cancelled":
            queue.value("select queue.cancel_job(%s)", parent)
        else:
            queue.fail(queue.take(), "permanent")
    assert (queue.status(child), queue.place(child)) == (status, place)


def test_a_failure_cascades_to_the_last_grandchild(queue):
    chain = [queue.add()]
    for _ in range(20):
        chain.append(queue.add(depends_on=[chain[-1]]))
    queue.fail(queue.take(), "permanent")
    assert {queue.job(job).error_code for job in chain[1:]} == {"parent_failed"}
    assert {queue.status(job) for job in chain} == {"failed"}


def test_retrying_the_parent_revives_what_fell_with_it(queue):
    parent, other = queue.add(), queue.add()
    child = queue.add(depends_on=[parent])
    grandchild = queue.add(depends_on=[child], on_parent_failure="cancel")
    stuck = queue.add(depends_on=[parent, other])
    for _ in range(2):
        queue.fail(queue.take(), "permanent")
    with pytest.raises(psycopg.Error) as error:
        queue.value("select queue.retry_job(%s)", child)
    assert error.value.sqlstate == "RQ009"
    queue.value("select queue.retry_job(%s)", parent)
    assert [queue.place(job) for job in (parent, child, grandchild, stuck)] == ["ready", "blocked", "blocked", "failed"]
    queue.value("select queue.retry_job(%s)", other)
    assert queue.place(stuck) == "blocked"
    for expected in (parent, other, child, stuck, grandchild):
        job = queue.take()
        queue.complete(job)
        assert job.job_id == expected or {job.job_id, expected} <= {child, stuck}
    assert queue.claim() == []


def test_a_whole_graph_may_come_in_one_statement_in_any_order(queue):
    ids = [queue.value("select base.uuid_v7()") for _ in range(3)]
    queue.conn.execute(
        "insert into queue.processing_jobs (id, job_type, depends_on) values (%s, 'no_op', %s), (%s, 'no_op', %s), (%s, 'no_op', null)",
        (ids[0], [ids[1], ids[2]], ids[1], [ids[2]], ids[2]),
    )
    for expected in reversed(ids):
        job = queue.take()
        assert job.job_id == expected
        queue.complete(job)


@pytest.mark.parametrize("length", [1, 2, 5])
def test_a_circle_is_refused(queue, length):
    ids = [queue.value("select base.uuid_v7()") for _ in range(length)]
    values = [(job, [ids[n - 1]]) for n, job in enumerate(ids)]
    with pytest.raises(psycopg.Error) as error:
        queue.conn.execute(
            "insert into queue.processing_jobs (id, job_type, depends_on) values " + ", ".join(["(%s, 'no_op', %s)"] * length),
            [part for value in values for part in value],
        )
    assert error.value.sqlstate == "RQ006"
    assert queue.value("select count(*) from queue.processing_jobs") == 0


def test_deleting_a_parent_ends_its_children(queue):
    parent = queue.add()
    child = queue.add(depends_on=[parent])
    queue.conn.execute("delete from queue.processing_jobs where id = %s", (parent,))
    assert queue.job(child).error_code == "parent_failed"


def test_two_thousand_parents_touch_their_child_once(queue):
    queue.conn.execute("insert into queue.processing_jobs (job_type) select 'no_op' from generate_series(1, 2000)")
    child = queue.value(
        "insert into queue.processing_jobs (job_type, priority, depends_on) select 'no_op', 1, array_agg(id) from queue.processing_jobs returning id"
    )
    version = queue.value("select ctid::text || xmin from queue.processing_jobs where id = %s", child)
    queue.worker()
    while jobs := queue.claim(limit=500):
        assert queue.value("select ctid::text || xmin from queue.processing_jobs where id = %s", child) == version
        queue.conn.execute(
            "select count(*) from queue.settle_jobs('w1', %s)",
            (Jsonb([{"job_id": str(job.job_id), "token": job.token, "outcome": "completed"} for job in jobs]),),
        )
        if queue.place(child) == "ready":
            break
    assert queue.take().job_id == child


def test_a_pipeline_runs_in_its_order_and_only_once_a_run(queue):
    video = queue.value("select media.create_video('/a.mp4')")
    steps = queue.rows("select * from queue.enqueue_pipeline('standard', %s)", video)
    again = queue.rows("select * from queue.enqueue_pipeline('standard', %s)", video)
    assert {(s.step, s.job_id) for s in steps} == {(s.step, s.job_id) for s in again}
    assert all(s.is_new for s in steps) and not any(s.is_new for s in again)
    done = []
    while queue.value("select count(*) from queue.ready"):
        job = queue.take()
        done.append(job.pipeline_step)
        queue.complete(job)
    assert done[:2] + done[-1:] == ["download", "probe", "ready"] and set(done[2:4]) == {"poster", "ladder"}
    other = queue.rows("select * from queue.enqueue_pipeline('standard', %s, run => 'again')", video)
    assert not {s.job_id for s in other} & {s.job_id for s in steps}


def test_options_reach_their_step_alone(queue):
    video = queue.value("select queue.ingest_video('/a.mp4', options => '{\"ladder\": {\"crf\": 20}}')")
    data = {row.pipeline_step: row.job_data for row in queue.rows("select * from queue.processing_jobs where video_id = %s", video)}
    assert data["ladder"] == {"crf": 20} and data["poster"] == {}


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("select queue.ingest_video('/a', pipeline => 'nope')", "RQ004"),
        ("select queue.ingest_video('/a', tenant => 'nope')", "RQ004"),
        ("select queue.ingest_video('/a', options => '[]')", "RQ008"),
        ("select queue.ingest_video('/a', options => '{\"ladder\": 3}')", "RQ008"),
        ("select queue.ingest_video('/a', options => '{\"crf\": 3}')", "RQ008"),
        ("select queue.enqueue_pipeline('standard', base.uuid_v7())", "RQ004"),
    ],
)
def test_a_pipeline_refuses_nonsense_and_leaves_nothing_behind(queue, call, expected):
    with pytest.raises(psycopg.Error) as error:
        queue.conn.execute(call)
    assert error.value.sqlstate == expected and error.value.diag.message_hint
    assert queue.value("select count(*) from media.videos") == 0


@pytest.mark.parametrize(("edges", "expected"), [({"a": ["b"], "b": ["a"]}, "RQ006"), ({"a": ["nope"]}, "RQ005")])
def test_a_pipeline_that_cannot_run_is_refused_when_it_is_made(queue, edges, expected):
    queue.conn.execute("insert into queue.pipelines (name, description) values ('odd', 'Odd.')")
    with pytest.raises(psycopg.Error) as error, queue.transaction():
        for step, after in edges.items():
            queue.conn.execute("insert into queue.pipeline_steps (pipeline, step, job_type, after) values ('odd', %s, 'no_op', %s)", (step, after))
    assert error.value.sqlstate == expected


def test_a_failed_step_fails_its_video_and_a_retry_reopens_it(queue):
    video = queue.value("select queue.ingest_video('/a.mp4')")
    job = queue.take()
    queue.fail(job, "permanent", "not_a_video")
    assert queue.rows("select status, error_code from media.videos where id = %s", video) == [("failed", "not_a_video")]
    queue.value("select queue.retry_job(%s)", job.job_id)
    assert queue.value("select status from media.videos where id = %s", video) != "failed"


def test_a_running_job_moves_its_video_only_under_its_token(queue):
    video = queue.value("select queue.ingest_video('/a.mp4')")
    job = queue.take()
    queue.conn.execute("select queue.advance_video(%s, %s, 'downloading')", (job.job_id, job.token))
    assert queue.value("select status from media.videos where id = %s", video) == "downloading"
    with pytest.raises(psycopg.Error) as error:
        queue.conn.execute("select queue.advance_video(%s, %s, 'ready')", (job.job_id, job.token + 1))
    assert error.value.sqlstate == "RQ001"


def run_to_the_branch(queue):
    """A video whose original is there and measured; the claims of its ladder and its poster."""
    video = queue.value("select queue.ingest_video('/a.mp4')")
    asset = queue.value("select asset_id from media.videos where id = %s", video)
    queue.complete(queue.take())
    queue.conn.execute("select media.record_original(%s, 'file:///o', 'k', 1, repeat('a', 64), null)", [asset])
    queue.complete(queue.take())
    claimed = {job.job_type: job for job in queue.claim(limit=2)}
    return video, claimed["video_transcode"], claimed["generate_thumbnail"]


def status_of(queue, video) -> str:
    return queue.value("select status from media.videos where id = %s", video)


def test_a_step_that_is_retried_alone_reopens_no_video(queue):
    """Two steps have failed: nothing would end the video after the first retry, so it stays failed until the second."""
    video, ladder, poster = run_to_the_branch(queue)
    for step in (ladder, poster):
        queue.fail(step, "permanent", "object_missing")
    assert status_of(queue, video) == "failed"
    queue.value("select queue.retry_job(%s)", poster.job_id)
    queue.complete(queue.take())
    assert (status_of(queue, video), queue.violations()) == ("failed", [])
    queue.value("select queue.retry_job(%s)", ladder.job_id)
    assert status_of(queue, video) == "pending"
    queue.complete(queue.take())
    finish = queue.take()
    assert finish.job_type == "finish_video"
    queue.conn.execute("select media.put_variant(%s, '{\"profile\": \"h264_360p\", \"bucket\": \"file:///o\", \"key\": \"v\"}')", [finish.asset_id])
    queue.conn.execute("select media.finish_video(%s)", [video])
    queue.complete(finish)
    assert (status_of(queue, video), queue.violations()) == ("ready", [])


def test_a_video_that_nobody_ends_is_found(queue):
    """The invariant holds whatever somebody writes by hand."""
    video, ladder, poster = run_to_the_branch(queue)
    queue.fail(ladder, "permanent")
    queue.complete(poster)
    queue.conn.execute("select media.reopen_video(%s)", [video])
    assert [row.invariant for row in queue.violations()] == ["a video is failed when a step of its pipeline has failed and none is at work"]
    queue.conn.execute("select media.fail_video(%s, 'oops', 'It broke.')", [video])
    assert queue.violations() == []


@pytest.fixture
def failed_twice(queue):
    """A video whose poster and ladder have failed; their jobs."""
    queue.value("select queue.ingest_video('/a.mp4')")
    for _ in ("download", "probe"):
        queue.complete(queue.take())
    jobs = {job.pipeline_step: job for job in (queue.take(), queue.take())}
    for step in ("ladder", "poster"):
        queue.fail(jobs[step], "permanent", f"bad_{step}")
    return jobs


def test_a_video_that_cannot_become_ready_stays_failed_until_its_last_failed_step_is_retried(queue, failed_twice):
    def video():
        return queue.rows("select status, error_code from media.videos")[0]

    queue.value("select queue.retry_job(%s)", failed_twice["poster"].job_id)
    queue.complete(queue.take())
    assert video() == ("failed", "bad_ladder"), "nobody is at work that could end it"
    queue.value("select queue.retry_job(%s)", failed_twice["ladder"].job_id)
    assert video() == ("pending", None)
    queue.complete(queue.take())
    assert queue.take().pipeline_step == "ready"


def test_a_step_that_falls_with_a_job_outside_of_its_pipeline_ends_its_video(queue):
    """Its parent's record is deleted by hand."""
    video = queue.value("select queue.ingest_video('/a.mp4')")
    queue.conn.execute("delete from queue.processing_jobs where pipeline_step = 'download'")
    assert queue.rows("select status, error_code from media.videos where id = %s", video) == [("failed", "parent_failed")]


def test_a_willing_grandchild_does_not_fall(queue):
    """It runs all the same when the job that it waits for falls."""
    parent = queue.add()
    child = queue.add(depends_on=[parent])
    grandchild = queue.add(depends_on=[child], on_parent_failure="run")
    queue.fail(queue.take(), "permanent")
    assert (queue.status(child), queue.place(grandchild)) == ("failed", "ready")
