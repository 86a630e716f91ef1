"""What was released: the texts of the table files and migrations of each release, which are not edited any more.

`sql/releases/<version>.sha256` is a line a file, as sha256sum writes it. `python -m tools.release_dump VERSION` makes it, together
with the dump that tests upgrade.
"""

from __future__ import annotations

from pathlib import Path

from reelq.worker.db.schema.files import ROOT, File, files, migrations


def frozen(root: Path = ROOT) -> list[File]:
    """The files whose text a release freezes: those that run once in a database."""
    return [file for file in files(root) if file.kind == "schema"] + migrations(root)


def lists(root: Path = ROOT) -> dict[str, dict[str, str]]:
    """Version -> path -> sha256, the oldest release first."""
    found = {}
    for path in sorted((root / "releases").glob("*.sha256"), key=lambda path: [int(part) for part in path.stem.split(".")]):
        lines = (line.split("  ", 1) for line in path.read_text(encoding="ascii").splitlines())
        found[path.stem] = {name: sha for sha, name in lines}
    return found


def texts(root: Path = ROOT) -> dict[str, set[str]]:
    """Path -> the sha256 that it had in one release or another."""
    known: dict[str, set[str]] = {}
    for listed in lists(root).values():
        for path, sha in listed.items():
            known.setdefault(path, set()).add(sha)
    return known


def write(version: str, root: Path = ROOT) -> Path:
    """Freeze what is there now as that version; return the list's file."""
    path = root / "releases" / f"{version}.sha256"
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(f"{file.sha256}  {file.path}\n" for file in frozen(root)), encoding="ascii")
    return path
