"""Files that lie, are broken or are meant to do harm: refused once and for good, or done right.

Every refusal has a code and one sentence that names no path and repeats nothing of ffmpeg's.
"""

from __future__ import annotations

import random
import struct
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from reelq.worker.errors import JobError, PermanentError
from reelq.worker.handlers import download_video, extract_metadata, generate_thumbnail, video_transcode
from tests.fakes import clips
from tests.fakes.context import FakeVideo, new_video
from tests.patience import QUICK_S

__all__ = ["new_video"]

pytestmark = pytest.mark.media

Make = Callable[[Path], Path]
GAP = "setpts='if(gte(N,5),PTS+20000/TB,PTS)'"


@pytest.fixture(scope="module")
def good(ffmpeg_build: object, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A good MP4 with its index in front; the others are made of it."""
    folder = tmp_path_factory.mktemp("good")
    return clips.video(folder / "good.mp4", extra=("-movflags", "+faststart"))


def cut(suffix: str, share: float, *extra: str) -> Make:
    """A file of which only the first part has arrived."""

    def make(folder: Path) -> Path:
        path = folder / f"cut{suffix}"
        if suffix in (".wav", ".flac", ".mp3"):
            clips.sound(path, *extra, seconds=4)
        elif suffix in (".png", ".jpg"):
            clips.ffmpeg("-f", "lavfi", "-i", "testsrc2=s=640x480", "-frames:v", "1", path)
        else:
            codec = ("-c:v", "mpeg4") if suffix == ".avi" else clips.X264
            clips.video(path, codec=codec, extra=extra)
        data = path.read_bytes()
        path.write_bytes(data[: int(len(data) * share)])
        return path

    return make


def text(content: str) -> Make:
    """A text file with the name of a video."""

    def make(folder: Path) -> Path:
        path = folder / "movie.mp4"
        path.write_text(content.replace("FOLDER", str(folder)))
        return path

    return make


def noise(folder: Path) -> Path:
    path = folder / "noise.mp4"
    path.write_bytes(random.Random(1).randbytes(50_000))
    return path


def huge_png(folder: Path) -> Path:
    """16,000 x 16,000 black pixels in 31 kB."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    side = 16_000
    pressed = zlib.compressobj(9)
    rows = b"".join(pressed.compress(bytes(1 + side // 8)) for _ in range(side)) + pressed.flush()
    head = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    path = folder / "huge.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b""))
    return path


def gap(suffix: str) -> Make:
    """A 24 kB file whose clock jumps by 20,000 s: naive encoders write 600,000 pictures."""

    def make(folder: Path) -> Path:
        path = folder / f"gap{suffix}"
        clips.ffmpeg("-f", "lavfi", "-i", "testsrc2=s=160x120:r=10:d=1", "-vf", GAP, *clips.X264, "-fps_mode", "vfr", path)
        return path

    return make


def magic(suffix: str) -> Make:
    """A codec that nobody needs and that has had holes."""

    def make(folder: Path) -> Path:
        return clips.video(folder / f"magic{suffix}", sound=False, codec=("-c:v", "magicyuv"), seconds=0.2)

    return make


FRAGMENTS = ("-movflags", "frag_keyframe+empty_moov", "-g", "10")
SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="100" height="100"><rect width="9" height="9"/></svg>'
REFUSED: dict[str, tuple[Make, str]] = {
    "not a video": (noise, "unreadable_media"),
    "a text": (text("to be or not to be\n" * 50), "unreadable_media"),
    "fast-start MP4, cut": (cut(".mp4", 0.6, "-movflags", "+faststart"), "truncated"),
    "MP4 with its index at the end, cut": (cut(".mp4", 0.5), "truncated"),
    "fragmented MP4, cut": (cut(".mp4", 0.6, *FRAGMENTS), "truncated"),
    "Matroska, cut": (cut(".mkv", 0.5), "truncated"),
    "AVI, cut": (cut(".avi", 0.5), "truncated"),
    "WAV, cut": (cut(".wav", 0.5), "truncated"),
    "FLAC, cut": (cut(".flac", 0.5), "truncated"),
    "MP3, cut": (cut(".mp3", 0.5, "-c:a", "libmp3lame"), "truncated"),
    "PNG, cut": (cut(".png", 0.5), "truncated"),
    "JPEG, cut": (cut(".jpg", 0.5), "truncated"),
    "HLS playlist of a local file": (
        text("#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile:FOLDER/good.mp4\n#EXT-X-ENDLIST\n"), "format_refused",
    ),
    "HLS playlist of a sibling": (
        text("#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nsource\n#EXT-X-ENDLIST\n"), "format_refused",
    ),
    "ffconcat": (text("ffconcat version 1.0\nfile source\n"), "format_refused"),
    "DASH": (text('<?xml version="1.0"?><MPD profiles="urn:mpeg:dash:profile:isoff-live:2011"></MPD>'), "format_refused"),
    "SDP": (text("v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n"), "format_refused"),
    "SVG": (text(SVG), "format_refused"),
    "16,000 x 16,000 pixels": (huge_png, "too_many_pixels"),
    "gap in MP4": (gap(".mp4"), "timestamp_gap"),
    "gap in Matroska": (gap(".mkv"), "timestamp_gap"),
    "MagicYUV in AVI": (magic(".avi"), "codec_refused"),
    "MagicYUV in Matroska": (magic(".mkv"), "codec_refused"),
}  # fmt: skip


def assert_clear(error: JobError, path: Path) -> None:
    """One sentence for the tenant, without a path of ours and without ffmpeg's words."""
    sentence = str(error)
    assert sentence.endswith(".") and sentence[0].isupper() and "\n" not in sentence
    for word in (str(path.parent), "/", "scratch", "ffmpeg", "whitelist", "0x", "@"):
        assert word not in sentence, sentence


@pytest.mark.parametrize("name", REFUSED)
def test_refused_for_good(name: str, tmp_path: Path, good: Path, new_video: Callable[..., FakeVideo]) -> None:
    """Measuring refuses it within seconds; nothing is recorded and nothing is to be retried."""
    make, code = REFUSED[name]
    (tmp_path / "good.mp4").write_bytes(good.read_bytes())
    path = make(tmp_path)
    video = new_video(path, stored=True)
    began = time.monotonic()
    with pytest.raises(PermanentError) as caught:
        video.run(extract_metadata)
    assert caught.value.code == code, caught.value.detail
    assert_clear(caught.value, path)
    assert time.monotonic() - began < QUICK_S
    assert video.work.probe is None
    assert video.variants == {}


def test_an_empty_file_is_refused_when_it_is_fetched(tmp_path: Path, new_video: Callable[..., FakeVideo]) -> None:
    path = tmp_path / "empty.mp4"
    path.touch()
    with pytest.raises(PermanentError) as caught:
        new_video(path).run(download_video)
    assert caught.value.code == "source_empty"
    with pytest.raises(PermanentError) as caught:
        new_video(path, stored=True).run(extract_metadata)
    assert caught.value.code == "empty_file"


def flipped(good: Path, path: Path, bits: int) -> Path:
    """`bits` of the pictures and the sound turned over, none of the index."""
    data = bytearray(good.read_bytes())
    dice = random.Random(2)
    for _ in range(bits):
        data[dice.randrange(data.find(b"mdat") + 8, len(data))] ^= 1 << dice.randrange(8)
    path.write_bytes(data)
    return path


def test_a_few_flipped_bits_are_a_blemish(tmp_path: Path, good: Path, new_video: Callable[..., FakeVideo]) -> None:
    """Real recordings have them: all pictures are there, and the rows say that there were complaints."""
    video = new_video(flipped(good, tmp_path / "flip.mp4", 60), stored=True)
    video.run(extract_metadata)
    video.run(video_transcode)
    row = video.variants["h264-240p"]
    assert row["frames"] == 60
    assert row["metadata"]["complaints"] > 0


def test_many_flipped_bits_are_refused(tmp_path: Path, good: Path, new_video: Callable[..., FakeVideo]) -> None:
    video = new_video(flipped(good, tmp_path / "flip.mp4", 3000), stored=True)
    video.run(extract_metadata)
    with pytest.raises(PermanentError) as caught:
        video.run(video_transcode)
    assert caught.value.code == "damaged"
    assert_clear(caught.value, tmp_path)
    assert video.variants == {}


@pytest.mark.parametrize("stream", ["a", "v"])
def test_a_ruined_stream_is_refused(stream: str, tmp_path: Path, good: Path, new_video: Callable[..., FakeVideo]) -> None:
    """A video does not lose its sound, nor its picture, without a word."""
    data = bytearray(good.read_bytes())
    for start, size in clips.packets(good, stream)[5:]:
        data[start : start + size] = random.Random(3).randbytes(size)
    path = tmp_path / "ruined.mp4"
    path.write_bytes(data)
    video = new_video(path, stored=True)
    video.run(extract_metadata)
    with pytest.raises(PermanentError) as caught:
        video.run(video_transcode)
    assert caught.value.code == "damaged"


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_duration_that_lies_is_not_believed(
    suffix: str, tmp_path: Path, good: Path, new_video: Callable[..., FakeVideo]
) -> None:
    """143,165 seconds in the head, two in the packets: two it is, and the progress bar is right."""
    path = tmp_path / f"lie{suffix}"
    clips.ffmpeg("-i", good, "-c", "copy", path)
    data = bytearray(path.read_bytes())
    if suffix == ".mp4":
        at = data.find(b"mvhd") + 20
        data[at : at + 4] = struct.pack(">I", 143_165_000)
    else:
        at = data.find(b"\x44\x89\x88") + 3  # Duration, eight bytes
        data[at : at + 8] = struct.pack(">d", 143_165_000.0)
    path.write_bytes(data)
    video = new_video(path, stored=True)
    assert video.run(extract_metadata)["duration_seconds"] == pytest.approx(2, abs=0.05)
    video.run(video_transcode)
    assert float(video.variants["h264-240p"]["duration_seconds"]) == pytest.approx(2, abs=0.05)


def test_an_edit_list_is_no_loss(tmp_path: Path, good: Path, new_video: Callable[..., FakeVideo]) -> None:
    """A phone's trim hides pictures and keeps them in the file: nothing is missing."""
    path = tmp_path / "edit.mp4"
    clips.ffmpeg("-ss", "1.2", "-i", good, "-c", "copy", path)
    video = new_video(path, stored=True)
    assert video.run(extract_metadata)["duration_seconds"] == pytest.approx(0.8, abs=0.1)
    video.run(video_transcode)
    assert video.variants["h264-240p"]["frames"] == pytest.approx(24, abs=2)


@pytest.mark.parametrize(
    "name",
    ["with space.mp4", "quo'te\".mp4", "new\nline.mp4", "-i.mp4", "100%d.mp4", "concat:a|b.mp4", "🎬.mp4", "a;b&c$(d).mp4"],
)
def test_odd_names_are_only_names(name: str, tmp_path: Path, good: Path, new_video: Callable[..., FakeVideo]) -> None:
    """The file is worked on under a name that we choose."""
    path = tmp_path / name
    path.write_bytes(good.read_bytes())
    video = new_video(path)
    video.run(download_video)
    assert video.run(extract_metadata)["width"] == 320
    video.run(generate_thumbnail)
    keys = [str(video.work.key), *(str(row["key"]) for row in video.variants.values())]
    assert not any(name in key for key in keys)


def test_a_picture_named_mp4_is_a_picture(tmp_path: Path, new_video: Callable[..., FakeVideo]) -> None:
    """It gets a poster and no renditions, which is no failure."""
    clips.ffmpeg("-f", "lavfi", "-i", "testsrc2=s=64x48", "-frames:v", "1", tmp_path / "p.png")
    video = new_video((tmp_path / "p.png").rename(tmp_path / "movie.mp4"), stored=True)
    assert video.run(extract_metadata)["kind"] == "image"
    video.run(generate_thumbnail)
    assert video.run(video_transcode)["renditions"] == []
    assert list(video.variants) == ["poster"]


def test_tags_cannot_flood_the_database(tmp_path: Path, good: Path, new_video: Callable[..., FakeVideo]) -> None:
    """A tag of a megabyte, with newlines that would forge lines of text output, is cut."""
    path = tmp_path / "tags.mkv"
    tags = tmp_path / "tags.txt"
    tags.write_text(";FFMETADATA1\ntitle=" + "a\\\nduration\\=99\\\n" * 60_000 + "\n")
    clips.ffmpeg("-i", good, "-i", tags, "-map_metadata", "1", "-c", "copy", path)
    video = new_video(path, stored=True)
    assert video.run(extract_metadata)["duration_seconds"] == pytest.approx(2, abs=0.05)
    assert video.work.probe is not None
    assert len(video.work.probe["format"]["tags"]["title"]) == 2000
