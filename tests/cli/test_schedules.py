"""reelq schedules: made, listed, paused, resumed, removed; refused in one line."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from reelq.cli import schedules as command
from reelq.worker.rooms.queue import schedules as room


def test_policies_are_those_of_the_room():
    assert command.MISSED == room.MISSED


def test_a_schedule_is_made_listed_paused_resumed_and_removed(reelq):
    assert "There is no schedule." in reelq("schedules", "list").err
    made = reelq("schedules", "add", "nightly", "15 3 * * *", "--job", "no_op", "--time-zone", "Europe/Berlin", "--data", '{"sleep_s": 1}')
    assert made.code == 0 and "nightly" in made.out and "15 3 * * *" in made.out
    (one,) = [json.loads(line) for line in reelq("schedules", "list", "--json").out.splitlines()]
    assert (one["name"], one["job_type"], one["job_data"], one["missed"], one["last_error"]) == ("nightly", "no_op", {"sleep_s": 1}, "once", None)
    assert reelq("schedules", "pause", "nightly").out.split() == ["nightly", "paused"]
    assert "paused" in reelq("schedules", "list").out
    assert reelq("schedules", "resume", "nightly").out.split() == ["nightly", "resumed"]
    assert reelq("schedules", "remove", "nightly").out.split() == ["nightly", "removed"]
    assert reelq("schedules", "list", "--json").out == ""


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["nightly", "61 * * * *", "--job", "no_op"], "minute of a schedule must be * or numbers from 0 to 59"),
        (["nightly", "0 3 * * *", "--job", "nope"], "no job type 'nope'"),
        (["nightly", "0 3 * * *"], "makes a job or a pipeline"),
        (["nightly", "0 3 * * *", "--job", "no_op", "--time-zone", "Mars"], "time zone must be one that the server knows, not 'Mars'"),
        (["nightly", "0 3 * * *", "--job", "no_op", "--missed", "maybe"], "--missed must be one of once, all, skip, not maybe"),
    ],
)
def test_nonsense_is_refused_in_one_line(reelq, arguments, told):
    done = reelq("schedules", "add", *arguments)
    assert done.code == 2 and told in done.err and "Traceback" not in done.err


def test_what_is_not_there_is_said_to_be_so(reelq):
    for verb in ("pause", "resume", "remove"):
        done = reelq("schedules", verb, "nope")
        assert done.code != 0 and "no schedule 'nope'" in done.err


def test_the_list_tells_ticks_and_when_the_latest_was_enqueued(reelq, conn, clock):
    clock.set("2026-03-01 10:01+00")
    reelq("schedules", "add", "often", "*/10 * * * *", "--type", "no_op")
    assert reelq("schedules", "list").out.splitlines()[0].split() == ["NAME", "CRON", "MAKES", "NEXT", "TICK", "LAST", "TICK", "ENQUEUED", "ZONE", "TENANT", "ERROR"]
    clock.set("2026-03-01 10:45+00")
    conn.execute("select queue.run_schedules()")
    row = reelq("schedules", "list", "--json").row
    assert (row["next_run_at"], row["last_run_at"]) == ("2026-03-01T10:50:00+00:00", "2026-03-01T10:10:00+00:00")
    assert row["last_enqueued_at"] == "2026-03-01T10:45:00+00:00"
    local = datetime(2026, 3, 1, 10, 10, tzinfo=UTC).astimezone().strftime("%Y-%m-%d %H:%M")
    assert local in reelq("schedules", "list").out
