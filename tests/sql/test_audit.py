"""Who did what is written down with the act itself: by triggers on sensitive tables, and by the functions that operators call."""

from __future__ import annotations

import threading
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.conftest import Clock, Connect
from tests.sql.auditkit import HASH, OTHER_HASH, act, acts, add_user, count, record, say
from tests.sql.mediakit import Conn, refused, scalar
from tests.sql.rolekit import Tenant, open_as

# What has to be heard once it is there; a table that is not there yet is one of another part of the product.
AUDITED = {
    "identity.tenants", "identity.tenant_configs", "identity.users", "identity.subscriptions", "identity.api_keys", "identity.user_sessions",
    "media.stores", "queue.job_types", "queue.retry_policies", "queue.settings", "queue.pipelines", "queue.pipeline_steps", "queue.schedules",
    "queue.limits", "queue.pauses",
}  # fmt: skip
HOT = {
    "queue.processing_jobs", "queue.ready", "queue.leases", "queue.job_attempts", "queue.scheduled", "queue.blocked", "queue.parked",
    "queue.lanes", "queue.gate_events", "queue.job_dependencies", "queue.dead_letters", "queue.workers", "media.videos", "media.assets",
}  # fmt: skip
TRIGGERS = """
select t.tgrelid::regclass::text as name, array_agg(t.tgname::text order by t.tgname) as triggers
from pg_trigger as t where t.tgfoid = 'ops.tg_audit()'::regprocedure group by 1
"""


@pytest.fixture
def acme(conn: Conn) -> Tenant:
    """A tenant."""
    return Tenant(conn, "acme")


@pytest.fixture
def bob(conn: Conn, acme: Tenant) -> UUID:
    """A member of it."""
    return add_user(conn, acme.id, "bob@acme.example.com")


# Which tables are heard


def test_every_sensitive_table_that_is_there_has_its_triggers(conn: Conn) -> None:
    conn.execute("set search_path = ''")
    there = {name for name in AUDITED if scalar(conn, "select to_regclass(%s) is not null", name)}
    heard = dict(conn.execute(TRIGGERS).fetchall())
    assert there <= heard.keys()
    for name in there - {"identity.user_sessions"}:  # sessions that have run out are cleared away every day
        assert heard[name] == ["audit_delete", "audit_insert", "audit_update"], name


def test_what_every_job_passes_through_has_no_trigger_of_the_audit(conn: Conn) -> None:
    conn.execute("set search_path = ''")
    assert not HOT & {name for name, _ in conn.execute(TRIGGERS).fetchall()}


def test_an_update_of_any_column_is_heard_but_of_those_that_change_all_the_time(conn: Conn) -> None:
    """Also of one that a later migration adds: attach_audit makes the trigger anew then."""
    missing = conn.execute(
        """
        select a.table_name, c.attname from ops.audited_tables() as a
        inner join pg_attribute as c on c.attrelid = to_regclass(a.table_name) and c.attnum > 0 and not c.attisdropped
        inner join pg_trigger as t on t.tgrelid = c.attrelid and t.tgname = 'audit_update'
        where a.only_columns is null and c.attname <> all(a.except_columns || '{created_at,updated_at}') and c.attnum <> all(t.tgattr::smallint[])
        """
    ).fetchall()
    assert missing == []
    conn.execute("alter table queue.settings add column colour text")
    assert [made for (made,) in conn.execute("select ops.attach_audit()")] == ["queue.settings update"]
    assert conn.execute("select ops.attach_audit()").fetchall() == [], "what is as it should be is left alone"
    conn.execute("update queue.settings set colour = 'red' where name = 'archive_after'")
    assert act(conn, "setting.").diff == {"colour": {"from": None, "to": "red"}}


def test_a_job_s_life_is_no_act(conn: Conn, acme: Tenant, clock: Clock) -> None:
    """Enqueue, claim, heartbeat, retry by itself and settling write nothing: there are a thousand of them a second."""
    clock.set("2041-05-05 12:00+00")
    conn.execute("select queue.set_limit('tenant:*', 5), queue.register_worker('w1', 'host', 1, '0', 'p', 10)")
    conn.execute("select queue.set_schedule('often', '* * * * *', 'no_op')")
    before = count(conn)
    job = scalar(conn, "select queue.enqueue_job('no_op', tenant_id => %s)", acme.id)
    conn.execute("select queue.ingest_video('https://example.com/b.mp4', 'acme')")
    for outcome in ("queue.fail_job(%s, %s, 'transient', 'oops', 'Again.')", "queue.complete_job(%s, %s, '{}')"):
        token = scalar(conn, "select token from queue.claim_jobs('w1', 10) where job_id = %s", job)
        conn.execute("select queue.heartbeat('w1')")
        conn.execute(f"select {outcome}".encode(), [job, token])
        clock.forward(3600)
        conn.execute("select queue.promote_due(), queue.rescue_expired()")
    conn.execute("select queue.run_schedules(), queue.archive_jobs()")
    assert count(conn) == before


# What a row holds


def test_a_changed_role_is_found(conn: Conn, acme: Tenant, bob: UUID) -> None:
    conn.execute("update identity.users set role = 'admin' where id = %s", [bob])
    (found,) = conn.execute(
        "select actor, entity_type, entity_id, diff, risk_score, tenant from ops.list_acts(p_action => 'user.role_changed', p_about => 'bob@acme.example.com')"
    ).fetchall()
    assert found[1:] == ("user", str(bob), {"role": {"from": "member", "to": "admin"}}, 70, "acme")


def test_before_and_after_hold_the_key_and_what_changed(conn: Conn, bob: UUID) -> None:
    conn.execute("update identity.users set full_name = 'Bob B.', language = 'de' where id = %s", [bob])
    found = act(conn, "user.changed")
    assert found.before == {"id": str(bob), "full_name": None, "language": "en"}
    assert found.after == {"id": str(bob), "full_name": "Bob B.", "language": "de"}
    assert found.subject_user_id == bob


def test_a_secret_s_name_is_told_and_never_its_value(conn: Conn, bob: UUID) -> None:
    """Not even a hash, whether it comes, changes or goes."""
    envelope = b"\x01\x01k" + b"n" * 12 + b"secretsecret" + b"t" * 16
    conn.execute("update identity.users set password_hash = %s, two_factor_secret = %s where id = %s", [HASH, envelope, bob])
    conn.execute("update identity.users set password_hash = %s where id = %s", [OTHER_HASH, bob])
    conn.execute("update identity.users set password_hash = null where id = %s", [bob])
    conn.execute("update identity.users set password_hash = %s where id = %s", [HASH, bob])
    conn.execute("delete from identity.users where id = %s", [bob])
    texts = scalar(conn, "select string_agg(to_jsonb(a)::text, ' ') from ops.audit_logs as a")
    for secret in ("a" * 20, "b" * 20, envelope.hex()[10:40]):
        assert secret not in texts
    changed = acts(conn, "user.password_changed")
    assert [one.diff["password_hash"]["to"] for one in changed] == ["(changed)", "(changed)", None, "(changed)"]
    assert act(conn, "user.deleted").before["password_hash"] == "(changed)"


def test_the_same_secret_under_another_key_is_no_act(conn: Conn, bob: UUID) -> None:
    """A rotation is told once, by whoever runs it; another secret under the same key is an act."""
    first, second, third = (bytes([1, 1]) + key + bytes([fill]) * 40 for key, fill in ((b"a", 1), (b"b", 2), (b"b", 3)))
    conn.execute("update identity.users set two_factor_secret = %s where id = %s", [first, bob])
    before = count(conn)
    conn.execute("update identity.users set two_factor_secret = %s where id = %s", [second, bob])
    assert count(conn) == before
    conn.execute("update identity.users set two_factor_secret = %s where id = %s", [third, bob])
    conn.execute("update identity.users set two_factor_secret = %s, full_name = 'Bob' where id = %s", [first, bob])
    assert count(conn) == before + 2


def test_facts_and_json_columns_give_no_secret_away(conn: Conn, bob: UUID) -> None:
    conn.execute(
        "update identity.users set metadata = %s where id = %s",
        [Jsonb({"deep": {"api_token": "t0k3n"}, "url": "https://u:pa55@host/x?token=qu3ry", "n": 1}), bob],
    )
    record(conn, "some.thing", password="pl41n", nested=[{"client_secret": "s3cr3t"}], dsn="postgresql://me:pg9@db/x")
    texts = scalar(conn, "select string_agg(to_jsonb(a)::text, ' ') from ops.audit_logs as a")
    for secret in ("t0k3n", "pa55", "qu3ry", "pl41n", "s3cr3t", "pg9"):
        assert secret not in texts
    assert act(conn, "user.changed").after["metadata"]["n"] == 1


def test_a_large_value_is_told_by_its_length(conn: Conn, bob: UUID) -> None:
    conn.execute("update identity.users set settings = %s where id = %s", [Jsonb({"x": ["y" * 100] * 1000}), bob])
    found = act(conn, "user.changed")
    assert "characters)" in found.after["settings"] and len(str(found.after)) < 500
    assert len(str(record(conn, "some.thing", reason="z" * 100_000).facts)) < 500


def test_what_changes_all_the_time_is_no_act(conn: Conn, bob: UUID) -> None:
    before = count(conn)
    conn.execute("update identity.users set last_login_at = now(), last_login_ip = '10.0.0.1', failed_login_attempts = 3 where id = %s", [bob])
    conn.execute("update identity.users set updated_at = now() where id = %s", [bob])
    conn.execute("update identity.users set role = role, full_name = full_name where id = %s", [bob])
    conn.execute("update queue.schedules set next_run_at = now()")
    assert count(conn) == before


@pytest.mark.parametrize(
    ("calls", "action", "entity_id", "diff"),
    [
        (["queue.pause('all', '', 'night')"], "pause.created", "all:", None),
        (["queue.pause('all', '', 'night')", "queue.pause('all', '', 'day')"], "pause.changed", "all:", {"reason": {"from": "night", "to": "day"}}),
        (["queue.pause('job_type', 'no_op', 'x')", "queue.resume('job_type', 'no_op')"], "pause.deleted", "job_type:no_op", None),
        (["queue.set_limit('type:no_op', 3)", "queue.set_limit('type:no_op', 5)"], "limit.changed", "type:no_op", {"max_running": {"from": 3, "to": 5}}),
        (["queue.set_limit('type:no_op', 3)", "queue.drop_limit('type:no_op')"], "limit.deleted", "type:no_op", None),
        (["queue.set_setting('archive_after', '2 days')"], "setting.changed", "archive_after", {"value": {"from": "1 day", "to": "2 days"}}),
        (["queue.set_schedule('nightly', '15 3 * * *', 'no_op')"], "schedule.created", "nightly", None),
        (["queue.set_schedule('nightly', '15 3 * * *', 'no_op')", "queue.pause_schedule('nightly')"], "schedule.paused", "nightly", ...),
    ],
)  # fmt: skip
def test_what_an_operator_changes_is_an_act(conn: Conn, calls: list[str], action: str, entity_id: str, diff: object) -> None:
    for call in calls:
        conn.execute(f"select {call}".encode())
    found = act(conn, action)
    assert (found.actor_kind, found.actor_id, found.entity_id, found.tenant_id) == ("role", conn.info.user, entity_id, None)
    assert diff is ... or found.diff == diff


def test_of_a_pipeline_the_steps_that_changed_are_told(conn: Conn) -> None:
    steps = [{"step": "one", "job_type": "no_op"}, {"step": "two", "job_type": "no_op", "after": ["one"]}, {"step": "old", "job_type": "no_op"}]
    assert scalar(conn, "select queue.set_pipeline('mine', %s)", Jsonb(steps)) == "made"
    before = count(conn)
    steps = [{"step": "one", "job_type": "no_op"}, {"step": "two", "job_type": "no_op", "after": ["one"], "priority": 3}, {"step": "new", "job_type": "no_op"}]
    assert scalar(conn, "select queue.set_pipeline('mine', %s)", Jsonb(steps)) == "replaced"
    assert sorted((one.action, one.entity_id) for one in acts(conn)[before:]) == [
        ("pipeline_step.changed", "mine:two"), ("pipeline_step.created", "mine:new"), ("pipeline_step.deleted", "mine:old"),
    ]  # fmt: skip
    conn.execute("select queue.drop_pipeline('mine')")
    assert act(conn, "pipeline.deleted").entity_id == "mine"


def test_jobs_changed_by_hand_are_acts(conn: Conn, acme: Tenant) -> None:
    def job() -> UUID:
        made: UUID = scalar(conn, "select queue.enqueue_job('no_op', tenant_id => %s, scheduled_for => now() + interval '1 day')", acme.id)
        return made

    first, second = job(), job()
    conn.execute("select queue.reprioritise_job(%s, 3), queue.reprioritise_job(%s, 3)", [first, first])  # the second changes nothing
    conn.execute("select queue.reschedule_job(%s, now() + interval '2 days'), queue.run_job_now(%s)", [first, second])
    conn.execute("select queue.cancel_job(%s, 'not needed'), queue.retry_job(%s)", [first, first])
    assert [(one.action, one.entity_id, one.tenant_id) for one in acts(conn, "job.")] == [
        ("job.reprioritised", str(first), acme.id), ("job.rescheduled", str(first), acme.id), ("job.run_now", str(second), acme.id),
        ("job.cancelled", str(first), acme.id), ("job.retried", str(first), acme.id),
    ]  # fmt: skip
    assert act(conn, "job.cancelled").facts == {"job_type": "no_op", "outcome": "cancelled", "reason": "not needed"}


def test_a_bulk_change_is_one_act_with_its_filter_and_counts(conn: Conn, acme: Tenant) -> None:
    for _ in range(12):
        conn.execute("select queue.enqueue_job('no_op', tenant_id => %s)", [acme.id])
    for changes in ("p_dry_run => true", "p_code => 'nothing_has_it'"):
        conn.execute(f"select queue.cancel_jobs(p_tenant => 'acme', {changes})".encode())
    assert acts(conn, "jobs.") == []
    conn.execute("select queue.cancel_jobs(p_tenant => 'acme', p_job_type => 'no_op', p_reason => 'by mistake')")
    found = act(conn, "jobs.cancelled")
    assert (found.tenant_id, found.entity_id, found.facts["jobs"], found.facts["outcomes"], found.facts["reason"]) == (
        acme.id, None, 12, {"cancelled": 12}, "by mistake",
    )  # fmt: skip
    assert found.facts["filter"]["job_type"] == "no_op"
    assert found.risk_score == 30


def test_videos_runs_workers_and_repairs_are_acts(conn: Conn, acme: Tenant) -> None:
    """One row a call, whatever falls with it."""
    for worker in ("w1", "w2"):
        conn.execute("select queue.register_worker(%s, 'host', 1, '0', 'p', 10)", [worker])
    conn.execute("select queue.drain_worker('w1'), queue.drain_worker('w1', false), queue.drain_host('host')")
    conn.execute("select queue.enqueue_pipeline('standard', %s)", [acme.video])
    conn.execute("select queue.cancel_run(%s, 'stop')", [acme.video])
    conn.execute("select queue.rerun_video(%s)", [acme.video])
    conn.execute("select queue.delete_video(%s)", [acme.video])
    conn.execute("select queue.delete_all_jobs()")
    told = [(one.action, one.entity_id, one.facts.get("workers")) for one in acts(conn)]
    assert told[-7:-3] == [("worker.drained", "w1", None), ("worker.undrained", "w1", None), ("host.drained", "host", 2), ("run.cancelled", str(acme.video), None)]
    assert [action for action, _, _ in told[-3:]] == ["video.rerun", "video.deleted", "queue.emptied"]
    assert act(conn, "video.deleted").facts["jobs"] > 0
    assert act(conn, "video.deleted").before["user_id"] == str(acme.user)


# Who


def test_the_actor_in_all_five_kinds(conn: Conn, connect: Connect, acme: Tenant, bob: UUID) -> None:
    key = scalar(conn, "select id from identity.create_key('Production', %s)", str(acme.id))
    conn.execute("select queue.register_worker('host:p:1:x', 'host', 1, '0', 'p', 10)")
    app = open_as(connect, "reelq_app", acme)
    say(app, user_id=bob, request_id="req-7", client_ip="198.51.100.7", user_agent="curl/8")
    app.execute("select queue.cancel_job(queue.enqueue_job('no_op', user_id => %s))", [bob])
    say(app, user_id=None, api_key_id=key)
    app.execute("select queue.cancel_job(queue.enqueue_job('no_op'))")
    say(app, api_key_id=None, client_ip="no address")
    app.execute("select queue.cancel_job(queue.enqueue_job('no_op'))")
    worker = open_as(connect, "reelq_worker")
    worker.execute("set application_name = 'host:p:1:x'")
    worker.execute("select queue.cancel_job(queue.enqueue_job('no_op'))")
    record(conn, "partition.dropped", system="partitions")

    by_user, by_key, by_role, by_worker = acts(conn, "job.cancelled")
    assert (by_user.actor_kind, by_user.actor_id, by_user.user_id, by_user.api_key_id) == ("user", str(bob), bob, None)
    assert (by_user.request_id, str(by_user.client_ip), by_user.user_agent, by_user.tenant_id) == ("req-7", "198.51.100.7", "curl/8", acme.id)
    assert (by_user.db_role, by_user.login_role) == ("reelq_app", conn.info.user)
    assert (by_key.actor_kind, by_key.actor_id, by_key.user_id) == ("key", str(key), None)
    assert (by_role.actor_kind, by_role.actor_id, by_role.client_ip) == ("role", "reelq_app", None)
    assert (by_worker.actor_kind, by_worker.actor_id) == ("worker", "host:p:1:x")
    system = act(conn, "partition.dropped")
    assert (system.actor_kind, system.actor_id, system.db_role, system.facts) == ("system", "partitions", conn.info.user, {})


def test_an_application_is_no_worker_by_taking_its_name(conn: Conn, connect: Connect, acme: Tenant) -> None:
    conn.execute("select queue.register_worker('host:p:1:x', 'host', 1, '0', 'p', 10)")
    app = open_as(connect, "reelq_app", acme)
    app.execute("set application_name = 'host:p:1:x'")
    app.execute("select queue.cancel_job(queue.enqueue_job('no_op'))")
    assert act(conn, "job.cancelled").actor_kind == "role"


def test_a_direct_write_by_the_owner_is_heard_as_any_other(conn: Conn, acme: Tenant) -> None:
    conn.execute("update identity.tenants set tier = 'enterprise' where id = %s", [acme.id])
    found = act(conn, "tenant.changed")
    assert (found.tenant_id, found.diff) == (acme.id, {"tier": {"from": "standard", "to": "enterprise"}})


# Both or neither


def test_rolled_back_takes_both_away(conn: Conn) -> None:
    before = count(conn)
    with conn.transaction(force_rollback=True):
        conn.execute("select queue.pause('all', '', 'night')")
        assert count(conn) == before + 1
    assert (count(conn), scalar(conn, "select count(*) from queue.pauses")) == (before, 0)


@pytest.mark.parametrize("call", ["queue.pause('all', '', 'night')", "queue.set_setting('archive_after', '2 days')", "queue.cancel_job(%(job)s)"])
def test_an_act_that_cannot_be_written_down_does_not_happen(conn: Conn, call: str) -> None:
    job = scalar(conn, "select queue.enqueue_job('no_op')")
    conn.execute("alter table ops.audit_logs add constraint nothing_more check (false) not valid")
    with pytest.raises(psycopg.errors.CheckViolation, match="nothing_more"):
        conn.execute(f"select {call}".encode(), {"job": job})
    assert scalar(conn, "select count(*) from queue.pauses") == 0
    assert scalar(conn, "select value from queue.settings where name = 'archive_after'") == "1 day"
    assert scalar(conn, "select status from queue.processing_jobs where id = %s", job) == "queued"
    conn.execute("alter table ops.audit_logs drop constraint nothing_more")


def test_an_audit_that_was_taken_away_stops_acts(conn: Conn) -> None:
    """Only an installation that has not come so far may do without."""
    with conn.transaction(force_rollback=True):
        conn.execute("drop function ops.write_act")
        with pytest.raises(psycopg.errors.UndefinedFunction):
            conn.execute("select queue.pause('all', '', 'night')")


def test_many_at_once_are_all_there(conn: Conn, connect: Connect) -> None:
    def work(session: Conn) -> None:
        for number in range(20):
            session.execute("select base.record_act('some.thing', 'thing', %s)", [str(number)])

    threads = [threading.Thread(target=work, args=(connect(),)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(acts(conn, "some.thing")) == 160


# Months


def test_an_act_in_a_month_without_a_partition_is_not_lost(conn: Conn, clock: Clock) -> None:
    clock.set("2041-02-28 23:30-01")
    conn.execute("select queue.pause('all', '', 'night')")
    found = act(conn, "pause.created")
    assert found.created_at.isoformat().startswith("2041-03-01")
    assert scalar(conn, "select ops.full_name(tableoid) from ops.audit_logs where id = %s", found.id) == "ops.audit_logs_2041_03"
    assert refused(conn, "truncate ops.audit_logs_2041_03") == "RQ007"
    assert refused(conn, "delete from ops.audit_logs_2041_03") == "RQ007"


def test_two_that_need_the_same_month_both_get_it(conn: Conn, connect: Connect, clock: Clock) -> None:
    clock.set("2041-05-05 12:00+00")
    one, other = connect(), connect()
    done: list[str] = []

    def second() -> None:
        other.execute("select base.record_act('some.thing', 'thing', 'second')")
        done.append("second")

    with one.transaction():
        one.execute("select base.record_act('some.thing', 'thing', 'first')")
        thread = threading.Thread(target=second)
        thread.start()
    thread.join()
    assert sorted(found.entity_id for found in acts(conn, "some.thing")) == ["first", "second"] and done


def test_a_month_past_its_year_is_dropped_and_that_is_an_act(conn: Conn, clock: Clock) -> None:
    from reelq.worker.db import partitions

    clock.set("2041-05-05 12:00+00")
    record(conn, "some.thing")
    clock.set("2042-05-31 12:00+00")
    list(partitions.maintain(conn, 1.0))
    assert len(acts(conn, "some.thing")) == 1, "a year has not passed for all of it"
    clock.set("2042-06-01 00:01+00")
    list(partitions.maintain(conn, 1.0))
    assert acts(conn, "some.thing") == []
    found = next(one for one in acts(conn, "partition.dropped") if one.entity_id == "ops.audit_logs_2041_05")
    assert (found.actor_kind, found.actor_id, found.facts["retention"]) == ("system", "partitions", "1 year")


# Risk


def risk(conn: Conn, action: str, entity: str = "thing", entity_id: str = "x", after: dict[str, object] | None = None, **facts: object) -> int:
    conn.execute("select base.record_act(%s, %s, %s, null, %s, null, %s)", [action, entity, entity_id, None if after is None else Jsonb(after), Jsonb(facts)])
    return int(acts(conn)[-1].risk_score)


@pytest.mark.parametrize(
    ("expected", "action", "entity", "entity_id", "after", "facts"),
    [
        (0, "some.thing", "thing", "x", None, {}),
        (70, "user.role_changed", "user", "x", {"role": "admin"}, {}),
        (40, "user.role_changed", "user", "x", {"role": "viewer"}, {}),
        (60, "user.second_factor_disabled", "user", "x", {"two_factor_enabled": False}, {}),
        (60, "user.erased", "user", "x", None, {}),
        (50, "user.exported", "user", "x", None, {}),
        (70, "pause.created", "pause", "all:", {"scope": "all"}, {}),
        (20, "pause.created", "pause", "job_type:no_op", {}, {}),
        (50, "limit.changed", "limit", "tenant:*", {}, {}),
        (30, "setting.changed", "setting", "archive_after", {}, {}),
        (30, "api_key.created", "api_key", "x", {"scopes": ["read"]}, {}),
        (20, "api_key.created", "api_key", "x", {"scopes": ["read"], "expires_at": "2030-01-01"}, {}),
        (60, "api_key.created", "api_key", "x", {"scopes": ["admin"]}, {}),
        (20, "jobs.retried", "job", "x", None, {"jobs": 10}),
        (70, "jobs.cancelled", "job", "x", None, {"jobs": 1000}),
        (80, "tenant.status_changed", "tenant", "x", {"status": "deleted"}, {}),
        (100, "user.deleted", "user", "x", None, {"jobs": 5000}),
    ],
)  # fmt: skip
def test_each_rule_of_risk(conn: Conn, expected: int, action: str, entity: str, entity_id: str, after: dict[str, object] | None, facts: dict[str, object]) -> None:
    assert risk(conn, action, entity, entity_id, after, **facts) == expected


def test_log_ins_that_fail_again_and_again_get_risky(conn: Conn, clock: Clock) -> None:
    """By person from anywhere, and from one address to anybody; an hour later it begins anew."""
    clock.set("2041-05-05 12:00+00")
    person = str(uuid4())
    assert [risk(conn, "login.failed", "user", person) for _ in range(9)] == [10, 20, 30, 40, 50, 60, 70, 80, 80]
    clock.forward(3601)
    assert risk(conn, "login.failed", "user", person) == 10
    say(conn, client_ip="198.51.100.7")
    assert [risk(conn, "login.failed", "user", str(uuid4())) for _ in range(3)] == [10, 20, 30]


def test_a_new_address_and_a_new_device_are_risky(conn: Conn, bob: UUID) -> None:
    def log_in(ip: str, agent: str) -> int:
        say(conn, client_ip=ip, user_agent=agent)
        return risk(conn, "session.created", "session", str(uuid4()), subject_user_id=str(bob))

    assert log_in("198.51.100.7", "phone") == 0, "the first one ever"
    assert log_in("198.51.100.7", "phone") == 0
    assert log_in("203.0.113.9", "phone") == 30
    assert log_in("203.0.113.9", "desk") == 30
    assert log_in("192.0.2.1", "unheard of") == 60


def test_one_deletion_after_the_other_gets_risky(conn: Conn, clock: Clock) -> None:
    clock.set("2041-05-05 12:00+00")
    told = [risk(conn, "video.deleted", "video", str(number)) for number in range(51)]
    assert (told[8], told[9], told[48], told[49]) == (10, 40, 40, 70)
    clock.forward(601)
    assert risk(conn, "video.deleted", "video", "another") == 10


def test_everyday_acts_of_an_application_are_not_worth_a_look(conn: Conn, connect: Connect, acme: Tenant) -> None:
    app = open_as(connect, "reelq_app", acme)
    app.execute("select queue.cancel_job(queue.enqueue_job('no_op'))")
    app.execute("select queue.delete_video(%s)", [acme.video])
    assert [one.risk_score for one in acts(conn) if one.login_role and one.db_role == "reelq_app"] == [0, 10]


def test_the_health_says_when_nobody_listens_or_guards(conn: Conn) -> None:
    question = "select level, detail from ops.health() where finding = 'audit'"
    assert conn.execute(question.encode()).fetchall()[0][0] == "ok"
    with conn.transaction(force_rollback=True):
        conn.execute("drop trigger audit_update on queue.settings")
        conn.execute("alter table ops.audit_logs disable trigger guard_audit")
        levels = conn.execute(question.encode()).fetchall()
        assert [level for level, _ in levels] == ["bad", "bad"]
        assert "ops.audit_logs" in levels[0][1] and "queue.settings update" in levels[1][1]


def test_acts_of_an_installation_are_nobody_s(conn: Conn, empty_conn: Conn) -> None:
    """base.record_act does without an audit only while there never was one."""
    from reelq.worker.db import schema

    schema.install(empty_conn)
    assert count(empty_conn) == 0
