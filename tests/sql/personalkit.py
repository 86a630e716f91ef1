"""Somebody with all kinds of rows, and what the tests of personal data ask of the database."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from tests.sql.mediakit import Conn, scalar
from tests.sql.queuekit import Queue
from tests.sql.rolekit import Tenant


class Person:
    """Bob of a tenant: two videos, a variant, jobs in each state, an archived one, a schedule. Ann's things of the Tenant beside them."""

    def __init__(self, conn: Conn, tenant: Tenant, clock: Any) -> None:
        self.conn, self.tenant, self.queue = conn, tenant, Queue(conn)
        self.id: UUID = scalar(
            conn, "insert into identity.users (tenant_id, email, full_name) values (%s, 'bob@private.example', 'Bob Unusual') returning id", tenant.id
        )
        self.videos = [self.add_video(), self.add_video()]
        self.assets: list[UUID] = [scalar(conn, "select asset_id from media.videos where id = %s", one) for one in self.videos]
        self.queue.worker()
        self.archived = self.queue.add(video_id=self.videos[0], job_data={"note": "call +43 660 1234567"})
        self.queue.complete(self.queue.take())
        clock.forward(3 * 86400)
        assert self.queue.value("select queue.archive_jobs()") == 1
        self.queue.worker()
        self.failed = self.queue.add(video_id=self.videos[0])
        job = self.queue.take()
        conn.execute("select queue.fail_job(%s, %s, 'permanent', 'oops', 'no mail to bob@private.example')", [job.job_id, job.token])
        self.queued = self.queue.add(video_id=self.videos[1])
        self.alone = self.queue.add(tenant_id=tenant.id, user_id=self.id)

    def add_video(self) -> UUID:
        video: UUID = scalar(self.conn, "select media.create_video('/home/bob/x.mp4', %s, %s, 'Of bob@private.example')", self.tenant.id, self.id)
        asset = scalar(self.conn, "select asset_id from media.videos where id = %s", video)
        facts = '{"profile": "poster", "bucket": "b", "key": "' + f"tenants/{self.tenant.id}/media/{asset}/variants/poster" + '"}'
        scalar(self.conn, "select media.put_variant(%s, %s)", asset, facts)
        return video


def exported(conn: Conn, user: UUID) -> dict[str, int]:
    """How many rows an export gives, by table; without those that are empty."""
    tables = [one for (one,) in conn.execute("select ops.export_tables()").fetchall()]
    counts = {one: scalar(conn, "select count(*) from ops.export_rows(%s, %s)", user, one) for one in tables}
    return {one: count for one, count in counts.items() if count}


def erase(conn: Conn, erasure: UUID, limit: int = 500) -> list[str]:
    """As the program does it, without bytes; the steps. Stops where jobs run."""
    steps = []
    while True:
        step, _, running = conn.execute("select * from ops.erase_rows(%s, %s)", [erasure, limit]).fetchone() or ("", 0, 0)
        steps.append(step)
        if step == "completed" or running:
            return steps
        if step == "objects":
            assets = [one for (one,) in conn.execute("select distinct asset_id from ops.objects_to_erase(%s, %s) where asset_id is not null", [erasure, limit]).fetchall()]
            conn.execute("select ops.erase_assets(%s, %s, 0, 0)", [erasure, assets])


def found_pii(conn: Conn) -> set[tuple[str, str, str]]:
    """Table, kind and sample of everything in the database that looks personal."""
    parts = conn.execute("select part, blocks from ops.pii_tables()").fetchall()
    return {
        (relation, kind, sample)
        for part, blocks in parts
        if blocks
        for relation, kind, sample in conn.execute("select relation, kind, sample from ops.find_pii(%s, 0, 1000)", [part]).fetchall()
    }


def where_said(conn: Conn, *words: str) -> set[str]:
    """The tables in which one of the words stands, in whatever column."""
    tables = conn.execute(
        "select c.relnamespace::regnamespace || '.' || c.relname from pg_class as c where c.relkind in ('r', 'p') and not c.relispartition "
        "and c.relnamespace::regnamespace::text in ('base', 'identity', 'media', 'queue', 'ops')"
    ).fetchall()
    return {
        table
        for (table,) in tables
        if scalar(conn, f"select exists (select from {table} as t where t::text ~* %s)", "|".join(words))
    }
