"""What is swept, and what comes beside a sweep: new references, attempts that go on, other sweeps, a restore that somebody asks for."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from tests.sql.mediakit import Conn, refused
from tests.sql.queuekit import Queue, Race

DAY = timedelta(days=1)


@pytest.fixture
def queue(conn: Conn) -> Queue:
    """The queue."""
    return Queue(conn)


@pytest.fixture
def tenant(queue: Queue) -> UUID:
    """The tenant `default`."""
    return queue.value("select id from identity.tenants where slug = 'default'")  # type: ignore[no-any-return]


def store(queue: Queue, tenant: UUID, name: str) -> UUID:
    """An object that is stored and that nothing refers to."""
    one = queue.value("select media.begin_object(%s, 's3://b', %s)", tenant, name)
    return queue.value("select id from media.finish_object(%s, 1, lpad(md5(%s), 64, '0'))", one, name)  # type: ignore[no-any-return]


def refer(queue: Queue, tenant: UUID, one: UUID) -> UUID:
    """A file that refers to it, written as every program writes it."""
    queue.value("select media.use_object(%s, %s)", one, tenant)
    return queue.value("insert into media.assets (tenant_id, object_id) values (%s, %s) returning id", tenant, one)  # type: ignore[no-any-return]


def mark(queue: Queue) -> Any:
    """One page that holds all."""
    return queue.rows("select * from media.mark_unreferenced()")[0]


def state(queue: Queue, one: UUID) -> str:
    """Its state."""
    return queue.value("select state from media.objects where id = %s", one)  # type: ignore[no-any-return]


@pytest.fixture
def due(queue: Queue, tenant: UUID, clock: Any) -> UUID:
    """An object whose grace is over."""
    one = store(queue, tenant, "due")
    clock.forward(0)
    assert mark(queue).marked == 1
    clock.forward(2 * DAY)
    return one


def test_who_is_about_to_refer_to_it_keeps_it(queue: Queue, tenant: UUID, due: UUID, connect: Any) -> None:
    """The sweep comes between the lock and the commit."""
    other = Queue(connect())
    with queue.transaction():
        refer(queue, tenant, due)
        assert other.value("select ops.condemn_objects()") == 0
    assert state(queue, due) == "stored"
    assert other.value("select ops.condemn_objects()") == 0


def test_who_comes_after_the_sweep_has_begun_is_told_and_stores_anew(queue: Queue, tenant: UUID, due: UUID, connect: Any) -> None:
    """The reference waits for the sweep, and then there is nothing to refer to."""
    with queue.transaction():
        assert queue.value("select ops.condemn_objects()") == 1
        late = Race(Queue(connect()), lambda q: refer(q, tenant, due)).start_and_wait_until_blocked(Queue(connect()))
    with pytest.raises(psycopg.Error) as refusal:
        late.finish()
    assert refusal.value.sqlstate == "RQ018"
    assert queue.rows("select * from media.list_condemned()")[0].id == due
    assert queue.value("select media.forget_objects(%s)", [due]) == 1


def test_a_reference_that_was_written_by_hand_keeps_it_and_one_that_came_too_late_is_told(queue: Queue, tenant: UUID, due: UUID, clock: Any) -> None:
    """A plain INSERT passes media.use_object by; the foreign key does not know of states."""
    asset = queue.value("insert into media.assets (tenant_id, object_id) values (%s, %s) returning id", tenant, due)
    assert queue.value("select ops.condemn_objects()") is None
    assert state(queue, due) == "stored"
    queue.conn.execute("delete from media.assets where id = %s", [asset])
    mark(queue)
    clock.forward(2 * DAY)
    assert queue.value("select ops.condemn_objects()") == 1
    queue.conn.execute("insert into media.assets (tenant_id, object_id) values (%s, %s)", [tenant, due])
    assert queue.value("select media.forget_objects(%s)", [due]) == 0
    assert queue.rows("select state, fault from media.objects where id = %s", due)[0] == ("stored", "missing")


def test_only_what_is_condemned_is_forgotten(queue: Queue, due: UUID) -> None:
    assert queue.value("select media.forget_objects(%s)", [due]) == 0
    assert state(queue, due) == "stored"


def test_two_sweeps_do_not_wait_for_each_other(queue: Queue, due: UUID, connect: Any) -> None:
    other = Queue(connect())
    with queue.transaction():
        assert queue.value("select ops.condemn_objects()") == 1
        assert other.value("select ops.condemn_objects()") == 0
        assert other.rows("select * from media.mark_unreferenced()")[0].seen == 1
    assert other.value("select media.forget_objects(%s)", [due]) == 1


def test_without_its_foreign_keys_nothing_is_swept(queue: Queue, tenant: UUID, due: UUID) -> None:
    """A restore that left them out would make all objects look unused."""
    queue.conn.execute("alter table media.variants drop constraint variants_object_id_fkey")
    for call in ("media.mark_unreferenced()", "ops.condemn_objects()"):
        assert refused(queue.conn, f"select * from {call}") == "RQ009"


def test_an_application_refers_to_what_is_its_tenant_s(queue: Queue, tenant: UUID, due: UUID, connect: Any) -> None:
    """A sweep that comes between the call and the commit leaves it."""
    (other,) = queue.conn.execute("select identity.create_tenant('other')").fetchone() or (None,)
    app = Queue(connect())
    app.conn.execute("set role reelq_app")
    with app.transaction():
        app.conn.execute("select set_config('reelq.tenant_id', %s, true)", [str(tenant)])
        assert app.value("select media.use_object(%s, %s)", due, tenant) == due
        assert queue.value("select ops.condemn_objects()") == 0
    assert queue.value("select unreferenced_since from media.objects where id = %s", due) is None
    for whose in (tenant, other):
        app.conn.execute("select set_config('reelq.tenant_id', %s, false)", [str(other)])
        assert refused(app.conn, f"select media.use_object('{due}', '{whose}')") == "RQ018"


@pytest.mark.parametrize(
    ("made", "mended"),
    [
        ("alter table shop.covers enable row level security; alter table shop.covers force row level security", "create policy a on shop.covers for select to {owner} using (true)"),
        ("revoke select on shop.covers from {owner}; revoke usage on schema shop from {owner}", "grant usage on schema shop to {owner}; grant select on shop.covers to {owner}"),
        ("alter table shop.covers drop constraint covers_object_id_fkey, add foreign key (bucket, key) references media.objects (bucket, key)", None),
    ],
)
def test_a_table_of_an_application_keeps_what_it_refers_to_or_nothing_goes(queue: Queue, tenant: UUID, due: UUID, made: str, mended: str | None) -> None:
    """Also where its rows cannot be seen: a foreign key would be noticed only when the bytes are gone."""
    conn = queue.conn
    owner = "sweep_owner"
    conn.execute(f"create role {owner} nologin; create schema shop; grant usage on schema shop to {owner}")
    try:
        conn.execute("create table shop.covers (object_id uuid references media.objects (id), bucket text, key text)")
        conn.execute("insert into shop.covers select id, bucket, key from media.objects where id = %s", [due])
        conn.execute(f"grant select on shop.covers to {owner}")
        # The functions of a sweep as somebody who is no superuser owns them.
        conn.execute(f"grant all on all tables in schema media, queue, base, identity, ops to {owner}; grant usage on schema media, queue, base, identity, ops to {owner}")
        conn.execute(f"grant execute on all functions in schema media, queue, base, identity, ops to {owner}")
        ask = f"set role {owner}; select media.check_references(); reset role"
        conn.execute(ask)
        conn.execute(made.format(owner=owner))
        with pytest.raises(psycopg.Error, match="shop.covers must refer to media.objects so that") as error:
            conn.execute(ask)
        conn.execute("reset role")
        assert error.value.sqlstate == "RQ009" and "no object is deleted" in str(error.value)
        if mended:
            assert mended.format(owner=owner).split("; ")[0].removeprefix("create policy a") in str(error.value)
            conn.execute(mended.format(owner=owner))
            conn.execute(ask)
        else:
            assert refused(conn, "select ops.condemn_objects()") == "RQ009"
        assert state(queue, due) == "stored"
    finally:
        conn.execute(f"reset role; drop owned by {owner}; drop role {owner}")


def test_what_an_attempt_writes_is_litter_once_it_is_over(queue: Queue, tenant: UUID, clock: Any) -> None:
    queue.add(tenant_id=tenant)
    job = queue.take()
    one = queue.value("select queue.begin_object(%s, %s::integer, %s, 's3://b', 'k')", job.job_id, job.token, tenant)
    without = queue.value("select media.begin_object(%s, 's3://b', 'by hand')", tenant)
    clock.forward(0)
    assert queue.rows("select * from queue.mark_litter()")[0].marked == 0
    queue.fail(job)
    assert queue.rows("select * from queue.mark_litter()")[0].marked == 1
    # The grace is for a worker that does not know yet that it has lost its lease: it is in time, or is told.
    clock.forward(2 * DAY)
    assert queue.rows("select * from queue.mark_litter()")[0].marked == 1
    assert queue.value("select ops.condemn_objects()") == 1
    assert (state(queue, one), state(queue, without)) == ("deleting", "writing")
    assert refused(queue.conn, "select media.finish_object(%s, 1, repeat('a', 64))", one) == "RQ018"


def test_a_restore_that_is_asked_for_meanwhile_is_not_forgotten(queue: Queue, tenant: UUID, clock: Any) -> None:
    """The store was asked while the object was cooling; somebody wants it before the answer is written down."""
    one, used = store(queue, tenant, "one"), store(queue, tenant, "used")
    refer(queue, tenant, one)
    refer(queue, tenant, used)
    clock.forward(timedelta(days=366))
    queue.value("select media.touch_objects(%s)", [used])
    assert queue.rows("select * from ops.begin_cooling()")[0].begun == 1
    assert [row.id for row in queue.rows("select * from ops.list_moving()")] == [one]
    assert queue.rows("select * from media.request_restore('s3://b', 'one')")[0].storage_class == "restoring"
    assert queue.value("select ops.settle_storage(%s, 'cooling', 'cold')", one) == "restoring"
    assert queue.value("select ops.settle_storage(%s, 'restoring', 'restored', p_days => 7)", one) == "restored"
    assert queue.rows("select * from ops.list_moving()") == []
    clock.forward(8 * DAY)
    assert [row.storage_class for row in queue.rows("select * from ops.list_moving()")] == ["restored"]
    assert refused(queue.conn, "select media.request_restore('s3://b', 'nothing')") == "RQ004"


def test_a_stretch_of_a_check_counts_once(queue: Queue) -> None:
    begun = queue.rows("select * from media.begin_check('s3://b')")[0]
    assert (begun.place, begun.finished_at) == (None, None)
    save = "select media.save_check('s3://b', %s, %s, 10, 1, 0, 0, 'k', %s)"
    assert queue.value(save, None, "m", False)
    assert not queue.value(save, None, "m", False), "another check has moved on"
    assert queue.rows("select * from media.begin_check('s3://b')")[0].place == "m", "it goes on there"
    assert queue.value(save, "m", "z", True)
    assert not queue.value(save, "z", "z", True)
    assert queue.rows("select listed, strays, example from media.list_checks()") == [(20, 2, "k")]
    assert queue.rows("select * from media.begin_check('s3://b')")[0].listed == 0, "one that had ended begins anew"
    queue.value(save, None, "m", False)
    assert queue.rows("select * from media.begin_check('s3://b', true)")[0].place is None, "of another kind: from the start"


@pytest.mark.parametrize(
    "call",
    [
        "media.mark_unreferenced(p_limit => 0)", "queue.mark_litter(p_limit => null)", "ops.condemn_objects(0)", "ops.begin_cooling(p_limit => 0)",
        "media.list_objects(p_limit => 0)", "ops.settle_storage(gen_random_uuid(), 'hot', 'restored')",
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(conn: Conn, call: str) -> None:
    assert refused(conn, f"select {call}") == "RQ008"
