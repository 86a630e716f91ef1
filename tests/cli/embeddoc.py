"""Run the programs of docs/embed.md, each as a process of its own, and put what they print below them.

    python -m tools.pages embed    writes the page anew

A program is a block marked `python`; its output is the block marked `text` behind it. The block `sql` of the page is run before, once, by the
owner; a block `sql owner` before the program of its heading. `python settings` is what stands in a settings.py of Django, and is read by the programs of the same heading.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "embed.md"
PART = re.compile(r"^## (?P<heading>[^\n]+)$|^```(?P<mark>[a-z ]+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
# Django wants its settings before anything else; where the database is only the test knows.
DJANGO = """
from urllib.parse import urlsplit
url = urlsplit(os.environ["DATABASE_URL"])
DATABASES["default"].update(NAME=url.path[1:], USER=url.username, HOST=url.hostname, PORT=url.port)
import django.conf
django.conf.settings.configure(DATABASES=DATABASES)
import django
django.setup()
"""


@dataclass(frozen=True)
class Block:
    """A block of the page; `start` and `end` are those of its text."""

    heading: str
    mark: str
    text: str
    start: int
    end: int


def blocks(page: str) -> Iterator[Block]:
    """The blocks in order, each with the heading that it stands under."""
    heading = ""
    for found in PART.finditer(page):
        if found["heading"]:
            heading = found["heading"]
        else:
            yield Block(heading, found["mark"], found["text"], found.start("text"), found.end("text"))


def prepare(page: str, owner: psycopg.Connection[tuple[object, ...]]) -> str:
    """Run the block `sql`; return the id of the tenant that its last statement made."""
    (script,) = [block.text for block in blocks(page) if block.mark == "sql"]
    *before, last = [part for part in re.split(r";\n", script) if part.strip()]
    for statement in before:
        owner.execute(statement.encode())
    row = owner.execute(last.encode()).fetchone()
    assert row is not None
    return str(row[0])


def programs(page: str) -> dict[str, tuple[str, Block]]:
    """Heading → the program, and the block that shows its output."""
    found: dict[str, tuple[str, Block]] = {}
    settings = {}
    waiting: dict[str, str] = {}
    for block in blocks(page):
        if block.mark == "python settings":
            settings[block.heading] = f"import os\n{block.text}{DJANGO}"
        elif block.mark == "python":
            waiting[block.heading] = settings.get(block.heading, "") + block.text
        elif block.mark == "text":
            found[block.heading] = (waiting.pop(block.heading), block)
    assert not waiting, f"without output: {sorted(waiting)}"
    return found


def before(page: str) -> dict[str, str]:
    """Heading → what the owner runs before its program."""
    return {block.heading: block.text for block in blocks(page) if block.mark == "sql owner"}


def run(program: str, dsn: str, tenant: str) -> str:
    """What a program prints when the application's role runs it; a traceback is output too."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "REELQ_", "DATABASE_"))}
    done = subprocess.run(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        env=kept | {"DATABASE_URL": dsn, "TENANT_ID": tenant},
    )  # fmt: skip
    return done.stdout


def as_web(dsn: str) -> str:
    """The URL with the page's role in it."""
    return dsn.replace(f"{urlsplit(dsn).username}@", "web:secret@", 1)


def alike(text: str) -> str:
    """Without ids, which differ from run to run."""
    return re.sub(r"\b(?!0{8})[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "ID", text)


if __name__ == "__main__":
    text = PAGE.read_text(encoding="utf-8")
    with psycopg.connect(sys.argv[1], autocommit=True) as conn:
        acme = prepare(text, conn)
        shown = {}
        for heading, (program, block) in programs(text).items():
            conn.execute(before(text).get(heading, "").encode())
            shown[block.start] = (block.end, run(program, as_web(sys.argv[1]), acme))
    for start, (end, output) in sorted(shown.items(), reverse=True):
        text = text[:start] + output + text[end:]
    PAGE.write_text(text, encoding="utf-8")
