"""What only a folder store can show: killed writers, full and forbidden disks, modes, signed links."""

from __future__ import annotations

import os
import resource
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from reelq.worker.errors import PermanentError, SettingsError, TransientError
from reelq.worker.settings import load
from reelq.worker.stores.base import ROOM_BYTES, telling_large
from reelq.worker.stores.folder import FolderStore
from reelq.worker.stores.mark import MARK
from reelq.worker.stores.open import open_store
from reelq.worker.stores.s3_errors import refused

KEY = "tenants/t/media/a/original/j-1"
NOW = 1_800_000_000.0
WRITER = """
import sys, pathlib
from reelq.worker.stores.folder import FolderStore

def hold(done, total):
    print("half", flush=True)
    sys.stdin.read()

FolderStore(pathlib.Path(sys.argv[1])).put(sys.argv[3], pathlib.Path(sys.argv[2]), on_progress=hold)
"""


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "objects")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source"
    path.write_bytes(secrets.token_bytes(3 << 20))
    return path


def test_a_writer_killed_half_way_leaves_nothing_to_see(store: FolderStore, source: Path) -> None:
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(store.root), str(source), KEY],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    with writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"half\n"
        writer.kill()

    assert store.stat(KEY) is None
    assert list(store.list()) == []
    assert store.sweep() == 0, "young leftovers may belong to a living put"
    assert store.sweep(-1) == 1
    assert [path for path in store.root.rglob("*") if path.is_file()] == [store.root / MARK]
    store.put(KEY, source)  # the next attempt is not in the way of the dead one


def test_files_and_folders_have_the_promised_modes(store: FolderStore, source: Path) -> None:
    before = os.umask(0o077)
    try:
        store.put(KEY, source)
    finally:
        os.umask(before)
    assert (store.root / KEY).stat().st_mode & 0o777 == 0o640
    assert (store.root / KEY).parent.stat().st_mode & 0o777 == 0o750


def test_deleting_removes_the_folders_that_become_empty(store: FolderStore, source: Path) -> None:
    store.put("a/b/c", source)
    store.put("a/d", source)
    store.delete("a/b/c")
    assert sorted(path.name for path in store.root.iterdir()) == [".incoming", "a"]
    assert [path.name for path in (store.root / "a").iterdir()] == ["d"]
    store.delete("a/d")
    assert [path.name for path in store.root.iterdir()] == [".incoming"]


def test_a_key_in_the_way_of_a_folder_is_told(store: FolderStore, source: Path) -> None:
    store.put("a", source)
    with pytest.raises(PermanentError) as told:
        store.put("a/b", source)
    assert told.value.code == "object_exists"
    assert store.stat("a/b") is None


def test_links_and_pipes_in_the_folder_are_not_objects(store: FolderStore, source: Path, tmp_path: Path) -> None:
    store.put("real", source)
    (store.root / "link").symlink_to("/etc/passwd")
    os.mkfifo(store.root / "pipe")
    assert list(store.list()) == ["real"]
    for key in ("link", "pipe"):
        assert store.stat(key) is None
        with pytest.raises((PermanentError, TransientError)):
            store.get(key, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("mounting a tiny tmpfs needs root with the right to mount")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_store_is_told_and_nothing_is_left(tiny_disk: Path, source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Less room than any rendition needs."""
    monkeypatch.setattr("reelq.worker.stores.folder.ROOM_PART", 5)
    store = FolderStore(tiny_disk)
    with pytest.raises(TransientError) as told:
        store.put(KEY, source)
    assert (told.value.code, str(told.value)) == ("store_full", "The object store is full.")
    assert [path for path in tiny_disk.rglob("*") if path.is_file()] == [tiny_disk / MARK]


def test_an_object_larger_than_the_room_is_refused_before_it_is_written_and_smaller_ones_are_taken(tiny_disk: Path, source: Path) -> None:
    store, small = FolderStore(tiny_disk), tiny_disk.parent / "small"
    small.write_bytes(b"x" * 100_000)
    for call in (lambda: store.put(KEY, source), lambda: store.check_room(source.stat().st_size)):
        with pytest.raises(TransientError) as told:
            call()
        assert (told.value.code, str(told.value)) == ("no_store_room", "The object store has no room for 3,145,728 bytes now.")
        assert [path for path in tiny_disk.rglob("*") if path.is_file()] == [tiny_disk / MARK]
    assert store.put(KEY, small).size_bytes == 100_000


@pytest.mark.parametrize(("size", "code"), [(ROOM_BYTES, "store_full"), (ROOM_BYTES + 1, "no_store_room")])
def test_a_store_that_finds_out_while_it_takes_is_full_when_the_object_was_small(size: int, code: str) -> None:
    """Two puts at once, or a quota that no disk tells of; S3 never tells before."""
    with pytest.raises(TransientError) as told, telling_large(size):
        raise refused("UploadPart", "QuotaExceeded", 403)
    assert told.value.code == code


def test_a_full_scratch_disk_is_not_called_a_full_store(store: FolderStore, tiny_disk: Path, source: Path) -> None:
    store.put(KEY, source)
    with pytest.raises(TransientError) as told:
        store.get(KEY, tiny_disk / "out")
    assert told.value.code == "disk_full"
    assert list(tiny_disk.iterdir()) == []


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """A limit that any user may set; the system then answers as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_file_size_limit_counts_as_full(store: FolderStore, source: Path) -> None:
    with largest_file(1 << 20), pytest.raises(TransientError) as told:
        store.put(KEY, source)
    assert told.value.code == "store_full"
    assert list(store.list()) == []


def test_a_forbidden_store_is_told_without_its_path(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    try:
        if os.getuid() == 0:  # root may write anywhere
            os.seteuid(65534)
        with pytest.raises(TransientError) as told:
            FolderStore(closed / "objects").put(KEY, Path("/etc/passwd"))
    finally:
        os.seteuid(os.getuid())
    assert told.value.code == "store_denied"
    assert str(tmp_path) not in str(told.value)


def test_links_are_good_for_one_key_and_ten_minutes(tmp_path: Path) -> None:
    moment = [NOW]
    store = FolderStore(tmp_path, public_url="https://cdn.example/o", link_secret="s3cret", now=lambda: moment[0])
    key = "tenants/ü 1/a+b%20?c"
    link = store.signed_url(key)

    assert store.verify_url(link) == key
    assert store.verify_url(link.replace("tenants", "tenantz")) is None
    assert store.verify_url(link.replace(str(int(NOW) + 600), str(int(NOW) + 6000))) is None
    assert store.verify_url(link[:-1] + ("0" if link[-1] != "0" else "1")) is None
    assert store.verify_url(link + "&expires=9999999999") is None
    assert store.verify_url(link.replace("cdn.example", "evil.example")) is None
    assert store.verify_url(link.partition("?")[0]) is None
    moment[0] = NOW + 599
    assert store.verify_url(link) == key
    moment[0] = NOW + 600
    assert store.verify_url(link) is None


def test_links_need_a_secret_and_an_address(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="REELQ_LINK_SECRET"):
        FolderStore(tmp_path, public_url="https://cdn.example").signed_url("a")
    assert FolderStore(tmp_path).verify_url("/a?expires=9999999999&signature=0") is None


@pytest.mark.parametrize("written", ["{}/a b", "{}/a%20b"])
def test_the_folder_may_have_any_name(tmp_path: Path, source: Path, written: str) -> None:
    store: Any = open_store(load({"REELQ_STORE": f"file://{written.format(tmp_path)}"}))
    store.put("k", source)
    assert (tmp_path / "a b" / "k").exists()
    assert store.bucket == f"file://{tmp_path}/a b"
