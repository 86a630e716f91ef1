"""An operator of the stress with restless hands: cancels, retries, buries, drains, rescues, limits, pauses."""

from __future__ import annotations

from collections import Counter

from tests.stress.actor import Actor
from tests.stress.setting import LIMITS, has

SOME_JOB = "select id from queue.processing_jobs where status in ('queued', 'running') order by random() limit 1"
A_DEAD_ONE = """
select d.job_id from queue.dead_letters as d join queue.processing_jobs as j on j.id = d.job_id
where j.error_code <> 'parent_failed' order by random() limit 1
"""
A_RUNNING_ONE = "select job_id from queue.leases order by random() limit 1"
A_WORKER = "select worker_id from queue.workers where status in ('active', 'draining') order by random() limit 1"


def run(actor: Actor) -> None:
    """Meddle until SIGTERM, and then put everything back."""
    hands = {
        "cancel": (8, ("RQ009",), lambda: actor.value("select queue.cancel_job(%s, 'stress')", actor.value(SOME_JOB))),
        "interrupt": (4, ("RQ009",), lambda: actor.value("select queue.cancel_job(%s, 'stress')", actor.value(A_RUNNING_ONE))),
        "retry": (8, ("RQ009", "RQ004"), lambda: actor.value("select queue.retry_job(%s)", actor.value(A_DEAD_ONE))),
        "rescue": (6, (), lambda: actor.value("select queue.rescue_expired()")),
        "promote": (2, (), lambda: actor.value("select queue.promote_due()")),
        "mark dead": (1, (), lambda: actor.value("select queue.mark_worker_dead(%s)", actor.value(A_WORKER))),
        "drain": (1, ("RQ004",), lambda: actor.value("select queue.drain_worker(%s, %s)", actor.value(A_WORKER), actor.dice.random() < 0.3)),
    }
    if has(actor.conn, "queue.reprioritise_job(uuid,integer)"):
        hands["reprioritise"] = (
            4, ("RQ009",), lambda: actor.value("select queue.reprioritise_job(%s, %s)", actor.value(SOME_JOB), actor.dice.randint(1, 10))
        )  # fmt: skip
    if has(actor.conn, "queue.pause(text,text,text)"):
        hands["pause"] = (1, (), lambda: actor.value("select queue.pause('job_type', %s, 'stress')", "extract_metadata"))
        hands["resume"] = (2, ("RQ004",), lambda: actor.value("select queue.resume('job_type', %s)", "extract_metadata"))
    if has(actor.conn, "queue.set_limit(text,integer)"):
        key = "type:no_op"
        hands["limit"] = (1, (), lambda: actor.value("select queue.set_limit(%s, %s)", key, actor.dice.choice([2, LIMITS[key], 40])))
    count: Counter[str] = Counter()
    weights = [weight for weight, _, _ in hands.values()]
    while not actor.stopped:
        (hand,) = actor.dice.choices(list(hands), weights)
        _, codes, call = hands[hand]
        _, refused = actor.allowed((*codes, "RQ004"), call)  # RQ004: there was none to choose from
        count[hand if refused is None else f"{hand} refused"] += 1
        actor.nap(actor.dice.uniform(0, 0.06))
    actor.rows("select queue.drain_worker(worker_id, false) from queue.workers where status <> 'stopped'")
    if "pause" in hands:
        actor.allowed(("RQ004",), lambda: actor.value("select queue.resume('job_type', 'extract_metadata')"))
    if "limit" in hands:
        actor.value("select queue.set_limit('type:no_op', %s)", LIMITS["type:no_op"])
    actor.note("hands", **count)
