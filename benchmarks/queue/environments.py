"""The queues that are compared, and the environment of each: made once in the cache (benchmarks/place.py).

Packages come by the ordinary clients, pip and npm, in the versions that stand in peers/.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.place import ROOT, cache

PEERS = Path(__file__).resolve().parent / "peers"


class Unavailable(Exception):
    """A queue cannot be measured here; the message says why."""


@dataclass(frozen=True, slots=True)
class Contender:
    """One queue: how its adapter is called."""

    name: str
    command: tuple[str, ...]
    environ: dict[str, str] = field(default_factory=dict)


def reelq() -> Contender:
    """This checkout."""
    return Contender("reelq", (str(Path(__file__).resolve().parent / "adapter"),))


def python_peer(name: str) -> Contender:
    """A queue of Python in a venv of its own."""
    venv = cache() / name
    wanted = (PEERS / f"{name}.txt").read_text(encoding="utf-8")
    if _stamp(venv) != wanted:
        _tell(f"setting up {name} in {venv}")
        shutil.rmtree(venv, ignore_errors=True)
        _run([sys.executable, "-m", "venv", str(venv)])
        pip = [str(venv / "bin" / "python"), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
        _run([*pip, "--only-binary", ":all:", "-r", str(PEERS / f"{name}.txt")])
        _write_stamp(venv, wanted)
    module = f"benchmarks.queue.peers.{name}_adapter"
    return Contender(name, (str(venv / "bin" / "python"), "-m", module), {"PYTHONPATH": str(ROOT)})


def graphile() -> Contender:
    """graphile-worker, below Node.js."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        raise Unavailable("needs node and npm, 20 or newer")
    place = cache() / "graphile"
    wanted = (PEERS / "graphile.json").read_text(encoding="utf-8")
    if _stamp(place) != wanted:
        _tell(f"setting up graphile in {place}")
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        (place / "package.json").write_text(wanted, encoding="utf-8")
        _run([npm, "install", "--no-audit", "--no-fund", "--no-package-lock", "--silent"], cwd=place)
        _write_stamp(place, wanted)
    return Contender("graphile", (node, str(PEERS / "graphile.cjs")), {"NODE_PATH": str(place / "node_modules")})


CONTENDERS: dict[str, Callable[[], Contender]] = {
    "reelq": reelq,
    "procrastinate": lambda: python_peer("procrastinate"),
    "pgqueuer": lambda: python_peer("pgqueuer"),
    "graphile": graphile,
}


def _stamp(place: Path) -> str | None:
    try:
        return (place / ".stamp").read_text(encoding="utf-8")
    except OSError:
        return None


def _write_stamp(place: Path, text: str) -> None:
    (place / ".stamp").write_text(text, encoding="utf-8")  # last, so that an interrupted set-up is done again


def _run(command: list[str], cwd: Path | None = None) -> None:
    done = subprocess.run(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        raise Unavailable(f"{' '.join(command)} failed:\n{done.stdout[-2000:]}")


def _tell(line: str) -> None:
    print(f"bench: {line}", file=sys.stderr)
