"""Two sessions at the same object: equal bytes at once, and a reference while a sweep begins."""

from __future__ import annotations

import psycopg
import pytest

from tests.sql.queuekit import Queue, Race

SHA = "a" * 64
SWEEP = """
do $$
declare
    v_id uuid;
begin
    for v_id in select o.id from media.objects as o where o.state = 'stored' for update loop
        update media.objects as o set state = 'deleting'
        where o.id = v_id and o.id in (select f from media.unreferenced_objects(array[v_id]) as f);
    end loop;
end;
$$
"""


@pytest.fixture
def queue(conn):
    return Queue(conn)


@pytest.fixture
def other(connect):
    return Queue(connect())


@pytest.fixture
def observer(connect):
    return Queue(connect())


@pytest.fixture
def asset(queue):
    queue.value("select media.create_video('/a.mp4')")
    (row,) = queue.rows("select id, tenant_id from media.assets")
    return row


def begin(queue, asset, key):
    return queue.value("select media.begin_object(%s, 'b', %s)", asset.tenant_id, key)


def finish(queue, object_id):
    return queue.value("select id from media.finish_object(%s, 10, %s)", object_id, SHA)


def states(queue):
    return {row.key: row.state for row in queue.rows("select key, state from media.objects")}


@pytest.mark.parametrize("committed", [True, False])
def test_of_two_who_finish_equal_bytes_at_once_the_second_gets_the_firsts(queue, other, observer, asset, committed):
    one, two = begin(queue, asset, "one"), begin(queue, asset, "two")
    with pytest.raises(ZeroDivisionError) if not committed else queue.transaction():
        with queue.transaction():
            assert finish(queue, one) == one
            race = Race(other, lambda q: finish(q, two)).start_and_wait_until_blocked(observer)
            if not committed:
                raise ZeroDivisionError
    assert race.finish() == (one if committed else two)
    assert states(queue) == ({"one": "stored", "two": "writing"} if committed else {"one": "writing", "two": "stored"})


@pytest.mark.parametrize("call", ["select media.set_original(%s, %s)", "select media.put_variant(%s, jsonb_build_object('profile', 'poster', 'object_id', %s::uuid))"])
def test_a_reference_that_is_made_before_a_sweep_keeps_the_object(queue, other, observer, asset, call):
    one = finish(queue, begin(queue, asset, "one"))
    with queue.transaction():
        queue.value(call, asset.id, one)
        race = Race(other, lambda q: q.conn.execute(SWEEP)).start_and_wait_until_blocked(observer)
    race.finish()
    assert states(queue) == {"one": "stored"}


@pytest.mark.parametrize("call", ["select media.set_original(%s, %s)", "select media.put_variant(%s, jsonb_build_object('profile', 'poster', 'object_id', %s::uuid))"])
def test_a_reference_that_comes_after_a_sweep_has_begun_is_refused(queue, other, observer, asset, call):
    one = finish(queue, begin(queue, asset, "one"))
    with queue.transaction():
        queue.conn.execute(SWEEP)
        race = Race(other, lambda q: q.value(call, asset.id, one)).start_and_wait_until_blocked(observer)
    with pytest.raises(psycopg.Error) as refused:
        race.finish()
    assert refused.value.sqlstate == "RQ018"
    again = begin(queue, asset, "again")
    assert finish(queue, again) == again, "the bytes are stored again"


def test_whoever_asks_while_a_sweep_begins_finds_nothing(queue, other, observer, asset):
    finish(queue, begin(queue, asset, "one"))
    with queue.transaction():
        queue.conn.execute(SWEEP)
        race = Race(other, lambda q: q.value("select id from media.find_object(%s, 'b', %s, 10)", asset.tenant_id, SHA)).start_and_wait_until_blocked(observer)
    assert race.finish() is None
