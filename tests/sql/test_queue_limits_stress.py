"""Limits, pauses and the operator's hands at once: no permit is lost or doubled, and nothing waits for ever."""

from __future__ import annotations

import random
import threading
import time
from contextlib import suppress

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.conftest import Connect
from tests.sql.queuekit import Queue

SECONDS = 6
ENDS: list[dict[str, object]] = [
    {"outcome": "completed"},
    {"outcome": "released"},
    {"outcome": "snoozed", "retry_after_s": 0},
    {"outcome": "failed", "error_class": "permanent", "code": "x"},
]
# What may happen to an operator: the job is over, the limit gone, the pause ended. Anything else is a bug.
MEANT = ("RQ004", "RQ009")
MEDDLING = (
    "select queue.set_limit('type:no_op', %(n)s)",
    "select queue.set_limit('tenant:*', %(n)s)",
    "select queue.set_limit('tenant:t1', %(n)s)",
    "select queue.set_limit('name:youtube', %(n)s)",
    "select queue.drop_limit('tenant:*')",
    "select queue.drop_limit('tenant:t1')",
    "select queue.drop_limit('name:youtube')",
    "select queue.drop_limit('type:no_op')",
    "select queue.pause('tenant', 't2', 'why')",
    "select queue.resume('tenant', 't2')",
    "select queue.pause('job_type', 'no_op', 'why')",
    "select queue.resume('job_type', 'no_op')",
    "update identity.tenants set status = 'suspended' where slug = 't3'",
    "update identity.tenants set status = 'active' where slug = 't3'",
    "select queue.cancel_job(id) from queue.processing_jobs where status = 'queued' order by random() limit 1",
    "select queue.reprioritise_job(id, %(n)s) from queue.processing_jobs where status = 'queued' order by random() limit 1",
    "select queue.retry_job(id) from queue.processing_jobs where status in ('failed', 'cancelled') order by random() limit 1",
    "delete from queue.processing_jobs where id = (select id from queue.processing_jobs order by random() limit 1)",
)


class Actors:
    """Sessions side by side, until the time is over."""

    def __init__(self, connect: Connect) -> None:
        self.connect = connect
        self.until = time.monotonic() + SECONDS
        self.errors: list[Exception] = []

    def run(self, *acts: object) -> None:
        threads = [threading.Thread(target=self._act, args=(act, number), daemon=True) for number, act in enumerate(acts)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(SECONDS + 30)
        assert not any(thread.is_alive() for thread in threads)
        assert self.errors == []

    def _act(self, act: object, number: int) -> None:
        queue, dice = Queue(self.connect()), random.Random(number)
        queue.conn.execute("set statement_timeout = '20s'")
        try:
            while time.monotonic() < self.until:
                act(queue, number, dice)  # type: ignore[operator]
        except (psycopg.Error, AssertionError) as error:
            self.errors.append(error)


def work(queue: Queue, number: int, dice: random.Random) -> None:
    """Claim a few, and end them in all ways."""
    jobs = queue.claim(f"w{number}", dice.randrange(1, 8))
    report = [{"job_id": str(job.job_id), "token": job.token, **dice.choices(ENDS, (6, 1, 1, 1))[0]} for job in jobs]
    queue.rows("select * from queue.settle_jobs(%s, %s)", f"w{number}", Jsonb(report))


def enqueue(queue: Queue, number: int, dice: random.Random) -> None:
    """A few jobs of one tenant, some under a named limit."""
    spec = {"job_type": dice.choice(("no_op", "extract_metadata")), "limits": ["youtube"] * dice.randrange(2)}
    tenant = queue.value("select id from identity.tenants where status = 'active' order by random() limit 1")
    with suppress(psycopg.Error):  # suspended meanwhile
        queue.rows("select * from queue.enqueue_jobs(%s)", Jsonb([{**spec, "tenant_id": str(tenant)}] * dice.randrange(1, 20)))


def meddle(queue: Queue, number: int, dice: random.Random) -> None:
    """What operators do; some of it is rolled back, after a while."""
    with Meant(), queue.conn.transaction(force_rollback=dice.random() < 0.2):
        queue.conn.execute(dice.choice(MEDDLING), {"n": dice.randrange(1, 9)})  # type: ignore[call-overload]
        queue.conn.execute("select pg_sleep(%s)", [dice.random() / 20])


class Meant:
    """Lets errors pass that an operator may get."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        return isinstance(error, psycopg.Error) and error.sqlstate in MEANT


@pytest.mark.stress
def test_limits_hold_under_everything_at_once(conn, connect):
    queue = Queue(conn)
    for number in range(5):
        queue.value("select identity.create_tenant(%s)", f"t{number}")
    for number in range(3):
        queue.worker(f"w{number}")
    Actors(connect).run(work, work, work, enqueue, meddle, meddle, meddle)
    assert queue.violations() == []

    # All pauses end; then nothing may stay behind.
    queue.conn.execute("update identity.tenants set status = 'active' where status <> 'active'")
    for pause in queue.rows("select scope, key from queue.pauses"):
        queue.conn.execute("select queue.resume(%s, %s)", (pause.scope, pause.key))
    for limit in queue.rows("select limit_key from queue.limits where max_running is not null"):
        queue.conn.execute("select queue.set_limit(%s, 50)", [limit.limit_key])
    idle = 0
    while idle < 20 or queue.value("select exists (select from queue.scheduled)"):  # what was snoozed comes back within a second
        jobs = queue.claim("w0", 100)
        report = [{"job_id": str(job.job_id), "token": job.token, "outcome": "completed"} for job in jobs]
        queue.rows("select * from queue.settle_jobs('w0', %s)", Jsonb(report))
        idle = 0 if jobs else idle + 1
    assert queue.rows("select place, count(*) from queue.job_summary where status in ('queued', 'running') group by place") == []
    assert queue.violations() == []
    queue.claim("w0")
    assert [row for row in queue.rows("select * from queue.list_limits()") if row.used] == []
