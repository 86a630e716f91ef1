"""Subscriptions: one live one each, tier and quota follow from it, trials end."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.sql.accountkit import NOBODY, Company, code, refusal
from tests.sql.queuekit import Queue, Race

SET = "select identity.set_subscription(%s, %s, %s)"
END = "select identity.end_subscription(%s, %s)"


@pytest.fixture
def queue(conn):
    return Queue(conn)


@pytest.fixture
def acme(queue, connect):
    return Company(queue, connect, "acme")


def account(queue, user):
    (found,) = queue.rows("select * from identity.accounts where user_id = %s", user)
    return found


def test_tier_and_quota_are_those_of_the_live_one_and_fall_when_it_ends(queue, acme):
    ann = acme.users["member"]
    assert (account(queue, ann).tier, account(queue, ann).monthly_quota) == ("free", 30)
    made = queue.value(SET, None, ann, Jsonb({"plan": "pro", "monthly_quota": 300, "provider": "stripe", "provider_customer_id": "cus_1"}))
    assert queue.value(SET, None, ann, Jsonb({"status": "past_due"})) == made
    found = account(queue, ann)
    assert (found.tier, found.subscription_status, found.monthly_quota, found.provider_customer_id) == ("pro", "past_due", 300, "cus_1")
    assert queue.value(END, None, ann) == made
    assert (account(queue, ann).tier, account(queue, ann).subscription_status, account(queue, ann).monthly_quota) == ("free", None, 30)
    assert refusal(queue, END, None, ann).sqlstate == "RQ009"
    assert queue.value(SET, None, ann, Jsonb({"plan": "starter"})) != made
    assert account(queue, ann).monthly_quota == 30  # not a word about it: as before
    assert queue.value("select count(*) from identity.subscriptions") == 2


def test_a_tenant_has_its_own(queue, acme):
    queue.value(SET, "acme", None, Jsonb({"plan": "enterprise", "monthly_quota": None}))
    (shown,) = queue.rows("select tier, tier_without_subscription, monthly_quota from identity.show_tenant('acme')")
    assert shown == ("enterprise", "standard", None)
    assert queue.rows("select tier from identity.list_tenants() where slug = 'acme'") == [("enterprise",)]
    assert account(queue, acme.users["admin"]).tier == "free"


@pytest.mark.parametrize(
    "given",
    [{}, {"plan": "gold"}, {"plan": None}, {"plan": "premium"}, {"plan": "pro", "status": "cancelled"}, {"plan": "pro", "status": "odd"}, {"plan": "pro", "monthly_quota": -1},
     {"plan": "pro", "monthly_quota": 1.5}, {"plan": "pro", "monthly_quota": "x"}, {"plan": "pro", "status": "trialing"}, {"plan": "pro", "status": "trialing", "trial_ends_at": "2001-01-01"},
     {"plan": "pro", "current_period_end": "soon"}, {"plan": "pro", "current_period_end": "infinity"}, {"plan": "pro", "current_period_end": "2000-01-02"},
     {"plan": "pro", "provider_customer_id": "cus_1"}, {"plan": "pro", "id": NOBODY}, {"plan": "pro", "provider": ""}, {"plan": "pro", "provider": 7}, {"plan": ["pro"]}, [], {"plan": "pro", "current_period_start": None}],
)  # fmt: skip
def test_what_cannot_be_is_refused_and_nothing_is_made(queue, acme, given):
    assert refusal(queue, SET, None, acme.users["member"], Jsonb(given)).sqlstate == "RQ008"
    assert queue.value("select count(*) from identity.subscriptions") == 0


def test_an_id_of_the_provider_is_one_subscription_s(queue, acme):
    facts = Jsonb({"plan": "pro", "provider": "stripe", "provider_subscription_id": "sub_1"})
    queue.value(SET, None, acme.users["member"], facts)
    assert refusal(queue, SET, None, acme.users["admin"], facts).sqlstate == "RQ009"


def test_unknown_owners_are_refused(queue, acme):
    beta = queue.value("select identity.create_tenant('beta')")
    for tenant, user in ((None, NOBODY), ("acme", NOBODY), ("nope", None), (str(beta), acme.users["member"])):
        assert refusal(queue, SET, tenant, user, Jsonb({"plan": "pro"})).sqlstate == "RQ004"
        assert refusal(queue, END, tenant, user).sqlstate == "RQ004"


def test_one_live_one_each_also_by_hand(queue, acme):
    insert = "insert into identity.subscriptions (tenant_id, user_id, plan) values (%s, %s, %s)"
    for user, plan in ((acme.users["member"], "pro"), (None, "premium")):
        queue.value(SET, "acme", user, Jsonb({"plan": plan}))
        with pytest.raises(psycopg.errors.UniqueViolation):
            queue.conn.execute(insert, [acme.id, user, plan])


def test_two_that_make_one_at_once_make_one(queue, connect, acme):
    ann = acme.users["member"]
    with queue.transaction():
        made = queue.value(SET, None, ann, Jsonb({"plan": "pro"}))
        race = Race(Queue(connect()), lambda q: q.value(SET, None, ann, Jsonb({"plan": "business"}))).start_and_wait_until_blocked(Queue(connect()))
    assert race.finish() == made
    assert account(queue, ann).tier == "business"


# Trials


def trial(queue, user, clock, days=14, tenant=None, plan="pro"):
    return queue.value(SET, tenant, user, Jsonb({"plan": plan, "status": "trialing", "monthly_quota": 100, "trial_ends_at": (clock.now() + timedelta(days=days)).isoformat()}))


def status(queue, user):
    return queue.value("select status from identity.users where id = %s", user)


def test_a_trial_gives_nothing_from_its_end_on_and_upkeep_ends_it(queue, acme, clock):
    ann = acme.users["member"]
    clock.set("2026-11-01 12:00+00")
    trial(queue, ann, clock)
    trial(queue, None, clock, tenant="acme", plan="premium")
    assert (account(queue, ann).tier, account(queue, ann).monthly_quota, status(queue, ann)) == ("pro", 100, "trial")
    assert queue.value("select identity.end_trials()") == 0
    clock.set("2026-11-15 12:00+00")
    assert (account(queue, ann).tier, account(queue, ann).monthly_quota) == ("free", 30)
    assert queue.rows("select monthly_quota, source from identity.show_quota(null, %s)", ann) == [(30, "default")]
    assert queue.rows("select tier, monthly_quota from identity.show_tenant('acme')") == [("standard", None)]
    assert queue.rows("select tier from identity.list_tenants() where slug = 'acme'") == [("standard",)]
    assert queue.rows("select trials, quotas, counters from queue.tidy_identity()") == [(2, 0, 0)]
    assert queue.rows("select status, ended_at is not null as over from identity.subscriptions") == [("cancelled", True)] * 2
    assert status(queue, ann) == "active"


def test_a_trial_that_is_paid_goes_on(queue, acme, clock):
    ann = acme.users["member"]
    clock.set("2026-11-01 12:00+00")
    made = trial(queue, ann, clock)
    clock.set("2026-11-20 12:00+00")  # late, and upkeep has not run
    assert queue.value(SET, None, ann, Jsonb({"status": "active"})) == made
    assert queue.value("select identity.end_trials()") == 0
    assert (account(queue, ann).tier, status(queue, ann)) == ("pro", "active")


def test_trials_end_by_the_batch_and_one_that_somebody_holds_is_left(queue, connect, acme, clock):
    clock.set("2026-11-01 12:00+00")
    for user in acme.users.values():
        trial(queue, user, clock)
    clock.set("2026-12-01 12:00+00")
    other = Queue(connect())
    with other.transaction():
        other.value("select id from identity.users where id = %s for update", acme.users["viewer"])
        assert queue.value("select identity.end_trials(1)") in (0, 1)
        queue.value("select identity.end_trials()")
        assert queue.value("select count(*) from identity.subscriptions where status = 'trialing'") == 1
    assert queue.value("select identity.end_trials()") == 1
    for limit in (0, 10_001, None):
        assert refusal(queue, "select identity.end_trials(%s)", limit).sqlstate == "RQ008"


# Who may


def test_a_member_sees_their_own_the_admin_the_tenant_s_and_nobody_another_tenant_s(queue, connect, acme):
    beta = Company(queue, connect, "beta")
    for company in (acme, beta):
        queue.value(SET, company.tenant.slug, None, Jsonb({"plan": "premium"}))
        for user in company.users.values():
            queue.value(SET, company.tenant.slug, user, Jsonb({"plan": "pro"}))
    count = "select count(*) from identity.subscriptions"
    assert [acme.server().value(count), acme.user("admin").value(count), acme.user("member").value(count), acme.user("viewer").value(count)] == [4, 4, 1, 1]
    assert acme.user("member").rows("select user_id, tier from identity.accounts") == [(acme.users["member"], "pro")]
    assert acme.server("reelq_readonly").value("select count(*) from identity.accounts") == 4
    app = acme.server()
    for call in ("set_subscription(null, null, '{}')", "end_subscription(null)", "list_subscriptions()", "end_trials()"):
        assert code(app, f"select identity.{call}") == "42501", call
    nobody = Queue(connect())
    nobody.conn.execute(b"set role reelq_app")
    assert nobody.value(count) == 0


def test_lists_are_of_a_tenant_or_of_all(queue, acme):
    beta = queue.value("select identity.create_tenant('beta')")
    queue.value(SET, "acme", acme.users["member"], Jsonb({"plan": "pro"}))
    queue.value(SET, str(beta), None, Jsonb({"plan": "premium"}))
    queue.value(END, "beta", None)
    listed = "select tenant, email, plan, status from identity.list_subscriptions(%s, %s)"
    assert queue.rows(listed, None, False) == [("beta", None, "premium", "cancelled"), ("acme", "member@acme.example", "pro", "active")]
    assert queue.rows(listed, "beta", False) == [("beta", None, "premium", "cancelled")]
    assert queue.rows(listed, "beta", True) == []
    assert refusal(queue, "select * from identity.list_subscriptions('nope')").sqlstate == "RQ004"
