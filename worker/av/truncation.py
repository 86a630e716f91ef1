"""Is a file cut off? ffprobe and ffmpeg end with code 0 on an MP4 whose second half is missing.

Three kinds of evidence, none of which needs a decoder:

    the outermost boxes   MP4 and QuickTime boxes, RIFF (AVI, WAV), Matroska's segment say how far they reach
    a mark at the end     JPEG and PNG; decoders are kind, and half a photo comes out with a grey lower half
    a count in the head   most MP3s say how many bytes follow

Also here, since it reads the same boxes: whether an MP4 can be played while it is still arriving.
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

WINDOW_BYTES = 1 << 20
MOST_PARTS = 20_000  # segments or chunks that are walked; a photo has dozens
MOST_PICTURE_BYTES = 1 << 28  # 256 MB; no picture of MAX_PIXELS needs more, so what follows is no picture
START_OF_SCAN, END_OF_IMAGE = 0xDA, b"\xff\xd9"
ALONE = frozenset({0x01, *range(0xD0, 0xD9)})  # JPEG markers without a length
MP3_SLACK = 0.02  # encoders count the header frame or not, and tags at the end


def is_truncated(path: Path) -> bool:
    """Whether the end of the file is missing; False where the file does not tell."""
    return _ends_before_its_boxes(path) or _lacks_end_mark(path)


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


def _ends_before_its_boxes(path: Path) -> bool:
    """Whether a container's headers reach further than the file."""
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


def _lacks_end_mark(path: Path) -> bool:
    """Whether a JPEG, PNG or MP3 lacks its end; False for other formats and where the file does not tell."""
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
