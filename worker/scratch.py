"""Folders for work in progress: one a worker, in it one an attempt.

    <scratch>/<worker id>.lock          held (flock) as long as the process lives
    <scratch>/<worker id>/<job>-<token>/

The kernel releases the lock when the process dies, however it dies and whichever container it was
in. So a worker that starts knows which folders are left over, and never removes one in use.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from uuid import UUID

import structlog

from reelq.worker.errors import SettingsError, TransientError
from reelq.worker.settings import Settings

log = structlog.get_logger()


class Scratch:
    """This worker's folder."""

    def __init__(self, settings: Settings, worker_id: str) -> None:
        self._root = settings.scratch.absolute()  # a handler may change the working folder of the process
        self._folder = self._root / worker_id
        self._lock_path = self._root / f"{worker_id}.lock"
        self._lock: int | None = None
        self._quota_bytes = settings.scratch_quota_bytes
        self._reserve_bytes = settings.scratch_reserve_bytes
        self._lock_promised = threading.Lock()
        self._promised: dict[Path, int] = {}  # by an attempt's folder: bytes that it wrote there or is about to write

    def open(self) -> None:
        """Make the folder and sweep what dead workers left.

        Raises:
            SettingsError: nothing can be written there.
        """
        try:
            self._root.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._lock = self._hold()
            self._folder.mkdir(mode=0o700)
        except OSError as error:
            raise SettingsError(f"REELQ_SCRATCH: {error.strerror}: {error.filename}") from error
        for lock in self._root.glob("*.lock"):
            if lock != self._lock_path:
                _sweep(lock)

    def make(self, job_id: UUID, token: int) -> Path:
        """A new empty folder for an attempt."""
        folder = self._folder / f"{job_id}-{token}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700)
        return folder

    def reserve(self, folder: Path, size_bytes: int) -> None:
        """Set room aside for a file that an attempt is about to write into its folder; given back when the folder is removed.

        A file that does not fit is its own job's trouble: written all the same, it would fill the disk for everybody else.

        Raises:
            TransientError: "no_scratch_room".
        """
        try:
            free = shutil.disk_usage(self._folder).free - self._reserve_bytes
        except OSError:  # whoever writes there meets it, and the main thread says so (`trouble`)
            return
        with self._lock_promised:
            self._promised = {one: size for one, size in self._promised.items() if one.exists()}
            missing = sum(max(0, size - sum(_sizes(one))) for one, size in self._promised.items())
            if size_bytes > free - missing:
                detail = f"{free} bytes free beside the reserve, {missing} of them promised to other files"
                raise TransientError("no_scratch_room", f"The worker's disk has no room for {size_bytes:,} bytes now.", detail=detail)
            self._promised[folder] = self._promised.get(folder, 0) + size_bytes

    def trouble(self) -> str | None:
        """Why no further job should be claimed now; None when there is room."""
        try:
            free = shutil.disk_usage(self._folder).free
        except OSError as error:  # unmounted, or removed by somebody
            return f"{self._folder}: {error.strerror}"
        if free < self._reserve_bytes:
            return f"{free} bytes free on the disk, {self._reserve_bytes} are to stay free"
        used = sum(_sizes(self._folder))
        if used >= self._quota_bytes:
            return f"{used} bytes in use of {self._quota_bytes}"
        return None

    def close(self) -> None:
        """Remove the folder and release the lock."""
        if self._lock is None:
            return
        shutil.rmtree(self._folder, ignore_errors=True)
        self._lock_path.unlink(missing_ok=True)
        os.close(self._lock)
        self._lock = None

    def _hold(self) -> int:
        """The lock file, made and locked. A sweeper may remove it between the two: then again."""
        while True:
            descriptor = os.open(self._lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            with suppress(FileNotFoundError):
                if self._lock_path.stat().st_ino == os.fstat(descriptor).st_ino:
                    return descriptor
            os.close(descriptor)


def _sweep(lock: Path) -> None:
    """Remove the folder of the worker that held `lock`, if its process is gone."""
    try:
        descriptor = os.open(lock, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return  # another worker swept it first
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(lock.with_suffix(""), ignore_errors=True)
        lock.unlink(missing_ok=True)  # under the lock: see _hold
        log.info("scratch.swept", worker_id=lock.stem)
    except BlockingIOError:
        return  # alive
    finally:
        os.close(descriptor)


def _sizes(folder: Path) -> Iterator[int]:
    """Bytes on disk of every file below `folder`; one that vanishes meanwhile counts nothing."""
    for place, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):
                yield Path(place, name).lstat().st_blocks * 512
