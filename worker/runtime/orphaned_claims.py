"""Jobs that the queue gave us while the connection broke: leased to us, but the answer never arrived."""

from __future__ import annotations

import json
from collections.abc import Collection
from uuid import UUID

import structlog

from reelq.worker import db
from reelq.worker.rooms import queue
from reelq.worker.rooms.queue import reads

log = structlog.get_logger()


def release_orphaned_claims(conn: db.Connection, worker_id: str, held: Collection[tuple[UUID, int]]) -> None:
    """Release what the queue takes for ours and we do not hold; nobody is charged for it.

    Called after an outage, by the only thread that claims. Without it such a job would wait
    for its lease to run out, and count as a crash.
    """
    orphans = [one for one in reads.running_jobs(conn) if one.worker_id == worker_id and (one.job_id, one.token) not in held]
    if not orphans:
        return
    reason = {"outcome": "released", "message": "the answer to the claim never arrived"}
    items = [json.dumps({"job_id": str(one.job_id), "token": one.token, **reason}) for one in orphans]
    with db.family():
        told = {one.job_id: one.verdict for one in queue.settle_jobs(conn, worker_id, items)}
    for one in orphans:
        if told[one.job_id] == "ok":  # else it was rescued meanwhile
            log.info("orphan.released", job_id=str(one.job_id), attempt=one.token)
