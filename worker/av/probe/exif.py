"""The orientation that a camera wrote into a JPEG: EXIF tag 0x0112.

ffmpeg 5.1 does not turn photos by it, newer ones do; so ffmpeg is told not to, and we turn.
Source: EXIF 2.32, section 4.6.4, and TIFF 6.0, section 2, read 2026-11-21.
"""

from __future__ import annotations

import struct
from pathlib import Path

HEAD_BYTES = 256 * 1024  # EXIF is at most 64 kB and stands before the picture
ORIENTATION = 0x0112

# ffmpeg filters that turn a stored picture upright, by orientation.
UPRIGHT = {
    1: (),
    2: ("hflip",),
    3: ("hflip", "vflip"),
    4: ("vflip",),
    5: ("transpose=0",),
    6: ("transpose=1",),
    7: ("transpose=3",),
    8: ("transpose=2",),
}  # fmt: skip
CLOCKWISE = {1: 0, 2: 0, 3: 180, 4: 180, 5: 90, 6: 90, 7: 270, 8: 270}  # degrees, mirroring aside


def orientation(path: Path) -> int:
    """1 to 8; 1 (upright) when the file is no JPEG or says nothing usable."""
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    try:
        return _of_tiff(_exif(head))
    except (struct.error, IndexError, ValueError):
        return 1


def _exif(head: bytes) -> bytes:
    """The TIFF part of segment APP1."""
    if head[:2] != b"\xff\xd8":
        raise ValueError("not a JPEG")
    at = 2
    while head[at] == 0xFF and head[at + 1] != 0xDA:  # DA: the picture begins
        (length,) = struct.unpack(">H", head[at + 2 : at + 4])
        if head[at + 1] == 0xE1 and head[at + 4 : at + 10] == b"Exif\0\0":
            return head[at + 10 : at + 2 + length]
        at += 2 + length
    raise ValueError("no EXIF")


def _of_tiff(tiff: bytes) -> int:
    """The tag's value in the first directory."""
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None:
        raise ValueError("not TIFF")
    (at,) = struct.unpack(order + "I", tiff[4:8])
    (entries,) = struct.unpack(order + "H", tiff[at : at + 2])
    for entry in range(entries):
        tag, kind, count, value = struct.unpack(order + "HHIH", tiff[at + 2 + 12 * entry :][:10])
        if (tag, kind, count) == (ORIENTATION, 3, 1) and value in UPRIGHT:
            return int(value)
    return 1
