"""What is printed: data that cannot paint a terminal, JSON that keeps its types, columns that line up."""

from __future__ import annotations

import json
import re
import sys
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

import pytest
from rich.cells import cell_len

from reelq.cli import videos
from reelq.cli.jobs import commands
from reelq.cli.terminal import fit, output, text
from reelq.cli.terminal.output import Column

HOSTILE = "\x1b[2J\x1b]0;owned\x07 a\nb\r\t\x9b31m\u202egpj.exe\udc80 😀‍💻 [red]x[/red]"


def test_clean_spells_out_what_a_terminal_acts_on_and_keeps_the_rest():
    cleaned = text.clean(HOSTILE)
    assert cleaned == "\\e[2J\\e]0;owned\\x07 a\\nb\\r\\t\\x9b31m\\u202egpj.exe\\udc80 😀‍💻 [red]x[/red]"
    assert cleaned.encode()


def test_json_line_is_one_line_without_control_characters_and_means_the_same():
    line = text.to_json({"title": HOSTILE})
    assert not text.UNSAFE.search(line)
    assert json.loads(line)["title"] == HOSTILE
    assert "😀" in line


def test_json_types():
    row = {
        "id": UUID(int=1),
        "at": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        "took": timedelta(seconds=1.5),
        "whole": Decimal("3.000"),
        "part": Decimal("2.5"),
        "rate": Fraction(30000, 1001),
        "none": None,
        "words": ("a", "b"),
    }
    assert json.loads(text.to_json(row)) == {
        "id": "00000000-0000-0000-0000-000000000001",
        "at": "2026-01-02T03:04:05+00:00",
        "took": 1.5,
        "whole": 3,
        "part": 2.5,
        "rate": "30000/1001",
        "none": None,
        "words": ["a", "b"],
    }


@pytest.mark.parametrize(
    ("shown", "wanted"),
    [
        (text.size(0), "0 B"), (text.size(999), "999 B"), (text.size(1000), "1.0 kB"), (text.size(99_960_000), "100 MB"),
        (text.bit_rate(640_000), "640 kb/s"), (text.bit_rate(4_200_000), "4.2 Mb/s"),
        (text.duration(0.4), "0.4 s"), (text.duration(12), "12 s"), (text.duration(59.96), "1:00"),
        (text.duration(185), "3:05"), (text.duration(3723), "1:02:03"), (text.duration(200_000), "2 d 7 h"),
        (text.bar(0.5, 4), "██  "), (text.bar(1.5, 2), "██"), (text.bar(None, 3), "···"), (text.percent(0.474), "47%"),
    ],
)  # fmt: skip
def test_values_as_people_read_them(shown, wanted):
    assert shown == wanted


def test_pipe_gets_aligned_columns_that_are_never_shortened(capsys):
    long = "x" * 300
    rows = [{"name": "wide 漢字", "number": 7, "more": long}, {"name": "b", "number": 1234, "more": None}]
    assert output.emit(rows, False, ("name", Column("number", right=True), "more")) == 2
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "NAME       NUMBER  MORE"
    assert lines[1] == "wide 漢字       7  " + long
    assert lines[2] == "b            1234"


ID = str(UUID(int=7))
TITLES = ["A plain title", "漢字の非常に長いタイトル" * 4, "emoji 😀‍💻👩‍👩‍👧 title", "שלום עולם", "very long title " * 15, HOSTILE * 5]
# What the tables of commands are made of: an id, a word that stays, a name, numbers, a code, a sentence.
TABLE = (
    Column("id", keep=True),
    Column("status", keep=True),
    Column("title"),
    Column("size_bytes", "size on disk", right=True),
    Column("made", right=True, spare=True),
    Column("error_code", "error"),
)


def screen(capsys, monkeypatch, width: int, rows, columns) -> list[str]:
    monkeypatch.setattr(output, "on_terminal", lambda: True)
    monkeypatch.setenv("COLUMNS", str(width))
    output.emit(rows, False, columns)
    return capsys.readouterr().out.splitlines()


@pytest.mark.parametrize("width", [40, 60, 80, 100, 120, 200])
def test_a_table_fits_the_terminal_and_names_stay_readable(capsys, monkeypatch, width):
    rows = [
        {"id": ID, "status": "pending", "title": title, "size_bytes": 123456, "made": 3, "error_code": "unreadable_media"}
        for title in TITLES
    ]
    told = screen(capsys, monkeypatch, width, rows, TABLE)
    assert max(map(cell_len, told)) <= width
    assert not text.UNSAFE.search("".join(told))
    everything = "".join(told)
    assert everything.count("pending") == len(rows)
    if width >= 60:
        assert "A plain" in everything and "漢字の" in everything
        assert everything.count("unreadab") == len(rows)
    if width >= 60:  # an id is whole in its line, or goes on in the next one after its third dash
        assert everything.count(ID) == len(rows) or sum(line.startswith(ID[:19]) for line in told) == len(rows)
        assert (sum(line.startswith(ID[19:]) for line in told) == len(rows)) == (ID not in everything)


@pytest.mark.parametrize("width", range(60, 201, 5))
def test_ids_of_videos_are_whole_beside_names_that_can_be_read(capsys, monkeypatch, width):
    columns = videos.COLUMNS
    row = {"id": ID, "status": "downloading", "tenant": "acme", "duration_seconds": 93, "height": 1080, "variants": 3, "created_at": datetime.now(UTC)}
    rows = [{**row, "title": title, "error_code": "unreadable_media"} for title in TITLES]
    told = screen(capsys, monkeypatch, width, rows, columns)
    assert max(map(cell_len, told)) <= width
    assert sum(ID in line and "downloading" in line for line in told) == len(rows) == len(told) - 2
    assert sum("A plain" in line for line in told) == 1
    if width >= 80:
        assert sum("unreadable_m" in line for line in told) == len(rows)


@pytest.mark.parametrize("width", range(60, 201, 5))
def test_how_attempts_ended_and_why_is_read_at_any_width(capsys, monkeypatch, width):
    """Where there is little room, times and workers are left to --json."""
    row = {"attempt": 1, "outcome": "failed", "started_at": datetime.now(UTC), "ended_at": datetime.now(UTC), "worker_id": "encoder3.rack7.example.org:cpu:7:ab12"}
    row |= {"error_class": "permanent", "code": "unreadable_media", "message": "The file cannot be read as a video: it ends in its first second."}
    told = screen(capsys, monkeypatch, width, [row], commands.ATTEMPTS)
    assert max(map(cell_len, told)) <= width
    assert "…" not in re.sub(r"encoder3\S*…", "", "".join(told))
    assert "failed" in told[2] and "unreadable_media" in told[2] and "The file" in told[2]
    assert ("encoder3" in told[2]) or width < 160


def test_an_id_is_folded_where_nothing_else_is_left(capsys, monkeypatch):
    rows = [{"id": ID, "title": "A plain title", "error": "x" * 30, "size": 7}]
    columns = (Column("id", keep=True, whole=True), "title", Column("size", right=True), "error")
    assert screen(capsys, monkeypatch, 30, rows, columns)[2:] == [ID[:19], ID[19:]]


def test_a_number_is_never_cut(capsys, monkeypatch):
    rows = [{"name": "x" * 50, "count": 1234567890, "id": ID}]
    for width in range(20, 120):
        told = " ".join(screen(capsys, monkeypatch, width, rows, (Column("id", keep=True), "name", Column("count", right=True))))
        assert "1234567890" in told or "12" not in told


@pytest.mark.parametrize(
    ("text_", "width", "lines"),
    [
        ("queue.dependency_history_2026_11", 20, ["queue.dependency_", "history_2026_11"]),
        ("host-17.example.com:gpu:12345", 24, ["host-17.example.com:gpu:", "12345"]),
        ("漢字漢字", 5, ["漢字", "漢字"]),
        ("x" * 7, 3, ["xxx", "xxx", "x"]),
    ],
)
def test_a_name_goes_on_after_a_sign_that_divides_it(text_, width, lines):
    assert fit.fold(text_, width) == lines


def test_times_on_a_terminal_are_local_and_name_their_zone(capsys, monkeypatch):
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        for at in (datetime(2026, 7, 1, 10, 0, tzinfo=UTC), "2026-07-01T10:00:00.12345+00:00"):
            output.emit_record({"created_at": at}, False)
        assert capsys.readouterr().out == "created at  2026-07-01 12:00:00 CEST\n" * 2
        output.emit_record({"created_at": datetime(2026, 7, 1, 10, 0, tzinfo=UTC)}, True)
        assert capsys.readouterr().out == '{"created_at": "2026-07-01T10:00:00+00:00"}\n'
    finally:
        monkeypatch.delenv("TZ")
        time.tzset()


@pytest.mark.parametrize("width", [60, 79, 80, 200])
def test_a_line_with_an_id_keeps_the_id_whole(capsys, monkeypatch, width):
    monkeypatch.setattr(output, "on_terminal", lambda: True)
    monkeypatch.setenv("COLUMNS", str(width))
    output.paragraph(f"10:00:00  {ID}  generate_thumbnail  failed       unreadable_media", ID)
    told = capsys.readouterr().out.splitlines()
    assert max(map(cell_len, told)) <= width
    assert sum(ID in line for line in told) == 1


def test_a_sentence_goes_on_in_the_next_line(capsys, monkeypatch):
    monkeypatch.setattr(output, "on_terminal", lambda: True)
    monkeypatch.setenv("COLUMNS", "40")
    words = [f"word{number}" for number in range(30)]
    output.emit([{"id": "x", "text": " ".join(words)}], False, (Column("id", keep=True), Column("text", wrap=True)))
    told = capsys.readouterr().out
    assert told.split()[-31:] == ["x", *words]
    assert max(map(cell_len, told.splitlines())) <= 40


def test_stderr_is_cleaned_too(capsys):
    output.fail("bad \x1b[31mname", "try \x07")
    assert capsys.readouterr().err == "reelq: bad \\e[31mname\nhint: try \\x07\n"


def test_letters_that_the_terminal_lacks_become_escapes(capsys, monkeypatch):
    class Latin:
        encoding = "ascii"

        def __init__(self) -> None:
            self.got = ""

        def write(self, part: str) -> None:
            part.encode("ascii")
            self.got += part

    stream = Latin()
    monkeypatch.setattr(sys, "stdout", stream)
    output.line("é 😀")
    assert stream.got == "\\xe9 \\U0001f600\n"


@pytest.mark.parametrize(("width", "headings"), [(60, ["id", "rate", "age", "why"]), (20, ["id", "why"])])
def test_columns_to_spare_are_left_out_where_a_terminal_is_narrow(monkeypatch, capsys, width, headings):
    monkeypatch.setattr(output, "on_terminal", lambda: True)
    monkeypatch.setenv("COLUMNS", str(width))
    columns = (Column("id", keep=True), Column("rate", spare=True), Column("age", spare=True), Column("why"))
    output.emit([{"id": "0123456789", "rate": 1, "age": 2, "why": "it broke"}], False, columns)
    assert capsys.readouterr().out.splitlines()[0].split() == headings
