"""A host that cannot work claims nothing and says so; its trouble is nobody's fault and is charged to nobody."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from reelq.worker.errors import PermanentError, TransientError
from reelq.worker.handlers import no_op
from reelq.worker.jobs.context import JobContext
from reelq.worker.scratch import Scratch
from reelq.worker.stores.folder import FolderStore
from reelq.worker.stores.mark import MARK
from reelq.worker.stores.open import open_store
from reelq.worker.stores.s3_errors import refused
from tests.fakes.refusing_s3 import refusing_s3
from tests.worker.runnerkit import attempts, ended, enqueue, handler, job, make_settings, until, working

Conn = psycopg.Connection[Any]
TYPE = "extract_metadata"  # needs ffmpeg and the store


@pytest.fixture(autouse=True)
def look_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reelq.worker.runtime.fitness.RECHECK_S", 0.1)


def trouble(conn: Conn) -> str:
    """What the only worker's row says."""
    row = conn.execute("select trouble, remedy from queue.workers where status = 'active'").fetchone()
    assert row is None or (row[0] is None) == (row[1] is None)
    return str(row[0] or "") if row else ""


def reasons(conn: Conn, job_id: Any) -> list[str]:
    return [row[0] for row in conn.execute("select reason from queue.explain_job(%s)", [job_id])]


@pytest.mark.parametrize("program", ["ffmpeg", "ffprobe"])
def test_without_ffmpeg_nothing_is_claimed_and_a_good_host_is_not_starved(
    dsn: str, conn: Conn, tmp_path: Path, program: str
) -> None:
    """The row bears the trouble, the job stays as it is, and another host's worker takes it."""
    done = handler(lambda _ctx: {})
    flags: dict[str, Any] = {program: str(tmp_path / "missing"), "host": "poor"}
    with working(dsn, tmp_path / "poor", {TYPE: done}, **flags) as worker:
        until(lambda: trouble(conn), "the trouble")
        assert f"{program} does not run" in trouble(conn)
        job_id = enqueue(conn, TYPE)
        assert reasons(conn, job_id) == ["no_worker"]
        levels = conn.execute("select level, detail from queue.health() where finding = 'workers' and level <> 'ok'").fetchall()
        assert [level for level, _ in levels] == ["bad"] and "on poor claims nothing" in levels[0][1]
        with working(dsn, tmp_path / "good", {TYPE: done}, host="good"):
            assert ended(conn, job_id)["status"] == "completed"
        (attempt,) = attempts(conn, job_id)
        assert attempt["worker_id"] != worker.id


def test_a_host_that_needs_no_ffmpeg_works_without(dsn: str, conn: Conn, tmp_path: Path) -> None:
    """What none of its types needs is not asked for."""
    with working(dsn, tmp_path, {"no_op": no_op}, ffmpeg="/nowhere", store="s3://nowhere", s3_endpoint_url="http://127.0.0.1:9"):
        assert ended(conn, enqueue(conn))["status"] == "completed"


@pytest.mark.parametrize(("status", "code"), [(400, "ExpiredToken"), (403, "AccessDenied"), (400, "WhoKnows"), (404, "NoSuchBucket")])
def test_a_store_that_refuses_is_the_hosts_trouble(dsn: str, conn: Conn, tmp_path: Path, status: int, code: str) -> None:
    """Whatever the HTTP status, and also where HEAD has no body."""
    with refusing_s3(status, code) as url:
        flags: dict[str, Any] = {"store": "s3://bucket", "s3_endpoint_url": url, "s3_access_key_id": "k", "s3_secret_access_key": "s"}
        with working(dsn, tmp_path, {TYPE: handler(lambda _ctx: {})}, **flags):
            job_id = enqueue(conn, TYPE)
            until(lambda: trouble(conn), "the trouble")
            assert code in trouble(conn)
            assert job(conn, job_id)["token"] == 0
        store = open_store(make_settings(dsn, tmp_path, **flags))
        for call in (lambda: store.stat("k"), lambda: store.get("k", tmp_path / "out")):
            with pytest.raises(TransientError):
                call()


def test_a_token_that_runs_out_while_jobs_run_costs_them_nothing(dsn: str, conn: Conn, tmp_path: Path) -> None:
    """The first job that meets it has the host looked at; none is charged, and it goes on when the store takes again."""
    objects = tmp_path / "objects"

    def run(ctx: JobContext) -> dict[str, Any]:
        (ctx.scratch / "made").write_bytes(b"made")
        return {"key": ctx.store_file(ctx.scratch / "made").key}

    conn.execute("update queue.retry_policies set base = '1 millisecond', cap = '1 millisecond'")
    with working(dsn, tmp_path, {TYPE: handler(run)}):
        assert ended(conn, enqueue(conn, TYPE))["status"] == "completed"
        aside = tmp_path / "aside"
        objects.rename(aside)  # unmounted
        objects.mkdir()
        job_id = enqueue(conn, TYPE)
        until(lambda: "not there" in trouble(conn), "the trouble")
        met = until(lambda: (found := job(conn, job_id))["status"] == "queued" and found, "the job to be given back")
        assert (met["attempts"], met["crashes"], met["error_code"]) == (0, 0, "store_away")
        assert list(objects.rglob("*")) == [], "nothing is written below the mount point"
        objects.rmdir()
        aside.rename(objects)
        until(lambda: job(conn, job_id)["status"] == "completed", "the job")
        assert trouble(conn) == ""
    assert (objects / job(conn, job_id)["result_data"]["key"]).read_bytes() == b"made"


def test_a_worker_that_starts_beside_an_unmounted_store_does_not_take_the_empty_folder_for_it(
    dsn: str, conn: Conn, tmp_path: Path
) -> None:
    """The database knows the mark from the worker before."""
    modules = {TYPE: handler(lambda ctx: {"there": ctx.store.stat("nothing") is not None})}
    with working(dsn, tmp_path, modules):
        assert ended(conn, enqueue(conn, TYPE))["status"] == "completed"
    shutil.rmtree(tmp_path / "objects")
    (tmp_path / "objects").mkdir()
    job_id = enqueue(conn, TYPE)
    with working(dsn, tmp_path, modules):
        until(lambda: "mark is missing" in trouble(conn), "the trouble")
        assert job(conn, job_id)["token"] == 0
        assert list((tmp_path / "objects").iterdir()) == []


def test_an_empty_store_that_ought_to_hold_objects_is_not_adopted(dsn: str, conn: Conn, tmp_path: Path) -> None:
    """Of an older release, which knew no marks: the rows name objects, so an empty folder is no store."""
    (tmp_path / "objects").mkdir()
    video = conn.execute("select queue.ingest_video('/clip.mp4')").fetchone()
    bucket = FolderStore(tmp_path / "objects").bucket
    conn.execute(
        "select media.record_original(asset_id, %s, 'k', 1, repeat('a', 64), null) from media.videos where id = %s", [bucket, video and video[0]]
    )
    with working(dsn, tmp_path, {TYPE: handler(lambda _ctx: {})}):
        until(lambda: "is empty" in trouble(conn), "the trouble")
        (tmp_path / "objects" / "k").write_bytes(b"x")  # mounted
        until(lambda: trouble(conn) == "", "the store to be taken")
    assert (tmp_path / "objects" / MARK).exists()


def test_a_store_that_an_operator_accepts_is_used_by_workers_that_run(dsn: str, conn: Conn, tmp_path: Path) -> None:
    """The mark that the database knows is asked for at each look; the remedy says how another one is accepted."""
    objects = tmp_path / "objects"

    def run(ctx: JobContext) -> dict[str, Any]:
        (ctx.scratch / "made").write_bytes(b"made")
        return {"key": ctx.store_file(ctx.scratch / "made").key}

    conn.execute("update queue.retry_policies set base = '1 millisecond', cap = '1 millisecond'")
    with working(dsn, tmp_path, {TYPE: handler(run)}):
        assert ended(conn, enqueue(conn, TYPE))["status"] == "completed"
        (objects / MARK).write_text("restored from a copy")
        job_id = enqueue(conn, TYPE)
        until(lambda: "the mark of another store" in trouble(conn), "the trouble")
        (told,) = conn.execute("select remedy from queue.workers where status = 'active'").fetchone() or ("",)
        assert f"delete from media.stores where bucket = 'file://{objects}'" in told
        conn.execute("delete from media.stores")
        until(lambda: job(conn, job_id)["status"] == "completed", "the job")
        assert conn.execute("select mark from media.stores").fetchall() == [("restored from a copy",)]


def test_a_host_whose_store_is_full_holds_back(dsn: str, conn: Conn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The probe fits where a rendition does not: what an attempt was told counts for a while."""
    monkeypatch.setattr("reelq.worker.runtime.fitness.FULL_S", 2.0**30)
    is_full = True

    def run(_ctx: JobContext) -> dict[str, Any]:
        if is_full:
            raise TransientError("store_full", "The object store is full.")
        return {}

    conn.execute("update queue.retry_policies set base = '1 millisecond', cap = '1 millisecond'")
    with working(dsn, tmp_path, {TYPE: handler(run)}) as worker:
        job_id = enqueue(conn, TYPE)
        until(lambda: "is full" in trouble(conn), "the trouble")
        other = enqueue(conn, TYPE)
        assert reasons(conn, other) == ["no_worker"]
        assert job(conn, other)["token"] == 0
        is_full = False
        worker.runner._fitness._full_until = 0.0  # a minute later
        until(lambda: job(conn, job_id)["status"] == job(conn, other)["status"] == "completed", "the jobs")
        assert trouble(conn) == ""


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of eight megabytes, with six of them taken by `filler`."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("mounting a small tmpfs needs root with the right to mount")
    (folder / "filler").write_bytes(bytes(6 << 20))
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.parametrize("where", ["scratch", "store"])
def test_what_is_too_large_for_a_nearly_full_disk_waits_alone(
    dsn: str, conn: Conn, tmp_path: Path, small_disk: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """Its size is known: nothing is written, smaller ones go on, and it runs when there is room."""
    monkeypatch.setattr("reelq.worker.runtime.fitness.FULL_S", 2.0**30)  # a host that is held back stays so
    sizes = {"no_op": 4 << 20, TYPE: 100_000}
    for name, size in sizes.items():
        (tmp_path / name).write_bytes(bytes(size))
    most = 0

    def run(ctx: JobContext) -> dict[str, Any]:
        nonlocal most
        path = ctx.fetch(str(tmp_path / ctx.job.job_type))
        most = max(most, path.stat().st_size)
        return {"key": ctx.store_file(path).key}

    conn.execute("update queue.retry_policies set base = '1 hour', cap = '1 hour', jitter = 'none'")
    disk: dict[str, Any] = {where: small_disk if where == "scratch" else small_disk.as_uri()}
    with working(dsn, tmp_path, {"no_op": handler(run), TYPE: handler(run)}, **disk):
        large = enqueue(conn)
        met = ended(conn, large)
        assert (met["status"], met["attempts"], met["crashes"], met["error_code"]) == ("queued", 0, 0, f"no_{where}_room")
        assert ended(conn, enqueue(conn, TYPE))["status"] == "completed"
        assert trouble(conn) == ""
        assert (most == 100_000) == (where == "scratch")
        assert "for a" in conn.execute("select queue.remedy_of_code(%s)", [met["error_code"]]).fetchone()[0]  # type: ignore[index]
        (small_disk / "filler").unlink()
        conn.execute("select queue.run_job_now(%s)", [large])
        until(lambda: job(conn, large)["status"] == "completed", "the large one")


def test_room_that_one_attempt_was_promised_is_not_promised_to_another(tmp_path: Path, small_disk: Path) -> None:
    """Until it is written, when it shows as used, or the attempt's folder is removed."""
    scratch = Scratch(make_settings("", tmp_path, scratch=small_disk), "worker")
    scratch.open()
    first, second = scratch.make(uuid4(), 1), scratch.make(uuid4(), 1)

    def fits(size: int) -> bool:
        try:
            scratch.reserve(second, size)
        except TransientError as error:
            assert error.code == "no_scratch_room"
            return False
        return True

    scratch.reserve(first, 1_500_000)
    assert not fits(1_000_000)
    (first / "half").write_bytes(bytes(750_000))
    assert not fits(1_000_000)
    (first / "rest").write_bytes(bytes(750_000))
    assert not fits(1_000_000)
    shutil.rmtree(first)
    assert fits(1_000_000)
    assert not fits(1_200_000), "what it was given counts too"
    scratch.close()


def test_a_full_scratch_disk_is_told_in_the_row(dsn: str, conn: Conn, tmp_path: Path) -> None:
    """Explain says who is in the way."""
    with working(dsn, tmp_path, {"no_op": no_op}, scratch_reserve_bytes=2**60):
        until(lambda: trouble(conn), "the trouble")
        assert reasons(conn, enqueue(conn)) == ["no_worker"]


def test_until_idle_leaves_a_host_that_cannot_work(dsn: str, conn: Conn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A script must not wait for ever; the exit code tells."""
    monkeypatch.setattr("reelq.worker.runtime.main_loop.IDLE_EXIT_S", 0.2)
    job_id = enqueue(conn, TYPE)
    with working(dsn, tmp_path, {TYPE: handler(lambda _ctx: {})}, until_idle=True, ffmpeg="/nowhere") as worker:
        assert worker.join() == 1
    assert job(conn, job_id)["status"] == "queued"


@pytest.mark.parametrize("status", [400, 401, 403, 405, 409, 411, 413, 500, 501, 503])
@pytest.mark.parametrize("code", ["ExpiredToken", "InvalidToken", "400", "", "Whatever"])
def test_only_what_is_about_the_object_is_permanent(status: int, code: str) -> None:
    """Everything else is the store's trouble, whatever it is called."""
    assert isinstance(refused("PutObject", code, status), TransientError)
    assert isinstance(refused("GetObject", "NoSuchKey", 404), PermanentError)


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
def test_a_real_share_that_is_unmounted_while_a_job_writes(dsn: str, conn: Conn, tmp_path: Path) -> None:
    """A tmpfs goes away lazily in the middle of a put: the attempt fails, nothing counts, and the next one writes to the share."""
    share, real = tmp_path / "objects", tmp_path / "real"
    share.mkdir()
    real.mkdir()
    if subprocess.run(["mount", "--bind", str(real), str(share)], capture_output=True).returncode:
        pytest.skip("mounting is not allowed here")
    go, began = threading.Event(), threading.Event()

    def run(ctx: JobContext) -> dict[str, Any]:
        (ctx.scratch / "made").write_bytes(b"x" * 2_000_000)

        def hold(*_: Any) -> None:
            if ctx.job.token == 1:
                began.set()
                assert go.wait(20)

        return {"key": ctx.store.put(f"jobs/{ctx.job.token}", ctx.scratch / "made", on_progress=hold).key}

    conn.execute("update queue.retry_policies set base = '1 millisecond', cap = '1 millisecond'")
    try:
        with working(dsn, tmp_path, {TYPE: handler(run)}):
            job_id = enqueue(conn, TYPE)
            assert began.wait(20)
            subprocess.run(["umount", "-l", str(share)], check=True)
            go.set()
            until(lambda: job(conn, job_id)["error_code"] == "store_away", "the attempt")
            subprocess.run(["mount", "--bind", str(real), str(share)], check=True)
            until(lambda: job(conn, job_id)["status"] == "completed", "the next one")
            done = job(conn, job_id)
        assert (real / done["result_data"]["key"]).stat().st_size == 2_000_000
        assert done["attempts"] == 0
    finally:
        subprocess.run(["umount", "-l", str(share)], capture_output=True)
    assert [path for path in share.rglob("*") if path.is_file()] == [], "no object below the mount point"
