"""An upgrade beside people at work: nobody waits long behind a lock that it waits for, and it says who holds what it needs."""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from demo import postgres
from reelq.worker.db import schema
from reelq.worker.db.schema import locks, releases
from reelq.worker.errors import TRY_AGAIN
from tests.patience import QUICK_S
from tests.sql import releasekit
from tests.sql.queuekit import Queue
from tests.sql.test_schema_install import dump
from tests.sql.test_schema_runner import CATS, applied, change

Conn = psycopg.Connection[Any]
VERSION = list(releases.lists())[-1]
# Those who wait for a table, each with the time since when: what waits twice is seen twice.
WAITING = "select mode, pid, waitstart, clock_timestamp() - waitstart from pg_locks where relation = %s::regclass and not granted and waitstart is not null"
# Far more than an upgrade may hold anybody up, far less than the reader stays: a busy machine makes a moment longer.
LONG = timedelta(seconds=10)
TOY = "create table cats.toys (id integer primary key, cat_id integer references cats.cats (id));"
PET = (
    "create or replace function cats.tg_pet() returns trigger language plpgsql as 'begin return new; end';\n"
    "create or replace trigger pet before insert on cats.cats for each row execute function cats.tg_pet();"
)
HOLDS_NOTHING = """
do $$
begin
    if exists (select from pg_locks where pid = pg_backend_pid() and relation = 'cats.cats'::regclass and mode = 'ShareRowExclusiveLock') then
        raise exception 'the lock of an earlier file is held still';
    end if;
end;
$$;
"""


@pytest.fixture
def released(pg_server: postgres.Server) -> Iterator[str]:
    """URL of a database of a release, with jobs of two tenants in it."""
    with releasekit.database(pg_server, VERSION) as url:
        yield url


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A small sql/ of the rooms base and cats."""
    change(tmp_path, {**CATS, "ledger.sql": (schema.ROOT / "ledger.sql").read_text()})
    return tmp_path


class Upgrade(threading.Thread):
    """An upgrade in a session of its own."""

    def __init__(self, url: str, root: Path, patience_s: float = 4 * QUICK_S) -> None:
        super().__init__(daemon=True)
        self._url, self._root, self._patience_s = url, root, patience_s
        self.ran: list[str] = []
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            with psycopg.connect(self._url) as conn:
                self.ran = applied(schema.upgrade(conn, self._root, patience_s=self._patience_s))
        except Exception as error:  # noqa: BLE001 - told by the test
            self.error = error

    def finish(self) -> list[str]:
        self.join(4 * QUICK_S)
        assert not self.is_alive()
        if self.error is not None:
            raise self.error
        return self.ran


@contextmanager
def holding(url: str, statement: str) -> Iterator[Conn]:
    """A session that has begun a transaction and does not end it."""
    with psycopg.connect(url, application_name="long report") as conn:
        conn.execute(statement.encode())
        yield conn
        conn.rollback()


def watch(observer: Conn, table: str, mode: str, until: Callable[[int], bool]) -> None:
    """Look until the upgrade has waited for the table so many times and is in the way of nobody for long.

    What `until` does may wait behind the upgrade, and nobody looks meanwhile: so it does something once for each wait that was seen.
    """
    tries: set[Any] = set()
    deadline = time.monotonic() + 4 * QUICK_S
    while not until(len(tries)):
        for waits_for, pid, since, waited in observer.execute(WAITING, [table]):
            assert waited < LONG, f"pid {pid} has waited {waited} for {waits_for}"
            tries |= {since} if waits_for == mode else set()
        assert time.monotonic() < deadline, f"waited {len(tries)} times"


def go_on(conn: Conn, upgrade: Upgrade) -> None:
    """Somebody writes while the upgrade has not ended."""
    conn.execute("insert into cats.cats select greatest(max(id), 100) + 1 from cats.cats")
    assert upgrade.is_alive(), upgrade.error


def test_a_worker_and_an_enqueuer_go_on_while_a_migration_waits_for_a_long_reader(released: str, tmp_path: Path) -> None:
    """The reader leaves only when twenty jobs have come and been done behind its back: had they to wait for it, that would never be.

    The worker is that of the release.
    """
    root = releasekit.later(tmp_path)
    tree = releasekit.program(VERSION, tmp_path / VERSION)
    with psycopg.connect(released, autocommit=True, options=f"-c lock_timeout={LONG.seconds}s") as conn:
        queue = Queue(conn)
        conn.execute("select queue.pause('tenant', id::text, 'Not of this test.') from identity.tenants where slug = 'acme'")
        words = releasekit.command("worker", "run", "--types", "no_op")
        worker = subprocess.Popen(words, env={**releasekit.environ(released, tmp_path, tree), "REELQ_POLL_S": "0.2"}, cwd=tmp_path / "objects", stderr=subprocess.PIPE, text=True)
        try:
            added = [queue.add()]

            def done() -> int:
                return queue.value("select count(*) from queue.processing_jobs where id = any(%s) and status = 'completed'", added)  # type: ignore[no-any-return]

            watch(conn, "queue.ready", "none", lambda _: done() == 1)
            with holding(released, "select count(*) from queue.processing_jobs"):
                upgrade = Upgrade(released, root)
                upgrade.start()

                def enough(tries: int) -> bool:
                    if len(added) < 1 + 7 * tries:
                        added.extend(queue.add() for _ in range(7))
                    return tries >= 3 and done() >= 21

                watch(conn, "queue.processing_jobs", "AccessExclusiveLock", enough)
                assert upgrade.is_alive() and upgrade.error is None
            assert [path for path in upgrade.finish() if path.startswith("migrations/")] == [
                file.path for file in sorted(schema.migrations(root), key=lambda one: one.is_last)
            ]
            added.append(queue.add())
            watch(conn, "queue.ready", "none", lambda _: done() == len(added))
        finally:
            worker.send_signal(signal.SIGTERM)
            _, told = worker.communicate(timeout=QUICK_S)
        assert worker.returncode == 0, told
        assert schema.diff(conn, root) == [] == queue.violations()


def test_an_upgrade_that_never_gets_its_lock_says_who_has_it_and_leaves_nothing_half(released: str, tmp_path: Path) -> None:
    root = releasekit.later(tmp_path)
    first, second, third = (file.path for file in schema.migrations(root)[-3:])
    with holding(released, "select count(*) from queue.job_history") as reader:
        told = releasekit.run(released, tmp_path, "schema", "upgrade", "--wait", "1s", tree=tmp_path)
        pid = reader.info.backend_pid
    assert (told.returncode, told.stdout) == (TRY_AGAIN, "")
    line, hint = told.stderr.splitlines()[-2:]
    assert line.startswith(f"reelq: sql/{first} did not get its locks within 1 s: pid {pid} (postgres, long report) holds queue.job_history")
    assert hint.startswith("hint: Nothing of that file stays") and "pg_terminate_backend(pid)" in hint
    with psycopg.connect(released, autocommit=True) as conn:
        assert "origin" not in releasekit.contents(conn)[1]["queue.processing_jobs"], "what the file did before it met the reader is taken back"
        assert conn.execute("select count(*) from base.schema_ledger where kind = 'migration' and path >= %s", [first]).fetchone() == (0,)
    again = releasekit.run(released, tmp_path, "schema", "upgrade", tree=tmp_path)
    assert again.returncode == 0 and all(path in again.stdout for path in (first, second, third)), again.stderr


def test_a_trigger_waits_for_a_writer_while_others_write(empty_conn: Conn, empty_dsn: str, tree: Path) -> None:
    """Also where the files are rehearsed first."""
    schema.install(empty_conn, tree)
    change(tree, {"functions/cats/tg_pet.sql": PET})
    with holding(empty_dsn, "insert into cats.cats values (7, 'Tim')"):
        upgrade = Upgrade(empty_dsn, tree)
        upgrade.start()
        seen: list[int] = []

        def enough(tries: int) -> bool:
            if tries > len(seen):
                seen.append(tries)
                go_on(empty_conn, upgrade)
            return tries >= 3

        watch(empty_conn, "cats.cats", "ShareRowExclusiveLock", enough)
    assert upgrade.finish() == ["functions/cats/tg_pet.sql"]


def test_a_rehearsal_that_never_gets_its_lock_has_changed_nothing(pg_server: postgres.Server, empty_conn: Conn, empty_dsn: str, tree: Path) -> None:
    schema.install(empty_conn, tree)
    before = dump(pg_server, empty_conn.info.dbname)
    change(tree, {"functions/cats/a_toy.sql": "create or replace function cats.a_toy() returns integer language sql as 'select 1';", "functions/cats/tg_pet.sql": PET})
    with holding(empty_dsn, "insert into cats.cats values (7, 'Tim')") as writer:
        with pytest.raises(schema.SchemaBusy, match=rf"^the upgrade did not get its locks within 0\.3 s: pid {writer.info.backend_pid} \(postgres, long report\) holds cats.cats") as told:
            schema.upgrade(empty_conn, tree, patience_s=0.3)
    assert told.value.exit_code == TRY_AGAIN and str(told.value.hint).startswith("Nothing of it was changed. End the transaction")
    assert dump(pg_server, empty_conn.info.dbname) == before


def test_a_rehearsal_holds_no_lock_that_others_wait_for(empty_conn: Conn, tree: Path) -> None:
    """Neither that of a trigger nor that of a table which refers to one in use; what needs the new table is left to the real run."""
    schema.install(empty_conn, tree)
    change(tree, {
        "functions/cats/tg_pet.sql": PET,
        "schema/10_cats/20_toys.sql": TOY,
        "views/cats/toy_names.sql": "create or replace view cats.toy_names as select id from cats.toys;",
        "functions/cats/all_toys.sql": "create or replace function cats.all_toys() returns setof cats.toys language sql as 'select * from cats.toys';",
        "data/cats_zoo.sql": HOLDS_NOTHING,
    })  # fmt: skip
    assert "data/cats_zoo.sql" in applied(schema.upgrade(empty_conn, tree))
    assert schema.diff(empty_conn, tree) == []


def test_what_is_wrong_beside_a_strong_lock_is_still_told_before_anything_changes(empty_conn: Conn, tree: Path) -> None:
    schema.install(empty_conn, tree)
    change(tree, {"schema/10_cats/20_toys.sql": TOY, "functions/cats/count_cats.sql": CATS["functions/cats/count_cats.sql"].replace("bigint", "integer")})
    with pytest.raises(schema.SchemaError, match="cannot change return type"):
        schema.upgrade(empty_conn, tree)
    assert empty_conn.execute("select to_regclass('cats.toys')").fetchone() == (None,)


def test_who_holds_a_strong_lock_has_less_time_for_the_next(empty_conn: Conn, tree: Path) -> None:
    schema.install(empty_conn, tree)
    with empty_conn.transaction():
        budget = locks.Budget(empty_conn, locks.tables(empty_conn, schema.rooms(tree)))

        def left(statement: str) -> int:
            budget.run(statement)
            ((ms,),) = empty_conn.execute("select extract(epoch from current_setting('lock_timeout')::interval) * 1000").fetchall()
            return int(ms)

        assert left("select 1") == left("lock table cats.cats in row exclusive mode") == locks.BUDGET_MS
        left("lock table cats.cats in share row exclusive mode")
        assert locks.LEAST_MS <= left("select 1") < locks.BUDGET_MS
        assert budget.since is not None
        budget.since -= 1
        assert left("select 1") == locks.LEAST_MS, "0 would be for ever"


def test_an_index_that_is_made_concurrently_waits_for_a_reader_and_holds_up_nobody(empty_conn: Conn, empty_dsn: str, tree: Path) -> None:
    schema.install(empty_conn, tree)
    change(tree, {"migrations/0001_index_names.sql": (
        "-- transaction: none\n-- back: drop index concurrently cats.cats_by_name\n"
        "drop index concurrently if exists cats.cats_by_name;\n\ncreate index concurrently cats_by_name on cats.cats (name);\n"
    )})  # fmt: skip
    with holding(empty_dsn, "insert into cats.cats values (7, 'Tim')"):
        upgrade = Upgrade(empty_dsn, tree)
        upgrade.start()
        deadline = time.monotonic() + QUICK_S
        waits = "select count(*) from pg_locks where locktype = 'virtualxid' and not granted and clock_timestamp() - waitstart > %s"
        while empty_conn.execute(waits, [timedelta(milliseconds=3 * locks.BUDGET_MS)]).fetchone() == (0,):
            go_on(empty_conn, upgrade)
            assert time.monotonic() < deadline
    assert upgrade.finish() == ["migrations/0001_index_names.sql"]
    assert empty_conn.execute("select indisvalid from pg_index where indexrelid = 'cats.cats_by_name'::regclass").fetchone() == (True,)


def test_a_line_of_a_migration_is_told_also_behind_others(empty_conn: Conn, tree: Path) -> None:
    schema.install(empty_conn, tree)
    body = "-- back: none; there is no way\nalter table cats.cats add column note text default ';';\n\n/* ; */ select 'a;b', $$ ; $$;\nselect nothing_such;\n"
    change(tree, {"migrations/0001_wrong.sql": body})
    with pytest.raises(schema.SchemaError, match="sql/migrations/0001_wrong.sql, line 5: .*nothing_such.*42703"):
        schema.upgrade(empty_conn, tree)
    assert "note" not in str(empty_conn.execute("select to_jsonb(c) from cats.cats as c").fetchall())
