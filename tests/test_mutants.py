"""The table of mutants cannot rot: each still stands in the SQL as it is, and names tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from reelq.worker.db import schema
from tests.mutants.__main__ import verdict
from tests.mutants.table import MARK, MUTANTS, Mutant

REPO = Path(__file__).resolve().parent.parent


def texts(root: Path) -> dict[Path, str]:
    return {path.relative_to(root): path.read_text(encoding="utf-8") for path in root.rglob("*.sql")}


@pytest.fixture(scope="module")
def marked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the files that bear a mark: mutants look into no others."""
    root = tmp_path_factory.mktemp("sql")
    for path, text in texts(schema.ROOT).items():
        if MARK in text:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text, encoding="utf-8")
    return root


@pytest.mark.parametrize("mutant", MUTANTS, ids=[mutant.name for mutant in MUTANTS])
def test_a_mutant_fits_its_file(mutant: Mutant, marked: Path) -> None:
    before = texts(marked)
    mutant.apply(marked)
    changed = {path for path, text in texts(marked).items() if text != before[path]}
    for path in changed:
        (marked / path).write_text(before[path], encoding="utf-8")
    assert changed
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
