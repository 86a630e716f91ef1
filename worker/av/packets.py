"""What the packets say, not the container: how many, from when to when, the largest gap."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Track:
    """One stream's packets; times are seconds of the file's own clock, None before the first."""

    packets: int = 0
    shown: int = 0  # without those that an edit list cuts away
    key_packets: int = 0
    first_s: float | None = None
    last_s: float | None = None  # greatest time stamp
    end_s: float | None = None  # greatest time stamp plus its duration
    gap_s: float = 0.0  # largest step away from the greatest time stamp so far, forwards or back
    keys_s: list[float] = field(default_factory=list)  # times of the first MOST_KEYS key packets

    @property
    def span_s(self) -> float:
        """From the first picture or sound to the end of the last; 0.0 when there are no time stamps."""
        if self.first_s is None or self.last_s is None or self.end_s is None:
            return 0.0
        if self.end_s == self.last_s and self.shown > 1:
            # No packet has a duration: the last lasts as long as one does on average.
            return (self.last_s - self.first_s) * self.shown / (self.shown - 1)
        return self.end_s - self.first_s

    def facts(self) -> dict[str, Any]:
        """What is kept with the asset, as JSON."""
        return {
            "packets": self.packets,
            "shown": self.shown,
            "key_packets": self.key_packets,
            "first_s": self.first_s,
            "span_s": round(self.span_s, 6),
            "gap_s": round(self.gap_s, 6),
        }


MOST_KEYS = 10_000  # bounds the memory for a day of intra-only video


class Tally:
    """Takes ffprobe's lines `stream_index,pts_time,dts_time,duration_time,flags`."""

    def __init__(self) -> None:
        self.tracks: dict[int, Track] = {}

    def add(self, line: str) -> bool:
        """Count one packet; False when the line is not one."""
        parts = line.split(",")
        if len(parts) < 5 or not parts[0].isdigit():
            return False
        track = self.tracks.setdefault(int(parts[0]), Track())
        track.packets += 1
        flags = parts[4]
        if "D" in flags:
            return True
        at = _number(parts[1], _number(parts[2], None))
        track.shown += 1
        if "K" in flags:
            track.key_packets += 1
        if at is None:
            return True
        if "K" in flags and len(track.keys_s) < MOST_KEYS:
            track.keys_s.append(at)
        if track.first_s is None or track.last_s is None or track.end_s is None:
            track.first_s = track.last_s = track.end_s = at
        track.gap_s = max(track.gap_s, abs(at - track.last_s))
        track.first_s = min(track.first_s, at)
        track.last_s = max(track.last_s, at)
        track.end_s = max(track.end_s, at + (_number(parts[3], 0.0) or 0.0))
        return True


def _number(text: str, other: float | None) -> float | None:
    """Seconds, or `other` for N/A."""
    try:
        return float(text)
    except ValueError:
        return other
