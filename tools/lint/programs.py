"""The linters that are programs of their own, one function each: files in, a line a finding out."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path

from tools.lint.files import ROOT

BIN = Path(sys.executable).parent
CLEAN = ROOT / ".sqlfluff_cache"  # an empty file for each text that sqlfluff has found nothing in
FINDING = re.compile(r"(?!Found )[\w./@-]+:\d+.*")


def ruff(paths: Sequence[str]) -> list[str]:
    """Style and likely bugs."""
    python = ["."] if "pyproject.toml" in paths else _python(paths)
    return _lines("ruff", "check", "--no-fix", "--force-exclude", "--output-format", "concise", *python) if python else []


def mypy(paths: Sequence[str]) -> list[str]:
    """Types, of all files: a change here may be a mistake there. It keeps what it knows in .mypy_cache."""
    if not _python(paths) and "pyproject.toml" not in paths:
        return []
    # It looks through the links in reelq/.
    return [line.removeprefix("reelq/") if line.startswith(("reelq/worker/", "reelq/cli/")) else line for line in _lines("mypy")]


def import_linter(paths: Sequence[str]) -> list[str]:
    """The contracts of pyproject.toml: who may import whom."""
    if not _python(paths) and "pyproject.toml" not in paths:
        return []
    code, output = _run("lint-imports")
    if code == 0:
        return []
    contract, found = "", []
    for line, after in pairwise([*output.splitlines(), ""]):
        if after and not after.strip("-"):
            contract = line
        broken = re.match(r"-\s+(\S+) -> (\S+) \(l\.(\d+)", line)
        if broken:
            found.append(f"{_source(broken[1])}:{broken[3]}: imports {broken[2]}: {contract}")
        elif line.startswith("- "):
            found.append(f"pyproject.toml:1: {line[1:].strip()}: {contract}")
    return found or [f"pyproject.toml:1: {output.strip()}"]


def sqlfluff(paths: Sequence[str]) -> list[str]:
    """Layout of SQL. It takes 50 ms a file, so a text that was clean once is not read again."""
    unread = {path: _key(path) for path in (_sql() if "pyproject.toml" in paths else paths) if path.endswith(".sql")}
    todo = [path for path, key in unread.items() if not (CLEAN / key).exists()]
    if not todo:
        return []
    shares = [share for share in (todo[n :: os.cpu_count() or 1] for n in range(os.cpu_count() or 1)) if share]
    with ThreadPoolExecutor(len(shares)) as threads:
        told = [line for lines in threads.map(_sqlfluff, shares) for line in lines]
    CLEAN.mkdir(exist_ok=True)
    for path in set(todo) - {line.split(":", 1)[0] for line in told}:
        (CLEAN / unread[path]).touch()
    return told


def _sqlfluff(paths: list[str]) -> list[str]:
    """One process. PRS is its own grammar giving up: Postgres' own parser is asked elsewhere."""
    _, output = _run("sqlfluff", "lint", "--config", "pyproject.toml", "--format", "json", "--processes", "1", *paths)
    return [
        f"{file['filepath']}:{one['start_line_no']}: {one['code']} {one['description']}"
        for file in json.loads(output)
        for one in file["violations"]
        if one["code"] != "PRS"
    ]


def _key(path: str) -> str:
    """What sqlfluff's word on a file depends on."""
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["sqlfluff"]
    rest = json.dumps([version("sqlfluff"), config], sort_keys=True).encode()
    return hashlib.sha256(rest + (ROOT / path).read_bytes()).hexdigest()


def squawk(paths: Sequence[str]) -> list[str]:
    """Migrations that would block a busy database."""
    migrations = [path for path in paths if "sql/migrations/" in path]
    # The runner sets lock_timeout for every file, and leaves statement_timeout off: an index takes minutes.
    off = "require-lock-timeout,require-statement-timeout"
    options = ["--pg-version", "15", "--exclude", off, "--reporter", "Gcc"]
    # Each statement of a file without a transaction must bear being run again; the runner opens one for all others.
    alone = [path for path in migrations if "\n-- transaction: none\n" in f"\n{(ROOT / path).read_text(encoding='utf-8')}"]
    together = [path for path in migrations if path not in alone]
    found = _lines("squawk", *options, "--assume-in-transaction", *together) if together else []
    return found + (_lines("squawk", *options, *alone) if alone else [])


def shell(paths: Sequence[str]) -> list[str]:
    """The set-up script parses as POSIX shell."""
    found = []
    for path in {"run", ".ci/run"} & set(paths):
        done = subprocess.run(["sh", "-n", path], cwd=ROOT, capture_output=True, text=True, check=False)
        found += [f"{path}:1: {done.stderr.strip()}"] if done.returncode else []
    return found


def _python(paths: Sequence[str]) -> list[str]:
    return [path for path in paths if path.endswith(".py")]


def _sql() -> list[str]:
    return sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "sql").rglob("*.sql"))


def _source(module: str) -> str:
    """The file of a module."""
    path = module.removeprefix("reelq.").replace(".", "/")
    return f"{path}/__init__.py" if (ROOT / path).is_dir() else f"{path}.py"


def _lines(*command: str) -> list[str]:
    """The findings among what a program prints, or all of it when it failed without one."""
    code, output = _run(*command)
    found = [line for line in output.splitlines() if FINDING.fullmatch(line)]
    return found if found or code == 0 else [f"{command[0]}: {output.strip()}"]


def _run(*command: str) -> tuple[int, str]:
    """Exit code and output of a program of the virtual environment."""
    done = subprocess.run([str(BIN / command[0]), *command[1:]], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout if done.stdout.strip() else done.stderr
