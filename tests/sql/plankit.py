"""What a call of the queue really did: the plans of the statements inside its functions, as auto_explain tells them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from psycopg.rows import namedtuple_row

SETTINGS = {
    "log_min_duration": "0", "log_analyze": "on", "log_buffers": "on", "log_timing": "off",
    "log_format": "json", "log_level": "notice", "log_verbose": "off",
}  # fmt: skip


@contextmanager
def in_bulk(conn: psycopg.Connection[Any]) -> Iterator[None]:
    """Rows that are only there to be in the way: without the audit and the checks of each, which take milliseconds a row."""
    conn.execute("set session_replication_role = replica")
    yield
    conn.execute("set session_replication_role = origin")


@dataclass(frozen=True)
class Touch:
    """One node of a plan that reads or writes a table."""

    node: str
    table: str
    index: str | None
    rows: float  # read, with those that a filter took out again
    statement: str

    def __str__(self) -> str:
        way = f" by {self.index}" if self.index else ""
        return f"{self.node} on {self.table}{way}: {self.rows:.0f} rows in: {' '.join(self.statement.split())[:150]}"


@dataclass(frozen=True)
class Call:
    """A call with all its statements; buffers are shared ones, found in memory or not."""

    rows: list[Any]
    buffers: int
    touches: list[Touch]
    statements: list[tuple[int, str]]  # buffers and text of each, the costliest first; the call itself is one of them

    def of(self, table: str) -> list[Touch]:
        """What it did to a table."""
        return [touch for touch in self.touches if touch.table == table]


class Explained:
    """A session that explains whatever it runs."""

    def __init__(self, conn: psycopg.Connection[Any], nested: bool = True) -> None:
        self.conn = conn
        self._told: list[dict[str, Any]] = []
        try:
            conn.execute("load 'auto_explain'")
        except psycopg.Error:
            pytest.skip("this server has no auto_explain (Debian and the wheel have it)")
        for name, value in {**SETTINGS, "log_nested_statements": str(nested)}.items():
            conn.execute("select set_config(%s, %s, false)", [f"auto_explain.{name}", value])
        conn.execute("set client_min_messages = notice")
        conn.add_notice_handler(self._hear)

    def _hear(self, notice: psycopg.errors.Diagnostic) -> None:
        _, found, plan = (notice.message_primary or "").partition("plan:\n")
        if found:
            self._told.append(json.loads(plan))

    def call(self, statement: str, *args: Any) -> Call:
        """Run it and gather the plans; the last one told is the call itself, whose buffers are those of all."""
        self._told.clear()
        # The simple protocol: an unnamed portal of the other would end, and tell its plan, with the next statement.
        with psycopg.ClientCursor(self.conn, row_factory=namedtuple_row) as cursor:
            cursor.execute(statement.encode(), args)
            rows = cursor.fetchall() if cursor.description else []
        told = list(self._told)
        touches = [touch for one in told for touch in walk(one["Plan"], one["Query Text"])]
        statements = [(buffers(one["Plan"]), " ".join(one["Query Text"].split())) for one in told]
        return Call(rows, statements[-1][0], touches, sorted(statements, reverse=True))


def buffers(node: dict[str, Any]) -> int:
    """Shared ones, of the node and of all that it called."""
    return int(node["Shared Hit Blocks"] + node["Shared Read Blocks"])


def walk(node: dict[str, Any], statement: str, table: str = "?") -> Iterator[Touch]:
    """All nodes on tables, below this one too; a bitmap's index stands below the node that names its table."""
    loops = node.get("Actual Loops", 0)
    read = node.get("Actual Rows", 0) + node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
    table = node.get("Relation Name", table)
    if "Relation Name" in node or "Index Name" in node:
        yield Touch(node["Node Type"], table, node.get("Index Name"), loops * read, statement)
    for below in node.get("Plans", []):
        yield from walk(below, statement, table)
