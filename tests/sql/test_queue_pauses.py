"""Pauses: what stands still, for whom, and that it all goes on afterwards."""

from __future__ import annotations

from uuid import uuid4

import psycopg
import pytest

from tests.sql.queuekit import Queue


@pytest.fixture
def queue(conn):
    return Queue(conn)


def pause(queue, scope, key="", reason="upgrade"):
    queue.conn.execute("select queue.pause(%s, %s, %s)", (scope, key, reason))


def resume(queue, scope, key=""):
    queue.conn.execute("select queue.resume(%s, %s)", (scope, key))


def claimed(queue, worker="w1"):
    return [job.job_id for job in queue.claim(worker, 100)]


def code(error) -> str:
    assert error.value.diag.message_hint, "a refusal says what to do"
    return error.value.sqlstate


@pytest.fixture
def video(queue):
    return queue.value("select media.create_video('/a.mp4')")


@pytest.fixture(params=["all", "job_type", "tenant", "tenant slug", "channel", "input", "suspended"])
def paused(request, queue, video):
    """A job that a pause of each scope holds, the call that pauses it and the one that resumes."""
    channel = uuid4()
    job = queue.job(queue.add("extract_metadata", video_id=video, channel_id=channel))
    key = {"all": "", "job_type": "extract_metadata", "tenant": str(job.tenant_id), "tenant slug": "default", "channel": str(channel),
           "input": str(job.asset_id)}.get(request.param)  # fmt: skip
    scope = request.param.split()[0]
    if scope == "suspended":
        change = "update identity.tenants set status = %s where slug = 'default'"
        return job.id, lambda: queue.conn.execute(change, ("suspended",)), lambda: queue.conn.execute(change, ("active",))
    return job.id, lambda: pause(queue, scope, key), lambda: resume(queue, scope, key)


def test_a_pause_holds_what_is_ready_and_a_resume_lets_it_go(queue, paused):
    job, hold, let_go = paused
    other = queue.add("no_op", priority=9)
    queue.worker()
    hold()
    assert claimed(queue) == ([] if queue.value("select scope from queue.pauses") == "all" else [other])
    assert claimed(queue) == []
    let_go()
    assert job in claimed(queue)


def test_a_pause_holds_what_is_enqueued_later(queue, video):
    pause(queue, "tenant", "default")
    job = queue.add(video_id=video)
    queue.worker()
    assert (queue.place(job), claimed(queue)) == ("parked", [])
    resume(queue, "tenant", "default")
    assert claimed(queue) == [job]


def test_it_outlives_workers_and_holds_for_all_of_them(queue):
    queue.add()
    queue.worker("w1"), queue.worker("w2")
    pause(queue, "job_type", "no_op")
    queue.worker("w3")
    assert [claimed(queue, worker) for worker in ("w1", "w2", "w3")] == [[], [], []]


def test_what_runs_goes_on(queue):
    queue.add()
    job = queue.take()
    pause(queue, "all")
    assert queue.beat("w1", job) == {}
    queue.complete(job)
    assert queue.status(job.job_id) == "completed"


def test_each_paused_job_is_met_once(queue, video):
    """However many stand in front: they are put aside, and the claim goes on to the others."""
    for _ in range(300):
        queue.add(video_id=video)
    free = queue.add(video_id=queue.value("select media.create_video('/b.mp4')"))
    pause(queue, "input", str(queue.value("select asset_id from media.videos where id = %s", video)))
    queue.worker()
    assert [job.job_id for job in queue.claim(limit=1)] == [free]
    ((parked,),) = queue.rows("select parked from queue.list_pauses()")
    assert parked == 300


def test_two_pauses_hold_until_both_have_ended(queue, video):
    job = queue.add(video_id=video)
    queue.worker()
    pause(queue, "tenant", "default")
    pause(queue, "input", str(queue.job(job).asset_id))
    assert claimed(queue) == []
    resume(queue, "tenant", "default")
    assert claimed(queue) == []
    resume(queue, "input", str(queue.job(job).asset_id))
    assert claimed(queue) == [job]


def test_a_paused_type_keeps_no_units_from_other_types(queue, video):
    queue.conn.execute("select queue.set_limit('tenant:default', 1)")
    heavy = queue.add("video_transcode", video_id=video, priority=1)
    queue.worker()
    queue.conn.execute("select queue.admit_parked()")
    assert queue.place(heavy) == "ready"
    pause(queue, "job_type", "video_transcode")
    light = queue.add("generate_thumbnail", video_id=video)
    (job,) = queue.claim(limit=10)
    assert job.job_id == light
    resume(queue, "job_type", "video_transcode")
    assert claimed(queue) == []
    queue.complete(job)
    assert claimed(queue) == [heavy]


def test_many_parked_jobs_come_back_batch_by_batch(queue, video):
    pause(queue, "tenant", "default")
    queue.rows("select * from queue.enqueue_jobs((select jsonb_agg(jsonb_build_object('job_type', 'no_op', 'video_id', %s::uuid)) from generate_series(1, 1500)))", video)  # fmt: skip
    resume(queue, "tenant", "default")
    queue.worker()
    assert len(queue.claim(limit=2000)) + len(queue.claim(limit=2000)) == 1500


@pytest.mark.parametrize(
    ("scope", "key", "reason", "expected"),
    [
        ("job_type", "no_op", "", "RQ008"), ("job_type", "no_op", None, "RQ008"), ("job_type", "no_op", "  ", "RQ008"),
        ("job_type", "nope", "why", "RQ003"), ("job_type", "", "why", "RQ008"), ("all", "x", "why", "RQ008"),
        ("tenant", "nobody", "why", "RQ004"), ("channel", "x", "why", "RQ008"), ("suspended", "x", "why", "RQ008"),
        ("world", "", "why", "RQ008"), (None, "", "why", "RQ008"),
    ],
)  # fmt: skip
def test_nonsense_is_refused(queue, scope, key, reason, expected):
    with pytest.raises(psycopg.Error) as error:
        pause(queue, scope, key, reason)
    assert code(error) == expected


def test_only_what_is_paused_can_be_resumed(queue):
    with pytest.raises(psycopg.Error) as error:
        resume(queue, "job_type", "no_op")
    assert code(error) == "RQ004"


def test_an_input_that_fails_several_attempts_holds_its_other_jobs(queue, video):
    """Across any jobs: each dies of its own budget, and the rest need not find out one by one."""
    queue.conn.execute("update media.videos set title = 'A clip'")
    jobs = [queue.add(video_id=video, max_attempts=1) for _ in range(6)]
    queue.worker()
    failed = 0
    while taken := queue.claim(limit=1):
        queue.fail(taken[0], code="decoder_crashed")
        failed += 1
    assert failed == int(queue.value("select queue.setting('poison_strikes')"))
    assert [queue.place(job) for job in jobs[failed:]] == ["parked"] * (6 - failed)
    (held,) = queue.rows("select * from queue.list_pauses()")
    assert (held.scope, held.name, held.paused_by) == ("input", "A clip", "poison guard")
    assert "decoder_crashed" in held.reason
    free = queue.add()
    assert claimed(queue) == [free], "other inputs go on"
    resume(queue, "input", held.key)
    assert sorted(claimed(queue)) == sorted(jobs[failed:])


def test_an_input_that_kills_workers_is_held(queue, video, clock):
    from datetime import timedelta

    queue.conn.execute("select queue.set_setting('poison_strikes', '2')")
    first, second = queue.add(video_id=video), queue.add(video_id=video)
    for turn in range(2):
        queue.worker(f"w{turn}")
        assert queue.claim(f"w{turn}", 1)
        clock.forward(timedelta(minutes=10))
        queue.rescue()
        queue.conn.execute("select queue.promote_due()")
    queue.worker("w9")
    assert claimed(queue, "w9") == []
    clock.forward(timedelta(minutes=10))
    assert claimed(queue, "w9") == []
    assert {queue.place(first), queue.place(second)} == {"parked"}


def test_the_hosts_trouble_is_no_strike(queue, video):
    queue.add(video_id=video)
    job = queue.take()
    queue.fail(job, code="store_away")
    assert queue.value("select count(*) from queue.strikes") == 0


def test_strikes_that_lie_months_apart_hold_nothing(queue, video, clock):
    from datetime import timedelta

    for _ in range(6):
        queue.add(video_id=video, max_attempts=1)
        queue.worker()
        (job,) = queue.claim(limit=1)
        queue.fail(job, code="decoder_crashed")
        clock.forward(timedelta(days=31))
    assert queue.rows("select * from queue.list_pauses()") == []
