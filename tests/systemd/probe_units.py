"""Inside the machine: what systemd does with a pool whose worker behaves in each of the ways it can."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

from tests.systemd.inside import STATE, alive, drop_in, finish, install, read, run, state, unit, until

GOOD = "reelq-worker@good"


def started(name: str, restarts: int = 0) -> dict[str, str]:
    """Wait until a pool is up again after `restarts` restarts."""

    until(f"{name} has {restarts} restarts", lambda: int(unit(name)["NRestarts"]) >= restarts)
    return state(name, "active")


def lives(facts: dict[str, Any]) -> None:
    """Start, be killed, hang, drain."""
    start = run("systemctl", "start", GOOD)
    facts["start"] = {"code": start.returncode, "said": start.stderr, **unit(GOOD)}
    first = facts["first"] = read(STATE / "good.json")

    # Longer than WatchdogSec (1 s here) with a busy job: the watchdog is fed.
    time.sleep(1.5)
    facts["watched"] = unit(GOOD)

    os.kill(first["pid"], signal.SIGKILL)
    facts["killed"] = started(GOOD, 1)
    second = facts["second"] = read(STATE / "good.json")
    facts["orphan_alive"] = alive(first["job"])

    os.kill(second["pid"], signal.SIGSTOP)
    facts["hung"] = started(GOOD, 2)
    facts["hung_journal"] = run("journalctl", "-u", GOOD, "-o", "cat").stdout

    third = read(STATE / "good.json")
    stop = run("systemctl", "stop", "--no-block", GOOD)
    state(GOOD, "deactivating")
    # SIGTERM has gone out: the job must not have got it.
    facts["draining"] = {"code": stop.returncode, "job_alive": alive(third["job"]), **unit(GOOD)}
    (STATE / "let-go").touch()
    facts["drained"] = {**state(GOOD, "inactive", "failed"), "finished": (STATE / "finished").exists()}

    run("systemctl", "start", GOOD, check=True)
    os.kill(read(STATE / "good.json")["pid"], signal.SIGUSR1)
    facts["left"] = state(GOOD, "inactive", "failed", "activating")


def fails(facts: dict[str, Any]) -> None:
    """Database away, wrong settings, no database URL, no settings at all."""
    away = run("systemctl", "start", "reelq-worker@away")
    facts["away_start"] = away.returncode
    # Eight: more than StartLimitBurst, at a pace that the drop-in of main() scaled down with the limit.
    until("eight restarts", lambda: int(unit("reelq-worker@away")["NRestarts"]) >= 8)
    facts["away"] = unit("reelq-worker@away")
    run("systemctl", "stop", "reelq-worker@away")
    run("systemctl", "start", "reelq-worker@wrong")
    facts["wrong"] = state("reelq-worker@wrong", "failed")


def target(facts: dict[str, Any]) -> None:
    """Enable pools, start and stop them together."""
    (STATE / "let-go").touch()
    run("systemctl", "enable", GOOD, check=True)
    facts["enabled"] = run("systemctl", "is-enabled", GOOD, "reelq-worker.target").stdout.split()
    run("systemctl", "start", "reelq-worker.target", check=True)
    started(GOOD)
    run("systemctl", "stop", "reelq-worker.target", check=True)
    facts["target_stopped"] = state(GOOD, "inactive", "failed")


def main() -> None:
    """Set up, run all, hand the facts out."""
    install()
    Path("/etc/reelq/credentials/database-url").write_text("postgresql://somewhere/reelq\n", encoding="utf-8")
    Path("/etc/reelq/credentials/s3-secret-access-key").write_text("hush\n", encoding="utf-8")
    Path("/etc/reelq/worker.env").write_text("REELQ_SLOTS=3\nREELQ_TYPES=no_op\n", encoding="utf-8")
    Path("/etc/reelq/worker-good.env").write_text("REELQ_SLOTS=5\n", encoding="utf-8")
    # The unit says RestartSec 5s, start limit 5 in 10s, WatchdogSec 90s: the same proportions, quicker.
    facts: dict[str, Any] = {}
    quick = "[Unit]\nStartLimitIntervalSec=1s\n[Service]\nRestartSec=500ms\nWatchdogSec=1s\n"
    drop_in("reelq-worker@", quick)
    lives(facts)
    fails(facts)
    target(facts)
    drop_in("reelq-worker@", "")
    encode = run("systemctl", "start", "reelq-worker@encode")
    facts["encode_start"] = encode.returncode
    facts["encode"] = until("the encode", lambda: read(STATE / "encode.json"))
    finish(facts)


if __name__ == "__main__":
    main()
