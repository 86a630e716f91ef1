"""Who of those that wait behind a limit comes next: tenants by turns within a priority, and nobody twice to the end of the line."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from psycopg.types.json import Jsonb

from tests.sql.queuekit import Queue

BACKLOG = "select count(*) from queue.enqueue_jobs((select jsonb_agg(%s::jsonb) from generate_series(1, %s)))"


@pytest.fixture
def queue(conn):
    queue = Queue(conn)
    queue.worker()
    return queue


@pytest.fixture
def tenants(queue):
    """Ids of three tenants."""
    return [queue.value("select identity.create_tenant(%s)", name) for name in ("ann", "bob", "cid")]


def limit(queue: Queue, key: str, most: int) -> None:
    queue.conn.execute("select queue.set_limit(%s, %s)", (key, most))


def enqueue(queue: Queue, count: int, **spec: Any) -> None:
    queue.value(BACKLOG, Jsonb({"job_type": "no_op", **spec}), count)


def serve(queue: Queue, count: int) -> list[Any]:
    """One after the other, each when the one before has ended."""
    served = []
    for _ in range(count):
        (job,) = queue.claim(limit=10)
        queue.complete(job)
        served.append(job)
    return served


def whose(tenants: list[UUID], jobs: list[Any]) -> str:
    """The initials of the tenants, in the order of their jobs."""
    return "".join("abc"[tenants.index(job.tenant_id)] for job in jobs)


def occupy(queue: Queue, key: str = "type:no_op", **named: Any) -> Any:
    """Limit something to one at a time, and have one run."""
    limit(queue, key, 1)
    queue.add(priority=1, **named)
    (job,) = queue.claim(limit=10)
    return job


@pytest.mark.parametrize("key", ["type:no_op", "name:shared"])
def test_a_huge_backlog_of_one_tenant_holds_up_nobodys_one_job(queue, tenants, key):
    ann, bob, _ = tenants
    first = occupy(queue, key, limits=["shared"])
    enqueue(queue, 300, tenant_id=str(ann), limits=["shared"])
    enqueue(queue, 2, tenant_id=str(bob), limits=["shared"])
    queue.complete(first)
    assert whose(tenants, serve(queue, 6)) == "ababaa"


def test_tenants_whose_jobs_come_one_by_one_take_turns(queue, tenants):
    ann, bob, _ = tenants
    first = occupy(queue)
    for tenant in (ann, ann, ann, ann, bob, bob):
        queue.add(tenant_id=tenant)
    queue.complete(first)
    assert whose(tenants, serve(queue, 6)) == "ababaa"


def test_a_tenant_that_was_idle_comes_in_where_the_limit_is_now_and_makes_up_for_nothing(queue, tenants):
    ann, bob, _ = tenants
    first = occupy(queue)
    enqueue(queue, 40, tenant_id=str(ann))
    queue.complete(first)
    assert whose(tenants, serve(queue, 20)) == 20 * "a"
    enqueue(queue, 6, tenant_id=str(bob))
    assert whose(tenants, serve(queue, 8)) in {"abababab", "babababa", "aabababa"}


def test_a_tenant_of_weight_two_gets_two_turns(queue, tenants):
    ann, bob, _ = tenants
    queue.conn.execute("update identity.tenants set job_weight = 2 where id = %s", [ann])
    first = occupy(queue)
    for tenant in (ann, bob):
        enqueue(queue, 20, tenant_id=str(tenant))
    queue.complete(first)
    assert whose(tenants, serve(queue, 9)).count("a") == 6


def test_turns_are_within_a_priority(queue, tenants):
    ann, bob, cid = tenants
    first = occupy(queue)
    enqueue(queue, 2, tenant_id=str(bob), priority=6)
    enqueue(queue, 3, tenant_id=str(ann), priority=5)
    enqueue(queue, 2, tenant_id=str(cid), priority=4)
    queue.complete(first)
    assert whose(tenants, serve(queue, 7)) == "ccaaabb"


def test_an_hour_of_waiting_is_worth_a_priority(queue, tenants, clock):
    ann, bob, cid = tenants
    first = occupy(queue)
    queue.add(tenant_id=ann, priority=7)
    clock.forward(timedelta(minutes=61))
    queue.add(tenant_id=bob, priority=6)
    queue.add(tenant_id=cid, priority=5)
    queue.worker()
    queue.complete(first)
    assert whose(tenants, serve(queue, 3)) == "cab"


@pytest.mark.parametrize("most", [1, 7, 60])
def test_many_permits_at_once_go_by_the_same_order_as_one_by_one(queue, tenants, clock, most):
    """Of several priorities the one whose first job is most urgent comes next, whatever the number."""
    first = occupy(queue)
    expected: dict[int, list[tuple[float, UUID]]] = {}
    for number in range(20):
        clock.forward(timedelta(minutes=17))
        priority = (5, 6, 5, 8)[number % 4]
        job = queue.add(tenant_id=tenants[0 if number < 10 else 1 + number // 2 % 2], priority=priority)
        expected.setdefault(priority, []).append((clock.now().timestamp() + 3600 * priority, job))
    rows = queue.rows("select job_id, priority, rank from queue.parked order by priority, fair_key, seq")
    lines = {priority: [(row.rank, row.job_id) for row in rows if row.priority == priority] for priority in expected}
    assert {priority: sorted(line) for priority, line in lines.items()} == {priority: sorted(line) for priority, line in expected.items()}
    order = []
    while any(lines.values()):
        priority = min((line[0][0], priority) for priority, line in lines.items() if line)[1]
        order.append(lines[priority].pop(0)[1])
    queue.worker()
    queue.complete(first)
    queue.conn.execute("update queue.limits set max_running = %s", [most])
    served: list[UUID] = []
    while len(served) < 20:
        queue.conn.execute("select queue.admit_parked()")
        entered = [row.job_id for row in queue.rows("select job_id from queue.ready order by seq")]
        assert len(entered) == min(most, 20 - len(served))
        served += entered
        queue.conn.execute("select queue.cancel_job(job_id) from queue.ready")
    assert served == order


def test_who_goes_from_one_limit_to_the_next_does_not_wait_for_its_tenants_backlog_again(queue, tenants):
    """A job under two limits comes to the head of each; behind the second one it is before those of its tenant that came there later."""
    ann, bob, _ = tenants
    limit(queue, "name:a", 1)
    limit(queue, "name:b", 1)
    busy = queue.add(limits=["b"])
    assert [job.job_id for job in queue.claim(limit=10)] == [busy]
    enqueue(queue, 50, tenant_id=str(ann), limits=["b"])
    enqueue(queue, 3, tenant_id=str(bob), limits=["b"])
    both = queue.add(tenant_id=ann, limits=["a", "b"])
    assert queue.claim(limit=10) == []
    assert queue.value("select gate from queue.parked where job_id = %s", both) == "name:b"
    (held,) = queue.rows("select job_id, token from queue.leases")
    queue.complete(held)
    served = serve(queue, 6)
    assert both in [job.job_id for job in served]
    assert whose(tenants, served).count("b") >= 2, "and bob's turns are not taken for it"


def test_what_a_session_holds_keeps_no_other_priority_waiting(queue, tenants, connect):
    """The first one's record is held, as by who enqueues a job that waits for it: the permit goes to the next, of whatever priority."""
    first = occupy(queue)
    urgent = queue.add(tenant_id=tenants[0], priority=1)
    other = queue.add(tenant_id=tenants[1], priority=9)
    session = Queue(connect())
    with session.transaction():
        session.add(depends_on=[urgent])
        queue.complete(first)
        (job,) = queue.claim(limit=10)
        assert job.job_id == other
    queue.complete(job)
    assert [job.job_id for job in queue.claim(limit=10)] == [urgent]


def test_a_limit_that_is_dropped_and_set_anew_does_not_let_the_new_ones_before_the_old(queue, tenants):
    ann, bob, _ = tenants
    first = occupy(queue)
    enqueue(queue, 30, tenant_id=str(ann))
    queue.complete(first)
    serve(queue, 10)
    with queue.transaction():  # before any claim sees it
        queue.conn.execute("select queue.drop_limit('type:no_op')")
        limit(queue, "type:no_op", 1)
    enqueue(queue, 20, tenant_id=str(bob))
    assert whose(tenants, serve(queue, 10)).count("a") >= 4


def test_a_new_priority_is_a_place_in_another_line(queue, tenants):
    ann, bob, _ = tenants
    first = occupy(queue)
    enqueue(queue, 5, tenant_id=str(ann))
    late = queue.add(tenant_id=bob, priority=9)
    queue.conn.execute("select queue.reprioritise_job(%s, 2)", [late])
    assert queue.violations() == []
    queue.complete(first)
    assert serve(queue, 1)[0].job_id == late


@pytest.mark.parametrize("key", ["type:no_op", "name:shared", "tenant:*", "tenant:ann"])
def test_a_limit_set_on_a_backlog_turns_no_priorities_round(queue, tenants, key):
    """What comes after the limit is parked at once; what was there before it and is more urgent comes first all the same."""
    ann = str(tenants[0])
    for priority, count in ((6, 1100), (3, 100), (4, 2)):
        enqueue(queue, count, priority=priority, tenant_id=ann, limits=["shared"])
    limit(queue, key, 50)
    enqueue(queue, 10, priority=8, tenant_id=ann, limits=["shared"])
    newest = queue.add(priority=2, tenant_id=ann, limits=["shared"])
    taken = queue.claim(limit=50)
    assert [job.priority for job in taken] == [2] + 49 * [3] and taken[0].job_id == newest
    served = []
    while taken:
        served += [job.priority for job in taken]
        queue.conn.execute("select queue.complete_job(job_id, token, '{}') from queue.leases")
        taken = queue.claim(limit=50)
    assert served == sorted(served) and len(served) == 1213
    assert queue.value("select count(*) from queue.limits where backlog") == 0


def test_the_oldest_of_a_backlog_are_not_overtaken_by_new_ones_of_their_tenant(queue, tenants):
    ann = str(tenants[0])
    enqueue(queue, 1500, tenant_id=ann)
    limit(queue, "type:no_op", 1)
    new = {queue.add(tenant_id=ann) for _ in range(20)}
    assert len([job for job in serve(queue, 20) if job.job_id in new]) <= 10, "turn by turn at most"


def test_a_session_that_does_nothing_keeps_no_permit_of_a_ready_job(queue, tenants, connect, clock):
    """An application has enqueued a job that waits for a ready one, and sleeps: claims pass that over, and another gets the permit."""
    ann, bob, _ = tenants
    limit(queue, "type:no_op", 1)
    held = queue.add(tenant_id=ann)
    queue.conn.execute("select queue.admit_parked()")
    assert queue.place(held) == "ready"
    other = queue.add(tenant_id=bob)
    session = Queue(connect())
    with session.transaction():
        child = session.add(tenant_id=ann, depends_on=[held])
        assert queue.claim(limit=10) == []
        clock.forward(timedelta(seconds=11))
        queue.worker()
        (job,) = queue.claim(limit=10)
        assert job.job_id == other and queue.place(held) == "parked"
        assert queue.violations() == []
        assert queue.claim(limit=10) == []
    queue.complete(job)
    assert [job.job_id for job in serve(queue, 2)] == [held, child]
    assert queue.violations() == []


def test_what_nobody_holds_keeps_its_permit_however_long_it_is_ready(queue, clock):
    limit(queue, "type:no_op", 2)
    ready = [queue.add(), queue.add()]
    queue.conn.execute("select queue.admit_parked()")
    before = queue.rows("select * from queue.ready order by seq")
    assert [row.job_id for row in before] == ready
    clock.forward(timedelta(minutes=5))
    queue.worker("other", types=["finish_video"])
    assert queue.claim("other", 10) == []
    assert queue.rows("select * from queue.ready order by seq") == before


def test_a_session_that_cancels_and_sleeps_is_waited_for(queue, connect, clock):
    """Nobody knows whether it will commit: the permit is the job's until then. See docs/design/locks.md."""
    limit(queue, "type:no_op", 1)
    held, other = queue.add(), queue.add()
    queue.conn.execute("select queue.admit_parked()")
    session = Queue(connect())
    with session.transaction():
        session.conn.execute("select queue.cancel_job(%s)", [held])
        clock.forward(timedelta(seconds=11))
        queue.worker()
        assert queue.claim(limit=10) == []
    assert [job.job_id for job in queue.claim(limit=10)] == [other]
