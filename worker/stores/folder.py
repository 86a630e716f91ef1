"""Objects in a folder of this host or of a shared file system.

An object is the file ROOT/KEY. It is written to ROOT/.incoming, synced, and linked to its name,
so a reader sees all of it or nothing, and two writers of one key cannot both win. The folder
keeps no digests; the database does.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path

from reelq.worker.errors import PermanentError, SettingsError, TransientError
from reelq.worker.stop import StopSignal
from reelq.worker.stores import folder_cold, links
from reelq.worker.stores.base import (
    COLD,
    LEFTOVER_AGE_S,
    LINK_LIFE_S,
    RESERVED,
    ROOM_BYTES,
    ROOM_PART,
    Listed,
    ObjectInfo,
    OnBytes,
    Storage,
    StoredObject,
    check_key,
    check_read,
    check_store,
    digest_chunks,
    no_room,
    read_surely,
    telling_large,
)
from reelq.worker.stores.disk import (
    appearing,
    disk_side,
    guarded,
    link_new,
    open_plain,
    open_private,
    remove_empty,
    store_side,
    sync_folder,
    write_all,
)
from reelq.worker.stores.mark import MARK, MARK_BYTES, Marked

FOLDER_MODE, FILE_MODE = 0o750, 0o640
READ_TRIES = 3  # of bytes that ought to be the same
NAME_TRIES = 10  # a delete beside us may remove the folder that we just made


class FolderStore(Marked):
    """A store whose keys are paths below one folder."""

    def __init__(self, root: Path, *, public_url: str = "", link_secret: str = "", now: Callable[[], float] = time.time) -> None:
        self.root = root
        self._incoming = root / RESERVED
        self._public_url, self._link_secret, self._now = public_url, link_secret, now

    @property
    def bucket(self) -> str:
        """Where this store is, as file:///folder."""
        return f"file://{self.root}"

    def check_room(self, size_bytes: int) -> None:
        """See whether an object of this size fits; see Store.check_room."""
        self.prove_to_write()
        free, least = self._room()
        if size_bytes > free >= least:
            raise no_room(size_bytes, f"{self.root} has {free / 1e9:.2f} GB free")

    def put(
        self,
        key: str,
        path: Path,
        content_type: str = "application/octet-stream",  # noqa: ARG002  a folder keeps no types
        *,
        stop: StopSignal | None = None,
        on_progress: OnBytes | None = None,
    ) -> StoredObject:
        """Store the file; see Store.put."""
        target = self._path(key)
        with disk_side():
            source = FileIO(path)
        with source:
            total = os.fstat(source.fileno()).st_size
            self.check_room(total)
            with telling_large(total, self._room()[1]):
                size, digest = self._write(source, total, target, key, stop, on_progress)
        self.prove()  # it may have gone meanwhile, and all of this have been written below where it was
        return StoredObject(key, size, digest)

    def get(
        self,
        key: str,
        path: Path,
        sha256: str | None = None,
        *,
        stop: StopSignal | None = None,
        on_progress: OnBytes | None = None,
    ) -> StoredObject:
        """Bring the object here; see Store.get."""

        def read() -> StoredObject:
            with self._open(key) as source, appearing(path) as sink:
                total = os.fstat(source.fileno()).st_size
                size, digest = digest_chunks(
                    guarded(source, store_side),
                    lambda chunk: write_all(sink, chunk, disk_side),
                    total=total,
                    stop=stop,
                    on_progress=on_progress,
                )
                check_read(key, size, digest, total, sha256)
            return StoredObject(key, size, digest)

        return read_surely(read, stop)

    def stat(self, key: str) -> ObjectInfo | None:
        """What is known of the object; None when it is not there."""
        with store_side():
            try:
                found = self._path(key).lstat()
            except (FileNotFoundError, NotADirectoryError):
                self.prove()
                try:
                    found = folder_cold.cold_path(self.root, key).lstat()
                except (FileNotFoundError, NotADirectoryError):
                    return None
        return ObjectInfo(key, found.st_size, None) if stat.S_ISREG(found.st_mode) else None

    def delete(self, key: str) -> None:
        """Remove the object and the folders that it leaves empty."""
        self.prove()
        for target, top in ((self._path(key), self.root), (folder_cold.cold_path(self.root, key), self.root / COLD)):
            with store_side():
                try:
                    target.unlink(missing_ok=True)
                except (NotADirectoryError, IsADirectoryError):
                    continue
                for folder in target.parents:
                    if folder == top or not remove_empty(folder):
                        break

    def list(self, prefix: str = "") -> Iterator[str]:
        """Keys by prefix, in the order of their bytes."""
        self.prove()
        above = prefix.rpartition("/")[0]
        if above:
            check_key(above)
        keys = folder_cold.keys(self.root, f"{above}/" if above else "")
        return (key for key in keys if key.startswith(prefix))

    def scan(self, after: str = "") -> Iterator[Listed]:
        """All objects behind a key; see Store.scan."""
        self.prove()
        for key in folder_cold.keys(self.root, after=after):
            with store_side():
                for path in (self.root / key, self.root / COLD / key, self.root / key):  # it may move meanwhile
                    with suppress(FileNotFoundError):
                        found = path.lstat()
                        yield Listed(key, found.st_size, datetime.fromtimestamp(found.st_mtime, UTC))
                        break

    def storage(self, key: str) -> Storage | None:
        """Where the object is; see Store.storage."""
        found = folder_cold.storage(self.root, key)
        if found is None:
            self.prove()
        return found

    def cool(self, key: str) -> None:
        """Move the object to the folder .cold; see Store.cool."""
        self.prove()
        folder_cold.cool(self.root, key)

    def restore(self, key: str, days: int) -> None:  # noqa: ARG002  who follows the register moves it back after these days
        """Move it back, at once; see Store.restore."""
        self.prove()
        folder_cold.restore(self.root, key)

    def signed_url(self, key: str, expires_s: int = LINK_LIFE_S) -> str:
        """A link of our own; see worker.stores.links.

        Raises:
            SettingsError: no secret or no public address is set.
        """
        check_key(key)
        if not self._link_secret or not self._public_url:
            raise SettingsError("links to a file:// store need REELQ_LINK_SECRET and REELQ_PUBLIC_URL")
        return links.sign(self._public_url, key, self._link_secret, int(self._now()) + expires_s)

    def verify_url(self, url: str) -> str | None:
        """The key that one of our links may read now; None when it may not."""
        return links.verify(self._public_url, url, self._link_secret, self._now())

    def check(self) -> None:
        """Write, read and remove a probe object, and see that there is room for more than that."""
        with disk_side(), tempfile.TemporaryDirectory(prefix="reelq-check-") as scratch:
            check_store(self, Path(scratch))
        free, least = self._room()
        if free < least:
            detail = f"{self.root} has {free / 1e9:.2f} GB free, and less than {least / 1e9:.2f} GB is no room for media"
            raise TransientError("store_full", "The object store is full.", detail=detail)

    def sweep(self, older_than_s: float = LEFTOVER_AGE_S) -> int:
        """Remove the files of puts that were killed; how many."""
        swept = 0
        with store_side():
            try:
                parts = list(self._incoming.iterdir())
            except FileNotFoundError:
                return 0
            for part in parts:
                if part.name == Path(MARK).name:
                    continue
                try:
                    # A put in progress touches its file with every chunk.
                    if self._now() - part.lstat().st_mtime > older_than_s:
                        part.unlink()
                        swept += 1
                except FileNotFoundError:  # its own put, or another sweep, was first
                    continue
        return swept

    def read_mark(self) -> str | None:
        """The mark that is there; see Marked."""
        with store_side():
            try:
                with FileIO(self.root / MARK, opener=open_plain) as file:
                    return file.read(MARK_BYTES).decode("ascii", "replace").strip() or None
            except (FileNotFoundError, NotADirectoryError):
                return None

    def write_mark(self, mark: str) -> None:
        """Put the mark there, unless there is one."""
        with store_side():
            self._incoming.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
            part = self._incoming / secrets.token_hex(16)
            try:
                with FileIO(part, "xb", opener=open_private) as file:
                    write_all(file, mark.encode(), store_side)
                    os.fchmod(file.fileno(), FILE_MODE)
                    os.fsync(file.fileno())
                with suppress(FileExistsError):
                    link_new(part, self.root / MARK)
                sync_folder(self._incoming)
            finally:
                part.unlink(missing_ok=True)

    def _room(self) -> tuple[int, int]:
        """Bytes that are free, and how many have to be, else the store is full."""
        with store_side():
            disk = shutil.disk_usage(self.root)
        return disk.free, min(ROOM_BYTES, int(disk.total * ROOM_PART))

    def _path(self, key: str) -> Path:
        return self.root / check_key(key)

    def _open(self, key: str) -> FileIO:
        with store_side():
            try:
                source = FileIO(self._path(key), opener=open_plain)
            except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
                self.prove()
                if folder_cold.cold_path(self.root, key).is_file():
                    raise PermanentError("object_archived", "The stored object is in cold storage; restore it first.", detail=key) from error
                raise _missing(key) from error
        if not stat.S_ISREG(os.fstat(source.fileno()).st_mode):
            source.close()
            raise _missing(key)
        return source

    @contextmanager
    def writer(self, key: str, *, expected_bytes: int = 0) -> Iterator[FolderWriter]:  # noqa: ARG002  it is not known before what it takes
        """Store bytes as they come; see Store.writer."""
        target = self._path(key)
        self.prove_to_write()
        with self._incoming_file() as (part, sink):
            writer = FolderWriter(sink)
            yield writer
            _finish_file(sink)
            self._name(part, target, key, writer.size_bytes, writer.sha256)
        self.prove()

    def read(self, key: str) -> Iterator[bytes]:
        """The bytes of an object as they come; see Store.read."""
        with self._open(key) as source:
            yield from guarded(source, store_side)

    @contextmanager
    def _incoming_file(self) -> Iterator[tuple[Path, FileIO]]:
        """A file that nobody sees; it is gone after the block."""
        with store_side():
            self._incoming.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
            part = self._incoming / secrets.token_hex(16)
            sink = FileIO(part, "xb", opener=open_private)
        try:
            with sink:
                yield part, sink
        finally:
            with store_side():
                part.unlink(missing_ok=True)

    def _write(
        self, source: FileIO, total: int, target: Path, key: str, stop: StopSignal | None, on_progress: OnBytes | None
    ) -> tuple[int, str]:
        """Copy the file and give it its name; its size and digest."""
        with self._incoming_file() as (part, sink):
            size, digest = digest_chunks(
                guarded(source, disk_side),
                lambda chunk: write_all(sink, chunk, store_side),
                total=total,
                stop=stop,
                on_progress=on_progress,
            )
            _finish_file(sink)
            self._name(part, target, key, size, digest)
        return size, digest

    def _name(self, part: Path, target: Path, key: str, size: int, digest: str) -> None:
        """Give the finished file its name; the same bytes under that name already are as good."""
        with store_side():
            for _ in range(NAME_TRIES):
                try:
                    self._make_folder(target.parent)
                    link_new(part, target)
                    sync_folder(target.parent)
                    return
                except FileNotFoundError:
                    continue
                except (FileExistsError, NotADirectoryError) as error:
                    if target.is_file() and self._same(target, size, digest):
                        return
                    raise PermanentError("object_exists", "Another object has this name already.", detail=key) from error
        raise TransientError("store_away", "Folders of the object store disappear while they are written.", detail=key)

    def _same(self, target: Path, size: int, digest: str) -> bool:
        with FileIO(target, opener=open_plain) as there:
            # The size first: it saves reading most of the files that differ.
            if os.fstat(there.fileno()).st_size != size:
                return False
            for _ in range(READ_TRIES):  # one bad reading is no proof
                there.seek(0)
                if digest_chunks(guarded(there, store_side))[1] == digest:
                    return True
            return False

    def _make_folder(self, folder: Path) -> None:
        if folder == self.root or folder.is_dir():
            return
        self._make_folder(folder.parent)
        try:
            folder.mkdir()
            folder.chmod(FOLDER_MODE)  # whatever the umask is
        except FileExistsError:
            if not folder.is_dir():
                raise
            return
        sync_folder(folder.parent)


class FolderWriter:
    """Takes the bytes of an object into a file; see Writer."""

    def __init__(self, sink: FileIO) -> None:
        self.size_bytes = 0
        self._sink, self._digest = sink, hashlib.sha256()

    @property
    def sha256(self) -> str:
        """Of the bytes so far."""
        return self._digest.hexdigest()

    def write(self, data: bytes) -> int:
        """Take all of it."""
        self._digest.update(data)
        write_all(self._sink, data, store_side)
        self.size_bytes += len(data)
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""


def _finish_file(sink: FileIO) -> None:
    with store_side():
        os.fchmod(sink.fileno(), FILE_MODE)  # whatever the umask is
        os.fsync(sink.fileno())


def _missing(key: str) -> PermanentError:
    return PermanentError("object_missing", "The stored object is not there.", detail=key)
