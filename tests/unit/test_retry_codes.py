"""The codes of what is tried again are those that the retry policies name."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from reelq.worker import errors

WORKER = Path(errors.__file__).parent
POLICIES = Path(__file__).parents[2] / "sql" / "data" / "queue_retry_policies.sql"
# May be the input's or the handler's own fault too, so that each attempt counts, as the general policy says.
CHARGED = {"too_slow", "stalled", "killed", "source_slow", "out_of_memory", "write_failed"}


def raised() -> set[str]:
    """First arguments of TransientError, as far as they are literals."""
    found = set()
    for path in WORKER.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "TransientError" and node.args:
                found |= {one.value for one in ast.walk(node.args[0]) if isinstance(one, ast.Constant) and isinstance(one.value, str)}
    return found


def test_trouble_of_the_host_has_a_policy_of_its_own() -> None:
    """A code that no policy knows is charged like an error of the job, which then fails for good within minutes."""
    named = set(re.findall(r"'transient', '(\w+)'", POLICIES.read_text(encoding="utf-8")))
    assert len(named) > 10
    assert raised() - named - CHARGED == set()
    assert not named & CHARGED
