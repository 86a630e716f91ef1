"""Objects in S3 or in a server that speaks its protocol; the one importer of boto3.

The digest of an object is computed here before the first byte is sent, kept as metadata of the
object, and computed again from what is sent and from what comes back: no S3 server has to be
trusted. The upload itself is in worker.stores.s3_upload.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from reelq.worker.errors import PermanentError, TransientError
from reelq.worker.settings import Settings
from reelq.worker.stop import StopSignal
from reelq.worker.stores import s3_cold
from reelq.worker.stores.base import (
    CHUNK_BYTES,
    LEFTOVER_AGE_S,
    LINK_LIFE_S,
    DoubtfulRead,
    Listed,
    ObjectInfo,
    OnBytes,
    Storage,
    StoredObject,
    check_key,
    check_read,
    check_store,
    digest_chunks,
    is_hidden,
    read_surely,
    telling_large,
)
from reelq.worker.stores.disk import appearing, disk_side, guarded, write_all
from reelq.worker.stores.mark import MARK, MARK_BYTES, Marked
from reelq.worker.stores.s3_errors import LOST_RACE, NO_CONDITIONS, code_of, s3_side
from reelq.worker.stores.s3_upload import Upload
from reelq.worker.stores.s3_writer import S3Writer

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

for chatty in ("boto3", "botocore", "urllib3"):  # at level debug they log signatures
    logging.getLogger(chatty).setLevel(logging.INFO)

CONNECT_S, READ_S, TRIES = 10, 60, 4
READ_TRIES = 3  # of bytes that ought to be the same
DIGEST = "sha256"  # name of the metadata field


def open_client(settings: Settings) -> S3Client:
    """A boto3 client for the server, region and key of the settings; safe to share between threads."""
    return boto3.client(
        "s3",
        endpoint_url=settings.s3_endpoint_url or None,
        region_name=settings.s3_region,
        aws_access_key_id=settings.s3_access_key_id or None,
        aws_secret_access_key=settings.s3_secret_access_key or None,
        config=Config(
            signature_version="s3v4",
            connect_timeout=CONNECT_S,
            read_timeout=READ_S,
            retries={"mode": "standard", "total_max_attempts": TRIES},
            # Servers of one's own seldom have a host name for each bucket.
            s3={"addressing_style": "path" if settings.s3_endpoint_url else "auto"},
            # The CRC trailers of newer boto3 are unknown to many servers; we send MD5 and keep SHA-256.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )


def endpoint_of(settings: Settings) -> str:
    """The server's address, as the settings or AWS' own variables have it."""
    return open_client(settings).meta.endpoint_url


def open_s3(settings: Settings) -> S3Store:
    """The store that `settings.store` names as s3://bucket[/prefix]."""
    bucket, _, prefix = settings.store.removeprefix("s3://").partition("/")
    return S3Store(open_client(settings), bucket, prefix, settings.s3_cold_class)


def read_object(client: S3Client, bucket: str, key: str, begin: int = 0) -> tuple[int, dict[str, str], Iterator[bytes]]:
    """Open an object: its size in bytes, its metadata, and its bytes as they come, from the byte `begin` on.

    Raises, also while the bytes come:
        PermanentError, TransientError: see worker.stores.s3_errors.
    """
    with s3_side("GetObject"):
        answer = client.get_object(Bucket=bucket, Key=key, Range=f"bytes={begin}-") if begin else client.get_object(Bucket=bucket, Key=key)
    return answer["ContentLength"], answer["Metadata"], _body(answer["Body"])


def _body(body: Any) -> Iterator[bytes]:
    with closing(body):
        chunks = body.iter_chunks(CHUNK_BYTES)
        while True:
            with s3_side("GetObject"):
                chunk = next(chunks, b"")
            if not chunk:
                return
            yield chunk


class S3Store(Marked):
    """A store in one bucket, below a prefix of its own when it has one."""

    def __init__(self, client: S3Client, bucket: str, prefix: str = "", cold_class: str = "GLACIER") -> None:
        self._client, self._bucket, self.cold_class = client, bucket, cold_class
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""

    @property
    def bucket(self) -> str:
        """Where this store is, as s3://bucket[/prefix]."""
        return f"s3://{self._bucket}/{self._prefix}".rstrip("/")

    def check_room(self, size_bytes: int) -> None:
        """Nobody tells how much room a bucket has."""

    def put(
        self,
        key: str,
        path: Path,
        content_type: str = "application/octet-stream",
        *,
        stop: StopSignal | None = None,
        on_progress: OnBytes | None = None,
    ) -> StoredObject:
        """Store the file; see Store.put."""
        name = self._name(key)
        with disk_side():
            source = FileIO(path)
        with source:
            # Nothing has been sent yet, but a long read is no stall either.
            alive = None if on_progress is None else lambda *_: on_progress(0, None)
            size, digest = digest_chunks(guarded(source, disk_side), stop=stop, on_progress=alive)
            self.prove_to_write()
            stored = StoredObject(key, size, digest)
            if self._is_there(stored):  # an earlier try got through, though its answer did not
                return stored
            source.seek(0)
            place = {"Bucket": self._bucket, "Key": name}
            described = {"ContentType": content_type, "Metadata": {DIGEST: digest}}
            upload = Upload(self._client, place, described, stored, self._is_there)
            with telling_large(size):
                upload.send(source, stop, on_progress)
        return stored

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
            try:
                total, metadata, chunks = read_object(self._client, self._bucket, self._name(key))
            except PermanentError as error:
                self._believe(error)
                raise
            with appearing(path) as sink:
                size, digest = digest_chunks(
                    chunks,
                    lambda chunk: write_all(sink, chunk, disk_side),
                    total=total,
                    stop=stop,
                    on_progress=on_progress,
                )
                try:
                    check_read(key, size, digest, total, sha256, metadata.get(DIGEST))
                except DoubtfulRead as doubt:
                    # What lies between may cut the body and mend its length: the size without the body is the better witness.
                    there = self.stat(key)
                    is_short = doubt.is_short or there is None or there.size_bytes != size
                    raise DoubtfulRead(str(doubt), is_short=is_short) from doubt
            return StoredObject(key, size, digest)

        return read_surely(read, stop)

    @contextmanager
    def writer(self, key: str, *, expected_bytes: int = 0) -> Iterator[S3Writer]:
        """Store bytes as they come, in parts; see Store.writer."""
        name = self._name(key)
        self.prove_to_write()
        writer = S3Writer(self._client, {"Bucket": self._bucket, "Key": name}, expected_bytes)
        try:
            yield writer
            stored = StoredObject(key, writer.size_bytes, writer.sha256)
            writer.finish(stored, self._is_there)
        except BaseException:
            writer.abort()
            raise

    def read(self, key: str) -> Iterator[bytes]:
        """The bytes of an object as they come; a connection that breaks is made again. See Store.read."""
        name, done, tries = self._name(key), 0, 0
        try:
            total, _, chunks = read_object(self._client, self._bucket, name)
        except PermanentError as error:
            self._believe(error)
            raise
        while True:
            try:
                for chunk in chunks:
                    done, tries = done + len(chunk), 0
                    yield chunk
                if done >= total:
                    return
                raise TransientError("store_away", "The object store does not give the whole object.", detail=f"{done} bytes of {total}")
            except TransientError:
                tries += 1
                if tries > READ_TRIES:
                    raise
            chunks = read_object(self._client, self._bucket, name, done)[2]

    def stat(self, key: str) -> ObjectInfo | None:
        """What is known of the object; None when it is not there."""
        try:
            with s3_side("HeadObject"):
                found = self._client.head_object(Bucket=self._bucket, Key=self._name(key))
        except PermanentError as error:
            self._believe(error)
            if error.code == "object_missing":
                return None
            raise
        return ObjectInfo(key, found["ContentLength"], found["Metadata"].get(DIGEST))

    def delete(self, key: str) -> None:
        """Remove the object."""
        try:
            with s3_side("DeleteObject"):
                self._client.delete_object(Bucket=self._bucket, Key=self._name(key))
        except PermanentError as error:
            if error.code != "object_missing":  # S3 says nothing then, other servers do
                raise

    def list(self, prefix: str = "") -> Iterator[str]:
        """Keys by prefix, in the order of their bytes."""
        pages = iter(self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=self._prefix + prefix))
        while True:
            with s3_side("ListObjectsV2"):
                page = next(pages, None)
            if page is None:
                return
            for found in page.get("Contents", ()):
                key = found["Key"].removeprefix(self._prefix)
                if not is_hidden(key):
                    yield key

    def scan(self, after: str = "") -> Iterator[Listed]:
        """All objects behind a key; see Store.scan."""
        behind: dict[str, Any] = {"StartAfter": self._prefix + after} if after else {}
        pages = iter(self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=self._prefix, **behind))
        while True:
            with s3_side("ListObjectsV2"):
                page = next(pages, None)
            if page is None:
                return
            for found in page.get("Contents", ()):
                key = found["Key"].removeprefix(self._prefix)
                if not is_hidden(key):
                    yield Listed(key, found["Size"], found["LastModified"])

    def storage(self, key: str) -> Storage | None:
        """Whether the object is hot, cold or on its way back; see Store.storage."""
        try:
            with s3_side("HeadObject"):
                head = self._client.head_object(Bucket=self._bucket, Key=self._name(key))
        except PermanentError as error:
            self._believe(error)
            if error.code == "object_missing":
                return None
            raise
        return s3_cold.storage_of(dict(head))

    def cool(self, key: str) -> None:
        """Copy it in place with the cold class; see Store.cool."""
        self.prove()
        s3_cold.cool(self._client, self._bucket, self._name(key), self.cold_class)

    def restore(self, key: str, days: int) -> None:
        """Ask for it; see Store.restore."""
        self.prove()
        s3_cold.restore(self._client, self._bucket, self._name(key), days)

    def signed_url(self, key: str, expires_s: int = LINK_LIFE_S) -> str:
        """A link that S3 itself checks (SigV4)."""
        place = {"Bucket": self._bucket, "Key": self._name(key)}
        with s3_side("sign"):
            return self._client.generate_presigned_url("get_object", Params=place, ExpiresIn=expires_s)

    def check(self) -> None:
        """Write, read and remove a probe object."""
        with disk_side(), tempfile.TemporaryDirectory(prefix="reelq-check-") as scratch:
            check_store(self, Path(scratch))

    def sweep(self, older_than_s: float = LEFTOVER_AGE_S) -> int:
        """Abort the uploads of puts that were killed; how many."""
        swept = 0
        pages = self._client.get_paginator("list_multipart_uploads").paginate(Bucket=self._bucket, Prefix=self._prefix)
        each = iter(pages)
        while True:
            with s3_side("ListMultipartUploads"):
                try:
                    page = next(each, None)
                except ClientError as error:
                    if code_of(error) == "NoSuchUpload":  # what some servers say for none at all
                        return swept
                    raise
            if page is None:
                return swept
            for upload in page.get("Uploads", ()):
                if (datetime.now(UTC) - upload["Initiated"]).total_seconds() > older_than_s:
                    swept += self._abort(upload["Key"], upload["UploadId"])

    def _abort(self, name: str, upload_id: str) -> bool:
        with s3_side("AbortMultipartUpload"):
            try:
                self._client.abort_multipart_upload(Bucket=self._bucket, Key=name, UploadId=upload_id)
            except ClientError as error:
                if code_of(error) == "NoSuchUpload":  # its own put, or another sweep, was first
                    return False
                raise
        return True

    def read_mark(self) -> str | None:
        """The mark that is there; see Marked."""
        try:
            _, _, chunks = read_object(self._client, self._bucket, self._prefix + MARK)
            return b"".join(chunks)[:MARK_BYTES].decode("ascii", "replace").strip() or None
        except PermanentError as error:
            if error.code == "object_missing":
                return None
            raise

    def write_mark(self, mark: str) -> None:
        """Put the mark there, unless there is one."""
        place: dict[str, Any] = {"Bucket": self._bucket, "Key": self._prefix + MARK, "Body": mark.encode()}
        with s3_side("PutObject"):
            try:
                self._client.put_object(**place, IfNoneMatch="*")
                return
            except ClientError as error:
                if code_of(error) in LOST_RACE:
                    return
                if code_of(error) not in NO_CONDITIONS:
                    raise
            self._client.put_object(**place)

    def _believe(self, error: PermanentError) -> None:
        """That an object is missing is believed of a store that is there."""
        if error.code == "object_missing":
            self.prove()

    def _name(self, key: str) -> str:
        return self._prefix + check_key(key)

    def _is_there(self, stored: StoredObject) -> bool:
        """Whether the same bytes lie under the key already.

        Raises:
            PermanentError: "object_exists", other bytes do.
        """
        found = self.stat(stored.key)
        if found is None:
            return False
        digest = found.sha256
        if digest is None and found.size_bytes == stored.size_bytes:  # a server that drops metadata
            for _ in range(READ_TRIES):  # one bad reading is no proof
                digest = digest_chunks(read_object(self._client, self._bucket, self._name(stored.key))[2])[1]
                if digest == stored.sha256:
                    break
        if (found.size_bytes, digest) != (stored.size_bytes, stored.sha256):
            raise PermanentError("object_exists", "Another object has this name already.", detail=stored.key)
        return True
