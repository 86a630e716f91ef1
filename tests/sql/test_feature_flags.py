"""A flag's answer: the nearest rule decides, a rollout is stable and only grows, nobody asks for others, and it is computable elsewhere."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.types.json import Jsonb

from reelq.worker.rooms.ops import flags
from tests.sql.rolekit import Tenant, open_as

Conn = psycopg.Connection[Any]
FLAG = "test.flag"


@pytest.fixture
def acme(conn: Conn) -> Tenant:
    return Tenant(conn, "acme")


@pytest.fixture
def rival(conn: Conn) -> Tenant:
    return Tenant(conn, "rival")


def code(conn: Conn, statement: str, *args: Any) -> str:
    with pytest.raises(psycopg.Error) as error, conn.transaction():
        conn.execute(statement.encode(), args)
    assert error.value.sqlstate == "42501" or error.value.diag.message_hint
    return str(error.value.sqlstate)


def bucket(flag: str, subject: UUID) -> int:
    """As base.flag_bucket says it may be computed."""
    return int.from_bytes(hashlib.sha256(f"{flag}:{subject}".encode()).digest()[:4], "big") % 10_000


def who_is_in(conn: Conn, subjects: list[UUID]) -> set[UUID]:
    rows = conn.execute("select s.id from unnest(%s::uuid[]) as s (id) where ops.is_flag_on(%s, s.id)", [subjects, FLAG]).fetchall()
    return {row[0] for row in rows}


def test_a_rollout_only_grows_and_is_the_same_in_python(conn: Conn) -> None:
    subjects = [uuid4() for _ in range(400)]
    before: set[UUID] = set()
    for percentage in (0, 0.5, 10, 10, 50, 99.99, 100):
        flags.set_flag(conn, FLAG, {"enabled": True, "rollout_percentage": percentage})
        now = who_is_in(conn, subjects)
        assert now == {one for one in subjects if bucket(FLAG, one) < percentage * 100}
        assert before <= now
        before = now
    assert before == set(subjects)
    flags.set_flag(conn, FLAG, {"rollout_percentage": 50})
    assert 120 < len(who_is_in(conn, subjects)) < 280
    flags.set_flag(conn, FLAG, {"enabled": False, "rollout_percentage": 100})
    assert who_is_in(conn, subjects) == set()


def test_the_nearest_rule_decides(conn: Conn, acme: Tenant, rival: Tenant) -> None:
    user = conn.execute("insert into identity.users (tenant_id, email, role, language) values (%s, 'a@b.example', 'beta_tester', 'de') returning id", [acme.id]).fetchone()[0]  # type: ignore[index]

    def reason(tenant: Tenant = acme, person: UUID | None = None) -> tuple[bool, str]:
        found = flags.explain(conn, FLAG, tenant.id, person)
        assert found.is_on is flags.is_on(conn, FLAG, tenant.id, person)
        return found.is_on, found.reason

    assert reason() == (False, "unknown")
    flags.set_flag(conn, FLAG, {"enabled": True})
    assert reason() == (False, "percentage")
    flags.set_flag(conn, FLAG, {"segment_rules": [{"role": ["beta_tester"], "language": ["fr"]}, {"role": ["beta_tester"], "language": ["de", "at"]}, {"tier": ["premium"]}]})
    assert reason(person=user) == (True, "segment")
    assert reason() == (False, "percentage")
    conn.execute("update identity.tenants set tier = 'premium' where id = %s", [rival.id])
    assert reason(rival) == (True, "segment")
    flags.set_flag_for(conn, FLAG, str(rival.id), None, False)
    assert reason(rival) == (False, "tenant")
    flags.set_flag_for(conn, FLAG, str(acme.id), None, False)
    assert reason(person=user) == (False, "tenant")
    flags.set_flag_for(conn, FLAG, None, user, True)
    assert reason(person=user) == (True, "user")
    flags.set_flag_for(conn, FLAG, None, user, None)
    flags.set_flag_for(conn, FLAG, str(acme.id), None, None)
    assert reason(person=user) == (True, "segment")
    flags.set_flag(conn, FLAG, {"enabled": False})
    assert reason(person=user) == (False, "off")
    acts = conn.execute("select distinct action from ops.audit_logs where entity_type = 'feature_flag' order by 1").fetchall()
    assert [row[0] for row in acts] == ["feature_flag.changed", "feature_flag.created"]
    assert flags.delete_flag(conn, FLAG) and not flags.delete_flag(conn, FLAG)
    assert reason(person=user) == (False, "unknown")


def test_a_percentage_of_users_counts_users(conn: Conn, acme: Tenant) -> None:
    flags.set_flag(conn, FLAG, {"enabled": True, "rollout_percentage": 50, "rollout_by": "user"})
    for user in [uuid4() for _ in range(20)]:
        assert flags.is_on(conn, FLAG, acme.id, user) is (bucket(FLAG, user) < 5000)
    assert flags.is_on(conn, FLAG, acme.id) is (bucket(FLAG, acme.id) < 5000)


def test_an_application_asks_for_its_own_tenant_and_a_member_for_themselves(conn: Conn, connect: Callable[..., Conn], acme: Tenant, rival: Tenant) -> None:
    users = [row[0] for row in conn.execute("insert into identity.users (tenant_id, email) select %s, n || '@b.example' from generate_series(1, 2) as n returning id", [acme.id]).fetchall()]
    flags.set_flag(conn, FLAG, {"enabled": True, "rollout_percentage": 100})
    app = open_as(connect, "reelq_app", acme)
    assert flags.is_on(app, FLAG) is True
    ask = "select ops.is_flag_on('test.flag', %s, %s)"
    assert code(app, ask, rival.id, None) == "RQ004"
    assert code(app, "select ops.explain_flag('test.flag')") == "42501"
    assert code(app, "select ops.set_flag('test.flag', '{}')") == "42501"
    app.execute("select set_config('reelq.user_id', %s, false)", [str(users[0])])
    assert flags.is_on(app, FLAG) is True
    assert code(app, ask, acme.id, users[1]) == "RQ004"
    assert code(open_as(connect, "reelq_app"), ask, None, None) == "RQ004"


@pytest.mark.parametrize(
    "facts",
    [
        [], {"nope": 1}, {"enabled": None}, {"enabled": "perhaps"}, {"rollout_percentage": 101}, {"rollout_percentage": -1}, {"rollout_percentage": "x"},
        {"rollout_by": "country"}, {"user_rules": ["me"]}, {"tenant_rules": [{"id": 7}]}, {"user_rules": [{"id": "x" * 36, "off": True}]}, {"segment_rules": {}},
        {"segment_rules": [{"shoe_size": [44]}]}, {"segment_rules": [{"tier": "premium"}]}, {"segment_rules": [{"percentage": 200}]}, {"segment_rules": [7]},
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_and_nothing_is_made(conn: Conn, facts: Any) -> None:
    assert code(conn, "select ops.set_flag(%s, %s)", FLAG, Jsonb(facts)) == "RQ008"
    assert code(conn, "select ops.set_flag('no spaces', '{}')") == "RQ008"
    assert [one.name for one in flags.list_flags(conn)] == ["ladder.better_compression"]


def test_two_operators_at_once_lose_no_rule(connect: Callable[..., Conn], conn: Conn, acme: Tenant, rival: Tenant) -> None:
    flags.set_flag(conn, FLAG, {"enabled": True})
    first, second = connect(), connect()
    with first.transaction():
        flags.set_flag_for(first, FLAG, str(acme.id), None, True)
        second.execute("set lock_timeout = '100ms'")
        assert code_of_lock(second, rival) == "55P03"
    second.execute("reset lock_timeout")
    flags.set_flag_for(second, FLAG, str(rival.id), None, True)
    assert who_is_in(conn, [acme.id, rival.id]) == {acme.id, rival.id}


def code_of_lock(conn: Conn, tenant: Tenant) -> str:
    """What the second of two gets that will not wait."""
    with pytest.raises(psycopg.Error) as error:
        conn.execute("select ops.set_flag_for(%s, %s, null, true)", [FLAG, str(tenant.id)])
    return str(error.value.sqlstate)
