"""What the tests of ops.health() ask, and a server that loses nothing in a crash."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from demo import postgres
from reelq.worker.db import schema
from tests.sql.queuekit import Queue

SETTINGS = {
    "max_prepared_transactions": "5",
    "autovacuum_freeze_max_age": "100000",  # the least
    "autovacuum_naptime": "1d",  # it is on, and stays out of the way
}


def health(queue: Queue, finding: str) -> list[tuple[str, str]]:
    """Level and detail of what is said about a subject, remedy added."""
    rows = queue.rows("select * from ops.health() where finding = %s", finding)
    assert all((row.level == "ok") or row.remedy for row in rows), "trouble without a remedy"
    return [(row.level, f"{row.detail} | {row.remedy}") for row in rows]


def only(queue: Queue, finding: str) -> tuple[str, str]:
    (row,) = health(queue, finding)
    return row


@pytest.fixture(scope="module")
def durable() -> Iterator[postgres.Server]:
    """A server as in production: durable, vacuumed."""
    with postgres.throwaway(settings=SETTINGS, durable=True) as server:
        with psycopg.connect(server.url(), autocommit=True) as conn:
            schema.install(conn)
        yield server


@pytest.fixture
def sound(durable: postgres.Server) -> Iterator[Queue]:
    """A session in its only database."""
    with psycopg.connect(durable.url(), autocommit=True) as conn:
        yield Queue(conn)
