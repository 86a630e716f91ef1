"""ops.health() of the server: everything that it can find is provoked for real, and a sound database has no finding."""

from __future__ import annotations

import shutil
import threading
import uuid
from collections.abc import Iterator
from datetime import timedelta

import psycopg
import pytest

from demo import postgres
from reelq.worker.db import schema
from tests.sql.healthkit import SETTINGS, health, only
from tests.sql.healthkit import durable as durable
from tests.sql.healthkit import sound as sound
from tests.sql.queuekit import Queue

MINUTES = timedelta(minutes=1)


@pytest.fixture
def queue(conn):
    return Queue(conn)


def test_a_sound_database_has_no_finding(sound):
    sound.worker()
    rows = sound.rows("select * from ops.health()")
    assert [row for row in rows if row.level != "ok"] == []
    assert len({row.finding for row in rows}) >= 15
    assert {row.remedy for row in rows} == {None}


def test_it_never_reads_the_record_from_end_to_end(queue):
    """It may be asked every minute. The invariants do, while the tables are small."""

    def scans() -> int:
        queue.conn.execute("select pg_stat_force_next_flush()")
        return queue.value("select sum(seq_scan) from pg_stat_user_tables where relname in ('processing_jobs', 'job_attempts')")

    before = scans()
    for part in ("ops.health_of_server", "ops.health_of_roles", "ops.health_of_snapshots"):
        queue.conn.execute(f"select * from {part}()")
    for part in ("tables", "workers", "jobs", "gates", "retries", "upkeep"):
        queue.conn.execute(f"select * from queue.health_of_{part}()")
    assert scans() == before
    queue.violations()
    assert scans() > before


def burn(queue: Queue, count: int) -> None:
    """Use up transaction numbers."""
    queue.conn.execute(
        f"""
        do $$
        begin
            create temporary table burnt (n integer) on commit drop;
            for i in 1..{count} loop
                begin
                    insert into burnt values (i);
                exception when others then null;
                end;
            end loop;
        end;
        $$
        """
    )


def test_a_server_that_loses_data_in_a_crash_is_bad(queue):
    """As the tests' own is."""
    level, told = only(queue, "durability")
    assert (level, "fsync off" in told) == ("bad", True)
    assert any(level == "bad" and "autovacuum off" in told for level, told in health(queue, "autovacuum"))


def test_commits_that_a_crash_forgets_are_a_warning(sound):
    sound.conn.execute("set synchronous_commit = off")
    assert only(sound, "durability")[0] == "warn"


def test_a_table_without_autovacuum_is_bad(queue):
    queue.conn.execute("alter table queue.ready set (autovacuum_enabled = false)")
    assert [told for level, told in health(queue, "autovacuum") if "queue.ready" in told]


def test_old_transaction_numbers_warn_and_then_are_bad(sound):
    assert only(sound, "wraparound")[0] == "ok"
    burn(sound, 210_000)
    level, told = only(sound, "wraparound")
    assert (level, "vacuumdb --freeze" in told) == ("warn", True)
    sound.conn.execute("set vacuum_failsafe_age = 0")
    assert only(sound, "wraparound")[0] == "bad"
    sound.conn.execute("vacuum (freeze)")


def test_connections_that_run_out_are_told(queue, connect, pg_server):
    level, told = only(queue, "connections")
    assert level == "ok"
    assert "of 197 in use" in told
    with postgres.throwaway(pg_server.binaries, {"max_connections": "5"}) as small:
        with psycopg.connect(small.url(), autocommit=True) as conn:
            schema.install(conn)
            with psycopg.connect(small.url()):
                assert only(Queue(conn), "connections")[0] == "warn"


def test_connections_of_a_role_or_database_that_run_out_are_told(queue, connect, dsn):
    role, database = f"narrow_{uuid.uuid4().hex}", queue.conn.info.dbname
    queue.conn.execute(f"create role {role} login in role reelq_worker connection limit 2")
    with psycopg.connect(psycopg.conninfo.make_conninfo(dsn, user=role)):
        assert only(queue, "connections")[0] == "ok"
        queue.conn.execute(f"alter role {role} connection limit 1")
        server, its = health(queue, "connections")
        assert (server[0], its[0]) == ("ok", "warn")
        assert f"1 of 1 in use that role {role} may have" in its[1]
        queue.conn.execute(f"alter role {role} connection limit -1")
        queue.conn.execute(f"alter database {database} connection limit 2")
        server, its = health(queue, "connections")
        assert (server[0], its[0]) == ("ok", "warn")
        assert f"in use that database {database} may have" in its[1]
        queue.conn.execute(f"alter database {database} connection limit 20")
        assert only(queue, "connections")[0] == "ok"
    queue.conn.execute(f"drop role {role}")


def test_roles_say_what_the_caller_may_do(queue, connect):
    assert "owns the schema" in only(queue, "roles")[1]
    conn = connect()
    for role, word, level in (("reelq_worker", "may claim", "ok"), ("reelq_readonly", "may read only", "warn")):
        conn.execute(f"set role {role}")
        assert only(Queue(conn), "roles")[0] == level
        assert word in only(Queue(conn), "roles")[1]
    conn.execute("set role reelq_app")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        conn.execute("select * from ops.health()")


def test_a_missing_role_is_bad(pg_server):
    """Roles belong to the server: one of its own."""
    with postgres.throwaway(pg_server.binaries) as server, psycopg.connect(server.url(), autocommit=True) as conn:
        schema.install(conn)
        conn.execute("drop owned by reelq_readonly; drop role reelq_readonly")
        level, told = only(Queue(conn), "roles")
        assert (level, "reelq_readonly" in told) == ("bad", True)


@pytest.mark.parametrize(("begin", "held"), [
    ("set transaction isolation level repeatable read; select 1", "idle in transaction"),
    ("select pg_current_xact_id()", "idle in transaction"),
])  # fmt: skip
def test_a_held_snapshot_names_its_holder(queue, connect, clock, begin, held):
    other = connect(autocommit=False, application_name="somebody's psql")
    other.execute(begin)
    assert [row for row in health(queue, "snapshots") if row[0] != "ok"] == []
    clock.forward(6 * MINUTES)
    level, told = only(queue, "snapshots")
    assert level == "warn"
    assert f"pid {other.info.backend_pid}" in told
    assert "somebody's psql" in told
    assert held in told
    assert f"select pg_terminate_backend({other.info.backend_pid})" in told
    clock.forward(60 * MINUTES)
    assert only(queue, "snapshots")[0] == "bad"
    other.rollback()
    assert only(queue, "snapshots")[0] == "ok"


def test_a_session_that_holds_nothing_is_nobody_s_trouble(queue, connect, clock):
    other = connect(autocommit=False)
    other.execute("select 1")
    clock.forward(10 * MINUTES)
    assert only(queue, "snapshots")[0] == "ok"


def test_a_forgotten_transaction_that_holds_a_job_is_named(queue, connect, clock):
    """Its job cannot be settled: who it is and what to do is told after a minute."""
    job_id = queue.add()
    queue.take()
    other = connect(autocommit=False, application_name="somebody's psql")
    other.execute("select queue.cancel_job(%s, 'held')", [job_id])
    assert only(queue, "locks")[0] == "ok"
    clock.forward(2 * MINUTES)
    level, told = only(queue, "locks")
    assert level == "warn"
    for word in (f"pid {other.info.backend_pid} (", "somebody's psql", "idle in transaction for 0", "queue.leases", "queue.processing_jobs"):
        assert word in told
    assert f"select pg_terminate_backend({other.info.backend_pid})" in told
    other.rollback()
    assert only(queue, "locks")[0] == "ok"


@pytest.mark.parametrize(("statement", "level"), [
    ("select from queue.processing_jobs for update", "warn"),
    ("insert into queue.pauses (scope, key, reason) values ('all', '', 'a load of many rows')", "ok"),
])  # fmt: skip
def test_of_a_busy_session_only_a_hold_on_jobs_counts(queue, connect, clock, statement, level):
    queue.add()
    other = connect(autocommit=False)
    other.execute(statement)
    other.execute("select")
    asking = threading.Thread(target=lambda: other.execute("select pg_advisory_xact_lock(1)"))
    with queue.transaction():
        queue.conn.execute("select pg_advisory_xact_lock(1)")
        asking.start()
        while queue.value("select state from pg_stat_activity where pid = %s", other.info.backend_pid) != "active":
            queue.conn.execute("select pg_stat_clear_snapshot()")
        clock.forward(2 * MINUTES)
        assert only(queue, "locks")[0] == level
    asking.join()


def test_readers_hold_no_job(queue, connect, clock):
    other = connect(autocommit=False)
    other.execute("select from queue.processing_jobs")
    clock.forward(2 * MINUTES)
    assert only(queue, "locks")[0] == "ok"


def test_who_may_not_see_sessions_says_nothing_of_locks(queue, connect):
    """The owner of the schema, and not a superuser."""
    assert "locks" in {row.finding for row in queue.rows("select * from queue.health_of_jobs()")}
    queue.conn.execute("create role curious_owner; grant usage on schema queue, base to curious_owner")
    try:
        queue.conn.execute("grant select on all tables in schema queue to curious_owner; grant execute on all functions in schema queue, base to curious_owner")
        conn = connect()
        conn.execute("set role curious_owner")
        assert "locks" not in {row.finding for row in Queue(conn).rows("select * from queue.health_of_jobs()")}
        conn.close()
    finally:
        queue.conn.execute("drop owned by curious_owner; drop role curious_owner")


def move_clock(queue: Queue, by: timedelta) -> None:
    """In the sound database, inside the caller's transaction."""
    queue.conn.execute(
        "create or replace function base.clock() returns timestamptz language sql volatile security definer set search_path = pg_catalog, pg_temp"
        f" as $$ select clock_timestamp() + interval '{by.total_seconds()} seconds' $$"
    )


class Undo(Exception):
    pass


def test_a_forgotten_prepared_transaction_is_found(sound, durable):
    with psycopg.connect(durable.url()) as other:
        other.tpc_begin(other.xid(1, "payment", "x"))
        other.execute("select pg_current_xact_id()")
        other.tpc_prepare()
        with pytest.raises(Undo), sound.transaction():
            move_clock(sound, 6 * MINUTES)
            level, told = only(sound, "snapshots")
            assert (level, "rollback prepared" in told) == ("warn", True)
            raise Undo
        other.tpc_rollback()
    assert only(sound, "snapshots")[0] == "ok"


def test_a_replication_slot_that_nobody_reads_is_found(sound):
    sound.conn.execute("select pg_create_physical_replication_slot('standby2', true)")
    try:
        level, told = only(sound, "snapshots")
        assert (level, "select pg_drop_replication_slot('standby2')" in told) == ("warn", True)
    finally:
        sound.conn.execute("select pg_drop_replication_slot('standby2')")


@pytest.fixture
def standby(durable: postgres.Server) -> Iterator[postgres.Server]:
    """A hot standby of the durable server that passes on which rows its queries need."""
    program = durable.binaries.folder / "pg_basebackup"
    if not program.exists():
        pytest.skip("this server comes without pg_basebackup")
    with postgres.throwaway(durable.binaries) as neighbour:  # for a folder that the server's user can reach
        folder = neighbour.folder / "standby"
        settings = {**SETTINGS, "hot_standby_feedback": "on", "wal_receiver_status_interval": "1s"}
        copy = postgres.Server(folder, durable.binaries, durable=False, settings=settings)
        folder.mkdir(mode=0o700)
        if copy.who.uid is not None:
            shutil.chown(folder, copy.who.uid, copy.who.gid)
        done = copy._run([str(program), "-d", durable.url(), "-D", str(copy.data), "-R", "--checkpoint=fast"])
        assert done.returncode == 0, done.stdout
        copy.prepare()
        copy.start()
        try:
            yield copy
        finally:
            copy.stop()


def test_a_standby_that_holds_rows_is_found(sound, standby):
    with psycopg.connect(standby.url(), options="-c default_transaction_isolation=repeatable\\ read") as reader:
        reader.execute("select count(*) from queue.processing_jobs")
        for _ in range(400):
            if sound.value("select bool_or(backend_xmin is not null) from pg_stat_replication"):
                break
            sound.conn.execute("select pg_sleep(0.05)")
        else:
            pytest.fail("no feedback came")
        assert only(sound, "snapshots")[0] == "ok"
        for _ in range(2):
            burn(sound, 260_000)
        level, told = only(sound, "snapshots")
        assert (level, "hot_standby_feedback" in told) == ("warn", True)
        (row,) = Queue(reader).rows("select * from ops.health() where finding = 'server'")
        assert (row.level, "a standby" in row.detail) == ("bad", True)
    sound.conn.execute("vacuum (freeze)")


def test_an_owner_who_may_not_see_sessions_says_so(pg_server):
    with postgres.throwaway(pg_server.binaries) as server, psycopg.connect(server.url(), autocommit=True) as conn:
        conn.execute("create role boss login createrole")
        conn.execute("create database theirs owner boss")
        with psycopg.connect(server.url("theirs").replace("postgres@", "boss@"), autocommit=True) as owner:
            schema.install(owner)
            level, told = only(Queue(owner), "snapshots")
            assert (level, "grant pg_read_all_stats to boss" in told) == ("warn", True)
            conn.execute("grant pg_read_all_stats to boss")
            assert only(Queue(owner), "snapshots")[0] == "ok"
            assert [row for row in Queue(owner).rows("select * from ops.health()") if "failed" in row.detail and row.level == "bad"] == []


def test_dead_rows_are_told(queue):
    queue.add()
    for _ in range(2):
        queue.conn.execute("insert into queue.listening_workers select 'w' || n from generate_series(1, 6000) as n")
        queue.conn.execute("delete from queue.listening_workers")
    queue.conn.execute("select pg_stat_force_next_flush()")
    level, told = only(queue, "dead rows")
    assert (level, "queue.listening_workers has 12000 dead rows" in told) == ("warn", True)


def test_an_invalid_index_is_told(queue):
    """As a concurrent build leaves behind that failed."""
    queue.add()
    queue.add()
    with pytest.raises(psycopg.Error):
        queue.conn.execute("create unique index concurrently twice on queue.processing_jobs (job_type)")
    level, told = only(queue, "indexes")
    assert (level, "queue.twice" in told) == ("warn", True)
