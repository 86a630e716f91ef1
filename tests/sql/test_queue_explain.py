"""explain_job says why a job is not running, in the claim's own terms."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import psycopg
import pytest

from tests.sql.queuekit import Queue


@pytest.fixture
def queue(conn):
    return Queue(conn)


def explain(queue, job):
    return queue.rows("select * from queue.explain_job(%s)", job)


def reasons(queue, job):
    rows = explain(queue, job)
    assert all(row.detail and row.advice for row in rows)
    return [row.reason for row in rows]


@pytest.fixture
def video(queue):
    return queue.value("select media.create_video('/a.mp4')")


def test_a_job_that_a_worker_would_take_is_claimable(queue):
    job = queue.add()
    queue.worker()
    (row,) = explain(queue, job)
    assert row.reason == "claimable"
    assert "No job" in row.detail and "0 of 10 slots" in row.detail and "none has looked" in row.detail
    queue.claim(limit=0)
    assert "one has looked for work just now" in explain(queue, job)[0].detail


def test_it_says_how_long_nobody_has_asked(queue, clock):
    clock.set(queue.value("select now()"))
    queue.worker()
    queue.claim()
    clock.forward(timedelta(seconds=40))
    assert "none has looked for work for 40 s" in explain(queue, queue.add())[0].detail


def test_it_counts_who_comes_before(queue):
    queue.worker()
    queue.add(), queue.add(priority=1)
    assert "2 jobs of equal or higher rank come before it" in explain(queue, queue.add())[0].detail


def test_not_due(queue):
    job = queue.add(scheduled_for=queue.value("select base.clock() + interval '90 minutes'"))
    queue.worker()
    assert reasons(queue, job) == ["not_due"]
    assert "in 90 min" in explain(queue, job)[0].detail


def test_backing_off_names_the_error(queue):
    job = queue.add()
    queue.fail(queue.take(), code="store_away", retry_after_s=3600)
    (row,) = explain(queue, job)
    assert row.reason == "not_due" and "store_away" in row.detail
    assert "is up, or mounted" in row.advice and row.advice.endswith(f"Then: reelq jobs run-now {job}")


def test_backing_off_for_its_own_error_says_how_not_to_wait(queue):
    job = queue.add()
    queue.fail(queue.take(), code="oops", retry_after_s=3600)
    (row,) = explain(queue, job)
    assert row.advice.startswith("Wait;") and row.advice.endswith(f"reelq jobs run-now {job}")


def test_blocked_names_each_parent_and_how_far_it_is(queue):
    queue.worker()
    running, waiting = queue.add(priority=1), queue.add()
    job = queue.add(depends_on=[running, waiting])
    queue.beat("w1", queue.take(), progress=0.43, stage="encode", eta_s=130)
    rows = explain(queue, job)
    assert [row.reason for row in rows] == ["blocked", "blocked"]
    assert f"{running}, which runs on w1, encode, 43 % done, about 2 min to go." in rows[0].detail
    assert f"{waiting}, which is ready." in rows[1].detail


@pytest.mark.parametrize("scope", ["all", "job_type", "tenant", "channel", "input"])
def test_paused_says_by_whom_and_why(queue, video, scope):
    channel = uuid4()
    job = queue.job(queue.add(video_id=video, channel_id=channel))
    key = {"all": "", "job_type": "no_op", "tenant": job.tenant_id, "channel": channel, "input": job.asset_id}[scope]
    queue.worker()
    queue.conn.execute("select queue.pause(%s, %s, 'the encoder burns')", (scope, str(key)))
    for _ in range(2):  # before and after a claim has met it
        (row,) = explain(queue, job.id)
        assert row.reason == "paused" and "the encoder burns" in row.detail and "by postgres" in row.detail and "resume" in row.advice
        assert queue.claim(limit=10) == []


def test_a_suspended_tenant_is_told(queue, video):
    job = queue.add(video_id=video)
    queue.worker()
    queue.conn.execute("update identity.tenants set status = 'suspended'")
    (row,) = explain(queue, job)
    assert row.reason == "paused" and row.detail.startswith("Tenant default is suspended since ") and row.detail.endswith(" by postgres.")
    assert row.advice == "select identity.set_tenant_status('default', 'active'); or: reelq tenants activate default"
    queue.conn.execute(row.advice.partition(";")[0])
    assert reasons(queue, job) == ["claimable"]


def test_over_a_limit_says_how_many_of_how_many(queue, video):
    queue.conn.execute("select queue.set_limit('tenant:default', 2)")
    jobs = [queue.add(video_id=video) for _ in range(4)]
    queue.worker()
    queue.claim(limit=10)
    (row,) = explain(queue, jobs[3])
    assert row.reason == "over_limit"
    assert "tenant:default is used up: 2 of 2 (2 running, 0 ready); 1 job waits before it" in row.detail


def test_no_live_worker(queue, clock):
    job = queue.add()
    assert "No worker is at work" in explain(queue, job)[0].detail
    queue.worker("w1", types=["finish_video"])
    assert "No live worker takes jobs of type no_op" in explain(queue, job)[0].detail
    queue.worker("w2")
    assert reasons(queue, job) == ["claimable"]
    queue.conn.execute("select queue.drain_worker('w2')")
    assert "draining" in explain(queue, job)[0].detail
    queue.worker("w3")
    clock.forward(timedelta(minutes=5))
    assert "No worker is at work" in explain(queue, job)[0].detail


def test_no_worker_offers_what_it_needs_or_is_large_enough(queue):
    queue.conn.execute("update queue.job_types set needs = '{av1}' where job_type = 'no_op'")
    queue.worker()
    assert "offers av1" in explain(queue, queue.add())[0].detail
    queue.conn.execute("update queue.job_types set needs = '{}', weight = 11 where job_type = 'no_op'")
    assert "11 slots" in explain(queue, queue.add())[0].detail


def test_all_hindrances_are_told_at_once(queue, video):
    queue.conn.execute("select queue.pause('all', '', 'night')")
    job = queue.add(video_id=video, scheduled_for=queue.value("select base.clock() + interval '1 hour'"))
    assert reasons(queue, job) == ["not_due", "paused", "no_worker"]


def test_a_row_that_an_open_transaction_holds(queue, connect):
    parent = queue.add()
    queue.worker()
    other = Queue(connect())
    with other.transaction():
        other.add(depends_on=[parent])
        assert reasons(queue, parent) == ["locked"]
        assert queue.claim() == []
    assert reasons(queue, parent) == ["claimable"]
    assert queue.claim(), "explaining leaves no lock behind"


def test_a_running_job_that_is_held_says_so(queue, connect):
    """It may have ended, and cannot be settled."""
    job = queue.add()
    queue.take()
    assert reasons(queue, job) == ["running"]
    with connect(autocommit=False) as other:
        other.execute("select queue.cancel_job(%s, 'held')", [job])
        assert reasons(queue, job) == ["running", "locked"]
        other.rollback()
    assert reasons(queue, job) == ["running"]


def test_explaining_in_an_open_transaction_holds_nothing_up(queue, connect):
    job = queue.add()
    queue.worker()
    with queue.transaction():
        assert reasons(queue, job) == ["claimable"]
        assert [one.job_id for one in Queue(connect()).claim()] == [job]


def test_in_a_read_only_transaction_it_says_the_rest(queue):
    job = queue.add()
    queue.worker()
    with queue.transaction():
        queue.conn.execute("set transaction read only")
        assert reasons(queue, job) == ["claimable"]


def test_running_and_over(queue):
    done, dead, gone = queue.add(), queue.add(), queue.add()
    job = queue.take()
    queue.beat("w1", job, progress=0.5)
    (row,) = explain(queue, done)
    assert row.reason == "running" and "on w1, 50 % done" in row.detail
    queue.complete(job)
    queue.fail(queue.take(), "permanent", code="unreadable_media")
    queue.conn.execute("select queue.cancel_job(%s)", (gone,))
    assert [reasons(queue, one) for one in (done, dead, gone)] == [["completed"], ["failed"], ["cancelled"]]
    assert "unreadable_media" in explain(queue, dead)[0].detail


def test_of_a_job_that_guesses_no_end_none_is_told(queue):
    job = queue.add()
    queue.take()
    (row,) = explain(queue, job)
    assert row.detail.startswith("It has been running for 0 s on w1.")


def test_a_silent_worker_is_named_and_who_takes_its_job_back(queue, clock, video):
    """Its guess of the end is worth nothing any more, and one that is as silent takes nothing back."""
    clock.set(queue.value("select now()"))
    job = queue.add(video_id=video)
    waiting = queue.add(depends_on=[job])
    queue.beat("w1", queue.take(), progress=0.5, eta_s=32)
    clock.forward(14)
    assert "about 32 s to go" in explain(queue, job)[0].detail
    clock.forward(34)
    (row,) = explain(queue, job)
    assert row.detail == "It has been running for 48 s, 50 % done, its worker w1 was last heard of 48 s ago."
    assert row.advice == "No worker is at work: start one, as: reelq worker run --types no_op"
    assert "its worker w1 was last heard of 48 s ago." in explain(queue, waiting)[0].detail
    queue.worker("w2", ["finish_video"])
    assert explain(queue, job)[0].advice.startswith("A claiming worker takes it back once its lease ends, in 12 s, and then no worker at work takes no_op:")
    queue.worker("w3")
    assert explain(queue, job)[0].advice == "Wait: a claiming worker takes it back once its lease ends, in 12 s."
    clock.forward(13)
    queue.beat("w3")
    assert explain(queue, job)[0].advice == "Wait: a claiming worker takes it back within seconds."
    queue.conn.execute("select set_config('reelq.tenant_id', (select tenant_id::text from media.videos), false)")
    (row,) = explain(queue, job)
    assert "its worker was last heard of 61 s ago" in row.detail and "w1" not in row.detail


def test_a_worker_that_beats_seldom_is_silent_later(queue, clock):
    """It tells how often it means to beat when it registers."""
    clock.set(queue.value("select now()"))
    job = queue.add()
    queue.conn.execute("select queue.register_worker('w1', 'host', 1, '0', 'pool', 10, p_beat_interval => '20 seconds')")
    queue.beat("w1", queue.take())
    clock.forward(59)
    (row,) = explain(queue, job)
    assert "last heard of" not in row.detail and row.detail.startswith("It has been running for 59 s on w1")
    clock.forward(2)
    assert "its worker w1 was last heard of 61 s ago" in explain(queue, job)[0].detail
    with pytest.raises(psycopg.Error) as error:
        queue.conn.execute("select queue.register_worker('w1', 'host', 1, '0', 'pool', 10, p_beat_interval => '0')")
    assert (error.value.sqlstate, bool(error.value.diag.message_hint)) == ("RQ008", True)


def test_what_is_in_the_history_is_told_too(queue, clock):
    job = queue.add()
    queue.complete(queue.take())
    clock.forward(timedelta(days=2))
    assert queue.value("select queue.archive_jobs()") == 1
    assert reasons(queue, job) == ["completed"]


def test_an_unknown_job_is_refused(queue):
    with pytest.raises(psycopg.Error) as error:
        explain(queue, uuid4())
    assert (error.value.sqlstate, bool(error.value.diag.message_hint)) == ("RQ004", True)


def test_a_tenant_learns_that_it_is_paused_and_not_by_whom(queue, video):
    job = queue.add(video_id=video)
    queue.worker()
    queue.conn.execute("select queue.pause('all', '', 'a customer attacks us')")
    queue.conn.execute("select set_config('reelq.tenant_id', tenant_id::text, false) from media.videos")
    (row,) = explain(queue, job)
    assert row.reason == "paused" and "attacks" not in row.detail and "postgres" not in row.detail


def test_a_limit_with_a_free_permit_that_nobody_has_let_in_is_not_called_used_up(queue):
    """Nobody claims: what was cancelled has given its permit back, and the next in line waits for a claim."""
    queue.conn.execute("select queue.set_limit('type:no_op', 1)")
    first, _, third = (queue.add() for _ in range(3))
    queue.conn.execute("select queue.cancel_job(%s)", (first,))
    (told,) = [row for row in queue.rows("select * from queue.explain_job(%s)", third) if row.reason == "over_limit"]
    text = " ".join(str(value) for value in told)
    assert "has 1 of 1 permits free, and 1 job waits before it" in text and "used up" not in text


@pytest.mark.parametrize("held", ["pause", "full", "parent", "later"])
def test_a_free_limit_is_not_named_beside_what_holds(queue, clock, held):
    """Two wait behind a limit of one that nobody uses: something else keeps both out, and its advice alone is of use."""
    queue.worker()
    if held == "full":
        queue.conn.execute("select queue.set_limit('type:no_op', 1)")
        queue.add()
        queue.take()
    queue.conn.execute("select queue.set_limit('name:yy', 1)")
    parent = queue.add() if held == "parent" else None
    named = {"depends_on": [parent]} if parent else {"scheduled_for": clock.now() + timedelta(hours=1)} if held == "later" else {}
    queue.add(limits=["yy"])
    if held == "pause":
        queue.conn.execute("select queue.pause('job_type', 'no_op', 'p')")
    last = queue.add(limits=["yy"], **named)
    told = explain(queue, last)
    assert [row.reason for row in told] == [{"pause": "paused", "full": "over_limit", "parent": "blocked", "later": "not_due"}[held]]
    assert "yy" not in " ".join(row.detail + row.advice for row in told)


def over(queue, job):
    """What explain says of a limit."""
    (told,) = [row for row in explain(queue, job) if row.reason == "over_limit"]
    return told.detail


@pytest.mark.parametrize("key", ["type:no_op", "tenant:default", "tenant:*"])
def test_a_limit_is_told_as_it_is_though_no_claim_has_looked(queue, video, key):
    """What runs counts from the moment at which the limit is set; a tenant under the common limit has no row yet."""
    queue.worker()
    for _ in range(2):
        queue.add(video_id=video)
    running = queue.claim(limit=2)
    queue.conn.execute("select queue.set_limit(%s, 2)", [key])
    first, second = queue.add(video_id=video), queue.add(video_id=video)
    name = "tenant:default" if key == "tenant:*" else key
    assert f"The limit {name} is used up: 2 of 2 (2 running, 0 ready)." == over(queue, first)
    assert f"The limit {name} is used up: 2 of 2 (2 running, 0 ready); 1 job waits before it." == over(queue, second)
    queue.complete(running[0])
    assert reasons(queue, first) == ["claimable"], "its permit has come back, and whoever claims next lets it in"
    assert f"The limit {name} has 1 of 2 permits free, and 1 job waits before it" in over(queue, second)
    assert [job.job_id for job in queue.claim(limit=2)] == [first]
    assert f"The limit {name} is used up: 2 of 2 (2 running, 0 ready)." == over(queue, second)


def test_who_was_ready_before_the_limit_is_told_who_else_was(queue):
    """None of them has met the limit: one permit, and the second and the third wait for the first."""
    jobs = [queue.add(priority=priority) for priority in (5, 5, 3)]
    other = queue.add("finish_video", video_id=queue.value("select media.create_video('/a.mp4')"))
    queue.worker()
    queue.conn.execute("select queue.set_limit('type:no_op', 1)")
    assert reasons(queue, jobs[2]) == ["claimable"] == reasons(queue, other)
    assert "has 1 of 1 permits free, and 1 job waits before it" in over(queue, jobs[0])
    assert "has 1 of 1 permits free, and 2 jobs wait before it" in over(queue, jobs[1])
    assert {job.job_id for job in queue.claim(limit=10)} == {jobs[2], other}


def test_who_waits_behind_a_limit_is_told_how_many_come_before_it_by_turns(queue, clock):
    """Counted in the order in which they are let in: of the other tenant's backlog one, and of the other priority what is more urgent."""
    ann, bob = (queue.value("select identity.create_tenant(%s)", name) for name in ("ann", "bob"))
    queue.worker()
    queue.conn.execute("select queue.set_limit('type:no_op', 1)")
    running = queue.add(priority=1)
    assert [job.job_id for job in queue.claim(limit=10)] == [running]
    clock.set(queue.value("select now()"))
    lines = [queue.add(tenant_id=ann, priority=8) for _ in range(3)]
    clock.forward(timedelta(hours=2))
    lines += [queue.add(tenant_id=ann, priority=5) for _ in range(20)]
    lines += [queue.add(tenant_id=bob, priority=5), queue.add(tenant_id=bob, priority=6), queue.add(tenant_id=bob, priority=9)]
    queue.worker()
    told = {job: over(queue, job) for job in lines}
    (held,) = queue.rows("select job_id, token from queue.leases")
    queue.complete(held)
    for place in range(len(lines)):
        (job,) = queue.claim(limit=10)
        assert told[job.job_id].endswith({0: "0 ready).", 1: "; 1 job waits before it."}.get(place, f"; {place} jobs wait before it."))
        queue.complete(job)


def test_a_host_in_trouble_is_no_worker_for_the_job(queue):
    """It gets none, explain names host and remedy, and a good worker beside it takes what comes."""
    job = queue.add()
    queue.worker("w1")
    queue.conn.execute("select queue.set_worker_trouble('w1', 'ffmpeg does not run', 'Install it.')")
    (row,) = explain(queue, job)
    assert row.reason == "no_worker"
    assert "on host, ffmpeg does not run" in row.detail and row.advice == "On host: Install it."
    assert queue.claim("w1") == []
    queue.worker("w2")
    assert reasons(queue, job) == ["claimable"]
    assert [one.job_id for one in queue.claim("w2")] == [job]
    again = queue.add()
    queue.conn.execute("select queue.deregister_worker('w2')")
    queue.conn.execute("select queue.set_worker_trouble('w1', null, null)")
    assert reasons(queue, again) == ["claimable"]
    assert [one.job_id for one in queue.claim("w1")] == [again]


def test_trouble_comes_with_a_remedy(queue):
    queue.worker("w1")
    with pytest.raises(psycopg.Error) as error:
        queue.conn.execute("select queue.set_worker_trouble('w1', 'no ffmpeg', null)")
    assert (error.value.sqlstate, error.value.diag.message_primary) == ("RQ008", "trouble must come with a remedy, not 'no ffmpeg'")


def test_a_job_that_crashes_have_failed_says_that_it_may_be_innocent(queue):
    """All that a worker held are charged when it vanishes."""
    queue.conn.execute("update queue.job_types set max_crashes = 1")
    job = queue.add()
    queue.take()
    queue.value("select queue.mark_worker_dead('w1')")
    queue.rescue()
    (told,) = queue.rows("select * from queue.explain_job(%s)", job)
    assert "Its worker vanished 1 times" in told.detail
    assert "It may be innocent" in told.advice
