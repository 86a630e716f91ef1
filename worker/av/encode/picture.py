"""What is done to a source's pictures before they are encoded, the same for renditions and posters.

A filter is a name and its options. The order: whole pictures of interlaced ones, an even pace, a size that always fits,
ordinary colours, upright. A source that changes its size midway meets no filter that does not expect it: ffmpeg is told not
to build the graph anew (it would begin at zero again), and `fit` measures each picture.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from reelq.worker.av.encode import colour
from reelq.worker.av.probe.facts import Measured, Video

Filter = tuple[str, dict[str, Any]]

SAME_SHAPE = 0.03  # so much another shape is filled, without bars: even sizes are not exact either
# Before -i. Without the first, ffmpeg turns pictures before our graph; see `upright`.
INPUT = {"reinit_filter:v": 0}


def whole(video: Video) -> list[Filter]:
    """Whole pictures of interlaced ones. The scaler in front does nothing but for pictures of another size."""
    if not video.interlaced:
        return []
    size = {"w": video.coded_width, "h": video.coded_height, "interl": -1}
    return [("scale", size), ("bwdif", {"mode": "send_frame", "deint": "interlaced"})]


def paced(measured: Measured, rate: Fraction) -> list[Filter]:
    """Pictures at `rate` from zero on: the first stands from the beginning of the sound, the last as long as the file says.

    Also where the first packets cannot be decoded because their key picture is missing.
    """
    video = measured.video
    if video is None:
        return []
    filters: list[Filter] = [("fps", {"fps": f"{rate.numerator}/{rate.denominator}", "start_time": 0})]
    if video.hold_s > 0:  # newer versions hold it by themselves, and trim takes what is too much
        filters.append(("tpad", {"stop_mode": "clone", "stop_duration": f"{video.hold_s:.6f}"}))
    return [*filters, ("trim", {"end_frame": frames(measured, rate)})]


def frames(measured: Measured, rate: Fraction) -> int:
    """How many pictures the result has: from the first picture or sound to the end of the last picture."""
    video = measured.video
    if video is None:
        return 0
    return max(1, round((video.start_s + video.duration_s - measured.start_s) * rate))


def fit(video: Video, width: int, height: int, **options: Any) -> list[Filter]:
    """A size of `width` x `height` as shown, for each picture by its own shape; bars where it has another one."""
    if quarter_turned(video):
        width, height = height, width
    shape = "iw/ih" if video.odd_sar else "dar"
    wide, high = f"{shape}*{height}/{width}", f"{width}/({shape})"  # the shape against ours; the height at full width
    near = f"lt(abs({wide}-1),{SAME_SHAPE})"
    scale = {
        "w": f"if({near},{width},max(2,2*round(min({width},{height}*{shape})/2)))",
        "h": f"if({near},{height},max(2,2*round(min({height},{high})/2)))",
        "eval": "frame",
    }
    pad = {"w": width, "h": height, "x": "(ow-iw)/2", "y": "(oh-ih)/2", "eval": "frame"}
    return [("scale", {**scale, **options}), ("pad", pad), ("setsar", {"sar": 1})]


def quarter_turned(video: Video) -> bool:
    """Whether a filter of `upright` exchanges width and height."""
    return any(name.startswith("transpose") for name in video.upright)


def upright(video: Video) -> list[Filter]:
    """As the display matrix says; what it says is then done, and must not be written into the result."""
    turns: list[Filter] = []
    for name in video.upright:
        kind, _, direction = name.partition("=")
        turns.append((kind, {"dir": direction} if direction else {}))
    return [*turns, ("sidedata", {"mode": "delete"})]


def ordinary(video: Video, width: int, height: int) -> list[Filter]:
    """A picture of that size in eight bits and video range for ordinary screens, from whatever range it had."""
    if video.hdr:
        return [*colour.said(video), *fit(video, width, height), *colour.hdr_to_sdr(video)]
    matrix = {"out_color_matrix": "bt709"} if colour.is_rgb(video) else {}
    return fit(video, width, height, in_range="auto", out_range="tv", **matrix)


def text(filters: list[Filter]) -> str:
    """The filters as ffmpeg's -vf takes them; values with commas are quoted."""
    words = []
    for name, options in filters:
        pairs = ":".join(f"{key}='{value}'" if "," in str(value) else f"{key}={value}" for key, value in options.items())
        words.append(f"{name}={pairs}" if pairs else name)
    return ",".join(words)
