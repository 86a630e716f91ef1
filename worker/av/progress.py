"""Reads what ffmpeg writes under -progress: blocks of key=value that end with `progress=`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EncodeProgress:
    """How far an encode is."""

    out_s: float | None  # of the result, written so far; None before the first packet
    frame: int
    speed: float | None  # seconds of media a second; None at the start
    done: bool


class Reader:
    """Takes line after line; `on_progress` is called with every full block."""

    def __init__(self, on_progress: Callable[[EncodeProgress], None]) -> None:
        self._on_progress = on_progress
        self._block: dict[str, str] = {}
        self._furthest = (0, 0)

    def take(self, line: str) -> bool:
        """Take a line; True when the encoder has got further since the last block."""
        key, _, value = line.partition("=")
        self._block[key.strip()] = value.strip()
        if key != "progress":
            return False
        block, self._block = self._block, {}
        # out_time_ms is microseconds too, in 5.1; out_time_us says what it means.
        micros = _whole(block.get("out_time_us"))
        frame = _whole(block.get("frame")) or 0
        # 7.1 takes it from one result and then from another that is not as far.
        furthest = max(micros or 0, self._furthest[0])
        self._on_progress(
            EncodeProgress(
                out_s=None if micros is None or micros < 0 else furthest / 1e6,
                frame=frame,
                speed=_speed(block.get("speed")),
                done=value.strip() == "end",
            )
        )
        before, self._furthest = self._furthest, max(self._furthest, (micros or 0, frame))
        return self._furthest > before


def _whole(text: str | None) -> int | None:
    """A whole number, None for N/A."""
    try:
        return int(text or "")
    except ValueError:
        return None


def _speed(text: str | None) -> float | None:
    """`1.25x` as 1.25."""
    try:
        return float((text or "").removesuffix("x"))
    except ValueError:
        return None
