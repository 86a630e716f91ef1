"""What the operating system says about a file, as errors of ours.

Two sides can fail while bytes pass: the store's folder and this host's scratch disk. Each side's
calls stand under their own `with`, so that a full scratch disk is never called a full store.
"""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path

from worker.errors import TransientError
from worker.stores.base import CHUNK_BYTES

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
DENIED = {errno.EACCES, errno.EPERM, errno.EROFS}


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


def read_chunks(stream: FileIO) -> Iterator[bytes]:
    """The bytes of a stream in pieces of CHUNK_BYTES."""
    while chunk := stream.read(CHUNK_BYTES):
        yield chunk


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
            os.replace(part, path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
