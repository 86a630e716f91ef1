"""Jobs that the queue gave us while the connection broke: leased to us, but we never heard of it."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

import structlog

from worker import db, looks, queue
from worker.errors import LeaseLost

log = structlog.get_logger()


def release_strays(conn: db.Connection, worker_id: str, held: Collection[tuple[UUID, int]]) -> None:
    """Give back what the queue takes for ours and we do not hold; nobody is charged for it.

    Called after an outage, by the only thread that claims. Without it such a job would wait
    for its lease to run out, and count as a crash.
    """
    for one in looks.running_jobs(conn):
        if one.worker_id == worker_id and (one.job_id, one.token) not in held:
            try:
                with db.family():
                    queue.release_job(conn, one.job_id, one.token, "the claim was never heard of")
            except LeaseLost:
                continue  # taken back meanwhile
            log.info("stray.released", job_id=str(one.job_id), attempt=one.token)
