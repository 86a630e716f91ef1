"""The ground on which a picture with transparent parts is seen: a black logo on black is no poster."""

from __future__ import annotations

from pathlib import Path

from reelq.worker.av import allowlists
from reelq.worker.av.encode.ffmpeg_args import file_url
from reelq.worker.av.ffmpeg import FFmpeg
from reelq.worker.av.probe.facts import Video

LOOK_PX = 64
LOOK_WALL_S = 120.0
SEEN = 24  # of 255; less is nearly transparent
BRIGHT = 128.0
LIGHT_GROUND, DARK_GROUND = "0xffffff", "0x202020"


def ground(ffmpeg: FFmpeg, source: Path, video: Video, folder: Path) -> str | None:
    """The colour to put under the picture, None when nothing of it is transparent.

    Raises:
        PermanentError, TransientError: as FFmpeg.run.
    """
    if not video.has_alpha:
        return None
    looked = folder / "look"
    arguments = [*allowlists.input_flags(), "-noautorotate", "-i", file_url(source), "-map", f"0:{video.index}", "-frames:v", "1"]
    # Without interpolation: it would mix the colour of parts that nobody sees into the others.
    graph = f"scale={LOOK_PX}:{LOOK_PX}:flags=neighbor,format=rgba"
    arguments += ["-vf", graph, "-c:v", "rawvideo", "-f", "rawvideo", file_url(looked)]
    ffmpeg.run(arguments, read=source.parent, write=folder, wall_s=LOOK_WALL_S)
    data = looked.read_bytes()
    looked.unlink()
    return chosen(data)


def chosen(rgba: bytes) -> str | None:
    """As `ground`, of the picture's pixels; the ground is far from the mean brightness of what is seen."""
    alpha = rgba[3::4]
    if not alpha or min(alpha) == 255:
        return None
    weight = sum(value for value in alpha if value >= SEEN)
    if weight == 0:
        return LIGHT_GROUND
    luma = sum(
        (0.299 * red + 0.587 * green + 0.114 * blue) * value
        for red, green, blue, value in zip(rgba[0::4], rgba[1::4], rgba[2::4], alpha, strict=True)
        if value >= SEEN
    )
    return LIGHT_GROUND if luma / weight < BRIGHT else DARK_GROUND
