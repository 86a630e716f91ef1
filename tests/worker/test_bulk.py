"""Many jobs at once from Python: by function, and as a running job's fan-out."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

import psycopg
import pytest

from reelq.worker.errors import PermanentError
from reelq.worker.rooms.queue import bulk
from reelq.worker.rooms.queue.bulk import JobSpec
from tests.sql.queuekit import Queue
from tests.worker.runnerkit import attempts, enqueue, handler, job, until, working

SOON = datetime(2100, 1, 1, tzinfo=UTC)


@pytest.fixture
def queue(conn):
    return Queue(conn)


def whole(queue, **more):
    """A spec with every field that needs nothing else."""
    parent = queue.add()
    return JobSpec(
        "no_op", tenant_id=queue.value("select id from identity.tenants"), job_data={"i": 1}, priority=2, scheduled_for=SOON,
        depends_on=[parent], on_parent_failure="run", idempotency_key="k", max_attempts=7, limits=["b", "a"], channel_id=uuid4(),
        pipeline_run=uuid4(), pipeline_step="step", **more,
    )  # fmt: skip


def arrived(queue, job_id, spec):
    """Whether the record holds what the spec says."""
    row = queue.job(job_id)
    names = [name for name in bulk.KEYS if name not in ("ref", "limits") and getattr(spec, name) is not None]
    return [name for name in names if getattr(row, name) != getattr(spec, name)] == [] and row.limits == sorted(spec.limits)


def test_specs_arrive_as_they_were_given(conn, queue):
    spec = whole(queue, ref="one")
    first, second = bulk.enqueue_jobs(conn, [spec, {"job_type": "no_op", "depends_on": ["one"]}])
    assert (first.place, first.is_new, second.place) == (1, True, 2)
    assert arrived(queue, first.job_id, spec)
    assert queue.job(second.job_id).depends_on == [first.job_id]
    assert bulk.enqueue_jobs(conn, [spec])[0] == bulk.Enqueued(1, first.job_id, False)
    assert bulk.enqueue_jobs(conn, []) == []


def test_a_stream_is_enqueued_chunk_by_chunk(conn, queue):
    specs = [JobSpec("no_op", job_data={"n": n}, idempotency_key=str(n)) for n in range(25)]
    assert bulk.enqueue_all(conn, iter(specs), chunk=10) == 25
    assert bulk.enqueue_all(conn, specs, chunk=10) == 0
    assert [row.n for row in queue.rows("select (job_data ->> 'n')::int as n from queue.processing_jobs order by id")] == list(range(25))
    assert bulk.enqueue_all(conn, []) == 0


def test_a_stream_stops_at_a_chunk_that_is_refused(conn, queue):
    """Those before it stay, and the connection is as good as before."""
    specs = [JobSpec("no_op")] * 15 + [JobSpec("no_such")] + [JobSpec("no_op")] * 10
    with pytest.raises(psycopg.Error) as error:
        bulk.enqueue_all(conn, specs, chunk=10)
    assert error.value.sqlstate == "RQ003"
    assert queue.value("select count(*) from queue.processing_jobs") == 10


def test_a_stream_that_breaks_leaves_the_connection_usable(conn, queue):
    def broken():
        yield from [JobSpec("no_op")] * 10
        raise ValueError("the file ends here")

    with pytest.raises(ValueError, match="ends here"):
        bulk.enqueue_all(conn, broken(), chunk=5)
    assert queue.value("select count(*) from queue.processing_jobs") == 10


@pytest.mark.parametrize("bad", [0, 1, 6])
def test_the_culprit_is_the_first_spec_that_fails_alike(conn, bad):
    specs = [{"job_type": "nope" if place in (bad, 6) else "no_op"} for place in range(7)]
    with pytest.raises(psycopg.Error) as error:
        bulk.enqueue_jobs(conn, specs)
    assert bulk.culprit(conn, specs, error.value) == bad + 1
    assert bulk.culprit(conn, [{"job_type": "no_op"}], error.value) is None
    assert conn.execute("select count(*) from queue.processing_jobs").fetchone() == (0,)


def test_a_handler_fans_out_and_a_repeated_call_makes_nothing_twice(dsn, conn, tmp_path):
    made = []

    def run(ctx):
        if ctx.job.priority == 1:
            specs = [JobSpec("no_op", job_data={}, idempotency_key=f"{ctx.job.job_id}:{part}") for part in range(2)]
            made.append(ctx.spawn(specs))
            made.append(ctx.spawn(specs))

    with working(dsn, tmp_path, {"no_op": handler(run)}):
        conn.execute("begin")  # parent and child together, so that the child waits
        parent = enqueue(conn, priority=1)
        child = enqueue(conn, depends_on=[parent])
        conn.execute("commit")
        until(lambda: job(conn, child)["status"] == "completed", "the child")
    first, again = made
    assert [one.job_id for one in first] == [one.job_id for one in again]
    assert [[one.is_new for one in rows] for rows in made] == [[True, True], [False, False]]
    ends = [job(conn, one.job_id)["completed_at"] for one in first]
    assert max(ends) <= job(conn, child)["started_at"], "who waits for the parent waits for its parts"


def test_a_fan_out_without_keys_is_refused(dsn, conn, tmp_path):
    errors = []

    def run(ctx):
        for spec in (JobSpec("no_op"), {"job_type": "no_op"}):
            with pytest.raises(PermanentError) as error:
                ctx.spawn([spec])
            errors.append(error.value.code)

    with working(dsn, tmp_path, {"no_op": handler(run)}):
        job_id = enqueue(conn)
        until(lambda: job(conn, job_id)["status"] == "completed", "the job")
    assert errors == ["spawn_without_key"] * 2


def test_who_lost_the_lease_fans_out_into_nothing(dsn, conn, tmp_path):
    def run(ctx):
        if ctx.job.token == 1:
            with conn.transaction():  # else a heartbeat may come in between
                conn.execute("update queue.leases set expires_at = 'epoch'")
                conn.execute("select queue.rescue_expired()")
            ctx.spawn([JobSpec("no_op", idempotency_key="part")])

    with working(dsn, tmp_path, {"no_op": handler(run)}, heartbeat_s=30.0):
        job_id = enqueue(conn)
        until(lambda: job(conn, job_id)["status"] == "completed", "the second attempt")
    assert [one["outcome"] for one in attempts(conn, job_id)] == ["lost", "completed"]
    assert conn.execute("select count(*) from queue.processing_jobs").fetchone() == (1,)
