"""API keys: shown once, known by their hash, bounded by the hour without a row that all wait for."""

from __future__ import annotations

import hashlib
import threading
from datetime import timedelta

import psycopg
import pytest

from tests.sql.accountkit import NOBODY, Company, code, refusal
from tests.sql.queuekit import Queue, Race
from tests.sql.rolekit import open_as

CREATE = "select * from identity.create_key(%s, %s, %s)"
LOOK = "select * from identity.authenticate(%s)"


@pytest.fixture
def queue(conn):
    return Queue(conn)


@pytest.fixture
def acme(queue, connect):
    return Company(queue, connect, "acme")


@pytest.fixture
def app(connect):
    """An application that has said nothing yet of who comes."""
    return Queue(open_as(connect, "reelq_app"))


def made(queue, name="Production", tenant="acme", user=None, **more):
    """A new key."""
    named = "".join(f", {key} => %s" for key in more)
    (found,) = queue.rows(f"select * from identity.create_key(%s, %s, %s{named})", name, tenant, user, *more.values())
    return found


def shown(queue, key_id):
    (found,) = queue.rows("select * from identity.show_key(%s)", key_id)
    return found


def test_a_key_says_who_comes_until_the_transaction_ends(queue, acme, app):
    key = made(queue)
    with app.transaction():
        assert app.rows(LOOK, key.key) == [(acme.id, None, key.id, ["read", "write"], None)]
        assert app.value("select count(*) from media.videos") == 1
        assert app.value("select current_setting('reelq.api_key_id')") == str(key.id)
    assert app.value("select count(*) from media.videos") == 0
    assert app.value("select coalesce(current_setting('reelq.tenant_id', true), '')") == ""


def test_a_user_s_key_acts_for_the_user(queue, acme, app):
    for member in ("admin", "member", "viewer"):
        key = made(queue, member, None, acme.users[member])
        with app.transaction():
            ((tenant, user, _, _, role),) = app.rows(LOOK, key.key)
            assert (tenant, user, role) == (acme.id, acme.users[member], member)
            assert app.value("select count(*) from media.videos") == (1 if member == "admin" else 0)


def test_a_key_of_the_tenant_leaves_no_user_of_before(queue, acme, app):
    app.value("select set_config('reelq.user_id', %s, false)", str(acme.users["viewer"]))
    with app.transaction():
        app.rows(LOOK, made(queue).key)
        assert app.value("select current_setting('reelq.user_id')") == ""
        app.value("select queue.ingest_video('/a.mp4')")


def test_the_key_is_kept_nowhere_and_its_hash_is_read_by_nobody(queue, acme, connect):
    key = made(queue)
    assert key.key.startswith("sk_live_" + key.prefix) and len(key.prefix) == 8 and len(key.key) == 51
    assert queue.value("select key_hash from identity.api_keys") == hashlib.sha256(key.key.encode()).digest()
    for table, in queue.rows("select c.oid::regclass::text from pg_class as c where c.relkind = 'r' and c.relnamespace::regnamespace::text in ('base', 'identity', 'ops', 'queue')"):
        assert queue.value(f"select count(*) from {table} as t where t::text like %s", f"%{key.key[9:]}%") == 0, table
    for role in ("reelq_worker", "reelq_app", "reelq_readonly", "reelq_admin", "reelq_support"):
        session = Queue(open_as(connect, role, acme.tenant))
        assert code(session, "select key_hash from identity.api_keys") == "42501", role
        assert code(session, "select * from identity.api_keys") == "42501", role


# Refused


def revoked(queue, acme, key):
    queue.value("select identity.revoke_key(%s)", key.id)


def expired(queue, acme, key):
    queue.conn.execute("update identity.api_keys set expires_at = base.clock()")


def suspended(queue, acme, key):
    queue.value("select identity.set_tenant_status('acme', 'suspended')")


def user_suspended(queue, acme, key):
    queue.conn.execute("update identity.users set status = 'suspended'")


def user_deleted(queue, acme, key):
    queue.conn.execute("update identity.users set deleted_at = base.clock()")


@pytest.mark.parametrize("end", [revoked, expired, suspended, user_suspended, user_deleted])
def test_whatever_is_wrong_with_it_the_answer_is_the_same(queue, acme, app, end):
    key = made(queue, user=acme.users["member"])
    app.rows(LOOK, key.key)
    end(queue, acme, key)
    unknown = [refusal(app, LOOK, wrong) for wrong in (None, "", "sk_live_", key.key[:-1], key.key + "x", key.prefix, "x" * 1_000_000, key.key.upper(), "\u00e4")]
    answers = {(diag.sqlstate, diag.message_primary, diag.message_hint, diag.message_detail) for diag in [*unknown, refusal(app, LOOK, key.key)]}
    assert answers == {("RQ014", "the API key is not accepted", "Whoever made it sees why: reelq keys list --all", "")}


def test_an_expiry_in_time(queue, acme, app, clock):
    now = clock.now()
    clock.set(now)
    key = made(queue, p_expires_at=now + timedelta(hours=1))
    clock.set(now + timedelta(minutes=59, seconds=59))
    app.rows(LOOK, key.key)
    clock.set(now + timedelta(hours=1))
    assert code(app, LOOK, key.key) == "RQ014"
    assert shown(queue, key.id).state == "expired"


# The hour


def test_a_low_limit_is_exact_across_sessions_and_ends_with_the_hour(queue, acme, connect, clock):
    clock.set("2026-11-27 10:50:30+00")
    key = made(queue, p_hourly_limit=7)
    sessions = [Queue(open_as(connect, "reelq_app")) for _ in range(3)]
    told = [code(sessions[n % 3], LOOK, key.key) for n in range(10)]
    assert told == [None] * 7 + ["RQ015"] * 3
    diag = refusal(sessions[0], LOOK, key.key)
    assert (diag.message_primary, diag.message_detail) == ("the API key was used 7 times this hour, and may not be used more often", "570")
    assert "11:00:00" in diag.message_hint
    assert shown(queue, key.id).used_this_hour == 7
    assert queue.rows("select count(*) as rows, count(distinct pid) as pids from identity.api_key_uses") == [(3, 3)]
    clock.set("2026-11-27 11:00:00+00")
    assert code(sessions[0], LOOK, key.key) is None and shown(queue, key.id).used_this_hour == 1


def test_a_high_limit_is_counted_by_samples_and_no_limit_not_at_all(queue, acme, app):
    high, free = made(queue, "high", p_hourly_limit=100_000), made(queue, "free", p_hourly_limit=None)
    calls = 2000
    queue.conn.execute("select setseed(0.5)")
    app.conn.execute("select setseed(0.5)")
    for key in (high, free):
        app.value("select count(*) from generate_series(1, %s) as n, identity.authenticate(%s || left(n::text, 0))", calls, key.key)
    assert shown(queue, free.id).used_this_hour == 0
    assert shown(queue, high.id).used_this_hour % 100 == 0
    assert 500 <= shown(queue, high.id).used_this_hour <= 4000
    queue.conn.execute("update identity.api_key_uses set uses = 100000")
    assert code(app, LOOK, high.key) == "RQ015"


def test_last_use_is_entered_every_five_minutes(queue, acme, app, clock):
    start = clock.set("2026-11-27 10:00+00")
    key = made(queue)
    assert shown(queue, key.id).last_used_at is None
    for minutes, entered in ((0, 0), (4, 0), (5, 0), (6, 6), (10, 6), (12, 12)):
        clock.set(start + timedelta(minutes=minutes))
        app.rows(LOOK, key.key)
        assert shown(queue, key.id).last_used_at == start + timedelta(minutes=entered)


def test_nobody_waits_for_anybody_who_uses_the_same_key(queue, acme, connect):
    key = made(queue)
    sessions = [Queue(open_as(connect, "reelq_app")) for _ in range(10)]
    for session in sessions:
        session.conn.execute(b"set lock_timeout = '1ms'")
        session.conn.execute(b"begin")
        session.rows(LOOK, key.key)
    queue.conn.execute(b"set lock_timeout = '1ms'")
    assert queue.value("select identity.revoke_key(%s)", key.id) is True  # also whoever takes it back
    for session in sessions:
        session.conn.execute(b"commit")
        assert code(session, LOOK, key.key) == "RQ014"


@pytest.mark.parametrize("how", ["isolation level repeatable read", "isolation level serializable, read only", "read only"])
def test_it_works_in_every_kind_of_transaction(queue, acme, connect, how):
    key = made(queue, p_hourly_limit=50)
    sessions = [Queue(open_as(connect, "reelq_app")) for _ in range(2)]
    for session in sessions:
        session.conn.execute(f"begin {how}".encode())
        session.rows("select 1")
    for session in sessions:
        session.rows(LOOK, key.key)
        session.conn.execute(b"commit")
    assert shown(queue, key.id).used_this_hour == (0 if "read only" in how else 2)


def test_a_use_counts_with_its_transaction(queue, acme, app):
    key = made(queue, p_hourly_limit=1)
    with app.conn.transaction(force_rollback=True):
        app.rows(LOOK, key.key)
    assert code(app, LOOK, key.key) is None and code(app, LOOK, key.key) == "RQ015"


def test_old_counters_go_after_a_week_in_bounded_steps(queue, acme, app, clock):
    start = clock.set("2026-11-01 10:00+00")
    key = made(queue)
    for hour in range(4):
        clock.set(start + timedelta(hours=hour))
        app.rows(LOOK, key.key)
    clock.set(start + timedelta(days=7, hours=2, minutes=30))
    assert queue.value("select identity.forget_key_uses(1)") == 1
    assert queue.rows("select counters from queue.tidy_identity()") == [(1,)]
    assert queue.value("select count(*) from identity.api_key_uses") == 2
    assert refusal(queue, "select identity.forget_key_uses(0)").sqlstate == "RQ008"


# Scopes


def test_scopes_bound_what_a_key_does_and_admin_has_all(queue, acme, app, connect):
    keys = {scope: made(queue, scope, p_scopes=[scope]) for scope in ("read", "write", "delete", "admin")}
    for scope, key in keys.items():
        for asked in keys:
            with app.transaction():
                app.rows(LOOK, key.key)
                told = code(app, "select identity.check_scope(%s)", asked) if scope in (asked, "admin") else None
                assert told is None
                assert app.value("select identity.has_scope(%s)", asked) == (scope in (asked, "admin"))
    with pytest.raises(psycopg.Error) as caught, app.transaction():
        app.rows(LOOK, keys["read"].key)
        app.value("select queue.ingest_video('/a.mp4')")
    assert (caught.value.sqlstate, caught.value.diag.message_primary) == ("RQ016", "the key must have the scope write, and has read")
    with app.transaction():
        app.rows(LOOK, keys["write"].key)
        app.value("select queue.ingest_video('/a.mp4')")
        assert app.value("select identity.may_write()")
    with app.transaction():
        app.rows(LOOK, keys["read"].key)
        assert not app.value("select identity.may_write()")
    with pytest.raises(psycopg.Error) as caught, app.transaction():
        app.rows(LOOK, keys["write"].key)
        app.rows("select * from queue.delete_video(%s)", acme.tenant.video)
    assert caught.value.sqlstate == "RQ016"
    with app.transaction():
        app.rows(LOOK, keys["delete"].key)
        app.rows("select * from queue.delete_video(%s)", acme.tenant.video)

    # Whoever only deletes deletes.
    assert code(acting(acme, connect, keys["delete"]), "select queue.delete_video(%s)", NOBODY) == "RQ004"


def test_an_application_without_a_tenant_is_told_what_to_set(app):
    told = refusal(app, "select queue.ingest_video('/a.mp4')")
    assert told.sqlstate == "RQ004" and told.message_primary.startswith("reelq.tenant_id must be set") and "set_config" in told.message_hint


ENQUEUES = [
    "select queue.enqueue_job('no_op', job_data => '{}')", """select queue.enqueue_jobs('[{"job_type": "no_op"}]')""",
    """select queue.enqueue_jobs('[{"job_type": "no_op"}, {"job_type": "no_op", "limits": ["a"]}]')""",
    "insert into queue.processing_jobs (job_type, tenant_id) values ('no_op', base.current_tenant())",
    "select queue.enqueue_pipeline('standard', '{video}')", "select queue.ingest_video('/a.mp4')",
]  # fmt: skip


def acting(company, connect, key, user=None):
    """An application to which a key's caller has come."""
    session = company.server()
    session.value("select set_config('reelq.api_key_id', %s, false)", str(key.id))
    session.value("select set_config('reelq.user_id', %s, false)", str(user or ""))
    return session


@pytest.mark.parametrize("statement", ENQUEUES)
def test_a_key_without_write_enqueues_nothing(queue, acme, connect, statement):
    statement = statement.replace("{video}", str(acme.tenant.video))
    for user in (None, acme.users["admin"]):
        for scope in ("read", "delete"):
            told = refusal(acting(acme, connect, made(queue, f"{scope} {user}", None if user else "acme", user, p_scopes=[scope]), user), statement)
            assert told[:2] == ("RQ016", f"the key must have the scope write, and has {scope}")
    assert queue.value("select count(*) from queue.processing_jobs") == 0
    for user in (None, acme.users["admin"]):
        acting(acme, connect, made(queue, f"write {user}", None if user else "acme", user, p_scopes=["write"]), user).conn.execute(statement)


@pytest.mark.parametrize("call", ["create_key('x')", "revoke_key('{key}')", "rotate_key('{key}')", "set_tenant_config(null, '{{}}')"])
def test_a_key_is_told_of_its_scope_and_nobody_of_a_role(queue, acme, connect, call):
    other = made(queue, "other")
    for user in (None, acme.users["admin"], acme.users["member"]):
        key = made(queue, f"write {user}", None if user else "acme", user, p_scopes=["write"])
        mine = made(queue, f"mine {user}", None, user) if user else other
        told = refusal(acting(acme, connect, key, user), f"select identity.{call.format(key=mine.id)}")
        assert told[:2] == ("RQ016", "the key must have the scope admin, and has write")
        read = made(queue, f"read {user}", None if user else "acme", user, p_scopes=["read"])
        told = refusal(acting(acme, connect, read, user), f"select identity.{call.format(key=mine.id)}")
        assert told[:2] == ("RQ016", "the key must have the scope admin, and has read")


def test_a_session_without_a_key_has_all_scopes_and_nonsense_or_a_foreign_key_none(queue, acme, connect):
    Company(queue, connect, "beta")
    session = acme.server()
    session.value("select identity.check_scope('admin')")
    foreign = made(queue, tenant="beta", p_scopes=["admin"])
    for key in ("nonsense", NOBODY, str(foreign.id)):
        session.value("select set_config('reelq.api_key_id', %s, false)", key)
        assert code(session, "select identity.check_scope('read')") == "RQ016"
        assert code(session, CREATE, "x", None, None) == "RQ016"
    for word in ("root", None):
        assert refusal(acme.server(), "select identity.check_scope(%s)", word).sqlstate == "RQ008"


def test_a_key_of_admin_alone_makes_keys(queue, acme, app):
    keys = {scope: made(queue, scope, p_scopes=[scope]) for scope in ("write", "admin")}
    with app.transaction():
        app.rows(LOOK, keys["admin"].key)
        (new,) = app.rows(CREATE, "by key", None, None)
        assert app.value("select created_by from identity.show_key(%s)", new.id) == f"key:{keys['admin'].id}"
        app.value("select identity.revoke_key(%s)", new.id)
    for statement, args in ((CREATE, ("again", None, None)), ("select identity.revoke_key(%s)", (keys["admin"].id,)), ("select identity.rotate_key(%s)", (keys["write"].id,))):
        with pytest.raises(psycopg.Error) as caught, app.transaction():
            app.rows(LOOK, keys["write"].key)
            app.rows(statement, *args)
        assert caught.value.sqlstate == "RQ016"


# Made, listed, revoked, rotated


@pytest.mark.parametrize(
    ("named", "value"),
    [("p_name", ""), ("p_name", "  "), ("p_name", None), ("p_name", "x" * 101), ("p_name", "a\nb"), ("p_scopes", []), ("p_scopes", ["root"]), ("p_scopes", None), ("p_scopes", ["read", None]),
     ("p_hourly_limit", 0), ("p_hourly_limit", -1), ("p_expires_at", "2001-01-01"), ("p_expires_at", "infinity")],
)  # fmt: skip
def test_what_a_key_cannot_be_is_refused(queue, acme, named, value):
    cast = {"p_scopes": "::text[]", "p_expires_at": "::timestamptz"}.get(named, "")
    first = "p_name => 'x', " if named != "p_name" else ""
    assert refusal(queue, f"select identity.create_key({first}{named} => %s{cast})", value).sqlstate == "RQ008"


def test_a_name_is_one_live_key_s_of_its_owner(queue, acme):
    ann = acme.users["member"]
    first = made(queue)
    made(queue, user=ann)
    made(queue, user=acme.users["admin"])
    for user in (None, ann):
        assert refusal(queue, CREATE, "Production", "acme", user).sqlstate == "RQ009"
    assert queue.value("select identity.revoke_key(%s)", first.id) and not queue.value("select identity.revoke_key(%s)", first.id)
    made(queue)


def test_an_owner_has_a_hundred_live_keys_at_most(queue, acme):
    queue.rows("select identity.create_key('k' || n, 'acme') from generate_series(1, 100) as n")
    diag = refusal(queue, CREATE, "one more", "acme", None)
    assert (diag.sqlstate, diag.message_primary) == ("RQ009", "an owner must have 100 live keys at most")
    made(queue, user=acme.users["member"])


def test_a_rotation_makes_no_more_good_keys_than_a_hundred(queue, acme):
    """The old one counts as long as it is good; without a grace a key is rotated at any number."""
    last = made(queue).id
    queue.rows("select identity.create_key('k' || n, 'acme') from generate_series(1, 98) as n")
    last = queue.value("select id from identity.rotate_key(%s)", last)
    assert refusal(queue, "select * from identity.rotate_key(%s)", last).sqlstate == "RQ009"
    queue.value("select id from identity.rotate_key(%s, '0')", last)
    assert queue.value("select count(*) from identity.api_keys where revoked_at is null and coalesce(expires_at > base.clock(), true)") == 100


def test_no_key_is_made_for_a_tenant_that_is_suspended(queue, acme):
    queue.value("select identity.set_tenant_status('acme', 'suspended')")
    assert refusal(queue, CREATE, "x", "acme", None).sqlstate == "RQ012"


def test_a_rotated_key_is_good_for_its_grace(queue, acme, app, clock):
    start = clock.set("2026-11-27 10:00+00")
    old = made(queue, user=acme.users["member"], p_scopes=["read"], p_hourly_limit=5, p_expires_at=start + timedelta(days=9))
    (new,) = queue.rows("select * from identity.rotate_key(%s, '1 hour')", old.id)
    assert new.old_expires_at == start + timedelta(hours=1)
    first, second = shown(queue, old.id), shown(queue, new.id)
    assert (first.state, first.replaced_by, second.state) == ("replaced", new.id, "active")
    same = ("name", "user_id", "scopes", "hourly_limit")
    assert [getattr(first, name) for name in same] == [getattr(second, name) for name in same] and second.expires_at == start + timedelta(days=9)
    for key in (old, new):
        app.rows(LOOK, key.key)
    assert refusal(queue, "select identity.rotate_key(%s)", old.id).sqlstate == "RQ009"
    clock.set(start + timedelta(hours=1))
    assert code(app, LOOK, old.key) == "RQ014" and code(app, LOOK, new.key) is None
    (last,) = queue.rows("select * from identity.rotate_key(%s, '0')", new.id)
    assert code(app, LOOK, new.key) == "RQ014" and code(app, LOOK, last.key) is None
    queue.value("select identity.revoke_key(%s)", last.id)
    assert refusal(queue, "select identity.rotate_key(%s)", last.id).sqlstate == "RQ009"
    for grace in ("-1 second", "31 days", None):
        assert refusal(queue, "select identity.rotate_key(%s, %s)", last.id, grace).sqlstate == "RQ008"


def test_of_two_who_rotate_it_at_once_one_does(queue, connect, acme):
    key = made(queue)
    with queue.transaction():
        queue.rows("select * from identity.rotate_key(%s)", key.id)
        race = Race(Queue(connect()), lambda q: q.rows("select * from identity.rotate_key(%s)", key.id)).start_and_wait_until_blocked(Queue(connect()))
    with pytest.raises(psycopg.Error) as caught:
        race.finish()
    assert caught.value.sqlstate == "RQ009"


def test_lists_are_newest_first_by_pages_and_without_what_is_over(queue, acme):
    keys = [made(queue, f"k{n}") for n in range(5)]
    queue.value("select identity.revoke_key(%s)", keys[4].id)
    names = lambda *args: [row.name for row in queue.rows("select name from identity.list_keys(%s, null, %s, %s, %s)", *args)]  # noqa: E731
    assert names("acme", False, 100, None) == ["k3", "k2", "k1", "k0"]
    assert names("acme", True, 2, None) == ["k4", "k3"]
    assert names(None, True, 2, keys[3].id) == ["k2", "k1"]
    for limit in (0, 1001, None):
        assert refusal(queue, "select identity.list_keys(p_limit => %s)", limit).sqlstate == "RQ008"


def test_each_role_of_the_tenant_sees_and_makes_what_is_theirs(queue, acme, connect):
    keys = {member: made(queue, member, user=user) for member, user in acme.users.items()} | {None: made(queue, "tenant")}
    listed = "select name from identity.list_keys(p_user_id => %s)"
    for session, seen in (
        (acme.server(), {"admin", "member", "viewer", "tenant"}), (acme.user("admin"), {"admin", "member", "viewer", "tenant"}),
        (acme.user("member"), {"member"}), (acme.user("viewer"), {"viewer"}), (acme.server("reelq_readonly"), {"admin", "member", "viewer", "tenant"}),
    ):  # fmt: skip
        assert {row.name for row in session.rows(listed, None)} == seen
        assert {row.name for row in session.rows("select name from identity.api_keys")} == seen
        for member, key in keys.items():
            told = code(session, "select * from identity.show_key(%s)", key.id)
            assert told == (None if (member or "tenant") in seen else "RQ004")
    member, viewer = acme.user("member"), acme.user("viewer")
    assert member.rows(listed, acme.users["admin"]) == []
    assert member.rows(CREATE, "mine", None, acme.users["member"])[0].prefix
    assert [code(member, CREATE, "x", None, user) for user in (None, acme.users["admin"], NOBODY)] == ["RQ016", "RQ004", "RQ004"]
    assert code(viewer, CREATE, "x", None, acme.users["viewer"]) == "RQ016"
    assert code(viewer, "select identity.revoke_key(%s)", keys["viewer"].id) == "RQ016"
    for name in ("revoke_key", "rotate_key", "show_key"):
        for key in (keys[None].id, keys["admin"].id, NOBODY, None):
            assert code(member, f"select identity.{name}(%s)", key) == "RQ004", name
    assert acme.user("admin").value("select identity.revoke_key(%s)", keys["member"].id)
    assert code(acme.server("reelq_readonly"), CREATE, "x", None, None) == "42501"


def test_another_tenant_s_key_is_answered_like_one_that_is_not_there(queue, acme, connect):
    beta = Company(queue, connect, "beta").server()
    key = made(queue)
    for name in ("revoke_key", "rotate_key", "show_key"):
        told = {refusal(beta, f"select identity.{name}(%s)", one).message_primary.replace(str(one), "ID") for one in (key.id, NOBODY)}
        assert told == {"no key ID"}
    assert beta.rows("select * from identity.list_keys()") == [] and beta.value("select count(*) from identity.api_keys") == 0
    for tenant in ("acme", str(acme.id), "nope"):
        assert code(beta, "select * from identity.list_keys(%s)", tenant) == "RQ004"
        assert code(beta, CREATE, "x", tenant, None) == "RQ004"
    assert code(beta, CREATE, "x", None, acme.users["member"]) == "RQ004"
    nobody = Queue(open_as(connect, "reelq_app"))
    assert code(nobody, "select * from identity.list_keys()") == "42501"
    assert code(nobody, CREATE, "x", "acme", None) == "RQ004"


def forget_bytes(queue: Queue) -> None:
    """A tenant's row goes after its objects."""
    for statement in ("update media.assets set object_id = null", "delete from media.variants", "delete from media.objects"):
        queue.conn.execute(statement)


def test_keys_go_with_their_user_and_tenant(queue, acme, app):
    key, other = made(queue), made(queue, user=acme.users["member"])
    for one in (key, other):
        app.rows(LOOK, one.key)
    queue.conn.execute("delete from identity.users where id = %s", [acme.users["member"]])
    assert queue.value("select count(*) from identity.api_keys") == 1
    forget_bytes(queue)
    queue.conn.execute("delete from identity.tenants where id = %s", [acme.id])
    assert queue.value("select (select count(*) from identity.api_key_uses) + (select count(*) from identity.api_key_last_uses)") == 0


def test_many_at_once_are_counted_each(queue, acme, connect):
    key = made(queue, p_hourly_limit=1000)
    sessions = [Queue(open_as(connect, "reelq_app")) for _ in range(8)]

    def use(session: Queue) -> None:
        for _ in range(25):
            session.rows(LOOK, key.key)

    threads = [threading.Thread(target=use, args=(session,)) for session in sessions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert shown(queue, key.id).used_this_hour == 200


@pytest.mark.parametrize("whose", ["users", "tenants"])
def test_who_authenticates_and_ingests_beside_the_delete_of_the_owner_is_no_deadlock(queue, acme, connect, whose):
    owner = acme.users["member"] if whose == "users" else acme.id
    forget_bytes(queue)
    key = made(queue, user=acme.users["member"])
    session = Queue(open_as(connect, "reelq_app"))

    def delete(other: Queue) -> None:
        other.conn.execute(f"delete from identity.{whose} where id = %s".encode(), [owner])

    with session.transaction():
        session.rows(LOOK, key.key)
        race = Race(Queue(connect()), delete).start_and_wait_until_blocked(Queue(connect()))
        session.value("select queue.ingest_video('/a.mp4')")
    race.finish()


def test_a_pinned_tenant_takes_its_own_keys_only(queue, acme, connect):
    beta = Company(queue, connect, "beta")
    key = queue.value("select key from identity.create_key('mine', %s)", acme.tenant.slug)
    for given, expected in ((beta.id, "RQ014"), ("acme", "RQ014"), (acme.id, None), ("", None)):
        app = beta.server()
        app.value("select set_config('reelq.tenant_id', %s, false)", str(given))
        assert code(app, "select * from identity.authenticate(%s)", key) == expected, given
