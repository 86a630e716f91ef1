"""Media for tests, made by ffmpeg on the spot: a second or two, small, nothing stored."""

from __future__ import annotations

import struct
import subprocess
from pathlib import Path

import pytest

PICTURE = ("-f", "lavfi", "-i")
X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")
GRID = 32  # places a side that `pixel` tells apart
AAC = ("-c:a", "aac")


def ffmpeg(*words: str | Path) -> None:
    """Run ffmpeg; what it says on failure is part of the failure. Not every build has every encoder."""
    command = ["ffmpeg", "-nostdin", "-v", "error", "-y", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if "Unknown encoder" in done.stderr:
        pytest.skip(f"this ffmpeg cannot make the clip: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    # The static 6.0 of the wheel dies on the service name of any MPEG-TS (iconv in a static glibc).
    if str(words[-1]).endswith(".ts") and subprocess.run(["ffprobe", "-v", "quiet", words[-1]], check=False).returncode < 0:
        pytest.skip("this ffprobe crashes on MPEG-TS, also when it is called by hand")


def video(path: Path, *, size: str = "320x240", rate: str = "30", seconds: float = 2, sound: bool = True,
          codec: tuple[str, ...] = X264, extra: tuple[str, ...] = ()) -> Path:  # fmt: skip
    """A test picture that moves, with a tone unless `sound` is false."""
    tone = ("-f", "lavfi", "-i", f"sine=d={seconds}", *AAC) if sound else ()
    picture = (*PICTURE, f"testsrc2=s={size}:r={rate}:d={seconds}")
    ffmpeg(*picture, *tone[:4], *codec, *tone[4:], *extra, path)
    return path


def sound(path: Path, *extra: str, seconds: float = 2) -> Path:
    """A tone; the name's suffix says how it is coded."""
    ffmpeg("-f", "lavfi", "-i", f"sine=d={seconds}", *extra, path)
    return path


def song(path: Path, size: str = "64x96") -> Path:
    """An MP3 with a red cover."""
    cover = path.with_suffix(".png")
    ffmpeg("-f", "lavfi", "-i", f"color=red:s={size}", "-frames:v", "1", cover)
    both = ("-i", cover, "-map", "0", "-map", "1", "-c:v", "copy", "-disposition:v", "attached_pic")
    ffmpeg("-f", "lavfi", "-i", "sine=d=2", *both, "-id3v2_version", "3", "-c:a", "libmp3lame", path)
    return path


def packets(path: Path, stream: str) -> list[tuple[int, int]]:
    """Where the packets of a stream lie in the file: offset and size."""
    command = ["ffprobe", "-v", "error", "-select_streams", stream, "-show_entries", "packet=pos,size", "-of", "csv=p=0"]
    done = subprocess.run([*command, str(path)], capture_output=True, text=True, check=True)
    rows = [line.strip(",").split(",") for line in done.stdout.split()]
    return [(int(pos), int(size)) for size, pos in rows]


def pixel(path: Path, x: float, y: float) -> tuple[int, int, int]:
    """Red, green and blue about a place of a picture, given as shares of its width and height."""
    command = ["ffmpeg", "-nostdin", "-v", "error", "-i", str(path), "-frames:v", "1"]
    command += ["-vf", f"scale={GRID}:{GRID}:flags=area,format=rgb24", "-f", "rawvideo", "-"]
    done = subprocess.run(command, capture_output=True, check=True)
    at = 3 * (int(y * GRID) * GRID + int(x * GRID))
    red, green, blue = done.stdout[at : at + 3]
    return red, green, blue


def turned(path: Path, made: Path, degrees: int) -> Path:
    """A copy of an MP4 that a player turns clockwise by 90, 180 or 270: by its bytes, since ffmpeg's option for it has changed."""
    cosine, sine = {90: (0, 1), 180: (-1, 0), 270: (0, -1)}[degrees]
    data = bytearray(path.read_bytes())
    at = data.find(b"tkhd") + 4 + 4 + 36  # of the first track; version 0 of the box
    data[at : at + 36] = struct.pack(">9i", cosine << 16, sine << 16, 0, -sine << 16, cosine << 16, 0, 0, 0, 1 << 30)
    made.write_bytes(data)
    return made


def with_orientation(path: Path, orientation: int) -> Path:
    """Put an EXIF block into a JPEG that says how the camera was held."""
    tiff = b"II*\0" + struct.pack("<IH", 8, 1) + struct.pack("<HHIHH", 0x0112, 3, 1, orientation, 0) + bytes(4)
    block = b"Exif\0\0" + tiff
    data = path.read_bytes()
    path.write_bytes(data[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + data[2:])
    return path
