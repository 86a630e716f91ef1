"""Keys that nobody uses, and keys that are used too much."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.conftest import Clock, Connect
from tests.sql.auditkit import add_user, say
from tests.sql.mediakit import Conn, refused, scalar
from tests.sql.rolekit import Tenant, open_as

# As they are, where a database has none.
TABLES = """
create table if not exists identity.api_keys (
    id uuid primary key, tenant_id uuid not null, user_id uuid, name text not null, prefix text not null, key_hash bytea not null,
    scopes text[] not null default '{read,write}', hourly_limit integer default 1000, expires_at timestamptz, revoked_at timestamptz,
    replaced_by uuid, created_by text not null, created_at timestamptz not null
);
create table if not exists identity.api_key_uses (
    key_id uuid not null, hour timestamptz not null, pid integer not null, uses bigint not null, primary key (key_id, hour, pid)
);
create table if not exists identity.api_key_last_uses (key_id uuid primary key, used_at timestamptz);
"""
IDLE = "select name from ops.idle_keys(%s) order by name"


@pytest.fixture
def acme(conn: Conn, clock: Clock) -> Tenant:
    """A tenant, in a database with keys."""
    conn.execute(TABLES.encode())
    clock.set("2041-05-05 12:10+00")
    return Tenant(conn, "acme")


@pytest.fixture
def rival(conn: Conn, acme: Tenant) -> Tenant:
    """Another one."""
    return Tenant(conn, "rival")


def add_key(conn: Conn, tenant: Tenant, name: str, age_days: int, used_days: int | None = None, **more: Any) -> UUID:
    """A key made and last used so many days ago."""
    now = scalar(conn, "select base.clock()")
    made = now - timedelta(days=age_days)
    key: UUID = scalar(
        conn,
        "insert into identity.api_keys (id, tenant_id, name, prefix, key_hash, created_by, created_at, expires_at, revoked_at, hourly_limit) "
        "values (base.uuid_v7_from(%s), %s, %s, %s, sha256(%s::text::bytea), 'ann', %s, %s, %s, %s) returning id",
        made + timedelta(milliseconds=scalar(conn, "select count(*) from identity.api_keys")), tenant.id, name, name.ljust(8, "x")[:8], str(uuid4()),
        made, more.get("expires_at"), more.get("revoked_at"), more.get("hourly_limit", 1000),
    )  # fmt: skip
    used = None if used_days is None else now - timedelta(days=used_days)
    conn.execute(
        "insert into identity.api_key_last_uses (key_id, used_at) values (%s, %s) on conflict (key_id) do update set used_at = excluded.used_at", [key, used]
    )
    return key


def names(conn: Conn, tenant: str | None = None) -> list[str]:
    """The idle ones."""
    return [name for (name,) in conn.execute(IDLE.encode(), [tenant])]


def test_a_key_is_idle_that_was_good_and_unused_for_90_days(conn: Conn, connect: Connect, acme: Tenant, rival: Tenant) -> None:
    now = scalar(conn, "select base.clock()")
    add_key(conn, acme, "never", 91)
    add_key(conn, acme, "longago", 400, 91)
    add_key(conn, acme, "used", 400, 89)
    add_key(conn, acme, "young", 89)
    add_key(conn, acme, "revoked", 400, revoked_at=now)
    add_key(conn, acme, "expired", 400, expires_at=now - timedelta(days=1))
    add_key(conn, rival, "theirs", 400)
    assert names(conn) == ["longago", "never", "theirs"]
    assert names(conn, "acme") == ["longago", "never"]
    session = open_as(connect, "reelq_app", acme)
    assert names(session) == ["longago", "never"]
    assert refused(session, IDLE, "rival") == refused(session, IDLE, "nobody") == "RQ004"
    say(session, user_id=acme.user)
    assert names(session) == [], "a member sees none"
    say(session, user_id=add_user(conn, acme.id, "admin@acme.example.com", "admin"))
    assert names(session) == ["longago", "never"]
    assert [name for (name,) in conn.execute("select name from ops.idle_keys(null, '30 days') order by 1")] == ["longago", "never", "theirs", "used", "young"]


@pytest.mark.parametrize("idle", ["0", "59 minutes", "178000000 years", "-1 day"])
def test_an_idle_time_that_makes_no_sense_is_refused_in_words(conn: Conn, idle: str) -> None:
    assert refused(conn, "select * from ops.idle_keys(null, %s)", idle) == "RQ008"


def test_idle_keys_come_in_pages(conn: Conn, acme: Tenant) -> None:
    for number in range(5):
        add_key(conn, acme, f"key{number}", 300 - number)
    seen: list[str] = []
    after = None
    while page := conn.execute("select id, name from ops.idle_keys(p_limit => 2, p_after => %s)", [after]).fetchall():
        seen += [name for _, name in page]
        after = page[-1][0]
    assert seen == [f"key{number}" for number in range(5)]


def test_a_key_is_over_used_at_four_fifths_of_its_limit(conn: Conn, connect: Connect, acme: Tenant, rival: Tenant) -> None:
    hour = scalar(conn, "select date_trunc('hour', base.clock())")
    for tenant, name, uses, limit, age in (
        (acme, "most", 800, 1000, 0), (acme, "over", 150, 100, 1), (acme, "little", 799, 1000, 0), (acme, "before", 900, 1000, 2),
        (acme, "free", 10_000, None, 0), (rival, "theirs", 1000, 1000, 0),
    ):  # fmt: skip
        key = add_key(conn, tenant, name, 1, hourly_limit=limit)
        for pid in (1, 2):
            conn.execute("insert into identity.api_key_uses values (%s, %s, %s, %s)", [key, hour - timedelta(hours=age), pid, uses // 2 + (uses % 2 if pid == 1 else 0)])
    question = "select name, uses, share from ops.overused_keys(%s)"
    assert [(name, uses, float(share)) for name, uses, share in conn.execute(question.encode(), ["acme"])] == [("over", 150, 1.5), ("most", 800, 0.8)]
    assert {name for name, _, _ in conn.execute(question.encode(), [None])} == {"over", "most", "theirs"}
    session = open_as(connect, "reelq_app", acme)
    assert len(session.execute(question.encode(), [None]).fetchall()) == 2
    say(session, user_id=acme.user)
    assert session.execute(question.encode(), [None]).fetchall() == []


def test_keys_are_heard_as_soon_as_there_are_any(conn: Conn, acme: Tenant) -> None:
    """The table comes, grants.sql is applied again, and no hash is told."""
    conn.execute("select ops.attach_audit()")
    key = add_key(conn, acme, "mine", 1)
    conn.execute("update identity.api_keys set revoked_at = base.clock() where id = %s", [key])
    told = conn.execute("select action, entity_id, coalesce(before, after) ->> 'key_hash' from ops.audit_logs where entity_type = 'api_key' order by id").fetchall()
    assert told == [("api_key.created", str(key), "(changed)"), ("api_key.revoked", str(key), None)]
    assert scalar(conn, "select risk_score from ops.audit_logs where action = 'api_key.created'") == 30
