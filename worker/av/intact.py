"""Does a file reach as far as its own headers say?

ffprobe and ffmpeg end with code 0 on an MP4 whose second half is missing, so the outermost
boxes are read here: MP4 and QuickTime boxes, RIFF (AVI, WAV) and Matroska's segment.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

EBML, SEGMENT = b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"
MOST_BOXES = 200_000  # a fragmented day in two-second pieces has half of that
LONGEST_HEAD = 1 << 20  # of Matroska; real ones have 40 bytes
PAYLOAD = ("mdat", "moov", "moof")  # boxes whose loss is a loss of pictures; a torn `free` is not


@dataclass(frozen=True, slots=True)
class Box:
    """A box of an MP4 file; `size` as declared, header included."""

    kind: str
    start: int
    size: int


def boxes(path: Path) -> Iterator[Box]:
    """The outermost boxes of an MP4 or QuickTime file, in order; none when it is something else."""
    length = path.stat().st_size
    with path.open("rb") as file:
        at = 0
        for _ in range(MOST_BOXES):
            box = _box(file, at, length)
            if box is None:
                return
            yield box
            at += box.size
            if at >= length:
                return


def _box(file: BinaryIO, at: int, length: int) -> Box | None:
    """The box at `at`; a size of 0 reaches to the end, 1 has its size in the next eight bytes."""
    file.seek(at)
    head = file.read(16)
    if len(head) < 8:
        return None
    size, kind = struct.unpack(">I4s", head[:8])
    if not all(32 <= letter < 127 or letter == 0xA9 for letter in kind):
        return None
    if size == 1 and len(head) == 16:  # may be any number: `boxes` stops behind the file's end
        size = struct.unpack(">Q", head[8:16])[0]
    elif size == 0:
        size = length - at
    return Box(kind.decode("latin-1"), at, size) if size >= 8 else None


def ends_early(path: Path) -> bool:
    """Whether the end of the file is missing, as far as its headers tell."""
    length = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(12)
        if head[:4] == b"RIFF":
            declared = struct.unpack("<I", head[4:8])[0] + 8 if len(head) >= 8 else 0
            # Writers that could not seek back left 0 or all ones there, and files over 4 GB do not fit.
            return 8 < declared < 0xFFFFFFF0 and declared > length + 1
        if head[:4] == EBML:
            return _segment_end(file) > length
    if head[4:8] not in (b"ftyp", b"moov", b"mdat", b"free", b"wide", b"skip", b"styp"):
        return False
    return any(box.kind in PAYLOAD and box.start + box.size > length for box in boxes(path))


def moov_before_mdat(path: Path) -> bool:
    """Whether an MP4 can be played while it is still arriving ("faststart")."""
    order = [box.kind for box in boxes(path) if box.kind in ("moov", "mdat")]
    return bool(order) and order[0] == "moov" and "mdat" in order


def _segment_end(file: BinaryIO) -> int:
    """Where Matroska's segment says that it ends; 0 when it does not say (a live recording)."""
    file.seek(4)
    size = _vint(file)
    if size is None or size > LONGEST_HEAD:
        return 0
    file.seek(size, 1)
    if file.read(4) != SEGMENT:
        return 0
    size = _vint(file)
    return 0 if size is None else file.tell() + size


def _vint(file: BinaryIO) -> int | None:
    """An EBML size: leading zero bits tell its length; all ones mean unknown."""
    first = file.read(1)
    if not first or first[0] == 0:
        return None
    extra = 8 - first[0].bit_length()
    value = first[0] & (0x7F >> extra)
    for byte in file.read(extra):
        value = value << 8 | byte
    return None if value == (1 << 7 * (extra + 1)) - 1 else value
