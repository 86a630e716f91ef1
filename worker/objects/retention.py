"""Delete the rows of what is due, a small transaction at a time. SQL says what is due; killed anywhere, the next run goes on."""

from __future__ import annotations

from dataclasses import dataclass

from reelq.worker.db.rows import Connection
from reelq.worker.rooms import media_kept


@dataclass(frozen=True, slots=True)
class Retained:
    """What a run did."""

    videos: int  # soft-deleted ones, deleted for good
    assets: int  # files whose retention had ended
    tenants: int  # deleted ones of which nothing is left
    objects_left: int  # of deleted tenants: the sweep has to delete their bytes first


def run(conn: Connection) -> Retained:
    """Do all that is due."""
    videos = assets = tenants = 0
    while gone := media_kept.purge_videos(conn):
        videos += gone
    while (expired := media_kept.expire_assets(conn)) != 0:
        assets += expired or 0
    while True:
        step = media_kept.purge_tenants(conn)
        tenants += step.tenants
        if not step.tenants and not step.rows_gone:
            return Retained(videos, assets, tenants, step.objects_left)
