"""What a look with fresh eyes found: wake-ups, permits, and who waits for whose open transaction."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.sql.queuekit import Queue, Race
from tests.sql.rolekit import PERMISSION_DENIED, Tenant, open_as


@pytest.fixture
def queue(conn):
    conn.execute("set statement_timeout = '20s'")
    return Queue(conn)


@pytest.fixture
def engineer(connect):
    """Somebody at psql who forgets to commit."""
    return Queue(connect())


@pytest.fixture
def worker(connect):
    """A worker's session, which must never wait."""
    conn = connect()
    conn.execute("set lock_timeout = '500ms'")
    return Queue(conn)


@pytest.fixture
def acme(conn):
    return Tenant(conn, "acme")


def used(queue, key):
    return queue.value("select used from queue.list_limits() where limit_key = %s", key)


def test_a_key_for_an_asset_finds_the_first_job(queue, acme):
    first = queue.add(asset_id=acme.asset, idempotency_key="k")
    assert queue.add(asset_id=acme.asset, idempotency_key="k") == first
    (row,) = queue.rows(
        "select * from queue.enqueue_jobs(%s)", Jsonb([{"job_type": "no_op", "asset_id": str(acme.asset), "idempotency_key": "k"}])
    )
    assert (row.job_id, row.is_new) == (first, False)


def test_a_key_stands_once_a_call_whichever_way_its_tenant_is_named(queue, acme):
    for other in ({"tenant_id": str(acme.id)}, {"tenant_id": str(acme.id).upper()}, {"asset_id": str(acme.asset)}):
        specs = [{"job_type": "no_op", "video_id": str(acme.video), "idempotency_key": "k"}, {"job_type": "no_op", "idempotency_key": "k", **other}]
        with pytest.raises(psycopg.Error) as error:
            queue.rows("select * from queue.enqueue_jobs(%s)", Jsonb(specs))
        assert error.value.sqlstate == "RQ008"


def test_a_bad_id_beside_a_key_is_a_bad_argument(queue):
    with pytest.raises(psycopg.Error) as error:
        queue.rows("select * from queue.enqueue_jobs(%s)", Jsonb([{"job_type": "no_op", "tenant_id": "acme", "idempotency_key": "k"}]))
    assert error.value.sqlstate == "RQ008"


def test_a_job_that_fans_out_into_itself_does_not_hang_who_waits_for_it(queue):
    queue.add(idempotency_key="a")
    job = queue.take()
    queue.rows("select * from queue.spawn_jobs(%s, %s, %s)", job.job_id, job.token, Jsonb([{"job_type": "no_op", "idempotency_key": "a"}]))
    child = queue.add(depends_on=[job.job_id])
    queue.complete(job)
    assert queue.place(child) == "ready"


def test_jobs_that_fan_out_into_one_another_do_not_hang_who_waits_for_them(queue):
    queue.add(idempotency_key="a")
    first = queue.take()
    queue.rows("select * from queue.spawn_jobs(%s, %s, %s)", first.job_id, first.token, Jsonb([{"job_type": "no_op", "idempotency_key": "b"}]))
    second = queue.take()
    queue.rows("select * from queue.spawn_jobs(%s, %s, %s)", second.job_id, second.token, Jsonb([{"job_type": "no_op", "idempotency_key": "a"}]))
    child = queue.add(depends_on=[first.job_id])
    queue.complete(first)
    assert queue.place(child) == "blocked"
    queue.complete(second)
    assert queue.place(child) == "ready"


@pytest.mark.parametrize("scope", ["tenant", "suspended", "job_type"])
def test_what_was_enqueued_before_a_resume_and_committed_after_it_is_let_through(queue, engineer, acme, scope):
    queue.worker()
    if scope == "suspended":
        queue.conn.execute("select queue.set_limit('type:no_op', 1)")
        first = queue.add(tenant_id=acme.id)
        job = queue.take()
        with engineer.transaction():
            queue.conn.execute("update identity.tenants set status = 'suspended' where id = %s", [acme.id])
            engineer.conn.execute("select queue.release_job(%s, %s, 'drain')", (job.job_id, job.token))
            queue.conn.execute("update identity.tenants set status = 'active' where id = %s", [acme.id])
            assert queue.claim() == []
        # Behind the pause waits a limit: the second look lets it through that.
        assert [job.job_id for job in queue.claim() + queue.claim()] == [first]
        return
    key = "no_op" if scope == "job_type" else "acme"
    if scope == "job_type":
        queue.conn.execute("select queue.set_limit('type:no_op', 5)")
    queue.conn.execute("select queue.pause(%s, %s, 'why')", (scope, key))
    with engineer.transaction():
        job = engineer.add(tenant_id=acme.id)
        if scope == "job_type":
            engineer.value("select queue.admit_parked()")
        queue.conn.execute("select queue.resume(%s, %s)", (scope, key))
        assert queue.claim() == []
    assert [taken.job_id for taken in queue.claim() + queue.claim()] == [job]


@pytest.mark.parametrize("gate", ["pause", "limit"])
def test_a_row_that_somebody_holds_for_a_while_is_looked_at_again(queue, engineer, acme, gate):
    queue.worker()
    if gate == "pause":
        queue.conn.execute("select queue.pause('tenant', 'acme', 'why')")
    else:
        queue.conn.execute("select queue.set_limit('type:no_op', 5)")
    job = queue.add(tenant_id=acme.id)
    with engineer.conn.transaction(force_rollback=True):
        engineer.conn.execute("select queue.cancel_job(%s)", [job])
        if gate == "pause":
            queue.conn.execute("select queue.resume('tenant', 'acme')")
        assert queue.claim() == []
    assert [taken.job_id for taken in queue.claim()] == [job]


def test_a_gate_that_somebody_holds_keeps_no_other_from_being_looked_at(queue, engineer, acme):
    queue.worker()
    queue.conn.execute("select queue.set_limit('type:no_op', 5)")
    with engineer.transaction():
        engineer.conn.execute("select queue.set_limit('type:no_op', 6)")
        queue.conn.execute("insert into queue.gate_events (gate, permits) select 'type:no_op', 0 from generate_series(1, 2500)")
        queue.conn.execute("select queue.set_limit('type:extract_metadata', 5)")
        job = queue.add("extract_metadata", video_id=acme.video)
        assert [taken.job_id for taken in queue.claim()] == [job]


def test_an_uncommitted_limit_holds_up_no_settlement_and_no_rescue(queue, engineer, worker, clock):
    queue.add(), queue.add()
    job = queue.take()
    kept = queue.take()
    with engineer.transaction():
        engineer.conn.execute("select queue.set_limit('type:no_op', 1)")
        worker.complete(job)
        clock.forward(timedelta(minutes=2))
        worker.claim()
    del kept


def test_a_lease_that_somebody_holds_keeps_rescue_from_nothing_else(queue, engineer, worker, clock):
    queue.add(), queue.add()
    queue.worker()
    one, two = queue.claim(limit=2)
    clock.forward(timedelta(minutes=2))
    with engineer.transaction():
        engineer.conn.execute("select from queue.leases where job_id = %s for update", [one.job_id])
        assert worker.rescue() == 1
    assert queue.status(two.job_id) == "queued"


def test_a_lower_common_limit_counts_what_ran_before(queue, acme):
    for _ in range(3):
        queue.add(tenant_id=acme.id)
    queue.take(), queue.take()
    queue.conn.execute("select queue.set_limit('tenant:*', 2)")
    assert queue.claim() == []
    assert used(queue, f"tenant:{acme.id}") == 2


def test_an_uncommitted_limit_of_a_tenant_under_the_common_one_holds_up_no_claim(queue, engineer, worker, acme):
    queue.conn.execute("select queue.set_limit('tenant:*', 2)")
    queue.worker()
    with engineer.transaction():
        engineer.conn.execute("select queue.set_limit('tenant:acme', 3)")
        queue.add(tenant_id=acme.id)
        other = queue.add()
        assert [job.job_id for job in worker.claim(limit=5)] == [other]
    assert len(queue.claim(limit=5)) == 1


def test_no_unit_is_lost_when_a_limit_is_made_again_while_units_come_back(queue, engineer):
    queue.conn.execute("select queue.set_limit('type:no_op', 1)")
    queue.add()
    job = queue.take()
    queue.conn.execute("select queue.drop_limit('type:no_op')")
    queue.claim()
    with engineer.transaction():
        engineer.conn.execute("select queue.set_limit('type:no_op', 1)")
        queue.complete(job)
        queue.claim()
    queue.claim()
    assert used(queue, "type:no_op") == 0


def test_an_uncommitted_drain_holds_up_no_heartbeat_and_no_rescue(queue, engineer, worker, clock):
    queue.add()
    job = queue.take()
    queue.worker("w2")
    with engineer.transaction():
        engineer.conn.execute("select queue.drain_worker('w1')")
        clock.forward(timedelta(seconds=50))
        assert worker.beat("w1", job) == {}
        clock.forward(timedelta(seconds=50))
        worker.claim("w2")
        assert queue.value("select expires_at > base.clock() from queue.leases where job_id = %s", job.job_id)


def test_an_uncommitted_pause_of_an_input_holds_up_no_settlement(queue, engineer, worker, acme):
    queue.conn.execute("select queue.set_setting('poison_strikes', '1')")
    queue.add(asset_id=acme.asset)
    job = queue.take()
    with engineer.transaction():
        engineer.conn.execute("select queue.pause('input', %s, 'why')", [str(acme.asset)])
        worker.fail(job, "permanent")


def test_an_uncommitted_job_of_a_new_kind_holds_up_nobody(queue, engineer, worker):
    queue.worker()
    with engineer.transaction():
        first = engineer.add(priority=9)
        second = worker.add(priority=9)
        assert [job.job_id for job in worker.claim(limit=5)] == [second]
    assert [job.job_id for job in queue.claim(limit=5)] == [first]


def test_a_job_that_becomes_ready_while_it_is_reprioritised_comes_into_its_new_lane(queue, engineer, connect):
    queue.add()
    job = queue.take()
    child = queue.add(depends_on=[job.job_id])
    other = Queue(connect())
    with engineer.transaction():
        engineer.complete(job)
        race = Race(other, lambda q: q.conn.execute("select queue.reprioritise_job(%s, 1)", [child]))
        race.start_and_wait_until_blocked(queue)
    race.finish()
    assert queue.violations() == []


def test_what_entered_while_its_type_was_being_paused_gives_its_units_back(queue, engineer, acme):
    queue.worker()
    queue.conn.execute("select queue.set_limit('tenant:acme', 1)")
    with engineer.transaction():
        engineer.conn.execute("select queue.pause('job_type', 'no_op', 'why')")
        queue.add(tenant_id=acme.id)
        queue.conn.execute("select queue.admit_parked()")
    job = queue.add("extract_metadata", video_id=acme.video)
    assert [taken.job_id for taken in queue.claim()] == [job]


def test_an_old_date_does_not_overtake_behind_a_gate(queue, acme):
    queue.conn.execute("select queue.set_limit('type:no_op', 1)")
    first = queue.add()
    second = queue.add(scheduled_for="2001-01-01")
    queue.worker()
    (job,) = queue.claim()
    assert job.job_id == first
    queue.complete(job)
    assert [job.job_id for job in queue.claim()] == [second]


@pytest.mark.parametrize("column, value", [("created_at", "2001-01-01"), ("weight", 3), ("needs", ["x"]), ("max_crashes", 1000)])
def test_an_application_writes_what_enqueue_job_takes_and_no_more(connect, acme, column, value):
    conn = partial(open_as, connect)("reelq_app", acme)
    with pytest.raises(psycopg.Error) as error:
        conn.execute(f"insert into queue.processing_jobs (job_type, tenant_id, {column}) values ('no_op', %s, %s)", (acme.id, value))
    assert error.value.sqlstate == PERMISSION_DENIED
