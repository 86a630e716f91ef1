"""sql/README.md, A job type, step by step: followed word for word in a copy of the tree."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import psycopg
import pytest

from reelq.worker.db import schema
from tests.cli import jobsdoc

PAGE = jobsdoc.ROOT / "sql" / "README.md"
STEPS = "### A job type, step by step"
FOLDERS = ("reelq", "worker", "cli", "sql", "tools", "tests", "demo", "docs", "systemd", "benchmarks")


def copy(to: Path) -> None:
    """The tree without what is made by running it; links within it stay links."""
    ignored = shutil.ignore_patterns("__pycache__", ".*_cache")
    for name in FOLDERS:
        shutil.copytree(jobsdoc.ROOT / name, to / name, symlinks=True, ignore=ignored)
    for path in [*jobsdoc.ROOT.glob("*.md"), jobsdoc.ROOT / "pyproject.toml"]:
        shutil.copy(path, to)


@pytest.mark.skipif(not all(map(shutil.which, ("bash", "ffmpeg", "jq"))), reason="bash, ffmpeg or jq is not installed")
def test_the_steps_work_word_for_word(empty_dsn: str, tmp_path: Path) -> None:
    with psycopg.connect(empty_dsn, autocommit=True) as conn:
        schema.install(conn)  # a database of before
    tree = tmp_path / "tree"
    tree.mkdir()
    copy(tree)
    page = PAGE.read_text(encoding="utf-8").split(STEPS)[1]
    told = jobsdoc.run(page, tree, empty_dsn, tree)
    assert len(told) > 10
    wrong = [f"$ {one.command}\n{one.printed}-- and the page says\n{one.shown}" for one in told if not jobsdoc.agrees(one.shown, one.printed)]
    assert wrong == [], "\n".join(wrong)


def test_the_steps_leave_the_tree_as_it_is() -> None:
    """Whoever reads them has not got a type count_packets."""
    assert not (jobsdoc.ROOT / "worker" / "handlers" / "count_packets.py").exists()
    assert subprocess.run(["grep", "-r", "count_packets", jobsdoc.ROOT / "sql" / "data"], capture_output=True, check=False).returncode == 1
