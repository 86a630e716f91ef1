"""reelq jobs enqueue-many, explain and reprioritise."""

from __future__ import annotations

import io
import json
from datetime import timedelta

import pytest

from reelq.cli.jobs import enqueue as command
from tests.sql.queuekit import Queue

NOBODY = "01976b1e-5a3c-7d4e-8f00-0123456789ab"


@pytest.fixture
def queue(conn):
    return Queue(conn)


@pytest.fixture
def many(reelq, tmp_path):
    """enqueue-many of a file with that content (specs, or text)."""

    def run(content, *words):
        path = tmp_path / "jobs.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        return reelq("jobs", "enqueue-many", path, *words)

    return run


def test_an_array_is_enqueued_with_its_refs(many, queue):
    done = many([{"job_type": "no_op", "depends_on": ["a"]}, {"job_type": "no_op", "ref": "a"}], "--json")
    assert (done.code, [list(row) for row in done.rows]) == (0, [["place", "job_id", "is_new", "status"]] * 2)
    second, first = done.rows
    assert queue.job(second["job_id"]).depends_on == [queue.job(first["job_id"]).id]


def test_lines_from_stdin_do_as_well(reelq, queue, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b'{"job_type": "no_op"}\n\n{"job_type": "no_op", "priority": 1}\n')))
    done = reelq("jobs", "enqueue-many", "-")
    assert [line.split()[0] for line in done.out.splitlines()] == ["PLACE", "1", "2"]
    assert queue.value("select count(*) from queue.processing_jobs") == 2


def test_a_known_key_is_no_new_job(many):
    (first,) = many([{"job_type": "no_op", "idempotency_key": "k"}], "--json").rows
    (again,) = many([{"job_type": "no_op", "idempotency_key": "k"}], "--json").rows
    assert (first["is_new"], again) == (True, {**first, "is_new": False})


def test_a_key_whose_job_is_over_is_said_with_what_to_do(reelq, many, queue, clock):
    """Else the work is taken for enqueued, and nothing runs."""
    job = reelq("jobs", "enqueue", "no_op", "--key", "inv 7").out.strip()
    again = reelq("jobs", "enqueue", "no_op", "--key", "inv 7")
    assert (again.code, again.out.strip(), again.err[:23]) == (0, job, "not new: queued since 2")
    queue.fail(queue.take(), "permanent")
    again = reelq("jobs", "enqueue", "no_op", "--key", "inv 7", "--json")
    assert again.row == {"job_id": job, "job_type": "no_op", "is_new": False, "status": "failed"}
    assert again.err.endswith(f"; Mend the cause, then: reelq jobs retry {job}\n")
    clock.forward(timedelta(days=31))
    assert queue.value("select queue.archive_jobs()") == 1
    again = reelq("jobs", "enqueue", "no_op", "--key", "inv 7")
    assert (again.code, again.out.strip()) == (0, job)
    assert again.err.endswith("; It is in the history and cannot be retried: enqueue the work anew, under another key.\n")
    refused = reelq("jobs", "retry", job)
    assert (refused.code, "under another key: with 'inv 7' this one is found" in refused.err) == (1, True)
    told = many([{"job_type": "no_op", "idempotency_key": "inv 7"}, {"job_type": "no_op"}])
    assert told.err.startswith(f"not new: 1 jobs failed, such as {job} since 2")
    wrong = reelq("jobs", "enqueue", "no_op", "--key", "new", "--max-attempts", "1001")
    assert (wrong.code, "spec" in wrong.err) == (2, False)


@pytest.mark.parametrize("content", ["", "[]", "\n\n"])
def test_nothing_to_enqueue_is_said(many, content):
    done = many(content)
    assert (done.code, done.out, done.err) == (0, "", "There was no spec: nothing is enqueued.\n")


@pytest.mark.parametrize(
    ("bad", "code", "words"),
    [
        ({"job_type": "nope"}, 2, "no job type 'nope'"), ({"job_type": "no_op", "prio": 1}, 2, "must have known keys only, not 'prio'"),
        ({"job_type": "no_op", "priority": 99}, 2, "10 (last), not 99"), ({"job_type": "no_op", "video_id": NOBODY}, 2, "no video"),
        ({"job_type": "no_op", "scheduled_for": "soon"}, 2, "scheduled_for must be a time, not 'soon'"), (7, 2, "must be a JSON object, not 7"),
        ({"job_type": "no_op", "job_data": {"a": "\x00"}}, 2, "Unicode"), ({"job_type": "no_op", "limits": ["Has Space"]}, 2, "must be words"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("chunk", [1000, 2])
def test_an_error_names_the_spec_and_nothing_is_enqueued(many, queue, monkeypatch, bad, code, words, chunk):
    monkeypatch.setattr(command, "CHUNK", chunk)
    done = many([{"job_type": "no_op"}] * 4 + [bad] + [{"job_type": "no_op"}] * 2)
    assert (done.code, done.out) == (code, "")
    assert "spec 5" in done.err and words in done.err and "\nhint: " in done.err
    assert queue.value("select count(*) from queue.processing_jobs") == 0


def test_a_parent_that_is_not_there_is_refused_by_its_name(many):
    done = many([{"job_type": "no_op", "ref": "a"}, {"job_type": "no_op", "depends_on": ["b"]}])
    assert (done.code, "ids of jobs, not 'b'" in done.err) == (2, True)


@pytest.mark.parametrize(
    ("content", "words"),
    [("[1, ", "FILE must be a JSON array"), ('{"job_type": "no_op"}\n{', "FILE must be JSON in line 2"), ('[{"job_data": {"a": NaN}}]', "JSON has no NaN")],
)
def test_what_is_not_json_is_refused(many, content, words):
    done = many(content)
    assert (done.code, words in done.err) == (2, True)


def test_a_file_that_cannot_be_read_is_refused(reelq, tmp_path):
    (tmp_path / "latin").write_bytes(b'[{"job_type": "\xe9"}]')
    for path in (tmp_path / "latin", tmp_path / "missing"):
        assert reelq("jobs", "enqueue-many", path).code == 2


def test_chunks_count_on(many, queue, monkeypatch):
    monkeypatch.setattr(command, "CHUNK", 2)
    rows = many([{"job_type": "no_op", "job_data": {"i": i}} for i in range(5)], "--json").rows
    assert [row["place"] for row in rows] == [1, 2, 3, 4, 5]
    assert [queue.job(row["job_id"]).job_data["i"] for row in rows] == [0, 1, 2, 3, 4]


def test_explain_says_why_and_what_to_do(reelq, queue):
    job = queue.add()
    reelq("queue", "pause", "all", "--reason", "the store moves")
    rows = reelq("jobs", "explain", job, "--json").rows
    assert [list(row) for row in rows] == [["reason", "detail", "advice"]] * 2
    assert [row["reason"] for row in rows] == ["paused", "no_worker"]
    lines = reelq("jobs", "explain", job).out.splitlines()
    assert lines[1].startswith("paused     Everything is paused since ") and lines[1].endswith("the store moves")
    assert lines[2].strip().startswith("→ select queue.resume('all', '')")
    reelq("queue", "resume", "all")
    queue.worker()
    assert reelq("jobs", "explain", job, "--json").row["reason"] == "claimable"


def test_explain_of_nothing_is_2(reelq):
    done = reelq("jobs", "explain", NOBODY)
    assert (done.code, done.out) == (2, "")
    assert NOBODY in done.err and "hint: " in done.err
    assert reelq("jobs", "explain", "x").code == 2


def test_reprioritise_moves_jobs_in_the_line(reelq, queue):
    first, second, third = queue.add(), queue.add(), queue.add()
    assert reelq("jobs", "reprioritise", second, third, 1, "--json").rows == [
        {"job_id": str(one), "priority": 1} for one in (second, third)
    ]
    assert [queue.take().job_id for _ in range(3)] == [second, third, first]


def test_reprioritise_refuses_nonsense_and_what_is_over(reelq, queue):
    job = queue.add()
    queue.complete(queue.take())
    assert reelq("jobs", "reprioritise", job, 2).code == 1
    for words in ((NOBODY, 2), (job, 11), (job, "high"), (job,), (2,)):
        done = reelq("jobs", "reprioritise", *words)
        assert (done.code, done.out) == (2, "")


def test_enqueue_takes_named_limits_and_a_channel(reelq, queue):
    job = reelq("jobs", "enqueue", "no_op", "--under", "youtube", "--under", "night", "--channel", NOBODY).out.strip()
    assert (queue.job(job).limits, str(queue.job(job).channel_id)) == (["night", "youtube"], NOBODY)
