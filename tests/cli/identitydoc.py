"""Run the programs of docs/identity.md in their order on one database, and put what they print below them.

    python -m tools.pages identity    writes the page anew

Blocks as in tests/cli/embeddoc.py. Ids and tokens differ from run to run; what is printed bears none.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import psycopg

from reelq.worker.secrets import keyfile
from reelq.worker.secrets.keys import make_key
from tests.cli import embeddoc

PAGE = embeddoc.PAGE.with_name("identity.md")


def run_all(page: str, owner: psycopg.Connection[tuple[object, ...]], dsn: str, folder: Path) -> dict[str, str]:
    """Heading → what its program prints; each goes on from the one before."""
    tenant = embeddoc.prepare(page, owner)
    key = make_key()
    keyfile.create(folder / "secrets", keyfile.KeyFile(key.key_id, (keyfile.entry(key),)))
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "REELQ_", "DATABASE_"))}
    environ = kept | {
        "DATABASE_URL": embeddoc.as_web(dsn),
        "TENANT_ID": tenant,
        "REELQ_SECRETS_FILE": str(folder / "secrets"),
        "PYTHONPATH": str(PAGE.parents[1]),
    }
    told = {}
    for heading, (program, _) in embeddoc.programs(page).items():
        done = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, env=environ)
        told[heading] = done.stdout
    return told


if __name__ == "__main__":
    text = PAGE.read_text(encoding="utf-8")
    with psycopg.connect(sys.argv[1], autocommit=True) as conn, tempfile.TemporaryDirectory() as scratch:
        told = run_all(text, conn, sys.argv[1], Path(scratch))
    shown = {block.start: (block.end, told[heading]) for heading, (_, block) in embeddoc.programs(text).items()}
    for start, (end, output) in sorted(shown.items(), reverse=True):
        text = text[:start] + output + text[end:]
    PAGE.write_text(text, encoding="utf-8")
