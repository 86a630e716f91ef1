"""Measures one staged file: ffprobe's document and the packets' tally; refuses what will never work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from reelq.worker.av import truncation
from reelq.worker.av.ffmpeg import UNREADABLE, FFmpeg
from reelq.worker.av.packets import Track
from reelq.worker.av.probe import clock, exif, formats, loudness, programs, side_data
from reelq.worker.av.probe import parse as parsing
from reelq.worker.av.probe.facts import Measured
from reelq.worker.av.probe.parse import parse
from reelq.worker.errors import PermanentError

# A picture may stand that long, and a sound be away: the result is as long as the file says. Silence is kept in memory.
MOST_GAP_S, MOST_SILENCE_S = 3600.0, 600.0
MOST_DURATION_S = 24 * 3600.0
# Of a GIF's pictures together. LZW packs a plain one of 67 million pixels into a hundred bytes, and each is painted in full.
MOST_GIF_PIXELS = 4_000_000_000
MISSING = 0.02  # share of the declared pictures that may be missing: an index is often off by a few
MOST_STREAMS, MOST_CHAPTERS, MOST_TAG = 64, 1000, 2000  # what is kept of the document
TRUNCATED = "The file was cut off before its end."


def inspect(ffmpeg: FFmpeg, path: Path, folder: Path) -> tuple[dict[str, Any], Path]:
    """Return the document that `parse` reads and media.assets.probe keeps, and the file that it is about.

    That is another one than `path`, in `folder`, when the clock of `path` begins again in the middle.

    Raises:
        PermanentError: "empty_file", "format_refused", "truncated", "codec_changes", and what FFmpeg.probe raises.
    """
    if path.stat().st_size == 0:
        raise PermanentError("empty_file", "The file is empty.")
    if kind := formats.refused(path):
        raise PermanentError("format_refused", f"{kind[:1].upper()}{kind[1:]} are not taken.")
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
    document = _with_packets(document, tracks)
    playing = [track.index for track in _playing(parse(document)) if track.index in tracks]
    _refuse_other_codec(path, document, playing)
    if clock.restarts(str(document.get("format", {}).get("format_name")), [tracks[index] for index in playing]):
        left_out = parse(document).left_out
        size = document["format"].get("size")
        moves = clock.shifts(_seen(document, tracks), playing)
        path = clock.straightened(ffmpeg, path, folder, moves)
        document = _with_packets(ffmpeg.probe(path), ffmpeg.packets(path))
        document["format"]["size"] = size
        document["straightened"] = moves or True
        document["left_out_before"] = [
            one for one in left_out if one["type"] not in ("video", "audio") or (moves and str(one["stream"]) not in moves)
        ]
    document["orientation"] = exif.orientation(path)
    heard = [int(stream["index"]) for stream in parsing.sounds(document)]
    if len(heard) > 1:
        document["silent"] = loudness.silent(ffmpeg, path, heard, folder)
        if both := parsing.sides(document):
            # The one that was chosen is heard, or all are silent: then nothing is lost by joining them.
            first = parsing.sounds(document)[0]["index"]
            (other,) = (int(one["index"]) for one in both if one["index"] != first)
            if loudness.is_silent(ffmpeg, path, other, folder) and not loudness.is_silent(ffmpeg, path, int(first), folder):
                document["silent"] = [*document["silent"], other]
    return _trimmed(document), path


def measure(ffmpeg: FFmpeg, path: Path, folder: Path) -> tuple[Measured, dict[str, Any], Path]:
    """Inspect, parse and refuse; returns the facts, the document, and the file that they are about (see `inspect`).

    Raises:
        PermanentError: as `inspect`, and "unreadable_media", "codec_refused", "dolby_vision", "too_many_pixels",
            "damaged", "timestamp_gap", "too_long".
    """
    document, path = inspect(ffmpeg, path, folder)
    measured = parse(document)
    complaints = "\n".join(document["complaints"])
    if codec := parsing.refused(document):
        raise PermanentError("codec_refused", f"The file uses a codec that is not taken: {_word(codec)}.")
    if measured.kind == "document":
        if "max pixel count" in complaints:
            raise PermanentError("too_many_pixels", "The picture has more pixels than are taken.")
        raise PermanentError("unreadable_media", UNREADABLE, detail=complaints)
    if measured.video is not None and measured.video.pixel_format is None:
        # ffprobe ends with code 0 here: the headers are readable, the pictures are not.
        raise PermanentError("damaged", "The pictures of the file cannot be read.", detail=complaints)
    _refuse_amplification(measured, document)
    return measured, document, path


def _refuse_amplification(measured: Measured, document: dict[str, Any]) -> None:
    """What would take far more memory or time than its size says, or would come out in wrong colours."""
    packets, video, audio = document["packets"], measured.video, measured.audio
    if video is not None:
        stream = next(one for one in document["streams"] if one.get("index") == video.index)
        if side_data.lacks_base_layer(stream):
            raise PermanentError(
                "dolby_vision",
                "The video is Dolby Vision without a base layer (profile 5), which only Dolby's decoders can show.",
            )
        if measured.container == "gif" and video.frames * video.coded_width * video.coded_height > MOST_GIF_PIXELS:
            raise PermanentError("too_many_pixels", "The GIF's pictures have more pixels together than are taken.")
    if measured.kind == "image":
        return
    for track, most, what in ((video, MOST_GAP_S, "picture"), (audio, MOST_SILENCE_S, "sound")):
        indexes = () if track is None else getattr(track, "indexes", (track.index,))
        gap_s = max((float(packets[str(index)].get("gap_s", 0)) for index in indexes), default=0.0)
        hold_s = video.hold_s if track is video and video is not None else 0.0
        if max(gap_s, hold_s) > most:
            raise PermanentError(
                "timestamp_gap",
                f"The file has no new {what} for {max(gap_s, hold_s):,.0f} seconds; at most {most:,.0f} are taken.",
            )
    if measured.duration_s is not None and measured.duration_s > MOST_DURATION_S:
        raise PermanentError("too_long", f"The file plays longer than {MOST_DURATION_S / 3600:.0f} hours.")


def _playing(measured: Measured) -> list[Any]:
    return [track for track in (measured.video, measured.audio) if track is not None]


def _seen(document: dict[str, Any], tracks: dict[int, Track]) -> dict[int, Track]:
    """The tracks of pictures and sounds."""
    kinds = {int(stream["index"]): stream.get("codec_type") for stream in document["streams"]}
    return {index: track for index, track in tracks.items() if kinds.get(index) in ("video", "audio")}


def _word(codec: str) -> str:
    """A codec's name as it may stand in a sentence."""
    return "".join(letter for letter in codec if letter.isalnum() or letter in "_-")[:40]


def _with_packets(document: dict[str, Any], tracks: dict[int, Track]) -> dict[str, Any]:
    document["packets"] = {str(index): track.facts() for index, track in tracks.items()}
    return document


def _refuse_missing_pictures(ffmpeg: FFmpeg, path: Path, document: dict[str, Any], tracks: dict[int, Track]) -> None:
    """Compare the packets with the index of MP4 and AVI, which counts the pictures and says how long they play.

    Both have to be short. What is counted differs by codec and container (samples of PCM, chunks without a byte where AVI
    repeats a picture), and a lone duration may lie. An edit list hides packets on purpose, so that where some seem to
    be missing in an MP4 they are counted once more without it.
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
            and track.span_s < _seconds(stream.get("duration")) * (1 - MISSING)
        ]
        if not short:
            return
        if not str(document.get("format", {}).get("format_name", "")).startswith("mov"):
            break
    raise PermanentError("truncated", TRUNCATED, detail="packets: " + ", ".join(short))


def _seconds(text: Any) -> float:
    try:
        return float(text)
    except (TypeError, ValueError):
        return 0.0


def _refuse_other_codec(path: Path, document: dict[str, Any], playing: list[int]) -> None:
    """Transport streams of different codecs one behind the other: either is whole, and no decoder reads both."""
    if document.get("format", {}).get("format_name") != "mpegts":
        return
    numbers = {str(stream.get("id")) for stream in document["streams"] if stream.get("index") in playing}
    if found := programs.change(path, {int(number, 16) for number in numbers if number.startswith("0x")}):
        raise PermanentError(
            "codec_changes",
            f"The codec changes from {found.before} to {found.after} at {found.at_s:.0f} s; the parts have to be sent as files of their own.",
        )


def _refuse_missing_sound(document: dict[str, Any], tracks: dict[int, Track]) -> None:
    """FLAC counts its samples in its head; other sound files only estimate their duration."""
    declared = document.get("format", {})
    if declared.get("format_name") == "flac" and 0 in tracks:
        missing = _seconds(declared.get("duration")) - tracks[0].span_s
        if missing > max(1.0, MISSING * tracks[0].span_s):
            raise PermanentError("truncated", TRUNCATED, detail=f"{missing:.1f} s of sound are missing")


def _trimmed(document: dict[str, Any]) -> dict[str, Any]:
    """Bound how much of a stranger's tags is stored, and remove NULs, which Postgres refuses."""
    document["streams"] = document["streams"][:MOST_STREAMS]
    document["chapters"] = (document.get("chapters") or [])[:MOST_CHAPTERS]
    for part in (document.get("format", {}), *document["streams"], *document["chapters"]):
        part["tags"] = {
            str(key)[:200].replace("\0", ""): str(value)[:MOST_TAG].replace("\0", "")
            for key, value in list((part.get("tags") or {}).items())[:100]
        }
    return document
