"""No SQL function without a caller: a role that may call it, a trigger, another file of sql/, or Python."""

from __future__ import annotations

import re
from pathlib import Path

from reelq.worker.db import schema

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = ("worker", "cli", "demo", "benchmarks")
CALLED_BY_A_BUILT_NAME = r"queue\.health_of_\w+"  # queue.health puts their names together


def code(text: str) -> str:
    """SQL without its comments, and without the manual that `comment on` holds."""
    text = re.sub(r"--[^\n]*", "", text)
    return re.sub(r"^comment on .*?(\$\$.*?\$\$|'(?:[^']|'')*')\s*;", "", text, flags=re.MULTILINE | re.DOTALL)


def test_every_function_has_a_caller() -> None:
    files = schema.files()
    defined = {
        f"{room}.{name}": file.path
        for file in files
        for room, name in re.findall(r"^create or replace (?:function|procedure) (\w+)\.(\w+)\(", file.text, flags=re.MULTILINE)
    }
    assert len(defined) > 100
    callers = {file.path: code(file.text) for file in files}
    triggers = "\n".join(re.findall(r"execute function [\w.]+", "\n".join(callers.values())))
    programs = "\n".join(path.read_text(encoding="utf-8") for one in PROGRAMS for path in (ROOT / one).rglob("*.py"))

    def is_called(function: str, home: str) -> bool:
        word = re.compile(rf"\b{re.escape(function)}\b")
        others = (text for path, text in callers.items() if path != home)
        return bool(word.search(triggers) or word.search(programs) or any(map(word.search, others)))

    idle = [function for function, home in defined.items() if not is_called(function, home)]
    assert [function for function in idle if not re.fullmatch(CALLED_BY_A_BUILT_NAME, function)] == []
