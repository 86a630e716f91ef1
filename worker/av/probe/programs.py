"""What the programme tables of a transport stream say of codecs, and whether one changes in the middle.

Where recordings of different codecs were put one behind the other on the same numbers, ffmpeg gives all packets to one of the
decoders, the first's or the last's by its version; what the other half has looks like damage then.
Source: ISO/IEC 13818-1, 2.4.4 (tables) and 2.4.3.5 (PCR), read 2026-11-27.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SYNC, PACKET_BYTES, PREFIX_BYTES = 0x47, 188, 4  # M2TS has a time of four bytes before each
CHUNK_PACKETS = 40_000
CODECS = {
    1: "mpeg2video", 2: "mpeg2video", 3: "mp2", 4: "mp2", 0x0F: "aac", 0x10: "mpeg4", 0x11: "aac_latm", 0x1B: "h264", 0x24: "hevc",
    0x81: "ac3", 0x87: "eac3", 0xEA: "vc1",
}  # fmt: skip
WITH_CLOCK = re.compile(rb"[\x20-\x3f\x60-\x7f\xa0-\xbf\xe0-\xff]")  # the fourth byte of packets with an adaptation field
CLOCK_HZ, MOST_STEP_S = 90_000, 10.0


@dataclass(frozen=True, slots=True)
class Change:
    """One codec gives way to another on the same number."""

    at_s: float
    before: str
    after: str


def change(path: Path, used: set[int]) -> Change | None:
    """The first change on the numbers (PIDs) in `used`; None where there is none, or no table tells."""
    known: dict[int, str] = {}
    tables: set[int] = set()
    clock = _Clock()
    for chunk, size, lead in _chunks(path):
        high, low, third = chunk[lead + 1 :: size], chunk[lead + 2 :: size], chunk[lead + 3 :: size]
        starts = _starts(high, low, tables | {0})
        at = 0
        while at < len(starts):
            number = starts[at]
            pid = (high[number] & 0x1F) << 8 | low[number]
            section = _section(chunk[number * size + lead : number * size + lead + PACKET_BYTES])
            if pid == 0:
                new = set(_tables(section)) - tables
                if new:
                    tables |= new
                    starts = [one for one in _starts(high, low, tables | {0}) if one > number]
                    at = 0
                    continue
            else:
                for stream, codec in _codecs(section):
                    before = known.setdefault(stream, codec)
                    if before != codec and stream in used:
                        clock.take(chunk, size, lead, third[:number])
                        return Change(clock.passed_s, before, codec)
            at += 1
        clock.take(chunk, size, lead, third)
    return None


def _chunks(path: Path) -> Iterator[tuple[bytes, int, int]]:
    """Whole packets, the size of one, and where in it the sync byte is; nothing where that is not steady."""
    with path.open("rb") as file:
        head = file.read(5 * (PACKET_BYTES + PREFIX_BYTES))
        for lead in (0, PREFIX_BYTES):
            size = PACKET_BYTES + lead
            if all(byte == SYNC for byte in head[lead::size][:4]):
                break
        else:
            return
        file.seek(0)
        while chunk := file.read(CHUNK_PACKETS * size):
            yield chunk[: len(chunk) // size * size], size, lead


def _starts(high: bytes, low: bytes, pids: set[int]) -> list[int]:
    """The numbers of the packets with which a section of one of `pids` begins."""
    found = []
    for pid in pids:
        at = low.find(pid & 0xFF)
        while at >= 0:
            if high[at] & 0x5F == 0x40 | pid >> 8:
                found.append(at)
            at = low.find(pid & 0xFF, at + 1)
    return sorted(found)


def _section(packet: bytes) -> bytes:
    """The section that begins in a packet; what of it is in the next one is not read."""
    at = 4 + (1 + packet[4] if packet[3] & 0x20 else 0)
    if packet[0] != SYNC or not packet[3] & 0x10 or at >= PACKET_BYTES:
        return b""
    at += 1 + packet[at]
    section = packet[at:]
    if len(section) < 12 or not section[5] & 1:  # tables that hold from later on come again
        return b""
    return section[: 3 + ((section[1] & 0x0F) << 8 | section[2]) - 4]


def _tables(section: bytes) -> Iterator[int]:
    """The PIDs of the programmes' tables."""
    if section[:1] != b"\0":
        return
    for at in range(8, len(section) - 3, 4):
        if section[at : at + 2] != b"\0\0":
            yield (section[at + 2] & 0x1F) << 8 | section[at + 3]


def _codecs(section: bytes) -> Iterator[tuple[int, str]]:
    """PID and codec of the streams of a programme, of those codecs that a number says."""
    if section[:1] != b"\x02":
        return
    at = 12 + ((section[10] & 0x0F) << 8 | section[11])
    while at + 5 <= len(section):
        if codec := CODECS.get(section[at]):
            yield (section[at + 1] & 0x1F) << 8 | section[at + 2], codec
        at += 5 + ((section[at + 3] & 0x0F) << 8 | section[at + 4])


class _Clock:
    """Adds up what the programme's clock tells, also where it begins again."""

    def __init__(self) -> None:
        self.passed_s = 0.0
        self._last: dict[int, int] = {}
        self._of: int | None = None  # of the first programme

    def take(self, chunk: bytes, size: int, lead: int, third: bytes) -> None:
        """Packets, of which `third` are the fourth bytes."""
        for found in WITH_CLOCK.finditer(third):
            packet = chunk[found.start() * size + lead : found.start() * size + lead + 12]
            if packet[4] < 7 or not packet[5] & 0x10:
                continue
            pid = (packet[1] & 0x1F) << 8 | packet[2]
            self._of = pid if self._of is None else self._of
            now = int.from_bytes(packet[6:10], "big") << 1 | packet[10] >> 7
            step_s = (now - self._last.get(pid, now)) / CLOCK_HZ
            self._last[pid] = now
            if pid == self._of and 0 < step_s < MOST_STEP_S:
                self.passed_s += step_s
