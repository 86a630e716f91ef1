"""ops.health(): everything that it can find is provoked for real, and a sound database has no finding."""

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
from tests.sql.queuekit import Queue

MINUTES = timedelta(minutes=1)
SETTINGS = {
    "max_prepared_transactions": "5",
    "autovacuum_freeze_max_age": "100000",  # the least
    "autovacuum_naptime": "1d",  # it is on, and stays out of the way
}


@pytest.fixture
def queue(conn):
    return Queue(conn)


def health(queue: Queue, finding: str) -> list[tuple[str, str]]:
    """Level and detail of what is said about a subject, remedy added."""
    rows = queue.rows("select * from ops.health() where finding = %s", finding)
    assert all((row.level == "ok") or row.remedy for row in rows), "trouble without a remedy"
    return [(row.level, f"{row.detail} | {row.remedy}") for row in rows]


def only(queue: Queue, finding: str) -> tuple[str, str]:
    (row,) = health(queue, finding)
    return row


@pytest.fixture(scope="module")
def durable() -> Iterator[postgres.Server]:
    """A server as in production: durable, vacuumed."""
    with postgres.throwaway(settings=SETTINGS, durable=True) as server:
        with psycopg.connect(server.url(), autocommit=True) as conn:
            schema.install(conn)
        yield server


@pytest.fixture
def sound(durable: postgres.Server) -> Iterator[Queue]:
    """A session in its only database."""
    with psycopg.connect(durable.url(), autocommit=True) as conn:
        yield Queue(conn)


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


# --- the server


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


# --- roles


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


# --- who holds back vacuum


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


# --- tables


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


def past(queue):
    ((level, _),) = [row for row in health(queue, "partitions") if "queue.past" in row[1]]
    return level


def test_partitions_that_end_are_told_in_time(queue, clock):
    clock.set("2030-01-10 12:00+00")
    queue.conn.execute("create table queue.past (at timestamptz not null) partition by range (at)")
    assert past(queue) == "bad"
    queue.conn.execute("create table queue.past_1 partition of queue.past for values from ('2030-01-01') to ('2030-01-20')")
    assert past(queue) == "ok"
    clock.set("2030-01-19 12:00+00")
    assert past(queue) == "warn"
    clock.set("2030-01-21 12:00+00")
    assert past(queue) == "bad"
    queue.conn.execute("create table queue.past_2 partition of queue.past for values from ('2030-01-20') to (maxvalue)")
    assert past(queue) == "ok"


# --- jobs that back off


def test_a_full_store_is_told_with_its_remedy(queue, clock):
    """Its attempts are charged to nobody, so nothing else would tell."""
    assert only(queue, "retries")[0] == "ok"
    for _ in range(3):
        queue.add()
        queue.fail(queue.take(), code="store_full")
    level, told = only(queue, "retries")
    assert level == "warn"
    assert told.startswith("3 jobs back off for store_full since 20")
    assert "Make room" in told and "reelq jobs run-now --place backing-off --code store_full" in told
    since = told.split(" since ")[1][:19]
    clock.forward(16 * MINUTES)
    queue.conn.execute("select queue.promote_due()")
    queue.fail(queue.take(), code="store_full")
    level, told = only(queue, "retries")
    assert (level, "1 job backs off" in told) == ("bad", True), "for longer than a retry would take"
    assert since in told, "since the first attempt, not the latest"


def test_a_few_sources_that_are_away_are_their_owners_trouble(queue):
    for count, levels in ((1, ["ok"]), (10, ["warn"])):
        while queue.value("select count(*) from queue.scheduled") < count:
            queue.add()
            queue.fail(queue.take(), code="source_away")
        assert [level for level, _ in health(queue, "retries")] == levels


def test_an_error_of_the_job_s_own_is_no_finding(queue):
    queue.add()
    queue.fail(queue.take(), code="oops")
    queue.add(scheduled_for=queue.value("select base.clock() + interval '1 hour'"))
    assert only(queue, "retries")[0] == "ok"


# --- workers


def test_a_silent_worker_is_told(queue, clock):
    assert "None is at work" in only(queue, "workers")[1]
    queue.worker("quiet")
    assert only(queue, "workers")[0] == "ok"
    clock.forward(40)
    assert [(level, "quiet has not been heard of" in told) for level, told in health(queue, "workers")] == [("warn", True), ("ok", False)]
    clock.forward(30)
    queue.rescue()
    assert any("quiet was lost" in told for _, told in health(queue, "workers"))
    clock.forward(1)
    queue.worker("successor")
    assert only(queue, "workers")[0] == "ok"


def test_a_lease_that_nobody_takes_back_is_bad(queue, clock):
    queue.add()
    job = queue.take()
    clock.forward(61)
    assert only(queue, "leases")[0] == "ok"
    clock.forward(61)
    level, told = only(queue, "leases")
    assert (level, "1 ran out" in told) == ("bad", True)
    queue.rescue()
    assert only(queue, "leases")[0] == "ok"
    assert queue.status(job.job_id) == "queued"


def test_the_lease_of_a_worker_marked_dead_counts_too(queue, clock):
    queue.add()
    queue.take()
    queue.conn.execute("select queue.mark_worker_dead('w1')")
    assert only(queue, "leases")[0] == "ok"
    clock.forward(90)
    assert only(queue, "leases")[0] == "bad"


def test_ready_work_that_nobody_takes_is_told(queue, clock):
    queue.conn.execute("update queue.job_types set needs = '{av1}' where job_type = 'video_transcode'")
    queue.conn.execute("update queue.job_types set weight = 20 where job_type = 'extract_metadata'")
    for job_type in ("no_op", "video_transcode", "extract_metadata"):
        queue.add(job_type)
    queue.worker("w1")
    told = health(queue, "ready work")
    assert [level for level, _ in told] == ["warn", "warn"]
    assert {"No worker takes video_transcode that needs av1" in one or "No worker takes extract_metadata of 20 slots" in one for _, one in told} == {True}
    clock.forward(6 * MINUTES)
    queue.worker("w2", ["no_op"])
    assert [level for level, _ in health(queue, "ready work")] == ["bad", "bad"]
    queue.conn.execute("update queue.workers set slots = 20, capabilities = '{av1}' where worker_id = 'w1'")
    queue.beat("w1")
    assert only(queue, "ready work")[0] == "ok"


def test_ready_work_is_told_once_a_type_with_its_number_and_the_longest_wait(queue, clock):
    """Tenants take turns, so that the one at the head of a line may have come last; each priority is a line."""
    clock.set(queue.value("select now()"))
    for _ in range(3):
        queue.add()
    clock.forward(17)
    queue.add(tenant_id=queue.value("select identity.create_tenant('late')"))
    queue.add(priority=1)
    clock.forward(3)
    level, told = only(queue, "ready work")
    assert level == "warn" and told.startswith("No worker takes no_op; 5 jobs wait, the longest for 00:00:20 | ")
    queue.rows("select * from queue.enqueue_jobs((select jsonb_agg(jsonb_build_object('job_type', 'no_op')) from generate_series(1, 1000)))")
    assert "; 1,000+ jobs wait, the longest for 00:00:20 | " in only(queue, "ready work")[1]


# --- jobs


def test_due_jobs_that_nobody_makes_ready_are_told(queue, clock):
    queue.add(scheduled_for=queue.value("select base.clock() + interval '1 second'"))
    clock.forward(30)
    assert only(queue, "scheduled jobs")[0] == "ok"
    clock.forward(60)
    assert only(queue, "scheduled jobs")[0] == "warn"
    clock.forward(300)
    level, told = only(queue, "scheduled jobs")
    assert (level, "1 are due" in told) == ("bad", True)


def test_dead_letters_that_grow_are_told(queue, clock):
    def fail(count: int) -> None:
        for _ in range(count):
            queue.add()
            queue.fail(queue.take(), "permanent")

    fail(10)
    assert only(queue, "dead letters")[0] == "ok"
    fail(1)
    assert only(queue, "dead letters")[0] == "warn"
    clock.forward(90 * MINUTES)
    assert only(queue, "dead letters") == ("ok", "0 failed for good in the last hour, 11 in the day before | None")


def test_jobs_that_are_all_parked_are_told(queue):
    job_id = queue.add()
    with queue.transaction():
        queue.conn.execute("delete from queue.ready")
        queue.conn.execute("insert into queue.parked values ('pause:channel:1', 1, 1, %s, 'no_op')", [job_id])
    assert only(queue, "parked jobs")[0] == "warn"
    queue.add()
    assert only(queue, "parked jobs") == ("ok", "1 wait for a limit or a pause | None")


def test_a_forgotten_pause_is_told(queue, clock):
    queue.conn.execute("insert into queue.pauses (scope, key, reason) values ('job_type', 'no_op', 'a try')")
    assert only(queue, "pauses")[0] == "ok"
    clock.forward(25 * 60 * MINUTES)
    level, told = only(queue, "pauses")
    assert (level, "job_type no_op has been paused" in told) == ("warn", True)


@pytest.mark.parametrize(("scope", "levels"), [("all", ["ok", "warn", "bad"]), ("job_type", ["ok", "warn", "warn"]), ("tenant", ["ok", "warn", "warn"])])
@pytest.mark.parametrize("is_met", [False, True], ids=["ready", "parked"])
def test_a_pause_that_holds_jobs_is_told_soon(queue, clock, scope, levels, is_met):
    video = queue.value("select media.create_video('/a.mp4')")
    job = queue.add(video_id=video)
    key = {"all": "", "job_type": "no_op", "tenant": "default"}[scope]
    queue.conn.execute("select queue.pause(%s, %s, 'the store moves')", (scope, key))
    if is_met:
        queue.worker()
        assert queue.claim(limit=10) == []
    for level in levels:
        assert only(queue, "pauses")[0] == level
        clock.forward(31 * MINUTES)
    told = only(queue, "pauses")[1]
    assert "(the store moves); 1 job waits behind it" in told
    assert told.endswith(f"reelq queue resume {scope} {key}".rstrip())
    queue.conn.execute("select queue.cancel_job(%s, 'a try')", (job,))
    assert only(queue, "pauses")[0] == "ok", "nothing waits behind it"


def test_a_limit_that_holds_a_thousand_jobs_for_an_hour_is_told(queue, clock):
    queue.conn.execute("select queue.set_limit('type:no_op', 1)")
    for count, level in ((1001, "ok"), (2, "warn")):  # the one that runs keeps its place for some seconds more
        queue.conn.execute("select queue.enqueue_jobs(jsonb_agg(jsonb_build_object('job_type', 'no_op'))) from generate_series(1, %s)", (count,))
        queue.worker()
        queue.claim(limit=10)
        assert only(queue, "limits")[0] == "ok", "not for long"
        clock.forward(61 * MINUTES)
        found = only(queue, "limits")
        assert found[0] == level
    assert "1002 jobs wait behind the limit type:no_op (1)" in found[1] and "reelq queue set-limit 'type:no_op' 2" in found[1]


def test_a_count_that_stopped_says_so(queue):
    for count, told in ((9999, "9999"), (10000, "10,000+"), (10001, "10,000+")):
        assert queue.value("select base.format_count(%s)", count) == told
    assert queue.value("select base.format_count(1234567, 1000000)") == "1,000,000+"


# --- upkeep


def test_upkeep_that_does_not_run_is_told(queue, clock):
    queue.conn.execute("insert into queue.upkeep (task) values ('brush')")
    assert only(queue, "upkeep")[0] == "ok"
    clock.forward(4 * 60 * MINUTES)
    assert {told.split(" ")[0] for _, told in health(queue, "upkeep")} == {"archive", "identity", "repair", "stats"}
    queue.conn.execute("update queue.upkeep set last_run_at = base.clock() where task in ('archive', 'identity', 'stats')")
    queue.rows("select * from queue.repair()")
    assert only(queue, "upkeep")[0] == "ok"
    clock.forward(4 * 24 * 60 * MINUTES)
    assert {told.split(" ")[0] for _, told in health(queue, "upkeep")} == {"archive", "brush", "identity", "repair", "stats"}


def test_workers_that_do_not_rescue_are_told(queue, clock):
    queue.worker()
    queue.rescue()
    clock.forward(2 * MINUTES)
    assert only(queue, "upkeep")[0] == "ok", "nobody is there to do it"
    queue.worker()
    level, told = only(queue, "upkeep")
    assert (level, told.startswith("rescue last ran")) == ("warn", True)


def test_repairs_shout(queue):
    assert only(queue, "repairs")[0] == "ok"
    queue.add()
    queue.conn.execute("delete from queue.ready")
    assert only(queue, "invariants")[0] == "bad"
    queue.rows("select * from queue.repair()")
    assert only(queue, "invariants")[0] == "ok"
    assert only(queue, "repairs") == ("bad", only(queue, "repairs")[1])
    queue.conn.execute("update queue.upkeep set repairs = 0")
    assert only(queue, "repairs")[0] == "ok"


def test_large_tables_are_verified_in_windows_and_whole_when_asked(queue):
    queue.conn.execute("insert into queue.job_attempts (job_id, attempt, job_type, worker_id, started_at, ended_at, outcome, message)"
                       " select base.uuid_v7(), 1, 'no_op', 'w', now(), now(), 'completed', repeat('x', 1000) from generate_series(1, 20000)")  # fmt: skip
    queue.add()
    queue.conn.execute("delete from queue.ready")
    assert only(queue, "invariants")[0] == "bad"
    queue.rows("select * from queue.repair()")
    # What no window sees, for it is about no single job.
    queue.conn.execute("insert into queue.limits (limit_key, max_running, used, counted) values ('type:no_op', 5, 3, true)")
    (row,) = queue.rows("select * from ops.health() where finding = 'invariants'")
    assert (row.level, row.remedy) == ("ok", "On a quiet hour: reelq doctor --deep")
    assert any("permits" in row.detail for row in queue.rows("select * from ops.health(true) where finding = 'invariants'"))
    queue.conn.execute("delete from queue.limits")
    queue.conn.execute("delete from queue.job_attempts")


def test_a_check_that_fails_is_a_finding(queue):
    """A broken part does not hide the others."""
    queue.conn.execute("alter table queue.dead_letters rename column failed_at to broken")
    rows = queue.rows("select * from ops.health()")
    assert [row.detail for row in rows if row.finding == "jobs"] == ['The check itself failed: column d.failed_at does not exist (42703)']
    assert {"upkeep", "workers", "server"} <= {row.finding for row in rows}
    queue.conn.execute("alter table queue.dead_letters rename column broken to failed_at")


@pytest.mark.parametrize("table", ["queue.dead_letters", "queue.workers"])
def test_a_check_that_waits_for_a_lock_says_which_session_holds_it(queue, connect, table):
    """It is nobody's fault in the check, and the statement that it gives names the session."""
    other = connect(autocommit=False)
    other.execute(f"lock table {table} in access exclusive mode")
    queue.conn.execute("set lock_timeout = '20ms'")
    found = [row for row in queue.rows("select * from ops.health()") if row.detail.startswith("Not checked")]
    assert found and {row.level for row in found} == {"warn"}
    assert "another session holds a lock" in found[0].detail and "Report" not in found[0].remedy
    assert other.info.backend_pid in [row.pid for row in queue.rows(found[0].remedy.removeprefix("Which: "))]
    other.rollback()


def test_the_queues_own_part_is_part_of_the_whole(queue):
    """queue.health() has the queue's checks alone; ops.health() adds those of the server, whatever becomes of the queue's."""
    own, whole = ({row.finding for row in queue.rows(f"select * from {room}.health()")} for room in ("queue", "ops"))
    assert own < whole
    assert whole - own == {"server", "durability", "wraparound", "connections", "roles", "ownership", "temporary objects", "snapshots", "autovacuum"}
    queue.conn.execute("alter function queue.health(boolean) rename to hidden")
    rows = queue.rows("select * from ops.health()")
    assert {row.level for row in rows if row.finding == "queue"} == {"bad"}
    assert "connections" in {row.finding for row in rows}
    queue.conn.execute("alter function queue.hidden(boolean) rename to health")


def test_a_worker_that_beats_and_does_not_look_for_work_is_told(queue, clock):
    """Its heart is well, its loop is not; one that looks, drains or was only just started is fine."""
    for name in ("idle", "works", "drains"):
        queue.worker(name)
    queue.conn.execute("select queue.drain_worker('drains')")
    assert [level for level, _ in health(queue, "workers")] == ["ok"]
    clock.forward(timedelta(seconds=65))
    queue.claim("works", 0)
    for name in ("idle", "works", "drains"):
        queue.beat(name)
    found = [(level, told) for level, told in health(queue, "workers") if level != "ok"]
    assert len(found) == 1
    assert found[0][0] == "bad" and "idle on host beats and has not looked for work for 00:01:05" in found[0][1]
    queue.claim("idle", 0)
    assert [level for level, _ in health(queue, "workers")] == ["ok"]


def test_a_host_in_trouble_is_named_with_its_remedy(queue):
    """Bad when no other works, and what is ready has nobody; a good one beside it makes it a warning."""
    queue.add()
    queue.worker("w1")
    queue.conn.execute("select queue.set_worker_trouble('w1', 'ffmpeg does not run', 'Install it.')")
    (bad,) = [(level, told) for level, told in health(queue, "workers") if level != "ok"]
    assert bad[0] == "bad" and "w1 on host claims nothing: ffmpeg does not run | On host: Install it." in bad[1]
    level, told = only(queue, "ready work")
    assert level == "warn"
    assert told.startswith("Only workers in trouble, such as w1 on host, take no_op; ") and told.endswith("| On host: Install it.")
    queue.worker("w2")
    assert sorted(level for level, _ in health(queue, "workers")) == ["ok", "warn"]
    assert health(queue, "ready work")[0][0] == "ok"
