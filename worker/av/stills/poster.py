"""ffmpeg's arguments for posters: a picture of a video, a photo, a song."""

from __future__ import annotations

from pathlib import Path

from reelq.worker.av import allowlists
from reelq.worker.av.encode import colour, picture, stereo
from reelq.worker.av.encode.ffmpeg_args import file_url
from reelq.worker.av.encode.picture import Filter
from reelq.worker.av.probe import exif
from reelq.worker.av.probe.facts import Audio, Video

LONG_SIDE_PX = 1280
WAVE_WIDTH_PX, WAVE_HEIGHT_PX = 1280, 320
WAVE_RATE_HZ = 4000  # showwavespic keeps all samples in memory: a day at this rate is 700 MB
BACKGROUND, WAVE_COLOUR = "0x101820", "0x4aa3df"

# A bare JPEG stream is a JPEG file; the image2 muxer would read patterns into names. Passthrough, because a key picture lies
# before the time that was sought, which other modes drop.
JPEG = ["-frames:v", "1", "-fps_mode", "passthrough", "-c:v", "mjpeg", "-q:v", "3", "-map_metadata", "-1", "-f", "mjpeg"]


def fit(width: int, height: int, most: int = LONG_SIDE_PX) -> tuple[int, int]:
    """The size of a picture whose long side is at most `most`; never larger than the source."""
    shrink = min(1.0, most / max(width, height))
    return max(1, round(width * shrink)), max(1, round(height * shrink))


def of_video(source: Path, video: Video, way: tuple[list[str], list[str]], output: Path) -> list[str]:
    """The picture that input options and filters lead to (frames.way_to), made as renditions are."""
    width, height = fit(video.width, video.height)
    before, chosen = way
    inner = (height, width) if picture.quarter_turned(video) else (width, height)
    even = (width + width % 2, height + height % 2)  # bars of 4:2:0 have no odd sizes
    filters: list[Filter] = []
    matrix = "auto" if colour.is_rgb(video) else colour.tags(video)["colorspace"]
    if video.hdr:
        filters += picture.ordinary(video, *even)
        matrix = "bt709"
    else:
        filters += picture.fit(video, *even)
        if video.wide:
            filters += colour.narrow(video)
            matrix = "bt709"
    filters += [*_to_jpeg(*inner, matrix), *picture.upright(video)]
    # Whole pictures first: a picture that was chosen alone has no neighbours to be made whole with.
    words = [picture.text(picture.whole(video)), *chosen, picture.text(filters)]
    before = ["-noautorotate", "-reinit_filter:v", "0", *before]
    return _picture(source, video.index, [word for word in words if word], before, output)


def of_image(source: Path, video: Video, orientation: int, output: Path, ground: str | None = None) -> list[str]:
    """A photo, turned as its EXIF says; on `ground`, a colour, where it is transparent."""
    width, height = fit(video.width, video.height)
    turns = exif.UPRIGHT[orientation]
    if orientation == 1:
        turns = tuple(picture.text(picture.upright(video)).split(","))[:-1]
    turned = picture.quarter_turned(video) or any(turn.startswith("transpose") for turn in turns)
    inner = (height, width) if turned else (width, height)
    filters = [picture.text(_wide(video)), picture.text(_to_jpeg(*inner, "bt709" if video.wide or video.hdr else "auto")), *turns]
    words = [word for word in filters if word]
    if ground is None:
        return _picture(source, video.index, words, ["-noautorotate"], output)
    graph = (
        f"color=c={ground}:s={video.coded_width}x{video.coded_height},format=rgba[ground];[0:{video.index}]format=rgba[seen];"
        f"[ground][seen]overlay=format=rgb:shortest=1,{','.join(words)}[picture]"
    )
    return [
        *allowlists.input_flags(), "-noautorotate", "-i", file_url(source), "-filter_complex", graph, "-map", "[picture]",
        *JPEG, file_url(output),
    ]  # fmt: skip


def _wide(video: Video) -> list[Filter]:
    if video.hdr:
        return [*colour.said(video), *colour.hdr_to_sdr(video)]
    return colour.narrow(video) if video.wide else []


def of_cover(source: Path, index: int, output: Path) -> list[str]:
    """A song's cover art."""
    box = f"scale={LONG_SIDE_PX}:{LONG_SIDE_PX}:force_original_aspect_ratio=decrease:out_range=pc"
    # min(): cover art is not enlarged either.
    box = box.replace(f"{LONG_SIDE_PX}:{LONG_SIDE_PX}", f"'min(iw,{LONG_SIDE_PX})':'min(ih,{LONG_SIDE_PX})'")
    return _picture(source, index, [box, "setsar=1", "format=yuvj420p"], ["-noautorotate"], output)


def of_sound(source: Path, audio: Audio, output: Path) -> list[str]:
    """The waveform of a sound on a dark ground."""
    sound = "".join(f"[0:{index}]" for index in audio.indexes)
    if audio.right is not None:
        sound += picture.text([("join", stereo.JOINED)]) + ","
    sound += stereo.mono(audio)
    graph = (
        f"color=c={BACKGROUND}:s={WAVE_WIDTH_PX}x{WAVE_HEIGHT_PX}[ground];"
        f"{sound},aresample={WAVE_RATE_HZ},"
        f"showwavespic=s={WAVE_WIDTH_PX}x{WAVE_HEIGHT_PX}:colors={WAVE_COLOUR}:scale=sqrt[wave];"
        "[ground][wave]overlay=shortest=1,format=yuvj420p[picture]"
    )
    return [
        *allowlists.input_flags(), "-i", file_url(source), "-filter_complex", graph, "-map", "[picture]",
        *JPEG, file_url(output),
    ]  # fmt: skip


def _to_jpeg(width: int, height: int, matrix: str) -> list[Filter]:
    """JPEG means bt601 in full range, whatever the video was."""
    known = {"smpte170m": "smpte170m", "bt470bg": "bt470", "bt709": "bt709", "bt2020nc": "bt2020"}
    inside = {"in_color_matrix": known[matrix]} if matrix in known else {}
    scale = {"w": width, "h": height, **inside, "out_color_matrix": "bt601", "in_range": "auto", "out_range": "pc"}
    pixels = "yuvj444p" if width == 1 else "yuvj420p"  # where colours are shared by two pixels, a lone one loses half of its own
    return [("scale", scale), ("setsar", {"sar": 1}), ("format", {"pix_fmts": pixels})]


def _picture(source: Path, index: int, filters: list[str], before: list[str], output: Path) -> list[str]:
    return [
        *allowlists.input_flags(), *before, "-i", file_url(source), "-map", f"0:{index}",
        "-vf", ",".join(filters), *JPEG, file_url(output),
    ]  # fmt: skip
