"""Logs of attempts: with the attempt, into the history, bounded, and for operators."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.sql.queuekit import Queue
from tests.sql.rolekit import Tenant, open_as


@pytest.fixture
def queue(conn):
    return Queue(conn)


def complete(queue, job, log):
    queue.conn.execute("select queue.complete_job(%s, %s, '{}', %s)", [job.job_id, job.token, Jsonb({"log": log})])


def logs(queue, job_id):
    return [(row.attempt, row.outcome, row.log) for row in queue.rows("select * from queue.job_logs(%s)", job_id)]


def test_every_way_to_end_keeps_the_log(queue, clock):
    clock.set(queue.value("select now()"))
    job_id = queue.add()
    queue.worker()
    for number, outcome in enumerate(["snoozed", "released", "failed"], 1):
        (job,) = queue.claim()
        end = {"job_id": str(job_id), "token": job.token, "outcome": outcome, "log": f"log {number}", "retry_after_s": 0}
        queue.conn.execute("select * from queue.settle_jobs('w1', %s)", [Jsonb([end | {"error_class": "transient", "code": "oops"}])])
        clock.forward(timedelta(seconds=1))
    assert logs(queue, job_id) == [(1, "snoozed", "log 1"), (2, "released", "log 2"), (3, "retried", "log 3")]


def test_a_log_goes_to_the_history_and_away_with_the_job(queue, clock):
    job_id = queue.add()
    complete(queue, queue.take(), "x" * 50_000)
    assert len(logs(queue, job_id)[0][2]) == 32_000
    clock.forward(timedelta(days=40))
    assert queue.value("select queue.archive_jobs()") == 1
    assert len(logs(queue, job_id)[0][2]) == 32_000
    shown = queue.value("select queue.show_job(%s)", job_id)["attempts_history"]
    assert shown[0]["has_log"] and "log" not in shown[0]


@pytest.mark.parametrize("way", ["fail_job", "settle_jobs"])
def test_what_is_too_long_is_cut_with_a_mark_whoever_writes(queue, way):
    """Ten megabytes each, which a client of SQL may send: the end is kept."""
    job_id = queue.add()
    job = queue.take()
    huge = "ä" * 10_000_000 + "the end"
    facts = {"stack": huge, "stderr": huge, "log": huge}
    if way == "fail_job":
        queue.fail(job, "permanent", **facts)
    else:
        end = {"job_id": str(job_id), "token": job.token, "outcome": "failed", "error_class": "permanent", "code": "oops"}
        queue.conn.execute("select * from queue.settle_jobs('w1', %s)", [Jsonb([end | facts])])
    (kept,) = queue.rows("select stack, stderr_tail, log from queue.job_attempts where job_id = %s", job_id)
    for text, most in zip(kept, (16_000, 16_000, 32_000), strict=True):
        assert len(text) == most and text.endswith("äthe end")
        assert text.startswith("… (10000007 characters in all, of which these are the last)\nä")


@pytest.mark.parametrize(("length", "told"), [(0, ""), (100, "x" * 100), (101, "… (101 characters in all, of which these are the last)\n" + "x" * 45)])
def test_a_text_that_fits_stays_as_it_is(queue, length, told):
    assert queue.value("select queue.cut_text(%s, 100)", "x" * length) == told
    assert queue.value("select queue.cut_text(null, 100)") is None


def test_the_latest_twenty_are_kept(queue):
    job_id = queue.add()
    for number in range(1, 23):
        job = queue.take()
        queue.fail(job, "rate_limited", log=f"log {number}", retry_after_s=0)
    kept = [attempt for attempt, _, log in logs(queue, job_id) if log]
    assert kept == list(range(3, 23))


def test_logs_are_for_operators_and_unknown_attempts_are_told(queue, conn, connect):
    tenant = Tenant(conn, "acme")
    job_id = queue.add(tenant_id=tenant.id)
    complete(queue, queue.take(), "log")
    for role in ("reelq_worker", "reelq_readonly", "reelq_app"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            open_as(connect, role, tenant).execute("select * from queue.job_logs(%s)", [job_id])
    assert open_as(connect, "reelq_worker").execute("select log from queue.job_logs(%s)", [job_id]).fetchall() == [("log",)]
    with pytest.raises(psycopg.Error, match="attempt 2 of job .* must have ended") as refused:
        queue.rows("select * from queue.job_logs(%s, 2)", job_id)
    assert refused.value.diag.message_hint == "Ended: 1"
    with pytest.raises(psycopg.Error, match="no job"):
        queue.rows("select * from queue.job_logs(%s)", uuid4())
