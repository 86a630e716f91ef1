"""Backups as a plain owner makes, verifies and restores them; each that is not whole is refused; nothing is left of one that fails half way."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg
import pyrage
import pytest
from psycopg import sql

from demo import postgres
from reelq.worker import settings as settings_of
from reelq.worker.backup import create as creating
from reelq.worker.backup import manifest as manifests
from reelq.worker.backup import places, programs
from reelq.worker.backup import restore as restoring
from reelq.worker.backup import verify as verifying
from reelq.worker.backup.compare import check_same
from reelq.worker.backup.create import create
from reelq.worker.backup.prune import prune
from reelq.worker.db import schema
from reelq.worker.errors import BackupDamaged, BackupError, DatabaseAway, SettingsError, TransientError
from reelq.worker.settings import Settings
from reelq.worker.stores.folder import FolderWriter
from tests.worker import storekit

PASSWORD = "pass:wo\\rd 'x'"
KEY = pyrage.x25519.Identity.generate()
OTHER = pyrage.x25519.Identity.generate()
BALLAST_BYTES = 12 << 20  # does not compress: a dump of it takes long enough to be met half way


@pytest.fixture(scope="module")
def server() -> Iterator[postgres.Server]:
    """A server where passwords are asked for, and its owner of reelq is no superuser."""
    with postgres.throwaway() as running:
        with psycopg.connect(running.url(), autocommit=True) as admin:
            admin.execute(sql.SQL("create role boss login createrole createdb password {}").format(PASSWORD))
            admin.execute("create database model owner boss")
        (running.data / "pg_hba.conf").write_text("host all postgres 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n", encoding="ascii")
        with psycopg.connect(running.url(), autocommit=True) as admin:
            admin.execute("select pg_reload_conf()")
        with psycopg.connect(running.url("model"), user="boss", password=PASSWORD, autocommit=True) as conn:
            schema.install(conn)
            conn.execute("select queue.enqueue_job('no_op', idempotency_key => n::text) from generate_series(1, 500) as n; select identity.create_tenant('acme')")
            conn.execute("create schema app; create table app.ballast (id int primary key, raw bytea); alter table app.ballast alter raw set storage external")
        yield running


@dataclass(frozen=True, slots=True)
class Place:
    """A database of this test's, and where its backups lie."""

    server: postgres.Server
    settings: Settings
    name: str

    def connect(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self.settings.database_url, autocommit=True)

    def ask(self, statement: str, *arguments: Any) -> Any:
        with self.connect() as conn:
            found = conn.execute(statement.encode(), arguments).fetchone()
            return found[0] if found is not None and len(found) == 1 else found

    def drop(self) -> None:
        with psycopg.connect(self.server.url(), autocommit=True) as admin:
            admin.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(self.name)))

    def ballast(self) -> None:
        """Make the dump long."""
        with self.connect() as conn:
            for number in range(BALLAST_BYTES >> 20):
                conn.execute("insert into app.ballast values (%s, %s)", [number, os.urandom(1 << 20)])


@pytest.fixture
def place(server: postgres.Server, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Place]:
    name = f"b{os.getpid()}_{abs(hash(request.node.name)) % 10**8}"
    with psycopg.connect(server.url(), autocommit=True) as admin:
        admin.execute(sql.SQL("create database {} owner boss template model").format(sql.Identifier(name)))
    address = psycopg.conninfo.make_conninfo(host="127.0.0.1", port=server.port, dbname=name, user="boss", password=PASSWORD)
    environ = {"DATABASE_URL": address, "REELQ_STORE": (tmp_path / "objects").as_uri(), "REELQ_SCRATCH": str(tmp_path / "scratch")}
    yield Place(server, settings_of.load(environ), name)
    with psycopg.connect(server.url(), autocommit=True) as admin:
        admin.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))


def encrypted(place: Place) -> Place:
    return replace(place, settings=replace(place.settings, backup_recipients=(str(KEY.to_public()),)))


def opened(place: Place, *keys: Any) -> Settings:
    return replace(place.settings, backup_identity="# created by age-keygen\n" + "\n".join(map(str, keys)))


def folder_of(place: Place) -> Path:
    return Path(places.open_backups(place.settings).bucket.removeprefix("file://"))


def left(place: Place) -> list[str]:
    """What lies in the folder of backups."""
    root = folder_of(place)
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file() and path.name != "store")


@pytest.mark.parametrize("kind", ["folder", "moto"])
def test_what_is_restored_is_what_was_committed_before_the_snapshot(place: Place, tmp_path: Path, kind: str) -> None:
    """Beside enqueuers, by an owner that is no superuser, encrypted, verified on a private server, restored into a new database."""
    with storekit.backend(kind, tmp_path / "s3") as backend:
        environ = backend.environ() if kind != "folder" else {}
        changed = settings_of.load({"DATABASE_URL": place.settings.database_url, "REELQ_SCRATCH": str(place.settings.scratch)} | ({"REELQ_STORE": place.settings.store} | environ))
        place = encrypted(replace(place, settings=changed))
        over, added = threading.Event(), []

        def enqueue() -> None:
            with place.connect() as conn:
                while not over.is_set():
                    added.append(conn.execute("select queue.enqueue_job('no_op')").fetchone())

        thread = threading.Thread(target=enqueue)
        thread.start()
        try:
            while len(added) < 20:
                assert thread.is_alive()
            before = list(added)
            made = create(place.settings)
        finally:
            over.set()
            thread.join()
        assert made.tables["queue.processing_jobs"].rows >= 500 + len(before) and made.owner == "boss"
        row = place.ask("select status, size_bytes, sha256, row_count from ops.backups")
        assert row == ("completed", made.size_bytes, made.sha256, made.rows)

        assert verifying.verify(opened(place, OTHER, KEY)).id == made.id
        assert place.ask("select verified_how from ops.backups") == f"a private server of Postgres {place.server.binaries.major}"

        # Readable without reelq: what `age -d` gives is an archive of pg_dump's.
        store = places.open_backups(place.settings)
        (tmp_path / "plain.dump").write_bytes(pyrage.decrypt(b"".join(store.read(made.key)), [KEY]))
        restore = programs.find_restore(place.settings, made.pg_dump, place.server.binaries.major).path
        listed = subprocess.run([str(restore), "--list", str(tmp_path / "plain.dump")], capture_output=True, text=True, check=True).stdout
        assert "TABLE DATA queue processing_jobs" in listed

        place.drop()
        done = restoring.restore(opened(place, KEY), create=True)
        with place.connect() as conn:
            ids = [row[0] for row in before if row is not None]
            assert conn.execute("select count(*) from queue.processing_jobs where id = any(%s)", [ids]).fetchone() == (len(ids),)
            assert conn.execute("select * from queue.verify()").fetchall() == [] and schema.diff(conn) == []
        assert place.ask("select id::text, status, size_bytes from ops.backups") == (made.id, "completed", made.size_bytes)
        assert done.backups_known == 1 and done.roles_made == []
        assert any("others live in this database too" in step for step in done.to_do)


def test_one_that_is_not_whole_or_not_ours_is_refused_before_anything_changes(place: Place) -> None:
    place = encrypted(place)
    made = create(place.settings)
    root = folder_of(place)
    dump, manifest = root / made.key, root / made.folder / manifests.NAME
    body, text = dump.read_bytes(), manifest.read_bytes()
    with psycopg.connect(place.server.url(), autocommit=True) as admin:
        admin.execute(sql.SQL("create database {} owner boss").format(sql.Identifier(f"{place.name}_empty")))
    empty = replace(opened(place, KEY), database_url=psycopg.conninfo.make_conninfo(place.settings.database_url, dbname=f"{place.name}_empty"))
    altered = bytearray(body)
    altered[len(body) // 2] ^= 1
    newer = replace(made, reelq="99.0.0")
    moved = replace(made, migration="migrations/9999_later.sql")
    refusals: list[tuple[bytes | None, bytes | None, Settings, type[BackupError], str]] = [
        (body[:-100], text, empty, BackupDamaged, "the backup is cut"),
        (bytes(altered), text, empty, BackupDamaged, "the backup is altered: its checksum"),
        (body + b"x", text, empty, BackupDamaged, "the backup is altered"),
        (None, text, empty, BackupDamaged, "is not in the store, though its manifest is"),
        (body, text[: len(text) // 2], empty, BackupDamaged, "is cut or altered: it is not the JSON"),
        (body, text.replace(b'"rows": 500', b'"rows": 501'), empty, BackupDamaged, "its checksum does not fit"),
        (body, json.dumps({"format": 2, "manifest_sha256": "", "reelq": "3.0"}).encode(), empty, BackupError, "made by a newer reelq (3.0)"),
        (body, manifests.write(newer), empty, BackupError, "made by reelq 99.0.0"),
        (body, manifests.write(moved), empty, BackupError, "last migration migrations/9999_later.sql"),
        (body, manifests.write(replace(made, pg_dump=99)), empty, BackupError, "made by pg_dump 99, and the server here is Postgres"),
        (body, text, replace(empty, backup_identity=str(OTHER)), BackupError, "and the identity here is of"),
        (body, text, replace(empty, backup_identity=""), BackupError, "no identity is given"),
        (body, text, opened(place, KEY), BackupError, "the database holds the schema app, which is not reelq's"),
        (body, None, empty, BackupError, "holds no backup"),
    ]
    for bytes_, told, chosen, kind, sentence in refusals:
        for path, content in ((dump, bytes_), (manifest, told)):
            path.unlink(missing_ok=True)
            if content is not None:
                path.write_bytes(content)
        with pytest.raises(kind) as refused:
            restoring.restore(chosen)
        assert sentence in str(refused.value) and len(str(refused.value).splitlines()) == 1
    with psycopg.connect(empty.database_url) as conn:
        assert conn.execute("select to_regnamespace('queue'), to_regclass('app.ballast')").fetchone() == (None, None)
    with pytest.raises(SettingsError):
        create(replace(place.settings, backup_recipients=("age1nothing",)))
    with pytest.raises(BackupError, match="there is no such database"):
        manifest.write_bytes(text)
        dump.write_bytes(body)
        restoring.restore(replace(empty, database_url=psycopg.conninfo.make_conninfo(empty.database_url, dbname="nowhere")), made.id)
    restoring.restore(empty)
    with psycopg.connect(place.server.url(), autocommit=True) as admin:
        admin.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(f"{place.name}_empty")))


@pytest.mark.parametrize("scope", ["all", "reelq"])
def test_what_is_there_makes_room_for_a_backup_and_others_lose_nothing(place: Place, scope: str) -> None:
    """--replace: over an installation as it is, also one that is half dropped; not under others' views and keys, nor while somebody is in it."""
    with place.connect() as conn:
        conn.execute("drop schema app cascade")
    settings = replace(place.settings, backup_scope=scope)
    made = create(settings)
    with place.connect() as conn:
        conn.execute("select queue.delete_all_jobs()")
        for make, told, drop in (
            ("create view public.app_jobs as select id from queue.processing_jobs", "view public.app_jobs", "drop view public.app_jobs"),
            (
                "create table public.app_videos (id uuid references media.videos (id))", "table constraint app_videos_id_fkey on public.app_videos",
                "drop table public.app_videos",
            ),
        ):  # fmt: skip
            conn.execute(make.encode())
            with pytest.raises(BackupError) as refused:
                restoring.restore(settings, replace_ours=True)
            assert (told if scope == "reelq" else "which is not reelq's") in str(refused.value)
            conn.execute(drop.encode())
        with pytest.raises(BackupError, match=rf"others are in the database: pid {conn.info.backend_pid} \(boss\)"):
            restoring.restore(settings, replace_ours=True)
        assert conn.execute("select count(*) from queue.job_types where job_type = 'no_op'").fetchone() == (1,)
        if scope == "reelq":  # as a kill leaves it
            conn.execute("drop schema reelq_periodic cascade; drop schema ops cascade; drop schema queue cascade")
    done = restoring.restore(settings, replace_ours=True)
    assert done.manifest.id == made.id and not any("schema upgrade" in step for step in done.to_do)
    with place.connect() as conn:
        assert conn.execute("select count(*) from queue.processing_jobs").fetchone() == (500,)
        assert {row["state"] for row in schema.status(conn)} == {"applied"} and schema.diff(conn) == []
    with pytest.raises(BackupError, match=r"holds reelq already \(the schema base\)"):
        restoring.restore(settings)


def test_a_restore_that_differs_from_its_manifest_is_not_verified(place: Place) -> None:
    made = create(place.settings)
    with place.connect() as conn:
        jobs = made.tables["queue.processing_jobs"]
        ours = replace(made, tables={name: table for name, table in made.tables.items() if name != "ops.backups" and name != "ops.audit_logs"})
        for changed, sentence in (
            ({"queue.processing_jobs": replace(jobs, rows=501)}, "queue.processing_jobs has 500 rows instead of 501"),
            ({"queue.processing_jobs": replace(jobs, sha256="0" * 64)}, "queue.processing_jobs has other rows"),
            ({"queue.gone": jobs}, "queue.gone is missing"),
        ):
            with pytest.raises(BackupDamaged) as told:
                check_same(conn, replace(ours, tables=ours.tables | changed))
            assert sentence in str(told.value)


def test_one_that_the_owner_cannot_see_whole_is_not_begun(place: Place, tmp_path: Path) -> None:
    with psycopg.connect(place.server.url(place.name), autocommit=True) as admin:
        admin.execute("create table app.others (id int)")
    with pytest.raises(BackupError, match=r"app\.others cannot be read by boss") as refused:
        create(place.settings)
    assert "REELQ_BACKUP_SCOPE=reelq" in str(refused.value.hint) and left(place) == []
    ours = create(replace(place.settings, backup_scope="reelq"))
    assert not any(name.startswith("app.") for name in ours.tables)
    old = tmp_path / "bin"
    old.mkdir()
    (old / "pg_dump").write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 14.1'\n", encoding="ascii")
    (old / "pg_dump").chmod(0o755)
    with pytest.raises(BackupError, match=rf"pg_dump of Postgres {place.server.binaries.major} is needed here \(found: 14\)"):
        create(replace(place.settings, postgres_bin=str(old)))


Hook = Callable[[], None]


@pytest.fixture
def half_way(monkeypatch: pytest.MonkeyPatch) -> Callable[[Hook], None]:
    """What happens when some megabytes are in the store."""

    def arrange(hook: Hook) -> None:
        write, state = FolderWriter.write, {"done": False}

        def watched(self: FolderWriter, data: bytes) -> int:
            size = write(self, data)
            if self.size_bytes > 2 << 20 and not state["done"]:
                state["done"] = True
                hook()
            return size

        monkeypatch.setattr(FolderWriter, "write", watched)

    return arrange


def dumps() -> list[int]:
    """Processes of pg_dump that we have started."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                line, parent = (entry / "cmdline").read_bytes(), (entry / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()[1]
            except OSError:
                continue
            if b"pg_dump" in line.split(b"\0")[0] and int(parent) == os.getpid():
                found.append(int(entry.name))
    return found


def test_no_secret_stands_on_a_command_line_or_in_an_environment(place: Place, half_way: Callable[[Hook], None]) -> None:
    place.ballast()
    seen: list[bytes] = []
    half_way(lambda: seen.extend(Path(f"/proc/{pid}/{name}").read_bytes() for pid in dumps() for name in ("cmdline", "environ")))
    create(place.settings)
    assert len(seen) == 2 and b"service=reelq" in seen[0]
    assert not any(word in text for text in seen for word in (PASSWORD.encode(), b"boss", b"127.0.0.1", b"DATABASE_URL"))


def kill_the_dump() -> None:
    for pid in dumps():
        os.kill(pid, 9)


def lose_the_store() -> None:
    raise TransientError("store_full", "The object store is full.")


@pytest.mark.parametrize(
    ("hook", "error", "code"),
    [(kill_the_dump, BackupError, "dump_failed"), (lose_the_store, TransientError, "store_full"), (None, DatabaseAway, "database_away")],
    ids=["kill -9 of pg_dump", "full store", "restart of the server"],
)
def test_of_one_that_fails_half_way_nothing_is_left_but_the_reason(
    place: Place, half_way: Callable[[Hook], None], hook: Hook | None, error: type[Exception], code: str
) -> None:
    place.ballast()
    half_way(hook or place.server.restart)
    with pytest.raises(error):
        create(place.settings)
    assert left(place) == [] and dumps() == []
    assert place.ask("select status, error_code, sha256 from ops.backups") == ("failed", code, None)
    assert create(place.settings).tables["app.ballast"].rows == BALLAST_BYTES >> 20


def test_one_that_takes_too_long_or_was_given_up_ends(place: Place, half_way: Callable[[Hook], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """A dump that lasts holds its locks no longer than it may, and what stood still for minutes does not come back as a good one."""
    place.ballast()
    monkeypatch.setattr(creating, "BEAT_S", 0.05)
    with pytest.raises(BackupError) as told:
        create(replace(place.settings, backup_timeout=0.001))
    assert told.value.code == "too_long"
    half_way(lambda: place.ask("select ops.fail_backup(id, 'killed', 'It was silent.') from ops.backups where status = 'running'"))
    with pytest.raises(Exception, match="was given up or is over"):
        create(place.settings)
    assert left(place) == []
    assert place.ask("select array_agg(error_code order by began_at) from ops.backups") == ["too_long", "killed"]


def test_prune_removes_the_bytes_and_never_from_another_store(place: Place) -> None:
    first, second = create(place.settings), create(place.settings)
    (folder_of(place) / first.folder / "half").write_bytes(b"of something")
    place.ask("with moved as (update ops.backups set began_at = began_at - interval '31 days' returning 1) select count(*) from moved")
    assert [(one.id, one.objects) for one in prune(place.settings, dry_run=True)] == [(first.id, 3)]
    aside = folder_of(place).rename(folder_of(place).with_name("aside"))
    folder_of(place).mkdir()
    with pytest.raises(BackupError) as refused:
        prune(place.settings)
    assert refused.value.code == "store_away" and place.ask("select count(*) from ops.backups where pruned_at is not null") == 0
    with pytest.raises(BackupError) as refused:  # an empty folder in its place takes no new one either
        create(place.settings)
    assert refused.value.code == "store_away"
    with pytest.raises(BackupError, match="does not show the mark of a store"):  # and is not said to hold none
        list(places.list_manifests(places.open_backups(place.settings)))
    # The remedy that was told: a store that is new in its place.
    place.ask(f"with accepted as ({str(refused.value.hint).partition('as the owner: ')[2]} returning 1) select count(*) from accepted")
    new = create(place.settings)
    assert [one.id for one in places.list_manifests(places.open_backups(place.settings)) if isinstance(one, manifests.Manifest)] == [new.id]
    place.ask("with gone as (delete from ops.backups where id = %s returning 1) select count(*) from gone", new.id)
    folder_of(place).rename(folder_of(place).with_name("empty"))
    aside.rename(folder_of(place))
    # The one that failed just now goes too: it has nothing there.
    assert {one.id: one.objects for one in prune(place.settings)}[first.id] == 3
    assert left(place) == [f"{second.folder}/database.dump", f"{second.folder}/manifest.json"]
    assert prune(place.settings) == []
    assert [one.id for one in places.list_manifests(places.open_backups(place.settings)) if isinstance(one, manifests.Manifest)] == [second.id]
