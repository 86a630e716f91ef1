"""reelq queue: upkeep as cron calls it, and what people see of it."""

from __future__ import annotations

from datetime import timedelta
from itertools import count

import pytest

from reelq.cli.queue import commands
from reelq.worker.rooms.queue import maintenance
from tests.cli.test_jobs import LIST_KEYS
from tests.sql.queuekit import Queue


@pytest.fixture
def queue(conn):
    return Queue(conn)


def done(queue, **named):
    job_id = queue.add(priority=1, **named)
    queue.complete(queue.take())
    return job_id


def test_archive_moves_what_is_due_and_says_so(reelq, queue, clock):
    job_id = done(queue)
    assert reelq("queue", "archive").out.startswith("0 jobs moved to the history in ")
    clock.forward(timedelta(days=2))
    ran = reelq("queue", "archive", "--json").row
    assert (ran["moved"], ran["finished"], list(ran)) == (1, True, ["moved", "seconds", "finished"])
    listed = reelq("queue", "history", "--json").rows
    assert [(row["id"], row["status"]) for row in listed] == [(str(job_id), "completed")]
    assert list(listed[0]) == LIST_KEYS
    shown = reelq("jobs", "show", job_id, "--json").row
    assert (shown["archived"], len(shown["attempts_history"])) == (True, 1)
    assert [row["id"] for row in reelq("jobs", "list", "--status", "completed", "--json").rows] == [str(job_id)]


def test_archive_stops_when_its_time_is_up_and_goes_on_later(conn, queue, clock):
    for _ in range(5):
        done(queue)
    clock.forward(timedelta(days=2))
    seconds = count()
    assert maintenance.archive(conn, 2, 1.5, lambda: next(seconds)) == maintenance.Archived(4, 2, False)
    assert maintenance.archive(conn).moved == 1


def test_archive_says_when_its_time_was_up(reelq, queue, clock):
    done(queue)
    clock.forward(timedelta(days=2))
    ran = reelq("queue", "archive", "--max-seconds", "0.000001")
    assert (ran.code, ran.err) == (0, "Stopped after --max-seconds; the next run goes on from here.\n")


def test_roll_up_and_stats(reelq, queue, clock):
    clock.set("2027-05-10 12:10+00")
    done(queue)
    assert reelq("queue", "roll-up", "--json").row == {"hours": 0}
    clock.set("2027-05-10 13:10+00")
    assert reelq("queue", "roll-up").out == "1 hour added up\n"
    (row,) = reelq("queue", "stats", "--json").rows
    assert list(row) == ["hour", "job_type", "outcome", "jobs", "seconds", "cpu_seconds", "max_seconds"]
    assert (row["hour"], row["jobs"]) == ("2027-05-10T12:00:00+00:00", 1)
    assert "no_op" in reelq("queue", "stats", "--since", "7d").out


def test_stats_of_a_tenant(reelq, queue, clock):
    clock.set("2027-05-10 12:10+00")
    tenant = queue.value("select identity.create_tenant('acme', 'Acme')")
    done(queue), done(queue, tenant_id=tenant)
    (row,) = reelq("queue", "stats", "--tenant", "acme", "--json").rows
    assert list(row) == ["hour", "job_type", "outcome", "jobs", "seconds", "cpu_seconds", "max_seconds", "at_least"]
    assert (row["hour"], row["jobs"], row["at_least"]) == ("2027-05-10T12:00:00+00:00", 1, False)
    assert "no_op" in reelq("queue", "stats", "--tenant", str(tenant)).out
    assert reelq("queue", "stats", "--tenant", "default").err == "No attempt ended in that time.\n"
    assert reelq("queue", "stats", "--tenant", "nobody").code == 2


def test_history_filters(reelq, queue, clock):
    video = queue.value("select media.create_video('/a.mp4')")
    done(queue), done(queue, video_id=video)
    clock.forward(timedelta(days=2))
    reelq("queue", "archive")
    assert len(reelq("queue", "history", "--within", "3d", "--json").rows) == 2
    assert len(reelq("queue", "history", "--limit", "1", "--json").rows) == 1
    assert reelq("queue", "history", "--within", "1d", "--json").rows == []
    assert reelq("queue", "history", "--status", "failed", "--type", "no_op").err == "No such jobs in the history.\n"
    clock.forward(timedelta(days=60))
    assert reelq("queue", "history", "--json").rows == []
    assert len(reelq("queue", "history", "--video", video, "--json").rows) == 1


def test_settings_are_shown_and_set(reelq):
    assert {row["name"] for row in reelq("queue", "settings", "--json").rows} >= {"archive_after", "archive_failed_after"}
    assert reelq("queue", "set", "archive_after", "36 hours").out.split() == ["archive_after", "36", "hours"]
    done = reelq("queue", "set", "archive_after", "soon")
    assert (done.code, "hint: " in done.err) == (2, True)
    assert reelq("queue", "set", "nope", "1").code == 2


def test_the_ends_of_jobs_are_the_same_in_both_places():
    assert commands.JOB_ENDS == maintenance.JOB_ENDS
