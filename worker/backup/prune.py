"""Remove backups that are older than they are kept, and what failed ones have left."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from reelq.worker import db
from reelq.worker.backup import manifest as manifests
from reelq.worker.backup import places
from reelq.worker.db import schema
from reelq.worker.rooms.ops import backups
from reelq.worker.settings import Settings
from reelq.worker.stores.base import LEFTOVER_AGE_S

NAME = "reelq backup prune"


@dataclass(frozen=True, slots=True)
class Pruned:
    """A backup whose bytes are gone."""

    id: str
    status: str
    began_at: str
    objects: int


def prune(settings: Settings, keep: timedelta | None = None, *, dry_run: bool = False) -> list[Pruned]:
    """Remove them; those that were, or would be. Never the last one that was verified, nor the last one.

    Raises:
        DatabaseAway.
        BackupError: "store_away", it is not the store that the backups are in.
        TransientError: of the store.
    """
    store = places.open_backups(settings)
    done = []
    with db.connect(settings, NAME, direct=True) as conn:
        schema.require(conn)
        marks = [one.store_mark for one in backups.list_backups(conn, everything=True) if one.bucket == store.bucket and one.store_mark]
        found = backups.to_prune(conn, store.bucket, keep if keep is not None else timedelta(seconds=settings.backup_keep))
        if found and not dry_run:
            places.check_mark(store, marks[0] if marks else None)
        for one in found:
            folder = one.key.partition("/")[0]
            # The manifest first: from here on nobody takes what is left for a backup.
            keys = sorted(store.list(f"{folder}/"), key=lambda key: not key.endswith(manifests.NAME))
            if not dry_run:
                for key in keys:
                    store.delete(key)
                backups.note_pruned(conn, one.id)
            done.append(Pruned(str(one.id), one.status, one.began_at.isoformat(), len(keys)))
    if marks and not dry_run:
        # Parts of uploads that were killed; none of a backup that still runs.
        store.sweep(max(LEFTOVER_AGE_S, 2 * settings.backup_timeout))
    return done
