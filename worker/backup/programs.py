"""pg_dump and pg_restore: which to run, and how they learn where the database is.

No secret stands on a command line or in the environment: address and password are in two files without a name, in
memory, that the program inherits. It dies with us, by kill -9 too.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from psycopg.conninfo import conninfo_to_dict

from reelq.worker.errors import BackupError
from reelq.worker.private_postgres.programs import SYSTEM_ROOT, available, dies_with_parent
from reelq.worker.settings import Settings, environment

SERVICE = "reelq"
LAST_WORDS = 4000  # characters of what a program printed that are kept
NEVER_ASK = "--no-password"


@dataclass(frozen=True, slots=True)
class Program:
    """pg_dump or pg_restore of a major."""

    path: Path
    major: int


def find_dump(settings: Settings, server_major: int) -> Program:
    """pg_dump of the server's major, or the next one: an older one refuses the server.

    Raises:
        BackupError: "no_program".
    """
    found = _programs(settings, "pg_dump")
    fit = sorted((one for one in found if one.major >= server_major), key=lambda one: one.major)
    if not fit:
        raise _missing("pg_dump", server_major, server_major, found)
    return fit[0]


def find_restore(settings: Settings, archive_major: int, server_major: int) -> Program:
    """pg_restore that reads the archive and writes what the server knows.

    Raises:
        BackupError: "no_program", "older_server".
    """
    if server_major < archive_major:
        raise BackupError(
            "older_server",
            f"the backup was made by pg_dump {archive_major}, and the server here is Postgres {server_major}",
            f"Restore into Postgres {archive_major} or newer.",
        )
    found = _programs(settings, "pg_restore")
    fit = sorted((one for one in found if archive_major <= one.major <= server_major), key=lambda one: -one.major)
    if not fit:
        raise _missing("pg_restore", archive_major, server_major, found)
    return fit[0]


def _missing(name: str, least: int, wanted: int, found: Sequence[Program]) -> BackupError:
    here = ", ".join(str(one.major) for one in found) or "none"
    between = str(least) if least == wanted else f"{least} to {wanted}"
    return BackupError(
        "no_program",
        f"{name} of Postgres {between} is needed here (found: {here})",
        f"Install postgresql-client-{wanted}, or name the folder of the programs in REELQ_POSTGRES_BIN.",
    )


def _programs(settings: Settings, name: str) -> list[Program]:
    """Where it is: what the settings name, else the system's, one on PATH, and those that come with the private server."""
    if settings.postgres_bin:
        folders = [Path(settings.postgres_bin)]
    else:
        on_path = shutil.which(name)
        folders = [*SYSTEM_ROOT.glob("*/bin"), *([Path(on_path).parent] if on_path else []), *(one.folder for one in available())]
    found: dict[int, Program] = {}
    for folder in folders:
        path = folder / name
        if os.access(path, os.X_OK):
            told = subprocess.run([str(path), "--version"], capture_output=True, text=True, check=False)
            if told.returncode == 0 and (number := re.search(r"\) (\d+)", told.stdout)):
                found.setdefault(int(number[1]), Program(path, int(number[1])))
    return list(found.values())


class Running:
    """A program at work."""

    def __init__(self, program: Program, process: subprocess.Popen[bytes], said: IO[bytes]) -> None:
        self.program, self._process, self._said = program, process, said

    @property
    def output(self) -> IO[bytes]:
        """What it writes."""
        assert self._process.stdout is not None
        return self._process.stdout

    @property
    def input(self) -> IO[bytes]:
        """What it reads."""
        assert self._process.stdin is not None
        return self._process.stdin

    def stop(self) -> None:
        """End it; from any thread."""
        if self._process.poll() is None:
            self._process.terminate()

    def wait(self) -> tuple[int, str]:
        """Its exit code, or minus the signal that ended it, and its last words."""
        code = self._process.wait()
        self._said.seek(0)
        text = self._said.read().decode(errors="replace").strip()
        return code, text[-LAST_WORDS:]


def why(name: str, code: int, said: str) -> str:
    """How a program ended, in a sentence."""
    lines = [line for line in said.splitlines() if "error:" in line] or said.splitlines()
    if code < 0:
        return f"{name} was ended by {signal.Signals(-code).name}"
    return f"{name} ended with {code}: {lines[0].split('error: ', 1)[-1]}" if lines else f"{name} ended with {code}"


@contextmanager
def running(program: Program, conninfo: str, arguments: Sequence[str], *, reads: bool) -> Iterator[Running]:
    """Start it for the length of the block, after which it is gone. `reads`: we write to it; else we read what it writes."""
    kept = {name: value for name, value in environment().items() if not name.startswith(("PG", "REELQ_", "DATABASE_", "AWS_"))}
    pipe = {"stdin": subprocess.PIPE, "stdout": subprocess.DEVNULL} if reads else {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE}
    with ExitStack() as opened:
        said = opened.enter_context(tempfile.TemporaryFile())
        service, passwords = opened.enter_context(_address(conninfo))
        command = [*dies_with_parent("KILL"), str(program.path), NEVER_ASK, f"--dbname=service={SERVICE}", *arguments]
        process = subprocess.Popen(
            command, **pipe, stderr=said, cwd="/", start_new_session=True, pass_fds=(service, passwords),
            env={**kept, "PGSERVICEFILE": f"/proc/self/fd/{service}", "PGPASSFILE": f"/proc/self/fd/{passwords}", "LC_ALL": "C"},
        )  # type: ignore[call-overload]
        try:
            yield Running(program, process, said)
        finally:
            if process.poll() is None:
                process.kill()
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    _close(stream)
            process.wait()


def _close(stream: IO[bytes]) -> None:
    try:
        stream.close()
    except BrokenPipeError:
        pass  # it is gone, and what it was to read with it


@contextmanager
def _address(conninfo: str) -> Iterator[tuple[int, int]]:
    """The numbers of two files in memory: a service file with all but the password, and a password file."""
    given = {name: str(value) for name, value in conninfo_to_dict(conninfo).items() if value is not None}
    password = given.pop("password", "")
    given.pop("service", None)
    if given.get("sslcertmode") == "allow":  # the default, which the driver's libpq spells out and the one of Postgres 15 does not know
        del given["sslcertmode"]
    escaped = password.replace("\\", "\\\\").replace(":", "\\:")
    lines = {
        "service": "".join([f"[{SERVICE}]\n", *(f"{name}={value}\n" for name, value in given.items())]),
        "passwords": f"*:*:*:*:{escaped}\n" if password else "",
    }
    files = []
    try:
        for name, text in lines.items():
            files.append(os.memfd_create(name))
            os.fchmod(files[-1], 0o600)  # libpq passes by a password file that others may read
            os.write(files[-1], text.encode())
        yield files[0], files[1]
    finally:
        for number in files:
            os.close(number)
