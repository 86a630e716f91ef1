"""Many jobs in one statement, and a running job that fans out."""

from __future__ import annotations

from uuid import uuid4

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.sql.queuekit import Queue, Race


@pytest.fixture
def queue(conn):
    return Queue(conn)


@pytest.fixture
def other(connect):
    return Queue(connect())


@pytest.fixture
def observer(connect):
    return Queue(connect())


def enqueue(queue, *specs):
    return queue.rows("select * from queue.enqueue_jobs(%s)", Jsonb([{"job_type": "no_op", **spec} for spec in specs]))


def spawn(queue, job, *specs):
    return queue.rows("select * from queue.spawn_jobs(%s, %s, %s)", job.job_id, job.token, Jsonb([{"job_type": "no_op", **s} for s in specs]))


def code(error) -> str:
    assert error.value.diag.message_hint, "a refusal says what to do"
    return error.value.sqlstate


def test_jobs_come_back_in_order_and_sort_as_they_were_given(queue):
    rows = enqueue(queue, *({"job_data": {"i": i}} for i in range(100)))
    assert [row.place for row in rows] == list(range(1, 101))
    assert [row.job_id for row in rows] == sorted(row.job_id for row in rows)
    assert [queue.job(row.job_id).job_data["i"] for row in rows] == list(range(100))
    assert enqueue(queue) == []


def test_specs_refer_to_one_another_in_any_order(queue):
    last, left, right, first = enqueue(
        queue, {"ref": "last", "depends_on": ["left", "right"]}, {"ref": "left", "depends_on": ["first"]},
        {"ref": "right", "depends_on": ["first"]}, {"ref": "first"},
    )  # fmt: skip
    assert [queue.place(row.job_id) for row in (first, left, right, last)] == ["ready", "blocked", "blocked", "blocked"]
    for expected in ({first}, {left, right}, {last}):
        queue.value("select 1") or queue.worker()
        taken = [queue.take() for _ in expected]
        assert {job.job_id for job in taken} == {row.job_id for row in expected}
        for job in taken:
            queue.complete(job)


def test_specs_may_wait_for_jobs_of_before(queue):
    parent = queue.add()
    (row,) = enqueue(queue, {"depends_on": [str(parent)]})
    assert queue.place(row.job_id) == "blocked"


def test_all_arguments_of_a_single_enqueue_count(queue):
    (row,) = enqueue(queue, {"priority": 2, "scheduled_for": "2100-01-01T00:00:00Z", "max_attempts": 7, "on_parent_failure": "run",
                             "limits": ["youtube"], "channel_id": str(uuid4()), "idempotency_key": "k", "job_data": {"a": 1}})  # fmt: skip
    job = queue.job(row.job_id)
    assert (job.priority, job.max_attempts, job.on_parent_failure, job.limits) == (2, 7, "run", ["youtube"])
    assert (queue.place(row.job_id), job.scheduled_for.year) == ("scheduled", 2100)


def test_known_keys_return_the_first_job_and_can_be_waited_for(queue):
    first = queue.add(idempotency_key="a")
    known, new, child = enqueue(queue, {"idempotency_key": "a", "ref": "a"}, {"idempotency_key": "b"}, {"depends_on": ["a"]})
    assert (known.job_id, known.is_new, new.is_new) == (first, False, True)
    assert queue.job(child.job_id).depends_on == [first]
    again = enqueue(queue, {"idempotency_key": "b"})
    assert (again[0].job_id, again[0].is_new) == (new.job_id, False)


def test_a_key_that_is_committed_meanwhile_is_looked_up_again(queue, other, observer):
    with queue.transaction():
        first = queue.add(idempotency_key="k")
        race = Race(other, lambda q: enqueue(q, {"idempotency_key": "k", "ref": "r"}, {"depends_on": ["r"]}))
        race.start_and_wait_until_blocked(observer)
    rows = race.finish()
    assert (rows[0].job_id, rows[0].is_new, rows[1].is_new) == (first, False, True)


@pytest.mark.parametrize(
    ("specs", "expected"),
    [
        ({"job_type": "no_op"}, "RQ008"), ([1], "RQ008"), ([{"job_type": "no_op", "prio": 1}], "RQ008"), ([{}], "RQ003"),
        ([{"job_type": "nope"}], "RQ003"), ([{"job_type": "no_op", "depends_on": "a"}], "RQ008"),
        ([{"job_type": "no_op", "depends_on": ["a"]}], "RQ005"),
        ([{"job_type": "no_op", "depends_on": ["00000000-0000-0000-0000-000000000001"]}], "RQ005"),
        ([{"job_type": "no_op", "ref": "a"}, {"job_type": "no_op", "ref": "a"}], "RQ008"),
        ([{"job_type": "no_op", "ref": "a", "depends_on": ["b"]}, {"job_type": "no_op", "ref": "b", "depends_on": ["a"]}], "RQ006"),
        ([{"job_type": "no_op", "video_id": "x"}], "RQ008"), ([{"job_type": "no_op", "priority": "high"}], "RQ008"),
        ([{"job_type": "no_op", "priority": 11}], "RQ008"), ([{"job_type": "no_op", "priority": 99999}], "RQ008"),
        ([{"job_type": "no_op", "scheduled_for": "soon"}], "RQ008"), ([{"job_type": "no_op", "job_data": 1}], "RQ008"),
        ([{"job_type": "no_op", "idempotency_key": "k"}, {"job_type": "no_op", "idempotency_key": "k"}], "RQ008"),
        ([{"job_type": "no_op", "video_id": "00000000-0000-0000-0000-000000000001"}], "RQ004"),
    ],
)  # fmt: skip
def test_nonsense_is_refused_as_a_whole(queue, specs, expected):
    with pytest.raises(psycopg.Error) as error:
        queue.conn.execute("select * from queue.enqueue_jobs(%s)", (Jsonb(specs),))
    assert code(error) == expected
    assert queue.value("select count(*) from queue.processing_jobs") == 0


def test_null_is_refused(queue):
    with pytest.raises(psycopg.Error) as error:
        queue.conn.execute("select * from queue.enqueue_jobs(null)")
    assert code(error) == "RQ008"


def test_what_waits_for_a_job_waits_for_what_it_fans_out_into(queue):
    parent = queue.add()
    child = queue.add(depends_on=[parent])
    job = queue.take()
    made = spawn(queue, job, {}, {})
    assert [queue.place(row.job_id) for row in made] == ["ready", "ready"], "they may begin at once"
    queue.complete(job)
    assert queue.place(child) == "blocked"
    late = queue.add(depends_on=[parent])
    assert queue.place(late) == "blocked", "also who comes later"
    for _ in made:
        queue.complete(queue.take())
    assert [queue.place(one) for one in (child, late)] == ["ready", "ready"]


def test_a_fan_out_that_fails_fails_who_waits(queue):
    parent = queue.add()
    child, tolerant = queue.add(depends_on=[parent]), queue.add(depends_on=[parent], on_parent_failure="run")
    job = queue.take()
    spawn(queue, job, {"priority": 1})
    queue.complete(job)
    queue.fail(queue.take(), "permanent")
    assert [queue.status(one) for one in (child, tolerant)] == ["failed", "queued"]
    assert queue.place(tolerant) == "ready"


def test_a_job_of_before_is_no_new_one_for_a_fan_out(queue):
    """It is waited for, since it is a part of this one from now on; it was not made here."""
    there = queue.add(idempotency_key="a")
    child = queue.add(depends_on=[parent := queue.add(priority=1)])
    rows = spawn(queue, queue.take(), {"idempotency_key": "a"}, {"idempotency_key": "b"})
    assert ([row.is_new for row in rows], rows[0].job_id) == ([False, True], there)
    assert {parent, there, rows[1].job_id} == {row.parent_id for row in queue.rows("select parent_id from queue.job_dependencies where job_id = %s", child)}
    assert spawn(queue, queue.take()) == []


def test_a_second_attempt_finds_what_the_first_has_made(queue):
    parent = queue.add(max_attempts=3)
    child = queue.add(depends_on=[parent])
    job = queue.take()
    first = spawn(queue, job, {"idempotency_key": "part 1"})
    queue.conn.execute("select queue.release_job(%s, %s, 'drain')", (job.job_id, job.token))
    taken = {one.job_id: one for one in queue.claim(limit=10)}
    again = spawn(queue, taken[parent], {"idempotency_key": "part 1"}, {"idempotency_key": "part 2"})
    assert [row.job_id for row in again][:1] == [first[0].job_id]
    assert [row.is_new for row in again] == [False, True]
    queue.complete(taken[parent]), queue.complete(taken[first[0].job_id])
    assert queue.place(child) == "blocked"
    queue.complete(queue.take())
    assert queue.place(child) == "ready"


def test_only_the_holder_of_the_lease_fans_out(queue):
    queue.add()
    job = queue.take()
    queue.complete(job)
    with pytest.raises(psycopg.Error) as error:
        spawn(queue, job, {})
    assert code(error) == "RQ001"


def test_a_fan_out_cannot_wait_for_who_waits_for_it(queue):
    parent = queue.add()
    child = queue.add(depends_on=[parent])
    grandchild = queue.add(depends_on=[child])
    job = queue.take()
    with pytest.raises(psycopg.Error) as error:
        spawn(queue, job, {"depends_on": [str(grandchild)]})
    assert code(error) == "RQ006"


def test_a_fan_out_may_wait_for_the_job_itself(queue):
    parent = queue.add()
    child = queue.add(depends_on=[parent])
    job = queue.take()
    (made,) = spawn(queue, job, {"depends_on": [str(parent)]})
    queue.complete(job)
    assert [queue.place(one) for one in (made.job_id, child)] == ["ready", "blocked"]


def test_a_fan_out_inherits_video_and_pipeline(queue):
    video = queue.value("select media.create_video('/a.mp4')")
    queue.rows("select * from queue.enqueue_pipeline('standard', %s)", video)
    job = queue.take()
    (made,) = spawn(queue, job, {})
    mine, its = queue.job(job.job_id), queue.job(made.job_id)
    assert (its.video_id, its.tenant_id, its.pipeline_run) == (video, mine.tenant_id, mine.pipeline_run)


def test_a_child_enqueued_while_its_parent_fans_out_waits_for_all(queue, other, observer):
    parent = queue.add()
    job = queue.take()
    with queue.transaction():
        spawn(queue, job, {})
        race = Race(other, lambda q: q.add(depends_on=[parent])).start_and_wait_until_blocked(observer)
    child = race.finish()
    queue.complete(job)
    assert queue.place(child) == "blocked"
