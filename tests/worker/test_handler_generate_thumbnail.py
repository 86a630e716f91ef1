"""Posters: the right moment, upright, in the right colours, of whatever there is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from reelq.worker.handlers import extract_metadata, generate_thumbnail
from tests.fakes import clips
from tests.fakes.context import FakeVideo, new_video

__all__ = ["new_video"]

pytestmark = pytest.mark.media

New = Callable[..., FakeVideo]


def poster(new_video: New, path: Path) -> FakeVideo:
    video = new_video(path, stored=True)
    video.run(extract_metadata)
    video.run(generate_thumbnail)
    assert list(video.variants) == ["poster"]
    assert video.path("poster").read_bytes()[:2] == b"\xff\xd8"
    assert video.variants["poster"]["mime"] == "image/jpeg"
    return video


def near(found: tuple[int, int, int], expected: tuple[int, int, int], within: int = 45) -> bool:
    return all(abs(a - b) <= within for a, b in zip(found, expected, strict=True))


def test_it_is_not_the_black_first_frame(tmp_path: Path, new_video: New) -> None:
    """Two seconds of black, then a picture."""
    path = tmp_path / "a.mp4"
    black, picture = "color=black:s=320x240:r=30:d=2", "testsrc2=s=320x240:r=30:d=2"
    clips.ffmpeg("-f", "lavfi", "-i", black, "-f", "lavfi", "-i", picture, "-filter_complex", "concat", *clips.X264, path)
    facts = poster(new_video, path).variants["poster"]["metadata"]
    assert facts["good"] is True
    assert facts["at_seconds"] >= 2


def test_a_video_that_is_all_black_gets_one_too_and_says_so(tmp_path: Path, new_video: New) -> None:
    path = tmp_path / "a.mp4"
    clips.ffmpeg("-f", "lavfi", "-i", "color=black:s=320x240:d=1", *clips.X264, path)
    assert poster(new_video, path).variants["poster"]["metadata"]["good"] is False


def test_the_moment_that_was_chosen_is_the_one_that_is_cut(tmp_path: Path, new_video: New) -> None:
    """Black, one second of a picture with a red ground, black: the poster is red. MPEG-TS cannot seek well."""
    path = tmp_path / "a.ts"
    graph = (
        "color=black:s=320x240:r=30:d=3[a];color=red:s=320x240:r=30:d=1,drawgrid=w=40:h=40:t=2:c=white[b];"
        "mandelbrot=s=320x240:r=30,trim=duration=1,colorchannelmixer=rr=1:gg=0.2:bb=0.2[m];[b][m]blend=all_mode=lighten[c];"
        "color=black:s=320x240:r=30:d=3[d];[a][c][d]concat=n=3"
    )
    clips.ffmpeg("-filter_complex", graph, *clips.X264, path)
    video = poster(new_video, path)
    assert 2.9 <= video.variants["poster"]["metadata"]["at_seconds"] - 0 <= 4.1
    red, green, blue = clips.pixel(video.path("poster"), 0.07, 0.07)
    assert red > 180 and green < 120 and blue < 120


def test_a_long_video_is_looked_at_by_its_key_frames(tmp_path: Path, new_video: New) -> None:
    """Seeking is some fifty times cheaper; the first half is black."""
    path = tmp_path / "a.mp4"
    black, picture = "color=black:s=160x120:r=5:d=40", "testsrc2=s=160x120:r=5:d=40"
    clips.ffmpeg(
        "-f", "lavfi", "-i", black, "-f", "lavfi", "-i", picture, "-filter_complex", "concat",
        *clips.X264, "-g", "10", path,
    )  # fmt: skip
    video = poster(new_video, path)
    facts = video.variants["poster"]["metadata"]
    assert facts["good"] is True and facts["at_seconds"] > 40
    assert sum(clips.pixel(video.path("poster"), 0.05, 0.3)) > 60


def test_a_long_video_with_one_key_frame_gets_a_good_one_too(tmp_path: Path, new_video: New) -> None:
    path = tmp_path / "a.mp4"
    black, picture = "color=black:s=160x120:r=5:d=20", "testsrc2=s=160x120:r=5:d=50"
    clips.ffmpeg(
        "-f", "lavfi", "-i", black, "-f", "lavfi", "-i", picture, "-filter_complex", "concat",
        *clips.X264, "-g", "9999", "-sc_threshold", "0", path,
    )  # fmt: skip
    assert poster(new_video, path).variants["poster"]["metadata"]["good"] is True


def test_portrait_and_pixel_aspect_are_kept(tmp_path: Path, new_video: New) -> None:
    flat = clips.video(tmp_path / "flat.mp4", size="640x360", seconds=0.5)
    clips.turned(flat, tmp_path / "phone.mp4", 90)
    row = poster(new_video, tmp_path / "phone.mp4").variants["poster"]
    assert (row["width"], row["height"]) == (360, 640)
    wide = clips.video(tmp_path / "wide.mp4", size="640x480", seconds=0.5, extra=("-vf", "setsar=4/3"))
    row = poster(new_video, wide).variants["poster"]
    assert (row["width"], row["height"]) == (853, 480)


def test_large_ones_are_made_smaller_and_small_ones_stay(tmp_path: Path, new_video: New) -> None:
    large = clips.video(tmp_path / "large.mp4", size="2560x1440", seconds=0.2, sound=False)
    row = poster(new_video, large).variants["poster"]
    assert (row["width"], row["height"]) == (1280, 720)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_photos_are_turned_as_the_camera_was_held(orientation: int, tmp_path: Path, new_video: New) -> None:
    """The stored picture is made from an upright one by undoing what each orientation asks for."""
    undo = {
        1: "null", 2: "hflip", 3: "hflip,vflip", 4: "vflip", 5: "transpose=0", 6: "transpose=2", 7: "transpose=3",
        8: "transpose=1",
    }[orientation]  # fmt: skip
    upright = "color=red:s=160x96[a];color=blue:s=160x96[b];color=lime:s=320x96[c];[a][b]hstack[d];[d][c]vstack"
    path = tmp_path / "photo.jpg"
    clips.ffmpeg("-filter_complex", f"{upright},{undo}", "-frames:v", "1", "-q:v", "2", path)
    video = poster(new_video, clips.with_orientation(path, orientation))
    assert (video.work.measured["width"], video.work.measured["height"]) == (320, 192)
    made = video.path("poster")
    assert near(clips.pixel(made, 0.2, 0.2), (255, 0, 0))
    assert near(clips.pixel(made, 0.8, 0.2), (0, 0, 255))
    assert near(clips.pixel(made, 0.5, 0.8), (0, 255, 0))


def test_the_camera_s_tags_are_gone(tmp_path: Path, new_video: New) -> None:
    clips.ffmpeg("-f", "lavfi", "-i", "testsrc2=s=64x64", "-frames:v", "1", tmp_path / "a.jpg")
    video = poster(new_video, clips.with_orientation(tmp_path / "a.jpg", 6))
    assert b"Exif" not in video.path("poster").read_bytes()


@pytest.mark.parametrize(("size", "space"), [("1280x720", "bt709"), ("640x480", "smpte170m")])
def test_colours_are_those_of_the_video(size: str, space: str, tmp_path: Path, new_video: New) -> None:
    """A JPEG is bt601 in full range, whatever the video's matrix."""
    graph = f"color=0xc04020:s={size}:d=0.3,format=gbrp,scale=out_color_matrix={space}:out_range=tv,format=yuv420p"
    graph += ",noise=alls=12"
    path = tmp_path / "a.mp4"
    clips.ffmpeg("-filter_complex", graph, *clips.X264[:2], "-colorspace", space, path)
    assert near(clips.pixel(poster(new_video, path).path("poster"), 0.5, 0.5), (0xC0, 0x40, 0x20), within=24)


def test_high_dynamic_range_is_tone_mapped(tmp_path: Path, new_video: New) -> None:
    """Untouched PQ looks grey and dark."""
    tags = "log-level=none:colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc"
    codec = ("-c:v", "libx265", "-x265-params", tags, "-pix_fmt", "yuv420p10le")
    path = clips.video(tmp_path / "a.mp4", seconds=0.5, sound=False, codec=codec)
    assert max(clips.pixel(poster(new_video, path).path("poster"), 0.9, 0.1)) > 60


def test_a_song_has_its_cover_or_its_waveform(tmp_path: Path, new_video: New) -> None:
    plain = clips.sound(tmp_path / "plain.mp3", "-c:a", "libmp3lame")
    video = poster(new_video, plain)
    assert video.variants["poster"]["metadata"] == {"from": "sound"}
    assert (video.variants["poster"]["width"], video.variants["poster"]["height"]) == (1280, 320)
    video = poster(new_video, clips.song(tmp_path / "c.mp3"))
    assert video.variants["poster"]["metadata"] == {"from": "cover"}
    assert (video.variants["poster"]["width"], video.variants["poster"]["height"]) == (64, 96)
    assert near(clips.pixel(video.path("poster"), 0.5, 0.5), (255, 0, 0))
