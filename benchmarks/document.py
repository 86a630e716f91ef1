"""docs/benchmarks.md: each command writes its own section and leaves the others alone."""

from __future__ import annotations

import re
from pathlib import Path

HEAD = """# Benchmarks

For whoever compares reelq with other queues, or with plain ffmpeg. The commands of
[benchmarks/](../benchmarks/README.md) write this page: every figure was measured by the command that stands beside it.
Rates are those of that machine at that hour; ratios within a round and counts (WAL, buffers, transactions) apply elsewhere.
"""


def write_section(path: Path, key: str, title: str, introduction: str, body: str) -> None:
    """Replace the section `key`, or add it at the end."""
    text = path.read_text(encoding="utf-8") if path.exists() else HEAD
    section = f"<!-- {key} -->\n## {title}\n\n{introduction}\n\n{body.strip()}\n<!-- /{key} -->\n"
    pattern = re.compile(rf"<!-- {key} -->\n.*?<!-- /{key} -->\n", re.DOTALL)
    text = pattern.sub(lambda _: section, text) if pattern.search(text) else f"{text.rstrip()}\n\n{section}"
    path.write_text(text, encoding="utf-8")
