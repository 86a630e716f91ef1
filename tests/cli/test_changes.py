"""reelq jobs retry, cancel, reprioritise, run-now, reschedule: by ids and by filter; pages of reelq jobs list."""

from __future__ import annotations

import pytest

from reelq.worker.rooms import queue
from tests.cli.test_jobs import NOBODY, claim, enqueue


def fail(reelq, conn, *words):
    """A job that has failed for good."""
    job = enqueue(reelq, "no_op", "--priority", "1", *words)
    (held,) = claim(conn)
    queue.fail_job(conn, held.job_id, held.token, "permanent", "bad_file", "The file is bad.", {})
    return job


def test_a_retry_of_a_parent_and_its_children_together_is_no_error(reelq, conn):
    """As `jobs list --status failed | xargs reelq jobs retry` asks: the parent has brought them back."""
    parent = enqueue(reelq, "no_op", "--priority", "1")
    children = [enqueue(reelq, "no_op", "--after", parent) for _ in range(2)]
    (held,) = claim(conn)
    queue.fail_job(conn, held.job_id, held.token, "permanent", "bad_file", "The file is bad.", {})
    done = reelq("jobs", "retry", parent, *children, parent, "--json")
    assert (done.code, done.err) == (0, "")
    assert done.rows == [{"job_id": job, "status": "queued"} for job in (parent, *children)]
    done = reelq("jobs", "cancel", parent, *children, "--json")
    assert (done.code, done.err) == (0, "")
    assert [row["status"] for row in done.rows] == ["cancelled", "failed", "failed"]
    assert reelq("jobs", "retry", parent, NOBODY).code == 2


def test_a_filter_chooses_and_counts(reelq, conn):
    jobs = [fail(reelq, conn) for _ in range(3)]
    would = reelq("jobs", "retry", "--code", "bad_file", "--since", "1h", "--dry-run", "--json")
    assert (would.code, would.row) == (0, {"outcome": "retried", "job_type": "no_op", "reason": None, "jobs": 3})
    assert reelq("jobs", "retry", "--code", "bad_file", "--limit", "2", "--json").row["jobs"] == 2
    done = reelq("jobs", "retry", "--all")
    assert done.code == 0 and done.out.split()[-3:] == ["retried", "no_op", "1"]
    assert {row["status"] for row in reelq("jobs", "list", "--json").rows} == {"queued"}
    done = reelq("jobs", "cancel", *jobs, NOBODY, "--type", "no_op", "--json")
    assert (done.code, [(row["outcome"], row["jobs"]) for row in done.rows]) == (1, [("cancelled", 3), ("refused", 1)])
    assert reelq("jobs", "cancel", "--type", "no_op").err == "No such jobs.\n"


def test_jobs_are_moved_in_time(reelq):
    first, second = enqueue(reelq, "no_op", "--at", "+1h"), enqueue(reelq)
    assert reelq("jobs", "run-now", first, "--json").row == {"job_id": first, "place": "ready"}
    assert reelq("jobs", "run-now", first).code == 1
    assert reelq("jobs", "reschedule", second, "+10m", "--json").row == {"job_id": second, "place": "scheduled"}
    assert reelq("jobs", "reschedule", "--place", "ready", "+10m", "--json").row["outcome"] == "rescheduled"
    assert reelq("jobs", "run-now", "--type", "no_op", "--json").row["jobs"] == 2
    assert reelq("jobs", "reprioritise", "--with-priority", "5", "9", "--json").row["jobs"] == 2


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["retry"], "which jobs to retry must be given"),
        (["reprioritise", "3"], "which jobs to reprioritise must be given"),
        (["retry", NOBODY, "--all"], "--all stands for all jobs"),
        (["retry", "--type", "nope"], "no job type 'nope'"),
        (["retry", "--tenant", "nope"], "no tenant 'nope'"),
        (["retry", "--pool", "nope"], "no worker of pool 'nope'"),
        (["retry", "--worker", "nope"], "no worker 'nope'"),
        (["retry", "--status", "completed"], "--status must be one of failed, cancelled, not completed"),
        (["cancel", "--place", "dead-letter"], "--place must be one of"),
        (["cancel", "--since", "x"], "--since must be a time such as 2h (ago)"),
        (["cancel", "--since", "1h", "--until", "2h"], "since must be before until"),
        (["cancel", "--all", "--limit", "0"], "--limit must be a whole number from 1"),
        (["run-now", "--status", "running"], "--status must be one of queued, not running"),
        (["reschedule", "--all", "soon"], "must be a time such as 2030-01-31T20:00 or +15m, not 'soon'"),
        (["list", "--type", "nope"], "no job type 'nope'"),
        (["list", "--after", NOBODY], f"no job {NOBODY} to go on after"),
    ],
)
def test_wrong_use_is_2_and_one_line_with_a_hint(reelq, words, says):
    done = reelq("jobs", *words)
    assert (done.code, done.out) == (2, "")
    assert says in done.err and "hint: " in done.err


def test_more_than_some_are_asked_about_on_a_terminal(reelq, conn, monkeypatch):
    conn.execute("insert into queue.processing_jobs (job_type) select 'no_op' from generate_series(1, 101)")
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("reelq.cli.terminal.output.can_show_progress", lambda: True)
    asked = []
    monkeypatch.setattr("click.confirm", lambda text, **_: asked.append(text))
    assert reelq("jobs", "reprioritise", "--type", "no_op", "--limit", "100", "6").code == 0
    assert reelq("jobs", "reprioritise", "--type", "no_op", "--yes", "7").code == 0
    assert asked == []
    assert reelq("jobs", "cancel", "--type", "no_op").code == 0
    assert asked == ["Cancel 101 jobs?"]


def test_a_list_says_how_many_there_are_and_how_to_go_on(reelq):
    jobs = [enqueue(reelq) for _ in range(5)][::-1]
    first = reelq("jobs", "list", "--limit", "2")
    assert first.err == f"2 of 5; the next page: the same with --after {jobs[1]}\n"
    assert [row["id"] for row in reelq("jobs", "list", "--limit", "2", "--after", jobs[1], "--json").rows] == jobs[2:4]
    assert reelq("jobs", "list", "--limit", "2", "--after", jobs[4]).err == "No more such jobs.\n"


def test_tenants_and_videos_are_named(reelq, conn):
    queue.ingest_video(conn, "/tmp/x.mp4", title="A clip")
    row = reelq("jobs", "list", "--tenant", "default", "--limit", "1", "--json").rows[0]
    assert (row["tenant"], row["title"]) == ("default", "A clip")
