"""Odd but ordinary files, a kind each: what people send, and what has to come out."""

from __future__ import annotations

import array
import cmath
import errno
import random
import struct
import subprocess
import zlib
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from reelq.worker.errors import PermanentError, TransientError
from reelq.worker.handlers import extract_metadata, generate_thumbnail, video_transcode
from tests.fakes import clips
from tests.fakes.context import FakeVideo, new_video

__all__ = ["new_video"]

pytestmark = pytest.mark.media

New = Callable[..., FakeVideo]
FLASH = "color=gray:s=320x240:r=25:d={0},drawbox=c=white:t=fill:enable='lt(mod(t-1,3),0.2)*gte(t,1)'"
BEEP = "aevalsrc='if(lt(mod(t-1,3),0.2)*gte(t,1),0.5*sin(2*PI*1000*t),0)':s=48000:d={0}"
X265 = ("-c:v", "libx265", "-x265-params")
FRAME_S = 0.04


def done(new_video: New, path: Path) -> tuple[dict[str, Any], FakeVideo]:
    """Measure, transcode, make the poster."""
    video = new_video(path, stored=True)
    result = video.run(extract_metadata)
    video.run(video_transcode)
    video.run(generate_thumbnail)
    return result, video


def top(video: FakeVideo) -> Path:
    """The largest rendition."""
    names = [name for name in video.variants if name.startswith("h264-")]
    return video.path(max(names, key=lambda name: int(name[5:-1])))


def grey(path: Path, size: str, *filters: str, rate: str = "25") -> bytes:
    """All pictures, small and grey."""
    graph = ",".join([*filters, f"scale={size}:flags=area", "format=gray"])
    command = ["ffmpeg", "-v", "error", "-i", str(path), "-map", "0:v", "-vf", graph, "-fps_mode", "cfr", "-r", rate, "-f", "rawvideo", "-"]
    return subprocess.run(command, capture_output=True, check=True).stdout


def starts(times: list[float]) -> list[float]:
    return [now for before, now in zip([-9.0, *times], times, strict=False) if now - before > 0.3]


def flashes_and_beeps(path: Path) -> list[tuple[float, float]]:
    """When the picture is white and when the tone is heard, in a player's time."""
    seen = grey(path, "1:1", rate="100")
    command = ["ffmpeg", "-v", "error", "-i", str(path), "-map", "0:a", "-af", "aresample=8000:async=1:first_pts=0"]
    told = subprocess.run([*command, "-ac", "1", "-f", "s16le", "-"], capture_output=True, check=True).stdout
    heard = array.array("h", told)
    flashes = starts([at / 100 for at, luma in enumerate(seen) if luma > 180])
    beeps = starts([at / 8000 for at, one in enumerate(heard) if abs(one) > 1500])
    assert len(flashes) == len(beeps), (flashes, beeps)
    return list(zip(flashes, beeps, strict=True))


def peak_db(path: Path) -> float:
    """The greatest peak between samples."""
    command = ["ffmpeg", "-hide_banner", "-nostats", "-i", str(path), "-map", "0:a", "-af", "ebur128=peak=true", "-f", "null", "-"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    return float(told.rpartition("Peak:")[2].split()[0])


def synced(path: Path, *words: str, seconds: float = 8) -> Path:
    """A flash and a beep at 1, 4 and 7 seconds."""
    picture, sound = FLASH.format(seconds), BEEP.format(seconds)
    clips.ffmpeg("-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", sound, *clips.X264, *words, path)
    return path


def late_picture(folder: Path) -> Path:
    return synced(folder / "a.mp4", "-vf", "select='gte(t,0.5)'", "-fps_mode", "vfr", *clips.AAC)


def late_sound(folder: Path) -> Path:
    return synced(folder / "a.mkv", "-af", "aselect='gte(t,0.7)'", "-c:a", "libmp3lame")


def again(times: int, seconds: float, *words: str, suffix: str = "ts") -> Callable[[Path], Path]:
    """So many copies, one behind the other, each with a clock that begins again."""

    def make(folder: Path) -> Path:
        one = synced(folder / f"one.{suffix}", *(words or clips.AAC), seconds=seconds)
        made = folder / f"a.{suffix}"
        made.write_bytes(one.read_bytes() * times)
        return made

    return make


def in_the_middle(folder: Path) -> Path:
    whole = synced(folder / "whole.ts", "-g", "50", *clips.AAC, seconds=12)
    data = whole.read_bytes()
    (folder / "a.ts").write_bytes(data[len(data) // 3 // 188 * 188 :])
    return folder / "a.ts"


def late_on_the_clock(folder: Path) -> Path:
    return synced(folder / "a.ts", "-c:a", "mp2", "-output_ts_offset", "90000")


def still(folder: Path) -> Path:
    return synced(folder / "a.mp4", "-vf", "select='lt(t,1.5)+gte(t,16)'", "-fps_mode", "vfr", *clips.AAC, seconds=17)


@pytest.mark.parametrize(
    ("make", "seconds", "beeps"),
    [
        (late_picture, 8, 3), (late_sound, 8, 3), (again(2, 6), 12, 4), (again(2, 13), 26, 8), (in_the_middle, 8, None),
        (late_on_the_clock, 8, 3), (again(4, 3, "-c:a", "mp2"), 12, 4),
        (again(3, 6, "-c:v", "mpeg2video", "-c:a", "mp2", suffix="mpg"), 18, 6),
    ],
)  # fmt: skip
def test_sound_and_picture_are_in_step(make: Callable[[Path], Path], seconds: float, beeps: int | None, tmp_path: Path, new_video: New) -> None:
    """Whatever the clock does, within a picture's time, and nothing of it is lost."""
    result, video = done(new_video, make(tmp_path))
    assert result["duration_seconds"] == pytest.approx(seconds, abs=0.2)
    found = flashes_and_beeps(top(video))
    assert beeps is None or len(found) == beeps
    assert len(found) >= 2
    assert all(abs(flash - beep) <= FRAME_S for flash, beep in found), found


def test_a_picture_that_stands_still_is_held(tmp_path: Path, new_video: New) -> None:
    """A screen on which nothing moves for 14 seconds, at the rate of its moving parts."""
    _, video = done(new_video, still(tmp_path))
    row = video.variants["h264-240p"]
    assert float(row["duration_seconds"]) == pytest.approx(17, abs=0.1)
    assert (row["frame_rate_num"], row["frame_rate_den"]) == (25, 1)
    assert row["frames"] == pytest.approx(425, abs=2)


def test_a_picture_every_thirty_seconds_lasts_as_long_as_the_sound(tmp_path: Path, new_video: New) -> None:
    path = tmp_path / "podcast.mp4"
    clips.ffmpeg("-f", "lavfi", "-i", "color=blue:s=320x240:r=1/30", "-f", "lavfi", "-i", "sine=d=60", "-t", "60", *clips.X264, *clips.AAC, path)
    _, video = done(new_video, path)
    assert video.variants["h264-240p"]["frames"] == 60


def test_a_tiny_file_does_not_become_a_hundred_thousand_pictures(tmp_path: Path, new_video: New) -> None:
    """Ten pictures, of which one stands for 50 minutes: bounded memory, few pictures; for longer it is refused."""
    for hold, ready in ((3000, True), (5000, False)):
        path = tmp_path / f"{hold}.mp4"
        jump = f"setpts='if(gte(N,5),PTS+{hold}/TB,PTS)'"
        clips.ffmpeg("-f", "lavfi", "-i", "testsrc2=s=64x48:r=10:d=1", "-vf", jump, *clips.X264, "-fps_mode", "vfr", path)
        video = new_video(path, stored=True)
        if not ready:
            with pytest.raises(PermanentError) as caught:
                video.run(extract_metadata)
            assert caught.value.code == "timestamp_gap"
            continue
        video.run(extract_metadata)
        video.run(video_transcode)
        assert 3000 <= video.variants["h264-48p"]["frames"] <= 3010


def test_bursts_keep_their_rate(tmp_path: Path, new_video: New) -> None:
    """30 a second with pauses: an average would drop two thirds of the pictures."""
    bursts = "select='between(t,0,2)+between(t,8,10)+between(t,12,14)'"
    path = clips.video(tmp_path / "a.mkv", seconds=14, extra=("-vf", bursts, "-fps_mode", "vfr"))
    _, video = done(new_video, path)
    row = video.variants["h264-240p"]
    assert (row["frame_rate_num"], row["frame_rate_den"]) == (30, 1)
    assert row["frames"] == pytest.approx(14 * 30, abs=3)


@pytest.mark.parametrize(
    ("name", "codec"),
    [("a.mov", ("-c:v", "prores_ks", "-pix_fmt", "yuv422p10le", "-c:a", "pcm_s16le")), ("b.mov", (*clips.X264, "-c:a", "adpcm_ima_qt")),
     ("a.avi", ("-vf", "select='not(mod(n,5))'", "-fps_mode", "vfr", "-enc_time_base", "1/25", "-c:v", "mpeg4", "-c:a", "adpcm_ms"))],
)  # fmt: skip
def test_an_index_may_count_other_things(name: str, codec: tuple[str, ...], tmp_path: Path, new_video: New) -> None:
    """Samples of PCM, chunks without a byte: nothing is missing."""
    path = tmp_path / name
    clips.ffmpeg("-f", "lavfi", "-i", "testsrc2=s=320x240:r=25:d=4", "-f", "lavfi", "-i", "sine=d=4", *codec, path)
    result, video = done(new_video, path)
    assert result["duration_seconds"] == pytest.approx(4, abs=0.25)
    assert "h264-240p" in video.variants


def test_an_encoder_s_padding_is_no_sound(tmp_path: Path, new_video: New) -> None:
    """1,105 samples in front and some at the end are 0.2 s at 8 kHz."""
    path = clips.sound(tmp_path / "a.mp3", "-ar", "8000", "-c:a", "libmp3lame", seconds=3.3)
    result, video = done(new_video, path)
    assert result["duration_seconds"] == pytest.approx(3.3, abs=0.01)
    assert float(video.variants["audio-aac"]["duration_seconds"]) == pytest.approx(3.3, abs=0.03)


def with_gapless(path: Path, front: int, end: int, length: int) -> Path:
    """Put iTunes' word for an encoder's padding, in samples, into an MP4 whose index is its last box."""
    def box(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I4s", 8 + len(body), kind) + body

    told = f" 00000000 {front:08X} {end:08X} {length:016X}".encode()
    word = box(b"mean", bytes(4) + b"com.apple.iTunes") + box(b"name", bytes(4) + b"iTunSMPB") + box(b"data", struct.pack(">II", 1, 0) + told)
    handler = box(b"hdlr", bytes(8) + b"mdirappl" + bytes(9))
    tags = box(b"udta", box(b"meta", bytes(4) + handler + box(b"ilst", box(b"----", word))))
    data = bytearray(path.read_bytes())
    at = data.index(b"moov") - 4
    data[at : at + 4] = struct.pack(">I", struct.unpack(">I", data[at : at + 4])[0] + len(tags))
    path.write_bytes(data + tags)
    return path


def test_padding_is_no_sound_without_an_edit_list_either(tmp_path: Path, new_video: New) -> None:
    """2,048 samples in front are a quarter of a second at 8 kHz."""
    path = clips.sound(tmp_path / "a.m4a", "-ar", "8000", *clips.AAC, "-use_editlist", "0", seconds=3.3)
    assert b"elst" not in path.read_bytes()
    result, video = done(new_video, with_gapless(path, 2048, 0, 24_352))
    assert result["duration_seconds"] == pytest.approx(3.428 - 0.256, abs=0.02)
    assert float(video.variants["audio-aac"]["duration_seconds"]) == pytest.approx(3.428 - 0.256, abs=0.05)


def test_a_stream_that_is_not_used_is_not_judged(tmp_path: Path, new_video: New) -> None:
    """A second sound track and captions of codecs that are not taken: ready without them, and the record says so."""
    captions = tmp_path / "cc.scc"
    captions.write_text("Scenarist_SCC V1.0\n\n00:00:00:10\t9420 9420 94ae 94ae 9470 9470 c8e5 ecec ef80 942f 942f\n\n00:00:01:00\t942c 942c\n")
    path, sound = tmp_path / "a.mov", ("-f", "lavfi", "-i", "sine=d=2")
    clips.ffmpeg("-f", "lavfi", "-i", "testsrc2=s=320x240:d=2", *sound, "-i", captions, "-map", "0", "-map", "1", "-map", "2", *clips.X264, *clips.AAC, "-c:s", "copy", path)
    result, video = done(new_video, path)
    assert [(one["type"], one["codec"]) for one in result["left_out"]] == [("subtitle", "eia_608")]
    assert video.work.probe is not None and video.work.probe["left_out"] == result["left_out"]
    other = tmp_path / "b.mkv"
    clips.ffmpeg("-f", "lavfi", "-i", "testsrc2=s=320x240:d=2", *sound, "-map", "0", "-map", "1", "-map", "1", *clips.X264, "-c:a:0", "aac", "-c:a:1", "truehd", "-strict", "-2", other)
    result, video = done(new_video, other)
    assert [(one["stream"], one["codec"], one["why"]) for one in result["left_out"]] == [(2, "truehd", "its codec is not taken")]
    assert "h264-240p" in video.variants


def bitmap_subtitles(path: Path) -> Path:
    """A PGS track by hand: one bitmap from 0.5 to 1.5 s. ffmpeg makes DVB subtitles of other bitmaps only."""
    def segment(ms: int, kind: int, body: bytes) -> bytes:
        return b"PG" + struct.pack(">IIBH", ms * 90, 0, kind, len(body)) + body

    def composition(number: int, objects: int) -> bytes:
        body = struct.pack(">HHBHBBBB", 320, 240, 0x10, number, 0x80 if objects else 0, 0, 0, objects)
        return body + (struct.pack(">HBBHH", 0, 0, 0, 100, 180) if objects else b"")

    window, rows = struct.pack(">BBHHHH", 1, 0, 100, 180, 64, 16), b"\x00\xc0\x40\x01\x00\x00" * 16
    thing = struct.pack(">HBB", 0, 0, 0xC0) + struct.pack(">I", len(rows) + 4)[1:] + struct.pack(">HH", 64, 16) + rows
    shown = [(0x16, composition(0, 1)), (0x17, window), (0x14, bytes([0, 0, 1, 235, 128, 128, 255])), (0x15, thing), (0x80, b"")]
    gone = [(0x16, composition(1, 0)), (0x17, window), (0x80, b"")]
    path.write_bytes(b"".join(segment(500, *one) for one in shown) + b"".join(segment(1500, *one) for one in gone))
    return path


def test_a_recording_of_television_is_ready_without_its_subtitles(tmp_path: Path, new_video: New) -> None:
    path, subtitles = tmp_path / "a.ts", bitmap_subtitles(tmp_path / "a.sup")
    maps = ("-map", "0", "-map", "1", "-map", "2", *clips.X264, "-c:a", "mp2", "-c:s", "dvbsub")
    clips.ffmpeg("-f", "lavfi", "-i", "testsrc2=s=320x240:r=25:d=2", "-f", "lavfi", "-i", "sine=d=2", "-i", subtitles, *maps, path)
    result, video = done(new_video, path)
    assert [(one["type"], one["codec"], one["why"]) for one in result["left_out"]] == [("subtitle", "dvb_subtitle", "not used")]
    assert "h264-240p" in video.variants


@pytest.mark.parametrize(("form", "left_out", "source"), [("bmp", [], "cover"), ("tiff", ["tiff"], "sound")])
def test_a_cover_of_any_format_stops_no_song(form: str, left_out: list[str], source: str, tmp_path: Path, new_video: New) -> None:
    cover, path = tmp_path / f"cover.{form}", tmp_path / "a.mp3"
    clips.ffmpeg("-f", "lavfi", "-i", "color=red:s=64x96", "-frames:v", "1", cover)
    both = ("-i", cover, "-map", "0", "-map", "1", "-c:v", "copy", "-disposition:v", "attached_pic")
    clips.ffmpeg("-f", "lavfi", "-i", "sine=d=2", *both, "-id3v2_version", "3", "-c:a", "libmp3lame", path)
    result, video = done(new_video, path)
    assert [one["codec"] for one in result["left_out"]] == left_out
    assert "audio-aac" in video.variants and video.variants["poster"]["metadata"] == {"from": source}


def test_the_only_sound_is_not_dropped_without_a_word(tmp_path: Path, new_video: New) -> None:
    path = tmp_path / "a.mkv"
    clips.ffmpeg("-f", "lavfi", "-i", "testsrc2=s=320x240:d=1", "-f", "lavfi", "-i", "sine=d=1", *clips.X264, "-c:a", "truehd", "-strict", "-2", path)
    with pytest.raises(PermanentError, match="truehd") as caught:
        new_video(path, stored=True).run(extract_metadata)
    assert caught.value.code == "codec_refused"


@pytest.mark.parametrize("first", ["0", "default"])
def test_the_track_that_moves_is_the_video(first: str, tmp_path: Path, new_video: New) -> None:
    path = tmp_path / "a.mp4"
    both = ("-map", "0", "-map", "1", *clips.X264, "-disposition:v:0", first, "-disposition:v:1", "default")
    clips.ffmpeg("-f", "lavfi", "-i", "testsrc2=s=320x240:r=30:d=2", "-f", "lavfi", "-i", "smptebars=s=640x480:r=1:d=2", *both, path)
    result, _ = done(new_video, path)
    assert (result["width"], result["height"]) == (320, 240)


def test_the_microphone_that_was_plugged_in_is_heard(tmp_path: Path, new_video: New) -> None:
    path = tmp_path / "a.mp4"
    tracks = ("-map", "0", "-map", "1", "-map", "2", "-t", "3", *clips.X264, *clips.AAC)
    clips.ffmpeg("-f", "lavfi", "-i", "testsrc2=s=320x240:d=3", "-f", "lavfi", "-i", "anullsrc=cl=mono", "-f", "lavfi", "-i", "sine=d=3", *tracks, path)
    result, video = done(new_video, path)
    assert [(one["stream"], one["why"]) for one in result["left_out"]] == [(1, "silent")]
    assert peak_db(top(video)) > -20


def tracks(path: Path, count: int, *words: str, volumes: dict[int, str] | None = None) -> Path:
    """A picture and mono tracks, of 440 Hz, 880 Hz and so on."""
    filters = [f"sine=f={440 * number}:r=48000:d=3,volume={(volumes or {}).get(number, '1')}" for number in range(1, count + 1)]
    inputs = [word for one in filters for word in ("-f", "lavfi", "-i", one)]
    maps = [word for number in range(count + 1) for word in ("-map", str(number))]
    clips.ffmpeg("-f", "lavfi", "-i", "testsrc2=s=640x480:r=25:d=3", *inputs, *maps, *words, path)
    return path


def tones(path: Path) -> list[set[int]]:
    """Which tones each channel has at their full level (2048), as multiples of 440 Hz; heard in the middle of the file."""
    command = ["ffmpeg", "-v", "error", "-ss", "1", "-i", str(path), "-map", "0:a", "-t", "0.5", "-ar", "8800", "-f", "s16le", "-"]
    heard = array.array("h", subprocess.run(command, capture_output=True, check=True).stdout)
    found = []
    for side in (heard[0::2], heard[1::2]):
        level = {n: abs(sum(one * cmath.exp(-2j * cmath.pi * 440 * n * at / 8800) for at, one in enumerate(side))) / len(side) for n in range(1, 5)}
        found.append({n for n, one in level.items() if one > 1700})
    return found


MPEG2, MONO_PCM = ("-c:v", "mpeg2video"), ("-c:a", "pcm_s16le")
FL_FR = ("-filter:a:0", "pan=FL|c0=c0", "-filter:a:1", "pan=FR|c0=c0")
PAIRS = {
    "camera.mxf": (2, (*MPEG2, *MONO_PCM)), "four.mxf": (4, (*MPEG2, *MONO_PCM)), "marked.mov": (2, (*clips.X264, *MONO_PCM, *FL_FR)),
    "aac.mp4": (2, (*clips.X264, *clips.AAC)), "plain.mkv": (2, (*clips.X264, *clips.AAC)),
    "sides.mkv": (2, (*clips.X264, *clips.AAC, "-metadata:s:a:0", "title=Left", "-metadata:s:a:1", "title=Right")),
}  # fmt: skip


@pytest.mark.parametrize("name", PAIRS)
def test_mono_tracks_of_a_pair_become_left_and_right(name: str, tmp_path: Path, new_video: New) -> None:
    count, words = PAIRS[name]
    path = tracks(tmp_path / name, count, *words)
    result, video = done(new_video, path)
    assert [(one["stream"], one["side"]) for one in result["joined"]] == [(1, "left"), (2, "right")]
    assert [one["stream"] for one in result["left_out"] if one["type"] == "audio"] == list(range(3, count + 1))
    assert video.work.probe is not None and video.work.probe["joined"] == result["joined"]
    renditions = [one for one in video.variants if one.startswith("h264-")]
    assert len(renditions) > 1
    for one in renditions:
        assert tones(video.path(one)) == [{1}, {2}]


def test_a_pair_stays_in_step(tmp_path: Path, new_video: New) -> None:
    """The right track begins 0.2 s later and so is filled; the beep is on it alone."""
    path, beep = tmp_path / "a.mkv", BEEP.format(8)
    both = ("-f", "lavfi", "-i", "sine=f=100:d=8:r=48000,volume=0.05", "-f", "lavfi", "-i", beep)
    clips.ffmpeg("-f", "lavfi", "-i", FLASH.format(8), *both, "-map", "0", "-map", "1", "-map", "2", "-filter:a:1", "aselect='gte(t,0.2)'", *clips.X264, *MONO_PCM, path)
    result, video = done(new_video, path)
    assert len(result["joined"]) == 2
    found = flashes_and_beeps(top(video))
    assert [round(flash) for flash, _ in found] == [1, 4, 7]
    assert all(abs(flash - heard) < FRAME_S for flash, heard in found), found


NO_PAIRS: dict[str, tuple[tuple[str, ...], dict[int, str], list[set[int]]]] = {
    "languages": (("-metadata:s:a:0", "language=eng", "-metadata:s:a:1", "language=fra"), {}, [{1}, {1}]),
    "titles": (("-metadata:s:a:0", "title=Anna", "-metadata:s:a:1", "title=Bert"), {}, [{1}, {1}]),
    "a commentary": (("-disposition:a:1", "comment"), {}, [{1}, {1}]),
    "other codecs": (("-c:a:1", "flac"), {}, [{1}, {1}]),
    "the left is silent": ((), {1: "0"}, [{2}, {2}]),
    "the right is silent": ((), {2: "0"}, [{1}, {1}]),
}  # fmt: skip


@pytest.mark.parametrize("name", NO_PAIRS)
def test_two_microphones_or_a_dead_one_are_no_pair(name: str, tmp_path: Path, new_video: New) -> None:
    words, volumes, heard = NO_PAIRS[name]
    result, video = done(new_video, tracks(tmp_path / "a.mkv", 2, *clips.X264, *clips.AAC, *words, volumes=volumes))
    assert result["joined"] == []
    assert [one["why"] for one in result["left_out"]] == ["silent" if "silent" in name else "another one is used"]
    assert tones(top(video)) == heard


def test_a_pair_without_a_picture_has_one_waveform_and_two_sides(tmp_path: Path, new_video: New) -> None:
    path = tmp_path / "a.mov"
    clips.ffmpeg("-f", "lavfi", "-i", "sine=f=440:d=3", "-f", "lavfi", "-i", "sine=f=880:d=3", "-map", "0", "-map", "1", *MONO_PCM, path)
    result, video = done(new_video, path)
    assert len(result["joined"]) == 2 and tones(video.path("audio-aac")) == [{1}, {2}]
    assert video.variants["poster"]["metadata"] == {"from": "sound"}


@pytest.mark.parametrize("begins", ["0", "5"])
@pytest.mark.parametrize(("first", "then"), [((*clips.X264, *clips.AAC), (*MPEG2, "-c:a", "mp2")), ((*MPEG2, "-c:a", "mp2"), (*clips.X264, *clips.AAC))])
def test_a_codec_that_changes_is_no_damage(first: tuple[str, ...], then: tuple[str, ...], begins: str, tmp_path: Path, new_video: New) -> None:
    """Whether the second part's clock begins again or goes on."""
    parts = [clips.video(tmp_path / name, seconds=5, sound=True, codec=words[:-2], extra=(*words[-2:], *more)) for name, words, more in (("1.ts", first, ()), ("2.ts", then, ("-output_ts_offset", begins)))]
    (tmp_path / "a.ts").write_bytes(b"".join(part.read_bytes() for part in parts))
    with pytest.raises(PermanentError, match=r"The codec changes from \w+ to \w+ at 5 s") as caught:
        new_video(tmp_path / "a.ts", stored=True).run(extract_metadata)
    assert caught.value.code == "codec_changes"


def into_sample_entry(path: Path, entry: bytes, after: bytes, box: bytes) -> Path:
    """Put a box behind another one of the first sample entry of that kind, in a file whose index is its last box."""
    data = bytearray(path.read_bytes())
    at = data.index(after) - 4
    at += struct.unpack(">I", data[at : at + 4])[0]
    for kind in (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd", entry):
        start = data.index(kind, data.index(b"moov")) - 4
        data[start : start + 4] = struct.pack(">I", struct.unpack(">I", data[start : start + 4])[0] + len(box))
    data[at:at] = box
    path.write_bytes(data)
    return path


def dolby_vision(path: Path, profile: int, compatible: int) -> Path:
    """HEVC whose sample entry says Dolby Vision."""
    clips.ffmpeg("-f", "lavfi", "-i", "testsrc2=s=320x240:r=25:d=1", *X265, "log-level=none", "-pix_fmt", "yuv420p10le", "-tag:v", "hvc1", path)
    record = struct.pack(">BBHI", 1, 0, profile << 9 | 1 << 3 | 0b101, compatible << 28) + bytes(16)
    return into_sample_entry(path, b"hvc1", b"hvcC", struct.pack(">I4s", 8 + len(record), b"dvcC") + record)


def test_dolby_vision_without_a_base_layer_is_refused_and_with_one_is_taken(tmp_path: Path, new_video: New) -> None:
    with pytest.raises(PermanentError, match="base layer") as caught:
        new_video(dolby_vision(tmp_path / "5.mp4", 5, 0), stored=True).run(extract_metadata)
    assert caught.value.code == "dolby_vision"
    result = new_video(dolby_vision(tmp_path / "8.mp4", 8, 4), stored=True).run(extract_metadata)
    assert result["hdr"] is True  # id 4 says that the base layer is HLG, where the stream says nothing
    assert new_video(dolby_vision(tmp_path / "82.mp4", 8, 2), stored=True).run(extract_metadata)["hdr"] is False


def test_a_clean_aperture_crops_nothing(tmp_path: Path, new_video: New) -> None:
    """Newer versions of ffmpeg would crop to it, older ones and browsers do not: what the codec holds is the picture, everywhere."""
    path = tmp_path / "clap.mp4"
    ground = "color=red:s=320x246:r=25:d=2,drawbox=x=40:y=33:w=240:h=180:c=blue:t=fill"  # 246 lines: the codec crops 10 of 256
    clips.ffmpeg("-f", "lavfi", "-i", ground, "-pix_fmt", "yuv420p", path)
    aperture = struct.pack(">8i", 240, 1, 180, 1, 0, 1, 0, 1)
    _, video = done(new_video, into_sample_entry(path, b"avc1", b"avcC", struct.pack(">I4s", 40, b"clap") + aperture))
    for made in (top(video), video.path("poster")):
        for x, y in ((0.03, 0.5), (0.97, 0.5), (0.5, 0.03), (0.5, 0.97)):
            red, _, blue = clips.pixel(made, x, y)
            assert red > 150 > blue
        red, _, blue = clips.pixel(made, 0.5, 0.5)
        assert blue > 150 > red


def test_a_change_of_size_is_fitted(tmp_path: Path, new_video: New) -> None:
    """From landscape to portrait: the second half keeps its shape, with bars at its sides, and begins when it should."""
    first = clips.video(tmp_path / "1.ts", size="640x360", rate="25", seconds=2, sound=False)
    white = tmp_path / "2.ts"
    clips.ffmpeg("-f", "lavfi", "-i", "color=white:s=360x640:r=25:d=2", *clips.X264, "-output_ts_offset", "2", white)
    (tmp_path / "a.ts").write_bytes(first.read_bytes() + white.read_bytes())
    _, video = done(new_video, tmp_path / "a.ts")
    assert video.variants["h264-360p"]["frames"] == pytest.approx(100, abs=2)
    seen = grey(top(video), "16:1")
    row = seen[16 * 75 : 16 * 76]
    assert row[7] > 230 and row[1] < 25 and row[14] < 25


def test_posters_have_no_combs(tmp_path: Path, new_video: New) -> None:
    """Fields of two different times: white and black rows alternate in what was sent, and nowhere in the poster."""
    path = tmp_path / "a.ts"
    moving = "color=black:s=320x240:r=50:d=2[g];color=white:s=80x240:r=50:d=2[b];[g][b]overlay=x='mod(n\\,6)*40',noise=alls=10,tinterlace=interleave_top,fieldorder=tff"
    clips.ffmpeg("-filter_complex", moving, "-c:v", "libx264", "-flags", "+ilme+ildct", "-x264-params", "tff=1", "-pix_fmt", "yuv420p", path)
    video = new_video(path, stored=True)
    video.run(extract_metadata)
    video.run(generate_thumbnail)
    rows = grey(video.path("poster"), "1:240", "crop=8:240:100:0") + grey(video.path("poster"), "1:240", "crop=8:240:220:0")
    assert max(abs(a - b) for a, b in pairwise(rows[20:221])) < 90


def test_the_later_part_is_looked_at_too(tmp_path: Path, new_video: New) -> None:
    """62 seconds of black and hardly a key frame, then a picture."""
    path = tmp_path / "a.mp4"
    parts = ("-f", "lavfi", "-i", "color=black:s=160x120:r=10:d=62", "-f", "lavfi", "-i", "testsrc2=s=160x120:r=10:d=20", "-filter_complex", "concat")
    clips.ffmpeg(*parts, *clips.X264, "-g", "9999", "-sc_threshold", "0", path)
    video = new_video(path, stored=True)
    video.run(extract_metadata)
    video.run(generate_thumbnail)
    facts = video.variants["poster"]["metadata"]
    assert facts["good"] is True and facts["at_seconds"] > 61
    assert sum(clips.pixel(video.path("poster"), 0.05, 0.5)) > 90


def png(path: Path, pixel: Callable[[int, int], bytes], width: int = 64, height: int = 48) -> Path:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + b"".join(pixel(x, y) for x in range(width)) for y in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))
    return path


@pytest.mark.parametrize(("ink", "ground"), [(0, 255), (255, 32)])
def test_a_logo_is_seen_on_its_ground(ink: int, ground: int, tmp_path: Path, new_video: New) -> None:
    """Black on nothing becomes black on white, white on nothing becomes white on dark; hidden colours do not count."""
    path = png(tmp_path / "a.png", lambda x, y: bytes([ink] * 3 + [255 if 16 <= x < 48 and 12 <= y < 36 else 0]))
    video = new_video(path, stored=True)
    video.run(extract_metadata)
    video.run(generate_thumbnail)
    made = video.path("poster")
    assert abs(clips.pixel(made, 0.5, 0.5)[0] - ink) < 20
    assert abs(clips.pixel(made, 0.05, 0.05)[0] - ground) < 20


def test_a_lone_pixel_keeps_its_colour(tmp_path: Path, new_video: New) -> None:
    video = new_video(png(tmp_path / "a.png", lambda _x, _y: b"\xff\0\0\xff", 1, 1), stored=True)
    video.run(extract_metadata)
    video.run(generate_thumbnail)
    red, green, blue = clips.pixel(video.path("poster"), 0.5, 0.5)
    assert red > 250 and green < 5 and blue < 5


def test_a_picture_sequence_is_more_than_its_still(tmp_path: Path, new_video: New) -> None:
    """An animated AVIF: newer versions see the still for old readers as a track in front, and mark it as the one to show."""
    path = tmp_path / "a.avif"
    av1 = ("-c:v", "libaom-av1", "-cpu-used", "8", "-usage", "realtime")
    clips.ffmpeg("-f", "lavfi", "-i", "testsrc2=s=64x48:r=5:d=2", *av1, path)
    result = new_video(path, stored=True).run(extract_metadata)
    assert result["kind"] == "video" and result["duration_seconds"] == pytest.approx(2)


def test_a_ruined_cover_gives_way_to_the_waveform(tmp_path: Path, new_video: New) -> None:
    song = clips.song(tmp_path / "a.mp3", size="300x300")
    data = bytearray(song.read_bytes())
    at = data.find(b"IDAT") + 6
    data[at : at + 60] = random.Random(1).randbytes(60)
    song.write_bytes(data)
    video = new_video(song, stored=True)
    video.run(extract_metadata)
    video.run(generate_thumbnail)
    assert video.variants["poster"]["metadata"] == {"from": "sound"}


def test_a_cover_that_ends_early_gives_way_to_the_waveform(tmp_path: Path, new_video: New) -> None:
    """A JPEG with a sound head and hardly a picture: the decoder makes up the rest in grey or green, and says it is done."""
    song, cover = tmp_path / "a.mp3", tmp_path / "cover.jpg"
    clips.ffmpeg("-f", "lavfi", "-i", "testsrc2=s=300x300", "-frames:v", "1", cover)
    both = ("-i", cover, "-map", "0", "-map", "1", "-c:v", "copy", "-disposition:v", "attached_pic")
    clips.ffmpeg("-f", "lavfi", "-i", "sine=d=2", *both, "-id3v2_version", "3", "-c:a", "libmp3lame", song)
    data = bytearray(song.read_bytes())
    at = data.index(b"\xff\xda", data.index(b"\xff\xd8\xff")) + 20
    end = data.index(b"\xff\xd9", at)
    data[at:end] = b"\xff\xd9" + bytes(end - at - 2)
    song.write_bytes(data)
    video = new_video(song, stored=True)
    video.run(extract_metadata)
    video.run(generate_thumbnail)
    assert video.variants["poster"]["metadata"] == {"from": "sound"}


def test_wide_colours_are_converted_for_the_poster(tmp_path: Path, new_video: New) -> None:
    path = tmp_path / "a.mp4"
    graph = "color=0xc02020:s=320x240:r=25:d=1,format=gbrp,noise=alls=6,zscale=tin=709:pin=709:m=2020_ncl:p=2020:t=2020_10:r=limited,format=yuv420p10le"
    tags = ("-color_primaries", "bt2020", "-color_trc", "bt2020-10", "-colorspace", "bt2020nc")
    clips.ffmpeg("-f", "lavfi", "-i", graph, *X265, "log-level=none", *tags, path)
    video = new_video(path, stored=True)
    video.run(extract_metadata)
    video.run(generate_thumbnail)
    found = clips.pixel(video.path("poster"), 0.5, 0.5)
    assert all(abs(a - b) < 16 for a, b in zip(found, (0xC0, 0x20, 0x20), strict=True)), found


def hdr(path: Path, nits: list[float], extra: str = "") -> Path:
    """Grey bars of these brightnesses in PQ."""
    def pq(value: float) -> float:
        power = (value / 10_000) ** 0.1593017578125
        return float(((0.8359375 + 18.8515625 * power) / (1 + 18.6875 * power)) ** 78.84375)

    width, height = 320, 240
    luma = [64 + round(pq(nits[x * len(nits) // width]) * 876) for x in range(width)]
    picture = struct.pack(f"<{width}H", *luma) * height + struct.pack("<H", 512) * (width * height // 2)
    command = ["ffmpeg", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "yuv420p10le", "-s", f"{width}x{height}", "-r", "25", "-i", "-"]
    subprocess.run([*command, *X265, f"log-level=none:transfer=smpte2084{extra}", str(path)], input=picture * 5, check=True)
    return path


def test_the_white_of_hdr_becomes_white(tmp_path: Path, new_video: New) -> None:
    """203 nits, the reference white of BT.2408, near 255; highlights above it; nothing but the transfer is said."""
    _, video = done(new_video, hdr(tmp_path / "a.mp4", [1, 50, 203, 1000]))
    for path in (top(video), video.path("poster")):
        dark, middle, white, peak = (clips.pixel(path, x, 0.5)[1] for x in (0.12, 0.37, 0.62, 0.87))
        assert dark < 40 and 120 < middle < 165
        assert 230 <= white <= 248 < peak


def test_what_hlg_leaves_unsaid_is_taken_as_bt2020(tmp_path: Path, new_video: New) -> None:
    """Neither matrix nor primaries; white of 75 % is the white of an ordinary screen."""
    path, width, height = tmp_path / "a.mp4", 320, 240
    picture = struct.pack("<H", 64 + round(0.75 * 876)) * (width * height) + struct.pack("<H", 512) * (width * height // 2)
    command = ["ffmpeg", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "yuv420p10le", "-s", f"{width}x{height}", "-r", "25", "-i", "-"]
    subprocess.run([*command, *X265, "log-level=none:transfer=arib-std-b67", str(path)], input=picture * 5, check=True)
    _, video = done(new_video, path)
    for made in (top(video), video.path("poster")):
        assert min(clips.pixel(made, 0.5, 0.5)) >= 225


@pytest.mark.parametrize("transfer", ["smpte2084", "arib-std-b67"])
def test_colours_that_no_ordinary_screen_has_are_the_same_in_poster_and_rendition(transfer: str, tmp_path: Path, new_video: New) -> None:
    """Full red, green and blue of BT.2020: the nearest of sRGB, not one that is cut off in luma and chroma."""
    path, bars = tmp_path / "a.mp4", [(0.75, 0, 0), (0, 0.75, 0), (0, 0, 0.75), (0.75, 0.75, 0)]
    luma = [0.2627 * red + 0.678 * green + 0.0593 * blue for red, green, blue in bars]
    planes = [[64 + round(876 * y) for y in luma]]
    planes += [[512 + round(896 * (bar[channel] - y) / by) for bar, y in zip(bars, luma, strict=True)] for channel, by in ((2, 1.8814), (0, 1.4746))]
    picture = b"".join(struct.pack(f"<{side}H", *(row[x * 4 // side] for x in range(side))) * lines for row, side, lines in zip(planes, (320, 160, 160), (240, 120, 120), strict=True))
    command = ["ffmpeg", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "yuv420p10le", "-s", "320x240", "-r", "25", "-i", "-"]
    subprocess.run([*command, *X265, f"log-level=none:transfer={transfer}:colorprim=bt2020:colormatrix=bt2020nc", str(path)], input=picture * 5, check=True)
    _, video = done(new_video, path)
    for at, strong in enumerate(((0,), (1,), (2,), (0, 1))):
        found = [clips.pixel(one, 0.125 + at / 4, 0.5) for one in (top(video), video.path("poster"))]
        assert all(abs(a - b) <= 12 for a, b in zip(*found, strict=True)), found
        assert all(one[channel] >= 230 if channel in strong else one[channel] <= 16 for one in found for channel in range(3)), found


def wav(path: Path, channels: int) -> Path:
    """WAVE_FORMAT_EXTENSIBLE whose mask says nothing of the channels; all bear the same tone."""
    tone = array.array("h", [value for at in range(24_000) for value in [6000 if at // 50 % 2 else -6000] * channels]).tobytes()
    head = struct.pack("<HHIIHHHHI", 0xFFFE, channels, 48_000, 96_000 * channels, 2 * channels, 16, 22, 16, 0)
    head += bytes.fromhex("0100000000001000800000aa00389b71")
    body = b"WAVEfmt " + struct.pack("<I", len(head)) + head + b"data" + struct.pack("<I", len(tone)) + tone
    path.write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)
    return path


@pytest.mark.parametrize("channels", [3, 9, 10, 60])
def test_channels_that_nobody_names_are_all_heard(channels: int, tmp_path: Path, new_video: New) -> None:
    result, video = done(new_video, wav(tmp_path / "a.wav", channels))
    assert result["kind"] == "audio"
    assert -16.5 < peak_db(video.path("audio-aac")) < -10  # 6000 of 32768 is -14.7 dB, and a square wave without its overtones overshoots


def test_a_downmix_has_no_overs(tmp_path: Path, new_video: New) -> None:
    """Left, right and centre at -3 dBFS; all six at full scale."""
    for level, channels in ((0.7, (1, 1, 1, 0, 0, 0)), (0.98, (1, 1, 1, 0, 1, 1))):
        tones = "|".join(f"{level * one}*sin(2*PI*440*t)" for one in channels)
        path = tmp_path / f"{level}.mkv"
        clips.ffmpeg("-f", "lavfi", "-i", "testsrc2=s=320x240:d=2", "-f", "lavfi", "-i", f"aevalsrc='{tones}':c=5.1:s=48000:d=2", *clips.X264, "-c:a", "ac3", "-b:a", "448k", path)
        _, video = done(new_video, path)
        assert -6 < peak_db(top(video)) <= -1


def test_mono_is_as_loud_on_both_sides(tmp_path: Path, new_video: New) -> None:
    path = clips.sound(tmp_path / "a.wav", "-af", "volume=12dB")
    _, video = done(new_video, path)
    assert peak_db(video.path("audio-aac")) == pytest.approx(peak_db(path), abs=0.7)


TAKEN = {
    "mxf.mxf": ("-c:v", "mpeg2video", "-c:a", "pcm_s16le", "-ar", "48000"),
    "dnx.mov": ("-s", "1280x720", "-c:v", "dnxhd", "-b:v", "60M", "-pix_fmt", "yuv422p", "-c:a", "pcm_s16be"),
    "dv.dv": ("-s", "720x576", "-c:v", "dvvideo", "-pix_fmt", "yuv420p", "-c:a", "pcm_s16le", "-ar", "48000", "-ac", "2"),
    "wmv.wmv": ("-c:v", "wmv2", "-c:a", "wmav2"), "ffv1.mkv": ("-c:v", "ffv1", "-c:a", "flac"),
    "msmpeg4.avi": ("-c:v", "msmpeg4", "-c:a", "adpcm_ms"), "dts.mkv": (*clips.X264, "-c:a", "dca", "-strict", "-2"),
}  # fmt: skip


@pytest.mark.parametrize("name", TAKEN)
def test_formats_of_editors_and_old_cameras_are_taken(name: str, tmp_path: Path, new_video: New) -> None:
    path = tmp_path / name
    clips.ffmpeg("-f", "lavfi", "-i", "testsrc2=s=320x240:r=25:d=2", "-f", "lavfi", "-i", "sine=d=2", *TAKEN[name], path)
    result, video = done(new_video, path)
    assert result["kind"] == "video" and result["duration_seconds"] == pytest.approx(2, abs=0.15)
    assert float(video.variants["h264-240p"]["duration_seconds"]) == pytest.approx(2, abs=0.15)


@pytest.mark.parametrize(("name", "words"), [("a.bmp", ()), ("a.apng", ("-frames:v", "5")), ("a.webp", ("-c:v", "libwebp"))])
def test_pictures_are_taken(name: str, words: tuple[str, ...], tmp_path: Path, new_video: New) -> None:
    path = tmp_path / name
    clips.ffmpeg("-f", "lavfi", "-i", "testsrc2=s=64x48", *(words if "-frames:v" in words else (*words, "-frames:v", "1")), path)
    video = new_video(path, stored=True)
    video.run(extract_metadata)
    video.run(generate_thumbnail)
    assert (video.variants["poster"]["width"], video.variants["poster"]["height"]) == (64, 48)


NAMED = {
    "HEIC": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "TIFF": b"II*\0\x08\0\0\0", "Animated WebP": b"RIFF\x1a\0\0\0WEBPVP8X\x0a\0\0\0\x02\0\0\0",
    "PDF": b"%PDF-1.7\n", "JPEG XL": b"\xff\x0a\xfa\x01", "ZIP": b"PK\x03\x04\x14\0", "SVG": b'\xef\xbb\xbf<?xml version="1.0"?>\n<!-- x --><svg ',
    "Smooth Streaming": b"<SmoothStreamingMedia MajorVersion='2'>", "HLS": b"#EXTM3U\n", "SDP": b"v=0\r\no=- 0 0 IN IP4 1.2.3.4\r\n",
}  # fmt: skip


@pytest.mark.parametrize("name", NAMED)
def test_what_is_not_taken_is_called_by_its_name(name: str, tmp_path: Path, new_video: New) -> None:
    path = tmp_path / "movie.mp4"
    path.write_bytes(NAMED[name] + bytes(64))
    with pytest.raises(PermanentError, match=name) as caught:
        new_video(path, stored=True).run(extract_metadata)
    assert caught.value.code == "format_refused"


def test_a_gif_of_endless_pixels_is_refused(tmp_path: Path, new_video: New) -> None:
    path = tmp_path / "a.gif"
    clips.ffmpeg("-f", "lavfi", "-i", "color=red:s=4000x4000:r=50:d=6", path)
    assert path.stat().st_size < 2_000_000
    with pytest.raises(PermanentError) as caught:
        new_video(path, stored=True).run(extract_metadata)
    assert caught.value.code == "too_many_pixels"


def program(path: Path, said: str, *, tear: bool) -> str:
    """An ffmpeg that complains like one on a full disk, or loses half of what it wrote, and ends with 0 as 5.1 does."""
    script = '#!/bin/sh\nffmpeg "$@" || exit\nfor last; do :; done\ncase $last in file:*poster|file:*.mp4|file:*.m4a) ;; *) exit 0;; esac\n'
    half = 'f=${last#file:}; s=$(stat -c %s "$f"); truncate -s $((s / 2)) "$f"\n' if tear else ""
    path.write_text(script + half + (f"echo '{said}' >&2\n" if said else "") + "exit 0\n")
    path.chmod(0o755)
    return str(path)


def test_a_disk_that_loses_what_was_written_is_the_host_s_trouble(tmp_path: Path, new_video: New, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel tells of a page that it could not write to whoever asks for the file to be on the disk, and reads it back from memory until then."""

    def fails(_handle: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    video = new_video(clips.video(tmp_path / "a.mp4", seconds=1), stored=True)
    video.run(extract_metadata)
    monkeypatch.setattr("os.fsync", fails)
    with pytest.raises(TransientError) as caught:
        video.run(video_transcode)
    assert caught.value.code == "disk_failed"


@pytest.mark.parametrize(
    ("said", "tear", "code"),
    [
        ("av_interleaved_write_frame(): No space left on device", True, "disk_full"), ("", True, "result_torn"),
        ("Error writing trailer of file: Cannot allocate memory", False, "out_of_memory"),
        ("Error closing file: Input/output error", False, "disk_failed"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("handler", [video_transcode, generate_thumbnail], ids=["ladder", "poster"])
def test_the_host_s_trouble_is_never_the_file_s(said: str, tear: bool, code: str, handler: Any, tmp_path: Path, new_video: New) -> None:
    """Exit code 0 and a torn result: nobody gets to see it, and another host tries again."""
    ffmpeg = program(tmp_path / "torn-ffmpeg", said, tear=tear)
    video = new_video(clips.video(tmp_path / "a.mp4", seconds=1), stored=True, REELQ_FFMPEG=ffmpeg, REELQ_SANDBOX="off")
    video.run(extract_metadata)
    with pytest.raises(TransientError) as caught:
        video.run(handler)
    assert caught.value.code == code, caught.value.detail
    assert video.variants == {} and list(video.store.list("tenants/")) == []
