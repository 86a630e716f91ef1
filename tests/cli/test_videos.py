"""reelq videos."""

from __future__ import annotations

import hashlib

import click
import pytest

from reelq.cli.terminal import output
from reelq.worker.rooms import media, queue
from reelq.worker.settings import load
from reelq.worker.stores.open import open_store

LIST_KEYS = [
    "id", "tenant", "title", "status", "error_code", "error_message", "asset_id", "kind", "original_filename", "size_bytes",
    "duration_seconds", "width", "height", "video_codec", "audio_codec", "variants", "has_poster", "created_at",
    "status_changed_at",
]  # fmt: skip


@pytest.fixture
def video(conn, store_dir, tmp_path):
    """A video with a rendition and a poster in the store."""
    found = queue.ingest_video(conn, "/tmp/clip.mp4", title="A clip")
    (row,) = media.list_videos(conn)
    store = open_store(load({"REELQ_STORE": store_dir.as_uri()}))
    for profile, more in (
        ("h264-240p", {"mime": "video/mp4", "video_codec": "h264", "width": 426, "height": 240, "duration_seconds": 2,
                       "encode_seconds": 0.5, "speed": 4, "bit_rate": 200_000}),
        ("poster", {"mime": "image/jpeg", "width": 426, "height": 240}),
    ):  # fmt: skip
        path = tmp_path / profile
        path.write_bytes(profile.encode())
        stored = store.put(f"tenants/t/{profile}", path)
        assert stored.sha256 == hashlib.sha256(profile.encode()).hexdigest()
        media.put_variant(conn, row.asset_id, {
            "profile": profile, "bucket": store.bucket, "key": stored.key, "size_bytes": stored.size_bytes,
            "sha256": stored.sha256, **more,
        })  # fmt: skip
    return found


def test_list_has_stable_keys_and_filters(reelq, video):
    done = reelq("videos", "list", "--json")
    assert list(done.row) == LIST_KEYS
    assert (done.row["title"], done.row["variants"]) == ("A clip", 2)
    assert reelq("videos", "list", "--status", "failed", "--json").rows == []
    assert reelq("videos", "list", "--tenant", "default", "--limit", "1", "--json").row["id"] == str(video)
    assert reelq("videos", "list", "--status", "ready").err == "No such videos.\n"


def test_show_tells_asset_and_variants(reelq, video):
    shown = reelq("videos", "show", video, "--json").row
    assert [one["profile"] for one in shown["variants"]] == ["h264-240p", "poster"]
    told = reelq("videos", "show", video).out
    for words in ("A clip", "asset", "/tmp/clip.mp4", "made of it", "426×240", "200 kb/s", "4.0×"):
        assert words in told


def test_show_of_nothing_is_2(reelq):
    assert reelq("videos", "show", "01976b1e-5a3c-7d4e-8f00-0123456789ab").code == 2


def test_open_prints_the_largest_rendition_and_launches_nothing_in_a_pipe(reelq, video, store_dir, monkeypatch):
    monkeypatch.setattr(click, "launch", pytest.fail)
    assert reelq("videos", "open", video).out == f"{store_dir.as_uri()}/tenants/t/h264-240p\n"
    shown = reelq("videos", "open", video, "--profile", "poster", "--json").row
    assert shown == {"video_id": str(video), "profile": "poster", "url": f"{store_dir.as_uri()}/tenants/t/poster"}


def test_open_launches_on_a_desktop_s_terminal_unless_told_not_to(reelq, video, monkeypatch):
    launched: list[str] = []
    monkeypatch.setattr(click, "launch", launched.append)
    monkeypatch.setattr(output, "on_terminal", lambda: True)
    monkeypatch.setenv("DISPLAY", ":0")
    reelq("videos", "open", video, "--print")
    assert launched == []
    address = reelq("videos", "open", video).out.strip()
    assert launched == [address]
    monkeypatch.delenv("DISPLAY")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    reelq("videos", "open", video)
    assert launched == [address]


def test_open_gives_a_signed_link_where_the_folder_is_served(reelq, video, monkeypatch):
    monkeypatch.setenv("REELQ_LINK_SECRET", "secret-of-32-characters-or-more!!")
    monkeypatch.setenv("REELQ_PUBLIC_URL", "https://media.example")
    assert reelq("videos", "open", video).out.startswith("https://media.example/tenants/t/h264-240p?")


def test_open_says_what_there_is(reelq, video, conn):
    done = reelq("videos", "open", video, "--profile", "h264-1080p")
    assert (done.code, "h264-240p, poster" in done.err) == (2, True)
    other = queue.ingest_video(conn, "/tmp/other.mp4")
    assert reelq("videos", "open", other).code == 1


def test_open_of_another_store_s_object_names_both(reelq, video, tmp_path):
    done = reelq("--store", (tmp_path / "elsewhere").as_uri(), "videos", "open", video)
    assert done.code == 1
    assert "elsewhere" in done.err


def test_an_unknown_tenant_is_refused_as_jobs_list_does(reelq):
    for noun in ("videos", "jobs"):
        done = reelq(noun, "list", "--tenant", "nope")
        assert (done.code, "no tenant 'nope'" in done.err) == (2, True)
