"""Helpers of the probes, which run as root inside the machine that machine.boot starts."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

SOURCE = Path("/opt/reelq/source")
STATE = Path("/var/lib/reelq")
PATIENCE_S = 120  # for what takes seconds on an idle machine


def run(*command: str, check: bool = False, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run a program, keep what it says."""
    done = subprocess.run(command, capture_output=True, text=True, input=stdin, check=False)
    if check and done.returncode != 0:
        raise RuntimeError(f"{command} ended with {done.returncode}: {done.stdout}{done.stderr}")
    return done


def install() -> None:
    """Units, account and folders, as the README's lines do it."""
    for unit in ("reelq-worker@.service", "reelq-worker.target"):
        run("install", "-m", "644", str(SOURCE / "systemd" / unit), "/etc/systemd/system/", check=True)
    run("systemd-sysusers", str(SOURCE / "systemd" / "reelq.sysusers.conf"), check=True)
    run("systemd-tmpfiles", "--create", str(SOURCE / "systemd" / "reelq.tmpfiles.conf"), check=True)


def drop_in(unit: str, text: str) -> None:
    """Override settings of a unit, as `systemctl edit` does."""
    folder = Path(f"/etc/systemd/system/{unit}.service.d")
    folder.mkdir(exist_ok=True)
    (folder / "override.conf").write_text(text, encoding="utf-8")
    run("systemctl", "daemon-reload", check=True)


def unit(name: str) -> dict[str, str]:
    """What systemd knows of a unit."""
    wanted = "ActiveState,SubState,Result,NRestarts,MainPID,ExecMainStatus,ExecMainCode,ControlGroup"
    lines = run("systemctl", "show", name, f"--property={wanted}", check=True).stdout.splitlines()
    return dict(line.split("=", 1) for line in lines)


def until(what: str, holds: Callable[[], Any], patience_s: float = PATIENCE_S) -> Any:
    """Ask until the answer is true; systemd and the files of another process offer no event to wait on."""
    deadline = time.monotonic() + patience_s
    while True:
        answer = holds()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise RuntimeError(f"waited {patience_s} s in vain: {what}")
        time.sleep(0.05)


def state(name: str, *wanted: str) -> dict[str, str]:
    """Wait until a unit is in one of the states (of ActiveState); return what systemd knows of it."""
    until(f"{name} is {wanted}", lambda: unit(name)["ActiveState"] in wanted)
    return unit(name)


def read(path: Path) -> Any:
    """A JSON file, or None while it is not there."""
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def alive(pid: int) -> bool:
    """Whether a process runs (a zombie does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def finish(facts: dict[str, Any]) -> None:
    """Hand the facts out to the test."""
    Path("/mnt/facts.json").write_text(json.dumps(facts), encoding="utf-8")
