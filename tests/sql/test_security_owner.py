"""Who owns the schema: a change of owner is told and mended, a dump is whole, and nothing is taken for gone that is only not seen."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from demo import postgres
from reelq.worker.db import schema
from tests.sql.mediakit import Conn, refused
from tests.sql.queuekit import Queue

TABLES = ["processing_jobs", "ready", "scheduled", "blocked", "parked", "leases", "dead_letters", "job_attempts", "job_history"]


@dataclass
class House:
    """A database whose owner is no superuser, and another such role."""

    url: str
    admin: Conn
    old: str
    new: str

    def as_role(self, name: str) -> Conn:
        """A connection that logs in as the role."""
        return psycopg.connect(self.url, user=name, autocommit=True)

    def counts(self) -> dict[str, int]:
        """Rows of the queue's tables, as a superuser counts them."""
        return {name: Queue(self.admin).value(f"select count(*) from queue.{name}") for name in TABLES}


@pytest.fixture
def house(pg_server: postgres.Server, empty_dsn: str, request: pytest.FixtureRequest) -> Iterator[House]:
    """Installed by `old`, with a job in each place and one in the history."""
    old, new = f"old_{uuid4().hex[:8]}", f"new_{uuid4().hex[:8]}"
    with psycopg.connect(empty_dsn, autocommit=True) as admin:
        database = sql.Identifier(admin.info.dbname)
        for name in (old, new):
            admin.execute(sql.SQL("create role {} login createrole").format(sql.Identifier(name)))
        admin.execute(sql.SQL("alter database {} owner to {}").format(database, sql.Identifier(old)))
        made = House(empty_dsn, admin, old, new)
        try:
            with made.as_role(old) as conn:
                schema.install(conn, request.config.getoption("--sql-root"))
                fill(Queue(conn))
            yield made
        finally:
            for name in (old, new):
                admin.execute(sql.SQL("drop owned by {} cascade").format(sql.Identifier(name)))
            admin.execute(sql.SQL("alter database {} owner to current_user").format(database))
            for name in (old, new):
                admin.execute(sql.SQL("drop role {}").format(sql.Identifier(name)))


def fill(queue: Queue) -> None:
    """A job in each place, one of which is due, and one in the history."""
    queue.complete(queue.take()) if queue.add() else None
    queue.conn.execute("update queue.settings set value = '1 microsecond' where name = 'archive_after'")
    assert queue.value("select queue.archive_jobs()") == 1
    queue.add(max_attempts=1)
    queue.fail(queue.take(), "permanent")
    running = queue.add()
    queue.take()
    queue.add(depends_on=[running])
    queue.add()
    queue.conn.execute("insert into queue.processing_jobs (job_type, scheduled_for) values ('no_op', clock_timestamp() + interval '50 milliseconds')")
    queue.value("select queue.pause('channel', %s::text, 'x')", channel := uuid4())
    queue.add(channel_id=channel)
    queue.value("select pg_sleep_until(clock_timestamp() + interval '60 milliseconds')")  # a due job, which nobody has made ready


def reassign(house: House) -> None:
    """As an operator does who gives a database to another role."""
    house.admin.execute(sql.SQL("reassign owned by {} to {}").format(sql.Identifier(house.old), sql.Identifier(house.new)))


def test_a_database_that_is_as_it_was_installed_has_no_fault(house: House) -> None:
    with house.as_role(house.old) as conn:
        assert [row for row in schema.status(conn) if row["state"] != "applied"] == []
        assert conn.execute("select level from ops.health() where finding = 'ownership'").fetchall() == [("ok",)]
        assert Queue(conn).violations() == []


def test_after_reassign_owned_nothing_is_taken_for_gone(house: House) -> None:
    """Row security is forced, and the policy is still the old owner's: every call says so, and no place is lost."""
    before = house.counts()
    reassign(house)
    with house.as_role(house.new) as conn:
        assert Queue(conn).value("select count(*) from queue.processing_jobs") == 0, "the new owner sees nothing, that is the trap"
        for call in ("select * from queue.repair()", "select * from queue.claim_jobs('w1', 10)", "select queue.promote_due()",
                     "select queue.rescue_expired()", "select queue.archive_jobs()", "select * from queue.settle_jobs('w1', '[]')",
                     "select queue.complete_job(base.uuid_v7(), 1)", "select queue.retry_job(base.uuid_v7())",
                     "select queue.cancel_job(base.uuid_v7())", "select queue.reprioritise_job(base.uuid_v7(), 1)",
                     "select queue.run_job_now(base.uuid_v7())", "select queue.reschedule_job(base.uuid_v7(), now())",
                     "select * from queue.cancel_jobs(p_status => 'queued')", "select queue.delete_all_jobs()",
                     "select queue.register_worker('w2', 'h', 1, '0', 'p', 1)"):  # fmt: skip
            assert refused(conn, call) == "RQ011", call
        assert {row.invariant for row in Queue(conn).violations()} >= {"the owner sees every row"}
        assert ("ownership", "bad") in conn.execute("select finding, level from ops.health()").fetchall()
    assert house.counts() == before


def test_schema_status_says_what_is_wrong_and_upgrade_mends_it(house: House) -> None:
    before = house.counts()
    reassign(house)
    with house.as_role(house.new) as conn:
        told = {row["path"]: row["state"] for row in schema.status(conn) if row["kind"] == "owner"}
        assert told["queue.processing_jobs"] == f"its owner {house.new} may not see its rows"
        assert {"media.videos", "identity.tenants", "queue.job_history"} <= told.keys()
        warnings: list[str] = []
        schema.upgrade(conn, warn=warnings.append)
        assert [row for row in schema.status(conn) if row["kind"] == "owner"] == []
        queue = Queue(conn)
        assert queue.rows("select * from queue.repair()") == []
        assert queue.violations() == []
        assert house.counts() == before
        assert len(queue.claim(limit=10)) == 2, "the ready one and the due one"


def test_an_owner_that_is_an_application_too_is_told_and_works_on_when_mended(house: House) -> None:
    """The policies for applications would bind it: no job could be updated, and no user found."""
    before = house.counts()
    for role in ("reelq_app", "reelq_readonly"):
        house.admin.execute(sql.SQL("grant {} to {}").format(sql.Identifier(role), sql.Identifier(house.old)))
    with house.as_role(house.old) as conn:
        assert refused(conn, "select * from queue.claim_jobs('w1', 10)") == refused(conn, "select * from queue.repair()") == "RQ011"
        told = {row["state"] for row in schema.status(conn) if row["kind"] == "owner"}
        assert told == {f"is a member of {role}, whose row security would bind it" for role in ("reelq_app", "reelq_readonly")}
        assert ("ownership", "bad") in conn.execute("select finding, level from ops.health()").fetchall()
        warnings: list[str] = []
        schema.upgrade(conn, warn=warnings.append)
        if warnings:  # from 16 on only who has given a membership takes it away
            assert f"revoke reelq_app from {house.old}" in "\n".join(warnings)
            for role in ("reelq_app", "reelq_readonly"):
                house.admin.execute(sql.SQL("revoke {} from {}").format(sql.Identifier(role), sql.Identifier(house.old)))
        assert [row for row in schema.status(conn) if row["kind"] == "owner"] == []
        assert Queue(conn).violations() == []
        assert len(Queue(conn).claim(limit=10)) == 2
    assert house.counts()["processing_jobs"] == before["processing_jobs"]


def test_an_object_of_another_role_is_told(house: House) -> None:
    house.admin.execute("alter function queue.claim_jobs(text, integer, integer[], double precision[], bigint[]) owner to current_user")
    with house.as_role(house.old) as conn:
        ((path, state),) = [(row["path"], row["state"]) for row in schema.status(conn) if row["kind"] == "owner"]
        assert path.startswith("queue.claim_jobs(") and state == f"belongs to postgres, and base to {house.old}"
        with pytest.raises(schema.SchemaError, match="must be owner of function claim_jobs"):
            schema.upgrade(conn)


def test_what_only_a_superuser_can_give_away_is_told(house: House) -> None:
    house.admin.execute("alter sequence queue.notice_0 owner to current_user")
    with house.as_role(house.old) as conn:
        warnings: list[str] = []
        schema.upgrade(conn, warn=warnings.append)
        assert f"as a superuser: alter sequence queue.notice_0 owner to {house.old}" in "\n".join(warnings)


@pytest.mark.parametrize("who", ["old", "new"])
def test_a_dump_by_an_owner_that_is_no_superuser_is_whole(pg_server: postgres.Server, house: House, tmp_path: Path, who: str) -> None:
    """docs/operate.md's command; restored into an empty database by the same role, or without owners by another."""
    programs, file = pg_server.binaries.folder, tmp_path / "queue.dump"
    url = house.url.replace("postgres@", f"{house.old}@") if "postgres@" in house.url else f"{house.url}?user={house.old}"
    plain = subprocess.run([str(programs / "pg_dump"), "-Fc", "-f", str(file), url], capture_output=True, text=True, check=False)
    assert "row-level security" in plain.stderr, "Postgres refuses rather than to leave something out"
    subprocess.run([str(programs / "pg_dump"), "--enable-row-security", "-Fc", "-f", str(file), url], check=True)
    before = house.counts()
    name = f"restored_{uuid4().hex[:8]}"
    owner = getattr(house, who)
    house.admin.execute(sql.SQL("create database {} owner {}").format(sql.Identifier(name), sql.Identifier(owner)))
    try:
        target = pg_server.url(name)
        mine = target.replace("postgres@", f"{owner}@") if "postgres@" in target else f"{target}?user={owner}"
        options = ["--no-owner", "--enable-row-security"]
        told = subprocess.run([str(programs / "pg_restore"), *options, "-d", mine, str(file)], capture_output=True, text=True, check=False)
        with psycopg.connect(target, user=owner, autocommit=True) as conn:
            faults = [row for row in schema.status(conn) if row["kind"] == "owner"]
            assert bool(faults) == (who == "new"), told.stderr
            if faults:
                assert refused(conn, "select * from queue.repair()") == "RQ011"
                schema.upgrade(conn)
            queue = Queue(conn)
            assert {table: queue.value(f"select count(*) from queue.{table}") for table in TABLES} == before, told.stderr
            assert queue.violations() == []
    finally:
        house.admin.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


@pytest.mark.parametrize("table", ["queue.processing_jobs", "queue.ready", "queue.leases", "queue.job_attempts", "queue.limits",
                                   "media.videos", "media.assets", "identity.tenants"])  # fmt: skip
def test_truncate_is_refused(house: House, table: str) -> None:
    before = house.counts()
    with house.as_role(house.old) as conn:
        assert refused(conn, f"truncate {table} cascade") == "RQ007"
    assert house.counts() == before


def test_the_documented_way_empties_the_queue(house: House) -> None:
    with house.as_role(house.old) as conn:
        queue = Queue(conn)
        assert queue.value("select queue.delete_all_jobs()") == 7
        assert set(house.counts().values()) == {0}
        assert queue.violations() == []
        queue.add()
        assert len(queue.claim()) == 1
