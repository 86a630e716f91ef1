"""Where the benchmarks keep what they need: outside the repository, in a folder that may be deleted at any time.

$REELQ_BENCH_DIR, else $XDG_CACHE_HOME/reelq-bench, else ~/.cache/reelq-bench
"""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def cache() -> Path:
    """The folder of environments and servers."""
    given = os.environ.get("REELQ_BENCH_DIR")
    if given:
        return Path(given).resolve()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "reelq-bench"


def child_environ(more: dict[str, str]) -> dict[str, str]:
    """The environment of an adapter: no PG*, REELQ_* or DATABASE_* of this shell leaks in."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "REELQ_", "DATABASE_"))}
    return kept | more
