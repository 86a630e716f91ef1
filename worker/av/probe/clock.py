"""Recordings whose clock begins again in the middle, as transport streams do that were put one behind the other.

ffmpeg sets such clocks right while it reads, and how it does so depends on its version. So that all that is worked out from
the packets holds for what is encoded, the packets are copied once into a file with one clock, and that file is measured.

Its own way counts a step twice where the last packet of one track is read behind the first of another's next piece: four pieces
of 3 seconds became 21. So each piece is moved by `shifts`; ffmpeg's way is left for what those cannot tell.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from reelq.worker.av import allowlists
from reelq.worker.av.ffmpeg import PROBE_WALL_S, READ_BYTES_PER_S, FFmpeg
from reelq.worker.av.packets import BACK_S, FORWARD_S, MOST_PIECES, Piece, Track

RESTARTING = frozenset({"mpegts", "mpeg"})  # formats whose clock may begin again, by their own definition
BEGINS_S = 1.0  # where the first piece begins: pictures are decoded before they are shown
NAME = "one-clock.ts"


def restarts(container: str, tracks: list[Track]) -> bool:
    """Whether the clock steps back, or all tracks step forward alike."""
    if container not in RESTARTING or not tracks:
        return False
    steps = [track.gap_s for track in tracks]
    return any(track.back_s > BACK_S for track in tracks) or (min(steps) > FORWARD_S and max(steps) - min(steps) < FORWARD_S)


Shifts = dict[str, list[tuple[int, float]]]


def shifts(tracks: dict[int, Track], playing: list[int]) -> Shifts | None:
    """By how many seconds each track's packets are moved, from which packet on, so that the pieces follow each other.

    Of those tracks that have as many pieces as what plays. None where that is not the same for picture and sound.
    """
    count = {len(tracks[index].pieces) for index in playing}
    if len(count) != 1 or not 2 <= (most := count.pop()) <= MOST_PIECES:
        return None
    alike = {str(index): track.pieces for index, track in sorted(tracks.items()) if len(track.pieces) == most}
    made: Shifts = {index: [] for index in alike}
    at = BEGINS_S
    for number in range(most):
        heard: list[Piece] = [tracks[index].pieces[number] for index in playing]
        start_s = min(piece.start_s for piece in heard)
        if max(piece.start_s for piece in heard) - start_s > FORWARD_S:
            return None  # they are not on the same clock
        for index, pieces in alike.items():
            made[index].append((pieces[number].first, round(at - start_s, 6)))
        at += max(piece.end_s for piece in heard) - start_s
    return made


def straightened(ffmpeg: FFmpeg, path: Path, folder: Path, moves: Any) -> Path:
    """Copy picture and sound of `path` into a file in `folder`; returns its path. `moves` are `shifts`, or no dictionary.

    Raises:
        PermanentError, TransientError: as FFmpeg.run.
    """
    made = folder / NAME
    arguments = [*allowlists.input_flags()]
    if isinstance(moves, dict):
        arguments += ["-copyts", "-i", f"file:{path}"]
        for number, (index, parts) in enumerate(moves.items()):
            arguments += ["-map", f"0:{int(index)}", "-copyinkf", f"-bsf:{number}", _moved(parts)]
    else:
        arguments += ["-i", f"file:{path}", "-map", "0:v?", "-map", "0:a?"]
    arguments += ["-c", "copy", "-max_muxing_queue_size", "9999", "-f", "mpegts", f"file:{made}"]
    wall_s = PROBE_WALL_S + path.stat().st_size / READ_BYTES_PER_S
    ffmpeg.run(arguments, read=path.parent, write=folder, wall_s=wall_s)
    return made


def _moved(parts: list[tuple[int, float]]) -> str:
    """The filter that moves a track's packets; N counts them."""
    before, terms = 0.0, []
    for first, seconds in parts:
        terms.append(f"gte(N,{int(first)})*({seconds - before:.6f})")
        before = seconds
    by = "round((" + "+".join(terms) + ")/TB)"
    return f"setts=pts='if(eq(PTS,NOPTS),PTS,PTS+{by})':dts='if(eq(DTS,NOPTS),DTS,DTS+{by})'"
