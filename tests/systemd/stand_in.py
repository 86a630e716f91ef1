"""A small stand-in for `reelq worker run --pool NAME`: the unit's side of the contract, without a database.

The pool's name says how it behaves:

    good    READY, feeds the watchdog, has a job in hand (a child in a session of its own) that ends when
            the file let-go appears; SIGTERM drains, which is to wait for it; SIGUSR1 ends with 0, as after a
            drain by command
    away    the database is away: exit 75
    wrong   settings are wrong: exit 2
    encode  READY, then ffmpeg with and without bubblewrap, and attempts to do what the unit forbids

What it saw goes to /var/lib/reelq/<pool>.json.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from reelq.worker.sandbox import bubblewrap

STATE = Path("/var/lib/reelq")
LET_GO = STATE / "let-go"
# What a job in hand is: it does not react to SIGTERM sent to the worker, and ends by itself.
JOB = f"while [ ! -e {LET_GO} ]; do sleep 0.05; done; touch {STATE}/finished"


def notify(text: str) -> None:
    """Tell systemd, as sd_notify(3) says."""
    address = os.environ["NOTIFY_SOCKET"]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.sendto(text.encode(), "\0" + address[1:] if address[0] == "@" else address)


def feed() -> None:
    """Keep the watchdog quiet, at a third of its time."""
    pause_s = int(os.environ["WATCHDOG_USEC"]) / 3e6
    while True:
        notify("WATCHDOG=1")
        time.sleep(pause_s)


def report(pool: str, seen: dict[str, Any]) -> None:
    """Leave `seen` for the probe, at once as a whole."""
    draft = STATE / f"{pool}.draft"
    draft.write_text(json.dumps(seen), encoding="utf-8")
    draft.rename(STATE / f"{pool}.json")


def good(pool: str) -> None:
    """Work until told to stop; then finish the job in hand."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGUSR1})
    threading.Thread(target=feed, daemon=True).start()
    job = subprocess.Popen(["sh", "-c", JOB], start_new_session=True)
    settings = {name: os.environ.get(name) for name in ("REELQ_SCRATCH", "REELQ_SLOTS", "REELQ_TYPES")}
    files = {name: Path(path) for name, path in os.environ.items() if name.endswith("_FILE")}
    secrets = {name: path.read_text(encoding="utf-8").strip() for name, path in files.items()}
    report(pool, {"pid": os.getpid(), "job": job.pid, "settings": settings, "secrets": secrets})
    notify("READY=1")
    told = signal.sigwait({signal.SIGTERM, signal.SIGUSR1})
    if told == signal.SIGTERM:
        notify("STOPPING=1")
        sys.exit(job.wait())


def encode(pool: str) -> None:
    """Run ffmpeg as a worker would, and try what must not work."""
    notify("READY=1")
    scratch = Path(os.environ["REELQ_SCRATCH"])
    # fast_bilinear and x264 bring code of their own making or hand-written assembly along.
    ladder = ["/usr/bin/ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=640x360:d=1"]
    ladder += ["-f", "lavfi", "-i", "sine=d=1", "-vf", "scale=320:180:flags=fast_bilinear"]
    ladder += ["-c:v", "libx264", "-c:a", "aac"]
    seen: dict[str, Any] = {}
    for name, command in {
        "plain": [*ladder, str(scratch / "plain.mp4")],
        "wrapped": bubblewrap.wrap([*ladder, str(scratch / "wrapped.mp4")], read=None, write=scratch),
        "offline": bubblewrap.wrap(["/usr/bin/cat", "/proc/net/dev"], read=None, write=scratch),
    }.items():
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        seen[name] = {"code": done.returncode, "said": (done.stdout + done.stderr)[-500:]}
    seen["made"] = {file.name: file.stat().st_size for file in scratch.glob("*.mp4")}
    for path in ("/etc/x", "/usr/x", "/home/x", "/opt/reelq/x", "/var/lib/reelq/x"):
        try:
            Path(path).touch()
            seen[path] = "written"
        except OSError as error:
            seen[path] = type(error).__name__
    seen["processes"] = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    seen["devices"] = [entry.name for entry in Path("/dev").iterdir()]
    report(pool, seen)


def main() -> None:
    """Behave as the pool's name says."""
    pool = sys.argv[sys.argv.index("--pool") + 1]
    if pool in ("away", "wrong"):
        sys.exit({"away": 75, "wrong": 2}[pool])
    {"good": good, "encode": encode}[pool](pool)


if __name__ == "__main__":
    main()
