"""reelq queue pause, resume, pauses, limits, set-limit, drop-limit."""

from __future__ import annotations

import pytest

from reelq.cli.queue import pauses_and_limits as commands
from reelq.worker.rooms.queue import limits
from tests.sql.queuekit import Queue

NOBODY = "01976b1e-5a3c-7d4e-8f00-0123456789ab"
PAUSE_KEYS = ["scope", "key", "name", "reason", "paused_by", "since", "parked", "at_least"]
LIMIT_KEYS = ["limit_key", "name", "max_running", "used", "running", "parked", "at_least"]


@pytest.fixture
def queue(conn):
    return Queue(conn)


@pytest.fixture
def video(queue):
    return queue.value("select media.create_video('/a.mp4', p_title => 'A clip')")


def test_pause_tells_what_stands_and_resume_lets_it_go(reelq, queue):
    paused = reelq("queue", "pause", "job_type", "no_op", "--reason", "upgrade", "--json")
    assert list(paused.row) == PAUSE_KEYS
    assert (paused.row["scope"], paused.row["key"], paused.row["reason"]) == ("job_type", "no_op", "upgrade")
    job = queue.add()
    queue.worker()
    assert queue.claim() == []
    assert reelq("queue", "pauses").out.splitlines()[1].split()[:4] == ["job_type", "no_op", "upgrade", "postgres"]
    assert reelq("queue", "resume", "job_type", "no_op").out.split() == ["job_type", "no_op", "resumed"]
    assert [one.job_id for one in queue.claim()] == [job]


def test_a_tenant_is_paused_by_slug_and_shown_by_it(reelq, queue):
    told = reelq("queue", "pause", "tenant", "default", "--reason", "asked for it")
    assert told.out.splitlines()[1].split()[:2] == ["tenant", "default"]
    row = reelq("queue", "pauses", "--json").row
    assert (row["name"], len(row["key"])) == ("default", 36)
    assert reelq("queue", "resume", "tenant", row["key"], "--json").row == {"scope": "tenant", "key": row["key"], "state": "resumed"}


def test_an_input_is_shown_with_its_title_and_the_key_to_type(reelq, queue, video):
    asset = queue.value("select asset_id from media.videos where id = %s", video)
    told = reelq("queue", "pause", "input", str(asset).upper(), "--reason", "it kills workers")
    assert "A clip" in told.out and str(asset) in told.out
    assert reelq("queue", "resume", "input", asset).code == 0


def test_all_is_paused_without_a_key(reelq, queue):
    queue.add()
    assert reelq("queue", "pause", "all", "--reason", "the store moves").out.splitlines()[1].split()[0] == "all"
    queue.worker()
    assert queue.claim() == []
    assert reelq("queue", "resume", "all").out.split() == ["all", "resumed"]
    assert len(queue.claim()) == 1


@pytest.mark.parametrize(
    "words",
    [
        ("pause", "job_type", "no_op"), ("pause", "world", "--reason", "x"), ("pause", "suspended", "x", "--reason", "x"),
        ("pause", "job_type", "nope", "--reason", "x"), ("pause", "job_type", "--reason", "x"), ("pause", "all", "x", "--reason", "x"),
        ("pause", "all", "--reason", " "), ("pause", "tenant", "nobody", "--reason", "x"), ("pause", "channel", "x", "--reason", "x"),
        ("resume", "job_type", "no_op"), ("resume", "input", NOBODY), ("resume", "input", "x"), ("resume",),
        ("set-limit", "type:no_op", "0"), ("set-limit", "type:no_op", "many"), ("set-limit", "type:no_op"), ("set-limit", "no_op", "1"),
        ("set-limit", "type:nope", "1"), ("set-limit", "tenant:nobody", "1"), ("set-limit", "name:Has Space", "1"),
        ("drop-limit", "type:no_op"), ("drop-limit", "nope"), ("limits", "x"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_what_makes_no_sense_is_2_with_a_hint(reelq, words):
    done = reelq("queue", *words)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("reelq: ") and "\nhint: " in done.err


def test_nothing_set_is_said_on_stderr(reelq):
    assert reelq("queue", "pauses").err == "Nothing is paused.\n"
    assert reelq("queue", "limits").err.startswith("There is no limit.")
    assert reelq("queue", "pauses", "--json").rows == reelq("queue", "limits", "--json").rows == []


def test_a_limit_is_set_listed_and_dropped(reelq, queue):
    told = reelq("queue", "set-limit", "type:no_op", "1", "--json")
    assert list(told.row) == LIMIT_KEYS
    first, second = queue.add(), queue.add()
    queue.worker()
    assert [job.job_id for job in queue.claim(limit=5)] == [first]
    assert reelq("queue", "limits", "--json").row == {
        "limit_key": "type:no_op", "name": "type:no_op", "max_running": 1, "used": 1, "running": 1, "parked": 1, "at_least": False,
    }  # fmt: skip
    assert reelq("queue", "drop-limit", "type:no_op").out.split() == ["type:no_op", "dropped"]
    assert [job.job_id for job in queue.claim(limit=5)] == [second]


def test_tenants_limits_go_by_slug(reelq, queue):
    reelq("queue", "set-limit", "tenant:*", "3")
    told = reelq("queue", "set-limit", "tenant:default", "2")
    assert told.out.splitlines()[1].split()[:2] == ["tenant:default", "2"]
    assert [row["name"] for row in reelq("queue", "limits", "--json").rows] == ["tenant:*", "tenant:default"]


def test_a_parked_job_says_behind_what(reelq, queue):
    reelq("queue", "set-limit", "type:no_op", "1")
    first, second = queue.add(), queue.add()
    queue.take()
    listed = reelq("jobs", "list").out.splitlines()
    assert listed[0].split()[-1] == "WHY"
    assert [line.split()[-1] == "type:no_op" for line in listed[1:]] == [True, False]
    shown = reelq("jobs", "show", second).out
    assert "gate" in shown and "type:no_op" in shown
    assert reelq("jobs", "show", first, "--json").row["gate"] is None


def test_scopes_are_the_same_in_both_places():
    assert commands.SCOPES == limits.SCOPES


def test_a_count_that_stopped_is_not_told_as_exact(reelq, conn):
    limits.set_limit(conn, "type:no_op", 1)
    limits.pause(conn, "tenant", "default", "a try")
    (key,) = conn.execute("select key from queue.pauses").fetchone()
    for gate in ("type:no_op", f"pause:tenant:{key}"):
        conn.execute("insert into queue.parked select %s, n, n, gen_random_uuid(), 'no_op' from generate_series(1, 10001) as n", [gate])
    for command in ("limits", "pauses"):
        assert reelq("queue", command).out.splitlines()[1].endswith("10,000+")
        row = reelq("queue", command, "--json").row
        assert (row["parked"], row["at_least"]) == (10_000, True)
    (line,) = (line for line in reelq("top", "--once").out.splitlines() if line.startswith("no_op"))
    assert "10,000+" in line.split()
    assert reelq("top", "--once", "--json").row["queues"][0]["at_least"] == ["parked"]
    conn.execute("delete from queue.parked")  # no jobs stand behind these rows
