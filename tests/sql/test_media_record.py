"""What handlers record: a new video, its original, what was measured, its variants."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from tests.sql.mediakit import MEASURED, ORIGINAL, PROBE, SHA, Conn, put_variant, record_original, refused, row, scalar, versions

OF_OBJECTS = ("bucket", "key", "size_bytes", "sha256")  # what media.put_variant takes of an object that nobody registered


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
        ("S3://bucket/a.mp4", "imported"),
        ("/in/-rf %s '\n🎬", "upload"),
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
        ("media.create_video('a.mp4')", "RQ008"),
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
    ann = scalar(conn, "insert into identity.users (tenant_id, email) values (%s, 'a@example.com') returning id", acme)
    assert refused(conn, "select media.create_video('/a', p_user_id => %s)", ann) == "RQ004"


def test_the_original_is_stored_and_the_asset_goes_on(conn: Conn, video: UUID, asset: UUID) -> None:
    """Once stored, bucket and key are known and transcoding may begin."""
    record_original(conn, asset)
    work = row(conn, "select * from media.get_work(%s)", video)
    assert (work["bucket"], work["key"], work["size_bytes"], work["sha256"], work["mime"]) == ORIGINAL
    assert work["asset_status"] == "transcoding"


def test_the_same_original_again_writes_nothing_another_replaces_it(conn: Conn, video: UUID, asset: UUID) -> None:
    """A handler is safe to run twice."""
    record_original(conn, asset)
    before = versions(conn, video)
    record_original(conn, asset)
    assert versions(conn, video) == before

    record_original(conn, asset, *ORIGINAL[:1], "another key", 7, "cd" * 32, None)
    work = row(conn, "select * from media.get_work(%s)", video)
    assert (work["key"], work["size_bytes"], work["mime"]) == ("another key", 7, "video/mp4")
    record_original(conn, asset, *ORIGINAL[:1], "a third key", *ORIGINAL[2:])
    assert row(conn, "select * from media.get_work(%s)", video)["key"] == ORIGINAL[1]  # equal content is one object
    assert refused(conn, "select media.record_original(%s, %s, %s, 8, %s, null)", asset, *ORIGINAL[:2], SHA) == "RQ009"


@pytest.mark.parametrize("place", range(4))
def test_an_original_without_all_its_facts_is_refused(conn: Conn, asset: UUID, place: int) -> None:
    """Bucket, key, size and checksum go together."""
    facts: list[Any] = list(ORIGINAL)
    facts[place] = None
    assert refused(conn, "select media.record_original(%s, %s, %s, %s, %s, %s)", asset, *facts) == "RQ008"


@pytest.mark.parametrize("facts", [("b", "k", -1, SHA, None), ("b", "k", 1, SHA.upper(), None), ("b", "k", 1, "ab", None)])
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
    conn.execute("select media.record_probe(%s, %s, %s)", [asset, '{"video_codec": null, "kind": "audio"}', None])
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
def test_what_cannot_be_measured_is_refused(conn: Conn, video: UUID, asset: UUID, measured: str | None) -> None:
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
    measured, accepted = (set(scalar(conn, f"select media.{name}()")) for name in ("measured_columns", "variant_columns"))

    assert measured <= assets
    assert measured == set(MEASURED)
    assert variants - accepted == {"id", "tenant_id", "asset_id", "created_at", "updated_at"}


def test_every_measured_column_is_written(conn: Conn) -> None:
    """A column that stands in the list and not in the update would be lost."""
    body = scalar(conn, "select prosrc from pg_proc where oid = 'media.record_probe'::regproc")
    assert [name for name in MEASURED if f"{name} = v_new.{name}" not in body] == []
    body = scalar(conn, "select prosrc from pg_proc where oid = 'media.put_variant'::regproc")
    accepted = scalar(conn, "select media.variant_columns()")
    assert [name for name in accepted if name not in ("profile", *OF_OBJECTS) and f"{name} = excluded.{name}" not in body] == []


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
    assert set(facts) | {"profile", "object_id"} == set(scalar(conn, "select media.variant_columns()"))


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


def test_a_stored_asset_has_all_facts_of_its_object(conn: Conn, asset: UUID) -> None:
    """By hand too: nothing ready that is nowhere, and no object that is none."""
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        conn.execute("update media.assets set object_id = base.uuid_v7()")
    with pytest.raises(psycopg.errors.CheckViolation):
        conn.execute("update media.assets set status = 'ready'")


def test_a_variant_of_another_tenant_s_key_or_of_bytes_that_go_is_refused(conn: Conn, asset: UUID) -> None:
    """Whoever names the key: a handler that is wrong, or a program that registers nothing."""
    other = scalar(conn, "select identity.create_tenant('beta')")
    video = scalar(conn, "select media.create_video('/b.mp4', %s)", other)
    put_variant(conn, scalar(conn, "select asset_id from media.videos where id = %s", video), "poster", key="k/theirs")
    named = '{"profile": "poster", "bucket": "file:///store", "key": "%s"}'
    assert refused(conn, "select media.put_variant(%s, %s)", asset, named % "k/theirs") == "RQ018"
    put_variant(conn, asset, "poster", key="k/mine")
    conn.execute("update media.objects set state = 'deleting' where key = 'k/mine'")
    assert refused(conn, "select media.put_variant(%s, %s)", asset, named % "k/mine") == "RQ018"
    assert scalar(conn, "select count(*) from media.variants as r inner join media.objects as o on o.id = r.object_id where r.tenant_id <> o.tenant_id") == 0
