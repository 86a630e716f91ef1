"""The state machine: settlements, retries, cancels, and writes by hand."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest
from psycopg.types.json import Jsonb

from reelq.worker.runtime.listener import mark as listener_mark
from tests.patience import QUICK_S
from tests.sql.queuekit import Queue

LEASE = timedelta(seconds=60)  # of no_op, from sql/data


@pytest.fixture
def queue(conn):
    return Queue(conn)


def code(error) -> str:
    assert error.value.diag.message_hint, "a refusal says what to do"
    return error.value.sqlstate


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


def test_errors_are_retried_until_the_budget_is_used_up(queue, clock):
    job_id = queue.add(max_attempts=3)
    for left in ("queued", "queued", "failed"):
        assert queue.fail(queue.take()) == left
        clock.forward(timedelta(hours=1))
    job = queue.job(job_id)
    assert (job.attempts, job.token, job.error_code) == (3, 3, "oops")
    assert queue.outcomes(job_id) == ["retried", "retried", "failed"]


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
    assert [note.payload for note in listener.notifies(timeout=QUICK_S, stop_after=1)] == [listener_mark("w1")]
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
        queue.conn.execute("set local search_path = pg_catalog, pg_temp")  # as our functions do
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
    rows = queue.rows("select * from queue.settle_and_claim('w1', 1, %s)", Jsonb(report))
    assert [(row.verdict, row.job_id, row.token) for row in rows if row.verdict == "lost"] == [("lost", stale.job_id, 1)]
    assert {row.job_id for row in rows if row.verdict == "claimed"} <= {more, released.job_id}
    assert [queue.status(job.job_id) for job in (done, failed, snoozed, stale)] == ["completed", "failed", "queued", "failed"]
    assert queue.job(done.job_id).result_data == {"n": 1}


def test_a_large_result_is_refused(queue):
    queue.add()
    job = queue.take()
    with pytest.raises(psycopg.Error) as error:
        queue.complete(job, {"noise": [str(n) * 3 for n in range(40_000)]})
    assert code(error) == "RQ008"
    queue.complete(job)


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


def test_a_cancelled_job_keeps_the_reason_that_was_given(queue):
    job_id = queue.add()
    job = queue.take()
    queue.value("select queue.cancel_job(%s, 'the tenant left')", job_id)
    queue.fail(job, "transient", "oops")
    assert queue.job(job_id).error_message == "the tenant left"


def test_trouble_that_lasts_is_charged_late(queue, clock):
    """For hours a source that is away costs nothing; then the budget counts, and a retry by hand begins anew."""
    queue.conn.execute("update queue.retry_policies set jitter = 'none'")
    job_id = queue.add(max_attempts=2)
    began = clock.now()
    while clock.now() - began <= timedelta(hours=6):
        assert queue.fail(queue.take(), "transient", "source_away") == "queued"
        assert queue.job(job_id).attempts == 0
        clock.forward(timedelta(minutes=15))
        queue.value("select queue.promote_due()")
    assert queue.fail(queue.take(), "transient", "source_away") == "queued"
    assert queue.job(job_id).attempts == 1
    clock.forward(timedelta(minutes=15))
    assert queue.fail(queue.take(), "transient", "source_away") == "failed"
    queue.value("select queue.retry_job(%s)", job_id)
    assert queue.fail(queue.take(), "transient", "source_away") == "queued"
    assert queue.job(job_id).attempts == 0


def test_other_trouble_begins_a_series_of_its_own(queue, clock):
    """What is charged late is charged for one lasting trouble, not for two that follow each other."""
    job_id = queue.add(max_attempts=2)
    for code in ("source_away", "store_away", "source_away"):
        assert queue.fail(queue.take(), "transient", code) == "queued"
        clock.forward(timedelta(hours=4))
    assert queue.fail(queue.take(), "transient", "source_away") == "queued"
    assert queue.job(job_id).attempts == 0, "four hours of the second series"
