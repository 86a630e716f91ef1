"""Retries bring back what fell with a job, and lock it in one order (docs/design/locks.md)."""

from __future__ import annotations

from functools import partial

from tests.sql.locks.kit import chain, child, wait_for_others_than
from tests.sql.queuekit import Queue, Race


def test_a_retry_and_an_enqueuer_lock_in_one_order(queue, race, maybe):
    """Of two jobs that fell one after the other the later one has the lower id."""
    top = queue.add()
    low, high = chain(queue, [], [top])
    queue.fail(queue.take(), "permanent")
    with queue.transaction():
        queue.rows("select from queue.processing_jobs where id = %s for share", low)
        retrying = race(lambda q: q.value("select queue.retry_job(%s)", top))
        enqueuing = maybe(lambda q: q.add(depends_on=[low, high]))
    assert retrying.finish() == "queued"
    enqueuing.finish()


def test_a_retry_waits_for_another_that_brings_back_the_same_child(queue, race):
    """Each alone leaves the child to the other, because its other parent is failed still."""
    parents = [queue.add(), queue.add()]
    common = child(queue, *parents)
    for _ in parents:
        queue.fail(queue.take(), "permanent")
    with queue.transaction():
        queue.value("select queue.retry_job(%s)", parents[0])
        late = race(lambda q: q.value("select queue.retry_job(%s)", parents[1]))
    assert late.finish() == "queued"
    assert queue.place(common) == "blocked"


def test_two_retries_lock_in_one_order_what_both_bring_back(queue, connect, race, observer):
    """A child of both comes while they wait. Its third parent has the lowest id: both stop there, each with its own job in hand."""
    jobs = [queue.add() for _ in range(3)]
    low, *roots = jobs
    for job in jobs:
        queue.value("select queue.cancel_job(%s)", job)
    last = Queue(connect())
    with queue.transaction():
        common = queue.add(depends_on=jobs)
        last.conn.execute("begin")
        holding = Race(last, lambda q: q.rows("select from queue.processing_jobs where id = %s for no key update", low))
        holding.start_and_wait_until_blocked(Queue(connect()))
        retrying = [race(lambda q, job=job: q.value("select queue.retry_job(%s)", job)) for job in roots]
    holding.finish()  # or they were first: a row's lock is no queue
    wait_for_others_than(queue, retrying, observer, may_pass=True)
    last.conn.execute("commit")
    assert [call.finish() for call in retrying] == ["queued", "queued"]
    assert queue.status(common) == "failed"  # until the third is retried
    assert queue.value("select queue.retry_job(%s)", low) == "queued"
    assert queue.place(common) == "blocked"


def test_two_retries_do_not_leave_to_each_other_a_child_that_came_meanwhile(queue, connect, observer):
    """Both stay open until each has looked: who looks once does not see that the child came, or that its other parent is retried."""
    roots = [queue.add(), queue.add()]
    for job in roots:
        queue.value("select queue.cancel_job(%s)", job)
    gate, holder = queue.add(), Queue(connect())
    holder.conn.execute("begin")
    holder.rows("select from queue.processing_jobs where id = %s for update", gate)

    def retry(q, job):
        with q.transaction():
            told = q.value("select queue.retry_job(%s)", job)
            q.rows("select from queue.processing_jobs where id = %s for key share", gate)
            return told

    with queue.transaction():
        common = queue.add(depends_on=roots)
        retrying = [Race(Queue(connect()), partial(retry, job=job)).start_and_wait_until_blocked(observer) for job in roots]
    wait_for_others_than(queue, retrying, observer)
    holder.conn.execute("commit")
    assert [call.finish() for call in retrying] == ["queued", "queued"]
    assert queue.place(common) == "blocked"


def test_a_job_that_fails_while_a_retry_waits_is_retried_too(queue, race):
    first, second = queue.add(), queue.add()
    queue.fail(queue.take(), "permanent")
    job = queue.take()
    assert job.job_id == second
    with queue.transaction():
        queue.rows("select from queue.processing_jobs where id = %s for share", first)
        retrying = race(lambda q: q.rows("select outcome, reason, jobs from queue.retry_jobs(p_job_ids => %s)", [first, second]))
        queue.fail(job, "permanent")
    assert [tuple(row) for row in retrying.finish()] == [("retried", None, 2)]
    assert [queue.status(one) for one in (first, second)] == ["queued"] * 2
