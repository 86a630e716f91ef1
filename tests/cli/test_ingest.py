"""reelq ingest: what is taken, what is refused before anything is written, and --wait."""

from __future__ import annotations

import os

import pytest

from reelq.cli.terminal import live, waiting
from reelq.worker.rooms import media, queue

KEYS = ["video_id", "source_url", "title", "status", "variants", "error_code", "error_message"]
NAMES = ["new\nline.mp4", 'quo"te\'s.mp4', "-dash.mp4", "emoji 😀.mp4", "100%.mp4", "--wait", "a=b $(x) `y`.mp4", "\x1b[2J.mp4"]


def count(conn):
    return conn.execute("select count(*) from media.videos").fetchone()[0]


def test_file_becomes_a_video_with_the_jobs_of_its_pipeline(reelq, conn, clip):
    done = reelq("ingest", clip, "--json")
    assert done.code == 0
    assert list(done.row) == KEYS
    assert (done.row["source_url"], done.row["title"], done.row["status"]) == (str(clip), "clip.mp4", "pending")
    jobs = reelq("jobs", "list", "--video", done.row["video_id"], "--json").rows
    assert len(jobs) == 5


def test_relative_path_becomes_absolute(reelq, clip, monkeypatch):
    monkeypatch.chdir(clip.parent)
    assert reelq("ingest", clip.name, "--json").row["source_url"] == str(clip)
    assert reelq("ingest", clip.as_uri(), "--json").row["source_url"] == str(clip)


@pytest.mark.parametrize("name", NAMES)
def test_strange_names_arrive_as_they_are_and_are_shown_harmlessly(reelq, conn, tmp_path, monkeypatch, name):
    (tmp_path / name).write_bytes(b"x")
    monkeypatch.chdir(tmp_path)
    done = reelq("ingest", "--json", "--", name)
    assert done.row["source_url"] == str(tmp_path / name)
    stored = conn.execute("select source_url, original_filename from media.assets").fetchone()
    assert stored == (str(tmp_path / name), name)
    shown = reelq("videos", "list").out
    assert len(shown.splitlines()) == 2
    assert "\x1b" not in shown


def test_all_or_nothing(reelq, conn, clip, tmp_path):
    done = reelq("ingest", clip, tmp_path / "missing.mp4", tmp_path, "ftp://x/y", "https://", "s3://bucket")
    assert (done.code, done.out) == (2, "")
    for words in ("missing.mp4' must be an existing file", "must be a file, not a folder", "not ftp://", "must be a whole URL"):
        assert words in done.err
    assert count(conn) == 0


def test_refusal_by_the_database_leaves_nothing_behind(reelq, conn, clip):
    assert reelq("ingest", clip, clip, "--tenant", "nobody").code == 2
    assert reelq("ingest", clip, "--pipeline", "nothing").code == 2
    assert reelq("ingest", clip, "--user", "01976b1e-5a3c-7d4e-8f00-0123456789ab").code == 2
    assert "no user" in reelq("ingest", clip, "--user", "nobody@example.com").err
    assert count(conn) == 0


def test_other_things_than_files_are_refused(reelq, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert "must be a regular file" in reelq("ingest", tmp_path / "pipe").err
    (tmp_path / "odd").symlink_to(tmp_path / "nowhere")
    assert "must be an existing file" in reelq("ingest", tmp_path / "odd").err


def test_name_that_is_not_utf8_is_refused_with_a_reason(reelq, tmp_path):
    name = os.fsdecode(b"\xff.mp4")
    (tmp_path / name).write_bytes(b"x")
    done = reelq("ingest", tmp_path / name)
    assert done.code == 2
    assert "must have a name in UTF-8" in done.err


def test_urls_are_taken_and_named_after_their_last_part(reelq):
    rows = reelq("ingest", "https://media.example/a%20talk.mp4?x=1", "s3://bucket/dir/key.mov", "--json").rows
    assert [row["title"] for row in rows] == ["a talk.mp4", "key.mov"]


def test_options_reach_their_step_as_json_values(reelq, conn, clip):
    done = reelq("ingest", clip, "--option", "ladder.renditions=720p,360p", "--option", "ladder.crf=21", "--json")
    (data,) = conn.execute(
        "select job_data from queue.processing_jobs where video_id = %s and pipeline_step = 'ladder'",
        [done.row["video_id"]],
    ).fetchone()
    assert (data["renditions"], data["crf"]) == ("720p,360p", 21)


def test_title_is_for_a_single_source(reelq, conn, clip):
    assert reelq("ingest", clip, clip, "--title", "x").code == 2
    assert reelq("ingest", clip, "--title", "A talk", "--json").row["title"] == "A talk"


def fail_on_wait(conn, monkeypatch):
    """The first job of the first video fails while the command waits."""

    def wait(_seconds):
        queue.register_worker(
            conn, "w1", host="h", pid=1, version="0", pool="p", slots=1, types=None, capabilities=[], process_key=None
        )
        for held in queue.settle_and_claim(conn, "w1", 1, [], queue.FULL_LOOK):
            queue.fail_job(conn, held.job_id, held.token, "permanent", "unreadable_media", "No video.", {})
        return False

    monkeypatch.setattr(live, "wait", wait)


def test_wait_tells_steps_and_ends_with_1_when_one_failed(reelq, conn, clip, monkeypatch):
    fail_on_wait(conn, monkeypatch)
    done = reelq("ingest", clip, "--wait", "--json")
    assert done.code == 1
    assert list(done.row) == KEYS
    assert (done.row["status"], done.row["error_code"]) == ("failed", "unreadable_media")
    assert done.err.splitlines() == [
        "No worker is running; start one: reelq worker run",
        "clip.mp4: pending",
        "clip.mp4: failed (unreadable_media: No video.)",
    ]


def test_wait_ends_with_0_when_all_are_ready(reelq, conn, clip, monkeypatch):
    def wait(_seconds):
        for video in media.list_videos(conn):
            media.put_variant(conn, video.asset_id, {
                "profile": "h264-240p", "bucket": "file:///x", "key": "k", "size_bytes": 1, "sha256": "0" * 64,
                "mime": "video/mp4",
            })  # fmt: skip
            media.finish_video(conn, video.id)
        return False

    monkeypatch.setattr(live, "wait", wait)
    done = reelq("ingest", clip, "--wait")
    assert (done.code, "ready" in done.out) == (0, True)


def test_name_with_a_line_break_stays_on_one_line_of_the_news(reelq, conn, tmp_path, monkeypatch):
    (tmp_path / "two\nlines.mp4").write_bytes(b"x")
    fail_on_wait(conn, monkeypatch)
    done = reelq("ingest", tmp_path / "two\nlines.mp4", "--wait", "--json")
    assert done.err.splitlines()[1] == "two\\nlines.mp4: pending"


def test_ctrl_c_while_waiting_says_that_the_work_goes_on(reelq, conn, clip, monkeypatch):
    def wait(_seconds):
        raise KeyboardInterrupt

    monkeypatch.setattr(live, "wait", wait)
    done = reelq("ingest", clip, "--wait")
    assert done.code == 130
    assert "The work goes on" in done.err
    assert count(conn) == 1


def test_live_lines_fit_and_are_not_painted_by_titles(reelq, conn, clip):
    from rich.console import Console

    video = queue.ingest_video(conn, str(clip), title="\x1b[31mred [bold]x")
    seen = waiting.Waiting([video])
    seen.look(conn)
    console = Console(width=80, height=24, record=True, force_terminal=True, color_system=None)
    with console.capture() as told:
        console.print(seen.draw(80, 24))
    assert "\\e[31mred [bold]x" in told.get()
    assert "\x1b[31m" not in told.get()


def test_watch_raises_when_the_database_is_away_at_first(bare):
    assert live.wait(0) is False
    assert bare("--database-url", "postgresql://127.0.0.1:1/x", "jobs", "tail").code == 75
