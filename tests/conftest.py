"""Fixtures: one server a session, one template database with the schema, a clone of it a test.

    dsn           URL of a fresh clone; dropped afterwards, queue.verify() must return no row
    conn          autocommit connection to it; connect() opens more
    clock         moves base.clock() of that clone by hand
    settings_env  environment for a child process that works on that clone
    store_dir     folder of its file:// store
    empty_conn    autocommit connection to a database without any schema; empty_dsn is its URL
    pg_server     the server itself (tests that stop one start their own with demo.postgres.throwaway)

`--pg` says which server: `first` (the system's, else the wheel's), `system`, `wheel`, a major, or
`both`: tests in tests/sql run on the oldest and on the newest major here, all others on the first. Of a test with
many cases the second server gets the first one, unless it is marked `every_server`; `all`: every case on each.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
import structlog
from psycopg import sql
from pytest_postgresql import factories
from pytest_postgresql.executors import NoopExecutor

from demo import postgres
from reelq.worker.db import schema
from reelq.worker.errors import ReelqError

ROOT = Path(__file__).resolve().parent.parent
TEMPLATE = "reelq_template"
# The clock that tests move: a null is real time. Defined by the owner's rights, so that every role may read it.
MOVABLE_CLOCK = b"""
create schema base_test;
create table base_test.clock (at timestamptz);
insert into base_test.clock values (null);
create or replace function base.clock() returns timestamptz
language sql volatile security definer set search_path = pg_catalog, pg_temp as
$$ select coalesce((select clock.at from base_test.clock as clock), clock_timestamp()) $$;
"""


def pytest_addoption(parser: pytest.Parser) -> None:
    """--pg, also as the environment's REELQ_TEST_PG for `./run test` in CI."""
    default = os.environ.pop("REELQ_TEST_PG", "first")
    parser.addoption("--pg", default=default, help="first, system, wheel, both, all, or a major such as 15")
    ffmpeg = os.environ.pop("REELQ_TEST_FFMPEG", "first")
    parser.addoption("--ffmpeg", default=ffmpeg, help="builds for tests of media: first, newest (the wheel's) or both")
    parser.addoption("--newest-ffmpeg", type=Path, help="where the newest one lies, when not in .venv/media-tools-newest")
    parser.addoption("--sql-root", type=Path, default=schema.ROOT, help="the sql/ to install: mutants are built from a copy")
    parser.addoption("--examples", type=int, help="so many random examples for the queue's state machine")
    parser.addoption("--backlog", type=int, default=1_000_000, help="jobs in the large queue of the plan tests")
    parser.addoption("--no-shrink", action="store_true", help="a first counterexample of the state machine will do")
    parser.addoption("--stress-seconds", type=float, default=60, help="how long tests/stress runs")


def pytest_configure(config: pytest.Config) -> None:
    """Markers of our own."""
    config.addinivalue_line("markers", "one_server: in tests/sql, what a second server would tell nothing new about")
    config.addinivalue_line("markers", "every_server: in tests/sql, all cases run on the second server too")
    config.addinivalue_line("markers", "media: in tests/worker, runs on each ffmpeg build of --ffmpeg")
    config.addinivalue_line("markers", "stress: a minute of concurrent load; leave it out with -m 'not stress'")


def ends(which: str) -> list[postgres.Binaries]:
    """The servers that `--pg` names; the first is for tests that need just one."""
    if which not in ("both", "all"):
        return [postgres.choose(None if which == "first" else which)]
    first = postgres.choose()
    others = {one.major: one for one in postgres.available() if one.major != first.major}
    outer = {major for major in (min(others, default=0), max(others, default=0)) if major}
    return [first] + [others[major] for major in sorted(outer)]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what is in tests/sql on every server that was asked for."""
    if "pg_server" not in metafunc.fixturenames:
        return
    servers = ends(metafunc.config.getoption("--pg"))
    if "sql" not in metafunc.definition.path.parts or metafunc.definition.get_closest_marker("one_server"):
        servers = servers[:1]
    metafunc.parametrize("pg_server", servers, ids=[f"pg{one.major}" for one in servers], indirect=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Of a test with many cases the second server gets the first: what differs between majors is the SQL, not the value."""
    if config.getoption("--pg") != "both":
        return
    first = ends("both")[0]
    left: list[pytest.Item] = []
    for item in items:
        call = getattr(item, "callspec", None)
        if call is None or call.params.get("pg_server", first) == first or item.get_closest_marker("every_server"):
            continue
        if any(index for name, index in call.indices.items() if name != "pg_server"):
            left.append(item)
    config.hook.pytest_deselected(items=left)
    out = set(map(id, left))
    items[:] = [item for item in items if id(item) not in out]


@pytest.fixture(autouse=True)
def no_leak() -> Iterator[None]:
    """What `worker run` sets up for its whole process is not left to later tests: run it as a process of its own."""
    yield
    assert isinstance(structlog.get_config()["logger_factory"], structlog.PrintLoggerFactory), "logs.configure() was called"


class Servers:
    """The servers of this session, started when first asked for."""

    def __init__(self, sql_root: Path) -> None:
        self._sql_root = sql_root
        self._stack = ExitStack()
        self._running: dict[int, postgres.Server] = {}
        self._template: dict[int, str | None] = {}

    def get(self, binaries: postgres.Binaries) -> postgres.Server:
        """The running server of that major."""
        if binaries.major not in self._running:
            server = self._stack.enter_context(postgres.throwaway(binaries))
            with psycopg.connect(server.url(), autocommit=True) as conn:
                conn.execute("create database empty_tmpl")  # what pytest-postgresql makes `empty` from
            self._running[binaries.major] = server
        return self._running[binaries.major]

    def template(self, server: postgres.Server) -> None:
        """Install the schema once a server; a failure is told by every test that needs it."""
        major = server.binaries.major
        if major not in self._template:
            self._template[major] = self._install(server)
        if self._template[major]:
            pytest.fail(f"the schema does not install: {self._template[major]}", pytrace=False)

    def _install(self, server: postgres.Server) -> str | None:
        """Make the template; return what went wrong, with file and line."""
        with psycopg.connect(server.url(), autocommit=True) as conn:
            conn.execute(sql.SQL("create database {}").format(sql.Identifier(TEMPLATE)))
        try:
            with psycopg.connect(server.url(TEMPLATE), autocommit=True) as conn:
                schema.install(conn, self._sql_root)
                conn.execute(MOVABLE_CLOCK)
                # A clock that jumps looks like an outage of the whole fleet; tests of that set it back.
                conn.execute("update queue.upkeep set grace = '1000 years'")
                # Tests of the queue take the shipped types as names of types only: without videos, and no_op with any data. Those of
                # options (tests/sql/optionskit.py) write both back as they are shipped.
                conn.execute("update queue.job_types set requires = null")
                conn.execute("update queue.job_types set options_schema = null where job_type = 'no_op'")
                # Tests of partitions begin without any, in whichever month they play.
                for (partition,) in conn.execute("select inhrelid::regclass::text from pg_inherits where inhparent::regclass::text like 'queue.%_history'"):
                    conn.execute(sql.SQL("drop table {}").format(sql.SQL(partition)))
        except (ReelqError, psycopg.Error) as error:
            return str(error)
        return None

    def stop(self) -> None:
        """Stop all of them."""
        self._stack.close()


@pytest.fixture(scope="session")
def servers(request: pytest.FixtureRequest) -> Iterator[Servers]:
    """The servers of this session."""
    running = Servers(request.config.getoption("--sql-root"))
    try:
        yield running
    finally:
        running.stop()


@pytest.fixture
def pg_server(request: pytest.FixtureRequest, servers: Servers) -> postgres.Server:
    """A running private server, shared by the session."""
    return servers.get(request.param)


@pytest.fixture
def pg_executor(pg_server: postgres.Server) -> NoopExecutor:
    """The same server as pytest-postgresql knows it."""
    return NoopExecutor(host="127.0.0.1", port=pg_server.port, user="postgres", options="", dbname="empty")


# A database without schema, and a connection to it. The clones below are made by hand, because pytest-postgresql has no
# STRATEGY: cloning our template takes it 50 ms where file_copy takes 12 (measured on tmpfs, Postgres 18).
empty_database = factories.postgresql("pg_executor")


@pytest.fixture
def empty_conn(pg_executor: NoopExecutor, empty_database: psycopg.Connection[Any]) -> psycopg.Connection[Any]:
    """An autocommit connection to a database without any schema."""
    del pg_executor  # asked for by name, so that pytest sees that this needs a server: the factory asks late
    empty_database.autocommit = True
    return empty_database


@pytest.fixture
def empty_dsn(pg_server: postgres.Server, empty_conn: psycopg.Connection[Any]) -> str:
    """URL of a database without any schema."""
    return pg_server.url(empty_conn.info.dbname)


@pytest.fixture
def dsn(pg_server: postgres.Server, servers: Servers) -> Iterator[str]:
    """URL of a fresh clone of the template; the queue's invariants must hold at the end."""
    servers.template(pg_server)
    name = f"t_{uuid.uuid4().hex}"
    with psycopg.connect(pg_server.url(), autocommit=True) as admin:
        identifiers = {"name": sql.Identifier(name), "template": sql.Identifier(TEMPLATE)}
        admin.execute(sql.SQL("create database {name} template {template} strategy file_copy").format(**identifiers))
        admin.execute(search_path(name))  # settings and rights of a database are not cloned
        admin.execute(sql.SQL("revoke temporary on database {} from public").format(sql.Identifier(name)))
        try:
            yield pg_server.url(name)
            with psycopg.connect(pg_server.url(name), autocommit=True) as conn:
                broken = verify(conn)
        finally:
            admin.execute(sql.SQL("drop database if exists {name} with (force)").format(**identifiers))
    assert broken == [], "queue.verify() found broken invariants"


def search_path(database: str) -> sql.Composed:
    """The statement by which the runner sets the search_path of a database."""
    names = schema.search_path(schema.ROOT)
    path = sql.SQL(", ").join(map(sql.Identifier, names))
    return sql.SQL("alter database {} set search_path = {}").format(sql.Identifier(database), path)


def verify(conn: psycopg.Connection[Any]) -> list[tuple[Any, ...]]:
    """What queue.verify() has to say; nothing while the function does not exist."""
    there = conn.execute("select to_regprocedure('queue.verify()') is not null").fetchone()
    if there != (True,) or conn.execute(UNTOUCHED).fetchone() == (True,):
        return []
    return conn.execute("select * from queue.verify()").fetchall()


# No job and no place of one: nothing to verify, as after most tests of other rooms. To verify takes longer than such a test.
PLACES = (
    "media.videos", "queue.processing_jobs", "queue.reservations", "queue.ready", "queue.scheduled", "queue.blocked", "queue.parked", "queue.leases",
    "queue.dead_letters", "queue.job_dependencies", "queue.spawned", "queue.job_attempts", "queue.cascades", "queue.workers", "queue.gate_events", "queue.limits",
)  # fmt: skip
UNTOUCHED = "select not (" + " or ".join(f"exists (select from {table})" for table in PLACES) + ")"

Connect = Callable[..., psycopg.Connection[Any]]


@pytest.fixture
def connect(dsn: str) -> Iterator[Connect]:
    """Open autocommit connections to this test's database; `connect(autocommit=False)` for a transaction."""
    with ExitStack() as opened:

        def open_one(**options: Any) -> psycopg.Connection[Any]:
            conn: psycopg.Connection[Any] = psycopg.connect(dsn, **{"autocommit": True, **options})
            opened.callback(conn.close)
            return conn

        yield open_one


@pytest.fixture
def conn(connect: Connect) -> psycopg.Connection[Any]:
    """An autocommit connection to this test's database."""
    return connect()


class Clock:
    """The database's clock, moved by hand. It stands still once it is set."""

    def __init__(self, conn: psycopg.Connection[Any]) -> None:
        self._conn = conn

    def now(self) -> datetime:
        """What base.clock() says."""
        row = self._conn.execute("select base.clock()").fetchone()
        assert row is not None
        now: datetime = row[0]
        return now

    def set(self, at: datetime | str) -> datetime:
        """Stop the clock at `at`; return that time."""
        self._conn.execute("update base_test.clock set at = %s", [at])
        return self.now()

    def forward(self, by: timedelta | float) -> datetime:
        """Stop the clock `by` (a timedelta, or seconds) after what it shows; return that time."""
        by = by if isinstance(by, timedelta) else timedelta(seconds=by)
        return self.set(self.now() + by)

    def real(self) -> None:
        """Let it run again."""
        self._conn.execute("update base_test.clock set at = null")


@pytest.fixture
def clock(connect: Connect) -> Clock:
    """Moves base.clock() of this test's database."""
    return Clock(connect())


@pytest.fixture
def store_dir(tmp_path: Path) -> Path:
    """The folder of this test's file:// store."""
    folder = tmp_path / "objects"
    folder.mkdir()
    return folder


@pytest.fixture
def settings_env(dsn: str, store_dir: Path, tmp_path: Path) -> dict[str, str]:
    """The whole environment of a child process: no PG* or REELQ_* of the machine leaks in."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "REELQ_", "DATABASE_"))}
    return kept | {
        "DATABASE_URL": dsn,
        "REELQ_STORE": store_dir.as_uri(),
        "REELQ_SCRATCH": str(tmp_path / "scratch"),
        "REELQ_SOURCE_ROOTS": "/",
        "REELQ_LOG_FORMAT": "json",
        "PYTHONPATH": str(ROOT),
    }
