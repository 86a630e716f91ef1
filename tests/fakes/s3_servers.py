"""S3 servers for tests: moto and rclone, each blind to what the other checks.

moto knows conditional writes; rclone checks signatures, their expiry and Content-MD5. Both listen
on a free loopback port and die with the process that started them, also when that is killed.
"""

from __future__ import annotations

import ctypes
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

KEY_ID, SECRET = "AKIATESTTESTTEST", "not/a+secret=of-anyone"
PR_SET_PDEATHSIG = 1


@contextmanager
def moto() -> Iterator[str]:
    """A moto server; yields its URL. It accepts any credentials."""
    with _running([sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"]) as url:
        yield url


@contextmanager
def rclone(folder: Path) -> Iterator[str]:
    """rclone serving `folder`, whose subfolders are the buckets; yields its URL."""
    command = ["serve", "s3", "--addr", "127.0.0.1:0", "--auth-key", f"{KEY_ID},{SECRET}", "--config", ""]
    with _running([rclone_program(), *command, str(folder)]) as url:
        yield url


def rclone_program() -> str:
    """rclone of this environment, whether or not its bin folder is on PATH."""
    beside = Path(sys.executable).parent / "rclone"
    return str(beside) if beside.exists() else shutil.which("rclone") or "rclone"


@contextmanager
def _running(command: list[str]) -> Iterator[str]:
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=_die_with_parent if sys.platform == "linux" else None,
    ) as server:
        assert server.stderr is not None
        lines, said = server.stderr, list[str]()
        reader = threading.Thread(target=lambda: [None for _ in lines], daemon=True)
        try:
            address = _address(lines, said)
            reader.start()  # what it says later is read, lest it waits, and dropped
            yield address
        finally:
            server.kill()
            if reader.ident is not None:
                reader.join(10)


def _address(lines: IO[str], said: list[str]) -> str:
    """The URL that the server prints when it listens."""
    for line in lines:
        said.append(line)
        if found := re.search(r"http://127\.0\.0\.1:\d+", line):
            return found[0]
    raise RuntimeError("the S3 server did not start: " + "".join(said))


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
