"""python -m benchmarks.backup: how long a backup of a large queue takes, how large it is, and how long it takes to verify and to restore it."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import click
import psycopg

from benchmarks import machine, server
from benchmarks.document import write_section
from benchmarks.place import cache
from benchmarks.tables import table
from reelq.worker import settings
from reelq.worker.backup.create import create
from reelq.worker.backup.restore import restore
from reelq.worker.backup.verify import verify
from reelq.worker.db import schema

BATCH = 100_000
WAITING = 10  # one job in so many still waits; the others are completed, with an attempt each
# Past the triggers, which check what is right here: queue.verify() says so of what is restored.
DONE = """
with made as (
    insert into queue.processing_jobs (
        id, job_type, status, status_changed_at, scheduled_for, token, max_attempts, max_crashes, weight, needs, worker_id, started_at, completed_at,
        on_parent_failure, limits, job_data, result_data, priority, created_at, updated_at
    )
    select
        base.uuid_v7(), 'no_op', 'completed', now(), now() - interval '1 h', 1, 3, 3, 1, '{}', 'w1', now(), now(), 'fail', '{}',
        jsonb_build_object('source', md5(n::text)), jsonb_build_object('sha256', md5((-n)::text)), 5, now() - interval '1 h', now()
    from generate_series(%(start)s::bigint, %(end)s::bigint) as n
    returning id
)
insert into queue.job_attempts (job_id, attempt, job_type, worker_id, started_at, ended_at, outcome)
select made.id, 1, 'no_op', 'w1', now() - interval '10 s', now(), 'completed' from made
"""
WAIT = """
insert into queue.processing_jobs (job_type, job_data)
select 'no_op', jsonb_build_object('source', md5(n::text)) from generate_series(%(start)s::bigint, %(end)s::bigint) as n
"""
Answer = TypeVar("Answer")


def fill(conn: psycopg.Connection[object], jobs: int) -> None:
    """So many jobs."""
    conn.execute("update queue.job_types set requires = null, options_schema = null where job_type = 'no_op'")
    for start in range(1, jobs + 1, BATCH):
        end = min(start + BATCH - 1, jobs)
        done = end - (end - start + 1) // WAITING
        conn.execute("set session_replication_role = replica")
        conn.execute(DONE.encode(), {"start": start, "end": done})
        conn.execute("reset session_replication_role")
        conn.execute(WAIT.encode(), {"start": done + 1, "end": end})
    conn.execute("vacuum analyze")


def timed(call: Callable[[], Answer]) -> tuple[float, Answer]:
    """Seconds, and what it returned."""
    begin = time.monotonic()
    answer = call()
    return time.monotonic() - begin, answer


@click.command(context_settings={"show_default": True, "help_option_names": ["-h", "--help"]})
@click.option("--jobs", type=click.IntRange(min=10), default=1_000_000, help="How many there are; nine of ten are completed.")
@click.option("--pg", help="Postgres: system, wheel, or a major; default: the system's, else the wheel's.")
@click.option("--write", type=click.Path(dir_okay=False, path_type=Path), help="Put the result into this file: docs/benchmarks.md.")
@click.option("--note", help="A sentence about the machine at that hour, for the page.")
def bench(jobs: int, pg: str | None, write: Path | None, note: str | None) -> None:
    """How long it takes to back up a large queue, to verify the backup on a private server, and to restore it into a new database.

    \b
    Examples:
      ./run bench backup
      ./run bench backup --jobs 10000000
      ./run bench backup --write docs/benchmarks.md
    """
    cache().mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="backup-", dir=cache()))
    try:
        with server.running(cache(), pg) as database:
            database.fresh()
            with psycopg.connect(database.dsn, autocommit=True) as conn:
                schema.install(conn)
                filled_s, _ = timed(lambda: fill(conn, jobs))
                ((size,),) = conn.execute("select pg_database_size(current_database())").fetchall()
                print(f"{jobs:,} jobs filled in in {filled_s:.0f} s, {size / 1e9:.2f} GB", flush=True)
            database.checkpoint()
            environ = {
                "DATABASE_URL": database.dsn, "REELQ_STORE": (folder / "objects").as_uri(), "REELQ_SCRATCH": str(folder / "scratch"),
                "REELQ_BACKUP_TIMEOUT": "1d",
            }  # fmt: skip
            chosen = settings.load(environ)
            created_s, made = timed(lambda: create(chosen))
            print(f"created in {created_s:.1f} s", flush=True)
            verified_s, _ = timed(lambda: verify(chosen))
            print(f"verified in {verified_s:.1f} s", flush=True)
            other = settings.load({**environ, "DATABASE_URL": f"{database.dsn}_restored"})
            restored_s, _ = timed(lambda: restore(other, made.id, create=True))
            rows = [
                [name, f"{seconds:.1f}", f"{jobs / seconds:,.0f}", f"{size / seconds / 1e6:.0f}"]
                for name, seconds in (("create", created_s), ("verify", verified_s), ("restore --create", restored_s))
            ]
            text = table(["command", "s", "jobs/s", "MB/s of the database"], rows)
            print(text)
            if write is not None:
                facts = ", ".join(f"{name} {value}" for name, value in machine.describe().items())
                command = "./run bench backup" + (f" --jobs {jobs}" if jobs != 1_000_000 else "")
                head = f"- **command**: {command}\n- **date**: {datetime.now(UTC):%Y-%m-%d %H:%M} UTC\n- **machine**: {facts}"
                head += f"\n- **Postgres**: {database.version}"
                head += f"\n- **queue**: {jobs:,} jobs, nine in ten completed, with an attempt each; {size / 1e9:.2f} GB, {made.rows:,} rows"
                head += f"\n- **backup**: {made.size_bytes / 1e6:,.0f} MB in a folder of the same disk, not encrypted"
                head += "\n- **verify** starts a private server, restores, counts all tables, asks queue.verify(); **restore** does so in earnest"
                head += f"\n- **note**: {note}" if note else ""
                write_section(write, "backup", "Back up, verify, restore", head, text)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    bench(prog_name="./run bench backup")
