"""reelq jobs, against the real queue."""

from __future__ import annotations

import threading

from reelq.cli.jobs import tail
from reelq.cli.terminal import live
from reelq.worker.rooms import queue

NOBODY = "01976b1e-5a3c-7d4e-8f00-0123456789ab"
LIST_KEYS = [
    "id", "job_type", "status", "place", "priority", "attempts", "max_attempts", "token", "tenant_id", "video_id",
    "pipeline_step", "worker_id", "progress", "stage", "eta_s", "scheduled_for", "created_at", "started_at", "completed_at",
    "error_class", "error_code", "error_message", "gate", "tenant", "title",
]  # fmt: skip


def enqueue(reelq, *words):
    done = reelq("jobs", "enqueue", *(words or ("no_op",)))
    assert done.code == 0, done.err
    return done.out.strip()


def claim(conn, limit=1):
    queue.register_worker(
        conn, "w1", host="h", pid=1, version="0", pool="p", slots=4, types=None, capabilities=[], process_key=None
    )
    return queue.settle_and_claim(conn, "w1", limit, [], queue.FULL_LOOK)


def test_list_is_newest_first_with_stable_keys(reelq):
    first, second = enqueue(reelq), enqueue(reelq, "no_op", "--at", "+1h")
    done = reelq("jobs", "list", "--json")
    assert [row["id"] for row in done.rows] == [second, first]
    assert [row["place"] for row in done.rows] == ["scheduled", "ready"]
    assert list(done.rows[0]) == LIST_KEYS


def test_list_filters(reelq, conn):
    job = enqueue(reelq)
    assert reelq("jobs", "list", "--status", "failed", "--json").rows == []
    assert reelq("jobs", "list", "--type", "video_transcode", "--json").rows == []
    assert len(reelq("jobs", "list", "--type", "no_op", "--status", "queued", "--limit", "1", "--json").rows) == 1
    video = queue.ingest_video(conn, "/tmp/x.mp4")
    rows = reelq("jobs", "list", "--video", video, "--json").rows
    assert {row["video_id"] for row in rows} == {str(video)}
    assert job not in {row["id"] for row in rows}


def test_empty_list_says_so_on_stderr_alone(reelq):
    done = reelq("jobs", "list")
    assert (done.code, done.out, done.err) == (0, "", "No such jobs.\n")


def test_enqueue_passes_everything_on(reelq, conn):
    parent = enqueue(reelq)
    job = enqueue(
        reelq, "no_op", "--data", '{"seconds": 3}', "--priority", "2", "--after", parent, "--on-parent-failure", "run",
        "--at", "2030-01-31T20:00+00:00", "--key", "k", "--max-attempts", "7",
    )  # fmt: skip
    shown = reelq("jobs", "show", job, "--json").row
    assert shown["job_data"] == {"seconds": 3}
    assert (shown["priority"], shown["max_attempts"], shown["on_parent_failure"]) == (2, 7, "run")
    assert shown["scheduled_for"].startswith("2030-01-31T20:00:00")
    assert [one["id"] for one in shown["parents"]] == [parent]
    assert enqueue(reelq, "no_op", "--key", "k") == job


def test_enqueue_as_json(reelq):
    made = reelq("jobs", "enqueue", "no_op", "--json")
    assert (list(made.row.items())[1:], made.err) == ([("job_type", "no_op"), ("is_new", True), ("status", "queued")], "")


def test_unknown_type_and_parent_are_refused_with_a_hint(reelq):
    done = reelq("jobs", "enqueue", "nope")
    assert (done.code, done.out) == (2, "")
    assert "hint: " in done.err
    assert reelq("jobs", "enqueue", "no_op", "--after", NOBODY).code == 2


def test_show_tells_attempts_with_stack_and_stderr(reelq, conn):
    job = enqueue(reelq, "no_op", "--max-attempts", "1")
    (held,) = claim(conn)
    facts = {"stack": "Traceback\n  File x", "stderr": "ffmpeg said \x1b[31mno"}
    queue.fail_job(conn, held.job_id, held.token, "permanent", "bad_file", "The file is bad.", facts)
    done = reelq("jobs", "show", job)
    assert done.code == 0
    for word in ("failed", "bad_file", "The file is bad.", "stack of the last attempt", "  File x", "\\e[31mno"):
        assert word in done.out
    assert reelq("jobs", "show", job, "--json").row["attempts_history"][0]["outcome"] == "failed"


def test_show_of_nothing_is_2(reelq):
    done = reelq("jobs", "show", NOBODY)
    assert (done.code, done.out) == (2, "")
    assert NOBODY in done.err


def test_cancel_and_retry(reelq):
    job = enqueue(reelq)
    assert reelq("jobs", "cancel", job, "--reason", "wrong file", "--json").row == {"job_id": job, "status": "cancelled"}
    again = reelq("jobs", "cancel", job)
    assert (again.code, again.out) == (1, "")
    assert reelq("jobs", "retry", job).out.split() == [job, "queued"]
    assert reelq("jobs", "retry", job).code == 1


def test_one_refusal_does_not_stop_the_others(reelq):
    job = enqueue(reelq)
    done = reelq("jobs", "cancel", NOBODY, job, "--json")
    assert done.code == 2
    assert done.row == {"job_id": job, "status": "cancelled"}


def test_cancel_of_a_running_job_tells_it(reelq, conn):
    job = enqueue(reelq)
    claim(conn)
    assert reelq("jobs", "cancel", job, "--json").row["status"] == "cancelling"


def test_tail_of_a_job_follows_it_to_its_end(reelq, conn, monkeypatch):
    """The job moves each time that tail waits for its next look."""
    job = enqueue(reelq)
    steps = iter([
        lambda: claim(conn),
        lambda: queue.complete_job(conn, job, 1, {}, {}),
    ])  # fmt: skip
    monkeypatch.setattr(live, "wait", lambda _: next(steps)() is None and False)
    done = reelq("jobs", "tail", "--job", job, "--json")
    assert done.code == 0
    assert [(row["from"], row["to"]) for row in done.rows] == [(None, "ready"), ("ready", "running"), ("running", "completed")]
    assert list(done.rows[0]) == [
        "at", "job_id", "job_type", "video_id", "from", "to", "attempt", "percent", "stage", "error_code", "error_message",
    ]  # fmt: skip


def test_tail_of_a_video_ends_with_1_when_something_failed(reelq, conn):
    video = queue.ingest_video(conn, "/tmp/x.mp4")
    (held,) = claim(conn)
    queue.fail_job(conn, held.job_id, held.token, "permanent", "gone", "The file is gone.", {})
    done = reelq("jobs", "tail", "--video", video)
    assert done.code == 1
    assert "gone  The file is gone." in done.out
    assert len(done.out.splitlines()) == 5


def test_tail_of_all_begins_with_what_runs_and_sees_short_lived_jobs(reelq, conn):
    enqueue(reelq)
    running = enqueue(reelq, "no_op", "--priority", "1")
    (held,) = claim(conn)
    follower = tail.Follower(None, None, None, False)
    assert [event["job_id"] for event in follower.events(follower.look(conn))] == [running]
    queue.complete_job(conn, held.job_id, held.token, {}, {})
    fresh = enqueue(reelq)
    told = {event["job_id"]: (event["from"], event["to"]) for event in follower.events(follower.look(conn))}
    assert told == {running: ("running", "completed"), fresh: (None, "ready")}
    assert follower.events(follower.look(conn)) == []
    assert not follower.over


def test_tail_survives_a_lost_connection(reelq, conn, connect, monkeypatch, capsys):
    """Its session is killed between two looks; it connects again and sees the end."""
    job = enqueue(reelq)
    (held,) = claim(conn)
    killed = threading.Event()

    def wait(_seconds):
        if not killed.is_set():
            conn.execute("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'reelq command'")
            queue.complete_job(conn, held.job_id, held.token, {}, {})
            killed.set()
        return False

    monkeypatch.setattr(live, "wait", wait)
    done = reelq("jobs", "tail", "--job", job, "--json")
    assert done.code == 0
    assert [row["to"] for row in done.rows] == ["running", "completed"]
    assert "The database is away" in done.err


def test_errors_are_counted_by_code_and_tenant(reelq, conn):
    """The first question of a bad night, and what a mistyped code is answered with."""
    assert "No job has failed" in reelq("jobs", "summary").err
    queue.register_worker(conn, "w1", host="a", pid=1, version="0", pool="p", slots=9, types=None, capabilities=[], process_key=None)
    for error_class, code in (("permanent", "bad_file"), ("permanent", "bad_file"), ("transient", "store_full")):
        queue.enqueue_job(conn, "no_op")
        (held,) = queue.settle_and_claim(conn, "w1", 1, [], queue.FULL_LOOK)
        queue.fail_job(conn, held.job_id, held.token, error_class, code, "It broke.", {})
    rows = reelq("jobs", "summary", "--json").rows
    assert [(row["place"], row["error_code"], row["tenant"], row["jobs"], row["job_types"], row["at_least"]) for row in rows] == [
        ("dead letter", "bad_file", None, 2, ["no_op"], False),
        ("backing off", "store_full", None, 1, ["no_op"], False),
    ]
    assert reelq("jobs", "summary").out.splitlines()[1].split() == ["dead", "letter", "bad_file", "2", "no_op"]
    for words in (("list",), ("retry",), ("run-now",)):
        told = reelq("jobs", *words, "--code", "bad_fiel").err
        assert "no job has ended with code 'bad_fiel' of late; codes there are: bad_file, store_full" in told
    assert "codes there are" not in reelq("jobs", "list", "--code", "store_full", "--status", "failed").err
    for words in (("list",), ("run-now",)):
        told = reelq("jobs", *words, "--place", "backing-off", "--code", "disk_full").err
        assert "no job backs off for 'disk_full' now; jobs back off for: store_full" in told and "has ended" not in told
    assert reelq("jobs", "run-now", "--place", "backing-off", "--code", "store_full").code == 0
    assert "jobs back off for: nothing" in reelq("jobs", "list", "--place", "backing-off", "--code", "store_full").err
