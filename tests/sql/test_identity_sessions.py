"""Sessions: who bears a token, until when, and what ends them."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from reelq.worker.errors import NotAuthenticated
from reelq.worker.rooms.identity import keys, login, sessions
from reelq.worker.rooms.identity.sessions import Bearer, Opened
from tests.conftest import Clock, Connect
from tests.sql.identitykit import NOT_AUTHENTICATED, PASSWORD, add_user, become, make_cheap, one, told
from tests.sql.mediakit import Conn, scalar

CHECK = "select * from identity.check_session(%s)"


@pytest.fixture
def ann(conn: Conn) -> UUID:
    make_cheap(conn)
    add_user(conn, "root@example.com", "admin")
    return add_user(conn)


@pytest.fixture
def opened(conn: Conn, ann: UUID) -> Opened:
    """A session of ann."""
    return sessions.open_session(conn, ann, "laptop")


def good(conn: Conn, token: str) -> bool:
    """Whether it is taken; and when not, that the words are those of every refusal."""
    try:
        with conn.transaction(force_rollback=True):
            return sessions.check_session(conn, token).session_id is not None
    except NotAuthenticated as error:
        assert ("RQ014", str(error), error.hint) == NOT_AUTHENTICATED
        return False


def seen(conn: Conn, token: str) -> Bearer:
    """Who comes, in a transaction of its own."""
    with conn.transaction():
        return sessions.check_session(conn, token)


def test_outside_a_transaction_nobody_is_let_in_silently(connect: Connect, opened: Opened) -> None:
    """There they would be the whole tenant, whose id the session names, from the next statement on."""
    app = become(connect(), "reelq_app").conn
    with pytest.raises(ValueError, match=r"check_session must come within a transaction"):
        sessions.check_session(app, opened.token)
    with pytest.raises(ValueError, match=r"authenticate must come within a transaction"):
        keys.authenticate(app, "sk_live_x")
    app.autocommit = False
    assert sessions.check_session(app, opened.token).user_id == scalar(app, "select base.current_user_id()")


def test_a_token_is_kept_as_a_hash_only(conn: Conn, opened: Opened) -> None:
    kept = one(conn, "select * from identity.user_sessions")
    assert opened.token not in str(kept) and opened.token.encode() not in bytes(kept["token_hash"]) and len(opened.token) == 47
    assert opened.token not in repr(opened)


def test_the_bearer_acts_as_the_user_until_the_transaction_ends(connect: Connect, conn: Conn, ann: UUID, opened: Opened) -> None:
    app = become(connect(), "reelq_app").conn
    with app.transaction():
        bearer = sessions.check_session(app, opened.token)
        assert (bearer.user_id, bearer.role, bearer.session_id) == (ann, "member", opened.session_id)
        assert scalar(app, "select base.current_user_id()") == ann
        assert scalar(app, "select base.current_tenant()") == bearer.tenant_id
        assert [row[0] for row in app.execute("select email from identity.users").fetchall()] == ["ann@example.com"]
    assert scalar(app, "select coalesce(current_setting('reelq.user_id', true), '')") == ""


@pytest.mark.parametrize("token", ["", "rqs_", "nonsense", "x" * 100_000, "rqs_" + "A" * 43, None])
def test_a_token_that_is_none_is_refused_in_the_same_words(conn: Conn, opened: Opened, token: str | None) -> None:
    assert not good(conn, token)  # type: ignore[arg-type]
    assert not good(conn, opened.token + "x") and not good(conn, opened.token[:-1]) and good(conn, opened.token)


def test_a_session_ends_when_it_is_not_used_and_in_any_case(conn: Conn, opened: Opened, clock: Clock) -> None:
    for _ in range(4):
        clock.forward(timedelta(days=6, hours=23))
        seen(conn, opened.token)
    clock.forward(timedelta(days=1))
    seen(conn, opened.token)
    clock.forward(timedelta(days=2))
    assert not good(conn, opened.token), "thirty days have gone"


def test_an_idle_session_ends(conn: Conn, opened: Opened, clock: Clock) -> None:
    clock.forward(timedelta(days=7, seconds=1))
    assert not good(conn, opened.token)
    assert [one.state for one in sessions.list_sessions(conn, ended=True)] == ["idle"] and sessions.list_sessions(conn) == []


def test_when_it_was_seen_is_written_once_a_minute_and_without_waiting(connect: Connect, conn: Conn, opened: Opened, clock: Clock) -> None:
    def version() -> object:
        return scalar(conn, "select (ctid, xmin, used_at)::text from identity.session_last_uses")

    clock.forward(0)
    before = version()
    seen(conn, opened.token)
    assert version() == before
    clock.forward(timedelta(seconds=61))
    other = connect()
    other.execute("set lock_timeout = '1ms'")
    with conn.transaction():
        conn.execute("select from identity.user_sessions, identity.session_last_uses for update")
        assert seen(other, opened.token).session_id == opened.session_id
    assert version() == before
    seen(conn, opened.token)
    assert version() != before


@pytest.mark.parametrize(
    "act",
    [
        "select identity.set_password(%s, null)", "select identity.set_user_status(%s, 'suspended')", "select identity.delete_user(%s)",
        "select identity.revoke_sessions(%s)", "select identity.revoke_session((select id from identity.user_sessions where user_id = %s))",
    ],
)  # fmt: skip
def test_whoever_ends_a_session_waits_for_none_that_uses_it(connect: Connect, conn: Conn, ann: UUID, opened: Opened, clock: Clock, act: str) -> None:
    clock.forward(timedelta(seconds=61))
    thief = connect()
    thief.execute("begin")
    sessions.check_session(thief, opened.token)
    conn.execute("set lock_timeout = '1ms'")
    conn.execute(act.encode(), [ann])
    thief.execute("rollback")
    assert not good(conn, opened.token)


@pytest.mark.parametrize(
    ("act", "reason"),
    [
        ("select identity.set_password(%s, null)", "password_changed"), ("select identity.set_user_role(%s, 'viewer')", "role_changed"),
        ("select identity.set_user_status(%s, 'suspended')", "suspended"), ("select identity.delete_user(%s)", "deleted"),
        ("select identity.revoke_sessions(%s)", "revoked"), ("select identity.drop_second_factor(%s)", "second_factor_changed"),
    ],
)  # fmt: skip
def test_what_changes_an_account_ends_its_sessions(conn: Conn, ann: UUID, opened: Opened, act: str, reason: str) -> None:
    other = sessions.open_session(conn, scalar(conn, "select id from identity.users where email = 'root@example.com'"))
    if "second_factor" in act:
        conn.execute("update identity.users set two_factor_secret = decode('010161' || repeat('00', 40), 'hex') where id = %s", [ann])
    conn.execute(act.encode(), [ann])
    assert not good(conn, opened.token) and good(conn, other.token)
    assert scalar(conn, "select revoked_because from identity.user_sessions where id = %s", opened.session_id) == reason


@pytest.mark.parametrize("change", ["status = 'suspended'", "status = 'cancelled'", "deleted_at = base.clock(), status = 'deleted'"])
def test_an_account_that_is_changed_by_hand_has_no_sessions_either(conn: Conn, ann: UUID, opened: Opened, change: str) -> None:
    conn.execute(f"update identity.users set {change} where id = %s".encode(), [ann])
    assert not good(conn, opened.token)


def test_a_session_of_another_tenant_is_none(connect: Connect, conn: Conn, opened: Opened) -> None:
    acme = scalar(conn, "select identity.create_tenant('acme')")
    app = become(connect(), "reelq_app", acme).conn
    assert not good(app, opened.token)
    app.execute("select identity.close_session(%s)", [opened.token])
    assert good(conn, opened.token)
    conn.execute("select identity.set_tenant_status('default', 'deleted')")
    assert not good(conn, opened.token)


def test_logging_out_ends_it_and_says_nothing(conn: Conn, opened: Opened) -> None:
    sessions.close_session(conn, "rqs_nonsense")
    sessions.close_session(conn, opened.token)
    sessions.close_session(conn, opened.token)
    assert not good(conn, opened.token)
    assert [one.state for one in sessions.list_sessions(conn, ended=True)] == ["logged_out"]


def test_users_see_and_end_their_own(connect: Connect, conn: Conn, ann: UUID, opened: Opened) -> None:
    root = scalar(conn, "select id from identity.users where email = 'root@example.com'")
    tenant = scalar(conn, "select tenant_id from identity.users where id = %s", ann)
    roots = sessions.open_session(conn, root)
    mine = become(connect(), "reelq_app", tenant, ann).conn
    assert {one.id for one in sessions.list_sessions(mine)} == {opened.session_id}
    assert sessions.list_sessions(mine, root) == []
    foreign = [told(mine, "select identity.revoke_session(%s)", which) for which in (roots.session_id, uuid4())]
    assert foreign[0] == foreign[1] and foreign[0][0] == "RQ004"
    assert told(mine, "select identity.open_session(%s)", ann)[0] == "RQ016"
    assert sessions.revoke_session(mine, opened.session_id) and not sessions.revoke_session(mine, opened.session_id)
    assert {one.id for one in sessions.list_sessions(become(connect(), "reelq_app", tenant, root).conn)} == {roots.session_id}
    assert {one.id for one in sessions.list_sessions(become(connect(), "reelq_readonly", tenant).conn)} == {roots.session_id}
    assert sessions.list_sessions(become(connect(), "reelq_readonly").conn) == []


def test_all_but_this_one(conn: Conn, ann: UUID, opened: Opened) -> None:
    others = [sessions.open_session(conn, ann) for _ in range(3)]
    assert sessions.revoke_sessions(conn, ann, opened.session_id) == 3
    assert good(conn, opened.token) and not any(good(conn, one.token) for one in others)


def test_the_list_of_everybody_has_pages(conn: Conn, ann: UUID) -> None:
    made = [sessions.open_session(conn, ann).session_id for _ in range(5)]
    for user in (None, ann):
        pages: list[UUID] = []
        while page := sessions.list_sessions(conn, user, limit=2, after=pages[-1] if pages else None):
            pages += [one.id for one in page]
        assert pages == made[::-1]


def test_an_account_that_is_not_active_gets_no_session(conn: Conn, ann: UUID) -> None:
    conn.execute("select identity.set_user_status(%s, 'suspended')", [ann])
    assert told(conn, "select identity.open_session(%s)", ann) == NOT_AUTHENTICATED


def test_what_ended_long_ago_is_removed_in_steps(conn: Conn, ann: UUID, clock: Clock) -> None:
    for _ in range(5):
        sessions.open_session(conn, ann)
        login.begin_login(conn, "nobody@example.com")
    conn.execute("select identity.request_reset('ann@example.com')")
    clock.forward(timedelta(hours=2))
    kept = sessions.open_session(conn, ann)
    assert sessions.remove_ended(conn) == 6, "the log-ins that nobody finished, and the note of a reset"
    clock.forward(timedelta(days=90))
    assert sessions.remove_ended(conn) == 1, "the token, which lived an hour"
    clock.set(kept.expires_at + timedelta(days=90))
    assert [sessions.remove_ended(conn, 2) for _ in range(4)] == [2, 2, 1, 0]
    assert scalar(conn, "select array_agg(id) from identity.user_sessions") == [kept.session_id]


def test_removing_waits_for_nobody(connect: Connect, conn: Conn, ann: UUID, clock: Clock) -> None:
    for _ in range(3):
        sessions.open_session(conn, ann)
    clock.forward(timedelta(days=121))
    other = connect()
    other.execute("set lock_timeout = '1ms'")
    with conn.transaction():
        conn.execute("select from identity.user_sessions limit 1 for update")
        assert sessions.remove_ended(other) == 2
    assert sessions.remove_ended(other) == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [("login_tries", "0"), ("login_tries", "101"), ("login_tries", "many"), ("session_idle", "7"), ("session_idle", "0 s"), ("session_idle", "11 years"),
     ("login_needs_verified_email", "maybe"), ("argon2_memory_kib", "1024"), ("argon2_memory_kib", "9999999"), ("nonsense", "1"), ("login_tries", None), ("session_idle", "7\n"),
     ("session_seen_every", "7 days"), ("session_idle", "1 minute")],  # a session in use would be idle
)  # fmt: skip
def test_a_setting_that_does_not_fit_is_refused(conn: Conn, name: str, value: str | None) -> None:
    assert told(conn, "select identity.set_login_setting(%s, %s)", name, value)[0] == "RQ008"


def test_settings_are_the_operators(connect: Connect, conn: Conn) -> None:
    assert become(connect(), "reelq_admin")("select identity.set_login_setting('login_tries', '7')") == "ok"
    assert become(connect(), "reelq_admin", scalar(conn, "select id from identity.tenants"))("select identity.set_login_setting('login_tries', '7')") == "42501"
    assert become(connect(), "reelq_app")("select identity.set_login_setting('login_tries', '7')") == "42501"


def test_a_password_is_no_part_of_a_session(conn: Conn, ann: UUID) -> None:
    opened = login.log_in(conn, "ann@example.com", PASSWORD)
    assert PASSWORD not in repr(opened)


@pytest.mark.parametrize("table", ["user_sessions", "one_time_tokens", "recovery_codes"])
def test_a_member_reads_their_own_rows_and_nobody_writes_any(connect: Connect, conn: Conn, ann: UUID, table: str) -> None:
    root, tenant = conn.execute("select id, tenant_id from identity.users where email = 'root@example.com'").fetchone() or (None, None)
    for user in (ann, root):
        conn.execute("select identity.open_session(%s)", [user])
        conn.execute("select identity.request_verification(%s)", [user])
        conn.execute("insert into identity.recovery_codes (tenant_id, user_id, code_hash) values (%s, %s, sha256(''))", [tenant, user])
    for user, seen in ((ann, {ann}), (root, {ann, root}), (None, {ann, root})):
        caller = become(connect(), "reelq_app", tenant, user)
        assert {row[0] for row in caller.conn.execute(f"select user_id from identity.{table}".encode()).fetchall()} == seen
        assert caller(f"delete from identity.{table}") == caller(f"update identity.{table} set user_id = user_id") == "42501"
    assert become(connect(), "reelq_app").conn.execute(f"select user_id from identity.{table}".encode()).fetchall() == []
