"""Limits by parking: how many jobs of a key are ready or running together, and that no permit is ever lost."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.sql.queuekit import Queue


@pytest.fixture
def queue(conn):
    return Queue(conn)


def limit(queue, key, most):
    queue.conn.execute("select queue.set_limit(%s, %s)", (key, most))


def limits(queue) -> dict[str, tuple[int, int]]:
    """(used, parked) by key."""
    return {row.limit_key: (row.used, row.parked) for row in queue.rows("select * from queue.list_limits()")}


def code(error) -> str:
    assert error.value.diag.message_hint, "a refusal says what to do"
    return error.value.sqlstate


@pytest.fixture
def tenants(queue):
    """Ids of three tenants."""
    return [queue.value("select identity.create_tenant(%s)", name) for name in ("ann", "bob", "cid")]


def test_no_more_jobs_of_a_type_run_than_its_limit(queue):
    limit(queue, "type:no_op", 2)
    jobs = [queue.add() for _ in range(4)]
    queue.worker()
    taken = queue.claim(limit=10)
    assert [job.job_id for job in taken] == jobs[:2]
    assert queue.claim(limit=10) == []
    assert limits(queue) == {"type:no_op": (2, 2)}
    assert queue.place(jobs[2]) == "parked"


@pytest.mark.parametrize("end", ["complete", "fail", "release", "settle", "rescue", "cancel", "delete"])
def test_a_unit_comes_back_however_the_attempt_ends(queue, clock, end):
    limit(queue, "type:no_op", 1)
    queue.add()
    second = queue.add()
    job = queue.take()
    if end == "complete":
        queue.complete(job)
    elif end == "fail":
        queue.fail(job, "permanent")
    elif end == "release":
        queue.conn.execute("update queue.processing_jobs set job_data = '{}' where id = %s", (job.job_id,))
        queue.conn.execute("select queue.release_job(%s, %s, 'drain')", (job.job_id, job.token))
        queue.conn.execute("select queue.cancel_job(%s)", (job.job_id,))
    elif end == "settle":
        report = [{"job_id": str(job.job_id), "token": job.token, "outcome": "completed"}]
        queue.rows("select * from queue.settle_jobs('w1', %s)", Jsonb(report))
    elif end == "rescue":
        clock.forward(timedelta(minutes=2))
        assert queue.rescue() == 1
        queue.conn.execute("select queue.cancel_job(%s)", (job.job_id,))
        queue.worker("w1")
    elif end == "cancel":
        queue.conn.execute("select queue.cancel_job(%s)", (job.job_id,))
        queue.fail(job, "cancelled")
    else:
        queue.conn.execute("delete from queue.processing_jobs where id = %s", (job.job_id,))
    (next_one,) = queue.claim(limit=10)
    assert next_one.job_id == second
    assert limits(queue)["type:no_op"] == (1, 0)


def test_each_tenant_has_the_common_limit_and_one_may_have_its_own(queue, tenants):
    ann, bob, _ = tenants
    limit(queue, "tenant:*", 1)
    limit(queue, "tenant:bob", 2)
    for tenant in (ann, bob):
        for _ in range(3):
            queue.add(tenant_id=tenant)
    queue.add()  # the platform's own
    queue.worker()
    taken = [job.tenant_id for job in queue.claim(limit=10)]
    assert sorted(map(str, taken)) == sorted(map(str, [ann, bob, bob, None]))


def test_a_job_under_several_limits_needs_a_unit_of_each(queue, tenants):
    limit(queue, "name:youtube", 2)
    limit(queue, "tenant:ann", 1)
    ann, bob, _ = tenants
    first = queue.add(tenant_id=ann, limits=["youtube"])
    second = queue.add(tenant_id=ann, limits=["youtube"])
    other = queue.add(tenant_id=bob, limits=["youtube"])
    third = queue.add(tenant_id=bob, limits=["youtube"])
    queue.worker()
    one, two = queue.claim(limit=10)
    assert {one.job_id, two.job_id} == {first, other}
    queue.complete(two if two.job_id == other else one)
    assert [job.job_id for job in queue.claim(limit=10)] == [third], "ann's second job waits for ann, not in youtube's way"
    queue.complete(one if one.job_id == first else two)
    assert [job.job_id for job in queue.claim(limit=10)] == [second]


def test_named_limits_of_a_type_hold_for_all_its_jobs(queue):
    queue.conn.execute("update queue.job_types set limits = '{licence}' where job_type = 'no_op'")
    limit(queue, "name:licence", 1)
    queue.add(), queue.add()
    queue.worker()
    assert len(queue.claim(limit=10)) == 1


def test_what_waits_enters_by_urgency(queue):
    limit(queue, "type:no_op", 1)
    queue.add()
    queue.take()
    late, urgent = queue.add(priority=9), queue.add(priority=1)
    queue.conn.execute("select queue.cancel_job(job_id) from queue.leases")
    queue.fail(queue.rows("select job_id, token from queue.leases")[0], "cancelled")
    assert [job.job_id for job in queue.claim(limit=10)] == [urgent]
    assert queue.place(late) == "parked"


def test_a_limit_that_comes_later_counts_what_runs_and_meets_what_is_ready(queue):
    jobs = [queue.add() for _ in range(5)]
    running = [queue.take(), queue.take()]
    limit(queue, "type:no_op", 3)
    assert [job.job_id for job in queue.claim(limit=10)] == [jobs[2]]
    assert limits(queue) == {"type:no_op": (3, 2)}
    for job in running:
        queue.complete(job)
    assert [job.job_id for job in queue.claim(limit=10)] == jobs[3:]


def test_a_raised_limit_and_a_dropped_one_let_jobs_in(queue):
    limit(queue, "type:no_op", 1)
    jobs = [queue.add() for _ in range(5)]
    queue.take()
    limit(queue, "type:no_op", 3)
    assert [job.job_id for job in queue.claim(limit=10)] == jobs[1:3]
    queue.conn.execute("select queue.drop_limit('type:no_op')")
    assert [job.job_id for job in queue.claim(limit=10)] == jobs[3:]
    assert limits(queue) == {}


def test_a_lower_limit_stops_nothing_but_lets_nothing_in(queue):
    limit(queue, "type:no_op", 3)
    jobs = [queue.add() for _ in range(4)]
    queue.worker()
    taken = queue.claim(limit=10)
    limit(queue, "type:no_op", 1)
    for job in taken[:2]:
        queue.complete(job)
        assert queue.claim(limit=10) == []
    queue.complete(taken[2])
    assert [job.job_id for job in queue.claim(limit=10)] == jobs[3:]


def test_a_tenants_own_limit_gives_way_to_the_common_one(queue, tenants):
    limit(queue, "tenant:*", 2)
    limit(queue, "tenant:ann", 1)
    for _ in range(4):
        queue.add(tenant_id=tenants[0])
    queue.worker()
    assert len(queue.claim(limit=10)) == 1
    queue.conn.execute("select queue.drop_limit('tenant:ann')")
    assert len(queue.claim(limit=10)) == 1
    queue.conn.execute("select queue.drop_limit('tenant:*')")
    assert len(queue.claim(limit=10)) == 2


def test_units_in_the_hands_of_a_claim_count_when_it_makes_the_row_of_a_limit(queue, tenants):
    """The claim meets a job with a permit of a row that was dropped, then one without: the second makes the row anew."""
    limit(queue, "tenant:ann", 5)
    first = queue.add(tenant_id=tenants[0])
    queue.conn.execute("select queue.admit_parked(), queue.drop_limit('tenant:ann'), queue.admit_parked()")
    second = queue.add(tenant_id=tenants[0])
    limit(queue, "tenant:*", 5)
    queue.worker()
    assert [job.job_id for job in queue.claim(limit=10)] == [first, second]
    assert limits(queue)[f"tenant:{tenants[0]}"] == (2, 0)
    assert queue.violations() == []


def test_cancelling_what_waits_or_is_ready_frees_its_place(queue):
    limit(queue, "type:no_op", 1)
    first, second, third = queue.add(), queue.add(), queue.add()
    queue.worker()
    queue.conn.execute("select queue.admit_parked()")
    assert [queue.place(job) for job in (first, second)] == ["ready", "parked"]
    queue.conn.execute("select queue.cancel_job(%s), queue.cancel_job(%s)", (first, second))
    assert [job.job_id for job in queue.claim(limit=10)] == [third]


def test_an_open_transaction_that_enqueues_holds_up_nobody(queue, connect):
    """Enqueueing and settling only append; the limit's row is locked by claims alone, and skipped when it is."""
    limit(queue, "type:no_op", 1)
    queue.add(), queue.add()
    job = queue.take()
    other = Queue(connect())
    other.conn.execute("set lock_timeout = '2s'")
    with queue.transaction():
        queue.add()
        other.complete(job)
        assert len(other.claim("w1", 10)) == 1


def test_a_gate_that_another_session_looks_at_is_passed_over(queue, connect):
    limit(queue, "type:no_op", 1)
    first = queue.add()
    queue.worker()
    other = Queue(connect())
    other.conn.execute("set lock_timeout = '2s'")
    with queue.transaction():
        queue.conn.execute("select from queue.limits for update")
        assert other.claim("w1", 10) == []
    assert [job.job_id for job in other.claim("w1", 10)] == [first], "the event stayed for the next look"


@pytest.mark.parametrize(
    ("key", "most", "expected"),
    [
        ("type:no_op", 0, "RQ008"), ("type:no_op", -1, "RQ008"), ("type:no_op", None, "RQ008"), ("type:nope", 1, "RQ003"),
        ("tenant:nobody", 1, "RQ004"), ("host:x", 1, "RQ008"), ("name:Has Space", 1, "RQ008"), (None, 1, "RQ008"), ("no_op", 1, "RQ008"),
    ],
)  # fmt: skip
def test_nonsense_is_refused(queue, key, most, expected):
    with pytest.raises(psycopg.Error) as error:
        limit(queue, key, most)
    assert code(error) == expected


def test_dropping_what_is_not_there_and_bad_names_are_refused(queue):
    with pytest.raises(psycopg.Error) as error:
        queue.conn.execute("select queue.drop_limit('type:no_op')")
    assert code(error) == "RQ004"
    with pytest.raises(psycopg.Error) as error:
        queue.add(limits=["Has Space"])
    assert code(error) == "RQ008"


BACKLOG = "select count(*) from queue.enqueue_jobs((select jsonb_agg(%s::jsonb) from generate_series(1, %s)))"


@pytest.mark.parametrize("slots", [1, 10])
@pytest.mark.parametrize("key", ["type:no_op", "name:licence", "tenant:*"])
def test_a_limit_set_on_a_backlog_lets_in_as_many_as_it_allows_at_the_next_claims(queue, tenants, key, slots):
    """However long the backlog is: one that held no permit yet must not come behind all that have none."""
    queue.value(BACKLOG, Jsonb({"job_type": "no_op", "tenant_id": str(tenants[0]), "limits": ["licence"]}), 3000)
    queue.worker()
    limit(queue, key, 4)
    taken = queue.claim(limit=slots)
    assert len(taken) == min(slots, 4)
    assert queue.value("select count(*) from queue.parked") < 1200, "the backlog is not gone through for that"
    taken += [job for _ in range(6 // slots) for job in queue.claim(limit=slots)]
    assert len(taken) == 4
    for _ in range(4):  # and so it goes on
        queue.complete(taken.pop())
        more = queue.claim(limit=slots)
        assert len(more) == 1
        taken += more


def test_a_claim_with_bounds_finds_those_too(queue):
    queue.value(BACKLOG, Jsonb({"job_type": "no_op"}), 1500)
    queue.worker()
    taken = queue.claim(limit=3)
    limit(queue, "type:no_op", 4)
    for job in taken:
        last = taken[-1]
        queue.complete(job)
        bounds = [last.lane], [last.fair_key], [last.seq]
        taken += (more := queue.claim("w1", 10, *bounds))
        assert len(more) == (2 if job is taken[0] else 1)
        if len(taken) > 20:
            break


def test_what_no_gate_holds_is_found_behind_a_backlog_that_one_holds(queue, tenants):
    queue.value(BACKLOG, Jsonb({"job_type": "no_op", "limits": ["licence"]}), 5000)
    free = [queue.add() for _ in range(3)]
    queue.worker()
    limit(queue, "name:licence", 1)
    (held,) = queue.claim(limit=1)
    found = [job.job_id for _ in range(5) for job in queue.claim(limit=3)]
    assert found == free and held.job_id not in free


def test_a_job_is_under_twenty_limits_at_most(queue, tenants):
    """Each claim looks at each of them, whoever named them."""
    words = [f"w{number}" for number in range(21)]
    assert len(queue.job(queue.add(limits=words[:20])).limits) == 20
    specs = Jsonb([{"job_type": "no_op", "limits": words}])
    for call, value in (
        ("select queue.enqueue_job('no_op', limits => %s)", words), ("insert into queue.processing_jobs (job_type, limits) values ('no_op', %s)", words),
        ("select * from queue.enqueue_jobs(%s)", specs), ("update queue.job_types set limits = %s where job_type = 'no_op'", words),
        ("select * from queue.sync_job_type('shout', %s)", Jsonb({"description": "Shout.", "limits": words})),
    ):  # fmt: skip
        with pytest.raises(psycopg.Error, match="limits.* must be at most 20 words, not 21") as error:
            queue.conn.execute(call, [value])
        assert code(error) == "RQ008"
    queue.conn.execute("update queue.job_types set limits = %s where job_type = 'no_op'", [words[:15]])
    assert len(queue.job(queue.add(limits=words[10:20])).limits) == 20
    with pytest.raises(psycopg.Error, match="at most 20 words with those of its type, not 21") as error:
        queue.add(limits=words[15:])
    assert code(error) == "RQ008"
