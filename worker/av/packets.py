"""What the packets say, not the container: how many, from when to when, at what pace, where the clock jumps."""

from __future__ import annotations

import heapq
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

MOST_KEYS = 10_000  # bounds the memory for a day of intra-only video
REORDERED = 24  # packets that are kept to put pictures into the order in which they are shown; H.264 needs 16
MOST_STEPS = 20_000  # kinds of steps that are told apart
TICK_S = 0.00001  # how exactly they are
BACK_S = 0.5  # so far a decoding time never goes back by itself; more is a clock that begins again
FORWARD_S = 10.0  # a step of all tracks forward is one too, from here on
MOST_PIECES = 200  # of one clock each that are told apart
STAMPED_SHARE = 0.9  # of the packets need a time stamp, for steps to tell anything
PAUSE = 2.5  # times the middle step is a pause
EVEN = (0.75, 1.3)  # a step that is not far from the mean one; film at 60 fields has 0.8 and 1.2 in turn
EVEN_SHARE = 0.8  # of the steps have to be so, for the mean to be a rate
PACE_SHARE = 0.25  # of the steps are at least as short as the pace


@dataclass(slots=True)
class Piece:
    """Packets from the `first` on that are on one clock; times are that clock's."""

    first: int
    start_s: float
    end_s: float


@dataclass(slots=True)
class Track:
    """One stream's packets; times are seconds of the file's own clock, None before the first."""

    packets: int = 0
    shown: int = 0  # without those that an edit list cuts away
    key_packets: int = 0
    keyless: int = 0  # before the first key: nothing can be made of them
    first_s: float | None = None
    last_s: float | None = None  # greatest time stamp
    end_s: float | None = None  # greatest time stamp plus its duration
    last_duration_s: float = 0.0  # of the packet with the greatest time stamp
    gap_s: float = 0.0  # largest step between two that are shown one after the other
    back_s: float = 0.0  # largest step of the clock back
    skipped: int = 0  # samples at the beginning that are an encoder's padding and no sound
    padded: int = 0  # the same at the end
    keys_s: list[float] = field(default_factory=list)  # times of the first MOST_KEYS key packets
    pieces: list[Piece] = field(default_factory=list)  # one more than MOST_PIECES tells that there are too many
    _steps: Counter[int] = field(default_factory=Counter)
    _waiting: list[float] = field(default_factory=list)
    _passed_s: float | None = None
    _decoded_s: float | None = None

    def add(self, at: float, duration: float, decoded_at: float) -> None:
        """A packet that is shown at `at`; packets come in the order in which they are decoded."""
        step = 0.0 if self._decoded_s is None else decoded_at - self._decoded_s
        if not self.pieces or (not -BACK_S <= step <= FORWARD_S and len(self.pieces) <= MOST_PIECES):
            self.pieces.append(Piece(max(0, self.packets - 1), at, at))
        piece = self.pieces[-1]
        piece.start_s, piece.end_s = min(piece.start_s, at), max(piece.end_s, at + duration)
        if self._decoded_s is not None and decoded_at < self._decoded_s - BACK_S:
            self.back_s = max(self.back_s, self._decoded_s - decoded_at)
            self._pass(0)
            self._passed_s = None
        self._decoded_s = decoded_at
        if self.first_s is None or self.last_s is None or self.end_s is None:
            self.first_s = self.last_s = self.end_s = at
        self.first_s = min(self.first_s, at)
        if at >= self.last_s:
            self.last_s, self.last_duration_s = at, duration
        self.end_s = max(self.end_s, at + duration)
        heapq.heappush(self._waiting, at)
        self._pass(REORDERED)

    def _pass(self, most: int) -> None:
        """Count the steps of all that wait but `most`."""
        while len(self._waiting) > most:
            at = heapq.heappop(self._waiting)
            if self._passed_s is not None:
                step = at - self._passed_s
                self.gap_s = max(self.gap_s, abs(step))
                ticks = round(step / TICK_S)
                if ticks > 0 and (ticks in self._steps or len(self._steps) < MOST_STEPS):
                    self._steps[ticks] += 1
            self._passed_s = at

    def finish(self) -> None:
        """All packets are in."""
        self._pass(0)

    @property
    def span_s(self) -> float:
        """From the first picture or sound to the end of the last; 0.0 when there are no time stamps."""
        if self.first_s is None or self.last_s is None or self.end_s is None:
            return 0.0
        if self.end_s == self.last_s and self.shown > 1:
            # No packet has a duration: the last lasts as long as one does on average.
            return (self.last_s - self.first_s) * self.shown / (self.shown - 1)
        return self.end_s - self.first_s

    @property
    def pace(self) -> tuple[float, bool]:
        """Seconds from one to the next while it moves, and whether that is the same all the time.

        Pauses do not count, nor what the last one's duration is said to be. Where the steps are uneven it is one that a
        quarter of all do not exceed. 0.0 when too few have a time stamp.
        """
        count = self._steps.total()
        if not count or count < (self.shown - 1) * STAMPED_SHARE:
            return 0.0, False
        middle = self._step_at(0.5)
        usual = {ticks: times for ticks, times in self._steps.items() if ticks <= PAUSE * middle}
        mean = sum(ticks * times for ticks, times in usual.items()) / sum(usual.values())
        near = sum(times for ticks, times in usual.items() if EVEN[0] * mean <= ticks <= EVEN[1] * mean)
        if near >= EVEN_SHARE * count:
            return mean * TICK_S, True
        return self._step_at(PACE_SHARE) * TICK_S, False

    def _step_at(self, share: float) -> int:
        """The step that this share of all do not exceed, in ticks."""
        passed = 0
        for ticks in sorted(self._steps):
            passed += self._steps[ticks]
            if passed >= share * self._steps.total():
                return ticks
        return 0

    def facts(self) -> dict[str, Any]:
        """What is kept with the asset, as JSON."""
        self.finish()
        pace_s, even = self.pace
        return {
            "packets": self.packets,
            "shown": self.shown,
            "key_packets": self.key_packets,
            "keyless": self.keyless,
            "first_s": self.first_s,
            "last_s": self.last_s,
            "span_s": round(self.span_s, 6),
            "gap_s": round(self.gap_s, 6),
            "back_s": round(self.back_s, 6),
            "skipped": self.skipped,
            "padded": self.padded,
            "pace_s": round(pace_s, 6),
            "even": even,
            "last_duration_s": round(self.last_duration_s, 6),
        }


class Tally:
    """Takes ffprobe's lines `stream_index,pts_time,dts_time,duration_time,flags[,skip_samples,discard_padding]`."""

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
        decoded_at = _number(parts[2], None)
        at = _number(parts[1], decoded_at)
        track.shown += 1
        if len(parts) > 6:
            track.skipped += int(parts[5]) if parts[5].isdigit() else 0
            track.padded += int(parts[6]) if parts[6].isdigit() else 0
        if "K" in flags:
            track.key_packets += 1
        elif not track.key_packets:
            track.keyless += 1
        if at is None:
            return True
        if "K" in flags and len(track.keys_s) < MOST_KEYS:
            track.keys_s.append(at)
        track.add(at, _number(parts[3], 0.0) or 0.0, at if decoded_at is None else decoded_at)
        return True


def _number(text: str, other: float | None) -> float | None:
    """Seconds, or `other` for N/A."""
    try:
        return float(text)
    except ValueError:
        return other
