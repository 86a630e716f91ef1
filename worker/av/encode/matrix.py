"""Takes the display matrix out of a rendition that stands upright already.

ffmpeg 5.1 copies the source's into the result of a graph that has obeyed it, whatever it is told; newer versions do not.
Source: ISO/IEC 14496-12, 8.3.2 (tkhd), read 2026-11-26.
"""

from __future__ import annotations

import struct
from pathlib import Path

from reelq.worker.av.truncation import boxes

MATRIX_AT = {0: 8 + 4 + 36, 1: 8 + 4 + 48}  # by version of the box: behind times, layer and volume
UPRIGHT = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)


def reset(path: Path) -> None:
    """Write the matrix of a picture that stands upright into all tracks."""
    moov = next((box for box in boxes(path) if box.kind == "moov"), None)
    if moov is None:
        return  # not an MP4: whether it should be is found out when it is read back
    with path.open("r+b") as file:
        file.seek(moov.start)
        data = file.read(moov.size)
        at = data.find(b"tkhd")
        while at >= 0:
            start = at - 4 + MATRIX_AT.get(data[at + 4], MATRIX_AT[0])
            file.seek(moov.start + start)
            file.write(UPRIGHT)
            at = data.find(b"tkhd", at + len(UPRIGHT))
