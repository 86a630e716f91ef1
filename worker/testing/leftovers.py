"""What a test that is killed would leave: taken away on SIGTERM, and by the next test where nobody could (SIGKILL)."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any

import psycopg
from psycopg import sql

PREFIX = "reelq-test-"
LOCK = ".in-use"  # locked for as long as its folder is somebody's
# Names that only we make, of this role, which nobody is connected to or for: the connection of whoever made one has its name.
ABANDONED = """
select d.datname from pg_database as d
where
    d.datname ~ '^reelq_test_[0-9a-f]{12}$'
    and pg_has_role(current_user, d.datdba, 'usage')
    and not exists (select from pg_stat_activity as a where d.datname in (a.datname, a.application_name))
"""

_cleaners: list[Callable[[], None]] = []


@contextmanager
def cleaned(clean: Callable[[], None]) -> Iterator[None]:
    """Call `clean` if SIGTERM ends the process within the block, where the program itself does not handle that."""
    _cleaners.append(clean)
    main = threading.current_thread() is threading.main_thread()
    if main and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _terminate)
    try:
        yield
    finally:
        _cleaners.remove(clean)
        if main and not _cleaners and signal.getsignal(signal.SIGTERM) is _terminate:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _terminate(signum: int, _frame: FrameType | None) -> None:
    """Clean up, the last one first, then end as if nobody had listened."""
    for clean in reversed(_cleaners):
        with suppress(psycopg.Error, OSError):  # the others still have their turn
            clean()
    signal.signal(signum, signal.SIG_DFL)
    os.kill(os.getpid(), signum)


@contextmanager
def folder() -> Iterator[Path]:
    """A folder that is gone afterwards; those of tests that were killed go too."""
    _collect_folders()
    with tempfile.TemporaryDirectory(prefix=PREFIX) as place:
        path = Path(place)
        with (path / LOCK).open("w") as lock, cleaned(lambda: shutil.rmtree(path)):
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield path


def _collect_folders() -> None:
    """Remove the folders whose lock nobody holds any more."""
    for path in Path(tempfile.gettempdir()).glob(f"{PREFIX}*/{LOCK}"):
        with suppress(OSError), path.open("r+") as lock:  # in use, somebody else's, or gone meanwhile
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(path.parent)


def drop(url: str, name: str) -> None:
    """Drop a database, whoever is connected to it."""
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))


def collect_databases(admin: psycopg.Connection[Any]) -> None:
    """Drop the databases of tests that were killed."""
    for (name,) in admin.execute(ABANDONED).fetchall():
        with suppress(psycopg.Error):  # another test is at it, or somebody has just connected
            admin.execute(sql.SQL("drop database if exists {}").format(sql.Identifier(name)))
