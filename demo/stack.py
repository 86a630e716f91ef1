"""The demo's stack in one folder: Postgres, objects, worker processes, each found again by a later run.

<folder>/postgres/     the private server's data, log and socket
<folder>/objects/      the file:// store
<folder>/scratch/      work in progress
<folder>/worker-N.pid  process id and start time of a worker; worker-N.log what it says
<folder>/kept          present: --keep left the stack up, and no other run takes it down
<folder>/env           settings for a shell that goes on with it
"""

from __future__ import annotations

import fcntl
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from demo import postgres
from reelq.cli.app import App
from reelq.worker import settings
from reelq.worker.db import schema
from reelq.worker.errors import ReelqError
from reelq.worker.rooms.queue import reads

ROOT = Path(__file__).resolve().parent.parent
DATABASE = "reelq"
WORKERS = 2  # two processes of one slot: what they share is Postgres and the objects
START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 15.0
TOLD_TWICE_S = 2.0  # the first SIGTERM drains; a second one, this much later, hands the jobs back at once
PRIVATE_FOLDER = 0o700


class DemoError(ReelqError):
    """The stack does not come up or has fallen; the message says where to read more."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


@dataclass(slots=True)
class Stack:
    """What runs in `folder`."""

    folder: Path
    server: postgres.Server | None = None

    @property
    def kept(self) -> bool:
        """Whether --keep left it up."""
        return (self.folder / "kept").exists()

    @property
    def url(self) -> str:
        """The database's URL."""
        assert self.server is not None
        return self.server.url(DATABASE)

    @property
    def store(self) -> str:
        """The store's URL."""
        return (self.folder / "objects").as_uri()

    @property
    def app(self) -> App:
        """What the commands of reelq need to work on this stack."""
        return App(database_url=self.url, store=self.store)

    def start(self) -> list[str]:
        """Bring up what is not up; return the schema files that were applied.

        Raises:
            PostgresError, DemoError, SchemaError.
        """
        for name in ("objects", "scratch"):
            (self.folder / name).mkdir(parents=True, exist_ok=True, mode=PRIVATE_FOLDER)
        self.server = postgres.persistent(self.folder / "postgres")
        with psycopg.connect(self.server.url(), autocommit=True) as conn:
            if not conn.execute("select 1 from pg_database where datname = %s", [DATABASE]).fetchone():
                conn.execute(f"create database {DATABASE}")
        with psycopg.connect(self.url) as conn:
            conn.autocommit = True
            applied = [str(row["path"]) for row in schema.install(conn)]
        self._start_workers()
        self._write_env()
        return applied

    def stop(self) -> bool:
        """Take everything down; return whether anything was up."""
        (self.folder / "kept").unlink(missing_ok=True)
        running = [one for one in range(1, WORKERS + 1) if self.worker_pid(one) is not None]
        for number in running:
            self._signal(number)
        deadline = time.monotonic() + STOP_TIMEOUT_S
        again = time.monotonic() + TOLD_TWICE_S
        while left := [one for one in running if self.worker_pid(one) is not None]:
            if again < time.monotonic() < deadline:
                again = deadline
                for number in left:
                    self._signal(number)
            elif time.monotonic() > deadline:
                for number in left:
                    self._signal(number, signal.SIGKILL)
            _reap()
            time.sleep(0.05)  # they may be another run's children: there is nothing to wait on
        for number in range(1, WORKERS + 1):
            self._pid_file(number).unlink(missing_ok=True)
        shutil.rmtree(self.folder / "scratch", ignore_errors=True)
        server = postgres.find(self.folder / "postgres")
        if server is not None:
            server.stop()
        return bool(running) or server is not None

    def keep(self) -> None:
        """Leave it up when this run ends, and later runs too."""
        (self.folder / "kept").touch()

    def check_workers(self) -> None:
        """See that the workers live.

        Raises:
            DemoError: one has ended; with the end of its log.
        """
        _reap()
        for number in range(1, WORKERS + 1):
            if self.worker_pid(number) is None:
                said = self._log(number).read_text(encoding="utf-8", errors="replace").splitlines()
                last = said[-1] if said and not said[-1].startswith("{") else ""  # JSON is its log, the rest a complaint
                raise DemoError(f"worker {number} has ended {last}".rstrip(), f"read {self._log(number)}")

    def worker_pid(self, number: int) -> int | None:
        """The process id of a worker that runs; a process that got the same id later is not taken for it."""
        try:
            pid, began = self._pid_file(number).read_text(encoding="ascii").split()
        except (OSError, ValueError):
            return None
        return int(pid) if _began(int(pid)) == began else None

    def _start_workers(self) -> None:
        """Start those that do not run, and wait until the queue knows all of them."""
        for number in range(1, WORKERS + 1):
            if self.worker_pid(number) is None:
                self._start_worker(number)
        deadline = time.monotonic() + START_TIMEOUT_S
        with psycopg.connect(self.url, autocommit=True) as conn:
            while True:
                self.check_workers()
                known = {one.pid for one in reads.list_workers(conn)}
                if {self.worker_pid(number) for number in range(1, WORKERS + 1)} <= known:
                    return
                if time.monotonic() > deadline:
                    raise DemoError("the workers do not register", f"read {self._log(1)}")
                time.sleep(0.05)

    def _start_worker(self, number: int) -> None:
        """Start one in a session of its own, so that Ctrl-C reaches this process alone."""
        with self._log(number).open("ab") as log:
            child = subprocess.Popen(
                [sys.executable, "-m", "reelq.cli.main", "worker", "run"],
                cwd=ROOT,
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._pid_file(number).write_text(f"{child.pid} {_began(child.pid)}\n", encoding="ascii")

    def environment(self) -> dict[str, str]:
        """The user's own environment, with this stack's settings over it and no PG* that could mislead."""
        own = {name: value for name, value in settings.environment().items() if not name.startswith("PG")}
        return {**own, "PYTHONPATH": str(ROOT), **self.settings()}

    def settings(self) -> dict[str, str]:
        """What a worker or a command needs to work on this stack."""
        return {
            "DATABASE_URL": self.url,
            "REELQ_STORE": self.store,
            "REELQ_SCRATCH": str(self.folder / "scratch"),
            "REELQ_SLOTS": "1",
            "REELQ_SOURCE_ROOTS": "/",  # your own files, on your own machine
            "REELQ_POOL": "demo",
            "REELQ_HEARTBEAT_S": "0.5s",  # a lively picture; leases last a minute all the same
            "REELQ_LOG_FORMAT": "json",
        }

    def psql(self) -> str:
        """psql: the one on PATH, else the one that came with the server."""
        return shutil.which("psql") or str(postgres.choose().folder / "psql")

    def _write_env(self) -> None:
        """Leave the settings where `. demo-data/env` finds them."""
        lines = [f"export {name}={shlex.quote(value)}\n" for name, value in self.settings().items()]
        (self.folder / "env").write_text("".join(lines), encoding="utf-8")

    def _signal(self, number: int, signum: int = signal.SIGTERM) -> None:
        pid = self.worker_pid(number)
        if pid is not None:
            try:
                os.kill(pid, signum)
            except ProcessLookupError:
                return  # it ended by itself meanwhile

    def _pid_file(self, number: int) -> Path:
        return self.folder / f"worker-{number}.pid"

    def _log(self, number: int) -> Path:
        return self.folder / f"worker-{number}.log"


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """One demo at a time in a folder.

    Raises:
        DemoError: another one runs there.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=PRIVATE_FOLDER)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DemoError(f"another demo runs in {folder}", "Wait for it, or end it with Ctrl-C.") from None
        yield


def _began(pid: int) -> str:
    """When a process started, in the kernel's words; empty when it is gone or a zombie.

    proc(5): field 22 of /proc/<pid>/stat, in clock ticks after boot, and field 3, its state. Elsewhere ps tells.
    """
    stat = Path(f"/proc/{pid}/stat")
    if stat.parent.parent.joinpath("self").exists():
        try:
            fields: list[Any] = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except OSError:
            return ""
        return "" if fields[0] in "ZX" else str(fields[19])
    told = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return told.stdout.strip().replace(" ", "_")


def _reap() -> None:
    """Collect children of this process that have ended."""
    while True:
        try:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                return
        except ChildProcessError:
            return
