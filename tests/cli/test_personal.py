"""reelq users export, erase, erasures, find-pii."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from reelq.cli.users import personal as commands
from reelq.worker.rooms import media
from reelq.worker.rooms.ops import personal
from reelq.worker.settings import load
from reelq.worker.stores.base import Store
from reelq.worker.stores.open import open_store
from tests.sql.queuekit import Queue


class Person:
    """Bob and Ann of the tenant "default", each with videos whose objects are in the store; each file has one that no row names."""

    def __init__(self, conn: Any, store: Store, tmp_path: Path, name: str, videos: int) -> None:
        self.conn, self.store, self.tmp_path, self.email = conn, store, tmp_path, f"{name}@example.com"
        (self.tenant,) = conn.execute("select id from identity.tenants where slug = 'default'").fetchone()
        (self.id,) = conn.execute(
            "insert into identity.users (tenant_id, email) values (%s, %s) returning id", [self.tenant, self.email]
        ).fetchone()
        self.keys = [key for number in range(videos) for key in self.add_video(number)]

    def add_video(self, number: int) -> list[str]:
        source = f"/home/{self.email}/{number}.mp4"
        (video,) = self.conn.execute(
            "select queue.ingest_video(%s, 'default', %s)", [source, self.id]
        ).fetchone()
        (asset,) = self.conn.execute("select asset_id from media.videos where id = %s", [video]).fetchone()
        prefix = f"tenants/{self.tenant}/media/{asset}"
        keys = [f"{prefix}/original/j-1", f"{prefix}/variants/poster/j-1.jpg", f"{prefix}/variants/poster/litter.jpg"]
        for key in keys:
            path = self.tmp_path / "bytes"
            path.write_text(f"bytes of {key}")
            stored = self.store.put(key, path)
            if "original" in key:
                facts = [asset, self.store.bucket, key, stored.size_bytes, stored.sha256, "video/mp4"]
                self.conn.execute("select media.record_original(%s, %s, %s, %s, %s, %s)", facts)
            elif "litter" not in key:
                media.put_variant(
                    self.conn, asset, {"profile": "poster", "bucket": self.store.bucket, "key": key, "sha256": stored.sha256}
                )
        return keys

    @property
    def in_store(self) -> list[str]:
        return [key for key in self.keys if self.store.stat(key)]


@pytest.fixture
def store(conn, store_dir) -> Store:
    found = open_store(load({"REELQ_STORE": store_dir.as_uri()}))
    media.register_store(conn, found.bucket, found.adopt())
    return found


@pytest.fixture
def bob(conn, store, tmp_path) -> Person:
    return Person(conn, store, tmp_path, "bob", 3)


@pytest.fixture
def ann(conn, store, tmp_path) -> Person:
    return Person(conn, store, tmp_path, "ann", 1)


def test_statuses_are_those_of_the_room():
    assert commands.STATUSES == personal.STATUSES


def test_export_gives_rows_and_objects(reelq, bob, ann, tmp_path):
    rows = reelq("users", "export", "BOB@example.com").rows
    tables = [row["table"] for row in rows if "table" in row]
    assert tables[0] == "identity.users"
    assert (tables.count("media.videos"), tables.count("media.variants")) == (3, 3)
    assert tables.count("queue.processing_jobs") > 3
    objects = [row["object"] for row in rows if "object" in row]
    assert {one["key"] for one in objects} == {key for key in bob.keys if "litter" not in key}
    assert ann.email not in json.dumps(rows)


def test_export_brings_the_bytes_and_a_file_that_nobody_else_reads(reelq, bob, tmp_path):
    target, folder = tmp_path / "bob.jsonl", tmp_path / "objects"
    done = reelq("users", "export", str(bob.id), "--output", target, "--objects", folder)
    assert (done.code, done.out) == (0, "")
    assert target.stat().st_mode & 0o077 == 0
    key = bob.keys[0]
    assert (folder / key).read_text() == f"bytes of {key}"
    again = reelq("users", "export", bob.email, "--output", target)
    assert (again.code, "File exists" in again.err) == (1, True)


def test_an_object_that_is_missing_does_not_end_an_export(reelq, bob, tmp_path):
    bob.store.delete(bob.keys[0])
    done = reelq("users", "export", bob.email, "--objects", tmp_path / "objects")
    problems = [row for row in done.rows if "problem" in row]
    assert (done.code, [row["problem"] for row in problems]) == (1, ["object_missing"])


def rows_of(reelq, person):
    """What an export gives, but for the acts, of which it is one."""
    return [row for row in reelq("users", "export", person.email).rows if row.get("table") != "ops.audit_logs"]


def test_erase_counts_first_and_changes_nothing(reelq, bob):
    counted = {row["relation"]: row["rows"] for row in reelq("users", "erase", bob.email, "--dry-run", "--json").rows}
    assert (counted["media.videos"], counted["objects"], counted["identity.users"]) == (3, 6, 1)
    assert len(bob.in_store) == len(bob.keys)
    assert "media.videos" in reelq("users", "erase", bob.email, "--dry-run").out


def test_a_table_of_an_application_that_keeps_a_user_is_named(reelq, conn, bob):
    conn.execute("create schema shop; create table shop.profiles (user_id uuid constraint of_user references identity.users (id))")
    conn.execute("insert into shop.profiles values (%s)", [bob.id])
    done = reelq("users", "erase", str(bob.id), "--yes")
    assert (done.code, "shop.profiles refers to what would be deleted, by its foreign key of_user" in done.err) == (1, True)
    assert "on delete cascade" in done.err and "SQLSTATE" not in done.err
    conn.execute("delete from shop.profiles")
    assert reelq("users", "erase", str(bob.id), "--yes").code == 0


def test_erase_takes_rows_and_bytes_and_leaves_others(reelq, bob, ann):
    before = rows_of(reelq, ann)
    done = reelq("users", "erase", bob.email, "--yes", "--json").row
    assert (done["status"], done["counts"]["media.videos"], done["counts"]["objects"]) == ("completed", 3, 9)
    assert bob.in_store == []
    assert ann.in_store == ann.keys
    assert rows_of(reelq, ann) == before
    nothing = reelq("users", "export", str(bob.id))
    assert (nothing.code, nothing.out, nothing.err) == (0, "", "Nothing is theirs.\n")
    assert bob.email not in reelq("users", "find-pii", "--json").out
    (shown,) = reelq("users", "erasures", "--json").rows
    assert (shown["id"], shown["user_id"]) == (done["id"], str(bob.id))
    assert reelq("users", "erase", bob.email, "--yes").code == 2
    assert reelq("users", "erase", str(bob.id), "--yes").code == 1


def test_an_object_that_other_files_are_made_of_stays(reelq, bob, ann, conn):
    """Ann's poster is the same object."""
    shared = next(key for key in bob.keys if "poster" in key and "litter" not in key)
    conn.execute(
        "update media.variants set object_id = (select o.id from media.objects as o where o.key = %s) "
        "where object_id = any(array(select o.id from media.objects as o where o.key = any(%s)))", [shared, ann.keys]
    )  # fmt: skip
    counts = reelq("users", "erase", bob.email, "--yes", "--json").row["counts"]
    assert (counts["objects"], counts["objects kept"]) == (8, 1)
    assert bob.in_store == [shared]


def test_a_store_that_is_not_there_keeps_the_rows(reelq, bob, store_dir, conn):
    """An unmounted share is an empty folder: nothing in it to delete is no proof that it is gone."""
    store_dir.rename(store_dir.with_name("away"))
    store_dir.mkdir()
    done = reelq("users", "erase", bob.email, "--yes")
    assert (done.code, "not there" in done.err) == (1, True)
    assert conn.execute("select count(*) from media.assets where owner_user_id = %s", [bob.id]).fetchone() == (3,)
    store_dir.rmdir()
    store_dir.with_name("away").rename(store_dir)
    assert reelq("users", "erase", bob.email, "--yes").code == 0
    assert bob.in_store == []


def test_a_user_of_a_platform_that_has_stored_nothing_is_erased(reelq, conn):
    conn.execute("insert into identity.users (tenant_id, email) select id, 'new@example.com' from identity.tenants where slug = 'default'")
    conn.execute("select queue.ingest_video('/a.mp4', 'default', (select id from identity.users where email = 'new@example.com'))")
    assert reelq("users", "erase", "new@example.com", "--yes", "--json").row["counts"]["media.videos"] == 1


def test_requests_are_done_together(reelq, bob, ann, conn):
    for person in (bob, ann):
        conn.execute("select ops.request_erasure(%s)", [person.id])
    assert len(reelq("users", "erasures", "--status", "open", "--json").rows) == 2
    assert len(reelq("users", "erase-requested", "--yes", "--json").rows) == 2
    assert (bob.in_store, ann.in_store) == ([], [])
    assert reelq("users", "erase-requested", "--yes").err == "Nobody has asked.\n"


def test_jobs_that_do_not_stop_are_told(reelq, bob, conn):
    """Their worker does not hear; when its lease has ended the next run goes through."""
    made = Queue(conn)
    made.worker()
    job = made.take()
    done = reelq("users", "erase", bob.email, "--yes", "--wait", "0.1")
    assert (done.code, "1 of the user's jobs must end first" in done.err) == (75, True)
    assert len(bob.in_store) == len(bob.keys)
    made.fail(job, error_class="cancelled", code="cancelled")
    assert reelq("users", "erase", bob.email, "--yes").code == 0


@pytest.mark.parametrize("kill_after", [1, 3, 5])
def test_a_killed_erasure_goes_on(bob, ann, settings_env, reelq, conn, kill_after):
    """kill -9 after so many deleted objects: rows that are left say what is to be done, and the next run does it."""
    program = f"""
import os, signal, sys
from reelq.worker.stores.folder import FolderStore
from reelq.cli.main import main
delete, left = FolderStore.delete, [{kill_after}]
def dying(self, key):
    delete(self, key)
    left[0] -= 1
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)
FolderStore.delete = dying
main(sys.argv[1:])
"""
    command = [sys.executable, "-c", program, "users", "erase", bob.email, "--yes"]
    died = subprocess.run(command, env={**os.environ, **settings_env}, capture_output=True, check=False)
    assert died.returncode == -signal.SIGKILL
    assert len(bob.in_store) == len(bob.keys) - kill_after
    assert conn.execute("select count(*) from media.videos where user_id = %s", [bob.id]).fetchone() == (3,)
    assert reelq("users", "erase", str(bob.id), "--yes").code == 0
    assert (bob.in_store, ann.in_store) == ([], ann.keys)


def test_two_at_once_do_no_harm(bob, ann, settings_env, conn):
    command = [sys.executable, "-m", "reelq.cli.main", "users", "erase", bob.email, "--yes", "--json"]
    both = [subprocess.Popen(command, env={**os.environ, **settings_env}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    outcomes = [(one.communicate(), one.returncode) for one in both]
    assert 0 in [code for _, code in outcomes]
    assert all(code in (0, 1, 2) for _, code in outcomes), outcomes  # the later one may find that it is done, or nobody
    assert (bob.in_store, ann.in_store) == ([], ann.keys)
    counts = conn.execute("select counts from ops.erasures").fetchall()
    assert [one["media.videos"] for (one,) in counts] == [3]


def test_find_pii_tells_table_column_row_and_a_masked_sample(reelq, bob):
    row = next(one for one in reelq("users", "find-pii", "--json").rows if one["column_name"] == "email")
    assert (row["relation"], row["row_key"], row["kind"], row["sample"]) == ("identity.users", str(bob.id), "email", "b***@e***.com")
    assert reelq("users", "find-pii", "bob@example.com", "--table", "identity.users").err == "1 found.\n"
    assert reelq("users", "find-pii", "--table", "media.nothing").code == 2
    assert reelq("users", "find-pii", "--tenant", "default").code == 2


@pytest.mark.parametrize("words", [["export", "nobody@example.com"], ["erase", "nobody@example.com", "--yes"], ["erase"], ["erase", "bob@example.com"], ["erase-requested", "--wait", "x"]])
def test_wrong_input_is_2(reelq, bob, words):
    assert reelq("users", *words).code == 2


def test_a_tenant_s_erasure_is_of_the_tenant(reelq, bob, conn):
    conn.execute("select identity.create_tenant('rival')")
    assert reelq("users", "erase", bob.email, "--yes", "--tenant", "rival").code == 2
    assert reelq("users", "erase", bob.email, "--yes", "--tenant", "default").code == 0
