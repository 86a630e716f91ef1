"""What tenants and operators are told of quotas, keys, trials, subscriptions and hosts: once each, with what causes it, and by nobody else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from psycopg.types.json import Jsonb

from tests.sql.accountkit import Company
from tests.sql.mediakit import Conn
from tests.sql.queuekit import Queue, Race

SUBSCRIBE = "select identity.set_subscription(%s, %s, %s)"


@pytest.fixture
def queue(conn: Conn) -> Queue:
    return Queue(conn)


@pytest.fixture
def acme(queue: Queue, connect: Callable[..., Conn]) -> Company:
    return Company(queue, connect, "acme")


def told(queue: Queue, prefix: str = "") -> list[tuple[str, dict[str, Any]]]:
    """Types and data of what was told since the last look."""
    found = queue.rows("delete from ops.outbox where starts_with(event_type, %s) returning seq, event_type, data", prefix)
    return [(row.event_type, row.data) for row in sorted(found)]


def test_a_quota_is_near_once_and_spent_once_a_period(queue: Queue, acme: Company, clock: Any) -> None:
    clock.set("2026-11-20 12:00+00")
    ann = acme.users["member"]
    queue.value("select identity.set_quota('acme', %s, 5)", ann)
    queue.value("select identity.set_quota('acme', null, 100)")
    told(queue)
    for month in (1, 2):
        seen = []
        for number in range(1, 6):
            queue.value("select queue.ingest_video(%s, 'acme', %s)", f"/{month}-{number}.mp4", ann)
            seen += [(number, kind, data["used"], data["monthly_quota"], data["user_id"]) for kind, data in told(queue, "quota")]
        assert seen == [(4, "quota.near", 4, 5, str(ann)), (5, "quota.spent", 5, 5, str(ann))]
        with pytest.raises(Exception, match="used up"), queue.transaction():
            queue.value("select queue.ingest_video('/more.mp4', 'acme', %s)", ann)
        assert told(queue, "quota") == []
        clock.forward(timedelta(days=31))


def test_steps_over_both_bounds_tell_the_graver(queue: Queue, acme: Company) -> None:
    queue.value("select identity.set_quota('acme', null, 10)")
    told(queue)
    queue.value("select identity.use_quota(%s, null, 7)", acme.id)
    assert told(queue) == []
    with queue.conn.transaction(force_rollback=True):
        queue.value("select identity.use_quota(%s, null, 1)", acme.id)
        assert [kind for kind, _ in told(queue)] == ["quota.near"]
    queue.value("select identity.use_quota(%s, null, 3)", acme.id)
    assert [kind for kind, _ in told(queue)] == ["quota.spent"]
    queue.value("select identity.set_quota('acme', null, null)")
    queue.value("select identity.use_quota(%s, null, 1000)", acme.id)
    assert told(queue) == []


def test_of_two_at_once_one_tells_that_the_quota_is_near(queue: Queue, acme: Company, connect: Callable[..., Conn]) -> None:
    queue.value("select identity.set_quota('acme', null, 10)")
    queue.value("select identity.use_quota(%s, null, 7)", acme.id)
    other = Queue(connect())
    with queue.transaction():
        queue.value("select identity.use_quota(%s, null, 1)", acme.id)
        race = Race(other, lambda session: session.value("select identity.use_quota(%s, null, 1)", acme.id)).start_and_wait_until_blocked(Queue(connect()))
    race.finish()
    assert [(kind, data["used"]) for kind, data in told(queue, "quota")] == [("quota.near", 8)]


def test_a_key_that_expires_is_told_once_and_again_when_that_moves(queue: Queue, acme: Company, clock: Any) -> None:
    clock.set("2026-11-01 12:00+00")
    made = {
        name: queue.value(f"select id from identity.create_key(%s, 'acme', expires_at => base.clock() + interval '{days} days')".replace("expires_at", "p_expires_at"), name)
        for name, days in (("near", 10), ("far", 60), ("revoked", 10), ("replaced", 10))
    }
    queue.value("select identity.revoke_key(%s)", made["revoked"])
    queue.rows("select * from identity.rotate_key(%s, interval '5 days')", made["replaced"])
    queue.conn.execute("update identity.api_keys set expires_at = base.clock() + interval '60 days' where replaced_by is null and name = 'replaced'")
    acts = queue.value("select count(*) from ops.audit_logs")
    assert queue.value("select identity.tell_key_expiries()") == 0
    clock.set("2026-11-04 13:00+00")
    assert [queue.value("select identity.tell_key_expiries()") for _ in range(2)] == [1, 0]
    ((kind, data),) = told(queue, "key")
    assert (kind, data["key_id"], data["expires_at"]) == ("key.expiring", str(made["near"]), "2026-11-11T12:00:00+00:00")
    assert "sk_live" not in str(data)
    assert queue.value("select count(*) from ops.audit_logs") == acts, "that is no act"
    queue.conn.execute("update identity.api_keys set expires_at = expires_at + interval '30 minutes' where id = %s", [made["near"]])
    assert queue.rows("select trials, quotas from queue.tidy_identity()") == [(0, 0)]
    assert [data["expires_at"] for _, data in told(queue, "key")] == ["2026-11-11T12:30:00+00:00"]
    clock.set("2027-03-01 12:00+00")
    assert queue.value("select identity.tell_key_expiries()") == 0, "what is over is not about to end"


def test_a_trial_is_told_three_days_before_its_end_and_at_its_end(queue: Queue, acme: Company, clock: Any) -> None:
    clock.set("2026-11-01 12:00+00")
    ann = acme.users["member"]
    facts = {"plan": "pro", "status": "trialing", "monthly_quota": 100, "trial_ends_at": "2026-11-15T12:00:00Z"}
    queue.value(SUBSCRIBE, None, ann, Jsonb(facts))
    ((kind, data),) = told(queue, "subscription")
    assert (kind, data["plan"], data["status"], data["user_id"]) == ("subscription.created", "pro", "trialing", str(ann))
    clock.set("2026-11-12 12:00+00")
    for _ in range(2):
        queue.rows("select * from queue.tidy_identity()")
    assert [kind for kind, _ in told(queue)] == ["trial.ending"]
    queue.value(SUBSCRIBE, None, ann, Jsonb({"trial_ends_at": "2026-11-14T12:00:00Z"}))
    queue.rows("select * from queue.tidy_identity()")
    assert [(kind, data["trial_ends_at"][:10]) for kind, data in told(queue)] == [("subscription.changed", "2026-11-14"), ("trial.ending", "2026-11-14")]
    clock.set("2026-11-14 12:00+00")
    for _ in range(2):
        queue.rows("select * from queue.tidy_identity()")
    assert [(kind, data["status"]) for kind, data in told(queue)] == [("trial.ended", "trialing"), ("subscription.ended", "cancelled")]


def test_a_subscription_that_does_not_change_tells_nothing(queue: Queue, acme: Company) -> None:
    queue.value(SUBSCRIBE, "acme", None, Jsonb({"plan": "premium"}))
    queue.value(SUBSCRIBE, "acme", None, Jsonb({"plan": "premium"}))
    queue.value(SUBSCRIBE, "acme", None, Jsonb({"monthly_quota": 7}))
    queue.value("select identity.end_subscription('acme')")
    assert [kind for kind, _ in told(queue, "subscription")] == ["subscription.created", "subscription.changed", "subscription.ended"]


def test_a_host_is_in_trouble_once_however_many_workers_say_so(queue: Queue) -> None:
    for name in ("w1", "w2"):
        queue.worker(name)
    queue.conn.execute("update queue.workers set host = 'encoder1'")
    say = "select queue.set_worker_trouble(%s, %s, %s)"
    for name in ("w1", "w2", "w1"):
        queue.value(say, name, "no ffmpeg", "apt-get install ffmpeg")
    queue.value(say, "w1", "no ffmpeg and no disk", "df")
    (found,) = told(queue)
    assert (found[0], found[1]["host"], found[1]["remedy"]) == ("host.in_trouble", "encoder1", "apt-get install ffmpeg")
    queue.value(say, "w1", None, None)
    assert told(queue) == []
    for _ in range(2):
        queue.value(say, "w2", None, None)
    assert [(kind, data["trouble"]) for kind, data in told(queue)] == [("host.recovered", "no ffmpeg")]
    assert queue.value("select count(*) from ops.outbox where tenant_id is not null") == 0


def test_a_lost_worker_is_told_once_and_again_when_it_is_lost_again(queue: Queue, clock: Any) -> None:
    queue.worker("w1")
    queue.worker("w2")
    clock.forward(timedelta(minutes=2))
    queue.beat("w2")
    for _ in range(2):
        queue.rescue()
    assert [(kind, data["worker_id"]) for kind, data in told(queue, "worker")] == [("worker.lost", "w1")]
    for _ in range(2):
        queue.value("select queue.mark_worker_dead('w2')")
    assert [data["worker_id"] for _, data in told(queue, "worker")] == ["w2"]
    queue.beat("w2")
    queue.value("select queue.mark_worker_dead('w2')")
    assert [data["worker_id"] for _, data in told(queue, "worker")] == ["w2"]
    queue.value("select queue.deregister_worker('w2')")
    queue.value("select queue.mark_worker_dead('w2')")
    assert told(queue, "worker") == []


def test_every_event_that_is_told_has_its_type(queue: Queue) -> None:
    """Words in quotes with dots behind emit_event, and what is handed on to it."""
    found = queue.rows(
        """
        select distinct m[1] as name from pg_proc as p, regexp_matches(p.prosrc, '''((?:video|job|quota|key|trial|subscription|host|worker)\\.[a-z_]+)''', 'g') as m
        where p.pronamespace::regnamespace::text in ('identity', 'media', 'queue', 'ops') and p.prosrc ~ '(emit_event|tell_subscription)'
        """
    )
    assert {row.name for row in found} <= {row.name for row in queue.rows("select name from ops.event_types")}
    assert {"quota.near", "trial.ended", "subscription.ended", "worker.lost"} <= {row.name for row in found}
