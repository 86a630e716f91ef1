"""docs/coverage.md is true: what it names is there; and a name that is wrong would be found."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tools import coverage

Conn = psycopg.Connection[Any]
HEAD = f"## S0: A source\n\n| {' | '.join(coverage.HEADER)} |\n| --- | --- | --- | --- | --- |\n"


@pytest.fixture
def page() -> str:
    """The document."""
    return coverage.PAGE.read_text(encoding="utf-8")


def told(*cells: str) -> list[str]:
    """What is wrong with a row of these cells, without its line."""
    return [one.removeprefix("line 5: ") for one in coverage.mistakes(f"{HEAD}| {' | '.join(cells)} |\n")]


def test_all_that_the_page_names_is_there(page):
    assert coverage.mistakes(page) == []


def test_what_it_names_of_the_database_is_in_an_installed_one(conn: Conn, page: str) -> None:
    """The files of sql/ are read as text; the catalogue knows better."""
    named = {name for row in coverage.rows(page) for place in row.places() if coverage.OBJECT.fullmatch(place) for name in coverage.expand(place)}
    found = conn.execute(
        """
        with of_ours as (
            select c.oid, n.nspname || '.' || c.relname as name from pg_class as c inner join pg_namespace as n on n.oid = c.relnamespace
            where c.relkind in ('r', 'p', 'v')
        )
        select name from of_ours
        union all select name || '.' || attname from pg_attribute inner join of_ours on attrelid = oid where attnum > 0 and not attisdropped
        union all select name || '.' || conname from pg_constraint inner join of_ours on conrelid = of_ours.oid
        union all select name || '.' || polname from pg_policy inner join of_ours on polrelid = of_ours.oid
        union all select name || '.' || tgname from pg_trigger inner join of_ours on tgrelid = of_ours.oid
        union all select o.name || '.' || i.relname from pg_index inner join of_ours as o on indrelid = o.oid inner join pg_class as i on i.oid = indexrelid
        union all select pronamespace::regnamespace || '.' || proname || '()' from pg_proc
        """
    ).fetchall()
    assert len(named) > 100
    assert named - {name for (name,) in found} == set()


@pytest.mark.parametrize(
    "place",
    [
        "sql/schema/20_media/99_nothing.sql",
        "../reelq/sql/README.md",
        "worker/settings.py#no_such_word",
        "worker/stores/base.py#LINK_LIFE",  # a part of a word is another word
        "worker/stores#LINK_LIFE_S",
        "tests/sql/test_nothing.py",
        "tests/sql/test_base.py::test_nothing",
        "tests/sql/test_base.py::test_ids_are_version",
        "tests/sql/test_identity.py::add_user",
        "media.nothing",
        "media.videos.nothing",
        "media.videos.{id, nothing}",
        "media.videos()",
        "media.create_video",
        "media.variants.status_is_known",
        "nowhere.videos",
        "REELQ_NOTHING",
        "reelq nothing",
        "reelq jobs nothing",
        "reelq jobs list --nothing",
        "reelq jobs --status",
        "./run nothing",
        "python -m tools.nothing",
    ],
)
def test_a_wrong_place_would_be_found(page, place):
    """Beside a right one, in either cell; and in the page itself, in the place of a right one."""
    expected = [f"`{place}` is not there"]
    assert told("a", "b", "built", f"`sql/README.md`, `{place}`", "`reelq top`") == expected
    assert told("a", "b", "not yet: later", "—", f"`{place}`") == expected
    assert any(one.endswith(expected[0]) for one in coverage.mistakes(page.replace("`media.videos.title`", f"`{place}`")))


@pytest.mark.parametrize(
    "place",
    [
        "sql/README.md",
        "worker/stores/base.py#LINK_LIFE_S",
        "tests/sql/test_base.py::test_no_setting_means_no_tenant",
        "media.videos",
        "media.video_urls.preview_key",
        "media.videos.{id, videos_by_user, status_is_known, touch_status, owner_sees_all}",
        "queue.job_history.tenant_sees_its_own",
        "queue.job_history.priority",
        "queue.processing_jobs.nobody_updates",
        "queue.tg_guard_job()",
        "REELQ_STORE",
        "reelq jobs list --status failed",
        "reelq jobs show ID --json",
        "reelq queue settings",
        "./run lint",
        "./run bench queue",
        "python -m tests.rules",
        "python -m tools.coverage",
    ],
)
def test_what_is_there_is_found(place):
    assert told("a", "b", "built", f"`{place}`", f"`{place}`") == []


@pytest.mark.parametrize(
    ("cells", "mistake"),
    [
        (("a", "b", "done", "`media.videos`", "`reelq top`"), "state must be built, otherwise, or 'not yet: <part>', not 'done'"),
        (("a", "b", "not yet", "—", "—"), "state must be built, otherwise, or 'not yet: <part>', not 'not yet'"),
        (("a", "b", "built", "somewhere", "`reelq top`"), "what is built has a place and a test or command that shows it, in backticks"),
        (("a", "b", "built", "`media.videos`", "—"), "what is built has a place and a test or command that shows it, in backticks"),
        (("a", "b", "otherwise", "we did not want it", "—"), "what is decided otherwise names the decision, as (names: sync_status)"),
        (("a", "b", "otherwise", "we did not want it (taste)", "—"), "what is decided otherwise names the decision, as (names: sync_status)"),
        (("a", "b", "not yet: later", "media.videos, some day", "—"), "media.videos is there now: say so, in backticks"),
        (("a", "b", "built", "", "`reelq top`"), "a row has 5 cells that say something ('—': nothing)"),
        (("a", "b", "built", "`media.videos`"), "a row has 5 cells that say something ('—': nothing)"),
    ],
)
def test_a_row_that_says_too_little_is_told(cells, mistake):
    (one,) = told(*cells)
    assert one.startswith(mistake)


def test_a_part_stands_once_in_a_source():
    row = "| a | b | not yet: later | — | — |\n"
    assert coverage.mistakes(HEAD + row + row) == ["line 6: the same part as in line 5"]
    assert coverage.mistakes(HEAD + row + HEAD.replace("S0", "S1") + row) == []


def test_the_command_counts_and_says_what_is_gone(page, capsys, monkeypatch, tmp_path):
    assert coverage.main() == 0
    *sources, total, waiting = capsys.readouterr().out.splitlines()[1:]
    assert [line[:2] for line in sources] == ["S0", "S1", "S2", "S3", "S4"]
    states = ("built", "otherwise", "not yet")
    counted = [[row.state for row in coverage.rows(page)].count(state) for state in states]
    assert [int(word) for word in total.split()[1:]] == [sum(counted), *counted]
    parts = dict(part.rsplit(" ", 1) for part in waiting.removeprefix("not yet: ").split(", "))
    assert sum(map(int, parts.values())) == counted[2]

    copy = tmp_path / "coverage.md"
    copy.write_text(page.replace("`media.assets.mime`", "`media.assets.mimes`"), encoding="utf-8")
    monkeypatch.setattr(coverage, "PAGE", copy)
    assert coverage.main() == 1
    assert capsys.readouterr().err.count("`media.assets.mimes` is not there") == 1
