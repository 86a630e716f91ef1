"""What must hold while the stress runs, on a consistent snapshot, and when it is over."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import psycopg

from tests.stress.setting import has

ALWAYS = {
    "queue.verify()": "select invariant, job_id, detail from queue.verify()",
    "completed once": "select job_id, count(*) from queue.job_attempts where outcome = 'completed' group by 1 having count(*) > 1",
    "nothing after its completion": """
        select a.job_id, a.attempt from queue.job_attempts as a
        join queue.job_attempts as later on later.job_id = a.job_id and later.attempt > a.attempt
        where a.outcome = 'completed'
    """,
    "no start before a parent's end": """
        select a.job_id, a.started_at, parent.id, parent.status, parent.completed_at
        from queue.job_dependencies as d
        join queue.job_attempts as a on a.job_id = d.job_id
        join queue.processing_jobs as parent on parent.id = d.parent_id
        where d.on_failure <> 'run' and (parent.status <> 'completed' or parent.completed_at > a.started_at)
    """,
    "attempts of a job follow one another": """
        select job_id, attempt from (
            select job_id, attempt, started_at, lag(ended_at) over (partition by job_id order by attempt) as before from queue.job_attempts
        ) as a where before > started_at
    """,
}
LIMITED = """
select l.limit_key, l.max_running, l.used, count(j.id)
from queue.limits as l
join queue.leases as lease on true
join queue.processing_jobs as j on j.id = lease.job_id and l.limit_key = 'type:' || j.job_type
group by l.limit_key, l.max_running, l.used having count(j.id) > l.used
"""
AT_THE_END = {
    "every job is over": "select id, job_type, status from queue.processing_jobs where status in ('queued', 'running')",
    "no lease": "select job_id, worker_id from queue.leases",
    "nothing waits": """
        select 'ready', job_id from queue.ready union all select 'scheduled', job_id from queue.scheduled
        union all select 'blocked', job_id from queue.blocked union all select 'parked', job_id from queue.parked
    """,
    "no deadlock": "select deadlocks from pg_stat_database where datname = current_database() and deadlocks > 0",
}
LEFT = "select count(*) from queue.processing_jobs where status in ('queued', 'running')"


def broken(conn: psycopg.Connection[Any], over: bool = False) -> dict[str, list[tuple[Any, ...]]]:
    """Invariants that do not hold, with up to five findings each; all see one snapshot."""
    checks = ALWAYS | (AT_THE_END if over else {})
    if has(conn, "queue.set_limit(text,integer)"):
        checks = checks | {"a limit counts what runs": LIMITED}
    found: dict[str, list[tuple[Any, ...]]] = {}
    with conn.transaction():
        conn.execute("set transaction isolation level repeatable read read only")
        for name, query in checks.items():
            if rows := conn.execute(query.encode()).fetchmany(5):
                found[name] = rows
    return found


def log_of(folder: Path) -> list[dict[str, Any]]:
    """What all actors wrote; the last line of a killed one may be torn."""
    told = []
    for path in sorted(folder.glob("*.log")):
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                told.append({"actor": path.stem, **json.loads(line)})
            except ValueError:
                told.append({"actor": path.stem, "what": "torn"})
    return told


def false_words(conn: psycopg.Connection[Any], told: list[dict[str, Any]]) -> list[str]:
    """Where the history does not say what a worker was told: an 'ok' without its row, a 'lost' that was taken all the same."""
    rows = conn.execute("select job_id::text, attempt, outcome, worker_id from queue.job_attempts").fetchall()
    history = {(job, attempt): (outcome, worker) for job, attempt, outcome, worker in rows}
    wrong = []
    for one in told:
        if one["what"] != "report":
            continue
        outcome, worker = history.get((one["job"], one["token"]), (None, None))
        taken = one["verdict"] == "ok" and worker == f"w{one['actor'].split('-')[-1]}"
        meant = {"failed": ("retried", "failed", "cancelled"), "completed": ("completed",)}.get(one["outcome"], (one["outcome"], "cancelled"))
        if (one["verdict"] == "ok") != (taken and outcome in meant) or (one["verdict"] == "lost" and outcome == one["outcome"]):
            wrong.append(f"{one} but {outcome} by {worker}")
    keys = defaultdict(set)
    for one in told:
        if one["what"] == "key":
            keys[one["key"]].add(one["job"])
    return wrong + [f"key {key} gave {len(jobs)} jobs" for key, jobs in keys.items() if len(jobs) > 1]


def summary(conn: psycopg.Connection[Any], told: list[dict[str, Any]]) -> dict[str, Any]:
    """What happened, counted."""
    rows = conn.execute("select outcome, count(*) from queue.job_attempts group by 1 order by 1").fetchall()
    statuses = conn.execute("select status, count(*) from queue.processing_jobs group by 1 order by 1").fetchall()
    late = Counter(one["verdict"] for one in told if one["what"] == "report")
    hands: Counter[str] = Counter()
    for one in told:
        if one["what"] == "hands":
            hands.update({name: count for name, count in one.items() if isinstance(count, int)})
    return {"jobs": dict(statuses), "attempts": dict(rows), "reports": dict(late), "operator": dict(hands)}
