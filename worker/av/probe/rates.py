"""Frame rates as exact fractions: 30000/1001, not 29.97."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

KNOWN = tuple(
    Fraction(*rate)
    for rate in (
        (1, 1), (2, 1), (3, 1), (4, 1), (5, 1),
        (8, 1), (10, 1), (12, 1), (12_500, 1000), (15_000, 1001), (15, 1), (20, 1), (24_000, 1001),
        (24, 1), (25, 1), (30_000, 1001), (30, 1), (48, 1), (50, 1), (60_000, 1001), (60, 1),
    )
)  # fmt: skip
MOST = Fraction(60)  # what screens show and platforms take
DECLARED_TOLERANCE = 0.02  # a short clip's count of pictures is off by one picture
KNOWN_TOLERANCE = 0.01


def parse(text: str | None) -> Fraction | None:
    """Read ffprobe's `30000/1001`; None for "0/0", "N/A" and nothing."""
    try:
        rate = Fraction(text or "0")
    except (ValueError, ZeroDivisionError):
        return None
    return rate if rate > 0 else None


def snap(pictures: int, seconds: float, declared: Iterable[Fraction | None]) -> Fraction | None:
    """The rate at which `pictures` fill `seconds`, as the fraction that was probably meant.

    What the container declares is believed when it is a known rate and the count agrees; else the
    nearest known rate within one percent; else the count itself. None when there is nothing to count.
    """
    if pictures < 1 or seconds <= 0:
        return None
    if pictures == 1:
        return next((rate for rate in declared if rate is not None), None)
    measured = pictures / seconds
    # A clip of n pictures may truly be n - 1 or n + 1 pictures long.
    tolerance = max(DECLARED_TOLERANCE, 1 / pictures)
    for rate in declared:
        if rate is not None and abs(rate - measured) <= tolerance * measured:
            known = _nearest(float(rate), 0.0005)
            if known is not None:
                return known
    return _nearest(measured, KNOWN_TOLERANCE) or Fraction(measured).limit_denominator(1001)


def for_output(rate: Fraction | None) -> Fraction:
    """The rate to encode at: the source's, from 1 to 60; 25 when that is unknown.

    A rate that nobody knows, as a screen recording's average, becomes the next known one above.
    """
    if rate is None:
        return Fraction(25)
    while rate > MOST and rate / 2 >= 50:
        rate /= 2  # 120 and 100 are halved: every second picture, no uneven steps
    return next((known for known in KNOWN if known >= rate), MOST)


def _nearest(rate: float, tolerance: float) -> Fraction | None:
    best = min(KNOWN, key=lambda known: abs(known - rate))
    return best if abs(best - rate) <= tolerance * rate else None
