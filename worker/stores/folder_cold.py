"""Cold objects of a folder store: they lie below ROOT/.cold, which may be the mount of a slower disk.

A cold object is read as little as one of S3's archives: it has to be restored first, which moves its file back. Killed in between, the file
has both names or one; doing it again ends it.
"""

from __future__ import annotations

import errno
import heapq
import os
import secrets
import shutil
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from reelq.worker.errors import PermanentError
from reelq.worker.stores.base import COLD, Storage, check_key, is_hidden
from reelq.worker.stores.disk import link_new, remove_empty, store_side, sync_folder, walk

FOLDER_MODE = 0o750


def cold_path(root: Path, key: str) -> Path:
    """Where the object lies while it is cold."""
    return root / COLD / check_key(key)


def keys(root: Path, inside: str = "", after: str = "") -> Iterator[str]:
    """All keys behind `after`, hot and cold, in the order of their bytes."""
    hot = (key for key in walk(root, inside, after) if not is_hidden(key))
    both = heapq.merge(hot, walk(root / COLD, inside, after), key=os.fsencode)
    return (key for key, _ in groupby(both))


def storage(root: Path, key: str) -> Storage | None:
    """Where the object is."""
    with store_side():
        if (root / check_key(key)).is_file():
            return Storage("hot")
        return Storage("cold") if cold_path(root, key).is_file() else None


def cool(root: Path, key: str) -> None:
    """Move it out of the way.

    Raises:
        PermanentError: "object_missing".
    """
    _move(root / check_key(key), cold_path(root, key), root)


def restore(root: Path, key: str) -> None:
    """Move it back.

    Raises:
        PermanentError: "object_missing".
    """
    _move(cold_path(root, key), root / check_key(key), root / COLD)


def _move(source: Path, target: Path, top: Path) -> None:
    with store_side():
        if not source.is_file():
            if target.is_file():  # it was moved before
                return
            raise PermanentError("object_missing", "The stored object is not there.", detail=source.name)
        target.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        try:
            link_new(source, target)
        except FileExistsError:  # killed before the old name went
            if target.stat().st_size != source.stat().st_size:
                raise
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            _copy(source, target)
        sync_folder(target.parent)
        source.unlink(missing_ok=True)
        for folder in source.parents:
            if folder == top or not remove_empty(folder):
                return


def _copy(source: Path, target: Path) -> None:
    """To another disk: under a name that nobody reads first."""
    part = target.with_name(f".part-{secrets.token_hex(8)}")
    try:
        shutil.copyfile(source, part)
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        part.chmod(source.stat().st_mode & 0o777)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
