"""Which moment of a video makes a good poster: not a black, blurred or empty picture.

A few candidates are measured at a small size with ffmpeg's filters; the best is cut at full size.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from reelq.worker.av import allowlists
from reelq.worker.av.encode import picture
from reelq.worker.av.encode.ffmpeg_args import file_url
from reelq.worker.av.ffmpeg import FFmpeg
from reelq.worker.av.probe.facts import Video
from reelq.worker.errors import PermanentError

CANDIDATES = 9
LOOK_PX = 320  # long side of a candidate
ROUNDED_S = 0.0005  # metadata=print shows time with six digits, but not always all of them
DECODE_ALL_S = 60.0  # up to here one pass over all pictures costs less than seeking
DECODE_MOST_S = 1200.0  # so much of it when nothing good has been found
FEW_KEYS = 3  # with fewer, nearly all ways lead to the same picture
LOOK_WALL_S = 300.0  # a minute of 4K on a slow host
MEASURES = {
    "lavfi.signalstats.YAVG": "luma",
    "lavfi.signalstats.YLOW": "low",
    "lavfi.signalstats.YHIGH": "high",
    "lavfi.signalstats.SATAVG": "saturation",
    "lavfi.entropy.entropy.normal.Y": "entropy",
    "lavfi.blur": "blur",
}
DARK, BRIGHT, FLAT, PLAIN = 30, 225, 20, 4.0  # luma, luma, range of luma, bits of entropy


@dataclass(slots=True)
class Candidate:
    """A moment and how it looks; `at_s` counts from the start of the file."""

    at_s: float
    by_key_frame: bool  # found by seeking to the key frame before at_s, and to be cut so
    measures: dict[str, float] = field(default_factory=dict)

    @property
    def good(self) -> bool:
        """Not too dark, too bright, too flat or too plain."""
        get = self.measures.get
        return DARK <= get("luma", 0) <= BRIGHT and get("high", 0) - get("low", 0) >= FLAT and get("entropy", 0) >= PLAIN

    @property
    def score(self) -> float:
        """More detail and colour, less blur; blurdetect says NaN where there is no edge."""
        blur = self.measures.get("blur", math.nan)
        sharpness = 1 / (1 + (20.0 if math.isnan(blur) else blur) / 10)
        colour = 0.5 + min(self.measures.get("saturation", 0), 64) / 128
        return self.measures.get("entropy", 0) * colour * sharpness


class Sheet:
    """Takes the lines of ffmpeg's `metadata=print`."""

    def __init__(self) -> None:
        self.found: list[Candidate] = []

    def take(self, line: str) -> bool:
        """`frame:0 pts:12 pts_time:0.4` begins a picture, `key=value` says something of it."""
        if line.startswith("frame:"):
            at = line.rpartition("pts_time:")[2].strip()
            self.found.append(Candidate(_number(at) or 0.0, by_key_frame=False))
            return True
        key, _, value = line.partition("=")
        number = _number(value)
        if self.found and key in MEASURES and number is not None:
            self.found[-1].measures[MEASURES[key]] = number
        return False


def choose(
    ffmpeg: FFmpeg, source: Path, video: Video, folder: Path, on_progress: Callable[[float], None]
) -> tuple[Candidate, int]:
    """The best moment of a video, and how many were measured; when none is good, the best of them all the same.

    Raises:
        PermanentError: "damaged", no picture could be decoded; and what FFmpeg.run raises.
    """
    found: list[Candidate] = []
    if video.duration_s > DECODE_ALL_S and video.key_frames >= FEW_KEYS:
        for number in range(CANDIDATES):
            at_s = video.duration_s * (number + 0.5) / CANDIDATES
            found += _at_key_frame(ffmpeg, source, video, folder, at_s)
            on_progress((number + 1) / (CANDIDATES + 1))
    if len(found) < CANDIDATES // 2 or not any(one.good for one in found):
        found += _in_one_pass(ffmpeg, source, video, folder, min(video.duration_s, DECODE_ALL_S))
    if video.duration_s > DECODE_ALL_S and not any(one.good for one in found):
        # A long black beginning and hardly a key frame: then it has to be decoded, within reason.
        found += _in_one_pass(ffmpeg, source, video, folder, min(video.duration_s, DECODE_MOST_S))
    if not found:
        raise PermanentError("damaged", "No picture of the file can be read.")
    return max(found, key=lambda candidate: (candidate.good, candidate.score)), len(found)


def way_to(candidate: Candidate) -> tuple[list[str], list[str]]:
    """Input options and filters that lead to the candidate's picture.

    What was found in one pass is cut in one pass: seeking is exact in few containers.
    """
    if candidate.by_key_frame:
        return seek(candidate.at_s), []
    return [], [f"select='gte(t\\,{candidate.at_s - ROUNDED_S:.6f})'"]


def seek(at_s: float) -> list[str]:
    """To the key frame before `at_s`. Without -noaccurate_seek there is none after the last key frame."""
    return ["-noaccurate_seek", "-skip_frame", "nokey", "-ss", f"{at_s:.6f}"]


def _at_key_frame(ffmpeg: FFmpeg, source: Path, video: Video, folder: Path, at_s: float) -> list[Candidate]:
    """The key frame before `at_s`: some fifty times cheaper than decoding up to it."""
    seen = _look(ffmpeg, source, video, folder, seek(at_s), "", 1)
    return [Candidate(at_s, by_key_frame=True, measures=one.measures) for one in seen[:1]]


def _in_one_pass(ffmpeg: FFmpeg, source: Path, video: Video, folder: Path, seconds: float) -> list[Candidate]:
    """Evenly spread over the first `seconds`, all pictures decoded."""
    step = seconds / CANDIDATES
    chosen = f"select='isnan(prev_selected_t)+gte(t-prev_selected_t\\,{step:.6f})',"
    return _look(ffmpeg, source, video, folder, [], chosen, CANDIDATES)


def _look(ffmpeg: FFmpeg, source: Path, video: Video, folder: Path, before: list[str], chosen: str, most: int) -> list[Candidate]:
    sheet = Sheet()
    graph = (
        f"{chosen}{_sdr(video)}scale={LOOK_PX}:{LOOK_PX}:force_original_aspect_ratio=decrease:force_divisible_by=2:eval=frame,"
        "format=yuv420p,signalstats,entropy,blurdetect,metadata=print:file=-"
    )
    arguments = [*allowlists.input_flags(), "-reinit_filter:v", "0", *before, "-i", file_url(source), "-map", f"0:{video.index}"]
    arguments += ["-vf", graph, "-frames:v", str(most), "-fps_mode", "passthrough", "-f", "null", "-"]
    ffmpeg.run(arguments, read=source.parent, write=folder, wall_s=LOOK_WALL_S, on_line=sheet.take)
    return sheet.found


def _sdr(video: Video) -> str:
    """PQ and HLG look dark and flat until they are what a screen shows."""
    if not video.hdr:
        return ""
    width, height = LOOK_PX, max(2, round(LOOK_PX * video.height / video.width / 2) * 2)
    return picture.text(picture.ordinary(video, width, height)) + ","


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
