"""Personal data: every column has a rule, an export gives what is somebody's, an erasure takes it and nothing else."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from tests.conftest import Connect
from tests.sql.mediakit import Conn, refused, scalar
from tests.sql.personalkit import Person, erase, exported, found_pii, where_said
from tests.sql.queuekit import Queue
from tests.sql.rolekit import Tenant, open_as


@pytest.fixture
def acme(conn: Conn) -> Tenant:
    return Tenant(conn, "acme")


@pytest.fixture
def bob(conn: Conn, acme: Tenant, clock: Any) -> Person:
    clock.set("2026-11-20T12:00:00Z")
    return Person(conn, acme, clock)


def begin(conn: Conn, user: UUID) -> UUID:
    made: UUID = scalar(conn, "select ops.begin_erasure(%s)", user)
    return made


def without_audit(counts: dict[str, int]) -> dict[str, int]:
    assert counts["ops.audit_logs"] > 0
    return {name: count for name, count in counts.items() if name != "ops.audit_logs"}


def certificate(conn: Conn, erasure: UUID) -> tuple[str, dict[str, int], bool]:
    found = conn.execute(
        "select status, counts, counts_sha256 = encode(sha256(convert_to(counts::text, 'UTF8')), 'hex') from ops.erasures where id = %s", [erasure]
    ).fetchone()
    assert found is not None
    return found  # type: ignore[return-value]


def test_every_personal_column_has_a_rule(conn: Conn) -> None:
    """A table with a [personal] column that is not exported and erased: a row in ops.personal_rules."""
    columns = conn.execute("select relation || '.' || column_name, is_covered from ops.personal_columns()").fetchall()
    assert len(columns) > 40
    assert [name for name, covered in columns if not covered] == []


def test_a_new_personal_column_is_told(conn: Conn) -> None:
    conn.execute("create table media.notes (id uuid primary key, words text); comment on column media.notes.words is 'Words. [personal]'")
    assert scalar(conn, "select is_covered from ops.personal_columns() where relation = 'media.notes'") is False


def test_every_rule_names_a_table_and_finds_by_it(conn: Conn) -> None:
    """The condition is a condition over its rows."""
    for relation, finds, there in conn.execute("select relation, finds, to_regclass(relation) is not null from ops.personal_rules()").fetchall():
        assert there, relation
        conn.execute(f"prepare rule (uuid) as select 1 from {relation} as t where {finds}".encode())
        conn.execute("deallocate rule")


def test_an_export_gives_what_is_theirs_without_secrets(conn: Conn, acme: Tenant, bob: Person) -> None:
    assert without_audit(exported(conn, bob.id)) == {
        "identity.users": 1, "media.videos": 2, "media.assets": 2, "media.variants": 2,
        "queue.processing_jobs": 3, "queue.job_attempts": 1, "queue.job_history": 1, "queue.attempt_history": 1,
    }  # fmt: skip
    shown = scalar(conn, "select ops.export_rows(%s, 'identity.users')", bob.id)
    assert shown["email"] == "bob@private.example"
    assert not {"password_hash", "two_factor_secret"} & set(shown)
    assert scalar(conn, "select count(*) from ops.export_objects(%s)", bob.id) == 2
    assert exported(conn, acme.user)["media.videos"] == 1


def test_an_erasure_takes_all_that_is_theirs_and_nothing_else(conn: Conn, acme: Tenant, bob: Person) -> None:
    before = exported(conn, acme.user)
    assert ("queue.job_attempts", "email", "b***@p***.example") in found_pii(conn)
    dry = dict(conn.execute("select relation, rows from ops.count_rows_of_user(%s) where rows > 0", [bob.id]).fetchall())
    assert exported(conn, bob.id) == {name: count for name, count in dry.items() if name != "objects"}

    erasure = begin(conn, bob.id)
    erase(conn, erasure)

    status, counts, hashed = certificate(conn, erasure)
    assert (status, hashed) == ("completed", True)
    assert without_audit(counts) == {
        "identity.users": 1, "media.videos": 2, "media.assets": 2, "media.variants": 2,
        "queue.processing_jobs": 3, "queue.job_attempts": 1, "queue.job_history": 1, "queue.attempt_history": 1,
    }  # fmt: skip
    assert exported(conn, bob.id) == {}
    assert exported(conn, acme.user) == before
    assert not [sample for _, _, sample in found_pii(conn) if sample.startswith(("b***@p", "+43"))]
    left = " ".join(str(row) for table in ("erasures", "audit_logs", "audit_redactions") for row in conn.execute(f"select t.* from ops.{table} as t").fetchall())
    assert "private.example" not in left
    assert "Bob" not in left


def test_no_table_says_a_word_of_theirs_afterwards(conn: Conn, acme: Tenant, bob: Person) -> None:
    """Accounts, log-ins, keys, what they pay, and what the audit heard of all that: changed, and deleted by the erasure itself."""
    whose = {"tenant": acme.id, "user": bob.id}
    for statement in (
        "insert into identity.user_sessions (tenant_id, user_id, token_hash, device, ip_address, user_agent, expires_at) "
        "values (%(tenant)s, %(user)s, sha256('s'), 'Bobphone', '203.0.113.77', 'Bobzilla/5.0', base.clock() + interval '1 day')",
        "insert into identity.one_time_tokens (tenant_id, user_id, purpose, token_hash, email, expires_at) "
        "values (%(tenant)s, %(user)s, 'verify_email', sha256('t'), 'bob@private.example', base.clock() + interval '1 day')",
        "insert into identity.recovery_codes (tenant_id, user_id, code_hash) values (%(tenant)s, %(user)s, sha256('c'))",
        "insert into identity.login_attempts (user_id, address) values (%(user)s, 'bob@private.example')",
        "insert into identity.api_keys (tenant_id, user_id, name, prefix, key_hash, created_by) values (%(tenant)s, %(user)s, 'Bobkey', 'abcdefgh', sha256('k'), 'x')",
        "insert into identity.subscriptions (tenant_id, user_id, plan, provider, provider_customer_id) values (%(tenant)s, %(user)s, 'pro', 'stripe', 'cus_Bobs')",
        "update identity.users set username = 'bobbyname', avatar_url = 'https://x.example/bobface.png', metadata = '{\"pet\": \"Bobcat\"}' where id = %(user)s",
    ):
        conn.execute(statement.encode(), whose)
    words = ("private.example", "Bob Unusual", "Bobphone", "203.0.113.77", "Bobzilla", "Bobkey", "cus_Bobs", "bobbyname", "bobface", "Bobcat")
    assert where_said(conn, *words) >= {"identity.users", "identity.user_sessions", "identity.api_keys", "identity.subscriptions", "ops.audit_logs"}
    assert exported(conn, bob.id).keys() >= {"identity.user_sessions", "identity.api_keys", "identity.subscriptions"}
    erase(conn, begin(conn, bob.id))
    assert where_said(conn, *words) == set()


@pytest.mark.parametrize("limit", [1, 2])
def test_an_erasure_that_is_killed_at_any_moment_goes_on(conn: Conn, acme: Tenant, bob: Person, limit: int) -> None:
    """Each transaction by itself, each but the last followed by what the next run begins with; one more is rolled back before each."""
    erasure = begin(conn, bob.id)
    for _ in range(100):
        with pytest.raises(ZeroDivisionError), conn.transaction():
            conn.execute("select * from ops.erase_rows(%s, %s)", [erasure, limit])
            raise ZeroDivisionError
        assert begin(conn, bob.id) == erasure
        step = scalar(conn, "select step from ops.erase_rows(%s, %s)", erasure, limit)
        if step == "completed":
            break
        if step == "objects":
            assets = [one for (one,) in conn.execute("select distinct asset_id from ops.objects_to_erase(%s, %s) where asset_id is not null", [erasure, limit]).fetchall()]
            assert len(assets) <= limit
            assert [one for (one,) in conn.execute("select distinct asset_id from ops.objects_to_erase(%s, %s) where asset_id is not null", [erasure, limit]).fetchall()] == assets
            conn.execute("select ops.erase_assets(%s, %s, 1, 0)", [erasure, assets])
    assert certificate(conn, erasure)[1]["media.videos"] == 2
    assert exported(conn, bob.id) == {}
    assert scalar(conn, "select step from ops.erase_rows(%s)", erasure) == "completed"


def test_two_that_erase_the_same_user_take_turns(conn: Conn, connect: Connect, bob: Person) -> None:
    erasure = begin(conn, bob.id)
    other = connect()
    other.execute("set lock_timeout = '50ms'")
    with conn.transaction():
        conn.execute("select * from ops.erase_rows(%s, 1)", [erasure])
        with pytest.raises(psycopg.errors.LockNotAvailable):
            other.execute("select * from ops.erase_rows(%s, 1)", [erasure])
    erase(other, erasure)
    assert erase(conn, erasure) == ["completed"]
    assert certificate(conn, erasure)[1]["media.videos"] == 2


def test_running_jobs_are_cancelled_and_waited_for(conn: Conn, acme: Tenant, bob: Person) -> None:
    queue = Queue(conn)
    queue.worker("w2")
    job = queue.take("w2")
    erasure = begin(conn, bob.id)
    assert erase(conn, erasure)[-1] == "running"
    assert queue.beat("w2", job) == {job.job_id: "cancel"}
    assert certificate(conn, erasure)[0] == "running"
    queue.fail(job, error_class="cancelled", code="cancelled", message="told to stop")
    erase(conn, erasure)
    assert certificate(conn, erasure)[0] == "completed"


def test_files_stay_while_a_job_works_on_them(conn: Conn, bob: Person) -> None:
    """One that began after the objects were listed: back to where jobs are cancelled."""
    erasure = begin(conn, bob.id)
    queue = Queue(conn)
    for _ in range(100):
        if scalar(conn, "select step from ops.erase_rows(%s)", erasure) == "objects":
            break
    queue.worker("w2")
    queue.add(video_id=bob.videos[0])
    queue.take("w2")
    assets = [one for (one,) in conn.execute("select distinct asset_id from ops.objects_to_erase(%s, 100) where asset_id is not null", [erasure]).fetchall()]
    conn.execute("select ops.erase_assets(%s, %s)", [erasure, assets])
    assert scalar(conn, "select count(*) from media.assets where owner_user_id = %s", bob.id) == 2
    assert erase(conn, erasure)[-1] == "running"


def test_what_somebody_else_has_a_share_in_stays(conn: Conn, acme: Tenant, bob: Person) -> None:
    """Ann's video about Bob's file, and Bob's about hers; a job of Bob about her video."""
    share = "insert into media.videos (tenant_id, user_id, asset_id) values (%s, %s, %s) returning id"
    hers = scalar(conn, share, acme.id, acme.user, bob.assets[0])
    scalar(conn, share, acme.id, bob.id, acme.asset)
    job = bob.queue.add(video_id=acme.video, user_id=bob.id)
    erasure = begin(conn, bob.id)
    erase(conn, erasure)
    assert certificate(conn, erasure)[1]["media.videos"] == 3
    kept = "select owner_user_id, source_url, original_filename from media.assets where id = %s"
    assert conn.execute(kept, [bob.assets[0]]).fetchone() == (None, None, None)
    assert scalar(conn, "select count(*) from media.variants where asset_id = any(%s)", [bob.assets[0], acme.asset]) == 2
    assert [one for (one,) in conn.execute("select id from media.videos").fetchall()] == [acme.video, hers]
    assert conn.execute("select user_id, status from queue.processing_jobs where id = %s", [job]).fetchone() == (None, "queued")
    assert exported(conn, bob.id) == {}


def test_an_object_that_other_files_are_made_of_is_told(conn: Conn, acme: Tenant, bob: Person) -> None:
    """By its key, and the row of it stays as it was; the others' rows go with the files."""
    objects = dict(conn.execute("select e.key, o.id from ops.export_objects(%s) as e inner join media.objects as o on (o.bucket, o.key) = (e.bucket, e.key)", [bob.id]).fetchall())
    keys = sorted(objects)
    conn.execute("update media.variants set object_id = %s where asset_id = %s", [objects[keys[0]], acme.asset])
    litter = scalar(conn, "select media.begin_object(%s, 'b', %s)", acme.id, f"tenants/{acme.id}/media/{bob.assets[0]}/original/j-7")
    beside = scalar(conn, "select media.begin_object(%s, 'b', %s)", acme.id, f"tenants/{acme.id}/media/{bob.assets[0]}1/original/j-7")
    erasure = begin(conn, bob.id)
    while scalar(conn, "select step from ops.erase_rows(%s)", erasure) != "objects":
        pass
    gone = [one for (one,) in conn.execute("select object_id from ops.objects_to_erase(%s) where object_id is not null", [erasure]).fetchall()]
    assert sorted(gone) == sorted([objects[keys[1]], litter])
    assert conn.execute("select ops.keys_in_use('b', %s)", [keys]).fetchall() == [(keys[0],)]
    refused(conn, "RQ018", "select media.use_object(%s, %s)", objects[keys[1]], acme.id)
    erase(conn, erasure)
    left = conn.execute("select id from media.objects where id = any(%s)", [[*objects.values(), litter, beside]]).fetchall()
    assert sorted(left) == sorted([(objects[keys[0]],), (beside,)])


def test_what_came_meanwhile_goes_too(conn: Conn, acme: Tenant, bob: Person) -> None:
    """A job that an application enqueues for them while they are erased."""
    erasure = begin(conn, bob.id)
    conn.execute("update ops.erasures set step = 7 where id = %s", [erasure])
    assert scalar(conn, "select step from ops.erase_rows(%s)", erasure) == "again"
    erase(conn, erasure)
    assert exported(conn, bob.id) == {}


def test_nothing_is_brought_in_for_a_user_who_goes(conn: Conn, acme: Tenant, bob: Person) -> None:
    begin(conn, bob.id)
    refused(conn, "RQ004", "select media.create_video('/a.mp4', %s, %s)", acme.id, bob.id)


def test_a_certificate_never_changes(conn: Conn, bob: Person) -> None:
    erasure = begin(conn, bob.id)
    refused(conn, "RQ007", "delete from ops.erasures where id = %s", erasure)
    erase(conn, erasure)
    refused(conn, "RQ007", "update ops.erasures set counts = '{}' where id = %s", erasure)
    refused(conn, "RQ009", "select ops.begin_erasure(%s)", bob.id)
    assert scalar(conn, "select ops.find_subject(%s)", str(bob.id)) == bob.id


def test_who_was_deleted_is_found_by_address_to_be_erased(conn: Conn, bob: Person) -> None:
    """Of a live account and a deleted one of the same address the live one."""
    conn.execute("update identity.users set status = 'deleted', deleted_at = base.clock() where id = %s", [bob.id])
    assert scalar(conn, "select ops.find_subject('BOB@private.example')") == bob.id
    again = scalar(conn, "insert into identity.users (tenant_id, email) values (%s, 'bob@private.example') returning id", bob.tenant.id)
    assert scalar(conn, "select ops.find_subject('bob@private.example')") == again


def enter(connect: Connect, acme: Tenant, user: UUID | None, role: str = "reelq_app") -> Conn:
    acting = open_as(connect, role, acme)
    acting.execute("select set_config('reelq.user_id', %s, false)", [str(user or "")])
    return acting


@pytest.mark.parametrize("who", ["themselves", "viewer", "admin", "tenant"])
def test_who_may_ask(conn: Conn, connect: Connect, acme: Tenant, who: str) -> None:
    """A user for themselves, a viewer too; the tenant's admin and the tenant itself for each of its users. Who asked is kept, by id."""
    role = {"viewer": "viewer", "admin": "admin"}.get(who, "member")
    asks = scalar(conn, "insert into identity.users (tenant_id, email, role) values (%s, 'x@y.example', %s) returning id", acme.id, role)
    whom = asks if who in ("themselves", "viewer") else acme.user
    acting = enter(connect, acme, None if who == "tenant" else asks)
    erasure = scalar(acting, "select ops.request_erasure(%s)", whom)
    assert scalar(acting, "select ops.request_erasure(%s)", whom) == erasure
    assert scalar(acting, "select requested_by from ops.list_erasures('open')") == (f"tenant:{acme.id}" if who == "tenant" else f"user:{asks}")
    assert scalar(acting, "select count(*) from ops.export_rows(%s, 'identity.users')", whom) == 1


CALLS = ["select ops.request_erasure(%s)", "select ops.begin_export(%s)", "select ops.export_rows(%s, 'identity.users')", "select ops.export_objects(%s)",
         "select ops.count_rows_of_user(%s)", "select ops.find_pii_of_user(%s, 'identity.users')", "select ops.find_subject(%s::uuid::text)"]  # fmt: skip


@pytest.mark.parametrize("call", CALLS)
def test_another_s_is_answered_like_nobody_s(conn: Conn, connect: Connect, acme: Tenant, call: str) -> None:
    """Another user's of the tenant, another tenant's, and one who never was."""
    other = scalar(conn, "insert into identity.users (tenant_id, email) values (%s, 'x@y.example') returning id", acme.id)
    rival = Tenant(conn, "rival")
    acting = enter(connect, acme, other)
    for user in (acme.user, rival.user, uuid4()):
        refused(acting, "RQ004", call, user)
    assert scalar(acting, "select count(*) from ops.erasures") == 0


def test_only_operators_erase_and_search_everything(connect: Connect, acme: Tenant, bob: Person) -> None:
    app = open_as(connect, "reelq_app", acme)
    for call in ("select ops.begin_erasure(%s)", "select ops.erase_rows(%s)", "select ops.objects_to_erase(%s)", "select ops.erase_assets(%s, '{}')"):
        refused(app, "42501", call, bob.id)
    refused(app, "42501", "select * from ops.pii_tables()")
    admin = open_as(connect, "reelq_admin")
    erase(admin, begin(admin, bob.id))
    assert exported(admin, bob.id) == {}


def test_bad_input_is_told(conn: Conn, bob: Person) -> None:
    refused(conn, "RQ004", "select ops.find_subject(null)")
    refused(conn, "RQ004", "select ops.find_subject('nobody@x.example')")
    refused(conn, "RQ004", "select ops.export_rows(%s, 'pg_catalog.pg_authid')", bob.id)
    refused(conn, "RQ004", "select ops.find_pii('pg_catalog.pg_authid')")
    refused(conn, "RQ004", "select ops.pii_tables('media.nothing')")
    refused(conn, "RQ004", "select ops.erase_rows(%s)", uuid4())
    refused(conn, "RQ008", "select ops.find_pii('media.videos', -1)")
    refused(conn, "RQ008", "select ops.erase_rows(%s, 0)", begin(conn, bob.id))
    refused(conn, "RQ008", "select * from ops.list_erasures('done')")
    refused(conn, "RQ008", "select * from ops.list_erasures(null, 0)")
    erasure = scalar(conn, "select id from ops.erasures")
    with conn.transaction():
        conn.execute("set transaction isolation level repeatable read")
        refused(conn, "RQ002", "select ops.erase_rows(%s)", erasure)
