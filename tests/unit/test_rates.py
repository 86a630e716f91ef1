"""Frame rates: what was meant, and what is made of it."""

from __future__ import annotations

from fractions import Fraction

import pytest

from reelq.worker.av.probe import rates

NTSC, FILM = Fraction(30_000, 1001), Fraction(24_000, 1001)


@pytest.mark.parametrize("text", ["0/0", "N/A", "", None, "-1/1", "x"])
def test_unknown_rates_are_none(text: str | None) -> None:
    assert rates.parse(text) is None


def test_exact_fractions_stay_exact() -> None:
    assert rates.parse("30000/1001") == NTSC


@pytest.mark.parametrize(
    ("pictures", "seconds", "declared", "expected"),
    [
        (149, 4.971633, ["30000/1001"], NTSC),  # what a phone says is right
        (720, 30.0, ["24/1"], Fraction(24)),
        (719, 29.988, ["24000/1001"], FILM),  # as near to 24; the container decides
        (30, 1.0, ["1000/1"], Fraction(30)),  # Matroska's average rate of a 30 fps file
        (53, 1.77, ["0/0", "120/1"], NTSC),  # r_frame_rate of a motion photo
        (1000, 1.0, ["1000/1"], Fraction(1000)),
        (60, 2.0232, ["102400/3453", "30/1"], Fraction(30)),  # a fragmented MP4, whose first step is long
        (44, 3.0, ["44/3", "30/1"], Fraction(44, 3)),  # a screen recording
    ],
)
def test_the_rate_that_was_meant(pictures: int, seconds: float, declared: list[str], expected: Fraction) -> None:
    assert rates.snap(pictures, seconds, [rates.parse(text) for text in declared]) == expected


def test_without_pictures_or_time_there_is_no_rate() -> None:
    assert rates.snap(0, 1.0, []) is None
    assert rates.snap(10, 0.0, []) is None


@pytest.mark.parametrize(
    ("source", "made"),
    [
        (NTSC, NTSC), (Fraction(120), Fraction(60)), (Fraction(100), Fraction(50)), (Fraction(1000), Fraction(60)),
        (Fraction(44, 3), Fraction(15_000, 1001)), (Fraction(1, 10), Fraction(1)), (None, Fraction(25)),
        (Fraction(60_000, 1001), Fraction(60_000, 1001)), (Fraction(90), Fraction(60)),
    ],
)  # fmt: skip
def test_renditions_have_a_known_rate_of_at_most_60(source: Fraction | None, made: Fraction) -> None:
    assert rates.for_output(source) == made
