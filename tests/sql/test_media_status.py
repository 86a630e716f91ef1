"""The states of a video: forward only, ready, failed, reopened; whoever writes."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

import psycopg
import pytest

from tests.conftest import Clock
from tests.sql.mediakit import FORWARD, Conn, put_variant, record_original, refused, row, scalar, versions


@pytest.fixture
def video(conn: Conn) -> UUID:
    """A video that is pending."""
    made: UUID = scalar(conn, "select media.create_video('/in/a b.mp4', p_original_filename => 'a b.mp4')")
    return made


@pytest.fixture
def asset(conn: Conn, video: UUID) -> UUID:
    """Its asset."""
    found: UUID = scalar(conn, "select asset_id from media.get_work(%s)", video)
    return found


def test_a_video_only_goes_forward_and_late_calls_write_nothing(conn: Conn, video: UUID) -> None:
    """Jobs of one pipeline run side by side; the slower one must not turn the video back."""
    for reached in FORWARD[1:-1]:
        conn.execute("select media.advance_video(%s, %s)", [video, reached])
        before = versions(conn, video)
        for earlier in FORWARD[1 : FORWARD.index(reached) + 1]:
            conn.execute("select media.advance_video(%s, %s)", [video, earlier])
        assert scalar(conn, "select status from media.videos where id = %s", video) == reached
        assert versions(conn, video) == before


@pytest.mark.parametrize("status", ["pending", "ready", "failed", "done", "", None])
def test_advance_takes_only_the_steps_between(conn: Conn, video: UUID, status: str | None) -> None:
    """Ready and failed have functions of their own, which ask for more."""
    assert refused(conn, "select media.advance_video(%s, %s)", video, status) == "RQ008"


def test_work_begins_once(conn: Conn, clock: Clock, video: UUID) -> None:
    """processing_started_at is the first step's time."""
    started = clock.forward(5)
    conn.execute("select media.advance_video(%s, 'downloading')", [video])
    clock.forward(5)
    conn.execute("select media.advance_video(%s, 'processing')", [video])
    times = row(conn, "select processing_started_at, status_changed_at from media.videos where id = %s", video)
    assert (times["processing_started_at"], times["status_changed_at"]) == (
        started,
        started + timedelta(seconds=5),
    )


def test_a_video_with_variants_is_finished_and_its_asset_with_it(conn: Conn, clock: Clock, video: UUID, asset: UUID) -> None:
    """Ready twice is ready once."""
    record_original(conn, asset)
    put_variant(conn, asset)
    finished = clock.forward(9)
    conn.execute("select media.finish_video(%s)", [video])
    before = versions(conn, video)
    conn.execute("select media.finish_video(%s)", [video])

    assert versions(conn, video) == before
    shown = row(conn, "select * from media.video_overview where video_id = %s", video)
    assert (shown["status"], shown["asset_status"], shown["processing_completed_at"]) == (
        "ready",
        "ready",
        finished,
    )


def test_a_video_without_variants_is_not_finished(conn: Conn, video: UUID) -> None:
    """RQ009, and it stays what it was."""
    assert refused(conn, "select media.finish_video(%s)", video) == "RQ009"
    assert scalar(conn, "select status from media.videos where id = %s", video) == "pending"


def test_the_first_reason_of_a_failure_stays(conn: Conn, video: UUID, asset: UUID) -> None:
    """Jobs that fail because another did say nothing new."""
    conn.execute("select media.fail_video(%s, 'not_a_video', 'This is no video.')", [video])
    before = versions(conn, video)
    conn.execute("select media.fail_video(%s, 'parent_failed', 'A job before it failed.')", [video])

    assert versions(conn, video) == before
    shown = row(conn, "select status, error_code, error_message, asset_status from media.video_overview")
    assert shown == {
        "status": "failed",
        "error_code": "not_a_video",
        "error_message": "This is no video.",
        "asset_status": "failed",
    }


def test_a_failure_settles_whatever_it_is_called_with(conn: Conn, video: UUID) -> None:
    """The caller is settling a job: no code, a long one, an unknown video must not stop it."""
    conn.execute("select media.fail_video(%s, null, null)", [uuid4()])
    conn.execute("select media.fail_video(%s, %s, null)", [video, "x" * 80])
    assert scalar(conn, "select error_code from media.videos") == "x" * 50


def test_a_ready_video_is_not_taken_back(conn: Conn, video: UUID, asset: UUID) -> None:
    """A later job that fails, as a preview, leaves what can be watched."""
    put_variant(conn, asset)
    conn.execute("select media.finish_video(%s)", [video])
    conn.execute("select media.fail_video(%s, 'late', 'Too late.')", [video])
    assert scalar(conn, "select status from media.videos") == "ready"


def test_a_failed_video_neither_advances_nor_finishes_until_it_is_reopened(conn: Conn, video: UUID, asset: UUID) -> None:
    """Retry by hand: reopen, then the jobs go on."""
    record_original(conn, asset)
    put_variant(conn, asset)
    conn.execute("select media.fail_video(%s, 'no_frame', 'No frame.')", [video])
    conn.execute("select media.advance_video(%s, 'compressing')", [video])
    assert scalar(conn, "select status from media.videos") == "failed"
    assert refused(conn, "select media.finish_video(%s)", video) == "RQ009"

    conn.execute("select media.reopen_video(%s)", [video])
    shown = row(conn, "select status, error_code, processing_completed_at, asset_status from media.video_overview")
    assert shown == {
        "status": "pending",
        "error_code": None,
        "processing_completed_at": None,
        "asset_status": "transcoding",
    }
    conn.execute("select media.finish_video(%s)", [video])


def test_reopening_what_has_not_failed_changes_nothing(conn: Conn, video: UUID) -> None:
    """Neither status nor row version."""
    conn.execute("select media.advance_video(%s, 'processing')", [video])
    before = versions(conn, video)
    conn.execute("select media.reopen_video(%s)", [video])
    assert versions(conn, video) == before


@pytest.mark.parametrize(
    ("path", "step"),
    [
        (["processing"], "downloading"),
        (["uploading", "ready"], "failed"),
        (["ready"], "pending"),
        (["failed"], "processing"),
        (["failed"], "ready"),
    ],
)
def test_a_status_written_by_hand_obeys_too(conn: Conn, video: UUID, path: list[str], step: str) -> None:
    """Whoever writes: RQ007."""
    write = """
        update media.videos
        set status = %s, processing_completed_at = now(), error_code = case when %s = 'failed' then 'x' end
    """
    for status in path:
        conn.execute(write, [status, status])
    assert refused(conn, write, step, step) == "RQ007"


def test_a_word_that_is_no_status_is_the_check_s_to_refuse(conn: Conn, video: UUID) -> None:
    """By the name of the constraint."""
    with pytest.raises(psycopg.errors.CheckViolation) as caught:
        conn.execute("update media.videos set status = 'done'")
    assert caught.value.diag.constraint_name == "status_is_known"


def test_the_order_of_statuses_is_that_of_the_table(conn: Conn) -> None:
    """video_rank knows all that the check knows but failed."""
    check = scalar(
        conn,
        """
        select pg_get_constraintdef(oid) from pg_constraint
        where conname = 'status_is_known' and conrelid = 'media.videos'::regclass
        """,
    )
    known = [word for word in [*FORWARD, "failed"] if f"'{word}'" in check]
    assert check.count("::text") >= len(known) == len(FORWARD) + 1
    assert [scalar(conn, "select media.video_rank(%s)", status) for status in known] == [
        1,
        2,
        3,
        4,
        5,
        6,
        None,
    ]
