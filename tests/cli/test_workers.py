"""reelq workers."""

from __future__ import annotations

import pytest

from reelq.worker.rooms import queue

KEYS = [
    "worker_id", "host", "pid", "pool", "version", "status", "slots", "busy", "types", "capabilities", "process_key",
    "started_at", "last_beat_at", "drain_requested_at", "trouble", "remedy",
]  # fmt: skip


@pytest.fixture
def three(conn):
    """Two workers on host a, one on b."""
    for name, host, pool in (("w1", "a", "cpu"), ("w2", "a", "gpu"), ("w3", "b", "cpu")):
        queue.register_worker(
            conn, name, host=host, pid=1, version="0", pool=pool, slots=2, types=None, capabilities=[], process_key=None
        )


def status(reelq):
    return {row["worker_id"]: row["status"] for row in reelq("workers", "list", "--json").rows}


def test_list(reelq, three, conn):
    done = reelq("workers", "list", "--json")
    assert [list(row) for row in done.rows] == [KEYS] * 3
    assert reelq("workers", "list").out.splitlines()[1].split()[:4] == ["w1", "active", "0", "2"]
    queue.deregister_worker(conn, "w1")
    assert set(status(reelq)) == {"w2", "w3"}
    assert len(reelq("workers", "list", "--all", "--json").rows) == 3


def test_no_worker_says_how_to_start_one(reelq):
    done = reelq("workers", "list")
    assert (done.code, done.out) == (0, "")
    assert "reelq worker run" in done.err


def test_drain_by_name_host_and_pool_and_undo(reelq, three):
    assert reelq("workers", "drain", "w3", "--json").row["status"] == "draining"
    assert [row["worker_id"] for row in reelq("workers", "drain", "--host", "a", "--pool", "gpu", "--json").rows] == ["w2"]
    assert status(reelq) == {"w1": "active", "w2": "draining", "w3": "draining"}
    reelq("workers", "drain", "w3", "--host", "a", "--undo")
    assert set(status(reelq).values()) == {"active"}


def test_drain_is_all_or_none(reelq, three):
    done = reelq("workers", "drain", "w1", "nobody")
    assert done.code == 2
    assert "hint: " in done.err
    assert set(status(reelq).values()) == {"active"}
    for words in (("--host", "z"), ("w1", "--host", "z"), ("--pool", "z"), ("--pool", "z", "--host", "a")):
        done = reelq("workers", "drain", *words)
        assert (done.code, "hint: " in done.err) == (2, True)
    assert set(status(reelq).values()) == {"active"}
    assert reelq("workers", "drain").code == 2


def test_a_worker_that_cannot_work_is_shown_in_trouble(reelq, three, conn):
    conn.execute("select queue.set_worker_trouble('w1', 'the store is full', 'Make room.')")
    done = reelq("workers", "list")
    assert [line.split()[1] for line in done.out.splitlines()[1:]] == ["in", "active", "active"]
    assert done.err == "on a nothing is claimed: the store is full\n→ Make room.\n"
    row = reelq("workers", "list", "--json").rows[0]
    assert (row["status"], row["trouble"], row["remedy"]) == ("active", "the store is full", "Make room.")
    done = reelq("top", "--once")
    assert "in trouble" in done.out and "on a nothing is claimed: the store is full" in done.err
