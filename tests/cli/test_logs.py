"""reelq jobs logs --follow: attempts as they end, once each, until the job is over."""

from __future__ import annotations

import pytest

from reelq.cli.terminal import live
from reelq.worker.rooms import queue
from tests.cli.test_jobs import NOBODY, claim, enqueue


def ended(conn, *, code=None, log="ffmpeg -i …", error_class="transient"):
    """One more attempt of the only job."""
    (held,) = claim(conn)
    facts = {"log": log, "retry_after_s": 0}
    if code is None:
        queue.complete_job(conn, held.job_id, held.token, {}, facts)
    else:
        queue.fail_job(conn, held.job_id, held.token, error_class, code, "It broke.", facts)


def steps(monkeypatch, *moves):
    """A move each time that the command waits for its next look."""
    left = iter(moves)
    monkeypatch.setattr(live, "wait", lambda _: next(left)() is not None)


def nothing():
    return None


def test_attempts_are_told_once_each_and_the_last_one_ends_it(reelq, conn, monkeypatch, clock):
    job = enqueue(reelq)
    ended(conn, code="oops", log="first")
    clock.forward(3600)
    steps(monkeypatch, nothing, lambda: taken(conn), nothing, lambda: release(conn), lambda: ended(conn, log="third"))

    def taken(conn):
        assert claim(conn)

    def release(conn):
        conn.execute("select queue.release_job(job_id, token, 'drained') from queue.leases")

    done = reelq("jobs", "logs", job, "--follow", "--json")
    assert [(row["attempt"], row["outcome"], row["log"]) for row in done.rows] == [
        (1, "retried", "first"), (2, "released", None), (3, "completed", "third"),
    ]  # fmt: skip
    assert (done.code, done.err) == (0, "")


def test_people_are_told_what_is_waited_for_and_how_it_ended(reelq, conn, monkeypatch):
    job = enqueue(reelq)
    steps(monkeypatch, nothing, lambda: ended(conn, code="bad_file", error_class="permanent", log="line 1\nline 2"))
    done = reelq("jobs", "logs", job, "--follow")
    assert (done.code, done.out) == (1, "line 1\nline 2\n")
    first, second, last = done.err.splitlines()
    assert (first, last) == ("No attempt has ended yet; waiting …", "The job has failed.")
    assert second.startswith("attempt 1: failed (bad_file) after ")


def test_a_job_that_is_over_is_not_waited_for(reelq, conn, clock):
    job = enqueue(reelq)
    assert reelq("jobs", "cancel", job).code == 0
    done = reelq("jobs", "logs", job, "--follow")
    assert (done.code, done.err) == (1, "The job was cancelled.\n")
    job = enqueue(reelq)
    ended(conn, log="all of it")
    clock.forward(30 * 86400)
    assert conn.execute("select queue.archive_jobs()").fetchone() == (2,)
    done = reelq("jobs", "logs", job, "--follow")
    assert (done.code, done.out) == (0, "all of it\n")


def test_it_goes_on_when_the_database_is_back(reelq, conn, monkeypatch):
    job = enqueue(reelq)

    def killed():
        conn.execute("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'reelq command'")
        ended(conn, log="meanwhile")

    steps(monkeypatch, killed, nothing, nothing)
    done = reelq("jobs", "logs", job, "--follow", "--json")
    assert (done.code, [row["log"] for row in done.rows]) == (0, ["meanwhile"])
    assert "The database is away; trying again" in done.err


def test_ctrl_c_ends_it_as_every_command(reelq, conn, monkeypatch):
    job = enqueue(reelq)
    ended(conn, code="oops", log="first")

    def interrupted():
        raise KeyboardInterrupt

    steps(monkeypatch, interrupted)
    done = reelq("jobs", "logs", job, "--follow")
    assert (done.code, done.out, done.err.splitlines()[-1]) == (130, "first\n", "Interrupted.")


@pytest.mark.parametrize(("words", "code", "told"), [((NOBODY, "--follow"), 2, "no job"), ((NOBODY, "--follow", "--attempt", "1"), 2, "--attempt")])
def test_what_cannot_be_followed_is_refused(reelq, words, code, told):
    done = reelq("jobs", "logs", *words)
    assert done.code == code and told in done.err
