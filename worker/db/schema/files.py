"""The files of sql/: what kind they are, in which order they run, and all of them as one script.

    schema/<NN_room>/<NN_table>.sql  views/<room>/<view>.sql  data/<room>_<table>.sql
    functions/<room>/[<subject>/]<function>.sql  migrations/NNNN_<verb>_<object>.sql  grants.sql  ledger.sql

A .sql file that lies anywhere else would never be installed, so it is refused. The subject is a folder for readers only:
the ledger knows a function as functions/<room>/<function>.sql wherever it lies, so that one which moves to another subject
is neither run again nor told as gone.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from reelq.worker.db.schema import drift
from reelq.worker.db.schema.foreign import guard
from reelq.worker.errors import ReelqError

ROOT = Path(__file__).resolve().parents[3] / "sql"  # beside worker/ in a checkout and in the wheel
NO_WAY_UP = (
    "Nothing was changed. From a database that an unreleased version made there is no way up: dump your data, "
    "install into an empty database, and load it there."
)


class SchemaError(ReelqError):
    """A file could not be applied, or the files contradict the ledger. Nothing of that file stays."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


# What is no statement of the file itself: comments, bodies and texts.
ASIDE = re.compile(r"--[^\n]*|/\*.*?\*/|\$(\w*)\$.*?\$\1\$|'(?:[^']|'')*'", re.DOTALL)
MADE = re.compile(
    r"\bcreate\s+(or\s+replace\s+)?(?:(?:temp|temporary|recursive|materialized)\s+)*(function|procedure|aggregate|view)\s+"
    r"(?:if\s+not\s+exists\s+)?([\w\".]+)",
    re.IGNORECASE,
)
ROOM = re.compile(r"\d\d_[a-z][a-z0-9_]*")


@dataclass(frozen=True, slots=True)
class File:
    """One file of sql/; `path` is its key in the ledger: where it lies, without the subject of a function."""

    path: str
    kind: str
    room: str  # empty for grants and migrations
    text: str
    place: str  # where it lies, relative to sql/

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

    @property
    def is_last(self) -> bool:
        """Whether a migration runs after functions and views: what they read before and do not read any more goes."""
        return "when: last" in self.head


def rooms(root: Path = ROOT) -> list[str]:
    """The rooms, left to right, as the folders of schema/ are numbered.

    Raises:
        SchemaError: a folder is not called NN_room.
    """
    found = [folder.name for folder in sorted((root / "schema").iterdir()) if folder.is_dir()]
    for name in found:
        if not ROOM.fullmatch(name):
            raise SchemaError(f"sql/schema/{name} must be called <NN>_<room>", "The two digits say where the room stands.")
    return [name.split("_", 1)[1] for name in found]


def files(root: Path = ROOT) -> list[File]:
    """What makes an empty database whole, in order.

    Room by room: tables, views, functions, data; the grants last. Functions run in the order of their names, whatever their
    subject. In `base` the functions follow the file that makes the schemas, because the defaults of its tables call them.

    Raises:
        SchemaError: a .sql file lies where nobody reads it, or does not make what its name and folder say.
    """
    found: list[File] = []
    _check_names(root)
    rooms(root)
    for folder in sorted(one for one in (root / "schema").iterdir() if one.is_dir()):
        room = folder.name.split("_", 1)[1]
        tables = _read(root, "schema", room, folder.glob("*.sql"))
        views = _read(root, "view", room, (root / "views" / room).glob("*.sql"))
        functions = _functions(root, room)
        # Views come before functions, which may return `setof` one of them.
        found += tables[:1] + functions + tables[1:] + views if room == "base" else tables + views + functions
        found += _read(root, "data", room, (root / "data").glob(f"{room}_*.sql"))
    found += _read(root, "grants", "", [path for path in root.iterdir() if path.name == "grants.sql"])
    _check_places(root, found)
    return found


def migrations(root: Path = ROOT) -> list[File]:
    """The migrations by number.

    Raises:
        SchemaError: a name is not NNNN_<verb>_<object>.sql, or a number is used twice.
    """
    _check_names(root)
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
    places = [(p.relative_to(root).as_posix(), _text(root, p)) for p in sorted(paths)]
    return [File(place, kind, room, text, place) for place, text in places]


def _text(root: Path, path: Path) -> str:
    """What a file says.

    Raises:
        SchemaError: it is none, cannot be read, or is not UTF-8.
    """
    place = path.relative_to(root).as_posix()
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise SchemaError(f"sql/{place} must be UTF-8, and byte {error.start + 1} is not", "Save it as UTF-8.") from error
    except OSError as error:
        raise SchemaError(f"sql/{place} must be a file that can be read: {error.strerror}") from error
    if text.startswith("\ufeff"):
        raise SchemaError(f"sql/{place} must not begin with a byte order mark", "Save it as UTF-8 without one.")
    return text


def _check_names(root: Path) -> None:
    """Refuse what looks like a file of SQL and is called otherwise, so that nobody would read it.

    Raises:
        SchemaError: names it.
    """
    for path in sorted(one for one in root.rglob("*") if one.suffix.lower() == ".sql" and one.suffix != ".sql"):
        place = path.relative_to(root).as_posix()
        raise SchemaError(f"sql/{place} would never be installed: its name must end in .sql", "Rename it.")


def _functions(root: Path, room: str) -> list[File]:
    """The functions of a room and of its subjects, by name.

    Raises:
        SchemaError: two subjects have a file of the same name.
    """
    folder = root / "functions" / room
    read = _read(root, "function", room, [*folder.glob("*.sql"), *folder.glob("*/*.sql")])
    by_key: dict[str, File] = {}
    for file in read:
        key = f"functions/{room}/{file.place.rsplit('/', 1)[1]}"
        if key in by_key:
            told = f"sql/{by_key[key].place} and sql/{file.place} have the same name"
            raise SchemaError(told, "One function is one file: remove one of them.")
        by_key[key] = replace(file, path=key)
    return [by_key[key] for key in sorted(by_key)]


def _check_places(root: Path, found: list[File]) -> None:
    """Refuse .sql files that nobody would read, and functions and views that are not what their files are called.

    Raises:
        SchemaError: names the file and where it should lie.
    """
    read = {file.place for file in [*found, *migrations(root)]} | {"ledger.sql"}
    for place in sorted(path.relative_to(root).as_posix() for path in root.rglob("*.sql")):
        if place not in read:
            raise SchemaError(f"sql/{place} would never be installed: it lies in a wrong place", _should_lie(root, place))
    for file in found:
        if file.kind not in ("function", "view"):
            continue
        name = file.place.rsplit("/", 1)[1].removesuffix(".sql")
        made = MADE.findall(ASIDE.sub(" ", file.text))
        if [(kind.lower(), own.replace('"', "")) for _, kind, own in made] != [(file.kind, f"{file.room}.{name}")]:
            told = " and ".join(own.replace('"', "") for _, _, own in made) or "nothing"
            raise SchemaError(
                f"sql/{file.place} must make the {file.kind} {file.room}.{name} and no other, not {told}",
                f"A {file.kind} lies in {file.kind}s/<room>/<its name>.sql, one a file.",
            )
        if not made[0][0]:
            told = f"sql/{file.place} must say create or replace {file.kind}, not create {file.kind}"
            raise SchemaError(told, "The file runs again whenever its text changes.")


def _should_lie(root: Path, place: str) -> str:
    """Where a file that lies wrong should lie."""
    kind, _, rest = place.partition("/")
    elsewhere = "Files lie in schema/, functions/, views/, data/ or migrations/; beside them only grants.sql and ledger.sql."
    name = place.rsplit("/", 1)[1] if rest else place
    known = ", ".join(rooms(root))
    return {
        "schema": f"A table lies in schema/<NN_room>/{name}, with no folder in between.",
        "functions": f"A function lies in functions/<room>/{name} or functions/<room>/<subject>/{name}. Rooms: {known}.",
        "views": f"A view lies in views/<room>/{name}, with no folder in between. Rooms: {known}.",
        "data": f"Rows lie in data/<room>_<table>.sql, with no folder in between. Rooms: {known}.",
        "migrations": f"A migration lies in migrations/{name}, with no folder in between.",
    }.get(kind if rest else "", elsewhere)


def statements(text: str) -> list[str]:
    """The statements of a file without transaction: a semicolon at a line's end and a blank line part them."""
    return [part for part in re.split(r"(?<=;)[ \t]*\n[ \t]*\n", text) if re.sub(r"--[^\n]*", "", part).strip()]


def parts(text: str) -> list[tuple[int, str]]:
    """The statements of a file, each with the place where it begins; in one piece where a body without quotes hides semicolons."""
    bare = ASIDE.sub(lambda found: " " * len(found[0]), text)
    if re.search(r"\bbegin\s+atomic\b", bare, re.IGNORECASE):
        return [(0, text)]
    ends = [found.end() for found in re.finditer(";", bare)] + [len(text)]
    begins = [0, *ends[:-1]]
    return [(begin, text[begin:end]) for begin, end in zip(begins, ends, strict=True) if bare[begin:end].strip()]


def search_path(root: Path = ROOT) -> list[str]:
    """An application's own names first, then the rooms left to right, base last."""
    return ["$user", "public", *(name for name in rooms(root) if name != "base"), "base"]


def script(root: Path = ROOT, more: str = "") -> str:
    """Everything as one script for psql, in order, with the rows of the ledger; `more` at its end."""
    parts = [f"set {name} = '{value}';\n" for name, value in {"client_encoding": "UTF8", **drift.PARAMETERS}.items()]
    parts.append("set client_min_messages = warning;\nset check_function_bodies = off;\nbegin;\n")
    parts.append(guard(rooms(root)))
    parts.append(_text(root, root / "ledger.sql"))
    for file in migrations(root) + files(root):
        if file.kind != "migration":
            parts.append(f"-- sql/{file.place}\n{file.text}")
        values = f"('{file.path}', '{file.kind}', '{file.sha256}')"
        parts.append(f"insert into base.schema_ledger (path, kind, sha256) values {values};\n")
    # As the runner does at its end, so that `reelq schema diff` finds nothing.
    names = "array[" + ", ".join(f"'{room}'" for room in rooms(root)) + "]"
    query = drift.DESCRIBE.replace("%(rooms)s", names).strip()
    parts.append(f"insert into base.schema_objects (object, kind, md5)\n{query};\n")
    return "\n".join([*parts, more, "commit;\n"])
