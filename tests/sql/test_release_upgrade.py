"""What was released can be upgraded: its dump, with work in every state, becomes what a fresh install is, and loses nothing."""

from __future__ import annotations

import difflib
import itertools
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from demo import postgres
from reelq.worker.db import schema
from reelq.worker.db.schema import releases
from reelq.worker.errors import SchemaMismatch
from tests.sql import releasekit
from tests.sql.queuekit import Queue
from tools.release_dump import COMMENT, MOST_BYTES

VERSIONS = sorted(releases.lists())


@pytest.fixture(params=VERSIONS)
def released(request: pytest.FixtureRequest, pg_server: postgres.Server) -> Iterator[str]:
    """URL of a database of each release."""
    with releasekit.database(pg_server, request.param) as url:
        yield url


@pytest.fixture
def later(tmp_path: Path) -> Path:
    """A copy of this tree whose version has a changed table of jobs; its sql/."""
    return releasekit.later(tmp_path)


def dump(server: postgres.Server, url: str) -> str:
    """pg_dump of the schema, without the months' partitions and without comments of functions, which no dump of a release has."""
    command = [str(server.binaries.folder / "pg_dump"), "--schema-only", "-T", "queue.*_history_2*", "-d", url]
    told = subprocess.run(command, capture_output=True, text=True, check=True, env={"LC_ALL": "C"}).stdout
    # A column that had its NOT NULL before Postgres 18 gave those a name has another one than a copied column of a new table.
    lines = re.sub(r" CONSTRAINT \w+ NOT NULL", " NOT NULL", COMMENT.sub("", told)).splitlines()
    return "\n".join(line for line in lines if line and not line.startswith(("\\restrict", "\\unrestrict", "--")))


def fresh(server: postgres.Server, conn: psycopg.Connection[Any], root: Path = schema.ROOT) -> str:
    """The dump of a fresh install."""
    schema.install(conn, root)
    return dump(server, server.url(conn.info.dbname))


def differences(one: str, other: str) -> list[str]:
    """The lines in which two dumps differ: pytest would compare them for minutes."""
    lines = difflib.unified_diff(one.splitlines(), other.splitlines(), n=0, lineterm="") if one != other else iter(())
    return list(itertools.islice(lines, 20))


def lost(before: dict[str, list[str]], after: dict[str, list[str]]) -> dict[str, int]:
    """Rows that are not there any more as they were; of shipped ones, those that are none the less gone."""
    gone = {table: len(set(rows) - set(after[table])) for table, rows in before.items() if table not in releasekit.SHIPPED}
    fewer = {table: len(before[table]) - len(after[table]) for table in releasekit.SHIPPED & before.keys()}
    return {table: count for table, count in (gone | fewer).items() if count > 0}


def test_a_released_database_becomes_what_a_fresh_install_is(released: str, pg_server: postgres.Server, empty_conn: Any, tmp_path: Path) -> None:
    with psycopg.connect(released, autocommit=True) as conn:
        before, columns = releasekit.contents(conn)
        assert Queue(conn).violations() == []
        warnings: list[str] = []
        schema.upgrade(conn, warn=warnings.append)
        assert [told for told in warnings if "search_path" not in told] == []
        assert lost(before, releasekit.contents(conn, columns)[0]) == {}
        assert Queue(conn).violations() == []
        assert schema.diff(conn) == []
        assert {row["state"] for row in schema.status(conn)} == {"applied"}
        assert schema.upgrade(conn) == []
    told = releasekit.run(released, tmp_path, "schema", "status")
    assert (told.returncode, told.stdout) == (0, ""), told.stderr
    assert differences(dump(pg_server, released), fresh(pg_server, empty_conn)) == []


def test_all_that_a_release_left_is_worked_off(released: str, tmp_path: Path) -> None:
    """The job of a killed worker too; only what an operator holds waits, until it is let go."""
    with psycopg.connect(released, autocommit=True) as conn:
        schema.upgrade(conn)
        queue = Queue(conn)
        held = queue.value("select id from queue.processing_jobs where idempotency_key = 'held by a killed worker'")
        assert queue.status(held) == "running"
        conn.execute("update queue.upkeep set grace = '1000 years'")  # the time since the dump is no outage of the fleet
        conn.execute("select queue.resume('tenant', %s)", [str(queue.value("select id from identity.tenants where slug = 'globex'"))])
        done = releasekit.work(released, tmp_path)
        assert done.returncode == 0, done.stderr
        assert (queue.status(held), queue.outcomes(held)[0], queue.outcomes(held)[-1]) == ("completed", "lost", "completed")
        assert queue.rows("select job_type, status from queue.processing_jobs where status in ('queued', 'running')") == []
        cascade = queue.rows("select status, count(*) from queue.processing_jobs where error_code = 'parent_failed' group by 1")
        assert [(row.status, row.count) for row in cascade] == [("failed", 8)]
        assert queue.violations() == []


def test_the_worker_of_a_release_goes_on_in_a_database_of_this_version_and_this_one_refuses_the_old(released: str, request: Any, tmp_path: Path) -> None:
    version = request.node.callspec.params["released"]
    tree = releasekit.program(version, tmp_path / version)
    if schema.migrations():
        told = releasekit.work(released, tmp_path)
        assert told.returncode == 1
        assert "the database is older than this program: " in told.stderr and "Run `reelq schema upgrade`." in told.stderr
    with psycopg.connect(released, autocommit=True) as conn:
        queue = Queue(conn)
        conn.execute("update queue.upkeep set grace = '1000 years'")
        for upgraded in (False, True):  # where it comes from, and then where it is still at work
            if upgraded:
                schema.upgrade(conn)
            added = [queue.add(job_data={"sleep_s": 0.01}), queue.add(job_data={"sleep_s": 0.01})]
            done = releasekit.work(released, tmp_path, tree)
            assert done.returncode == 0, done.stderr
            assert [queue.status(job) for job in added] == ["completed"] * 2
        assert queue.value("select count(distinct version) from queue.workers where version = %s", version) == 1
        assert queue.violations() == []


def test_the_previous_worker_goes_on_in_an_upgraded_database_and_the_new_one_refuses_the_old(
    released: str, pg_server: postgres.Server, empty_conn: Any, later: Path, tmp_path: Path
) -> None:
    told = releasekit.work(released, tmp_path, later.parent)
    assert told.returncode == 1
    assert re.search(r"the database is older than this program: \S+ is not applied", told.stderr) and "Run `reelq schema upgrade`." in told.stderr
    with psycopg.connect(released, autocommit=True) as conn:
        queue = Queue(conn)
        before, columns = releasekit.contents(conn)
        schema.upgrade(conn, later)
        assert lost(before, releasekit.contents(conn, columns)[0]) == {}
        assert differences(dump(pg_server, released), fresh(pg_server, empty_conn, later)) == []
        conn.execute("update queue.upkeep set grace = '1000 years'")
        for tree in (releasekit.ROOT, later.parent):  # the one that was there before starts again, as after a reboot; then the new one
            added = queue.add(job_data={"sleep_s": 0.01})
            done = releasekit.work(released, tmp_path, tree)
            assert done.returncode == 0, done.stderr
            assert queue.status(added) == "completed"
        assert queue.violations() == []
        assert schema.status(conn, later) and schema.diff(conn, later) == []
    refused = releasekit.run(released, tmp_path, "schema", "upgrade")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith("reelq: the database is newer than this program")


def test_a_schema_that_has_left_a_program_behind_refuses_it(released: str, later: Path, tmp_path: Path) -> None:
    path = later / "functions" / "base" / "accepts_program.sql"
    path.write_text(path.read_text().replace("array[0, 1, 0]", "array[9, 9, 0]"))
    with psycopg.connect(released, autocommit=True) as conn:
        schema.upgrade(conn, later)
        with pytest.raises(SchemaMismatch, match="newer than this program"):
            schema.require(conn)
    told = releasekit.work(released, tmp_path)
    assert told.returncode == 1 and "hint: Install the version of reelq" in told.stderr


@pytest.mark.parametrize("version", ["", "1", "0.1", "0.0.9", "nonsense", "9999999.1.1"])
def test_what_is_no_version_or_too_old_is_not_accepted(conn: Any, version: str) -> None:
    assert conn.execute("select base.accepts_program(%s), base.accepts_program('0.1.0'), base.accepts_program('0.10.2.dev1')", [version]).fetchone() == (False, True, True)
    assert conn.execute("select base.accepts_program(null)").fetchone() == (False,)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_release_has_a_dump_of_its_own_and_in_small_parts(version: str) -> None:
    """The dump's ledger is the frozen list: neither was edited alone."""
    assert all(path.stat().st_size <= MOST_BYTES for path in releasekit.FOLDER.glob(f"{version}.*"))
    ledger = releasekit.text(version).split("COPY base.schema_ledger ", 1)[1].split(";\n", 1)[1].split("\n\\.\n", 1)[0]
    rows = [line.split("\t") for line in ledger.splitlines()]
    assert {path: sha for path, kind, sha, *_ in rows if kind in ("schema", "migration")} == releases.lists()[version]


def test_what_was_released_is_not_edited() -> None:
    """A migration of a release stays as it is; a table file that changed since the last release has a migration of a later number."""
    now = {file.path: file.sha256 for file in schema.frozen()}
    for version, listed in releases.lists().items():
        edited = [path for path, sha in listed.items() if path.startswith("migrations/") and now.get(path) != sha]
        assert edited == [], f"these stand in release {version}: put their text back, and write a new migration"
    last = releases.lists()[VERSIONS[-1]]
    changed = [path for path, sha in last.items() if path.startswith("schema/") and now.get(path) != sha]
    assert not changed or now.keys() - last.keys() & {path for path in now if path.startswith("migrations/")}, f"a migration has to change {changed}"


def test_the_program_has_the_version_that_was_released_last_or_a_later_one() -> None:
    from reelq import __version__

    assert [int(part) for part in __version__.split(".")] >= [int(part) for part in VERSIONS[-1].split(".")]
    assert f"## {VERSIONS[-1]}" in (releasekit.ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_a_database_of_an_unreleased_version_has_no_way_up_through_the_migrations_of_a_release(released: str, later: Path) -> None:
    with psycopg.connect(released, autocommit=True) as conn:
        conn.execute("update base.schema_ledger set sha256 = 'older text' where path = 'schema/30_queue/15_processing_jobs.sql'")
        with pytest.raises(schema.SchemaError, match="made by an unreleased version of reelq: it has another sql/schema/30_queue/15_processing_jobs.sql"):
            schema.upgrade(conn, later)
        assert "origin" not in releasekit.contents(conn)[1]["queue.processing_jobs"]


def test_what_waits_behind_a_limit_since_0_1_0_gets_its_turns(pg_server: postgres.Server) -> None:
    """A thousand at a time, tenants by turns and each tenant's by urgency; what the old functions park meanwhile comes in its time all the same."""
    backlog = "select count(*) from queue.enqueue_jobs((select jsonb_agg(jsonb_build_object('job_type', 'no_op', 'tenant_id', %s::text, 'priority', %s, 'limits', '[\"turns\"]'::jsonb)) from generate_series(1, %s)))"
    with releasekit.database(pg_server, "0.1.0") as url, psycopg.connect(url, autocommit=True) as conn:
        queue = Queue(conn)
        ann, bob = (queue.value("select identity.create_tenant(%s)", name) for name in ("ann", "bob"))
        conn.execute("update identity.tenants set job_weight = 2 where id = %s", [bob])
        conn.execute("select queue.set_limit('name:turns', 1), queue.admit_parked()")
        conn.execute("update queue.limits set used = 1 where limit_key = 'name:turns'")  # one runs
        for tenant, priority, count in ((ann, 5, 2300), (ann, 2, 2), (bob, 5, 4)):
            queue.value(backlog, str(tenant), priority, count)
        schema.upgrade(conn)
        late = queue.value("select job_id from queue.parked where gate = 'name:turns' order by rank desc, seq desc limit 1")
        conn.execute("update queue.parked set priority = default, flow = default, fair_key = default where job_id = %s", [late])
        rows = queue.rows("select * from queue.parked where gate = 'name:turns' and priority <> 0 order by priority, fair_key, seq")
        assert len(rows) == 2305 and {row.priority for row in rows} == {2, 5}
        assert "".join("ab"[row.flow == bob] for row in rows if row.priority == 5)[:7] in {"babbaba", "bbabaaa", "babbaaa", "bbababa", "babaaaa"}
        ranks = [row.rank for row in rows if row.priority == 5 and row.flow == ann]
        assert ranks == sorted(ranks)
        conn.execute("update queue.limits set used = 0 where limit_key = 'name:turns'")
        assert queue.violations() == []
        entered = []
        while queue.value("select count(*) from queue.parked where gate = 'name:turns'"):
            conn.execute("insert into queue.gate_events (gate, permits) values ('name:turns', 0)")
            conn.execute("select queue.set_limit('name:turns', 700), queue.admit_parked()")
            entered += [row.job_id for row in queue.rows("select queue.cancel_job(job_id), job_id from queue.ready where limits = '{name:turns}' order by seq")]
        assert len(entered) == 2306 and late in entered
        assert queue.violations() == []
