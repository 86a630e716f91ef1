"""Monthly quotas: used up by ingest in the same transaction, never over, begun anew on their day."""

from __future__ import annotations

import calendar
import json
import threading
from datetime import date, timedelta

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.types.json import Jsonb

from reelq.worker.db import schema
from tests.sql import releasekit
from tests.sql.accountkit import NOBODY, Company, add_user, code, refusal
from tests.sql.queuekit import Queue, Race

INGEST = "select queue.ingest_video('/a.mp4', %s, %s)"
SHOW = "select * from identity.show_quota(%s, %s)"
SET = "select identity.set_quota(%s, %s, %s)"
SUBSCRIBE = "select identity.set_subscription(%s, %s, %s)"


@pytest.fixture
def queue(conn):
    return Queue(conn)


@pytest.fixture
def acme(queue, connect):
    return Company(queue, connect, "acme")


def quota(queue, tenant="acme", user=None):
    (found,) = queue.rows(SHOW, tenant, user)
    return found


def counted(queue):
    return queue.value("select count(*) from media.videos"), queue.value("select count(*) from queue.processing_jobs")


def test_a_user_has_thirty_and_a_tenant_no_bound_and_no_row(queue, acme):
    ann = acme.users["member"]
    assert quota(queue, user=ann)[2:5] == (30, 0, 30) and quota(queue, user=ann).source == "default"
    queue.value("select queue.ingest_video('/first.mp4', 'acme', user_id => %s)", ann)
    assert quota(queue, user=ann).source == "default", "it is counted, and nobody has set it"
    queue.conn.execute("update identity.quotas set used = 0")
    assert quota(queue)[2:5] == (None, 0, None)
    queue.value(INGEST, "acme", ann)
    queue.value(INGEST, "acme", None)
    assert quota(queue, user=ann)[2:5] == (30, 1, 29)
    assert queue.rows("select user_id, used from identity.quotas") == [(ann, 1)]


def test_spent_is_refused_with_when_it_begins_anew_and_nothing_is_made(queue, acme, clock):
    clock.set("2026-11-20 12:00+00")
    ann = acme.users["member"]
    queue.value("select identity.set_quota('acme', %s, 2, 24)", ann)
    for _ in range(2):
        queue.value(INGEST, "acme", ann)
    before = counted(queue)
    diag = refusal(queue, INGEST, "acme", ann)
    assert (diag.sqlstate, diag.message_primary) == ("RQ013", f"the monthly quota of user {ann} is used up: 2 of 2")
    assert "It begins anew on 2026-11-24 (UTC)" in diag.message_hint
    assert json.loads(diag.message_detail) == {"tenant_id": str(acme.id), "user_id": str(ann), "monthly_quota": 2, "used": 2, "resets_on": "2026-11-24"}
    assert counted(queue) == before and quota(queue, user=ann).used == 2
    clock.set("2026-11-24 00:00+00")
    queue.value(INGEST, "acme", ann)
    assert quota(queue, user=ann)[2:6] == (2, 1, 1, date(2026, 12, 24))


def test_the_tenant_s_is_used_by_whoever_ingests_also_where_no_user_is_named(queue, acme):
    queue.value(SET, "acme", None, 3)
    queue.value(INGEST, "acme", acme.users["member"])
    queue.value(INGEST, "acme", acme.users["admin"])
    queue.value(INGEST, "acme", None)
    diag = refusal(queue, INGEST, "acme", acme.users["member"])
    assert diag.sqlstate == "RQ013" and diag.message_primary == f"the monthly quota of tenant {acme.id} is used up: 3 of 3"
    assert quota(queue, user=acme.users["member"]).used == 1  # of the refused one nothing
    beta = queue.value("select identity.create_tenant('beta')")
    queue.value(INGEST, "beta", None)
    assert queue.rows("select tenant_id from identity.quotas where user_id is null") == [(acme.id,)] and beta


def test_whatever_ends_without_a_commit_or_finds_a_video_uses_nothing(queue, acme):
    ann = acme.users["member"]
    queue.value(SET, "acme", None, 10)
    keyed = "select queue.ingest_video('/a.mp4', 'acme', %s, idempotency_key => 'k')"
    video = queue.value(keyed, ann)
    used = lambda: (quota(queue).used, quota(queue, user=ann).used)  # noqa: E731
    assert used() == (1, 1)
    assert queue.value(keyed, ann) == video
    for statement in ("select queue.ingest_video('/a.mp4', 'acme', %s, 'nope')", "select queue.ingest_video('', 'acme', %s)",
                      "select queue.ingest_video('/a.mp4', 'acme', %s, options => '{\"nope\": {}}')"):  # fmt: skip
        refusal(queue, statement, ann)
    with queue.conn.transaction(force_rollback=True):
        queue.value(INGEST, "acme", ann)
        assert used() == (2, 2)
    queue.value("select queue.cancel_run(%s)", video)
    queue.value("select queue.rerun_video(%s)", video)
    assert used() == (1, 1)
    # a deleted one makes its key free, and is charged again
    queue.value("select queue.delete_video(%s)", video)
    assert queue.value(keyed, ann) != video and used() == (2, 2)


def test_a_bulk_ingest_is_charged_by_the_video_and_all_or_nothing(queue, acme):
    queue.value(SET, "acme", None, 5)
    many = "select count(queue.ingest_video('/' || n || '.mp4', 'acme')) from generate_series(1, %s) as n"
    assert queue.value(many, 3) == 3 and quota(queue).used == 3
    assert refusal(queue, many, 3).sqlstate == "RQ013"
    assert quota(queue).used == 3 and counted(queue)[0] == 3 + 1  # and the company's own


def test_a_key_of_another_user_s_video_tells_nothing_of_it(queue, acme):
    video = acme.user("admin").value("select queue.ingest_video('/a.mp4', idempotency_key => 'k')")
    diag = refusal(acme.user("member"), "select queue.ingest_video('/a.mp4', idempotency_key => 'k')")
    assert diag.sqlstate == "RQ009" and str(video) not in str(diag.message_primary) + str(diag.message_hint)
    beta = queue.value("select identity.create_tenant('beta')")
    assert beta and queue.value("select queue.ingest_video('/a.mp4', 'beta', idempotency_key => 'k')") != video
    for key in ("", "x" * 256):
        assert refusal(queue, "select queue.ingest_video('/a.mp4', idempotency_key => %s)", key).sqlstate == "RQ008"


def test_who_ingests_as_a_user_is_charged_though_no_user_is_named(acme, queue):
    acme.user("member").value("select queue.ingest_video('/a.mp4')")
    assert quota(queue, user=acme.users["member"]).used == 1
    assert queue.value("select user_id from media.videos order by id desc limit 1") == acme.users["member"]
    assert code(acme.user("member"), INGEST, None, acme.users["admin"]) == "RQ004"
    assert code(acme.user("viewer"), "select queue.ingest_video('/a.mp4')") == "RQ016"
    acme.user("admin").value(INGEST, None, acme.users["member"])
    assert quota(queue, user=acme.users["member"]).used == 2


# At once


def at_once(connect, count, statement, *args):
    """So many sessions that call at the same moment; the codes of what they got."""
    told: list[str | None] = []
    start = threading.Barrier(count)

    def call(session):
        start.wait()
        told.append(code(session, statement, *args))

    sessions = [Queue(connect()) for _ in range(count)]
    threads = [threading.Thread(target=call, args=(session,)) for session in sessions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return told


@pytest.mark.parametrize("whose", ["user", "tenant", "both"])
def test_of_fifty_at_once_as_many_come_in_as_there_is_room_for(queue, connect, acme, whose):
    ann = acme.users["member"]
    if whose != "tenant":
        queue.value(SET, "acme", ann, 20)
    if whose != "user":
        queue.value(SET, "acme", None, 20)
    told = at_once(connect, 50, INGEST, "acme", ann if whose != "tenant" else None)
    assert sorted(told, key=str) == [None] * 20 + ["RQ013"] * 30 or sorted(told, key=str) == ["RQ013"] * 30 + [None] * 20
    assert quota(queue, user=ann if whose != "tenant" else None).used == 20
    assert counted(queue)[0] == 20 + 1


def test_the_first_fifty_of_a_user_make_one_row(queue, connect, acme):
    ann = acme.users["member"]
    told = at_once(connect, 50, INGEST, "acme", ann)
    assert (told.count(None), told.count("RQ013")) == (30, 20)
    assert queue.rows("select used from identity.quotas where user_id = %s", ann) == [(30,)]


def test_one_key_at_once_is_one_video_and_charged_once(queue, connect, acme):
    told = at_once(connect, 20, "select queue.ingest_video('/a.mp4', 'acme', %s, idempotency_key => 'k')", acme.users["member"])
    assert told == [None] * 20
    assert (quota(queue, user=acme.users["member"]).used, counted(queue)[0]) == (1, 1 + 1)


def test_nobody_waits_for_another_tenant_nor_where_there_is_no_quota(queue, connect, acme):
    queue.value("select identity.create_tenant('beta')")
    queue.value(SET, "acme", None, 5)
    queue.value(SET, "beta", None, 5)
    other = Queue(connect())
    other.conn.execute(b"set lock_timeout = '1ms'")
    with queue.transaction():
        queue.value(INGEST, "acme", None)
        other.value(INGEST, "beta", None)
        other.value(INGEST, "default", None)
        race = Race(Queue(connect()), lambda q: q.value(INGEST, "acme", None)).start_and_wait_until_blocked(Queue(connect()))
    race.finish()
    assert (quota(queue).used, quota(queue, "beta").used) == (2, 1)
    with queue.transaction():
        queue.value(INGEST, "default", None)
        other.value(INGEST, "default", None)
        other.value("select identity.reset_quotas()")


def test_a_quota_that_is_lowered_meanwhile_holds(queue, connect, acme):
    queue.value(SET, "acme", None, 5)
    with queue.transaction():
        queue.value(INGEST, "acme", None)
        queue.value(SET, "acme", None, 1)
        race = Race(Queue(connect()), lambda q: q.value(INGEST, "acme", None)).start_and_wait_until_blocked(Queue(connect()))
    with pytest.raises(psycopg.Error) as caught:
        race.finish()
    assert caught.value.sqlstate == "RQ013" and quota(queue).used == 1


# Their day


@given(st.integers(1, 31), st.dates(date(1999, 1, 1), date(2110, 1, 1)))
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_next_reset_is_the_day_of_the_month_or_its_last(conn, day, after):
    (found,) = conn.execute("select base.next_monthly(%s, %s)", [day, after]).fetchone()
    expected = after + timedelta(days=1)
    while expected.day != min(day, calendar.monthrange(expected.year, expected.month)[1]):
        expected += timedelta(days=1)
    assert found == expected


def test_it_begins_anew_in_utc_at_use_and_by_upkeep_alike(queue, acme, clock):
    ann, bob = acme.users["member"], acme.users["admin"]
    queue.conn.execute(b"set timezone = 'Pacific/Kiritimati'")
    clock.set("2027-01-31 10:00+00")
    for user in (ann, bob):
        queue.value("select identity.set_quota('acme', %s, 1, 31)", user)
        queue.value(INGEST, "acme", user)
    clock.set("2027-02-27 23:59+00")
    assert refusal(queue, INGEST, "acme", ann).sqlstate == "RQ013" and queue.value("select identity.reset_quotas()") == 0
    clock.set("2027-02-28 00:00+00")
    assert queue.rows("select used, resets_on from identity.accounts where user_id = %s", ann) == [(0, date(2027, 3, 31))]
    queue.value(INGEST, "acme", ann)
    assert queue.rows("select trials, quotas from queue.tidy_identity()") == [(0, 1)]
    assert [(quota(queue, user=user).used, quota(queue, user=user).resets_on) for user in (ann, bob)] == [(1, date(2027, 3, 31)), (0, date(2027, 3, 31))]
    clock.set("2028-02-29 00:00+00")  # many months unused
    assert queue.value("select identity.reset_quotas(1)") == 1 and queue.value("select identity.reset_quotas()") == 1
    assert quota(queue, user=bob).resets_on == date(2028, 3, 31)


def test_the_day_is_at_first_that_on_which_the_owner_was_made(queue, clock):
    clock.set("2027-01-30 23:30+00")
    tenant = queue.value("select identity.create_tenant('acme')")
    user = add_user(queue, tenant, "ann@acme.example")
    clock.set("2027-02-10 00:00+00")
    assert quota(queue, user=user).resets_on == date(2027, 2, 28)
    queue.value(SET, "acme", user, 5)
    assert quota(queue, user=user).resets_on == date(2027, 2, 28)
    queue.value("select identity.set_quota('acme', %s, 5, 1)", user)
    assert quota(queue, user=user).resets_on == date(2027, 2, 28)  # the month that has begun gets no longer
    clock.set("2027-02-28 00:00+00")
    assert quota(queue, user=user).resets_on == date(2027, 3, 1)


# Where the bound comes from


def test_the_live_subscription_goes_before_what_was_set(queue, acme):
    ann = acme.users["member"]
    queue.value(SET, "acme", ann, 2)
    queue.value(SUBSCRIBE, "acme", ann, Jsonb({"plan": "pro", "monthly_quota": 3}))
    for _ in range(3):
        queue.value(INGEST, "acme", ann)
    assert refusal(queue, INGEST, "acme", ann).sqlstate == "RQ013"
    diag = refusal(queue, SET, "acme", ann, 10)
    assert diag.sqlstate == "RQ009" and "reelq subscriptions set" in diag.message_hint
    queue.value("select identity.end_subscription('acme', %s)", ann)
    assert quota(queue, user=ann)[2:5] == (2, 3, 0)
    queue.value(SET, "acme", ann, None)
    for _ in range(2):
        queue.value(INGEST, "acme", ann)
    assert quota(queue, user=ann)[2:5] == (None, 3, None)  # not counted any more
    queue.value(SET, "acme", ann, 0)
    assert refusal(queue, INGEST, "acme", ann).sqlstate == "RQ013"


@pytest.mark.parametrize("call", ["set_quota('acme', null, -1)", "set_quota('acme', null, 1, 0)", "set_quota('acme', null, 1, 32)", "reset_quotas(0)", "reset_quotas(null)"])
def test_what_cannot_be_is_refused(queue, acme, call):
    assert refusal(queue, f"select identity.{call}").sqlstate == "RQ008"


def test_who_sees_which(acme, queue, connect):
    beta = Company(queue, connect, "beta")
    member, ann = acme.user("member"), acme.users["member"]
    assert member.rows(SHOW, None, ann)[0].monthly_quota == 30
    for user in (acme.users["admin"], beta.users["member"], NOBODY):
        diag = refusal(member, SHOW, None, user)
        assert (diag.sqlstate, diag.message_primary) == ("RQ004", f"no user {user}")
    assert refusal(member, SHOW, None, None).sqlstate == "RQ004"
    assert acme.user("admin").rows(SHOW, None, None)[0].tenant == "acme"
    assert acme.server("reelq_readonly").rows(SHOW, None, ann)[0].used == 0
    assert refusal(acme.server(), SHOW, "beta", None).sqlstate == "RQ004"
    assert code(acme.server(), SET, None, None, 5) == "42501"
    queue.value(SET, "acme", None, 5)
    queue.value(SET, "acme", ann, 5)
    count = "select count(*) from identity.quotas"
    assert [session.value(count) for session in (acme.server(), acme.user("admin"), member, acme.user("viewer"), beta.server())] == [2, 2, 1, 0, 0]


# Of 0.1.0


def test_what_users_had_in_0_1_0_stands_where_it_is_now(pg_server):
    with releasekit.database(pg_server, "0.1.0") as url, psycopg.connect(url, autocommit=True) as conn:
        tenant = Queue(conn).value("select id from identity.tenants where slug = 'acme'")
        columns = "tenant_id, email, subscription_tier, subscription_status, status, subscription_id, stripe_customer_id, trial_ends_at, monthly_quota, current_usage, quota_reset_date"
        users = [
            ("free", "active", "active", None, None, None, 30, 3, "2026-12-31"),
            ("free", "active", "active", None, None, None, 90, 0, "2026-12-01"),
            ("pro", "active", "active", "sub_1", "cus_1", None, 300, 7, "2026-12-05"),
            ("pro", "past_due", "active", "sub_1", "", None, 300, 0, "2026-12-05"),
            ("starter", "trialing", "trial", None, None, "2030-01-01 00:00+00", 50, 1, "2026-12-05"),
            ("business", "cancelled", "active", "sub_2", None, None, 500, 2, "2026-12-05"),
        ]
        for number, user in enumerate(users):
            conn.execute(f"insert into identity.users ({columns}) values (%s, %s, {', '.join(['%s'] * 9)})", [tenant, f"u{number}@acme.example", *user])  # type: ignore[arg-type]
        schema.upgrade(conn)
        queue = Queue(conn)
        found = queue.rows(
            """
            select tier, subscription_status, a.status, provider_subscription_id like 'sub_1%%' as sub_1, provider_customer_id, a.monthly_quota, q.used, q.resets_on::text
            from identity.accounts as a inner join identity.quotas as q using (user_id) where email like 'u_@acme.example' order by email
            """
        )
        assert found == [
            ("free", None, "active", None, None, 30, 3, "2026-12-31"),
            ("free", None, "active", None, None, 90, 0, "2026-12-01"),
            ("pro", "active", "active", True, "cus_1", 300, 7, "2026-12-05"),
            ("pro", "past_due", "active", True, None, 300, 0, "2026-12-05"),
            ("starter", "trialing", "trial", None, None, 50, 1, "2026-12-05"),
            ("free", None, "active", None, None, 500, 2, "2026-12-05"),
        ]
        assert queue.value("select count(*) from identity.quotas") == queue.value("select count(*) from identity.users")
        assert queue.value("select count(*) from identity.tenants") == queue.value("select count(*) from identity.tenant_configs")
        assert queue.rows("select plan, status, provider_subscription_id from identity.subscriptions where status = 'cancelled'") == [("business", "cancelled", "sub_2")]
