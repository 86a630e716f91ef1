"""The life of objects, in real stores: swept, cold and back, compared with the register."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from reelq.worker.errors import JobError, PermanentError
from reelq.worker.jobs import artifacts, cold_source
from reelq.worker.jobs.context import JobContext
from reelq.worker.objects import check, cold, sweep
from reelq.worker.objects.stores import ProvedStores
from reelq.worker.rooms import media, objects
from reelq.worker.settings import Settings, load
from reelq.worker.stores import base, s3_cold
from reelq.worker.stores.folder import FolderStore
from reelq.worker.stores.open import Store, open_store
from tests.fakes import s3_servers
from tests.fakes.glacier_s3 import Glacier, glacier
from tests.sql.mediakit import Conn, refused, scalar
from tests.worker import runnerkit

DAY = timedelta(days=1)
ROOT = Path(__file__).resolve().parents[2]


class World:
    """A database, one store of it, and files whose originals lie there."""

    def __init__(self, conn: Conn, settings: Settings, tmp_path: Path, store: Store) -> None:
        self.conn, self.settings, self.store, self._tmp = conn, settings, store, tmp_path
        mark = store.adopt()
        assert media.register_store(conn, store.bucket, mark) == mark
        self.tenant: UUID = scalar(conn, "select id from identity.tenants where slug = 'default'")

    def put(self, name: str, content: bytes | None = None, tenant: UUID | None = None) -> UUID:
        """Store an object as a worker does, and refer to it from a new asset; the object's id."""
        path = self._tmp / "put"
        path.write_bytes(content if content is not None else name.encode())
        key = f"tenants/{tenant or self.tenant}/media/{name}"
        made: UUID = scalar(self.conn, "select media.begin_object(%s, %s, %s)", tenant or self.tenant, self.store.bucket, key)
        stored = self.store.put(key, path)
        with self.conn.transaction():
            made = scalar(self.conn, "select id from media.finish_object(%s, %s, %s)", made, stored.size_bytes, stored.sha256)
            self.conn.execute("insert into media.assets (tenant_id, object_id) values (%s, %s)", [tenant or self.tenant, made])
        return made

    def key(self, one: UUID) -> str:
        """Its key."""
        return str(scalar(self.conn, "select key from media.objects where id = %s", one))

    def drop(self, one: UUID) -> None:
        """Nothing refers to it any more."""
        self.conn.execute("delete from media.assets where object_id = %s", [one])

    def sweep(self) -> sweep.Swept:
        """A sweep."""
        return sweep.run(self.conn, ProvedStores(self.conn, self.settings))

    def cool(self) -> cold.Moved:
        """A round of the cold storage."""
        return cold.run(self.conn, ProvedStores(self.conn, self.settings))

    def state(self, one: UUID) -> Any:
        """state, storage_class, fault; None when the row is gone."""
        return self.conn.execute("select state, storage_class, fault from media.objects where id = %s", [one]).fetchone()

    def has(self, one: UUID, key: str) -> tuple[bool, bool]:
        """Whether row and bytes are there."""
        return self.state(one) is not None, self.store.stat(key) is not None


@pytest.fixture
def folder(conn: Conn, store_dir: Path, tmp_path: Path) -> World:
    settings = load({"REELQ_STORE": store_dir.as_uri()})
    return World(conn, settings, tmp_path, open_store(settings))


@pytest.fixture(scope="module")
def archive() -> Iterator[Glacier]:
    with s3_servers.moto() as url, glacier(url) as found:
        yield found


@pytest.fixture
def bucket(conn: Conn, archive: Glacier, tmp_path: Path) -> World:
    from reelq.worker.stores.s3 import open_client

    name = f"b-{os.urandom(4).hex()}"
    settings = load({
        "REELQ_STORE": f"s3://{name}", "REELQ_S3_ENDPOINT_URL": archive.url,
        "REELQ_S3_ACCESS_KEY_ID": s3_servers.KEY_ID, "REELQ_S3_SECRET_ACCESS_KEY": s3_servers.SECRET,
    })  # fmt: skip
    open_client(settings).create_bucket(Bucket=name)
    return World(conn, settings, tmp_path, open_store(settings))


def test_what_nothing_refers_to_goes_after_its_grace_bytes_and_row(folder: World, clock: Any) -> None:
    used, dropped = folder.put("used"), folder.put("dropped")
    twice = folder.put("again", b"dropped")
    assert twice == dropped, "equal content is one object"
    clock.forward(0)
    folder.conn.execute("delete from media.assets where id = (select min(id::text)::uuid from media.assets where object_id = %s)", [dropped])
    assert folder.sweep().unreferenced == 0, "one of two references is left"
    folder.drop(dropped)
    assert folder.sweep().unreferenced == 1
    clock.forward(DAY)
    # The bytes of the second upload are litter by now: nobody has finished them for a day.
    early = folder.sweep()
    assert (early.deleted, early.litter) == (0, 1)
    clock.forward(timedelta(seconds=1))
    done = folder.sweep()
    assert done.deleted == 1 and done.is_clean
    assert folder.has(dropped, f"tenants/{folder.tenant}/media/dropped") == (False, False)
    assert folder.has(used, folder.key(used)) == (True, True)
    clock.forward(2 * DAY)
    assert folder.sweep().deleted == 1
    assert [*folder.store.list()] == [folder.key(used)]


def test_while_everything_is_paused_nothing_is_deleted_or_moved(folder: World, clock: Any) -> None:
    """As a restored copy begins: its objects are those of the original."""
    used, dropped = folder.put("used"), folder.put("dropped")
    folder.drop(dropped)
    folder.sweep()
    clock.forward(timedelta(days=400))
    folder.conn.execute("select queue.pause('all', '', 'a copy')")
    done, moved = folder.sweep(), folder.cool()
    assert (done.deleted, moved.begun, moved.cold) == (0, 0, 0)
    assert {*done.skipped.values(), *moved.skipped.values()} == {"everything is paused: a copy"}
    assert scalar(folder.conn, "select count(*) from media.objects where state = 'deleting'") == 0, "a restored copy may be used after all"
    assert folder.store.stat(folder.key(dropped)) is not None and folder.state(used)[1] == "hot"
    folder.conn.execute("select queue.resume('all')")
    assert (folder.sweep().deleted, folder.cool().cold) == (1, 1)


CRASHES = [
    "objects.condemn_objects", "objects.list_condemned", "FolderStore.delete before", "FolderStore.delete after", "objects.forget_objects before",
    "objects.forget_objects after",
]  # fmt: skip
KILLED = """
import os, signal, sys
from reelq.worker import db
from reelq.worker.objects import sweep
from reelq.worker.objects.stores import ProvedStores
from reelq.worker.rooms import objects
from reelq.worker.settings import load
from reelq.worker.stores.folder import FolderStore

place, when = (sys.argv[1] + " after").split()[:2]
owner = {"objects": objects, "FolderStore": FolderStore}[place.split(".")[0]]
name = place.split(".")[1]
real = getattr(owner, name)

def dying(*args, **named):
    if when == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    found = real(*args, **named)
    os.kill(os.getpid(), signal.SIGKILL)

setattr(owner, name, dying)
settings = load(os.environ)
with db.connect(settings, "test") as conn:
    sweep.run(conn, ProvedStores(conn, settings))
"""


@pytest.mark.parametrize("place", CRASHES)
def test_a_sweep_that_is_killed_at_any_step_leaves_no_byte_without_a_row_and_the_next_ends_it(
    folder: World, clock: Any, settings_env: dict[str, str], place: str
) -> None:
    used, gone = folder.put("used"), [folder.put(f"gone{n}") for n in range(3)]
    keys = {one: folder.key(one) for one in gone}
    clock.forward(0)
    for one in gone:
        folder.drop(one)
    folder.sweep()
    clock.forward(2 * DAY)
    env = {**os.environ, **settings_env, "REELQ_STORE": folder.settings.store}
    killed = subprocess.run([sys.executable, "-c", KILLED, place], env=env, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    for one in gone:
        row, there = folder.has(one, keys[one])
        assert row or not there, "bytes without a row"
        # What may be gone by now cannot be referred to any more.
        if not there and row:
            assert refused(folder.conn, "select media.use_object(%s, %s)", one, folder.tenant) == "RQ018"
    folder.sweep()
    assert [folder.has(one, keys[one]) for one in gone] == [(False, False)] * 3
    assert folder.has(used, folder.key(used)) == (True, True)


def test_two_sweeps_at_once_delete_all_of_it_once(folder: World, clock: Any, connect: Callable[[], Conn], monkeypatch: pytest.MonkeyPatch) -> None:
    """The second comes while the first is about to delete the first byte."""
    gone = [folder.put(f"gone{n}") for n in range(5)]
    keys = [folder.key(one) for one in gone]
    clock.forward(0)
    for one in gone:
        folder.drop(one)
    folder.sweep()
    clock.forward(2 * DAY)
    real, second = FolderStore.delete, list[sweep.Swept]()

    def delete(self: FolderStore, key: str) -> None:
        if not second:
            monkeypatch.setattr(FolderStore, "delete", real)
            other = connect()
            second.append(sweep.run(other, ProvedStores(other, folder.settings)))
        real(self, key)

    monkeypatch.setattr(FolderStore, "delete", delete)
    first = folder.sweep()
    assert (second[0].deleted, first.deleted) == (5, 0) and first.is_clean
    assert not any(folder.store.stat(key) for key in keys)
    assert scalar(folder.conn, "select count(*) from media.objects") == 0


def test_an_unmounted_store_or_another_one_is_left_alone(folder: World, clock: Any, store_dir: Path) -> None:
    one = folder.put("one")
    clock.forward(0)
    folder.drop(one)
    folder.sweep()
    clock.forward(2 * DAY)
    away = store_dir.with_name("away")
    store_dir.rename(away)
    store_dir.mkdir()
    done = folder.sweep()
    assert not done.is_clean and "does not show its mark" in done.skipped[folder.store.bucket]
    (store_dir / ".incoming").mkdir()
    (store_dir / ".incoming/store").write_text("another")
    (store_dir / folder.key(one)).parent.mkdir(parents=True)
    (store_dir / folder.key(one)).write_bytes(b"of somebody else")
    done = folder.sweep()
    assert "mark of another store" in done.skipped[folder.store.bucket] and done.deleted == 0
    assert (store_dir / folder.key(one)).read_bytes() == b"of somebody else"
    assert folder.state(one)[0] == "deleting", "the row stays until its bytes are gone"
    with pytest.raises(JobError):
        folder.store.stat("x")


def test_a_store_that_goes_while_it_is_swept_keeps_its_rows(folder: World, clock: Any, store_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = [folder.put(f"gone{n}") for n in range(3)]
    clock.forward(0)
    for one in gone:
        folder.drop(one)
    folder.sweep()
    clock.forward(2 * DAY)
    real = FolderStore.delete

    def delete(self: FolderStore, key: str) -> None:
        if store_dir.exists():
            real(self, key)
            store_dir.rename(store_dir.with_name("away"))
            store_dir.mkdir()
            return
        raise AssertionError

    monkeypatch.setattr(FolderStore, "delete", delete)
    done = folder.sweep()
    assert done.deleted == 0 and done.skipped
    assert scalar(folder.conn, "select count(*) from media.objects where state = 'deleting'") == 3


def test_an_object_in_another_tenant_s_bucket_is_left_there(bucket: World, clock: Any) -> None:
    one = bucket.put("one")
    scalar(bucket.conn, "select identity.create_tenant('acme', 'Acme')")
    own = bucket.settings.store.removeprefix("s3://")
    bucket.conn.execute("update identity.tenants set s3_bucket = %s, s3_region = 'r' where slug = 'acme'", [own])
    acme = scalar(bucket.conn, "select id from identity.tenants where slug = 'acme'")
    its = bucket.put("its", tenant=acme)
    clock.forward(0)
    bucket.drop(one)
    bucket.drop(its)
    bucket.sweep()
    clock.forward(2 * DAY)
    key, other = bucket.key(one), bucket.key(its)
    done = bucket.sweep()
    assert (done.deleted, done.foreign, done.is_clean) == (1, 1, False)
    assert bucket.has(one, key) == (True, True) and bucket.has(its, other) == (False, False)


def test_a_folder_s_objects_go_cold_and_come_back(folder: World, clock: Any, tmp_path: Path, store_dir: Path) -> None:
    old = folder.put("old")
    key = folder.key(old)
    clock.forward(timedelta(days=364))
    young = folder.put("young")
    folder.conn.execute("update media.objects set last_used_at = base.clock() where id = %s", [young])
    assert folder.cool().begun == 0
    clock.forward(2 * DAY)
    done = folder.cool()
    assert (done.begun, done.cold) == (1, 1) and folder.state(old)[1] == "cold" and folder.state(young)[1] == "hot"
    assert (store_dir / ".cold" / key).read_bytes() == b"old"
    with pytest.raises(PermanentError) as caught:
        folder.store.get(key, tmp_path / "out")
    assert caught.value.code == "object_archived"
    assert sorted(folder.store.list()) == sorted([key, folder.key(young)])
    assert check.run(folder.conn, folder.store).missing == 0, "a cold object is there"
    assert cold.ask(folder.conn, folder.store, key, 3) == "restored"
    assert folder.store.get(key, tmp_path / "out").size_bytes == 3
    assert folder.cool().cold == 0
    clock.forward(3 * DAY)
    assert folder.cool().cold == 1 and folder.state(old)[1] == "cold"
    # Deleted while it is cold: no byte is left.
    folder.drop(old)
    folder.sweep()
    clock.forward(2 * DAY)
    assert folder.sweep().deleted == 1
    assert not [*(store_dir / ".cold").rglob("*")]


def test_s3_s_archive_is_asked_and_followed(bucket: World, archive: Glacier, clock: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = bucket.put("one", b"x" * 1000)
    key = bucket.key(one)
    clock.forward(timedelta(days=366))
    assert bucket.cool().cold == 1
    assert bucket.store.stat(key).sha256 is not None, "a copy in place keeps what is known of the object"  # type: ignore[union-attr]
    with pytest.raises(PermanentError) as caught:
        bucket.store.get(key, tmp_path / "out")
    assert caught.value.code == "object_archived"
    assert cold.ask(bucket.conn, bucket.store, key) == "restoring"
    assert cold.ask(bucket.conn, bucket.store, key) == "restoring", "asking twice is fine"
    assert bucket.cool().restoring == 1
    assert archive.finish() == 1
    assert bucket.cool().restored == 1
    until = scalar(bucket.conn, "select restored_until from media.objects where id = %s", one)
    assert until == archive.now + 7 * DAY
    assert bucket.store.get(key, tmp_path / "out").size_bytes == 1000
    # The copy's end is the store's; the register follows.
    archive.forward(8 * DAY)
    clock.set(until + DAY)
    assert bucket.cool().cold == 1 and bucket.state(one)[1] == "cold"
    # Asked for in SQL alone, as an application does: the next round asks the store.
    bucket.conn.execute("select media.request_restore(%s, %s)", [bucket.store.bucket, key])
    assert bucket.state(one)[1] == "restoring"
    archive.seen.clear()
    assert bucket.cool().restoring == 1 and [word.split()[0] for word in archive.seen] == ["restore"]


def test_a_large_object_is_cooled_in_parts(bucket: World, archive: Glacier, clock: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3_cold, "ONE_COPY_BYTES", 6 << 20)
    monkeypatch.setattr(s3_cold, "PART_BYTES", 5 << 20)
    content = os.urandom(1 << 20) * 11
    one = bucket.put("large", content)
    key = bucket.key(one)
    archive.seen.clear()
    clock.forward(timedelta(days=366))
    assert bucket.cool().cold == 1
    assert [word.split()[0] for word in archive.seen] == ["part", "part", "part", "complete"]
    bucket.store.restore(key, 1)
    archive.finish()
    assert bucket.store.get(key, tmp_path / "out").size_bytes == len(content)
    assert (tmp_path / "out").read_bytes() == content


def test_a_store_without_cold_storage_refuses_and_nothing_changes(bucket: World, clock: Any) -> None:
    one = bucket.put("one")
    bucket.settings = load({
        "REELQ_STORE": bucket.settings.store, "REELQ_S3_ENDPOINT_URL": bucket.settings.s3_endpoint_url, "REELQ_S3_COLD_CLASS": "NO_SUCH",
        "REELQ_S3_ACCESS_KEY_ID": s3_servers.KEY_ID, "REELQ_S3_SECRET_ACCESS_KEY": s3_servers.SECRET,
    })  # fmt: skip
    clock.forward(timedelta(days=366))
    assert bucket.cool().skipped
    assert bucket.state(one)[1] == "cooling" and bucket.store.stat(bucket.key(one)) is not None


@pytest.mark.parametrize("where", ["folder", "bucket"])
def test_a_check_finds_what_differs_and_repairs_it(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, where: str, clock: Any, tmp_path: Path
) -> None:
    monkeypatch.setattr(base, "PAUSES_S", (0.0, 0.0, 0.0))
    world: World = request.getfixturevalue(where)
    fine, lost, cut, bad = (world.put(name, name.encode() * 5) for name in ("fine", "lost", "cut", "bad"))
    stray = f"tenants/{world.tenant}/media/stray"
    (tmp_path / "f").write_bytes(b"stray")
    for key, content in ((stray, b"stray"), (world.key(cut), b"short"), (world.key(bad), b"BAD" * 5)):
        world.store.delete(key)
        (tmp_path / "f").write_bytes(content)
        world.store.put(key, tmp_path / "f")
    world.store.delete(world.key(lost))
    found: list[check.Find] = []
    young = check.run(world.conn, world.store, found=found.append)
    assert (young.listed, young.strays, young.missing, young.altered) == (4, 0, 1, 1), "the stray one was written a moment ago"
    assert [(one.kind, one.object_id) for one in found] == [("size", cut), ("missing", lost)] or {one.kind for one in found} == {"size", "missing"}
    old = check.run(world.conn, world.store, content=True, grace=timedelta(0), repair=True)
    assert (old.strays, old.missing, old.altered, old.example) == (1, 1, 2, stray)
    assert [world.state(one)[2] for one in (fine, lost, cut, bad)] == [None, "missing", "altered", "altered"]
    levels = dict(world.conn.execute("select finding, level from ops.health() where finding in ('objects', 'stray_objects')").fetchall())
    assert levels == {"objects": "bad", "stray_objects": "warn"}
    # The stray one has a row now, and goes by the sweep.
    clock.forward(2 * DAY)
    assert world.sweep().deleted == 1 and world.store.stat(stray) is None
    # What was lost comes back from a backup: the next check says so.
    (tmp_path / "f").write_bytes(b"lost" * 5)
    world.store.put(world.key(lost), tmp_path / "f")
    again = check.run(world.conn, world.store)
    assert (again.strays, again.missing, again.altered) == (0, 0, 1)
    assert world.state(lost)[2] is None and world.state(bad)[2] == "altered", "without --content nobody knows that it is whole again"


def test_what_another_database_stored_is_neither_a_stray_nor_swept(folder: World, clock: Any, tmp_path: Path) -> None:
    """Two databases that were given one store, or a bucket with other files."""
    job = scalar(folder.conn, "select base.uuid_v7()")
    ours = {f"tenants/{folder.tenant}/jobs/{job}-1/a", f"jobs/{job}-1/a"}
    foreign = {f"tenants/{uuid4()}/media/a", "jobs/01900000-0000-7000-8000-000000000000-1/a", "photos/cat.jpg", f"jobs/{job}/a", "tenants/acme/media/a"}
    for key in ours | foreign:
        (tmp_path / "f").write_bytes(key.encode())
        folder.store.put(key, tmp_path / "f")
    found: list[check.Find] = []
    done = check.run(folder.conn, folder.store, found=found.append, grace=timedelta(0), repair=True)
    assert {one.key for one in found if one.kind == "foreign"} == foreign
    assert ({one.key for one in found if one.kind == "stray"}, done.strays) == (ours, 2)
    assert objects.adopt_strays(folder.conn, folder.store.bucket, sorted(foreign)) == 0
    clock.forward(2 * DAY)
    assert folder.sweep().deleted == 2 and {*folder.store.list()} == foreign


def test_a_check_goes_on_where_it_was_interrupted_and_a_second_one_gives_way(folder: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "PAGE", 10)
    made = [folder.put(f"{n:03}") for n in range(35)]
    folder.store.delete(folder.key(made[2]))
    folder.store.delete(folder.key(made[30]))
    real, pages = objects.save_check, list[Any]()

    def dying(*args: Any) -> bool:
        kept = real(*args)
        pages.append(args[3])
        if len(pages) == 2:
            raise KeyboardInterrupt
        return kept

    monkeypatch.setattr(objects, "save_check", dying)
    with pytest.raises(KeyboardInterrupt):
        check.run(folder.conn, folder.store)
    scanned: list[str] = []
    scan = FolderStore.scan

    def counted(self: FolderStore, after: str = "") -> Iterator[Any]:
        scanned.append(after)
        return scan(self, after)

    monkeypatch.setattr(FolderStore, "scan", counted)
    done = check.run(folder.conn, folder.store)
    assert (done.listed, done.missing) == (33, 2) and scanned == [pages[1]]
    # While one is at work another that begins at the same place is told.
    first = check.run

    def other(*args: Any) -> bool:
        monkeypatch.setattr(objects, "save_check", real)
        first(folder.conn, folder.store)
        return real(*args)

    monkeypatch.setattr(objects, "save_check", other)
    with pytest.raises(check.OtherCheck):
        check.run(folder.conn, folder.store)


def test_what_comes_and_goes_while_a_check_looks_is_no_find(folder: World, clock: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row and its bytes that came after the rows were read, and others that went after the listing."""
    gone = folder.put("gone")
    clock.forward(0)
    folder.drop(gone)
    folder.sweep()
    clock.forward(2 * DAY)
    real = objects.list_by_key

    def late(*args: Any) -> Any:
        rows = real(*args)
        monkeypatch.setattr(objects, "list_by_key", real)
        folder.put("new")
        folder.sweep()
        return rows

    monkeypatch.setattr(objects, "list_by_key", late)
    done = check.run(folder.conn, folder.store, grace=timedelta(0))
    assert (done.strays, done.missing, done.altered) == (0, 0, 0)


def test_a_job_that_needs_a_cold_original_asks_for_it_and_waits_without_an_attempt(
    folder: World, dsn: str, tmp_path: Path, store_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The job calls it back, snoozes, and finds it when it runs again."""
    one = folder.put("original", b"bytes")
    key = folder.key(one)
    folder.store.cool(key)
    folder.conn.execute("update media.objects set storage_class = 'cold' where id = %s", [one])
    asset = scalar(folder.conn, "select id from media.assets where object_id = %s", one)
    video = scalar(folder.conn, "insert into media.videos (tenant_id, asset_id) values (%s, %s) returning id", folder.tenant, asset)
    monkeypatch.setattr(cold_source, "SOON_S", 0.05)
    read: list[bytes] = []

    def stage(ctx: JobContext) -> dict[str, Any]:
        read.append(artifacts.stage(ctx, ctx.work()).read_bytes())
        return {}

    waits = runnerkit.enqueue(folder.conn, video_id=video)
    with runnerkit.working(dsn, tmp_path, {"no_op": runnerkit.handler(stage)}, store=folder.settings.store):
        runnerkit.until(lambda: runnerkit.job(folder.conn, waits)["status"] == "completed", "the job")
    assert [one["outcome"] for one in runnerkit.attempts(folder.conn, waits)] == ["snoozed", "completed"]
    assert runnerkit.job(folder.conn, waits)["attempts"] == 0, "waiting is charged nothing"
    assert read == [b"bytes"] and folder.state(one)[1] == "restored"
