"""A job that Python cannot read fails alone: neither the worker nor what was claimed beside it suffers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
import pytest

from reelq.worker.handlers import no_op
from tests.worker.runnerkit import attempts, ended, enqueue, until, working

Conn = psycopg.Connection[Any]
WRITTEN = {
    "a number of 5,001 digits": "job_data = jsonb_build_object('sleep_s', ('1' || repeat('0', 5000))::numeric)",
    "3,000 levels": "job_data = jsonb_build_object('x', (repeat('[', 3000) || repeat(']', 3000))::jsonb)",
    "a year before Christ": "created_at = '0044-03-15 BC'",
}

TOLD = "select status, error_class, error_code, error_message from queue.processing_jobs where id = %s and status in ('completed', 'failed')"


def write_past_the_checks(conn: Conn, job_id: Any, change: str) -> None:
    """As a restore or an older release may have left it."""
    conn.execute("alter table queue.processing_jobs disable trigger user")
    conn.execute(f"update queue.processing_jobs set {change} where id = %s".encode(), [job_id])
    conn.execute("alter table queue.processing_jobs enable trigger user")


@pytest.mark.parametrize("what", WRITTEN)
@pytest.mark.parametrize("beside", [3, 200])
def test_an_unreadable_job_fails_alone_with_a_code(dsn: str, conn: Conn, tmp_path: Path, what: str, beside: int) -> None:
    """Also among so many small jobs that the next claim is on its way before this one's rows are read."""
    if beside == 200:
        conn.execute("update queue.job_types set batch = 200 where job_type = 'no_op'")
    others = [enqueue(conn) for _ in range(beside)]
    bad = enqueue(conn)
    write_past_the_checks(conn, bad, WRITTEN[what])
    with working(dsn, tmp_path, {"no_op": no_op}, slots=2) as worker:
        others += [enqueue(conn) for _ in range(beside)]
        told = until(lambda: conn.execute(TOLD, [bad]).fetchone(), "the job's end")
        assert {ended(conn, other)["status"] for other in others} == {"completed"}
        assert worker.code is None
    # Python 3.13 and newer read that deep; there the type's own check refuses it.
    codes = {"unreadable_job", "bad_job_data"} if what == "3,000 levels" else {"unreadable_job"}
    assert told[:2] == ("failed", "permanent") and told[2] in codes
    assert "digits" not in told[3], "a tenant is told no more than that"
    (attempt,) = attempts(conn, bad)
    assert attempt["outcome"] == "failed"
    assert told[2] == "bad_job_data" or "Error" in attempt["stack"], "operators are told what could not be read"
