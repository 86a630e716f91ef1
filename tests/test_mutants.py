"""The table of mutants cannot rot: each still stands in the SQL as it is, and names tests that exist."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from reelq.worker.db import schema
from tests.mutants.__main__ import verdict
from tests.mutants.table import MUTANTS, Mutant

REPO = Path(__file__).resolve().parent.parent


def texts(root: Path) -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in root.rglob("*.sql")}


@pytest.mark.parametrize("mutant", MUTANTS, ids=[mutant.name for mutant in MUTANTS])
def test_a_mutant_fits_its_file(mutant: Mutant, tmp_path: Path) -> None:
    shutil.copytree(schema.ROOT / "functions", tmp_path / "functions")
    before = texts(tmp_path)
    mutant.apply(tmp_path)
    assert before != texts(tmp_path)
    assert all((REPO / test).is_file() for test in mutant.tests if test.endswith(".py"))


def test_every_mark_has_a_mutant() -> None:
    marks = {mark for text in texts(schema.ROOT).values() for mark in re.findall(r"-- mutant: (.*)$", text, re.MULTILINE)}
    assert marks == {change.mark for mutant in MUTANTS for change in mutant.changes}


def test_names_are_told_apart() -> None:
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)


@pytest.mark.parametrize(
    ("code", "output", "expected"),
    [(0, "", "survived"), (1, "", "caught"), (1, "the schema does not install: …", "broken"), (5, "no tests ran", "broken"), (4, "", "broken")],
)
def test_only_a_failed_test_is_a_catch(code: int, output: str, expected: str) -> None:
    assert verdict(code, output) == expected
