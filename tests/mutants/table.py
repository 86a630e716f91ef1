"""The mutants: what is changed at which marks of the SQL, and who has to notice.

A mark is a comment at the end of a line, `-- mutant: NAME`; a mark on several lines marks them all. A line may be moved, reworded and
indented at will, as long as its mark goes with it and the few words that a mutant changes stay.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

STATES = "tests/sql/test_queue_states.py"
NOTICES = "tests/sql/test_notifications.py"
RETENTION = "tests/sql/test_retention.py"
SWEEP = "tests/sql/test_sweep.py"
REGISTER = "tests/sql/test_objects.py"
RACES = "tests/sql/test_queue_races.py"
LOCKS = "tests/sql/locks"
LEASES = "tests/sql/test_queue_leases.py"
CLAIMS = "tests/sql/test_queue_claims.py"
FAIR = "tests/sql/test_queue_fairness.py"
LIMITS = "tests/sql/test_queue_limits.py"
TURNS = "tests/sql/test_queue_limits_turns.py"
PAUSES = "tests/sql/test_queue_pauses.py"
GRAPH = "tests/sql/test_queue_dependencies.py"
ENQUEUE = "tests/sql/test_queue_enqueue.py"
ERRORS = "tests/sql/test_errors_in_psql.py"
OBJECTS = "tests/sql/test_objects_races.py"
MACHINE = ("tests/sql/test_queue_machine.py",)
HEALTH = "tests/sql/test_queue_health.py"
SERVER_HEALTH = "tests/sql/test_server_health.py"
EXPLAIN = "tests/sql/test_queue_explain.py"
COSTS = "tests/sql/test_queue_costs.py"
TYPES = "tests/sql/test_queue_job_types.py"
MEMBERS = "tests/sql/test_security_users.py"
TENANTS = "tests/sql/test_security_tenants.py"
JOB_DATA = "tests/sql/test_security_job_data.py"
OWNER = "tests/sql/test_security_owner.py"
RLS = "tests/sql/test_rls_queue.py"
ODD = "tests/sql/test_odd_servers.py"


OPTIONS = "tests/sql/test_queue_options.py"
LOGS = "tests/sql/test_queue_logs.py"
HOOKS = "tests/sql/test_webhooks.py"
HISTORY = "tests/sql/test_queue_history.py"
CHANGES = "tests/sql/test_queue_changes.py"
CASCADES = "tests/sql/test_queue_cascades.py"
PIPELINES = "tests/sql/test_queue_pipelines.py"
PAIRS = "tests/sql/test_queue_pairs.py"
SCHEDULES = "tests/sql/test_queue_schedules.py"
SECRETS = "tests/sql/test_ops_secrets.py"
BACKUPS = "tests/sql/test_backups.py"
FIGURES = "tests/sql/test_queue_tenant_figures.py"
PERSONAL = "tests/sql/test_personal.py"
PII = "tests/sql/test_personal_pii.py"
AUDIT = "tests/sql/test_audit.py"
AUDIT_GUARD = "tests/sql/test_audit_guard.py"
QUOTAS = "tests/sql/test_quotas.py"
KEYS = "tests/sql/test_api_keys.py"
CONFIGS = "tests/sql/test_tenant_configs.py"
SYSTEM_CONFIG = "tests/sql/test_system_config.py"
FLAGS = "tests/sql/test_feature_flags.py"
TOLD = "tests/sql/test_events_told.py"
LOGIN = "tests/sql/test_identity_login.py"
SESSIONS = "tests/sql/test_identity_sessions.py"
TOKENS = "tests/sql/test_identity_tokens.py"
USERS = "tests/sql/test_identity_users.py"
AUDIT_ACTORS = "tests/sql/test_audit_actors.py"
KEY_SCOPES = "tests/sql/test_identity_scopes.py"
REVIEW = "tests/sql/test_identity_review.py"
UPKEEP = "tests/sql/test_ops_upkeep.py"
OBJECTS_LIFE = "tests/worker/test_objects_life.py"
MARK = "  -- mutant: "


@dataclass(frozen=True)
class Change:
    """In the lines that bear `mark` replace `old`, which stands there once, by `new`; without `old` the lines go."""

    mark: str
    old: str | None = None
    new: str = ""


@dataclass(frozen=True)
class Mutant:
    """One fault; `tests` are arguments of pytest."""

    name: str
    changes: tuple[Change, ...]
    tests: tuple[str, ...]

    def apply(self, root: Path) -> None:
        """Make the fault in a copy of sql/.

        Raises:
            ValueError: a mark stands in no file or in several, or its lines do not hold the text once.
        """
        for change in self.changes:
            _change(root, change)


def _change(root: Path, change: Change) -> None:
    bears = re.compile(re.escape(MARK + change.mark) + "$", re.MULTILINE)
    found = [path for path in sorted((root / "functions").rglob("*.sql")) if bears.search(path.read_text(encoding="utf-8"))]
    if len(found) != 1:
        raise ValueError(f"mark {change.mark!r} must stand in one file, not in {len(found)}")
    lines = found[0].read_text(encoding="utf-8").split("\n")
    marked = [number for number, line in enumerate(lines) if bears.search(line)]
    if marked != list(range(marked[0], marked[-1] + 1)):
        raise ValueError(f"lines marked {change.mark!r} must follow one another")
    block = "\n".join(bears.sub("", lines[number]) for number in marked)
    if change.old is not None and block.count(change.old) != 1:
        raise ValueError(f"lines marked {change.mark!r} must hold {change.old!r} once, not {block.count(change.old)} times")
    lines[marked[0] : marked[-1] + 1] = [] if change.old is None else [block.replace(change.old, change.new)]
    found[0].write_text("\n".join(lines), encoding="utf-8")


def one(name: str, old: str, new: str, *tests: str, at: str | None = None) -> Mutant:
    """A mutant of a few words, at the mark of its own name or `at` another; without tests the state machine has to notice."""
    return Mutant(name, (Change(at or name, old, new),), tests or MACHINE)


def dropped(name: str, *tests: str, at: str | None = None) -> Mutant:
    """A mutant that lacks the marked lines."""
    return Mutant(name, (Change(at or name),), tests or MACHINE)


MUTANTS = [
    one("a stack of any length", "right(p_text, p_most - length(v_mark))", "p_text", LOGS, "-k", "whoever_writes"),
    one("a plain INSERT for another tenant is refused without words", "check (queue.check_own_row(tenant_id))", "check (false)", RLS, "-k", "in_words"),
    one("a fan-out locks its own job first, beside any other call", "order by k ", "order by k <> p_job_id, k ", PAIRS, "-k", "spawn and older", at="a fan-out locks its own job first"),
    one("a bulk change locks jobs as they come, beside any other call", "order by j.id", "order by j.id desc", PAIRS, "-k", "many", at="a bulk change locks jobs as they come"),
    # The fence
    one("fence removed", " or v_job.token is distinct from p_token", "", STATES, "-k", "completion_needs_the_token"),
    one("fence removed, and the machine", " or v_job.token is distinct from p_token", "", at="fence removed"),
    one("fence removed in a batch", " and j.token = r.token", "", LEASES, "-k", "batch_is_fenced"),
    one("anybody settles for anybody", " and j.worker_id = p_worker_id", "", at="fence removed in a batch"),
    one("a heartbeat forgets the token", "l.token = b.token and l.worker_id", "l.worker_id", LEASES, "-k", "old_token"),
    one("unknown progress is none", "case when b.progress is not null then least(greatest(b.progress, 0), 1) end", "least(greatest(b.progress, 0), 1)", LEASES, "-k", "says_nothing"),
    # Options
    one("options are not checked", "v_mistake is not null", "false", OPTIONS, "-k", "whoever_writes"),
    one("a job without its video", "v_without is not null", "false", OPTIONS, "-k", "without_its_video"),
    one("another row is named", "order by j.n limit 1", "order by j.n desc limit 1", OPTIONS, "-k", "named_by_its_row"),
    one("keywords that nobody knows are passed over", "v_key <> all(v_known)", "false", OPTIONS, "-k", "passed_over"),
    one("a pattern of any cost", "v_group * v_states > v_most_states", "false", OPTIONS, "-k", "passed_over"),
    one("an unknown option in a path", "coalesce(p_schema -> 'additionalProperties', 'true') <> 'false'", "true", OPTIONS, "-k", "same_as_the_function"),
    # The audit
    one("the audit holds hashes", "= 'secret'", "= 'no such class'", AUDIT, "-k", "never_its_value"),
    one("facts may hold secrets", "to_jsonb('(changed)'::text)", "e.value", AUDIT, "-k", "no_secret_away"),
    one("a redaction opens the audit", "and to_jsonb(new) - 'diff' = to_jsonb(ops.redacted_act(old, r)) - 'diff'", "", AUDIT_GUARD, "-k", "by_hand"),
    one("a partition may be truncated", "before truncate", "before update", AUDIT_GUARD, "-k", "whatever_it_sets"),
    dropped("an act in a month without a partition is lost", AUDIT, "-k", "not_lost"),
    one("a new device is nothing new", "not v_earlier.same_device", "false", AUDIT, "-k", "new_device"),
    one("the audit tells who has an account", "and identity.may_see(u.tenant_id, u.id)", "", AUDIT_GUARD, "-k", "who_else_is_here"),
    one("a member is not told what was done to them", " and a.subject_user_id = $7", " and false", AUDIT_GUARD, "-k", "done_to_their_account"),
    one("a member reads all acts", "identity.limited_to()", "null", AUDIT_GUARD, "-k", "member_their_own"),
    one("a tenant reads another's acts", "v_tenant is not null", "false", AUDIT_GUARD, "-k", "member_their_own"),
    one("a bulk change is not told", "> 0", "> 1000000", AUDIT, "-k", "one_act_with_its_filter"),
    # Races
    one("share lock on parents removed", " order by j.id for share", "", RACES, "-k", "enqueued"),
    Mutant("children are released before the parent is locked", (Change("children are released before the parent is locked", "v_done", "perform queue.release_children(v_ids);\n    v_done"), Change("children are released before the parent is locked (2)", None, "")), (RACES, "-k", "the_same_in_a_batch")),
    one("a refusal does not say which spec", "queue.spec_name(v_low, p_specs -> (v_low - 1)) || ': ' || ", "", ERRORS, "-k", "spec_that_is_wrong"),
    one("any isolation level will do", "current_setting('transaction_isolation') not in ('read committed', 'read uncommitted')", "false", ENQUEUE, RACES, "-k", "isolation or read_committed"),
    one("claims wait for locked rows", " skip locked", "", RACES, "-k", "does_not_wait_for_whoever"),
    one("a rescue does not look again", "and l.expires_at = v_lease.expires_at ", "", RACES, "-k", "at_work"),
    one("a window sees no places", "coalesce(e.status, 'no job') || ' but '", "null", "tests/sql/test_queue_verify.py", "-k", "window"),
    one("a day of any size in one transaction", "floor(v_most / greatest(v_busiest, 1))", "24", "tests/sql/test_queue_stats.py", "-k", "busy_hours"),
    one("children of a batch are not seen", "exists (select from queue.job_dependencies as d where d.parent_id between v_first and v_last)", "false", RACES, "-k", "the_same_in_a_batch"),
    one("counters are locked as they come", "d.parent_id", "false and d.parent_id", RACES, "-k", "several_ways"),
    one("spawned parts are not locked", "v_more <@ v_known", "v_known <> '{}'", LOCKS, "-k", "spawning_in_its_turn or spawning_while_it_waited"),
    one("a video goes while a job of it comes", " for key share", "", LOCKS, "-k", "beside_an_enqueue"),
    one("a tenant goes while a job of it comes", " for key share", "", LOCKS, "-k", "beside_an_enqueue"),
    one("a child that comes beside a cascade waits for ever", "queue.find_doomed(v_all, v_most - v_count)", "'{}'", LOCKS, "-k", "a_cascade_and"),
    one("bytes that no worker reads", "not base.is_utf8", "false and base.is_utf8", ODD, "-k", "any_bytes"),
    one("keys are locked as they come", "s.idempotency_key", "null", LOCKS, "-k", "opposite_order"),
    dropped("two fan-outs close a circle", LOCKS, "-k", "would_wait_for_each_other"),
    dropped("a part gets an edge to an archived job", LOCKS, "-k", "no_edge_to_a_part"),
    one("a retry locks as it goes", "order by j.id", "order by j.id desc", LOCKS, "-k", "retry_and_an_enqueuer"),
    one("a retry looks once", "v_now <@ v_all", "true", LOCKS, "-k", "to_each_other_a_child"),
    dropped("a retry keeps what it has locked", LOCKS, "-k", "lock_in_one_order_what_both"),
    one("a retry does not wait for other parents", " for share", "", RACES, "-k", "retry_of_a_child or other_parent"),
    one("a cascade locks as it goes", "order by j.id", "order by j.id desc", LOCKS, "-k", "one_order"),
    one("a bulk change locks jobs as they come", "order by j.id", "order by j.id desc", "tests/sql/test_queue_changes.py", "-k", "one_order"),
    one("a bulk change reaches other tenants", "p_filter.tenant_id is null", "true", "tests/sql/test_queue_changes.py", "-k", "its_own_jobs"),
    one("a bulk retry meets its own failures", ", v_started)", ")", "tests/sql/test_queue_changes.py", "-k", "fails_again"),
    one("nothing chosen means all", " = 0", " < 0", "tests/sql/test_queue_changes.py", "-k", "nonsense"),
    dropped("who is rescheduled keeps its permits", "tests/sql/test_queue_changes.py", "-k", "wherever_it_waits"),
    dropped("a cancel locks as it goes", LOCKS, "-k", "fall_with_it"),
    one("a job is locked before its video", "for no key update", "", LOCKS, "-k", "video_is_deleted"),
    one("a video is deleted asset first", "media.videos as v where v.id = p_video_id", "media.assets as a where a.id = v_asset", LOCKS, "-k", "changes_its_video"),
    dropped("a tenant is deleted asset first", LOCKS, "-k", "changes_its_video"),
    dropped("a job is locked before its tenant", LOCKS, "-k", "between_a_completion"),
    dropped("a job is locked before its asset", LOCKS, "-k", "same_for_a_job_of_an_asset"),
    dropped("a rerun locks the video before the tenant", LOCKS, "-k", "changes_its_video"),
    one("a pipeline locks the video before the tenant", "for key share", "", LOCKS, "-k", "changes_its_video"),
    one("a fan-out locks the job before the tenant", " for key share", "", LOCKS, "-k", "beside_a_fan_out"),
    one("a fan-out locks jobs before other videos", " for key share", "", LOCKS, "-k", "about_another_video"),
    one("a fan-out locks its own job first", "order by k ", "order by k <> p_job_id, k ", LOCKS, "-k", "locks_older_jobs"),
    one("a fan-out keeps what it has locked", "not e.is_new", "false", LOCKS, "-k", "finds_a_key_late"),
    one("a delete of several locks as it goes", "order by j.id", "order by j.id desc", LOCKS, "-k", "locks_older_jobs and delete_jobs"),
    one("a batch locks videos before tenants", " for key share", "", LOCKS, "-k", "changes_its_video"),
    one("a batch locks as it fails", "v_all || v_doomed", "v_all", LOCKS, "-k", "those_that_fall_with_it"),
    dropped("a failure locks as it goes", LOCKS, "-k", "those_that_fall_with_it"),
    one("a fan-out locks edges before counters", " for update", "", LOCKS, "-k", "beside_a_fan_out_of_its_parent"),
    one("parts are locked after those that wait for them", "s.parent_id = up.id", "s.parent_id = up.id and v_known <> '{}'", LOCKS, "-k", "for_its_parts"),
    # Claims
    one("a full look from where the lane is", "'-infinity'", "(select c.virtual_time - 1e-9 from queue.lane_clocks as c where c.lane = l.lane)", CLAIMS, *MACHINE, "-k", "lower_bounds or contract"),
    one("bounds are ignored", "coalesce(p_fair_keys[array_position(p_lanes, l.lane)], '-infinity')", "'-infinity'::double precision", COSTS, "-k", "old_snapshot", at="a full look from where the lane is"),
    one("a draining worker claims", "v_worker.status = 'draining' or v_worker.drain_requested_at is not null or ", ""),
    one("a host in trouble claims", "v_worker.trouble is not null", "false", EXPLAIN, "-k", "host_in_trouble"),
    dropped("needs are ignored"),
    one("no ageing", " - floor(extract(epoch from p_now - head.ready_at) / 3600)", "", CLAIMS, "-k", "old_job"),
    one("a batch takes too much", "floor(v_free * v_head.batch / v_head.weight", "ceil(v_free * v_head.batch"),
    one("no slots are kept for heavy jobs", "p_ready_at > p_now - interval '1 minute'", "true", FAIR, "-k", "heavy"),
    one("all tenants come in at the same place", "flows.last_key + flows.step * row_number() over (partition by new.lane, new.flow order by new.n)", "0", FAIR, "-k", "tenant"),
    one("all tenants come in at the same place (2)", ")) + at.step", ")) * 0", FAIR, "-k", "one_by_one"),
    one("what a bulk call writes is not checked", "then t.needs", "then t.needs else t.needs", JOB_DATA, "-k", "refused and bulk"),
    one("the clock of a lane stands still when nothing is left", "not exists", "false and not exists", CLAIMS, "-k", "above_its_bounds"),
    one("a reservation waits", " skip locked", "", RACES, "-k", "keep_slots_free"),
    # Failure and return
    one("a drain charges an attempt", "status", "attempts = j.attempts + 1, status"),
    one("a crash is charged to the attempts", "v_crashes := v_crashes", "v_attempts := v_attempts"),
    one("every failure is charged", "elsif queue.charges_attempt(v_policy, p_job, p_code) then", "else"),
    one("trouble of the host costs nothing for ever", "> p_policy.charges_after", "> '1000 years'", STATES, "-k", "charged_late"),
    one("no jitter", "* random() ", "", STATES, "-k", "jitter"),
    one("waits without a cap", "v_cap_s", "1e9", STATES, "-k", "longer or cap"),
    one("a cancel is lost on release", "v_cancel", "false", STATES, "-k", "cancelled_job"),
    one("a cancel is lost on failure", "coalesce(v_cancel, false) or ", ""),
    one("no grace after an outage", "v_now - v_upkeep.last_run_at > v_upkeep.grace", "false"),
    one("an outage keeps the jobs of the dead", "held.expires_at >= v_upkeep.last_run_at and ", "", LEASES, "-k", "marked_dead"),
    one("a retry keeps the old budgets", "attempts = 0, ", ""),
    # The state machine of the record, and its narrow rows
    one("the guard lets all pass", "not", "false and not", STATES, "-k", "machine"),
    dropped("a narrow row stays behind", STATES, "-k", "queued_job_is_done_at_once"),
    one("a lease stays behind", "delete from queue.leases as l", "update queue.leases as l set beat_at = l.beat_at"),
    one("a deleted job leaves its place behind", "r.job_id", "false and r.job_id"),
    # Parents
    one("a parent counts once for two", "c.n", "1", GRAPH, *MACHINE, "-k", "parents or contract"),
    dropped("a failure leaves the willing waiting"),
    one("a failure stops at the children", "queue.fail_blocked(v_doomed)", "queue.fail_blocked(queue.find_doomed(p_parent_ids, 1))"),
    one("a video is reopened that cannot end", "not exists (", "(true or not exists (", GRAPH, "-k", "cannot_become_ready"),
    dropped("a step that falls leaves its video", GRAPH, "-k", "ends_its_video"),
    one("a child of something over waits for ever", "v_over <> '{}'", "false"),
    one("those who wait do not wait for a fan-out", "d.parent_id", "false and d.parent_id"),
    # Limits, pauses, explain
    one("a crash keeps its permit", "perform queue.release_permits(v_limits)", "if p_error_class <> 'worker_lost' then perform queue.release_permits(v_limits); end if"),
    one("a batch keeps its permits", "group", "where false group", LIMITS, "-k", "however_the_attempt_ends"),
    one("a limit lets one more in", "=", "", LIMITS, "-k", "several"),
    one("permits in the hands of a claim are not counted", "v_taken.job_ids is not null", "false", LIMITS, "-k", "in_the_hands"),
    one("a permit waits behind the backlog", " and r.limits is not null", "", LIMITS, "-k", "backlog_lets_in"),
    one("a permit is lost in the backlog", " and one.limits is null", "", RACES, "-k", "backlog_is_parked"),
    one("a limit is set on a row that goes", "perform from queue.limits as l where l.limit_key = v_key for no key update;",
        "perform from queue.limits as l where l.limit_key = v_key;", RACES, "-k", "takes_away"),
    one("behind a limit tenants take no turns", "row_number() over (partition by new.gate, new.priority, new.flow order by new.n)", "0", TURNS, "-k", "huge_backlog"),
    one("a tenant that was idle comes first behind a limit", "l.virtual_times[f.priority]", "0", TURNS, "-k", "was_idle"),
    one("behind a limit the clock stands still", "virtual_times = array(", "counted = l.counted or null is not distinct from array(", TURNS, "-k", "was_idle"),
    one("a limit set anew begins at nought", "p.fair_key", "0", TURNS, "-k", "set_anew"),
    one("a job under two limits goes to the end behind each", ", true", "", TURNS, "-k", "from_one_limit_to_the_next"),
    one("what is locked behind a limit holds up the other priorities", "v_all", "v_priorities", TURNS, "-k", "no_other_priority_waiting"),
    one("behind a limit priorities are merged by their heads alone", "max(first.rank) over (partition by c.priority order by first.fair_key, first.seq)", "first.rank", TURNS, "-k", "many_permits"),
    dropped("what comes after a limit overtakes what was there before it", TURNS, "-k", "turns_no_priorities_round"),
    one("a backlog is parked from its end", "order by l.priority", "order by - l.priority", TURNS, "-k", "turns_no_priorities_round"),
    one("a backlog of before goes behind the new ones", ", true)", ")", TURNS, "-k", "oldest_of_a_backlog"),
    dropped("a session keeps the permits of others", TURNS, "-k", "keeps_no_permit"),
    one("what nobody holds loses its permit", "o.id <> all(v_free)", "true", TURNS, "-k", "what_nobody_holds"),
    one("explain waits for a claim to make a tenant's limit", "exists (", "false and exists (", EXPLAIN, "-k", "no_claim_has_looked"),
    one("explain waits for a claim to count what runs", "not w.counted and ", "false and ", EXPLAIN, "-k", "no_claim_has_looked"),
    one("explain sees no backlog before a job", "p_gate = any(", "false and p_gate = any(", EXPLAIN, "-k", "ready_before_the_limit"),
    one("explain counts all that wait behind a limit", "(v_head.rank, v_priority) > (v_urgency, v_own.priority)", "false", EXPLAIN, "-k", "come_before_it_by_turns"),
    one("a window sees no turns", "p.priority <> 0", "false", "tests/sql/test_queue_verify.py", "-k", "damage_is_found"),
    dropped("a pause of a type is not heeded"),
    one("a pause of a tenant is not heeded", "('tenant', j.tenant_id::text), ", ""),
    one("a resume forgets what waits", "p_scope <> 'all'", "false", PAUSES, "-k", "lets_it_go"),
    one("explain knows of no pause", "p.scope = 'all'", "false"),
    one("explain counts a limit wrongly", "=", ""),
    one("explain takes a turn for a full limit", "l.used < l.max_running", "false", EXPLAIN, "-k", "free_permit"),
    one("explain names a free limit beside what holds", "h.reason <> 'limit_turn'", "true", EXPLAIN, "-k", "beside_what_holds"),
    dropped("a pause holds jobs and nobody is told", HEALTH, "-k", "a_pause_that_holds"),
    one("a full store has no remedy", "store_full", "store_fuller", HEALTH, "-k", "full_store"),
    one("explain counts hosts in trouble", "w.trouble is null", "true", EXPLAIN, "-k", "host_in_trouble"),
    one("a job of before is a new one for a fan-out", "w.made", "w.id = any(v_new)", "tests/sql/test_queue_bulk.py", "-k", "of_before"),
    one("a policy of its own charges rate limits", "d.policy ? 'charges'", "true", TYPES, "-k", "charges"),
    one("a type's own waits charge the trouble of the host", "not v_of_code.charges", "false", LEASES, "-k", "leaves_the_trouble"),
    one("a snooze of no time spins", "interval '1 second'", "interval '0'", LEASES, "-k", "snooze"),
    one("explain does not see a silent worker", "15 seconds", "1 year", EXPLAIN, "-k", "silent_worker"),
    one("a worker that beats seldom is silent", "3 * p_beat_interval", "p_beat_interval", EXPLAIN, "-k", "beats_seldom", at="explain does not see a silent worker"),
    one("a silent worker takes jobs back", "queue.silent_after(w.beat_interval)", "interval '1 year'", EXPLAIN, "-k", "silent_worker"),
    one("explain counts draining workers", "w.status = 'active' and w.drain_requested_at is null", "true"),
    # Bells
    one("a notification for each job", " v_last ", " true or v_last ", FAIR, "-k", "notifies or storm"),
    Mutant("notifications while nobody sleeps", (Change("notifications while nobody sleeps", None, ""), Change("notifications while nobody sleeps (2)", "exists (select from queue.listening_workers as s where s.types is null or t = any(s.types))", "true"), Change("notifications while nobody sleeps (3)", "exists (select from queue.listening_workers)", "true")), (FAIR, "-k", "nobody_sleeps")),
    Mutant("notifications in what is prepared", (Change("notifications in what is prepared"),), (ODD, "-k", "prepared")),
    # Sessions that hold a job
    one("a lock on the lease loses the job", "w.last_beat_at > v_held.expires_at", "false", LEASES, "-k", "a_lock_kept"),
    one("no job is locked", "not j.id = any(v_jobs)", "false", LEASES, "-k", "cannot_be_settled_is_named"),
    one("a running job is never locked", "v_job.status = 'running'", "false", EXPLAIN, "-k", "running_job_that_is_held"),
    one("nobody looks for forgotten transactions", "a.state_change < v_now - v_long", "false", SERVER_HEALTH, "-k", "forgotten_transaction_that_holds"),
    # Health
    one("nobody asks whether workers work", "interval '1 minute'", "interval '1000 years'", HEALTH, "-k", "does_not_look"),
    # Job types
    one("a sync takes what an operator changed", "p_overwrite or v_now -> v_key is not distinct from v_row.declared -> v_key", "true", TYPES, "-k", "kept_until"),
    one("a sync brings back a policy that was deleted", "not p_overwrite and v_policy.now is distinct from v_policy.last", "false", TYPES, "-k", "kept_until"),
    one("a column left out is forgotten", "coalesce(v_row.declared, '{}')", "'{}'::jsonb", TYPES, "-k", "left_out_once"),
    one("a sync waits for enqueues", "no key update", "update", TYPES, "-k", "waits_for"),
    # Health
    # Schedules
    one("an unknown time zone stops claims", "others", "division_by_zero", SCHEDULES, "-k", "this_server_does_not_know"),
    one("a claim tries all ticks that fail", " or v_told.p_error is not null", "", SCHEDULES, "-k", "claim_tries_one"),
    one("ticks that wait hide others", "(v_told is not null)::integer", "1", LOCKS, "-k", "hide_no_other"),
    one("the last day is the 31st", "extract(day from v_day + 1) = 1", "extract(day from v_day) = 31", SCHEDULES, "-k", "ticks_are_those"),
    one("what fails goes first", "s.last_error is not null, case when s.last_error is null then s.next_run_at end, random()", "s.next_run_at", SCHEDULES, "-k", "no_other_from_its_turn"),
    one("a schedule that a clock led astray is in order", "> v_tick", "is null", SCHEDULES, "-k", "astray_is_told"),
    one("a lease of a clock that was ahead lasts", "2 * l.lease", "2000 * l.lease + interval '9 years'", LEASES, "-k", "clock_that_was_ahead"),
    one("one that cannot be taken back stops all", "others", "division_by_zero", LEASES, "-k", "cannot_be_taken_back"),
    one("two run the same tick", " skip locked", "", SCHEDULES, "-k", "two_that_run_at_once"),
    one("a missed tick is made up for though it shall be skipped", "p_schedule.missed <> 'skip' or ", "true or ", SCHEDULES, "-k", "made_up_for_as"),
    # Pipelines and videos
    one("two reruns at a time", " for no key update of v", "", PIPELINES, "-k", "two_reruns"),
    dropped("a rerun fetches what it has", PIPELINES, "-k", "not_fetched_again"),
    one("anybody deletes a video", " and identity.may_change(v.tenant_id, v.user_id, 'delete')", "", PIPELINES, "-k", "answered_alike"),
    one("anybody learns ids by slug", "p_tenant ~* '^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$'", "true", PIPELINES, "-k", "acting_for"),
    one("logs of all attempts are kept", "p_job.token > 20", "false", LOGS, "-k", "latest_twenty"),
    dropped("tenants read logs", LOGS, "-k", "for_operators"),
    one("a rotation fills the audit", "coalesce(ops.envelope_key_of(v_old ->> c) = ops.envelope_key_of(v_new ->> c), true)", "true", "tests/sql/test_audit.py", "-k", "same_secret"),
    # Who may see and take what
    one("a nonsense user is the tenant", "v_text !~*", "false and v_text !~*", MEMBERS, "-k", "nobody_in_the_tenant"),
    one("a user of another tenant is a member", " and coalesce(u.tenant_id = base.current_tenant(), false)", "", MEMBERS, "-k", "admin_elsewhere"),
    one("a viewer writes", "'beta_tester'", "'beta_tester', 'viewer'", MEMBERS, "-k", "a_viewer_changes"),
    one("a member sees all of the tenant", "v_role = 'admin'", "true", MEMBERS, "-k", "another_user_s"),
    one("a member lists all of the tenant", "o.user_id = v_only", "true", MEMBERS, "-k", "lists"),
    one("a bulk change reaches other users", "p_filter.user_id is null", "true", MEMBERS, "-k", "lists"),
    one("a member enqueues for another", "not identity.may_change(new.tenant_id, new.user_id)", "false", MEMBERS, "-k", "another_user_s"),
    one("a member ingests for another", "not identity.may_see(v_tenant, v_user)", "false", MEMBERS, "-k", "another_user_s"),
    one("who was suspended meanwhile is told of a parent", "perform", "-- perform", MEMBERS, "-k", "amid_a_pipeline"),
    one("nonsense for a tenant is told", "not base.is_trusted()", "false", TENANTS, "-k", "makes_no_sense"),
    one("whoever acts for a tenant is an operator", "base.current_tenant() is not null", "false", TENANTS, "-k", "no_worker_s_name"),
    one("a tenant sees stacks", "'{stack,stderr_tail,worker_id}'", "'{}'", TENANTS, "-k", "no_worker_s_name"),
    one("a reader is told what is wrong with whom", "base.is_operator()", "true", TENANTS, "-k", "lists_of_operators"),
    one("tenants see each other's pauses", "o.operator", "true", TENANTS, "-k", "lists_of_operators"),
    one("tenants see each other's limits", "base.is_operator()", "true", TENANTS, "-k", "lists_of_operators"),
    one("tenants see the workers", "base.is_operator()", "true", TENANTS, "-k", "lists_of_operators"),
    one("explain tells the load of others", "not base.is_operator() and", "false and", TENANTS, "-k", "others_load"),
    one("a foreign video is told from none", " and identity.may_see(v.tenant_id, v.user_id)", "", TENANTS, "-k", "answered_like_what"),
    one("a key of somebody else's is found", "not base.may_act_for(p_tenant_id)", "false", TENANTS, "-k", "answered_like_what"),
    one("whose a job is gets asked after the wait", "not queue.may_touch(p_job_id)", "false", TENANTS, "-k", "before_its_row"),
    one("a notification names the worker", "left(encode(sha256(convert_to(p_worker_id, 'UTF8')), 'hex'), 8)", "p_worker_id", TENANTS, "-k", "notifications"),
    one("a reader stops due jobs", "queue.take_lock('promote_due')", "pg_try_advisory_xact_lock(hashtext('reelq.promote_due'))", TENANTS, "-k", "advisory"),
    one("a tenant chooses any priority", "queue.setting('tenant_priority')::integer", "1", TENANTS, "-k", "bounded"),
    one("a tenant takes the units of another's limit", "v_acts_for_tenant", "false", TENANTS, "-k", "no_unit"),
    one("an owner without a policy works on", "not exists", "false and not exists", OWNER, "-k", "taken_for_gone"),
    one("an owner that is an application works on", "if ", "if false and ", OWNER, "-k", "application_too"),
    # What was archived before a child of it came
    one("an edge leads to a job that is archived", "is null", "is null and false", HISTORY, "-k", "archived_failure"),
    one("a job comes back without its archived parent", "is not null", "is null and false", HISTORY, "-k", "enqueued_anew"),
    # A bulk change looks again when it has locked what it found
    one("a cancel of queued jobs stops running ones", "p_filter", "null", CHANGES, "-k", "any_more and cancel_jobs"),
    one("what has ended meanwhile is refused a priority", "p_filter", "null", CHANGES, "-k", "any_more and reprioritise_jobs"),
    one("what has become ready meanwhile is refused a time", "p_filter", "null", CHANGES, "-k", "any_more and (reschedule_jobs or run_jobs_now)"),
    one("what has been retried meanwhile is refused", "v_fitting", "p_job_ids", CHANGES, "-k", "any_more"),
    one("a retry runs beside another run", "s.video_id", "null", CHANGES, "-k", "old_run"),
    one("a step joins a run of another video", "new.pipeline_run <> new.id", "false", TENANTS, "-k", "joins_no_run"),
    one("the longest word is compared letter by letter", "left(p_word, 63)", "p_word", CHANGES, "-k", "no_more_of_a_word"),
    # Of retries, reruns and windows
    one("another's archived job is told", "h.tenant_id = p_filter.tenant_id", "true", CHANGES, "-k", "told_to_nobody"),
    one("a release waits for the children", ", true", "", CASCADES, "-k", "release_that_cancels"),
    one("a rescue waits for the children", ", true", "", CASCADES, "-k", "rescue_waits"),
    one("a cascade waits for a video", " skip locked", "", CASCADES, "-k", "waits_for_no_video"),
    one("a cascade waits for an asset", " skip locked", "", CASCADES, "-k", "waits_for_no_video"),
    one("what is held hides other cascades", "random()", "c.created_at", CASCADES, "-k", "hide_no_others"),
    one("a delete waits for the children", "cardinality(queue.lock_unheld(v_children)) = (select count(distinct c) from unnest(v_children) as c)", "true", LOCKS, "-k", "deleted_at_once or is_deleted_while_it_is or waits_for_no_child"),
    one("a delete waits for edges", " skip locked", "", LOCKS, "-k", "waits_for_no_edge"),
    one("edges stay that a cascade has passed", "do update set place = '00000000-0000-0000-0000-000000000000'", "do nothing", CASCADES, "-k", "deleted_half_way"),
    one("who enqueues below a failure waits for the video", "cardinality(v_over) > cardinality(queue.lock_unheld(v_over))", "false", LOCKS, "-k", "of_one_that_has_failed"),
    one("a rescue waits for an asset", " skip locked", "", LOCKS, "-k", "rescue_waits_for_nobody"),
    one("a tick waits for its video", " skip locked", "", LOCKS, "-k", "tick_waits_for"),
    one("a lock loses a tick", "sqlstate not in ('55P03', '40P01')", "true", LOCKS, "-k", "times_out_loses_no_tick"),
    one("a tenant takes the key of a tick", "base.current_tenant() is not null or not base.is_trusted()", "false", LOCKS, "-k", "no_key_of_a_schedule"),
    one("a cascade goes on below a retried job", "c.job_id = any(v_revived)", "false", CASCADES, "-k", "half_way"),
    one("what is brought back forgets its time", "greatest(j.scheduled_for, base.clock())", "base.clock()", CHANGES, "-k", "keeps_its_time"),
    one("a rerun takes the first run's pipeline", "desc", "asc", PIPELINES, "-k", "several_runs"),
    one("a window takes a cascade for damage", " and not exists (select from queue.cascades as c where c.job_id = d.parent_id)", "", CASCADES, "-k", "takes_so_many"),
    one("a window takes a delete for damage", " and not exists (select from queue.cascades as c where c.job_id = d.parent_id)", "", CASCADES, "-k", "is_deleted"),
    # What a job may bring
    one("a job that fails for ever", "p_job.max_attempts > 1000", "false", ENQUEUE, "-k", "1001 or nonsense"),
    one("job_data of any size", "v_bytes > v_most_bytes", "false", JOB_DATA, "-k", "operator_says"),
    one("job_data of any depth", "if not v_flat and jsonb", "if false and jsonb", JOB_DATA, "-k", "refused and deep"),
    one("numbers of any size", ") then", ") and false then", JOB_DATA, "-k", "refused and 5000"),
    one("times that a driver cannot read", "p_job.scheduled_for not between", "false and p_job.scheduled_for not between", JOB_DATA, "-k", "no_driver"),
    one("a tick is taken for the time of its enqueue", "v_now", "v_tick", SCHEDULES, "-k", "came_late"),
    one("what was not looked at is taken for sound", " <= v_look", " >= 0", TYPES, "-k", "may_be_refused"),
    one("two definitions of a pipeline are mixed", " for no key update", "", PIPELINES, "-k", "both_under_way"),
    one("options of any size are looked at", "is not true", "is not true or true", OPTIONS, "-k", "not_looked_at"),
    one("a step may bring what no job may", "queue.job_data_refusal(coalesce(nullif(v_step -> 'job_data', 'null'), '{}'))", "null", OPTIONS, "-k", "no_job_may_bring"),
    one("a schedule may bring what no job may", "queue.job_data_refusal(coalesce(p_job_data, '{}')),", "null,", OPTIONS, "-k", "no_job_may_bring"),
    Mutant("a pause of a tenant reads the jobs of all", (Change("a pause of a tenant reads the jobs of all", "r.flow >= t.flow and r.flow <= t.flow order by r.flow, r.fair_key limit", "r.flow = t.flow limit"),), ("tests/sql/test_queue_plans.py", "-k", "gates")),
    one("a job behind a limit is looked for among all", " offset 0) as j", ") as j", "tests/sql/test_queue_plans.py", "-k", "gates"),
    # What is told of a tenant
    one("figures of a tenant are those of all", " where j.tenant_id = v_tenant", "", FIGURES, "-k", "by_the_hour"),
    one("the depth of a tenant is that of all", " where j.tenant_id = v_tenant", "", FIGURES, "-k", "only_its_own"),
    one("the rates of a tenant are those of all", " and j.tenant_id = v_tenant", "", FIGURES, "-k", "own_attempts"),
    one("a job under any number of limits", "> 20", "> 2000", LIMITS, "-k", "twenty"),
    one("a type under any number of limits", "> 20", "> 2000", LIMITS, "-k", "twenty"),
    one("a job and its type under any number of limits", "> 20", "> 2000", LIMITS, "-k", "twenty"),
    # What a text or a time may be
    one("a reason of any length", "> 2000", "> 2000000", CHANGES, "-k", "no_book"),
    one("a worker's trouble of any length", "left(p_trouble, 2000)", "p_trouble", CHANGES, "-k", "is_cut"),
    one("a release's reason of any length", "left(p_reason, 2000)", "p_reason", CHANGES, "-k", "is_cut"),
    one("a snooze's reason of any length", "left(p_reason, 2000)", "p_reason", CHANGES, "-k", "is_cut", at="a snooze of no time spins"),
    one("a message of any length", "left(p_message, 2000)", "p_message", CHANGES, "-k", "is_cut"),
    one("since and until that are no times", "if ", "if false and ", CHANGES, "-k", "nonsense and infinity"),
    one("a tick after the end of time", "if ", "if false and ", SCHEDULES, "-k", "outside_of_time and BC"),
    # What keeps a job from being settled
    one("no place of a child is locked", "true", "null", LEASES, "-k", "those_that_wait"),
    one("no record of a child is locked", "true", "null", LEASES, "-k", "those_that_wait"),
    one("no video of a child is locked", "is not true", "is null", LEASES, "-k", "those_that_wait"),
    # What other proofs had left open
    one("a willing grandchild falls", " and d.on_failure <> 'run'", "", GRAPH, "-k", "willing_grandchild"),
    one("another's archived parent is waited for", "h.tenant_id = v_tenant", "true", TENANTS, "-k", "archived_job_is_no_parent"),
    one("another's child is shown", "identity.may_see(j.tenant_id, j.user_id)", "true", TENANTS, "-k", "are_not_shown"),
    one("a video is reopened whose failure is archived", "h.status in ('failed', 'cancelled')", "false", CHANGES, "-k", "stays_failed"),
    one("a code's policy before a type's", "p.job_type = '*', p.code = '*'", "p.code = '*', p.job_type = '*'", LEASES, "-k", "before_one_of_the_code"),
    one("another worker settles a job", " and j.worker_id = p_worker_id", "", LEASES, "-k", "its_own"),
    one("another worker's heartbeat", " and l.worker_id = p_worker_id", "", LEASES, "-k", "its_own", at="a heartbeat forgets the token"),
    one("a release is a back-off", "p_outcome = 'snoozed'", "true", LEASES, "-k", "only_a_snooze", at="a drain charges an attempt"),
    # Personal data
    one("any long number is a card", "base.is_card(m.found[1])", "true", PII, "-k", "only_looks_like"),
    one("a mask shows the text", "$re$\\1***$re$", "'\\&'", PII, "-k", "support_needs"),
    one("anybody exports and erases anybody", "not identity.may_see(v_tenant, p_user_id)", "false", PERSONAL, "-k", "another_s"),
    one("an export shows secrets", "col_description(a.attrelid, a.attnum) ~ $re$\\[secret\\]\\Z$re$", "false", PERSONAL, "-k", "without_secrets"),
    dropped("what somebody else shows goes too", PERSONAL, "-k", "has_a_share"),
    one("what somebody else's file is made of goes too", "o.id = any(array(select f from ops.unshared_objects(v_objects, v_assets) as f))", "true", PERSONAL, "-k", "made_of"),
    dropped("a reference is made to what is being deleted", OBJECTS, "-k", "after_a_sweep"),
    one("a reference is made while a sweep decides", "for key share", "", OBJECTS, "-k", "after_a_sweep"),
    dropped("attempts of archived jobs stay", PERSONAL, "-k", "nothing_else"),
    one("files go under a running job", "exists", "false and exists", PERSONAL, "-k", "while_a_job"),
    one("what came meanwhile stays", "v_left", "false", PERSONAL, "-k", "came_meanwhile"),
    # Secrets
    one("a secret that changed meanwhile is overwritten", " and t.%2$I = g.old", "", SECRETS, "-k", "still_there"),
    one("rows are sealed back under an older key", " is distinct from v_current", " is null", SECRETS, "-k", "sealed_back"),
    one("two hosts each make their key current", "is distinct from p_instead_of", "is null and p_instead_of is not null", SECRETS, "-k", "other_is_told"),
    one("a key is forgotten that rows use", "is not null", "= ''", SECRETS, "-k", "not_forgotten"),
    one("what another database stored is a stray", "exists (", "true or exists (", OBJECTS_LIFE, "-k", "another_database"),
    # Backups
    one("two backups at once", "if ", "if false and ", BACKUPS, "-k", "one_backup_runs"),
    one("a backup that was given up goes on", "if ", "if false and ", BACKUPS, "-k", "one_backup_runs"),
    one("the last verified backup is pruned", " and v.verified_at is not null", "", BACKUPS, "-k", "leaves_the_last"),
    one("a damaged backup counts as the last one", "v.verify_failed_at is null desc, ", "", BACKUPS, "-k", "leaves_the_last"),
    one("used keys are told by reading all rows", "base.envelope_key(t.%1$I) > $1 ", "base.envelope_key(t.%1$I) || '' > $1 ", SECRETS, "-k", "more_than_it_is_about"),
    # Tenants, quotas and keys
    one("a setting has no bounds", "v_amount < p_min_value or v_amount > p_max_value", "false", SYSTEM_CONFIG, "-k", "does_not_fit"),
    one("a segment is everybody", "not coalesce(c.value ? (v_facts ->> c.key), false)", "false", FLAGS, "-k", "nearest"),
    one("a rollout is everybody", "bucket < v_flag.rollout_percentage * 100", "true", FLAGS, "-k", "rollout"),
    one("a quota is near with every video", "(v_used - p_videos)::bigint * 5 < v_quota::bigint * 4", "true", TOLD, "-k", "near_once"),
    one("the end of a trial is told again and again", "d.trial_end_told is distinct from d.trial_ends_at", "true", TOLD, "-k", "three_days"),
    one("a key that expires is told again and again", "d.expiry_told is distinct from d.expires_at", "true", TOLD, "-k", "told_once_and_again"),
    one("each worker of a host tells its trouble", "not v_others", "true", TOLD, "-k", "host_is_in_trouble"),
    one("weights sum to anything", "v_sum <> 1", "false", CONFIGS, "-k", "weights"),
    one("a tenant sets its own rate", "not base.is_trusted()", "false", CONFIGS, "-k", "members_look"),
    one("anybody's tenant is found", " or not base.may_act_for(v_id)", "", CONFIGS, "-k", "answered_like"),
    one("a member does what is the admin's", "is distinct from 'admin'", "is null", CONFIGS, "-k", "members_look"),
    one("a trial goes on after its end", " or s.trial_ends_at > base.clock()", " or true", "tests/sql/test_subscriptions.py", "-k", "gives_nothing"),
    one("the 31st of a shorter month", "- interval '1 day'", "+ interval '3 days'", QUOTAS, "-k", "next_reset"),
    one("a quota is no bound", "<= case", ">= 0 or 0 = case", QUOTAS, "-k", "spent or fifty"),
    dropped("an ingest uses up no quota", QUOTAS, "-k", "spent"),
    dropped("a subscription gives no quota", QUOTAS, "-k", "goes_before"),
    one("a key never expires", " or k.expires_at > v_now", " or true", KEYS, "-k", "expiry"),
    one("a key outlives its user", " or u.id is not null", " or true", KEYS, "-k", "the_answer_is_the_same"),
    one("a key has no hourly limit", ">= v_limit", "< 0", KEYS, "-k", "low_limit"),
    dropped("a user of before stays", KEYS, "-k", "user_of_before"),
    one("anybody's key is found", " or not identity.may_see(v_key.tenant_id, v_key.user_id)", "", KEYS, "-k", "another_tenant or what_is_theirs"),
    one("a member lists all keys", "not identity.may_see(v_tenant, v_user)", "false", KEYS, "-k", "what_is_theirs"),
    one("a foreign key gives its scopes", " and k.tenant_id = base.current_tenant()", "", KEYS, "-k", "foreign_key_none"),
    one("a nonsense key may do anything", "return false", "return true", KEYS, "-k", "foreign_key_none"),
    one("a key without write writes", "not identity.has_scope(p_scope)", "false", KEYS, "-k", "scopes_bound"),
    one("a key without write enqueues", "perform identity.check_may_write()", "null", KEYS, "-k", "enqueues_nothing"),
    one("a plain INSERT by a key without write is refused without words", "perform identity.check_may_write()", "null", KEYS, "-k", "enqueues_nothing"),
    one("a key without admin revokes keys", "perform identity.check_scope('admin')", "null", KEYS, "-k", "told_of_its_scope"),
    # Who somebody is
    one("an account is never locked", ">= v_tries", ">= 1000 * v_tries", LOGIN, "-k", "for_longer_each_time"),
    one("a locked account is tried", " and (u.locked_until is null or u.locked_until <= v_now)", "", LOGIN, "-k", "fifty_at_once"),
    one("an attempt is counted and tried in one transaction", "if ", "if false and ", LOGIN, "-k", "in_one_transaction"),
    one("an attempt takes many proofs", " and a.proof is null", "", LOGIN, "-k", "no_second_guess"),
    one("any password is right", " and sha256(convert_to(u.password_hash, 'UTF8')) = v_attempt.proof", "", LOGIN, "-k", "answered_alike"),
    one("the second factor is not asked for", "v_user.two_factor_enabled", "false", LOGIN, "-k", "is_asked_for"),
    one("a recovery code is used twice", " and c.used_at is null", "", LOGIN, "-k", "recovery_code_is_good_once"),
    one("a code is used twice", " and (u.two_factor_last_step is null or u.two_factor_last_step < p_step)", "", LOGIN, "-k", "code_is_good_once or two_at_once"),
    one("an old code is taken", "<= 1", "<= 1000000000", LOGIN, "-k", "caller_lies"),
    one("why it was refused is told", "'not authenticated'", "'not authenticated at %', now()", LOGIN, "-k", "answered_alike"),
    one("a revoked session goes on", "and s.revoked_at is null", "", SESSIONS, "-k", "ends_its_sessions"),
    one("a session lives for ever", "and s.expires_at > v_now", "", SESSIONS, "-k", "in_any_case"),
    dropped("a session in use is idle", SESSIONS, "-k", "does_not_fit"),
    one("an idle session goes on", "and l.used_at > v_now - identity.login_setting('session_idle')::interval", "", SESSIONS, "-k", "idle_session_ends"),
    one("a session of another tenant is taken", "coalesce(s.tenant_id = v_tenant_id, true)", "true", SESSIONS, "-k", "of_another_tenant"),
    one("an admin becomes another user", "if ", "if false and ", USERS, "-k", "each_role_may and open_session"),
    one("a token is used twice", "and t.used_at is null", "", TOKENS, "-k", "use_a_token_once"),
    one("a token lives for ever", "and t.expires_at > base.clock()", "", TOKENS, "-k", "a_token_ends"),
    one("anybody manages users", "if ", "if false and ", USERS, "-k", "each_role_may"),
    one("a key that reads manages users", "perform identity.check_scope('admin')", "null", KEY_SCOPES),
    one("a secret is sealed under any key", "if ", "if false and ", USERS, "-k", "sealed_under_the_current"),
    one("a key id is any bytes", "~ '^(", "~ '^(..|", "tests/sql/test_base.py", "-k", "envelope"),
    one("a log-in under way keeps its address", " for update;", ";", AUDIT_ACTORS, "-k", "under_way"),
    one("an address that another session holds is waited for without end", "500ms", "600s", USERS, "-k", "about_to_take"),
    one("change_user waits for another session's address", "500ms", "600s", USERS, "-k", "about_to_take"),
    one("verify_email waits for another session's address", "500ms", "600s", USERS, "-k", "about_to_take"),
    one("a key that reads enqueues", "perform identity.check_scope('write')", "null", KEY_SCOPES),
    one("rotated keys do not count", "cardinality(v_live) >= v_most", "cardinality(v_live) >= v_most and p_replaces is null", KEYS, "-k", "rotation_makes_no_more"),
    one("anybody's user is the actor", "if ", "if false and ", AUDIT_ACTORS, "-k", "named_by_a_setting"),
    one("anybody's key is the actor", "if ", "if false and ", AUDIT_ACTORS, "-k", "named_by_a_setting"),
    one("a key that reads changes its user", "perform identity.check_scope(p_scope)", "null", KEY_SCOPES),
    one("the last admin may go", "u.id <> p_user_id and ", "", USERS, "-k", "last_admin_stays"),
    one("an admin who never came counts", "u.email_verified or u.last_login_at is not null", "true", REVIEW, "-k", "never_came"),
    one("a stolen session's address outlives it", "lower(t.email) <> (", "lower(t.email) = '' || (", REVIEW, "-k", "stolen_session"),
    one("sessions have no bound", "offset v_most", "offset 1000000", REVIEW, "-k", "has_a_hundred"),
    one("an expired key holds its name", "k.expires_at <= base.clock()", "false", REVIEW, "-k", "expired_key"),
    one("nobody looks at the months of the audit", "v_until is null or ", "false and ", REVIEW, "-k", "run_out"),
    one("admins are counted without a lock", " for no key update", "", USERS, "-k", "demote_each_other"),
    # What an attack on it has found
    one("the whole hash goes out", "left(v_hash, length(v_hash) - strpos(reverse(v_hash), '$'))", "v_hash", LOGIN, "-k", "never_holds_the_digest"),
    one("a password forgives wrong codes", "case when u.two_factor_enabled then greatest(u.failed_login_attempts - 1, 0) else 0 end", "0", LOGIN, "-k", "wrong_codes_lock"),
    one("a challenge is shown and judged in one transaction", "if ", "if false and ", LOGIN, "-k", "used_up_where_it_is_shown"),
    one("a challenge is good for many codes", "and a.shown_in is null", "", LOGIN, "-k", "used_up_where_it_is_shown"),
    one("as many attempts are kept as somebody makes", "if ", "if false and ", LOGIN, "-k", "up_to_a_bound"),
    one("a log-in for a nonsense tenant is one for all", ", '00000000-0000-0000-0000-000000000000'", ", null", LOGIN, "-k", "serves_nobody"),
    one("recovery codes are the same", "<> 10", "> 10", LOGIN, "-k", "equal_recovery_codes"),
    one("a token of the old address is good", " or lower(u.email) = lower(t.email)", " or true", TOKENS, "-k", "beside_the_change"),
    one("a key counts as a log-in", "<> ''", "= 'never'", TOKENS, "-k", "other_mailbox"),
    one("a key of before acts for the session", ", '', true", ", current_setting('reelq.api_key_id', true), true", TOKENS, "-k", "other_mailbox"),
    one("an old session takes the mailbox over", "exception", "notice", TOKENS, "-k", "another_mailbox"),
    one("an account holds as much as somebody writes", "if ", "if false and ", USERS, "-k", "so_much_and_no_more"),
    one("a pinned tenant takes another's key", "and coalesce(k.tenant_id = identity.pinned_tenant(), true)", "", KEYS, "-k", "pinned"),
    # Events and their deliveries
    one("failed deliveries breed events", "if (select t.tells_failure from queue.job_types as t where t.job_type = p_job.job_type)", "if true", HOOKS, "-k", "however_each_ends"),
    one("a tenant enqueues deliveries of its own making", "if ", "if false and ", HOOKS, "-k", "emits_its_own"),
    one("any host will do", "p_url !~ ", "false and p_url !~ ", HOOKS, "-k", "cannot_be_is_refused"),
    one("an event is what no reader takes", "(queue.job_data_refusal(p_data))[2:3]", "null", HOOKS, "-k", "emits_its_own"),
    one("reelq's deliveries wait for an application's", "'own:' || ", "'' || ", HOOKS, "-k", "emits_its_own"),
    one("of two at once one is too many", " for no key update", "", HOOKS, "-k", "unknown_filter"),
    one("any port will do", "not between 1 and 65535", "< 0", HOOKS, "-k", "cannot_be_is_refused"),
    one("brackets around anything", "::inet", "", HOOKS, "-k", "cannot_be_is_refused"),
    one("anybody's endpoint is found", " or not identity.may_see(v_webhook.tenant_id, null)", "", HOOKS, "-k", "nobody_else_does"),
    one("a member lists endpoints", "not identity.may_see(v_tenant, null)", "false", HOOKS, "-k", "nobody_else_does"),
    one("a member reads the tenant's events", "not identity.may_see(v_tenant, null)", "false", HOOKS, "-k", "emits_its_own"),
    one("tenants are shown what is for operators", "t.audience = 'tenant'", "true", HOOKS, "-k", "emits_its_own"),
    one("a viewer emits events", "perform identity.check_may_write()", "null", HOOKS, "-k", "emits_its_own"),
    one("an application says that a video is ready", " and t.is_own", "", HOOKS, "-k", "emits_its_own"),
    one("an endpoint is asked for ever", "if ", "if false and ", HOOKS, "-k", "at_last_switched_off"),
    one("one failure is enough", ">= queue.setting('webhook_failures')::integer", ">= 1", HOOKS, "-k", "at_last_switched_off"),
    one("an operator's pause is taken away", " and v_found = v_reason", " and v_found is not null", HOOKS, "-k", "at_last_switched_off"),
    one("a probe that was cancelled is not started again", "ops.start_probe(v_id)::integer", "0", HOOKS, "-k", "at_last_switched_off"),
    one("a tenant hears what is for operators", " and k.is_for_tenants", "", HOOKS, "-k", "that_want_it"),
    dropped("an event in a month without a partition stops the relay", HOOKS, "-k", "without_partitions"),
    dropped("a delivery in a month without a partition stops the relay", HOOKS, "-k", "without_partitions"),
    one("nobody looks at the months of the events", "interval '1 day'", "interval '-9 years'", HOOKS, "-k", "without_partitions"),
    one("a suspended tenant stops the relay", " and t.status = 'active'", "", HOOKS, "-k", "suspended_tenant"),
    one("deliveries of a key overtake each other", "'queued', 'running'", "'gone'", HOOKS, "-k", "however_each_ends"),
    one("a secret that has ended signs", " or s.ends_at > base.clock()", " or true", HOOKS, "-k", "two_secrets"),
    one("a replay brings another tenant's events", "and (e.tenant_id", "and (true or e.tenant_id", HOOKS, "-k", "as_missed"),
    one("what has arrived is replayed as missed", "where not exists (", "where true or not exists (", HOOKS, "-k", "as_missed"),
    one("another user's notifications", " or not identity.may_see(v_user.tenant_id, v_user.id)", "", NOTICES, "-k", "nobody_else_s"),
    one("a batch of any weight", "v_weight > v_most", "false", HOOKS, "-k", "many_and_large"),
    one("a replay stops the relay", "raise exception 'the lock is let go of' using errcode = 'no_data_found', hint = 'Caught below.'", "null", HOOKS, "-k", "does_not_end"),
    one("a tenant's transaction holds slots", " skip locked", "", HOOKS, "-k", "does_not_end"),
    one("a tenant's transaction holds slots that are well", " skip locked", "", HOOKS, "-k", "does_not_end"),
    one("a tenant's transaction holds a probe", " skip locked", "", HOOKS, "-k", "does_not_end"),
    one("a tenant's own notifications are not sent", "y.needs", "null", NOTICES, "-k", "by_mail_and_push_too"),
    one("a viewer takes messages away", "perform identity.check_may_write()", "null", NOTICES, "-k", "has_its_effect_once"),
    one("another user's browser is pushed to", " and s.user_id = n.user_id", "", NOTICES, "-k", "is_asked_when"),
    dropped("what was read is pushed", NOTICES, "-k", "is_asked_when"),
    one("another tenant's notification is pushed", " and n.tenant_id = v_job.tenant_id", "", NOTICES, "-k", "is_asked_when"),
    dropped("an address that was not proved gets mail", NOTICES, "-k", "is_asked_when"),
    one("another tenant's notification is mailed", " and n.tenant_id = v_job.tenant_id", "", NOTICES, "-k", "is_asked_when"),
    one("a token that has ended is mailed", " and o.expires_at > base.clock()", "", NOTICES, "-k", "stands_in_no_job"),
    one("another tenant's title is told", " and v.tenant_id = e.tenant_id", "", NOTICES, "-k", "tells_nobody_of_theirs"),
    one("a value leads to somebody else's address", "case when f.action_url ~ v_link then f.action_url end", "f.action_url", NOTICES, "-k", "leads_nowhere_else"),
    one("an address is flooded with tokens", ">= v_most", "< 0", NOTICES, "-k", "floods_no_address"),
    one("many at once are mailed to one address", " for no key update", "", NOTICES, "-k", "floods_no_address"),
    one("a notification ends when no program can read it", "p_expires_at >= '9000-01-01'", "false", NOTICES, "-k", "by_mail_and_push_too"),
    # What is kept, and what goes
    one("who acts for one tenant finishes another's object", " and base.may_act_for(o.tenant_id)", "", REGISTER, "-k", "as_if_they"),
    one("another tenant's bytes are called back", "and base.may_act_for(o.tenant_id)", "", REGISTER, "-k", "as_if_they"),
    one("a member calls back another's bytes", "and identity.limited_to() is null", "", REGISTER, "-k", "as_if_they"),
    one("anybody lets another's files go", " and identity.may_change(f.tenant_id, f.user_id)", "", REGISTER, "-k", "as_if_they"),
    one("another's variant is opened", " and identity.may_see(v.tenant_id, v.user_id)", "", REGISTER, "-k", "as_if_they"),
    one("a bundle ends beside what is put into it", " for share", "", RETENTION, "-k", "being_put"),
    one("another tenant's bundle is found", " and base.may_act_for(b.tenant_id)", "", RETENTION, "-k", "another_s_file"),
    one("a member puts another's file into a bundle", "and identity.may_change(a.tenant_id, a.owner_user_id)", "", RETENTION, "-k", "another_s_file"),
    one("a member takes another's file out", " and identity.may_change(f.tenant_id, f.owner_user_id)", "", RETENTION, "-k", "another_s_file"),
    one("anybody says how long another's file is kept", " and identity.may_change(a.tenant_id, a.owner_user_id)", "", RETENTION, "-k", "another_s_file"),
    one("a viewer makes a bundle", "perform identity.check_may_write()", "null", RETENTION, "-k", "another_s_file"),
    one("a bundle ends when no program can read it", " or p_ends_at >= '9000-01-01'", "", RETENTION, "-k", "another_s_file"),
    one("a file is kept until no program can read it", "p_until not between '1900-01-01' and '9000-01-01'", "false", RETENTION, "-k", "another_s_file"),
    one("a member ends what keeps another's files", "not identity.may_see(a.tenant_id, a.owner_user_id)", "false", RETENTION, "-k", "another_s_file"),
    one("a job comes beside a soft delete", "for update;", "for no key update;", RETENTION, "-k", "beside_a_soft_delete"),
    one("a file goes under its video", "v.asset_id = a.id", "v.asset_id = a.id and v.deleted_at is not null", RETENTION, "-k", "goes_for_good"),
    one("a variant is made of another tenant's bytes", "media.use_object(v_object.id, p_tenant_id)", "v_object.id", "tests/sql/test_media_record.py", "-k", "another_tenant_s_key"),
    dropped("what somebody has authored goes", RETENTION, "-k", "live_bundle"),
    one("a live bundle keeps nothing", "b.ended_at is null and ", "false and ", RETENTION, "-k", "live_bundle"),
    one("a deletion empties a bundle", " and not media.in_live_bundle(v_asset)", "", RETENTION, "-k", "hard_delete"),
    dropped("a file goes while it is put into a bundle", RETENTION, "-k", "put_into_a_bundle"),
    one("a deleted tenant goes at once", " and t.status_changed_at < v_before", "", RETENTION, "-k", "deleted_tenant"),
    one("an application's row holds all tenants up", "when foreign_key_violation then", "when division_by_zero then", RETENTION, "-k", "refers_to"),
    one("a sweep without foreign keys", "or not exists", "and not exists", SWEEP, "-k", "foreign_keys"),
    one("a sweep reads what it may not", "not v_table.is_read", "false", SWEEP, "-k", "of_an_application"),
    one("a sweep does not see rows behind row security", "base.hides_rows(v_table.oid)", "false", SWEEP, "-k", "of_an_application"),
    dropped("a sweep takes what somebody is about to refer to", SWEEP, "-k", "about_to_refer"),
    one("a sweep does not look again", "media.unreferenced_objects(v_ids)", "unnest(v_ids)", SWEEP, "-k", "by_hand"),
    dropped("what an attempt is writing is litter", SWEEP, "-k", "litter"),
    one("a row goes before its bytes", " and o.state = 'deleting'", "", SWEEP, "-k", "forgotten"),
    one("what is in use goes cold", " and o.last_used_at < v_before", "", SWEEP, "-k", "asked_for"),
    one("a restore is forgotten", " and o.storage_class = p_from", "", SWEEP, "-k", "asked_for"),
    one("two checks count for each other", "c.place is not distinct from p_from and ", "", SWEEP, "-k", "counts_once"),
    # The upkeep
    one("two sessions do one task", "ops.is_leased(v_task)", "false", UPKEEP, "-k", "one_moment"),
    one("a backup is verified while the first is made", "'not_due'", "'begun'", UPKEEP, "-k", "comes_first"),
    one("every look is a tick", "v_task.next_at > v_now", "false", UPKEEP, "-k", "died"),
    one("a schedule that begins anew is put off at every look", "update ops.upkeep_tasks as t set next_at = v_task.next_at where t.name = p_name;", "null;", UPKEEP, "-k", "jumps"),
    one("a clock that was wrong once stops the task", "if ", "if false and ", UPKEEP, "-k", "jumps"),
    one("who was taken over ends another's run", "v_task.token is distinct from p_token or ", "", UPKEEP, "-k", "died"),
    one("a task that failed counts as done", "p_outcome = 'done'", "true", UPKEEP, "-k", "tried_again"),
    one("every try is told", " and v_task.failures = 0", "", UPKEEP, "-k", "tried_again"),
    one("late is told at every look", " and t.told_late_for is distinct from ops.next_due(t)", "", UPKEEP, "-k", "late_is_told"),
]  # fmt: skip
