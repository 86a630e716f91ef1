"""Times that people type: in the host's zone without an offset, and never too early where clocks change."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import click
import pytest

from reelq.cli.app import Ago, Moment, parse_time


@pytest.fixture
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The host's zone."""
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("zone", "text", "moment"),
    [
        ("Europe/Berlin", "2027-03-28T01:59", "2027-03-28T00:59Z"),
        ("Europe/Berlin", "2027-03-28T02:00", "2027-03-28T01:00Z"),  # the clock leaves it out: 03:00
        ("Europe/Berlin", "2027-03-28T02:30", "2027-03-28T01:30Z"),  # 03:30
        ("Europe/Berlin", "2027-03-28T03:00", "2027-03-28T01:00Z"),
        ("Europe/Berlin", "2027-10-31T01:59", "2027-10-30T23:59Z"),
        ("Europe/Berlin", "2027-10-31T02:30", "2027-10-31T01:30Z"),  # it comes twice: the second
        ("Europe/Berlin", "2027-10-31T03:00", "2027-10-31T02:00Z"),
        ("Europe/Berlin", "2027-03-28T02:30+01:00", "2027-03-28T01:30Z"),  # an offset says which
        ("Europe/Berlin", "2027-10-31T02:30+02:00", "2027-10-31T00:30Z"),
        ("Europe/Berlin", "2027-03-28", "2027-03-27T23:00Z"),
        ("Australia/Lord_Howe", "2027-10-03T02:15", "2027-10-02T15:45Z"),  # a jump of half an hour: 02:45
        ("UTC", "2027-03-28T02:30", "2027-03-28T02:30Z"),
    ],
    indirect=["zone"],
)  # fmt: skip
@pytest.mark.usefixtures("zone")
def test_a_time_is_never_too_early_where_clocks_change(text: str, moment: str) -> None:
    """--at, --since, --until and reschedule read it alike."""
    wanted = datetime.fromisoformat(moment)
    assert parse_time(text).astimezone(UTC) == wanted
    for kind in (Moment(), Ago()):
        assert kind.convert(text, None, None).astimezone(UTC) == wanted


@pytest.mark.parametrize(
    ("zone", "text"),
    [
        ("UTC", "tomorrow"),
        ("UTC", ""),
        ("UTC", "2027-13-01"),
        ("Asia/Tokyo", "0001-01-01"),  # the zone moves it out of the calendar
        ("America/New_York", "9999-12-31T23:59"),
    ],
    indirect=["zone"],
)
@pytest.mark.usefixtures("zone")
def test_what_is_no_time_is_refused_in_a_line(text: str) -> None:
    """With what it must be."""
    for kind in (Moment(), Ago()):
        with pytest.raises(click.BadParameter, match=r"must be a time such as .*, not "):
            kind.convert(text, None, None)
