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
    for parent in BOTH:
        assert names(queue, parent) == months(parent, "2027_05", "2027_06", "2027_07", "2027_08")
    assert maintain(queue) == []
    may.set("2027-06-01 00:00+00")
    assert [partition for _, partition, _ in maintain(queue)] == [f"{parent}_2027_09" for parent in BOTH]


def test_a_span_is_a_month_of_utc_whatever_the_session_says(queue, may):
    queue.conn.execute("set timezone = 'Pacific/Auckland'")
    queue.conn.execute("set datestyle = 'SQL, DMY'")
    maintain(queue)
    queue.conn.execute("reset timezone")
    queue.conn.execute("reset datestyle")
    (first, *_) = queue.rows("select since at time zone 'UTC' as since, until at time zone 'UTC' as until from base.partitions(%s)", NOTES)
    assert (str(first.since), str(first.until)) == ("2027-05-01 00:00:00", "2027-06-01 00:00:00")


def test_how_many_ahead_is_the_operator_s_to_say(queue, may):
    queue.conn.execute("update ops.partition_policies set ahead = 1 where parent = %s", [NOTES])
    queue.conn.execute("delete from ops.partition_policies where parent = %s", [EVENTS])
    maintain(queue)
    assert (len(names(queue, NOTES)), names(queue, EVENTS)) == (2, [])


def test_a_forgotten_timer_costs_nothing(histories, clock, may):
    """Three months without it: the archiver makes what it needs; then one run catches up."""
    maintain(histories)
    clock.set("2027-10-20 12:00+00")
    job_id = done(histories)
    clock.forward(2 * DAY)
    assert archive(histories) == 1
    assert archived(histories) == {job_id}
    assert names(histories, "queue.job_history")[-1] == "queue.job_history_2027_10"
    maintain(histories)
    assert names(histories, "queue.job_history")[-4:] == months("queue.job_history", "2027_10", "2027_11", "2027_12", "2028_01")
    assert maintain(histories) == []


def test_a_partition_goes_when_the_whole_of_it_is_older_than_the_retention(queue, clock, may):
    """May ends on the 31st; 90 days later it is the 29th of August."""
    expired = run_out(queue, clock)
    clock.set("2027-08-29 23:59+00")
    assert states(queue)["2027_05"] == "kept"
    assert {action for action, _, _ in maintain(queue)} <= {"make"}
    clock.set("2027-08-30 00:01+00")
    assert states(queue)["2027_05"] == "expired"
    assert maintain(queue) == [("detach", expired, True), ("drop", expired, True)]
    assert queue.value("select to_regclass(%s)", expired) is None
    assert queue.rows("select * from ops.retired_partitions") == []
    assert f"{NOTES}_2027_05" in names(queue, NOTES)
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
    assert ("detach", expired, False) in told and ("make", f"{NOTES}_2027_09", False) in told
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
        other.rows(f"select * from {EVENTS}")
        assert ("detach", expired, False) in maintain(queue, 0.3)
        assert states(queue)["2027_05"] == "detaching"
        # Half-way, the reader still there: rows are written, partitions are made.
        write(writer)
        queue.conn.execute("update ops.partition_policies set ahead = 4")
        assert {("finalize", expired, False), ("make", f"{EVENTS}_2028_01", True)} <= set(maintain(queue, 0.3))
        write(writer)
    assert maintain(queue)[-2:] == [("finalize", expired, True), ("drop", expired, True)]
    assert maintain(queue) == []


def test_writers_pass_while_a_detaching_waits(queue, other, connect, clock, may):
    expired = run_out(queue, clock)
    writer, observer = Queue(connect()), Queue(connect())
    writer.conn.execute("set lock_timeout = '500ms'")
    did: list[tuple[str, str | None, bool]] = []
    with other.transaction():
        other.rows(f"select * from {EVENTS}")
        thread = threading.Thread(target=lambda: did.extend(maintain(queue, 10)), daemon=True)
        thread.start()
        blocked(observer, queue.conn.info.backend_pid)
        write(writer)
        assert len(writer.rows(f"select * from {EVENTS}")) == 1  # the reader's is out of sight already
    thread.join(10)
    assert {("detach", expired, True), ("drop", expired, True)} <= set(did)


def test_an_archiver_passes_while_a_detaching_waits(histories, other, clock, may):
    """The same with the queue's own writer, at both stages."""
    expired = run_out_of_attempts(histories, clock)
    with other.transaction():
        other.rows("select * from queue.attempt_history")
        assert ("detach", expired, False) in maintain(histories, 0.3)
        done(histories)
        clock.forward(2 * DAY)
        assert archive(histories) == 1
        assert ("finalize", expired, False) in maintain(histories, 0.3)
    assert maintain(histories) == [("finalize", expired, True), ("drop", expired, True)]


def test_two_at_once_do_no_harm(queue, other, clock, may):
    """The second says that there is a first."""
    with other.transaction():
        other.rows("select * from ops.maintain_partitions()")
        assert [row.action for row in queue.rows("select * from ops.maintain_partitions()")] == ["busy"]
    assert maintain(queue) == []


def test_no_reader_holds_up_a_maintenance(queue, other, clock, may):
    """An advisory lock of the name that it once took is anybody's; the row is not."""
    other.conn.execute("set role reelq_readonly")
    other.conn.execute("select pg_advisory_lock(hashtext('reelq.maintain_partitions'))")
    assert {action for action, *_ in maintain(queue)} == {"make"}
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        other.value("select queue.take_lock('maintain_partitions')")


def test_two_maintenances_go_one_after_the_other(queue, other, clock, may):
    with other.transaction():
        assert other.value("select queue.take_lock('maintain_partitions')")
        assert [action for action, *_ in maintain(queue)] == ["busy"]
    assert {action for action, *_ in maintain(queue)} == {"make"}


def test_an_archiver_and_a_maintenance_that_make_partitions_at_once_get_by(histories, other, connect, clock, may):
    """The maintenance waits a moment for what the archiver makes, and does not make it again."""
    done(histories)
    clock.forward(2 * DAY)
    did: list[tuple[str, str | None, bool]] = []
    with other.transaction():
        assert other.value("select queue.archive_jobs()") == 1
        thread = threading.Thread(target=lambda: did.extend(maintain(histories)), daemon=True)
        thread.start()
        blocked(Queue(connect()), histories.conn.info.backend_pid)
    thread.join(10)
    assert len(did) == 10 and all(finished for _, _, finished in did)


def test_an_analyze_of_the_table_is_not_waited_for(histories, other, clock, may):
    """It holds the lock that ATTACH needs. Told by the command, and the archiver leaves the job where it is."""
    job_id = done(histories)
    clock.forward(2 * DAY)
    with other.transaction():
        other.conn.execute("lock table queue.job_history in share update exclusive mode")
        assert archive(histories) == 0
        assert {(partition, finished) for _, partition, finished in maintain(histories) if "job" in str(partition)} == {
            (f"queue.job_history_2027_{month:02}", False) for month in range(5, 9)
        }
    assert {action for action, _, _ in maintain(histories)} == {"make"}
    archive(histories)
    assert archived(histories) == {job_id}


def test_what_was_killed_half_way_is_ended_by_the_next_run(queue, other, clock, may):
    """At each place: after the registration, within the detaching, after it."""
    before = schema.diff(queue.conn)
    expired = run_out(queue, clock)
    assert "detach" in [row.action for row in queue.rows(STEPS)]
    assert states(queue)["2027_05"] == "expired"
    (statement,) = [row.statement for row in queue.rows(STEPS) if row.statement]
    with other.transaction():
        other.rows(f"select * from {EVENTS}")
        queue.conn.execute("set statement_timeout = '2s'")
        with pytest.raises(psycopg.errors.QueryCanceled):
            queue.conn.execute(statement)
        queue.conn.execute("set statement_timeout = 0")
    (statement,) = [row.statement for row in queue.rows(STEPS) if row.statement]
    assert statement.endswith("finalize")
    queue.conn.execute(statement)
    assert states(queue)["2027_05"] == "detached"
    assert schema.diff(queue.conn) == before
    assert maintain(queue) == [("drop", expired, True)]


def test_a_maintenance_that_is_killed_makes_all_or_nothing(queue, other, may):
    with pytest.raises(psycopg.OperationalError), other.transaction():
        assert len(other.rows(STEPS)) == 8
        queue.value("select pg_terminate_backend(%s, 5000)", other.conn.info.backend_pid)
        other.value("select 1")
    assert names(queue, EVENTS) == names(queue, NOTES) == []
    assert len(maintain(queue)) == 8


# What belongs to somebody else


def test_a_partition_that_was_detached_by_hand_is_never_dropped(queue, clock, may):
    expired = run_out(queue, clock)
    queue.conn.execute(f"alter table {EVENTS} detach partition {expired}")
    maintain(queue)
    assert queue.value("select to_regclass(%s)", expired) is not None


def test_a_longer_retention_saves_what_is_not_dropped_yet(queue, clock, may):
    """Attached still: it stays. Detached: told, and left for a hand."""
    expired = run_out(queue, clock)
    queue.rows("select * from ops.maintain_partitions()")
    queue.conn.execute("update ops.partition_policies set retention = '5 years' where parent = %s", [EVENTS])
    assert maintain(queue) == [("keep", expired, True)]
    queue.conn.execute("update ops.partition_policies set retention = '90 days' where parent = %s", [EVENTS])
    (statement,) = [row.statement for row in queue.rows("select * from ops.maintain_partitions()") if row.statement]
    queue.conn.execute(statement)
    queue.conn.execute("update ops.partition_policies set retention = '5 years' where parent = %s", [EVENTS])
    assert maintain(queue) == [("keep", expired, False)]
    queue.conn.execute(f"alter table {EVENTS} attach partition {expired} for values from ('2027-05-01+00') to ('2027-06-01+00')")
    assert maintain(queue) == [("keep", expired, True)]
    assert maintain(queue) == []


def test_a_month_that_waits_for_its_drop_can_be_needed_again(histories, clock, may):
    """A job that failed late in its life has attempts of an old month."""
    expired = run_out_of_attempts(histories, clock)
    (statement,) = [row.statement for row in histories.rows("select * from ops.maintain_partitions()") if row.statement]
    histories.conn.execute(statement)
    clock.set("2027-05-11")
    done(histories)
    clock.set("2027-09-03")
    assert archive(histories) == 1
    assert names(histories, "queue.attempt_history")[0] == f"{expired}_2"
    maintain(histories)
    assert names(histories, "queue.attempt_history")[0] == "queue.attempt_history_2027_06"


def test_a_month_on_its_way_out_holds_its_job_back_and_no_other(histories, other, clock, may):
    """Half detached, it can be neither written nor made anew until a run ends that."""
    expired = run_out_of_attempts(histories, clock)
    with other.transaction():
        other.rows("select * from queue.attempt_history")
        maintain(histories, 0.2)
        clock.set("2027-05-11")
        late = done(histories)
        clock.set("2027-09-03")
        free = done(histories)
        clock.set("2027-09-10")
        assert archive(histories) == 1
    assert (free in archived(histories), late in archived(histories)) == (True, False)
    assert ("drop", expired, True) in maintain(histories)
    assert archive(histories) == 1


def test_a_policy_for_no_table_is_told(queue, may):
    queue.conn.execute("insert into ops.partition_policies (parent) values ('ops.test_nope'), ('queue.processing_jobs')")
    assert [(action, finished) for action, _, finished in maintain(queue)].count(("skip", False)) == 2
    assert len(names(queue, EVENTS)) == 4


def test_a_table_of_another_owner_is_told_and_holds_up_no_other(queue, may):
    """An application's, whose policy somebody has added."""
    conn = queue.conn
    conn.execute("create role parts_of_shop nologin; create role parts_of_us nologin")
    try:
        conn.execute("create schema a_shop; grant create, usage on schema a_shop to parts_of_shop, parts_of_us")
        for table, role in (("a_shop.theirs", "parts_of_shop"), ("a_shop.ours", "parts_of_us")):
            conn.execute(f"create table {table} (at timestamptz not null) partition by range (at); alter table {table} owner to {role}")
        conn.execute("delete from ops.partition_policies; insert into ops.partition_policies (parent, ahead) values ('a_shop.theirs', 1), ('a_shop.ours', 1)")
        conn.execute("grant usage on schema base, queue, ops to parts_of_us; grant execute on all functions in schema base, queue, ops to parts_of_us")
        conn.execute("grant all on all tables in schema queue, ops to parts_of_us; set role parts_of_us")
        told = queue.rows("select parent, action, done, detail from ops.maintain_partitions()")
    finally:
        conn.execute("reset role; drop owned by parts_of_us, parts_of_shop; drop role parts_of_us, parts_of_shop")
    assert sorted((row.parent, row.action, row.done) for row in told) == [
        ("a_shop.ours", "make", True), ("a_shop.ours", "make", True), ("a_shop.theirs", "skip", False),
    ]  # fmt: skip
    assert next(row.detail for row in told if row.action == "skip").startswith("it is of parts_of_shop: ")


def test_partitions_are_no_drift(queue, clock, may):
    before = schema.diff(queue.conn)
    run_out(queue, clock)
    (statement,) = [row.statement for row in queue.rows("select * from ops.maintain_partitions()") if row.statement]
    assert schema.diff(queue.conn) == before
    queue.conn.execute(statement)
    assert schema.diff(queue.conn) == before


def test_partitions_belong_to_the_owner_and_to_the_worker_s_archiver_as_well(histories, clock, may):
    """A worker's account may archive, not maintain: making what is missing is the archiver's own doing."""
    done(histories)
    clock.forward(2 * DAY)
    histories.conn.execute("set role reelq_worker")
    assert archive(histories) == 1
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        histories.rows("select * from ops.maintain_partitions()")
    assert len(histories.rows("select * from ops.list_partitions()")) == 2
    histories.conn.execute("reset role")
    owners = histories.rows(
        "select distinct pg_get_userbyid(c.relowner) = pg_get_userbyid(p.relowner) as same from pg_inherits i"
        " join pg_class c on c.oid = i.inhrelid join pg_class p on p.oid = i.inhparent where p.relkind = 'p'"
    )
    assert [row.same for row in owners] == [True]


def test_an_installation_makes_the_first_months(empty_conn):
    """Of every table that has a policy: a new database can archive, and the doctor has nothing to say."""
    schema.install(empty_conn)
    queue = Queue(empty_conn)
    wanted = {row.parent: row.ahead + 1 for row in queue.rows("select * from ops.partition_policies")}
    assert {parent: len(names(queue, parent)) for parent in wanted} == wanted and set(HISTORIES) <= wanted.keys()
    assert set(states(queue, "queue.job_history").values()) == {"current", "ahead"}
    assert maintain(queue) == []


@pytest.mark.parametrize(("parent", "month"), [("queue.processing_jobs", "2027-05-01"), (NOTES, None)])
def test_making_a_partition_of_what_has_none_is_refused(queue, parent, month):
    with pytest.raises(psycopg.Error) as error:
        queue.value("select base.make_partition(%s, %s)", parent, month)
    assert error.value.sqlstate == "RQ008"


# What a partition has of its parent

EVERYTHING = """
create table ops.test_all (
    id bigint generated always as identity,
    by_default bigint generated by default as identity (start with 1000),
    tenant_id uuid not null references identity.tenants (id) on delete cascade,
    video_id uuid references media.videos (id) on delete set null,
    seconds numeric(12, 3) not null default 3,
    minutes numeric generated always as (seconds / 60) stored,
    data jsonb not null default '{}',
    happened_at timestamptz not null default base.clock(),
    updated_at timestamptz not null default base.clock(),
    constraint test_all_pkey primary key (id, happened_at),
    constraint seconds_are_not_negative check (seconds >= 0),
    constraint data_is_an_object check (jsonb_typeof(data) = 'object')
) partition by range (happened_at);
create index test_all_by_tenant on ops.test_all (tenant_id, happened_at);
create index test_all_by_video on ops.test_all (video_id) where video_id is not null;
create statistics ops.test_all_of_tenants on tenant_id, video_id from ops.test_all;
create trigger touch_updated_at before update on ops.test_all for each row execute function base.tg_touch_updated_at();
select base.protect_tenant_rows('ops.test_all');
"""


@pytest.fixture
def all_kinds(conn, may):
    """A partitioned table with everything that a table can have, two of its months, and a tenant."""
    conn.execute(EVERYTHING)
    queue = Queue(conn)
    for month in ("2027-05-01", "2027-06-30"):
        queue.value("select base.make_partition('ops.test_all', %s)", month)
    assert names(queue, "ops.test_all") == months("ops.test_all", "2027_05", "2027_06")
    return queue


def add_to_all(queue, at="2027-05-10", tenant=None, **more):
    """Insert a row; return it."""
    values = {"tenant_id": tenant or queue.value("select id from identity.tenants"), "happened_at": at, **more}
    marks = ", ".join(["%s"] * len(values))
    (row,) = queue.rows(f"insert into ops.test_all ({', '.join(values)}) values ({marks}) returning *, tableoid::regclass::text as partition", *values.values())
    return row


def test_an_identity_numbers_the_rows_of_all_partitions(all_kinds):
    rows = [add_to_all(all_kinds, at) for at in ("2027-05-10", "2027-06-10", "2027-05-11")]
    assert [(row.id, row.by_default) for row in rows] == [(1, 1000), (2, 1001), (3, 1002)]
    assert [row.partition[-2:] for row in rows] == ["05", "06", "05"]
    sequences = all_kinds.rows("select relname from pg_class where relkind = 'S' and relname like 'test_all%%'")
    assert len(sequences) == 2, "partitions have none of their own"
    with pytest.raises(psycopg.errors.GeneratedAlways):
        add_to_all(all_kinds, id=7)


def test_a_partition_has_the_columns_checks_and_indexes_of_its_parent(all_kinds):
    row = add_to_all(all_kinds, seconds=90)
    assert (row.minutes, row.data, add_to_all(all_kinds).seconds) == (1.5, {}, 3)
    for wrong in ({"seconds": -1}, {"data": "[]"}):
        with pytest.raises(psycopg.errors.CheckViolation):
            add_to_all(all_kinds, **wrong)
    (found,) = all_kinds.rows(
        "select (select count(*) from pg_index where indrelid = 'ops.test_all'::regclass) as parent,"
        " (select count(*) from pg_index where indrelid = 'ops.test_all_2027_05'::regclass) as own,"
        " (select count(*) from pg_index i join pg_inherits h on h.inhrelid = i.indexrelid"
        "  where i.indrelid = 'ops.test_all_2027_05'::regclass) as attached"
    )
    assert found.parent == found.own == found.attached == 3, "attached ones, not copies beside them"


def test_a_partition_has_the_foreign_keys_and_triggers_of_its_parent(all_kinds, may):
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        add_to_all(all_kinds, tenant="00000000-0000-7000-8000-000000000000")
    tenant = all_kinds.value("select identity.create_tenant('acme')")
    row = add_to_all(all_kinds, tenant=tenant)
    may.forward(DAY)
    all_kinds.conn.execute("update ops.test_all set seconds = 4")
    assert all_kinds.value("select updated_at from ops.test_all") == row.updated_at + DAY
    all_kinds.conn.execute("delete from identity.tenants where id = %s", [tenant])
    assert all_kinds.rows("select * from ops.test_all") == []


def test_a_partition_is_as_closed_as_its_parent(all_kinds):
    """To whoever may read it at all: it has no policies, so that nobody passes by the parent's."""
    add_to_all(all_kinds)
    all_kinds.conn.execute("grant usage on schema ops to reelq_app; grant select on ops.test_all, ops.test_all_2027_05 to reelq_app; set role reelq_app")
    assert all_kinds.rows("select * from ops.test_all") == all_kinds.rows("select * from ops.test_all_2027_05") == []


def test_a_foreign_key_makes_the_maintenance_wait_for_a_writer_no_longer_than_its_limit(all_kinds, other, may):
    """Told as not done, and done by the next run."""
    all_kinds.conn.execute("insert into ops.partition_policies (parent, ahead) values ('ops.test_all', 2)")
    all_kinds.conn.execute("alter function ops.maintain_partitions set lock_timeout = '200ms'")
    july = ("make", "ops.test_all_2027_07")
    with other.transaction():
        other.value("select identity.create_tenant('slow')")
        assert (*july, False) in maintain(all_kinds)
    assert (*july, True) in maintain(all_kinds)
