"""extract_metadata: the columns of media.assets, from real files."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from reelq.worker.av.probe.parse import parse
from reelq.worker.errors import PermanentError
from reelq.worker.handlers import extract_metadata
from tests.fakes import clips
from tests.fakes.context import FakeVideo, new_video

__all__ = ["new_video"]

pytestmark = pytest.mark.media

New = Callable[..., FakeVideo]


def test_all_columns_of_an_ordinary_video(tmp_path: Path, new_video: New) -> None:
    tags = ("-vf", "setparams=color_primaries=bt709:color_trc=bt709:colorspace=bt709:range=tv")
    source = clips.video(tmp_path / "a.mp4", size="640x360", rate="30000/1001", seconds=1.001, extra=tags)
    video = new_video(source, stored=True)
    result = video.run(extract_metadata)
    assert result["kind"] == "video"
    measured = video.work.measured
    estimated = ("bit_rate", "duration_seconds", "essence_sha256")
    assert {name: value for name, value in measured.items() if name not in estimated} == {
        "kind": "video", "mime": "video/mp4", "container": "mov", "width": 640, "height": 360, "coded_width": 640,
        "coded_height": 360, "rotation": 0, "sar": "1:1", "frame_rate_num": 30_000, "frame_rate_den": 1001,
        "frames": 30, "video_codec": "h264", "pixel_format": "yuv420p", "color_space": "bt709",
        "color_transfer": "bt709", "color_primaries": "bt709", "color_range": "tv", "hdr": False,
        "audio_codec": "aac", "audio_channels": 1, "audio_sample_rate_hz": 44_100,
    }  # fmt: skip
    assert measured["duration_seconds"] == pytest.approx(1.001, abs=0.03)
    assert measured["bit_rate"] == pytest.approx(source.stat().st_size * 8 / 1.001, rel=0.03)


def test_what_is_kept_can_be_read_again(tmp_path: Path, new_video: New) -> None:
    """Later jobs read the document from the database: JSON there and back gives the same facts."""
    video = new_video(clips.video(tmp_path / "a.webm", seconds=0.5, codec=("-c:v", "libvpx"), sound=False), stored=True)
    video.run(extract_metadata)
    again = parse(json.loads(json.dumps(video.work.probe)))
    assert {**again.columns(), "essence_sha256": video.work.measured["essence_sha256"]} == video.work.measured
    assert again.mime == "video/webm"


def test_the_same_video_in_another_wrapping_has_the_same_essence(tmp_path: Path, new_video: New) -> None:
    source = clips.video(tmp_path / "a.mp4", seconds=0.5)
    clips.ffmpeg("-i", source, "-c", "copy", "-metadata", "title=other", tmp_path / "b.mkv")
    other = clips.video(tmp_path / "c.mp4", seconds=0.6)
    found = []
    for path in (source, tmp_path / "b.mkv", other):
        video = new_video(path, stored=True)
        video.run(extract_metadata)
        found.append(video.work.measured["essence_sha256"])
    assert found[0] == found[1] != found[2]
    assert len(found[0]) == 64


def test_twice_gives_the_same(tmp_path: Path, new_video: New) -> None:
    video = new_video(clips.video(tmp_path / "a.mp4", seconds=0.5), stored=True)
    video.run(extract_metadata)
    first = video.work
    video.run(extract_metadata)
    assert (video.work.measured, video.work.probe) == (first.measured, first.probe)


@pytest.mark.parametrize(
    ("name", "extra", "mime"),
    [
        ("a.mp3", ("-c:a", "libmp3lame"), "audio/mpeg"), ("a.wav", (), "audio/wav"), ("a.flac", (), "audio/flac"),
        ("a.ogg", ("-c:a", "libvorbis"), "audio/ogg"), ("a.m4a", ("-c:a", "aac"), "audio/mp4"),
        ("a.aac", ("-c:a", "aac"), "audio/aac"), ("a.weba", ("-c:a", "libopus", "-f", "webm"), "audio/webm"),
    ],
)  # fmt: skip
def test_sounds_are_sounds(name: str, extra: tuple[str, ...], mime: str, tmp_path: Path, new_video: New) -> None:
    video = new_video(clips.sound(tmp_path / name, *extra), stored=True)
    assert video.run(extract_metadata)["kind"] == "audio"
    assert video.work.measured["mime"] == mime
    assert video.work.measured["duration_seconds"] == pytest.approx(2, abs=0.1)


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("a.mov", clips.X264), ("a.mkv", clips.X264), ("a.avi", ("-c:v", "mpeg4")), ("a.ts", clips.X264),
        ("a.flv", ("-c:v", "flv")), ("a.mpg", ("-c:v", "mpeg2video")), ("a.webm", ("-c:v", "libvpx-vp9")),
        ("a.mp4", ("-c:v", "libx265", "-x265-params", "log-level=none")), ("a.gif", ("-c:v", "gif")),
        ("av1.mp4", ("-c:v", "libsvtav1", "-preset", "12")), ("prores.mov", ("-c:v", "prores_ks")),
        ("mjpeg.mov", ("-c:v", "mjpeg", "-pix_fmt", "yuvj420p")),
    ],
)  # fmt: skip
def test_what_people_send_is_taken(name: str, codec: tuple[str, ...], tmp_path: Path, new_video: New) -> None:
    """The guards refuse nothing ordinary."""
    rate = "10" if name == "a.gif" else "25"
    video = new_video(clips.video(tmp_path / name, rate=rate, seconds=1, sound=False, codec=codec), stored=True)
    result = video.run(extract_metadata)
    assert (result["kind"], result["width"], result["height"]) == ("video", 320, 240)
    assert result["duration_seconds"] == pytest.approx(1, abs=0.06)


def test_a_corrupt_object_is_told_from_a_bad_file(tmp_path: Path, new_video: New) -> None:
    """The store's fault, not the sender's."""
    video = new_video(clips.video(tmp_path / "a.mp4", seconds=0.2), stored=True)
    stored = video.folder / "objects" / "original"
    stored.chmod(0o644)
    stored.write_bytes(b"other bytes")
    with pytest.raises(PermanentError) as caught:
        video.run(extract_metadata)
    assert caught.value.code == "object_corrupt"
