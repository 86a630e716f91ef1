"""What a look with fresh eyes found: wake-ups, units of limits, and who waits for whose open transaction."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.sql.queuekit import Queue, Race
from tests.sql.rolekit import PERMISSION_DENIED, Tenant, open_as


@pytest.fixture
def queue(conn):
    conn.execute("set statement_timeout = '20s'")
    return Queue(conn)


@pytest.fixture
def engineer(connect):
    """Somebody at psql who forgets to commit."""
    return Queue(connect())


@pytest.fixture
def worker(connect):
    """A worker's session, which must never wait."""
    conn = connect()
    conn.execute("set lock_timeout = '500ms'")
    return Queue(conn)


@pytest.fixture
def acme(conn):
    return Tenant(conn, "acme")


def used(queue, key):
    return queue.value("select used from queue.list_limits() where limit_key = %s", key)


def test_a_key_for_an_asset_finds_the_first_job(queue, acme):
    first = queue.add(asset_id=acme.asset, idempotency_key="k")
    assert queue.add(asset_id=acme.asset, idempotency_key="k") == first
    (row,) = queue.rows(
        "select * from queue.enqueue_jobs(%s)", Jsonb([{"job_type": "no_op", "asset_id": str(acme.asset), "idempotency_key": "k"}])
    )
    assert (row.job_id, row.is_new) == (first, False)


def test_a_key_stands_once_a_call_whichever_way_its_tenant_is_named(queue, acme):
    for other in ({"tenant_id": str(acme.id)}, {"tenant_id": str(acme.id).upper()}, {"asset_id": str(acme.asset)}):
        specs = [{"job_type": "no_op", "video_id": str(acme.video), "idempotency_key": "k"}, {"job_type": "no_op", "idempotency_key": "k", **other}]
        with pytest.raises(psycopg.Error) as error:
            queue.rows("select * from queue.enqueue_jobs(%s)", Jsonb(specs))
        assert error.value.sqlstate == "RQ008"


def test_a_bad_id_beside_a_key_is_a_bad_argument(queue):
    with pytest.raises(psycopg.Error) as error:
        queue.rows("select * from queue.enqueue_jobs(%s)", Jsonb([{"job_type": "no_op", "tenant_id": "acme", "idempotency_key": "k"}]))
    assert error.value.sqlstate == "RQ008"


def test_a_job_that_fans_out_into_itself_does_not_hang_who_waits_for_it(queue):
    queue.add(idempotency_key="a")
    job = queue.take()
    queue.rows("select * from queue.spawn_jobs(%s, %s, %s)", job.job_id, job.token, Jsonb([{"job_type": "no_op", "idempotency_key": "a"}]))
    child = queue.add(depends_on=[job.job_id])
    queue.complete(job)
    assert queue.place(child) == "ready"


def test_jobs_that_fan_out_into_one_another_do_not_hang_who_waits_for_them(queue):
    queue.add(idempotency_key="a")
    first = queue.take()
    queue.rows("select * from queue.spawn_jobs(%s, %s, %s)", first.job_id, first.token, Jsonb([{"job_type": "no_op", "idempotency_key": "b"}]))
    second = queue.take()
    queue.rows("select * from queue.spawn_jobs(%s, %s, %s)", second.job_id, second.token, Jsonb([{"job_type": "no_op", "idempotency_key": "a"}]))
    child = queue.add(depends_on=[first.job_id])
    queue.complete(first)
    assert queue.place(child) == "blocked"
    queue.complete(second)
    assert queue.place(child) == "ready"
