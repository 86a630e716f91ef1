"""The demo's Postgres, which stays; its folder keeps the data, and a pid file finds it again.

The tests' servers, `throwaway(…)`, are in reelq.worker.private_postgres, and are named here too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from reelq.worker.private_postgres.programs import Binaries as Binaries
from reelq.worker.private_postgres.programs import PostgresError as PostgresError
from reelq.worker.private_postgres.programs import available as available
from reelq.worker.private_postgres.programs import can_reach, identity
from reelq.worker.private_postgres.programs import choose as choose
from reelq.worker.private_postgres.server import TEST_SETTINGS as TEST_SETTINGS
from reelq.worker.private_postgres.server import Server as Server
from reelq.worker.private_postgres.server import throwaway as throwaway


def persistent(folder: Path, binaries: Binaries | None = None, settings: Mapping[str, str] | None = None) -> Server:
    """The server of `folder`: the running one, else started; it outlives this process.

    Stop it with `find(folder).stop()`.

    Raises:
        PostgresError: no programs, data of another major, or it does not start.
    """
    running = find(folder)
    if running is not None:
        return running
    folder = _place(folder)
    server = Server(folder, binaries or _matching(folder), durable=True, settings=settings or {})
    server.prepare()
    server.start()
    server.process = None  # not ours to wait for; its pid file finds it again
    return server


def find(folder: Path) -> Server | None:
    """The running server of `folder`, by Postgres' own pid file; None when it does not run."""
    server = Server(_place(folder), Binaries(Path(), 0, "running"), durable=True)
    if server.pid is None:
        return None
    # postmaster.pid, line 4: the port ("PostgreSQL internals", miscadmin.h LOCK_FILE_LINE_PORT)
    server.port = int((server.data / "postmaster.pid").read_text(encoding="ascii").split("\n")[3])
    return server


def _place(folder: Path) -> Path:
    """Where the data of `folder` lies: there, or in /var/tmp when the server's user cannot walk to it.

    That is so for root without user namespaces whose checkout is below a closed home; `Server.folder` tells.

    Raises:
        PostgresError: somebody else has taken the place in /var/tmp.
    """
    folder, who = folder.resolve(), identity()
    if can_reach(who, folder):
        return folder
    place = Path("/var/tmp") / f"reelq-{hashlib.sha256(str(folder).encode()).hexdigest()[:16]}"
    if place.is_symlink() or (place.exists() and place.stat().st_uid not in (0, who.uid)):
        raise PostgresError(f"{place} belongs to somebody else; remove it")
    return place


def _matching(folder: Path) -> Binaries:
    """The programs of the major that made `folder`, else the first choice (prepare() refuses a mismatch)."""
    version = folder / "data" / "PG_VERSION"
    major = version.read_text(encoding="ascii").strip() if version.exists() else None
    if major in {str(one.major) for one in available()}:
        return choose(major)
    return choose()
