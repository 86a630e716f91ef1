"""How wide the columns of a terminal's table are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

GAP = 3  # columns of the terminal between two of the table
TELLING = 20  # a code or a name can be told by that much of it


class Shape(Protocol):
    """What counts of a column; see cli.output.Column."""

    @property
    def keep(self) -> bool:
        """Never shortened."""

    @property
    def spare(self) -> bool:
        """Left out where there is no room."""


def fitted(columns: Sequence[Shape], natural: Sequence[int], room: int) -> dict[int, int]:
    """Width by the number of each column that stays: spare ones go, the last first, then the widest that may shrinks."""
    left = dict(enumerate(natural))

    def over(most: int) -> int:
        """How much too wide the table is while what may be shortened takes `most` at most."""
        taken = sum(width if columns[number].keep else min(width, most) for number, width in left.items())
        return taken + GAP * (len(left) - 1) - room

    for number in reversed(range(len(columns))):
        if columns[number].spare and over(TELLING) > 0:
            del left[number]
    while over(room) > 0:
        widest = max((number for number in left if not columns[number].keep), key=lambda number: left[number], default=None)
        if widest is None or left[widest] == 1:
            break
        left[widest] -= 1
    return left
