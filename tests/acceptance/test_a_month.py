"""Two tenants with two buckets live through a month; the clock is moved by hand, and a worker is at work all the while.

A webhook endpoint that is down for a day, content uploaded twice and deleted once, a bundle that expires, a cold object called back, a lost object
found, upkeep by all three clocks at once, and a database restored from its backup.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import psycopg
import pytest
from mypy_boto3_s3 import S3Client

from demo import postgres
from reelq.worker.db import schema
from tests.acceptance.platformkit import CLOCK, Platform
from tests.acceptance.test_periodic import PROGRAM
from tests.acceptance.workerkit import until, workers
from tests.fakes import s3_servers
from tests.fakes import webhook_receiver as fake
from tests.fakes.glacier_s3 import Glacier, glacier
from tests.patience import QUICK_S
from tests.sql import releasekit

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
LATER = 75  # one is in the way of another
BUCKETS = {"acme": ("acme-media", "eu-central-1"), "globex": ("globex-media", "us-west-2")}


class Month(Platform):
    """A platform with an archive, whose days pass."""

    def __init__(self, url: str, folder: Path, archive: Glacier, client: S3Client) -> None:
        super().__init__(url, folder)
        self.folder, self.archive, self.client = folder, archive, client
        self.environ |= {
            "REELQ_STORE": "s3://common", "REELQ_S3_ENDPOINT_URL": archive.url, "REELQ_S3_ACCESS_KEY_ID": s3_servers.KEY_ID,
            "REELQ_S3_SECRET_ACCESS_KEY": s3_servers.SECRET, "REELQ_ALLOW_PRIVATE_ADDRESSES": "yes",
        }  # fmt: skip

    def pass_time(self, time: timedelta) -> None:
        """In the database and in the archive."""
        super().pass_time(time)
        self.archive.forward(time)

    def clip(self, name: str, hue: int) -> Path:
        """A file of its own content."""
        path = self.folder / name
        source = f"testsrc2=s=128x72:d=1,hue=h={hue}"
        subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", source, "-pix_fmt", "yuv420p", str(path)], check=True)
        return path

    def ingest(self, tenant: str, *paths: Path) -> list[str]:
        """Videos of the tenant, ready."""
        made = [str(row["video_id"]) for row in self.rows("ingest", *map(str, paths), "--tenant", tenant)]
        for video in made:
            self.await_ready(video)
        return made

    def await_ready(self, video: str) -> None:
        """No job of it is open, and it is ready."""
        done = "select status = 'ready' and not exists (select from queue.processing_jobs j where j.video_id = v.id and j.status in ('queued', 'running')) from media.videos v where id = %s"
        until(lambda: self.value(done, video), f"video {video}")

    def original(self, video: str) -> dict[str, Any]:
        """The object that holds its file."""
        names = ("id", "bucket", "key", "storage_class", "last_used_at")
        row = self.conn.execute(
            "select o.id, o.bucket, o.key, o.storage_class, o.last_used_at from media.videos v join media.assets a on a.id = v.asset_id join media.objects o on o.id = a.object_id where v.id = %s",
            [video],
        ).fetchone()
        assert row is not None
        return dict(zip(names, row, strict=True))

    def keys(self, bucket: str) -> set[str]:
        """What lies in a bucket, without the store's own."""
        return {one["Key"] for one in self.client.list_objects_v2(Bucket=bucket).get("Contents", ()) if not one["Key"].startswith(".")}

    def call_back(self, video: str) -> None:
        """Make a video anew whose original is archived: a job asks for it, hours later it is there, and the job goes on."""
        self.reelq("videos", "rerun", video)
        until(self.archive.finish, "a job to ask for it")
        self.reelq("store", "cool", "--follow")
        self.pass_time(HOUR)
        self.await_ready(video)

    def night(self, days: int = 1) -> None:
        """Days pass, and then one clock does the upkeep."""
        self.pass_time(days * DAY)
        self.reelq("upkeep", "run")

    def night_of_all(self, days: int = 1) -> None:
        """Days pass, and then all three clocks do the upkeep at once: each task once."""
        self.pass_time(days * DAY)
        before, since = self.tokens(), self.value("select base.clock()")
        clocks = [
            [*releasekit.command("upkeep", "run", "--clock", "timer")],
            [*releasekit.command("upkeep", "run", "--clock", "cron")],
            [sys.executable, "-c", PROGRAM, "periodic", "run", "--log-format", "json"],
        ]
        log = self.folder / "clocks.log"
        with log.open("ab") as out:
            running = [subprocess.Popen(command, env=self.environ, stdout=out, stderr=out) for command in clocks]
        try:
            for one in running[:2]:
                assert one.wait(QUICK_S * 4) in (0, LATER), log.read_text()[-3000:]
            self.await_tasks("state <> 'ok' and outcome is distinct from 'later'")
            after, passed = self.tokens(), self.ticks(since)
            assert {name: after[name] - before[name] for name in after if after[name] - before[name] > 1 + passed[name]} == {}, "a task was done twice"
            super().pass_time(timedelta(minutes=10))  # one that was in another's way is tried again
            self.await_tasks("state <> 'ok'")
            running[2].send_signal(signal.SIGTERM)
            assert running[2].wait(QUICK_S) == 0, log.read_text()[-3000:]
        finally:
            for one in running:
                one.kill()
                one.wait()

    def tokens(self) -> dict[str, int]:
        """How often each task was begun."""
        return dict(self.conn.execute("select name, token from ops.upkeep_tasks").fetchall())

    def ticks(self, since: datetime) -> dict[str, int]:
        """Whether the next tick of each task has come since then."""
        return dict(self.conn.execute("select name, (queue.next_tick(cron, 'UTC', %s) <= base.clock())::int from ops.upkeep_tasks", [since]).fetchall())

    def await_tasks(self, but: str) -> None:
        """Until no task is so."""
        until(lambda: not self.value(f"select exists (select from ops.list_tasks() where {but})"), f"no task to be {but}", QUICK_S * 4)


@pytest.fixture
def month(tmp_path: Path) -> Iterator[Month]:
    """A server of its own, and two buckets in an archive."""
    with postgres.throwaway() as server, s3_servers.moto() as url, glacier(url) as archive:
        client = boto3.client("s3", endpoint_url=url, region_name="us-east-1", aws_access_key_id=s3_servers.KEY_ID, aws_secret_access_key=s3_servers.SECRET)
        client.create_bucket(Bucket="common")
        for bucket, region in BUCKETS.values():
            client.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": region})  # type: ignore[typeddict-item]
        with psycopg.connect(server.url(), autocommit=True) as admin:
            admin.execute("create database month")
        with psycopg.connect(server.url("month"), autocommit=True) as conn:
            schema.install(conn)
            conn.execute(CLOCK.encode())
            conn.execute("update queue.upkeep set grace = '1000 years'")
        one = Month(server.url("month"), tmp_path, archive, client)
        with closing(one.conn):
            yield one


def test_a_month(month: Month, tmp_path: Path) -> None:
    month.reelq("secrets", "init")
    month.reelq("queue", "set", "cold_after", "14 days")
    for tenant, (bucket, region) in BUCKETS.items():
        month.reelq("tenants", "create", tenant)
        month.reelq("tenants", "set", tenant, "--bucket", bucket, "--region", region)
    with workers(month.environ, tmp_path) as start, fake.receiving() as acmes, fake.receiving() as globexes:
        for tenant, receiver in (("acme", acmes), ("globex", globexes)):
            receiver.secret = month.reelq("webhooks", "create", receiver.url, "--tenant", tenant, "--event", "video.*").strip()
        worker = start("--slots", "4").started()

        # The first day. Each tenant's bytes lie in its own bucket; what acme uploads twice is there once, and globex has its own.
        red, blue = month.clip("red.mp4", 0), month.clip("blue.mp4", 200)
        first, again, kept = month.ingest("acme", red, red, blue)
        (its,) = month.ingest("globex", red)
        assert month.original(first) == month.original(again) and month.original(first)["key"] != month.original(its)["key"]
        for tenant, (bucket, _) in BUCKETS.items():
            held = month.conn.execute("select key from media.objects o join identity.tenants t on t.id = o.tenant_id where slug = %s and bucket = %s", [tenant, f"s3://{bucket}"]).fetchall()
            assert month.keys(bucket) == {key for (key,) in held} and len(held) > 2
        assert month.keys("common") == set()
        until(lambda: (len(acmes.received), len(globexes.received)) == (3, 1), "four events")

        # blue is in a bundle for three weeks, and its video is deleted for good; so is one of the two reds.
        (asset,) = month.conn.execute("select asset_id::text from media.videos where id = %s", [kept]).fetchall()[0]
        blue_key = month.original(kept)["key"]
        month.reelq("bundles", "create", "campaign", "--tenant", "acme", "--until", "+21d")
        month.reelq("bundles", "add", "campaign", asset, "--tenant", "acme")
        month.reelq("retention", "set", asset, "--class", "bundle", "--tenant", "acme")
        month.reelq("videos", "delete", "--hard", "--yes", kept)
        month.reelq("videos", "delete", "--hard", "--yes", first)

        # globex's endpoint is down for a day. acme does not notice.
        globexes.answer = lambda handler: fake.say(handler, 503)
        of_globex = month.ingest("globex", *(month.clip(f"g{n}.mp4", 20 + n) for n in range(6)))
        (hook,) = month.rows("webhooks", "list", "--tenant", "globex")
        failing = "select failing_since is not null from ops.webhooks where id = %s"
        for _ in range(12):  # each look is an hour later: what backs off is tried again
            if month.value(failing, hook["id"]):
                break
            month.pass_time(HOUR)
            tried = len(month.conn.execute("select from queue.job_attempts where job_type = 'deliver_webhook'").fetchall())
            until(lambda tried=tried: month.value(failing, hook["id"]) or len(month.conn.execute("select from queue.job_attempts where job_type = 'deliver_webhook'").fetchall()) > tried, "a try")  # type: ignore[misc]
        assert month.value(failing, hook["id"])
        told = len(acmes.received)
        (other,) = month.ingest("acme", month.clip("other.mp4", 90))
        until(lambda: len(acmes.received) == told + 1, "acme's event")
        month.night_of_all()
        globexes.answer = None
        month.pass_time(HOUR)
        until(lambda: {one.body["data"].get("video_id") for one in globexes.received} >= {its, *of_globex}, "what had waited")
        until(lambda: not month.value(failing, hook["id"]), "the endpoint to count as well")
        assert acmes.refused == globexes.refused == []

        # What was deleted once is there once still, for the other video; what only the bundle has is there as well.
        month.night(2)
        red_key, bucket = month.original(again)["key"], BUCKETS["acme"][0]
        assert {red_key, blue_key} <= month.keys(bucket)
        assert month.value("select count(*) from media.objects where unreferenced_since is not null or state <> 'stored'") == 0

        # Two weeks later nobody has used it: it is archived. A new run calls it back.
        month.night_of_all(15)
        assert month.original(again)["storage_class"] == "cold" and month.archive.is_locked(f"/{bucket}/{red_key}")
        used = month.original(again)["last_used_at"]
        month.call_back(again)
        assert month.original(again)["last_used_at"] > used + 14 * DAY
        assert month.original(again)["storage_class"] == "restored"

        # An object is lost: found, and made again.
        (lost,) = month.conn.execute("select o.key from media.variants v join media.videos d on d.asset_id = v.asset_id join media.objects o on o.id = v.object_id where d.id = %s and v.profile = 'poster'", [other]).fetchone()  # type: ignore[misc]
        month.client.delete_object(Bucket=bucket, Key=lost)
        month.reelq("store", "check", "--bucket", f"s3://{bucket}", code=3)
        assert [row["key"] for row in month.rows("store", "list", "--faulty")] == [lost]
        month.reelq("store", "check", "--bucket", f"s3://{bucket}", "--repair", code=3)
        month.call_back(other)
        assert "poster" in json.dumps(month.rows("videos", "show", other))

        # The bundle's term is over: what only it had goes, rows first, bytes after the grace.
        for _ in range(2):
            month.night(3)
        assert month.value("select count(*) from media.assets where id = %s", asset) == 0
        assert blue_key not in month.keys(bucket) and red_key in month.keys(bucket)
        month.reelq("store", "check")
        assert month.rows("store", "list", "--faulty") == []

        # The last night's backup; then the database is destroyed, restored, and work goes on.
        before = counts(month)
        month.conn.close()
        with psycopg.connect(month.url.replace("/month", "/postgres"), autocommit=True) as admin:
            admin.execute("drop database month with (force)")
        month.reelq("backup", "restore", "--create")
        month.conn = psycopg.connect(month.url, autocommit=True)
        assert counts(month) == before
        assert month.conn.execute("select * from queue.verify()").fetchall() == []
        month.reelq("queue", "resume", "all")
        told = len(acmes.received)
        month.ingest("acme", month.clip("after.mp4", 150))
        until(lambda: len(acmes.received) > told, "acme's event after the restore")
        month.reelq("store", "check")
        month.reelq("upkeep", "run")
        assert worker.process.poll() is None
    assert acmes.refused == globexes.refused == []
    assert month.conn.execute("select * from queue.verify()").fetchall() == []


def counts(month: Month) -> dict[str, int]:
    """How many rows the tables have that nothing changes while nobody works."""
    tables = ("media.videos", "media.assets", "media.variants", "media.objects", "media.bundles", "ops.webhooks", "identity.tenants", "queue.job_history")
    return {table: month.value(f"select count(*) from {table}") for table in tables}
