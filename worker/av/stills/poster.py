"""ffmpeg's arguments for posters: a picture of a video, a photo, a song."""

from __future__ import annotations

from pathlib import Path

from reelq.worker.av import allowlists
from reelq.worker.av.encode import colour
from reelq.worker.av.encode.ffmpeg_args import file_url
from reelq.worker.av.probe import exif
from reelq.worker.av.probe.facts import Video

LONG_SIDE_PX = 1280
WAVE_WIDTH_PX, WAVE_HEIGHT_PX = 1280, 320
WAVE_RATE_HZ = 4000  # showwavespic keeps all samples in memory: a day at this rate is 700 MB
BACKGROUND, WAVE_COLOUR = "0x101820", "0x4aa3df"

# A bare JPEG stream is a JPEG file; the image2 muxer would read patterns into names.
JPEG = ["-frames:v", "1", "-c:v", "mjpeg", "-q:v", "3", "-map_metadata", "-1", "-f", "mjpeg"]


def fit(width: int, height: int, most: int = LONG_SIDE_PX) -> tuple[int, int]:
    """The size of a picture whose long side is at most `most`; never larger than the source."""
    shrink = min(1.0, most / max(width, height))
    return max(1, round(width * shrink)), max(1, round(height * shrink))


def of_video(source: Path, video: Video, way: tuple[list[str], list[str]], output: Path) -> list[str]:
    """The picture that input options and filters lead to (frames.way_to); ffmpeg turns it upright."""
    width, height = fit(video.width, video.height)
    before, chosen = way
    filters = [*chosen]
    if video.hdr:
        filters.append(f"zscale=w={width}:h={height}")
        for name, settings in colour.HDR_TO_SDR:
            filters.append(name + "=" + ":".join(f"{key}={value}" for key, value in settings.items()))
    matrix = "auto" if colour.is_rgb(video) else colour.tags(video)["colorspace"]
    return _picture(source, video.index, [*filters, *_to_jpeg(width, height, matrix)], before, output)


def of_image(source: Path, video: Video, orientation: int, output: Path) -> list[str]:
    """A photo, turned as its EXIF says."""
    width, height = fit(video.width, video.height)
    filters = [*exif.UPRIGHT[orientation], *_to_jpeg(width, height, "auto")]
    return _picture(source, video.index, filters, ["-noautorotate"], output)


def of_cover(source: Path, index: int, output: Path) -> list[str]:
    """A song's cover art."""
    box = f"scale={LONG_SIDE_PX}:{LONG_SIDE_PX}:force_original_aspect_ratio=decrease:out_range=pc"
    # min(): cover art is not enlarged either.
    box = box.replace(f"{LONG_SIDE_PX}:{LONG_SIDE_PX}", f"'min(iw,{LONG_SIDE_PX})':'min(ih,{LONG_SIDE_PX})'")
    return _picture(source, index, [box, "setsar=1", "format=yuvj420p"], [], output)


def of_sound(source: Path, index: int, output: Path) -> list[str]:
    """The waveform of a sound on a dark ground."""
    graph = (
        f"color=c={BACKGROUND}:s={WAVE_WIDTH_PX}x{WAVE_HEIGHT_PX}[ground];"
        f"[0:{index}]aresample={WAVE_RATE_HZ},aformat=channel_layouts=mono,"
        f"showwavespic=s={WAVE_WIDTH_PX}x{WAVE_HEIGHT_PX}:colors={WAVE_COLOUR}:scale=sqrt[wave];"
        "[ground][wave]overlay=shortest=1,format=yuvj420p[picture]"
    )
    return [
        *allowlists.input_flags(), "-i", file_url(source), "-filter_complex", graph, "-map", "[picture]",
        *JPEG, file_url(output),
    ]  # fmt: skip


def _to_jpeg(width: int, height: int, matrix: str) -> list[str]:
    """JPEG means bt601 in full range, whatever the video was."""
    known = {"smpte170m": "smpte170m", "bt470bg": "bt470", "bt709": "bt709", "bt2020nc": "bt2020"}
    inside = f":in_color_matrix={known[matrix]}" if matrix in known else ""
    scale = f"scale={width}:{height}{inside}:out_color_matrix=bt601:in_range=auto:out_range=pc"
    return [scale, "setsar=1", "format=yuvj420p"]


def _picture(source: Path, index: int, filters: list[str], before: list[str], output: Path) -> list[str]:
    return [
        *allowlists.input_flags(), *before, "-i", file_url(source), "-map", f"0:{index}",
        "-vf", ",".join(filters), *JPEG, file_url(output),
    ]  # fmt: skip
