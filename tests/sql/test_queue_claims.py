"""Claims: which job comes next, for whom, and what is refused."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest

from tests.sql.queuekit import Queue

LEASE = timedelta(seconds=60)  # of no_op, from sql/data


@pytest.fixture
def queue(conn):
    return Queue(conn)


def code(error) -> str:
    assert error.value.diag.message_hint, "a refusal says what to do"
    return error.value.sqlstate


def test_a_claim_leases_the_job_and_says_all_that_the_worker_needs(queue, clock):
    now = clock.set("2026-03-01 12:00:00+00")
    job = queue.add(job_data={"a": 1})
    taken = queue.take()
    assert (taken.verdict, taken.job_id, taken.token, taken.job_data) == ("claimed", job, 1, {"a": 1})
    (lease,) = queue.rows("select * from queue.leases")
    assert (lease.worker_id, lease.token, lease.expires_at) == ("w1", 1, now + LEASE)
    assert queue.status(job) == "running"


@pytest.mark.parametrize("count", [2, 10, 11, 25])
def test_few_and_many_jobs_are_leased_alike(queue, count):
    """Up to ten jobs are started by another statement than more of them."""
    queue.conn.execute("select queue.set_limit('name:disk', 100)")
    for n in range(count):
        queue.add(priority=1 + n % 3, limits=["disk"] if n % 2 else [])
    queue.value("select queue.admit_parked()")
    queue.worker()
    ready = {row.job_id: row for row in queue.rows("select * from queue.ready")}
    (kind,) = queue.rows("select * from queue.job_types where job_type = 'no_op'")
    taken = queue.claim("w1", 30)
    assert len(taken) == len(ready) == count
    assert [row.priority for row in taken] == sorted(row.priority for row in taken)
    leases = {row.job_id: row for row in queue.rows("select * from queue.leases")}
    for row in taken:
        stood, job, lease = ready[row.job_id], queue.job(row.job_id), leases.pop(row.job_id)
        assert (row.verdict, row.token, row.lane, row.fair_key, row.seq) == ("claimed", 1, stood.lane, stood.fair_key, stood.seq)
        assert (row.ready_at, row.lease, row.batch, row.time_limit) == (stood.ready_at, kind.lease, kind.batch, kind.time_limit)
        assert {name: getattr(row, name) for name in row._fields if hasattr(job, name)} == {
            name: getattr(job, name) for name in row._fields if hasattr(job, name)
        }
        assert (job.status, job.worker_id, job.started_at, job.status_changed_at) == ("running", "w1", lease.started_at, job.updated_at)
        assert (lease.token, lease.worker_id, lease.job_type, lease.limits) == (1, "w1", "no_op", stood.limits)
        assert lease.expires_at - lease.started_at == kind.lease
    assert leases == {}


def test_priority_decides_then_the_order_of_becoming_ready(queue):
    late, first, second = queue.add(priority=9), queue.add(priority=1), queue.add(priority=1)
    queue.worker()
    assert [queue.claim()[0].job_id for _ in range(3)] == [first, second, late]


def test_types_of_equal_priority_are_served_in_turn(queue):
    video = queue.value("select media.create_video('/a.mp4')")
    jobs = [queue.add(kind, video_id=video, priority=5) for kind in ("no_op", "extract_metadata") * 3]
    queue.worker()
    assert [queue.claim()[0].job_id for _ in jobs] == jobs


def test_a_batch_takes_from_every_lane(queue):
    jobs = {queue.add(kind, priority=5) for kind in ("no_op", "video_transcode") * 3}
    queue.worker()
    assert {job.job_id for job in queue.claim(limit=10)} == jobs


def test_an_old_job_of_low_priority_gets_its_turn(queue, clock):
    clock.set("2026-03-01 12:00:00+00")
    old = queue.add(priority=10)
    clock.forward(timedelta(hours=6))
    queue.add(priority=5)
    assert queue.take().job_id == old


def test_a_worker_takes_only_its_types_and_what_it_is_capable_of(queue):
    queue.conn.execute("update queue.job_types set needs = '{av1}' where job_type = 'video_transcode'")
    plain, needy = queue.add(), queue.add("video_transcode")
    queue.worker("probes", types=["extract_metadata"])
    queue.worker("plain")
    queue.worker("able", types=["video_transcode"], capabilities=["gpu", "av1"])
    assert queue.claim("probes", 5) == []
    assert [job.job_id for job in queue.claim("plain", 5)] == [plain]
    assert [job.job_id for job in queue.claim("able", 5)] == [needy]


def test_weight_counts_against_the_slots_asked_for(queue):
    queue.conn.execute("update queue.job_types set weight = 3 where job_type = 'video_transcode'")
    for _ in range(3):
        queue.add("video_transcode")
    queue.worker()
    assert queue.claim(limit=2) == []
    assert len(queue.claim(limit=7)) == 2


def test_lower_bounds_skip_what_was_taken_and_a_full_look_finds_what_came_back(queue):
    queue.add()
    job = queue.take()
    bounds = [job.lane], [job.fair_key], [job.seq]
    later = queue.add()
    queue.conn.execute("select queue.release_job(%s, %s, 'drain')", (job.job_id, job.token))
    assert [taken.job_id for taken in queue.claim("w1", 1, *bounds)] == [later]
    assert [taken.job_id for taken in queue.claim("w1", 1)] == [job.job_id]

def test_what_comes_after_a_claim_that_took_all_there_was_is_found_above_its_bounds(queue, clock):
    """A claim that came up with exactly what it asked for, and one that came up short, within a quarter of a second of another."""
    clock.set(queue.value("select now()"))
    queue.worker()
    for asked, there in ((4, 4), (4, 3)):
        queue.add()
        (first,) = queue.claim(limit=1)  # this one moves the clock of the lane
        jobs = [queue.add() for _ in range(there)]
        taken = queue.claim("w1", asked, [first.lane], [first.fair_key], [first.seq])
        assert [job.job_id for job in taken] == jobs
        later = queue.add()
        last = taken[-1]
        assert [job.job_id for job in queue.claim("w1", 1, [last.lane], [last.fair_key], [last.seq])] == [later]


@pytest.mark.parametrize(
    "call",
    [
        "select * from queue.claim_jobs('w1', -1)",
        "select queue.settle_jobs('w1', '{}')",
        "select queue.heartbeat('w1', '{}')",
        "select queue.rescue_expired(0)",
        "select queue.promote_due(0)",
        "select queue.rates('0')",
        "select queue.list_jobs('no such')",
        "select queue.list_jobs(p_limit => 0)",
        "select queue.register_worker('w2', 'h', 1, '', 'p', 0)",
        "select queue.register_worker('w2', 'h', 1, '', 'p', 1, '{}')",
        "select queue.register_worker('', 'h', 1, '', 'p', 1)",
    ],
)
def test_functions_refuse_nonsense(queue, call):
    queue.worker()
    with pytest.raises(psycopg.Error) as error:
        queue.conn.execute(call)
    assert code(error) == "RQ008"


def test_who_is_not_registered_cannot_claim_or_beat(queue):
    queue.worker("gone")
    queue.conn.execute("select queue.deregister_worker('gone')")
    for name in ("stranger", "gone"):
        for call in ("select queue.claim_jobs(%s, 1)", "select queue.heartbeat(%s)"):
            with pytest.raises(psycopg.Error) as error:
                queue.conn.execute(call, (name,))
            assert code(error) == "RQ010"


def test_a_job_type_stays_while_there_are_jobs_of_it(queue):
    queue.add(scheduled_for=queue.value("select base.clock() + interval '1 hour'"))
    with pytest.raises(psycopg.Error) as error:
        queue.conn.execute("delete from queue.job_types where job_type = 'no_op'")
    assert code(error) == "RQ009"
