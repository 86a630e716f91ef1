"""What a check has to say."""

from __future__ import annotations

from dataclasses import dataclass

HOST, DATABASE = "host", "database"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor's table."""

    place: str  # host or database
    level: str  # ok; warn: somebody should look this week; bad: work stands still or data is in danger
    finding: str  # what was looked at; more than one line when more than one thing is wrong with it
    detail: str
    remedy: str | None = None  # None: all is well


def host(level: str, finding: str, detail: str, remedy: str | None = None) -> Finding:
    """A finding about this host."""
    return Finding(HOST, level, finding, detail, remedy)


def database(level: str, finding: str, detail: str, remedy: str | None = None) -> Finding:
    """A finding about the database, or the way to it."""
    return Finding(DATABASE, level, finding, detail, remedy)
