"""Children under limits: ffmpeg reads what strangers sent, so it gets no more rights than it needs.

A process group and session of its own, no shell, an empty environment, limits on memory, CPU,
file size and open files, nice 10; bubblewrap around it where that works. It dies with the worker
(kill -9 too), with the stop signal, at the wall limit, and when it makes no progress for too long.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from reelq.worker.errors import SettingsError
from reelq.worker.sandbox import bubblewrap, exec_child
from reelq.worker.sandbox.pipes import Lines, Ring
from reelq.worker.stop import StopSignal

NICE = 10  # below the worker itself, whose heartbeats must not wait for an encoder
KILOBYTE = 1 if sys.platform == "darwin" else 1024  # unit of ru_maxrss
LEFT_OVER_S = 10  # how long pipes may stay open after the child is gone

OnLine = Callable[[str], bool]  # gets a line of stdout; says whether the child got further


@dataclass(frozen=True, slots=True)
class Limits:
    """What one child may use."""

    wall_s: float
    memory_bytes: int  # address space; a ladder of four renditions from 1080p needs 1.5 GB
    file_bytes: int  # of any one file that it writes
    stall_s: float | None = None  # longest time without progress, as on_line sees it; None: no limit
    cpu_s: int | None = None  # CPU seconds over all threads; None: four cores for all of wall_s
    open_files: int = 256
    stdout_bytes: int = 64 * 2**20  # more than this to keep of stdout ends the child


@dataclass(frozen=True, slots=True)
class Ended:
    """How a child ended and what it used.

    `code` is the exit code, or minus the signal; `killed_for` is None, "wall", "stall" or
    "stdout" when we ended it. `peak_memory_bytes` is never below the worker's own size, because
    a child shares the worker's memory until it runs its program.
    """

    code: int
    stdout: str
    stderr_tail: str
    killed_for: str | None
    wall_seconds: float
    cpu_seconds: float
    peak_memory_bytes: int
    command: tuple[str, ...] = ()  # as the caller gave it; not told by run_child


class _Child:
    """A started process group that can be killed from any thread, and only while it is ours."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self._lock = threading.Lock()
        self._gone = False
        self.ended = threading.Event()

    def kill(self) -> None:
        """End the whole group at once. After SIGTERM ffmpeg would still finish its file."""
        with self._lock:
            if not self._gone:
                os.killpg(self.process.pid, signal.SIGKILL)

    def watch(self) -> None:
        """Wait for the end and say so; leaves the reaping to `reap`."""
        os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOWAIT)
        self.ended.set()

    def reap(self) -> tuple[int, float, int]:
        """Exit code, CPU seconds and peak memory; from here on the process id may belong to another process."""
        with self._lock:
            _, status, usage = os.wait4(self.process.pid, 0)
            self._gone = True
        code = os.waitstatus_to_exitcode(status)
        self.process.returncode = code  # Popen would wait for it again
        return code, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * KILOBYTE


def run_child(
    argv: Sequence[str],
    *,
    limits: Limits,
    stop: StopSignal,
    sandbox: str = "auto",
    read: Path | None = None,
    write: Path | None = None,
    on_line: OnLine | None = None,
    on_error_line: Callable[[bytes], object] | None = None,
) -> Ended:
    """Run a program to its end, or kill it; returns how it ended whatever its exit code.

    127 means that there is no such program, as in a shell.

    Arguments:
        sandbox: setting `sandbox`: auto, bwrap or off.
        read, write: the two folders that the program may read, and write; it starts in `write`.
        on_line: gets each line of stdout, which is then not kept; called in another thread.
        on_error_line: gets each line of stderr, of which only the end is kept; called in another thread, may not raise.

    Raises:
        StopRequested: the stop signal was set; the child is gone.
        SettingsError: sandbox is `bwrap` and that does not work here.
    """
    stop.check()
    command = list(argv)
    program = shutil.which(command[0])
    if program is None:
        said = f"{command[0]}: not found"
        return Ended(exec_child.CANNOT_RUN, "", said, None, wall_seconds=0.0, cpu_seconds=0.0, peak_memory_bytes=0)
    command[0] = program  # looked up on the worker's PATH, since the child has a bare one
    if bubble_wanted(sandbox):
        command = bubblewrap.wrap(command, read=read, write=write)
    began = time.monotonic()
    with _started(command, limits, write) as child:
        stdout = Lines(child.process.stdout, limits.stdout_bytes, on_line, on_trouble=child.kill)
        stderr = Ring(child.process.stderr, on_error_line)
        with stop.killing(child.kill):
            killed_for = _wait(child, limits, stdout, began)
        code, cpu_seconds, peak = child.reap()
        stdout.join(LEFT_OVER_S)
        stderr.join(LEFT_OVER_S)
    stop.check()
    stdout.raise_error()
    return Ended(code, stdout.text(), stderr.text(), killed_for or stdout.trouble, time.monotonic() - began, cpu_seconds, peak)


@contextmanager
def _started(command: list[str], limits: Limits, folder: Path | None) -> Iterator[_Child]:
    """Start `command` through exec_child.py; when the block ends, however it ends, the child is gone."""
    cpu_s = limits.cpu_s or max(1, int(4 * limits.wall_s))
    bounds = {"parent": os.getpid(), "AS": limits.memory_bytes, "CPU": cpu_s, "FSIZE": limits.file_bytes,
             "CORE": 0, "NOFILE": limits.open_files, "nice": NICE}  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", exec_child.__file__, json.dumps(bounds), *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=bubblewrap.ENVIRONMENT,
        cwd=folder,
        start_new_session=True,
    )
    child = _Child(process)
    threading.Thread(target=child.watch, name="child-watch", daemon=True).start()
    try:
        yield child
    finally:
        if not child.ended.is_set():
            child.kill()
            child.ended.wait()
        if process.returncode is None:
            child.reap()
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()


def _wait(child: _Child, limits: Limits, stdout: Lines, began: float) -> str | None:
    """Sleep until the child has ended; kill it at its limits and return which one it was."""
    while True:
        now = time.monotonic()
        left = {"wall": began + limits.wall_s - now}
        if limits.stall_s is not None:
            left["stall"] = stdout.moved_at + limits.stall_s - now
        reason = min(left, key=lambda name: left[name])
        if child.ended.wait(max(0.0, left[reason])):
            return None
        if reason == "wall" or time.monotonic() >= stdout.moved_at + (limits.stall_s or 0):
            child.kill()
            child.ended.wait()
            return reason


def bubble_wanted(sandbox: str) -> bool:
    """Whether this host's children go into a bubble under the setting `sandbox`."""
    if sandbox == "off":
        return False
    if bubble_works():
        return True
    if sandbox == "bwrap":
        raise SettingsError("REELQ_SANDBOX is bwrap, but bubblewrap is not installed or may not run here")
    return False


@cache
def bubble_works() -> bool:
    """Try a bubble once a process: containers and hardened kernels often forbid it."""
    if bubblewrap.bwrap_path() is None:
        return False
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        trial = bubblewrap.wrap([shutil.which("true") or "/bin/true"], read=folder, write=folder)
        limits = Limits(wall_s=10, memory_bytes=2**30, file_bytes=2**20)
        return run_child(trial, limits=limits, stop=StopSignal(), sandbox="off").code == 0
