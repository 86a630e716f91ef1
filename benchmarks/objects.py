"""./run bench objects: a sweep and a check of millions of objects, and how much memory they take."""

from __future__ import annotations

import gc
import resource
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import psycopg

from benchmarks import machine, server
from benchmarks.document import write_section
from benchmarks.place import cache
from benchmarks.tables import table
from reelq.worker.db import schema
from reelq.worker.objects import check, sweep
from reelq.worker.rooms import media
from reelq.worker.stores.base import Listed, ObjectInfo

BUCKET = "s3://bench"
MARK = "bench"
PART = 500_000  # rows of one insert
UNUSED = 100  # one object in so many is referred to by nothing
SIZE = 1_000
OLD = datetime(2020, 1, 1, tzinfo=UTC)
KEY = "tenants/00000000-0000-0000-0000-000000000000/media/%012d/original"
FILL = (
    """
    insert into media.objects (id, tenant_id, bucket, key, state, stored_at, size_bytes, sha256)
    select
        lpad(to_hex(n), 32, '0')::uuid, t.id, %(bucket)s,
        format('tenants/00000000-0000-0000-0000-000000000000/media/%%s/original', lpad(n::text, 12, '0')),
        'stored', now(), %(size)s, lpad(to_hex(n), 64, '0')
    from generate_series(%(first)s::bigint, %(last)s) as n cross join identity.tenants as t where t.slug = 'default'
    """,
    """
    insert into media.job_files (id, tenant_id, object_id, job_id, name)
    select i.id, t.id, i.id, i.id, 'f'
    from generate_series(%(first)s::bigint, %(last)s) as n
    cross join lateral (select lpad(to_hex(n), 32, '0')::uuid as id) as i
    cross join identity.tenants as t where t.slug = 'default' and n %% %(unused)s <> 0
    """,
)


@dataclass
class MadeUp:
    """A store that makes its listing up: what rows name, but for some that are gone, cut, or named by no row. It holds nothing."""

    count: int
    wrong: int = 3  # of each kind
    bucket: str = BUCKET
    expected: str | None = MARK
    may_adopt: bool = False
    deleted: int = 0

    def read_mark(self) -> str:
        """The mark that the database knows."""
        return MARK

    def scan(self, after: str = "") -> Iterator[Listed]:
        """As S3 lists, a key at a time."""
        step = self.count // (self.wrong + 1)
        lost = {step * n for n in range(1, self.wrong + 1)}
        cut = {step * n + 1 for n in range(1, self.wrong + 1)}
        stray = {step * n + 2 for n in range(1, self.wrong + 1)}
        for n in range(int(after.split("/")[3]) + 1 if after else 1, self.count + 1):
            if n not in lost:
                yield Listed(KEY % n, SIZE - (n in cut), OLD)
            if n in stray:
                yield Listed(KEY % n + "/stray", SIZE, OLD)

    def stat(self, key: str) -> ObjectInfo | None:
        """The same of one key."""
        number = int(key.split("/")[3])
        step = self.count // (self.wrong + 1)
        if number % step == 0 and not key.endswith("stray"):
            return None
        return ObjectInfo(key, SIZE - (number % step == 1), None)

    def delete(self, _key: str) -> None:
        """Count it."""
        self.deleted += 1

    def sweep(self, _older_than_s: float = 0) -> int:
        """It has no broken uploads."""
        return 0


class OneStore:
    """Of ProvedStores what a sweep needs."""

    def __init__(self, store: MadeUp) -> None:
        self._store = store

    def known(self) -> list[str]:
        """Its bucket."""
        return [BUCKET]

    def find(self, _bucket: str, _skipped: dict[str, str]) -> Any:
        """The store."""
        return self._store


def peak_mb() -> float:
    """The largest size that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@click.command()
@click.option("--objects", "count", default=10_000_000, show_default=True, help="Rows, and keys of the listing.")
@click.option("--write", "page", type=click.Path(path_type=Path), help="Put the result into its section of this page.")
def main(count: int, page: Path | None) -> None:
    """Sweep a register of many objects of which one in a hundred is unused, then compare it with a listing that has nine faults."""
    begun = datetime.now(UTC)
    with server.running(cache()) as bench:
        bench.fresh()
        with psycopg.connect(bench.dsn, autocommit=True) as conn:
            lines = measure(conn, count)
            size = conn.execute("select pg_size_pretty(pg_total_relation_size('media.objects'))").fetchone()
        version = bench.version
    host = ", ".join(f"{name} {value}" for name, value in machine.describe().items())
    facts = "\n".join(
        (
            f"- **command**: ./run bench objects --objects {count}",
            f"- **date**: {begun:%Y-%m-%d %H:%M} UTC",
            f"- **machine**: {host}; it had other work beside this",
            f"- **Postgres**: {version}, durable; media.objects with its indexes has {size[0] if size else '?'} at the end",
            "- **store**: makes its listing up, key by key; peak is the largest size that the process has had, and it had made 100,000 keys before",
        )
    )
    told = table(["", "objects", "seconds", "objects/s", "peak before, MB", "peak after, MB", "found"], lines)
    click.echo(told)
    if page is not None:
        write_section(page, "objects", "Sweep and check of the register", facts, told)


def measure(conn: psycopg.Connection[Any], count: int) -> list[list[str]]:
    """A line for each thing that is done."""
    schema.install(conn)
    media.register_store(conn, BUCKET, MARK)
    # Foreign keys are right by construction; checking ten million takes as long as all else.
    conn.execute("set session_replication_role = replica")
    for first in range(1, count + 1, PART):
        for statement in FILL:
            conn.execute(statement.encode(), {"bucket": BUCKET, "size": SIZE, "first": first, "last": min(first + PART - 1, count), "unused": UNUSED})
        click.echo(f"{min(first + PART - 1, count):,} rows made", err=True)
    conn.execute("set session_replication_role = origin")
    conn.execute("vacuum analyze media.objects")
    conn.execute("vacuum analyze media.job_files")
    store = MadeUp(count)
    # The first keys make the process as large as it gets, if memory is bounded.
    warm = check.Ahead(store.scan())
    for _ in warm.up_to(None, 100_000):
        pass
    lines = []

    def timed(name: str, act: Any) -> None:
        gc.collect()
        before, began = peak_mb(), time.monotonic()
        found = act()
        took = time.monotonic() - began
        lines.append([name, f"{count:,}", f"{took:.0f}", f"{count / took:,.0f}", f"{before:.0f}", f"{peak_mb():.0f}", found])
        click.echo(lines[-1], err=True)

    def checked() -> str:
        done = check.run(conn, store)  # type: ignore[arg-type]
        return f"{done.strays} stray, {done.missing} missing, {done.altered} altered"

    def swept() -> str:
        done = sweep.run(conn, OneStore(store))  # type: ignore[arg-type]
        return f"{done.unreferenced:,} unreferenced, {done.deleted:,} deleted"

    timed("check", checked)
    timed("sweep that marks", swept)
    conn.execute("select queue.set_setting('sweep_grace', '1 second')")
    conn.execute("select pg_sleep(2)")
    timed("sweep that deletes", swept)
    return lines


if __name__ == "__main__":
    main()
