"""Reads what ffprobe and the packets say of a file into facts that the rest relies on.

`parse` takes the document that is stored in media.assets.probe: ffprobe's own, with `packets`
(a tally a stream), `orientation` (EXIF) and `complaints` (ffprobe's stderr) added by av/inspect.
What containers claim is believed only where the packets agree.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from reelq.worker.av.allowlists import PICTURE_DEMUXERS
from reelq.worker.av.probe import exif, rates
from reelq.worker.av.probe.facts import Audio, Measured, Video

INTERLACED = frozenset({"tt", "bb", "tb", "bt"})
MOST_SAR = 10  # a pixel ten times as wide as high is a broken header
MIMES = {
    "matroska": "video/x-matroska", "webm": "video/webm", "avi": "video/x-msvideo", "mpegts": "video/mp2t",
    "mpeg": "video/mpeg", "flv": "video/x-flv", "gif": "image/gif", "mp3": "audio/mpeg", "wav": "audio/wav",
    "flac": "audio/flac", "ogg": "audio/ogg", "aac": "audio/aac", "amr": "audio/amr", "png_pipe": "image/png",
    "jpeg_pipe": "image/jpeg", "webp_pipe": "image/webp",
}  # fmt: skip


def parse(document: dict[str, Any]) -> Measured:
    """Read the document; "N/A", "0/0", "unknown" and no key all mean unknown."""
    streams = [stream for stream in document["streams"] if isinstance(stream, dict)]
    packets = document.get("packets") or {}
    container = _container(document)
    turned = int(document.get("orientation") or 1)
    video = _video(streams, packets, turned)
    audio = _audio(streams, packets)
    cover = next((s["index"] for s in streams if _is_cover(s) and _whole(s.get("width"))), None)
    kind = "audio" if audio else "document"
    if video is not None:
        still = container in PICTURE_DEMUXERS or (container == "gif" and video.frames < 2)
        kind = "image" if still else "video"
    ends = [track.start_s + track.duration_s for track in (video, audio) if track is not None]
    starts = [track.start_s for track in (video, audio) if track is not None]
    duration = max(ends) - min(starts) if ends and kind in ("video", "audio") else None
    playing = [packets.get(str(track.index), {}) for track in (video, audio) if track is not None]
    size = _whole(document.get("format", {}).get("size"))
    return Measured(
        kind=kind,
        container=container,
        mime=_mime(document, container, kind),
        duration_s=duration,
        bit_rate=int(size * 8 / duration) if size and duration else None,
        video=video,
        audio=audio,
        cover_index=cover if video is None else None,
        orientation=turned,
        gap_s=max((float(tally.get("gap_s", 0)) for tally in playing), default=0.0),
    )


def _video(streams: list[dict[str, Any]], packets: dict[str, Any], turned: int) -> Video | None:
    """The default stream, else the largest, of those that are no cover art and have packets."""
    found = [
        stream
        for stream in streams
        if stream.get("codec_type") == "video"
        and not _is_cover(stream)
        and _whole(stream.get("width"))
        and _whole(stream.get("height"))
        and packets.get(str(stream.get("index")), {}).get("shown", 0) > 0
    ]
    if not found:
        return None
    best = max(found, key=lambda s: (bool(s.get("disposition", {}).get("default")), s["width"] * s["height"]))
    tally = packets[str(best["index"])]
    coded_width, coded_height = int(best["width"]), int(best["height"])
    sar = _sar(best.get("sample_aspect_ratio"))
    width, height = max(1, round(coded_width * sar)), coded_height
    rotation = _rotation(best, turned)
    if rotation in (90, 270):
        width, height = height, width
    declared = (rates.parse(best.get("avg_frame_rate")), rates.parse(best.get("r_frame_rate")))
    frames, duration = int(tally["shown"]), float(tally["span_s"])
    rate = rates.snap(frames, duration, declared)
    if frames == 1 and duration == 0 and rate is not None:
        duration = float(1 / rate)
    return Video(
        index=int(best["index"]),
        codec=str(best.get("codec_name") or "unknown"),
        width=width,
        height=height,
        coded_width=coded_width,
        coded_height=coded_height,
        rotation=rotation,
        sar=sar,
        rate=rate,
        frames=frames,
        start_s=float(tally.get("first_s") or 0.0),
        duration_s=duration,
        pixel_format=_known(best.get("pix_fmt")),
        color_space=_known(best.get("color_space")),
        color_transfer=_known(best.get("color_transfer")),
        color_primaries=_known(best.get("color_primaries")),
        color_range=_known(best.get("color_range")),
        interlaced=best.get("field_order") in INTERLACED,
        key_frames=int(tally.get("key_packets", 0)),
    )


def _audio(streams: list[dict[str, Any]], packets: dict[str, Any]) -> Audio | None:
    """The default stream, else the first, of those that have packets and a form."""
    found = [
        stream
        for stream in streams
        if stream.get("codec_type") == "audio"
        and _whole(stream.get("sample_rate"))
        and _whole(stream.get("channels"))
        and packets.get(str(stream.get("index")), {}).get("shown", 0) > 0
    ]
    if not found:
        return None
    best = max(found, key=lambda s: (bool(s.get("disposition", {}).get("default")), -int(s["index"])))
    tally = packets[str(best["index"])]
    return Audio(
        index=int(best["index"]),
        codec=str(best.get("codec_name") or "unknown"),
        channels=int(best["channels"]),
        sample_rate_hz=int(best["sample_rate"]),
        start_s=float(tally.get("first_s") or 0.0),
        duration_s=float(tally["span_s"]),
    )


def _is_cover(stream: dict[str, Any]) -> bool:
    """Cover art and chapter pictures: video streams that do not move."""
    disposition = stream.get("disposition", {})
    return stream.get("codec_type") == "video" and any(disposition.get(name) for name in ("attached_pic", "timed_thumbnails"))


def _rotation(stream: dict[str, Any], turned: int) -> int:
    """Clockwise degrees; ffprobe's display matrix says anticlockwise ones."""
    for side in stream.get("side_data_list") or []:
        if "rotation" in side:
            return round(-float(side["rotation"]) / 90) * 90 % 360
    return exif.CLOCKWISE[turned]


def _sar(text: Any) -> Fraction:
    """`4:3` as a fraction; 1 for "0:1", "N/A" and what no camera makes."""
    try:
        sar = Fraction(str(text or "1:1").replace(":", "/"))
    except (ValueError, ZeroDivisionError):
        return Fraction(1)
    return sar if Fraction(1, MOST_SAR) <= sar <= MOST_SAR else Fraction(1)


def _container(document: dict[str, Any]) -> str:
    """The first name of the demuxer: mov, matroska, avi."""
    return str(document.get("format", {}).get("format_name") or "unknown").split(",")[0]


def _mime(document: dict[str, Any], container: str, kind: str) -> str | None:
    """Media type of what was found, whatever the file's name."""
    if container == "mov":
        brand = str(document.get("format", {}).get("tags", {}).get("major_brand", "")).strip()
        if kind == "audio":
            return "audio/mp4"
        return "video/quicktime" if brand == "qt" else "video/mp4"
    mime = MIMES.get(container)
    if container == "matroska":
        playing = [s for s in document["streams"] if s.get("codec_type") in ("video", "audio")]
        if {str(s.get("codec_name")) for s in playing} <= {"vp8", "vp9", "av1", "opus", "vorbis"}:
            mime = "video/webm"
    return mime.replace("video/", "audio/") if mime and kind == "audio" else mime


def _known(text: Any) -> str | None:
    return None if text in (None, "", "unknown", "unspecified", "reserved", "N/A") else str(text)


def _whole(value: Any) -> int | None:
    """A whole number above zero, else None."""
    try:
        number = int(value)
    except (TypeError, ValueError):
        return None
    return number if number > 0 else None
