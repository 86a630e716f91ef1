"""Colour tags, and the way from high dynamic range to ordinary screens."""

from __future__ import annotations

import re
from typing import Any

from reelq.worker.av.probe.facts import Video

MATRICES = ("bt709", "smpte170m", "bt470bg", "bt2020nc")
PRIMARIES_OF = {"bt709": "bt709", "bt2020nc": "bt2020"}  # what goes with a matrix where only that is told
RGB = r"(rgb|bgr|gbr|argb|abgr|0rgb|0bgr|pal8|x2rgb|x2bgr)"
Filter = tuple[str, dict[str, Any]]
HD_SHORT_SIDE = 720  # players take untagged video from here on for bt709, below for bt601

# npl: how many nits 1.0 stands for. 203 is the reference white of HDR (BT.2408), and becomes the white of ordinary screens
# but for what the knee takes: below KNEE of it nothing changes, above it highlights are bent into what is left.
REFERENCE_NITS = 203
KNEE = 0.7
PEAK_NITS = 1000.0  # what is mastered for most often, where the file does not say
MOST_PEAK_NITS = 4000.0
HDR_MATRICES = ("bt709", "smpte170m", "bt470bg", "bt2020nc", "bt2020c", "gbr")
HDR_PRIMARIES = ("bt709", "smpte170m", "bt470bg", "bt2020", "smpte432", "smpte431")
SDR_TRANSFERS = ("bt709", "smpte170m", "bt470m", "bt470bg", "bt2020-10", "bt2020-12", "iec61966-2-1", "linear")


def said(video: Video) -> list[Filter]:
    """Says what PQ and HLG leave out: matrix and primaries are then those of BT.2020 (BT.2100 knows no others)."""
    said = {"color_trc": video.color_transfer}
    if not is_rgb(video):
        said["colorspace"] = video.color_space if video.color_space in HDR_MATRICES else "bt2020nc"
    said["color_primaries"] = video.color_primaries if video.color_primaries in HDR_PRIMARIES else "bt2020"
    if video.color_range is None and not is_rgb(video):
        said["range"] = "tv"
    return [("setparams", said)]


def hdr_to_sdr(video: Video) -> list[Filter]:
    """From PQ or HLG to bt709 in eight bits and video range, with libzimg and tonemap as in ffmpeg 5.1.

    Colours that ordinary screens do not have are cut off while they are RGB, in whole numbers. In YUV they would be cut off
    one by one in luma and chroma, which made red 217 of 255.
    """
    peak = min(video.peak_nits or PEAK_NITS, MOST_PEAK_NITS) / REFERENCE_NITS
    return [
        ("zscale", {"t": "linear", "npl": REFERENCE_NITS}),
        ("format", {"pix_fmts": "gbrpf32le"}),
        ("zscale", {"p": "bt709"}),
        ("tonemap", {"tonemap": "mobius", "param": KNEE, "peak": f"{peak:.3f}", "desat": 0}),
        ("zscale", {"t": "bt709", "r": "pc"}),
        ("format", {"pix_fmts": "gbrp12le"}),
        ("zscale", {"m": "bt709", "r": "tv"}),
        ("format", {"pix_fmts": "yuv420p"}),
    ]


def narrow(video: Video) -> list[Filter]:
    """From the wide colours of BT.2020 or P3 without HDR to those of sRGB, for pictures that bear no tag of it."""
    said = {"color_primaries": video.color_primaries if video.color_primaries in HDR_PRIMARIES else "bt2020"}
    said["color_trc"] = video.color_transfer if video.color_transfer in SDR_TRANSFERS else "bt709"
    if not is_rgb(video):
        said["colorspace"] = video.color_space if video.color_space in HDR_MATRICES else "bt2020nc"
    ordinary = {"p": "bt709", "t": "bt709", "m": "bt709", "r": "tv"}
    return [("setparams", said), ("zscale", ordinary), ("format", {"pix_fmts": "yuv420p"})]


def is_rgb(video: Video) -> bool:
    """Whether the scaler has to choose a matrix, because the source has none."""
    return video.color_space == "gbr" or re.match(RGB, video.pixel_format or "") is not None


def tags(video: Video) -> dict[str, str]:
    """Matrix, primaries and transfer of the result, under setparams' names.

    The source's own are kept: converting between bt601 and bt709 costs time and quality, and
    players obey the tags. Where the source says nothing, it gets what players would assume at
    its size: else a 360p rendition of an untagged HD source would change its colours.
    """
    if video.hdr:
        return {"colorspace": "bt709", "color_primaries": "bt709", "color_trc": "bt709"}
    standard = "bt709" if min(video.coded_width, video.coded_height) >= HD_SHORT_SIDE else "smpte170m"
    if is_rgb(video):
        standard = "bt709"  # ffmpeg_args.py has the scaler convert RGB to this
    matrix = video.color_space if video.color_space in MATRICES else standard
    return {
        "colorspace": matrix,
        "color_primaries": video.color_primaries or PRIMARIES_OF.get(matrix, "smpte170m"),
        "color_trc": video.color_transfer or "bt709",
    }
