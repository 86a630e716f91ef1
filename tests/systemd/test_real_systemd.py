"""The units under a real systemd: what start, kill, hang, drain and bad settings come to.

One boot in private namespaces for all of it; the worker is the stand-in of stand_in.py. With the real
worker: test_real_worker.py.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.systemd.machine import STAND_IN, boot

Facts = dict[str, Any]


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Facts:
    """Everything that probe_units.py saw."""
    return boot("probe_units", STAND_IN, tmp_path_factory.mktemp("machine"))


def test_a_pool_starts_when_the_worker_says_ready(seen: Facts) -> None:
    """`systemctl start` returns after READY=1, with the pool running."""
    assert seen["start"]["code"] == 0, seen["start"]
    assert (seen["start"]["ActiveState"], seen["start"]["SubState"]) == ("active", "running")
    assert seen["first"]["pid"] == int(seen["start"]["MainPID"])


def test_a_pools_own_settings_win(seen: Facts) -> None:
    """worker-<pool>.env overrides worker.env; scratch is the pool's own folder."""
    assert seen["first"]["settings"] == {
        "REELQ_SCRATCH": "/var/cache/reelq/good", "REELQ_SLOTS": "5", "REELQ_TYPES": "no_op",
    }  # fmt: skip


def test_secrets_arrive_as_files_and_missing_ones_are_empty(seen: Facts) -> None:
    """The worker, which is not root, reads what root alone can read on disk."""
    assert seen["first"]["secrets"] == {
        "DATABASE_URL_FILE": "postgresql://somewhere/reelq",
        "REELQ_DATABASE_DIRECT_URL_FILE": "",
        "REELQ_S3_SECRET_ACCESS_KEY_FILE": "hush",
        "REELQ_SMTP_PASSWORD_FILE": "",
        "REELQ_VAPID_PRIVATE_KEY_FILE": "",
    }


def test_a_busy_worker_keeps_the_watchdog(seen: Facts) -> None:
    """Longer than WatchdogSec without a restart."""
    assert (seen["watched"]["ActiveState"], seen["watched"]["NRestarts"]) == ("active", "0")


def test_a_killed_worker_is_started_anew_and_leaves_nothing(seen: Facts) -> None:
    """kill -9: one restart, and the orphaned encode is dead."""
    assert seen["killed"]["NRestarts"] == "1"
    assert not seen["orphan_alive"]


def test_a_hung_worker_is_aborted_and_started_anew(seen: Facts) -> None:
    """A stopped process feeds no watchdog."""
    assert seen["hung"]["NRestarts"] == "2"
    assert "Watchdog timeout" in seen["hung_journal"]


def test_stop_drains(seen: Facts) -> None:
    """SIGTERM does not reach the job; systemd waits for it and ends without a failure."""
    assert seen["draining"]["ActiveState"] == "deactivating"
    assert seen["draining"]["job_alive"]
    assert seen["drained"]["finished"]
    assert (seen["drained"]["ActiveState"], seen["drained"]["Result"]) == ("inactive", "success")


def test_a_worker_that_ends_well_stays_away(seen: Facts) -> None:
    """Exit 0, as after a drain from the command line, is no reason for a restart."""
    assert (seen["left"]["ActiveState"], seen["left"]["NRestarts"]) == ("inactive", "0")


def test_a_database_that_is_away_is_tried_for_ever(seen: Facts) -> None:
    """Exit 75: more restarts than the start limit has, none of them refused."""
    assert seen["away_start"] != 0
    assert int(seen["away"]["NRestarts"]) >= 8
    assert seen["away"]["ExecMainStatus"] in ("75", "0")  # 0 while the next try starts
    assert seen["away"]["Result"] != "start-limit-hit"


def test_wrong_settings_are_not_tried_again(seen: Facts) -> None:
    """Exit 2."""
    assert (seen["wrong"]["ExecMainStatus"], seen["wrong"]["NRestarts"]) == ("2", "0")


def test_the_target_goes_with_its_pools(seen: Facts) -> None:
    """Enabling a pool enables the target; stopping the target drains the pool."""
    assert seen["enabled"] == ["enabled", "enabled"]
    stopped = seen["target_stopped"]
    assert (stopped["ActiveState"], stopped["Result"]) == ("inactive", "success")


@pytest.mark.parametrize("how", ["plain", "wrapped"])
def test_ffmpeg_encodes_under_the_hardening(seen: Facts, how: str) -> None:
    """x264 and aac, without and with bubblewrap, from the unit as it is shipped."""
    if "bwrap" in seen["encode"][how]["said"] and "No such file" in seen["encode"][how]["said"]:
        pytest.skip("bubblewrap is not installed")
    assert seen["encode"][how] == {"code": 0, "said": ""}
    assert seen["encode"]["made"][f"{how}.mp4"] > 10_000


def test_bubblewrap_takes_the_network_away(seen: Facts) -> None:
    """Inside there is no interface list at all: /proc is not there."""
    assert seen["encode"]["offline"]["code"] != 0


def test_the_rest_of_the_disk_is_read_only(seen: Facts) -> None:
    """Only state and cache can be written; other processes and devices are not seen."""
    for path in ("/etc/x", "/usr/x", "/opt/reelq/x", "/home/x"):
        assert seen["encode"][path] != "written", path
    assert seen["encode"]["/var/lib/reelq/x"] == "written"
    assert 1 not in seen["encode"]["processes"]
    assert not {"sda", "vda", "mem", "kmsg", "kvm"} & set(seen["encode"]["devices"])
