"""ffmpeg's -progress lines."""

from __future__ import annotations

from reelq.worker.av.progress import EncodeProgress, Reader


def test_blocks_become_progress_and_headway_is_told() -> None:
    seen: list[EncodeProgress] = []
    reader = Reader(seen.append)
    text = "frame=0\nout_time_us=N/A\nspeed=N/A\nprogress=continue\n"
    text += "frame=30\nout_time_us=1000000\nout_time_ms=1000000\nspeed=1.5x\nprogress=continue\n"
    text += "frame=30\nout_time_us=1000000\nspeed=1.0x\nprogress=continue\n"
    text += "frame=60\nout_time_us=2000000\nspeed= 2.0x\nprogress=end\n"
    headway = [reader.take(line) for line in text.splitlines() if line]
    assert [one for line, one in zip(text.splitlines(), headway, strict=True) if line.startswith("progress")] == [
        False, True, False, True,
    ]  # fmt: skip
    assert seen == [
        EncodeProgress(None, 0, None, done=False),
        EncodeProgress(1.0, 30, 1.5, done=False),
        EncodeProgress(1.0, 30, 1.0, done=False),
        EncodeProgress(2.0, 60, 2.0, done=True),
    ]


def test_time_never_goes_back() -> None:
    """7.1 tells the time of one result and then of another that is not as far."""
    seen: list[EncodeProgress] = []
    reader = Reader(seen.append)
    for line in ("out_time_us=2000000", "progress=continue", "out_time_us=1800000", "progress=continue"):
        reader.take(line)
    assert [one.out_s for one in seen] == [2.0, 2.0]


def test_a_negative_time_is_no_time() -> None:
    seen: list[EncodeProgress] = []
    reader = Reader(seen.append)
    reader.take("out_time_us=-9223372036854775807")
    reader.take("progress=continue")
    assert seen[0].out_s is None
