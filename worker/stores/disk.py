"""Files on disk, with the operating system's errors as job errors.

Two sides can fail while bytes pass: the store's folder and this host's scratch disk. Each side's
calls stand under their own `with`, so that a full scratch disk is never called a full store.
"""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from io import FileIO
from pathlib import Path

from reelq.worker.errors import TransientError
from reelq.worker.stores.base import CHUNK_BYTES

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
DENIED = {errno.EACCES, errno.EPERM, errno.EROFS}
CANNOT_LINK = {errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS}  # no hard links here

Side = Callable[[], AbstractContextManager[None]]  # says to which side an OSError in the block belongs


@contextmanager
def store_side() -> Iterator[None]:
    """Turn OSError of the store's folder into store_full, store_denied or store_away."""
    try:
        yield
    except OSError as error:
        detail = f"{error.strerror}: {error.filename or ''}"
        if error.errno in FULL:
            raise TransientError("store_full", "The object store is full.", detail=detail) from error
        if error.errno in DENIED:
            raise TransientError(
                "store_denied", "The worker may not write to or read from the object store.", detail=detail
            ) from error
        raise TransientError("store_away", "The object store does not answer.", detail=detail) from error


@contextmanager
def disk_side() -> Iterator[None]:
    """Turn OSError of this host's own disk into disk_full or disk_failed."""
    try:
        yield
    except OSError as error:
        detail = f"{error.strerror}: {error.filename or ''}"
        if error.errno in FULL:
            raise TransientError("disk_full", "The worker's disk is full.", detail=detail) from error
        raise TransientError("disk_failed", "The worker's disk does not work.", detail=detail) from error


def guarded(stream: FileIO, side: Side, piece_bytes: int = CHUNK_BYTES) -> Iterator[bytes]:
    """The bytes of a file in pieces of exactly `piece_bytes`, but for the last."""
    while True:
        piece = bytearray()
        with side():
            while len(piece) < piece_bytes and (more := stream.read(piece_bytes - len(piece))):
                piece += more
        if not piece:
            return
        yield bytes(piece)


def write_all(stream: FileIO, chunk: bytes, side: Side) -> None:
    """Write all of `chunk`; a plain unbuffered write may take less than it was given."""
    with side():
        view = memoryview(chunk)
        while view:
            view = view[stream.write(view) :]


@contextmanager
def appearing(path: Path) -> Iterator[FileIO]:
    """A file that appears under the name `path` when the block ends well, and not at all otherwise."""
    part = path.with_name(f".part-{secrets.token_hex(8)}")  # short: `path` may have a name of full length
    with disk_side():
        stream = FileIO(part, "xb")
    try:
        with stream:
            yield stream
        with disk_side():
            part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def open_private(name: str, flags: int) -> int:
    """Opener of a file that nobody else may read while it is written."""
    return os.open(name, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)


def open_plain(name: str, flags: int) -> int:
    """Opener that follows no link, and that a pipe someone put there cannot hang."""
    return os.open(name, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)


def link_new(part: Path, target: Path) -> None:
    """Give the file `part` the name `target` as well; FileExistsError when that is taken."""
    try:
        os.link(part, target)
    except OSError as error:
        if error.errno not in CANNOT_LINK:
            raise
        # Renaming would replace, so look first. Keys bear the attempt, so no other attempt writes this one.
        if target.exists():
            raise FileExistsError(errno.EEXIST, "exists", str(target)) from error
        part.rename(target)


def remove_empty(folder: Path) -> bool:
    """Remove the folder when it is empty; whether it is gone."""
    try:
        folder.rmdir()
    except FileNotFoundError:
        return True
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.EBUSY):
            return False
        raise
    return True


def sync_folder(folder: Path) -> None:
    """Make the names in the folder survive a power cut."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def walk(root: Path, inside: str = "", after: str = "") -> Iterator[str]:
    """The plain files below `root/inside` and behind `after`, as paths from `root` in the order of their bytes; no links."""
    try:
        with store_side(), os.scandir(root / inside) as found:
            # With its slash a folder sorts where its files belong: a.b before a/b, as S3 has it.
            names = [
                f"{entry.name}/" if entry.is_dir(follow_symlinks=False) else entry.name
                for entry in found
                if entry.is_dir(follow_symlinks=False) or entry.is_file(follow_symlinks=False)
            ]
    except TransientError as error:
        if isinstance(error.__cause__, (FileNotFoundError, NotADirectoryError)):
            return
        raise
    behind = os.fsencode(after)
    for path in (inside + name for name in sorted(names, key=os.fsencode)):
        if path.endswith("/"):
            if os.fsencode(path) > behind or after.startswith(path):
                yield from walk(root, path, after)
        elif os.fsencode(path) > behind:
            yield path
