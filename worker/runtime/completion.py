"""The transaction that completes a job: the fence first, then what the handler makes visible, all or nothing.

The connection is ours, and a handler's writes may do with it what they like. So after each the transaction is looked at, at
the end the session is put back as it was, and after a failure the connection is closed and not lent again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus

from reelq.worker import errors
from reelq.worker.db import TRY_AGAIN, Connection
from reelq.worker.errors import JobError, LeaseLost, PermanentError, QueueError, TransientError
from reelq.worker.rooms import queue
from reelq.worker.rooms.queue.jobs import ClaimedJob

# Within the transaction, so that it holds behind a pooler too. DISCARD ALL may not stand there, and would drop all plans.
RESET = """
    reset session authorization; reset all; close all; deallocate all; unlisten *; discard temp; select pg_advisory_unlock_all()
"""
# What a write may have set on the connection.
KEPT = ("row_factory", "cursor_factory", "server_cursor_factory", "prepare_threshold")

Write = Callable[[Connection], object]


class WriteFailed(Exception):
    """A handler's write failed, and with it the transaction. `may_pass`: the same may succeed when it is done again."""

    def __init__(self, error: BaseException, *, may_pass: bool) -> None:
        super().__init__(str(type(error)))
        self.error = error
        self.may_pass = may_pass


def complete(conn: Connection, job: ClaimedJob, result: dict[str, Any], costs: dict[str, Any], writes: Sequence[Write]) -> None:
    """Complete the job and run the handler's writes, in one transaction.

    Raises:
        LeaseLost: the job is not ours.
        WriteFailed: one of the writes is to blame.
        psycopg.Error: neither; the connection is lost, or the queue refuses.
    """
    kept = {name: getattr(conn, name) for name in KEPT}
    is_ours = True  # nothing of the handler's has been done yet
    try:
        with conn.transaction():
            queue.complete_job(conn, job.job_id, job.token, result, costs)
            is_ours = False
            for write in writes:
                write(conn)
                _check(conn)
            for name, value in kept.items():
                setattr(conn, name, value)
            conn.execute(RESET, prepare=False)
    except BaseException as error:  # SystemExit too
        lost = conn.broken
        conn.close()
        if is_ours:
            raise
        raise WriteFailed(_own(error, lost), may_pass=lost or getattr(error, "sqlstate", None) in TRY_AGAIN) from error
    conn.adapters.__init__(psycopg.adapters)  # type: ignore[misc]  # as on a new connection


def _check(conn: Connection) -> None:
    """A write has returned: whether the transaction can still be committed, and is still the one that completes the job."""
    status = conn.info.transaction_status
    if status is TransactionStatus.INERROR:
        raise TransientError(
            "write_failed",
            "A statement that the handler runs on completion failed; the handler must not catch that error outside a savepoint.",
        )
    if status is not TransactionStatus.INTRANS:
        raise PermanentError(
            "write_ended_transaction",
            "What the handler writes on completion must not commit, roll back or close the connection.",
        )


def _own(error: BaseException, lost: bool) -> BaseException:
    """The error as the handler's: an answer of the queue is of our family, what its own connection says is not."""
    if isinstance(error, psycopg.Error):
        ours = errors.from_database(error)
        if lost or (isinstance(ours, QueueError) and not isinstance(ours, LeaseLost)):
            return ours or error
    if isinstance(error, LeaseLost):  # of a call under the token: the job is completed already, as seen from within
        message = "What the handler writes on completion must not be a write under the job's token."
        return JobError("write_after_completion", message)
    return error
