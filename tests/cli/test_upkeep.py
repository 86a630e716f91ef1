"""reelq upkeep: what is due is done and told, failures have exit codes, schedules are changed."""

from __future__ import annotations

import pytest

from reelq.worker.upkeep import tasks
from reelq.worker.upkeep.work import Fault, NotNow


def test_what_is_due_is_done_once(reelq):
    first = reelq("upkeep", "run", "--clock", "timer", "--json")
    assert (first.code, first.err) == (0, "")
    assert [row["name"] for row in first.rows] == list(tasks.TASKS)
    assert {row["outcome"] for row in first.rows} == {"done"}
    again = reelq("upkeep", "run")
    assert (again.code, again.out, again.err) == (0, "Nothing is due.\n", "")
    listed = reelq("upkeep", "list", "--json").rows
    assert {row["state"] for row in listed} == {"ok"}
    assert all(row["who"].startswith("timer ") for row in listed)
    assert "archive_jobs" in reelq("upkeep", "list").out


def raising(error):
    def task(work):
        raise error

    return task


@pytest.mark.parametrize(
    ("errors", "code", "told"),
    [
        ({"verify": Fault("3 faults")}, 3, "verify failed: 3 faults"),
        ({"partitions": NotNow("a report reads it")}, 75, "partitions later: a report reads it"),
        ({"verify": Fault("3 faults"), "repair": NotNow("wait"), "remove_ended": OSError(28, "No space left")}, 1, "remove_ended failed: OSError: [Errno 28] No space left"),
    ],
)
def test_one_that_fails_is_told_on_stderr_and_by_the_exit_code(reelq, monkeypatch, errors, code, told):
    for name, error in errors.items():
        monkeypatch.setitem(tasks.TASKS, name, raising(error))
    ran = reelq("upkeep", "run")
    assert ran.code == code
    assert told in ran.err
    assert ran.out.count(" done ") == len(tasks.TASKS) - len(errors)


def test_a_task_by_name_is_done_though_nothing_is_due(reelq):
    reelq("upkeep", "run")
    ran = reelq("upkeep", "run", "verify", "archive_jobs", "--json")
    assert [(row["name"], row["outcome"]) for row in ran.rows] == [("verify", "done"), ("archive_jobs", "done")]
    wrong = reelq("upkeep", "run", "verify", "nope")
    assert (wrong.code, wrong.out) == (2, "")
    assert "no task 'nope'" in wrong.err
    assert "Known: relay_events" in wrong.err


def test_a_schedule_is_changed_and_a_task_switched_off(reelq):
    changed = reelq("upkeep", "set", "vacuum", "--cron", "0 4 * * 6", "--late-after", "7d", "--off", "--json").row
    assert (changed["cron"], changed["state"], changed["enabled"]) == ("0 4 * * 6", "off", False)
    assert "vacuum" not in [row["name"] for row in reelq("upkeep", "run", "--json").rows]
    assert reelq("upkeep", "set", "vacuum", "--on", "--json").row["enabled"] is True
    assert reelq("upkeep", "set", "vacuum", "--cron", "often").code == 2
    assert reelq("upkeep", "set", "vacuum").code == 2
