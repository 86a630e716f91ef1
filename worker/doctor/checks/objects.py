"""The object stores: each is the one that the database knows, and a probe is put, read back, listed and removed."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
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
AT_ONCE = 8  # buckets of tenants: a store that is away takes a minute to say so


def check(settings: Settings) -> Iterator[Finding]:
    """Whether workers can keep what they make, and find what they made."""
    yield from look(settings, "store")


def check_tenants(settings: Settings) -> Iterator[Finding]:
    """The buckets of tenants, which hold what is made for them."""
    try:
        with db.family(), db.connect(settings, NAME) as conn:
            found = media.list_tenant_stores(conn)
    except (ReelqError, psycopg.Error):
        return  # others find why
    with ThreadPoolExecutor(AT_ONCE, "stores") as threads:
        looks = threads.map(lambda one: list(look(of_bucket(settings, one.bucket, one.region), f"store of {one.tenant}")), found)
        yield from (finding for look in looks for finding in look)


def of_bucket(settings: Settings, bucket: str, region: str) -> Settings:
    """The settings for that store."""
    return replace(settings, store=bucket, s3_region=region)


def look(settings: Settings, finding: str) -> Iterator[Finding]:
    """Try the store of these settings; `finding` is what the line is called."""
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
        yield host("bad", finding, detail, remedy(error.code, settings.store, error.detail))
    except ReelqError as error:
        yield host("bad", finding, f"{settings.store}: {error}", "Mend REELQ_STORE.")
    else:
        told = f"{store.bucket}: put, read back and removed in {time.monotonic() - began:.2f} s"
        mark = "" if known is None else "; it is the one that the database knows" if known.mark else "; no worker has used it yet"
        yield host("ok", finding, told + mark)


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
