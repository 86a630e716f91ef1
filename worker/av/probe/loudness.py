"""Which of several sound tracks are silent: recorders write one a microphone, and the first may be unplugged."""

from __future__ import annotations

from pathlib import Path

from reelq.worker.av import allowlists
from reelq.worker.av.ffmpeg import FFmpeg
from reelq.worker.errors import PermanentError

SILENT_DB = -60.0  # below it nobody hears anything
LISTEN_S = 900.0  # of each track; who says nothing for so long is no microphone in use
LISTEN_WALL_S = 120.0
MOST_TRACKS = 8


def silent(ffmpeg: FFmpeg, path: Path, indexes: list[int], folder: Path) -> list[int]:
    """Those of the tracks, in the order in which they would be chosen, that are silent, up to the first that is not.

    Raises:
        TransientError: the host's trouble.
    """
    found: list[int] = []
    for index in indexes[:MOST_TRACKS]:
        if _peak_db(ffmpeg, path, index, folder) > SILENT_DB:
            return found
        found.append(index)
    return []  # all alike: then the first is as good as another


def is_silent(ffmpeg: FFmpeg, path: Path, index: int, folder: Path) -> bool:
    """Whether this one track is. Errors as `silent`."""
    return _peak_db(ffmpeg, path, index, folder) <= SILENT_DB


def _peak_db(ffmpeg: FFmpeg, path: Path, index: int, folder: Path) -> float:
    """The greatest peak, in dB of full scale; a track that cannot be decoded is silent."""
    peaks = [float("-inf")]

    def take(line: str) -> bool:
        key, _, value = line.partition("=")
        if key.startswith("lavfi.astats.") and value not in ("-inf", "nan", "-nan"):
            peaks.append(float(value))
        return True

    # A line a second; the peak is that of all so far.
    graph = "aresample=8000,asetnsamples=8000,astats=metadata=1:measure_perchannel=none:measure_overall=Peak_level"
    graph += ",ametadata=print:key=lavfi.astats.Overall.Peak_level:file=-"
    arguments = [*allowlists.input_flags(), "-i", f"file:{path}", "-map", f"0:{index}", "-af", graph]
    arguments += ["-t", str(LISTEN_S), "-f", "null", "-"]
    try:
        ffmpeg.run(arguments, read=path.parent, write=folder, wall_s=LISTEN_WALL_S, on_line=take)
    except PermanentError:
        return max(peaks)
    return max(peaks)
