"""Colour tags, and the way from high dynamic range to ordinary screens."""

from __future__ import annotations

import re
from typing import Any

from reelq.worker.av.probe.facts import Video

MATRICES = ("bt709", "smpte170m", "bt470bg", "bt2020nc")
RGB = r"(rgb|bgr|gbr|argb|abgr|0rgb|0bgr|pal8|x2rgb|x2bgr)"
HD_SHORT_SIDE = 720  # players take untagged video from here on for bt709, below for bt601

# libzimg and tonemap as in ffmpeg 5.1; scaled first, because that saves 28 % of the work. npl: how
# many nits 1.0 stands for; 203 is the reference white of BT.2408.
HDR_TO_SDR: tuple[tuple[str, dict[str, Any]], ...] = (
    ("zscale", {"t": "linear", "npl": 203}),
    ("format", {"pix_fmts": "gbrpf32le"}),
    ("zscale", {"p": "bt709"}),
    ("tonemap", {"tonemap": "hable", "desat": 0}),
    ("zscale", {"t": "bt709", "m": "bt709", "r": "tv"}),
)


def is_rgb(video: Video) -> bool:
    """Whether the scaler has to choose a matrix, because the source has none."""
    return video.color_space == "gbr" or re.match(RGB, video.pixel_format or "") is not None


def tags(video: Video) -> dict[str, str]:
    """Matrix, primaries and transfer of the result, under setparams' names.

    The source's own are kept: converting between bt601 and bt709 costs time and quality, and
    players obey the tags. Where the source says nothing, it gets what players would assume at
    its size: a 360p rendition of an untagged HD source would change its colours without.
    """
    if video.hdr:
        return {"colorspace": "bt709", "color_primaries": "bt709", "color_trc": "bt709"}
    standard = "bt709" if min(video.coded_width, video.coded_height) >= HD_SHORT_SIDE else "smpte170m"
    if is_rgb(video):
        standard = "bt709"  # what encode.py tells the scaler to make of it
    matrix = video.color_space if video.color_space in MATRICES else standard
    return {
        "colorspace": matrix,
        "color_primaries": video.color_primaries or ("bt709" if matrix == "bt709" else "smpte170m"),
        "color_trc": video.color_transfer or "bt709",
    }
