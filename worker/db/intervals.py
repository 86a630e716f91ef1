"""Intervals as any server prints them: what psycopg reads only where IntervalStyle is `postgres`.

Our sessions set it (connection.py), and a transaction pooler forgets such a setting. The text itself says which of the four styles it
has, so nothing is asked of the session, whose parameters a pooler may tell wrongly. (DateStyle needs none of this: text.py.)
"""

from __future__ import annotations

import re
from datetime import timedelta

import psycopg
from psycopg.abc import Buffer
from psycopg.adapt import Loader

YEAR, MONTH = 365, 30  # days, as psycopg counts them
CLOCK = r"(?P<time>[-+]?)(?P<hours>\d+):(?P<minutes>\d+):(?P<seconds>\d+)(?:\.(?P<fraction>\d+))?"
# 1 year 2 mons -3 days +04:05:06.7, and so that one part is there
POSTGRES = re.compile(
    rf"(?=.)(?:(?P<years>[-+]?\d+) years?(?: |$))?(?:(?P<months>[-+]?\d+) mons?(?: |$))?(?:(?P<days>[-+]?\d+) days?(?: |$))?(?:{CLOCK})?", re.ASCII
)
# 1-2; 3 4:05:06.7; 4:05:06.7: one sign before it is that of the whole. With mixed signs or all fields: +1-2 -3 +4:05:06.7. Nothing at all: 0
SQL_WHOLE = re.compile(rf"(?P<whole>[-+]?)(?:(?P<years>\d+)-(?P<months>\d+)|(?P<days>\d+) {CLOCK}|0)", re.ASCII)
SQL_MIXED = re.compile(rf"(?P<year_month>[-+])(?P<years>\d+)-(?P<months>\d+) (?P<days>[-+]\d+) {CLOCK}", re.ASCII)
# Each part with its unit and sign: @ 1 year 2 mons -3 days 4 hours 5 mins 6.7 secs ago, and P1Y2M-3DT4H5M6.7S. Nothing: @ 0, PT0S
VERBOSE = re.compile(
    r"@(?: 0)?(?: (?P<years>-?\d+) years?)?(?: (?P<months>-?\d+) mons?)?(?: (?P<days>-?\d+) days?)?(?: (?P<hours>-?\d+) hours?)?"
    r"(?: (?P<minutes>-?\d+) mins?)?(?: (?P<second>-?)(?P<seconds>\d+)(?:\.(?P<fraction>\d+))? secs?)?(?P<ago> ago)?",
    re.ASCII,
)
ISO = re.compile(
    r"P(?=.)(?:(?P<years>-?\d+)Y)?(?:(?P<months>-?\d+)M)?(?:(?P<days>-?\d+)D)?"
    r"(?:T(?=.)(?:(?P<hours>-?\d+)H)?(?:(?P<minutes>-?\d+)M)?(?:(?P<second>-?)(?P<seconds>\d+)(?:\.(?P<fraction>\d+))?S)?)?",
    re.ASCII,
)
STYLES = (POSTGRES, SQL_WHOLE, SQL_MIXED, VERBOSE, ISO)


class IntervalLoader(Loader):
    """Reads an interval of any IntervalStyle; a year is 365 days and a month 30."""

    def load(self, data: Buffer) -> timedelta:
        """The interval.

        Raises:
            DataError: an infinite one, or longer than Python's.
        """
        return parse(bytes(data).decode())


def parse(text: str) -> timedelta:
    """The interval that a server printed.

    Raises:
        DataError: an infinite one, or longer than Python's.
    """
    found = next((match for style in STYLES if (match := style.fullmatch(text))), None)
    if found is None:
        raise psycopg.DataError(f"can't parse interval {text!r}")
    part = found.groupdict()

    def number(name: str, *signs: str) -> int:
        return int(part.get(name) or 0) * (-1 if any(part.get(sign) == "-" for sign in signs) else 1)

    days = YEAR * number("years", "year_month") + MONTH * number("months", "year_month") + number("days")
    # A sign before the hours is that of the minutes and seconds too.
    seconds = 3600 * number("hours", "time") + 60 * number("minutes", "time") + number("seconds", "time", "second")
    micros = int((part.get("fraction") or "0").ljust(6, "0")) * (-1 if "-" in (part.get("time"), part.get("second")) else 1)
    backwards = part.get("whole") == "-" or bool(part.get("ago"))
    try:
        length = timedelta(days=days, seconds=seconds, microseconds=micros)
        return -length if backwards else length
    except OverflowError as error:
        raise psycopg.DataError(f"can't parse interval {text!r}: {error}") from None
