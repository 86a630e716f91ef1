"""Read an archive back: check that it is whole, or feed it to pg_restore, without a copy on this host's disk."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator

from reelq.worker.backup import encryption, programs
from reelq.worker.backup.manifest import Manifest
from reelq.worker.errors import BackupDamaged, BackupError, JobError
from reelq.worker.settings import Settings
from reelq.worker.stores.base import Store

OnBytes = Callable[[int], None]  # bytes read so far
# What is no fault of the archive's.
NO_ROOM = re.compile(r"No space left|could not extend file|out of shared memory|Disk quota")
GONE = re.compile(r"server closed the connection|terminating connection|connection to server|no connection to the server")


class _Reading:
    """The bytes of an archive, with a look at what they were when they have all come."""

    def __init__(self, store: Store, manifest: Manifest, on_progress: OnBytes | None = None) -> None:
        self._store, self._manifest, self._on_progress = store, manifest, on_progress
        self._digest, self._size = hashlib.sha256(), 0

    def chunks(self) -> Iterator[bytes]:
        """As they come."""
        try:
            for chunk in self._store.read(self._manifest.key):
                self._digest.update(chunk)
                self._size += len(chunk)
                if self._on_progress is not None:
                    self._on_progress(self._size)
                yield chunk
        except JobError as error:
            if error.code != "object_missing":
                raise
            raise BackupDamaged("archive_missing", f"the dump {self._manifest.key} is not in the store, though its manifest is") from error

    def check(self) -> None:
        """Compare them with the manifest.

        Raises:
            BackupDamaged: "archive_damaged".
        """
        if self._size != self._manifest.size_bytes:
            kind = "cut" if self._size < self._manifest.size_bytes else "altered"
            raise BackupDamaged("archive_damaged", f"the backup is {kind}: {self._size:,} bytes are there of {self._manifest.size_bytes:,}")
        if self._digest.hexdigest() != self._manifest.sha256:
            raise BackupDamaged("archive_damaged", "the backup is altered: its checksum is not that of the manifest")


def check_whole(store: Store, manifest: Manifest, on_progress: OnBytes | None = None) -> None:
    """Read all of it, and compare it with the manifest.

    Raises:
        BackupDamaged: it is cut, altered or missing.
        TransientError: of the store.
    """
    reading = _Reading(store, manifest, on_progress)
    for _ in reading.chunks():
        continue
    reading.check()


def feed(
    settings: Settings, store: Store, manifest: Manifest, program: programs.Program, conninfo: str, arguments: list[str],
    on_progress: OnBytes | None = None,
) -> None:  # fmt: skip
    """Restore it: from the store, decrypted, into pg_restore.

    Raises:
        BackupDamaged: it is cut or altered, or does not restore.
        BackupError: "key_missing", "wrong_key"; "no_room", "server_gone": the server cannot take it.
        TransientError: of the store.
    """
    held = encryption.check_opens(settings, manifest.encrypted_for)
    reading = _Reading(store, manifest, on_progress)
    chunks = reading.chunks()
    damaged: BackupDamaged | None = None
    with programs.running(program, conninfo, arguments, reads=True) as restore:
        try:
            if held:
                encryption.decrypt(chunks, restore.input, held)
            else:
                for chunk in chunks:
                    restore.input.write(chunk)
            restore.input.close()
        except BrokenPipeError:
            pass  # it has ended, and says why below
        except BackupDamaged as error:
            damaged = error
        # An archive that was altered may end anything early: its checksum says so best, and comes from all of it.
        for _ in chunks:
            continue
        reading.check()
        if damaged is not None:
            raise damaged
        code, said = restore.wait()
    if code != 0:
        told = programs.why("pg_restore", code, said)
        if NO_ROOM.search(said):
            hint = "Make room, or raise max_locks_per_transaction where it is short of locks."
            raise BackupError("no_room", f"the server has no room for it: {told}", hint)
        if GONE.search(said) or code < 0:
            raise BackupError("server_gone", f"the restore was broken off: {told}", "Nothing of it stays. Try again.")
        raise BackupDamaged("restore_failed", told, said)
