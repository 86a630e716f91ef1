"""Schedules wait for nobody, and lose no tick (docs/design/locks.md)."""

from __future__ import annotations

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.sql.queuekit import Queue


@pytest.fixture
def due(queue):
    """A schedule of a tenant's video whose tick has come: the tenant, the video, the key of the tick."""
    tenant = queue.value("select identity.create_tenant('acme')")
    video = queue.value("select media.create_video('/a.mp4', %s)", tenant)
    queue.value("select queue.set_schedule('nightly', '0 3 * * *', 'no_op', p_video_id => %s)", video)
    queue.conn.execute("update queue.schedules set next_run_at = '2026-03-01 03:00Z'")
    return tenant, video, "schedule:nightly:2026-03-01T03:00:00Z"


@pytest.mark.parametrize("held", ["media.videos", "identity.tenants"])
def test_no_tick_waits_for_whoever_holds_what_it_is_about(queue, connect, due, held):
    tenant, video, key = due
    queue.value("select queue.set_schedule('zero', '0 3 * * *', 'no_op')")
    queue.conn.execute("update queue.schedules set next_run_at = '2026-03-01 03:00Z' where name = 'zero'")
    other = Queue(connect())
    other.conn.execute("set lock_timeout = '1s'")
    with queue.transaction():
        queue.rows(f"select from {held} where id = any(%s) for update", [tenant, video])
        assert other.value("select queue.run_schedules()") == 1  # the other schedule
    # It waits, which is no trouble yet.
    assert queue.value("select last_error from queue.schedules where name = 'nightly'") is None
    assert queue.value("select next_run_at = '2026-03-01 03:00Z' from queue.schedules where name = 'nightly'")
    assert queue.value("select queue.run_schedules()") == 1
    assert queue.value("select count(*) from queue.processing_jobs where idempotency_key = %s", key) == 1
    assert queue.value("select last_error from queue.schedules where name = 'nightly'") is None


def test_ticks_that_wait_hide_no_other_and_are_no_trouble_yet(queue, connect, clock, due):
    """As many as a call looks at are held; the others come all the same."""
    clock.set(queue.value("select timestamptz '2026-03-01 03:02Z'"))
    tenant, _, _ = due
    queue.value("select queue.set_schedule('zero', '0 3 * * *', 'no_op')")
    queue.conn.execute("update queue.schedules set next_run_at = '2026-03-01 03:00:30Z' where name = 'zero'")
    other = Queue(connect())
    with queue.transaction():
        queue.rows("select from identity.tenants where id = %s for update", tenant)
        assert other.value("select queue.run_schedules(1)") == 1
        assert [row.level for row in other.rows("select * from queue.health_of_schedules()")] == ["ok"]
        clock.forward(queue.value("select interval '10 minutes'"))
        (finding,) = other.rows("select * from queue.health_of_schedules()")
    assert "nightly has been due since" in finding.detail and "holds its tenant or its video" in finding.remedy
    assert queue.value("select queue.run_schedules()") == 1


def test_a_lock_that_times_out_loses_no_tick(queue, connect, due):
    """Here the platform itself has used the key."""
    tenant, video, key = due
    other = Queue(connect())
    other.conn.execute("set lock_timeout = '100ms'")
    with queue.transaction():
        queue.add(tenant_id=tenant, idempotency_key=key)
        assert other.value("select queue.run_schedules()") == 0
        queue.conn.execute("delete from queue.processing_jobs")
    assert "(55P03)" in queue.value("select last_error from queue.schedules")
    assert queue.value("select queue.run_schedules()") == 1
    assert queue.value("select video_id from queue.processing_jobs where idempotency_key = %s", key) == video


def test_a_tenant_uses_no_key_of_a_schedule(queue, due):
    tenant, video, key = due
    queue.conn.execute("select set_config('reelq.tenant_id', %s, false)", (str(tenant),))
    for call, *arguments in (
        ("select queue.enqueue_job('no_op', idempotency_key => %s)", key),
        ("select * from queue.enqueue_jobs(%s)", Jsonb([{"job_type": "no_op", "idempotency_key": key}])),
        ("insert into queue.processing_jobs (job_type, tenant_id, idempotency_key) values ('no_op', %s, %s)", tenant, key),
        ("select * from queue.enqueue_pipeline('standard', %s, '{}', %s)", video, key),
    ):
        with pytest.raises(psycopg.Error) as refused:
            queue.conn.execute(call, arguments)
        assert refused.value.sqlstate == "RQ008" and refused.value.diag.message_hint
        assert "idempotency_key must not begin with schedule:" in str(refused.value)
    assert queue.value("select queue.run_schedules()") == 1  # whoever's claim calls it
    assert queue.value("select current_setting('reelq.tenant_id')") == str(tenant)
