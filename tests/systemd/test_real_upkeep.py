"""The upkeep by the real timer of a real systemd, and by the real cron: partitions, history and figures in Postgres.

One boot in private namespaces for both; see probe_upkeep.py for the steps.
"""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.systemd.machine import WORKER, boot

Facts = dict[str, Any]
DONE = {"partitions": 12, "archived": 1, "added_up": 1, "broken": 0}  # the queue's three histories, this month and three more


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Facts:
    """Everything that probe_upkeep.py saw."""
    return boot("probe_upkeep", WORKER, tmp_path_factory.mktemp("machine"))


def what(facts: Facts) -> Facts:
    return {name: facts[name] for name in DONE}


def test_the_timer_starts_the_upkeep(seen: Facts) -> None:
    """Under the unit's hardening, as an account that owns the schema and is no superuser."""
    assert (seen["enabled"], seen["trigger"]) == ("enabled", "TriggeredBy=reelq-upkeep.timer")
    assert (seen["by_timer"]["Result"], what(seen["by_timer"])) == ("success", DONE), seen["journal"]


def test_a_second_run_finds_nothing_to_do(seen: Facts) -> None:
    assert (seen["again"]["Result"], what(seen["again"])) == ("success", DONE)
    assert "1 moved" in seen["journal"]
    assert "Nothing is due." in seen["journal"]


def test_a_database_that_is_away_fails_the_unit_and_the_next_run_mends_it(seen: Facts) -> None:
    """So that monitoring sees it; exit 75."""
    assert seen["away_start"] != 0
    assert (seen["away"]["ActiveState"], seen["away"]["ExecMainStatus"]) == ("failed", "75")
    assert (seen["back_start"], seen["back"]["Result"]) == (0, "success")


def test_cron_does_the_same_and_has_no_mail_to_send(seen: Facts) -> None:
    """Debian's cron, with the crontab as it is shipped but for the minutes."""
    if "by_cron" not in seen:
        pytest.skip("cron is not installed")
    assert what(seen["by_cron"]) == DONE
    assert re.search(r"\(reelq\) CMD .*/opt/reelq/venv/bin/reelq upkeep run --clock cron >/dev/null", seen["cron_said"])
    assert not re.search("MAIL|discarding output|failed", seen["cron_said"])


def test_the_service_is_up_does_what_is_due_and_ends_at_once(seen: Facts) -> None:
    """Beside the timer, under its hardening; killed it comes back."""
    assert (seen["periodic"]["ActiveState"], seen["periodic"]["Result"]) == ("active", "success")
    assert seen["periodic_killed"]["ActiveState"] == "active"
    assert (seen["periodic_stopped"]["ActiveState"], seen["periodic_stopped"]["Result"]) == ("inactive", "success")
    assert "periodic.started" in seen["periodic_journal"]
    assert "upkeep.ended" in seen["periodic_journal"]
