"""The state machine: claims, settlements, retries, cancels, and writes by hand."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.sql.queuekit import Queue

LEASE = timedelta(seconds=60)  # of no_op, from sql/data


@pytest.fixture
def queue(conn):
    return Queue(conn)


def code(error) -> str:
    assert error.value.diag.message_hint, "a refusal says what to do"
    return error.value.sqlstate


def test_a_claim_leases_the_job_and_says_all_that_the_worker_needs(queue, clock):
    now = clock.set("2026-03-01 12:00:00+00")
    job = queue.add(job_data={"a": 1})
    taken = queue.take()
    assert (taken.verdict, taken.job_id, taken.token, taken.job_data) == ("claimed", job, 1, {"a": 1})
    (lease,) = queue.rows("select * from queue.leases")
    assert (lease.worker_id, lease.token, lease.expires_at) == ("w1", 1, now + LEASE)
    assert queue.status(job) == "running"


def test_priority_decides_then_the_order_of_becoming_ready(queue):
    late, first, second = queue.add(priority=9), queue.add(priority=1), queue.add(priority=1)
    queue.worker()
    assert [queue.claim()[0].job_id for _ in range(3)] == [first, second, late]


def test_types_of_equal_priority_are_served_in_turn(queue):
    video = queue.value("select media.create_video('/a.mp4')")
    jobs = [queue.add(kind, video_id=video, priority=5) for kind in ("no_op", "extract_metadata") * 3]
    queue.worker()
    assert [queue.claim()[0].job_id for _ in jobs] == jobs


def test_a_batch_takes_from_every_lane(queue):
    jobs = {queue.add(kind, priority=5) for kind in ("no_op", "video_transcode") * 3}
    queue.worker()
    assert {job.job_id for job in queue.claim(limit=10)} == jobs


def test_an_old_job_of_low_priority_gets_its_turn(queue, clock):
    clock.set("2026-03-01 12:00:00+00")
    old = queue.add(priority=10)
    clock.forward(timedelta(hours=6))
    queue.add(priority=5)
    assert queue.take().job_id == old


def test_a_worker_takes_only_its_types_and_what_it_is_capable_of(queue):
    queue.conn.execute("update queue.job_types set needs = '{av1}' where job_type = 'video_transcode'")
    plain, needy = queue.add(), queue.add("video_transcode")
    queue.worker("probes", types=["extract_metadata"])
    queue.worker("plain")
    queue.worker("able", types=["video_transcode"], capabilities=["gpu", "av1"])
    assert queue.claim("probes", 5) == []
    assert [job.job_id for job in queue.claim("plain", 5)] == [plain]
    assert [job.job_id for job in queue.claim("able", 5)] == [needy]


def test_weight_counts_against_the_slots_asked_for(queue):
    queue.conn.execute("update queue.job_types set weight = 3 where job_type = 'video_transcode'")
    for _ in range(3):
        queue.add("video_transcode")
    queue.worker()
    assert queue.claim(limit=2) == []
    assert len(queue.claim(limit=7)) == 2


def test_lower_bounds_skip_what_was_taken_and_a_full_look_finds_what_came_back(queue):
    queue.add()
    job = queue.take()
    bounds = [job.lane], [job.fair_key], [job.seq]
    later = queue.add()
    queue.conn.execute("select queue.release_job(%s, %s, 'drain')", (job.job_id, job.token))
    assert [taken.job_id for taken in queue.claim("w1", 1, *bounds)] == [later]
    assert [taken.job_id for taken in queue.claim("w1", 1)] == [job.job_id]


def test_completion_needs_the_token(queue):
    queue.add()
    job = queue.take()
    for stale in (job._replace(token=0), job._replace(token=2)):
        with pytest.raises(psycopg.Error) as error:
            queue.complete(stale)
        assert code(error) == "RQ001"
    queue.complete(job, {"made": 1})
    done = queue.job(job.job_id)
    assert (done.status, done.result_data, queue.outcomes(job.job_id)) == ("completed", {"made": 1}, ["completed"])
    with pytest.raises(psycopg.Error) as error:
        queue.complete(job)
    assert code(error) == "RQ001"


def test_stale_worker_cannot_complete_a_reclaimed_job(queue, clock):
    """A worker that slept past its lease is refused; its successor's result stands."""
    queue.add()
    sleeper = queue.take("sleeper")
    clock.forward(LEASE + timedelta(seconds=1))
    assert queue.rescue() == 1
    clock.forward(timedelta(seconds=5))
    successor = queue.take("successor")
    with pytest.raises(psycopg.Error) as error:
        queue.complete(sleeper, {"from": "sleeper"})
    assert code(error) == "RQ001"
    queue.complete(successor, {"from": "successor"})
    assert queue.job(successor.job_id).result_data == {"from": "successor"}
    assert queue.outcomes(successor.job_id) == ["lost", "completed"]


def test_a_lease_lasts_what_was_asked_and_not_a_millisecond_less(queue, clock):
    clock.set("2026-03-01 12:00:00+00")
    queue.add()
    queue.take()
    clock.forward(LEASE)
    assert queue.rescue() == 0
    clock.forward(timedelta(milliseconds=1))
    assert queue.rescue() == 1


def test_a_heartbeat_extends_by_the_lease_and_stores_progress(queue, clock):
    clock.set("2026-03-01 12:00:00+00")
    queue.add()
    job = queue.take()
    now = clock.forward(timedelta(seconds=50))
    assert queue.beat("w1", job, progress=0.25, stage="encode", speed=2.5, eta_s=9) == {}
    (lease,) = queue.rows("select * from queue.leases")
    assert (lease.expires_at, lease.progress, lease.stage, lease.speed, lease.eta_s) == (now + LEASE, 0.25, "encode", 2.5, 9)


def test_a_heartbeat_tells_of_cancel_drain_and_loss(queue, clock):
    queue.add(), queue.add()
    kept, lost = queue.take(), queue.take()
    queue.value("select queue.cancel_job(%s, 'not wanted')", kept.job_id)
    queue.conn.execute("update queue.leases set expires_at = '-infinity' where job_id = %s", (lost.job_id,))
    queue.rescue()
    queue.conn.execute("select queue.drain_worker('w1')")
    assert queue.beat("w1", kept, lost) == {kept.job_id: "cancel", lost.job_id: "lost", None: "drain"}
    assert queue.claim("w1", 5) == []


def test_heartbeats_do_not_touch_the_wide_row(queue):
    queue.add()
    job = queue.take()
    before = queue.value("select ctid::text || xmin from queue.processing_jobs")
    for _ in range(3):
        queue.beat("w1", job, progress=0.5)
    assert queue.value("select ctid::text || xmin from queue.processing_jobs") == before


def test_errors_are_retried_until_the_budget_is_used_up(queue, clock):
    job_id = queue.add(max_attempts=3)
    for left in ("queued", "queued", "failed"):
        assert queue.fail(queue.take()) == left
        clock.forward(timedelta(hours=1))
    job = queue.job(job_id)
    assert (job.attempts, job.token, job.error_code) == (3, 3, "oops")
    assert queue.outcomes(job_id) == ["retried", "retried", "failed"]


def test_crashes_have_a_budget_of_their_own(queue, clock):
    job_id = queue.add(max_attempts=1)
    for _ in range(2):
        queue.take()
        queue.conn.execute("update queue.leases set expires_at = '-infinity'")
        assert queue.rescue() == 1
        assert queue.status(job_id) == "queued"
        clock.forward(timedelta(hours=1))
    queue.take()
    queue.conn.execute("update queue.leases set expires_at = '-infinity'")
    queue.rescue()
    job = queue.job(job_id)
    assert (job.status, job.attempts, job.crashes, job.error_code) == ("failed", 0, 3, "worker_lost")


def test_a_permanent_error_fails_at_once(queue):
    job_id = queue.add(max_attempts=5)
    assert queue.fail(queue.take(), "permanent", "unreadable_media") == "failed"
    assert [row.job_id for row in queue.rows("select job_id from queue.dead_letters")] == [job_id]


def test_rate_limits_wait_as_told_and_cost_nothing(queue, clock):
    now = clock.set("2026-03-01 12:00:00+00")
    job_id = queue.add()
    queue.fail(queue.take(), "rate_limited", "quota", retry_after_s=120)
    job = queue.job(job_id)
    assert (job.attempts, job.scheduled_for, job.next_retry_at) == (0, now + timedelta(seconds=120), now + timedelta(seconds=120))


def test_back_off_grows_to_its_cap_with_full_jitter(queue):
    waits = [
        [row.s for row in queue.rows(
            "select extract(epoch from queue.retry_wait(p, %s))::float as s from queue.retry_policies as p, generate_series(1, 200)"
            " where p.job_type = '*' and p.error_class = 'transient' and p.code = '*'", attempt)]
        for attempt in (1, 2, 3, 50)
    ]
    for longest, seen in zip((10, 30, 90, 900), waits, strict=True):
        assert 0 <= min(seen) < longest * 0.2 and longest * 0.8 < max(seen) <= longest


def test_a_policy_of_the_type_wins(queue, clock):
    now = clock.set("2026-03-01 12:00:00+00")
    queue.conn.execute(
        "insert into queue.retry_policies (job_type, error_class, action, base, factor, cap, jitter)"
        " values ('no_op', 'permanent', 'retry', '7 seconds', 1, '7 seconds', 'none')"
    )
    job_id = queue.add()
    assert queue.fail(queue.take(), "permanent") == "queued"
    assert queue.job(job_id).next_retry_at == now + timedelta(seconds=7)


def test_a_store_that_is_away_uses_up_no_attempt_however_long(queue, clock):
    """Its trouble is not the job's: the wait grows to its cap, the budget stays."""
    job_id = queue.add(max_attempts=1)
    waits = []
    for _ in range(12):
        now = clock.now()
        assert queue.fail(queue.take(), "transient", "store_away") == "queued"
        waits.append((queue.job(job_id).next_retry_at - now).total_seconds())
        clock.forward(timedelta(minutes=5))
    assert max(waits[:1]) <= 11 and 60 < max(waits[6:]) <= 301
    assert queue.job(job_id).attempts == 0
    queue.complete(queue.take())


def test_snooze_and_release_charge_nothing(queue, clock):
    now = clock.set("2026-03-01 12:00:00+00")
    job_id = queue.add()
    job = queue.take()
    queue.conn.execute("select queue.snooze_job(%s, %s, '10 minutes', 'not yet')", (job.job_id, job.token))
    assert (queue.place(job_id), queue.job(job_id).scheduled_for) == ("backing off", now + timedelta(minutes=10))
    clock.forward(timedelta(minutes=10))
    job = queue.take()
    queue.conn.execute("select queue.release_job(%s, %s, 'drain')", (job.job_id, job.token))
    assert queue.place(job_id) == "ready"
    assert (queue.job(job_id).attempts, queue.job(job_id).crashes) == (0, 0)
    assert queue.outcomes(job_id) == ["snoozed", "released"]


def test_cancelling_a_queued_job_is_done_at_once(queue):
    later = queue.value("select base.clock() + interval '1 day'")
    for job in (queue.add(), queue.add(scheduled_for=later), queue.add(depends_on=[queue.add()])):
        assert queue.value("select queue.cancel_job(%s)", job) == "cancelled"
        assert queue.status(job) == "cancelled"


def test_cancelling_a_running_job_tells_its_worker(queue, connect):
    listener = connect()
    listener.execute("listen reelq_worker")
    job_id = queue.add()
    job = queue.take()
    assert queue.value("select queue.cancel_job(%s, 'no longer needed')", job_id) == "cancelling"
    assert [note.payload for note in listener.notifies(timeout=2, stop_after=1)] == ["w1"]
    assert queue.fail(job, "cancelled", "cancelled") == "cancelled"
    assert queue.outcomes(job_id) == ["cancelled"]


def test_a_cancelled_job_is_not_retried_whatever_its_end(queue):
    for end in ("select queue.fail_job(%s, %s, 'transient', 'oops', '')", "select queue.release_job(%s, %s, 'drain')"):
        job_id = queue.add()
        job = queue.take()
        queue.value("select queue.cancel_job(%s)", job_id)
        queue.conn.execute(end, (job.job_id, job.token))
        assert queue.status(job_id) == "cancelled"


def test_a_job_that_is_over_cannot_be_cancelled(queue):
    job_id = queue.add()
    queue.complete(queue.take())
    with pytest.raises(psycopg.Error) as error:
        queue.value("select queue.cancel_job(%s)", job_id)
    assert code(error) == "RQ009"


def test_retry_by_hand_gives_fresh_budgets_and_keeps_the_history(queue):
    job_id = queue.add(max_attempts=1)
    queue.fail(queue.take())
    assert queue.value("select queue.retry_job(%s)", job_id) == "queued"
    job = queue.take()
    assert (job.token, job.attempts) == (2, 0)
    queue.complete(job)
    assert queue.outcomes(job_id) == ["failed", "completed"]
    with pytest.raises(psycopg.Error) as error:
        queue.value("select queue.retry_job(%s)", job_id)
    assert code(error) == "RQ009"


@pytest.mark.parametrize(
    "change", ["status = 'completed'", "status = 'running'", "priority = 1", "scheduled_for = now()", "token = 9", "job_type = 'x'"]
)
def test_a_change_by_hand_is_refused(queue, change):
    job_id = queue.add()
    with pytest.raises(psycopg.Error) as error:
        queue.conn.execute(f"update queue.processing_jobs set {change} where id = %s", (job_id,))
    assert code(error) == "RQ007"


@pytest.mark.parametrize(
    ("start", "wrong"),
    [("queued", "completed"), ("queued", "failed"), ("running", "running"), ("completed", "queued"), ("completed", "running"),
     ("failed", "running"), ("cancelled", "completed"), ("failed", "completed")],
)  # fmt: skip
def test_no_transition_skips_the_machine_even_for_the_functions(queue, start, wrong):
    job_id = queue.add(max_attempts=1)
    if start == "cancelled":
        queue.value("select queue.cancel_job(%s)", job_id)
    elif start != "queued":
        job = queue.take()
        if start == "completed":
            queue.complete(job)
        elif start == "failed":
            queue.fail(job)
    with pytest.raises(psycopg.Error) as error, queue.transaction():
        queue.conn.execute("set local search_path = ''")  # as our functions do
        queue.conn.execute(
            "update queue.processing_jobs set status = %s, token = token + (%s = 'running')::int where id = %s"
            if start != "running" else "update queue.processing_jobs set status = %s, token = token + 1 where %s <> '' and id = %s",
            (wrong, wrong, job_id),
        )
    assert error.value.sqlstate == "RQ007"


def test_a_batch_settles_each_on_its_own_and_tells_who_came_too_late(queue):
    ids = [queue.add() for _ in range(5)]
    queue.worker()
    done, failed, snoozed, released, stale = sorted(queue.claim(limit=5), key=lambda job: ids.index(job.job_id))
    queue.value("select queue.fail_job(%s, %s, 'permanent', 'gone', '')", stale.job_id, stale.token)
    report = [
        {"job_id": str(done.job_id), "token": 1, "outcome": "completed", "result": {"n": 1}, "cpu_seconds": 2.5},
        {"job_id": str(failed.job_id), "token": 1, "outcome": "failed", "error_class": "permanent", "code": "bad", "message": "Bad."},
        {"job_id": str(snoozed.job_id), "token": 1, "outcome": "snoozed", "retry_after_s": 60},
        {"job_id": str(released.job_id), "token": 1, "outcome": "released"},
        {"job_id": str(stale.job_id), "token": 1, "outcome": "completed"},
    ]
    more = queue.add()
    rows = queue.rows("select * from queue.work('w1', 1, %s)", Jsonb(report))
    assert [(row.verdict, row.job_id, row.token) for row in rows if row.verdict == "stale"] == [("stale", stale.job_id, 1)]
    assert {row.job_id for row in rows if row.verdict == "claimed"} <= {more, released.job_id}
    assert [queue.status(job.job_id) for job in (done, failed, snoozed, stale)] == ["completed", "failed", "queued", "failed"]
    assert queue.job(done.job_id).result_data == {"n": 1}


@pytest.mark.parametrize(
    "call",
    [
        "select * from queue.claim_jobs('w1', -1)",
        "select queue.settle_jobs('w1', '{}')",
        "select queue.heartbeat('w1', '{}')",
        "select queue.rescue_expired(0)",
        "select queue.promote_due(0)",
        "select queue.rates('0')",
        "select queue.list_jobs('no such')",
        "select queue.list_jobs(p_limit => 0)",
        "select queue.register_worker('w2', 'h', 1, '', 'p', 0)",
        "select queue.register_worker('w2', 'h', 1, '', 'p', 1, '{}')",
        "select queue.register_worker('', 'h', 1, '', 'p', 1)",
    ],
)
def test_functions_refuse_nonsense(queue, call):
    queue.worker()
    with pytest.raises(psycopg.Error) as error:
        queue.conn.execute(call)
    assert code(error) == "RQ008"


def test_who_is_not_registered_cannot_claim_or_beat(queue):
    queue.worker("gone")
    queue.conn.execute("select queue.stop_worker('gone')")
    for name in ("stranger", "gone"):
        for call in ("select queue.claim_jobs(%s, 1)", "select queue.heartbeat(%s)"):
            with pytest.raises(psycopg.Error) as error:
                queue.conn.execute(call, (name,))
            assert code(error) == "RQ010"


def test_a_large_result_is_refused(queue):
    queue.add()
    job = queue.take()
    with pytest.raises(psycopg.Error) as error:
        queue.complete(job, {"noise": [str(n) * 3 for n in range(40_000)]})
    assert code(error) == "RQ008"
    queue.complete(job)


def test_after_an_outage_healthy_workers_get_time_to_report(queue, clock):
    """Nobody could beat for five minutes; when the database is back, nothing is taken from anybody at first."""
    queue.conn.execute("update queue.upkeep set grace = '30 seconds'")
    queue.add()
    job = queue.take()
    queue.rescue()
    clock.forward(timedelta(minutes=5))
    assert queue.rescue() == 0
    assert queue.beat("w1", job) == {}
    clock.forward(timedelta(seconds=20))
    queue.rescue()
    clock.forward(timedelta(seconds=20))
    queue.rescue()
    clock.forward(timedelta(seconds=21))
    assert queue.rescue() == 1


def test_a_buried_worker_s_jobs_come_back_at_once_even_after_an_outage(queue, clock):
    queue.conn.execute("update queue.upkeep set grace = '30 seconds'")
    job_id = queue.add()
    queue.take()
    queue.rescue()
    clock.forward(timedelta(minutes=5))
    assert queue.value("select queue.bury_worker('w1')") == 1
    assert queue.rescue() == 1
    assert queue.status(job_id) == "queued"


def test_a_worker_unheard_of_is_lost_until_it_beats_again(queue, clock):
    queue.worker()
    clock.forward(timedelta(seconds=61))
    queue.rescue()
    assert queue.value("select status from queue.workers") == "lost"
    queue.beat("w1")
    assert queue.value("select status from queue.workers") == "active"


def test_a_rescue_that_comes_once_a_minute_still_takes_back(queue, clock):
    """Cron as the only caller: every look comes after a gap, but a dead worker is forgiven only once."""
    queue.conn.execute("update queue.upkeep set grace = '30 seconds'")
    queue.add()
    queue.take()
    rescued = []
    for _ in range(4):
        clock.forward(timedelta(seconds=61))
        rescued.append(queue.rescue())
    assert sum(rescued) == 1


def test_a_retried_parent_does_not_hurry_a_child_that_is_for_later(queue):
    parent = queue.add()
    child = queue.add(depends_on=[parent], scheduled_for=queue.value("select base.clock() + interval '7 days'"))
    queue.fail(queue.take(), "permanent")
    queue.value("select queue.retry_job(%s)", parent)
    queue.complete(queue.take())
    assert queue.place(child) == "scheduled"


def test_rate_limits_that_go_on_are_waited_for_ever_longer(queue, clock):
    queue.conn.execute("update queue.retry_policies set jitter = 'none' where error_class = 'rate_limited'")
    queue.add()
    waits = []
    for _ in range(8):
        now = clock.now()
        job = queue.take()
        queue.fail(job, "rate_limited", "quota")
        waits.append((queue.job(job.job_id).next_retry_at - now).total_seconds())
        clock.forward(timedelta(hours=1))
    assert waits[:3] == pytest.approx([60, 120, 240], abs=1) and waits[-1] == pytest.approx(3600, abs=1)


@pytest.mark.parametrize("odd", [{"eta_s": 1e300}, {"progress": 1e-300}, {"progress": 7}, {"speed": -1e200}, {"stage": "x" * 5000}])
def test_an_odd_measurement_does_not_cost_the_lease(queue, clock, odd):
    clock.set("2026-03-01 12:00:00+00")
    queue.add()
    job = queue.take()
    now = clock.forward(timedelta(seconds=30))
    assert queue.beat("w1", job, **odd) == {}
    assert queue.value("select expires_at from queue.leases") == now + LEASE


def test_a_cancelled_job_keeps_the_reason_that_was_given(queue):
    job_id = queue.add()
    job = queue.take()
    queue.value("select queue.cancel_job(%s, 'the tenant left')", job_id)
    queue.fail(job, "transient", "oops")
    assert queue.job(job_id).error_message == "the tenant left"


def test_a_job_type_stays_while_there_are_jobs_of_it(queue):
    queue.add(scheduled_for=queue.value("select base.clock() + interval '1 hour'"))
    with pytest.raises(psycopg.Error) as error:
        queue.conn.execute("delete from queue.job_types where job_type = 'no_op'")
    assert code(error) == "RQ009"
