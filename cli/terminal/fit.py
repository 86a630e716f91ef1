"""How a terminal's table is laid out: how wide its columns are, and where what is too long goes on.

Names stay readable the longest. Where there is no room, in this order: spare columns go, headings take several lines, text is cut to what still
tells, ids go on in the next line, then names of hosts and tables do, columns of numbers go from the right, and at last everything is folded.
Where ids take two lines, text takes the second one too. An id that people copy from the table (`whole`) goes on in the next line last of all:
before that text is cut to its beginning, then numbers go from the right, then text does.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol

GAP = 2  # columns of the terminal between two of the table
TELLING = 20  # characters by which a code or a name is still recognised
SENTENCE = 30  # and below which a sentence is no fun to read
SHORT = 14  # a date, the beginning of a name
LEAST = 8  # below this a cut word tells nothing
HALF_ID = 19  # an id up to its third dash
ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
BREAKS = "-_.:/@"  # a name may go on in the next line after these


class Shape(Protocol):
    """What counts of a column; see cli.terminal.output.Column."""

    @property
    def title(self) -> str:
        """The heading."""

    @property
    def keep(self) -> bool:
        """Cut never, folded last."""

    @property
    def spare(self) -> bool:
        """Left out where there is no room."""

    @property
    def whole(self) -> bool:
        """An id that is folded only where nothing else is left."""

    @property
    def wrap(self) -> bool:
        """A sentence: goes on in the next line."""

    @property
    def right(self) -> bool:
        """A number: it would lie if it were cut."""


def fitted(columns: Sequence[Shape], cells: Sequence[Sequence[str]], room: int) -> dict[int, int]:
    """Width by the number of each column that stays."""
    numbers = range(len(columns))
    values = [max((cells_of(row[number]) for row in cells), default=0) for number in numbers]
    natural = [max(cells_of(columns[number].title), values[number]) for number in numbers]
    left = dict(enumerate(natural))
    is_id = [bool(values[number]) and all(not row[number] or ID.fullmatch(row[number]) for row in cells) for number in numbers]

    has_whole = any(columns[number].whole and is_id[number] for number in numbers)

    def over() -> int:
        """How much too wide the table is."""
        return sum(left.values()) + GAP * (len(left) - 1) - room

    def shrink(chosen: Sequence[int], least: int) -> None:
        """The widest of these shrinks until the table fits, or all are as narrow as `least`."""
        while over() > 0:
            widest = max((number for number in chosen if number in left), key=lambda number: left[number], default=None)
            if widest is None or left[widest] <= least:
                break
            left[widest] -= 1

    def text_columns() -> list[int]:
        return [number for number in left if not (columns[number].keep or columns[number].right or columns[number].wrap or is_id[number])]

    def narrowest() -> int:
        """How much too wide it is when text is cut to what still tells."""
        saved = sum(max(left[number] - TELLING, 0) for number in text_columns())
        return over() - saved - sum(max(left[number] - SENTENCE, 0) for number in left if columns[number].wrap)

    for number in reversed(numbers):
        if narrowest() > 0 and number and (columns[number].spare or values[number] == 0):
            del left[number]
    if narrowest() > 0:  # headings take as many lines as they have words
        for number in left:
            left[number] = max([values[number], *(cells_of(word) for word in columns[number].title.split())])
    shrink([number for number in left if columns[number].wrap], SENTENCE)
    shrink(text_columns(), TELLING)
    if has_whole:
        shrink(text_columns(), LEAST)
        gone = [number for number in reversed(numbers) if columns[number].right]
        for number in [*gone, *(number for number in reversed(numbers) if number in text_columns())]:
            if over() > 0:
                left.pop(number, None)
    if over() > 0:
        for number in left:
            left[number] = min(left[number], HALF_ID) if is_id[number] else left[number]
    may_shrink = [*text_columns(), *(number for number in left if columns[number].wrap)]
    shrink(may_shrink, SHORT)
    shrink([number for number in left if columns[number].keep and not is_id[number]], TELLING)
    shrink(may_shrink, LEAST)
    for number in reversed(numbers):
        if columns[number].right and over() > 0 and len(left) > 1:
            left.pop(number, None)
    shrink([number for number in left if not columns[number].right], 1)
    shrink(list(left), 1)
    return left


def lines_of(cell: str, column: Shape, width: int, most: int = 1) -> list[str]:
    """A cell as the lines that it takes; text that is no sentence takes `most` and is cut there."""
    if cells_of(cell) <= width:
        return [cell]
    if column.wrap:
        return words(cell, width)
    if column.keep or column.right or ID.fullmatch(cell):
        return fold(cell, width)
    lines = words(cell, width)
    if len(lines) <= most:
        return lines
    rest = cell[sum(len(one) for one in lines[: most - 1]) :].lstrip() if most > 1 else cell
    return [*lines[: most - 1], cut(rest, width - 1) + "…"]


def words(text: str, width: int) -> list[str]:
    """The text in lines of whole words; a word that is longer than a line is folded."""
    lines = [""]
    for word in text.split(" "):
        joined = f"{lines[-1]} {word}" if lines[-1] else word
        if cells_of(joined) <= width:
            lines[-1] = joined
        else:
            lines[len(lines) - (not lines[-1]) :] = fold(word, width)
    return lines


def fold(text: str, width: int) -> list[str]:
    """The text in lines, broken after a sign of BREAKS where the line is at least half full."""
    lines = []
    while cells_of(text) > width:
        head = cut(text, width) or text[0]
        at = max((head.rfind(sign) for sign in BREAKS), default=-1) + 1
        if at > len(head) // 2:
            head = head[:at]
        lines.append(head)
        text = text[len(head) :]
    return [*lines, text]


def cut(text: str, width: int) -> str:
    """As much of the beginning as fits."""
    taken = 0
    for place, sign in enumerate(text):
        taken += cells_of(sign)
        if taken > width:
            return text[:place]
    return text


def cells_of(text: str) -> int:
    """Columns that the text takes: a wide letter takes two."""
    from rich.cells import cell_len

    return cell_len(text)
