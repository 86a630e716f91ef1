"""Objects: open the store that the settings name.

`file:///folder` is a folder (worker.stores.folder), `s3://bucket[/prefix]` is S3
(worker.stores.s3, which is the one importer of boto3 and is loaded only when it is needed).
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

from reelq.worker.errors import SettingsError, TransientError
from reelq.worker.settings import Settings
from reelq.worker.stores.base import ObjectInfo, Store, StoredObject, check_key
from reelq.worker.stores.folder import FolderStore

__all__ = ["ObjectInfo", "Store", "StoredObject", "check_holds_something", "check_key", "open_bucket", "open_store"]


def open_store(settings: Settings) -> Store:
    """The store of `settings.store`; nothing is read or written yet.

    Raises:
        SettingsError: the address is neither file:///folder nor s3://bucket.
    """
    scheme, _, place = settings.store.partition("://")
    if scheme == "file" and place.startswith("/"):
        folder = Path(unquote(place))
        return FolderStore(folder, public_url=settings.public_url, link_secret=settings.link_secret)
    if scheme == "s3" and place.partition("/")[0]:
        from reelq.worker.stores.s3 import open_s3  # boto3 takes a third of a second to load

        return open_s3(settings)
    raise SettingsError("REELQ_STORE must be file:///absolute/folder or s3://bucket")


def open_bucket(settings: Settings, bucket: str, region: str | None = None) -> Store:
    """The store that an object's row names, with the server and the credentials of the settings; `region` is the bucket's, where it is known.

    Raises:
        SettingsError: it is no address of a store.
    """
    return open_store(replace(settings, store=bucket, s3_region=region or settings.s3_region))


def check_holds_something(store: Store) -> None:
    """Refuse a store that has neither a mark nor an object, where rows name objects in it.

    Raises:
        TransientError: "store_away".
    """
    if store.read_mark() is None and store.is_empty():
        detail = f"{store.bucket} is empty, and media.objects names objects in it: is it mounted?"
        raise TransientError("store_away", "The object store is not there.", detail=detail)
