"""The mutants: what is changed in which file, and who has to notice. Each text stands exactly once in its file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

STATES = "tests/sql/test_queue_states.py"
RACES = "tests/sql/test_queue_races.py"
LEASES = "tests/sql/test_queue_leases.py"
CLAIMS = "tests/sql/test_queue_claims.py"
FAIR = "tests/sql/test_queue_fairness.py"
LIMITS = "tests/sql/test_queue_limits.py"
PAUSES = "tests/sql/test_queue_pauses.py"
GRAPH = "tests/sql/test_queue_dependencies.py"
ENQUEUE = "tests/sql/test_queue_enqueue.py"
BULK = "tests/sql/test_queue_bulk.py"
MACHINE = ("tests/sql/test_queue_machine.py",)
COSTS = "tests/sql/test_queue_costs.py"
TYPES = "tests/sql/test_queue_job_types.py"


@dataclass(frozen=True)
class Mutant:
    """One fault; `file` is below sql/functions, `tests` are arguments of pytest."""

    name: str
    file: str
    changes: tuple[tuple[str, str], ...]
    tests: tuple[str, ...]

    def apply(self, root: Path) -> None:
        """Make the fault in a copy of sql/.

        Raises:
            ValueError: a text does not stand there exactly once.
        """
        path = root / "functions" / self.file
        text = path.read_text(encoding="utf-8")
        for old, new in self.changes:
            if text.count(old) != 1:
                raise ValueError(f"{self.name}: {text.count(old)} times in {self.file}: {old!r}")
            text = text.replace(old, new)
        path.write_text(text, encoding="utf-8")


def one(name: str, file: str, old: str, new: str, *tests: str) -> Mutant:
    """A mutant of a single change; without tests it is the state machine that has to notice."""
    return Mutant(name, file, ((old, new),), tests or MACHINE)


MUTANTS = [
    # The fence
    one("fence removed", "queue/hold_job.sql", " or v_job.token is distinct from p_token", "", STATES, "-k", "completion_needs_the_token"),
    one("fence removed, and the machine", "queue/hold_job.sql", " or v_job.token is distinct from p_token", ""),
    one("fence removed in a batch", "queue/complete_batch.sql", " and j.token = r.token", "", LEASES, "-k", "batch_is_fenced"),
    one("anybody settles for anybody", "queue/complete_batch.sql", " and j.worker_id = p_worker_id", ""),
    one("a heartbeat forgets the token", "queue/heartbeat.sql", "l.job_id = b.job_id and l.token = b.token and l.worker_id = p_worker_id\n        and", "l.job_id = b.job_id and l.worker_id = p_worker_id\n        and", LEASES, "-k", "old_token"),
    # Races
    one("share lock on parents removed", "queue/link_parents.sql", "where j.id = any(v_parents) order by j.id for share", "where j.id = any(v_parents)", RACES, "-k", "enqueued"),
    Mutant(  # as one statement would: what it sees of the edges is older than its wait for the parent
        "children are released before the parent is locked", "queue/settle_jobs.sql",
        (
            ("    v_done := queue.complete_batch(", "    perform queue.release_children(v_ids);\n    v_done := queue.complete_batch("),
            ("    perform queue.release_children(v_done);\n", ""),
        ),
        (RACES, "-k", "the_same_in_a_batch"),
    ),
    one("any isolation level will do", "base/require_read_committed.sql", "if current_setting('transaction_isolation') not in ('read committed', 'read uncommitted') then", "if false then", ENQUEUE, RACES, "-k", "isolation or read_committed"),
    one("claims wait for locked rows", "queue/claim_jobs.sql", "j.status = 'queued' for no key update skip locked", "j.status = 'queued' for no key update", RACES, "-k", "does_not_wait_for_whoever"),
    one("a rescue does not look again", "queue/rescue_expired.sql", "l.token = v_lease.token and l.expires_at < v_now for update", "l.token = v_lease.token for update", RACES, "-k", "at_work"),
    one("counters are locked as they come", "queue/settle_jobs.sql", "where d.parent_id = any(v_all) and not d.satisfied", "where false and d.parent_id = any(v_all) and not d.satisfied", RACES, "-k", "several_ways"),
    # Claims
    one("a full look from where the lane is", "queue/claim_jobs.sql", "'-infinity') as lower_key", "(select c.virtual_time - 1e-9 from queue.lane_clocks as c where c.lane = l.lane)) as lower_key", CLAIMS, *MACHINE, "-k", "lower_bounds or contract"),
    one("bounds are ignored", "queue/claim_jobs.sql", "coalesce(p_fair_keys[array_position(p_lanes, l.lane)], '-infinity')", "'-infinity'::double precision", COSTS, "-k", "old_snapshot"),
    one("a draining worker claims", "queue/claim_jobs.sql", "if v_worker.status = 'draining' or v_worker.drain_requested_at is not null or p_limit = 0", "if p_limit = 0"),
    one("needs are ignored", "queue/claim_jobs.sql", "and l.needs <@ v_worker.capabilities", ""),
    one("no ageing", "queue/claim_jobs.sql", "                lane.priority - floor(extract(epoch from v_now - head.ready_at) / 3600), head.seq", "                lane.priority, head.seq", CLAIMS, "-k", "old_job"),
    one("a batch takes too much", "queue/claim_jobs.sql", "floor(v_left * v_type.batch / v_head.weight)::integer", "ceil(v_left * v_type.batch)::integer"),
    one("no slots are kept for heavy jobs", "queue/reserve_slots.sql", "if p_ready_at > p_now - interval '1 minute' then", "if true then", FAIR, "-k", "heavy"),
    one("all tenants come in at the same place", "queue/place_ready.sql", "flows.last_key + flows.step * row_number() over (partition by new.lane, new.flow order by new.n) as fair_key", "0 as fair_key", FAIR, "-k", "tenant"),
    # Failure and return
    one("a drain charges an attempt", "queue/requeue_job.sql", "set status = 'queued',", "set attempts = j.attempts + 1, status = 'queued',"),
    one("a crash is charged to the attempts", "queue/settle_failure.sql", "v_crashes := v_crashes + 1;", "v_attempts := v_attempts + 1;"),
    one("every failure is charged", "queue/settle_failure.sql", "elsif coalesce(v_policy.charges, true) then", "else"),
    one("no jitter", "queue/retry_wait.sql", "then v_wait_s * random() else", "then v_wait_s else", STATES, "-k", "jitter"),
    one("waits without a cap", "queue/retry_wait.sql", "        v_cap_s,\n", "        1e9,\n", STATES, "-k", "longer or cap"),
    one("a cancel is lost on release", "queue/requeue_job.sql", "if v_cancel then", "if false then", STATES, "-k", "cancelled_job"),
    one("a cancel is lost on failure", "queue/settle_failure.sql", "if coalesce(v_cancel, false) or p_error_class", "if p_error_class"),
    one("no grace after an outage", "queue/rescue_expired.sql", "if v_now - v_upkeep.last_run_at > v_upkeep.grace then", "if false then"),
    one("a retry keeps the old budgets", "queue/retry_job.sql", "attempts = 0, crashes = 0,", "crashes = 0,"),
    # The state machine of the record, and its narrow rows
    one("the guard lets all pass", "queue/guard_job.sql", "        if not (\n", "        if false and not (\n", STATES, "-k", "machine"),
    one("a narrow row stays behind", "queue/cancel_job.sql", "    delete from queue.scheduled as s where s.due = v_job.scheduled_for and s.job_id = p_job_id;\n", "", STATES, "-k", "queued_job_is_done_at_once"),
    one("a lease stays behind", "queue/complete_job.sql", "delete from queue.leases as l where l.job_id = p_job_id returning", "update queue.leases as l set beat_at = l.beat_at where l.job_id = p_job_id returning"),
    one("a deleted job leaves its place behind", "queue/forget_jobs.sql", "    delete from queue.ready as r where r.job_id = any(v_ids)", "    delete from queue.ready as r where false and r.job_id = any(v_ids)"),
    # Parents
    one("a parent counts once for two", "queue/count_down.sql", "set pending = b.pending - c.n", "set pending = b.pending - 1", GRAPH, *MACHINE, "-k", "parents or contract"),
    one("a failure leaves the willing waiting", "queue/settle_children_of_failed.sql", "        perform queue.release_children(v_parents, true);\n", ""),
    one("a failure stops at the children", "queue/settle_children_of_failed.sql", "        v_parents := v_doomed;", "        v_parents := '{}';"),
    one("a child of something over waits for ever", "queue/link_parents.sql", "    if v_over <> '{}' then", "    if false then"),
    one("those who wait do not wait for a fan-out", "queue/spawn_jobs.sql", "where d.parent_id = p_job_id and not d.satisfied and n.id", "where false and d.parent_id = p_job_id and not d.satisfied and n.id"),
    # Limits, pauses, explain
    one("a crash keeps its unit of a limit", "queue/settle_failure.sql", "    perform queue.give_back(v_limits);\n", "    if p_error_class <> 'worker_lost' then perform queue.give_back(v_limits); end if;\n"),
    one("a batch keeps its units of a limit", "queue/settle_jobs.sql", "from ended as e cross join lateral unnest(e.limits) as k group by", "from ended as e cross join lateral unnest(e.limits) as k where false group by"),
    one("a limit lets one more in", "queue/take_units.sql", "if v_limit.used >= coalesce(", "if v_limit.used > coalesce(", LIMITS, "-k", "several"),
    one("units in the hands of a claim are not counted", "queue/claim_jobs.sql", "            if v_all.job_ids is not null then\n                return query", "            if false then\n                return query", LIMITS, "-k", "in_the_hands"),
    one("a pause of a type is not heeded", "queue/claim_jobs.sql", "                    and l.job_type <> all(v_paused)\n", ""),
    one("a pause of a tenant is not heeded", "queue/gates_of.sql", "('tenant', j.tenant_id::text), ", ""),
    one("a resume forgets what waits", "queue/resume.sql", "    if p_scope <> 'all' then\n", "    if false then\n", PAUSES, "-k", "lets_it_go"),
    one("explain knows of no pause", "queue/explain_job.sql", "p.scope = 'all' or (p.scope = 'job_type'", "false or (p.scope = 'job_type'"),
    one("explain counts a limit wrongly", "queue/explain_limits.sql", "where c.used + c.before >= c.max_running", "where c.used + c.before > c.max_running"),
    one("explain counts draining workers", "queue/explain_workers.sql", "w.status = 'active' and w.drain_requested_at is null as active", "true as active"),
    # Bells
    one("a notification for each job", "queue/notify_ready.sql", "if v_last is null or", "if true or v_last is null or", FAIR, "-k", "notifies or storm"),
    Mutant(
        "notifications while nobody sleeps", "queue/notify_ready.sql",
        (
            ("    if not exists (select from queue.sleepers) then\n        return;\n    end if;\n", ""),
            ("where exists (select from queue.sleepers as s where s.types is null or t = any(s.types))", "where true"),
        ),
        (FAIR, "-k", "nobody_sleeps"),
    ),
    # Job types
    one("a sync takes what an operator changed", "queue/sync_job_type.sql", "p_overwrite or v_now -> v_key is not distinct from v_row.declared -> v_key", "true", TYPES, "-k", "kept_until"),
    one("a sync brings back a policy that was deleted", "queue/sync_retry_policies.sql", "when not p_overwrite and v_policy.now is distinct from v_policy.last then 'kept'", "when false then 'kept'", TYPES, "-k", "kept_until"),
]  # fmt: skip
