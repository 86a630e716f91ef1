"""Sessions that wait for each other."""

from __future__ import annotations

import pytest

from tests.sql.queuekit import Queue, Race


@pytest.fixture
def queue(conn):
    return Queue(conn)


@pytest.fixture
def observer(connect):
    return Queue(connect())


@pytest.fixture
def maybe(connect, observer):
    """Begin a call that may have to wait."""
    return lambda call: Race(Queue(connect()), call).start_until_blocked_or_done(observer)


@pytest.fixture
def race(connect, observer):
    """Begin a call in a session of its own that has to wait."""

    def begin(call) -> Race:
        return Race(Queue(connect()), call).start_and_wait_until_blocked(observer)

    return begin
