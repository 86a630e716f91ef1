"""Run the commands of README.md in bash and psql, in order, and put what they print below each.

    python -m tools.pages readme    writes the page anew

A command begins with `$ ` in a block `console`, with `=> ` in a block `psql`, and goes on in lines that begin with `>`; all else there is
output. The blocks share one shell, so that a worker in the background and a variable last. The line that exports DATABASE_URL is left to the caller.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.cli.psqldoc import SETTINGS, shown

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = ROOT / "README.md"
BLOCK = re.compile(r"^```(console|psql)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PROMPTS = {"console": "$ ", "psql": "=> "}
WIDTH = 150  # columns that a table may take
REELQ = f"#!/bin/sh\nexec '{sys.executable}' -m reelq.cli.main \"$@\"\n"
END = "\nkill -9 $(jobs -p) 2>/dev/null\n"  # a worker that a failing command left behind


def commands(page: str) -> list[list[tuple[str, str]]]:
    """For each block its commands, each with the kind of its block."""
    found = []
    for kind, block in BLOCK.findall(page):
        lines: list[str] = []
        for line in block.splitlines():
            if line.startswith(PROMPTS[kind]):
                lines.append(line.removeprefix(PROMPTS[kind]))
            elif kind == "console" and re.match(r">( |$)", line):
                lines[-1] += "\n" + line[2:]
        found.append([(kind, line) for line in lines])
    return found


def typed_as(kind: str, line: str) -> str:
    """A command as the page shows it."""
    return PROMPTS[kind] + line.replace("\n", "\n> ").replace("\n> \n", "\n>\n")


def script(blocks: list[list[tuple[str, str]]]) -> str:
    """All commands as one program for bash; before each a line that tells its number."""
    lines, number = ["exec 2>&1"], 0
    for block in blocks:
        if block[0][0] == "psql":
            typed = ["\\set QUIET on", *SETTINGS, "\\set QUIET off"]
            for _, line in block:
                typed += [f"\\echo @@@ {number}", line]
                number += 1
            lines += ['"$PSQL" -X "$DATABASE_URL" <<\'EOF\'', *typed, "EOF"]
            continue
        for _, line in block:
            # Each in the state that the one before left, `$?` too.
            lines += [f"code=$?; echo '@@@ {number}'; (exit $code)", "" if line.startswith("export DATABASE_URL") else line]
            number += 1
    return "\n".join(lines) + END


def run(page: str, dsn: str, folder: Path, psql: str = "psql", timeout_s: int = 180) -> str:
    """The page with fresh output; `folder` is the working directory and gets the objects."""
    blocks = commands(page)
    own = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "REELQ_", "DATABASE_"))}
    own |= {
        "DATABASE_URL": dsn, "REELQ_STORE": (folder / "objects").as_uri(), "REELQ_SOURCE_ROOTS": str(folder),
        "REELQ_SCRATCH": str(folder / "scratch"), "REELQ_HOST": "encoder1", "PSQL": psql, "PYTHONPATH": str(ROOT),
        "COLUMNS": str(WIDTH), "LC_ALL": "C.UTF-8",
    }  # fmt: skip
    programs = folder / "bin"
    programs.mkdir()
    (programs / "reelq").write_text(REELQ, encoding="utf-8")
    (programs / "reelq").chmod(0o755)
    (programs / "all").write_text(script(blocks), encoding="utf-8")
    # `timeout` ends the whole group, the worker in the background too.
    done = subprocess.run(
        ["timeout", "--kill-after=5", str(timeout_s), "bash", str(programs / "all")], stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, text=True, check=False, cwd=folder, env={**own, "PATH": f"{programs}:{own['PATH']}"},
    )  # fmt: skip
    answers = re.split(r"^@@@ \d+\n", done.stdout, flags=re.MULTILINE)[1:]
    assert len(answers) == sum(map(len, blocks)), done.stdout[-2000:]
    told = iter(answers)
    parts = iter(["".join(typed_as(kind, line) + "\n" + shown(next(told)) for kind, line in block) for block in blocks])
    return BLOCK.sub(lambda found: f"```{found[1]}\n{next(parts)}```", page)


def alike(page: str) -> list[str]:
    """The lines of the blocks without what differs from run to run: ids, numbers, ages, sizes, widths."""
    lines = []
    for _, block in BLOCK.findall(page):
        for line in block.splitlines():
            line = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "ID", line)
            line = re.sub(r"encoder1:default:\d+:[0-9a-f]+", "WORKER", line)
            line = re.sub(r" \d+%", "", line)  # progress, of which a job that has just begun has none
            line = re.sub(r"\d[\d:.,]*( (s|ms|min|B|kB|MB|kb/s|Mb/s)\b)?", "N", line)
            line = re.sub(r"-[-+]+-", "-", line)
            lines.append(re.sub(r"\s+", " ", line).strip())
    return lines


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="reelq-readme-") as name:
        PAGE.write_text(run(PAGE.read_text(encoding="utf-8"), sys.argv[1], Path(name)), encoding="utf-8")
