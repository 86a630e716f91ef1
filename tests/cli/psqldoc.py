"""Run the statements of docs/psql.md in psql, in order, and put what psql answers below each.

    python -m tools.pages psql    writes the page anew

A statement begins with `=> `, goes on with `-> `; `>> ` is a line of COPY's data. All else in such a block is output.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "psql.md"
BLOCK = re.compile(r"^```psql\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PROMPTS = ("=> ", "-> ", ">> ")
MARK = "@@@ {}"
SETTINGS = ("\\set SHOW_CONTEXT never", "\\pset pager off", "set timezone = 'UTC';")


def statements(page: str) -> list[list[list[str]]]:
    """For each block its statements, each the lines as typed, with their prompts."""
    found: list[list[list[str]]] = []
    for block in BLOCK.findall(page):
        found.append([])
        for line in block.splitlines():
            if line.startswith("=> "):
                found[-1].append([line])
            elif line.startswith(PROMPTS):
                found[-1][-1].append(line)
    return found


def run(page: str, dsn: str, psql: str = "psql") -> str:
    """The page with fresh output."""
    blocks = statements(page)
    script = [*SETTINGS]
    for number, lines in enumerate(one for block in blocks for one in block):
        script += [f"\\echo {MARK.format(number)}", *(line[3:] for line in lines)]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    done = subprocess.run(
        [psql, "-X", dsn], input="\n".join(script) + "\n", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        check=False, env={**clean, "PGCONNECT_TIMEOUT": "10", "LC_ALL": "C.UTF-8"},
    )  # fmt: skip
    answers = re.split(r"^@@@ \d+\n", done.stdout, flags=re.MULTILINE)[1:]
    assert len(answers) == sum(map(len, blocks)), done.stdout[-2000:]
    told = iter(answers)
    parts = iter(["".join("\n".join(lines) + "\n" + shown(next(told)) for lines in block) for block in blocks])
    return BLOCK.sub(lambda _found: f"```psql\n{next(parts)}```", page)


def shown(answer: str) -> str:
    """An answer without trailing blanks and its last empty line."""
    text = "\n".join(line.rstrip() for line in answer.rstrip("\n").splitlines())
    return text + "\n" if text else ""


def alike(page: str) -> str:
    """The page without what differs from run to run: ids, times, widths."""
    page = re.sub(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}", "ID", page)
    page = re.sub(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?(\+00(:00)?)?", "TIME", page)
    page = re.sub(r"\b\d\d:\d\d:\d\d\b", "SPAN", page)
    page = re.sub(r"\d+_\d\d\b|\d{4}-\d\d-\d\d( 00:00:00\+00)?", "MONTH", page)
    page = re.sub(r"\b\d+(\.\d+)? (s|min|days|h|ms)\b", "SPAN", page)
    page = re.sub(r"-[-+]+-", "-", page)
    return "\n".join(re.sub(r" +", " ", line).strip() for line in page.splitlines())


if __name__ == "__main__":
    PAGE.write_text(run(PAGE.read_text(encoding="utf-8"), sys.argv[1]), encoding="utf-8")
