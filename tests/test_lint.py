"""Linters, types, architecture and the rules of this repository that are a few lines of code, as tests."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pglast
import pytest

from reelq.worker.db import schema

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
PRODUCT = ("worker", "cli")
SQL = sorted((ROOT / "sql").rglob("*.sql"))
# The runner sets lock_timeout for every file, and leaves statement_timeout off: an index takes minutes.
SQUAWK = ("--pg-version", "15", "--assume-in-transaction", "--exclude", "require-lock-timeout,require-statement-timeout")
MIGRATIONS = sorted((ROOT / "sql" / "migrations").glob("*.sql"))


def passes(*command: str) -> None:
    """Run a tool of the virtual environment; its output is the test's failure."""
    done = subprocess.run([str(BIN / command[0]), *command[1:]], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"


def test_ruff() -> None:
    passes("ruff", "check", "--no-fix", ".")


def test_mypy() -> None:
    passes("mypy")


def test_import_linter() -> None:
    passes("lint-imports")


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", SQL, ids=relative)
def test_sql_parses_also_inside_plpgsql_bodies(path: Path) -> None:
    """With Postgres' own parser."""
    text = path.read_text(encoding="utf-8")
    for raw in pglast.parse_sql(text):
        statement = text[raw.stmt_location :][: raw.stmt_len or None]
        if re.search(r"^language plpgsql", statement, flags=re.MULTILINE) or isinstance(raw.stmt, pglast.ast.DoStmt):
            # Outside a server it knows no types of ours; what they are called is not syntax.
            pglast.parse_plpgsql(re.sub(rf"\b({'|'.join(schema.rooms())})\.(?=[a-z])", "public.", statement))


def test_sql_layout() -> None:
    """sqlfluff; PRS is its own grammar giving up, and the parser above has the better one."""
    command = [str(BIN / "sqlfluff"), "lint", "--format", "json", "--processes", "1", "sql"]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    found = [
        f"{file['filepath']}:{one['start_line_no']} {one['code']} {one['description']}"
        for file in json.loads(told.stdout)
        for one in file["violations"]
        if one["code"] != "PRS"
    ]
    assert found == []


def test_sqlfluff_reads_every_file() -> None:
    """It skips files over 20 kB and still says that all is well."""
    assert [relative(path) for path in SQL if path.stat().st_size > 20_000] == []


def test_migrations_pass_squawk() -> None:
    if not MIGRATIONS:
        pytest.skip("no migration yet")
    passes("squawk", *SQUAWK, *map(str, MIGRATIONS))


def test_migrations_say_how_to_go_back() -> None:
    """Its head has `-- back: …`, or says that there is no way back."""
    heads = {file.path: file.head for file in schema.migrations()}
    assert [path for path, head in heads.items() if not any(line.startswith("back: ") for line in head)] == []


def sources(*folders: str) -> Iterator[tuple[str, ast.Module]]:
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield relative(path), ast.parse(path.read_text(encoding="utf-8"))


def imported(tree: ast.Module) -> set[str]:
    """The top names of everything a file imports."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.split(".")[0])
    return names


# What only one place may touch. import-linter forbids modules to modules, not a library to all but one.
ONE_IMPORTER = {
    "boto3": r"worker/stores/\w+\.py",  # a store is several files
    "botocore": r"worker/stores/\w+\.py",
    "subprocess": r"worker/sandbox/child\.py",  # the limits around any child
    "procrastinate": r"worker/periodic\.py",
}


@pytest.mark.parametrize("library", ONE_IMPORTER)
def test_a_library_has_one_importer(library: str) -> None:
    found = [path for path, tree in sources(*PRODUCT) if library in imported(tree)]
    assert [path for path in found if not re.fullmatch(ONE_IMPORTER[library], path)] == []


def test_only_settings_read_the_environment() -> None:
    found = [
        path
        for path, tree in sources(*PRODUCT)
        for node in ast.walk(tree)
        if (isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv", "environb", "putenv"))
        or (isinstance(node, ast.ImportFrom) and node.module == "os" and {"environ", "getenv"} & {a.name for a in node.names})
    ]
    assert set(found) <= {"worker/settings.py"}


def test_only_output_prints() -> None:
    found = [
        path
        for path, tree in sources(*PRODUCT)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert set(found) <= {"cli/terminal/output.py"}


def test_no_error_is_swallowed_without_a_word() -> None:
    """`except …: pass` has its reason on the same line, and never catches everything."""
    wrong = []
    for path, tree in sources(*PRODUCT, "demo"):
        lines = (ROOT / path).read_text(encoding="utf-8").splitlines()
        for node in ast.walk(tree):
            if isinstance(node, ast.ExceptHandler) and len(node.body) == 1 and isinstance(node.body[0], ast.Pass):
                broad = node.type is None or (isinstance(node.type, ast.Name) and node.type.id in ("Exception", "BaseException"))
                if broad or "#" not in lines[node.body[0].lineno - 1]:
                    wrong.append(f"{path}:{node.lineno}")
    assert wrong == []


def test_tests_wait_for_events_and_do_not_sleep() -> None:
    found = [
        f"{path}:{node.lineno}"
        for path, tree in sources("tests")
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("time.sleep", "sleep")
        and re.search(r"/(test_|conftest)", path)  # stand-ins of other programs may
    ]
    assert found == []


@pytest.mark.parametrize("lock", sorted(ROOT.glob("requirements*.lock")), ids=relative)
def test_locks_hold_hashes_and_no_addresses(lock: Path) -> None:
    """An address in a lock would send everybody to one machine's index."""
    text = lock.read_text(encoding="utf-8")
    assert "://" not in text
    pinned = re.findall(r"^[\w.-]+==.*\n.*", text, flags=re.MULTILINE)
    assert pinned
    assert [lines for lines in pinned if "--hash=sha256:" not in lines] == []


def test_the_lock_has_every_dependency() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = list(project["project"]["dependencies"])
    for group in project["dependency-groups"].values():
        wanted += group
    locked = {name.lower() for name in re.findall(r"^([\w.-]+)==", (ROOT / "requirements.lock").read_text(), flags=re.MULTILINE)}
    names = {re.split(r"[\[<>=~! ]", line, maxsplit=1)[0].lower() for line in wanted}
    assert names - locked == set(), "run the export that pyproject.toml names"


def test_run_is_posix_shell() -> None:
    subprocess.run(["sh", "-n", str(ROOT / "run")], check=True)
    subprocess.run(["sh", "-n", str(ROOT / ".ci" / "run")], check=True)


def test_ci_runs_the_test_command_and_nothing_else() -> None:
    lines = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    code = [line for line in lines if line and not line.startswith("#")]
    assert code == ['exec "$(dirname -- "$0")/../run" test']


def test_our_packages_are_imported_by_their_whole_name() -> None:
    """`import worker` works in a checkout alone, as a second copy of every module."""
    names = r"(?:worker|cli|sql)"
    found = [
        f"{relative(path)}:{number}"
        for folder in (*PRODUCT, "demo", "benchmarks", "tools", "tests")
        for path in sorted((ROOT / folder).rglob("*.py"))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if re.search(rf"\bfrom {names}(\.\w+)* import\b|^\s*import {names}\b|-m {names}\.", line)
    ]
    assert found == []
