"""Leases: heartbeats, rescue, outage grace, budgets of crashes."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

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


def test_a_heartbeat_that_says_nothing_of_progress_changes_none(queue):
    """Null keeps the last value, and what was never told stays unknown."""
    queue.add()
    job = queue.take()
    queue.beat("w1", job, stage="begin")
    assert queue.value("select progress from queue.leases") is None
    queue.beat("w1", job, progress=0.5)
    queue.beat("w1", job, stage="encode")
    assert queue.value("select progress from queue.leases") == 0.5


def test_a_heartbeat_tells_of_cancel_drain_and_loss(queue, clock):
    queue.add(), queue.add()
    kept, lost = queue.take(), queue.take()
    queue.value("select queue.cancel_job(%s, 'not wanted')", kept.job_id)
    queue.conn.execute("update queue.leases set expires_at = 'epoch' where job_id = %s", (lost.job_id,))
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


def test_crashes_have_a_budget_of_their_own(queue, clock):
    job_id = queue.add(max_attempts=1)
    for _ in range(2):
        queue.take()
        queue.conn.execute("update queue.leases set expires_at = 'epoch'")
        assert queue.rescue() == 1
        assert queue.status(job_id) == "queued"
        clock.forward(timedelta(hours=1))
    queue.take()
    queue.conn.execute("update queue.leases set expires_at = 'epoch'")
    queue.rescue()
    job = queue.job(job_id)
    assert (job.status, job.attempts, job.crashes, job.error_code) == ("failed", 0, 3, "worker_lost")


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


def test_a_snooze_of_no_time_lasts_a_second(queue, clock):
    """It costs nothing, so that it would go on for ever, as often as a worker can."""
    now = clock.set("2026-03-01 12:00:00+00")
    job_id = queue.add()
    job = queue.take()
    queue.conn.execute("select queue.snooze_job(%s, %s, '0', 'not yet')", (job.job_id, job.token))
    assert queue.job(job_id).scheduled_for == now + timedelta(seconds=1)
    assert queue.claim() == []
    clock.forward(timedelta(seconds=1))
    assert queue.take().job_id == job_id


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


def test_the_jobs_of_a_worker_marked_dead_come_back_at_once_even_after_an_outage(queue, clock):
    queue.conn.execute("update queue.upkeep set grace = '30 seconds'")
    job_id = queue.add()
    queue.take()
    queue.rescue()
    clock.forward(timedelta(minutes=5))
    assert queue.value("select queue.mark_worker_dead('w1')") == 1
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


@pytest.mark.parametrize("odd", [{"eta_s": 1e300}, {"progress": 1e-300}, {"progress": 7}, {"speed": -1e200}, {"stage": "x" * 5000}])
def test_an_odd_measurement_does_not_cost_the_lease(queue, clock, odd):
    clock.set("2026-03-01 12:00:00+00")
    queue.add()
    job = queue.take()
    now = clock.forward(timedelta(seconds=30))
    assert queue.beat("w1", job, **odd) == {}
    assert queue.value("select expires_at from queue.leases") == now + LEASE


def test_a_batch_is_fenced_even_against_the_same_worker(queue, clock):
    """A worker that lost a job and claimed it again may not settle the old attempt; the new one goes on."""
    job_id = queue.add()
    old = queue.take()
    clock.forward(LEASE + timedelta(seconds=1))
    queue.rescue()
    clock.forward(timedelta(seconds=5))
    new = queue.take()
    report = [{"job_id": str(job_id), "token": old.token, "outcome": "completed"}]
    assert [row.verdict for row in queue.rows("select * from queue.settle_jobs('w1', %s)", Jsonb(report))] == ["lost"]
    assert queue.status(job_id) == "running"
    queue.complete(new)
    stranger = [{"job_id": str(job_id), "token": new.token, "outcome": "completed"}]
    assert [row.verdict for row in queue.rows("select * from queue.settle_jobs('w2', %s)", Jsonb(stranger))] == ["lost"]


def test_a_heartbeat_with_an_old_token_extends_nothing(queue, clock):
    """Also when the same worker has the job again: it may be the beat of the attempt that was lost."""
    queue.add()
    old = queue.take()
    queue.conn.execute("select queue.release_job(%s, %s, 'drain')", (old.job_id, old.token))
    new = queue.take()
    before = queue.value("select expires_at from queue.leases")
    clock.forward(timedelta(seconds=5))
    assert queue.beat("w1", old) == {new.job_id: "lost"}
    assert queue.value("select expires_at from queue.leases") == before


def test_a_draining_worker_that_was_lost_takes_nothing_new(queue):
    queue.add()
    queue.worker()
    queue.conn.execute("select queue.mark_worker_dead('w1')")
    queue.conn.execute("select queue.drain_worker('w1')")
    assert queue.claim() == []


def test_no_lease_ends_at_a_time_that_no_client_can_read(queue):
    """Infinite times: refused by the table, and not made by marking a worker dead."""
    queue.add()
    queue.take()
    for never in ("infinity", "-infinity"):
        with pytest.raises(psycopg.errors.CheckViolation):
            queue.conn.execute("update queue.leases set expires_at = %s", [never])
    queue.conn.execute("select queue.mark_worker_dead('w1')")
    (lease,) = queue.rows("select * from queue.leases")
    (running,) = queue.rows("select * from queue.running_jobs()")
    assert lease.expires_at < queue.value("select base.clock()")
    assert running.job_id == lease.job_id


def test_no_column_of_the_queue_holds_an_infinite_time(queue):
    """Whatever a table of the queue holds, drivers read it."""
    queue.add()
    queue.take()
    queue.conn.execute("select queue.mark_worker_dead('w1')")
    columns = queue.rows(
        "select table_schema || '.' || table_name as place, column_name from information_schema.columns as c "
        "join information_schema.tables as t using (table_schema, table_name) "
        "where table_schema in ('queue', 'media', 'identity', 'ops') and table_type = 'BASE TABLE' and data_type = 'timestamp with time zone'"
    )
    assert len(columns) > 50
    for column in columns:
        count = queue.value(f'select count(*) from {column.place} where not isfinite("{column.column_name}")')
        assert count == 0, column


def test_a_lease_that_a_lock_kept_from_being_extended_is_not_lost(queue, connect, clock):
    """A session held its row until it had run out. The worker went on beating, and has one more beat before the job is taken back."""
    job_id = queue.add()
    job = queue.take()
    lease = queue.value("select lease from queue.leases")
    with connect(autocommit=False) as other:
        other.execute("select queue.cancel_job(%s, 'held')", [job_id])
        for _ in range(4):
            clock.forward(lease / 3)
            assert queue.beat("w1", job) == {}
            assert queue.rescue() == 0
        other.rollback()
    assert queue.value("select expires_at < base.clock() from queue.leases")
    assert queue.rescue() == 0
    assert queue.beat("w1", job) == {}
    assert queue.value("select expires_at - base.clock() from queue.leases") == lease
    queue.conn.execute("select queue.complete_job(%s, %s)", (job.job_id, job.token))
    assert (queue.status(job_id), queue.job(job_id).crashes) == ("completed", 0)


def test_a_lease_that_its_worker_gave_up_gets_one_respite(queue, clock):
    """The worker beats, and not for this job."""
    queue.add()
    queue.take()
    for _ in range(3):
        clock.forward(queue.value("select lease / 2 + interval '1 second' from queue.leases"))
        queue.beat("w1")
    assert queue.rescue() == 0
    clock.forward(timedelta(seconds=9))
    queue.beat("w1")
    assert queue.rescue() == 0
    clock.forward(timedelta(seconds=2))
    queue.beat("w1")
    assert queue.rescue() == 1


LOCKS = {
    "record": "select from queue.processing_jobs where id = %s for no key update",
    "parent of a new job": "select from queue.processing_jobs where id = %s for share",
    "lease": "select from queue.leases where job_id = %s for update",
    "video": "select from media.videos where id = (select j.video_id from queue.processing_jobs as j where j.id = %s) for update",
}


@pytest.mark.parametrize("what", LOCKS)
def test_what_cannot_be_settled_is_named(queue, connect, what):
    """One job of two, and only while it is held."""
    first, second = (queue.value("select queue.ingest_video(%s)", f"file:///{name}.mov") for name in ("a", "b"))
    jobs = {queue.value("select id from queue.processing_jobs where video_id = %s and status = 'queued' order by id limit 1", one) for one in (first, second)}
    taken = [queue.take(), queue.take()]
    ids = [one.job_id for one in taken]
    assert set(ids) == jobs
    named = "select array_agg(l) from queue.locked_jobs(%s::uuid[]) as l"
    with connect(autocommit=False) as other:
        other.execute(LOCKS[what], [ids[0]])
        assert queue.value(named, ids) == [ids[0]]
        other.rollback()
    assert queue.value(named, ids) is None
    assert queue.value(named, [uuid4()]) is None, "a job that is gone"


def test_a_clock_that_was_ahead_leaves_no_lease_for_ever(queue, clock):
    """Beats and leases bear the server's time. When that goes back, who is gone is found all the same, and who is alive writes anew."""
    jobs = [queue.add(), queue.add()]
    now = clock.now()
    clock.set(now + timedelta(days=400))
    queue.worker("gone"), queue.worker("alive")
    (lost,), (kept,) = queue.claim("gone", 1), queue.claim("alive", 1)
    clock.set(now + timedelta(seconds=1))
    queue.beat("alive", kept)
    assert queue.rescue() == 1
    assert {lost.job_id, kept.job_id} == set(jobs)
    assert (queue.status(lost.job_id), queue.status(kept.job_id)) == ("queued", "running")


def test_one_that_cannot_be_taken_back_keeps_neither_others_nor_claims(queue):
    bad, good = queue.add(), queue.add()
    queue.worker()
    assert len(queue.claim("w1", 2)) == 2
    queue.conn.execute("insert into queue.dead_letters (job_id, job_type, failed_at) values (%s, 'no_op', now())", (bad,))
    queue.conn.execute("update queue.processing_jobs set max_crashes = 1 where id = %s", (bad,))
    queue.conn.execute("update queue.leases set expires_at = '2000-01-01'")
    queue.conn.execute("update queue.workers set last_beat_at = '2000-01-01'")
    assert queue.rescue() == 1
    assert (queue.status(bad), queue.status(good)) == ("running", "queued")
    queue.conn.execute("delete from queue.dead_letters where job_id = %s", (bad,))
    assert (queue.rescue(), queue.status(bad)) == (1, "failed")


BELOW = {
    "a child's place": ("select from queue.blocked where job_id = %s for update", "child"),
    "a child's record": ("select from queue.processing_jobs where id = %s for no key update", "child"),
    "a child that another role changes": ("select queue.reprioritise_jobs(9, p_job_ids => array[%s::uuid])", "child"),
    "a willing child's place": ("select from queue.blocked where job_id = %s for update", "willing"),
    "a grandchild's record": ("select from queue.processing_jobs where id = %s for no key update", "grandchild"),
    "a grandchild's place": ("select from queue.blocked where job_id = %s for update", "grandchild"),
    "a child's video": ("select from media.videos where id = (select j.video_id from queue.processing_jobs as j where j.id = %s) for update", "step"),
}
IRRELEVANT = {
    "a willing child's record": ("select from queue.processing_jobs where id = %s for no key update", "willing"),
    "below a willing child": ("select from queue.blocked where job_id = %s for update", "below the willing"),
    "a child that waits no more": ("select from queue.processing_jobs where id = %s for no key update", "freed"),
}


@pytest.mark.parametrize("what", BELOW | IRRELEVANT)
def test_what_cannot_be_settled_because_of_those_that_wait_for_it_is_named(queue, connect, what):
    """What its completion or its failure would have to lock, and no more."""
    first, second, third = (queue.add(priority=1) for _ in range(3))
    below = {"child": queue.add(depends_on=[first]), "willing": queue.add(depends_on=[first], on_parent_failure="run")}
    below["grandchild"] = queue.add(depends_on=[below["child"]])
    below["below the willing"] = queue.add(depends_on=[below["willing"]])
    below["freed"] = queue.add(depends_on=[third])
    queue.value("select queue.ingest_video('/tmp/x.mp4')")
    below["step"] = queue.value("select id from queue.processing_jobs where pipeline_step is not null order by id desc limit 1")
    queue.conn.execute("insert into queue.job_dependencies (parent_id, job_id, on_failure, satisfied) values (%s, %s, 'fail', false)", [first, below["step"]])
    queue.conn.execute("update queue.blocked set pending = pending + 1 where job_id = %s", [below["step"]])
    taken = {one.job_id: one for one in (queue.take(), queue.take(), queue.take())}
    queue.complete(taken[third])
    named = "select array_agg(l order by l) from queue.locked_jobs(%s::uuid[]) as l"
    statement, which = (BELOW | IRRELEVANT)[what]
    with connect(autocommit=False) as other:
        other.execute(statement, [below[which]])
        assert queue.value(named, [first, second]) == ([first] if what in BELOW else None)
        other.rollback()
    assert queue.value(named, [first, second]) is None


def test_a_worker_settles_and_extends_what_is_its_own(queue, clock):
    """The token alone does not do: another worker may know it."""
    queue.add()
    job = queue.take("w1")
    queue.worker("w2")
    before = queue.value("select expires_at from queue.leases")
    clock.forward(timedelta(seconds=5))
    assert queue.beat("w2", job) == {job.job_id: "lost"}
    assert queue.value("select expires_at from queue.leases") == before
    for outcome in ({"outcome": "failed", "error_class": "permanent", "code": "oops"}, {"outcome": "released"}, {"outcome": "snoozed", "retry_after_s": 1}):
        told = queue.rows("select * from queue.settle_jobs('w2', %s)", Jsonb([{"job_id": str(job.job_id), "token": job.token, **outcome}]))
        assert [row.verdict for row in told] == ["lost"]
    assert queue.status(job.job_id) == "running"


def test_only_a_snooze_is_a_time_to_try_again(queue):
    """A job that was handed back waits for nothing."""
    job_id = queue.add()
    job = queue.take()
    queue.conn.execute("select queue.release_job(%s, %s, 'drain')", (job.job_id, job.token))
    assert queue.job(job_id).next_retry_at is None
    job = queue.take()
    queue.conn.execute("select queue.snooze_job(%s, %s, '1 hour', 'later')", (job.job_id, job.token))
    assert queue.job(job_id).next_retry_at == queue.job(job_id).scheduled_for


def test_a_policy_of_the_type_comes_before_one_of_the_code(queue):
    queue.conn.execute(
        "insert into queue.retry_policies (job_type, error_class, code, action) values ('no_op', 'transient', '*', 'fail'), ('*', 'transient', 'oops', 'retry')"
    )
    queue.add()
    assert queue.fail(queue.take()) == "failed"


def test_a_policy_for_all_errors_of_a_type_leaves_the_trouble_of_host_and_store_uncharged(queue, clock):
    """How long a type waits says nothing about whose fault it was: its jobs outlive a night without store, and no input is held for it."""
    queue.conn.execute(
        "insert into queue.retry_policies (job_type, error_class, action, base, cap, jitter) values ('no_op', 'transient', 'retry', '5 seconds', '1 minute', 'none')"
    )
    clock.set(clock.now())
    job_id = queue.add()
    waits = []
    for _ in range(6):
        assert queue.fail(queue.take(), code="store_away") == "queued"
        waits.append((queue.job(job_id).next_retry_at - clock.now()).total_seconds())
        clock.forward(120)
    assert waits == [5, 10, 20, 40, 60, 60], "the type's own, growing with each attempt"
    assert queue.job(job_id).attempts == 0
    assert queue.fail(queue.take(), code="oops") == "queued"
    assert queue.job(job_id).attempts == 1


def test_a_policy_of_type_and_code_may_charge_what_is_nobodys_error(queue):
    queue.conn.execute("insert into queue.retry_policies (job_type, error_class, code, action) values ('no_op', 'transient', 'store_away', 'retry')")
    job_id = queue.add()
    queue.fail(queue.take(), code="store_away")
    assert queue.job(job_id).attempts == 1
