"""Accounts: who may make, see, change, suspend and delete them."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from tests.conftest import Connect
from tests.sql.identitykit import HASH, add_user, become, one, told
from tests.sql.mediakit import Conn, scalar
from tests.sql.queuekit import Queue, Race
from tests.sql.secretkit import shaped

PEOPLE = ("admin", "other_admin", "member", "viewer")


class House:
    """Two tenants with users of each role."""

    def __init__(self, conn: Conn) -> None:
        self.conn = conn
        self.acme: UUID = scalar(conn, "select identity.create_tenant('acme')")
        self.beta: UUID = scalar(conn, "select identity.create_tenant('beta')")
        self.users = {name: add_user(conn, f"{name}@acme.example", name.removeprefix("other_"), self.acme) for name in PEOPLE}
        self.foreign = add_user(conn, "foreign@beta.example", "admin", self.beta)
        conn.execute("update identity.users set last_login_at = base.clock()")  # else nobody may ask for another address


@pytest.fixture
def house(conn: Conn) -> House:
    return House(conn)


def role_of(conn: Conn, user: UUID) -> str:
    found: str = scalar(conn, "select role from identity.users where id = %s", user)
    return found


ON_MEMBER = {
    "select * from identity.show_user(%(member)s)": "ok ok ok no",
    "select identity.find_user('member@acme.example')": "ok ok ok no",
    "select identity.change_user(%(member)s, '{\"full_name\": \"M\"}')": "ok ok ok no",
    "select identity.change_user(%(member)s, '{\"email\": \"new@acme.example\"}')": "ok ok role no",
    "select identity.set_user_role(%(member)s, 'viewer')": "ok ok role no",
    "select identity.set_user_role(%(member)s, 'admin')": "ok ok role no",
    "select identity.set_user_status(%(member)s, 'suspended')": "ok ok role no",
    "select identity.delete_user(%(member)s)": "ok ok role no",
    "select identity.unlock_user(%(member)s)": "ok ok role no",
    "select identity.set_password(%(member)s, %(hash)s)": "ok ok ok no",
    "select identity.request_verification(%(member)s)": "ok ok ok no",
    "select identity.request_verification(%(member)s, 'new@acme.example')": "ok ok ok no",
    "select identity.revoke_sessions(%(member)s)": "ok ok ok no",
    "select identity.drop_second_factor(%(member)s)": "ok ok ok no",
    "select identity.open_session(%(member)s)": "ok role role no",
    "select identity.enrol_second_factor(%(member)s, %(sealed)s)": "ok role ok no",
    "select identity.create_user('x@acme.example')": "ok ok role role",
    "select identity.create_user('x@acme.example', 'admin')": "ok ok role role",
    "select identity.invite_user('x@acme.example')": "ok ok role role",
}
WORDS = {"ok": "ok", "role": "RQ016", "no": "RQ004"}


@pytest.mark.parametrize(
    ("call", "words"),
    [("identity.invite_user('q')", "email must be an address, not 'q'"), ("identity.create_user(null)", "email must be an address, not null"),
     ("identity.create_user('x@acme.example', p_username => '')", "username must have 1 to 100 characters"),
     ("identity.create_user('x@acme.example', p_full_name => repeat('x', 256))", "full_name must have 255 characters at most")],
)  # fmt: skip
def test_what_does_not_fit_is_told_by_its_name(conn: Conn, call: str, words: str) -> None:
    assert told(conn, f"select {call}")[:2] == ("RQ008", words)


@pytest.mark.parametrize("query", ON_MEMBER)
def test_each_role_may_what_is_its_own(connect: Connect, house: House, query: str) -> None:
    """The tenant's own server, its admin, the member themselves, a viewer; what is not theirs is answered like what is not there."""
    args = {**house.users, "hash": HASH, "sealed": b"\x01\x01k" + bytes(40)}
    expected = [WORDS[word] for word in ON_MEMBER[query].split()]
    found = []
    for user in (None, "admin", "member", "viewer"):
        caller = become(connect(), "reelq_app", house.acme, house.users[user] if user else None)
        found.append(caller(query % {name: literal(value) for name, value in args.items()}))
    assert found == expected
    assert become(connect(), "reelq_admin")(query % {name: literal(value) for name, value in args.items()}) == "ok"
    assert become(connect(), "reelq_worker", house.acme)(query % {name: literal(value) for name, value in args.items()}) == "42501"


def literal(value: Any) -> str:
    """A value within a text."""
    return f"'\\x{value.hex()}'::bytea" if isinstance(value, bytes) else f"'{value}'"


BY_USER = [
    "select * from identity.show_user(%s)", "select identity.find_user(%s::text)", "select identity.change_user(%s, '{}')",
    "select identity.set_user_role(%s, 'viewer')", "select identity.set_user_status(%s, 'suspended')", "select identity.delete_user(%s)",
    "select identity.restore_user(%s)", "select identity.unlock_user(%s)", "select identity.set_password(%s, '" + HASH + "')",
    "select identity.request_verification(%s)", "select identity.revoke_sessions(%s)", "select identity.open_session(%s)",
    "select identity.drop_second_factor(%s)", "select identity.second_factor_secret(%s)", "select identity.enrol_second_factor(%s, 'x')",
    "select identity.confirm_second_factor(%s, 1, '{}')",
]  # fmt: skip


@pytest.mark.parametrize("query", BY_USER)
@pytest.mark.parametrize("user", [None, *PEOPLE])
def test_another_tenant_s_user_is_answered_like_one_that_is_not_there(connect: Connect, house: House, query: str, user: str | None) -> None:
    caller = become(connect(), "reelq_app", house.acme, house.users[user] if user else None)
    answers = [told(caller.conn, query, someone) for someone in (house.foreign, uuid4())]
    assert answers[0] == answers[1] and answers[0][0] == "RQ004"


def test_a_viewer_changes_its_own_password_and_nothing_else(connect: Connect, house: House) -> None:
    viewer = house.users["viewer"]
    caller = become(connect(), "reelq_app", house.acme, viewer)
    assert caller("select identity.set_password(%s, %s)", viewer, HASH) == "ok"
    assert caller("select identity.change_user(%s, '{\"full_name\": \"V\"}')", viewer) == "RQ016"
    assert caller("select identity.request_verification(%s, 'new@acme.example')", viewer) == "RQ016"


def test_each_sees_the_list_that_is_theirs(connect: Connect, house: House) -> None:
    def seen(role: str, tenant: UUID | None, user: UUID | None = None) -> set[str]:
        caller = become(connect(), role, tenant, user)
        return {row[0] for row in caller.conn.execute("select email from identity.list_users()").fetchall()}

    everybody = {f"{name}@acme.example" for name in PEOPLE}
    for role in ("reelq_app", "reelq_readonly", "reelq_admin"):
        assert seen(role, house.acme) == everybody
        assert seen(role, house.acme, house.users["admin"]) == everybody
        assert seen(role, house.acme, house.users["member"]) == {"member@acme.example"}
        assert seen(role, house.acme, house.users["viewer"]) == {"viewer@acme.example"}
        assert seen(role, house.acme, house.foreign) == set()
    assert seen("reelq_app", None) == seen("reelq_readonly", None) == set()
    assert seen("reelq_admin", None) == everybody | {"foreign@beta.example"}


def test_pages_of_a_list_follow_one_another(conn: Conn, house: House) -> None:
    for tenant in ("", str(house.acme)):
        conn.execute("select set_config('reelq.tenant_id', %s, false)", [tenant])
        everyone = [row[0] for row in conn.execute("select id from identity.list_users()").fetchall()]
        pages: list[UUID] = []
        while page := conn.execute("select id from identity.list_users(p_limit => 2, p_after => %s)", [pages[-1] if pages else None]).fetchall():
            pages += [row[0] for row in page]
        assert pages == everyone and len(everyone) in (4, 5)
    assert conn.execute("select * from identity.list_users(p_after => %s)", [house.foreign]).fetchall() == []


@pytest.mark.parametrize("verb", ["set_user_role(%s, 'member')", "set_user_status(%s, 'suspended')", "set_user_status(%s, 'cancelled')", "delete_user(%s)"])
def test_the_last_admin_stays(conn: Conn, house: House, verb: str) -> None:
    """By whoever: the tenant would have nobody left to manage it."""
    assert told(conn, f"select identity.{verb}", house.foreign)[0] == "RQ009"
    conn.execute(f"select identity.{verb}".encode(), [house.users["admin"]])
    assert told(conn, f"select identity.{verb}", house.users["other_admin"])[0] == "RQ009"


def test_a_suspended_admin_is_none_that_stays(conn: Conn, house: House) -> None:
    conn.execute("select identity.set_user_status(%s, 'suspended')", [house.users["other_admin"]])
    assert told(conn, "select identity.set_user_role(%s, 'member')", house.users["admin"])[0] == "RQ009"


def test_two_admins_who_demote_each_other_leave_one(connect: Connect, conn: Conn, house: House) -> None:
    """The second waits, and then counts what the first has left; they never wait for each other."""
    first, second = connect(), Queue(connect())
    with first.transaction():
        first.execute("select identity.set_user_role(%s, 'member')", [house.users["admin"]])
        race = Race(second, lambda queue: queue.conn.execute("select identity.set_user_role(%s, 'member')", [house.users["other_admin"]]))
        race.start_and_wait_until_blocked(Queue(conn))
    with pytest.raises(psycopg.Error) as caught:
        race.finish()
    assert caught.value.sqlstate == "RQ009"
    assert (role_of(conn, house.users["admin"]), role_of(conn, house.users["other_admin"])) == ("member", "admin")


def test_an_address_belongs_to_one_account_and_is_free_when_that_is_deleted(conn: Conn, house: House) -> None:
    assert told(conn, "select identity.create_user('MEMBER@acme.example')")[0] == "RQ009"
    conn.execute("select identity.delete_user(%s)", [house.users["member"]])
    assert one(conn, "select status, deleted_at is not null as gone from identity.users where id = %s", house.users["member"]) == {"status": "deleted", "gone": True}
    scalar(conn, "select identity.create_user('member@acme.example')")
    assert told(conn, "select identity.restore_user(%s)", house.users["member"])[0] == "RQ009"


def test_a_deleted_account_comes_back_as_it_was(conn: Conn, house: House) -> None:
    member = house.users["member"]
    conn.execute("select identity.delete_user(%s)", [member])
    assert told(conn, "select identity.delete_user(%s)", member)[0] == "RQ004"
    assert scalar(conn, "select identity.find_user(%s, true)", str(member)) == member
    assert [row[0] for row in conn.execute("select id from identity.list_users(p_deleted => true)").fetchall()] == [member]
    conn.execute("select identity.restore_user(%s)", [member])
    assert one(conn, "select status, role, has_password from identity.show_user(%s)", member) == {"status": "active", "role": "member", "has_password": True}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"nonsense": 1}, "RQ008"), ({"role": "admin"}, "RQ008"), ({"password_hash": "x"}, "RQ008"), ({"email": "no address"}, "RQ008"),
        ({"email": None}, "RQ008"), ({"settings": []}, "RQ008"), ({"username": "x" * 101}, "RQ008"), ({"email": "viewer@acme.example"}, "RQ009"),
        ({"email": "foreign@beta.example"}, "RQ009"), ([], "RQ008"), (7, "RQ008"),
    ],
)  # fmt: skip
def test_a_change_that_cannot_be_is_refused_with_a_hint(conn: Conn, house: House, changes: Any, code: str) -> None:
    before = one(conn, "select * from identity.users where id = %s", house.users["member"])
    refusal = told(conn, "select identity.change_user(%s, %s)", house.users["member"], json.dumps(changes))
    assert refusal[0] == code and refusal[2]
    assert one(conn, "select * from identity.users where id = %s", house.users["member"]) == before


def test_what_is_not_named_stays_and_a_new_address_is_unproved(conn: Conn, house: House) -> None:
    member = house.users["member"]
    conn.execute("update identity.users set email_verified = true, full_name = 'M', username = 'm' where id = %s", [member])
    conn.execute("""select identity.change_user(%s, '{"username": null, "metadata": {"a": 1}, "email": "Member@acme.example"}')""", [member])
    found = one(conn, "select email, email_verified, full_name, username, metadata from identity.show_user(%s)", member)
    assert found == {"email": "Member@acme.example", "email_verified": True, "full_name": "M", "username": None, "metadata": {"a": 1}}
    conn.execute("""select identity.change_user(%s, '{"email": "new@acme.example"}')""", [member])
    assert one(conn, "select email, email_verified from identity.show_user(%s)", member) == {"email": "new@acme.example", "email_verified": False}


def test_nobody_is_made_for_a_suspended_tenant(conn: Conn, house: House) -> None:
    conn.execute("select identity.set_tenant_status('acme', 'suspended')")
    assert told(conn, "select identity.create_user('x@acme.example', p_tenant_id => %s)", house.acme)[0] == "RQ012"


def test_no_role_reads_a_hash(connect: Connect, house: House) -> None:
    """Neither of a password nor of a token or code; in no function's answer either."""
    for role in ("reelq_app", "reelq_readonly", "reelq_admin", "reelq_worker"):
        caller = become(connect(), role, house.acme)
        for column in ("users.password_hash", "users.two_factor_secret", "user_sessions.token_hash", "one_time_tokens.token_hash", "recovery_codes.code_hash",
                       "login_attempts.id", "login_salts.secret"):  # fmt: skip
            table, name = column.split(".")
            assert caller(f"select {name} from identity.{table}") == "42501", (role, column)


@pytest.mark.parametrize("key", ["settings", "metadata", "avatar_url", "timezone", "language"])
def test_an_account_holds_so_much_and_no_more(conn: Conn, house: House, key: str) -> None:
    value: Any = "x" * 20_000
    code, words, _ = told(conn, "select identity.change_user(%s, %s)", house.users["member"], json.dumps({key: {"a": value} if key in ("settings", "metadata") else value}))
    assert code == "RQ008" and words and words.startswith(f"{key} must have at most")


@pytest.mark.parametrize(
    "call", ["change_user({}, to_jsonb(repeat('x', 1000000)))", "find_user(repeat('x', 1000000))", "act_for(repeat('x', 1000000))", "check_scope(repeat('x', 1000000))"]
)
def test_a_refusal_does_not_repeat_a_megabyte(conn: Conn, house: House, call: str) -> None:
    given = call.replace("{}", f"'{house.users['member']}'")
    _, words, hint = told(conn, f"select identity.{given}")
    assert len(words or "") + len(hint or "") < 500


def test_a_second_factor_is_sealed_under_the_current_key(conn: Conn, connect: Connect, house: House) -> None:
    """Else a user could keep an old key from being forgotten, or one that nobody has ever had."""
    caller = become(connect(), "reelq_app", house.acme, house.users["member"])
    query = "select identity.enrol_second_factor(%s, %s)"
    assert caller(query, house.users["member"], shaped("any")) == "ok"
    conn.execute("select ops.set_current_secret_key('k1', '0123456789abcdef', null), ops.set_current_secret_key('k2', '1123456789abcdef', 'k1')")
    assert [caller(query, house.users["member"], shaped(key)) for key in ("any", "k1", "k2")] == ["RQ017", "RQ017", "ok"]
    assert caller(query, house.users["member"], shaped("k\n2")) == "RQ008"


def test_an_address_that_another_tenant_is_about_to_take_is_not_waited_for_without_end(connect: Connect, conn: Conn, house: House) -> None:
    evil = become(connect(), "reelq_app", house.beta)
    caller = become(connect(), "reelq_app", house.acme)
    with evil.conn.transaction():
        evil.conn.execute("select identity.create_user('boss@acme.example')")
        assert caller("select identity.create_user('boss@acme.example')") == "55P03"
        assert told(caller.conn, "select * from identity.invite_user('BOSS@acme.example')")[0] == "55P03"
        member = house.users["member"]
        assert caller("select identity.change_user(%s, '{\"email\": \"boss@acme.example\"}')", member) == "55P03"
        proof = scalar(conn, "select token from identity.request_verification(%s, 'boss@acme.example')", member)
        assert told(caller.conn, "select * from identity.verify_email(%s)", proof)[0] == "55P03"
    assert caller("select identity.create_user('boss@acme.example')") == "RQ009"
