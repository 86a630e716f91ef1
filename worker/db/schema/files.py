"""The files of sql/: what kind they are, in which order they run, and all of them as one script."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from reelq.worker.db.schema.foreign import guard
from reelq.worker.errors import ReelqError

ROOT = Path(__file__).resolve().parents[3] / "sql"  # beside worker/ in a checkout and in the wheel


class SchemaError(ReelqError):
    """A file could not be applied, or the files contradict the ledger. Nothing of that file stays."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


@dataclass(frozen=True, slots=True)
class File:
    """One file of sql/; `path` is relative to it and its key in the ledger."""

    path: str
    kind: str
    room: str  # empty for grants and migrations
    text: str

    @property
    def sha256(self) -> str:
        """Of the text."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def head(self) -> list[str]:
        """The comment lines at the top, without their dashes."""
        lines = []
        for line in self.text.splitlines():
            if not line.startswith("--"):
                break
            lines.append(line.removeprefix("--").strip())
        return lines

    @property
    def transactional(self) -> bool:
        """Whether the file runs in one transaction."""
        return "transaction: none" not in self.head


def rooms(root: Path = ROOT) -> list[str]:
    """The rooms, left to right, as the folders of schema/ are numbered."""
    return [folder.name.split("_", 1)[1] for folder in sorted((root / "schema").iterdir()) if folder.is_dir()]


def files(root: Path = ROOT) -> list[File]:
    """What makes an empty database whole, in order.

    Room by room: tables, views, functions, data; the grants last. In `base` the functions follow the
    file that makes the schemas, because the defaults of its tables call them.
    """
    found: list[File] = []
    for folder in sorted((root / "schema").iterdir()):
        if not folder.is_dir():
            continue
        room = folder.name.split("_", 1)[1]
        tables = _read(root, "schema", room, folder.glob("*.sql"))
        views = _read(root, "view", room, (root / "views" / room).glob("*.sql"))
        functions = _read(root, "function", room, (root / "functions" / room).glob("*.sql"))
        # Views come before functions, which may return `setof` one of them.
        found += tables[:1] + functions + tables[1:] + views if room == "base" else tables + views + functions
        found += _read(root, "data", room, (root / "data").glob(f"{room}_*.sql"))
    return found + _read(root, "grants", "", root.glob("grants.sql"))


def migrations(root: Path = ROOT) -> list[File]:
    """The migrations by number.

    Raises:
        SchemaError: a name is not NNNN_<verb>_<object>.sql, or a number is used twice.
    """
    found = _read(root, "migration", "", (root / "migrations").glob("*.sql"))
    numbers: dict[str, str] = {}
    for file in found:
        name = file.path.rsplit("/", 1)[1]
        if not re.fullmatch(r"\d{4}_[a-z0-9_]+\.sql", name):
            raise SchemaError(f"{file.path}: a migration is named NNNN_<verb>_<object>.sql")
        if name[:4] in numbers:
            raise SchemaError(f"{file.path} and {numbers[name[:4]]} have the same number", "Give the later one the next.")
        numbers[name[:4]] = file.path
    return found


def _read(root: Path, kind: str, room: str, paths: Iterable[Path]) -> list[File]:
    """Read files in name order."""
    return [File(p.relative_to(root).as_posix(), kind, room, p.read_text(encoding="utf-8")) for p in sorted(paths)]


def statements(text: str) -> list[str]:
    """The statements of a file without transaction: a semicolon at a line's end and a blank line part them."""
    return [part for part in re.split(r"(?<=;)[ \t]*\n[ \t]*\n", text) if re.sub(r"--[^\n]*", "", part).strip()]


def search_path(root: Path = ROOT) -> list[str]:
    """An application's own names first, then the rooms left to right, base last."""
    return ["$user", "public", *(name for name in rooms(root) if name != "base"), "base"]


def script(root: Path = ROOT) -> str:
    """Everything as one script for psql, in order, with the rows of the ledger."""
    parts = ["set client_min_messages = warning;\nset search_path = '';\nset check_function_bodies = off;\nbegin;\n"]
    parts.append(guard(rooms(root)))
    parts.append((root / "ledger.sql").read_text(encoding="utf-8"))
    for file in migrations(root) + files(root):
        if file.kind != "migration":
            parts.append(f"-- sql/{file.path}\n{file.text}")
        values = f"('{file.path}', '{file.kind}', '{file.sha256}')"
        parts.append(f"insert into base.schema_ledger (path, kind, sha256) values {values};\n")
    return "\n".join([*parts, "commit;\n"])
