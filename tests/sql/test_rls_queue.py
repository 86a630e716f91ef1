"""An application and the queue: its own tenant, and nobody else."""

from __future__ import annotations

from functools import partial
from uuid import uuid4

import psycopg
import pytest

from tests.conftest import Connect
from tests.sql.mediakit import Conn, refused, scalar
from tests.sql.rolekit import PERMISSION_DENIED, Become, Tenant, open_as


@pytest.fixture
def acme(conn: Conn) -> Tenant:
    """One tenant."""
    return Tenant(conn, "acme")


@pytest.fixture
def rival(conn: Conn) -> Tenant:
    """Another one."""
    return Tenant(conn, "rival")


@pytest.fixture
def become(connect: Connect) -> Become:
    """Open a connection as a role, for a tenant."""
    return partial(open_as, connect)


def test_an_application_enqueues_for_its_own_tenant_alone(become: Become, acme: Tenant, rival: Tenant) -> None:
    """By function and by plain INSERT; another tenant's video is not there for it."""
    conn = become("reelq_app", acme)
    by_function = scalar(conn, "select queue.enqueue_job('no_op', video_id => %s)", acme.video)
    conn.execute("insert into queue.processing_jobs (job_type, video_id) values ('no_op', %s)", [acme.video])

    assert refused(conn, "select queue.enqueue_job('no_op', video_id => %s)", rival.video) == "RQ004"
    assert refused(conn, "insert into queue.processing_jobs (job_type, video_id) values ('no_op', %s)", rival.video) == "RQ004"
    assert refused(conn, "select queue.enqueue_job('no_op', tenant_id => %s)", rival.id) == "RQ004"
    assert conn.execute("select distinct tenant_id from queue.processing_jobs").fetchall() == [(acme.id,)]
    assert scalar(conn, "select count(*) from queue.list_jobs()") == 2
    assert scalar(conn, "select queue.show_job(%s) ->> 'status'", by_function) == "queued"
    assert refused(conn, "update queue.processing_jobs set priority = 1") == PERMISSION_DENIED


@pytest.mark.parametrize("named", ["another", "unknown", "none", "nobody"])
def test_a_plain_insert_for_another_or_for_no_tenant_is_refused_in_words(become: Become, acme: Tenant, rival: Tenant, named: str) -> None:
    """As queue.enqueue_job refuses it, with one code and a hint; whether the other tenant is there is not told."""
    conn = become("reelq_app", None if named == "nobody" else acme)
    tenant = {"another": rival.id, "nobody": acme.id, "unknown": uuid4(), "none": None}[named]
    if named == "none":
        conn.execute("select set_config('reelq.tenant_id', 'acme', false)")
    told = []
    for statement in (
        "insert into queue.processing_jobs (job_type, tenant_id) values ('no_op', %s)",
        "insert into queue.processing_jobs (job_type, tenant_id) select 'no_op', %s from generate_series(1, 3)",
        "select queue.enqueue_job('no_op', tenant_id => %s)",
    ):
        with pytest.raises(psycopg.Error) as error:
            conn.execute(statement, [tenant])
        diag = error.value.diag
        assert len((diag.context or "").splitlines()) <= 3
        told.append((diag.sqlstate, diag.message_primary, diag.message_hint))
    assert set(told) == {("RQ004", f"tenant must be your own, not {tenant or 'null'}", "Set reelq.tenant_id to your own tenant.")}


def test_an_application_cannot_touch_or_see_another_tenant_s_job(
    connect: Connect, become: Become, acme: Tenant, rival: Tenant
) -> None:
    """Cancel, retry, show: the same answer as for a job that never was."""
    job = scalar(connect(), "select queue.enqueue_job('no_op', video_id => %s)", rival.video)
    conn = become("reelq_app", acme)
    for call in ("cancel_job", "retry_job", "show_job"):
        assert refused(conn, f"select queue.{call}(%s)", job) == "RQ004", call
    assert scalar(conn, "select count(*) from queue.list_jobs()") == 0
    assert scalar(conn, "select count(*) from queue.processing_jobs") == 0


def test_an_application_ingests_into_its_own_tenant(become: Become, acme: Tenant, rival: Tenant) -> None:
    """The video, its asset and all jobs of the pipeline are the tenant's."""
    conn = become("reelq_app", acme)
    video = scalar(conn, "select queue.ingest_video('https://example.com/a.mp4', 'acme')")
    assert scalar(conn, "select tenant_id from media.videos where id = %s", video) == acme.id
    assert scalar(conn, "select count(*) > 0 from queue.processing_jobs where video_id = %s", video)
    assert refused(conn, "select queue.ingest_video('https://example.com/a.mp4', 'rival')") == "RQ004"
