"""The ladder: what comes out of odd and ordinary videos, and what nobody gets to see."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from reelq.worker.av.encode import verify
from reelq.worker.av.encode.ladder import Rung
from reelq.worker.av.probe.parse import parse
from reelq.worker.av.truncation import moov_before_mdat
from reelq.worker.errors import PermanentError, StopRequested
from reelq.worker.handlers import extract_metadata, video_transcode
from reelq.worker.jobs import artifacts
from reelq.worker.rooms.queue.jobs import JobProgress
from tests.fakes import clips
from tests.fakes.context import FakeVideo, new_video
from tests.patience import QUICK_S

__all__ = ["new_video"]

pytestmark = pytest.mark.media

New = Callable[..., FakeVideo]


def transcoded(new_video: New, path: Path, **options: Any) -> FakeVideo:
    """Measure and transcode the file."""
    video = new_video(path, stored=True)
    video.run(extract_metadata)
    video.run(video_transcode, **options)
    return video


def streams(path: Path) -> dict[str, dict[str, Any]]:
    """ffprobe's streams by type, packets counted."""
    command = ["ffprobe", "-v", "error", "-count_packets", "-show_streams", "-of", "json", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return {stream["codec_type"]: stream for stream in json.loads(done.stdout)["streams"]}


def key_frames(path: Path) -> list[float]:
    """Times of the key frames."""
    command = ["ffprobe", "-v", "error", "-select_streams", "v", "-show_entries", "packet=pts_time,flags", "-of", "csv=p=0"]
    done = subprocess.run([*command, str(path)], capture_output=True, text=True, check=True)
    return [float(line.split(",")[0]) for line in done.stdout.split() if "K" in line]


def test_an_ordinary_video_gets_the_rungs_it_fills(tmp_path: Path, new_video: New) -> None:
    """Sizes, frames, sound, index in front, types, and facts of the run, all in the rows."""
    source = clips.video(tmp_path / "a.mp4", size="1280x720", rate="30000/1001", seconds=1)
    video = transcoded(new_video, source)
    assert {p: (v["width"], v["height"]) for p, v in video.variants.items()} == {
        "h264-720p": (1280, 720), "h264-480p": (854, 480), "h264-360p": (640, 360), "h264-240p": (426, 240),
    }  # fmt: skip
    for profile, row in video.variants.items():
        found = streams(video.path(profile))
        assert set(found) == {"video", "audio"}
        assert (found["video"]["codec_name"], found["video"]["pix_fmt"]) == ("h264", "yuv420p")
        assert (found["audio"]["codec_name"], found["audio"]["channels"]) == ("aac", 2)
        assert found["video"]["r_frame_rate"] == "30000/1001"
        assert row["frames"] == 30
        assert (row["frame_rate_num"], row["frame_rate_den"]) == (30_000, 1001)
        assert row["size_bytes"] == video.path(profile).stat().st_size
        assert row["mime"] == "video/mp4"
        assert row["speed"] > 0 and row["encode_seconds"] > 0
        assert moov_before_mdat(video.path(profile))
        assert profile in row["key"] and row["attempt"] == 2
    assert video.statuses[-2:] == ["compressing", "uploading"]


def test_key_frames_stand_at_the_same_times_in_all_renditions(tmp_path: Path, new_video: New) -> None:
    """Every two seconds, whatever the picture does: so HLS can cut all of them alike."""
    video = transcoded(new_video, clips.video(tmp_path / "a.mp4", size="640x480", rate="25", seconds=5))
    times = {profile: key_frames(video.path(profile)) for profile in video.variants}
    assert len(times) == 3
    assert all(found == [0.0, 2.0, 4.0] for found in times.values()), times


def test_a_phone_video_stands_upright(tmp_path: Path, new_video: New) -> None:
    """Rotation is applied and gone; the ladder goes by the short side."""
    flat = clips.video(tmp_path / "flat.mp4", size="640x360", seconds=1)
    clips.turned(flat, tmp_path / "phone.mp4", 90)
    video = transcoded(new_video, tmp_path / "phone.mp4")
    assert {p: (v["width"], v["height"]) for p, v in video.variants.items()} == {
        "h264-360p": (360, 640), "h264-240p": (240, 426),
    }  # fmt: skip
    assert "side_data_list" not in streams(video.path("h264-360p"))["video"]


def test_pixels_become_square(tmp_path: Path, new_video: New) -> None:
    source = clips.video(tmp_path / "a.mp4", size="640x480", seconds=0.5, sound=False, extra=("-vf", "setsar=4/3"))
    video = transcoded(new_video, source)
    assert (video.variants["h264-480p"]["width"], video.variants["h264-480p"]["height"]) == (852, 480)
    assert streams(video.path("h264-480p"))["video"]["sample_aspect_ratio"] == "1:1"


def test_odd_sizes_become_even_and_small_ones_stay_small(tmp_path: Path, new_video: New) -> None:
    codec = ("-c:v", "png")
    source = clips.video(tmp_path / "a.mkv", size="161x121", seconds=0.5, sound=False, codec=codec)
    video = transcoded(new_video, source)
    assert {p: (v["width"], v["height"]) for p, v in video.variants.items()} == {"h264-120p": (160, 120)}


def test_a_source_between_two_rungs_keeps_its_own_size_too(tmp_path: Path, new_video: New) -> None:
    video = transcoded(new_video, clips.video(tmp_path / "a.mp4", size="400x300", seconds=0.5))
    assert list(video.variants) == ["h264-300p", "h264-240p"]


@pytest.mark.parametrize(
    ("rate", "expected"), [("1000", Fraction(60)), ("120", Fraction(60)), ("24000/1001", Fraction(24_000, 1001))]
)
def test_frame_rates_are_exact_and_at_most_60(rate: str, expected: Fraction, tmp_path: Path, new_video: New) -> None:
    source = clips.video(tmp_path / "a.mp4", size="64x64", rate=rate, seconds=1, sound=False, extra=("-r", rate))
    video = transcoded(new_video, source)
    row = video.variants["h264-64p"]
    found = streams(video.path("h264-64p"))["video"]
    assert Fraction(found["r_frame_rate"]) == Fraction(found["avg_frame_rate"]) == expected
    assert Fraction(row["frame_rate_num"], row["frame_rate_den"]) == expected
    assert row["frames"] == pytest.approx(float(expected), abs=1)


def test_a_variable_rate_becomes_an_even_one(tmp_path: Path, new_video: New) -> None:
    """Thirty a second, then ten: as long as the source, at steps of one size."""
    drop = "select='not(mod(n\\,3))+lt(n\\,30)'"
    source = clips.video(tmp_path / "a.mp4", seconds=3, sound=False, extra=("-vf", drop, "-fps_mode", "vfr"))
    video = transcoded(new_video, source)
    row = video.variants["h264-240p"]
    assert float(row["duration_seconds"]) == pytest.approx(3, abs=0.15)
    found = streams(video.path("h264-240p"))["video"]
    assert found["avg_frame_rate"] == found["r_frame_rate"]


def test_a_video_without_sound_has_none(tmp_path: Path, new_video: New) -> None:
    video = transcoded(new_video, clips.video(tmp_path / "a.mp4", seconds=0.5, sound=False))
    assert set(streams(video.path("h264-240p"))) == {"video"}
    assert video.variants["h264-240p"]["audio_codec"] is None


def test_a_sound_track_without_a_single_packet_is_none(tmp_path: Path, new_video: New) -> None:
    whole = clips.video(tmp_path / "whole.mkv", seconds=0.5)
    clips.ffmpeg("-i", whole, "-c", "copy", "-bsf:a", "noise=drop=1", tmp_path / "a.mkv")
    assert "audio" in streams(tmp_path / "a.mkv")
    video = transcoded(new_video, tmp_path / "a.mkv")
    assert set(streams(video.path("h264-240p"))) == {"video"}


@pytest.mark.parametrize("cover", [False, True])
def test_sound_without_picture_becomes_m4a(cover: bool, tmp_path: Path, new_video: New) -> None:
    """Cover art is no picture that moves."""
    path = tmp_path / "a.mp3"
    video = transcoded(new_video, clips.song(path) if cover else clips.sound(path, "-c:a", "libmp3lame"))
    assert list(video.variants) == ["audio-aac"]
    row = video.variants["audio-aac"]
    assert row["key"].endswith(".m4a") and row["mime"] == "audio/mp4"
    assert set(streams(video.path("audio-aac"))) == {"audio"}
    assert float(row["duration_seconds"]) == pytest.approx(2, abs=0.1)
    assert moov_before_mdat(video.path("audio-aac"))


def test_high_dynamic_range_becomes_what_browsers_show(tmp_path: Path, new_video: New) -> None:
    """PQ in ten bits becomes bt709 in eight, and says so."""
    tags = "log-level=none:colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc"
    codec = ("-c:v", "libx265", "-x265-params", tags, "-pix_fmt", "yuv420p10le")
    video = transcoded(new_video, clips.video(tmp_path / "a.mp4", seconds=0.5, sound=False, codec=codec))
    found = streams(video.path("h264-240p"))["video"]
    assert (found["pix_fmt"], found["profile"]) == ("yuv420p", "High")
    assert {found[k] for k in ("color_space", "color_transfer", "color_primaries")} == {"bt709"}
    assert found["color_range"] == "tv"


def test_untagged_video_says_what_players_assumed_of_the_source(tmp_path: Path, new_video: New) -> None:
    """A 240p rendition of untagged 720p must not be taken for bt601."""
    video = transcoded(new_video, clips.video(tmp_path / "a.mp4", size="1280x720", seconds=0.2, sound=False))
    assert {streams(video.path(p))["video"]["color_space"] for p in video.variants} == {"bt709"}


def test_the_tags_of_the_sender_are_gone(tmp_path: Path, new_video: New) -> None:
    extra = ("-metadata", "title=secret", "-metadata", "location=+48.2+16.3/")
    video = transcoded(new_video, clips.video(tmp_path / "a.mp4", seconds=0.3, sound=False, extra=extra))
    assert b"secret" not in video.path("h264-240p").read_bytes()
    assert b"+48.2" not in video.path("h264-240p").read_bytes()


def test_renditions_and_crf_can_be_asked_for(tmp_path: Path, new_video: New) -> None:
    source = clips.video(tmp_path / "a.mp4", size="640x480", seconds=0.5, sound=False)
    video = transcoded(new_video, source, renditions=["360p"], crf=30)
    assert list(video.variants) == ["h264-360p"]
    assert video.variants["h264-360p"]["metadata"]["crf"] == 30
    with pytest.raises(PermanentError) as caught:
        video.run(video_transcode, renditions=["4k"])
    assert caught.value.code == "bad_job_data"


def test_progress_grows_and_ends_only_when_all_is_stored(tmp_path: Path, new_video: New) -> None:
    video = transcoded(new_video, clips.video(tmp_path / "a.mp4", size="640x480", seconds=6))
    seen = [one for one in video.seen if one.fraction is not None]
    encode = [one.fraction or 0 for one in seen if one.stage == "encode"]
    assert encode == sorted(encode)
    assert max(encode) <= video_transcode.ENCODE_SHARE
    assert any(one.speed and one.eta_s is not None for one in seen)
    assert seen[-1].fraction == pytest.approx(1.0)


def test_it_measures_for_itself_when_nobody_has(tmp_path: Path, new_video: New) -> None:
    video = new_video(clips.video(tmp_path / "a.mp4", seconds=0.3), stored=True)
    video.run(video_transcode)
    assert list(video.variants) == ["h264-240p"]


def test_a_second_attempt_writes_other_objects(tmp_path: Path, new_video: New) -> None:
    """A late first attempt can never touch the second one's bytes."""
    video = new_video(clips.video(tmp_path / "a.mp4", seconds=0.3), stored=True)
    video.run(video_transcode)
    first = video.path("h264-240p")
    video.run(video_transcode, crf=35)  # equal bytes would be the first one's object
    assert video.path("h264-240p") != first
    assert first.exists() and video.path("h264-240p").exists()


def test_a_stop_in_the_middle_leaves_nothing_to_be_seen(tmp_path: Path, new_video: New) -> None:
    """ffmpeg is gone at once, no object is stored, no row is written."""
    video = new_video(clips.video(tmp_path / "a.mp4", size="1280x720", seconds=20), stored=True)
    video.run(extract_metadata)
    ctx = video.context("video_transcode")
    told: list[float] = []

    def report(progress: JobProgress) -> None:
        if progress.stage == "encode" and progress.speed and not told:
            told.append(time.monotonic())
            threading.Thread(target=ctx.stop.set, args=("cancelled",)).start()

    with pytest.raises(StopRequested):
        video_transcode.run(video_transcode.Args(), replace(ctx, report=report))
    assert time.monotonic() - told[0] < QUICK_S
    assert ctx.writes == []
    assert list(video.store.list("tenants/")) == []


def test_a_result_that_is_too_short_is_refused(tmp_path: Path, new_video: New) -> None:
    """Exit code 0 and half of the pictures: nobody gets to see that."""
    short = clips.video(tmp_path / "short.mp4", seconds=1, extra=("-movflags", "+faststart"))
    video = new_video(clips.video(tmp_path / "a.mp4", seconds=2), stored=True)
    video.run(extract_metadata)
    tools = artifacts.ffmpeg(video.context("video_transcode"))
    source = parse(video.work.probe or {})
    with pytest.raises(PermanentError, match="30 of 60 pictures"):
        verify.rendition(tools, short, Rung("h264-240p", 320, 240, 400), source, Fraction(30))
    silent = clips.video(tmp_path / "silent.mp4", sound=False, extra=("-movflags", "+faststart"))
    with pytest.raises(PermanentError, match="no sound"):
        verify.rendition(tools, silent, Rung("h264-240p", 320, 240, 400), source, Fraction(30))
    late = clips.video(tmp_path / "late.mp4")
    with pytest.raises(PermanentError, match="index"):
        verify.rendition(tools, late, Rung("h264-240p", 320, 240, 400), source, Fraction(30))


def test_an_original_that_is_not_there_is_told(tmp_path: Path, new_video: New) -> None:
    video = new_video(tmp_path / "a.mp4")
    with pytest.raises(PermanentError) as caught:
        video.run(video_transcode)
    assert caught.value.code == "no_original"
    video.work = replace(video.work, bucket=video.store.bucket, key="x", sha256="0" * 64, size_bytes=1)
    with pytest.raises(PermanentError) as gone:
        video.run(video_transcode)
    assert gone.value.code == "object_missing"


def test_a_flag_gives_some_tenants_a_better_preset_and_never_a_worse_one(tmp_path: Path, new_video: New) -> None:
    path = clips.video(tmp_path / "a.mp4", size="320x240", seconds=0.5, sound=False)
    for environ, flags, preset in (({}, set(), "veryfast"), ({}, {"ladder.better_compression"}, "medium"), ({"REELQ_FFMPEG_PRESET": "slow"}, {"ladder.better_compression"}, "slow")):
        video = new_video(path, stored=True, **environ)
        video.flags = flags
        video.run(video_transcode)
        assert {one["metadata"]["preset"] for one in video.variants.values()} == {preset}
