"""Reads what ffprobe and the packets say of a file into facts that the rest relies on.

`parse` takes the document that is stored in media.assets.probe: ffprobe's own, with `packets`
(a tally a stream), `orientation` (EXIF) and `complaints` (ffprobe's stderr) added by
probe.inspect. What a container claims counts only where the packets agree.
"""

from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction
from typing import Any

from reelq.worker.av import allowlists
from reelq.worker.av.allowlists import PICTURE_DEMUXERS
from reelq.worker.av.probe import exif, pair, rates, side_data
from reelq.worker.av.probe.facts import Audio, Measured, Video

INTERLACED = frozenset({"tt", "bb", "tb", "bt"})
STILL_SHARE = 10  # a track with fewer pictures than one in ten of another's stands still beside it
REFUSED, COVER_REFUSED = "its codec is not taken", "a cover whose codec is not taken"
MOST_SAR = 10  # a pixel more than ten times as wide as high means a broken header
MIMES = {
    "matroska": "video/x-matroska", "webm": "video/webm", "avi": "video/x-msvideo", "mpegts": "video/mp2t",
    "mpeg": "video/mpeg", "flv": "video/x-flv", "gif": "image/gif", "mp3": "audio/mpeg", "wav": "audio/wav",
    "flac": "audio/flac", "ogg": "audio/ogg", "aac": "audio/aac", "amr": "audio/amr", "png_pipe": "image/png",
    "jpeg_pipe": "image/jpeg", "webp_pipe": "image/webp", "bmp_pipe": "image/bmp", "apng": "image/apng",
    "mxf": "application/mxf", "asf": "video/x-ms-asf", "dv": "video/dv", "w64": "audio/x-w64", "aiff": "audio/aiff",
    "caf": "audio/x-caf", "ac3": "audio/ac3", "eac3": "audio/eac3", "dts": "audio/vnd.dts",
}  # fmt: skip


def parse(document: dict[str, Any]) -> Measured:
    """Read the document; "N/A", "0/0", "unknown" and no key all mean unknown."""
    streams = [stream for stream in document["streams"] if isinstance(stream, dict)]
    packets = document.get("packets") or {}
    container = _container(document)
    turned = int(document.get("orientation") or 1)
    video = _video(streams, packets, turned)
    audio = _audio(document, packets)
    cover = next((s["index"] for s in streams if _is_cover(s) and _whole(s.get("width")) and _taken(s)), None)
    kind = "audio" if audio else "document"
    if video is not None:
        alone = video.frames < 2 and audio is None
        still = container in PICTURE_DEMUXERS or (alone and (container in ("gif", "apng") or _is_picture(document)))
        kind = "image" if still else "video"
    ends = [track.start_s + track.duration_s for track in (video, audio) if track is not None]
    starts = [track.start_s for track in (video, audio) if track is not None]
    duration = max(ends) - min(starts) if ends and kind in ("video", "audio") else None
    used = [video.index] if video is not None else []
    used += audio.indexes if audio is not None else ()
    playing = [packets.get(str(index), {}) for index in used]
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
        packets=sum(int(tally.get("packets", 0)) for tally in playing),
        keyless=sum(int(tally.get("keyless", 0)) for tally in playing),
        left_out=_left_out(streams, packets, document, [video, audio], cover if video is None else None),
        joined=_joined(streams, audio),
    )


def _video(streams: list[dict[str, Any]], packets: dict[str, Any], turned: int) -> Video | None:
    """The stream that moves, then the default one, then the largest, of those that are no cover art and have packets."""
    found = [
        stream
        for stream in streams
        if stream.get("codec_type") == "video"
        and not _is_cover(stream)
        and _taken(stream)
        and _whole(stream.get("width"))
        and _whole(stream.get("height"))
        and _shown(stream, packets) > 0
    ]
    if not found:
        return None
    most = max(_shown(stream, packets) for stream in found)

    def rank(stream: dict[str, Any]) -> tuple[bool, bool, int]:
        shown = _shown(stream, packets)
        # Beside one that moves, a title card is not the video, nor is the still that AVIF has in front of its pictures.
        moves = shown * STILL_SHARE >= most and shown >= min(most, 2)
        return moves, _is_default(stream), stream["width"] * stream["height"]

    best = max(found, key=rank)
    tally = packets[str(best["index"])]
    coded_width, coded_height = int(best["width"]), int(best["height"])
    sar, odd_sar = _sar(best.get("sample_aspect_ratio"))
    width, height = max(1, round(coded_width * sar)), coded_height
    rotation = _rotation(best, turned)
    if rotation in (90, 270):
        width, height = height, width
    declared = (rates.parse(best.get("avg_frame_rate")), rates.parse(best.get("r_frame_rate")))
    frames, duration = int(tally["shown"]), float(tally["span_s"])
    pace = float(tally.get("pace_s") or 0.0)
    if pace > 0 and not tally["even"]:  # noqa: SIM108 - two ways, two lines
        rate = rates.paced(pace, declared)
    else:
        rate = rates.snap(frames, pace * frames or duration, declared)
    if frames == 1 and duration == 0 and rate is not None:
        duration = float(1 / rate)
    last = float(tally.get("last_duration_s") or 0.0)
    hdr = side_data.colours(best)
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
        color_transfer=_known(best.get("color_transfer")) or hdr.transfer,
        color_primaries=_known(best.get("color_primaries")),
        color_range=_known(best.get("color_range")),
        interlaced=best.get("field_order") in INTERLACED,
        key_frames=int(tally.get("key_packets", 0)),
        upright=side_data.upright(best),
        odd_sar=odd_sar,
        hold_s=max(0.0, last - float(1 / rate)) if rate is not None and frames > 1 else 0.0,
        peak_nits=hdr.peak_nits,
    )


def sounds(document: dict[str, Any]) -> list[dict[str, Any]]:
    """The streams that could be the sound, in the order in which one would choose: those that have packets and a form."""
    packets = document.get("packets") or {}
    found = [
        stream
        for stream in document["streams"]
        if isinstance(stream, dict)
        and stream.get("codec_type") == "audio"
        and _taken(stream)
        and _whole(stream.get("sample_rate"))
        and _whole(stream.get("channels"))
        and _shown(stream, packets) > 0
    ]
    silent = document.get("silent") or ()
    return sorted(found, key=lambda s: (s["index"] in silent, not _is_default(s), int(s["index"])))


def sides(document: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """The left and the right of what `sounds` would choose, None where that is whole by itself or one side is silent."""
    found = sounds(document)
    in_order = sorted(found, key=lambda s: int(s["index"]))
    both = pair.pair(_container(document), in_order, document.get("packets") or {})
    if both is None or found[0] not in both or any(one["index"] in (document.get("silent") or ()) for one in both):
        return None
    return both


def _joined(streams: list[dict[str, Any]], audio: Audio | None) -> tuple[dict[str, Any], ...]:
    """Which tracks became the sides of one sound."""
    if audio is None or audio.right is None:
        return ()
    codecs = {stream.get("index"): str(stream.get("codec_name") or "unknown") for stream in streams}
    named = zip(audio.indexes, ("left", "right"), strict=True)
    return tuple({"stream": index, "type": "audio", "codec": codecs[index], "side": side} for index, side in named)


def _audio(document: dict[str, Any], packets: dict[str, Any]) -> Audio | None:
    """The first of `sounds`: one that is heard before one that is silent, then the default one, then the first.

    Where it is one side of a pair, both.
    """
    best = next(iter(sounds(document)), None)
    if best is None:
        return None
    if both := sides(document):
        left, right = (_sound(one, packets) for one in both)
        start_s = min(left.start_s, right.start_s)
        end_s = max(left.start_s + left.duration_s, right.start_s + right.duration_s)
        return replace(left, channels=2, start_s=start_s, duration_s=end_s - start_s, layout="stereo", right=right.index)
    return _sound(best, packets)


def _sound(best: dict[str, Any], packets: dict[str, Any]) -> Audio:
    tally = packets[str(best["index"])]
    rate = int(best["sample_rate"])
    skipped_s = int(tally.get("skipped") or 0) / rate
    layout = _known(best.get("channel_layout"))
    return Audio(
        index=int(best["index"]),
        codec=str(best.get("codec_name") or "unknown"),
        channels=int(best["channels"]),
        sample_rate_hz=rate,
        start_s=float(tally.get("first_s") or 0.0) + skipped_s,
        duration_s=max(0.0, float(tally["span_s"]) - skipped_s - int(tally.get("padded") or 0) / rate),
        layout=None if layout is None or re.match(r"\d+ channels", layout) else layout,
    )


def refused(document: dict[str, Any]) -> str | None:
    """The codec without which picture or sound would be missing, None when all can be decoded."""
    measured = parse(document)
    for kind, used in (("video", measured.video), ("audio", measured.audio)):
        others = [one for one in measured.left_out if one["type"] == kind and one["why"] == REFUSED]
        if used is None and others:
            return str(others[0]["codec"])
    return None


def _left_out(
    streams: list[dict[str, Any]], packets: dict[str, Any], document: dict[str, Any], used: list[Any], cover: int | None
) -> tuple[dict[str, Any], ...]:
    """The streams that the results will not have, and why."""
    kept = {index for track in used if track is not None for index in getattr(track, "indexes", (track.index,))} | {cover}
    silent = document.get("silent") or ()
    found = []
    for stream in streams:
        kind, codec = str(stream.get("codec_type") or "unknown"), str(stream.get("codec_name") or "unknown")
        if stream.get("index") in kept:
            continue
        if kind in ("video", "audio") and not _taken(stream):
            why = COVER_REFUSED if _is_cover(stream) else REFUSED
        elif _is_cover(stream):
            why = "a cover, not needed"
        elif kind in ("video", "audio"):
            why = "silent" if stream.get("index") in silent else "another one is used"
            if not _shown(stream, packets):
                why = "nothing in it"
            elif kind not in {type(track).__name__.lower() for track in used if track is not None}:
                why = "nothing of it can be read"
        else:
            why = "not used"
        found.append({"stream": stream.get("index"), "type": kind, "codec": codec, "why": why})
    return (*found, *(document.get("left_out_before") or ()))


def _shown(stream: dict[str, Any], packets: dict[str, Any]) -> int:
    return int(packets.get(str(stream.get("index")), {}).get("shown", 0))


def _taken(stream: dict[str, Any]) -> bool:
    return allowlists.taken(str(stream.get("codec_name") or "unknown"))


def _is_default(stream: dict[str, Any]) -> bool:
    return bool(stream.get("disposition", {}).get("default"))


def _is_picture(document: dict[str, Any]) -> bool:
    """AVIF and its like are MP4 files with one picture."""
    brand = str(document.get("format", {}).get("tags", {}).get("major_brand", "")).strip()
    return brand in ("avif", "mif1", "heic")


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


def _sar(text: Any) -> tuple[Fraction, bool]:
    """`4:3` as a fraction; 1 for "0:1", "N/A" and what no camera makes, for which the second value is true."""
    try:
        sar = Fraction(str(text or "1:1").replace(":", "/"))
    except (ValueError, ZeroDivisionError):
        return Fraction(1), False
    if sar == 0 or Fraction(1, MOST_SAR) <= sar <= MOST_SAR:
        return sar or Fraction(1), False
    return Fraction(1), True


def _container(document: dict[str, Any]) -> str:
    """The first name of the demuxer: mov, matroska, avi."""
    return str(document.get("format", {}).get("format_name") or "unknown").split(",")[0]


def _mime(document: dict[str, Any], container: str, kind: str) -> str | None:
    """Media type of what was found, whatever the file's name."""
    if container == "mov":
        brand = str(document.get("format", {}).get("tags", {}).get("major_brand", "")).strip()
        if kind == "audio":
            return "audio/mp4"
        if kind == "image":
            return "image/avif"
        return "video/quicktime" if brand == "qt" else "video/mp4"
    mime = MIMES.get(container)
    if container == "matroska":
        playing = [s for s in document["streams"] if s.get("codec_type") in ("video", "audio")]
        if {str(s.get("codec_name")) for s in playing} <= {"vp8", "vp9", "av1", "opus", "vorbis"}:
            mime = "video/webm"
    if container == "asf" and kind == "audio":
        return "audio/x-ms-wma"
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
