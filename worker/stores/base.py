"""What every object store offers, and what a key may look like.

An object is written once and never changed: keys bear the job and the attempt that wrote them.
A store proves that it is there before each write, and before anything is believed to be missing (mark.py).
A put is all or nothing for readers, and the SHA-256 is computed here while the bytes pass, not
taken from the server. Codes of the errors that a store raises:

    no_store_room, store_full, store_denied, store_away, store_busy, store_refused, bucket_missing    transient
    object_missing, object_corrupt, object_exists, object_archived, bad_key    permanent
    disk_full, disk_failed    transient: this host's own disk, while an object was brought here
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol
from uuid import uuid4

from reelq.worker.errors import PermanentError, TransientError
from reelq.worker.stop import StopSignal

CHUNK_BYTES = 1 << 20  # a stop or a progress report waits for one chunk at most
LINK_LIFE_S = 600  # signed links live ten minutes
LEFTOVER_AGE_S = 24 * 3600.0  # a put that wrote nothing for a day was killed
KEY_BYTES, PART_BYTES = 1024, 255  # S3 takes 1024 bytes a key, file systems 255 a name
PAUSES_S = (0.2, 1.0, 3.0)  # between readings of an object that comes wrong
# Less room than this, or this part of a small disk, is none: a rendition that is being put would not fit.
ROOM_BYTES, ROOM_PART = 1_000_000_000, 0.02
RESERVED = ".incoming"  # first part of names that stores keep for themselves
BACKUPS = ".backups"  # first part of the names of a store of backups within this one: no key of ours, and in no list
COLD = ".cold"  # the same: where a folder keeps what is cold
HIDDEN = (RESERVED, BACKUPS, COLD)

OnBytes = Callable[[int, int | None], None]  # bytes so far, bytes in all (None: not known)


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object that was just written or read here."""

    key: str
    size_bytes: int
    sha256: str  # 64 lower case hexadecimal digits, computed by us


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """What a store knows of an object without reading it."""

    key: str
    size_bytes: int
    sha256: str | None  # None: this store keeps no digest; the database does


def is_hidden(key: str) -> bool:
    """Whether a name in a store's folder or bucket is none of its objects."""
    return key.startswith(tuple(f"{first}/" for first in HIDDEN))


class Writer(Protocol):
    """Takes the bytes of an object that is being written."""

    size_bytes: int  # so far

    @property
    def sha256(self) -> str:
        """Of these bytes."""

    def write(self, data: bytes) -> int:
        """Take all of it; how many bytes that were.

        Raises:
            TransientError: as Store.put.
        """

    def flush(self) -> None:
        """Nothing is held back for it."""


@dataclass(frozen=True, slots=True)
class Listed:
    """What a listing says of an object."""

    key: str
    size_bytes: int
    modified_at: datetime


@dataclass(frozen=True, slots=True)
class Storage:
    """How an object lies in its store: as media.objects.storage_class has it."""

    class_: str  # hot, cold, restoring or restored
    until: datetime | None = None  # of what is restored: until when it can be read


class Store(Protocol):
    """A place for objects. Safe to share between threads."""

    expected: str | None  # the mark that it has to show, see mark.py
    may_adopt: bool  # whether a store without a mark gets one at the first write

    @property
    def bucket(self) -> str:
        """Where this store is: `file:///folder` or `s3://bucket[/prefix]`, without a slash at the end."""

    def adopt(self) -> str:
        """Its mark; a store without one gets one."""

    def is_empty(self) -> bool:
        """Whether it holds no object."""

    def read_mark(self) -> str | None:
        """The mark that is there; None: there is none, or no store at all."""

    def check_room(self, size_bytes: int) -> None:
        """Raise as `put` does when it is known before that an object of this size does not fit; a store may not know.

        Raises:
            TransientError: "no_store_room".
        """

    def put(
        self,
        key: str,
        path: Path,
        content_type: str = "application/octet-stream",
        *,
        stop: StopSignal | None = None,
        on_progress: OnBytes | None = None,
    ) -> StoredObject:
        """Store the file at `path`; nobody sees the object before all of it is there.

        Putting the same bytes again succeeds; other bytes under a key that is taken do not.

        Raises:
            PermanentError: "bad_key", "object_exists".
            TransientError: "no_store_room", "store_full", "store_denied", "store_away", "store_busy", "store_refused", "bucket_missing".
            StopRequested: `stop` was set; nothing is left behind.
        """

    def writer(self, key: str, *, expected_bytes: int = 0) -> AbstractContextManager[Writer]:
        """Store bytes as they come, without a file: the object is there when the block ends well, and nothing is left of it otherwise.

        `expected_bytes` is about how many will come; a store may need to know. Raises as `put`, also while the bytes are taken.
        """

    def read(self, key: str) -> Iterator[bytes]:
        """The bytes of an object as they come, in pieces of a few megabytes at most; who reads compares size and digest.

        Raises, also while the bytes come:
            PermanentError: "object_missing", "object_archived".
            TransientError: as put.
        """

    def get(
        self,
        key: str,
        path: Path,
        sha256: str | None = None,
        *,
        stop: StopSignal | None = None,
        on_progress: OnBytes | None = None,
    ) -> StoredObject:
        """Bring the object to `path`, which appears only when the bytes are right.

        The digest is compared with `sha256` and with the one that the store keeps, where it does.

        Raises:
            PermanentError: "object_missing", "object_corrupt", "object_archived".
            TransientError: as put, and "disk_full", "disk_failed" for this host's own disk.
        """

    def stat(self, key: str) -> ObjectInfo | None:
        """Size and, where the store keeps it, digest; None when there is no such object."""

    def delete(self, key: str) -> None:
        """Remove the object; none there is fine."""

    def list(self, prefix: str = "") -> Iterator[str]:
        """The keys that begin with `prefix`, in the order of their bytes."""

    def scan(self, after: str = "") -> Iterator[Listed]:
        """All objects behind the key `after`, in the order of the bytes of their keys; a page at a time is in memory."""

    def storage(self, key: str) -> Storage | None:
        """Whether the object is hot, cold or on its way back; None when there is none."""

    def cool(self, key: str) -> None:
        """Move the object to cold storage; one that is there stays.

        Raises:
            PermanentError: "object_missing".
            TransientError: "store_refused", there is no such storage here; else as get.
        """

    def restore(self, key: str, days: int) -> None:
        """Ask for a cold object to be readable for so many days; `storage` tells when it is. Of one that is readable, the end moves.

        Raises:
            PermanentError: "object_missing".
            TransientError: as get.
        """

    def signed_url(self, key: str, expires_s: int = LINK_LIFE_S) -> str:
        """A link that lets anyone read the object for `expires_s` seconds."""

    def check(self) -> None:
        """Write, read and remove a probe object; raise as put and get do when that fails."""

    def sweep(self, older_than_s: float = LEFTOVER_AGE_S) -> int:
        """Remove what killed puts left behind; how many."""


def check_key(key: str) -> str:
    """Return `key`, or refuse it: relative, no empty, `.` or `..` part, no control character, not too long.

    Raises:
        PermanentError: "bad_key".
    """
    parts = key.split("/")
    try:
        long = len(key.encode()) > KEY_BYTES or any(len(part.encode()) > PART_BYTES for part in parts)
    except UnicodeEncodeError:  # half of a surrogate pair: no store can keep such a name
        long = True
    strange = any(ord(sign) < 32 or ord(sign) == 127 for sign in key)
    if long or strange or parts[0] in HIDDEN or any(part in ("", ".", "..") for part in parts):
        raise PermanentError("bad_key", "The name of the object is not allowed.", detail=repr(key[:200]))
    return key


def digest_chunks(
    chunks: Iterable[bytes],
    write: Callable[[bytes], object] | None = None,
    *,
    total: int | None = None,
    stop: StopSignal | None = None,
    on_progress: OnBytes | None = None,
) -> tuple[int, str]:
    """Pass `chunks` on to `write`; return their size and SHA-256."""
    digest, done = hashlib.sha256(), 0
    for chunk in chunks:
        if stop is not None:
            stop.check()
        digest.update(chunk)
        if write is not None:
            write(chunk)
        done += len(chunk)
        if on_progress is not None:
            on_progress(done, total)
    if stop is not None:
        stop.check()
    return done, digest.hexdigest()


@contextmanager
def telling_large(size_bytes: int, least_bytes: int = ROOM_BYTES) -> Iterator[None]:
    """A store is full when it refuses what is no larger than `least_bytes`; a larger object it may have no room for, and take others."""
    try:
        yield
    except TransientError as error:
        if error.code == "store_full" and size_bytes > least_bytes:
            raise no_room(size_bytes, error.detail) from error
        raise


def no_room(size_bytes: int, detail: str) -> TransientError:
    """The store is not full, and has no room for this object."""
    return TransientError("no_store_room", f"The object store has no room for {size_bytes:,} bytes now.", detail=detail)


class DoubtfulRead(Exception):
    """What came is not what was stored: the object may be damaged, or only this reading of it."""

    def __init__(self, detail: str, *, is_short: bool) -> None:
        super().__init__(detail)
        self.is_short = is_short  # it has fewer or more bytes than the store says: no proof against the object


def check_read(key: str, size: int, digest: str, total: int, *expected: str | None) -> None:
    """Doubt bytes that are not the ones that were stored; `total` is what the store says that the object has.

    Raises:
        DoubtfulRead.
    """
    if size != total:
        raise DoubtfulRead(f"{key}: {size} bytes came of {total}", is_short=True)
    for one in expected:
        if one and one.lower() != digest:
            raise DoubtfulRead(f"{key}: sha256 {digest}, expected {one}", is_short=False)


def read_surely(read: Callable[[], StoredObject], stop: StopSignal | None = None) -> StoredObject:
    """Read, and from the start again while the reading is doubtful: only what comes wrong in the same way each time is corrupt.

    Raises:
        PermanentError: "object_corrupt".
        TransientError: "store_away", it comes differently each time, or never whole.
    """
    doubts: list[DoubtfulRead] = []
    for pause_s in (*PAUSES_S, None):
        try:
            return read()
        except DoubtfulRead as doubt:
            doubts.append(doubt)
        if pause_s is not None:
            (stop or StopSignal()).wait(pause_s)
            if stop is not None:
                stop.check()
    told = {str(doubt) for doubt in doubts}
    if len(told) > 1 or doubts[0].is_short:
        raise TransientError("store_away", "The object store does not give the whole object.", detail="; ".join(sorted(told)))
    raise PermanentError("object_corrupt", "The stored object is not what was written: its checksum differs.", detail=told.pop())


def check_store(store: Store, scratch: Path) -> None:
    """Put, get and delete a probe object, by way of the files `probe` and `back` in `scratch`."""
    key, probe = f"probes/{uuid4().hex}", scratch / "probe"
    probe.write_bytes(key.encode())
    stored = store.put(key, probe, "text/plain")
    try:
        store.get(key, scratch / "back", stored.sha256)
        if key not in store.list(key):
            raise TransientError("store_away", "The object store does not list what was just written to it.")
    finally:
        store.delete(key)
