"""Accounts, subscriptions, quotas and keys, as somebody who looks for gaps uses them: stolen sessions, late payments, what has run out."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import bcrypt
import psycopg
import pyotp
import pytest
from psycopg.types.json import Jsonb

from reelq.worker import passwords
from reelq.worker.db import schema
from reelq.worker.errors import NotAuthenticated, NotFound, ReelqError
from reelq.worker.rooms.identity import login, sessions, tokens, users
from tests.conftest import Clock, Connect
from tests.sql import releasekit
from tests.sql.accountkit import Company, code, refusal
from tests.sql.identitykit import HASH, PASSWORD, add_user, become, make_cheap, one, told
from tests.sql.mediakit import Conn, scalar
from tests.sql.plankit import in_bulk
from tests.sql.queuekit import Queue
from tests.sql.secretkit import shaped

ANN = "ann@example.com"
SUBSCRIBE = "select identity.set_subscription(null, %s, %s)"


@pytest.fixture
def ann(conn: Conn) -> UUID:
    make_cheap(conn)
    return add_user(conn)


def status(conn: Conn, user: UUID) -> str:
    found: str = scalar(conn, "select status from identity.users where id = %s", user)
    return found


@pytest.mark.parametrize("way", ["set_password", "reset", "revoke_sessions", "revoke_session", "drop_second_factor"])
def test_another_address_that_a_stolen_session_asked_for_goes_with_it(conn: Conn, ann: UUID, way: str) -> None:
    stolen = sessions.open_session(conn, ann)
    wanted = tokens.request_verification(conn, ann, "evil@example.net")
    if way == "set_password":
        login.set_password_hash(conn, ann, HASH)
    elif way == "reset":
        tokens.use_password_token(conn, tokens.request_reset(conn, ANN).token, "another horse battery")
    elif way == "revoke_sessions":
        sessions.revoke_sessions(conn, ann)
    elif way == "revoke_session":
        sessions.revoke_session(conn, stolen.session_id)
    else:
        conn.execute("update identity.users set two_factor_secret = %s where id = %s", [shaped("k1"), ann])
        login.drop_second_factor(conn, ann)
    with pytest.raises(NotAuthenticated):
        tokens.verify_email(conn, wanted.token)
    assert users.show_user(conn, ann).email == ANN


def test_a_token_for_the_present_address_outlives_the_first_password(conn: Conn, ann: UUID) -> None:
    mail = tokens.request_verification(conn, ann)
    login.set_password_hash(conn, ann, HASH)
    assert tokens.verify_email(conn, mail.token).user_id == ann


def test_a_password_of_which_bcrypt_read_the_beginning_is_not_hashed_anew(conn: Conn, ann: UUID) -> None:
    real = "correct horse battery staple " * 3
    kept = bcrypt.hashpw(real.encode()[:72], bcrypt.gensalt(4)).decode()
    login.set_password_hash(conn, ann, kept)
    login.log_in(conn, ANN, real[:72] + "XXXXXXX")
    assert scalar(conn, "select password_hash from identity.users where id = %s", ann) == kept
    assert login.log_in(conn, ANN, real).user_id == ann
    login.set_password_hash(conn, ann, bcrypt.hashpw(real.encode()[:72], bcrypt.gensalt(4)).decode())
    login.log_in(conn, ANN, real[:72])
    assert scalar(conn, "select left(password_hash, 9) from identity.users where id = %s", ann) == "$argon2id"


def test_who_pays_a_trial_late_has_the_same_subscription(conn: Conn, ann: UUID, clock: Clock) -> None:
    clock.forward(0)
    facts = {"plan": "pro", "provider": "stripe", "provider_subscription_id": "sub_1", "provider_customer_id": "cus_1", "monthly_quota": 300}
    made = scalar(conn, SUBSCRIBE, ann, Jsonb(facts | {"status": "trialing", "trial_ends_at": str(scalar(conn, "select base.clock() + interval '1 day'"))}))
    clock.forward(timedelta(days=2))
    conn.execute("select queue.tidy_identity()")
    assert status(conn, ann) == "active"
    assert scalar(conn, SUBSCRIBE, ann, Jsonb({"plan": "pro", "status": "active", "provider": "stripe", "provider_subscription_id": "sub_1"})) == made
    found = one(conn, "select status, ended_at, monthly_quota, provider_customer_id from identity.subscriptions")
    assert found == {"status": "active", "ended_at": None, "monthly_quota": 300, "provider_customer_id": "cus_1"}


def test_an_id_of_the_provider_is_one_live_subscription_s(conn: Conn, ann: UUID) -> None:
    bob = add_user(conn, "bob@example.com")
    facts = Jsonb({"plan": "pro", "provider": "stripe", "provider_subscription_id": "sub_1"})
    conn.execute(SUBSCRIBE.encode(), [ann, facts])
    assert told(conn, SUBSCRIBE, bob, facts)[0] == "RQ009"
    conn.execute("select identity.end_subscription(null, %s)", [ann])
    conn.execute(SUBSCRIBE.encode(), [bob, facts])
    assert told(conn, SUBSCRIBE, ann, facts)[0] == "RQ009"


def test_log_in_leaves_nothing_of_its_caller_on_a_connection_that_is_shared(connect: Connect, conn: Conn, ann: UUID) -> None:
    tenant = scalar(conn, "select tenant_id from identity.users where id = %s", ann)
    app = become(connect(), "reelq_app").conn
    caller = login.Caller(tenant, "192.0.2.7", "Browser\0\ud800", "req-1")
    opened = login.log_in(app, ANN, PASSWORD, caller=caller)
    session = one(conn, "select host(ip_address) as ip, user_agent from identity.user_sessions where id = %s", opened.session_id)
    assert session == {"ip": "192.0.2.7", "user_agent": "Browser??"}
    for name in ("tenant_id", "client_ip", "user_agent", "request_id"):
        assert scalar(app, "select coalesce(current_setting(%s, true), '')", f"reelq.{name}") == ""
    # What an earlier caller has left there does not count.
    app.execute("select set_config('reelq.client_ip', '198.51.100.1', false), set_config('reelq.tenant_id', %s, false)", [str(ann)])
    assert login.check_password(app, ANN, PASSWORD, caller=caller) == ann
    other = login.Caller(scalar(conn, "select identity.create_tenant('other')"), "192.0.2.9")
    with pytest.raises(NotAuthenticated):
        login.log_in(app, ANN, PASSWORD, caller=other)
    assert scalar(conn, "select host(client_ip) from ops.audit_logs where action = 'login.failed' order by created_at desc limit 1") == "192.0.2.9"


@pytest.mark.parametrize("days", [None, -1, 1])
def test_health_tells_that_the_months_of_the_audit_run_out(conn: Conn, clock: Clock, days: int | None) -> None:
    """Then the first act makes one, and every log-in waits for that session."""
    question = "select level from ops.health() where finding = 'audit partitions'"
    assert scalar(conn, question) == "ok"
    until = scalar(conn, "select max(p.until) from base.partitions('ops.audit_logs') as p")
    if days is None:
        for (name,) in conn.execute("select p.partition::text from base.partitions('ops.audit_logs') as p").fetchall():
            conn.execute(f"drop table {name}".encode())
    else:
        clock.set(until + timedelta(days=days))
    assert scalar(conn, question) == {None: "bad", 1: "bad", -1: "warn"}[days]


def test_all_functions_of_accounts_raise_errors_of_ours(conn: Conn, ann: UUID) -> None:
    nobody = UUID(int=1)
    calls = [
        lambda: sessions.check_session(conn, "rqs_no"), lambda: tokens.show_token(conn, "rqt_no"), lambda: tokens.verify_email(conn, "rqt_no"),
        lambda: tokens.use_password_token(conn, "rqt_no", "another horse battery"), lambda: users.show_user(conn, nobody),
        lambda: users.delete_user(conn, nobody), lambda: sessions.revoke_session(conn, nobody), lambda: login.set_password_hash(conn, ann, "no hash"),
        lambda: login.set_password_hash(conn, nobody, HASH),
    ]  # fmt: skip
    for call in calls:
        with pytest.raises(ReelqError), conn.transaction():
            call()
    with pytest.raises(NotAuthenticated), conn.transaction():
        sessions.check_session(conn, "rqs_no")
    with pytest.raises(NotFound):
        users.delete_user(conn, nobody)


def test_no_module_of_accounts_speaks_to_the_database_past_them() -> None:
    rooms = Path(login.__file__).parent
    for path in [*rooms.glob("*.py"), *(rooms.parent / "ops").glob("*.py")]:
        assert "db.rows import" not in path.read_text() and "conn.execute(" not in path.read_text(), path


def test_the_end_of_many_sessions_is_one_act_and_a_user_has_a_hundred(conn: Conn, ann: UUID) -> None:
    first = sessions.open_session(conn, ann)
    for _ in range(103):
        last = sessions.open_session(conn, ann)
    assert users.show_user(conn, ann).sessions == 100
    assert scalar(conn, "select revoked_because from identity.user_sessions where id = %s", first.session_id) == "too_many"
    with conn.transaction():
        assert sessions.check_session(conn, last.token).user_id == ann
    with pytest.raises(NotAuthenticated), conn.transaction():
        sessions.check_session(conn, first.token)
    acts = "select count(*) from ops.audit_logs where action like 'session%%.revoked'"
    before = scalar(conn, acts)
    assert sessions.revoke_sessions(conn, ann) == 100
    assert scalar(conn, acts) == before + 1
    told = one(conn, "select action, facts ->> 'sessions' as ended, facts ->> 'because' as why, subject_user_id from ops.audit_logs where action = 'sessions.revoked' order by id desc limit 1")
    assert told == {"action": "sessions.revoked", "ended": "100", "why": "revoked", "subject_user_id": ann}


def test_the_end_of_one_session_is_an_act(conn: Conn, ann: UUID) -> None:
    sessions.close_session(conn, sessions.open_session(conn, ann).token)
    sessions.revoke_session(conn, sessions.open_session(conn, ann).session_id)
    found = conn.execute("select facts ->> 'because' from ops.audit_logs where action = 'session.revoked' order by id").fetchall()
    assert [why for (why,) in found] == ["logged_out", "revoked"]


def test_the_sessions_of_a_user_are_counted_by_those_that_live(conn: Conn, ann: UUID) -> None:
    with in_bulk(conn):
        conn.execute(
            "insert into identity.user_sessions (tenant_id, user_id, token_hash, expires_at, created_at, revoked_at, revoked_because) "
            "select u.tenant_id, u.id, sha256(convert_to(n::text, 'UTF8')), now() + interval '1 day', now() - interval '2 days', now(), 'revoked' "
            "from identity.users as u cross join generate_series(1, 3000) as n where u.id = %s", [ann],
        )  # fmt: skip
    conn.execute("analyze identity.user_sessions")
    plan = conn.execute(
        "explain (format json) select count(*) from identity.user_sessions as s where s.user_id = %s and s.revoked_at is null and s.expires_at > now()", [ann]
    ).fetchone()
    assert plan is not None and "user_sessions_live" in str(plan[0])


@pytest.mark.parametrize("before", ["active", "trial", "suspended", "cancelled"])
def test_who_is_restored_is_what_they_were(conn: Conn, ann: UUID, before: str) -> None:
    if before == "trial":
        conn.execute(SUBSCRIBE.encode(), [ann, Jsonb({"plan": "pro", "status": "trialing", "trial_ends_at": "2999-01-01T00:00:00Z"})])
    else:
        users.set_user_status(conn, ann, before)
    users.delete_user(conn, ann)
    users.restore_user(conn, ann)
    assert status(conn, ann) == before
    assert scalar(conn, "select status_before from identity.users where id = %s", ann) is None


@pytest.mark.parametrize("way", ["deleted", "suspended"])
def test_who_comes_back_when_the_trial_is_over_is_not_on_trial(conn: Conn, ann: UUID, clock: Clock, way: str) -> None:
    clock.forward(0)
    conn.execute(SUBSCRIBE.encode(), [ann, Jsonb({"plan": "pro", "status": "trialing", "trial_ends_at": str(scalar(conn, "select base.clock() + interval '9 days'"))})])
    for after, expected in ((1, "trial"), (10, "active")):
        clock.forward(timedelta(days=after))
        if way == "deleted":
            users.delete_user(conn, ann)
            users.restore_user(conn, ann)
        else:
            users.set_user_status(conn, ann, "suspended")
            users.set_user_status(conn, ann, "active")
        assert status(conn, ann) == expected


def test_an_expired_key_gives_its_name_to_a_new_one(conn: Conn, connect: Connect, clock: Clock) -> None:
    clock.forward(0)
    queue = Queue(conn)
    Company(queue, connect, "acme")
    create = "select id from identity.create_key('Production', 'acme', null, '{read}', 10, %s)"
    old = queue.value(create, scalar(conn, "select base.clock() + interval '1 day'"))
    assert code(queue, create, None) == "RQ009"
    clock.forward(timedelta(days=2))
    assert refusal(queue, "select identity.rotate_key(%s)", old).message_hint == "Rotate the one that came in its place, or make a new one: reelq keys create"
    new = queue.value(create, None)
    assert queue.rows("select name, state from identity.list_keys('acme', null, true) order by id") == [("Production", "expired"), ("Production", "active")]
    assert queue.value("select replaced_by from identity.api_keys where id = %s", old) == new


def test_an_hourly_limit_goes_on_after_a_rotation(conn: Conn, connect: Connect, clock: Clock) -> None:
    clock.forward(0)
    queue = Queue(conn)
    Company(queue, connect, "acme")
    (old,) = queue.rows("select * from identity.create_key('Production', 'acme', null, '{read}', 5)")
    look = "select from identity.authenticate(%s)"
    for _ in range(3):
        assert code(queue, look, old.key) is None
    (new,) = queue.rows("select * from identity.rotate_key(%s)", old.id)
    assert queue.value("select used_this_hour from identity.show_key(%s)", new.id) == 3
    assert [code(queue, look, key) for key in (new.key, old.key, new.key, old.key)] == [None, None, "RQ015", "RQ015"]
    (third,) = queue.rows("select * from identity.rotate_key(%s)", new.id)
    assert code(queue, look, third.key) == "RQ015"
    assert queue.rows("select id, uses from ops.overused_keys()") == [(third.id, 5)]


@pytest.mark.parametrize("address", ["o'brien@example.com", "ann@xn--e1afmkfd.xn--p1ai", "a&b@example.com", "a/b@example.com", "a=b!c#d$e*f?g^h_i`j{k|l}m~n@example.com"])
def test_addresses_that_mail_reaches_are_taken(conn: Conn, address: str) -> None:
    make_cheap(conn)
    made = users.create_user(conn, address)
    login.set_password_hash(conn, made, HASH)
    assert login.log_in(conn, address.upper(), PASSWORD).user_id == made
    assert tokens.request_verification(conn, made, "x" + address).send_to == "x" + address
    with pytest.raises(NotAuthenticated):
        login.log_in(conn, address, "wrong")
    assert scalar(conn, "select facts ->> 'address' from ops.audit_logs where action = 'login.failed'") is not None


@pytest.mark.parametrize("address", ["", "ann", "ann@", "@example.com", "ann@example", "a b@example.com", "ann@example.com\n", "ann@exa_mple.com", "a@b@example.com", f"{'a' * 250}@example.com"])
def test_what_is_no_address_is_refused_in_words_of_ours(conn: Conn, ann: UUID, address: str) -> None:
    for statement, arguments in (
        ("select identity.create_user(%s)", [address.replace("\n", "\n x")]),
        ("select identity.change_user(%s, %s)", [ann, Jsonb({"email": address.replace("\n", "\n x")})]),
    ):
        with pytest.raises(psycopg.Error) as caught:
            conn.execute(statement.encode(), arguments)
        said = f"{caught.value.diag.message_primary} {caught.value.diag.message_hint}"
        assert caught.value.sqlstate == "RQ008" and "email must be an address" in said and "constraint" not in said and "relation" not in said


def test_an_admin_who_never_came_does_not_stand_in_for_the_last_one(conn: Conn) -> None:
    tenant = scalar(conn, "select identity.create_tenant('acme')")
    make_cheap(conn)
    root = add_user(conn, "root@acme.example", "admin", tenant)
    invited = tokens.invite_user(conn, "next@acme.example", "admin", tenant_id=tenant)
    for statement in ("delete_user(%s)", "set_user_status(%s, 'suspended')", "set_user_role(%s, 'member')"):
        assert told(conn, f"select identity.{statement}", root)[0] == "RQ009"
    tokens.use_password_token(conn, invited.token, "another horse battery")
    conn.execute("update identity.login_settings set value = 'yes' where name = 'login_needs_verified_email'")
    conn.execute("update identity.users set email_verified = false where id = %s", [invited.user_id])
    assert told(conn, "select identity.delete_user(%s)", root)[0] == "RQ009"
    conn.execute("update identity.users set email_verified = true where id = %s", [invited.user_id])
    users.delete_user(conn, root)


def test_an_upgrade_names_the_view_that_needs_a_column_which_goes(pg_server) -> None:  # type: ignore[no-untyped-def]
    with releasekit.database(pg_server, "0.1.0") as url, psycopg.connect(url, autocommit=True) as conn:
        conn.execute("create view public.tiers as select id, subscription_tier from identity.users")
        before = conn.execute("select count(*) from base.schema_ledger").fetchone()
        with pytest.raises(schema.SchemaError) as caught:
            schema.upgrade(conn)
        assert "view public.tiers needs identity.users.subscription_tier" in str(caught.value) and "identity.accounts" in str(caught.value.hint)
        assert conn.execute("select count(*) from base.schema_ledger").fetchone() == before
        conn.execute("drop view public.tiers")
        schema.upgrade(conn)


def test_a_quota_of_0_1_0_keeps_the_day_of_its_account_and_a_trial_without_an_end_is_none(pg_server) -> None:  # type: ignore[no-untyped-def]
    with releasekit.database(pg_server, "0.1.0") as url, psycopg.connect(url, autocommit=True) as conn:
        add = (
            "insert into identity.users (tenant_id, email, created_at, quota_reset_date, status) "
            "select id, %s, %s, %s, %s from identity.tenants where slug = 'default'"
        )
        for row in (
            ("late@example.com", "2026-01-31", "2026-02-28", "active"), ("mid@example.com", "2026-01-31", "2026-02-14", "active"),
            ("end@example.com", "2026-01-28", "2026-02-28", "trial"),
        ):  # fmt: skip
            conn.execute(add, row)
        schema.upgrade(conn)
        found = conn.execute(
            "select u.email, q.reset_day, u.status from identity.users as u inner join identity.quotas as q on q.user_id = u.id "
            "where u.email in ('late@example.com', 'mid@example.com', 'end@example.com') order by 1"
        ).fetchall()
        assert found == [("end@example.com", 28, "active"), ("late@example.com", 31, "active"), ("mid@example.com", 14, "active")]


def test_another_day_of_a_quota_never_makes_its_month_longer(conn: Conn, ann: UUID, clock: Clock) -> None:
    clock.set("2026-11-27 12:00+00")
    for day in (1, 26, 28, 26):
        conn.execute("select identity.set_quota(null, %s, 10, %s)", [ann, day])
    assert str(scalar(conn, "select resets_on from identity.quotas where user_id = %s", ann)) == "2026-11-28"


@pytest.mark.parametrize("name", ["login_lock", "login_lock_longest"])
def test_a_lock_lasts_a_day_at_most_and_doubles_without_end(conn: Conn, ann: UUID, name: str) -> None:
    sqlstate, message, _ = told(conn, "select identity.set_login_setting(%s, '1 year')", name)
    assert sqlstate == "RQ008" and message is not None and message.endswith("must be a time of 1 second to 1 day with its unit, not '1 year'")
    conn.execute("select identity.set_login_setting('login_lock', '1 day'), identity.set_login_setting('login_lock_longest', '1 day')")
    conn.execute("update identity.users set failed_login_attempts = 40")
    login.begin_login(conn, ANN)
    assert scalar(conn, "select locked_until <= base.clock() + interval '1 day' from identity.users where id = %s", ann)


@pytest.mark.parametrize("typed", ["611-481", "611481\n", " 611 481 ", "６１１４８１", "611\u2013481", "611\u00a0481", "611\u2011481"])
def test_a_code_is_taken_as_people_type_it(typed: str) -> None:
    assert passwords.looks_like_code(typed) and passwords.bare(typed) == "611481"


def test_a_code_that_is_none_is_wrong_and_no_accident(conn: Conn) -> None:
    at = scalar(conn, "select base.clock()")
    secret = passwords.new_totp_secret()
    assert passwords.totp_step(secret, "\ud800", at) is None
    now = pyotp.TOTP(secret).at(at)
    assert passwords.totp_step(secret, f"{now[:3]}-{now[3:]}\n", at) == int(at.timestamp()) // 30


def test_the_commands_run_as_a_module() -> None:
    done = subprocess.run([sys.executable, "-m", "reelq.cli", "--version"], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and done.stdout.startswith("reelq"), done.stderr
