"""queue.repair() mends each kind of damage, counts it, and leaves a sound queue alone however busy it is."""

from __future__ import annotations

import threading
from typing import Any

import psycopg
import pytest

from tests.sql.queuekit import Queue

LOST = "delete from queue.job_attempts"  # what an attempt was cannot be made up


@pytest.fixture
def queue(conn):
    """One job in every place."""
    queue = Queue(conn)
    queue.complete((queue.add(), queue.take())[1])
    queue.add(priority=1, max_attempts=1)
    queue.fail(queue.take(), "permanent")
    queue.add(priority=1)
    running = queue.take()
    queue.add(scheduled_for=queue.value("select base.clock() + interval '1 day'"))
    queue.add(depends_on=[running.job_id])
    queue.add()
    queue.conn.execute("select queue.set_limit('name:shared', 1)")
    queue.add(limits=["shared"])
    assert queue.violations() == []
    return queue


def damage(queue: Queue, statement: str) -> int:
    """Write past the triggers, as only a superuser can; returns how many rows."""
    with queue.transaction():
        queue.conn.execute("set local session_replication_role = replica")
        return queue.conn.execute(statement).rowcount


def repairs(queue: Queue) -> int:
    return queue.value("select repairs from queue.upkeep where task = 'repair'")


def places(queue: Queue) -> list[Any]:
    """Where every job stands, and what its lease and counter say."""
    return queue.rows(
        """
        select j.id, j.status, s.place, b.pending, l.token, l.worker_id, d.failed_at, c.due
        from queue.processing_jobs as j
        join queue.job_summary as s on s.id = j.id
        left join queue.blocked as b on b.job_id = j.id
        left join queue.leases as l on l.job_id = j.id
        left join queue.dead_letters as d on d.job_id = j.id
        left join queue.scheduled as c on c.job_id = j.id
        order by j.id
        """
    )


# What is done by hand → what repair says it found. Afterwards everything stands where it stood before.
BACK = {
    "delete from queue.ready": ["queued in no place"],
    "delete from queue.scheduled": ["queued in no place"],
    "delete from queue.blocked": ["queued in no place"],
    "delete from queue.leases": ["running without a lease"],
    "delete from queue.dead_letters": ["failed without a dead letter"],
    "delete from queue.job_dependencies": ["missing edge"],
    "with gone as (delete from queue.blocked) delete from queue.job_dependencies": ["missing edge", "queued in no place"],
    "update queue.leases set token = 7": ["lease of another attempt"],
    "update queue.leases set worker_id = 'w9'": ["lease of another attempt"],
    "update queue.blocked set pending = 2": ["wrong count of parents"],
    "update queue.job_dependencies set satisfied = true": ["edge closed too soon"],
    "update queue.ready set lane = lane + 100": ["in the wrong lane"],
    "update queue.parked set priority = 7": ["parked for another turn"],
    "update queue.parked set flow = base.uuid_v7()": ["parked for another turn"],
    "delete from queue.parked": ["queued in no place"],
    "insert into queue.parked values ('name:shared', 1, 1, base.uuid_v7(), 'no_op')": ["misplaced parked row"],
    "update queue.scheduled set due = due + interval '1 hour'": ["queued in no place", "scheduled for another time"],
    "insert into queue.dead_letters values (base.uuid_v7(), 'no_op', now())": ["orphaned dead letter"],
    "insert into queue.dead_letters select job_id, 'no_op', now() from queue.ready": ["orphaned dead letter"],
    "insert into queue.blocked values (base.uuid_v7(), 1, 'no_op')": ["misplaced blocked row"],
    "insert into queue.blocked select job_id, 1, 'no_op' from queue.leases": ["misplaced blocked row"],
    "insert into queue.scheduled values (now() + interval '1 hour', base.uuid_v7(), 'no_op')": ["scheduled for another time"],
    "insert into queue.scheduled select scheduled_for, id, job_type from queue.processing_jobs where status = 'running'": ["scheduled for another time"],
    "insert into queue.ready (lane, seq, job_id, ready_at) select 1, 99, job_id, now() from queue.scheduled": ["misplaced ready row"],
    "insert into queue.ready (lane, seq, job_id, ready_at) select 1, 99, job_id, now() from queue.leases": ["misplaced ready row"],
    "insert into queue.ready (lane, seq, job_id, ready_at) values (1, 99, base.uuid_v7(), now())": ["misplaced ready row"],
    "insert into queue.leases select j.id, 1, 'w1', 'no_op', '1m', now(), now(), now() from queue.processing_jobs as j where status = 'completed'": ["orphaned lease"],
}  # fmt: skip


@pytest.mark.parametrize("statement", BACK)
def test_damage_is_mended_and_counted(queue, clock, statement):
    clock.set(clock.now())
    before = places(queue)
    assert damage(queue, statement) > 0
    found = queue.rows("select * from queue.repair()")
    assert sorted(row.what for row in found) == sorted(BACK[statement])
    assert queue.violations() == []
    assert [row._replace(failed_at=None) for row in places(queue)] == [row._replace(failed_at=None) for row in before]
    assert repairs(queue) == len(found)
    assert queue.rows("select * from queue.repair()") == []
    assert repairs(queue) == len(found)


def test_a_sound_queue_is_left_alone(queue):
    before = places(queue)
    assert queue.rows("select * from queue.repair()") == []
    assert (places(queue), repairs(queue)) == (before, 0)


def test_a_child_of_a_parent_that_is_over_goes_its_way(queue):
    """The parent ended and told nobody: willing children run, the others end as their edge says."""
    parents = [queue.add(), queue.add()]
    children = {policy: queue.add(depends_on=parents[:1], on_parent_failure=policy) for policy in ("fail", "cancel", "run")}
    grandchild = queue.add(depends_on=[children["fail"]])
    happy = queue.add(depends_on=parents[1:])
    damage(
        queue,
        f"""
        with gone as (delete from queue.ready where job_id in ('{parents[0]}', '{parents[1]}')),
        dead as (insert into queue.dead_letters values ('{parents[0]}', 'no_op', now()))
        update queue.processing_jobs
        set status = case when id = '{parents[0]}' then 'failed' else 'completed' end, completed_at = now()
        where id in ('{parents[0]}', '{parents[1]}')
        """,
    )
    queue.rows("select * from queue.repair()")
    assert {policy: queue.status(child) for policy, child in children.items()} == {
        "fail": "failed", "cancel": "cancelled", "run": "queued",
    }  # fmt: skip
    assert queue.status(grandchild) == "failed"
    assert (queue.place(children["run"]), queue.place(happy)) == ("ready", "ready")
    assert queue.violations() == []


def test_a_job_whose_lease_is_gone_runs_again_elsewhere(queue, clock):
    """The lease that is put back runs out like any other."""
    (job_id,) = [row.job_id for row in queue.rows("select job_id from queue.leases")]
    damage(queue, "delete from queue.leases")
    queue.rows("select * from queue.repair()")
    clock.forward(61)
    assert queue.rescue() == 1
    assert (queue.status(job_id), queue.outcomes(job_id)) == ("queued", ["lost"])


def test_a_lost_attempt_is_not_made_up(queue):
    damage(queue, LOST)
    assert queue.rows("select * from queue.repair()") == []
    assert queue.violations() != []
    queue.conn.execute("delete from queue.processing_jobs where token > 0")  # for the look after the test


def test_the_window_moves_on_and_begins_anew(queue):
    ids = [queue.add() for _ in range(10)]
    damage(queue, "delete from queue.ready")
    seen = 0
    for _ in range(20):
        found = queue.rows("select * from queue.repair(3)")
        assert len(found) <= 3
        seen += len(found)
    assert seen == len(ids) + 1
    assert queue.violations() == []


def test_a_round_ends_after_the_last_job(queue):
    queue.conn.execute("delete from queue.processing_jobs")
    for _ in range(7):
        queue.add()
    reached = []
    for _ in range(6):
        queue.rows("select * from queue.repair(3)")
        reached.append(queue.value("select place::uuid from queue.upkeep where task = 'repair'"))
    third, sixth = queue.value("select array_agg(id order by id) from queue.processing_jobs")[2:6:3]
    assert reached == [third, sixth, None] * 2


@pytest.mark.parametrize(
    "held",
    [
        "select from queue.processing_jobs where id = '{child}' for update",
        "select from queue.blocked where job_id = '{child}' for update",
        "select from queue.processing_jobs where id = '{parent}' for no key update",
    ],
)
def test_what_is_in_somebody_s_hands_is_left_to_the_next_round(queue, connect, held):
    """And nobody is waited for."""
    parent = queue.add()
    child = queue.add(depends_on=[parent])
    damage(queue, "update queue.blocked set pending = 3")
    other = connect(autocommit=False)
    other.execute(held.format(child=child, parent=parent))
    assert child not in {row.job_id for row in queue.rows("select * from queue.repair()")}
    other.rollback()
    assert [(row.job_id, row.what) for row in queue.rows("select * from queue.repair()")] == [(child, "wrong count of parents")]


def test_a_child_s_child_in_somebody_s_hands_does_not_hold_repair_up(queue, connect):
    """What would be waited for undoes the whole of that job, and is done the next time."""
    parent = queue.add()
    child = queue.add(depends_on=[parent])
    grandchild = queue.add(depends_on=[child])
    damage(
        queue,
        f"""
        with gone as (delete from queue.ready where job_id = '{parent}')
        update queue.processing_jobs set status = 'cancelled', completed_at = now() where id = '{parent}'
        """,
    )
    other = connect(autocommit=False)
    other.execute("select from queue.blocked where job_id = %s for update", [grandchild])
    assert queue.rows("select * from queue.repair()") == []
    assert queue.status(child) == "queued"
    other.rollback()
    assert [row.what for row in queue.rows("select * from queue.repair()")] == ["edge left open"]
    assert (queue.status(child), queue.status(grandchild)) == ("failed", "failed")


def test_one_repair_at_a_time(queue, connect):
    damage(queue, "delete from queue.ready")
    first, second = connect(autocommit=False), Queue(connect())
    assert len(first.execute("select * from queue.repair()").fetchall()) == 1
    assert second.rows("select * from queue.repair()") == []
    first.commit()
    assert second.rows("select * from queue.repair()") == []


def test_a_limit_below_one_is_refused(queue):
    with pytest.raises(psycopg.Error) as told:
        queue.conn.execute("select queue.repair(0)")
    assert told.value.sqlstate == "RQ008"


def test_a_busy_queue_is_never_touched(queue, connect):
    """Claims, settlements of every kind, children, retries and cancels go on while repair runs 100 times and more."""
    stop = threading.Event()
    errors: list[BaseException] = []
    conns = [connect() for _ in range(3)]

    def work(number: int) -> None:
        mine, name, turn = Queue(conns[number]), f"busy{number}", 0
        mine.worker(name)
        try:
            while not stop.is_set():
                turn += 1
                parents = [mine.add() for _ in range(3)]
                mine.add(depends_on=parents)
                mine.add(depends_on=parents[:1], on_parent_failure="run")
                mine.add(scheduled_for=mine.value("select base.clock() + interval '5 milliseconds'"))
                for n, job in enumerate(mine.claim(name, 6)):
                    ends = (turn + n) % 5
                    if ends == 0:
                        mine.fail(job, "permanent")
                    elif ends == 1:
                        mine.conn.execute("select queue.release_job(%s, %s, 'x')", [job.job_id, job.token])
                    elif ends == 2:
                        mine.conn.execute("select queue.snooze_job(%s, %s::integer, '2 milliseconds', 'x')", [job.job_id, job.token])
                    else:
                        mine.complete(job)
                for row in mine.rows("select job_id from queue.dead_letters order by job_id limit 2"):
                    try:
                        mine.conn.execute("select queue.retry_job(%s)", [row.job_id])
                    except psycopg.Error as error:
                        assert error.sqlstate in ("RQ009", "40P01"), error
        except BaseException as error:  # noqa: BLE001 - told by the main thread
            errors.append(error)
            stop.set()

    threads = [threading.Thread(target=work, args=(n,), daemon=True) for n in range(3)]
    for thread in threads:
        thread.start()
    try:
        found, turns, jobs = [], 0, 0
        while not stop.is_set() and (turns < 100 or jobs <= 100):  # a slow machine makes its jobs in more turns
            found += queue.rows("select * from queue.repair(5000)")
            turns, jobs = turns + 1, queue.value("select count(*) from queue.processing_jobs")
    finally:
        stop.set()
        for thread in threads:
            thread.join(30)
    assert (errors, found, repairs(queue)) == ([], [], 0)


def test_an_edge_to_a_job_that_is_gone_is_taken_away(queue):
    """As children of failures in the history had them once."""
    child = queue.value("select id from queue.processing_jobs where status = 'failed'")
    damage(queue, f"insert into queue.job_dependencies (parent_id, job_id, on_failure, satisfied) values (gen_random_uuid(), '{child}', 'fail', false)")
    assert [row.job_id for row in queue.rows("select * from queue.repair()")] == [child]
    assert (queue.violations(), queue.rows("select * from queue.repair()")) == ([], [])
