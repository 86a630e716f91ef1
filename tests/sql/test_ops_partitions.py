"""Partitions are made before they are needed and dropped after their retention, and nobody is blocked by either.

On two tables of the tests' own (tests/sql/partitionkit.py); what is about the queue's archiver, on the queue's history.
"""

from __future__ import annotations

import subprocess
import threading
from datetime import timedelta

import psycopg
import pytest

from reelq.worker.db import schema
from tests.sql.partitionkit import (
    BOTH,
    EVENTS,
    HISTORIES,
    NOTES,
    blocked,
    keep_histories_only,
    maintain,
    make_tables,
    months,
    names,
    states,
    write,
)
from tests.sql.queuekit import Queue
from tests.sql.test_queue_history import archive, archived, done

DAY = timedelta(days=1)
STEPS = "select * from ops.maintain_partitions()"


@pytest.fixture
def queue(conn):
    """With two partitioned tables, and no policy for others."""
    make_tables(conn)
    return Queue(conn)


@pytest.fixture
def histories(conn):
    """With the policies of the queue's history alone."""
    keep_histories_only(conn)
    return Queue(conn)


@pytest.fixture
def other(connect):
    return Queue(connect())


@pytest.fixture
def may(clock):
    """The clock stands in May, so that months have names."""
    clock.set("2027-05-10 12:00+00")
    return clock


def run_out(queue, clock):
    """A partition of events whose retention has ended, with a row."""
    maintain(queue)
    write(queue)
    clock.set("2027-09-02")
    maintain_ahead = queue.rows("select m.action from ops.partition_policies as p, ops.make_ahead(p, false) as m")
    assert {row.action for row in maintain_ahead} == {"make"}
    return f"{EVENTS}_2027_05"


def run_out_of_attempts(queue, clock):
    """The same for the attempts of archived jobs."""
    done(queue)
    clock.set("2027-05-20")
    archive(queue)
    maintain(queue)
    clock.set("2027-09-02")
    return "queue.attempt_history_2027_05"


def test_this_month_and_three_ahead_are_made_once(queue, may):
    made = maintain(queue)
    assert {action for action, _, _ in made} == {"make"} and all(finished for _, _, finished in made)
    for parent in HISTORIES:
        assert names(queue, parent) == months(parent, "2027_05", "2027_06", "2027_07", "2027_08")
    assert maintain(queue) == []
    may.set("2027-06-01 00:00+00")
    assert [partition for _, partition, _ in maintain(queue)] == [f"{parent}_2027_09" for parent in HISTORIES]


def test_a_span_is_a_month_of_utc_whatever_the_session_says(queue, may):
    queue.conn.execute("set timezone = 'Pacific/Auckland'")
    queue.conn.execute("set datestyle = 'SQL, DMY'")
    maintain(queue)
    queue.conn.execute("reset timezone")
    queue.conn.execute("reset datestyle")
    (first, *_) = queue.rows("select since at time zone 'UTC' as since, until at time zone 'UTC' as until from base.partitions('queue.job_history')")
    assert (str(first.since), str(first.until)) == ("2027-05-01 00:00:00", "2027-06-01 00:00:00")


def test_how_many_ahead_is_the_operator_s_to_say(queue, may):
    queue.conn.execute("update ops.partition_policies set ahead = 1 where parent = 'queue.job_history'")
    queue.conn.execute("delete from ops.partition_policies where parent = 'queue.attempt_history'")
    maintain(queue)
    assert (len(names(queue)), names(queue, "queue.attempt_history")) == (2, [])


def test_a_forgotten_timer_costs_nothing(queue, clock, may):
    """Three months without it: the archiver makes what it needs; then one run catches up."""
    maintain(queue)
    clock.set("2027-10-20 12:00+00")
    job_id = done(queue)
    clock.forward(2 * DAY)
    assert archive(queue) == 1
    assert archived(queue) == {job_id}
    assert names(queue)[-1] == "queue.job_history_2027_10"
    maintain(queue)
    assert names(queue)[-4:] == months("queue.job_history", "2027_10", "2027_11", "2027_12", "2028_01")
    assert maintain(queue) == []


def test_a_partition_goes_when_the_whole_of_it_is_older_than_the_retention(queue, clock, may):
    """May ends on the 31st; 90 days later it is the 29th of August."""
    run_out(queue, clock)
    clock.set("2027-08-29 23:59+00")
    assert states(queue)["2027_05"] == "kept"
    assert {action for action, _, _ in maintain(queue)} <= {"make"}
    clock.set("2027-08-30 00:01+00")
    assert states(queue)["2027_05"] == "expired"
    assert maintain(queue) == [("detach", "queue.attempt_history_2027_05", True), ("drop", "queue.attempt_history_2027_05", True)]
    assert queue.value("select to_regclass('queue.attempt_history_2027_05')") is None
    assert queue.rows("select * from ops.retired_partitions") == []
    assert "queue.job_history_2027_05" in names(queue)
    assert maintain(queue) == []


def test_without_a_retention_nothing_is_dropped(queue, clock, may):
    queue.conn.execute("update ops.partition_policies set retention = null")
    run_out(queue, clock)
    clock.set("2047-01-01")
    assert {action for action, _, _ in maintain(queue)} == {"make"}


def test_a_dry_run_tells_and_changes_nothing(queue, clock, may):
    expired = run_out(queue, clock)
    before = queue.rows("select * from ops.list_partitions()")
    told = [(row.action, row.partition, row.done) for row in queue.rows("select * from ops.maintain_partitions(true)")]
    assert ("detach", expired, False) in told and ("make", "queue.job_history_2027_09", False) in told
    assert queue.rows("select * from ops.list_partitions()") == before
    assert queue.rows("select * from ops.retired_partitions") == []


def test_psql_can_do_all_of_it(queue, pg_server, dsn, clock, may):
    """As the comment of the function says."""
    expired = run_out(queue, clock)
    manual = queue.value("select obj_description('ops.maintain_partitions(boolean)'::regprocedure)")
    lines = [line.strip() for line in manual.splitlines() if line.startswith("  select ")]
    psql = [str(pg_server.binaries.folder / "psql"), "-Xq", "-v", "ON_ERROR_STOP=1", dsn]
    subprocess.run(psql, input="\n".join(lines), capture_output=True, text=True, check=True)
    assert queue.value("select to_regclass(%s)", expired) is None
    assert maintain(queue) == []


# Readers, writers, two at once, kills


def test_a_long_reader_blocks_neither_writers_nor_the_command(queue, other, connect, clock, may):
    """The detaching is left half-way, and ended by the next run."""
    expired = run_out(queue, clock)
    writer = Queue(connect())
    writer.conn.execute("set lock_timeout = '500ms'")
    with other.transaction():
        other.rows("select * from queue.attempt_history")
        assert ("detach", expired, False) in maintain(queue, 0.3)
        assert states(queue)["2027_05"] == "detaching"
        # Half-way, the reader still there: jobs are done and archived, partitions are made.
        done(writer)
        clock.forward(2 * DAY)
        assert archive(writer) == 1
        assert ("finalize", expired, False) in maintain(queue, 0.3)
    assert maintain(queue)[-2:] == [("finalize", expired, True), ("drop", expired, True)]
    assert maintain(queue) == []


def test_writers_pass_while_a_detaching_waits(queue, other, connect, clock, may):
    expired = run_out(queue, clock)
    clock.set("2027-08-30 00:01+00")
    writer, observer = Queue(connect()), Queue(connect())
    writer.conn.execute("set lock_timeout = '500ms'")
    did: list[tuple[str, str | None, bool]] = []
    with other.transaction():
        other.rows("select * from queue.attempt_history")
        thread = threading.Thread(target=lambda: did.extend(maintain(queue, 10)), daemon=True)
        thread.start()
        blocked(observer, queue.conn.info.backend_pid)
        done(writer)
        clock.forward(2 * DAY)
        assert archive(writer) == 1
        assert len(writer.rows("select * from queue.attempt_history")) == 1  # the reader's is out of sight already
    thread.join(10)
    assert {("detach", expired, True), ("drop", expired, True)} <= set(did)


def test_two_at_once_do_no_harm(queue, other, clock, may):
    """The second says that there is a first."""
    with other.transaction():
        other.rows("select * from ops.maintain_partitions()")
        assert [row.action for row in queue.rows("select * from ops.maintain_partitions()")] == ["busy"]
    assert maintain(queue) == []
    other.value("select pg_try_advisory_lock(hashtext('reelq.maintain_partitions'))")
    assert maintain(queue) == [("busy", None, False)]


def test_an_archiver_and_a_maintenance_that_make_partitions_at_once_get_by(queue, other, connect, clock, may):
    """The maintenance waits a moment for what the archiver makes, and does not make it again."""
    done(queue)
    clock.forward(2 * DAY)
    did: list[tuple[str, str | None, bool]] = []
    with other.transaction():
        assert other.value("select queue.archive_jobs()") == 1
        thread = threading.Thread(target=lambda: did.extend(maintain(queue)), daemon=True)
        thread.start()
        blocked(Queue(connect()), queue.conn.info.backend_pid)
    thread.join(10)
    assert len(did) == 10 and all(finished for _, _, finished in did)


def test_an_analyze_of_the_table_is_not_waited_for(queue, other, clock, may):
    """It holds the lock that ATTACH needs. Told by the command, and the archiver leaves the job where it is."""
    job_id = done(queue)
    clock.forward(2 * DAY)
    with other.transaction():
        other.conn.execute("lock table queue.job_history in share update exclusive mode")
        assert archive(queue) == 0
        assert {(partition, finished) for _, partition, finished in maintain(queue) if "job" in partition} == {
            (f"queue.job_history_2027_{month:02}", False) for month in range(5, 9)
        }
    assert {action for action, _, _ in maintain(queue)} == {"make"}
    archive(queue)
    assert archived(queue) == {job_id}


def test_what_was_killed_half_way_is_ended_by_the_next_run(queue, other, clock, may):
    """At each place: after the registration, within the detaching, after it."""
    before = schema.diff(queue.conn)
    expired = run_out(queue, clock)
    maintain_once = "select * from ops.maintain_partitions()"
    assert "detach" in [row.action for row in queue.rows(maintain_once)]
    assert states(queue)["2027_05"] == "expired"
    (statement,) = [row.statement for row in queue.rows(maintain_once) if row.statement]
    with other.transaction():
        other.rows("select * from queue.attempt_history")
        queue.conn.execute("set statement_timeout = '200ms'")
        with pytest.raises(psycopg.errors.QueryCanceled):
            queue.conn.execute(statement)
        queue.conn.execute("set statement_timeout = 0")
    (statement,) = [row.statement for row in queue.rows(maintain_once) if row.statement]
    assert statement.endswith("finalize")
    queue.conn.execute(statement)
    assert states(queue)["2027_05"] == "detached"
    assert schema.diff(queue.conn) == before
    assert maintain(queue) == [("drop", expired, True)]


def test_a_maintenance_that_is_killed_makes_all_or_nothing(queue, other, may):
    with pytest.raises(psycopg.OperationalError), other.transaction():
        assert len(other.rows("select * from ops.maintain_partitions()")) == 12
        queue.value("select pg_terminate_backend(%s, 5000)", other.conn.info.backend_pid)
        other.value("select 1")
    assert names(queue) == []
    assert len(maintain(queue)) == 12


# What belongs to somebody else


def test_a_partition_that_was_detached_by_hand_is_never_dropped(queue, clock, may):
    expired = run_out(queue, clock)
    queue.conn.execute(f"alter table queue.attempt_history detach partition {expired}")
    maintain(queue)
    assert queue.value("select to_regclass(%s)", expired) is not None


def test_a_longer_retention_saves_what_is_not_dropped_yet(queue, clock, may):
    """Attached still: it stays. Detached: told, and left for a hand."""
    expired = run_out(queue, clock)
    queue.rows("select * from ops.maintain_partitions()")
    queue.conn.execute("update ops.partition_policies set retention = '5 years' where parent = 'queue.attempt_history'")
    assert maintain(queue) == [("keep", expired, True)]
    queue.conn.execute("update ops.partition_policies set retention = '90 days' where parent = 'queue.attempt_history'")
    (statement,) = [row.statement for row in queue.rows("select * from ops.maintain_partitions()") if row.statement]
    queue.conn.execute(statement)
    queue.conn.execute("update ops.partition_policies set retention = '5 years' where parent = 'queue.attempt_history'")
    assert maintain(queue) == [("keep", expired, False)]
    queue.conn.execute(f"alter table queue.attempt_history attach partition {expired} for values from ('2027-05-01+00') to ('2027-06-01+00')")
    assert maintain(queue) == [("keep", expired, True)]
    assert maintain(queue) == []


def test_a_month_that_waits_for_its_drop_can_be_needed_again(queue, clock, may):
    """A job that failed late in its life has attempts of an old month."""
    expired = run_out(queue, clock)
    (statement,) = [row.statement for row in queue.rows("select * from ops.maintain_partitions()") if row.statement]
    queue.conn.execute(statement)
    queue.conn.execute("insert into queue.job_attempts select * from queue.attempt_history limit 0")
    clock.set("2027-05-11")
    done(queue)
    clock.set("2027-09-03")
    assert archive(queue) == 1
    assert names(queue, "queue.attempt_history")[0] == f"{expired}_2"
    maintain(queue)
    assert names(queue, "queue.attempt_history")[0] == "queue.attempt_history_2027_06"


def test_a_month_on_its_way_out_holds_its_job_back_and_no_other(queue, other, clock, may):
    """Half detached, it can be neither written nor made anew until a run ends that."""
    expired = run_out(queue, clock)
    with other.transaction():
        other.rows("select * from queue.attempt_history")
        maintain(queue, 0.2)
        clock.set("2027-05-11")
        late = done(queue)
        clock.set("2027-09-03")
        free = done(queue)
        clock.set("2027-09-10")
        assert archive(queue) == 1
    assert (free in archived(queue), late in archived(queue)) == (True, False)
    assert ("drop", expired, True) in maintain(queue)
    assert archive(queue) == 1


def test_a_policy_for_no_table_is_told(queue, may):
    queue.conn.execute("insert into ops.partition_policies (parent) values ('queue.nope'), ('queue.processing_jobs')")
    assert [(action, finished) for action, _, finished in maintain(queue)][-2:] == [("skip", False)] * 2
    assert len(names(queue)) == 4


def test_partitions_are_no_drift(queue, clock, may):
    before = schema.diff(queue.conn)
    run_out(queue, clock)
    (statement,) = [row.statement for row in queue.rows("select * from ops.maintain_partitions()") if row.statement]
    assert schema.diff(queue.conn) == before
    queue.conn.execute(statement)
    assert schema.diff(queue.conn) == before


def test_partitions_belong_to_the_owner_and_to_the_worker_s_archiver_as_well(queue, clock, may):
    """A worker's account may archive, not maintain: making what is missing is the archiver's own doing."""
    done(queue)
    clock.forward(2 * DAY)
    queue.conn.execute("set role reelq_worker")
    assert archive(queue) == 1
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        queue.rows("select * from ops.maintain_partitions()")
    assert len(queue.rows("select * from ops.list_partitions()")) == 2
    queue.conn.execute("reset role")
    owners = queue.rows(
        "select distinct pg_get_userbyid(c.relowner) = pg_get_userbyid(p.relowner) as same from pg_inherits i"
        " join pg_class c on c.oid = i.inhrelid join pg_class p on p.oid = i.inhparent where p.relname like '%%_history'"
    )
    assert [row.same for row in owners] == [True]


def test_an_installation_makes_the_first_months(empty_conn):
    """A new database can archive, and the doctor has nothing to say."""
    schema.install(empty_conn)
    queue = Queue(empty_conn)
    assert {parent: len(names(queue, parent)) for parent in HISTORIES} == dict.fromkeys(HISTORIES, 4)
    assert set(states(queue).values()) == {"current", "ahead"}
    assert maintain(queue) == []


@pytest.mark.parametrize(("parent", "month"), [("queue.processing_jobs", "2027-05-01"), ("queue.job_history", None)])
def test_making_a_partition_of_what_has_none_is_refused(queue, parent, month):
    with pytest.raises(psycopg.Error) as error:
        queue.value("select base.make_partition(%s, %s)", parent, month)
    assert error.value.sqlstate == "RQ008"


def test_a_partition_has_the_indexes_of_its_parent(queue, may):
    """Attached ones, not copies beside them."""
    maintain(queue)
    (row,) = queue.rows(
        "select (select count(*) from pg_index where indrelid = 'queue.job_history'::regclass) as parent,"
        " (select count(*) from pg_index where indrelid = 'queue.job_history_2027_05'::regclass) as own,"
        " (select count(*) from pg_index i join pg_inherits h on h.inhrelid = i.indexrelid"
        "  where i.indrelid = 'queue.job_history_2027_05'::regclass) as attached"
    )
    assert row.parent == row.own == row.attached == 5
