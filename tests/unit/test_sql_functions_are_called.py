"""No SQL function without a caller: a role that may call it, a trigger, another file of sql/, or Python."""

from __future__ import annotations

import re
from pathlib import Path

from reelq.worker.db import schema

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = ("worker", "cli", "demo", "benchmarks")
CALLED_BY_A_BUILT_NAME = r"(queue|ops)\.health_of_\w+"  # the two health functions put their names together


def code(text: str) -> str:
    """SQL without its comments, and without the manual that `comment on` holds."""
    text = re.sub(r"--[^\n]*", "", text)
    return re.sub(r"^comment on .*?(\$\$.*?\$\$|'(?:[^']|'')*')\s*;", "", text, flags=re.MULTILINE | re.DOTALL)


def names(text: str) -> set[str]:
    """Everything in it that is qualified."""
    return set(re.findall(r"\w+\.\w+", text))


def test_every_function_has_a_caller() -> None:
    files = schema.files()
    defined = {
        f"{room}.{name}": file.path
        for file in files
        for room, name in re.findall(r"^create or replace (?:function|procedure) (\w+)\.(\w+)\(", file.text, flags=re.MULTILINE)
    }
    assert len(defined) > 100
    named = {file.path: names(code(file.text)) for file in files}
    called = {name for file in files for name in re.findall(r"execute function ([\w.]+)", code(file.text))}
    for folder in PROGRAMS:
        for path in (ROOT / folder).rglob("*.py"):
            called |= names(path.read_text(encoding="utf-8"))
    idle = [
        function
        for function, home in defined.items()
        if function not in called and not any(function in others for path, others in named.items() if path != home)
    ]
    assert [function for function in idle if not re.fullmatch(CALLED_BY_A_BUILT_NAME, function)] == []
