"""Upload one file to S3, in one request or in parts; it is visible when all of it is there.

Parts go up one after the other. A put that fails takes its parts away; of one that was killed,
S3Store.sweep does. The request that lets the object appear asks the server to refuse when the
name is taken; servers that do not know this condition ignore it, or are asked again without.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from io import FileIO
from typing import TYPE_CHECKING, Any

import structlog
from botocore.exceptions import BotoCoreError, ClientError

from reelq.worker.errors import TransientError
from reelq.worker.stop import StopSignal
from reelq.worker.stores.base import OnBytes, StoredObject, digest_chunks
from reelq.worker.stores.disk import disk_side, guarded
from reelq.worker.stores.s3_errors import LOST_RACE, NO_CONDITIONS, code_of, s3_side

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

log = structlog.get_logger()

PART_BYTES = 8 << 20  # what a put holds in memory, and how long a stop waits
MOST_PARTS = 9_000  # S3 takes 10,000; larger files get larger parts


class Upload:
    """One upload to `place` (Bucket and Key), with type and metadata in `described`."""

    def __init__(
        self,
        client: S3Client,
        place: dict[str, Any],
        described: dict[str, Any],
        stored: StoredObject,
        is_there: Callable[[StoredObject], bool],
    ) -> None:
        self._client, self._place, self._described = client, place, described
        self._stored, self._is_there = stored, is_there

    def send(self, source: FileIO, stop: StopSignal | None, on_progress: OnBytes | None) -> None:
        """Send the file, or leave nothing behind."""
        if self._stored.size_bytes > PART_BYTES:
            self._send_parts(source, stop, on_progress)
        else:
            self._send_whole(source, stop, on_progress)

    def _send_whole(self, source: FileIO, stop: StopSignal | None, on_progress: OnBytes | None) -> None:
        body = b"".join(guarded(source, disk_side))
        self._check_unchanged(hashlib.sha256(body).hexdigest())
        if stop is not None:
            stop.check()
        sent = {"Body": body, "ContentMD5": md5_of(body), **self._described}
        self._finish("PutObject", self._client.put_object, sent)
        if on_progress is not None:
            on_progress(len(body), self._stored.size_bytes)

    def _send_parts(self, source: FileIO, stop: StopSignal | None, on_progress: OnBytes | None) -> None:
        with s3_side("CreateMultipartUpload"):
            begun = self._client.create_multipart_upload(**self._place, **self._described)
        upload: dict[str, Any] = {**self._place, "UploadId": begun["UploadId"]}
        parts: list[dict[str, Any]] = []

        def send(body: bytes) -> None:
            number = len(parts) + 1
            with s3_side("UploadPart"):
                done = self._client.upload_part(**upload, PartNumber=number, Body=body, ContentMD5=md5_of(body))
            parts.append({"PartNumber": number, "ETag": done["ETag"]})

        try:
            total = self._stored.size_bytes
            pieces = guarded(source, disk_side, max(PART_BYTES, -(-total // MOST_PARTS)))
            _, digest = digest_chunks(pieces, send, total=total, stop=stop, on_progress=on_progress)
            self._check_unchanged(digest)
            sent = {"UploadId": begun["UploadId"], "MultipartUpload": {"Parts": parts}}
            self._finish("CompleteMultipartUpload", self._client.complete_multipart_upload, sent)
        except BaseException:
            abort(self._client, upload)
            raise

    def _finish(self, operation: str, call: Callable[..., Any], sent: dict[str, Any]) -> None:
        let_appear(operation, call, {**self._place, **sent}, lambda: self._is_there(self._stored))

    def _check_unchanged(self, digest: str) -> None:
        if digest != self._stored.sha256:
            raise TransientError("disk_failed", "The file changed while it was stored.", detail=self._stored.key)


def let_appear(operation: str, call: Callable[..., Any], sent: dict[str, Any], is_there: Callable[[], bool]) -> None:
    """Make the call that lets the object appear, on condition that none has its name yet."""
    with s3_side(operation):
        try:
            call(**sent, IfNoneMatch="*")
            return
        except ClientError as error:
            if code_of(error) in LOST_RACE | {"NoSuchUpload"} and is_there():
                return  # an earlier try whose answer was lost, or another put of the same bytes
            if code_of(error) not in NO_CONDITIONS:
                raise
        call(**sent)


def abort(client: S3Client, upload: dict[str, Any]) -> None:
    """Take the parts away that were sent."""
    try:
        client.abort_multipart_upload(**upload)
    except (BotoCoreError, ClientError) as error:
        # The first error matters more; a sweep takes the parts away later.
        log.warning("store.abort_failed", key=upload["Key"], error=type(error).__name__)


def md5_of(body: bytes) -> str:
    """Content-MD5: the server refuses a part that was damaged on the way."""
    return base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()
