"""Write the documents anew whose output is real, each on an empty database of a Postgres that is started for it.

    python -m tools.pages                  all of them
    python -m tools.pages psql reference   some of them: readme psql embed identity jobs reference
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psycopg

from demo import postgres
from reelq.worker.db import schema
from tools import reference

ROOT = Path(__file__).resolve().parent.parent
# Each module writes its page; whether it wants the schema installed, or installs it as a reader would.
PAGES = {
    "readme": ("tests.cli.readme", False),
    "psql": ("tests.cli.psqldoc", True),
    "embed": ("tests.cli.embeddoc", True),
    "identity": ("tests.cli.identitydoc", True),
    "jobs": ("tests.cli.jobsdoc", False),
}


def write(page: str) -> None:
    """Write one page."""
    if page == "reference":
        (ROOT / "docs" / "reference.md").write_text(reference.reference(), encoding="utf-8")
        return
    module, installed = PAGES[page]
    with postgres.throwaway() as server:
        url = server.url("page")
        with psycopg.connect(server.url(), autocommit=True) as conn:
            conn.execute("create database page")
        if installed:
            with psycopg.connect(url, autocommit=True) as conn:
                schema.install(conn)
        environ = {**os.environ, "PYTHONPATH": str(ROOT)}
        subprocess.run([sys.executable, "-m", module, url], check=True, cwd=ROOT, env=environ)


def main(pages: list[str]) -> int:
    """Write those that are named, else all."""
    known = [*PAGES, "reference"]
    unknown = sorted(set(pages) - set(known))
    if unknown:
        print(f"page must be one of {', '.join(known)}, not {', '.join(unknown)}", file=sys.stderr)
        return 2
    for page in pages or known:
        write(page)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
