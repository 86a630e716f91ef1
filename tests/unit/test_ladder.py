"""Which renditions a video gets."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelq.worker.av.encode import ladder
from reelq.worker.av.encode.ladder import RUNGS, options, plan
from reelq.worker.errors import PermanentError

RATE = Fraction(30)


def sizes(width: int, height: int, wanted: list[str] | None = None) -> dict[str, tuple[int, int]]:
    return {rung.profile: (rung.width, rung.height) for rung in plan(width, height, RATE, wanted)}


def test_full_hd_fills_all_rungs() -> None:
    assert sizes(1920, 1080) == {
        "h264-1080p": (1920, 1080), "h264-720p": (1280, 720), "h264-480p": (854, 480), "h264-360p": (640, 360),
        "h264-240p": (426, 240),
    }  # fmt: skip


def test_portrait_goes_by_the_short_side() -> None:
    assert sizes(720, 1280)["h264-480p"] == (480, 854)


def test_what_is_larger_than_the_largest_rung_is_made_smaller_only() -> None:
    assert next(iter(sizes(3840, 2160))) == "h264-1080p"


@pytest.mark.parametrize(("width", "height", "own"), [(960, 540, "h264-540p"), (161, 121, "h264-120p"), (2, 2, "h264-2p")])
def test_a_source_that_is_no_rung_keeps_its_size(width: int, height: int, own: str) -> None:
    assert next(iter(sizes(width, height))) == own
    assert sizes(width, height)[own] == (width // 2 * 2, height // 2 * 2)


def test_wanted_rungs_only_and_the_best_there_is_for_one_that_is_too_large() -> None:
    assert list(sizes(854, 480, ["360p"])) == ["h264-360p"]
    assert list(sizes(854, 480, ["1080p", "240p"])) == ["h264-480p", "h264-240p"]
    assert list(sizes(320, 180, ["720p"])) == ["h264-180p"]
    assert list(sizes(320, 180, ["240p"])) == ["h264-180p"]
    assert list(sizes(960, 540, ["480p"])) == ["h264-480p"]


def test_fast_pictures_may_have_more_bits_and_small_ones_fewer() -> None:
    slow, fast = plan(1280, 720, Fraction(30))[0], plan(1280, 720, Fraction(60))[0]
    assert fast.maxrate_kbps == 1.5 * slow.maxrate_kbps == 4200
    assert RUNGS[480] < plan(960, 540, RATE)[0].maxrate_kbps < RUNGS[720]
    assert plan(160, 120, RATE)[0].maxrate_kbps == 100


@given(st.integers(1, 20_000), st.integers(1, 20_000), st.sampled_from([None, ["1080p"], ["240p", "480p"]]))
def test_any_size_gives_rungs_that_an_encoder_takes(width: int, height: int, wanted: list[str] | None) -> None:
    """Even, not enlarged, no two alike, in the source's shape, not longer than decoders take."""
    rungs = plan(width, height, RATE, wanted)
    assert rungs
    assert len({rung.profile for rung in rungs}) == len(rungs)
    for rung in rungs:
        assert rung.width % 2 == 0 and rung.height % 2 == 0
        assert 2 <= rung.width <= max(2, width + 1) and 2 <= rung.height <= max(2, height + 1)
        assert max(rung.width, rung.height) <= ladder.MOST_LONG_SIDE
        assert rung.maxrate_kbps >= ladder.LEAST_KBPS
        if min(rung.width, rung.height) > 40 and max(width, height) < 20 * min(width, height):
            assert rung.width / rung.height == pytest.approx(width / height, rel=0.06)


@pytest.mark.parametrize("text", ["720p,360p", "h264-720p 360p", ["720p", "h264-360p"]])
def test_options_come_as_text_or_list(text: object) -> None:
    assert options(text).renditions == ("720p", "360p")


def test_crf_comes_as_number_or_text() -> None:
    assert options(None, 20).crf == options(None, "20").crf == 20
    assert options().crf == ladder.DEFAULT_CRF


@pytest.mark.parametrize(
    ("renditions", "crf"), [(["4k"], None), ([], None), ("", None), (7, None), (None, 5), (None, "x"), (None, True)]
)
def test_options_that_make_no_sense_are_refused(renditions: object, crf: object) -> None:
    with pytest.raises(PermanentError) as caught:
        options(renditions, crf)
    assert caught.value.code == "bad_options"
