"""Endpoints: who gets which events, in which order, who may manage them, and what becomes of those that fail."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest
from psycopg.types.json import Jsonb

from tests.sql.accountkit import Company, code, refusal
from tests.sql.queuekit import Queue
from tests.sql.secretkit import shaped

CREATE = "select ops.create_webhook(%s, %s, %s, %s, %s)"
URL = "https://hook.example/in"
JOBS = "select job_data -> 'event' -> 'data' ->> 'n' as n, channel_id, tenant_id, depends_on, status, id from queue.processing_jobs where job_type = 'deliver_webhook' order by id"


@pytest.fixture
def queue(conn: Any) -> Queue:
    return Queue(conn)


@pytest.fixture
def acme(queue: Queue, connect: Any) -> Company:
    return Company(queue, connect, "acme")


@pytest.fixture
def other(queue: Queue, connect: Any) -> Company:
    return Company(queue, connect, "other")


def add(queue: Queue, tenant: str | None, *events: str, url: str = URL) -> UUID:
    return queue.value(CREATE, url, uuid4(), shaped("k1"), list(events or ("*",)), tenant)  # type: ignore[no-any-return]


def emit(queue: Queue, tenant: Company | None, n: int, key: str = "thing:1", event_type: str = "video.ready") -> None:
    queue.value("select base.emit_event(%s, %s, %s, %s)", event_type, tenant and tenant.id, key, Jsonb({"n": n}))


def relay(queue: Queue) -> int:
    return queue.value("select ops.relay_events()")  # type: ignore[no-any-return]


def deliver(queue: Queue, worker: str = "w1") -> list[str]:
    """Complete all deliveries that can be claimed now; their numbers, in order."""
    if not queue.value("select 1 from queue.workers where worker_id = %s", worker):
        queue.worker(worker, ["deliver_webhook"])
    done = []
    while jobs := queue.claim(worker, 50):
        for job in jobs:
            done.append(str(job.job_data["event"]["data"]["n"]))
            queue.complete(job)
    return done


def test_a_month_without_partitions_stops_neither_relay_nor_deliveries(queue, acme, clock):
    """The upkeep has stood still for months: what happens meanwhile is told all the same, in order, and is seen in health."""
    endpoint = add(queue, "acme")
    clock.set("2041-01-31 23:59+00")
    emit(queue, acme, 1)
    clock.set("2041-02-01 00:01+00")
    emit(queue, acme, 2)
    assert relay(queue) == 2 and [row.n for row in queue.rows(JOBS)] == ["1", "2"]
    places = "select ops.full_name(tableoid) as place from ops.webhook_deliveries order by created_at, job_id"
    assert [row.place for row in queue.rows("select ops.full_name(tableoid) as place from ops.events order by seq")] == ["ops.events_2041_01", "ops.events_2041_02"]
    assert [row.place for row in queue.rows(places)] == ["ops.webhook_deliveries_2041_02"] * 2
    clock.set("2041-03-01 12:00+00")
    found = queue.rows("select level, remedy from ops.health_of_events() where finding = 'partitions'")
    assert [row.level for row in found] == ["warn", "warn"] and "reelq partitions maintain" in found[0].remedy
    queue.value("select ops.test_webhook(%s)", endpoint)
    assert queue.rows(places)[-1].place == "ops.webhook_deliveries_2041_03"


def test_an_event_goes_to_the_endpoints_of_its_tenant_that_want_it(queue, acme, other):
    """By name, by prefix, or all; not to another tenant's, not while disabled, and what is for operators to none of a tenant's."""
    by_name, by_prefix, everything = add(queue, "acme", "video.ready"), add(queue, "acme", "video.*"), add(queue, "acme")
    theirs, off, never = add(queue, "other"), add(queue, "acme"), add(queue, "acme", "job.*")
    queue.value("select ops.disable_webhook(%s)", off)
    queue.conn.execute("insert into ops.event_types (name, about, audience) values ('host.lost', 'x', 'operator')")
    operators = queue.value("select ops.create_webhook(%s, %s, %s, p_for_operators => true)", URL, uuid4(), shaped("k1"))
    for n, event_type in enumerate(["video.ready", "video.failed", "host.lost", "no.such"], 1):
        emit(queue, acme, n, event_type=event_type)
    emit(queue, None, 5, event_type="host.lost")
    assert relay(queue) == 5
    found = {(row.n, row.channel_id) for row in queue.rows(JOBS)}
    assert found == {("1", by_name), ("1", by_prefix), ("2", by_prefix), ("1", everything), ("2", everything), ("5", operators)}
    assert {row.tenant_id for row in queue.rows(JOBS)} == {acme.id, None}
    assert queue.value("select count(*) from ops.events") == 5
    assert {theirs, never} & {channel for _, channel in found} == set()


def test_deliveries_of_a_key_run_one_after_the_other_however_each_ends(queue, acme):
    """Within a relay and across several; other keys do not wait; a cancelled one in the middle lets nobody overtake."""
    hook = add(queue, "acme")
    for n in (1, 2):
        emit(queue, acme, n)
    emit(queue, acme, 3, key="thing:2")
    relay(queue)
    emit(queue, acme, 4)
    relay(queue)
    queue.worker("w1", ["deliver_webhook"])
    first = queue.claim("w1", 10)
    assert [job.job_data["event"]["data"]["n"] for job in first] == [1, 3]
    # An operator takes the newest away: what comes next waits for those before it all the same.
    queue.value("select queue.cancel_job(%s)", queue.rows(JOBS)[-1].id)
    emit(queue, acme, 5)
    relay(queue)
    assert queue.claim("w1", 10) == []
    assert queue.fail(first[0], "permanent", "webhook_expired") == "failed"
    assert queue.value("select count(*) from ops.outbox") == 0, "a delivery that fails breeds no event"
    assert deliver(queue) == ["2", "5"]
    emit(queue, acme, 6)
    relay(queue)
    assert queue.rows(JOBS)[-1].depends_on is None
    assert hook


def test_a_suspended_tenant_does_not_stop_the_relay(queue, acme, other):
    """Its event is kept, and can be replayed when it is active again."""
    hook, theirs = add(queue, "acme"), add(queue, "other")
    queue.value("select identity.set_tenant_status('acme', 'suspended')")
    emit(queue, acme, 1)
    emit(queue, other, 2)
    assert relay(queue) == 2
    assert [row.channel_id for row in queue.rows(JOBS)] == [theirs]
    queue.value("select identity.set_tenant_status('acme', 'active')")
    assert queue.rows("select * from ops.replay_events(%s, p_since => '2000-01-01')", hook) == [(1, 1, None)]


def test_what_failed_is_replayed_by_id_by_time_and_as_missed(queue, acme, other, clock):
    """With its first id; each only once more; nothing of another tenant or that the filter does not take."""
    clock.set("2026-11-20 12:00+00")
    hook = add(queue, "acme", "video.*")
    add(queue, "other")
    for n in (1, 2, 3):
        emit(queue, acme, n, key=f"thing:{n}")
    emit(queue, acme, 4, event_type="job.failed")
    emit(queue, other, 5)
    relay(queue)
    queue.worker("w1", ["deliver_webhook"])
    for job in queue.claim("w1", 10):
        n = job.job_data["event"]["data"]["n"]
        if n == 2:
            queue.fail(job, "permanent", "webhook_expired")
        elif n != 3:
            queue.complete(job)
    replay = "select * from ops.replay_events(%s, p_since => %s, p_missed => %s)"
    assert queue.rows(replay, hook, "2026-11-20 11:00+00", True) == [(3, 1, None)], "one is running, one has arrived"
    assert queue.rows(replay, hook, "2026-11-20 11:00+00", True) == [(3, 0, None)]
    assert queue.rows(replay, hook, "2026-11-20 12:01+00", False) == [(0, 0, None)]
    assert queue.rows("select * from ops.replay_events(%s, p_since => '2000-01-01', p_limit => 2)", hook)[0][:2] == (2, 2)
    event = queue.value("select event_id from ops.events where data ->> 'n' = '1'")
    theirs = queue.value("select event_id from ops.events where data ->> 'n' = '5'")
    assert queue.rows("select * from ops.replay_events(%s, %s)", hook, [event, theirs]) == [(1, 1, None)]
    told = queue.rows("select * from ops.list_deliveries(%s, %s)", hook, event)
    assert len(told) == 3 and {one.event_id for one in told} == {event} and {one.status for one in told} == {"completed", "queued"}
    assert refusal(queue, "select ops.replay_events(%s)", hook).sqlstate == "RQ008"
    queue.value("select ops.disable_webhook(%s)", hook)
    assert refusal(queue, replay, hook, "2026-11-20 11:00+00", True).sqlstate == "RQ009"


def test_an_endpoint_that_fails_is_held_probed_let_go_and_at_last_switched_off(queue, acme, clock):
    """Held after a few failures in a row; an operator's pause stays; off after days, with an event, and then what waits ends."""
    clock.set("2026-11-20 12:00+00")
    hook = add(queue, "acme")
    fail = "select ops.note_webhook_failure(%s, 'webhook_slow')"
    pauses = "select count(*) from queue.pauses where key = %s"
    assert [queue.value(fail, hook) for _ in range(4)] == ["active"] * 4
    queue.value("select ops.note_webhook_success(%s)", hook)
    assert [queue.value(fail, hook) for _ in range(5)] == ["active"] * 4 + ["failing"]
    assert queue.value(pauses, str(hook)) == 1
    probes = "select count(*) from queue.processing_jobs where job_type = 'probe_webhook' and status = 'queued'"
    assert (queue.value(fail, hook), queue.value(probes)) == ("failing", 1), "one probe, however many failures"
    queue.value("select queue.cancel_job(probe_job_id) from ops.webhooks")
    assert (queue.value("select ops.tend_webhooks()"), queue.value(probes)) == (1, 1)
    emit(queue, acme, 1)
    relay(queue)
    assert deliver(queue) == [], "nothing begins while it is held"
    (told,) = queue.rows("select state, reason, last_error from ops.list_webhooks('acme')")
    assert told.state == "failing" and "does not answer" in told.reason and told.last_error == "webhook_slow"
    assert [one.level for one in queue.rows("select * from ops.health() where finding = 'events'")] == ["warn"]

    clock.set("2026-11-20 13:00+00")
    assert queue.value("select extract(epoch from ops.note_probe(%s, 'webhook_slow'))", hook) == 900
    assert queue.value("select ops.note_probe(%s, null)", hook) is None
    assert deliver(queue) == ["1"]
    assert queue.value("select failing_since is not null from ops.webhooks"), "a ping is no delivery"
    queue.value(fail, hook)
    queue.value("select ops.note_webhook_success(%s)", hook)
    assert queue.value(pauses, str(hook)) == 0
    assert queue.value("select failures from ops.webhooks where failing_since is null") == 0

    queue.value("select queue.pause('channel', %s, 'we look at it')", str(hook))
    for _ in range(5):
        queue.value(fail, hook)
    queue.value("select ops.note_webhook_success(%s)", hook)
    assert queue.value(pauses, str(hook)) == 1, "an operator's pause is the operator's"
    queue.value("select queue.resume('channel', %s)", str(hook))

    for _ in range(5):
        queue.value(fail, hook)
    clock.set("2026-11-25 13:00+00")
    assert queue.value("select ops.note_probe(%s, 'webhook_slow')", hook) is None
    (told,) = queue.rows("select state, reason from ops.list_webhooks('acme')")
    assert told.state == "disabled" and "2026-11-20" in told.reason
    assert queue.value(pauses, str(hook)) == 0, "what waits can end"
    (event,) = queue.rows("select event_type, tenant_id, data from ops.outbox where event_type <> 'worker.lost'")
    assert event[:2] == ("webhook.disabled", acme.id) and event.data["webhook_id"] == str(hook)
    assert queue.value("select ops.enable_webhook(%s)", hook) is True
    assert queue.value("select ops.note_webhook_failure(%s, 'webhook_gone', true)", hook) == "disabled"


def test_a_tenant_and_its_admin_manage_their_own_endpoints_and_nobody_else_does(queue, acme, other):
    """And never see a secret; each change is in the audit."""
    hook = add(acme.server(), None)
    admin = acme.user("admin")
    calls = {
        "select ops.set_webhook(%s, '{\"events\": [\"video.*\"]}')": None,
        "select ops.rotate_webhook_secret(%s, gen_random_uuid(), '" + "\\x" + shaped("k1").hex() + "')": None,
        "select ops.test_webhook(%s)": None,
        "select ops.replay_events(%s, p_since => '2000-01-01')": None,
        "select ops.disable_webhook(%s)": None,
        "select ops.enable_webhook(%s)": None,
        "select ops.list_deliveries(%s)": None,
        "select ops.delete_webhook(%s)": None,
    }
    for stranger in (other.server(), other.user("admin"), acme.user("member"), acme.user("viewer")):
        for statement in calls:
            assert code(stranger, statement, hook) in ("RQ004", "RQ016"), statement
        assert stranger.rows("select * from ops.list_webhooks() where id = %s", hook) == []
        assert stranger.rows("select * from ops.webhooks where id = %s", hook) == []
    assert code(acme.user("member"), CREATE, URL, uuid4(), shaped("k1"), ["*"], None) == "RQ016"
    assert code(acme.server(), "select * from ops.webhook_secrets") == "42501"
    assert code(acme.server(), "select ops.webhook_target(%s)", hook) == "42501"
    assert code(admin, "select ops.set_webhook(%s, '{\"max_running\": 3}')", hook) == "42501", "limits are the operators'"
    for statement in calls:
        assert code(admin, statement, hook) is None, statement
    acts = {row.action for row in queue.rows("select action from ops.audit_logs where tenant_id = %s", acme.id)}
    assert {"webhook.created", "webhook.secret_rotated", "webhook.deleted"} <= acts


def test_two_secrets_sign_while_one_takes_the_others_place(queue, acme, clock):
    """And one of them after the overlap; a third ends the first at once; another key's envelope is refused."""
    clock.set("2026-11-20 12:00+00")
    hook = add(queue, "acme")
    target = "select cardinality(secrets) from ops.webhook_target(%s)"
    rotate = "select ops.rotate_webhook_secret(%s, %s, %s, %s)"
    assert queue.value(target, hook) == 1
    queue.value(rotate, hook, uuid4(), shaped("k1"), "2 hours")
    queue.value(rotate, hook, uuid4(), shaped("k1"), "1 hour")
    assert queue.value(target, hook) == 2
    clock.set("2026-11-20 13:00+00")
    assert queue.value(target, hook) == 1
    queue.value("select ops.tend_webhooks()")
    clock.set("2026-11-20 13:00:01+00")
    queue.value("select ops.tend_webhooks()")
    assert queue.value("select count(*) from ops.webhook_secrets") == 1
    queue.value("select ops.set_current_secret_key('k2', '0123456789abcdef', null)")
    assert refusal(queue, rotate, hook, uuid4(), shaped("k1"), "1 hour").sqlstate == "RQ017"
    assert refusal(queue, rotate, hook, uuid4(), shaped("k2"), "31 days").sqlstate == "RQ008"
    assert {row.table_name for row in queue.rows("select * from ops.list_sealed_columns()")} >= {"ops.webhook_secrets"}


@pytest.mark.parametrize(
    "url",
    ["ftp://a.example/", "https://", "https://u:p@a.example/", "https://a.example/#x", "https://a example/", "https://a.example:0x50/", "//a", "https://ä.example/",
     "http://a.example\\@b.example/", "https://" + "a" * 2000 + ".example/", "https://a.example:65536/", "https://a.example:0?x", "https://[::::]/", "https://[fe80::1:1:1:1:1:1:1:1]:1/"],
)  # fmt: skip
def test_an_url_that_cannot_be_is_refused(queue, acme, url):
    assert refusal(queue, CREATE, url, uuid4(), shaped("k1"), ["*"], "acme").sqlstate == "RQ008"


def test_an_unknown_filter_or_too_many_endpoints_are_refused(queue, acme):
    """A slip in a name would else be an endpoint that waits for ever."""
    assert "video.redy" in refusal(queue, CREATE, URL, uuid4(), shaped("k1"), ["video.redy"], "acme").message_primary
    assert refusal(queue, CREATE, URL, uuid4(), shaped("k1"), ["vid.*"], "acme").sqlstate == "RQ008"
    assert refusal(queue, CREATE, URL, uuid4(), shaped("k1"), [["*"], ["*"]], "acme").sqlstate == "RQ008"
    add(queue, "acme", url="https://[2001:db8::1]:65535/in?at=a:99999")
    for _ in range(48):
        add(queue, "acme")
    second = acme.server()
    second.conn.execute("set lock_timeout = '100ms'")
    with queue.transaction():
        add(queue, "acme")
        assert code(second, CREATE, URL, uuid4(), shaped("k1"), ["*"], None) == "55P03", "of two at once one would be too many"
    assert refusal(queue, CREATE, URL, uuid4(), shaped("k1"), ["*"], "acme").sqlstate == "RQ009"


def test_an_application_emits_its_own_types_for_its_own_tenant(queue, acme, other):
    """And none of reelq's, which would say that a video is ready; nor does it enqueue deliveries of its own making."""
    hook = add(queue, "acme")
    queue.value("select ops.add_event_type('order.paid', 'An order was paid.')")
    emit_own = "select ops.emit_event(%s, %s, 'order:1')"
    acme.server().value(emit_own, "order.paid", Jsonb({"n": 1}))
    acme.user("member").value(emit_own, "order.paid", Jsonb({"n": 2}))
    relay(queue)
    assert deliver(queue) == ["1", "2"]
    assert [row.channel_id for row in queue.rows(JOBS)] == [hook, hook]
    assert len(acme.server().rows("select * from ops.list_events()")) == 2
    assert acme.user("member").rows("select * from ops.list_events()") == [] and other.server().rows("select * from ops.list_events()") == []
    queue.value("select ops.add_event_type('rack.lost', 'For operators.', 'operator')")
    assert acme.server().rows("select from ops.list_event_types() where name = 'rack.lost'") == []
    assert code(acme.server(), emit_own, "video.ready", Jsonb({})) == "RQ004"
    assert code(acme.user("viewer"), emit_own, "order.paid", Jsonb({})) == "RQ016"
    assert code(acme.server(), emit_own, "order.paid", Jsonb([])) == "RQ008"
    for never in (Jsonb({"a": "x" * 70_000}), '{"a": ' * 70 + "1" + "}" * 70, '{"n": 1e400}'):
        assert code(acme.server(), emit_own, "order.paid", never) == "RQ008", "no reader of JSON could take it"
    assert {row.ordering_key for row in queue.rows("select ordering_key from ops.events")} == {"own:order:1"}, "nothing of reelq's waits for it"
    assert code(acme.server(), "select ops.add_event_type('a.b', 'x')") == "42501"
    assert refusal(queue, "select ops.add_event_type('video.ready', 'x')").sqlstate == "RQ009"
    forged = {"webhook_id": str(hook), "event": {"id": str(uuid4()), "type": "video.ready", "timestamp": "", "data": {}}}
    assert code(acme.server(), "select queue.enqueue_job('deliver_webhook', job_data => %s)", Jsonb(forged)) == "RQ003"
    assert code(acme.server(), "insert into queue.processing_jobs (job_type, job_data) values ('deliver_webhook', %s)", Jsonb(forged)) == "RQ003"
    assert code(acme.server(), "select queue.enqueue_jobs(%s)", Jsonb([{"job_type": "deliver_webhook", "job_data": forged}])) == "RQ003"


def test_of_two_relays_at_once_one_works_and_order_holds(queue, acme, connect):
    """A replay takes the same lock, so that nobody enqueues a delivery beside it."""
    add(queue, "acme")
    emit(queue, acme, 1)
    second = Queue(connect())
    with queue.transaction():
        assert relay(queue) == 1
        emit(second, acme, 2)
        assert relay(second) == 0
    assert relay(second) == 1
    assert deliver(queue) == ["1", "2"]


def test_what_is_many_and_large_is_relayed_in_several_parts(queue, acme):
    """One transaction would last longer than a statement may, and then nothing of anybody's would go out, ever."""
    for _ in range(5):
        add(queue, "acme")
    for n in range(8):
        queue.value("select base.emit_event('video.ready', %s, 'k', %s)", acme.id, Jsonb({"n": n, "x": "x" * 900_000}))
    assert [relay(queue) for _ in range(5)] == [2, 2, 2, 2, 0]
    queue.value("select base.emit_event('video.ready', %s, 'k', %s)", acme.id, Jsonb({"n": 9, "x": "x" * 4_000_000}))
    assert relay(queue) == 1, "what is too heavy by itself goes alone"


def test_an_application_that_does_not_end_its_transaction_stops_no_relay_and_no_worker(queue, acme, other, connect):
    """Of a replay, and of what changes an endpoint; a replay waits for the relay at work, and what comes later stays in order."""
    hook, theirs = add(queue, "acme"), add(queue, "other")
    emit(queue, acme, 1)
    relay(queue)
    emit(queue, acme, 2)
    server, second = acme.server(), Queue(connect())
    with server.transaction():
        assert server.rows("select * from ops.replay_events(%s, p_since => '2000-01-01')", hook) == [(1, 1, None)]
        emit(queue, other, 3)
        assert relay(queue) == 2
        second.conn.execute("set lock_timeout = '5s'")
        for call, said in (("note_webhook_failure(%s, 'webhook_slow')", "busy"), ("note_webhook_success(%s)", ""), ("note_probe(%s, 'webhook_slow')::text", "00:00:15")):
            assert second.value(f"select ops.{call}", hook) == said
        assert second.value("select ops.note_webhook_failure(%s, 'webhook_slow')", theirs) == "active"
    emit(queue, acme, 4)
    relay(queue)
    numbers = {row.id: row.n for row in queue.rows(JOBS)}
    parents = {row.n: [numbers[parent] for parent in row.depends_on or []] for row in queue.rows(JOBS) if row.tenant_id == acme.id and row.n != "1"}
    assert parents == {"2": ["1"], "4": ["2"]}, "the replay, which was made before and committed after, takes nobody's place"
    assert queue.value("select count(*) from queue.processing_jobs where job_data -> 'event' -> 'data' ->> 'n' = '1'") == 2


def test_a_limit_of_an_endpoint_bounds_what_runs(queue, acme):
    hook = add(queue, "acme")
    queue.value("select ops.set_webhook(%s, '{\"max_running\": 1}')", hook)
    for n in (1, 2):
        emit(queue, acme, n, key=f"thing:{n}")
    relay(queue)
    queue.worker("w1", ["deliver_webhook"])
    assert len(queue.claim("w1", 10)) == 1
    queue.value("select ops.set_webhook(%s, '{\"max_running\": null}')", hook)
    assert queue.rows("select max_running from ops.webhooks") == [(None,)]
