"""docs/coverage.md: whether each place that it names is there, and how much of each source document is built.

    python -m tools.coverage        the counts, a line a source; then what is wrong, and exit code 1
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import click

from reelq.cli.main import cli
from reelq.worker import settings
from reelq.worker.db import schema
from tools import reference

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "coverage.md"
HEADER = ["of", "part", "state", "where it is, or why not", "shown by"]
# The sections of the data model, by which a decision is named.
DECISIONS = ("house rules", "rooms", "names", "does not work", "queue", "storage", "retention", "security", "figures", "corrections", "design")
DECIDED = re.compile(rf"\(({'|'.join(DECISIONS)})(: [^()]+)?\)")
OBJECT = re.compile(rf"(?:{'|'.join(schema.rooms())})\.\w+(?:\(\)|\.\w+|\.\{{[\w, ]+\}})?")


@dataclass(frozen=True, slots=True)
class Row:
    """A part of a source document."""

    source: str  # S0 …
    line: int  # of the page
    cells: list[str]  # as in HEADER

    @property
    def state(self) -> str:
        """built, otherwise, or not yet."""
        return self.cells[2].split(":")[0]

    def places(self) -> list[str]:
        """What stands in backticks as a place or as what shows it."""
        return re.findall(r"`([^`]+)`", " ".join(self.cells[3:]))


def rows(page: str) -> Iterator[Row]:
    """Every row below a heading of a source, but for the heads of the tables."""
    source = ""
    for number, line in enumerate(page.splitlines(), 1):
        if line.startswith("## "):
            found = re.match(r"## (S\d)\b", line)
            source = found[1] if found else ""
        elif source and line.startswith("|"):
            cells = [cell.strip() for cell in line.strip().strip("|").split(" | ")]
            if cells != HEADER and set(cells[0]) != {"-"}:
                yield Row(source, number, cells)


def expand(name: str) -> list[str]:
    """`room.table.{a, b}` as two names."""
    head, brace, tail = name.partition("{")
    return [head + word.strip() for word in tail.rstrip("}").split(",")] if brace else [name]


@cache
def objects() -> frozenset[str]:
    """What the files of sql/ make: tables, views, types, `function()`; columns, constraints, indexes, triggers, policies as table.name."""
    names: set[str] = set()
    copied: list[tuple[str, str]] = []
    for file in schema.files():
        text = file.text
        names |= {f"{name}()" for name in re.findall(r"^create or replace function (\w+\.\w+)", text, re.MULTILINE)}
        names |= set(re.findall(r"^create (?:or replace view|type) (\w+\.\w+)", text, re.MULTILINE))
        names |= set(re.findall(r"^comment on column (\w+\.\w+\.\w+) is", text, re.MULTILINE))
        for table, body in re.findall(r"^create table (\w+\.\w+) \((.*?)^\)", text, re.MULTILINE | re.DOTALL):
            names |= {table, *(f"{table}.{one}" for one in re.findall(r"^    constraint (\w+)", body, re.MULTILINE))}
            copied += [(table, model) for model in re.findall(r"^    like (\w+\.\w+)", body, re.MULTILINE)]
        made = r"^create (?:unique )?(?:index|policy|trigger|constraint trigger) (\w+)\b[^;]*?\bon (\w+\.\w+)"
        names |= {f"{table}.{name}" for name, table in re.findall(made, text, re.MULTILINE)}
        for table in re.findall(r"^select base\.protect_tenant_rows\('(\w+\.\w+)'\)", text, re.MULTILINE):
            names |= {f"{table}.owner_sees_all", f"{table}.tenant_sees_its_own"}
    for table, model in copied:
        names |= {f"{table}.{name.removeprefix(model + '.')}" for name in names if name.startswith(f"{model}.")}
    return frozenset(names)


@cache
def commands() -> dict[str, click.Command]:
    """Each command by its whole name."""
    return {name: context.command for name, context in reference.commands(cli)}


def command_is_there(typed: str) -> bool:
    """Whether `reelq …` names a command and options that there are; what stands after them is the reader's."""
    words = typed.split()
    name = next((one for n in range(len(words), 1, -1) if (one := " ".join(words[:n])) in commands()), "")
    if not name:
        return False
    command, rest = commands()[name], words[len(name.split()) :]
    options = {option for it in (cli, command) for param in it.params for option in (*param.opts, *param.secondary_opts)}
    given = {word for word in rest if word.startswith("-")}
    return given <= options | {"--help"} and (not isinstance(command, click.Group) or given == set(rest))


def file_is_there(place: str) -> bool:
    """A path; `path::test`, a test in it; `path#word`, a word in it."""
    path, kind, name = place.partition("::" if "::" in place else "#")
    file = ROOT / path
    if ".." in path or path.startswith("/") or not file.exists():
        return False
    if not kind:
        return True
    if not file.is_file():
        return False
    text = file.read_text(encoding="utf-8")
    if kind == "::":
        return re.search(rf"^(?:async )?def {re.escape(name)}\(", text, re.MULTILINE) is not None and name.startswith("test_")
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text) is not None


def module_is_there(typed: str) -> bool:
    """`python -m a.b …` or `./run word …`."""
    words = typed.split()
    if words[0] == "./run":
        known = re.search(r"^case \$command in\n +(.*)\) ;;$", (ROOT / "run").read_text(encoding="utf-8"), re.MULTILINE)
        return known is not None and words[1] in known[1].split(" | ")
    path = ROOT / words[2].replace(".", "/")
    return path.with_suffix(".py").is_file() or (path / "__main__.py").is_file()


def is_there(place: str) -> bool:
    """Whether what stands in backticks exists."""
    if place.startswith("reelq "):
        return command_is_there(place)
    if place.startswith(("python -m ", "./run ")):
        return module_is_there(place)
    if re.fullmatch(r"(REELQ|DATABASE)_[A-Z0-9_]+", place):
        return place in {settings.variable(name) for name in settings.FIELDS}
    if OBJECT.fullmatch(place):
        return all(name in objects() for name in expand(place))
    return file_is_there(place)


def wrong(row: Row) -> Iterator[str]:
    """What is wrong with one row."""
    if len(row.cells) != len(HEADER) or not all(row.cells):
        yield f"a row has {len(HEADER)} cells that say something ('—': nothing), not {row.cells}"
        return
    where, shown, said = row.cells[3], row.cells[4], row.cells[2]
    if said not in ("built", "otherwise") and not re.fullmatch(r"not yet: .+", said):
        yield f"state must be built, otherwise, or 'not yet: <part>', not {said!r}"
    if said == "built" and ("`" not in where or "`" not in shown):
        yield "what is built has a place and a test or command that shows it, in backticks"
    if said == "otherwise" and not DECIDED.search(where):
        yield f"what is decided otherwise names the decision, as (names: sync_status); one of {', '.join(DECISIONS)}"
    yield from (f"`{place}` is not there" for place in row.places() if not is_there(place))
    plain = re.sub(r"`[^`]*`", "", where)
    if row.state == "not yet":
        yield from (f"{name} is there now: say so, in backticks" for name in OBJECT.findall(plain) if name in objects())


def mistakes(page: str) -> list[str]:
    """What is wrong with the page, each with its line."""
    found = [f"line {row.line}: {one}" for row in rows(page) for one in wrong(row)]
    seen: dict[tuple[str, ...], int] = {}
    for row in rows(page):
        first = seen.setdefault((row.source, *row.cells[:2]), row.line)
        found += [f"line {row.line}: the same part as in line {first}"] if first != row.line else []
    return found


def counts(page: str) -> list[str]:
    """A line a source: rows, and how many of each state; then what is not yet there, by the part of the work."""
    titles = re.findall(r"^## (S\d): (.+)$", page, re.MULTILINE)
    width = max(len(title) for _, title in titles)
    table = [f"{'':{width + 4}}  rows  built  otherwise  not yet"]
    total: Counter[str] = Counter()
    for source, title in titles:
        states = Counter(row.state for row in rows(page) if row.source == source)
        total += states
        table.append(_line(f"{source}  {title:{width}}", states))
    parts = Counter(row.cells[2].partition(": ")[2] for row in rows(page) if row.state == "not yet")
    waiting = ", ".join(f"{part} {count}" for part, count in sorted(parts.items(), key=lambda one: one[0].casefold()))
    return [*table, _line(f"{'all':{width + 4}}", total), f"not yet: {waiting}"]


def _line(name: str, states: Counter[str]) -> str:
    return f"{name}  {states.total():4}  {states['built']:5}  {states['otherwise']:9}  {states['not yet']:7}"


def main() -> int:
    """Print the counts and what is wrong."""
    page = PAGE.read_text(encoding="utf-8")
    found = mistakes(page)
    print("\n".join(counts(page)))
    print("".join(f"docs/{PAGE.name}: {one}\n" for one in found), end="", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
