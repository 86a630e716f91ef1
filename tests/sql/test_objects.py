"""The register of objects: a row before the first byte, equal content once, and nobody refers to what is being deleted."""

from __future__ import annotations

import psycopg
import pytest

from tests.sql.accountkit import Company, code
from tests.sql.queuekit import Queue

HERE = "s3://common"
ONE, TWO = "a" * 64, "b" * 64


@pytest.fixture
def queue(conn):
    return Queue(conn)


@pytest.fixture
def tenant(queue):
    return queue.value("select identity.create_tenant('acme')")


def begin(queue, tenant, key, job=None, attempt=None, bucket=HERE):
    return queue.value("select media.begin_object(%s, %s, %s, 'video/mp4', %s, %s)", tenant, bucket, key, job, attempt)


def finish(queue, object_id, sha256=ONE, size=10):
    return queue.value("select id from media.finish_object(%s, %s, %s)", object_id, size, sha256)


def found(queue, tenant):
    return queue.value("select id from media.find_object(%s, %s, %s, 10)", tenant, HERE, ONE)


def refused(queue, code, query, *args):
    with pytest.raises(psycopg.Error) as error, queue.conn.transaction():
        queue.value(query, *args)
    assert error.value.sqlstate == code and error.value.diag.message_hint
    return error.value.diag.message_primary


def test_an_object_is_being_written_until_it_is_finished(queue, tenant):
    one = begin(queue, tenant, "k-1")
    assert found(queue, tenant) is None
    assert "must be stored" in refused(queue, "RQ018", "select media.use_object(%s, %s)", one, tenant)
    assert finish(queue, one) == one
    assert finish(queue, one) == one  # the answer was lost
    assert found(queue, tenant) == one
    (row,) = queue.rows("select state, size_bytes, sha256, stored_at is not null as timed from media.objects where id = %s", one)
    assert row == ("stored", 10, ONE, True)


def test_the_same_attempt_may_begin_again_and_nobody_else_takes_its_key(queue, tenant):
    job, other = queue.value("select base.uuid_v7()"), queue.value("select base.uuid_v7()")
    one = begin(queue, tenant, "k-1", job, 1)
    assert begin(queue, tenant, "k-1", job, 1) == one
    for taker in ((tenant, "k-1", job, 2), (tenant, "k-1", other, 1), (None, "k-1", job, 1)):
        refused(queue, "RQ009", "select media.begin_object(%s, 's3://common', %s, 'video/mp4', %s, %s)", *taker)
    finish(queue, one)
    refused(queue, "RQ009", "select media.begin_object(%s, 's3://common', 'k-1', 'video/mp4', %s, 1)", tenant, job)


def test_equal_content_of_a_tenant_in_a_bucket_is_one_object(queue, tenant):
    other = queue.value("select identity.create_tenant('globex')")
    one, second = begin(queue, tenant, "k-1"), begin(queue, tenant, "k-2")
    assert finish(queue, one) == one
    assert finish(queue, second) == one
    assert queue.value("select state from media.objects where id = %s", second) == "writing"  # its bytes are litter
    for whose, key, bucket in ((other, "k-3", HERE), (tenant, "k-4", "s3://own"), (None, "k-5", HERE), (None, "k-6", HERE)):
        third = begin(queue, whose, key, bucket=bucket)
        assert finish(queue, third) == third
    assert finish(queue, begin(queue, tenant, "k-7"), size=11) != one
    assert finish(queue, begin(queue, tenant, "k-8"), sha256=TWO) != one


@pytest.mark.parametrize("change", ["state = 'deleting'", "storage_class = 'cold'", "fault = 'missing', fault_found_at = now()"])
def test_what_cannot_be_read_now_is_not_shared(queue, tenant, change):
    one = finish(queue, begin(queue, tenant, "k-1"))
    queue.conn.execute(f"update media.objects set {change} where id = %s".encode(), [one])
    again = begin(queue, tenant, "k-2")
    assert finish(queue, again) == again


BACK = {
    "fault = 'missing', fault_found_at = now()": "select media.set_fault(array[%s]::uuid[])",
    "storage_class = 'cooling'": "select ops.settle_storage(%s, 'cooling', 'hot')",
}


@pytest.mark.parametrize("change", BACK)
def test_what_comes_back_beside_a_newer_one_is_whole_and_the_newer_one_is_shared(queue, tenant, change):
    one = finish(queue, begin(queue, tenant, "k-1"))
    queue.conn.execute(f"update media.objects set {change} where id = %s".encode(), [one])
    newer = finish(queue, begin(queue, tenant, "k-2"))
    queue.value(BACK[change], one)
    states = queue.rows("select id, fault, storage_class from media.objects order by id")
    assert {tuple(row) for row in states} == {(one, None, "hot"), (newer, None, "hot")}
    assert found(queue, tenant) == newer
    queue.value("select media.use_object(%s, %s)", one, tenant)  # as what refers to it does


def test_what_is_gone_is_refused_and_can_be_stored_again(queue, tenant):
    one = begin(queue, tenant, "k-1")
    queue.conn.execute("update media.objects set state = 'deleting' where id = %s", [one])
    assert "deleting" in refused(queue, "RQ018", "select media.finish_object(%s, 10, %s)", one, ONE)
    queue.conn.execute("delete from media.objects where id = %s", [one])
    assert "gone" in refused(queue, "RQ018", "select media.finish_object(%s, 10, %s)", one, ONE)
    for size, sha256 in ((None, ONE), (-1, ONE), (1, None), (1, "A" * 64)):
        refused(queue, "RQ008", "select media.finish_object(%s, %s, %s)", one, size, sha256)


def test_a_use_is_written_once_a_day_by_a_worker_s_role(queue, connect, tenant):
    one = finish(queue, begin(queue, tenant, "k-1"))
    touch = "select media.touch_objects(%s)"
    assert queue.value(touch, [one]) == 0
    queue.conn.execute("update media.objects set last_used_at = last_used_at - interval '25 hours'")
    assert [queue.value(touch, [one]), queue.value(touch, [one])] == [1, 0]
    queue.conn.execute("update media.objects set last_used_at = last_used_at - interval '25 hours'")
    worker = connect()
    worker.execute("set role reelq_worker")
    worker.execute("select media.touch_object(%s, 'k-1')", [HERE])
    assert queue.value(touch, [one]) == 0, "it was written"


def test_a_worker_begins_under_its_token(queue, tenant):
    queue.worker("w1")
    queue.add(tenant_id=tenant)
    (job,) = queue.claim("w1")
    begun = "select queue.begin_object(%s, %s, %s, 's3://common', 'k', null)"
    one = queue.value(begun, job.job_id, job.token, tenant)
    assert queue.value("select (job_id, attempt) = (%s, %s) from media.objects where id = %s", job.job_id, job.token, one)
    refused(queue, "RQ001", begun, job.job_id, job.token + 1, tenant)


def test_another_tenant_s_bytes_are_as_if_they_were_not_there(queue, connect):
    """Nor are another user's, of the same tenant: neither opened, called back, let go nor finished; a viewer changes nothing."""
    acme, other = Company(queue, connect, "acme"), Company(queue, connect, "other")
    video, asset = acme.tenant.video, acme.tenant.asset
    one = finish(queue, begin(queue, acme.id, "k-1"))
    queue.value("select media.put_variant(%s, jsonb_build_object('profile', 'p720', 'object_id', %s::uuid))", asset, one)
    job = queue.add(tenant_id=acme.id, user_id=acme.users["admin"])
    queue.value("select media.keep_file(%s, %s, %s, %s, 'a')", one, acme.id, acme.users["admin"], job)
    calls = {
        "select * from media.open_variant(%s, 'p720')": (video, "RQ004"),
        "select * from media.request_restore('s3://common', %s)": ("k-1", "RQ004"),
        "select * from media.show_object(%s)": (one, "RQ004"),
    }
    for stranger in (other.server(), other.user("admin"), acme.user("member")):
        for statement, (given, refusal) in calls.items():
            assert code(stranger, statement, given) == refusal, statement
        assert stranger.value("select media.forget_files(%s)", job) == 0
        assert stranger.rows("select from media.list_objects() where id = %s", one) == []
    assert code(acme.user("viewer"), "select * from media.request_restore('s3://common', %s)", "k-1") == "RQ016"
    assert code(acme.user("viewer"), "select media.forget_files(%s)", job) == "RQ016"
    worker = other.server("reelq_worker")
    written = begin(queue, acme.id, "k-2")
    assert code(worker, "select media.finish_object(%s, 10, %s)", written, TWO) == "RQ018"
    assert code(worker, "select media.begin_object(%s, 's3://common', 'k-3')", acme.id) == "42501", "of the room alone"
    assert worker.value("select id from media.find_object(%s, %s, %s, 10)", acme.id, HERE, ONE) is None
    for own in (acme.server(), acme.user("admin")):
        for statement, (given, _) in calls.items():
            assert code(own, statement, given) is None, statement
    assert acme.user("admin").value("select media.forget_files(%s)", job) == 1
