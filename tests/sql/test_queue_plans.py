"""What each call of the queue touches: the same with 20 thousand and with a million jobs of each kind in the way.

Counts, not times: rows and buffers of every statement inside the functions, as auto_explain tells them. What the planner
knows is old on purpose. Each call is rolled back. `--backlog 10000000` makes the large queue larger.
"""

from __future__ import annotations

import fcntl
import os
import pickle
import uuid
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from demo.postgres import Binaries, Server
from tests import conftest
from tests.sql import bigqueue
from tests.sql.bigqueue import BLOCKED, DUE, LEASED, PARKED, READY, SCHEDULED, BigQueue, big_id
from tests.sql.plankit import Call, Explained

SMALL = 20_000
BIG = ("processing_jobs", "ready", "scheduled", "blocked", "parked", "job_dependencies", "job_attempts", "dead_letters")
CLAIM = "select * from queue.claim_jobs('w1', %s, %s::integer[], %s::float8[], %s::bigint[])"
BOUNDS = "select array_agg(lane), array_agg(0::float8), array_agg(0::bigint) from queue.lanes"
PAUSES = """
insert into queue.pauses (scope, key, reason, created_at)
select scope, key, 'upgrade', base.clock() - interval '2 days'
from (values ('all', ''), ('job_type', 'no_op'), ('tenant', '01976b1e-5a3c-7d4e-8f00-0123456789ab')) as p (scope, key)
"""


class Undo(Exception):
    """Roll a measured call back."""


class Bench:
    """The calls that are measured. Each returns how many jobs it was about."""

    def __init__(self, explained: Explained) -> None:
        self.explained = explained
        self.conn = explained.conn

    def call(self, statement: str, *args: Any) -> Call:
        # A million jobs take their time to make: the worker is alive all the same, and its leases are not of a clock that was ahead.
        with self.conn.transaction():
            self.conn.execute("update queue.workers set last_beat_at = base.clock()")
        return self.explained.call(statement, *args)

    def look(self, count: int) -> Call:
        """A full look: due jobs are moved and expired leases taken back on the way."""
        return self.call(CLAIM, count, None, None, None)

    def bounds(self) -> tuple[Any, Any, Any]:
        """Lower bounds below everything: no full look, so no chores."""
        row = self.conn.execute(BOUNDS).fetchone()
        assert row is not None
        return row

    def claim_from_bounds(self, count: int) -> Call:
        lanes, keys, seqs = self.bounds()
        return self.call(CLAIM, count, lanes, keys, seqs)

    def work(self, count: int) -> Call:
        """Settle as many as are claimed."""
        rows = self.claim_from_bounds(count).rows
        report = [{"job_id": str(row.job_id), "token": row.token, "outcome": "completed"} for row in rows]
        lanes, keys, seqs = self.bounds()
        return self.call("select * from queue.settle_and_claim('w1', %s, %s, %s::integer[], %s::float8[], %s::bigint[])", count, Jsonb(report), lanes, keys, seqs)

    def leased(self, start: int, count: int, **more: Any) -> Jsonb:
        return Jsonb([{"job_id": str(big_id(LEASED, n)), "token": 1, **more} for n in range(start, start + count)])

    def settle_parents(self, count: int) -> Call:
        """Each of them has two children that wait; all but the last of these come free."""
        return self.call("select * from queue.settle_jobs('w1', %s)", self.leased(100, count, outcome="completed"))

    def complete(self, count: int) -> Call:
        return self.call("select queue.complete_job(%s, 1)", big_id(LEASED, 100))

    def fail(self, count: int) -> Call:
        return self.call("select queue.fail_job(%s, 1, 'transient', 'oops', '')", big_id(LEASED, 100))

    def fail_for_good(self, count: int) -> Call:
        """Two children fall with it."""
        return self.call("select queue.fail_job(%s, 1, 'permanent', 'oops', '')", big_id(LEASED, 100))

    def snooze(self, count: int) -> Call:
        return self.call("select queue.snooze_job(%s, 1, '1 hour', '')", big_id(LEASED, 100))

    def heartbeat(self, count: int) -> Call:
        return self.call("select * from queue.heartbeat('w1', %s)", self.leased(100, count, progress=0.5))

    def rescue(self, count: int) -> Call:
        return self.call("select queue.rescue_expired()")

    def promote(self, count: int) -> Call:
        return self.call("select queue.promote_due(%s)", count)

    def enqueue(self, count: int) -> Call:
        return self.call("select queue.enqueue_job('no_op')")

    def enqueue_with_parents(self, count: int) -> Call:
        parents = [big_id(LEASED, 100), big_id(READY, 7), big_id(SCHEDULED, 700), big_id(BLOCKED, 900)]
        return self.call("select queue.enqueue_job('no_op', depends_on => %s::uuid[])", parents)

    def enqueue_many(self, count: int) -> Call:
        return self.call("insert into queue.processing_jobs (job_type) select 'no_op' from generate_series(1, %s)", count)

    def enqueue_jobs(self, count: int) -> Call:
        return self.call("select * from queue.enqueue_jobs(%s)", Jsonb([{"job_type": "no_op"}] * count))

    def cancel_ready(self, count: int) -> Call:
        return self.call("select queue.cancel_job(%s)", big_id(READY, 1000))

    def cancel_scheduled(self, count: int) -> Call:
        return self.call("select queue.cancel_job(%s)", big_id(SCHEDULED, 1000))

    def cancel_blocked(self, count: int) -> Call:
        return self.call("select queue.cancel_job(%s)", big_id(BLOCKED, 1000))

    def retry(self, count: int) -> Call:
        self.conn.execute("select queue.cancel_job(%s)", [big_id(BLOCKED, 1000)])
        return self.call("select queue.retry_job(%s)", big_id(BLOCKED, 1000))

    def admit(self, count: int) -> Call:
        """A limit is raised that a whole backlog waits for."""
        self.conn.execute("select queue.set_limit('name:big', %s)", [count])
        return self.call("select queue.admit_parked(%s)", count)

    def park(self, count: int) -> Call:
        """Behind a limit for which ten thousand tenants wait."""
        self.conn.execute("select queue.set_limit('name:big', 5)")
        return self.call("insert into queue.processing_jobs (job_type, limits) select 'no_op', '{big}' from generate_series(1, %s)", count)

    def claim_over_backlog(self, count: int) -> Call:
        """A limit has just been set on a type with a backlog."""
        self.conn.execute("select queue.set_limit('type:no_op', 2005)")
        return self.claim_from_bounds(5)

    def explain_ready(self, count: int) -> Call:
        return self.call("select * from queue.explain_job(%s)", big_id(READY, 1000))

    def explain_blocked(self, count: int) -> Call:
        return self.call("select * from queue.explain_job(%s)", big_id(BLOCKED, 1000))

    def explain_parked(self, count: int) -> Call:
        self.conn.execute("select queue.set_limit('name:big', 5)")
        return self.call("select * from queue.explain_job(%s)", big_id(PARKED, 1000))

    def show(self, count: int) -> Call:
        return self.call("select queue.show_job(%s)", big_id(READY, 1000))

    def verify_window(self, count: int) -> Call:
        """A window in the middle; health asks for one somewhere."""
        after = big_id(READY, 1000)
        return self.call("select * from queue.verify_window(%s, queue.next_window(%s, %s))", after, after, count)

    def health_of_retries(self, count: int) -> Call:
        """The first of those that are scheduled, one by one."""
        return self.call("select * from queue.health_of_retries()")

    def health_of_gates(self, count: int) -> Call:
        """Old pauses of a type, of a tenant and of everything; a limit that thousands wait behind."""
        self.conn.execute(PAUSES)
        self.conn.execute("select queue.set_limit('name:big', 5)")
        self.conn.execute("update queue.limits set created_at = created_at - interval '1 day', updated_at = updated_at - interval '1 day'")
        return self.call("select * from queue.health_of_gates()")

    def tenant_depth(self, count: int) -> Call:
        """Of a tenant that has nothing, beside all those that are ready."""
        self.conn.execute("select set_config('reelq.tenant_id', '01976b1e-5a3c-7d4e-8f00-0123456789ab', true)")
        return self.call("select * from queue.tenant_depth()")

    def tenant_stats(self, count: int) -> Call:
        """Of a tenant that has nothing, beside all those of others."""
        self.conn.execute("select set_config('reelq.tenant_id', '01976b1e-5a3c-7d4e-8f00-0123456789ab', true)")
        return self.call("select * from queue.tenant_stats('7 days')")

    def locked_jobs(self, count: int) -> Call:
        """A settlement waited in vain; each job has two children that wait."""
        return self.call("select * from queue.locked_jobs(%s)", [big_id(LEASED, n) for n in range(100, 100 + count)])

    def count_refused_jobs(self, count: int) -> Call:
        """Of a type, the first ten thousand that wait, among the first 100,000 of each place."""
        return self.call("select * from queue.count_refused_jobs('no_op', %s)", Jsonb({"type": "object", "properties": {}, "additionalProperties": False}))

    def count_errors(self, count: int) -> Call:
        """The latest dead letters and the first of those that are scheduled, one by one."""
        return self.call("select * from queue.count_errors()")

    def health_of_workers(self, count: int) -> Call:
        """Nobody is at work: what waits is counted, a thousand of a kind at most."""
        self.conn.execute("update queue.workers set status = 'lost'")
        return self.call("select * from queue.health_of_workers()")

    def reprioritise(self, count: int) -> Call:
        return self.call("select queue.reprioritise_job(%s, 1)", big_id(READY, 1000))


@dataclass(frozen=True)
class Case:
    """A call, how many jobs it is about, and the most buffers that one of them may take."""

    call: Callable[[Bench, int], Call]
    count: int
    most: float
    rows: int | None = None  # most rows that one node may read; else as many as fit the count


CASES = {
    "claim 1": Case(Bench.claim_from_bounds, 1, 150),
    "claim 10": Case(Bench.claim_from_bounds, 10, 50),
    "claim 200": Case(Bench.claim_from_bounds, 200, 40),
    "full look": Case(Bench.look, 200, 90),
    "work 200": Case(Bench.work, 200, 70),
    "settle 200 parents": Case(Bench.settle_parents, 200, 130),
    "complete": Case(Bench.complete, 1, 130),
    "fail": Case(Bench.fail, 1, 110),
    "fail for good": Case(Bench.fail_for_good, 1, 245),
    "snooze": Case(Bench.snooze, 1, 110),
    "heartbeat 200": Case(Bench.heartbeat, 200, 15),
    "rescue": Case(Bench.rescue, bigqueue.EXPIRED, 120),
    "promote 200": Case(Bench.promote, DUE, 40),
    "enqueue": Case(Bench.enqueue, 1, 120),
    "enqueue with parents": Case(Bench.enqueue_with_parents, 1, 300),
    "enqueue 500": Case(Bench.enqueue_many, 500, 35),
    "enqueue_jobs 500": Case(Bench.enqueue_jobs, 500, 45),
    "cancel ready": Case(Bench.cancel_ready, 1, 145),
    "cancel scheduled": Case(Bench.cancel_scheduled, 1, 145),
    "cancel blocked": Case(Bench.cancel_blocked, 1, 175),
    "retry": Case(Bench.retry, 1, 200),
    "reprioritise": Case(Bench.reprioritise, 1, 120),
    "show": Case(Bench.show, 1, 150),
    "health of retries": Case(Bench.health_of_retries, 2000, 10, rows=2000),  # one probe each
    # Each lease is asked whose it is.
    "tenant depth": Case(Bench.tenant_depth, 2000, 10, rows=bigqueue.RUNNING),
    "tenant stats": Case(Bench.tenant_stats, 1, 60),
    "locked 200": Case(Bench.locked_jobs, 200, 60),
    "count refused": Case(Bench.count_refused_jobs, 10_000, 20, rows=100_000),
    # Dead letters and scheduled jobs, up to ten thousand of each.
    "count errors": Case(Bench.count_errors, 20_000, 5, rows=10_000),
    # Up to ten thousand ready and ten thousand parked jobs a pause, and those behind a limit.
    "health of gates": Case(Bench.health_of_gates, 1, 40_000, rows=40_000),
    "health of workers": Case(Bench.health_of_workers, 1000, 20, rows=3000),  # a thousand of each of three kinds
    "verify a window": Case(Bench.verify_window, 200, 60),
    # A limit that is new counts once what runs.
    "admit 200": Case(Bench.admit, 200, 120, rows=bigqueue.RUNNING),
    "admit 1": Case(Bench.admit, 1, 11_000, rows=bigqueue.RUNNING),
    "park": Case(Bench.park, 1, 200),
    "park 500": Case(Bench.park, 500, 60),
    # A thousand of the backlog at a time; each of those that run is counted once.
    "claim over a backlog": Case(Bench.claim_over_backlog, 1000, 100),
    # Who comes before is counted up to ten thousand, in each of two places.
    "explain ready": Case(Bench.explain_ready, 1, 13_000, rows=10_000),
    "explain blocked": Case(Bench.explain_blocked, 1, 150),
    # The same, and whose those are that run, as no claim has counted them yet.
    "explain parked": Case(Bench.explain_parked, 1, 11_000, rows=10_000),
}
STATES = (
    "large",  # statistics from when all tables were empty
    "large, old plans",  # and plans that the session made when there were a thousand jobs
    "large, analysed",
    "grown from idle",  # statistics from when all jobs were over; 60 thousand jobs
)
IDLE_SIZE = 60_000
LONGEST_MS = 3000  # of a call; each of them is a matter of milliseconds
Measured = dict[str, dict[str, Call]]


def measure(bench: Bench) -> dict[str, Call]:
    """All calls, the second of each: then catalogue and plans are known, as in a worker."""
    calls = {}
    for name, case in CASES.items():
        for _ in range(2):
            try:
                with bench.conn.transaction():
                    bench.conn.execute(f"set local statement_timeout = {LONGEST_MS}".encode())
                    calls[name] = case.call(bench, case.count)
                    raise Undo
            except Undo:
                pass
            except psycopg.errors.QueryCanceled as error:
                calls[name] = Call([], 10**9, [], [(10**9, f"no end after {LONGEST_MS} ms: {error.diag.context}")])
                break
    return calls


def measure_all(urls: tuple[str, str], sql_root: Path, backlog: int) -> Measured:
    """Each state, in a session of its own."""
    with ExitStack() as opened:

        def session(url: str = urls[0]) -> psycopg.Connection[Any]:
            return opened.enter_context(psycopg.connect(url, autocommit=True))

        big = BigQueue(session(), sql_root)
        big.grow(1000)
        veteran = Bench(Explained(session()))
        measure(veteran)
        big.grow(SMALL)
        found = {"small": measure(Bench(Explained(session())))}
        big.grow(backlog)
        found["large"] = measure(Bench(Explained(session())))
        found["large, old plans"] = measure(veteran)
        big.conn.execute("analyze")
        found["large, analysed"] = measure(Bench(Explained(session())))
        BigQueue(session(urls[1]), sql_root, idle=True).grow(IDLE_SIZE)
        found["grown from idle"] = measure(Bench(Explained(session(urls[1]))))
        return found


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all test processes of this run share."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base


@pytest.fixture
def measured(request, pg_server, servers, shared) -> Measured:
    """Every call in every state: a server of each major is loaded once a run, by whichever test process comes first."""
    option = request.config.getoption

    def look(binaries: Binaries, how: int) -> Measured:
        known = shared / f"plans-{binaries.major}.pickle"
        with known.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, how)
            if not known.exists():
                known.write_bytes(pickle.dumps(measure_on(servers.get(binaries), servers, option)))
        found: Measured = pickle.loads(known.read_bytes())
        return found

    try:
        return look(pg_server.binaries, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        # Another process is at it: the time is good for the other server.
        for other in conftest.ends(option("--pg")):
            with suppress(BlockingIOError):
                look(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return look(pg_server.binaries, fcntl.LOCK_EX)


def measure_on(server: Server, servers: Any, option: Callable[[str], Any]) -> Measured:
    """measure_all() on two clones of the template."""
    servers.template(server)
    names = [f"big_{uuid.uuid4().hex}" for _ in range(2)]
    with psycopg.connect(server.url(), autocommit=True) as admin:
        for name in names:
            admin.execute(f"create database {name} template {conftest.TEMPLATE}".encode())
        first, second = map(server.url, names)
        found = measure_all((first, second), option("--sql-root"), option("--backlog"))
        for name in names:
            admin.execute(f"drop database {name} with (force)".encode())
    return {state: {name: replace(call, rows=[]) for name, call in calls.items()} for state, calls in found.items()}


@pytest.mark.every_server
@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("name", CASES)
def test_a_call_costs_the_same_however_much_there_is(measured, name, state):
    """No table is read as a whole, no more rows than the call is about, no more buffers than with few jobs."""
    case = CASES[name]
    call, few = measured[state][name], measured["small"][name]
    read = [touch for touch in call.touches if touch.table in BIG]
    assert [str(touch) for touch in read if touch.rows > (case.rows or 7 * case.count + 60)] == []
    assert [str(touch) for touch in read if touch.node == "Seq Scan"] == []
    assert call.buffers <= case.most * case.count, call.statements[:5]
    # A row that is counted may be a page of its own, until vacuum has seen it.
    assert call.buffers <= 1.3 * few.buffers + 40 + (case.rows or 0), (few.statements[:5], call.statements[:5])


INTENDED = {
    "claim 200": {("ready", "ready_pkey"), ("processing_jobs", "processing_jobs_pkey")},
    "work 200": {("processing_jobs", "processing_jobs_pkey"), ("leases", "leases_pkey"), ("job_dependencies", "job_dependencies_pkey")},
    "heartbeat 200": {("leases", "leases_pkey")},
    "rescue": {("processing_jobs", "processing_jobs_pkey"), ("leases", "leases_pkey")},
    "promote 200": {("scheduled", "scheduled_pkey"), ("processing_jobs", "processing_jobs_pkey")},
    "settle 200 parents": {("job_dependencies", "job_dependencies_pkey"), ("blocked", "blocked_pkey")},
    "admit 200": {("parked", "parked_pkey")},
    "park 500": {("parked", "parked_by_flow")},
    "cancel ready": {("ready", "a_job_is_ready_once")},
    "retry": {("job_dependencies", "job_dependencies_by_job")},
}


@pytest.mark.every_server
@pytest.mark.parametrize("name", INTENDED)
def test_the_indexes_are_used_that_are_there_for_it(measured, name):
    used = {(touch.table, touch.index) for touch in measured["large, analysed"][name].touches}
    assert INTENDED[name] <= used


def test_a_rescue_reads_the_running_jobs_leases_once_and_no_more(measured):
    """Leases have no index on their end, for the sake of heartbeats: a rescue reads them all, as many as there are running jobs."""
    reads = [touch for touch in measured["large, analysed"]["rescue"].of("leases") if touch.rows > bigqueue.EXPIRED]
    assert [touch.rows for touch in reads] == [bigqueue.RUNNING]
