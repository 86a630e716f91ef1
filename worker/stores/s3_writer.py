"""Write an object to S3 as its bytes come, without a file: parts of one size, sent one after the other.

The digest is not known before the last byte, so that no metadata holds it: who writes so keeps it elsewhere.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from reelq.worker.stores import s3_upload
from reelq.worker.stores.base import StoredObject
from reelq.worker.stores.s3_errors import s3_side
from reelq.worker.stores.s3_upload import MOST_PARTS, abort, let_appear, md5_of

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class S3Writer:
    """Takes the bytes of an object at `place` (Bucket and Key); see Writer."""

    def __init__(self, client: S3Client, place: dict[str, Any], expected_bytes: int = 0) -> None:
        self.size_bytes = 0
        self._client, self._place, self._digest = client, place, hashlib.sha256()
        # Some servers want all parts but the last to be of one size, so it is chosen before the first.
        self._part_bytes = max(s3_upload.PART_BYTES, -(-expected_bytes // MOST_PARTS))
        self._held = bytearray()
        self._upload: dict[str, Any] | None = None
        self._parts: list[dict[str, Any]] = []

    @property
    def sha256(self) -> str:
        """Of the bytes so far."""
        return self._digest.hexdigest()

    def write(self, data: bytes) -> int:
        """Take all of it; what fills a part is sent."""
        self._digest.update(data)
        self.size_bytes += len(data)
        self._held += data
        while len(self._held) >= self._part_bytes:
            self._send(bytes(self._held[: self._part_bytes]))
            del self._held[: self._part_bytes]
        return len(data)

    def flush(self) -> None:
        """A part is sent when it is full."""

    def finish(self, stored: StoredObject, is_there: Callable[[StoredObject], bool]) -> None:
        """Let the object appear."""
        if self._upload is None:
            body = bytes(self._held)
            sent = {**self._place, "Body": body, "ContentMD5": md5_of(body)}
            let_appear("PutObject", self._client.put_object, sent, lambda: is_there(stored))
            return
        if self._held:
            self._send(bytes(self._held))
        sent = {**self._upload, "MultipartUpload": {"Parts": self._parts}}
        let_appear("CompleteMultipartUpload", self._client.complete_multipart_upload, sent, lambda: is_there(stored))
        self._upload = None

    def abort(self) -> None:
        """Leave nothing behind."""
        if self._upload is not None:
            abort(self._client, self._upload)

    def _send(self, body: bytes) -> None:
        if self._upload is None:
            with s3_side("CreateMultipartUpload"):
                begun = self._client.create_multipart_upload(**self._place)
            self._upload = {**self._place, "UploadId": begun["UploadId"]}
        number = len(self._parts) + 1
        with s3_side("UploadPart"):
            done = self._client.upload_part(**self._upload, PartNumber=number, Body=body, ContentMD5=md5_of(body))
        self._parts.append({"PartNumber": number, "ETag": done["ETag"]})
