"""Run a tutorial: its files and commands, word for word and in order, in an empty folder.

A file is a fenced block after a line that is its name in backticks and a colon, or is added to one
"below the line that ends in `values`". A command is a line of a `console` block
that begins with `$ `; what follows it is what it prints, stdout and stderr together. A line … stands for any lines.

    python -m tools.pages jobs     writes what the commands print into docs/jobs.md
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "jobs.md"
PART = re.compile(r"(?:^`([\w./]+)`:\n\n)?^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ADDED = re.compile(r"^`([\w./]+)`, below the line that ends in `([^`]+)`:\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MARK = "@@@ {}"
PROGRAMS = {
    "reelq": "-c 'import sys; from reelq.cli.main import main; sys.exit(main())'",  # as the wheel's own script
    "python": "",
}


@dataclass(frozen=True)
class Typed:
    """A command, what the page says it prints, and what it printed."""

    command: str
    shown: str
    printed: str = ""


def files(page: str) -> dict[str, str]:
    """The files of a page by name."""
    return {name: content for name, _, content in PART.findall(page) if name}


def commands(page: str) -> list[Typed]:
    """The commands of a page, in order."""
    found = []
    for _, kind, content in PART.findall(page):
        if kind == "console":
            for part in re.split(r"^(?=\$ )", content, flags=re.MULTILINE):
                if part:
                    line, _, shown = part.partition("\n")
                    found.append(Typed(line.removeprefix("$ "), shown))
    return found


def run(page: str, folder: Path, dsn: str, root: Path = ROOT) -> list[Typed]:
    """Write the files, run the commands in one shell with the reelq of `root`; only the database's address is replaced."""
    programs = folder.parent / f"{folder.name}-bin"
    programs.mkdir()
    for name, options in PROGRAMS.items():
        script = programs / name
        script.write_text(f'#!/bin/sh\nexec {sys.executable} {options} "$@"\n')
        script.chmod(0o755)
    for name, content in files(page).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    for name, end, content in ADDED.findall(page):
        before, after = re.split(rf"(?<={re.escape(end)}\n)", (folder / name).read_text(), maxsplit=1)
        (folder / name).write_text(before + content + after)
    typed = commands(page)
    script_lines = []
    for number, one in enumerate(typed):
        line = re.sub(r"^(export DATABASE_URL=).*", lambda found: f"{found[1]}{dsn}", one.command)
        script_lines += [f"echo '{MARK.format(number)}'", line]
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "REELQ_", "DATABASE_", "PYTEST"))}
    environ |= {"PATH": f"{programs}:{environ['PATH']}", "PYTHONPATH": str(root), "DATABASE_URL": dsn, "LC_ALL": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        ["bash", "-c", "\n".join(script_lines)], cwd=folder, env=environ, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )  # fmt: skip
    answers = re.split(r"^@@@ \d+\n", done.stdout, flags=re.MULTILINE)[1:]
    assert len(answers) == len(typed), done.stdout[-3000:]
    return [Typed(one.command, one.shown, answer) for one, answer in zip(typed, answers, strict=True)]


def alike(text: str) -> str:
    """Output without what differs from run to run: ids, times, sizes, folders, widths of columns."""
    text = re.sub(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(-\d+)?", "ID", text)
    text = re.sub(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?(\+00(:00)?|Z)?", "TIME", text)
    text = re.sub(r"\b\d+(\.\d+)? ?(s|ms|min|h|kB|MB)\b", "AMOUNT", text)
    text = re.sub(r"AMOUNT \(\d+:\d\d:\d\d\)", "AMOUNT", text)  # pytest says it again when it took more than a minute
    text = re.sub(r"(?<![\w.])/[\w./-]+", "PATH", text)
    text = re.sub(r"\b\d+ files applied", "FILES applied", text)
    return "\n".join(re.sub(r"[ \t]+", " ", line).strip() for line in text.strip().splitlines())


def agrees(shown: str, printed: str) -> bool:
    """Whether the page tells what the command printed."""
    parts = [re.escape(part.strip("\n")) for part in re.split(r"^…$", alike(shown), flags=re.MULTILINE)]
    return re.fullmatch(r"\n?(?:.*\n)*?".join(parts) if len(parts) > 1 else parts[0], alike(printed)) is not None


def anew(page: str, told: list[Typed]) -> str:
    """The page with what the commands printed."""
    for one in told:
        if not agrees(one.shown, one.printed):
            page = page.replace(f"$ {one.command}\n{one.shown}", f"$ {one.command}\n{one.printed}", 1)
    return page


def main(dsn: str) -> None:
    """Write the outputs into the page."""
    page = PAGE.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "previews"
        folder.mkdir()
        PAGE.write_text(anew(page, run(page, folder, dsn)), encoding="utf-8")


if __name__ == "__main__":
    assert shutil.which("psql")
    main(sys.argv[1])
