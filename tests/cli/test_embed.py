"""docs/embed.md: every program on it runs, by a role of an application, and prints what stands below it."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from tests.cli import embeddoc
from tests.worker.runnerkit import until

TEXT = embeddoc.PAGE.read_text(encoding="utf-8")
PROGRAMS = embeddoc.programs(TEXT)
DRIVERS = ["psycopg 3", "SQLAlchemy", "asyncpg", "Django"]


@pytest.fixture
def tenant(conn: psycopg.Connection) -> Iterator[str]:
    """The tenant of the page, in a database with the page's role and table."""
    yield embeddoc.prepare(TEXT, conn)
    conn.execute("drop owned by web")
    conn.execute("drop role web")


def test_the_page_shows_each_driver():
    assert [heading for heading in PROGRAMS if heading in DRIVERS] == DRIVERS


@pytest.mark.parametrize("heading", PROGRAMS)
def test_a_program_prints_what_the_page_says(conn, dsn, tenant, heading):
    program, shown = PROGRAMS[heading]
    conn.execute(embeddoc.before(TEXT).get(heading, ""))
    told = embeddoc.run(program, embeddoc.as_web(dsn), tenant)
    assert embeddoc.alike(told) == embeddoc.alike(shown.text), "run: python -m tools.pages embed"


@pytest.mark.parametrize("heading", DRIVERS)
def test_the_talk_and_its_job_came_together_and_the_other_two_went_together(conn, dsn, tenant, heading):
    embeddoc.run(PROGRAMS[heading][0], embeddoc.as_web(dsn), tenant)
    assert conn.execute("select title from public.talks").fetchall() == [("Keynote",)]
    (job,) = conn.execute("select tenant_id::text, job_type, job_data, idempotency_key, status from queue.processing_jobs").fetchall()
    (talk,) = conn.execute("select id from public.talks").fetchone()
    assert job == (tenant, "no_op", {"sleep_s": 1}, f"talk {talk}", "queued")


@pytest.mark.parametrize("heading", DRIVERS)
def test_a_program_says_read_committed_itself(conn, dsn, tenant, heading):
    """The default of the role is another level, at which the queue refuses to work."""
    conn.execute("alter role web set default_transaction_isolation = 'serializable'")
    assert embeddoc.run(PROGRAMS[heading][0], embeddoc.as_web(dsn), tenant).startswith("enqueued ")


def test_a_program_that_listens_is_told_at_once(conn, dsn, tenant):
    """The events come when it listens already: it would look again after ten seconds, and is done before."""
    program, shown = PROGRAMS["Follow what happens"]
    program = program.replace("timeout=10", "timeout=600")
    with ThreadPoolExecutor() as pool:
        told = pool.submit(embeddoc.run, program, embeddoc.as_web(dsn), tenant)
        until(lambda: conn.execute("select exists (select from pg_stat_activity where usename = 'web' and state = 'idle' and query ~* '^commit')").fetchone()[0], "the program to listen")
        conn.execute(embeddoc.before(TEXT)["Follow what happens"])
        assert told.result(60) == shown.text
