"""`./run lint --all` as tests, and that its rules find what they are for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tools.lint import files, programs, rules
from tools.lint.__main__ import CHECKS


@pytest.mark.parametrize("name", CHECKS)
def test_everything_passes(name: str) -> None:
    assert CHECKS[name](files.everything()) == []


WRONG = {
    "a_library_has_one_importer": ("worker/av/probe.py", "import json\nimport subprocess\n", 2),
    "our_packages_are_imported_by_their_whole_name": ("tests/worker/test_x.py", "import json\nfrom wor" "ker import db\n", 2),
    "only_settings_read_the_environment": ("worker/av/probe.py", "import os\nos.environ['X']\n", 2),
    "only_output_prints": ("cli/jobs/commands.py", "\nprint(1)\n", 2),
    "no_error_is_swallowed_without_a_word": ("demo/stack.py", "try:\n    f()\nexcept OSError:\n    pass\n", 3),
    "tests_wait_for_events_and_do_not_sleep": ("tests/sql/test_x.py", "import time\ntime.sleep(1)\n", 2),
    "sql_parses_also_inside_plpgsql_bodies": ("sql/functions/queue/x.sql", "select 1;\n\nselect from from;\n", 3),
    "sql_lies_where_the_runner_finds_it": ("sql/functions/queue/claim/deeper/x.sql", "select 1;\n", 1),
    "sqlfluff_reads_every_file": ("sql/functions/queue/x.sql", "-- long\n" * 6000, 1),
    "a_migration_says_how_to_go_back": ("sql/migrations/0001_add_x.sql", "alter table x add y int;\n", 1),
    "a_lock_holds_hashes_and_no_addresses": ("requirements.lock", "a==1 \\\n    --hash=sha256:0\nb==1\n", 3),
    "ci_runs_the_test_command_and_nothing_else": (".ci/run", "#!/bin/sh\nmake\n", 1),
}


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.__name__)
def test_a_rule_finds_what_it_is_for(rule: Callable[[rules.Source], rules.Findings]) -> None:
    name = rule.__name__
    if name == "the_lock_has_every_dependency":  # it compares two files of the checkout
        return
    path, text, line = WRONG[name]
    assert [found for found, _ in rule(rules.Source(path, text))] == [line]


def test_a_mistake_inside_a_plpgsql_body_is_found() -> None:
    text = "create function f() returns int\nlanguage plpgsql\nas $$ begin retrun 1; end $$;\n"
    assert list(rules.sql_parses_also_inside_plpgsql_bodies(rules.Source("sql/functions/queue/f.sql", text)))


def test_sqlfluff_remembers_only_what_was_clean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "CLEAN", tmp_path / "clean")
    asked: list[str] = []

    def found(paths: list[str]) -> list[str]:
        asked.extend(paths)
        return [f"{path}:1: LT01 a blank" for path in paths if path == "sql/ledger.sql"]

    monkeypatch.setattr(programs, "_sqlfluff", found)
    for _ in range(2):
        assert programs.sqlfluff(["sql/grants.sql", "sql/ledger.sql"]) == ["sql/ledger.sql:1: LT01 a blank"]
    assert sorted(asked) == ["sql/grants.sql", "sql/ledger.sql", "sql/ledger.sql"]


def test_what_somebody_wrote_beside_the_readme_is_not_linted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "tools").mkdir()
    for name in ("shouting.py", "tools/new.py", "README.md"):
        (tmp_path / name).write_text("x")
    monkeypatch.setattr(files, "ROOT", tmp_path)
    assert files.everything() == [".ci/run", "README.md", "tools/new.py"]
