"""Reading ffprobe's document: what it claims, what the packets say."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from reelq.worker.av.encode import colour
from reelq.worker.av.packets import Tally
from reelq.worker.av.probe import clock
from reelq.worker.av.probe.parse import parse


def video(index: int = 0, **facts: Any) -> dict[str, Any]:
    return {
        "index": index, "codec_type": "video", "codec_name": "h264", "width": 1280, "height": 720,
        "pix_fmt": "yuv420p", "avg_frame_rate": "30/1", "r_frame_rate": "30/1", "disposition": {"default": 1}, **facts,
    }  # fmt: skip


def audio(index: int = 1, **facts: Any) -> dict[str, Any]:
    return {
        "index": index, "codec_type": "audio", "codec_name": "aac", "channels": 2, "sample_rate": "48000",
        "disposition": {"default": 1}, **facts,
    }  # fmt: skip


def document(*streams: dict[str, Any], name: str = "mov,mp4,m4a", **packets: dict[str, Any]) -> dict[str, Any]:
    full = {"packets": 300, "shown": 300, "key_packets": 5, "first_s": 0.0, "span_s": 10.0, "gap_s": 0.04}
    return {
        "format": {"format_name": name, "duration": "143165.0", "size": "1250000"},
        "streams": list(streams),
        "packets": {str(s["index"]): {**full, **packets.get(f"p{s['index']}", {})} for s in streams},
    }


def test_the_packets_decide_how_long_it_is() -> None:
    measured = parse(document(video(), audio()))
    assert (measured.kind, measured.duration_s, measured.bit_rate) == ("video", 10.0, 1_000_000)


@pytest.mark.parametrize(
    ("degrees", "clockwise", "size"),
    [(90, 270, (720, 1280)), (-90, 90, (720, 1280)), (180, 180, (1280, 720)), (-180, 180, (1280, 720)), (0, 0, (1280, 720))],
)
def test_rotation_swaps_the_sides(degrees: int, clockwise: int, size: tuple[int, int]) -> None:
    stream = video(side_data_list=[{"side_data_type": "Display Matrix", "rotation": degrees}])
    found = parse(document(stream)).columns()
    assert (found["rotation"], (found["width"], found["height"])) == (clockwise, size)
    assert (found["coded_width"], found["coded_height"]) == (1280, 720)


@pytest.mark.parametrize(
    ("sar", "width", "column"),
    [("4:3", 1707, "4:3"), ("0:1", 1280, "1:1"), (None, 1280, "1:1"), ("1:0", 1280, "1:1"), ("5000:1", 1280, "1:1")],
)
def test_pixel_aspect_widens_and_nonsense_does_not(sar: str | None, width: int, column: str) -> None:
    found = parse(document(video(sample_aspect_ratio=sar))).columns()
    assert (found["width"], found["sar"]) == (width, column)


def test_cover_art_is_no_video() -> None:
    art = video(1, disposition={"attached_pic": 1}, codec_name="png")
    measured = parse(document(audio(0), art, name="mp3"))
    assert (measured.kind, measured.cover_index, measured.mime) == ("audio", 1, "audio/mpeg")
    assert measured.columns()["video_codec"] is None


def test_the_main_picture_is_the_default_one_then_the_largest_and_has_packets() -> None:
    small, large = video(0, width=320, height=240), video(1, width=1920, height=1080, disposition={"default": 0})
    chosen = parse(document(small, large)).video
    assert chosen is not None and chosen.index == 0
    small["disposition"] = {"default": 0}
    chosen = parse(document(small, large)).video
    assert chosen is not None and chosen.index == 1
    chosen = parse(document(small, large, p1={"shown": 0})).video
    assert chosen is not None and chosen.index == 0


def test_a_sound_without_packets_is_none() -> None:
    assert parse(document(video(), audio(), p1={"shown": 0, "packets": 0})).audio is None


def test_high_dynamic_range_is_known_by_its_transfer() -> None:
    assert parse(document(video(color_transfer="smpte2084"))).columns()["hdr"] is True
    assert parse(document(video(color_transfer="bt709"))).columns()["hdr"] is False


def test_a_photo_has_no_duration_and_turns_by_its_exif() -> None:
    found = {**document(video(codec_name="mjpeg"), name="jpeg_pipe", p0={"shown": 1, "span_s": 0.04}), "orientation": 6}
    columns = parse(found).columns()
    assert (columns["kind"], columns["mime"], columns["duration_seconds"]) == ("image", "image/jpeg", None)
    assert (columns["width"], columns["height"], columns["rotation"]) == (720, 1280, 90)
    assert columns["frame_rate_num"] is columns["video_codec"] is columns["frames"] is None


def test_nothing_that_plays_is_a_document() -> None:
    assert parse(document({"index": 0, "codec_type": "subtitle"})).kind == "document"


def test_packets_are_counted_by_their_lines() -> None:
    """B-frames come out of order, hidden packets are not shown, N/A is not zero."""
    tally = Tally()
    for line in (
        "0,-0.033000,-0.066000,0.033000,KD", "0,0.000000,-0.033000,0.033000,K__", "0,0.100000,0.000000,0.033000,___",
        "0,0.033000,0.033000,0.033000,___", "0,0.066000,0.066000,0.033000,___", "1,N/A,N/A,N/A,K__", "", "garbage",
    ):  # fmt: skip
        tally.add(line)
    track = tally.tracks[0]
    track.finish()
    assert (track.packets, track.shown, track.key_packets) == (5, 4, 1)
    assert track.span_s == pytest.approx(0.133)
    assert track.gap_s == pytest.approx(0.034)  # as they are shown, not as they come
    assert tally.tracks[1].packets == 1
    assert tally.tracks[1].span_s == 0.0


def test_without_durations_the_last_packet_lasts_as_long_as_one_does() -> None:
    tally = Tally()
    for number in range(10):
        tally.add(f"0,{number / 10:.6f},N/A,N/A,K__")
    assert tally.tracks[0].span_s == pytest.approx(1.0)


def test_rates_stay_fractions() -> None:
    found = document(video(avg_frame_rate="30000/1001"), p0={"shown": 300, "span_s": 10.01})
    columns = parse(found).columns()
    assert Fraction(columns["frame_rate_num"], columns["frame_rate_den"]) == Fraction(30_000, 1001)


def test_a_matrix_alone_tells_the_primaries() -> None:
    """ffmpeg 7.1 and newer write `-colorspace bt2020nc` and drop primaries and transfer that were asked for beside it."""
    found = parse(document(video(color_space="bt2020nc"))).video
    assert found is not None and found.wide
    assert colour.tags(found) == {"colorspace": "bt2020nc", "color_primaries": "bt2020", "color_trc": "bt709"}
    plain = parse(document(video(color_space="smpte170m"))).video
    assert plain is not None and not plain.wide and colour.tags(plain)["color_primaries"] == "smpte170m"


def test_an_encoder_s_padding_is_not_counted() -> None:
    """2,048 samples at 8 kHz in front, 512 at the end: the sound begins later and is shorter, in what was measured as in what is made."""
    tally = Tally()
    for number in range(27):
        padding = {0: ",2048,0", 26: ",0,512"}.get(number, "")
        tally.add(f"0,{number * 0.128:.6f},N/A,0.128000,K_{padding}")
    found = document(audio(0, sample_rate="8000"))
    found["packets"] = {"0": tally.tracks[0].facts()}
    sound = parse(found).audio
    assert sound is not None
    assert sound.start_s == pytest.approx(0.256)
    assert sound.duration_s == pytest.approx(27 * 0.128 - 0.256 - 0.064)


def steps(*parts: tuple[int, float], last: float = 0.04) -> dict[str, Any]:
    """The facts of a track: so many pictures at such a step, one part after another."""
    tally, at = Tally(), 0.0
    for count, step in parts:
        for _ in range(count):
            tally.add(f"0,{at:.6f},{at:.6f},{step:.6f},K_")
            at += step
    tally.add(f"0,{at:.6f},{at:.6f},{last:.6f},K_")
    return tally.tracks[0].facts()


@pytest.mark.parametrize(
    ("facts", "rate"),
    [
        (steps((60, 1 / 30), (1, 6.0), (60, 1 / 30), (1, 6.0), (120, 1 / 30)), 30),  # bursts and pauses
        (steps((30, 1 / 30), (20, 0.1)), 30),  # fast, then slow
        (steps((100, 0.04), last=10.0), 25),  # the last one is said to stand for ten seconds
        (steps((100, 0.04), last=0.0), 25),
        (steps(*[(1, 1 / 30), (1, 0.05)] * 60), 24),  # film on a clock of 60: 2:3
        (steps(*[(1, 0.030), (1, 0.037), (1, 0.033)] * 40), 30),  # a phone
        (steps(*[(1, 1 / 60), (1, 1 / 30)] * 60), 60),  # a game that drops every third picture
    ],
)
def test_the_rate_is_that_of_the_moving_parts(facts: dict[str, Any], rate: int) -> None:
    stream = video(avg_frame_rate="0/0", r_frame_rate="0/0")
    found = document(stream)
    found["packets"] = {"0": facts}
    chosen = parse(found).video
    assert chosen is not None and chosen.rate == rate


def test_a_clock_that_steps_back_is_seen() -> None:
    tally = Tally()
    for at in [*range(50), *range(50)]:
        tally.add(f"0,{at / 25:.6f},{at / 25:.6f},0.040000,K_")
    facts = tally.tracks[0].facts()
    assert facts["back_s"] == pytest.approx(1.96)
    assert facts["gap_s"] == pytest.approx(0.04)


def test_pieces_of_one_clock_each_follow_each_other() -> None:
    """The last sound of a piece is read behind the first picture of the next one, and belongs to its own piece."""
    tally = Tally()
    for piece in range(3):
        for at in range(10):
            tally.add(f"0,{1 + at / 10:.6f},{1 + at / 10:.6f},0.100000,K_")
            if piece and not at:
                tally.add("1,1.900000,1.900000,0.100000,K_")
            if at < 9:
                tally.add(f"1,{1 + at / 10:.6f},{1 + at / 10:.6f},0.100000,K_")
    moves = clock.shifts(tally.tracks, [0, 1])
    assert moves is not None
    assert moves["0"] == [(0, 0.0), (10, 1.0), (20, 2.0)]
    assert moves["1"] == [(0, 0.0), (10, 1.0), (20, 2.0)]


def test_tracks_that_do_not_restart_alike_are_left_to_ffmpeg() -> None:
    tally = Tally()
    for at in [*range(50), *range(50)]:
        tally.add(f"0,{at / 25:.6f},{at / 25:.6f},0.040000,K_")
    for at in range(100):
        tally.add(f"1,{at / 25:.6f},{at / 25:.6f},0.040000,K_")
    assert clock.shifts(tally.tracks, [0, 1]) is None
    assert clock.shifts(tally.tracks, [0]) == {"0": [(0, 1.0), (50, 3.0)]}
