"""Single-use tokens: addresses proved, passwords reset, invitations. Nobody learns from them who has an account."""

from __future__ import annotations

import threading
from datetime import timedelta
from uuid import UUID

import psycopg
import pytest

from reelq.worker import passwords
from reelq.worker.rooms.identity import sessions, tokens
from tests.conftest import Clock, Connect
from tests.sql.identitykit import CHEAP, HASH, NOT_AUTHENTICATED, add_user, become, make_cheap, one, told, try_login
from tests.sql.mediakit import Conn, scalar

ANN = "ann@example.com"
NEW = "another horse battery"
USE = "select identity.use_password_token(%s, '" + HASH + "')"


@pytest.fixture
def ann(conn: Conn) -> UUID:
    make_cheap(conn)
    return add_user(conn)


def test_a_reset_sets_the_password_ends_sessions_and_the_lock(conn: Conn, ann: UUID) -> None:
    session = sessions.open_session(conn, ann)
    for _ in range(5):
        try_login(conn, ANN, "wrong")
    made = tokens.request_reset(conn, "ANN@example.com")
    assert made.send_to == ANN and made.token.startswith("rqt_") and made.token not in repr(made)
    assert tokens.show_token(conn, made.token).purpose == "reset_password"
    assert tokens.use_password_token(conn, made.token, NEW) == ann
    assert told(conn, "select * from identity.check_session(%s)", session.token) == NOT_AUTHENTICATED
    assert try_login(conn, ANN, NEW).outcome == "in"
    assert one(conn, "select email_verified from identity.users where id = %s", ann) == {"email_verified": True}
    assert told(conn, USE, made.token) == NOT_AUTHENTICATED


@pytest.mark.parametrize("way", ["unknown", "suspended", "deleted", "of another tenant", "nonsense"])
def test_who_has_no_account_is_answered_like_who_has(connect: Connect, conn: Conn, ann: UUID, way: str) -> None:
    """A row of the same form: only whoever sends mail sees that there is nothing to send. The token is good for nothing."""
    email = {"unknown": "nobody@example.com", "nonsense": "' or true --"}.get(way, ANN)
    if way == "suspended":
        conn.execute("update identity.users set status = 'suspended'")
    if way == "deleted":
        conn.execute("select identity.delete_user(%s)", [ann])
    tenant = scalar(conn, "select identity.create_tenant('acme')") if way == "of another tenant" else None
    made = tokens.request_reset(become(connect(), "reelq_app", tenant).conn, email)
    assert made.send_to is None and made.token.startswith("rqt_") and len(made.token) == 47
    assert told(conn, USE, made.token) == NOT_AUTHENTICATED and scalar(conn, "select count(*) from identity.one_time_tokens") == 0


def test_a_newer_token_takes_the_place_of_the_older_and_comes_once_in_five_minutes(conn: Conn, ann: UUID, clock: Clock) -> None:
    clock.forward(0)
    first = tokens.request_reset(conn, ANN)
    assert tokens.request_reset(conn, ANN).send_to is None
    tokens.show_token(conn, first.token)  # it stays good: nobody can take it away by asking again
    clock.forward(timedelta(minutes=5))
    second = tokens.request_reset(conn, ANN)
    assert second.send_to == ANN and told(conn, USE, first.token) == NOT_AUTHENTICATED
    assert scalar(conn, "select count(*) from identity.one_time_tokens") == 1
    conn.execute(USE.encode(), [second.token])


@pytest.mark.parametrize(("purpose", "lives"), [("reset_password", timedelta(hours=1)), ("verify_email", timedelta(days=3)), ("invitation", timedelta(days=7))])
def test_a_token_ends(conn: Conn, ann: UUID, clock: Clock, purpose: str, lives: timedelta) -> None:
    clock.forward(0)
    made: str
    if purpose == "reset_password":
        made = tokens.request_reset(conn, ANN).token
    elif purpose == "verify_email":
        made = tokens.request_verification(conn, ann).token
    else:
        made = tokens.invite_user(conn, "bob@example.com").token
    use = "select identity.verify_email(%s)" if purpose == "verify_email" else USE
    clock.forward(lives - timedelta(seconds=1))
    tokens.show_token(conn, made)
    clock.forward(1)
    assert told(conn, "select * from identity.show_token(%s)", made) == NOT_AUTHENTICATED
    assert told(conn, use, made) == NOT_AUTHENTICATED


def test_ten_at_once_use_a_token_once(connect: Connect, conn: Conn, ann: UUID) -> None:
    made, start = tokens.request_reset(conn, ANN), threading.Barrier(10)
    found: list[str] = []

    def use() -> None:
        own = connect()
        hashed = passwords.hash_password(NEW, CHEAP)
        start.wait()
        try:
            own.execute("select identity.use_password_token(%s, %s)", [made.token, hashed])
            found.append("used")
        except psycopg.Error as error:
            found.append(error.sqlstate or "")

    threads = [threading.Thread(target=use) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == ["RQ014"] * 9 + ["used"]


def test_a_token_of_one_purpose_is_none_of_another(conn: Conn, ann: UUID) -> None:
    assert told(conn, "select identity.verify_email(%s)", tokens.request_reset(conn, ANN).token) == NOT_AUTHENTICATED
    assert told(conn, USE, tokens.request_verification(conn, ann).token) == NOT_AUTHENTICATED


def test_a_weak_password_leaves_the_token_good(conn: Conn, ann: UUID) -> None:
    made = tokens.request_reset(conn, ANN)
    for weak in ("short", ANN):
        with pytest.raises(passwords.WeakPassword):
            tokens.use_password_token(conn, made.token, weak)
    assert told(conn, "select identity.use_password_token(%s, 'no hash')", made.token)[0] == "RQ008"
    tokens.use_password_token(conn, made.token, NEW)


def test_an_invitation_makes_an_account_whose_user_chooses_the_password(conn: Conn, ann: UUID) -> None:
    first = tokens.invite_user(conn, "bob@example.com", "admin", "Bob")
    assert try_login(conn, "bob@example.com").outcome == "refused"
    again = tokens.invite_user(conn, "Bob@example.com", "admin")
    assert again.user_id == first.user_id and told(conn, USE, first.token) == NOT_AUTHENTICATED
    tokens.use_password_token(conn, again.token, NEW)
    assert try_login(conn, "bob@example.com", NEW).outcome == "in"
    assert one(conn, "select role, email_verified, full_name from identity.users where id = %s", first.user_id) == {
        "role": "admin", "email_verified": True, "full_name": "Bob"}  # fmt: skip
    for email in ("bob@example.com", ANN):
        assert told(conn, "select identity.invite_user(%s)", email)[0] == "RQ009"


def test_an_invitation_is_not_a_way_to_another_role(conn: Conn, ann: UUID) -> None:
    tokens.invite_user(conn, "bob@example.com", "viewer")
    assert told(conn, "select identity.invite_user('bob@example.com', 'admin')")[0] == "RQ009"


def test_an_address_is_proved_and_a_new_one_becomes_theirs_only_then(conn: Conn, ann: UUID) -> None:
    made = tokens.request_verification(conn, ann, "new@example.com")
    assert made.send_to == "new@example.com"
    assert one(conn, "select email, email_verified from identity.users") == {"email": ANN, "email_verified": False}
    reset = tokens.request_reset(conn, ANN)
    assert tokens.verify_email(conn, made.token) == tokens.Proved(ann, ANN), "the address of before is to hear of it"
    assert one(conn, "select email, email_verified from identity.users") == {"email": "new@example.com", "email_verified": True}
    assert told(conn, USE, reset.token) == NOT_AUTHENTICATED, "it went to the address of before"
    assert told(conn, "select identity.verify_email(%s)", made.token) == NOT_AUTHENTICATED


def test_an_address_that_another_has_is_told_to_nobody_but_its_owner(conn: Conn, ann: UUID) -> None:
    add_user(conn, "bob@example.com")
    made = tokens.request_verification(conn, ann, "bob@example.com")
    assert made.send_to == "bob@example.com"
    assert told(conn, "select identity.verify_email(%s)", made.token)[0] == "RQ009"
    assert told(conn, "select identity.request_verification(%s, 'no address')", ann)[0] == "RQ008"


def test_a_change_of_address_or_password_takes_back_what_was_mailed(conn: Conn, ann: UUID) -> None:
    reset = tokens.request_reset(conn, ANN)
    conn.execute("select identity.set_password(%s, %s)", [ann, HASH])
    assert told(conn, USE, reset.token) == NOT_AUTHENTICATED
    reset = tokens.request_reset(conn, ANN)
    conn.execute("""select identity.change_user(%s, '{"email": "new@example.com"}')""", [ann])
    assert told(conn, USE, reset.token) == NOT_AUTHENTICATED


@pytest.mark.parametrize("status", ["suspended", "cancelled"])
def test_who_cannot_log_in_uses_no_token(conn: Conn, ann: UUID, status: str) -> None:
    made = tokens.request_reset(conn, ANN)
    conn.execute("select identity.set_user_status(%s, %s)", [ann, status])
    assert told(conn, USE, made.token) == told(conn, "select * from identity.show_token(%s)", made.token) == NOT_AUTHENTICATED


def test_another_tenant_s_token_is_none(connect: Connect, conn: Conn, ann: UUID) -> None:
    made = tokens.request_reset(conn, ANN)
    app = become(connect(), "reelq_app", scalar(conn, "select identity.create_tenant('acme')")).conn
    assert told(app, USE, made.token) == told(app, "select * from identity.show_token(%s)", made.token) == NOT_AUTHENTICATED
    conn.execute(USE.encode(), [made.token])


def test_a_token_of_an_address_of_before_is_none_though_it_was_made_beside_the_change(connect: Connect, conn: Conn, ann: UUID) -> None:
    other = connect()
    with conn.transaction():
        conn.execute("""select identity.change_user(%s, '{"email": "new@example.com"}')""", [ann])
        made = tokens.request_reset(other, ANN)
    assert made.send_to == ANN
    assert told(conn, USE, made.token) == told(conn, "select * from identity.show_token(%s)", made.token) == NOT_AUTHENTICATED


def test_a_reset_is_entered_as_an_act_of_its_tenant(connect: Connect, conn: Conn, ann: UUID) -> None:
    tokens.request_reset(become(connect(), "reelq_app").conn, ANN)
    assert scalar(conn, "select tenant_id = (select tenant_id from identity.users) from ops.audit_logs where action = 'reset.requested'")


def test_an_old_session_does_not_become_another_mailbox(connect: Connect, conn: Conn, ann: UUID, clock: Clock) -> None:
    """Nor an admin's, who may otherwise write addresses."""
    clock.forward(0)
    admin = add_user(conn, "boss@example.com", "admin")
    asks = {ann: "select identity.request_verification(%s, 'thief@example.com')", admin: """select identity.change_user(%s, '{"email": "thief@example.com"}')"""}
    opened = {user: sessions.open_session(conn, user) for user in asks}
    own = become(connect(), "reelq_app").conn
    for late, expected in ((False, None), (True, "RQ016")):
        if late:
            clock.forward(timedelta(minutes=16))
            sessions.open_session(conn, ann)  # another device: the old session is no fresher for it
        for user, ask in asks.items():
            with own.transaction(force_rollback=True):
                sessions.check_session(own, opened[user].token)
                if expected is None:
                    own.execute(ask.encode(), [user])
                else:
                    assert told(own, ask, user)[0] == expected


def test_a_key_is_no_log_in_and_becomes_no_other_mailbox(connect: Connect, conn: Conn, ann: UUID) -> None:
    """Though its user has just logged in, and though it may all."""
    (tenant,) = one(conn, "select tenant_id from identity.users where id = %s", ann).values()
    key = one(conn, "select key from identity.create_key('all', null, %s, '{admin}')", ann)["key"]
    opened = sessions.open_session(conn, ann)
    own = become(connect(), "reelq_app", tenant).conn
    with own.transaction(force_rollback=True):
        own.execute("select identity.authenticate(%s)", [key])
        assert told(own, "select identity.request_verification(%s, 'thief@example.com')", ann)[0] == "RQ016"
    with own.transaction(force_rollback=True):  # who comes with both acts by the last of them, and for that user
        own.execute("select identity.authenticate(%s)", [key])
        sessions.check_session(own, opened.token)
        assert one(own, "select current_setting('reelq.api_key_id') as key")["key"] == ""
        own.execute("select identity.request_verification(%s, 'new@example.com')", [ann])


def test_a_user_is_sent_a_proof_of_an_address_once_in_five_minutes(conn: Conn, ann: UUID, clock: Clock) -> None:
    clock.forward(0)
    assert tokens.request_verification(conn, ann, "a@example.com").send_to == "a@example.com"
    assert tokens.request_verification(conn, ann, "b@example.com").send_to is None
    clock.forward(timedelta(minutes=5))
    assert tokens.request_verification(conn, ann, "b@example.com").send_to == "b@example.com"
