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
PACE_TOLERANCE = 0.12  # time stamps in whole milliseconds, at 60 a second
MOST_HELD, MOST_EXTRA = 60, 1800  # pictures of the result for each of the source, and for all of it


def parse(text: str | None) -> Fraction | None:
    """Read ffprobe's `30000/1001`; None for "0/0", "N/A" and nothing."""
    try:
        rate = Fraction(text or "0")
    except (ValueError, ZeroDivisionError):
        return None
    return rate if rate > 0 else None


def snap(pictures: int, seconds: float, declared: Iterable[Fraction | None]) -> Fraction | None:
    """The rate at which `pictures` fill `seconds`, as the fraction that was probably meant.

    What the container declares is taken when it is a known rate and the count agrees; else the
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


def paced(pace_s: float, declared: Iterable[Fraction | None]) -> Fraction | None:
    """The rate of pictures that come in bursts, or at uneven steps, of which `pace_s` is a short one."""
    if pace_s <= 0:
        return None
    rate = 1 / pace_s
    for one in declared:
        if one is not None and abs(one - rate) <= PACE_TOLERANCE * rate and _nearest(float(one), 0.0005):
            return _nearest(float(one), 0.0005)
    return _nearest(rate, PACE_TOLERANCE) or Fraction(rate).limit_denominator(1001)


def for_output(rate: Fraction | None, pictures: int = 0, seconds: float = 0.0) -> Fraction:
    """The rate to encode at: the source's, from 1 to 60; 25 when that is unknown.

    A rate that is not a known one, as a jittering camera's, becomes the next known one above. `pictures` that stand
    for `seconds` bound it: a tiny file of which one picture stands for an hour does not become 100,000 pictures.
    """
    if rate is None:
        rate = Fraction(25)
    if seconds > 0 and rate * Fraction(seconds) > MOST_HELD * pictures + MOST_EXTRA:
        most = Fraction(MOST_HELD * pictures + MOST_EXTRA) / Fraction(seconds)
        return max((known for known in KNOWN if known <= most), default=KNOWN[0])
    while rate > MOST and rate / 2 >= 50:
        rate /= 2  # 120 and 100 are halved: every second picture, no uneven steps
    return next((known for known in KNOWN if known >= rate), MOST)


def _nearest(rate: float, tolerance: float) -> Fraction | None:
    best = min(KNOWN, key=lambda known: abs(known - rate))
    return best if abs(best - rate) <= tolerance * rate else None
