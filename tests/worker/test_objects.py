"""Bytes through a whole worker: a row before the first one, equal ones once, each tenant's in its own bucket."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import psycopg
import pytest

from reelq.worker.handlers import download_video
from reelq.worker.jobs import artifacts
from reelq.worker.jobs.context import JobContext
from reelq.worker.rooms import media, queue
from reelq.worker.stores.folder import FolderStore
from tests.fakes import s3_servers
from tests.worker.runnerkit import ended, enqueue, handler, job, until, working

AT_ONCE = "update queue.retry_policies set base = '0.01 s', cap = '0.01 s'"
ROOT = Path(__file__).resolve().parents[2]
# A worker whose process is killed at one step: the handler stores a file, and the step comes after what is named.
KILLED = """
import os, signal, sys
from pathlib import Path
from reelq.worker.jobs import stored
from reelq.worker.rooms import media, queue
from reelq.worker.runtime import completion
from reelq.worker.runtime.registry import Registry
from reelq.worker.runtime.runner import Runner
from reelq.worker.stores import folder as folder_store
from reelq.worker.stores.folder import FolderStore
from tests.worker.runnerkit import handler, make_settings

dsn, folder, step = sys.argv[1], Path(sys.argv[2]), sys.argv[3]

def killing(owner, name, before=False):
    kept = getattr(owner, name)
    def call(*args, **options):
        done = None if before else kept(*args, **options)
        os.kill(os.getpid(), signal.SIGKILL)
        return done
    setattr(owner, name, call)

if step == "begin is not committed":
    kept = queue.begin_object
    def begin(conn, *args):
        with conn.transaction():
            kept(conn, *args)
            os.kill(os.getpid(), signal.SIGKILL)
    queue.begin_object = begin
elif step == "begun":
    killing(FolderStore, "put", before=True)
elif step == "half put":
    kept = folder_store.link_new
    def link(source, target, *args):  # all bytes lie under their name, and the put has not come to its end
        kept(source, target, *args)
        if "jobs" in Path(target).parts:
            os.kill(os.getpid(), signal.SIGKILL)
    folder_store.link_new = link
elif step == "put":
    killing(media, "finish_object", before=True)
elif step == "finished":
    killing(completion, "complete", before=True)

def run(ctx):
    path = ctx.folder("out") / "x"
    path.write_bytes(b"some bytes")
    return {"key": ctx.store_file(path).key}

Runner(make_settings(dsn, folder), Registry({"no_op": handler(run)})).run()
"""


def storing(text: str = "some bytes") -> Any:
    """A handler that stores a file of that text, or of job_data's."""

    def run(ctx: JobContext) -> dict[str, Any]:
        path = ctx.folder("out") / "x"
        path.write_text(text)
        return {"key": ctx.store_file(path).key, "bucket": ctx.store.bucket}

    return handler(run)


def objects(conn: psycopg.Connection[Any]) -> list[Any]:
    return conn.execute("select bucket, key, state from media.objects order by id").fetchall()


@pytest.mark.parametrize("step", ["begin is not committed", "begun", "half put", "put", "finished"])
def test_no_byte_is_without_a_row_wherever_the_worker_is_killed(conn: Any, dsn: str, tmp_path: Path, step: str) -> None:
    conn.execute(AT_ONCE)
    enqueued = enqueue(conn)
    process = subprocess.run([sys.executable, "-c", KILLED, dsn, str(tmp_path), step], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False)
    assert process.returncode == -signal.SIGKILL, process.stderr
    store = FolderStore(tmp_path / "objects")
    left = set(store.list()) if (tmp_path / "objects").exists() else set()
    assert left <= {key for _, key, _ in objects(conn)}
    assert [state for _, _, state in objects(conn)] == {"begin is not committed": [], "finished": ["stored"]}.get(step, ["writing"])
    assert bool(left) == (step in ("half put", "put", "finished"))
    assert conn.execute("select count(*) from media.job_files").fetchone() == (0,)
    with working(dsn, tmp_path, {"no_op": storing()}):  # on the same host: the dead one is noticed at once
        until(lambda: job(conn, enqueued)["status"] == "completed", "the next attempt")
    done = job(conn, enqueued)
    assert set(store.list()) <= {key for _, key, _ in objects(conn)}
    kept = conn.execute("select o.key from media.job_files as f inner join media.objects as o on f.object_id = o.id and o.state = 'stored'").fetchall()
    assert kept == [(done["result_data"]["key"],)]
    assert store.stat(done["result_data"]["key"])


def test_equal_bytes_of_a_tenant_are_uploaded_once(conn: Any, dsn: str, tmp_path: Path) -> None:
    acme = conn.execute("select identity.create_tenant('acme')").fetchone()[0]
    jobs = [enqueue(conn, tenant_id=acme), enqueue(conn, tenant_id=acme), enqueue(conn)]
    with working(dsn, tmp_path, {"no_op": storing()}):
        keys = [ended(conn, one)["result_data"]["key"] for one in jobs]
    assert keys[0] == keys[1] != keys[2]
    assert sorted(FolderStore(tmp_path / "objects").list()) == sorted(set(keys))
    assert conn.execute("select count(*), count(distinct object_id) from media.job_files").fetchone() == (3, 2)
    assert conn.execute("select media.forget_files(%s)", [jobs[0]]).fetchone() == (1,)


def test_two_who_store_equal_bytes_at_once_share_one_object(conn: Any, dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both have asked, and neither was told of the other's; what the second put is litter that the register knows."""
    acme = conn.execute("select identity.create_tenant('acme')").fetchone()[0]
    both, put = threading.Barrier(2, timeout=60), FolderStore.put

    def together(self: FolderStore, key: str, *args: Any, **options: Any) -> Any:
        if "/jobs/" in key:
            both.wait()
        return put(self, key, *args, **options)

    monkeypatch.setattr(FolderStore, "put", together)
    jobs = [enqueue(conn, tenant_id=acme), enqueue(conn, tenant_id=acme)]
    with working(dsn, tmp_path, {"no_op": storing()}, slots=2):
        keys = {ended(conn, one)["result_data"]["key"] for one in jobs}
    assert len(keys) == 1
    assert sorted(state for _, _, state in objects(conn)) == ["stored", "writing"]
    assert conn.execute("select key from media.objects where state = 'stored'").fetchone()[0] in keys
    assert set(FolderStore(tmp_path / "objects").list()) == {key for _, key, _ in objects(conn)}


def test_an_object_that_was_swept_meanwhile_is_stored_again(conn: Any, dsn: str, tmp_path: Path) -> None:
    """Between the upload and the completion: the attempt fails, and its next has another key."""

    def run(ctx: JobContext) -> dict[str, Any]:
        path = ctx.folder("out") / "x"
        path.write_text("some bytes")
        key = ctx.store_file(path).key
        if ctx.job.attempts == 0:
            ctx.pool.call(lambda _: conn.execute("update media.objects set state = 'deleting' where key = %s", [key]))
        return {"key": key}

    conn.execute(AT_ONCE)
    enqueued = enqueue(conn)
    with working(dsn, tmp_path, {"no_op": handler(run)}):
        until(lambda: job(conn, enqueued)["status"] == "completed", "the second attempt")
    assert job(conn, enqueued)["attempts"] == 1
    assert [state for _, _, state in objects(conn)] == ["deleting", "stored"]


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    with s3_servers.moto() as url:
        yield url


def test_each_tenants_bytes_lie_in_its_own_bucket(conn: Any, dsn: str, tmp_path: Path, s3: str) -> None:
    client = boto3.client("s3", endpoint_url=s3, region_name="us-east-1", aws_access_key_id=s3_servers.KEY_ID, aws_secret_access_key=s3_servers.SECRET)
    client.create_bucket(Bucket="common")
    for bucket, region in (("acme-media", "eu-central-1"), ("globex-media", "us-west-2"), ("acme-next", "eu-central-1")):
        client.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": region})  # type: ignore[typeddict-item]
    tenants = {}
    for slug, facts in (("acme", '{"s3_bucket": "acme-media", "s3_region": "eu-central-1"}'), ("globex", '{"s3_bucket": "globex-media", "s3_region": "us-west-2"}'), ("plain", "{}")):
        tenants[slug] = conn.execute("select identity.create_tenant(%s)", [slug]).fetchone()[0]
        conn.execute("select identity.set_tenant(%s, %s)", [slug, facts])
    flags: dict[str, Any] = {"store": "s3://common", "s3_endpoint_url": s3, "s3_access_key_id": s3_servers.KEY_ID, "s3_secret_access_key": s3_servers.SECRET}

    def keys(bucket: str) -> set[str]:
        return {one["Key"] for one in client.list_objects_v2(Bucket=bucket).get("Contents", ()) if not one["Key"].startswith(".incoming/")}

    source = tmp_path / "clip.mp4"
    source.write_bytes(b"the original")
    video = queue.ingest_video(conn, str(source), tenant="acme")
    stolen = queue.ingest_video(conn, "s3://acme-media/tenants/x", tenant="globex")

    def read(ctx: JobContext) -> dict[str, Any]:
        return {"read": artifacts.stage(ctx, ctx.work()).read_text()}

    modules = {"no_op": storing(), "download_video": download_video, "extract_metadata": handler(read)}
    with working(dsn, tmp_path, modules, **flags):
        made = {slug: ended(conn, enqueue(conn, tenant_id=tenant))["result_data"] for slug, tenant in tenants.items()}
        of_video = "select id from queue.processing_jobs where video_id = %s and job_type = %s"
        fetched = conn.execute(of_video, [video, "download_video"]).fetchone()[0]
        assert ended(conn, fetched)["status"] == "completed"
        assert ended(conn, conn.execute(of_video, [stolen, "download_video"]).fetchone()[0])["error_code"] == "source_refused"
        assert {slug: one["bucket"] for slug, one in made.items()} == {"acme": "s3://acme-media", "globex": "s3://globex-media", "plain": "s3://common"}
        work = media.get_work(conn, video)
        assert work.bucket == "s3://acme-media" and keys("acme-media") == {made["acme"]["key"], work.key}
        assert (keys("globex-media"), keys("common")) == ({made["globex"]["key"]}, {made["plain"]["key"]})

        # It moves: what is new goes there, and what was there is read where it is.
        conn.execute("select identity.set_tenant('acme', %s)", ['{"s3_bucket": "acme-next"}'])
        assert ended(conn, conn.execute(of_video, [video, "extract_metadata"]).fetchone()[0])["result_data"] == {"read": "the original"}
        moved = ended(conn, enqueue(conn, tenant_id=tenants["acme"]))["result_data"]
        assert keys("acme-next") == {moved["key"]} and moved["bucket"] == "s3://acme-next"
    marks = dict(conn.execute("select bucket, mark from media.stores").fetchall())
    assert len(set(marks.values())) == 4 and set(marks) == {"s3://common", "s3://acme-media", "s3://globex-media", "s3://acme-next"}
    for bucket, mark in marks.items():
        assert client.get_object(Bucket=bucket.removeprefix("s3://"), Key=".incoming/store")["Body"].read().decode() == mark


def test_a_bucket_that_is_not_there_is_its_tenants_trouble_alone(conn: Any, dsn: str, tmp_path: Path, s3: str) -> None:
    tenant = conn.execute("select identity.create_tenant('acme')").fetchone()[0]
    conn.execute("select identity.set_tenant('acme', %s)", ['{"s3_bucket": "nobodys-bucket", "s3_region": "us-east-1"}'])
    flags: dict[str, Any] = {"s3_endpoint_url": s3, "s3_access_key_id": s3_servers.KEY_ID, "s3_secret_access_key": s3_servers.SECRET}
    lost, fine = enqueue(conn, tenant_id=tenant), enqueue(conn)
    with working(dsn, tmp_path, {"no_op": storing()}, **flags):
        assert ended(conn, fine)["status"] == "completed"
        assert ended(conn, lost)["error_code"] == "bucket_missing"


