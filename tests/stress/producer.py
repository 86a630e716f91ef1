"""A producer of the stress: single jobs with 0 to 5 parents, graphs in one statement, keys that both producers use."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from tests.stress.actor import Actor
from tests.stress.setting import KINDS, has

FULL = 250  # so many jobs that wait are enough
WAITING = "select count(*) from ((select from queue.ready limit %s) union all (select from queue.parked limit %s)) as waiting"
TENANTS = "select array_agg(id) from identity.tenants where slug in ('one', 'two')"


def run(actor: Actor) -> None:
    """Enqueue until SIGTERM."""
    tenants = [None, *actor.value(TENANTS)]
    recent: list[UUID] = []
    bulk = has(actor.conn, "queue.enqueue_jobs(jsonb)")
    while not actor.stopped:
        if actor.value(WAITING, FULL, FULL) >= FULL:
            actor.nap(0.05)
            continue
        way = actor.dice.random()
        if way < 0.08:
            recent += graph(actor, recent)
        elif way < 0.12:
            key = f"k{actor.dice.randrange(200)}"
            actor.note("key", key=key, job=actor.value("select queue.enqueue_job('no_op', idempotency_key => %s)", key))
        elif way < 0.2 and bulk:
            recent += many(actor, recent)
        else:
            recent.append(single(actor, recent, actor.dice.choice(tenants)))
        del recent[:-150]
        actor.nap(actor.dice.uniform(0, 0.012))


def parents(actor: Actor, recent: list[UUID]) -> list[UUID] | None:
    """Some of the recent jobs, of whatever state."""
    count = actor.dice.choice([0, 0, 0, 1, 1, 2, 3, 5])
    return actor.dice.sample(recent, min(count, len(recent))) or None


def single(actor: Actor, recent: list[UUID], tenant: UUID | None) -> UUID:
    """One job."""
    later = timedelta(seconds=actor.dice.choice([0, 0, 0, 0.2, 1]))
    job: UUID = actor.value(
        """
        select queue.enqueue_job(%s, priority => %s, depends_on => %s, on_parent_failure => %s, tenant_id => %s,
            scheduled_for => base.clock() + %s)
        """,
        actor.dice.choice(KINDS), actor.dice.choice([1, 5, 5, 10]), parents(actor, recent), actor.dice.choice(["fail", "cancel", "run"]),
        tenant, later,
    )  # fmt: skip
    return job


def graph(actor: Actor, recent: list[UUID]) -> list[UUID]:
    """First, up to 8 in the middle, last: children stand before their parents in the statement."""
    ids: list[UUID] = actor.value("select array_agg(base.uuid_v7()) from generate_series(1, %s)", actor.dice.randint(4, 10))
    first, last, *middle = ids
    edges = {last: middle, **{job: [first] for job in middle}, first: parents(actor, recent)}
    values = [part for job, above in edges.items() for part in (job, above, actor.dice.choice(["fail", "run"]))]
    insert = "insert into queue.processing_jobs (id, job_type, depends_on, on_parent_failure) values "
    actor.conn.execute((insert + ", ".join(["(%s, 'no_op', %s, %s)"] * len(edges))).encode(), values)
    return ids


def many(actor: Actor, recent: list[UUID]) -> list[UUID]:
    """The same through the bulk function, by reference."""
    from psycopg.types.json import Jsonb

    above = [str(job) for job in parents(actor, recent) or []]
    specs: list[dict[str, Any]] = [{"ref": "a", "job_type": "no_op", "depends_on": above}]
    specs += [{"ref": f"b{n}", "job_type": actor.dice.choice(KINDS), "depends_on": ["a"]} for n in range(4)]
    specs += [{"ref": "c", "job_type": "no_op", "depends_on": [f"b{n}" for n in range(4)], "on_parent_failure": "run"}]
    return [row.job_id for row in actor.rows("select job_id from queue.enqueue_jobs(%s)", Jsonb(specs))]
