"""The record of backups: one at a time, what was killed is told, what may go and what may not, what health says; counts and checksums of tables."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import psycopg
import pytest

from tests.sql.healthkit import health
from tests.sql.mediakit import Conn, scalar
from tests.sql.queuekit import Queue

BUCKET = "file:///srv/objects/.backups"
SHA = "ab" * 32
DAY = timedelta(days=1)


def begin(conn: Conn, bucket: str = BUCKET) -> UUID:
    made: UUID = scalar(conn, "select id from ops.begin_backup(%s, 'database.dump', '0.2.0')", bucket)
    return made


def complete(conn: Conn, bucket: str = BUCKET) -> UUID:
    made = begin(conn, bucket)
    conn.execute("select ops.complete_backup(%s, 1000, %s, 5000, 3, 42)", [made, SHA])
    return made


def verified(conn: Conn, error: str | None = None, bucket: str = BUCKET) -> UUID:
    made = complete(conn, bucket)
    assert scalar(conn, "select ops.note_verification(%s, 'a test', %s)", made, error)
    return made


def status(conn: Conn, backup: UUID) -> tuple[str, str | None]:
    found = conn.execute("select status, error_code from ops.backups where id = %s", [backup]).fetchone()
    assert found is not None
    return found


def to_prune(conn: Conn, keep: str = "30 days", bucket: str = BUCKET) -> list[UUID]:
    return [row[0] for row in conn.execute("select id from ops.backups_to_prune(%s, %s)", [bucket, keep])]


def test_one_backup_runs_at_a_time_and_one_that_is_silent_was_killed(conn, connect, clock):
    clock.set("2030-01-01 03:00+00")
    first = begin(conn)
    clock.forward(119)
    with pytest.raises(psycopg.Error) as refused:
        begin(connect())
    assert refused.value.sqlstate == "RQ009" and "since 2030-01-01" in str(refused.value)
    conn.execute("select ops.note_backup(%s, 10, 'mark')", [first])
    clock.forward(119)
    with pytest.raises(psycopg.Error):
        begin(conn)
    clock.forward(2)
    second = begin(conn)
    assert (status(conn, first), status(conn, second)) == (("failed", "killed"), ("running", None))
    assert conn.execute("select event_type, data ->> 'error_code' from ops.outbox").fetchall() == [("backup.failed", "killed")]
    # The first one was not dead: what it does now is refused.
    for late in ("select ops.note_backup(%s, 20)", f"select ops.complete_backup(%s, 1, '{SHA}', 1, 1, 1)"):
        with pytest.raises(psycopg.Error) as told:
            conn.execute(late.encode(), [first])
        assert told.value.sqlstate == "RQ009"
    assert status(conn, first) == ("failed", "killed")


def test_the_next_backup_expects_the_mark_that_the_store_has_shown(conn):
    conn.execute("select ops.note_backup(%s, 10, 'abc')", [begin(conn)])
    conn.execute("select ops.fail_backup(id, 'store_away', 'It was away.') from ops.backups")
    assert scalar(conn, "select store_mark from ops.begin_backup(%s, 'd', '0.2.0')", BUCKET) == "abc"
    conn.execute("select ops.fail_backup(id, 'x', 'x') from ops.backups where status = 'running'")
    assert scalar(conn, "select store_mark from ops.begin_backup('s3://other', 'd', '0.2.0')") is None


def test_prune_leaves_the_last_verified_and_the_last_one(conn, clock):
    clock.set("2030-01-01 03:00+00")
    old, proven = complete(conn), verified(conn)
    clock.forward(DAY)
    newer = complete(conn)
    spoilt = verified(conn, error="a table differs")
    clock.forward(40 * DAY)
    assert set(to_prune(conn)) == {old, spoilt}
    assert to_prune(conn, "50 days") == []
    fresh = verified(conn)
    assert set(to_prune(conn)) == {old, proven, newer, spoilt}
    killed = begin(conn)
    assert killed not in to_prune(conn)
    clock.forward(121)
    assert killed in to_prune(conn, "100 days") and fresh not in to_prune(conn, "0")
    assert to_prune(conn, "0", bucket="s3://other") == []
    for backup in to_prune(conn):
        conn.execute("select ops.note_pruned(%s)", [backup])
    assert to_prune(conn) == [] and status(conn, killed) == ("failed", "killed")
    assert scalar(conn, "select array_agg(id) from ops.list_backups()") == [fresh]
    acts = conn.execute("select action, count(*) from ops.audit_logs where entity_type = 'backup' group by 1 order by 1").fetchall()
    assert acts == [("backup.created", 6), ("backup.deleted", 5)]


def test_prune_leaves_a_damaged_backup_where_there_is_no_other(conn, clock):
    clock.set("2030-01-01 03:00+00")
    older, newest = verified(conn, error="it is cut"), verified(conn, error="it is cut")
    clock.forward(90 * DAY)
    assert to_prune(conn) == [older]
    whole = complete(conn)
    assert set(to_prune(conn)) == {older, newest} and whole not in to_prune(conn, "0")


def test_health_says_when_the_last_good_one_was_and_when_one_was_verified(conn, clock):
    queue = Queue(conn)
    conn.execute("update base.schema_ledger set applied_at = '2030-01-01 00:00+00'")
    clock.set("2030-01-02 00:00+00")
    assert [level for level, _ in health(queue, "backups")] == ["ok"]
    clock.forward(2 * DAY)
    assert [level for level, _ in health(queue, "backups")] == ["warn"]
    made = complete(conn)
    assert [level for level, _ in health(queue, "backups")] == ["ok", "ok"]
    clock.forward(timedelta(days=2, hours=1))
    ((level, told), _) = health(queue, "backups")
    assert level == "warn" and "2 days ago" not in told and "2030-01-04" in told
    clock.forward(6 * DAY)
    assert [level for level, _ in health(queue, "backups")] == ["bad", "warn"]  # old, and none was ever verified
    conn.execute("select ops.note_verification(%s, 'a test')", [made])
    complete(conn)
    assert [level for level, _ in health(queue, "backups")] == ["ok", "ok"]
    conn.execute("select ops.note_verification(%s, 'a test', 'media.videos has 3 rows instead of 4')", [made])
    found = health(queue, "backups")
    assert ("bad", True) in [(level, "3 rows instead of 4" in told) for level, told in found]
    conn.execute("select ops.note_verification(%s, 'a test', 'pg_restore ended with 1: relation x does not exist')", [made])
    assert any("does not restore" in told and "REELQ_BACKUP_SCOPE" in told for _, told in health(queue, "backups"))
    clock.forward(1)
    verified(conn)
    assert [level for level, told in health(queue, "backups") if "relation x" in told] == ["warn"]  # with a newer one that restores
    conn.execute("select ops.fail_backup(%s, 'store_full', 'The object store is full.')", [begin(conn)])
    assert any(level == "warn" and "store is full" in told for level, told in health(queue, "backups"))
    begin(conn)
    clock.forward(125)
    assert any("was killed" in told for _, told in health(queue, "backups"))
    conn.execute("set role reelq_readonly")
    assert all("operators" in told for _, told in health(queue, "backups"))
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        conn.execute("select ops.list_backups()")
    conn.execute("reset role")


def test_a_checksum_is_of_the_rows_and_not_of_where_they_lie(conn):
    conn.execute("create table public.counted (id uuid primary key, at timestamptz, price numeric, span interval, raw bytea, f float8)")
    conn.execute("insert into public.counted select md5(n::text)::uuid, '2030-01-01'::timestamptz + n * interval '1 h', n / 7.0, n * interval '1 s', decode(md5(n::text), 'hex'), n / 3.0 from generate_series(1, 5000) as n")
    ask = "select row_count, sampled, sha256 from ops.count_table('public.counted', %s)"
    whole, part = conn.execute(ask, [""]).fetchone(), conn.execute(ask, ["0"]).fetchone()
    assert whole[:2] == (5000, 5000) and part[0] == 5000 and 200 < part[1] < 450
    conn.execute("create table public.other (like public.counted including all)")
    conn.execute("insert into public.other select * from public.counted order by f desc")
    conn.execute("drop table public.counted; alter table public.other rename to counted")
    for setting in ("timezone = 'Asia/Tokyo'", "datestyle = 'German'", "intervalstyle = 'iso_8601'", "bytea_output = 'escape'", "extra_float_digits = 0"):
        conn.execute(f"set {setting}".encode())
    assert (conn.execute(ask, [""]).fetchone(), conn.execute(ask, ["0"]).fetchone()) == (whole, part)
    conn.execute("update public.counted set f = f + 0.0000001 where id = (select id from public.counted where md5(id::text) like '0%' limit 1)")
    assert conn.execute(ask, ["0"]).fetchone()[:2] == part[:2]
    assert conn.execute(ask, ["0"]).fetchone() != part
    with pytest.raises(psycopg.Error) as refused:
        conn.execute(ask, ["1"])
    assert refused.value.sqlstate == "RQ008"


def test_what_cannot_be_backed_up_whole_is_told_before(conn):
    conn.execute("create role backup_tester nologin; grant usage on schema ops, base to backup_tester")
    conn.execute("grant execute on function ops.tables_to_back_up(boolean), base.hides_rows(regclass) to backup_tester")
    try:
        conn.execute("create table public.secret (id int); create table public.hidden (id int); alter table public.hidden enable row level security")
        conn.execute("create table public.parts (id int generated always as identity) partition by range (id); create schema apart; create table apart.one (id int)")
        conn.execute("create table public.shown (id int); alter table public.shown enable row level security; create policy a on public.shown for select using (true)")
        conn.execute("grant select on public.hidden, public.shown, apart.one to backup_tester; set role backup_tester")
        told = dict(conn.execute("select table_name, refusal from ops.tables_to_back_up() where not is_ours").fetchall())
        assert told["public.secret"] == "public.secret cannot be read by backup_tester"
        assert "may hide rows" in told["public.hidden"]
        assert told["public.parts"] == "public.parts cannot be read by backup_tester"
        assert told["public.parts_id_seq"] == "the sequence public.parts_id_seq cannot be read by backup_tester"
        assert told["apart.one"] == "the schema of apart.one cannot be used by backup_tester"
        assert told["public.shown"] is None
    finally:
        conn.execute("reset role; drop owned by backup_tester; drop role backup_tester")
    refused = conn.execute("select refusal from ops.tables_to_back_up() where refusal is not null").fetchall()
    assert refused == [] and scalar(conn, "select count(*) from ops.tables_to_back_up(false) where not is_ours") == 0


def test_a_restored_database_gives_back_what_ran_and_its_workers_come_anew(conn):
    queue = Queue(conn)
    queue.worker()
    job = queue.add()
    queue.take()
    assert conn.execute("select * from ops.settle_restored(%s)", [job]).fetchone() == (1, 1)
    assert queue.status(job) == "queued"
    assert scalar(conn, "select outcome from queue.job_attempts where job_id = %s", job) == "released"
    with pytest.raises(psycopg.Error) as refused:
        queue.beat("w1")
    assert refused.value.sqlstate == "RQ010"
    # It may be a copy beside the database that it was made of: nothing begins until somebody says that it is none.
    queue.worker("w2")
    assert queue.claim("w2") == []
    queue.value("select queue.resume('all')")
    assert [one.job_id for one in queue.claim("w2")] == [job]
    # Who had paused it before keeps the reason.
    queue.value("select queue.pause('all', '', 'the move')")
    conn.execute("select ops.settle_restored(null)")
    assert [row.reason for row in queue.rows("select reason from queue.list_pauses()")] == ["the move"]
