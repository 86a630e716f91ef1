"""Whatever a handler hands over, as a number or a text that the queue takes.

Never raises: what is told beside the work must not end it.
"""

from __future__ import annotations

import math
from typing import Any


def number(value: Any) -> float | None:
    """A finite number; None when it is none: NaN, infinity, a word."""
    try:
        found = float(value)
    except BaseException:  # noqa: BLE001 - an object's own __float__ may raise anything
        return None
    return found if math.isfinite(found) else None


def text(value: Any) -> str:
    """Text that Postgres keeps: no NUL, no half of a surrogate pair. Anything that is no text is shown as one."""
    if not isinstance(value, str):
        try:
            value = value.decode(errors="replace") if isinstance(value, bytes) else str(value)
        except BaseException as error:  # noqa: BLE001 - an object's own __str__ may raise anything
            value = f"{type(value).__name__}, which cannot be shown: {type(error).__name__}"
    return str(value).replace("\0", "").encode(errors="replace").decode()


def line(value: Any, most: int) -> str:
    """The same in one line of at most `most` characters."""
    start = value[: 2 * most] if isinstance(value, str | bytes) else value  # else a text of megabytes is copied again and again
    return " ".join(text(start).split())[:most]
