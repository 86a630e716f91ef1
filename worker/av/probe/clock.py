"""Recordings whose clock begins again in the middle, as transport streams do that were put one behind the other.

ffmpeg sets such clocks right while it reads, and how it does so depends on its version. So that all that is worked out from
the packets holds for what is encoded, the packets are copied once into a file with one clock, and that file is measured.
"""

from __future__ import annotations

from pathlib import Path

from reelq.worker.av import allowlists
from reelq.worker.av.ffmpeg import PROBE_WALL_S, READ_BYTES_PER_S, FFmpeg
from reelq.worker.av.packets import BACK_S, Track

RESTARTING = frozenset({"mpegts", "mpeg"})  # formats whose clock may begin again, by their own definition
GAP_S = 10.0  # a step of the whole clock forward is one too, from here on
NAME = "one-clock.ts"


def restarts(container: str, tracks: list[Track]) -> bool:
    """Whether the clock steps back, or all tracks step forward alike."""
    if container not in RESTARTING or not tracks:
        return False
    steps = [track.gap_s for track in tracks]
    return any(track.back_s > BACK_S for track in tracks) or (min(steps) > GAP_S and max(steps) - min(steps) < GAP_S)


def straightened(ffmpeg: FFmpeg, path: Path, folder: Path) -> Path:
    """Copy picture and sound of `path` into a file in `folder`; returns its path.

    Raises:
        PermanentError, TransientError: as FFmpeg.run.
    """
    made = folder / NAME
    arguments = [*allowlists.input_flags(), "-i", f"file:{path}", "-map", "0:v?", "-map", "0:a?", "-c", "copy"]
    arguments += ["-max_muxing_queue_size", "9999", "-f", "mpegts", f"file:{made}"]
    wall_s = PROBE_WALL_S + path.stat().st_size / READ_BYTES_PER_S
    ffmpeg.run(arguments, read=path.parent, write=folder, wall_s=wall_s)
    return made
