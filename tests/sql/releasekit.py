"""The dumps of earlier releases (tools/release_dump.py), as databases."""

from __future__ import annotations

import bz2
import io
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from demo import postgres
from reelq.worker.db import schema

ROOT = schema.ROOT.parent
FOLDER = Path(__file__).resolve().parent / "releases"
# Rows that come with a release, and that a later one may change: an upgrade loses none of them.
SHIPPED = {"identity.tenants", "ops.partition_policies", "queue.job_types", "queue.locks", "queue.pipelines", "queue.pipeline_steps", "queue.retry_policies",
           "queue.settings", "queue.upkeep"}  # fmt: skip
# Columns that a later release has taken away, and whose values stand elsewhere; tests/sql/test_quotas.py holds where.
MOVED = {
    "identity.users": {"subscription_tier", "subscription_status", "subscription_id", "stripe_customer_id", "trial_ends_at", "monthly_quota", "current_usage",
                       "quota_reset_date"},
    "media.assets": {"bucket", "key", "size_bytes", "sha256", "storage_class"},  # media.objects; tests/sql/test_objects_upgrade.py
    "media.variants": {"bucket", "key", "size_bytes", "sha256"},
}  # fmt: skip
# What a later version might do: a column of the jobs, checked and indexed while everybody works.
LATER = {
    "migrations/0001_add_origin.sql": (
        "-- back: alter table queue.processing_jobs drop column origin\n"
        "alter table queue.processing_jobs add column origin text;\n"
        "alter table queue.processing_jobs add constraint origin_is_short check (length(origin) <= 20) not valid;\n"
        "alter table queue.job_history add column origin text;\n"
        "comment on column queue.processing_jobs.origin is 'Where it came from.';\n"
        "comment on column queue.job_history.origin is 'Where it came from.';\n"
    ),
    "migrations/0002_check_origin.sql": (
        "-- back: nothing to go back\n"
        "alter table queue.processing_jobs validate constraint origin_is_short;\n"
    ),
    "migrations/0003_index_dead_letters.sql": (
        "-- transaction: none\n-- back: drop index concurrently queue.dead_letters_by_day\n"
        "drop index concurrently if exists queue.dead_letters_by_day;\n\n"
        "create index concurrently dead_letters_by_day on queue.dead_letters (job_type, failed_at);\n"
    ),
}


def parts(version: str) -> list[Path]:
    return sorted(FOLDER.glob(f"{version}.*.sql.bz2"))


def text(version: str) -> str:
    return "".join(bz2.decompress(path.read_bytes()).decode() for path in parts(version))


def program(version: str, folder: Path) -> Path:
    """The tree of a release's program, unpacked into a folder."""
    packed = b"".join(path.read_bytes() for path in sorted(FOLDER.glob(f"{version}.*.program")))
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        tar.extractall(folder, filter="tar")
    return folder


@contextmanager
def database(server: postgres.Server, version: str, name: str = "released") -> Iterator[str]:
    """URL of a database of that release, with its four days in it."""
    with psycopg.connect(server.url(), autocommit=True) as admin:
        identifier = sql.Identifier(name)
        admin.execute(sql.SQL("drop database if exists {} with (force)").format(identifier))
        admin.execute(sql.SQL("create database {} template template0").format(identifier))
        try:
            psql = [str(server.binaries.folder / "psql"), "-Xq", "-v", "ON_ERROR_STOP=1", "-o", "/dev/null", server.url(name)]
            subprocess.run(psql, input=text(version), text=True, check=True)
            yield server.url(name)
        finally:
            admin.execute(sql.SQL("drop database if exists {} with (force)").format(identifier))


def contents(conn: psycopg.Connection[Any], columns: dict[str, list[str]] | None = None) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Every row of every table of ours as text, in order; and which columns were read: those of `columns`, else all."""
    found = columns or dict(
        conn.execute(
            """
            select c.oid::regclass::text, array_agg(a.attname::text order by a.attname)
            from pg_class as c inner join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
            where c.relnamespace::regnamespace::text = any('{base,identity,media,queue,ops}') and c.relkind in ('r', 'p') and not c.relispartition
                and c.relname not in ('schema_ledger', 'schema_objects')
            group by c.oid
            """
        ).fetchall()
    )
    rows = {}
    for table, names in found.items():
        listed = sql.SQL(", ").join(sql.Identifier(name) for name in names if name not in MOVED.get(table, ()))
        query = sql.SQL("select row({})::text from {} order by 1").format(listed, sql.SQL(table))
        rows[table] = [one for (one,) in conn.execute(query)]
    return rows, found


def later(folder: Path) -> Path:
    """A copy of this tree whose version has a changed table of jobs; its sql/."""
    for name in ("worker", "cli", "sql"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "reelq", folder / "reelq", symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    root = folder / "sql"
    (root / "migrations").mkdir(exist_ok=True)
    first = max((int(file.path[11:15]) for file in schema.migrations()), default=0)
    for name, body in LATER.items():
        (root / f"migrations/{first + int(name[11:15]):04}{name[15:]}").write_text(body)
    path = root / "schema" / "30_queue" / "15_processing_jobs.sql"  # the history is made like it
    path.write_text(
        path.read_text()
        + "\nalter table queue.processing_jobs add column origin text;\n"
        + "alter table queue.processing_jobs add constraint origin_is_short check (length(origin) <= 20);\n"
        + "comment on column queue.processing_jobs.origin is 'Where it came from.';\n"
    )
    path = root / "schema" / "30_queue" / "28_dead_letters.sql"
    path.write_text(path.read_text() + "\ncreate index dead_letters_by_day on queue.dead_letters (job_type, failed_at);\n")
    return root


def environ(url: str, folder: Path, tree: Path = ROOT) -> dict[str, str]:
    """Of a command of that tree."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "REELQ_", "DATABASE_"))}
    (folder / "objects").mkdir(exist_ok=True)
    return kept | {
        "DATABASE_URL": url, "REELQ_STORE": (folder / "objects").as_uri(), "REELQ_SCRATCH": str(folder / "scratch"), "PYTHONPATH": str(tree),
    }  # fmt: skip


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "reelq.cli.main", *words]


def run(url: str, folder: Path, *words: str, tree: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """A command of a tree, as its own process; not in a folder with a tree, which Python would take first."""
    return subprocess.run(command(*words), capture_output=True, text=True, check=False, env=environ(url, folder, tree), cwd=folder / "objects")


def work(url: str, folder: Path, tree: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """A worker of a tree, until nothing is left."""
    return run(url, folder, "worker", "run", "--until-idle", "--types", "no_op", tree=tree)
