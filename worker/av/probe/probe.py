"""Measures one staged file: ffprobe's document, the packets' tally, and what will never work is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from reelq.worker.av import truncation
from reelq.worker.av.ffmpeg import UNREADABLE, FFmpeg
from reelq.worker.av.packets import Track
from reelq.worker.av.probe import exif
from reelq.worker.av.probe.facts import Measured
from reelq.worker.av.probe.parse import parse
from reelq.worker.errors import PermanentError

MOST_GAP_S = 10.0  # a 24 kB file with a gap of 20,000 s makes the fps filter write 600,000 pictures
MOST_DURATION_S = 24 * 3600.0
MISSING = 0.02  # share of the declared pictures that may be missing: an index is often off by a few
MOST_STREAMS, MOST_CHAPTERS, MOST_TAG = 64, 1000, 2000  # what is kept of the document


def inspect(ffmpeg: FFmpeg, path: Path) -> dict[str, Any]:
    """Return the document that `parse` reads and media.assets.probe keeps.

    Raises:
        PermanentError: "empty_file", "truncated", what Tools.probe refuses.
    """
    if path.stat().st_size == 0:
        raise PermanentError("empty_file", "The file is empty.")
    torn = truncation.is_truncated(path)
    try:
        document = ffmpeg.probe(path)
        tracks = ffmpeg.packets(path)
    except PermanentError as error:
        if torn and error.code == "unreadable_media":
            raise PermanentError("truncated", TRUNCATED, detail=error.detail) from error
        raise
    if torn or any("ended prematurely" in line for line in document["complaints"]):
        raise PermanentError("truncated", TRUNCATED)
    _refuse_missing_sound(document, tracks)
    _refuse_missing_pictures(ffmpeg, path, document, tracks)
    document["packets"] = {str(index): track.facts() for index, track in tracks.items()}
    document["orientation"] = exif.orientation(path)
    return _trimmed(document)


TRUNCATED = "The file was cut off before its end."


def measure(ffmpeg: FFmpeg, path: Path) -> tuple[Measured, dict[str, Any]]:
    """Inspect, parse and refuse; returns the facts and the document.

    Raises:
        PermanentError: as `inspect`, and "unreadable_media", "too_many_pixels", "timestamp_gap", "too_long".
    """
    document = inspect(ffmpeg, path)
    measured = parse(document)
    if measured.kind == "document":
        if any("max pixel count" in line for line in document["complaints"]):
            raise PermanentError("too_many_pixels", "The picture has more pixels than are taken.")
        raise PermanentError("unreadable_media", UNREADABLE, detail="\n".join(document["complaints"]))
    if measured.video is not None and measured.video.pixel_format is None:
        # ffprobe ends with code 0 here: the headers read well, the pictures do not.
        said = "\n".join(document["complaints"])
        raise PermanentError("damaged", "The pictures of the file cannot be read.", detail=said)
    if measured.gap_s > MOST_GAP_S and measured.kind != "image":
        raise PermanentError(
            "timestamp_gap",
            f"The file's clock jumps by {measured.gap_s:,.0f} seconds; at most {MOST_GAP_S:.0f} are taken.",
        )
    if measured.duration_s is not None and measured.duration_s > MOST_DURATION_S:
        raise PermanentError("too_long", f"The file plays longer than {MOST_DURATION_S / 3600:.0f} hours.")
    return measured, document


def _refuse_missing_pictures(ffmpeg: FFmpeg, path: Path, document: dict[str, Any], tracks: dict[int, Track]) -> None:
    """Compare the packets with the index of MP4 and AVI, which counts the pictures.

    An edit list hides packets on purpose, so that where some seem to be missing in an MP4 they
    are counted once more without it.
    """
    counted = tracks
    for again in (False, True):
        if again:
            counted = ffmpeg.packets(path, "-ignore_editlist", "1")
        short = [
            f"{track.packets} of {declared}"
            for stream in document["streams"]
            if (declared := int(stream.get("nb_frames") or 0)) > 0
            and stream.get("codec_type") in ("video", "audio")
            and (track := counted.get(int(stream["index"]), Track())).packets < declared * (1 - MISSING) - 1
        ]
        if not short:
            return
        if not str(document.get("format", {}).get("format_name", "")).startswith("mov"):
            break
    raise PermanentError("truncated", TRUNCATED, detail="packets: " + ", ".join(short))


def _refuse_missing_sound(document: dict[str, Any], tracks: dict[int, Track]) -> None:
    """FLAC counts its samples in its head; other sound files only estimate their duration."""
    declared = document.get("format", {})
    if declared.get("format_name") == "flac" and 0 in tracks:
        missing = float(declared.get("duration") or 0) - tracks[0].span_s
        if missing > max(1.0, MISSING * tracks[0].span_s):
            raise PermanentError("truncated", TRUNCATED, detail=f"{missing:.1f} s of sound are missing")


def _trimmed(document: dict[str, Any]) -> dict[str, Any]:
    """Bound what a stranger's tags can make us store; NULs are refused by Postgres."""
    document["streams"] = document["streams"][:MOST_STREAMS]
    document["chapters"] = (document.get("chapters") or [])[:MOST_CHAPTERS]
    for part in (document.get("format", {}), *document["streams"], *document["chapters"]):
        part["tags"] = {
            str(key)[:200].replace("\0", ""): str(value)[:MOST_TAG].replace("\0", "")
            for key, value in list((part.get("tags") or {}).items())[:100]
        }
    return document
