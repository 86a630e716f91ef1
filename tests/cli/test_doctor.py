"""reelq doctor: every finding about the host and the way to the database is provoked for real."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from demo import postgres
from reelq.worker.db import schema
from reelq.worker.doctor.checks import database as checks
from reelq.worker.doctor.checks import disk
from reelq.worker.stores.folder import FolderStore
from reelq.worker.stores.mark import MARK
from tests.fakes import s3_servers
from tests.fakes.pooler import pooler

NOBODY = "postgresql://127.0.0.1:1/none"  # port 1: nothing listens
KEYS = ["place", "level", "finding", "detail", "remedy"]
SMALL = {"REELQ_SCRATCH_QUOTA_BYTES": "1MB", "REELQ_SCRATCH_RESERVE_BYTES": "1MB"}  # wherever the tests run

Found = Callable[..., list[dict[str, Any]]]


@pytest.fixture(autouse=True)
def _scratch(bare, tmp_path, monkeypatch):
    """A folder of this test's own; `bare` has cleared the environment by then."""
    monkeypatch.setenv("REELQ_SCRATCH", str(tmp_path / "scratch"))
    for name, value in SMALL.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def host(bare, store_dir, monkeypatch) -> Found:
    """host(finding, VARIABLE=value, …): what is said of it; there is no database."""
    monkeypatch.setenv("DATABASE_URL", NOBODY)
    monkeypatch.setenv("REELQ_STORE", store_dir.as_uri())

    def look(finding: str, **environ: object) -> list[dict[str, Any]]:
        for name, value in environ.items():
            monkeypatch.setenv(name, str(value))
        done = bare("doctor", "--only", "host", "--json")
        assert done.code == (3 if any(row["level"] == "bad" for row in done.rows) else 0)
        assert {row["place"] for row in done.rows} == {"host"}
        return said(done.rows, finding)

    return look


@pytest.fixture
def database(reelq, monkeypatch) -> Found:
    """database(finding, VARIABLE=value, …): what is said of it."""

    def look(finding: str, **environ: object) -> list[dict[str, Any]]:
        for name, value in environ.items():
            monkeypatch.setenv(name, str(value))
        return said(reelq("doctor", "--only", "database", "--json").rows, finding)

    return look


@pytest.fixture
def places(host, monkeypatch) -> Found:
    """The same, without the time that ffmpeg takes."""
    monkeypatch.setenv("REELQ_FFMPEG", "/nowhere/ffmpeg")
    monkeypatch.setenv("REELQ_FFPROBE", "/nowhere/ffprobe")
    return host


def said(rows: list[dict[str, Any]], finding: str) -> list[dict[str, Any]]:
    bare = [row for row in rows if row["level"] != "ok" and not row["remedy"]]
    assert not bare, f"trouble without a remedy: {bare}"
    return [row for row in rows if row["finding"] == finding]


def program(path: Path, script: str) -> Path:
    """A program of a shell script."""
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


# --- all is well, and nobody answers


@pytest.fixture(scope="module")
def sound_url():
    """URL of a fresh installation on a server as in production."""
    with postgres.throwaway(durable=True) as server:
        with psycopg.connect(server.url(), autocommit=True) as conn:
            schema.install(conn)
            conn.execute("select queue.register_worker('h:p:1:a', 'h', 1, '0', 'p', 2)")
        yield server.url()


def test_a_healthy_system_prints_no_bad_line_and_is_0(bare, sound_url, store_dir, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", sound_url)
    monkeypatch.setenv("REELQ_STORE", store_dir.as_uri())
    done = bare("doctor")
    assert done.code == 0
    lines = done.out.splitlines()
    assert lines[0].split() == ["LEVEL", "FINDING", "DETAIL", "REMEDY"]
    assert {line.split()[0] for line in lines[1:]} <= {"ok", "warn"}
    assert len(lines) > 30
    assert done.err.startswith("0 bad, ")
    rows = bare("doctor", "--json").rows
    assert [list(row) for row in rows] == [KEYS] * len(rows)
    assert [row for row in rows if row["place"] == "database" and row["level"] != "ok"] == []
    assert list(store_dir.rglob("*")) == [store_dir / ".incoming"], "nothing of the probe is left"


def test_warnings_change_the_exit_code_only_with_strict(bare, sound_url, store_dir, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", sound_url)
    monkeypatch.setenv("REELQ_STORE", store_dir.as_uri())
    monkeypatch.setenv("REELQ_SANDBOX", "off")
    assert bare("doctor").code == 0
    assert bare("doctor", "--strict").code == 3


def test_without_a_database_the_host_is_checked_all_the_same_and_it_is_75(bare, store_dir, monkeypatch):
    monkeypatch.setenv("REELQ_STORE", store_dir.as_uri())
    done = bare("--database-url", NOBODY, "doctor", "--json")
    assert done.code == 75
    (away,) = said(done.rows, "database")
    assert (away["level"], away["place"]) == ("bad", "database")
    assert away["detail"].startswith("The database is away: ")
    assert {"ffmpeg", "scratch", "store"} <= {row["finding"] for row in done.rows}


def test_only_the_database_runs_no_ffmpeg(database):
    assert database("ffmpeg", REELQ_FFMPEG="/nowhere/ffmpeg") == []


def test_wrong_settings_are_2(bare, monkeypatch):
    monkeypatch.setenv("REELQ_SLOTS", "none")
    assert bare("doctor").code == 2


def test_a_check_that_faints_is_a_finding(host, monkeypatch):
    monkeypatch.setattr(disk, "existing", lambda _: 1 / 0)
    (row,) = host("scratch")
    assert row["detail"] == "The check itself failed: ZeroDivisionError: division by zero"
    assert host("ffmpeg")


# --- ffmpeg and the sandbox


def test_no_ffmpeg_is_bad(host):
    (row,) = host("ffmpeg", REELQ_FFMPEG="/nowhere/ffmpeg")
    assert (row["level"], row["detail"]) == ("bad", "It does not run: /nowhere/ffmpeg: not found")
    assert host("ffprobe")[0]["level"] == "ok"


def test_no_ffprobe_is_bad(host):
    assert host("ffprobe", REELQ_FFPROBE="/nowhere/ffprobe")[0]["level"] == "bad"


@pytest.mark.parametrize(
    ("version", "level"), [("4.4.2-0ubuntu", "bad"), ("5.0.3", "bad"), ("n5.1", "ok"), ("10.0", "ok"), ("N-1234-gabc", "warn")]
)
def test_an_old_ffmpeg_is_bad(host, tmp_path, version, level):
    fake = program(tmp_path / "ffmpeg", f"echo 'ffmpeg version {version} Copyright'")
    assert host("ffmpeg", REELQ_FFMPEG=fake)[0]["level"] == level


def without(tmp_path: Path, word: str) -> Path:
    """The real ffmpeg, which does not tell of something."""
    return program(tmp_path / "ffmpeg", f'{shutil.which("ffmpeg")} "$@" | grep -v " {word} "')


@pytest.mark.parametrize(
    ("word", "finding", "level"),
    [("libx264", "codecs", "bad"), ("blurdetect", "codecs", "bad"), ("zscale", "codecs", "warn"), ("hevc", "decoders", "warn")],
)
def test_a_build_that_lacks_something_is_told(host, tmp_path, word, finding, level):
    (row,) = host(finding, REELQ_FFMPEG=without(tmp_path, word), REELQ_SANDBOX="off")
    assert row["level"] == level
    assert word in row["detail"]


def test_an_encode_that_fails_is_bad(host):
    """Here it meets the limit on the size of a file."""
    (row,) = host("encode", REELQ_FFMPEG_FILE_BYTES="100")
    assert row["level"] == "bad"


def test_no_sandbox_is_a_warning(host):
    assert host("sandbox", REELQ_SANDBOX="off")[0]["level"] == "warn"


@pytest.mark.parametrize(("setting", "level"), [("auto", "warn"), ("bwrap", "bad")])
def test_a_sandbox_that_does_not_work_is_told(settings_env, setting, level):
    """On a host that allows no namespaces, as hardened containers do not."""
    forbid = "echo 0 >/proc/sys/user/max_user_namespaces && echo 0 >/proc/sys/user/max_mnt_namespaces"
    inside = ["unshare", "--user", "--map-root-user", "sh", "-c", f'{forbid} && exec "$@"', "sh"]
    if not shutil.which("unshare") or subprocess.run([*inside, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("no user namespaces here")
    command = [*inside, sys.executable, "-m", "reelq.cli.main", "doctor", "--only", "host"]
    done = subprocess.run(command, env=settings_env | SMALL | {"REELQ_SANDBOX": setting}, capture_output=True, text=True, check=False)
    assert done.returncode == (3 if level == "bad" else 0), done
    assert done.stdout.splitlines()[1].split()[:2] == [level, "sandbox"]
    assert "no sandbox" in done.stdout, "the encode was tried without"


# --- scratch


@pytest.mark.parametrize("place", ["/sys/kernel", "{tmp_path}/file", "{tmp_path}/file/below"])
def test_a_scratch_that_cannot_be_written_is_bad(places, tmp_path, place):
    (tmp_path / "file").touch()
    assert places("scratch", REELQ_SCRATCH=place.format(tmp_path=tmp_path))[0]["level"] == "bad"


def test_a_full_disk_is_bad_and_a_small_one_a_warning(places, tmp_path):
    (tmp_path / "scratch").mkdir()
    assert places("scratch")[0]["level"] == "ok"
    assert places("scratch", REELQ_SCRATCH_QUOTA_BYTES="9000TB")[0]["level"] == "warn"
    (row,) = places("scratch", REELQ_SCRATCH_RESERVE_BYTES="9000TB")
    assert (row["level"], "nothing is claimed" in row["detail"]) == ("bad", True)
    assert list((tmp_path / "scratch").iterdir()) == []


def test_a_folder_of_sources_that_is_not_there_is_told(places, tmp_path):
    assert places("sources")[0]["level"] == "ok"
    assert places("sources", REELQ_SOURCE_ROOTS=tmp_path)[0]["level"] == "ok"
    (row,) = places("sources", REELQ_SOURCE_ROOTS=f"{tmp_path}:{tmp_path}/share")
    assert (row["level"], f"{tmp_path}/share is not there" in row["detail"]) == ("bad", True)


# --- store


def test_a_store_that_cannot_be_written_is_bad(places):
    (row,) = places("store", REELQ_STORE="file:///sys/kernel")
    assert row["level"] == "bad"


def test_a_folder_that_is_not_there_is_not_made(places, tmp_path):
    (row,) = places("store", REELQ_STORE=f"file://{tmp_path}/share/objects")
    assert (row["level"], "not mounted" in row["remedy"]) == ("warn", True)
    assert not (tmp_path / "share").exists()
    (tmp_path / "file").touch()
    assert places("store", REELQ_STORE=f"file://{tmp_path}/file/objects")[0]["level"] == "bad"


@pytest.fixture
def known(reelq, tmp_path, monkeypatch, conn) -> Callable[[], dict[str, Any]]:
    """known(): what doctor --only host says of a folder store that a worker has used."""
    folder = tmp_path / "known"
    monkeypatch.setenv("REELQ_FFMPEG", "/nowhere/ffmpeg")
    monkeypatch.setenv("REELQ_STORE", folder.as_uri())
    mark = FolderStore(folder).adopt()
    conn.execute("select media.register_store(%s, %s)", [f"file://{folder}", mark])

    def look() -> dict[str, Any]:
        (row,) = said(reelq("doctor", "--only", "host", "--json").rows, "store")
        return row

    return look


def test_a_store_is_the_one_that_the_database_knows(known, tmp_path, conn):
    """A share that is not mounted, or another one in its place, takes and gives a probe as well as the right one."""
    folder = tmp_path / "known"
    sound = known()
    assert (sound["level"], "the one that the database knows" in sound["detail"]) == ("ok", True)
    (folder / MARK).write_text("another")
    foreign = known()
    assert (foreign["level"], "it bears the mark of another store" in foreign["detail"]) == ("bad", True)
    assert f"delete from media.stores where bucket = 'file://{folder}'" in foreign["remedy"]
    (folder / MARK).unlink()
    missing = known()
    assert (missing["level"], "its mark is missing" in missing["detail"]) == ("bad", True)
    shutil.rmtree(folder)
    gone = known()
    assert (gone["level"], "is not there" in gone["detail"]) == ("bad", True)
    assert "S3" not in missing["remedy"] + gone["remedy"]


def test_what_the_remedy_says_makes_another_store_the_known_one(known, tmp_path, conn):
    folder = tmp_path / "known"
    shutil.rmtree(folder)
    folder.mkdir()
    video = conn.execute("select queue.ingest_video('/clip.mp4')").fetchone()[0]
    conn.execute("select media.record_original(asset_id, %s, 'k', 1, repeat('a', 64), null) from media.videos where id = %s", [f"file://{folder}", video])
    told = known()["remedy"]
    deletion, making = told.split("that was: ")[1].split("; and, if it is empty: ")
    conn.execute(deletion)
    assert (known()["level"], "is empty" in known()["detail"]) == ("bad", True)
    subprocess.run(making, shell=True, check=True)
    assert known()["level"] == "ok"


def test_a_full_disk_of_a_folder_is_bad_though_it_takes_the_probe(places, monkeypatch):
    monkeypatch.setattr("reelq.worker.stores.folder.ROOM_BYTES", 1 << 80)
    monkeypatch.setattr("reelq.worker.stores.folder.ROOM_PART", 1.0)
    (row,) = places("store")
    assert (row["level"], "The object store is full" in row["detail"]) == ("bad", True)
    assert "Make room on the disk" in row["remedy"]


def test_an_s3_server_that_stops_is_told(places):
    environ = {"REELQ_S3_ACCESS_KEY_ID": s3_servers.KEY_ID, "REELQ_S3_SECRET_ACCESS_KEY": s3_servers.SECRET}
    with s3_servers.moto() as url:
        (row,) = places("store", REELQ_STORE="s3://none", REELQ_S3_ENDPOINT_URL=url, **environ)
        assert (row["level"], "Make the bucket" in row["remedy"]) == ("bad", True)
        import boto3

        boto3.client("s3", endpoint_url=url, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x").create_bucket(Bucket="media")
        assert places("store", REELQ_STORE="s3://media")[0]["level"] == "ok"
    (row,) = places("store")
    assert (row["level"], "Is it up?" in row["remedy"]) == ("bad", True)


def test_a_wrong_secret_is_told(places, tmp_path):
    (tmp_path / "s3" / "media").mkdir(parents=True)
    with s3_servers.rclone(tmp_path / "s3") as url:
        environ = {"REELQ_STORE": "s3://media", "REELQ_S3_ENDPOINT_URL": url, "REELQ_S3_ACCESS_KEY_ID": s3_servers.KEY_ID}
        assert places("store", REELQ_S3_SECRET_ACCESS_KEY=s3_servers.SECRET, **environ)[0]["level"] == "ok"
        (row,) = places("store", REELQ_S3_SECRET_ACCESS_KEY="wrong", **environ)
        assert (row["level"], "REELQ_S3_ACCESS_KEY_ID" in row["remedy"]) == ("bad", True)
        assert list((tmp_path / "s3" / "media").rglob("*.*")) == []


# --- the way to the database


def behind(dsn: str, port: int, **words: str) -> str:
    return make_conninfo("", **{**conninfo_to_dict(dsn), "host": "127.0.0.1", "port": port, **words})


@pytest.fixture
def server_at(dsn):
    words = conninfo_to_dict(dsn)
    return str(words["host"]), int(str(words["port"]))


def test_a_pooler_that_nobody_told_of_is_bad(database, dsn, server_at):
    assert database("pooler")[0]["level"] == "ok"
    with pooler(*server_at) as port:
        (row,) = database("pooler", DATABASE_URL=behind(dsn, port))
        assert (row["level"], "REELQ_DATABASE_DIRECT_URL" in row["remedy"]) == ("bad", True)
        assert database("pooler", REELQ_DATABASE_DIRECT_URL=dsn)[0]["level"] == "ok"
        assert database("notifications")[0]["level"] == "ok"


def test_a_pooler_that_refuses_our_options_is_a_finding(reelq, dsn, server_at):
    with pooler(*server_at, refuses_options=True) as port:
        done = reelq("--database-url", behind(dsn, port), "doctor", "--only", "database", "--json")
    assert (done.code, done.row["level"], done.row["finding"]) == (3, "bad", "database")
    assert "pooler" in done.row["detail"]


def test_nonsense_for_an_address_is_a_finding(reelq):
    done = reelq("--database-url", "postgresql//sesame", "doctor", "--only", "database", "--json")
    assert (done.code, done.row["level"]) == (3, "bad")
    assert "sesame" not in done.out


def test_a_session_without_time_outs_is_told(database, dsn, conn, server_at):
    """Behind a pooler the options are not sent, and the role has none."""
    assert database("session")[0]["level"] == "ok"
    with pooler(*server_at) as port:
        (row,) = database("session", DATABASE_URL=behind(dsn, port), REELQ_DATABASE_DIRECT_URL="off")
        assert (row["level"], "statement_timeout = '60s'" in row["remedy"]) == ("warn", True)


def test_a_database_that_takes_no_changes_is_bad(database, dsn):
    (row,) = database("session", DATABASE_URL=dsn + "?options=-c%20default_transaction_read_only%3Don")
    assert (row["level"], "read-only" in row["detail"]) == ("bad", True)


def test_another_isolation_level_is_bad(database, dsn):
    (row,) = database("session", DATABASE_URL=dsn + "?options=-c%20default_transaction_isolation%3Dserializable")
    assert (row["level"], "RQ002" in row["detail"]) == ("bad", True)


def test_keepalives_that_are_off_are_told(database, dsn):
    assert database("keepalives")[0]["level"] == "ok"
    assert database("keepalives", DATABASE_URL=f"{dsn}?keepalives=0")[0]["level"] == "warn"


def test_notifications_that_do_not_arrive_are_told(database, dsn, pg_server):
    assert database("notifications")[0]["level"] == "ok"
    assert "poll" in database("notifications", REELQ_DATABASE_DIRECT_URL="off")[0]["detail"]
    assert database("notifications", REELQ_DATABASE_DIRECT_URL=NOBODY)[0]["level"] == "bad"
    assert database("notifications", REELQ_DATABASE_DIRECT_URL=pg_server.url())[0]["level"] == "warn"


def test_a_clock_that_is_off_is_told(database, clock):
    assert database("clock")[0]["level"] == "ok"
    clock.forward(60)
    (row,) = database("clock")
    assert (row["level"], "behind the database" in row["detail"]) == ("warn", True)
    clock.forward(timedelta(hours=-1))
    (row,) = database("clock")
    assert (row["level"], "ahead of the database" in row["detail"]) == ("bad", True)


# --- the schema


def test_no_schema_is_bad(bare, empty_dsn):
    done = bare("--database-url", empty_dsn, "doctor", "--only", "database", "--json")
    assert done.code == 3
    (row,) = said(done.rows, "schema")
    assert (row["level"], "reelq schema install" in row["remedy"]) == ("bad", True)
    assert said(done.rows, "database")[0]["level"] == "ok"


def test_a_newer_schema_that_accepts_this_program_is_worth_a_look(database, conn):
    conn.execute("insert into base.schema_ledger (path, kind, sha256) values ('migrations/9999_later.sql', 'migration', 'x')")
    (row,) = database("schema")
    assert (row["level"], "newer than this program" in row["detail"]) == ("warn", True)
    assert database("invariants"), "it goes on with the rest"


def test_a_newer_schema_is_bad(database, conn):
    conn.execute("insert into base.schema_ledger (path, kind, sha256) values ('migrations/9999_later.sql', 'migration', 'x')")
    conn.execute("create or replace function base.accepts_program(p_version text) returns boolean language sql as 'select false'")
    (row,) = database("schema")
    assert (row["level"], "newer than this program" in row["detail"]) == ("bad", True)


def test_an_older_schema_is_bad(database, conn):
    conn.execute("delete from base.schema_ledger where path like '%%15_processing_jobs.sql'")
    assert database("schema")[0]["level"] == "bad"


def test_what_was_changed_by_hand_is_told(database, conn):
    conn.execute("drop function queue.depth()")
    conn.execute("alter table queue.listening_workers add column by_hand integer")
    conn.execute("update base.schema_ledger set sha256 = 'x' where path = 'functions/queue/rates.sql'")
    found = {row["detail"]: row["level"] for row in database("schema")}
    assert found["function queue.depth() was removed by hand"] == "bad"
    assert found["table queue.listening_workers was changed by hand"] == "warn"
    assert any("functions/queue/rates.sql is changed" in detail for detail in found)


def test_a_missing_health_function_is_told(reelq, conn):
    conn.execute("drop function ops.health(boolean)")
    done = reelq("doctor", "--only", "database", "--json")
    assert done.code == 3
    assert any("ops.health(unknown) does not exist" in row["detail"] or "ops.health(boolean) does not exist" in row["detail"] for row in done.rows)


# --- who asks


@pytest.fixture
def login(dsn, conn):
    """A role of this test's own that may log in; gone afterwards. Returns (name, URL)."""
    name = f"doctor_{os.getpid()}"
    conn.execute(f"create role {name} login")
    yield name, dsn.replace("postgres@", f"{name}@")
    conn.execute(f"drop role {name}")


@pytest.mark.parametrize(("role", "level"), [("reelq_worker", "ok"), ("reelq_readonly", "warn"), ("reelq_app", "bad"), (None, "bad")])
def test_every_account_is_told_what_it_may_do(database, conn, login, role, level):
    name, url = login
    if role:
        conn.execute(f"grant {role} to {name}")
    (row,) = database("roles", DATABASE_URL=url)
    assert row["level"] == level
    assert name in row["detail"]


# --- what the database says, and repair


def test_what_ops_health_says_is_passed_on(reelq, conn):
    """The tests' server loses data in a crash."""
    done = reelq("doctor", "--only", "database", "--json")
    assert done.code == 3
    health = conn.execute("select finding, level, detail from ops.health() where finding = 'durability'").fetchall()
    assert [(row["finding"], row["level"], row["detail"]) for row in said(done.rows, "durability")] == health


def test_deep_looks_at_the_invariants_of_large_tables_too(reelq, conn):
    conn.execute("insert into queue.job_attempts (job_id, attempt, job_type, worker_id, started_at, ended_at, outcome, message)"
                 " select base.uuid_v7(), 1, 'no_op', 'w', now(), now(), 'completed', repeat('x', 1000) from generate_series(1, 20000)")  # fmt: skip
    quick = said(reelq("doctor", "--only", "database", "--json").rows, "invariants")[0]["detail"]
    assert quick.startswith("The tables are large: all hold of ")
    assert said(reelq("doctor", "--only", "database", "--deep", "--json").rows, "invariants")[0]["detail"] == "All hold."


def test_deep_takes_its_time(conn, connect):
    """No time-out of the session's ends it."""
    conn.execute(
        "create or replace function queue.verify() returns table (invariant text, job_id uuid, detail text)"
        " language plpgsql security definer set search_path = pg_catalog, pg_temp as $$ begin perform pg_sleep(3); end; $$"
    )
    hurried = connect(options="-c statement_timeout=2s")
    assert "invariants" in {row.finding for row in checks.health(hurried, True)}
    with pytest.raises(psycopg.errors.QueryCanceled):
        checks.health(hurried, False)
    assert hurried.execute("show statement_timeout").fetchone() == ("2s",)


def test_repair_mends_everything_and_says_no(reelq, conn):
    conn.execute("insert into queue.processing_jobs (job_type) select 'no_op' from generate_series(1, 2500)")
    assert (reelq("doctor", "--repair").code, reelq("doctor", "--repair").out) == (0, "nothing to repair\n")
    conn.execute("select * from queue.repair(700)")  # somebody's round has begun
    conn.execute("delete from queue.ready where seq % 500 = 1")
    done = reelq("doctor", "--repair", "--json")
    assert done.code == 3
    assert [row["what"] for row in done.rows] == ["queued in no place"] * 5
    assert [list(row) for row in done.rows] == [["job_id", "what"]] * 5
    assert reelq("doctor", "--repair").code == 0
    (row,) = said(reelq("doctor", "--json", "--only", "database").rows, "repairs")
    assert (row["level"], row["detail"]) == ("bad", "5 places of jobs had to be repaired")


def test_a_tenant_s_bucket_is_tried_before_it_is_taken_and_by_the_doctor(reelq, monkeypatch, conn, store_dir):
    import boto3

    monkeypatch.setenv("REELQ_FFMPEG", "/nowhere/ffmpeg")
    with s3_servers.moto() as url:
        for name, value in {"ENDPOINT_URL": url, "ACCESS_KEY_ID": s3_servers.KEY_ID, "SECRET_ACCESS_KEY": s3_servers.SECRET}.items():
            monkeypatch.setenv(f"REELQ_S3_{name}", value)
        reelq("tenants", "create", "acme")
        given = ("tenants", "set", "acme", "--bucket", "acme-media", "--region", "eu-central-1")
        refused = reelq(*given)
        assert (refused.code, "Make the bucket" in refused.err, len(refused.err.splitlines())) == (2, True, 2), refused.err
        assert reelq("tenants", "show", "acme", "--json").row["s3_bucket"] is None
        client = boto3.client("s3", endpoint_url=url, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
        client.create_bucket(Bucket="acme-media", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
        assert reelq(*given).code == 0
        assert client.list_objects_v2(Bucket="acme-media")["KeyCount"] == 0, "a probe leaves nothing behind"
        (found,) = said(reelq("doctor", "--only", "host", "--json").rows, "store of acme")
        assert found["level"] == "ok"

        video = conn.execute("select queue.ingest_video('/clip.mp4', 'acme')").fetchone()[0]
        asset = conn.execute("select asset_id from media.videos where id = %s", [video]).fetchone()[0]
        conn.execute("select media.put_variant(%s, %s)", [asset, '{"profile": "poster", "bucket": "s3://acme-media", "key": "poster.jpg"}'])
        conn.execute("update media.objects set last_used_at = 'epoch'")
        link = reelq("videos", "open", video).out
        assert link.startswith(f"{url}/acme-media/poster.jpg?") and "%2Feu-central-1%2Fs3%2F" in link
        assert conn.execute("select last_used_at > 'epoch' from media.objects").fetchone() == (True,)

        client.delete_bucket(Bucket="acme-media")
        (found,) = said(reelq("doctor", "--only", "host", "--json").rows, "store of acme")
        assert (found["level"], "Make the bucket" in found["remedy"]) == ("bad", True)
        assert reelq("tenants", "set", "acme", "--bucket", "other-media", "--region", "eu", "--no-check").code == 0
