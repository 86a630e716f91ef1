"""The object store: a probe under a key of its own is put, read back, listed and removed."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

from reelq.worker.doctor.checks.disk import existing
from reelq.worker.doctor.checks.findings import Finding, host
from reelq.worker.errors import JobError, ReelqError
from reelq.worker.settings import Settings
from reelq.worker.stores.folder import FolderStore
from reelq.worker.stores.open import open_store
from reelq.worker.stores.remedies import remedy


def check(settings: Settings) -> Iterator[Finding]:
    """Whether workers can keep what they make."""
    try:
        store = open_store(settings)
        if isinstance(store, FolderStore) and not store.root.is_dir():
            yield missing(store.root)
            return
        store.may_adopt = False
        began = time.monotonic()
        store.check()
    except JobError as error:
        detail = f"{settings.store}: {error}" + (f" ({error.detail})" if error.detail else "")
        yield host("bad", "store", detail, remedy(error.code))
    except ReelqError as error:
        yield host("bad", "store", f"{settings.store}: {error}", "Mend REELQ_STORE.")
    else:
        yield host("ok", "store", f"{store.bucket}: put, read back and removed in {time.monotonic() - began:.2f} s")


def missing(root: Path) -> Finding:
    """A folder that the first put would make; on more than one host rather a share that is not mounted."""
    above = existing(root)
    if os.access(above, os.W_OK | os.X_OK):
        advice = f"Is a share not mounted? If this is to be the only host: mkdir -p {root}"
        return host("warn", "store", f"{root} is not there; the first put makes it", advice)
    advice = f"mkdir -p {root}, owned by the account that runs workers"
    return host("bad", "store", f"{root} is not there, and {above} cannot be written", advice)
