"""Erase a user: SQL decides what goes and in which order, this moves the bytes. Killed at any moment, the next run goes on.

The objects of a file go before its rows, so that rows say what is left to do. The register (media.objects) has those of attempts that failed or were
overtaken too; what lies under the file's prefix without a row, as a worker of 0.1.0 left it, goes as well. What other files are made of too stays.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from uuid import UUID

from reelq.worker.db.rows import Connection
from reelq.worker.errors import TRY_AGAIN, ReelqError
from reelq.worker.personal.known import KnownStores
from reelq.worker.rooms.ops import personal
from reelq.worker.settings import Settings

FILES = 50  # of a transaction: with the jobs and history of each some hundred milliseconds
LOOK_S = 0.5  # between two looks whether running jobs have stopped


class StillRunning(ReelqError):
    """Jobs of the user did not stop in time; the erasure goes on when it is called again."""

    exit_code = TRY_AGAIN
    hint = "They were told to stop. A worker that is gone is noticed when its lease ends. Run it again."


def erase(
    conn: Connection, settings: Settings, erasure_id: UUID, wait_s: float, tell: Callable[[personal.Step], None] = lambda _: None
) -> None:
    """Go on with an erasure until it is done.

    Raises:
        StillRunning: jobs run after `wait_s` seconds.
        TransientError: of the store; nothing of what it holds has left the rows.
    """
    stores = KnownStores(conn, settings)
    until = None
    while True:
        step = personal.erase_rows(conn, erasure_id)
        tell(step)
        if step.step == "completed":
            return
        if step.step == "objects":
            erase_files(conn, stores, settings.store, erasure_id)
        if step.step == "running":
            until = until or time.monotonic() + wait_s
            if time.monotonic() >= until:
                raise StillRunning(f"{step.running} of the user's jobs must end first, and run after {wait_s:.0f} s")
            time.sleep(LOOK_S)
        else:
            until = None


def erase_files(conn: Connection, stores: KnownStores, common: str, erasure_id: UUID) -> None:
    """Some files: their bytes, then their rows.

    Raises:
        TransientError: of a store; then the rows are all there.
    """
    found = personal.objects_to_erase(conn, erasure_id, FILES)
    assets = sorted(one.asset_id for one in found if one.asset_id is not None)
    prefixes = sorted(one.prefix for one in found if one.prefix is not None)
    keys: dict[str, set[str]] = {}
    for one in found:
        if one.bucket is not None and one.key is not None:
            keys.setdefault(one.bucket, set()).add(one.key)
    # A file that no row has an object of may have some all the same, in the common store.
    gone = kept = 0
    for bucket in sorted({*keys, common}):
        store = stores.find(bucket)
        if store is None:
            continue
        named = keys.get(bucket, set())
        for prefix in prefixes:
            named.update(store.list(prefix))
        if not named:
            continue
        used = personal.keys_in_use(conn, bucket, sorted(named))
        for key in sorted(named - used):
            store.delete(key)
        gone, kept = gone + len(named - used), kept + len(used)
    personal.erase_assets(conn, erasure_id, assets, gone, kept)
