"""How values look to people: without control characters, as sizes, times, bars.

Titles, file names and error messages come from outside. A terminal acts on control characters in
them (colours, cursor, title, even keystrokes on some), and bidirectional overrides reorder a line.
`clean` makes all of those visible instead.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

# C0, DEL and C1; line separators; direction marks, overrides and isolates; lone surrogates (a file
# name that is not UTF-8); zero-width no-break space. Zero-width joiners stay: emoji need them.
UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]")
SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\x1b": "\\e"}
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)")
UNITS = ("B", "kB", "MB", "GB", "TB", "PB")


def clean(text: str) -> str:
    """The text with everything that a terminal would act on spelled out as an escape."""
    return UNSAFE.sub(lambda found: SHORT.get(found[0]) or _escape(found[0]), text)


def _escape(sign: str) -> str:
    """`\\x9b` or `\\u202e`."""
    return f"\\x{ord(sign):02x}" if ord(sign) < 256 else f"\\u{ord(sign):04x}"


def to_json(value: Any) -> str:
    """One line of JSON; what a terminal would act on is escaped, other letters stay readable."""
    text = json.dumps(plain(value), ensure_ascii=False, separators=(", ", ": "))
    return UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def plain(value: Any) -> Any:
    """The value in JSON's types: times as ISO 8601 in UTC, durations in seconds, exact fractions as text."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return value.isoformat() if isinstance(value, date) else str(value)


def shown(value: Any) -> str:
    """The value as a cell of a table; nothing for None."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")
    if isinstance(value, timedelta):
        return duration(value.total_seconds())
    if isinstance(value, Fraction):
        return str(value)
    if isinstance(value, (list, tuple)):
        return ", ".join(shown(item) for item in value)
    if isinstance(value, Mapping):
        return to_json(value) if value else ""
    if isinstance(value, str) and MOMENT.fullmatch(value):  # of a record that came as JSON
        return shown(datetime.fromisoformat(value))
    return clean(str(value))


def size(count: int | None) -> str:
    """A number of bytes in decimal units: 1.2 MB."""
    if count is None:
        return ""
    number, unit = float(count), 0
    while number >= 999.5 and unit < len(UNITS) - 1:
        number, unit = number / 1000, unit + 1
    return f"{number:.0f} {UNITS[unit]}" if unit == 0 or number >= 99.95 else f"{number:.1f} {UNITS[unit]}"


def count(number: int | None, at_least: bool | None = False) -> str:
    """A number; 10,000+ where counting stopped."""
    return f"{number:,}+" if at_least else shown(number)


def bit_rate(bits_per_second: int | None) -> str:
    """A bit rate: 640 kb/s, 4.2 Mb/s."""
    if bits_per_second is None:
        return ""
    return (
        f"{bits_per_second / 1e6:.1f} Mb/s" if bits_per_second >= 1e6 else f"{bits_per_second / 1e3:.0f} kb/s"
    )


def duration(seconds: float | Decimal | None) -> str:
    """A length of time: 0.4 s, 12 s, 3:05, 1:02:03, 2 d 3 h."""
    if seconds is None:
        return ""
    number = float(seconds)
    if number < 0:
        return "-" + duration(-number)
    if number < 59.95:
        return f"{number:.1f} s" if number < 9.95 else f"{number:.0f} s"
    minutes, rest = divmod(round(number), 60)
    hours, minutes = divmod(minutes, 60)
    if hours >= 48:
        return f"{hours // 24} d {hours % 24} h"
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def age(moment: datetime | None, now: datetime | None = None) -> str:
    """How long ago `moment` was, or `in …` when it is to come."""
    if moment is None:
        return ""
    seconds = ((now or datetime.now(UTC)) - moment).total_seconds()
    return f"in {duration(-seconds)}" if seconds < -1 else duration(max(seconds, 0))


def clamp(fraction: float) -> float:
    """Between 0 and 1."""
    return min(max(fraction, 0.0), 1.0)


def bar(fraction: float | None, width: int) -> str:
    """A progress bar of `width` columns, in eighths; dots when the progress is not known."""
    if fraction is None:
        return "·" * width
    eighths = round(clamp(fraction) * width * 8)
    full, part = divmod(eighths, 8)
    return ("█" * full + (" ▏▎▍▌▋▊▉"[part] if part else "")).ljust(width)


def percent(fraction: float | None) -> str:
    """A share as `47%`."""
    return "" if fraction is None else f"{clamp(fraction) * 100:.0f}%"
