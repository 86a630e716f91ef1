"""Encryption of backups by age (age-encryption.org/v1), as the command `age` writes and reads it.

Recipients are public; the identities that open a backup are needed for a restore alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import IO, Any, Protocol

import pyrage

from reelq.worker.errors import BackupDamaged, BackupError, SettingsError
from reelq.worker.settings import Settings

Recipient = pyrage.x25519.Recipient


class Sink(Protocol):
    """Takes bytes."""

    def write(self, data: bytes) -> int | None:
        """Take all of it."""


def recipients(settings: Settings) -> list[pyrage.x25519.Recipient]:
    """Those that a backup is encrypted for; none: it is not.

    Raises:
        SettingsError: one is no recipient of age.
    """
    try:
        return [pyrage.x25519.Recipient.from_str(word) for word in settings.backup_recipients]
    except pyrage.RecipientError as error:
        raise SettingsError("REELQ_BACKUP_RECIPIENTS must be recipients of age, such as age1… (age-keygen -y FILE prints one)") from error


def identities(settings: Settings) -> list[pyrage.x25519.Identity]:
    """Those that the settings hold.

    Raises:
        SettingsError: one is no identity of age.
    """
    lines = [line.strip() for line in settings.backup_identity.splitlines()]
    try:
        return [pyrage.x25519.Identity.from_str(line) for line in lines if line and not line.startswith("#")]
    except pyrage.IdentityError as error:
        # Not repeated: it may be a secret with a slip in it.
        raise SettingsError("REELQ_BACKUP_IDENTITY must be identities of age, such as AGE-SECRET-KEY-1…, a line each") from error


def fingerprint(recipient: pyrage.x25519.Recipient) -> str:
    """Tells which key it was: 16 hex digits of the SHA-256 of the recipient."""
    return hashlib.sha256(str(recipient).encode()).hexdigest()[:16]


def check_opens(settings: Settings, encrypted_for: list[str]) -> list[pyrage.x25519.Identity]:
    """The identities, one of which opens what is encrypted for these; none where it is not encrypted.

    Raises:
        BackupError: "key_missing", "wrong_key".
    """
    if not encrypted_for:
        return []
    held = identities(settings)
    if not held:
        raise BackupError(
            "key_missing",
            f"the backup is encrypted for the key {' or '.join(encrypted_for)}, and no identity is given",
            "REELQ_BACKUP_IDENTITY_FILE names the file that age-keygen wrote.",
        )
    ours = [fingerprint(one.to_public()) for one in held]
    if not set(ours) & set(encrypted_for):
        raise BackupError(
            "wrong_key",
            f"the backup is encrypted for the key {' or '.join(encrypted_for)}, and the identity here is of {' and '.join(ours)}",
            "REELQ_BACKUP_IDENTITY_FILE must name the identity of that time.",
        )
    return held


def encrypt(source: IO[bytes], sink: Sink, to: list[pyrage.x25519.Recipient]) -> None:
    """Read `source` to its end and write it to `sink`, encrypted."""
    with _told_as_raised() as guard:
        pyrage.encrypt_io(guard.reads(source.read), guard.writes(sink.write), to)


def decrypt(chunks: Iterator[bytes], sink: Sink, held: list[pyrage.x25519.Identity]) -> None:
    """Write what `chunks` hold to `sink`, decrypted.

    Raises:
        BackupDamaged: they are cut or altered.
    """
    held_back = bytearray()

    def read(size: int) -> bytes:
        while len(held_back) < size and (chunk := next(chunks, b"")):
            held_back.extend(chunk)
        piece = bytes(held_back[:size])
        del held_back[:size]
        return piece

    with _told_as_raised() as guard:
        pyrage.decrypt_io(guard.reads(read), guard.writes(sink.write), held)


class _told_as_raised:  # noqa: N801 - a context manager, used as a function
    """The library makes text of what a reader or a writer raises: here it is raised as it was."""

    def __init__(self) -> None:
        self._raised: BaseException | None = None

    def __enter__(self) -> _told_as_raised:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if self._raised is not None:
            raise self._raised
        if isinstance(error, (OSError, pyrage.DecryptError)):
            raise BackupDamaged("archive_damaged", "the backup is cut or altered: it does not decrypt") from error

    def reads(self, read: Callable[[int], bytes]) -> _Reader:
        """`read` as a file."""
        return _Reader(self.watched(read))

    def writes(self, write: Callable[[bytes], int | None]) -> _Writer:
        """`write` as a file."""
        return _Writer(self.watched(write))

    def watched(self, call: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """`call`, and what it raises is kept."""

        def watch(given: Any) -> Any:
            try:
                return call(given)
            except BaseException as error:
                self._raised = self._raised or error
                raise

        return watch


class _Reader:
    def __init__(self, read: Callable[[int], bytes]) -> None:
        self.read = read


class _Writer:
    def __init__(self, write: Callable[[bytes], int]) -> None:
        self._write = write

    def write(self, data: bytes) -> int:
        self._write(data)
        return len(data)

    def flush(self) -> None:
        pass
