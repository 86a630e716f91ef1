"""--until-idle: whether anything is left that this worker might still do."""

from __future__ import annotations

from collections.abc import Collection

from reelq.worker import db
from reelq.worker.rooms.queue import reads


def nothing_left(conn: db.Connection, types: Collection[str], *, waited: bool) -> bool:
    """True when nothing of these types runs, is due soon, or waits for a job that runs.

    Called when a full look gave nothing and no job is in flight, so what is ready is for others
    (another capability or weight). `waited`: nothing was claimed or ended for so long that what is still
    scheduled is not due soon.
    """
    depth = reads.depth(conn)
    mine = [one for one in depth if one.job_type in types]
    if any(one.running for one in mine) or (not waited and any(one.scheduled for one in mine)):
        return False
    return not (any(one.blocked for one in mine) and any(one.running for one in depth))
