"""What the operating system tells: CPU seconds of processes, and what machine this is. Linux only."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Process:
    """A line of /proc/PID/stat, as far as it counts here."""

    pid: int
    parent: int
    session: int
    own_s: float  # CPU seconds, user and system
    reaped_s: float  # of children that have ended and were waited for


def processes() -> list[Process]:
    """Everything that runs now."""
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            text = (folder / "stat").read_text(encoding="ascii", errors="replace")
        except OSError:
            continue  # it has just ended
        words = text.rsplit(")", 1)[1].split()  # after the name, which may hold spaces
        own, reaped = int(words[11]) + int(words[12]), int(words[13]) + int(words[14])
        found.append(Process(int(folder.name), int(words[1]), int(words[3]), own / TICKS, reaped / TICKS))
    return found


def server_cpu(postmaster: int) -> float:
    """CPU seconds of a Postgres server: the postmaster, its children, and those that have ended."""
    seconds = 0.0
    for one in processes():
        if one.pid == postmaster:
            seconds += one.own_s + one.reaped_s
        elif one.parent == postmaster:
            seconds += one.own_s
    return seconds


def session_cpu(leader: int) -> float:
    """CPU seconds of all processes of a session, started with start_new_session=True."""
    return sum(one.own_s + one.reaped_s for one in processes() if one.session == leader)


def describe() -> dict[str, str]:
    """Cores, memory, processor, kernel."""
    model = ""
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "cores": str(len(os.sched_getaffinity(0))),
        "processor": model or platform.machine(),
        "memory": f"{memory:.0f} GiB",
        "kernel": platform.release(),
        "python": platform.python_version(),
        "load": f"{os.getloadavg()[0]:.1f}",
    }
