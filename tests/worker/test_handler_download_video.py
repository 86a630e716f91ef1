"""download_video: from a source into the store."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from reelq.worker.errors import PermanentError
from reelq.worker.handlers import download_video
from tests.fakes.context import FakeVideo, new_video

__all__ = ["new_video"]

New = Callable[..., FakeVideo]


def test_the_original_is_stored_under_the_attempts_key(tmp_path: Path, new_video: New) -> None:
    """Key, size and checksum are recorded; the name of the file is in none of them."""
    source = tmp_path / "holiday.mp4"
    source.write_bytes(b"bytes" * 1000)
    video = new_video(source)
    result = video.run(download_video)
    work = video.work
    assert (work.size_bytes, work.sha256) == (5000, hashlib.sha256(source.read_bytes()).hexdigest())
    assert result["sha256"] == work.sha256
    prefix = f"tenants/{work.tenant_id}/media/{work.asset_id}/original/"
    assert str(work.key).startswith(prefix) and str(work.key).endswith("-1")
    assert (video.folder / "objects" / str(work.key)).read_bytes() == source.read_bytes()
    assert video.statuses == ["downloading"]
    assert video.seen[-1].fraction == pytest.approx(1.0)


def test_twice_is_safe(tmp_path: Path, new_video: New) -> None:
    """The second attempt's object counts; the first one is litter and not overwritten."""
    source = tmp_path / "a.mp4"
    source.write_bytes(b"first")
    video = new_video(source)
    video.run(download_video)
    first = video.work.key
    source.write_bytes(b"second")
    video.run(download_video)
    assert video.work.key != first
    assert (video.folder / "objects" / str(first)).read_bytes() == b"first"


def test_an_asset_that_was_stored_directly_is_left_alone(tmp_path: Path, new_video: New) -> None:
    source = tmp_path / "a.mp4"
    source.write_bytes(b"bytes")
    video = new_video(source, stored=True)
    video.work = replace(video.work, source_url=None)
    assert video.run(download_video)["fetched"] is False
    assert video.work.key == "original"


def test_neither_source_nor_original_is_refused(tmp_path: Path, new_video: New) -> None:
    video = new_video(tmp_path / "a.mp4")
    video.work = replace(video.work, source_url=None)
    with pytest.raises(PermanentError) as caught:
        video.run(download_video)
    assert caught.value.code == "no_source"


def test_a_source_that_is_not_there_is_refused(tmp_path: Path, new_video: New) -> None:
    video = new_video(tmp_path / "a.mp4")
    with pytest.raises(PermanentError) as caught:
        video.run(download_video)
    assert caught.value.code == "source_missing"
    assert video.work.key is None
