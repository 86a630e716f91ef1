"""The unit with the real worker, Postgres and ffmpeg under a real systemd: the README's commands, then trouble.

One boot in private namespaces for all of it; see probe_worker.py for the steps.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.patience import QUICK_S
from tests.systemd.machine import WORKER, boot

Facts = dict[str, Any]


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Facts:
    """Everything that probe_worker.py saw."""
    return boot("probe_worker", WORKER, tmp_path_factory.mktemp("machine"))


def test_the_readmes_commands_work(seen: Facts) -> None:
    """Ten of them; the tests leave out apt and pip, and run `systemctl stop` later, under load."""
    assert seen["commands"] == 10
    assert ":cpu:" in seen["readme"][-1]["said"]  # workers list, with the secret of the unit


def test_ready_means_registered(seen: Facts) -> None:
    """The pool runs, as an account that has nothing but the role reelq_worker."""
    assert (seen["started"]["ActiveState"], seen["started"]["NRestarts"]) == ("active", "0")


def test_a_video_is_made_under_the_units_hardening(seen: Facts) -> None:
    """Renditions and poster in the state directory, no restart meanwhile: the watchdog was fed."""
    profiles = {row[0] for row in seen["made"]}
    assert {"poster", "h264-360p", "h264-240p"} <= profiles, seen["made"]
    assert all(row[3] > 0 for row in seen["made"])
    assert len(seen["objects"]) >= len(profiles) + 1  # and the original
    assert seen["encoded"]["NRestarts"] == "0"


def test_ffmpeg_is_wrapped(seen: Facts) -> None:
    """REELQ_SANDBOX=auto found bubblewrap to work inside the unit: ffmpeg is in a network of its own."""
    assert seen["ffmpeg_has_own_network"]


def test_a_killed_worker_comes_back_and_its_job_is_done_once(seen: Facts) -> None:
    """kill -9: ffmpeg dies, systemd restarts the worker, the second attempt makes the video."""
    assert not seen["ffmpeg_survived"]
    assert seen["restarted"]["ActiveState"] == "active"
    assert [outcome for outcome, _ in seen["after_crash"]] == ["lost", "completed"]


def test_stop_finishes_the_encode(seen: Facts) -> None:
    """ffmpeg lives through SIGTERM, the unit ends well, the job is completed at the first attempt."""
    assert seen["draining"]
    assert (seen["drained"]["ActiveState"], seen["drained"]["Result"]) == ("inactive", "success")
    assert [outcome for outcome, _ in seen["after_drain"]] == ["completed"]


def test_a_second_signal_hands_the_job_back(seen: Facts) -> None:
    """At once, without charging an attempt; ffmpeg and scratch are gone."""
    assert seen["left_in_s"] < QUICK_S
    assert (seen["left"]["ActiveState"], seen["left"]["Result"]) == ("inactive", "success")
    assert not seen["left_ffmpeg"]
    assert seen["after_leaving"] == [["released", 0]]
    assert seen["scratch"] == []


def test_a_database_that_is_away_is_waited_for(seen: Facts) -> None:
    """Exit 75, tried again until it is there; a restart of Postgres does not end a running worker."""
    assert seen["away_start"] != 0
    assert int(seen["back"]["tried"]["NRestarts"]) >= 3
    assert seen["back"]["ActiveState"] == "active"
    assert seen["same_worker"]


def test_a_drain_by_command_lasts(seen: Facts) -> None:
    """`reelq workers drain`: the worker ends, systemd leaves it so."""
    assert (seen["asked"]["ActiveState"], seen["asked"]["Result"]) == ("inactive", "success")


def test_a_wrong_setting_is_told_once(seen: Facts) -> None:
    """Exit 2, the name in the journal, no restart."""
    assert (seen["typo"]["ExecMainStatus"], seen["typo"]["NRestarts"]) == ("2", "0")
    assert "REELQ_SLOTZ" in seen["typo_journal"]


def test_the_queue_is_whole_after_all_that(seen: Facts) -> None:
    """queue.verify() returns no row."""
    assert seen["broken"] == []
