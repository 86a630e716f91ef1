"""Where backups lie: a store of their own, or one within the common store that nothing else there sees or sweeps."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from psycopg import sql

from reelq.worker.backup import manifest as manifests
from reelq.worker.backup.manifest import Manifest
from reelq.worker.errors import BackupDamaged, BackupError, JobError
from reelq.worker.settings import Settings
from reelq.worker.stores.base import BACKUPS, Store
from reelq.worker.stores.open import open_store

LIST = "reelq backup list --store"
MARK = re.compile("[0-9a-f]{32}")


def open_backups(settings: Settings) -> Store:
    """The store of backups; nothing is read or written yet."""
    return open_store(replace(settings, store=settings.backup_store or f"{settings.store}/{BACKUPS}"))


def read_manifest(store: Store, folder: str) -> Manifest:
    """The manifest of the backup in that folder.

    Raises:
        BackupDamaged, BackupError: see manifest.read; "not_found".
        TransientError: of the store.
    """
    key = f"{folder}/{manifests.NAME}"
    data = bytearray()
    try:
        for chunk in store.read(key):
            data += chunk
            if len(data) > manifests.MOST_BYTES:
                raise BackupDamaged("manifest_damaged", f"the manifest {key} is far too long")
    except JobError as error:
        if error.code != "object_missing":
            raise
        raise BackupError("not_found", f"{store.bucket} holds no backup {folder} that was completed", LIST) from error
    return manifests.read(bytes(data), key)


def check_mark(store: Store, known: str | None) -> None:
    """Refuse another store in the place of the one that was written to: an empty folder holds nothing, and its rows would be said to be pruned.

    Raises:
        BackupError: "store_away".
    """
    found = store.read_mark()
    if known is not None and found != known:
        why = "its mark is missing" if found is None else "it bears the mark of another store"
        accept = sql.SQL("update ops.backups set store_mark = null where bucket = {}").format(store.bucket).as_string()
        hint = f"Is it mounted, is it the right one? If it takes the place of one that is lost, as the owner: {accept}"
        raise BackupError("store_away", f"the store of backups {store.bucket} is not there: {why}", hint)
    store.expected = found


def folders(store: Store) -> list[str]:
    """The folders that hold a manifest, oldest first.

    Raises:
        BackupError: "no_store": there are none, nor the mark that the first backup leaves. A folder that is not mounted is empty, too.
        TransientError: of the store.
    """
    found = (key.rpartition("/") for key in store.list())
    there = sorted(folder for folder, _, name in found if name == manifests.NAME)
    if not there and MARK.fullmatch(store.read_mark() or "") is None:
        told = f"{store.bucket} does not show the mark of a store: no backup was ever written there, or it is not mounted, or another answers"
        raise BackupError("no_store", told, "Is it mounted, is it the right one? See REELQ_BACKUP_STORE, REELQ_STORE and REELQ_S3_ENDPOINT_URL.")
    return there


def list_manifests(store: Store) -> Iterator[Manifest | BackupError]:
    """The backups that the store holds, newest first; of one whose manifest cannot be read the reason."""
    for folder in reversed(folders(store)):
        try:
            yield read_manifest(store, folder)
        except BackupError as error:
            yield error


def find(store: Store, wanted: str | None, database: str | None) -> Manifest:
    """The backup of that id or folder; without one the newest, of `database` where one is named.

    Raises:
        BackupError: "not_found", "not_one"; see read_manifest.
    """
    there = folders(store)
    if wanted is not None:
        fit = [folder for folder in there if wanted == folder or folder.endswith(f"-{wanted}") or f"Z-{wanted}" in folder]
        if len(fit) != 1:
            told = "no backup" if not fit else "more than one backup"
            raise BackupError("not_found", f"{store.bucket} holds {told} {wanted} that was completed", LIST)
        return read_manifest(store, fit[0])
    found: dict[str, Manifest] = {}
    for one in list_manifests(store):
        if isinstance(one, BackupError):
            # The newest is what was asked for: an older one in its place would be a surprise.
            raise one
        if database in (None, one.database):
            found.setdefault(one.database, one)
            if database is not None:
                break
    if not found:
        of = f" of the database {database}" if database else ""
        raise BackupError("not_found", f"{store.bucket} holds no backup{of}", LIST)
    if len(found) > 1:
        raise BackupError("not_one", f"{store.bucket} holds backups of the databases {', '.join(sorted(found))}", f"Name one: {LIST}")
    return next(iter(found.values()))
