"""What the benchmarks make of their figures; no server, no worker."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.document import write_section
from benchmarks.queue.driving import Start
from benchmarks.queue.goals import judge
from benchmarks.queue.measures import waits
from benchmarks.queue.protocol import RECORD, Recorder
from benchmarks.queue.report import Sample, markdown, rounds_of
from benchmarks.tables import number, table
from benchmarks.transcode.hand import moved


def drained(place: int, queue: str, rate: float) -> Sample:
    return Sample(place, "B", queue, {"jobs_s": rate, "xacts": 0.01, "buffers": 30, "wal": 2100})


def test_a_ratio_is_taken_within_a_round_and_the_verdict_is_on_the_median() -> None:
    samples = [
        drained(place, queue, rate)
        for place, pair in enumerate([(120, 100), (11, 10), (500, 1000)])
        for queue, rate in zip(("reelq", "graphile"), pair, strict=True)
    ]
    verdicts = {one.goal.text: one for one in judge(rounds_of(samples))}
    against = verdicts["drain, jobs/s: × graphile"]
    assert (against.value, against.low, against.high, against.rounds) == (1.1, 0.5, 1.2, 3)
    assert against.met
    assert not verdicts["WAL bytes a job"].met
    assert "drain, jobs/s: × pgqueuer" not in verdicts  # not measured, so not judged


def test_a_queue_that_failed_is_told_and_not_judged() -> None:
    told = markdown([drained(1, "reelq", 5), Sample(1, "B", "graphile", {}, "the worker ended with 1:\nstack")])
    assert "graphile, round 1: the worker ended with 1:" in told
    assert "× graphile" not in told


def test_a_sample_survives_its_json_line() -> None:
    sample = drained(1, "reelq", 5)
    assert Sample.parse(sample.line()) == sample


def test_latency_pairs_commit_and_start_by_job_number() -> None:
    committed = [Start(number, 10.0 + number) for number in range(101)]
    started = [Start(number, 10.0 + number + number / 1000) for number in reversed(range(101))]
    figures = waits(committed, started)
    assert [round(figures[name], 3) for name in ("p50_ms", "p95_ms", "p99_ms", "max_ms")] == [50, 95, 99, 100]


def test_the_recorder_writes_pairs_of_doubles(tmp_path: Path) -> None:
    out = tmp_path / "out"
    recorder = Recorder(str(out))
    for place in range(1000):
        recorder.note(place)
    recorder.close()
    assert [number for number, _ in RECORD.iter_unpack(out.read_bytes())] == list(range(1000))


def test_a_command_writes_its_own_section_of_the_document_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "benchmarks.md"
    write_section(path, "queue", "Queue", "old", "old \\1 table")
    write_section(path, "transcode", "Transcode", "kept", "kept table")
    write_section(path, "queue", "Queue", "new", "new \\1 table")
    text = path.read_text(encoding="utf-8")
    assert "old" not in text
    assert text.index("new \\1 table") < text.index("kept table")
    assert text.startswith("# Benchmarks")


@pytest.mark.parametrize(
    ("value", "shown"), [(0, "0"), (0.00456, "0.0046"), (0.8, "0.800"), (39.84, "39.8"), (30457.2, "30,457"), (float("inf"), "∞")]
)
def test_numbers_show_three_digits_that_count(value: float, shown: str) -> None:
    assert number(value) == shown


def test_tables_are_markdown_with_numbers_to_the_right() -> None:
    assert table(["", "jobs/s"], [["reelq", "4,100"], ["x", "9"]]).splitlines() == [
        "|       | jobs/s |",
        "| ----- | -----: |",
        "| reelq |  4,100 |",
        "| x     |      9 |",
    ]


def test_the_hand_run_command_differs_in_its_paths_only() -> None:
    command = ["ffmpeg", "-i", "file:/s/in/original.mp4", "-crf", "23", "file:/s/out/a.mp4", "file:/s/out/b.mp4"]
    assert moved(command, Path("/c.mp4"), Path("/o")) == [
        "ffmpeg", "-i", "file:/c.mp4", "-crf", "23", "file:/o/a.mp4", "file:/o/b.mp4",
    ]  # fmt: skip
