"""Fetching from this host's disk and from S3."""

from __future__ import annotations

import hashlib
import os
import resource
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from reelq.worker.errors import JobError, PermanentError, StopRequested
from reelq.worker.settings import load
from reelq.worker.sources import fetch
from reelq.worker.sources.local import open_local
from reelq.worker.stop import StopSignal
from tests.worker import storekit

CONTENT = b"moving pictures" * 200_000
DIGEST = hashlib.sha256(CONTENT).hexdigest()
Get = Callable[..., fetch.Fetched]


@pytest.fixture
def roots(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    return folder


@pytest.fixture
def to(tmp_path: Path) -> Path:
    folder = tmp_path / "scratch"
    folder.mkdir()
    return folder / "source"


@pytest.fixture
def get(roots: Path, to: Path) -> Get:
    def run(
        source: str, *, stop: StopSignal | None = None, on_progress: Any = None, on_size: Any = lambda _size: None, **changes: str
    ) -> Any:
        environ = {"REELQ_SOURCE_ROOTS": str(roots)} | changes
        signal = stop or StopSignal()
        return fetch.fetch(source, to, settings=load(environ), stop=signal, on_progress=on_progress, on_size=on_size)

    return run


def code(get: Get, source: str, **changes: Any) -> str:
    with pytest.raises(JobError) as told:
        get(source, **changes)
    assert str(told.value).endswith(".") and "/" not in str(told.value), "one sentence, no path"
    return f"{told.value.error_class} {told.value.code}"


@pytest.mark.parametrize(
    "name",
    ["clip.mp4", "a b.mp4", 'it\'s "me".mp4', "new\nline.mp4", "-i.mp4", "100%.mp4", "%20.mp4", "🎬.mp4", "a?b#c"],
)
def test_any_file_name_is_fine(get: Get, roots: Path, to: Path, name: str) -> None:
    (roots / name).write_bytes(CONTENT)
    expected = fetch.Fetched(len(CONTENT), DIGEST, name)
    assert get(str(roots / name)) == expected
    assert to.read_bytes() == CONTENT
    assert get((roots / name).as_uri()) == expected


def test_a_name_that_is_no_utf8_is_kept_as_text_that_a_database_takes(get: Get, roots: Path) -> None:
    path = os.fsdecode(os.fsencode(roots) + b"/\xff\xfe.mp4")
    Path(path).write_bytes(CONTENT)
    assert get(path).original_filename == "\ufffd\ufffd.mp4"


def test_links_are_followed_inside_the_folder_only(get: Get, roots: Path, tmp_path: Path) -> None:
    (roots / "real").write_bytes(CONTENT)
    (tmp_path / "secret").write_bytes(b"secret")
    (roots / "good").symlink_to("real")
    (roots / "bad").symlink_to(tmp_path / "secret")
    (roots / "away").symlink_to(tmp_path)
    (roots / "loop").symlink_to("loop")
    assert get(str(roots / "good")).sha256 == DIGEST
    assert code(get, str(roots / "bad")) == "permanent source_refused"
    assert code(get, str(roots / "away/secret")) == "permanent source_refused"
    assert code(get, str(roots / "../secret")) == "permanent source_refused"
    assert code(get, str(roots / "loop")) == "permanent source_missing"
    with pytest.raises(PermanentError) as refused:
        get(str(tmp_path / "secret"))
    assert f"add {tmp_path} to REELQ_SOURCE_ROOTS" in refused.value.detail


def test_a_folder_that_is_itself_a_link_may_be_a_root(get: Get, roots: Path, tmp_path: Path) -> None:
    (roots / "clip").write_bytes(CONTENT)
    (tmp_path / "alias").symlink_to(roots)
    alias = tmp_path / "alias"
    assert get(str(alias / "clip"), REELQ_SOURCE_ROOTS=str(alias)).sha256 == DIGEST


def test_a_root_is_a_folder_not_a_beginning(get: Get, roots: Path) -> None:
    beside = Path(f"{roots}side")
    beside.mkdir()
    (beside / "clip").write_bytes(CONTENT)
    assert code(get, str(beside / "clip")) == "permanent source_refused"


def test_what_is_any_tenant_s_is_no_source(get: Get, roots: Path) -> None:
    """Though a folder of sources holds the store, the backups or the scratch: by path, by URL, and through a link."""
    ours = {"REELQ_STORE": "objects%20here", "REELQ_BACKUP_STORE": "backups", "REELQ_SCRATCH": "work"}
    settings = {name: str(roots / folder) if name == "REELQ_SCRATCH" else f"file://{roots}/{folder}" for name, folder in ours.items()}
    for folder in ("objects here", "backups", "work", "objects here too"):
        (roots / folder / "a").mkdir(parents=True)
        (roots / folder / "a" / "clip.mp4").write_bytes(CONTENT)
    (roots / "link").symlink_to(roots / "objects here")
    for source in ("objects here", "backups", "work", "link", "work/../backups"):
        assert code(get, str(roots / source / "a" / "clip.mp4"), **settings) == "permanent source_refused"
        assert code(get, (roots / source / "a" / "clip.mp4").as_uri(), **settings) == "permanent source_refused"
    assert get(str(roots / "objects here too" / "a" / "clip.mp4"), **settings).size_bytes == len(CONTENT)
    assert code(get, "s3://kept-apart/20261127T100000Z/manifest.json", REELQ_BACKUP_STORE="s3://kept-apart/deep") == "permanent source_refused"


def test_only_plain_files_are_sources(get: Get, roots: Path) -> None:
    os.mkfifo(roots / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        before = Path.cwd()
        os.chdir(roots)  # socket names are short
        try:
            listener.bind("socket")
        finally:
            os.chdir(before)
    (roots / "folder").mkdir()
    for name in ("pipe", "socket", "folder"):
        assert code(get, str(roots / name)) == "permanent source_refused"
    for path in ("/dev/zero", "/dev/null", "/proc/self/environ", "/proc/cpuinfo", "/sys/kernel/mm"):
        if Path(path).exists():
            assert code(get, path, REELQ_SOURCE_ROOTS="/") == "permanent source_refused"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("clip.mp4", "permanent source_refused"),
        ("", "permanent source_refused"),
        ("-", "permanent source_refused"),
        ("concat:/etc/passwd", "permanent source_refused"),
        ("file:clip.mp4", "permanent source_refused"),
        ("file://elsewhere/etc/passwd", "permanent source_refused"),
        ("/a\0b", "permanent source_refused"),
        ("data://x", "permanent source_refused"),
        ("/no/such/file", "permanent source_missing"),
        ("/" + "n" * 300, "permanent source_missing"),
    ],
)
def test_what_is_no_source_is_refused(get: Get, to: Path, source: str, expected: str) -> None:
    assert code(get, source, REELQ_SOURCE_ROOTS="/") == expected
    assert list(to.parent.iterdir()) == []


def test_local_sources_can_be_forbidden(get: Get, roots: Path) -> None:
    (roots / "clip").write_bytes(CONTENT)
    for source in (str(roots / "clip"), (roots / "clip").as_uri()):
        assert code(get, source, REELQ_SOURCE_ROOTS="") == "permanent source_refused"


def test_a_file_that_may_not_be_read_is_told(roots: Path) -> None:
    closed = roots / "closed"
    closed.write_bytes(CONTENT)
    closed.chmod(0)
    try:
        if os.getuid() == 0:  # root may read everything
            os.seteuid(65534)
        with pytest.raises(PermanentError) as told:
            open_local(str(closed), ("/",))
    finally:
        os.seteuid(os.getuid())
    assert told.value.code == "source_denied"


def test_size_limits_hold(get: Get, roots: Path, to: Path) -> None:
    (roots / "clip").write_bytes(CONTENT)
    (roots / "empty").touch()
    assert code(get, str(roots / "clip"), REELQ_MAX_DOWNLOAD_BYTES="1MB") == "permanent source_too_large"
    assert code(get, str(roots / "empty")) == "permanent source_empty"
    assert list(to.parent.iterdir()) == []


def test_a_file_that_grows_past_the_limit_while_it_is_read_is_refused(get: Get, roots: Path) -> None:
    clip = roots / "clip"
    clip.write_bytes(CONTENT)

    def grow(*_: object) -> None:
        with clip.open("ab") as stream:
            stream.write(CONTENT)

    limit = str(len(CONTENT) + 1000)
    assert code(get, str(clip), on_progress=grow, REELQ_MAX_DOWNLOAD_BYTES=limit) == "permanent source_too_large"


def test_a_file_that_shrinks_while_it_is_read_is_told(get: Get, roots: Path) -> None:
    clip = roots / "clip"
    clip.write_bytes(CONTENT)
    assert code(get, str(clip), on_progress=lambda *_: os.truncate(clip, 10)) == "transient source_broken"


def test_the_size_is_told_before_anything_is_written_and_may_be_refused(get: Get, roots: Path, to: Path) -> None:
    (roots / "clip").write_bytes(CONTENT)
    told: list[tuple[int, int]] = []

    def refuse(size_bytes: int) -> None:
        told.append((size_bytes, sum(one.stat().st_size for one in to.parent.iterdir())))
        raise PermanentError("no", "No.")

    with pytest.raises(PermanentError):
        get(str(roots / "clip"), on_size=refuse)
    assert told == [(len(CONTENT), 0)]
    assert list(to.parent.iterdir()) == []


def test_a_full_disk_is_told_and_nothing_is_left(get: Get, roots: Path, to: Path) -> None:
    (roots / "clip").write_bytes(CONTENT)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, before[1]))  # answered as a full disk is
    try:
        assert code(get, str(roots / "clip")) == "transient disk_full"
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(to.parent.iterdir()) == []


def test_a_stopped_copy_leaves_nothing(get: Get, roots: Path, to: Path) -> None:
    (roots / "clip").write_bytes(CONTENT)
    stop = StopSignal()
    with pytest.raises(StopRequested):
        get(str(roots / "clip"), stop=stop, on_progress=lambda *_: stop.set("time_limit"))
    assert list(to.parent.iterdir()) == []


@pytest.fixture(scope="module")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[storekit.Backend]:
    with storekit.backend("moto", tmp_path_factory.mktemp("moto")) as one:
        yield one


def test_s3_sources_come_with_the_credentials_of_the_store(moto: storekit.Backend, get: Get, to: Path) -> None:
    environ = moto.environ()
    moto.client().create_bucket(Bucket="uploads")
    key = "for us/clip 1%.mp4"
    moto.client().put_object(Bucket="uploads", Key=key, Body=CONTENT)

    assert get(f"s3://uploads/{key}", **environ) == fetch.Fetched(len(CONTENT), DIGEST, "clip 1%.mp4")
    assert to.read_bytes() == CONTENT
    assert code(get, "s3://uploads/none", **environ) == "permanent source_missing"
    assert code(get, "s3://nobody-made-this/none", **environ) == "permanent source_missing"
    assert code(get, "s3://uploads", **environ) == "permanent source_refused"
    limit = {"REELQ_MAX_DOWNLOAD_BYTES": "10"}
    assert code(get, f"s3://uploads/{key}", **environ, **limit) == "permanent source_too_large"


def test_the_store_itself_is_no_source(moto: storekit.Backend, get: Get) -> None:
    """Its credentials read every tenant's objects; a tenant's URL must not."""
    environ = moto.environ()
    bucket = environ["REELQ_STORE"]
    moto.client().put_object(Bucket=bucket.removeprefix("s3://"), Key="tenants/other/clip", Body=CONTENT)
    assert code(get, f"{bucket}/tenants/other/clip", **environ) == "permanent source_refused"


def test_a_share_that_is_not_mounted_has_not_lost_its_sources(get: Get, tmp_path: Path) -> None:
    """The folder of the settings is empty or gone: that tells nothing of the source. With anything in it the source is missing."""
    share = tmp_path / "share"
    source = str(share / "clip")
    for made in (False, True):
        if made:
            share.mkdir()
        assert code(get, source, REELQ_SOURCE_ROOTS=str(share)) == "transient source_away"
    (share / "other").write_bytes(CONTENT)
    assert code(get, source, REELQ_SOURCE_ROOTS=str(share)) == "permanent source_missing"
