"""Finished jobs move to the history, whole and once; nobody waits for that, and people find them there."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.sql.queuekit import Queue, Race

DAY = timedelta(days=1)


@pytest.fixture
def queue(conn):
    return Queue(conn)


@pytest.fixture
def other(connect):
    return Queue(connect())


@pytest.fixture
def observer(connect):
    return Queue(connect())


def archive(queue, limit=1000):
    """All that is due, as the command does it."""
    moved = 0
    while (batch := queue.value("select queue.archive_jobs(%s)", limit)) != 0:
        moved += batch or 0
    return moved


def done(queue, **named):
    """A job that has completed."""
    job_id = queue.add(priority=1, **named)
    queue.complete(queue.take())
    return job_id


def dead(queue, **named):
    """A job that has failed for good."""
    job_id = queue.add(priority=1, **named)
    queue.fail(queue.take(), "permanent")
    return job_id


def called_off(queue):
    """A job that was cancelled."""
    job_id = queue.add()
    queue.value("select queue.cancel_job(%s)", job_id)
    return job_id


def archived(queue):
    return {row.id for row in queue.rows("select id from queue.job_history")}


def test_a_job_moves_whole_once_its_time_has_come(queue, clock):
    job_id = queue.add(job_data={"a": 1}, idempotency_key="k")
    queue.fail(queue.take(), stderr="ffmpeg says")
    clock.forward(3600)
    queue.complete(queue.take(), {"b": 2})
    before = queue.job(job_id)
    attempts = queue.rows("select * from queue.job_attempts order by attempt")
    assert archive(queue) == 0
    clock.forward(DAY - timedelta(seconds=1))
    assert archive(queue) == 0
    clock.forward(2)
    assert archive(queue) == 1
    assert queue.rows("select * from queue.processing_jobs") == []
    assert [tuple(row) for row in queue.rows("select * from queue.job_history")] == [tuple(before)]
    assert [tuple(row) for row in queue.rows("select * from queue.attempt_history order by attempt")] == [tuple(row) for row in attempts]
    assert queue.rows("select * from queue.job_attempts") == []
    assert archive(queue) == 0


def test_each_kind_of_end_has_its_time(queue, clock):
    completed, failed, cancelled = done(queue), dead(queue), queue.add()
    queue.value("select queue.cancel_job(%s)", cancelled)
    waiting = queue.add()
    clock.forward(2 * DAY)
    archive(queue)
    assert archived(queue) == {completed, cancelled}
    assert queue.value("select count(*) from queue.dead_letters") == 1
    clock.forward(29 * DAY)
    archive(queue)
    assert archived(queue) == {completed, cancelled, failed}
    assert queue.value("select count(*) from queue.dead_letters") == 0
    assert queue.status(waiting) == "queued"


def test_settings_decide_when(queue, clock):
    queue.value("select queue.set_setting('archive_after', '1 hour')")
    queue.value("select queue.set_setting('archive_failed_after', '10 minutes')")
    done(queue), dead(queue)
    clock.forward(timedelta(minutes=11))
    assert archive(queue) == 1
    clock.forward(timedelta(minutes=50))
    assert archive(queue) == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("nope", "1 day"), (None, "1 day"), ("archive_after", "soon"), ("archive_after", "5"), ("archive_after", "-1 day"),
        ("archive_after", "0 seconds"), ("archive_after", "infinity"), ("archive_after", None), ("archive_after", ""),
        ("archive_after", "1000000 years"), ("poison_strikes", "0"), ("poison_strikes", "1 day"), ("poison_strikes", "-3"),
        ("poison_strikes", "99999999999"), ("poison_strikes", "2.5"),
    ],
)  # fmt: skip
def test_a_setting_takes_what_it_can_use_and_nothing_else(queue, name, value):
    before = queue.rows("select * from queue.settings")
    with pytest.raises(psycopg.Error) as error:
        queue.value("select queue.set_setting(%s, %s)", name, value)
    assert (error.value.sqlstate, bool(error.value.diag.message_hint)) == ("RQ008", True)
    assert queue.rows("select * from queue.settings") == before


def test_settings_that_fit_are_taken(queue):
    for name, value in (("archive_after", "36 hours"), ("archive_after", " P2D "), ("poison_strikes", "9")):
        assert queue.value("select queue.set_setting(%s, %s)", name, value) == value.strip()
        assert queue.value("select queue.setting(%s)", name) == value.strip()
    with pytest.raises(psycopg.Error) as error:
        queue.value("select queue.setting('nope')")
    assert error.value.sqlstate == "RQ008"


def test_the_walk_takes_small_batches_and_ends(queue, clock):
    """A batch a call; at the end of the table 0, and the next call begins anew."""
    jobs = [done(queue) for _ in range(7)]
    clock.forward(2 * DAY)
    queue.add()
    assert [queue.value("select queue.archive_jobs(3)") for _ in range(4)] == [3, 3, 1, 0]
    assert archived(queue) == set(jobs)
    assert queue.value("select place from queue.upkeep where task = 'archive'") is None
    late = done(queue)
    clock.forward(2 * DAY)
    assert archive(queue) == 1
    assert late in archived(queue)


def test_unfinished_jobs_in_a_row_do_not_stop_the_walk(queue, clock):
    """More than one call looks at: null says, call again."""
    queue.conn.execute("insert into queue.processing_jobs (job_type, priority) select 'no_op', 9 from generate_series(1, 2500)")
    job_id = done(queue)
    clock.forward(2 * DAY)
    assert archive(queue) == 1
    assert archived(queue) == {job_id}


def test_a_job_whose_id_is_no_time_is_found_too(queue, clock):
    """Ids of people's own making sort anywhere."""
    ids = ["00000000-0000-4000-8000-000000000001", "f0000000-0000-4000-8000-000000000001"]
    for job_id in ids:
        queue.conn.execute("insert into queue.processing_jobs (id, job_type) values (%s, 'no_op')", (job_id,))
        queue.complete(queue.take())
    done(queue)
    clock.forward(2 * DAY)
    assert archive(queue) == 3
    assert {str(job_id) for job_id in archived(queue)} >= set(ids)


def test_young_jobs_are_not_even_looked_at(queue, clock):
    """The walk ends at the age limit, so that a busy day is not read every hour."""
    queue.conn.execute("insert into queue.processing_jobs (job_type) select 'no_op' from generate_series(1, 3000)")
    queue.conn.execute("analyze queue.processing_jobs")
    plan = "explain (analyze, buffers, format json) select queue.archive_jobs()"
    (found,) = queue.value(plan)
    assert found["Plan"]["Shared Hit Blocks"] < 1500


# Parents and children


def test_a_parent_stays_while_a_child_waits_for_it(queue, clock):
    """Its retry would bring the child back."""
    parent = dead(queue)
    clock.forward(40 * DAY)
    child = queue.add(depends_on=[parent], on_parent_failure="fail")
    assert queue.status(child) == "failed"
    assert archive(queue) == 0
    clock.forward(31 * DAY)
    assert archive(queue) == 2
    assert archived(queue) == {parent, child}


def test_a_satisfied_parent_goes_and_its_child_runs_on(queue, clock):
    parents = [queue.add(priority=1), queue.add(priority=9)]
    child = queue.add(depends_on=parents)
    queue.complete(queue.take())
    clock.forward(2 * DAY)
    assert archive(queue) == 1
    assert archived(queue) == {parents[0]}
    assert queue.place(child) == "blocked"
    queue.complete(queue.take())
    assert queue.place(child) == "ready"
    shown = queue.value("select queue.show_job(%s)", child)
    assert [(one["id"], one["status"]) for one in shown["parents"]] == [(str(parents[0]), "completed"), (str(parents[1]), "completed")]


def test_a_child_that_fell_with_its_parent_stays_as_long_as_the_parent(queue, clock):
    """A cancelled one, too, whose own time is shorter: a retry of the parent revives both."""
    parent = queue.add(priority=1)
    fallen = queue.add(depends_on=[parent], on_parent_failure="cancel")
    further = queue.add(depends_on=[fallen], on_parent_failure="cancel")
    queue.fail(queue.take(), "permanent")
    assert (queue.status(fallen), queue.status(further)) == ("cancelled", "cancelled")
    clock.forward(10 * DAY)
    archive(queue)
    assert fallen not in archived(queue)
    queue.value("select queue.retry_job(%s)", parent)
    assert queue.place(fallen) == "blocked"
    queue.fail(queue.take(), "permanent")
    clock.forward(31 * DAY)
    archive(queue)
    assert archived(queue) == {parent, fallen, further}


def test_a_cancelled_child_does_not_hold_its_parents(queue, clock):
    parent = queue.add(priority=1)
    child = queue.add(depends_on=[parent])
    queue.value("select queue.cancel_job(%s)", child)
    clock.forward(2 * DAY)
    archive(queue)
    assert archived(queue) == {child}
    queue.complete(queue.take())
    clock.forward(2 * DAY)
    archive(queue)
    assert archived(queue) == {child, parent}


def test_archiving_fails_nobody(queue, clock):
    """The delete trigger takes children of a vanished parent for a failed one's: it must find none."""
    parent = done(queue)
    child = queue.add(depends_on=[parent], scheduled_for=clock.now() + 50 * DAY)
    clock.forward(2 * DAY)
    assert archive(queue) == 1
    assert (queue.status(child), queue.place(child)) == ("queued", "scheduled")


# Races: whoever holds the lock wins


def test_a_retry_that_came_first_keeps_the_job(queue, other, clock):
    job_id = dead(queue)
    clock.forward(31 * DAY)
    with queue.transaction():
        queue.value("select queue.retry_job(%s)", job_id)
        assert archive(other) == 0
    assert archive(other) == 0
    assert queue.place(job_id) == "ready"


def test_a_retry_that_comes_second_is_told_that_the_job_is_gone(queue, other, observer, clock):
    job_id = dead(queue)
    clock.forward(31 * DAY)
    with queue.transaction():
        assert queue.value("select queue.archive_jobs()") == 1
        race = Race(other, lambda q: q.value("select queue.retry_job(%s)", job_id)).start_and_wait_until_blocked(observer)
    with pytest.raises(psycopg.Error) as error:
        race.finish()
    assert error.value.sqlstate in ("RQ004", "RQ009")
    assert archived(queue) == {job_id}


def test_a_child_that_is_enqueued_first_keeps_its_parent(queue, other, clock):
    parent = done(queue)
    clock.forward(2 * DAY)
    with queue.transaction():
        child = queue.add(depends_on=[parent])
        assert archive(other) == 0
    assert queue.place(child) == "ready"
    assert archive(other) == 1


def test_a_child_that_comes_second_never_waits_for_ever(queue, other, observer, clock):
    """It is free, where the history is looked into for parents, or refused."""
    parent = done(queue)
    clock.forward(2 * DAY)
    with queue.transaction():
        assert queue.value("select queue.archive_jobs()") == 1
        race = Race(other, lambda q: q.add(depends_on=[parent])).start_and_wait_until_blocked(observer)
    try:
        assert queue.place(race.finish()) == "ready"
    except psycopg.Error as error:
        assert error.sqlstate == "RQ005"


def test_archiving_waits_for_nobody(queue, other, clock):
    """A lock on the job, on its edge, a deleted neighbour: passed over, the rest moves."""
    held, parent, free = done(queue), done(queue), done(queue)
    child = queue.add(depends_on=[parent])
    clock.forward(2 * DAY)
    other.conn.execute("set lock_timeout = '1s'")
    with queue.transaction():
        queue.rows("select from queue.processing_jobs where id = %s for no key update", held)
        queue.conn.execute("delete from queue.processing_jobs where id = %s", (child,))
        assert archive(other) == 1
    assert archived(queue) == {free}
    assert archive(queue) == 2


def test_one_archives_at_a_time(queue, other, clock):
    done(queue), done(queue)
    clock.forward(2 * DAY)
    with queue.transaction():
        assert queue.value("select queue.archive_jobs(1)") == 1
        assert other.value("select queue.archive_jobs(1)") == 0
    assert archive(other) == 1


def test_a_killed_archiver_leaves_the_job_where_it_was(queue, other, clock):
    job_id = done(queue)
    clock.forward(2 * DAY)
    pid = other.conn.info.backend_pid
    with pytest.raises(psycopg.OperationalError), other.transaction():
        assert other.value("select queue.archive_jobs()") == 1
        queue.value("select pg_terminate_backend(%s, 5000)", pid)
        other.value("select 1")
    assert (queue.status(job_id), archived(queue)) == ("completed", set())
    assert archive(queue) == 1


@pytest.mark.parametrize("limit", [0, -1, None, 10001])
def test_a_limit_that_makes_no_sense_is_refused(queue, limit):
    with pytest.raises(psycopg.Error) as error:
        queue.value("select queue.archive_jobs(%s)", limit)
    assert error.value.sqlstate == "RQ008"


# Finding them


def test_people_find_archived_jobs_as_the_others(queue, clock):
    job_id = done(queue)
    clock.forward(2 * DAY)
    archive(queue)
    hot = done(queue)
    listed = lambda *args: [row.id for row in queue.rows("select * from queue.list_jobs(%s, %s, %s, %s)", *args)]  # noqa: E731
    assert listed("completed", None, None, 10) == [hot, job_id]
    assert listed(None, None, None, 10) == [hot, job_id]
    assert listed("completed", "no_op", None, 10) == [hot, job_id]
    assert listed("completed", None, None, 1) == [hot]
    assert listed("completed", "extract_metadata", None, 10) == []
    assert listed("queued", None, None, 10) == []
    assert listed("failed", None, None, 10) == []
    shown = queue.value("select queue.show_job(%s)", job_id)
    assert (shown["status"], shown["place"], shown["archived"], shown["lease"]) == ("completed", "completed", True, None)
    assert [one["outcome"] for one in shown["attempts_history"]] == ["completed"]
    assert queue.value("select queue.show_job(%s) ->> 'archived'", hot) == "false"
    clock.forward(40 * DAY)
    assert listed("completed", "no_op", None, 10) == [hot]


def test_the_jobs_of_a_video_are_one_list(queue, clock):
    video = queue.value("select media.create_video('/a.mp4')")
    first = dead(queue, video_id=video)
    second = done(queue, video_id=video)
    clock.forward(2 * DAY)
    archive(queue)
    third = queue.add(video_id=video)
    listed = lambda *args: [row.id for row in queue.rows("select * from queue.list_jobs(%s, %s, %s, %s)", *args)]  # noqa: E731
    assert listed(None, None, video, 10) == [third, second, first]
    assert listed(None, None, video, 2) == [third, second]
    assert listed("completed", None, video, 10) == [second]
    assert listed("queued", None, video, 10) == [third]


def test_the_history_has_filters_of_its_own(queue, clock):
    completed, failed = done(queue), dead(queue)
    clock.forward(31 * DAY)
    archive(queue)
    listed = lambda **named: [  # noqa: E731
        row.id for row in queue.rows(f"select * from queue.list_history({', '.join(f'{name} => %s' for name in named)})", *named.values())
    ]
    assert listed() == [failed, completed]
    assert listed(p_status="failed") == [failed]
    assert listed(p_since=clock.now() - DAY) == []
    assert listed(p_job_type="no_op", p_limit=1) == [failed]
    with pytest.raises(psycopg.Error) as error:
        listed(p_status="queued")
    assert error.value.sqlstate == "RQ008"


def test_a_list_reads_the_newest_partition_and_stops(queue, clock):
    """Neither all partitions nor all rows of one: the index gives the order, the limit ends it."""
    for month in range(1, 7):
        clock.set(f"2026-{month:02}-15 12:00+00")
        done(queue)
        clock.forward(2 * DAY)
        archive(queue)
    queue.conn.execute(
        "insert into queue.job_history select (jsonb_populate_record(h, jsonb_build_object('id', base.uuid_v7(), 'token', 0))).*"
        " from queue.job_history as h cross join generate_series(1, 400)"
    )
    queue.conn.execute("analyze queue.job_history")
    (plan,) = queue.value(
        "explain (analyze, format json) select * from queue.job_history where status = 'completed' order by completed_at desc limit 3"
    )
    assert str(plan).count("'Actual Loops': 0") == 5
    assert len(queue.rows("select * from queue.list_history(p_limit => 500)")) == 500


@pytest.mark.parametrize("role", ["reelq_app", "reelq_readonly"])
def test_a_tenant_sees_its_own_history_and_no_other(queue, clock, role):
    one, two = (queue.value("select identity.create_tenant(%s, %s)", slug, slug) for slug in ("one", "two"))
    jobs = {tenant: done(queue, tenant_id=tenant) for tenant in (one, two)}
    done(queue)
    clock.forward(2 * DAY)
    assert archive(queue) == 3
    queue.conn.execute(f"set role {role}")
    for tenant, job_id in jobs.items():
        queue.conn.execute("select set_config('reelq.tenant_id', %s, false)", (str(tenant),))
        assert [row.id for row in queue.rows("select * from queue.list_jobs()")] == [job_id]
        assert [row.id for row in queue.rows("select * from queue.list_history()")] == [job_id]
        assert [row.id for row in queue.rows("select * from queue.job_history")] == [job_id]
        assert [row.id for row in queue.rows("select * from queue.all_jobs")] == [job_id]
        assert queue.value("select queue.show_job(%s) ->> 'id'", job_id) == str(job_id)
        with pytest.raises(psycopg.Error) as error:
            queue.value("select queue.show_job(%s)", jobs[two if tenant == one else one])
        assert error.value.sqlstate == "RQ004"
    queue.conn.execute("reset role")
    (partition, *_) = [row.name for row in queue.rows("select partition::text as name from base.partitions('queue.job_history')")]
    queue.conn.execute(f"set role {role}")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        queue.rows(f"select * from {partition}")


def test_partitions_hold_their_policies_too(queue, clock):
    """Enabled and forced: whoever is let past the parent by mistake sees nothing."""
    done(queue)
    clock.forward(2 * DAY)
    archive(queue)
    found = queue.rows(
        "select c.relrowsecurity, c.relforcerowsecurity from base.partitions('queue.job_history') p join pg_class c on c.oid = p.partition"
    )
    assert {tuple(row) for row in found} == {(True, True)}


def test_the_history_has_the_columns_of_the_tables_that_it_continues(queue):
    """Same names, types and order: a row moves as it is."""
    columns = lambda name: queue.rows(  # noqa: E731
        "select attname, atttypid, atttypmod from pg_attribute where attrelid = %s::regclass and attnum > 0 and not attisdropped order by attnum",
        name,
    )
    assert columns("queue.job_history") == columns("queue.processing_jobs") == columns("queue.all_jobs")
    assert columns("queue.attempt_history") == columns("queue.job_attempts") == columns("queue.all_attempts")
    assert columns("queue.history_summary") == columns("queue.job_summary")
    assert columns("queue.all_dependencies") == columns("queue.job_dependencies")


def test_what_is_deleted_for_good_is_deleted_from_the_history(queue, clock):
    video = queue.value("select media.create_video('/a.mp4')")
    parent = done(queue, video_id=video)
    done(queue, video_id=video, depends_on=[parent])
    kept = done(queue)
    clock.forward(2 * DAY)
    assert archive(queue) == 3
    queue.conn.execute("delete from media.videos where id = %s", (video,))
    assert archived(queue) == {kept}
    assert queue.value("select count(*) from queue.attempt_history") == 1
    assert queue.value("select count(*) from queue.dependency_history") == 0


# What queue.verify() would find


@pytest.mark.parametrize(
    "damage",
    [
        "insert into queue.job_history select * from queue.processing_jobs where status = 'completed'",
        "insert into queue.job_attempts select * from queue.attempt_history",
        "delete from queue.attempt_history",
        "update queue.attempt_history set attempt = attempt + 1",
        "update queue.job_history set status = 'running'",
        "insert into queue.job_dependencies select base.uuid_v7(), id, 'fail', true from queue.job_history",
    ],
)
def test_damage_to_the_history_is_found(queue, clock, damage):
    class Undo(Exception):
        pass

    done(queue)
    clock.forward(2 * DAY)
    archive(queue)
    done(queue)
    assert queue.violations() == []
    with pytest.raises(Undo), queue.transaction():
        queue.conn.execute(damage)
        assert queue.violations() != []
        raise Undo


@pytest.mark.parametrize(("policy", "status"), [("fail", "failed"), ("cancel", "cancelled"), ("run", "queued")])
@pytest.mark.parametrize("end", [dead, called_off])
def test_a_child_of_an_archived_failure_ends_at_once_and_can_only_be_enqueued_anew(queue, clock, policy, status, end):
    """It has no edge to what is gone, which would keep it in the table."""
    parent = end(queue)
    clock.forward(timedelta(days=31))
    archive(queue)
    assert archived(queue) == {parent}
    child = queue.add(depends_on=[parent], on_parent_failure=policy)
    assert queue.status(child) == status
    assert (queue.violations(), queue.rows("select * from queue.repair()")) == ([], [])
    if policy == "run":
        return
    (told,) = queue.rows("select * from queue.explain_job(%s)", child)
    assert told.advice == f"It waited for job {parent}, which is in the history; neither can be retried: enqueue the work anew."
    with pytest.raises(psycopg.Error, match=f"must not be in the history, as failed job {parent} is") as refused:
        queue.value("select queue.retry_job(%s)", child)
    assert (refused.value.sqlstate, refused.value.diag.message_hint) == ("RQ009", "Neither can be retried: enqueue the work anew.")
    (told,) = queue.rows("select * from queue.retry_jobs(p_job_ids => %s)", [child])
    assert (told.outcome, told.reason) == ("refused", "a parent has failed")
    (told,) = queue.rows("select * from queue.explain_job(%s)", parent)
    assert told.advice == "It is in the history and cannot be retried: enqueue the work anew."
    clock.forward(timedelta(days=31))
    archive(queue)
    assert archived(queue) == {parent, child}


def test_what_waits_for_the_child_of_an_archived_failure_falls_with_it(queue, clock):
    parent, fine = dead(queue), queue.add(priority=10)
    clock.forward(timedelta(days=31))
    archive(queue)
    child, grandchild = (row.job_id for row in queue.rows(
        "select * from queue.enqueue_jobs(%s)",
        Jsonb([{"job_type": "no_op", "ref": "a", "depends_on": [str(parent), str(fine)]}, {"job_type": "no_op", "depends_on": ["a"]}]),
    ))  # fmt: skip
    assert (queue.status(child), queue.status(grandchild)) == ("failed", "failed")
    assert queue.violations() == []
