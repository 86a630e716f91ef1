"""Turns between tenants, turns of heavy jobs, and notifications that do not storm."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest

from tests.patience import QUICK_S
from tests.sql.queuekit import Queue


@pytest.fixture
def queue(conn):
    return Queue(conn)


@pytest.fixture
def tenants(queue):
    """Ids of two tenants of weight 1 and one of weight 2."""
    ids = [queue.value("select identity.create_tenant(%s)", name) for name in ("ann", "bob", "cid")]
    queue.conn.execute("update identity.tenants set job_weight = 2 where slug = 'cid'")
    return ids


def add_many(queue, tenant, count, **named):
    specs = "select jsonb_agg(jsonb_build_object('job_type', 'no_op', 'tenant_id', %s::uuid)) from generate_series(1, %s)"
    return [row.job_id for row in queue.rows(f"select * from queue.enqueue_jobs(({specs}))", tenant, count)]


def served(queue, count, clock=None):
    """Whose jobs the next claims take, one at a time."""
    order = []
    for _ in range(count):
        (job,) = queue.claim(limit=1)
        order.append(job.tenant_id)
        queue.complete(job)
        if clock:
            clock.forward(timedelta(seconds=1))
    return order


def test_tenants_take_turns_however_much_one_has_queued(queue, tenants):
    ann, bob, _ = tenants
    add_many(queue, ann, 50)
    add_many(queue, bob, 3)
    queue.worker()
    assert served(queue, 6).count(bob) == 3


def test_tenants_whose_jobs_come_one_by_one_take_turns(queue, tenants):
    ann, bob, _ = tenants
    for tenant in [ann] * 10 + [bob] * 3:
        queue.add(tenant_id=tenant)
    queue.worker()
    assert served(queue, 6).count(bob) == 3


def test_a_tenant_that_was_idle_comes_in_where_the_lane_is_now(queue, tenants, clock):
    """It neither waits behind the backlog of others nor makes up for the time when it asked for nothing."""
    ann, bob, _ = tenants
    clock.set(queue.value("select now()"))
    add_many(queue, ann, 100)
    queue.worker()
    served(queue, 20, clock)
    add_many(queue, bob, 20)
    assert 9 <= served(queue, 20, clock).count(bob) <= 11


def test_a_tenant_of_weight_two_gets_two_turns(queue, tenants, clock):
    ann, bob, cid = tenants
    clock.set(queue.value("select now()"))
    for tenant in tenants:
        add_many(queue, tenant, 40)
    queue.worker()
    order = served(queue, 40, clock)
    assert [order.count(one) for one in (ann, bob, cid)] == [10, 10, 20]


def test_fairness_is_within_a_priority(queue, tenants):
    ann, bob, _ = tenants
    first = [queue.add(tenant_id=ann, priority=1) for _ in range(3)]
    queue.add(tenant_id=bob, priority=2)
    queue.worker()
    assert [queue.claim(limit=1)[0].job_id for _ in first] == first


def test_lanes_of_equal_urgency_are_served_by_age_of_their_heads(queue, tenants, clock):
    """A lane that has been served a lot is not put behind one that is new."""
    clock.set(queue.value("select now()"))
    queue.worker()
    add_many(queue, tenants[0], 10)
    served(queue, 8, clock)
    clock.forward(timedelta(seconds=1))
    queue.add("finish_video", priority=5)
    assert [queue.claim(limit=1)[0].job_type for _ in range(3)] == ["no_op", "no_op", "finish_video"]


def heavy(queue):
    queue.conn.execute("update queue.job_types set weight = 4 where job_type = 'video_transcode'")
    return queue.add("video_transcode")


def test_a_heavy_job_that_has_waited_gets_the_slots_of_one_worker(queue, clock):
    clock.set(queue.value("select now()"))
    queue.conn.execute("select queue.register_worker(w, 'host', 1, '0', 'pool', 4) from unnest(array['w1', 'w2']) as w")
    big = heavy(queue)
    clock.forward(timedelta(seconds=1))
    small = [queue.add() for _ in range(6)]
    (light,) = queue.claim("w1", 1)
    assert light.job_id == small[0], "at first nobody waits for it"
    queue.conn.execute("update queue.leases set expires_at = base.clock() + interval '150 seconds'")
    clock.forward(timedelta(minutes=2))
    assert queue.claim("w1", 3) == [], "now one worker keeps its slots free"
    assert len(queue.claim("w2", 3)) == 3, "and the others go on"
    queue.complete(light)
    assert [job.job_id for job in queue.claim("w1", 4)] == [big]


def test_what_is_more_urgent_than_a_heavy_job_does_not_wait_for_it(queue, clock):
    clock.set(queue.value("select now()"))
    queue.conn.execute("select queue.register_worker('w1', 'host', 1, '0', 'pool', 4)")
    heavy(queue)
    clock.forward(timedelta(minutes=2))
    urgent = queue.add(priority=1)
    assert [job.job_id for job in queue.claim("w1", 3)] == [urgent]


def test_a_worker_too_small_for_a_heavy_job_goes_on(queue, clock):
    clock.set(queue.value("select now()"))
    queue.conn.execute("select queue.register_worker('w1', 'host', 1, '0', 'pool', 2)")
    heavy(queue)
    clock.forward(timedelta(minutes=2))
    queue.add()
    assert len(queue.claim("w1", 2)) == 1


def notices(conn):
    """All that was sent before now: a mark of our own comes after it."""
    conn.execute("notify reelq_ready, 'the mark'")
    heard: list[str] = []
    for note in conn.notifies(timeout=QUICK_S):
        if note.payload == "the mark":
            return heard
        heard.append(note.payload)
    raise AssertionError("our own notification never came")


@pytest.fixture
def sleeper(queue, connect):
    """A connection that hears what a sleeping worker would."""
    listening = connect()
    listening.execute("listen reelq_ready")
    queue.worker()
    queue.conn.execute("select queue.set_worker_listening('w1')")
    return listening


def test_one_statement_notifies_a_type_once(queue, sleeper):
    queue.conn.execute("insert into queue.processing_jobs (job_type) select 'no_op' from generate_series(1, 100)")
    assert notices(sleeper) == ["no_op"]


def test_a_storm_of_single_inserts_notifies_now_and_then(queue, sleeper):
    before = queue.value("select clock_timestamp()")
    for _ in range(200):
        queue.add()
    took_ms = (queue.value("select clock_timestamp()") - before) / timedelta(milliseconds=1)
    assert 1 <= len(notices(sleeper)) <= 2 + took_ms / 20, "one in 20 ms, not one for each insert"


def test_types_do_not_silence_one_another(queue, sleeper):
    for job_type in ("no_op", "finish_video", "no_op", "extract_metadata"):
        queue.add(job_type)
    assert {"no_op", "finish_video", "extract_metadata"} <= set(notices(sleeper))


def test_nobody_is_notified_while_nobody_sleeps(queue, sleeper):
    queue.conn.execute("select queue.set_worker_busy('w1')")
    queue.add()
    assert notices(sleeper) == []


def test_whole_batches_count_against_slots(queue):
    """Twenty jobs for one slot: a claim of two slots takes forty."""
    queue.conn.execute("update queue.job_types set batch = 20 where job_type = 'no_op'")
    for _ in range(50):
        queue.add()
    queue.worker()
    assert [len(queue.claim(limit=2)), len(queue.claim(limit=2))] == [40, 10]


def test_reprioritise_moves_a_job_in_the_line_or_behind_its_gate(queue):
    first, second = queue.add(), queue.add()
    queue.conn.execute("select queue.reprioritise_job(%s, 1)", (second,))
    assert queue.take().job_id == second
    queue.conn.execute("select queue.set_limit('type:no_op', 1)")
    third = queue.add()
    assert queue.claim(limit=1) == []
    queue.conn.execute("select queue.reprioritise_job(%s, 1)", (third,))
    assert (queue.place(first), queue.place(third)) == ("parked", "parked")
    (running,) = queue.rows("select job_id, token from queue.leases")
    queue.complete(running)
    assert queue.take().job_id == third


@pytest.mark.parametrize("place", ["scheduled", "blocked", "running"])
def test_reprioritise_counts_when_the_job_becomes_ready(queue, place):
    job = queue.add(scheduled_for=queue.value("select base.clock() + interval '1 hour'")) if place == "scheduled" else queue.add()
    if place == "blocked":
        job = queue.add(depends_on=[job])
    if place == "running":
        queue.take()
    queue.conn.execute("select queue.reprioritise_job(%s, 1)", (job,))
    assert (queue.job(job).priority, queue.place(job)) == (1, place)


@pytest.mark.parametrize(("priority", "expected"), [(0, "RQ008"), (11, "RQ008"), (None, "RQ008"), (1, "RQ009")])
def test_reprioritise_refuses_nonsense_and_what_is_over(queue, priority, expected):
    queue.add()
    job = queue.take()
    queue.complete(job)
    with pytest.raises(psycopg.Error) as error:
        queue.conn.execute("select queue.reprioritise_job(%s, %s)", (job.job_id, priority))
    assert (error.value.sqlstate, bool(error.value.diag.message_hint)) == (expected, True)


def test_a_host_is_drained_as_a_whole(queue):
    queue.worker("w1"), queue.worker("w2")
    assert queue.value("select queue.drain_host('host')") == 2
    queue.add()
    assert queue.claim("w1") == queue.claim("w2") == []
    assert queue.value("select queue.drain_host('host', false)") == 2
    assert len(queue.claim("w2")) == 1
    with pytest.raises(psycopg.Error) as error:
        queue.value("select queue.drain_host('nowhere')")
    assert error.value.sqlstate == "RQ004"
