"""python -m benchmarks.erasure: export and erase a user with a thousand videos, among the videos of others."""

from __future__ import annotations

import shutil
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import psycopg

from benchmarks import machine, server
from benchmarks.document import write_section
from benchmarks.place import cache
from benchmarks.tables import table
from reelq.worker import settings
from reelq.worker.db import schema
from reelq.worker.personal.erase import erase
from reelq.worker.personal.export import export
from reelq.worker.rooms import media
from reelq.worker.rooms.ops import personal
from reelq.worker.stores.open import open_store

OBJECT_BYTES = 64_000
OTHERS = 20  # users beside the one, with as many videos each
VARIANTS = ("h264-720p", "h264-360p", "poster")
JOBS = 6  # a video, as the standard pipeline makes; each with an attempt, half of them archived
GOAL_S = 60
FILL = (
    "insert into identity.users (tenant_id, email) select t.id, 'u' || n || '@example.com' "
    "from identity.tenants as t cross join generate_series(0, %(others)s) as n where t.slug = 'default'",
    "insert into media.assets (tenant_id, owner_user_id, source_url, status) select u.tenant_id, u.id, '/in/' || n || '.mp4', 'uploading' "
    "from identity.users as u cross join generate_series(1, %(videos)s) as n",
    "insert into media.videos (tenant_id, user_id, asset_id, title) select a.tenant_id, a.owner_user_id, a.id, 'A title' from media.assets as a",
    "insert into media.objects (tenant_id, bucket, key, state, stored_at, size_bytes, sha256) select a.tenant_id, %(bucket)s, "
    "format('tenants/%%s/media/%%s/original/j-1', a.tenant_id, a.id), 'stored', now(), %(size)s, encode(sha256(a.id::text::bytea), 'hex') "
    "from media.assets as a",
    "update media.assets as a set object_id = o.id from media.objects as o "
    "where o.bucket = %(bucket)s and o.key = format('tenants/%%s/media/%%s/original/j-1', a.tenant_id, a.id)",
    "insert into media.objects (tenant_id, bucket, key, state, stored_at, mime) select a.tenant_id, %(bucket)s, "
    "format('tenants/%%s/media/%%s/variants/%%s/j-1', a.tenant_id, a.id, p), 'stored', now(), p "
    "from media.assets as a cross join unnest(%(variants)s::text[]) as p",
    "insert into media.variants (tenant_id, asset_id, profile, object_id) select a.tenant_id, a.id, o.mime, o.id from media.objects as o "
    "inner join media.assets as a on a.id = split_part(o.key, '/', 4)::uuid where o.mime is not null",
    # Their jobs are over, as those of videos that are ready.
    """
    insert into queue.job_history (
        id, tenant_id, user_id, video_id, asset_id, job_type, priority, status, status_changed_at, scheduled_for, token, attempts,
        max_attempts, crashes, max_crashes, weight, needs, started_at, completed_at, job_data, depends_on, on_parent_failure, created_at,
        updated_at, limits
    )
    select
        base.uuid_v7(), v.tenant_id, v.user_id, v.id, v.asset_id, 'no_op', 5, 'completed', now(), now(), 1, 0, 5, 0, 3, 1, '{}', now(),
        now(), '{}', '{}', 'fail', now(), now(), '{}'
    from media.videos as v cross join generate_series(1, %(jobs)s) as n
    """,
    "insert into queue.attempt_history (job_id, attempt, job_type, worker_id, started_at, ended_at, outcome, created_at) "
    "select h.id, 1, 'no_op', 'w1', now(), now(), 'completed', now() from queue.job_history as h",
    "analyze",
)


@click.command()
@click.option("--videos", default=1000, show_default=True, help="Of each user.")
@click.option("--write", "page", type=click.Path(path_type=Path), help="Put the result into its section of this page.")
def main(videos: int, page: Path | None) -> None:
    """Export and erase one of several users; a minute is the goal for a thousand videos."""
    begun = datetime.now(UTC)
    folder = Path(tempfile.mkdtemp(prefix="erasure-", dir=cache()))
    try:
        with server.running(cache()) as bench:
            bench.fresh()
            ours = replace(settings.load({"REELQ_STORE": (folder / "store").as_uri()}), database_url=bench.dsn)
            with psycopg.connect(bench.dsn, autocommit=True) as conn:
                rows, took_s, exported_s = measure(conn, ours, videos)
            version = bench.version
    finally:
        shutil.rmtree(folder)
    counts = table(["table", "rows"], [[name, f"{count:,}"] for name, count in sorted(rows.items())])
    told = table(
        ["", "seconds"],
        [["export, rows alone", f"{exported_s:.1f}"], [f"erase, goal {GOAL_S} s", f"{took_s:.1f}"]],
    )
    host = ", ".join(f"{name} {value}" for name, value in machine.describe().items())
    facts = "\n".join(
        (
            f"- **command**: python -m benchmarks.erasure --videos {videos}",
            f"- **date**: {begun:%Y-%m-%d %H:%M} UTC",
            f"- **machine**: {host}; it had other work beside this",
            f"- **Postgres**: {version}, durable; the store is a folder on the same disk, objects of {OBJECT_BYTES:,} bytes",
            f"- **beside them**: {OTHERS} other users with as many videos each, whose objects are rows alone",
        )
    )
    click.echo(f"{told}\n\n{counts}")
    if page is not None:
        write_section(page, "erasure", "Erasure of a user", facts, f"{told}\n\n{counts}")


def measure(conn: psycopg.Connection[Any], ours: settings.Settings, videos: int) -> tuple[dict[str, int], float, float]:
    """Counts of the certificate, and how long erasure and export took."""
    schema.install(conn)
    store = open_store(ours)
    media.register_store(conn, store.bucket, store.adopt())
    given = {"others": OTHERS, "videos": videos, "bucket": store.bucket, "variants": list(VARIANTS), "jobs": JOBS, "size": OBJECT_BYTES}
    for statement in FILL:
        conn.execute(statement.encode(), given)
    user = personal.find_subject(conn, "u0@example.com")
    root = Path(store.bucket.removeprefix("file://"))
    for (key,) in conn.execute("select key from ops.export_objects(%s)", [user]).fetchall():
        path = root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes(OBJECT_BYTES))
    begin = time.monotonic()
    for _ in export(conn, ours, user, None):
        pass
    exported_s, begin = time.monotonic() - begin, time.monotonic()
    erase(conn, ours, personal.begin_erasure(conn, user), 0)
    took_s = time.monotonic() - begin
    (done,) = personal.list_erasures(conn)
    return done.counts, took_s, exported_s


if __name__ == "__main__":
    main()
