"""The table of log events is complete, and names nothing that is not logged."""

from __future__ import annotations

import ast
from pathlib import Path

from reelq.worker.events import EVENTS
from reelq.worker.runtime import settler

WORKER = Path(settler.__file__).parent.parent
METHODS = {"debug", "info", "warning", "error", "exception", "critical"}


def logged() -> set[str]:
    """First arguments of log calls, as far as they are literals."""
    found = set(settler.EVENTS.values()) | set(settler.FAILED.values()) | {"job.lost"}
    for path in WORKER.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (
                isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in METHODS and node.args
            ):
                continue
            event = node.args[0]
            if isinstance(event, ast.Constant) and isinstance(event.value, str):
                found.add(event.value)
    return found


def test_every_event_stands_in_the_table() -> None:
    """And every line of the table is an event."""
    assert logged() == set(EVENTS)
