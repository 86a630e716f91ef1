"""What the calls about accounts, quotas and keys read, with 4,000 users of one tenant in the way: a handful of rows, whatever the planner believes."""

from __future__ import annotations

import pytest

from tests.sql.plankit import Explained, in_bulk
from tests.sql.queuekit import Queue

TABLES = ("users", "quotas", "subscriptions", "api_keys", "api_key_uses", "api_key_last_uses", "videos", "tenants", "tenant_configs")
MANY = """
with made as (
    insert into identity.users (tenant_id, email)
    select t.id, 'u' || n || '@acme.example' from identity.tenants as t cross join generate_series(1, 4000) as n where t.slug = 'acme'
    returning id, tenant_id
), quotas as (
    insert into identity.quotas (tenant_id, user_id, monthly_quota, reset_day, resets_on) select m.tenant_id, m.id, 30, 1, '2999-01-01' from made as m
), subscribed as (
    insert into identity.subscriptions (tenant_id, user_id, plan, monthly_quota) select m.tenant_id, m.id, 'pro', 100 from made as m
), keyed as (
    insert into identity.api_keys (tenant_id, user_id, name, prefix, key_hash, created_by)
    select m.tenant_id, m.id, 'k', '12345678', sha256(uuid_send(m.id)), 'test' from made as m
    returning id
), used as (
    insert into identity.api_key_uses (key_id, hour, pid, uses) select k.id, date_trunc('hour', base.clock(), 'UTC'), 1, 1 from keyed as k
)
insert into identity.api_key_last_uses (key_id) select k.id from keyed as k
"""
CALLS = {
    "ingest for a user": "select queue.ingest_video('/a.mp4', 'acme', %(user)s)",
    "ingest for the tenant": "select queue.ingest_video('/a.mp4', 'acme')",
    "ingest with a key": "select queue.ingest_video('/a.mp4', 'acme', idempotency_key => 'k')",
    "quota of a user": "select * from identity.show_quota('acme', %(user)s)",
    "quota of the tenant": "select * from identity.show_quota('acme', null)",
    "set a quota": "select identity.set_quota('acme', null, 1000000)",
    "account": "select * from identity.accounts where user_id = %(user)s",
    "subscribe": "select identity.set_subscription('acme', %(user)s, '{\"plan\": \"pro\", \"monthly_quota\": 50}')",
    "end trials": "select identity.end_trials()",
    "reset quotas": "select identity.reset_quotas()",
    "forget uses": "select identity.forget_key_uses()",
    "subscriptions of all": "select * from identity.list_subscriptions(p_limit => 5)",
    "authenticate": "select * from identity.authenticate(%(key)s)",
    "keys of the tenant": "select * from identity.list_keys('acme', p_limit => 5)",
    "keys of a user": "select * from identity.list_keys('acme', %(user)s)",
    "keys of another tenant": "select * from identity.list_keys('default')",
    "show a key": "select * from identity.show_key(%(id)s)",
    "configuration": "select * from identity.tenant_config('acme')",
}
MOST = 60  # rows of one node; lists show fewer


@pytest.fixture
def queue(conn):
    return Queue(conn)


@pytest.mark.one_server
def test_no_call_reads_the_rows_of_all(queue, connect):
    acme = queue.value("select identity.create_tenant('acme')")
    user = queue.value("insert into identity.users (tenant_id, email) values (%s, 'ann@acme.example') returning id", acme)
    queue.value("select identity.set_quota('acme', null, 1000000)")
    (key,) = queue.rows("select * from identity.create_key('mine', 'acme', %s, p_hourly_limit => 1999)", user)
    names = {"user": f"'{user}'::uuid", "key": f"'{key.key}'", "id": f"'{key.id}'::uuid"}
    calls = {name: statement % names for name, statement in CALLS.items()}
    old = Explained(connect())
    for statement in calls.values():  # its plans are of empty tables
        for _ in range(7):
            old.conn.execute(statement.encode())
    with in_bulk(queue.conn):
        queue.conn.execute(MANY.encode())
    queue.value("select identity.end_subscription('acme', %s)", user)
    for session in (old, Explained(connect())):
        for name, statement in calls.items():
            told = session.call(statement.replace("%", "%%"))
            far = [str(touch) for table in TABLES for touch in told.of(table) if touch.rows > MOST]
            assert far == [], name
