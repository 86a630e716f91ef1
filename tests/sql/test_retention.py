"""Bundles, retention of files by class, soft-deleted videos, deleted tenants."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.sql.accountkit import Company, code
from tests.sql.mediakit import Conn, refused, scalar
from tests.sql.queuekit import Queue, Race

DAY = timedelta(days=1)


@pytest.fixture
def queue(conn: Conn) -> Queue:
    """The queue."""
    return Queue(conn)


@pytest.fixture
def race(queue: Queue, connect: Any) -> Any:
    """Start a call in another session, and wait until it waits for a lock."""

    def start(call: Callable[[Queue], Any]) -> Race:
        return Race(Queue(connect()), call).start_and_wait_until_blocked(Queue(connect()))

    return start


@pytest.fixture
def video(queue: Queue) -> UUID:
    """A video of the tenant `default` with two queued jobs or more."""
    return queue.value("select queue.ingest_video('/in/a.mp4', idempotency_key => 'one')")  # type: ignore[no-any-return]


@pytest.fixture
def asset(queue: Queue, video: UUID) -> UUID:
    """Its file."""
    return queue.value("select asset_id from media.videos where id = %s", video)  # type: ignore[no-any-return]


def make_asset(queue: Queue, **columns: Any) -> UUID:
    """A file without a video."""
    columns = {"tenant_id": queue.value("select id from identity.tenants where slug = 'default'"), **columns}
    names, marks = ", ".join(columns), ", ".join(["%s"] * len(columns))
    return queue.value(f"insert into media.assets ({names}) values ({marks}) returning id", *columns.values())  # type: ignore[no-any-return]


def expire(queue: Queue) -> int:
    """One whole walk."""
    gone = 0
    while (some := queue.value("select ops.expire_assets()")) != 0:
        gone += some or 0
    return gone


def is_there(queue: Queue, table: str, one: UUID) -> bool:
    """Whether the row is there."""
    return bool(queue.value(f"select exists (select from {table} where id = %s)", one))


def test_a_soft_deleted_video_is_out_of_the_way_and_comes_back(queue, clock, video, asset):
    running = queue.take()
    queue.value("select queue.set_schedule('nightly', '@daily', 'no_op', p_video_id => %s)", video)
    (done,) = queue.rows("select * from queue.soft_delete_video(%s, 'wrong file')", video)
    assert (done.jobs, done.running) == (queue.value("select count(*) from queue.processing_jobs where video_id = %s", video), 1)
    assert queue.beat("w1", running)[running.job_id] == "cancel"
    # Nobody finds it, nothing is enqueued for it, its key is free.
    for call in ("media.show_video(%s)", "queue.rerun_video(%s)", "queue.soft_delete_video(%s)", "queue.enqueue_job('no_op', video_id => %s)"):
        assert refused(queue.conn, f"select {call}", video) == "RQ004", call
    assert queue.rows("select * from media.list_videos()") == []
    assert queue.value("select paused_at is not null from queue.schedules where name = 'nightly'")
    assert queue.rows("select * from queue.processing_jobs where video_id = %s and status = 'queued'", video) == []
    other = queue.value("select queue.ingest_video('/in/a.mp4', idempotency_key => 'one')")
    assert other != video
    assert [row.id for row in queue.rows("select * from media.list_deleted_videos()")] == [video]
    # While another has the key it cannot come back; then it is what it was, or failed.
    assert refused(queue.conn, "select queue.restore_video(%s)", video) == "RQ009"
    queue.rows("select * from queue.delete_video(%s)", other)
    queue.fail(running, "cancelled", "cancelled")
    assert queue.value("select queue.restore_video(%s)", video) == "failed"
    assert queue.value("select media.show_video(%s) ->> 'error_code'", video) == "cancelled"
    assert queue.rows("select * from queue.rerun_video(%s)", video)
    assert refused(queue.conn, "select queue.restore_video(%s)", video) == "RQ004"
    assert [row.action for row in queue.rows("select action from ops.audit_logs where entity_id = %s and action ~ 'deleted|restored' order by id", str(video))] == [
        "video.deleted", "video.restored",
    ]  # fmt: skip


def test_a_job_that_comes_beside_a_soft_delete_is_refused(queue, video, race):
    """The enqueue waits for the deletion, and then finds no video."""
    with queue.transaction():
        queue.rows("select * from queue.soft_delete_video(%s)", video)
        late = race(lambda other: other.add(video_id=video))
    with pytest.raises(psycopg.Error) as refusal:
        late.finish()
    assert refusal.value.sqlstate == "RQ004"


def test_a_soft_deleted_video_goes_for_good_after_its_term_and_its_file_after_its_retention(queue, clock, video, asset):
    clock.forward(0)
    queue.value("select identity.set_tenant_config('default', '{\"retention_days\": 120}')")
    clock.forward(200 * DAY)
    assert expire(queue) == 0, "a live video keeps its file"
    queue.rows("select * from queue.soft_delete_video(%s)", video)
    clock.forward(90 * DAY)
    assert queue.value("select queue.purge_videos()") == 0
    clock.forward(timedelta(seconds=1))
    assert queue.value("select queue.purge_videos()") == 1
    assert not is_there(queue, "media.videos", video)
    clock.forward(29 * DAY)
    assert expire(queue) == 0, "the 120 days count from the deletion"
    assert queue.rows("select * from ops.list_expiring(base.clock() + interval '2 days')")[0].asset_id == asset
    clock.forward(DAY)
    assert expire(queue) == 1
    assert not is_there(queue, "media.assets", asset)


def test_what_is_in_a_live_bundle_is_kept_and_goes_with_its_end(queue, clock):
    clock.forward(0)
    kept, termed, plain, authored, generated, waits = (
        make_asset(queue, retention_class="bundle"), make_asset(queue, retention_class="bundle"), make_asset(queue),
        make_asset(queue, retention_class="ai_generated", ai_provenance=Jsonb({"authored": True})),
        make_asset(queue, retention_class="ai_generated", ai_provenance=Jsonb({"model": "m"})), make_asset(queue),
    )  # fmt: skip
    queue.value("select media.set_retention(%s, p_until => base.clock() + interval '2 years')", waits)
    queue.value("select media.create_bundle('campaign')")
    queue.value("select media.create_bundle('term', p_ends_at => base.clock() + interval '100 days')")
    assert queue.value("select media.add_to_bundle('campaign', %s)", [kept, plain]) == 2
    assert queue.value("select media.add_to_bundle('campaign', %s)", [kept]) == 0
    queue.value("select media.add_to_bundle('term', %s)", [termed])
    clock.forward(99 * DAY)
    assert expire(queue) == 1 and not is_there(queue, "media.assets", generated)
    clock.forward(2 * DAY)
    assert expire(queue) == 1 and not is_there(queue, "media.assets", termed)
    assert refused(queue.conn, "select media.add_to_bundle('term', %s)", [plain]) == "RQ009"
    queue.value("select media.remove_from_bundle('campaign', %s)", [plain])
    assert queue.value("select media.end_bundle('campaign')") == 1
    assert expire(queue) == 1 and not is_there(queue, "media.assets", kept), "class bundle goes with the bundle's end"
    clock.forward(90 * DAY)
    assert expire(queue) == 1 and not is_there(queue, "media.assets", plain)
    clock.forward(2000 * DAY)
    assert expire(queue) == 1 and not is_there(queue, "media.assets", waits)
    assert is_there(queue, "media.assets", authored)
    queue.value("select media.create_bundle('campaign')")  # the name is free again
    assert [(row.name, row.live) for row in queue.rows("select * from media.list_bundles(p_all => true)")] == [
        ("campaign", True), ("term", False), ("campaign", False),
    ]  # fmt: skip


def test_a_member_ends_no_bundle_that_keeps_another_s_file(queue, connect):
    """And nobody says a time that no program can read, which would hide all bundles from operators."""
    acme = Company(queue, connect, "acme")
    one, own = (make_asset(queue, tenant_id=acme.id, owner_user_id=acme.users[who]) for who in ("admin", "member"))
    server, member = acme.server(), acme.user("member")
    server.value("select media.create_bundle('kept')")
    server.value("select media.add_to_bundle('kept', %s)", [one, own])
    assert code(member, "select media.end_bundle('kept')") == "RQ016"
    assert code(member, "select media.add_to_bundle('kept', %s)", [one]) == code(member, "select media.set_retention(%s, 'bundle')", one) == "RQ004"
    assert member.value("select media.remove_from_bundle('kept', %s)", [one]) == 0
    viewer, other = acme.user("viewer"), Company(queue, connect, "other").server()
    assert code(viewer, "select media.create_bundle('mine')") == code(viewer, "select media.add_to_bundle('kept', %s)", [one]) == "RQ016"
    for call in ("add_to_bundle('kept', %s)", "remove_from_bundle('kept', %s)"):
        assert code(other, f"select media.{call}", [one]) == "RQ004"
    assert code(other, "select media.end_bundle('kept')") == code(other, "select media.set_retention(%s, 'bundle')", one) == "RQ004"
    assert acme.user("admin").value("select media.end_bundle('kept')") == 2
    server.value("select media.create_bundle('own')")
    server.value("select media.add_to_bundle('own', %s)", [own])
    assert member.value("select media.end_bundle('own')") == 1
    for never in ("infinity", "9000-01-02", "-infinity"):
        assert code(server, "select media.create_bundle('x', p_ends_at => %s)", never) == "RQ008"
        assert code(server, "select media.set_retention(%s, p_until => %s)", one, never) == "RQ008"


def test_a_bundle_ends_after_what_is_being_put_into_it(queue, race):
    """Whoever was told that a file is kept has not put it into a bundle that was over."""
    one = make_asset(queue)
    queue.value("select media.create_bundle('campaign')")
    with queue.transaction():
        queue.value("select media.add_to_bundle('campaign', %s)", [one])
        end = race(lambda third: third.value("select media.end_bundle('campaign')"))
    assert end.finish() == 1


def test_a_hard_delete_leaves_what_a_live_bundle_keeps(queue, video, asset):
    queue.value("select media.create_bundle('campaign')")
    queue.value("select media.add_to_bundle('campaign', %s)", [asset])
    queue.rows("select * from queue.delete_video(%s)", video)
    assert is_there(queue, "media.assets", asset) and not is_there(queue, "media.videos", video)


def test_a_file_that_is_put_into_a_bundle_meanwhile_stays(queue, clock, connect, race):
    """Retention passes by what somebody holds, and looks again at what it has locked."""
    clock.forward(0)
    one = make_asset(queue)
    clock.forward(100 * DAY)
    queue.value("select media.create_bundle('campaign')")
    other = Queue(connect())
    with queue.transaction():
        queue.value("select media.add_to_bundle('campaign', %s)", [one])
        assert expire(other) == 0
    assert expire(other) == 0 and is_there(queue, "media.assets", one)
    queue.value("select media.remove_from_bundle('campaign', %s)", [one])
    clock.forward(100 * DAY)
    with queue.transaction():
        assert expire(queue) == 1
        late = race(lambda third: third.value("select media.add_to_bundle('campaign', %s)", [one]))
    with pytest.raises(psycopg.Error) as refusal:
        late.finish()
    assert refusal.value.sqlstate == "RQ004"


def test_a_file_with_work_left_stays_and_the_walk_goes_on_where_it_stopped(queue, clock):
    clock.forward(0)
    many = [make_asset(queue) for _ in range(5)]
    clock.forward(100 * DAY)
    busy = queue.add(asset_id=many[2])
    assert queue.value("select ops.expire_assets(2)") == 2
    assert [is_there(queue, "media.assets", one) for one in many] == [False, False, True, True, True]
    assert queue.value("select ops.expire_assets(2)") == 2
    assert expire(queue) == 0 and is_there(queue, "media.assets", many[2])
    queue.value("select queue.cancel_job(%s)", busy)
    assert expire(queue) == 1


def test_a_deleted_tenant_goes_when_its_bytes_are_gone(queue, clock):
    clock.forward(0)
    queue.value("select identity.create_tenant('acme', 'Acme')")
    tenant = queue.value("select id from identity.tenants where slug = 'acme'")
    queue.value("select queue.ingest_video('/in/a.mp4', tenant => 'acme')")
    queue.value("select media.create_bundle('campaign', 'acme')")
    queue.value("select media.begin_object(%s, 'file:///s', 'k')", tenant)
    queue.value("select identity.set_tenant_status('acme', 'deleted')")
    clock.forward(30 * DAY)
    assert tuple(queue.rows("select * from ops.purge_tenants()")[0]) == (0, 0, 0), "not before its term"
    clock.forward(timedelta(seconds=1))
    steps = [tuple(queue.rows("select * from ops.purge_tenants()")[0]) for _ in range(4)]
    assert steps == [(0, 1, 0), (0, 1, 0), (0, 1, 0), (0, 0, 1)], "video, file, object; then it waits for the sweep"
    assert queue.rows("select state from media.objects where tenant_id = %s", tenant)[0].state == "deleting"
    queue.conn.execute("delete from media.objects where tenant_id = %s", [tenant])
    assert tuple(queue.rows("select * from ops.purge_tenants()")[0]) == (1, 0, 0)
    assert not is_there(queue, "identity.tenants", tenant)


def test_a_tenant_that_an_application_refers_to_is_told_and_holds_up_no_other(queue, clock):
    clock.forward(0)
    tenants = [queue.value("select identity.create_tenant(%s)", slug) for slug in ("acme", "next", "last")]
    thing = queue.value("select media.begin_object(%s, 'file:///s', 'k')", tenants[0])
    queue.value("select media.finish_object(%s, 1, %s)::text", thing, "0" * 64)
    queue.conn.execute("create schema shop; create table shop.cards (object_id uuid references media.objects (id)); create table shop.visits (tenant_id uuid references identity.tenants (id))")
    queue.conn.execute("insert into shop.cards values (%s)", [thing])
    queue.conn.execute("insert into shop.visits values (%s)", [tenants[1]])
    for slug in ("acme", "next", "last"):
        queue.value("select identity.set_tenant_status(%s, 'deleted')", slug)
    clock.forward(31 * DAY)
    assert tuple(queue.rows("select * from ops.purge_tenants()")[0])[:2] == (1, 0)
    assert [is_there(queue, "identity.tenants", tenant) for tenant in tenants] == [True, True, False]
    with pytest.raises(psycopg.Error, match=f"tenant {tenants[0]} cannot be removed: shop.cards refers to objects of it") as held:
        queue.rows("select * from ops.purge_tenants()")
    assert held.value.sqlstate == "RQ009"
    queue.conn.execute("delete from shop.cards; delete from media.objects")
    assert tuple(queue.rows("select * from ops.purge_tenants()")[0])[:2] == (1, 0)
    with pytest.raises(psycopg.Error, match=f"tenant {tenants[1]} cannot be removed: shop.visits refers to it"):
        queue.rows("select * from ops.purge_tenants()")
    queue.conn.execute("delete from shop.visits")
    assert tuple(queue.rows("select * from ops.purge_tenants()")[0])[:2] == (1, 0)


@pytest.mark.parametrize(
    ("call", "code"),
    [
        ("media.create_bundle('')", "RQ008"),
        ("media.create_bundle('b', p_ends_at => base.clock())", "RQ008"),
        ("media.create_bundle('b', 'nobody')", "RQ004"),
        ("media.add_to_bundle('nothing', array[gen_random_uuid()])", "RQ004"),
        ("media.add_to_bundle('nothing', '{}')", "RQ008"),
        ("media.end_bundle(null)", "RQ004"),
        ("media.set_retention(gen_random_uuid(), 'bundle')", "RQ004"),
        ("ops.expire_assets(0)", "RQ008"),
        ("queue.purge_videos(null)", "RQ008"),
        ("queue.restore_video(gen_random_uuid())", "RQ004"),
    ],
)
def test_what_cannot_be_is_refused(conn, call, code):
    assert refused(conn, f"select {call}") == code


def test_another_tenant_s_file_does_not_come_into_a_bundle(queue):
    queue.value("select identity.create_tenant('acme', 'Acme')")
    foreign = make_asset(queue, tenant_id=queue.value("select id from identity.tenants where slug = 'acme'"))
    queue.value("select media.create_bundle('campaign')")
    assert refused(queue.conn, "select media.add_to_bundle('campaign', %s)", [foreign]) == "RQ004"
    assert scalar(queue.conn, "select count(*) from media.bundle_members") == 0
