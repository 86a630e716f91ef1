"""The identity of a file apart from its container: one checksum of the packets that play.

The same video in MP4 and Matroska, or with another title, has the same one.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from reelq.worker.av import allowlists
from reelq.worker.av.ffmpeg import PROBE_WALL_S, READ_BYTES_PER_S, FFmpeg
from reelq.worker.av.probe.facts import Measured
from reelq.worker.errors import PermanentError


def essence(ffmpeg: FFmpeg, path: Path, measured: Measured, folder: Path) -> str | None:
    """SHA-256, lower case hex, over those of picture and sound; None where packets cannot be copied.

    Raises:
        TransientError: the host's trouble.
    """
    tracks = [measured.video.index] if measured.video is not None else []
    tracks += measured.audio.indexes if measured.audio is not None else ()
    arguments = [*allowlists.input_flags(), "-i", f"file:{path}"]
    for index in tracks:
        arguments += ["-map", f"0:{index}"]
    arguments += ["-c", "copy", "-f", "streamhash", "-hash", "sha256", "-"]
    wall_s = PROBE_WALL_S + path.stat().st_size / READ_BYTES_PER_S
    try:
        _, said = ffmpeg.run(arguments, read=path.parent, write=folder, wall_s=wall_s)
    except PermanentError:
        return None  # no hash then; whether the file is usable is decided elsewhere
    digests = [line.partition("=")[2].strip() for line in said.splitlines() if "SHA256=" in line]
    return hashlib.sha256("\n".join(digests).encode()).hexdigest() if digests else None
