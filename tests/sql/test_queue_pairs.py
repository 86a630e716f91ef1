"""Every pair of calls that change jobs, over the same two jobs: they wait for each other, never in a circle (docs/design/locks.md).

A third session holds one of the jobs until both calls have begun, so that each is half way; then they go on. Each pair is tried with each of the jobs held: of
two calls that lock them in opposite order one is then at the job that is held with the other one in hand, whichever began first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import product
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.sql.queuekit import Queue, Race

QUEUED, RUNNING, OVER = "queued", "running", "over"


@dataclass
class Scene:
    """Two steps of a video's run, and a third below both, which has the lowest id."""

    tenant: UUID
    video: UUID
    below: UUID
    low: UUID
    high: UUID
    other: UUID  # a job of nobody's, younger than all
    claimed: dict[UUID, Any] = field(default_factory=dict)

    def token(self, job: UUID) -> int:
        """Of its lease; one that is wrong where nobody runs it."""
        return self.claimed[job].token if job in self.claimed else 1

    @property
    def both(self) -> list[UUID]:
        """The two, the younger first."""
        return [self.high, self.low]


def settle(*outcomes: str) -> Callable[[Queue, Scene], Any]:
    """Report both jobs in one batch, the younger first."""

    def call(q: Queue, s: Scene) -> Any:
        results = [
            {"job_id": str(job), "token": s.token(job), "outcome": outcome, "error_class": "permanent", "code": "bad", "retry_after_s": 0}
            for job, outcome in zip(s.both, outcomes, strict=True)
        ]
        return q.rows("select * from queue.settle_jobs('w1', %s)", Jsonb(results))

    return call


def spawn(own: str, **spec: str) -> Callable[[Queue, Scene], Any]:
    """One of the jobs fans out and names another one."""

    def call(q: Queue, s: Scene) -> Any:
        named = {"depends_on": [str(getattr(s, spec["after"]))]} if "after" in spec else {"idempotency_key": f"{spec['key']} {getattr(s, spec['key'])}"}
        job = getattr(s, own)
        return q.rows("select * from queue.spawn_jobs(%s, %s, %s)", job, s.token(job), Jsonb([{"job_type": "no_op"} | named]))

    return call


def sql(text: str, *names: str) -> Callable[[Queue, Scene], Any]:
    """A statement about parts of the scene."""
    return lambda q, s: q.conn.execute(text, [getattr(s, name) for name in names])


def by_token(text: str, name: str) -> Callable[[Queue, Scene], Any]:
    """A call of the worker that runs this job."""
    return lambda q, s: q.conn.execute(text, [getattr(s, name), s.token(getattr(s, name))])


# What is called → as what the two jobs stand, and the call.
CALLS: dict[str, tuple[str, Callable[[Queue, Scene], Any]]] = {
    "enqueue below both": (QUEUED, lambda q, s: q.add(depends_on=s.both, video_id=s.video)),
    "enqueue below both, and a step": (QUEUED, sql("insert into queue.processing_jobs (job_type, video_id, pipeline_run, pipeline_step, depends_on) values ('no_op', %s, %s, 'x', %s)", "video", "low", "both")),
    "enqueue with both keys": (QUEUED, lambda q, s: q.rows("select * from queue.enqueue_jobs(%s)", Jsonb([{"job_type": "no_op", "video_id": str(s.video), "idempotency_key": f"{name} {getattr(s, name)}"} for name in ("high", "low")]))),
    "spawn above an older one": (RUNNING, spawn("high", after="low")),
    "spawn an older one by its key": (RUNNING, spawn("high", key="low")),
    "spawn above a younger one": (RUNNING, spawn("low", after="high")),
    "complete": (RUNNING, by_token("select queue.complete_job(%s, %s)", "high")),
    "complete both": (RUNNING, settle("completed", "completed")),
    "fail": (RUNNING, by_token("select queue.fail_job(%s, %s, 'permanent', 'bad', 'It broke.')", "high")),
    "fail both": (RUNNING, settle("failed", "failed")),
    "complete one and fail one": (RUNNING, settle("completed", "failed")),
    "snooze one and release one": (RUNNING, settle("snoozed", "released")),
    "snooze": (RUNNING, by_token("select queue.snooze_job(%s, %s, '1 minute', 'later')", "low")),
    "heartbeat": (RUNNING, lambda q, s: q.beat("w1", *s.claimed.values())),
    "rescue": (RUNNING, lambda q, s: q.rescue()),
    "the worker is dead": (RUNNING, lambda q, s: q.value("select queue.mark_worker_dead('w1')")),
    "claim": (QUEUED, lambda q, s: q.claim("w1", 5)),
    "cancel": (QUEUED, sql("select queue.cancel_job(%s)", "high")),
    "cancel many": (QUEUED, sql("select queue.cancel_jobs(p_job_ids => %s)", "both")),
    "cancel the run": (QUEUED, sql("select queue.cancel_run(%s)", "video")),
    "retry": (OVER, sql("select queue.retry_job(%s)", "low")),
    "retry many": (OVER, sql("select queue.retry_jobs(p_job_ids => %s)", "both")),
    "rerun": (OVER, sql("select queue.rerun_video(%s)", "video")),
    "archive": (OVER, sql("select queue.archive_jobs()")),
    "reprioritise": (QUEUED, sql("select queue.reprioritise_job(%s, 2)", "low")),
    "reprioritise many": (QUEUED, sql("select queue.reprioritise_jobs(9, p_job_ids => %s)", "both")),
    "reschedule many": (QUEUED, sql("select queue.reschedule_jobs(base.clock() + interval '1 hour', p_job_ids => %s)", "both")),
    "run now": (QUEUED, sql("select queue.run_jobs_now(p_job_ids => %s)", "both")),
    "delete": (QUEUED, sql("delete from queue.processing_jobs where id = %s", "high")),
    "delete many": (QUEUED, sql("select queue.delete_jobs(%s)", "both")),
    "delete all": (QUEUED, sql("select queue.delete_all_jobs()")),
    "delete the video": (QUEUED, sql("select queue.delete_video(%s)", "video")),
    "delete the tenant": (QUEUED, sql("delete from identity.tenants where id = %s", "tenant")),
    "suspend the tenant": (QUEUED, sql("select identity.set_tenant_status(%s::text, 'suspended')", "tenant")),
    "pause": (QUEUED, sql("select queue.pause('tenant', %s::text, 'a test')", "tenant")),
    "resume": (QUEUED, sql("select queue.resume('tenant', %s::text)", "tenant")),
    "set a limit": (QUEUED, sql("select queue.set_limit('type:no_op', 1)")),
    "drop a limit": (QUEUED, sql("select queue.drop_limit('type:no_op')")),
    "repair": (QUEUED, sql("select queue.repair()")),
    "cascades go on": (QUEUED, sql("select queue.continue_cascades()")),
}


@pytest.fixture
def queue(conn: psycopg.Connection[Any]) -> Queue:
    return Queue(conn)


def scene(queue: Queue, clock: Any, state: str, calls: tuple[str, str]) -> Scene:
    """Set the stage anew."""
    queue.conn.execute("select queue.delete_all_jobs(); delete from queue.pauses; delete from queue.limits; delete from identity.tenants where slug = 'ann'")
    clock.set(queue.value("select now()"))
    tenant = queue.value("select identity.create_tenant('ann')")
    video = queue.value("select media.create_video('/a.mp4', %s)", tenant)
    below, low, high = queue.value("select base.uuids_v7(3)")
    insert = "insert into queue.processing_jobs (id, job_type, video_id, pipeline_run, pipeline_step, idempotency_key, depends_on) values (%s, 'no_op', %s, %s, %s, %s, %s)"
    for job, name, parents in ((low, "low", None), (high, "high", None), (below, "below", [low, high])):
        queue.conn.execute(insert, (job, video, low, name, f"{name} {job}", parents))
    if "drop a limit" in calls:
        queue.value("select queue.set_limit('type:no_op', 5)")
    if "resume" in calls:
        queue.value("select queue.pause('tenant', %s::text, 'a test')", tenant)
    made = Scene(tenant, video, below, low, high, queue.add(scheduled_for=queue.value("select base.clock() + interval '1 hour'")))
    queue.worker()
    if state == RUNNING:
        made.claimed = {job.job_id: job for job in queue.claim(limit=2)}
        if "rescue" in calls:
            queue.conn.execute("update queue.leases set expires_at = '2000-01-01'")
    elif state == OVER:
        queue.conn.execute("select queue.cancel_jobs(p_job_ids => %s)", ([low, high],))
        clock.forward(queue.value("select interval '100 days'"))
    return made


def run(name: str, made: Scene, q: Queue) -> Any:
    """Make one of the calls."""
    return CALLS[name][1](q, made)


def faults(queue: Queue, sessions: list[Queue], calls: tuple[str, str], held: str, made: Scene) -> Iterator[str]:
    """Begin both while one of the jobs is held; what went wrong."""
    *racing, observer = sessions
    with queue.transaction():
        queue.rows("select from queue.processing_jobs where id = %s for share", getattr(made, held))
        races = [Race(session, partial(run, name, made)).start_until_blocked_or_done(observer) for session, name in zip(racing, calls, strict=True)]
    for race, name in zip(races, calls, strict=True):
        try:
            race.finish()
        except psycopg.Error as error:
            if not str(error.sqlstate).startswith("RQ"):
                yield f"{name}: {error.sqlstate} {error.diag.message_primary}"
    yield from (f"verify: {found}" for found in queue.violations())


@pytest.mark.one_server
@pytest.mark.parametrize("first", CALLS)
def test_no_two_calls_deadlock_over_the_same_jobs(queue, connect, clock, first):
    sessions = [Queue(connect()) for _ in range(3)]
    found, names = [], list(CALLS)
    # Each pair once: every call with itself and with those of the half of the circle after it.
    place = names.index(first)
    for second, held in product((names * 2)[place : place + len(names) // 2 + 1], ("low", "high")):
        for state in sorted({CALLS[first][0], CALLS[second][0]}):
            made = scene(queue, clock, state, (first, second))
            found += [f"{first} × {second}, {held} held, {state}: {fault}" for fault in faults(queue, sessions, (first, second), held, made)]
    assert found == [], "\n".join(found)
