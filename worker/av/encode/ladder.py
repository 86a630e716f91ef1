"""Which renditions a video gets. A rung is a length of the short side, so it also fits portrait video.

Nothing is ever enlarged. A source whose short side is no rung keeps one rendition at its own
size, unless it is larger than the largest rung.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any, Literal

from reelq.worker.errors import PermanentError

# Short side in pixels: most kilobits a second at up to 30 frames a second. CRF decides below that:
# at CRF 23 six real clips of 480 needed 20 to 3,400 kb/s.
RUNGS = {1080: 5000, 720: 2800, 480: 1400, 360: 800, 240: 400}
Rendition = Literal["1080p", "720p", "480p", "360p", "240p"]  # the same as a type, for schemas; a test compares them
FAST = Fraction(31)  # from here on a rendition may have half as much again
FAST_FACTOR = 1.5
LEAST_KBPS = 100
MOST_LONG_SIDE = 4096  # of H.264 level 5.1, above which many hardware decoders fail
DEFAULT_CRF = 23
CRF = range(15, 41)  # what an option may ask for


@dataclass(frozen=True, slots=True)
class Rung:
    """One rendition."""

    profile: str  # h264-720p
    width: int
    height: int
    maxrate_kbps: int


@dataclass(frozen=True, slots=True)
class Options:
    """What a job may ask for; None means all rungs."""

    renditions: tuple[str, ...] | None = None
    crf: int = DEFAULT_CRF


def options(renditions: Any = None, crf: Any = None) -> Options:
    """Read job data: `["720p", "h264-360p"]` or `"720p,360p"`, and a CRF as number or text.

    Raises:
        PermanentError: "bad_options".
    """
    words = re.split(r"[,\s]+", renditions.strip()) if isinstance(renditions, str) else renditions
    if words is not None:
        if not isinstance(words, list | tuple) or not words:
            raise PermanentError("bad_options", f'renditions must be a list such as ["720p", "360p"], not {str(words)[:40]!r}.')
        known = [f"{side}p" for side in RUNGS]
        words = tuple(str(word).removeprefix("h264-") for word in words)
        if wrong := [word[:40] for word in words if word not in known]:
            raise PermanentError("bad_options", f"renditions must be among {', '.join(known)}, not {wrong[0]!r}.")
    try:
        chosen = DEFAULT_CRF if crf is None else int(str(crf))
    except ValueError:
        chosen = -1
    if chosen not in CRF:
        raise PermanentError("bad_options", f"crf must be a whole number from {CRF[0]} to {CRF[-1]}, not {str(crf)[:40]!r}.")
    return Options(words, chosen)


def plan(width: int, height: int, rate: Fraction, wanted: Sequence[str] | None = None) -> list[Rung]:
    """The rungs for a video shown at `width` x `height`, largest first; never none.

    A wanted rung above the source becomes the largest that the source has.
    """
    largest = max(width, height)
    shrink = min(1.0, MOST_LONG_SIDE / largest)
    width, height = _even_down(width * shrink), _even_down(height * shrink)
    short = min(width, height)
    sides = [side for side in RUNGS if side <= short]
    if short not in RUNGS and short < max(RUNGS):
        sides.append(short)
    sides.sort(reverse=True)
    if wanted is not None:
        asked = [int(word.removesuffix("p")) for word in wanted]
        sides = [side for side in sides if side in asked or (side == sides[0] and max(asked) > side)]
        sides = sides or [max(side for side in RUNGS if side <= max(asked))]
    return [_rung(side, width, height, rate) for side in sides]


def _rung(side: int, width: int, height: int, rate: Fraction) -> Rung:
    """A rendition whose short side is `side`."""
    short = min(width, height)
    if side == short:
        size = width, height
    elif width >= height:
        size = _even(width * side / height), side
    else:
        size = side, _even(height * side / width)
    return Rung(f"h264-{side}p", *size, maxrate_kbps=_maxrate(side, rate))


def _maxrate(side: int, rate: Fraction) -> int:
    """From the table; between two rungs in proportion, under the last as its pixels."""
    points = sorted(RUNGS.items())
    lowest, kbps = points[0]
    if side < lowest:
        most = kbps * (side / lowest) ** 2
    else:
        most = points[-1][1]
        for (left, low), (right, high) in pairwise(points):
            if left <= side <= right:
                most = low + (high - low) * (side - left) / (right - left)
                break
    return max(LEAST_KBPS, round(most * (FAST_FACTOR if rate > FAST else 1)))


def _even(length: float) -> int:
    """The nearest even number, at least 2: H.264 in 4:2:0 has no odd sizes."""
    return max(2, round(length / 2) * 2)


def _even_down(length: float) -> int:
    return max(2, int(length) // 2 * 2)
