"""Start the processes, kill some, look each second, drain, look again."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from tests.stress import checks
from tests.stress.setting import prepare

ROOT = Path(__file__).resolve().parent.parent.parent
KILL_EVERY_S = 4.0
DRAIN_S = 90.0
STOP_S = 20.0


@dataclass
class Stress:
    """One run against an installed database."""

    url: str
    folder: Path
    seconds: float
    workers: int = 4
    producers: int = 2
    seed: int = 1
    looks: int = 0
    kills: int = 0
    actors: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)
        self.number = 0

    def start(self, role: str) -> None:
        """One more process."""
        self.number += 1
        name = f"{role}-{self.number}"
        command = [sys.executable, "-m", "tests.stress.actor", role, self.url, str(self.folder / f"{name}.log"), str(self.number)]
        self.actors[name] = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)})

    def stop(self, role: str) -> None:
        """SIGTERM to all of a role, and wait; one that failed is told."""
        chosen = {name: process for name, process in self.actors.items() if name.startswith(role)}
        for process in chosen.values():
            process.terminate()
        for name, process in chosen.items():
            code = process.wait(STOP_S)
            del self.actors[name]
            assert code == 0, f"{name} ended with {code}: {self.errors()}"

    def crash(self, conn: psycopg.Connection[Any]) -> None:
        """SIGKILL a worker and start another; half of the dead are marked dead at once, as a worker on the same host would."""
        name = self.dice.choice([name for name in self.actors if name.startswith("worker")])
        process = self.actors.pop(name)
        process.kill()
        process.wait(STOP_S)
        self.kills += 1
        if self.dice.random() < 0.5:
            conn.execute("select queue.mark_worker_dead(%s)", [f"w{name.split('-')[1]}"])
        self.start("worker")

    def errors(self) -> list[dict[str, Any]]:
        """What actors ended with."""
        return [one for one in checks.log_of(self.folder) if one["what"] == "error"]

    def look(self, conn: psycopg.Connection[Any], over: bool = False) -> None:
        """All invariants, now."""
        self.looks += 1
        found = checks.broken(conn, over)
        assert found == {}, f"after {self.looks} looks: {found}"
        ended = {name: process.poll() for name, process in self.actors.items() if process.poll() is not None}
        assert ended == {}, f"{ended}: {self.errors()}"

    def run(self) -> dict[str, Any]:
        """All of it; a summary for people.

        Raises:
            AssertionError: an invariant does not hold, an actor ended with an error, or jobs are stuck.
        """
        with psycopg.connect(self.url, autocommit=True) as conn:
            prepare(conn)
            try:
                return self._run(conn)
            finally:
                for process in self.actors.values():
                    process.kill()
                    process.wait(STOP_S)

    def _run(self, conn: psycopg.Connection[Any]) -> dict[str, Any]:
        for role, count in {"worker": self.workers, "producer": self.producers, "meddler": 1}.items():
            for _ in range(count):
                self.start(role)
        end = time.monotonic() + self.seconds
        next_kill = time.monotonic() + KILL_EVERY_S
        while time.monotonic() < end:
            began = time.monotonic()
            self.look(conn)
            if time.monotonic() > next_kill:
                next_kill = time.monotonic() + KILL_EVERY_S
                self.crash(conn)
            time.sleep(max(0.05, 1 - (time.monotonic() - began)))  # a look of a large history takes its time
        self.stop("producer")
        self.stop("meddler")
        left = self.drain(conn)
        self.stop("worker")
        assert left == 0, f"{left} jobs are stuck: {checks.broken(conn, over=True)}"
        self.look(conn, over=True)
        told = checks.log_of(self.folder)
        assert checks.false_words(conn, told) == []
        return {"seconds": self.seconds, "looks": self.looks, "kills": self.kills, **checks.summary(conn, told)}

    def drain(self, conn: psycopg.Connection[Any]) -> int:
        """Wait until the workers have ended every job; how many are left."""
        deadline = time.monotonic() + DRAIN_S
        while True:
            row = conn.execute(checks.LEFT.encode()).fetchone()
            left: int = row[0] if row else 0
            if left == 0 or time.monotonic() > deadline:
                return left
            time.sleep(0.1)
