"""What a job costs when 200 are drained at a time, and that an old snapshot does not make claims dearer. Counts, not rates."""

from __future__ import annotations

from typing import Any

import pytest
from psycopg.types.json import Jsonb

from tests.sql.plankit import Call, Explained
from tests.sql.queuekit import Queue

BATCH = 200
CLAIM = "select * from queue.claim_jobs('w1', %s, %s::integer[], %s::float8[], %s::bigint[])"
WORK = "select * from queue.settle_and_claim('w1', %s, %s, %s::integer[], %s::float8[], %s::bigint[])"


class Drain:
    """One worker that takes and completes, and remembers what it took last from each lane."""

    def __init__(self, conn: Any, batch: int) -> None:
        self.conn = conn
        self.explained = Explained(conn, nested=False)
        self.batch = batch
        self.bounds: dict[int, tuple[float, int]] = {}
        self.done: list[dict[str, Any]] = []
        self.taken = 0

    def turn(self) -> int:
        """Settle and claim in one call; the buffers that it took."""
        return self.took(self.explained.call(WORK, self.batch, Jsonb(self.done), *self.arguments()))

    def claim(self) -> int:
        """Settle, then claim; the buffers that the claim took."""
        self.conn.execute("update queue.lane_clocks set moved_at = '-infinity'")  # else it moves four times a second
        self.explained.call("select * from queue.settle_jobs('w1', %s)", Jsonb(self.done))
        return self.took(self.explained.call(CLAIM, self.batch, *self.arguments()))

    def arguments(self) -> list[Any]:
        """The bounds; without any it is a full look."""
        keys, seqs = [key for key, _ in self.bounds.values()], [seq for _, seq in self.bounds.values()]
        return [list(self.bounds), keys, seqs] if self.bounds else [None, None, None]

    def took(self, call: Call) -> int:
        """Remember what came; its buffers."""
        self.done = [{"job_id": str(row.job_id), "token": row.token, "outcome": "completed"} for row in call.rows]
        for row in call.rows:
            place = (row.fair_key, row.seq)
            self.bounds[row.lane] = max(place, self.bounds.get(row.lane, place))
        self.taken += len(call.rows)
        return call.buffers


@pytest.fixture
def queue(conn):
    """A queue of which the planner knows little: analysed while it was empty."""
    queue = Queue(conn)
    queue.worker()
    conn.execute("analyze")
    return queue


def fill(queue: Queue, count: int) -> None:
    """Jobs of three priorities."""
    queue.conn.execute(
        "insert into queue.processing_jobs (job_type, priority) select 'no_op', 1 + n %% 3 from generate_series(1, %s) as n", [count]
    )


def test_a_drained_job_costs_little(queue, connect):
    """2 kB of WAL, 40 buffers, a fiftieth of a transaction. Full pages after a checkpoint come on top; the servers here write none."""
    fill(queue, 1000)  # the first make lanes, plans and pages
    drain = Drain(queue.conn, BATCH)
    while drain.turn() and drain.done:
        pass
    fill(queue, 4000)
    drain.bounds.clear()
    drain.taken = 0
    assert queue.value("show full_page_writes") == "off"
    start = queue.value("select pg_current_wal_insert_lsn()")
    buffers = turns = 0
    while turns == 0 or drain.done:
        buffers += drain.turn()
        turns += 1
    wal = queue.value("select pg_current_wal_insert_lsn() - %s::pg_lsn", start)
    assert queue.value("select count(*) from queue.processing_jobs where status = 'completed'") == 5000
    told = f"{wal / 4000:.0f} B of WAL, {buffers / 4000:.1f} buffers, {turns / 4000:.4f} transactions a job"
    assert wal / 4000 <= 2000 and buffers / 4000 <= 40 and turns / 4000 <= 0.02, told


def test_an_old_snapshot_does_not_make_claims_dearer(queue, connect):
    """Dead entries of the index cannot be cleaned while it is open; from its bounds a claim never meets them."""
    pin = connect(autocommit=False)
    pin.execute("set transaction isolation level repeatable read")
    pin.execute("select count(*) from queue.ready")
    fill(queue, 300)
    drain = Drain(queue.conn, 50)
    while drain.turn() and drain.done:
        pass
    rounds = []
    for _ in range(5):
        fill(queue, 2000)
        rounds.append(sum(drain.claim() for _ in range(40)) / 40)
    kept = drain.bounds
    drain.bounds = {}  # a full look finds what came in below the bounds
    while drain.turn() and drain.done:
        pass
    drain.bounds = {lane: max(place, drain.bounds.get(lane, place)) for lane, place in kept.items()}
    assert drain.taken == 10_300
    assert rounds[-1] <= 1.15 * rounds[0], rounds
    # That this can fail: without bounds the same claim reads what is dead.
    fill(queue, 20)
    drain.batch = 1
    bounded = drain.claim()
    drain.bounds.clear()
    assert drain.claim() > 2 * bounded


def test_a_chain_listed_child_first_costs_no_more_a_job_for_its_length(queue):
    """Whether its jobs wait in a circle is asked once for all, and not once for each that leaves the chain."""
    explained = Explained(queue.conn)

    def enqueue(count: int) -> tuple[float, float, float]:
        specs = [{"job_type": "no_op", "ref": str(n), "depends_on": [str(n + 1)] if n + 1 < count else []} for n in range(count)]
        call = explained.call("select count(*) from queue.enqueue_jobs(%s)", Jsonb(specs))
        return len(call.statements) / count, call.buffers / count, sum(touch.rows for touch in call.touches) / count

    enqueue(30)
    short, long = enqueue(30), enqueue(600)
    assert all(b <= 1.5 * a for a, b in zip(short, long, strict=True)), (short, long)
