"""Whoever comes with an API key may change no more than its scopes say: each function that an application may call asks."""

from __future__ import annotations

import re
from uuid import UUID

import pytest

from tests.conftest import Connect
from tests.sql.identitykit import HASH, add_user, become
from tests.sql.mediakit import Conn, scalar

ASKS = {"check_may_write", "may_write", "may_change", "check_scope", "check_manages_users", "check_manages_account", "check_tenant_admin"}
# What is proved by what is given to them, whoever calls: a password, a code, or a token. They answer for nobody else.
PROVED = {
    "identity.authenticate", "identity.begin_login", "identity.give_proof", "identity.finish_login", "identity.show_challenge", "identity.finish_second_factor",
    "identity.hash_again", "identity.check_session", "identity.close_session", "identity.use_password_token", "identity.verify_email",
}  # fmt: skip
# What changes settings of the caller's own transaction, or nothing at all.
CHANGES_NOTHING = {"media.open_variant", "identity.act_for", "base.clock", "base.uuid_v7", "queue.explain_job"}
# A trigger on queue.processing_jobs asks, whoever inserts; tried below.
BY_TRIGGER = {"queue.enqueue_job"}

ADMIN_S = [
    "select identity.create_user('x@acme.example', 'admin')", "select identity.invite_user('x@acme.example')",
    "select identity.request_reset('member@acme.example')", "select identity.open_session(%(member)s)",
    "select identity.change_user(%(member)s, '{}')", "select identity.set_user_role(%(member)s, 'viewer')",
    "select identity.set_user_status(%(member)s, 'suspended')", "select identity.delete_user(%(member)s)",
    "select identity.restore_user(%(gone)s)", "select identity.unlock_user(%(member)s)",
    f"select identity.set_password(%(member)s, '{HASH}')", "select identity.request_verification(%(member)s)",
    "select identity.revoke_session(%(session)s)", "select identity.revoke_sessions(%(member)s)",
    "select identity.enrol_second_factor(%(member)s, '')", "select identity.second_factor_secret(%(member)s)",
    "select identity.confirm_second_factor(%(member)s, 1, '{}')", "select identity.drop_second_factor(%(member)s)",
    "select identity.create_key('x')", "select identity.revoke_key(%(key)s)", "select identity.rotate_key(%(key)s)",
    "select identity.set_tenant_config(null, '{}')",
]  # fmt: skip
OWN = [query for query in ADMIN_S if re.search(r"change_user|password|verification|revoke_session|second_factor", query)]


class House:
    """A tenant with a member, somebody who is gone, a session and keys of the tenant and of the member."""

    def __init__(self, conn: Conn, connect: Connect) -> None:
        self._conn = connect()
        self.acme: UUID = scalar(conn, "select identity.create_tenant('acme')")
        self.member, gone, self.admin, self.viewer = (
            add_user(conn, f"{name}@acme.example", role, self.acme)
            for name, role in (("member", "member"), ("gone", "member"), ("admin", "admin"), ("viewer", "viewer"))
        )
        conn.execute("select identity.delete_user(%s)", [gone])
        self.ids = {"member": self.member, "gone": gone, "session": scalar(conn, "select session_id from identity.open_session(%s)", self.member)}
        make = "select id from identity.create_key(%s, 'acme', %s, %s)"
        self.keys = {(whose, scope): scalar(conn, make, f"{whose} {scope}", user, [scope])
                     for whose, user in (("tenant", None), ("member", self.member), ("admin", self.admin)) for scope in ("read", "write", "admin")}  # fmt: skip
        self.ids["key"] = scalar(conn, make, "other", None, ["read"])

    def answer(self, query: str, user: UUID | None, key: UUID | None) -> str:
        """The code of what is said, or ok."""
        caller = become(self._conn, "reelq_app", self.acme, user)
        caller.conn.execute("select set_config('reelq.api_key_id', %s, false)", [str(key or "")])
        return caller(query % {name: f"'{one}'" for name, one in self.ids.items()})


@pytest.fixture
def house(conn: Conn, connect: Connect) -> House:
    return House(conn, connect)


def test_a_key_manages_others_with_all_scopes_only(house: House) -> None:
    refused = {
        (query, whose, scope): house.answer(query, user, house.keys[whose, scope])
        for query in ADMIN_S for whose, user in (("tenant", None), ("admin", house.admin)) for scope in ("read", "write")
    }  # fmt: skip
    assert {what: answer for what, answer in refused.items() if answer != "RQ016"} == {}
    assert [query for query in ADMIN_S if house.answer(query, None, house.keys["tenant", "admin"]) == "RQ016"] == []


def test_a_key_that_reads_changes_nothing_of_its_user(house: House) -> None:
    assert {query: house.answer(query, house.member, house.keys["member", "read"]) for query in OWN} == dict.fromkeys(OWN, "RQ016")
    may_write = [query for query in OWN if house.answer(query, house.member, house.keys["member", "write"]) != "RQ016"]
    assert may_write == ["select identity.change_user(%(member)s, '{}')"], "what makes one the account is not for a key that writes"
    assert [query for query in OWN if house.answer(query, house.member, house.keys["member", "admin"]) == "RQ016"] == []
    assert house.answer("select ops.request_erasure(%(member)s)", house.member, house.keys["member", "write"]) == "RQ016"
    assert house.answer("select ops.request_erasure(%(member)s)", house.member, house.keys["member", "admin"]) == "ok"


def test_a_user_gets_no_token_that_makes_them_another(house: House) -> None:
    for user in (house.viewer, house.member):
        assert house.answer("select identity.request_reset('admin@acme.example')", user, None) == "RQ016"
    assert house.answer("select identity.request_reset('admin@acme.example')", None, None) == "ok"


def test_each_function_of_an_application_that_writes_asks(conn: Conn) -> None:
    """Itself, or one that it calls. A new one that is proved by something else is listed above, with its reason."""
    found = conn.execute(
        "select p.pronamespace::regnamespace || '.' || p.proname, p.prosrc, p.provolatile = 'v' and has_function_privilege('reelq_app', p.oid, 'execute') "
        "from pg_proc as p where p.pronamespace::regnamespace::text in ('base', 'identity', 'media', 'queue', 'ops')"
    ).fetchall()
    sources: dict[str, str] = {}
    for name, source, _ in found:
        sources[name] = sources.get(name, "") + re.sub(r"--.*", "", source)

    def asks(name: str, seen: frozenset[str] = frozenset()) -> bool:
        called = set(re.findall(r"\b(?:base|identity|media|queue|ops)\.\w+(?=\()", sources[name]))
        if any(one.split(".")[1] in ASKS for one in called):
            return True
        return any(asks(one, seen | {name}) for one in called if one in sources and one not in seen and one != name)

    silent = {name for name, _, is_asked in found if is_asked and not asks(name)}
    assert silent - PROVED - CHANGES_NOTHING - BY_TRIGGER == set()
    assert not (PROVED | CHANGES_NOTHING | BY_TRIGGER) - set(sources), "gone"


def test_a_key_that_reads_and_a_viewer_enqueue_nothing(house: House) -> None:
    for query in ("select queue.enqueue_job('no_op')", """select queue.enqueue_jobs('[{"job_type": "no_op"}]')""", "insert into queue.processing_jobs (job_type) values ('no_op')"):
        for user, key in ((None, house.keys["tenant", "read"]), (house.viewer, None)):
            assert house.answer(query, user, key) == "RQ016"
        assert house.answer(query, None, house.keys["tenant", "write"]) == "ok"
