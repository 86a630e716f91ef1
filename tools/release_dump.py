"""What a release leaves to the tests of the next ones: a database of it with work in every state, and the list of its frozen files.

    python -m tools.release_dump 0.1.0     # again as often as you like until it is released, never after

It starts a private Postgres of the oldest supported major, installs this checkout's schema, lives through four days in it, and writes

    tests/sql/releases/<version>.<n>.sql.bz2   pg_dump's text in parts, each below 100 kB
    tests/sql/releases/<version>.<n>.program   its worker and command line, a tar.xz in parts that are put together
    sql/releases/<version>.sha256              the texts of its table files and migrations

    bzcat tests/sql/releases/0.1.0.*.sql.bz2 | psql -X -v ON_ERROR_STOP=1 EMPTY_DATABASE

Left out are the comments of functions, which are no data. Times are those of a clock that stands still; ids are as they come.
"""

from __future__ import annotations

import bz2
import io
import re
import subprocess
import sys
import tarfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import namedtuple_row
from psycopg.types.json import Jsonb

from demo import postgres
from reelq.worker import __version__
from reelq.worker.db import schema
from reelq.worker.db.schema import releases

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "tests" / "sql" / "releases"
OLDEST = "15"
MOST_BYTES = 100_000  # of a file that is no text
COMMENT = re.compile(r"^COMMENT ON FUNCTION [^']* IS '(?:[^']|'')*';\n+", re.MULTILINE)
START = datetime.fromisoformat("2026-11-20T12:00:00+00:00")
SHA = "ab" * 32
ROLES = """do $$
declare
    v_role text;
begin
    foreach v_role in array array['reelq_worker', 'reelq_app', 'reelq_readonly'] loop
        if to_regrole(v_role) is null then
            execute format('create role %I nologin', v_role);
        end if;
    end loop;
end;
$$;

"""
# The clock and the ids follow START, and a cascade of a few jobs needs several steps. `schema upgrade` puts all of it back.
MOVED = """
create table public.release_clock (at timestamptz);
insert into public.release_clock values (null);
create or replace function base.clock() returns timestamptz language sql volatile security definer set search_path = pg_catalog, pg_temp
as $$ select c.at from public.release_clock as c $$;
do $$
begin
    execute replace(pg_get_functiondef('base.uuid_v7()'::regprocedure), 'pg_catalog.clock_timestamp()', 'base.clock()');
    execute replace(pg_get_functiondef('base.uuids_v7(integer)'::regprocedure), 'pg_catalog.clock_timestamp()', 'base.clock()');
    execute replace(pg_get_functiondef('queue.settle_children_of_failed'::regproc), 'integer := 2000', 'integer := 3');
end;
$$;
"""


class Life:
    """A database of the release, and short words for what is done in it."""

    def __init__(self, conn: psycopg.Connection[Any]) -> None:
        self.conn = conn
        self.now = START

    def rows(self, query: str, *args: Any) -> list[Any]:
        """Rows with named columns."""
        return self.conn.cursor(row_factory=namedtuple_row).execute(query.encode(), args).fetchall()

    def value(self, query: str, *args: Any) -> Any:
        """The first column of the one row."""
        ((found, *_),) = self.rows(query, *args)
        return found

    def forward(self, **by: float) -> None:
        """Move the clock."""
        self.now += timedelta(**by)
        self.conn.execute("update public.release_clock set at = %s", [self.now])

    def add(self, job_type: str = "no_op", **named: Any) -> Any:
        """Enqueue a job."""
        names = "".join(f", {name} => %s" for name in named)
        return self.value(f"select queue.enqueue_job(%s{names})", job_type, *named.values())

    def take(self, job_id: Any, worker: str) -> Any:
        """Have the worker claim this job, whatever else is ready: that is put back."""
        for job in self.rows("select * from queue.claim_jobs(%s, 100)", worker):
            if job.job_id == job_id:
                found = job
            else:
                self.conn.execute("select queue.release_job(%s, %s, 'for another')", [job.job_id, job.token])
        self.forward(seconds=3)
        return found

    def complete(self, job: Any, result: dict[str, Any], **facts: Any) -> None:
        """It is done."""
        self.conn.execute("select queue.complete_job(%s, %s, %s, %s)", [job.job_id, job.token, Jsonb(result), Jsonb(facts)])

    def fail(self, job: Any, error_class: str, code: str, **facts: Any) -> None:
        """It is not."""
        self.conn.execute("select queue.fail_job(%s, %s, %s, %s, 'It broke.', %s)", [job.job_id, job.token, error_class, code, Jsonb(facts)])


def live(life: Life) -> None:
    """Four days: two tenants, a package with a job type of its own, operators."""
    life.forward()
    life.conn.execute("select queue.register_worker('host:main:1:aaaa', 'host', 1, '0.1.0', 'main', 50, null, '{gpu}')")
    tenants = {slug: life.value("select identity.create_tenant(%s)", slug) for slug in ("acme", "globex")}
    users = {
        slug: life.value(
            "insert into identity.users (tenant_id, email, username, role) values (%s, %s, %s, 'admin') returning id",
            tenant, f"ann@{slug}.example", f"ann-{slug}",
        )
        for slug, tenant in tenants.items()
    }
    declare(life)
    videos = [over_and_archived(life, slug, users[slug]) for slug in tenants]
    life.forward(days=3)
    while life.value("select queue.archive_jobs()"):
        pass
    life.conn.execute("select queue.roll_up_stats()")
    life.conn.execute("select queue.register_worker('host:main:2:bbbb', 'host', 2, '0.1.0', 'main', 50, null, '{gpu}')")
    settled(life, tenants, users, videos)
    waiting(life, tenants, users, videos)


def declare(life: Life) -> None:
    """What operators and a package have set."""
    options = {"type": "object", "properties": {"month": {"type": "string"}}, "required": [], "additionalProperties": False}
    life.rows("select * from queue.sync_job_type('shop_report', %s, %s, %s)", Jsonb({"description": "A report of the shop.", "priority": 6}), Jsonb([
        {"error_class": "transient", "code": "shop_away", "base": "1 minute"},
    ]), Jsonb(options))  # fmt: skip
    steps = [
        {"step": "first", "job_type": "no_op", "job_data": {"sleep_s": 0.01}},
        {"step": "second", "job_type": "no_op", "after": ["first"]},
        {"step": "third", "job_type": "no_op", "after": ["first", "second"]},
    ]
    life.conn.execute("select queue.set_pipeline('checks', %s, 'Three checks.')", [Jsonb(steps)])
    life.conn.execute("select queue.set_schedule('nightly', '0 3 * * *', 'no_op', p_time_zone => 'Europe/Berlin')")
    life.conn.execute("select queue.set_schedule('weekly', '0 4 * * 1', 'shop_report', p_job_data => '{\"month\": \"2026-11\"}')")
    life.conn.execute("select queue.pause_schedule('weekly')")
    life.conn.execute("select queue.set_limit('type:shop_report', 4), queue.set_limit('name:uploads', 1)")
    life.conn.execute("select queue.set_setting('archive_after', '36 hours')")
    life.conn.execute("insert into media.stores (bucket, mark) values ('file:///srv/objects', 'mark-of-the-store')")


def over_and_archived(life: Life, slug: str, user: Any) -> Any:
    """A video whose standard run is done; its jobs go to the history."""
    video = life.value("select queue.ingest_video(%s, %s, %s, title => 'A holiday')", f"https://{slug}.example/holiday.mp4", slug, user)
    asset = life.value("select asset_id from media.videos where id = %s", video)
    life.conn.execute("select media.record_original(%s, 'file:///srv/objects', %s, 1234, %s, 'video/mp4')", [asset, f"{slug}/original", SHA])
    measured = {"kind": "video", "mime": "video/mp4", "container": "mov", "essence_sha256": SHA, "duration_seconds": 30.03, "width": 1920}
    measured |= {"height": 1080, "frame_rate_num": 30000, "frame_rate_den": 1001}
    life.conn.execute("select media.record_probe(%s, %s, '{}')", [asset, Jsonb(measured)])
    variant = {"profile": "h264-720p", "bucket": "file:///srv/objects", "key": f"{slug}/720p"}
    life.conn.execute("select media.put_variant(%s, %s)", [asset, Jsonb(variant)])
    while life.value("select count(*) from queue.processing_jobs where video_id = %s and status = 'queued'", video):
        for job in life.rows("select * from queue.claim_jobs('host:main:1:aaaa', 10)"):
            life.forward(seconds=20)
            printed = f"$ ffmpeg of {job.job_type}\nframe= 900\n"
            life.complete(job, {"done": job.job_type}, cpu_seconds=1.5, peak_memory_bytes=10_000_000, log=printed)
    life.conn.execute("select media.finish_video(%s)", [video])
    return video


def settled(life: Life, tenants: dict[str, Any], users: dict[str, Any], videos: list[Any]) -> None:
    """Jobs that are over and not archived yet."""
    worker, acme = "host:main:2:bbbb", tenants["acme"]
    life.complete(life.take(life.add(tenant_id=acme, user_id=users["acme"], video_id=videos[0]), worker), {"ok": True})
    life.complete(life.take(life.add("shop_report", job_data=Jsonb({"month": "2026-10"}), tenant_id=acme), worker), {"pages": 3})
    facts = {"stack": "Traceback of bad_input", "log": "$ ffmpeg -i in\nInvalid data\n"}
    life.fail(life.take(life.add(tenant_id=acme), worker), "permanent", "bad_input", **facts)
    life.fail(life.take(life.add("shop_report", tenant_id=tenants["globex"]), worker), "permanent", "no_shop")
    life.fail(life.take(life.add(tenant_id=acme), worker), "transient", "store_away")  # and backs off
    life.conn.execute("select queue.cancel_job(%s, 'enqueued twice')", [life.add(tenant_id=acme)])
    fanned = life.take(life.add(idempotency_key="fan-out"), worker)
    parts = [{"job_type": "no_op", "idempotency_key": f"part-{n}"} for n in range(3)]
    life.rows("select * from queue.spawn_jobs(%s, %s, %s)", fanned.job_id, fanned.token, Jsonb(parts))
    life.add(depends_on=[fanned.job_id])
    life.complete(fanned, {"parts": 3})


def waiting(life: Life, tenants: dict[str, Any], users: dict[str, Any], videos: list[Any]) -> None:
    """Jobs that wait, in every place, and one that a worker took with it when it was killed."""
    worker, acme, globex = "host:main:2:bbbb", tenants["acme"], tenants["globex"]
    life.conn.execute("select queue.register_worker('lost:main:3:cccc', 'lost', 3, '0.1.0', 'main', 50)")
    held = life.add(tenant_id=globex, video_id=videos[1], idempotency_key="held by a killed worker", priority=1)
    life.add(tenant_id=globex, depends_on=[held], idempotency_key="waits for it")
    life.conn.execute(
        "insert into queue.processing_jobs (job_type, tenant_id, priority) select 'no_op', %s, n from generate_series(2, 4) as n", [acme]
    )
    (job,) = life.rows("select * from queue.claim_jobs('lost:main:3:cccc', 1)")
    if job.job_id != held:
        raise RuntimeError("the killed worker took another job")
    life.conn.execute(
        "select * from queue.heartbeat('lost:main:3:cccc', %s)", [Jsonb([{"job_id": str(held), "token": job.token, "progress": 0.4}])]
    )
    life.add(tenant_id=globex, scheduled_for=life.now + timedelta(days=1))
    life.conn.execute("select queue.enqueue_pipeline('checks', %s, '{\"second\": {\"sleep_s\": 0.02}}')", [videos[0]])
    first = life.add(tenant_id=acme, idempotency_key="first of a cascade")
    for _ in range(8):
        life.add(tenant_id=acme, depends_on=[first])
    life.fail(life.take(first, worker), "permanent", "bad_input")  # some have fallen, claims do the rest
    for _ in range(2):
        life.add(tenant_id=acme, limits=["name:uploads"])
    life.conn.execute("select queue.pause('tenant', %s, 'The bill is open.')", [str(globex)])
    life.add(tenant_id=globex, user_id=users["globex"], job_data=Jsonb({"sleep_s": 0.01}))


def text_of(server: postgres.Server, dbname: str) -> str:
    """The dump, without comments of functions and what differs from run to run."""
    command = [str(server.binaries.folder / "pg_dump"), "--no-owner", "-d", server.url(dbname)]
    told = subprocess.run(command, capture_output=True, text=True, check=True, env={"LC_ALL": "C"}).stdout
    told = re.sub(r"(?m)^\\(un)?restrict .*\n", "", told)
    told = re.sub(r"(?m)^--\n-- (Name|Data for Name):[^\n]*\n--\n\n", "", told)
    told = COMMENT.sub("", told)
    return ROLES + re.sub(r"\n{3,}", "\n\n", told)


def write(version: str, text: str) -> list[Path]:
    """The dump in as few parts as fit; their files."""
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.glob(f"{version}.*"):
        old.unlink()
    lines = text.splitlines(keepends=True)
    for count in range(1, 10):
        size = len(text) / count
        parts, filled = [""] * count, 0
        for line in lines:
            parts[min(int(filled / size), count - 1)] += line
            filled += len(line)
        packed = [bz2.compress(part.encode()) for part in parts]
        if max(len(part) for part in packed) < MOST_BYTES:
            break
    paths = [FOLDER / f"{version}.{number}.sql.bz2" for number in range(1, len(packed) + 1)]
    for path, part in zip(paths, packed, strict=True):
        path.write_bytes(part)
    return paths


def program(version: str, root: Path = ROOT) -> list[Path]:
    """What a worker of this checkout is made of, as a tar.xz in parts; their files. Functions of SQL are the database's and left out."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:xz", preset=9, format=tarfile.PAX_FORMAT) as tar:
        for folder in ("reelq", "worker", "cli", "sql/schema", "sql/migrations"):
            for path in sorted((root / folder).rglob("*.*")):
                if path.suffix in (".py", ".sql", ".json", ".typed") and not any(part.is_symlink() for part in path.parents):
                    member = tar.gettarinfo(path, path.relative_to(root).as_posix())
                    member.uid = member.gid = member.mtime = 0
                    member.uname = member.gname = ""
                    tar.addfile(member, io.BytesIO(path.read_bytes()))
        for name in ("worker", "cli", "sql"):
            link = tarfile.TarInfo(f"reelq/{name}")
            link.type, link.linkname = tarfile.SYMTYPE, f"../{name}"
            tar.addfile(link)
    whole = packed.getvalue()
    paths = []
    for number, at in enumerate(range(0, len(whole), MOST_BYTES), 1):
        paths.append(FOLDER / f"{version}.{number}.program")
        paths[-1].write_bytes(whole[at : at + MOST_BYTES])
    return paths


def make(version: str) -> list[Path]:
    """A database of this checkout, as a dump."""
    with postgres.throwaway(postgres.choose(OLDEST)) as server:
        with psycopg.connect(server.url(), autocommit=True) as admin:
            admin.execute("create database release")
        with psycopg.connect(server.url("release"), autocommit=True) as conn:
            schema.install(conn)
            conn.execute(MOVED.encode())
            live(Life(conn))
            schema.upgrade(conn)
            conn.execute("drop table public.release_clock")
            if broken := conn.execute("select * from queue.verify()").fetchall() + schema.diff(conn):
                raise RuntimeError(f"not whole: {broken}")
        return [*write(version, text_of(server, "release")), *program(version), releases.write(version)]


if __name__ == "__main__":
    if sys.argv[1:] != [__version__]:
        sys.exit(f"release_dump takes the version of this checkout, {__version__}: what was released stays as it is")
    for path in make(__version__):
        sys.stdout.write(f"{path.relative_to(ROOT)} {path.stat().st_size}\n")
