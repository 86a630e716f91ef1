"""Is the end of a JPEG, a PNG or an MP3 there? They have no size in their head, but a mark at their end.

Decoders are kind to such files: half a photo comes out as a photo with a grey lower half.
"""

from __future__ import annotations

import struct
from pathlib import Path

WINDOW_BYTES = 1 << 20
MOST_PARTS = 20_000  # segments or chunks that are walked; a photo has dozens
MOST_PICTURE_BYTES = 1 << 28  # 256 MB; no picture of MAX_PIXELS needs more, so what follows is no picture
START_OF_SCAN, END_OF_IMAGE = 0xDA, b"\xff\xd9"
ALONE = frozenset({0x01, *range(0xD0, 0xD9)})  # JPEG markers without a length
MP3_SLACK = 0.02  # encoders count the header frame or not, and tags at the end


def is_missing(path: Path) -> bool:
    """Whether the end is missing; False for other formats and where the file does not tell."""
    data = _Bytes(path)
    head = data.at(0, 16)
    if head.startswith(b"\xff\xd8\xff"):
        return _jpeg(data)
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return _png(data)
    if head.startswith(b"ID3") or (head[:1] == b"\xff" and head[1:2] >= b"\xe0"):
        return _mp3(data, head)
    return False


class _Bytes:
    """Reads pieces of a file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.length = path.stat().st_size

    def at(self, start: int, size: int) -> bytes:
        with self._path.open("rb") as file:
            file.seek(start)
            return file.read(size)


def _jpeg(data: _Bytes) -> bool:
    """Walk the segments up to the picture, then look for the end mark: in the picture FF is never followed by D9."""
    at = 2
    for _ in range(MOST_PARTS):
        if at + 4 > data.length:
            return True
        piece = data.at(at, 4)
        if piece[0] != 0xFF:
            return False  # not what we think; the decoder shall say
        if piece[1] == START_OF_SCAN:
            break
        at += 2 if piece[1] in ALONE else 2 + int(struct.unpack(">H", piece[2:4])[0])
    while at < min(data.length, MOST_PICTURE_BYTES):
        if END_OF_IMAGE in data.at(at, WINDOW_BYTES + 1):
            return False
        at += WINDOW_BYTES
    return data.length <= MOST_PICTURE_BYTES


def _png(data: _Bytes) -> bool:
    """Walk the chunks up to IEND."""
    at = 8
    for _ in range(MOST_PARTS):
        if at + 12 > data.length:
            return True
        size, kind = struct.unpack(">I4s", data.at(at, 8))
        at += 12 + size
        if kind == b"IEND":
            return bool(at > data.length)
    return False


def _mp3(data: _Bytes, head: bytes) -> bool:
    """The first frame of most MP3s (Xing, Info) tells how many bytes follow."""
    start = 0
    if head.startswith(b"ID3"):
        for byte in head[6:10]:  # four times seven bits
            start = start << 7 | byte & 0x7F
        start += 10
    frame = data.at(start, 256)
    mark = max(frame.find(b"Xing"), frame.find(b"Info"))
    if mark < 0 or len(frame) < mark + 16:
        return False
    flags = struct.unpack(">I", frame[mark + 4 : mark + 8])[0]
    if flags & 3 != 3:  # number of frames, number of bytes
        return False
    declared = int(struct.unpack(">I", frame[mark + 12 : mark + 16])[0])
    return bool(data.length - start < declared * (1 - MP3_SLACK))
