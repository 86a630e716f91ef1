"""What people see of the queue, and what a tenant does not."""

from __future__ import annotations

import psycopg
import pytest

from tests.sql.plankit import Explained
from tests.sql.queuekit import Queue


@pytest.fixture
def queue(conn):
    return Queue(conn)


@pytest.fixture
def tenants(queue):
    """Two tenants, each with a job of its own, and a job of the platform."""
    ids = [queue.value("select identity.create_tenant(%s, %s)", slug, slug) for slug in ("one", "two")]
    jobs = [queue.add(tenant_id=tenant) for tenant in ids]
    queue.add()
    return dict(zip(ids, jobs, strict=True))


def test_lists_are_newest_first_and_filtered(queue):
    first, second = queue.add(), queue.add("extract_metadata")
    failed = queue.add(priority=1)
    queue.fail(queue.take(), "permanent")
    running = queue.take("w2")
    listed = lambda *args: [row.id for row in queue.rows("select * from queue.list_jobs(%s, %s, %s, %s)", *args)]  # noqa: E731
    assert listed(None, None, None, 10) == [failed, second, first]
    assert listed(None, None, None, 1) == [failed]
    assert listed("failed", None, None, 10) == [failed]
    assert listed("running", None, None, 10) == [running.job_id]
    assert listed("queued", "no_op", None, 10) == [job for job in (first,) if job != running.job_id]
    assert listed("completed", None, None, 10) == []


def test_a_job_is_shown_with_all_that_is_known_of_it(queue):
    parent = queue.add()
    child = queue.add(depends_on=[parent])
    job = queue.take()
    queue.beat("w1", job, progress=0.5)
    shown = queue.value("select queue.show_job(%s)", parent)
    assert (shown["place"], shown["lease"]["progress"], shown["children"][0]["id"]) == ("running", 0.5, str(child))
    queue.fail(job, "transient", stack="Traceback", cpu_seconds=1.5)
    (attempt,) = queue.value("select queue.show_job(%s)", parent)["attempts_history"]
    assert (attempt["outcome"], attempt["stack"], attempt["cpu_seconds"]) == ("retried", "Traceback", 1.5)


def test_a_parked_job_says_behind_which_gate(queue):
    queue.conn.execute("select queue.set_limit('type:no_op', 1)")
    first, second = queue.add(), queue.add()
    queue.take()
    gates = {row.id: row.gate for row in queue.rows("select * from queue.list_jobs()")}
    assert gates == {first: None, second: "type:no_op"}
    assert [queue.value("select queue.show_job(%s) ->> 'gate'", one) for one in (first, second)] == [None, "type:no_op"]


def test_depth_counts_every_place(queue):
    for _ in range(3):
        queue.add()
    running = queue.take()
    queue.add(depends_on=[running.job_id])
    queue.add(scheduled_for=queue.value("select base.clock() + interval '1 day'"))
    queue.add(priority=1)
    queue.fail(queue.take(), "permanent")
    assert [tuple(row) for row in queue.rows("select * from queue.depth()")] == [("no_op", 2, 1, 1, 0, 1, 1, [])]


def test_depth_stops_counting_at_ten_thousand(queue):
    queue.conn.execute("insert into queue.processing_jobs (job_type) select 'no_op' from generate_series(1, 10050)")
    assert [tuple(row) for row in queue.rows("select ready, at_least from queue.depth()")] == [(10_000, ["ready"])]


def test_rates_and_failures_of_the_last_minutes(queue):
    queue.add(), queue.add()
    queue.complete(queue.take())
    failed = queue.take()
    queue.fail(failed, "permanent", "bad_input")
    (rate,) = queue.rows("select * from queue.rates('1 minute')")
    assert (rate.job_type, rate.completed, rate.failed, rate.per_minute) == ("no_op", 1, 1, 1.0)
    (failure,) = queue.rows("select * from queue.recent_failures()")
    assert (failure.job_id, failure.error_code, failure.worker_id) == (failed.job_id, "bad_input", "w1")


def test_workers_are_listed_with_what_they_hold(queue):
    queue.add()
    queue.take("busy"), queue.worker("idle"), queue.worker("gone")
    queue.conn.execute("select queue.deregister_worker('gone')")
    assert {(row.worker_id, row.busy) for row in queue.rows("select * from queue.list_workers()")} == {("busy", 1), ("idle", 0)}
    assert len(queue.rows("select * from queue.list_workers(true)")) == 3


@pytest.mark.parametrize("role", ["reelq_app", "reelq_readonly"])
def test_a_tenant_sees_its_own_jobs_and_no_others(queue, tenants, role):
    for tenant, job in tenants.items():
        queue.conn.execute(f"set role {role}")
        queue.conn.execute("select set_config('reelq.tenant_id', %s, false)", (str(tenant),))
        assert [row.id for row in queue.rows("select * from queue.list_jobs()")] == [job]
        assert [row.id for row in queue.rows("select id from queue.processing_jobs")] == [job]
        queue.conn.execute("reset role")


@pytest.mark.parametrize("call", ["select * from queue.list_jobs()", "select queue.enqueue_job('no_op')"])
def test_without_a_tenant_an_application_sees_and_does_nothing(queue, tenants, call):
    queue.conn.execute("set role reelq_app")
    with pytest.raises(psycopg.Error) as error:
        queue.conn.execute(call)
    assert error.value.sqlstate == "RQ004"
    assert queue.rows("select id from queue.processing_jobs") == []


def test_a_tenant_cannot_touch_another_s_jobs(queue, tenants):
    (mine, _), (_, theirs) = tenants.items()
    queue.conn.execute("set role reelq_app")
    queue.conn.execute("select set_config('reelq.tenant_id', %s, false)", (str(mine),))
    other = next(tenant for tenant in tenants if tenant != mine)
    for call, args in (
        ("select queue.cancel_job(%s)", (theirs,)),
        ("select queue.show_job(%s)", (theirs,)),
        ("select queue.retry_job(%s)", (theirs,)),
        ("select queue.enqueue_job('no_op', tenant_id => %s)", (other,)),
    ):
        with pytest.raises(psycopg.Error) as error:
            queue.conn.execute(call, args)
        assert error.value.sqlstate == "RQ004", call


def test_an_application_cannot_claim_or_settle(queue, tenants):
    queue.conn.execute("set role reelq_app")
    for call in ("select queue.claim_jobs('w1', 1)", "select queue.complete_job(base.uuid_v7(), 1)", "delete from queue.leases"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            queue.conn.execute(call)


def test_a_worker_s_role_can_do_a_worker_s_work_and_no_more(queue):
    queue.add()
    queue.conn.execute("set role reelq_worker")
    (job,) = queue.claim(queue.worker())
    queue.beat("w1", job, progress=1)
    queue.complete(job)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        queue.conn.execute("update queue.processing_jobs set job_data = '{}'")


def test_a_tenant_learns_nothing_of_another_by_enqueueing(queue):
    """Neither by key, nor by video, asset or parent: what is not its own does not exist."""
    mine, theirs = (queue.value("select identity.create_tenant(%s, %s)", slug, slug) for slug in ("one", "two"))
    video = queue.value("select queue.ingest_video('/a.mp4', 'two')")
    asset = queue.value("select asset_id from media.videos where id = %s", video)
    job = queue.add(tenant_id=theirs, idempotency_key="order-17")
    queue.conn.execute("set role reelq_app")
    queue.conn.execute("select set_config('reelq.tenant_id', %s, false)", (str(mine),))
    for expected, call, arguments in (
        ("RQ004", "select queue.enqueue_job('no_op', tenant_id => %s, idempotency_key => 'order-17')", (theirs,)),
        ("RQ004", "select queue.enqueue_job('no_op', video_id => %s, idempotency_key => 'order-17')", (video,)),
        ("RQ004", "select queue.enqueue_pipeline('standard', %s)", (video,)),
        ("RQ005", "select queue.enqueue_job('no_op', tenant_id => %s, depends_on => array[%s::uuid])", (mine, job)),
        ("RQ004", "select queue.enqueue_job('no_op', tenant_id => %s, asset_id => %s)", (mine, asset)),
        ("RQ004", "select queue.enqueue_job('no_op', tenant_id => %s, user_id => base.uuid_v7())", (mine,)),
        ("RQ004", "select queue.ingest_video('/a.mp4', 'two')", ()),
    ):
        with pytest.raises(psycopg.Error) as error:
            queue.conn.execute(call, arguments)
        assert error.value.sqlstate == expected, call


@pytest.mark.parametrize("args", ["", "'queued'", "p_job_type => 'no_op'", "'completed'", "'failed'", "'cancelled'"])
def test_a_tenant_s_list_reads_its_own_jobs_however_many_others_there_are(queue, tenants, args):
    queue.conn.execute("insert into queue.processing_jobs (job_type, tenant_id) select 'no_op', %s from generate_series(1, 5000)", (next(iter(tenants)),))
    queue.conn.execute("select set_config('reelq.tenant_id', %s, false)", (str(list(tenants)[1]),))
    explained = Explained(queue.conn)
    for _ in range(2):  # the first call reads the catalogue
        call = explained.call(f"select * from queue.list_jobs({args})")
    assert [str(touch) for touch in call.of("processing_jobs") if touch.rows > 10 or touch.node == "Seq Scan"] == []
    assert call.buffers < 300


def test_a_job_with_many_children_is_shown_with_the_first_of_them(queue):
    parent = queue.add()
    queue.conn.execute("insert into queue.processing_jobs (job_type, depends_on) select 'no_op', %s from generate_series(1, 101)", ([parent],))
    shown = queue.value("select queue.show_job(%s)", parent)
    assert (len(shown["children"]), shown["more_children"], shown["more_parents"]) == (100, True, False)
