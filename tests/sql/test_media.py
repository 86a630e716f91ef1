"""The room `media`: assets, videos, variants and the functions that handlers call."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.rows import dict_row

from tests.conftest import Clock

Conn = psycopg.Connection[Any]
SHA = "ab" * 32
ORIGINAL = ("file:///store", "tenants/t/media/a/original/j-1", 1234, SHA, "video/mp4")
MEASURED = {
    "kind": "video",
    "mime": "video/mp4",
    "container": "mov",
    "essence_sha256": SHA,
    "duration_seconds": 30.03,
    "width": 1080,
    "height": 1920,
    "coded_width": 1920,
    "coded_height": 1080,
    "rotation": 90,
    "sar": "1:1",
    "frame_rate_num": 30000,
    "frame_rate_den": 1001,
    "frames": 900,
    "bit_rate": 5_000_000,
    "video_codec": "h264",
    "pixel_format": "yuv420p",
    "color_space": "bt709",
    "color_transfer": "bt709",
    "color_primaries": "bt709",
    "color_range": "tv",
    "hdr": False,
    "audio_codec": "aac",
    "audio_channels": 2,
    "audio_sample_rate_hz": 48000,
}
PROBE = {"format": {"format_name": "mov"}, "streams": []}
FORWARD = ["pending", "downloading", "processing", "compressing", "uploading", "ready"]


def scalar(conn: Conn, query: str, *args: Any) -> Any:
    """The one value of the one row."""
    row = conn.execute(query, args).fetchone()
    assert row is not None
    return row[0]


def row(conn: Conn, query: str, *args: Any) -> dict[str, Any]:
    """The one row."""
    with conn.cursor(row_factory=dict_row) as cursor:
        found = cursor.execute(query, args).fetchall()
    assert len(found) == 1
    return found[0]


def refused(conn: Conn, query: str, *args: Any) -> str | None:
    """SQLSTATE of the refusal, which has a hint."""
    with pytest.raises(psycopg.Error) as caught:
        conn.execute(query, args)
    assert caught.value.diag.message_hint, "an error that a caller can act on says how"
    return caught.value.sqlstate


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


def record_original(conn: Conn, asset: UUID, *facts: Any) -> None:
    """Store the original."""
    conn.execute("select media.record_original(%s, %s, %s, %s, %s, %s)", [asset, *(facts or ORIGINAL)])


def put_variant(conn: Conn, asset: UUID, profile: str = "h264-720p", **facts: Any) -> UUID:
    """Make a variant visible."""
    facts = {"profile": profile, "bucket": "file:///store", "key": f"k/{profile}", **facts}
    made: UUID = scalar(
        conn, "select media.put_variant(%s, %s::jsonb)", asset, json.dumps(facts, default=str)
    )
    return made


def versions(conn: Conn, video: UUID) -> list[Any]:
    """Where the rows of the video and its asset lie: changes with every write."""
    return conn.execute(
        """
        select v.ctid, v.xmin, a.ctid, a.xmin
        from media.videos as v inner join media.assets as a on a.id = v.asset_id
        where v.id = %s
        """,
        [video],
    ).fetchall()


def test_a_new_video_is_pending_and_its_asset_uploading(conn: Conn, video: UUID) -> None:
    """get_work says what there is to do; nothing is stored or measured yet."""
    work = row(conn, "select * from media.get_work(%s)", video)

    assert (work["video_status"], work["asset_status"]) == ("pending", "uploading")
    assert (work["source_url"], work["original_filename"]) == ("/in/a b.mp4", "a b.mp4")
    assert (work["bucket"], work["key"], work["sha256"], work["probe"]) == (None, None, None, None)
    assert work["measured"] == {"kind": "video"}
    assert work["tenant_id"] == scalar(conn, "select id from identity.tenants where slug = 'default'")


@pytest.mark.parametrize(
    ("url", "source"),
    [
        ("/in/a.mp4", "upload"),
        ("https://e.org/a.mp4", "imported"),
        ("S3://b/a.mp4", "imported"),
        ("-rf %s '\n🎬", "upload"),
    ],
)
def test_any_name_is_kept_as_it_is(conn: Conn, url: str, source: str) -> None:
    """Spaces, quotes, percent, newline, emoji: text, not code."""
    made = scalar(conn, "select media.create_video(%s, p_title => %s)", url, url)
    shown = scalar(conn, "select media.show_video(%s)", made)
    assert (shown["asset"]["source_url"], shown["asset"]["source"], shown["title"]) == (url, source, url)


def test_a_long_title_is_cut_and_an_empty_one_is_none(conn: Conn) -> None:
    """255 characters are kept."""
    long = scalar(conn, "select media.create_video('/a', p_title => %s)", "ü" * 300)
    none = scalar(conn, "select media.create_video('/a', p_title => '')")
    assert scalar(conn, "select length(title) from media.videos where id = %s", long) == 255
    assert scalar(conn, "select title from media.videos where id = %s", none) is None


@pytest.mark.parametrize(
    ("call", "code"),
    [
        ("media.create_video('')", "RQ008"),
        ("media.create_video(null)", "RQ008"),
        ("media.create_video('/a', p_metadata => '[]')", "RQ008"),
        ("media.create_video('/a', p_metadata => null)", "RQ008"),
        ("media.create_video('/a', p_tenant_id => gen_random_uuid())", "RQ004"),
        ("media.create_video('/a', p_user_id => gen_random_uuid())", "RQ004"),
    ],
)
def test_a_video_that_cannot_be_is_refused(conn: Conn, call: str, code: str) -> None:
    """No source, no tenant, no such user."""
    assert refused(conn, f"select {call}") == code
    assert scalar(conn, "select count(*) from media.assets") == 0


def test_a_suspended_tenant_gets_no_video(conn: Conn) -> None:
    """RQ012."""
    conn.execute("update identity.tenants set status = 'suspended'")
    assert refused(conn, "select media.create_video('/a')") == "RQ012"


def test_a_user_of_another_tenant_is_unknown(conn: Conn) -> None:
    """A title never joins two tenants."""
    acme = scalar(conn, "select identity.create_tenant('acme')")
    ann = scalar(
        conn, "insert into identity.users (tenant_id, email) values (%s, 'a@example.com') returning id", acme
    )
    assert refused(conn, "select media.create_video('/a', p_user_id => %s)", ann) == "RQ004"


def test_the_original_is_stored_and_the_asset_goes_on(conn: Conn, video: UUID, asset: UUID) -> None:
    """Once stored, bucket and key are known and transcoding may begin."""
    record_original(conn, asset)
    work = row(conn, "select * from media.get_work(%s)", video)
    assert (work["bucket"], work["key"], work["size_bytes"], work["sha256"], work["mime"]) == ORIGINAL
    assert work["asset_status"] == "transcoding"


def test_the_same_original_again_writes_nothing_another_replaces_it(
    conn: Conn, video: UUID, asset: UUID
) -> None:
    """A handler is safe to run twice."""
    record_original(conn, asset)
    before = versions(conn, video)
    record_original(conn, asset)
    assert versions(conn, video) == before

    record_original(conn, asset, *ORIGINAL[:1], "another key", *ORIGINAL[2:4], None)
    work = row(conn, "select * from media.get_work(%s)", video)
    assert (work["key"], work["mime"]) == ("another key", "video/mp4")


@pytest.mark.parametrize("place", range(4))
def test_an_original_without_all_its_facts_is_refused(conn: Conn, asset: UUID, place: int) -> None:
    """Bucket, key, size and checksum go together."""
    facts: list[Any] = list(ORIGINAL)
    facts[place] = None
    assert refused(conn, "select media.record_original(%s, %s, %s, %s, %s, %s)", asset, *facts) == "RQ008"


@pytest.mark.parametrize(
    "facts", [("b", "k", -1, SHA, None), ("b", "k", 1, SHA.upper(), None), ("b", "k", 1, "ab", None)]
)
def test_an_original_with_wrong_facts_is_refused(conn: Conn, asset: UUID, facts: tuple[Any, ...]) -> None:
    """The hint says in which unit and form."""
    assert refused(conn, "select media.record_original(%s, %s, %s, %s, %s, %s)", asset, *facts) == "RQ008"


def test_what_was_measured_comes_back(conn: Conn, video: UUID, asset: UUID) -> None:
    """Every measured column, in get_work and in the table."""
    conn.execute("select media.record_probe(%s, %s, %s)", [asset, json.dumps(MEASURED), json.dumps(PROBE)])
    work = row(conn, "select * from media.get_work(%s)", video)
    assert (work["measured"], work["probe"]) == (MEASURED, PROBE)


def test_the_same_probe_again_writes_nothing(conn: Conn, video: UUID, asset: UUID) -> None:
    """A second run writes the same values: no row version, no trigger."""
    args = [asset, json.dumps(MEASURED), json.dumps(PROBE)]
    conn.execute("select media.record_probe(%s, %s, %s)", args)
    before = versions(conn, video)
    conn.execute("select media.record_probe(%s, %s, %s)", args)
    assert versions(conn, video) == before


def test_null_means_not_there_and_no_key_means_not_asked(conn: Conn, video: UUID, asset: UUID) -> None:
    """A song with cover art has no moving picture, whatever an earlier run thought."""
    conn.execute("select media.record_probe(%s, %s, %s)", [asset, json.dumps(MEASURED), json.dumps(PROBE)])
    conn.execute(
        "select media.record_probe(%s, %s, %s)", [asset, '{"video_codec": null, "kind": "audio"}', None]
    )
    work = row(conn, "select * from media.get_work(%s)", video)
    assert "video_codec" not in work["measured"]
    assert (work["measured"]["kind"], work["measured"]["audio_codec"], work["probe"]) == (
        "audio",
        "aac",
        None,
    )


@pytest.mark.parametrize(
    "measured",
    [
        '{"widht": 1}',
        '{"status": "ready"}',
        '{"tenant_id": null}',
        "[]",
        "null",
        None,
        '{"width": -1}',
        '{"width": "wide"}',
        '{"width": 1e12}',
        '{"frame_rate_num": 30}',
        '{"rotation": 45}',
        '{"kind": null}',
    ],
)
def test_what_cannot_be_measured_is_refused(
    conn: Conn, video: UUID, asset: UUID, measured: str | None
) -> None:
    """Unknown keys would be lost in silence; wrong values are told with the way to the column's check."""
    before = versions(conn, video)
    assert refused(conn, "select media.record_probe(%s, %s, '{}')", asset, measured) == "RQ008"
    assert versions(conn, video) == before


def test_the_lists_of_columns_are_those_of_the_tables(conn: Conn) -> None:
    """What record_probe and put_variant accept, against the catalogue."""
    columns = """
        select array_agg(attname::text) from pg_attribute
        where attrelid = %s::regclass and attnum > 0 and not attisdropped
    """
    assets, variants = (set(scalar(conn, columns, table)) for table in ("media.assets", "media.variants"))
    measured, accepted = (
        set(scalar(conn, f"select media.{name}()")) for name in ("measured_columns", "variant_columns")
    )

    assert measured <= assets
    assert measured == set(MEASURED)
    assert variants - accepted == {"id", "tenant_id", "asset_id", "created_at", "updated_at"}


def test_every_measured_column_is_written(conn: Conn) -> None:
    """A column that stands in the list and not in the update would be lost."""
    body = scalar(conn, "select prosrc from pg_proc where oid = 'media.record_probe'::regproc")
    assert [name for name in MEASURED if f"{name} = v_new.{name}" not in body] == []
    body = scalar(conn, "select prosrc from pg_proc where oid = 'media.put_variant'::regproc")
    accepted = scalar(conn, "select media.variant_columns()")
    assert [name for name in accepted if name != "profile" and f"{name} = excluded.{name}" not in body] == []


def test_a_variant_is_one_row_a_profile(conn: Conn, asset: UUID, video: UUID) -> None:
    """The second call puts the new object in the place of the old one, with nothing of it left."""
    first = put_variant(conn, asset, key="old", width=1280, height=720, attempt=1, job_id=uuid4(), speed=3.5)
    again = put_variant(conn, asset, key="new", size_bytes=7, attempt=2)

    assert first == again
    made = row(conn, "select * from media.list_variants(%s)", video)
    assert (made["key"], made["size_bytes"], made["attempt"]) == ("new", 7, 2)
    assert (made["width"], made["job_id"], made["speed"]) == (None, None, None)


def test_every_fact_of_a_variant_comes_back(conn: Conn, asset: UUID, video: UUID) -> None:
    """All columns that a handler may give."""
    facts = {
        "bucket": "b",
        "key": "k",
        "size_bytes": 9,
        "sha256": SHA,
        "mime": "video/mp4",
        "width": 640,
        "height": 360,
        "bit_rate": 800_000,
        "duration_seconds": 30.03,
        "frames": 900,
        "frame_rate_num": 30000,
        "frame_rate_den": 1001,
        "video_codec": "h264",
        "audio_codec": "aac",
        "job_id": str(uuid4()),
        "attempt": 1,
        "encode_seconds": 4.2,
        "speed": 7.1,
        "metadata": {"crf": 21},
    }
    put_variant(conn, asset, "h264-360p", **facts)
    (shown,) = scalar(conn, "select media.show_video(%s)", video)["variants"]
    assert {name: shown[name] for name in facts} == facts
    assert set(facts) | {"profile"} == set(scalar(conn, "select media.variant_columns()"))


@pytest.mark.parametrize(
    "variant",
    [
        '{"bucket": "b", "key": "k"}',
        '{"profile": "poster", "key": "k"}',
        '{"profile": "a/../b", "bucket": "b", "key": "k"}',
        '{"profile": "poster", "bucket": "b", "key": "k", "tenant_id": null}',
        '{"profile": "p", "bucket": "b", "key": "k", "width": 0}',
        '{"profile": "p", "bucket": "b", "key": "k", "job_id": "7"}',
        '"poster"',
        None,
    ],
)
def test_a_variant_of_the_wrong_shape_is_refused(conn: Conn, asset: UUID, variant: str | None) -> None:
    """Missing or unknown keys, values that a column refuses."""
    assert refused(conn, "select media.put_variant(%s, %s)", asset, variant) == "RQ008"


def test_unknown_assets_are_refused(conn: Conn) -> None:
    """Nothing is recorded for what is not there."""
    nobody = uuid4()
    assert refused(conn, "select media.record_original(%s, %s, %s, %s, %s, %s)", nobody, *ORIGINAL) == "RQ004"
    assert refused(conn, "select media.record_probe(%s, '{}', null)", nobody) == "RQ004"
    assert refused(conn, "select media.put_variant(%s, '{}')", nobody) == "RQ004"


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
    times = row(
        conn, "select processing_started_at, status_changed_at from media.videos where id = %s", video
    )
    assert (times["processing_started_at"], times["status_changed_at"]) == (
        started,
        started + timedelta(seconds=5),
    )


def test_a_video_with_variants_is_finished_and_its_asset_with_it(
    conn: Conn, clock: Clock, video: UUID, asset: UUID
) -> None:
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


def test_a_failed_video_neither_advances_nor_finishes_until_it_is_reopened(
    conn: Conn, video: UUID, asset: UUID
) -> None:
    """Retry by hand: reopen, then the jobs go on."""
    record_original(conn, asset)
    put_variant(conn, asset)
    conn.execute("select media.fail_video(%s, 'no_frame', 'No frame.')", [video])
    conn.execute("select media.advance_video(%s, 'compressing')", [video])
    assert scalar(conn, "select status from media.videos") == "failed"
    assert refused(conn, "select media.finish_video(%s)", video) == "RQ009"

    conn.execute("select media.reopen_video(%s)", [video])
    shown = row(
        conn, "select status, error_code, processing_completed_at, asset_status from media.video_overview"
    )
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


def test_a_deleted_video_is_gone_for_every_reader(conn: Conn, video: UUID, asset: UUID) -> None:
    """Views, lists and handlers; and what writes late changes nothing."""
    conn.execute("update media.videos set deleted_at = base.clock()")

    assert conn.execute("select * from media.list_videos()").fetchall() == []
    assert conn.execute("select * from media.video_overview").fetchall() == []
    assert conn.execute("select * from media.video_urls").fetchall() == []
    for call in ("get_work", "show_video", "list_variants", "finish_video", "reopen_video"):
        assert refused(conn, f"select * from media.{call}(%s)", video) == "RQ004", call
    before = versions(conn, video)
    conn.execute("select media.advance_video(%s, 'processing')", [video])
    conn.execute("select media.fail_video(%s, 'x', 'x')", [video])
    assert versions(conn, video) == before


def test_videos_are_listed_newest_first_by_tenant_and_status(conn: Conn, video: UUID) -> None:
    """Filters and limit; counts of what was made."""
    scalar(conn, "select identity.create_tenant('acme')")
    other = scalar(conn, "select media.create_video('/b.mp4', identity.require_tenant(null, 'acme'))")
    asset = scalar(conn, "select asset_id from media.get_work(%s)", other)
    put_variant(conn, asset, "poster", mime="image/jpeg")
    put_variant(conn, asset, "h264-240p", mime="video/mp4")
    conn.execute("select media.advance_video(%s, 'processing')", [other])

    def listed(*filters: Any) -> list[UUID]:
        return [one[0] for one in conn.execute("select id from media.list_videos(%s, %s, %s)", filters)]

    assert listed(None, None, 50) == [other, video]
    assert listed(None, None, 1) == [other]
    assert listed("default", None, 50) == [video]
    assert listed(None, "processing", 50) == [other]
    assert listed("nobody", None, 50) == []
    shown = row(conn, "select tenant, variants, has_poster from media.list_videos('acme')")
    assert shown == {"tenant": "acme", "variants": 2, "has_poster": True}
    assert refused(conn, "select * from media.list_videos(p_limit => 0)") == "RQ008"


def test_the_largest_rendition_comes_first_and_the_poster_last(conn: Conn, video: UUID, asset: UUID) -> None:
    """Whatever the order in which they were made, and for a portrait video by the short side."""
    for profile, width, height, codec in (
        ("poster", 1080, 1920, None),
        ("h264-240p", 240, 426, "h264"),
        ("h264-1080p", 1080, 1920, "h264"),
    ):
        put_variant(conn, asset, profile, width=width, height=height, video_codec=codec)
    profiles = [one[0] for one in conn.execute("select profile from media.list_variants(%s)", [video])]
    assert profiles == ["h264-1080p", "h264-240p", "poster"]


def test_the_objects_of_a_video_have_the_names_that_players_ask_for(
    conn: Conn, video: UUID, asset: UUID
) -> None:
    """processed is the largest; a thumbnail wins over the poster; no URL is stored."""
    record_original(conn, asset)
    put_variant(conn, asset, "h264-240p", width=426, height=240)
    put_variant(conn, asset, "h264-720p", width=1280, height=720)
    put_variant(conn, asset, "poster", width=1280, height=720)
    put_variant(conn, asset, "hls")
    urls = row(conn, "select * from media.video_urls where video_id = %s", video)
    assert (urls["original_key"], urls["processed_key"]) == (ORIGINAL[1], "k/h264-720p")
    assert (urls["thumbnail_key"], urls["preview_key"], urls["hls_master_key"]) == ("k/poster", None, "k/hls")

    put_variant(conn, asset, "thumbnail")
    assert scalar(conn, "select thumbnail_key from media.video_urls") == "k/thumbnail"


def test_the_overview_counts_what_was_made(conn: Conn, video: UUID, asset: UUID) -> None:
    """Renditions, posters and their bytes, next to the measured facts."""
    conn.execute("select media.record_probe(%s, %s, null)", [asset, json.dumps(MEASURED)])
    put_variant(conn, asset, "poster", mime="image/jpeg", size_bytes=5)
    put_variant(conn, asset, "h264-240p", mime="video/mp4", size_bytes=7)
    shown = row(conn, "select * from media.video_overview")
    assert (shown["renditions"], shown["posters"], shown["variants"], shown["variant_bytes"]) == (1, 1, 2, 12)
    assert (shown["width"], float(shown["frames_a_second"]), shown["hdr"]) == (1080, 29.970, False)


@pytest.mark.parametrize(
    ("kind", "view"), [("image", "images"), ("ai_audio", "audios"), ("document", "documents")]
)
def test_assets_of_other_kinds_have_views(conn: Conn, asset: UUID, kind: str, view: str) -> None:
    """Pictures, sound and documents by their old names; deleted ones are left out."""
    record_original(conn, asset)
    assert scalar(conn, f"select count(*) from media.{view}") == 0
    conn.execute("update media.assets set kind = %s", [kind])
    shown = row(conn, f"select id, filename, original_filename, s3_key from media.{view}")
    assert (shown["id"], shown["filename"], shown["original_filename"]) == (asset, "j-1", "a b.mp4")
    conn.execute("update media.assets set deleted_at = base.clock()")
    assert scalar(conn, f"select count(*) from media.{view}") == 0


def test_words_are_found_in_title_caption_and_description(conn: Conn, video: UUID) -> None:
    """The title weighs most, and a missing text hides nothing."""
    conn.execute("update media.videos set title = 'Running horses', description = 'filmed in winter'")
    found = "select count(*) from media.videos where search @@ websearch_to_tsquery('english', %s)"
    assert [scalar(conn, found, words) for words in ("horse", "winter run", "summer")] == [1, 1, 0]


def test_a_stored_asset_has_all_facts_of_its_object(conn: Conn, asset: UUID) -> None:
    """By hand too: no key without a checksum, nothing ready that is nowhere."""
    with pytest.raises(psycopg.errors.CheckViolation):
        conn.execute("update media.assets set key = 'k'")
    with pytest.raises(psycopg.errors.CheckViolation):
        conn.execute("update media.assets set status = 'ready'")
