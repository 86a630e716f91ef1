"""Cold storage of S3: an object is copied in place with another storage class, and asked back with RestoreObject.

An object of an archive class (GLACIER, DEEP_ARCHIVE) cannot be read, only asked for: then HEAD says `x-amz-restore: ongoing-request="true"`, hours
later `ongoing-request="false", expiry-date="…"`, and once that has passed nothing again.

Source: Amazon S3 API reference, RestoreObject, HeadObject, CopyObject and UploadPartCopy (a copy in one request up to 5 GB), and the model of boto3
1.40, read 2026-11-27.
"""

from __future__ import annotations

import re
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Literal

from botocore.exceptions import ClientError

from reelq.worker.stores.base import Storage
from reelq.worker.stores.s3_errors import code_of, s3_side

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef, CopySourceTypeDef, RestoreRequestTypeDef

ARCHIVES = ("GLACIER", "DEEP_ARCHIVE")  # what has to be restored to be read
ONE_COPY_BYTES = 5_000_000_000  # S3 copies no larger object in one request
PART_BYTES = 1 << 30  # of a copy in parts; the server moves the bytes
TIER: Literal["Standard"] = "Standard"  # three to five hours from GLACIER; Bulk is cheaper and takes up to twelve
RESTORE = re.compile(r'ongoing-request="(true|false)"(?:,\s*expiry-date="([^"]+)")?')


def storage_of(head: dict[str, Any]) -> Storage:
    """What HEAD says of where an object lies."""
    class_ = head.get("StorageClass", "STANDARD")
    if class_ not in ARCHIVES:
        return Storage("hot" if class_ == "STANDARD" else "cold")  # GLACIER_IR, STANDARD_IA: cold, and read as it is
    told = RESTORE.search(head.get("Restore", ""))
    if told is None:
        return Storage("cold")
    if told[1] == "true":
        return Storage("restoring")
    return Storage("restored", read_date(told[2])) if told[2] else Storage("cold")


def read_date(text: str) -> datetime:
    """An HTTP date, as Fri, 21 Dec 2029 00:00:00 GMT."""
    return parsedate_to_datetime(text)


def cool(client: S3Client, bucket: str, name: str, class_: str) -> None:
    """Copy the object in place, with another class. What is written there meanwhile is not lost: the copy is of these bytes or none."""
    with s3_side("HeadObject"):
        head = client.head_object(Bucket=bucket, Key=name)
    if head.get("StorageClass", "STANDARD") == class_ or storage_of(dict(head)).class_ != "hot":
        return
    source: CopySourceTypeDef = {"Bucket": bucket, "Key": name}
    as_class: dict[str, Any] = {"StorageClass": class_}  # a name of the settings
    if head["ContentLength"] <= ONE_COPY_BYTES:
        with s3_side("CopyObject"):
            client.copy_object(Bucket=bucket, Key=name, CopySource=source, CopySourceIfMatch=head["ETag"], MetadataDirective="COPY", **as_class)
        return
    _copy_parts(client, bucket, name, class_, dict(head))


def _copy_parts(client: S3Client, bucket: str, name: str, class_: str, head: dict[str, Any]) -> None:
    place: dict[str, Any] = {"Bucket": bucket, "Key": name}
    described = {"ContentType": head.get("ContentType", "application/octet-stream"), "Metadata": head["Metadata"], "StorageClass": class_}
    with s3_side("CreateMultipartUpload"):
        upload: dict[str, Any] = {**place, "UploadId": client.create_multipart_upload(**place, **described)["UploadId"]}
    try:
        parts: list[CompletedPartTypeDef] = []
        size = head["ContentLength"]
        for number, first in enumerate(range(0, size, PART_BYTES), 1):
            span = f"bytes={first}-{min(first + PART_BYTES, size) - 1}"
            with s3_side("UploadPartCopy"):
                source: dict[str, Any] = {"CopySource": {"Bucket": bucket, "Key": name}, "CopySourceRange": span, "CopySourceIfMatch": head["ETag"]}
                done = client.upload_part_copy(**upload, PartNumber=number, **source)
            parts.append({"PartNumber": number, "ETag": done["CopyPartResult"]["ETag"]})
        with s3_side("CompleteMultipartUpload"):
            client.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
    except BaseException:
        with s3_side("AbortMultipartUpload"):
            client.abort_multipart_upload(**upload)
        raise


def restore(client: S3Client, bucket: str, name: str, days: int) -> None:
    """Ask for the object; that it is under way, or was never archived, is as good."""
    asked: RestoreRequestTypeDef = {"Days": days, "GlacierJobParameters": {"Tier": TIER}}
    with s3_side("RestoreObject"):
        try:
            client.restore_object(Bucket=bucket, Key=name, RestoreRequest=asked)
        except ClientError as error:
            if code_of(error) not in ("RestoreAlreadyInProgress", "InvalidObjectState"):
                raise
