"""The only module that prints. Data goes to stdout, everything else to stderr.

    emit         rows: a table on a terminal, aligned columns in a pipe, one JSON object a line with --json
    emit_record  one record: names and values, or one JSON object
    line         one finished line of data (a URL, a shell script)
    say, warn    news for people, on stderr

Whatever comes from outside passes cli.text.clean on its way to a terminal.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import TYPE_CHECKING, Any, TextIO

from reelq.cli.terminal import fit, text

if TYPE_CHECKING:
    from rich.console import Console

GAP = "  "  # between the columns of a pipe
INDENT = 10  # of what goes on below a line that begins with a time


class PipeClosed(Exception):
    """The reader of stdout has gone (as in `… | head -1`): there is nothing left to do."""


class NotWritten(Exception):
    """What stdout is written to takes no more (a full disk): told, since what was asked for is done all the same."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: the key of the row, its heading, how a value looks."""

    key: str
    heading: str = ""
    show: Callable[[Any], str] = text.shown
    right: bool = False
    keep: bool = False  # never shortened on a narrow terminal: ids and what people copy
    whole: bool = False  # an id that is folded last of all: names beside it are cut before
    wrap: bool = False  # goes on in the next line instead of being shortened: sentences
    spare: bool = False  # left out of a terminal's table that would be too wide, the last one first

    @property
    def title(self) -> str:
        """The heading, else the key in words."""
        return self.heading or self.key.replace("_", " ")


def emit(
    rows: Iterable[Any],
    as_json: bool,
    columns: Sequence[str | Column] | None = None,
    title: str | None = None,
    *,
    headings: bool = True,
) -> int:
    """Print rows (dataclasses or mappings); return how many there were.

    JSON has every field of a row; `columns` chooses what people see.
    """
    count = 0
    if as_json:
        for row in rows:
            line(text.to_json(row), clean=False)
            count += 1
        return count
    records = [_record(row) for row in rows]
    chosen = [
        name if isinstance(name, Column) else Column(name)
        for name in columns or list(records[0] if records else [])
    ]
    cells = [[column.show(record.get(column.key)) for column in chosen] for record in records]
    if not records:
        return 0
    if title:
        line("")
        line(title)
    if on_terminal() and headings:
        _table(chosen, cells)
    else:
        _aligned(chosen, cells, headings)
    return len(records)


def in_order(record: Mapping[str, Any], *first: str) -> dict[str, Any]:
    """The record with these keys first; jsonb orders keys by length."""
    return {**{name: record[name] for name in first if name in record}, **record}


def emit_record(
    row: Any, as_json: bool, columns: Sequence[str | Column] | None = None, title: str | None = None
) -> None:
    """Print one record: a name and its value a line, or one JSON object."""
    if as_json:
        line(text.to_json(row), clean=False)
        return
    record = _record(row)
    chosen = [name if isinstance(name, Column) else Column(name) for name in columns or list(record)]
    width = max((len(column.title) for column in chosen), default=0)
    if title:
        line("")
        line(title)
    for column in chosen:
        value = column.show(record.get(column.key))
        if value:
            _field(f"{column.title:<{width}}{GAP}", value)


def line(content: str, *, clean: bool = True) -> None:
    """Print one line of data."""
    _write(sys.stdout, (text.clean(content) if clean else content) + "\n")


def paragraph(content: str, last: str) -> None:
    """Print a line that holds `last`, an id; on a terminal where it does not fit, the id goes below the rest."""
    room = console().width
    if not on_terminal() or fit.cells_of(text.clean(content)) <= room:
        line(content)
        return
    for number, part in enumerate(fit.words(text.clean(content.replace(f"{last}  ", "", 1)), room - INDENT)):
        line(" " * INDENT * (number > 0) + part, clean=False)
    line(" " * INDENT + last)


def lines(title: str, content: str) -> None:
    """Print text from outside that has lines of its own (a stack, stderr of ffmpeg), each line cleaned."""
    line("")
    line(title)
    for part in content.splitlines():
        line(f"  {part}")


def raw(content: str) -> None:
    """Print text of our own as it is, line breaks and all (SQL, a shell script, help)."""
    _write(sys.stdout, content if content.endswith("\n") else content + "\n")


def say(message: str) -> None:
    """Tell people something, on stderr."""
    for part in message.split("\n"):
        _write(sys.stderr, text.clean(part) + "\n")


def fail(message: str, hint: str | None = None) -> None:
    """Tell what went wrong, on stderr: `reelq: message`, then `hint: …`."""
    say(f"reelq: {message}")
    if hint:
        say(f"hint: {hint}")


def on_terminal() -> bool:
    """Whether a person reads stdout."""
    return _is_terminal(sys.stdout)


def can_ask() -> bool:
    """Whether a person is there who can be asked: types into stdin and reads stderr."""
    return _is_terminal(sys.stdin) and _is_terminal(sys.stderr)


def can_show_progress() -> bool:
    """Whether stderr is a terminal that understands cursor movement."""
    from reelq.worker.settings import environment

    return _is_terminal(sys.stderr) and environment().get("TERM", "") not in ("", "dumb")


def console(*, stderr: bool = False) -> Console:
    """rich's console on stdout or stderr, without its own reading of markup, emoji names and numbers."""
    from rich.console import Console

    return Console(stderr=stderr, markup=False, highlight=False, emoji=False, soft_wrap=False)


def flush() -> None:
    """Push out what is buffered; called once, at the end.

    Raises:
        PipeClosed: the reader has gone.
        NotWritten: there is no room for it.
    """
    for stream in (sys.stdout, sys.stderr):
        _guard(stream, stream.flush)


def abandon() -> None:
    """Point stdout at /dev/null, so that the interpreter's last flush raises no error about the pipe."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _table(columns: list[Column], cells: list[list[str]]) -> None:
    """A table as wide as it needs to be and the terminal allows."""
    widths = fit.fitted(columns, cells, console().width)
    bold, plain = ("\x1b[1m", "\x1b[0m") if console().color_system else ("", "")

    def show(parts: dict[int, list[str]], before: str = "", after: str = "") -> None:
        """One row of the table: as many lines as its highest cell has."""
        for number in range(max(map(len, parts.values()))):
            padded = []
            for place, width in widths.items():
                part = parts[place][number] if number < len(parts[place]) else ""
                space = " " * (width - fit.cells_of(part))
                padded.append(space + part if columns[place].right else part + space)
            line(before + (" " * fit.GAP).join(padded).rstrip() + after, clean=False)

    show({place: fit.words(columns[place].title, width) for place, width in widths.items()}, bold, plain)
    line("─" * (sum(widths.values()) + fit.GAP * (len(widths) - 1)))
    for row in cells:
        most = 2 if any(fit.ID.fullmatch(row[place]) and width < len(row[place]) for place, width in widths.items()) else 1
        show({place: fit.lines_of(row[place], columns[place], width, most) for place, width in widths.items()})


def _field(label: str, value: str) -> None:
    """A name and its value. A sentence goes on below its beginning; what people copy as a whole is left to the terminal."""
    room = console().width - len(label)
    parts = fit.words(value, room) if on_terminal() and room >= fit.SENTENCE and " " in value else [value]
    for number, part in enumerate(parts):
        line((label if number == 0 else " " * len(label)) + part, clean=False)


def _aligned(columns: list[Column], cells: list[list[str]], headings: bool) -> None:
    """Columns with two spaces between, the last one unpadded; nothing is shortened."""
    from rich.cells import cell_len  # a wide letter takes two columns

    lines = [[column.title.upper() for column in columns], *cells] if headings else cells
    widths = [max(cell_len(row[number]) for row in lines) for number in range(len(columns))]
    for row in lines:
        padded = [
            " " * (width - cell_len(cell)) + cell if column.right else cell + " " * (width - cell_len(cell))
            for column, cell, width in zip(columns, row, widths, strict=True)
        ]
        line(GAP.join(padded).rstrip(), clean=False)


def _record(row: Any) -> Mapping[str, Any]:
    """A row by names."""
    if is_dataclass(row) and not isinstance(row, type):
        return {field.name: getattr(row, field.name) for field in fields(row)}
    if isinstance(row, Mapping):
        return row
    raise TypeError(f"a row is a dataclass or a mapping, not {type(row).__name__}")


def _write(stream: TextIO, content: str) -> None:
    """Print; letters that the terminal's encoding lacks become escapes."""
    try:
        content.encode(stream.encoding or "utf-8")
    except UnicodeEncodeError:
        encoding = stream.encoding or "utf-8"
        content = content.encode(encoding, "backslashreplace").decode(encoding)
    _guard(stream, lambda: print(content, end="", file=stream))


def _guard(stream: TextIO, act: Callable[[], object]) -> None:
    """Turn a closed pipe of stdout into PipeClosed, a full disk into NotWritten; what stderr cannot take is lost."""
    try:
        act()
    except BrokenPipeError:
        if stream is not sys.stderr:
            raise PipeClosed from None
    except OSError as error:
        if stream is not sys.stderr:
            raise NotWritten((error.strerror or str(error)).lower()) from None


def _is_terminal(stream: TextIO | None) -> bool:
    """isatty that survives a closed stream; None is one that was closed before the program began."""
    try:
        return stream is not None and stream.isatty()
    except ValueError:
        return False


def on_desktop() -> bool:
    """Whether there is a screen to show a picture on."""
    from reelq.worker.settings import environment

    return sys.platform == "darwin" or bool({"DISPLAY", "WAYLAND_DISPLAY"} & environment().keys())
