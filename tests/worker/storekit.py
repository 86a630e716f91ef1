"""The stores that the contract is tested on, and what each of them cannot do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

import boto3
from mypy_boto3_s3 import S3Client

from reelq.worker.settings import load
from reelq.worker.stores.open import Store, open_store
from tests.fakes import s3_servers

NAMES = ("folder", "moto", "rclone")
LACKS = {
    "folder": {
        "signed http links": "a folder serves nothing; its links are tested in test_store_folder.py",
        "prefix": "a folder store's prefix is its folder",
        "multipart": "a folder has no parts",
        "credentials": "a folder has none",
        "bucket": "a folder is made when it is missing",
        "digest in stat": "a folder keeps no digests; the database does",
    },
    "moto": {
        "signed http links": "moto checks neither signature nor expiry of links",
        "credentials": "moto accepts every secret",
        "age of uploads": "moto says that every upload began in 2010",
    },
    "rclone": {
        "one winner": "rclone ignores If-None-Match",
        "digest in stat": "rclone drops the metadata of multipart uploads",
    },
}


Test = TypeVar("Test", bound=Callable[..., None])


def needs(feature: str) -> Callable[[Test], Test]:
    """Skip the test on backends that lack the feature."""

    def mark(test: Test) -> Test:
        test.__dict__["needs"] = feature
        return test

    return mark


def needed(test: Callable[..., None]) -> str | None:
    """The feature that `needs` named."""
    return test.__dict__.get("needs")


@dataclass(frozen=True)
class Backend:
    """One kind of store: how to open a fresh one, and how to reach behind its back."""

    name: str
    folder: Path
    url: str = ""

    def environ(self, **changes: str) -> dict[str, str]:
        """The settings of a fresh, empty store."""
        if self.name == "folder":
            return {"REELQ_STORE": f"file://{self.folder / uuid4().hex}"} | changes
        bucket = f"b{uuid4().hex}"
        self.client().create_bucket(Bucket=bucket)
        return {
            "REELQ_STORE": f"s3://{bucket}",
            "REELQ_S3_ENDPOINT_URL": self.url,
            "REELQ_S3_ACCESS_KEY_ID": s3_servers.KEY_ID,
            "REELQ_S3_SECRET_ACCESS_KEY": s3_servers.SECRET,
        } | changes

    def open(self, **changes: str) -> Store:
        """A fresh, empty store."""
        return open_store(load(self.environ(**changes)))

    def client(self) -> S3Client:
        """A plain client of boto3's, without what the store does around it."""
        return boto3.client(
            "s3",
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id=s3_servers.KEY_ID,
            aws_secret_access_key=s3_servers.SECRET,
        )

    @contextmanager
    def emptied(self, store: Store) -> Iterator[None]:
        """While the block runs an empty place answers to the store's address."""
        if self.name == "folder":
            root = Path(store.bucket.removeprefix("file://"))
            aside = root.with_name(f"{root.name}-aside")
            root.rename(aside)
            root.mkdir()
            yield
            assert list(root.iterdir()) == [], "nothing may be written below a mount point"
            root.rmdir()
            aside.rename(root)
            return
        bucket, client = store.bucket.removeprefix("s3://"), self.client()
        kept = {one["Key"]: client.get_object(Bucket=bucket, Key=one["Key"]) for one in client.list_objects_v2(Bucket=bucket)["Contents"]}
        bodies = {key: (found["Body"].read(), found["Metadata"]) for key, found in kept.items()}
        for key in bodies:
            client.delete_object(Bucket=bucket, Key=key)
        yield
        assert client.list_objects_v2(Bucket=bucket).get("Contents", []) == []
        for key, (body, metadata) in bodies.items():
            client.put_object(Bucket=bucket, Key=key, Body=body, Metadata=metadata)

    def tamper(self, store: Store, key: str, body: bytes) -> None:
        """Put other bytes under the key, digest and all else as they were."""
        if self.name == "folder":
            (Path(store.bucket.removeprefix("file://")) / key).write_bytes(body)
            return
        bucket, client = store.bucket.removeprefix("s3://"), self.client()
        kept = client.head_object(Bucket=bucket, Key=key)["Metadata"]
        client.put_object(Bucket=bucket, Key=key, Body=body, Metadata=kept)


@contextmanager
def backend(name: str, folder: Path) -> Iterator[Backend]:
    """The backend of that name, its server running."""
    if name == "folder":
        yield Backend(name, folder)
    elif name == "moto":
        with s3_servers.moto() as url:
            yield Backend(name, folder, url)
    else:
        with s3_servers.rclone(folder) as url:
            yield Backend(name, folder, url)
