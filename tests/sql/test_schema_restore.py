"""A database that was dumped and restored, also by a newer server and under another owner, is not one that was changed by hand."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import psycopg
import pytest

from demo import postgres
from reelq.worker.db import schema
from tests.sql.queuekit import Queue

# Options of pg_dump and of the program that restores.
WAYS = {
    "custom": (["-Fc"], []),
    "plain": (["-Fp"], []),
    "by another owner": (["-Fc"], ["--no-owner", "--role=restorer"]),
    "without rights": (["-Fc", "--no-privileges"], []),
}


def restored(source: str, target: postgres.Server, folder: Path, way: str) -> psycopg.Connection[Any]:
    """Dump a database with the newer programs and restore it; a connection to it."""
    programs, file = target.binaries.folder, folder / "dump"
    dump, restore = WAYS[way]
    subprocess.run([str(programs / "pg_dump"), *dump, "-f", str(file), source], check=True)
    with psycopg.connect(target.url(), autocommit=True) as admin:
        admin.execute("drop database if exists restored with (force)")
        admin.execute("do $$ begin create role restorer superuser; exception when duplicate_object then null; end $$")
        admin.execute("create database restored template template0")
    url = target.url("restored")
    into = ["pg_restore", "--exit-on-error", *restore, "-d", url] if "-Fc" in dump else ["psql", "-qX", "-v", "ON_ERROR_STOP=1", "-o", "/dev/null", "-d", url, "-f"]
    subprocess.run([str(programs / into[0]), *into[1:], str(file)], check=True)
    return psycopg.connect(url, autocommit=True)


@pytest.mark.parametrize("way", WAYS)
def test_a_restored_database_is_whole_and_works(dsn, conn, servers, tmp_path, way):
    queue = Queue(conn)
    queue.worker()
    conn.execute("select identity.create_tenant('acme')")
    over, waits = queue.add(), queue.add(idempotency_key="Grüße")
    job = queue.take()
    queue.complete(job)
    conn.execute("select queue.set_limit('type:no_op', 5), queue.set_schedule('nightly', '0 3 * * *', 'no_op')")
    schema.upgrade(conn, accept=True)  # the clock of the tests, and its schema
    newest = servers.get(max(postgres.available(), key=lambda one: one.major))
    servers.template(newest)  # makes the roles
    with restored(dsn, newest, tmp_path, way) as there:
        found = schema.diff(there)
        mended = {"without rights": {"function", "table", "view"}, "by another owner": {"owner"}}.get(way, set())
        assert {row["kind"] for row in found} == mended, found
        if mended:
            told: list[str] = []
            schema.upgrade(there, warn=told.append)
            assert [line for line in told if "by hand" in line] == []
            found = schema.diff(there)
        assert found == []
        assert schema.upgrade(there) == []
        again = Queue(there)
        assert again.violations() == []
        assert (again.status(over), again.status(waits)) == ("completed", "queued")
        job = again.take("w2")
        again.complete(job)
        assert (job.job_id, again.status(waits)) == (waits, "completed")
