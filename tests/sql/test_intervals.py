"""Intervals as a real server prints them in each of the four styles: psycopg reads one, our connections read all."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from demo import postgres
from reelq.worker.db import text

Conn = psycopg.Connection[Any]
STYLES = ("postgres", "postgres_verbose", "sql_standard", "iso_8601")

# Each part has a sign of its own; the corners are zeros, single units and fractions.
PARTS = some.tuples(
    some.integers(-2, 2) | some.integers(-30_000, 30_000),  # months
    some.integers(-2, 2) | some.integers(-100_000, 100_000),  # days
    some.integers(-2_000_001, 2_000_001) | some.sampled_from([60, 3600, 86_400]).map(lambda s: s * 1_000_000) | some.integers(-(10**16), 10**16),
)


@pytest.fixture
def asked(pg_server: postgres.Server) -> Iterator[Conn]:
    """A connection that is made as ours are."""
    with psycopg.connect(pg_server.url(), autocommit=True) as conn:
        text.prepare(conn)
        yield conn


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parts=PARTS)
def test_all_styles_are_read_as_what_psycopg_reads_in_binary(asked: Conn, parts: tuple[int, int, int]) -> None:
    given = "select make_interval(months => %s, days => %s) + %s * interval '1 microsecond' as it"
    meant = asked.cursor(binary=True).execute(given, parts).fetchone()
    told = {}
    for style in STYLES:
        asked.execute(f"set intervalstyle = '{style}'".encode())
        told[style] = asked.execute(given, parts).fetchone()
    assert told == dict.fromkeys(STYLES, meant)


@pytest.mark.parametrize("style", STYLES)
def test_intervals_in_arrays_and_null_are_read_too(asked: Conn, style: str) -> None:
    asked.execute(f"set intervalstyle = '{style}'".encode())
    given = "select array['1 day -00:00:00.5'::interval, null], '-1 min'::interval, null::interval"
    assert asked.execute(given).fetchone() == ([timedelta(days=1, seconds=-0.5), None], timedelta(minutes=-1), None)


@pytest.mark.parametrize("style", STYLES)
def test_what_python_cannot_hold_is_a_data_error_and_nothing_else(asked: Conn, style: str) -> None:
    asked.execute(f"set intervalstyle = '{style}'".encode())
    too_much = ["178000000 years"] + (["infinity", "-infinity"] if asked.info.server_version >= 170000 else [])
    for one in too_much:
        with pytest.raises(psycopg.DataError, match="can't parse interval"):
            asked.execute("select %s::interval", [one]).fetchone()
