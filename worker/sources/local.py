"""Open a source that is a path on this host, and nothing that a link leads to elsewhere.

Only plain files below the folders of the settings, after all links are followed: no pipes, no
devices, nothing of the kernel's own file systems.
"""

from __future__ import annotations

import errno
import os
import stat
from io import FileIO
from pathlib import Path, PurePosixPath
from urllib.parse import unquote_to_bytes

from reelq.worker.errors import PermanentError, TransientError

SYSTEM_FOLDERS = ("/proc", "/sys")  # plain files there read and write the kernel's state
NO_SUCH = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG}


def open_local(text: str, roots: tuple[str, ...], but: tuple[str, ...] = ()) -> FileIO:
    """Open a plain file below one of `roots` and below none of `but`, links resolved.

    Raises:
        PermanentError: "source_refused", "source_missing", "source_denied".
        TransientError: "source_away", the folder of the settings is not there or empty, as a share that is not mounted.
    """
    if not text.startswith("/") or "\0" in text:
        raise PermanentError("source_refused", "A source on disk needs a full path, from the root.")
    try:
        path = os.path.realpath(text, strict=True)
        _check_place(path, roots, but)
        if not stat.S_ISREG(os.lstat(path).st_mode):  # looked at first: opening a device can do harm
            raise PermanentError("source_refused", "The source is not a plain file.")
        source = FileIO(path, opener=_open_plain)
    except PermissionError as error:
        raise denied(text) from error
    except OSError as error:
        if error.errno in NO_SUCH:
            if _is_away(text, roots):
                detail = f"{text}: is its folder mounted?"
                raise TransientError("source_away", "The source cannot be read now.", detail=detail) from error
            raise missing(text) from error
        raise TransientError("source_away", "The source cannot be read now.", detail=str(error)) from error
    except ValueError as error:
        raise PermanentError("source_refused", "The source's path is not valid.", detail=repr(text)) from error
    try:
        # Someone may have swapped a folder for a link between the look and the opening.
        if not stat.S_ISREG(os.fstat(source.fileno()).st_mode):
            raise PermanentError("source_refused", "The source is not a plain file.")
        handle = Path(f"/proc/self/fd/{source.fileno()}")
        if handle.is_symlink():
            _check_place(str(handle.readlink()), roots, but)
    except BaseException:
        source.close()
        raise
    return source


def _is_away(text: str, roots: tuple[str, ...]) -> bool:
    """Whether the folder that a source would lie in is missing, or holds nothing: then nothing is known of the source."""
    path = PurePosixPath(os.path.normpath(text))
    for root in roots:
        if path.is_relative_to(root):
            try:
                return next(os.scandir(root), None) is None
            except OSError:
                return True
    return False


def _check_place(path: str, roots: tuple[str, ...], but: tuple[str, ...]) -> None:
    """Refuse what lies outside of `roots`, or in a folder of the kernel's or of `but`."""
    place = PurePosixPath(path)
    if any(place.is_relative_to(os.path.realpath(folder)) for folder in but):
        raise PermanentError("source_refused", "The object store itself is not a source.", detail=path)
    if any(place.is_relative_to(folder) for folder in SYSTEM_FOLDERS):
        raise PermanentError("source_refused", "The source is not a plain file.", detail=path)
    if not any(place.is_relative_to(os.path.realpath(root)) for root in roots):
        raise PermanentError(
            "source_refused",
            "The source does not lie in a folder that sources may come from.",
            detail=f"{path} (to let it in, add {place.parent} to REELQ_SOURCE_ROOTS of this worker)",
        )


def _open_plain(name: str, flags: int) -> int:
    return os.open(name, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)


def file_url_path(rest: str) -> str:
    """The path of a file:// URL, given what follows the scheme."""
    host, _, path = rest.partition("/")
    if host not in ("", "localhost"):
        raise PermanentError("source_refused", "A source on disk must lie on the worker's host.")
    return os.fsdecode(unquote_to_bytes(f"/{path}"))


def missing(detail: str) -> PermanentError:
    """There is no such source."""
    return PermanentError("source_missing", "The source is not there.", detail=detail)


def denied(detail: str) -> PermanentError:
    """The source is there, and the worker may not read it."""
    return PermanentError("source_denied", "The source may not be read.", detail=detail)
