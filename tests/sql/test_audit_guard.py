"""What stands in the audit stays: for every role, by every way; only what is personal of an erased user is blanked."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID, uuid4

import pytest
from psycopg.types.json import Jsonb

from tests.conftest import Connect
from tests.sql.auditkit import act, acts, add_user, count, record, say
from tests.sql.mediakit import Conn, refused, scalar
from tests.sql.rolekit import PERMISSION_DENIED, Tenant, open_as

HERE = "select ops.full_name(tableoid) from ops.audit_logs limit 1"
WAYS = (
    "update {} set action = 'some.other'",
    "update {} set before = null, after = null",
    "update {} set redacted_at = now()",
    "delete from {}",
    "truncate {}",
    "merge into {} as a using (select 1) as one on true when matched then delete",
    "merge into {} as a using (select 1) as one on true when matched then update set risk_score = 0",
    "with gone as (delete from {} returning *) select from gone",
    "insert into {} (id, actor_kind, actor_id, db_role, login_role, action, entity_type, created_at) overriding system value "
    "select id, actor_kind, actor_id, db_role, login_role, action, entity_type, created_at from ops.audit_logs "
    "on conflict (id, created_at) do update set action = 'some.other'",
)
# What a caller can set to look like one of our functions, or like replication.
DISGUISES = (
    "reset all",
    "set search_path = pg_catalog, pg_temp",
    "set session_replication_role = replica",
    "select set_config('reelq.user_id', gen_random_uuid()::text, false), set_config('reelq.request_id', 'redact_audit', false)",
    "set row_security = off",
)


@pytest.fixture
def acme(conn: Conn) -> Tenant:
    """A tenant; making it and its user are two acts."""
    return Tenant(conn, "acme")


@pytest.fixture
def bob(conn: Conn, acme: Tenant) -> UUID:
    """A member of it."""
    return add_user(conn, acme.id, "bob@acme.example.com")


def picture(conn: Conn) -> str:
    """All that the audit holds."""
    return str(scalar(conn, "select md5(string_agg(to_jsonb(a)::text, ',' order by a.id)) from ops.audit_logs as a"))


@pytest.mark.parametrize("disguise", DISGUISES)
def test_the_owner_changes_nothing_whatever_it_sets(conn: Conn, acme: Tenant, disguise: str) -> None:
    """In the table and in its partition; with the owner's rights and those of a superuser."""
    before, partition = picture(conn), scalar(conn, HERE)
    conn.execute(disguise.encode())
    for table in ("ops.audit_logs", partition):
        for way in WAYS:
            assert refused(conn, way.format(table)) == "RQ007", (table, way)
    conn.execute("reset all")
    assert picture(conn) == before


@pytest.mark.parametrize("role", ["reelq_admin", "reelq_worker", "reelq_app", "reelq_readonly", "reelq_support"])
def test_no_other_role_may_even_try(conn: Conn, connect: Connect, acme: Tenant, role: str) -> None:
    before, partition = picture(conn), scalar(conn, HERE)
    session = open_as(connect, role, acme)
    for table in ("ops.audit_logs", partition):
        for way in WAYS:
            assert refused(session, way.format(table)) == PERMISSION_DENIED
    for call in ("base.record_act('a.b', 'c', 'd')", "ops.write_act('a.b', 'c', 'd', null, null, null, null)", "ops.redact_audit(gen_random_uuid())"):
        assert refused(session, f"select {call}") == PERMISSION_DENIED, call
    assert refused(session, "insert into ops.audit_redactions (user_id, reason) values (gen_random_uuid(), 'x')") == PERMISSION_DENIED
    assert picture(conn) == before


def test_a_redaction_blanks_what_is_personal_and_nothing_else(conn: Conn, connect: Connect, acme: Tenant, bob: UUID) -> None:
    conn.execute("update identity.users set full_name = 'Bob Builder', role = 'beta_tester' where id = %s", [bob])
    conn.execute("update identity.users set full_name = 'Robert', username = 'bob' where id = %s", [bob])
    record(conn, "login.failed", "user", None, address="BOB@acme.example.com")
    record(conn, "job.cancelled", "job", "1", reason="Bob Builder asked for it")
    app = open_as(connect, "reelq_app", acme)
    say(app, user_id=bob, client_ip="198.51.100.7", user_agent="curl/8")
    app.execute("select queue.cancel_job(queue.enqueue_job('no_op', user_id => %s))", [bob])
    others = record(conn, "job.cancelled", "job", "2", reason="somebody else")

    changed = scalar(conn, "select ops.redact_audit(%s, array['bob@acme.example.com', 'Bob Builder', 'Robert', 'bo'], 'erased on request')", bob)
    texts = scalar(conn, "select string_agg(to_jsonb(a)::text, ' ') from ops.audit_logs as a").lower()
    for personal in ("bob@acme", "bob builder", "robert", "198.51.100.7", "curl/8"):
        assert personal not in texts
    told = act(conn, "user.role_changed")
    assert (told.diff["role"], told.diff["full_name"]["to"], told.entity_id) == ({"from": "member", "to": "beta_tester"}, "(erased)", str(bob))
    by_them = next(one for one in acts(conn, "job.cancelled") if one.user_id == bob)
    assert (by_them.client_ip, by_them.user_agent, by_them.actor_id, by_them.action) == (None, None, str(bob), "job.cancelled")
    assert [one for one in acts(conn) if one.id == others.id] == [others]
    assert changed == sum(one.redacted_at is not None for one in acts(conn))
    proof = act(conn, "audit.redacted")
    assert (proof.entity_id, proof.facts["rows"], proof.redacted_at) == (str(bob), changed, None)
    assert conn.execute("select user_id, personal_values, reason, rows_changed from ops.audit_redactions").fetchall() == [(bob, [], "erased on request", changed)]
    assert scalar(conn, "select ops.redact_audit(%s, array['bob@acme.example.com'])", bob) == 0, "nothing is left to blank"


def test_a_redaction_reads_acts_about_settings_which_are_rows_of_two_tables(conn: Conn, bob: UUID) -> None:
    conn.execute("select queue.set_setting('archive_after', '36 days'), ops.set_config('worker.poll_s', '\"0.36s\"')")
    assert scalar(conn, "select ops.redact_audit(%s, array['36 days', '0.36s'])", bob) == 3, "two, and the act that made him"
    texts = scalar(conn, "select string_agg(to_jsonb(a)::text, ' ') from ops.audit_logs as a where a.entity_type = 'setting'")
    assert "(erased)" in texts and "36 days" not in texts and "0.36" not in texts and "archive_after" in texts


def test_a_redaction_by_hand_opens_no_more_than_the_function_does(conn: Conn, acme: Tenant, bob: UUID) -> None:
    """Whoever enters one has called the function; changes that it does not say are refused, also of the same transaction and rows."""
    record(conn, "job.cancelled", "job", "1", reason="keep")
    before = picture(conn)
    for change in (
        "action = 'some.other'", "after = '{}'", "risk_score = 0", "redacted_at = now()", "created_at = created_at - interval '1 hour'",
        "after = after || '{\"role\": \"admin\"}'", "facts = '{}', redacted_at = now()", "user_id = null", "client_ip = '10.0.0.1'",
    ):  # fmt: skip
        with conn.transaction(force_rollback=True):
            conn.execute("insert into ops.audit_redactions (user_id, reason) values (%s, 'by hand')", [bob])
            assert refused(conn, f"update ops.audit_logs set {change}") == "RQ007", change
    assert picture(conn) == before


def test_a_redaction_is_for_its_own_transaction(conn: Conn, bob: UUID) -> None:
    """Not for a later one, whatever number the row is given."""
    conn.execute("insert into ops.audit_redactions (user_id, reason, transaction_id) select %s, 'by hand', (x::text::bigint + n)::text::xid8 from generate_series(0, 20) as n, pg_current_xact_id() as x", [bob])
    blank = (
        "update ops.audit_logs as a set (before, after, facts, redacted_at) = (select r.before, r.after, r.facts, r.redacted_at from ops.redacted_act(a, c) as r) "
        "from ops.audit_redactions as c where a.subject_user_id = c.user_id and c.id = (select id from ops.audit_redactions limit 1)"
    )
    assert refused(conn, blank) == "RQ007"
    assert "bob@" in str([one.after for one in acts(conn, "user.created")])


def test_redactions_are_kept_for_good(conn: Conn, bob: UUID) -> None:
    conn.execute("select ops.redact_audit(%s)", [bob])
    for way in (
        "update ops.audit_redactions set reason = 'another'", "update ops.audit_redactions set personal_values = '{}', rows_changed = 0",
        "delete from ops.audit_redactions", "truncate ops.audit_redactions",
    ):  # fmt: skip
        for disguise in DISGUISES:
            conn.execute(disguise.encode())
            assert refused(conn, way) == "RQ007"
            conn.execute("reset all")
    assert refused(conn, "select ops.redact_audit(null)") == "RQ008"


def test_a_redaction_that_fails_leaves_nothing_half_blanked(conn: Conn, bob: UUID) -> None:
    before = picture(conn)
    with conn.transaction(force_rollback=True):
        conn.execute("select ops.redact_audit(%s, array['bob@acme.example.com'])", [bob])
        assert picture(conn) != before
    assert (picture(conn), scalar(conn, "select count(*) from ops.audit_redactions")) == (before, 0)


# Who sees what


@pytest.fixture
def rival(conn: Conn) -> Tenant:
    """Another tenant, with acts of its own."""
    return Tenant(conn, "rival")


@pytest.fixture
def as_app(connect: Connect) -> Callable[..., Conn]:
    """A connection as an application, for a tenant and a user."""

    def opened(tenant: Tenant | None = None, user: UUID | None = None, role: str = "reelq_app") -> Conn:
        session = open_as(connect, role, tenant)
        say(session, user_id=user)
        return session

    return opened


SEEN = ("select count(*) from ops.audit_logs", "select count(*) from ops.list_acts(p_limit => 1000)")


def test_a_tenant_and_its_admin_see_the_tenant_s_acts_and_a_member_their_own(
    conn: Conn, as_app: Callable[..., Conn], acme: Tenant, rival: Tenant, bob: UUID
) -> None:
    admin = add_user(conn, acme.id, "admin@acme.example.com", "admin")
    stranger = add_user(conn, rival.id, "eve@rival.example.com", "admin")
    conn.execute("select queue.pause('all', '', 'night')")
    member = as_app(acme, bob)
    member.execute("select queue.cancel_job(queue.enqueue_job('no_op', user_id => %s))", [bob])
    all_of_acme = scalar(conn, "select count(*) from ops.audit_logs where tenant_id = %s", acme.id)
    assert all_of_acme > 3
    for question in SEEN:
        assert scalar(as_app(acme), question) == all_of_acme
        assert scalar(as_app(acme, admin), question) == all_of_acme
        assert scalar(as_app(acme, None, "reelq_readonly"), question) == all_of_acme
        assert scalar(member, question) == (1 if question == SEEN[0] else 2), "the list has besides that the account was made"
        assert scalar(as_app(acme, stranger), question) == 0, "an admin of another tenant is nobody here"
        assert scalar(as_app(acme, uuid4()), question) == 0
    for session in (as_app(), as_app(None, admin)):
        assert scalar(session, SEEN[0]) == 0
        assert refused(session, SEEN[1]) == "RQ004"


def test_a_member_is_told_what_was_done_to_their_account_and_not_from_where(conn: Conn, as_app: Callable[..., Conn], acme: Tenant, bob: UUID) -> None:
    admin = add_user(conn, acme.id, "admin@acme.example.com", "admin")
    other = add_user(conn, acme.id, "other@acme.example.com")
    say(conn, client_ip="203.0.113.9", user_agent="his own")
    conn.execute("select base.record_act('login.succeeded', 'user', %s, p_tenant_id => %s)", [str(bob), acme.id])
    boss = as_app(acme, admin)
    say(boss, client_ip="198.51.100.7", user_agent="the admin's")
    boss.execute("select identity.set_user_role(%s, 'viewer')", [bob])
    boss.execute("select identity.set_user_role(%s, 'viewer')", [other])
    question = "select action, actor_kind, host(client_ip), user_agent from ops.list_acts()"
    member = as_app(acme, bob)
    told = [("user.role_changed", "user", None, None), ("login.succeeded", "role", "203.0.113.9", "his own"), ("user.created", "role", None, None)]
    assert member.execute(question.encode()).fetchall() == told
    (last,) = member.execute(b"select id from ops.list_acts(p_limit => 1)").fetchall()[0]
    paged = question.replace("()", f"(p_after => {last}, p_limit => 1)")
    assert member.execute(paged.encode()).fetchall() == told[1:2]
    assert member.execute(question.replace("()", "(p_action => 'user')").encode()).fetchall() == [told[0], told[2]]
    assert boss.execute(question.replace("()", "(p_limit => 1)").encode()).fetchall() == [("user.role_changed", "user", "198.51.100.7", "the admin's")]


def test_operators_see_all_and_workers_and_support_nothing(conn: Conn, connect: Connect, acme: Tenant, rival: Tenant) -> None:
    everything = count(conn)
    for question in SEEN:
        assert scalar(conn, question) == everything
        assert scalar(open_as(connect, "reelq_admin"), question) == everything
        for role in ("reelq_worker", "reelq_support"):
            assert refused(open_as(connect, role), question) == PERMISSION_DENIED
    assert scalar(open_as(connect, "reelq_admin", acme), SEEN[1]) == scalar(conn, "select count(*) from ops.audit_logs where tenant_id = %s", acme.id)


def test_a_tenant_learns_what_an_operator_did_and_not_who_that_was(conn: Conn, as_app: Callable[..., Conn], acme: Tenant) -> None:
    conn.execute("select identity.set_tenant_status('acme', 'suspended'), identity.set_tenant_status('acme', 'active')")
    session = as_app(acme)
    (found,) = session.execute(
        "select actor, db_role, login_role, program, session_ip, diff -> 'status' ->> 'to' from ops.list_acts(p_action => 'tenant.status_changed') limit 1"
    ).fetchall()
    assert found == ("role", None, None, None, None, "active")
    for column in ("db_role", "login_role", "program", "session_ip", "actor_id", "*"):
        assert refused(session, f"select {column} from ops.audit_logs") == PERMISSION_DENIED
    assert refused(session, "select * from ops.list_acts(p_actor => 'postgres')") == PERMISSION_DENIED


def test_nobody_finds_out_who_else_is_here(conn: Conn, as_app: Callable[..., Conn], acme: Tenant, rival: Tenant, bob: UUID) -> None:
    """One answer for another tenant's person, act or tenant, for another user of one's own, and for one that never was."""
    session, member = as_app(acme), as_app(acme, bob)
    other = add_user(conn, acme.id, "other@acme.example.com")
    for argument in ("p_about", "p_actor", "p_entity_type => 'user', p_entity_id"):
        assert {refused(member, f"select * from ops.list_acts({argument} => '{who}@acme.example.com')") for who in ("other", "nobody")} == {"RQ004"}
        assert session.execute(f"select count(*) > 0 from ops.list_acts({argument} => 'other@acme.example.com')".encode()).fetchone() is not None
    assert member.execute("select * from ops.list_acts(p_about => %s)", [str(other)]).fetchall() == []
    theirs = scalar(conn, "select max(id) from ops.audit_logs where tenant_id = %s", rival.id)
    for known, unknown in (
        ("p_about => 'ann@rival.example.com'", "p_about => 'ann@nobody.example.com'"),
        ("p_actor => 'ann@rival.example.com'", "p_actor => 'ann@nobody.example.com'"),
        ("p_tenant => 'rival'", "p_tenant => 'nobody'"),
        (f"p_after => {theirs}", "p_after => 987654321"),
        (f"p_id => {theirs}", "p_id => 987654321"),
    ):
        assert refused(session, f"select * from ops.list_acts({known})") == refused(session, f"select * from ops.list_acts({unknown})") == "RQ004"
    assert session.execute("select * from ops.list_acts(p_about => %s)", [str(rival.user)]).fetchall() == []


@pytest.mark.parametrize(
    "wrong",
    [
        "p_limit => 0", "p_limit => 1001", "p_limit => null", "p_min_risk => 19", "p_min_risk => 101", "p_since => 'infinity'", "p_entity_id => 'all:'",
        "p_since => '2030-01-02', p_until => '2030-01-01'",
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_with_a_hint(conn: Conn, wrong: str) -> None:
    assert refused(conn, f"select * from ops.list_acts({wrong})") == "RQ008"


def test_pages_follow_one_another(conn: Conn, acme: Tenant) -> None:
    for number in range(25):
        conn.execute("select base.record_act('some.thing', 'thing', %s)", [str(number)])
    seen: list[str] = []
    after = None
    while page := conn.execute("select id, entity_id from ops.list_acts(p_action => 'some', p_limit => 10, p_after => %s)", [after]).fetchall():
        seen += [entity for _, entity in page]
        after = page[-1][0]
    assert seen == [str(number) for number in reversed(range(25))]


def test_failed_log_ins_are_counted_by_person_and_address(conn: Conn, as_app: Callable[..., Conn], acme: Tenant, rival: Tenant, bob: UUID) -> None:
    for ip, times in (("198.51.100.7", 3), ("203.0.113.9", 1)):
        say(conn, client_ip=ip)
        for _ in range(times):
            conn.execute("select base.record_act('login.failed', 'user', %s, p_tenant_id => %s)", [str(bob), acme.id])
    conn.execute("select base.record_act('login.locked', 'user', %s, p_tenant_id => %s)", [str(bob), acme.id])
    conn.execute("select base.record_act('login.failed', 'user', null, p_tenant_id => %s)", [rival.id])
    question = "select email, host(client_ip), failures, locked from ops.failed_logins()"
    ours = [("bob@acme.example.com", "198.51.100.7", 3, False), ("bob@acme.example.com", "203.0.113.9", 1, True)]
    assert as_app(acme).execute(question.encode()).fetchall() == ours
    assert len(conn.execute(question.encode()).fetchall()) == 3
    assert as_app(acme, bob).execute(question.encode()).fetchall() == [], "a member sees nobody's"
    assert refused(as_app(), question) == "RQ004"
    assert conn.execute("select failures from ops.failed_logins('acme', p_least => 2)").fetchall() == [(3,), (1,)]


def test_json_of_an_act_is_bounded_whatever_it_is_given(conn: Conn) -> None:
    """Helpers of all rooms come here: scalars, deep and wide JSON, none at all."""
    for before in (Jsonb("a word"), Jsonb(3), Jsonb(None), None, Jsonb({"a": {"b": {"c": {"d": {"e": {"f": {"g": {"h": 1}}}}}}}}), Jsonb({str(n): n for n in range(5000)})):
        conn.execute("select base.record_act('some.thing', 'thing', 'x', %s, %s)", [before, before])
    sizes = scalar(conn, "select max(pg_column_size(a.before)) from ops.audit_logs as a where action = 'some.thing'")
    assert sizes < 5000
    assert acts(conn, "some.thing")[0].before == {"value": "a word"}
