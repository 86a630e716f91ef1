"""One contract for all stores: a folder, moto's S3 server and rclone's."""

from __future__ import annotations

import hashlib
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from reelq.worker.errors import JobError, PermanentError, StopRequested, TransientError
from reelq.worker.settings import load
from reelq.worker.stop import StopSignal
from reelq.worker.stores import s3_upload
from reelq.worker.stores.open import Store, StoredObject, open_store
from reelq.worker.stores.s3 import S3Store
from tests.fakes import s3_servers
from tests.worker import storekit

MIB = 1 << 20
KEY = "tenants/t/media/a/original/j-1"


@pytest.fixture(scope="module", params=storekit.NAMES)
def backend(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[storekit.Backend]:
    with storekit.backend(request.param, tmp_path_factory.mktemp(request.param)) as one:
        yield one


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest, backend: storekit.Backend) -> None:
    """Parts of the least size that S3 takes; and skip what the backend lacks."""
    monkeypatch.setattr(s3_upload, "PART_BYTES", 5 * MIB)
    feature = storekit.needed(request.function)
    if feature in storekit.LACKS[backend.name]:
        pytest.skip(f"{feature}: {storekit.LACKS[backend.name][feature]}")


@pytest.fixture
def store(backend: storekit.Backend) -> Store:
    return backend.open()


def content(size: int, seed: int = 1) -> bytes:
    """Bytes that differ from megabyte to megabyte."""
    block = hashlib.sha256(str(seed).encode()).digest() * 32768  # 1 MiB
    return b"".join(bytes([n % 256]) + block[1:] for n in range(size // MIB)) + block[: size % MIB]


@pytest.fixture
def file(tmp_path: Path) -> Any:
    def make(size: int, seed: int = 1) -> Path:
        path = tmp_path / f"in-{size}-{seed}"
        path.write_bytes(content(size, seed))
        return path

    return make


@pytest.mark.parametrize("size", [0, 1, MIB, 5 * MIB, 5 * MIB + 1, 12 * MIB])
def test_what_is_put_comes_back(store: Store, file: Any, tmp_path: Path, size: int) -> None:
    source = file(size)
    digest = hashlib.sha256(source.read_bytes()).hexdigest()

    stored = store.put(KEY, source, "video/mp4")
    brought = store.get(KEY, tmp_path / "out", digest)

    assert (stored.key, stored.size_bytes, stored.sha256) == (KEY, size, digest)
    assert brought == stored
    assert (tmp_path / "out").read_bytes() == source.read_bytes()
    found = store.stat(KEY)
    assert found is not None and found.size_bytes == size


@storekit.needs("digest in stat")
@pytest.mark.parametrize("size", [1, 6 * MIB])
def test_the_store_keeps_our_digest(store: Store, file: Any, size: int) -> None:
    stored = store.put(KEY, file(size))
    found = store.stat(KEY)
    assert found is not None and found.sha256 == stored.sha256


@pytest.mark.parametrize(
    "key",
    ["a b/c'd\"e", "a%20b/100%", "emoji 🎬/ünï", "-i/--help", "a+b&c=d?e#f", "n" * 255, "x/.hidden/y"],
)
def test_awkward_keys_are_kept_as_they_are(store: Store, file: Any, tmp_path: Path, key: str) -> None:
    store.put(key, file(10))
    assert list(store.list()) == [key]
    assert store.get(key, tmp_path / "out").size_bytes == 10
    store.delete(key)
    assert store.stat(key) is None


@pytest.mark.parametrize("key", ["", "/a", "a/", "a//b", "a/../b", "..", "./a", "a\0b", "a\nb", "n" * 256, "k/" * 600 + "k"])
def test_bad_keys_are_refused_by_every_verb(store: Store, file: Any, tmp_path: Path, key: str) -> None:
    verbs: list[Any] = [
        lambda: store.put(key, file(1)),
        lambda: store.get(key, tmp_path / "out"),
        lambda: store.stat(key),
        lambda: store.delete(key),
        lambda: store.signed_url(key),
    ]
    for verb in verbs:
        with pytest.raises(PermanentError) as refused:
            verb()
        assert refused.value.code == "bad_key"
    assert list(store.list()) == []


def test_the_same_bytes_again_are_fine_and_others_are_refused(store: Store, file: Any, tmp_path: Path) -> None:
    for size in (10, 6 * MIB):
        key = f"{KEY}-{size}"
        first = store.put(key, file(size))
        assert store.put(key, file(size)) == first
        with pytest.raises(PermanentError) as refused:
            store.put(key, file(size, seed=2))
        assert refused.value.code == "object_exists"
        store.get(key, tmp_path / "out", first.sha256)


@storekit.needs("one winner")
@pytest.mark.parametrize("size", [100, 6 * MIB])
def test_a_writer_that_looked_too_early_is_refused(
    store: Store, file: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    first = store.put(KEY, file(size))
    if isinstance(store, S3Store):
        monkeypatch.setattr(S3Store, "_is_there", looked_too_early(S3Store._is_there))
    with pytest.raises(PermanentError) as refused:
        store.put(KEY, file(size, seed=2))
    assert refused.value.code == "object_exists"
    store.get(KEY, tmp_path / "out", first.sha256)


def looked_too_early(look: Any) -> Any:
    """The first look finds nothing, whatever is there."""
    looks: list[None] = []

    def early(self: S3Store, stored: StoredObject) -> bool:
        looks.append(None)
        return False if len(looks) == 1 else look(self, stored)

    return early


@storekit.needs("one winner")
def test_of_writers_at_the_same_time_one_wins(store: Store, file: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody looks first here, so only the condition on the last request can keep them apart."""
    together, here = threading.Barrier(4), threading.local()
    look = S3Store._is_there

    def early(self: S3Store, stored: StoredObject) -> bool:
        if not hasattr(here, "looked"):
            here.looked = True
            together.wait(20)
            return False
        return look(self, stored)

    monkeypatch.setattr(S3Store, "_is_there", early)
    files = [file(100, seed) for seed in range(4)]

    def put(path: Path) -> str:
        try:
            return store.put(KEY, path).sha256
        except PermanentError as error:
            return error.code

    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(put, files))

    assert outcomes.count("object_exists") == 3
    (winner,) = (outcome for outcome in outcomes if outcome != "object_exists")
    store.get(KEY, tmp_path / "out", winner)


def test_nothing_there_is_told(store: Store, tmp_path: Path) -> None:
    assert store.stat(KEY) is None
    store.delete(KEY)
    assert list(store.list("tenants/")) == []
    with pytest.raises(PermanentError) as missing:
        store.get(KEY, tmp_path / "out")
    assert missing.value.code == "object_missing"
    assert list(tmp_path.iterdir()) == []


def test_keys_are_listed_by_prefix_in_the_order_of_bytes(store: Store, file: Any) -> None:
    keys = ["a/b/c", "a/b.c", "a/b-c", "a/bb", "b/c"]
    for key in keys:
        store.put(key, file(3))
    assert list(store.list()) == sorted(keys)
    assert list(store.list("a/b")) == ["a/b-c", "a/b.c", "a/b/c", "a/bb"]
    assert list(store.list("a/b/")) == ["a/b/c"]
    assert list(store.list("zzz/none")) == []


def test_a_tampered_object_is_found_on_get(
    backend: storekit.Backend, store: Store, file: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reelq.worker.stores.base.PAUSES_S", (0.0, 0.0, 0.0))
    stored = store.put(KEY, file(1000))
    backend.tamper(store, KEY, content(1000, seed=9))
    with pytest.raises(PermanentError) as corrupt:
        store.get(KEY, tmp_path / "out", stored.sha256)
    assert corrupt.value.code == "object_corrupt"
    assert not (tmp_path / "out").exists()
    assert not list(tmp_path.glob(".part-*"))


@pytest.mark.parametrize("size", [10, 12 * MIB])
def test_a_stopped_put_leaves_nothing(store: Store, file: Any, size: int) -> None:
    stop = StopSignal()
    if size < MIB:  # over in one request: it can only be stopped before
        stop.set("cancelled")
    with pytest.raises(StopRequested):
        store.put(KEY, file(size), stop=stop, on_progress=lambda done, _: stop.set("cancelled") if done else None)
    assert store.stat(KEY) is None
    assert store.sweep(-1) == 0


def test_a_stopped_get_leaves_nothing(store: Store, file: Any, tmp_path: Path) -> None:
    store.put(KEY, file(6 * MIB))
    stop = StopSignal()
    with pytest.raises(StopRequested):
        store.get(KEY, tmp_path / "out", stop=stop, on_progress=lambda *_: stop.set("lease_lost"))
    assert [path.name for path in tmp_path.iterdir()] == [f"in-{6 * MIB}-1"]


def test_progress_rises_to_the_whole(store: Store, file: Any, tmp_path: Path) -> None:
    size, told = 11 * MIB, list[tuple[int, int | None]]()
    store.put(KEY, file(size), on_progress=lambda done, total: told.append((done, total)))
    assert told == sorted(told) and told[-1] == (size, size) and len(told) >= 3
    told.clear()
    store.get(KEY, tmp_path / "out", on_progress=lambda done, total: told.append((done, total)))
    assert told == sorted(told) and told[-1] == (size, size) and len(told) >= 3


def test_a_reader_never_sees_half_an_object(store: Store, file: Any, tmp_path: Path) -> None:
    """While a big object goes up and after, a reader finds nothing or all of it."""
    size, over, seen = 24 * MIB, threading.Event(), list[int]()

    def read() -> None:
        while True:
            last = over.is_set()
            found = store.stat(KEY)
            if found is None:
                seen.append(0)
            else:
                seen.append(store.get(KEY, tmp_path / "seen").size_bytes)
            if last:
                return

    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(read)
        stored = store.put(KEY, file(size))
        over.set()
        reading.result(60)

    assert set(seen) <= {0, size} and seen[-1] == size
    assert store.get(KEY, tmp_path / "seen").sha256 == stored.sha256


@storekit.needs("multipart")
def test_parts_of_a_failed_put_are_taken_away(
    backend: storekit.Backend, store: Store, file: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(done: int, total: int | None) -> None:
        if done:
            raise RuntimeError(f"the worker is broken at {done} of {total}")

    with pytest.raises(RuntimeError):
        store.put(KEY, file(12 * MIB), on_progress=fail)
    uploads = backend.client().list_multipart_uploads(Bucket=store.bucket.removeprefix("s3://"))
    assert uploads.get("Uploads", []) == []


@storekit.needs("multipart")
def test_a_sweep_takes_away_what_killed_puts_left(backend: storekit.Backend, store: Store) -> None:
    bucket = store.bucket.removeprefix("s3://")
    backend.client().create_multipart_upload(Bucket=bucket, Key=KEY)
    if "age of uploads" not in storekit.LACKS[backend.name]:
        assert store.sweep() == 0  # too young
    assert store.sweep(-1) == 1
    assert backend.client().list_multipart_uploads(Bucket=bucket).get("Uploads", []) == []


@storekit.needs("prefix")
def test_a_prefix_is_invisible_in_keys(backend: storekit.Backend, file: Any) -> None:
    environ = backend.environ()
    environ["REELQ_STORE"] += "/deep/er"
    store = backend.open(**environ)
    store.put("a/b", file(3))
    assert list(store.list("a/")) == ["a/b"]
    assert store.bucket.endswith("/deep/er")
    bucket = store.bucket.removeprefix("s3://").partition("/")[0]
    found = backend.client().list_objects_v2(Bucket=bucket)["Contents"]
    assert [one["Key"] for one in found] == ["deep/er/.incoming/store", "deep/er/a/b"]  # the first is the store's mark


@storekit.needs("signed http links")
def test_signed_links_open_one_object_for_a_while(store: Store, file: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    store.put(KEY, file(100))
    store.put("other", file(100))
    link = store.signed_url(KEY)
    assert httpx.get(link, trust_env=False).content == content(100)
    assert "X-Amz-Expires=600" in link
    for forged in (link.replace("j-1", "j-2"), link.replace(f"/{KEY}", "/other"), link[:-4] + "0000"):
        assert httpx.get(forged, trust_env=False).status_code in (400, 403)
    longer = link.replace("X-Amz-Expires=600", "X-Amz-Expires=60000")
    assert httpx.get(longer, trust_env=False).status_code in (400, 403)
    ago = datetime.now(UTC).replace(tzinfo=None) - timedelta(seconds=602)
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda **_: ago)
    assert httpx.get(store.signed_url(KEY), trust_env=False).status_code in (400, 403)


def test_check_passes_and_leaves_nothing(store: Store) -> None:
    store.check()
    assert list(store.list()) == []


@storekit.needs("bucket")
def test_a_missing_bucket_is_told(backend: storekit.Backend) -> None:
    with pytest.raises(TransientError) as told:
        backend.open(REELQ_STORE="s3://nobody-made-this").check()
    assert told.value.code == "bucket_missing"


@storekit.needs("credentials")
def test_refused_credentials_are_told_without_the_secret(backend: storekit.Backend) -> None:
    with pytest.raises(TransientError) as told:
        backend.open(REELQ_S3_SECRET_ACCESS_KEY="a-very-wrong-secret").check()
    assert told.value.code == "store_denied"
    for text in (str(told.value), told.value.detail):
        assert "a-very-wrong-secret" not in text and s3_servers.KEY_ID not in text


@storekit.needs("bucket")
def test_a_server_that_sends_on_is_told(backend: storekit.Backend) -> None:
    """As a sign-in page between host and store does: botocore would follow for ever."""

    class SendsOn(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(302)
            self.send_header("Location", "http://127.0.0.1:9/")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_HEAD(self) -> None:
            self.do_GET()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), SendsOn) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        store = backend.open(REELQ_S3_ENDPOINT_URL=f"http://127.0.0.1:{server.server_port}")
        with pytest.raises(TransientError) as told:
            next(iter(store.list()), None)
        server.shutdown()
    assert told.value.code == "store_away" and "sends on to another address" in str(told.value)


@storekit.needs("bucket")
def test_a_server_that_is_away_is_told(backend: storekit.Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reelq.worker.stores.s3.TRIES", 1)
    store = backend.open(REELQ_S3_ENDPOINT_URL="http://127.0.0.1:9")
    with pytest.raises(JobError) as told:
        store.check()
    assert isinstance(told.value, TransientError)
    assert told.value.code == "store_away"


def test_a_store_that_is_not_there_takes_nothing_and_has_lost_nothing(
    backend: storekit.Backend, store: Store, file: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An empty place under the same address: a share that is not mounted, a bucket after a failover. Then it comes back."""
    monkeypatch.setattr("reelq.worker.stores.base.PAUSES_S", ())
    store.put("a/b", file(1000))
    with backend.emptied(store):
        for call in (
            lambda: store.put("c", file(10, seed=2)),
            lambda: store.get("a/b", tmp_path / "out"),
            lambda: store.stat("a/b"),
            lambda: store.get("never", tmp_path / "out"),
        ):
            with pytest.raises(TransientError) as told:
                call()
            assert told.value.code == "store_away"
    assert list(store.list()) == ["a/b"], "nothing was written beside the store"
    store.put("c", file(10, seed=2))
    assert store.stat("never") is None


def test_a_store_of_another_mark_is_not_the_one(backend: storekit.Backend, store: Store, file: Any) -> None:
    """What another process knows counts, such as the database."""
    store.expected = "the mark of the real one"
    with pytest.raises(TransientError) as told:
        store.put("a", file(10))
    assert told.value.code == "store_away"
    store.expected = None
    assert store.is_empty()


def test_one_bad_reading_is_not_a_corrupt_object(store: Store, file: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bytes that come cut, once or more, are read again from the start; cut in different places each time they are the store's trouble."""
    monkeypatch.setattr("reelq.worker.stores.base.PAUSES_S", (0.0, 0.0, 0.0))
    body = content(2 * MIB)
    stored = store.put("a", file(2 * MIB))
    cuts = iter([100, 5000])
    module = sys.modules[type(store).__module__]
    real = module.digest_chunks

    def cut(chunks: Any, write: Any = None, **more: Any) -> Any:
        length = next(cuts, None)
        return real(chunks if length is None else [b"".join(chunks)[:length] + b"?" * (len(body) - length)], write, **more)

    monkeypatch.setattr(module, "digest_chunks", cut)
    assert store.get("a", tmp_path / "out", stored.sha256).sha256 == stored.sha256
    assert (tmp_path / "out").read_bytes() == body
    cuts = iter([1, 2, 3, 4])
    with pytest.raises(TransientError) as told:
        store.get("a", tmp_path / "again", stored.sha256)
    assert told.value.code == "store_away"
    assert not (tmp_path / "again").exists()


@pytest.mark.parametrize("size", [0, 3, 5 * MIB, 11 * MIB + 7])
def test_bytes_are_stored_as_they_come_and_read_as_they_are(store: Store, size: int) -> None:
    body = content(size)
    with store.writer(KEY, expected_bytes=size) as writer:
        for begin in range(0, size, 65_552):  # as they come from an encryption
            writer.write(body[begin : begin + 65_552])
        if size > 6 * MIB:
            assert store.stat(KEY) is None, "it is seen before it is whole"
    assert (writer.size_bytes, writer.sha256) == (size, hashlib.sha256(body).hexdigest())
    assert b"".join(store.read(KEY)) == body
    with store.writer(KEY) as again:  # the same bytes once more are as good
        again.write(body)


def test_of_bytes_that_stop_coming_nothing_is_left(backend: storekit.Backend, store: Store) -> None:
    with pytest.raises(KeyError), store.writer(KEY) as writer:
        writer.write(content(6 * MIB))
        raise KeyError("stopped")
    assert store.stat(KEY) is None and list(store.list()) == []
    if backend.name == "folder":
        assert [path.name for path in (Path(store.bucket.removeprefix("file://")) / ".incoming").iterdir()] == ["store"]
    elif backend.name == "moto":  # rclone says NoSuchUpload for none at all
        assert backend.client().list_multipart_uploads(Bucket=store.bucket.removeprefix("s3://")).get("Uploads", []) == []


def test_backups_within_a_store_are_none_of_its_objects(backend: storekit.Backend) -> None:
    environ = backend.environ()
    common = open_store(load(environ))
    backups = open_store(load(environ | {"REELQ_STORE": f"{environ['REELQ_STORE']}/.backups"}))
    with backups.writer("2030/database.dump") as writer:
        writer.write(b"PGDMP")
    assert list(backups.list()) == ["2030/database.dump"] and list(common.list()) == []
    assert common.is_empty()
    for call in (common.stat, common.delete, common.signed_url):
        with pytest.raises(PermanentError) as refused:
            call(".backups/2030/database.dump")
        assert refused.value.code == "bad_key"
