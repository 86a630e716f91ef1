"""Numbers and tables as Markdown that also reads as text."""

from __future__ import annotations

import math
from collections.abc import Sequence


def number(value: float) -> str:
    """Three digits that count."""
    if not math.isfinite(value):
        return "∞"
    if value == round(value) or abs(value) >= 100:
        return f"{value:,.0f}"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:.{min(digits, 4)}f}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table that also reads as text: columns of equal width, numbers to the right."""
    widths = [max(len(row[place]) for row in [head, *rows]) for place in range(len(head))]
    right = [place > 0 and all(not row[place] or row[place][0].isdigit() or row[place][0] in "-≥≤∞" for row in rows)
             for place in range(len(head))]  # fmt: skip

    def line(cells: Sequence[str]) -> str:
        padded = (
            cell.rjust(width) if to_right else cell.ljust(width)
            for cell, width, to_right in zip(cells, widths, right, strict=True)
        )
        return f"| {' | '.join(padded)} |"

    rule = " | ".join("-" * (width - 1) + (":" if to_right else "-") for width, to_right in zip(widths, right, strict=True))
    return "\n".join([line(head), f"| {rule} |", *map(line, rows)])
