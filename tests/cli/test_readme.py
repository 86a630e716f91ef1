"""The README can be followed from an empty database, prints what it shows, and stays short."""

from __future__ import annotations

import re
import shutil
import xml.etree.ElementTree as ET

import pytest

from tests.cli import readme

TEXT = readme.PAGE.read_text(encoding="utf-8")
PICTURES = sorted((readme.ROOT / "docs" / "pictures").glob("*"))


def test_every_command_of_the_readme_runs_in_order_on_an_empty_database(empty_dsn, pg_server, tmp_path):
    own = pg_server.binaries.folder / "psql"
    psql = str(own) if own.exists() else shutil.which("psql")
    if psql is None or shutil.which("bash") is None or shutil.which("ffmpeg") is None:
        pytest.skip("needs psql, bash and ffmpeg")
    fresh = readme.run(TEXT, empty_dsn, tmp_path, psql)
    assert readme.alike(fresh) == readme.alike(TEXT), "run: python -m tools.pages readme"


def test_the_readme_has_commands_of_both_kinds():
    kinds = [kind for block in readme.commands(TEXT) for kind, _ in block]
    assert kinds.count("console") > 10 and kinds.count("psql") > 3


def test_other_words_or_another_order_of_lines_would_be_found():
    page = "```console\n$ reelq jobs list\nready  3.1 s  01a219bd-7663-7cf9-8938-f449493d177f\n```"
    assert readme.alike(page) == readme.alike(page.replace("3.1 s", "412 ms").replace("7cf9", "7cf8"))
    assert readme.alike(page) != readme.alike(page.replace("ready", "failed"))


def test_the_readme_is_short():
    assert len(TEXT.splitlines()) <= 200


@pytest.mark.parametrize("path", PICTURES, ids=lambda path: path.name)
def test_a_picture_is_small_and_loads_nothing(path):
    assert path.stat().st_size < 100_000
    ET.parse(path)  # well-formed
    assert not re.search(r"(?:url\(|href=|@import)\s*[\"']?https?:", path.read_text(encoding="utf-8"))


def test_every_picture_is_shown():
    pages = "".join(page.read_text(encoding="utf-8") for page in [readme.PAGE, *(readme.ROOT / "docs").rglob("*.md")])
    assert [path.name for path in PICTURES if f"pictures/{path.name}" not in pages] == []
