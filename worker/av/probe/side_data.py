"""What ffprobe tells of a stream beside its form: how it is turned, Dolby Vision, how bright HDR gets."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

DOLBY_VISION = "DOVI configuration record"
# The base layer of Dolby Vision by its compatibility id (ETSI TS 103 572, table 7). 0: none that other players could show.
BASE_TRANSFERS = {1: "smpte2084", 4: "arib-std-b67", 6: "smpte2084"}
PROFILES_WITHOUT_BASE = frozenset({5, 10, 20})  # these may have id 0; 5 always has
LEAST_PEAK, MOST_PEAK = 400.0, 10_000.0


@dataclass(frozen=True, slots=True)
class Colours:
    """What side data say of the colours; None where they say nothing."""

    transfer: str | None
    peak_nits: float | None


def colours(stream: dict[str, Any]) -> Colours:
    """Transfer of Dolby Vision's base layer, and the greatest brightness that the file speaks of."""
    transfer, peaks = None, []
    for side in _all(stream):
        if side.get("side_data_type") == DOLBY_VISION:
            transfer = BASE_TRANSFERS.get(_number(side.get("dv_bl_signal_compatibility_id")))
        for name in ("max_content", "max_luminance"):
            peak = _fraction(side.get(name))
            if LEAST_PEAK <= peak <= MOST_PEAK:
                peaks.append(peak)
    return Colours(transfer, min(peaks, default=None))


def lacks_base_layer(stream: dict[str, Any]) -> bool:
    """Whether it is Dolby Vision that only a Dolby decoder shows in the right colours."""
    for side in _all(stream):
        if side.get("side_data_type") == DOLBY_VISION:
            profile, base = _number(side.get("dv_profile")), _number(side.get("dv_bl_signal_compatibility_id"))
            return profile == 5 or (profile in PROFILES_WITHOUT_BASE and base == 0)
    return False


def upright(stream: dict[str, Any]) -> tuple[str, ...]:
    """ffmpeg filters that do what the display matrix asks of a player: turn by quarters, mirror.

    ffmpeg would do it by itself, but before our graph, where a picture that changes its size meets a filter that does not
    expect it.
    """
    for side in _all(stream):
        if "rotation" not in side:
            continue
        matrix = _matrix(str(side.get("displaymatrix") or ""))
        turned = round(-float(side["rotation"]) / 90) * 90 % 360
        if turned == 90:
            return ("transpose=cclock_flip" if matrix and matrix[3] > 0 else "transpose=clock",)
        if turned == 270:
            return ("transpose=clock_flip" if matrix and matrix[3] < 0 else "transpose=cclock",)
        mirrored = matrix[0] < 0 if matrix else turned == 180
        flipped = matrix[4] < 0 if matrix else turned == 180
        return (*(["hflip"] if mirrored else []), *(["vflip"] if flipped else []))
    return ()


def _matrix(text: str) -> list[int] | None:
    """The nine numbers of ffprobe's print: three lines, each after an offset and a colon."""
    numbers = [int(word) for line in text.splitlines() if ":" in line for word in re.findall(r"-?\d+", line.split(":", 1)[1])]
    return numbers if len(numbers) == 9 else None


def _all(stream: dict[str, Any]) -> list[dict[str, Any]]:
    return [side for side in stream.get("side_data_list") or [] if isinstance(side, dict)]


def _number(value: Any) -> int:
    try:
        return int(value)
    except (TypeError, ValueError):
        return -1


def _fraction(value: Any) -> float:
    """`10000000/10000` or a number; 0 for anything else."""
    try:
        return float(Fraction(str(value)))
    except (ValueError, ZeroDivisionError):
        return 0.0
