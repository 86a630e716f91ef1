"""What may enter the queue, how it is filled, and what is refused."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.patience import QUICK_S
from tests.sql.queuekit import Queue, Race


@pytest.fixture
def queue(conn):
    return Queue(conn)


def code(error) -> str:
    assert error.value.diag.message_hint, "a refusal says what to do"
    return error.value.sqlstate


def test_a_plain_insert_is_as_good_as_the_function(queue):
    (plain,) = queue.rows("insert into queue.processing_jobs (job_type) values ('no_op') returning *")
    called = queue.job(queue.add())
    ignored = {"id", "scheduled_for", "created_at", "updated_at", "status_changed_at"}
    assert {k: v for k, v in plain._asdict().items() if k not in ignored} == {
        k: v for k, v in called._asdict().items() if k not in ignored
    }
    assert queue.place(plain.id) == queue.place(called.id) == "ready"


def test_a_video_fills_tenant_user_and_asset(queue):
    video = queue.value("select media.create_video('/a.mp4')")
    job = queue.job(queue.add(video_id=video))
    known = queue.rows("select tenant_id, asset_id from media.videos where id = %s", video)[0]
    assert (job.tenant_id, job.asset_id) == known


def test_defaults_come_from_the_job_type(queue):
    queue.conn.execute("update queue.job_types set priority = 7, max_attempts = 9, weight = 2, needs = '{av1}' where job_type = 'no_op'")
    job = queue.job(queue.add())
    assert (job.priority, job.max_attempts, job.weight, job.needs) == (7, 9, 2, ["av1"])


def test_a_job_for_later_is_scheduled_and_becomes_ready_when_due(queue, clock):
    job = queue.add(scheduled_for=queue.value("select base.clock() + interval '1 hour'"))
    assert queue.place(job) == "scheduled"
    queue.worker()
    assert queue.claim() == []
    clock.forward(timedelta(hours=1))
    assert [taken.job_id for taken in queue.claim()] == [job]


def test_an_idempotency_key_returns_the_first_job(queue):
    first = queue.add(idempotency_key="k", priority=3)
    assert queue.add(idempotency_key="k", priority=9) == first
    assert queue.job(first).priority == 3
    assert queue.add(idempotency_key="other") != first


def test_an_idempotency_key_holds_after_the_job_is_over(queue):
    first = queue.add(idempotency_key="k")
    queue.complete(queue.take())
    assert queue.add(idempotency_key="k") == first


def test_tenants_do_not_share_idempotency_keys(queue):
    tenants = [queue.value("select identity.create_tenant(%s, %s)", slug, slug) for slug in ("one", "two")]
    jobs = {queue.add(idempotency_key="k", tenant_id=tenant) for tenant in tenants}
    assert len(jobs) == 2


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        ({"job_type": "no_such"}, "RQ003"),
        ({"priority": 11}, "RQ008"),
        ({"priority": 0}, "RQ008"),
        ({"job_data": "[1]"}, "RQ008"),
        ({"job_data": '"text"'}, "RQ008"),
        ({"max_attempts": 0}, "RQ008"),
        ({"max_attempts": 1001}, "RQ008"),
        ({"on_parent_failure": "panic"}, "RQ008"),
        ({"scheduled_for": "infinity"}, "RQ008"),
        ({"idempotency_key": ""}, "RQ008"),
        ({"video_id": uuid4()}, "RQ004"),
        ({"tenant_id": uuid4()}, "RQ004"),
        ({"depends_on": [uuid4()]}, "RQ005"),
        ({"depends_on": [None]}, "RQ008"),
    ],
)
def test_nonsense_is_refused_with_a_code_and_a_hint(queue, named, expected):
    with pytest.raises(psycopg.Error) as error:
        queue.add(**({"job_type": "no_op"} | named))
    assert code(error) == expected


def test_bad_json_is_refused_by_the_database(queue):
    with pytest.raises(psycopg.errors.InvalidTextRepresentation):
        queue.add(job_data="{bad")


@pytest.mark.parametrize("extra", ["status = 'running'", "token = 3", "worker_id = 'me'", "completed_at = now()"])
def test_a_job_starts_as_queued(queue, extra):
    column, value = extra.split(" = ")
    with pytest.raises(psycopg.Error) as error:
        queue.conn.execute(f"insert into queue.processing_jobs (job_type, {column}) values ('no_op', {value})")
    assert code(error) == "RQ007"


def test_a_suspended_tenant_cannot_enqueue(queue):
    tenant = queue.value("select identity.create_tenant('gone', 'Gone')")
    queue.conn.execute("update identity.tenants set status = 'suspended' where id = %s", (tenant,))
    with pytest.raises(psycopg.Error) as error:
        queue.add(tenant_id=tenant)
    assert code(error) == "RQ012"


@pytest.mark.parametrize("level", ["repeatable read", "serializable"])
@pytest.mark.parametrize(
    "call",
    [
        "select queue.enqueue_job('no_op')",
        "select * from queue.claim_jobs('w1', 1)",
        "select queue.complete_job(base.uuid_v7(), 1)",
        "select queue.settle_jobs('w1', '[]')",
        "select queue.cancel_job(base.uuid_v7())",
        "select queue.retry_job(base.uuid_v7())",
    ],
)
def test_other_isolation_levels_are_refused(queue, level, call):
    queue.worker()
    with pytest.raises(psycopg.Error) as error, queue.transaction():
        queue.conn.execute(f"set transaction isolation level {level}")
        queue.conn.execute(call)
    assert code(error) == "RQ002"


def test_deleting_a_video_takes_its_jobs_along(queue):
    video = queue.value("select queue.ingest_video('/a.mp4')")
    queue.take()
    queue.conn.execute("delete from media.videos where id = %s", (video,))
    assert queue.value("select count(*) from queue.processing_jobs") == 0
    assert queue.violations() == []


def test_a_sleeper_is_notified_and_nobody_else(queue, connect):
    listener = connect()
    listener.execute("listen reelq_ready")
    queue.worker("w1", types=["no_op"])
    queue.add()
    queue.conn.execute("select queue.set_worker_listening('w1')")
    queue.value("select queue.ingest_video('/a.mp4')")
    queue.add()
    assert [note.payload for note in listener.notifies(timeout=QUICK_S, stop_after=1)] == ["no_op"]
    assert list(listener.notifies(timeout=0)) == []


def test_batches_with_the_same_keys_in_opposite_order_do_not_deadlock(queue, connect):
    """Each waits for the other's keys in one order, and gets the other's jobs."""
    other = Queue(connect())
    count = 200

    def enqueue(session: Queue, keys):
        specs = [{"job_type": "no_op", "idempotency_key": f"k{key}"} for key in keys]
        return session.rows("select * from queue.enqueue_jobs(%s) order by place", Jsonb(specs))

    with queue.transaction():
        first = {row.job_id for row in enqueue(queue, range(count // 2))}
        # Without the order of keys this one holds those that the next statement of ours asks for, and waits for ours.
        race = Race(other, lambda session: enqueue(session, reversed(range(count)))).start_and_wait_until_blocked(Queue(connect()))
        first |= {row.job_id for row in enqueue(queue, range(count // 2, count))}
    assert {row.job_id for row in race.finish()} == first
    assert queue.value("select count(*) from queue.processing_jobs") == count
