"""reelq partitions, with a reader in the way, twice at once, and killed half-way."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from tests.patience import QUICK_S
from tests.sql.partitionkit import EVENTS, NOTES, blocked, make_tables, write
from tests.sql.queuekit import Queue

MAINTAIN = [sys.executable, "-m", "reelq.cli.main", "partitions", "maintain"]


@pytest.fixture
def queue(conn):
    """With two partitioned tables, and no policy for others."""
    make_tables(conn)
    return Queue(conn)


@pytest.fixture
def expired(reelq, queue, clock):
    """A partition of events past its retention; months before today's have been made."""
    clock.set("2027-05-10 12:00+00")
    for table in (EVENTS, NOTES):
        queue.value("select base.make_partition(%s, '2027-05-01')", table)
    write(queue)
    clock.set("2027-09-02")
    return f"{EVENTS}_2027_05"


def until(observer, question, *args):
    """Ask until there is an answer; sessions that come and go offer no event to wait on."""
    for _ in range(1000):
        found = observer.value(question, *args)
        if found is not None:
            return found
        observer.value("select pg_sleep(0.01)")
    raise AssertionError(f"no answer in 10 s: {question}")


def test_maintain_says_what_it_did_and_does_it_once(reelq, expired):
    ran = reelq("partitions", "maintain", "--json")
    assert ran.code == 0
    assert list(ran.rows[0]) == ["parent", "partition", "action", "statement", "done", "detail"]
    assert [row["action"] for row in ran.rows if row["partition"] == expired] == ["detach", "drop"]
    assert all(row["done"] for row in ran.rows)
    again = reelq("partitions", "maintain")
    assert (again.code, again.out, again.err) == (0, "Nothing to do.\n", "")


def test_a_dry_run_changes_nothing(reelq, expired):
    before = reelq("partitions", "list", "--json").out
    assert "detach" in reelq("partitions", "maintain", "--dry-run").out
    assert reelq("partitions", "list", "--json").out == before


def test_list_shows_span_state_and_size(reelq, expired):
    reelq("partitions", "maintain")
    (row, *_) = [row for row in reelq("partitions", "list", "--json").rows if row["parent"] == NOTES]
    assert list(row) == ["parent", "partition", "since", "until", "state", "rows_estimate", "size_bytes"]
    assert (row["since"], row["state"], row["rows_estimate"]) == ("2027-05-01T00:00:00+00:00", "kept", None)
    assert row["size_bytes"] > 0
    assert {row["state"] for row in reelq("partitions", "list", "--json").rows} == {"kept", "current", "ahead"}
    assert f"{NOTES}_2027_05" in reelq("partitions", "list").out


def test_list_without_partitions_says_how_to_make_them(reelq, queue):
    assert "reelq partitions maintain" in reelq("partitions", "list").err


def test_a_reader_in_the_way_is_75_and_no_hang(reelq, connect, expired):
    reader = Queue(connect())
    with reader.transaction():
        reader.rows(f"select * from {EVENTS}")
        ran = reelq("partitions", "maintain", "--wait", "0.3s")
        assert ran.code == 75
        assert f"detach {expired}: left for the next run: somebody reads the table for longer than the limit" in ran.err
        ran = reelq("partitions", "maintain", "--wait", "0.3s")
        assert (ran.code, "finalize" in ran.err) == (75, True)
    assert reelq("partitions", "maintain").code == 0
    assert reelq("partitions", "maintain", "--json").rows == []


def test_the_second_of_two_says_so_and_is_0(reelq, connect, expired):
    first = Queue(connect(autocommit=False))
    first.value("select queue.take_lock('partitions')")
    ran = reelq("partitions", "maintain")
    assert (ran.code, ran.out, ran.err) == (0, "", "Another session maintains the partitions at this moment.\n")


def test_a_kill_half_way_is_made_good_by_the_next_run(reelq, queue, connect, settings_env, expired):
    """kill -9 while it waits for a reader: its lock is free in seconds, the detaching is ended."""
    reader, observer = Queue(connect()), Queue(connect())
    with reader.transaction():
        reader.rows(f"select * from {EVENTS}")
        running = subprocess.Popen([*MAINTAIN, "--wait", "60s"], env=settings_env)
        pid = until(observer, "select pid from pg_stat_activity where application_name = 'reelq partitions'")
        blocked(observer, pid)
        running.send_signal(signal.SIGKILL)
        assert running.wait(QUICK_S) == -signal.SIGKILL
        # The backend looks every two seconds whether its client is there.
        assert until(observer, "select true where not exists (select from pg_stat_get_activity(%s))", pid)
        states = {row["partition"]: row["state"] for row in reelq("partitions", "list", "--json").rows}
        assert states[expired] == "detaching"
    ran = reelq("partitions", "maintain", "--json")
    assert [row["action"] for row in ran.rows if row["partition"] == expired] == ["finalize", "drop"]
    assert ran.code == 0


def test_a_policy_for_no_table_is_1(reelq, conn):
    conn.execute("insert into ops.partition_policies (parent) values ('queue.nope')")
    ran = reelq("partitions", "maintain")
    assert (ran.code, "skip queue.nope: there is no partitioned table of that name" in ran.err) == (1, True)


def test_a_worker_s_account_may_look_but_not_maintain(reelq, conn, dsn):
    """It is told whose account it takes."""
    conn.execute("create role encoder_for_partitions login in role reelq_worker")
    try:
        address = dsn.replace("postgres@", "encoder_for_partitions@")
        assert reelq("--database-url", address, "partitions", "list").code == 0
        ran = reelq("--database-url", address, "partitions", "maintain")
        assert (ran.code, "owner of the schema" in ran.err) == (1, True)
        for command in ("archive", "roll-up", "stats", "settings", "history"):
            assert reelq("--database-url", address, "queue", command).code == 0, command
    finally:
        conn.execute("drop role encoder_for_partitions")
