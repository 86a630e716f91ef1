"""Lists, views and search of the room `media`; deleted videos are in none of them."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest

from tests.sql.mediakit import MEASURED, ORIGINAL, Conn, put_variant, record_original, refused, row, scalar, versions


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
    other = scalar(conn, "select media.create_video('/b.mp4', identity.check_tenant(null, 'acme'))")
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
    assert refused(conn, "select * from media.list_videos('nobody')") == "RQ004"
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


def test_the_objects_of_a_video_have_the_names_that_players_ask_for(conn: Conn, video: UUID, asset: UUID) -> None:
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


@pytest.mark.parametrize(("kind", "view"), [("image", "images"), ("ai_audio", "audios"), ("document", "documents")])
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
