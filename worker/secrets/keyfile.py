"""The file of the keys: strict checks when it is read, written as a whole or not at all.

    # reelq keys …                                          comments
    current k20261127-3f9a                                  under which is sealed
    key k20261127-3f9a 2026-11-27 <base64 of 32 bytes>
    key k20250301-91c0 2025-03-01 <base64 of 32 bytes>      opens what is not sealed anew yet

It must be a file of the account that reads it, mode 0600 or 0400. In the folder of systemd's credentials, which systemd makes
for one service, root owns it and gives that service an access list, which shows as 0440.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from reelq.worker.errors import SettingsError
from reelq.worker.secrets.keys import Key

MOST_BYTES = 64 * 1024
RESTORE = "Put the copy back that was kept apart from the database."
HEAD = """\
# reelq keys: they open every secret in the database. Keep a copy apart from the database and its dumps; see docs/operate.md, Keys.
# Changed by `reelq secrets rotate` and `forget`. Read again by programs at work when it changes.
"""


class KeyFileError(SettingsError):
    """The file is not there, not safe, or does not say what it must; one line, and nothing of its contents."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Entry:
    """A key and the day it was made."""

    key: Key
    made: date


@dataclass(frozen=True, slots=True)
class KeyFile:
    """What the file says."""

    current: str
    entries: tuple[Entry, ...]

    def keys(self) -> dict[str, Key]:
        """By id."""
        return {entry.key.key_id: entry.key for entry in self.entries}


Signature = tuple[int, int, int, int]  # device, inode, size and time of change: another one means another content


def signature(path: Path) -> Signature | None:
    """What tells one content of the file from the next; None when it is not there."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def read(path: Path, *, is_credential: bool = False) -> KeyFile:
    """Check the file and read it.

    Raises:
        KeyFileError.
    """
    try:
        # Without O_NONBLOCK a pipe under that name would be waited for.
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise _unreadable(path, error) from None
    try:
        _check(path, os.fstat(handle), is_credential)
        found = _parse(os.read(handle, MOST_BYTES + 1))
    finally:
        os.close(handle)
    # Raised here, where no local variable holds a key: whoever shows a traceback may show those, too.
    if isinstance(found, str):
        raise KeyFileError(f"the key file {path} cannot be used: {found}", f"{RESTORE} See docs/operate.md, Keys.")
    return found


def _unreadable(path: Path, error: OSError) -> KeyFileError:
    """The refusal for a file that does not open."""
    if error.errno == errno.ENOENT:
        return KeyFileError(f"the key file {path} is not there", f"{RESTORE} For a new database: reelq secrets init.")
    return KeyFileError(f"the key file {path} cannot be read: {error.strerror}", "It must belong to the account that runs this, mode 0600.")


def _check(path: Path, found: os.stat_result, is_credential: bool) -> None:
    """Refuse what others may read or may have written."""
    mode = stat.S_IMODE(found.st_mode)
    if not stat.S_ISREG(found.st_mode):
        raise KeyFileError(f"the key file {path} must be a file, not a folder, pipe or device", "Name the file that reelq secrets init made.")
    owners, modes = ((0, os.geteuid()), (0o400, 0o440, 0o600)) if is_credential else ((os.geteuid(),), (0o400, 0o600))
    if found.st_uid not in owners:
        raise KeyFileError(
            f"the key file {path} must belong to the account that runs this (uid {os.geteuid()}), not to uid {found.st_uid}",
            "Run this as its owner, or give the file to the account that needs it (chown).",
        )
    if mode not in modes:
        raise KeyFileError(
            f"the key file {path} must have mode 0600 or 0400, not {mode:04o}",
            f"chmod 600 {path}; if others may have read it: reelq secrets rotate.",
        )


def _parse(content: bytes) -> KeyFile | str:
    """Read the lines; else what is wrong, which names the line and never repeats it."""
    if len(content) > MOST_BYTES:
        return f"it is larger than {MOST_BYTES} bytes"
    current: str | None = None
    entries: dict[str, Entry] = {}
    try:
        lines = content.decode("ascii").splitlines()
    except UnicodeDecodeError:
        return "it is no text"
    for number, line in enumerate(lines, 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if words[0] == "current" and len(words) == 2 and current is None:
            current = words[1]
        elif words[0] == "key" and len(words) == 4:
            try:
                entry = Entry(Key(words[1], words[3]), date.fromisoformat(words[2]))
            except ValueError as error:
                return f"line {number}: {error}"
            if entry.key.key_id in entries:
                return f"line {number}: the id {entry.key.key_id} is there twice"
            entries[entry.key.key_id] = entry
        else:
            return f"line {number} is neither `current ID` nor `key ID DAY KEY`"
    if not entries:
        return "it is empty" if not content.strip() else "it holds no key"
    if current is None:
        return "no line says which key is current"
    if current not in entries:
        return f"the current key {current} is not in it"
    return KeyFile(current, tuple(entries.values()))


def exists(path: Path) -> KeyFileError:
    """The refusal to make a file anew."""
    return KeyFileError(
        f"the key file {path} exists, and is never overwritten: what is sealed under its keys would be lost",
        "reelq secrets status says which keys are in use; reelq secrets rotate adds a new one.",
    )


def entry(key: Key) -> Entry:
    """A key that was made today."""
    return Entry(key, datetime.now(UTC).date())


def create(path: Path, content: KeyFile) -> None:
    """Make the file, mode 0600.

    Raises:
        KeyFileError: it exists, or the folder cannot be written.
    """
    with _written_beside(path, content, 0o600) as fresh:
        try:
            path.hardlink_to(fresh)  # unlike a rename it overwrites nothing
        except FileExistsError:
            raise exists(path) from None
        _sync_folder(path)


def replace(path: Path, content: KeyFile) -> None:
    """Put another content in its place, at once and for good; owner and mode stay.

    Raises:
        KeyFileError: the folder cannot be written.
    """
    path = path.resolve()  # a link stays one
    with _written_beside(path, content, stat.S_IMODE(path.stat().st_mode)) as fresh:
        fresh.replace(path)
        _sync_folder(path)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Keep other commands from changing the file meanwhile; the lock ends with the process, however that ends.

    It is the folder's: the file itself is replaced.

    Raises:
        KeyFileError: the folder is not there.
    """
    folder = path.resolve().parent
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise KeyFileError(
            f"the folder {folder} of the key file cannot be opened: {error.strerror}", "Make it first, for the account that runs this."
        ) from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


@contextmanager
def _written_beside(path: Path, content: KeyFile, mode: int) -> Iterator[Path]:
    """A file in the same folder that holds the content, on disk; it is gone afterwards unless it was renamed."""
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # mode 0600 from its first moment
    except OSError as error:
        raise _unwritable(path, error) from None
    fresh = Path(name)
    try:
        try:
            fresh.write_text(_text(content), encoding="ascii")
            os.fchmod(handle, mode)
            os.fsync(handle)
        except OSError as error:
            raise _unwritable(path, error) from None
        finally:
            os.close(handle)
        yield fresh
    finally:
        with suppress(FileNotFoundError):
            fresh.unlink()


def _text(content: KeyFile) -> str:
    """The file as it is written."""
    lines = [f"key {one.key.key_id} {one.made} {one.key.written()}\n" for one in content.entries]
    return f"{HEAD}current {content.current}\n{''.join(lines)}"


def _unwritable(path: Path, error: OSError) -> KeyFileError:
    """The refusal for a folder that takes no file; nothing was changed."""
    return KeyFileError(
        f"the key file {path} cannot be written: {error.strerror}",
        "The account that runs this must be able to write its folder. A systemd credential is a copy: REELQ_SECRETS_FILE names the file itself.",
    )


def _sync_folder(path: Path) -> None:
    """Have the name outlive a power cut, too."""
    handle = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
