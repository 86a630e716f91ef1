"""The object store: it is the one that the database knows, and a probe is put, read back, listed and removed."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg

from reelq.worker import db
from reelq.worker.doctor.checks.disk import existing
from reelq.worker.doctor.checks.findings import Finding, host
from reelq.worker.errors import JobError, ReelqError
from reelq.worker.rooms import media
from reelq.worker.settings import Settings
from reelq.worker.stores.folder import FolderStore
from reelq.worker.stores.open import check_holds_something, open_store
from reelq.worker.stores.remedies import accept, remedy

NAME = "reelq doctor store"


def check(settings: Settings) -> Iterator[Finding]:
    """Whether workers can keep what they make, and find what they made."""
    known = None
    try:
        store = open_store(settings)
        known = what_is_known(settings, store.bucket)
        if isinstance(store, FolderStore) and not store.root.is_dir():
            yield missing(store.root, known is not None and known.has_objects)
            return
        store.may_adopt = False
        if known is not None:
            store.expected = known.mark
            if known.mark is None and known.has_objects:
                check_holds_something(store)
        began = time.monotonic()
        store.check()
    except JobError as error:
        detail = f"{settings.store}: {error}" + (f" ({error.detail})" if error.detail else "")
        yield host("bad", "store", detail, remedy(error.code, settings.store, error.detail))
    except ReelqError as error:
        yield host("bad", "store", f"{settings.store}: {error}", "Mend REELQ_STORE.")
    else:
        told = f"{store.bucket}: put, read back and removed in {time.monotonic() - began:.2f} s"
        mark = "" if known is None else "; it is the one that the database knows" if known.mark else "; no worker has used it yet"
        yield host("ok", "store", told + mark)


def what_is_known(settings: Settings, bucket: str) -> media.KnownStore | None:
    """What the database knows of the store; None when it does not tell, which others find."""
    try:
        with db.family(), db.connect(settings, NAME) as conn:
            return media.find_store(conn, bucket)
    except (ReelqError, psycopg.Error):
        return None


def missing(root: Path, is_known: bool) -> Finding:
    """A folder that the first put would make; on more than one host rather a share that is not mounted."""
    if is_known:
        detail = f"{root} is not there, and the database knows of objects in it: workers that use it claim nothing"
        return host("bad", "store", detail, f"Is a share not mounted? {accept(f'file://{root}')}")
    above = existing(root)
    if os.access(above, os.W_OK | os.X_OK):
        advice = f"Is a share not mounted? If this is to be the only host: mkdir -p {root}"
        return host("warn", "store", f"{root} is not there; the first put makes it", advice)
    advice = f"mkdir -p {root}, owned by the account that runs workers"
    return host("bad", "store", f"{root} is not there, and {above} cannot be written", advice)
