"""What a tenant has waiting and has done: its own, all of it, and cheap whatever others have."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest

from tests.sql.plankit import Explained
from tests.sql.queuekit import Queue
from tests.sql.test_queue_history import archive

CALLS = ("tenant_depth()", "tenant_rates()", "tenant_stats()")


@pytest.fixture
def queue(conn):
    return Queue(conn)


@pytest.fixture
def tenants(queue):
    return [queue.value("select identity.create_tenant(%s, %s)", slug, slug) for slug in ("one", "two")]


def act_for(queue, tenant):
    queue.conn.execute("select set_config('reelq.tenant_id', %s, false)", (str(tenant or ""),))


def done(queue, tenant, outcome="completed"):
    """A job that has ended."""
    queue.add(priority=1, tenant_id=tenant)
    job = queue.take()
    queue.complete(job) if outcome == "completed" else queue.fail(job, "permanent")
    return job.job_id


def depth(queue):
    return [tuple(row) for row in queue.rows("select * from queue.tenant_depth()")]


def test_depth_has_every_place_and_only_its_own(queue, tenants):
    one, two = tenants
    for tenant in (one, two, None):
        queue.add(priority=1, tenant_id=tenant)
        running = queue.take()
        queue.add(tenant_id=tenant, depends_on=[running.job_id])
        queue.add(tenant_id=tenant, scheduled_for=queue.value("select base.clock() + interval '1 day'"))
        done(queue, tenant, "failed")
        done(queue, tenant)
        queue.add(tenant_id=tenant)
    queue.conn.execute("select queue.set_limit('name:small', 1)")
    for _ in range(3):
        queue.add(tenant_id=one, limits=["small"])
    act_for(queue, one)
    assert depth(queue) == [("no_op", 1, 1, 1, 3, 1, 1, [])]  # nobody has claimed since the limit is there: all three are parked
    act_for(queue, two)
    assert depth(queue) == [("no_op", 1, 1, 1, 0, 1, 1, [])]


def test_depth_says_where_it_may_have_more(queue, tenants):
    one, two = tenants
    act_for(queue, one)
    queue.add(priority=5)
    act_for(queue, None)
    running = queue.take()
    act_for(queue, one)
    queue.add(depends_on=[running.job_id])
    queue.conn.execute("insert into queue.processing_jobs (job_type, tenant_id) select 'no_op', %s from generate_series(1, 10000)", (one,))
    # The oldest, which runs, is among the latest no more, and is counted all the same; the one that waits for it is not.
    assert depth(queue) == [("no_op", 10_000, 0, 0, 0, 1, 0, ["ready", "scheduled", "blocked", "parked", "dead"])]
    act_for(queue, two)
    assert depth(queue) == []


def test_rates_are_of_its_own_attempts_within_the_window(queue, tenants, clock):
    one, two = tenants
    done(queue, one)
    clock.forward(timedelta(minutes=6))
    done(queue, one), done(queue, one, "failed"), done(queue, two), done(queue, None)
    act_for(queue, one)
    (rate,) = queue.rows("select * from queue.tenant_rates()")
    assert (rate.job_type, rate.completed, rate.failed, rate.per_minute, rate.at_least) == ("no_op", 1, 1, 0.2, [])
    (rate,) = queue.rows("select * from queue.tenant_rates('10 minutes')")
    assert rate.completed == 2


def test_rates_that_could_not_look_at_all_say_so(queue, tenants):
    done(queue, tenants[0])
    queue.conn.execute(
        "insert into queue.job_attempts (job_id, attempt, job_type, worker_id, started_at, ended_at, outcome)"
        " select base.uuid_v7(), 1, 'no_op', 'w1', base.clock(), base.clock(), 'completed' from generate_series(1, 10000)"
    )
    act_for(queue, tenants[0])
    assert [row.at_least for row in queue.rows("select * from queue.tenant_rates()")] in ([["completed", "failed"]], [])


def test_figures_by_the_hour_also_of_what_is_archived(queue, tenants, clock):
    one, two = tenants
    clock.set("2027-05-08 11:50+00")
    done(queue, one)
    clock.set("2027-05-10 11:50+00")
    old = done(queue, one)
    done(queue, two)
    clock.set("2027-05-11 12:10+00")
    assert archive(queue) == 3
    done(queue, one), done(queue, one), done(queue, one, "failed"), done(queue, None)
    assert queue.value("select count(*) from queue.job_history where id = %s", old) == 1
    act_for(queue, one)
    told = queue.rows("select hour at time zone 'UTC' as hour, outcome, jobs, at_least from queue.tenant_stats('2 days')")
    assert [(str(row.hour), row.outcome, row.jobs, row.at_least) for row in told] == [
        ("2027-05-11 12:00:00", "completed", 2, False), ("2027-05-11 12:00:00", "failed", 1, False), ("2027-05-10 11:00:00", "completed", 1, False),
    ]  # fmt: skip
    assert [row.jobs for row in queue.rows("select * from queue.tenant_stats('1 hour')")] == [2, 1]


def test_a_job_that_was_enqueued_long_ago_counts_in_the_hour_of_its_attempts(queue, tenants, clock):
    clock.set("2027-05-10 10:10+00")
    queue.add(tenant_id=tenants[0])
    first = queue.take()
    queue.fail(first, "transient")
    clock.set("2027-05-12 10:10+00")
    queue.complete(queue.take())
    act_for(queue, tenants[0])
    assert [(row.outcome, row.jobs) for row in queue.rows("select * from queue.tenant_stats('1 hour')")] == [("completed", 1)]
    assert {(row.outcome, row.jobs) for row in queue.rows("select * from queue.tenant_stats('3 days')")} == {("completed", 1), ("retried", 1)}


@pytest.mark.parametrize("call", CALLS)
def test_somebody_must_be_named(queue, tenants, call):
    for role in (None, "reelq_worker", "reelq_app", "reelq_readonly"):
        queue.conn.execute(f"set role {role or 'none'}")
        with pytest.raises(psycopg.Error) as error:
            queue.conn.execute(f"select * from queue.{call}")
        assert (error.value.sqlstate, bool(error.value.diag.message_hint)) == ("RQ004", True)


@pytest.mark.parametrize("role", ["reelq_worker", "reelq_app", "reelq_readonly"])
def test_every_role_is_told_the_same(queue, tenants, role):
    done(queue, tenants[0]), done(queue, tenants[1], "failed")
    queue.add(tenant_id=tenants[0])
    act_for(queue, tenants[0])
    mine = [queue.rows(f"select * from queue.{call}") for call in CALLS]
    queue.conn.execute(f"set role {role}")
    assert [queue.rows(f"select * from queue.{call}") for call in CALLS] == mine
    assert all(mine)


@pytest.mark.parametrize("span", ["0", "-1 hour", "3 years", None])
@pytest.mark.parametrize("name", ["tenant_rates", "tenant_stats"])
def test_a_span_that_makes_no_sense_is_refused(queue, tenants, name, span):
    act_for(queue, tenants[0])
    with pytest.raises(psycopg.Error) as error:
        queue.conn.execute(f"select * from queue.{name}(%s::interval)".encode(), (span,))
    assert error.value.sqlstate == "RQ008"


@pytest.mark.parametrize("call", CALLS)
def test_what_others_have_is_not_read(queue, tenants, call):
    """Ten thousand jobs of another tenant, half of them scheduled; the planner knows nothing of them."""
    one, two = tenants
    queue.conn.execute("insert into queue.processing_jobs (job_type, tenant_id) select 'no_op', %s from generate_series(1, 5000)", (two,))
    queue.conn.execute(
        "insert into queue.processing_jobs (job_type, tenant_id, scheduled_for) select 'no_op', %s, base.clock() + interval '1 day' from generate_series(1, 5000)", (two,)
    )
    done(queue, one), done(queue, one, "failed")
    queue.add(tenant_id=one)
    act_for(queue, one)
    explained = Explained(queue.conn)
    for _ in range(2):  # the first call reads the catalogue
        told = explained.call(f"select * from queue.{call}")
    big = [touch for touch in told.touches if touch.table in ("processing_jobs", "ready", "scheduled", "blocked", "parked", "job_attempts", "attempt_history", "job_history")]
    assert [str(touch) for touch in big if touch.rows > 20 or touch.node == "Seq Scan"] == []
    assert told.buffers < 400
