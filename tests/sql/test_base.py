"""The room `base`: clock, ids, touch triggers, who the caller is, roles."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest

from tests.conftest import Clock, Connect
from tests.patience import QUICK_S
from tests.sql.mediakit import Conn, scalar

FUNCTIONS = Path(__file__).resolve().parents[2] / "sql" / "functions" / "base"
LONG_AGO = datetime(2001, 2, 3, tzinfo=UTC)
JUST_PUT = timedelta(seconds=5)  # between a query's answer and our own look at the clock


def test_ids_are_version_7_and_bear_the_time(conn: Conn) -> None:
    """RFC 9562: 48 bits of Unix milliseconds, version 7, variant 10."""
    made = scalar(conn, "select base.uuid_v7()")

    assert isinstance(made, UUID)
    assert (made.version, made.variant) == (7, "specified in RFC 4122")
    assert abs(datetime.fromtimestamp((made.int >> 80) / 1000, UTC) - datetime.now(UTC)) < JUST_PUT


def test_ids_sort_by_creation_within_a_millisecond(conn: Conn) -> None:
    """The 12 bits after the version hold the fraction of the millisecond."""
    ids = [row[0] for row in conn.execute("select base.uuid_v7() from generate_series(1, 3000)")]

    assert ids == sorted(ids)
    assert len(set(ids)) == len(ids)
    assert len({one.int >> 80 for one in ids}) < len(ids) / 10, "many ids share a millisecond, or this proves nothing"


def test_ids_of_one_session_are_in_order_where_the_server_makes_them(conn: Conn) -> None:
    """Also beside whole batches, which on older servers run ahead of the clock."""
    batch = "select unnest(base.uuids_v7(500)) as id"
    one = "select base.uuid_v7() as id"
    rounds = [[row[0] for row in conn.execute(query)] for _ in range(20) for query in (one, batch, one)]

    assert all(ids == sorted(set(ids)) for ids in rounds)
    if conn.info.server_version >= 180000:
        ids = [made for made_at_once in rounds for made in made_at_once]
        assert ids == sorted(set(ids))


def test_the_fraction_in_an_id_is_below_a_millisecond(conn: Conn) -> None:
    """Read back, milliseconds and fraction give the microsecond of the clock."""
    ((before, made, after),) = conn.execute(
        "select date_part('epoch', clock_timestamp()), base.uuid_v7(), date_part('epoch', clock_timestamp())"
    ).fetchall()

    told = ((made.int >> 80) + ((made.int >> 64) & 0xFFF) / 4096) / 1000
    assert before - 2e-6 <= told <= after + 2e-6


def test_ids_keep_real_time_when_the_clock_is_moved(conn: Conn, clock: Clock) -> None:
    """An id is made once, whatever time a test plays."""
    clock.set(LONG_AGO)
    made = scalar(conn, "select base.uuid_v7()")

    assert datetime.fromtimestamp((made.int >> 80) / 1000, UTC).year > LONG_AGO.year


def test_the_clock_moves_inside_a_transaction(connect: Connect) -> None:
    """Leases are measured in real time, not from the start of the transaction."""
    with connect(autocommit=False) as conn:
        conn.execute((FUNCTIONS / "clock.sql").read_text())
        first, second = (scalar(conn, "select base.clock()") for _ in range(2))
        conn.rollback()

    assert first < second


def test_touch_triggers_tell_a_change_from_a_change_of_status(conn: Conn, clock: Clock) -> None:
    """updated_at follows every change, status_changed_at only that of the status."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    times = "select updated_at, status_changed_at from identity.tenants where slug = 'acme'"
    clock.set(start)
    conn.execute("insert into identity.tenants (slug, name) values ('acme', 'Acme')")

    clock.forward(60)
    conn.execute("update identity.tenants set name = 'ACME' where slug = 'acme'")
    assert conn.execute(times).fetchone() == (start + timedelta(seconds=60), start)

    clock.forward(60)
    conn.execute("update identity.tenants set status = 'suspended' where slug = 'acme'")
    assert conn.execute(times).fetchone() == (start + timedelta(seconds=120), start + timedelta(seconds=120))

    clock.forward(60)
    conn.execute("update identity.tenants set status = 'suspended', name = 'ACME' where slug = 'acme'")
    assert conn.execute(times).fetchone() == (start + timedelta(seconds=120), start + timedelta(seconds=120))


def test_no_setting_means_no_tenant(conn: Conn) -> None:
    """Missing and empty are the same: nobody."""
    assert scalar(conn, "select base.current_tenant()") is None
    conn.execute("set reelq.tenant_id = ''")
    assert scalar(conn, "select base.current_tenant()") is None


def test_the_tenant_is_the_setting(conn: Conn) -> None:
    """set_config and set local both work; the transaction's end forgets it."""
    tenant = UUID("01a1fe1c-d67c-7c31-9ae6-8575c8606d5a")
    with conn.transaction():
        conn.execute("select set_config('reelq.tenant_id', %s, true)", [str(tenant)])
        assert scalar(conn, "select base.current_tenant()") == tenant
    assert scalar(conn, "select base.current_tenant()") is None


@pytest.mark.parametrize("wrong", ["acme", "' or true --", "01a1fe1c", "01a1fe1c-d67c-7c31-9ae6-8575c8606d5a0"])
def test_a_tenant_that_is_no_uuid_is_refused(conn: Conn, wrong: str) -> None:
    """Not read as "no tenant": the mistake is told."""
    conn.execute("select set_config('reelq.tenant_id', %s, false)", [wrong])
    with pytest.raises(psycopg.Error) as refused:
        conn.execute("select base.current_tenant()")
    assert refused.value.sqlstate == "RQ008"
    assert "set_config" in (refused.value.diag.message_hint or "")


@pytest.mark.parametrize("level", ["repeatable read", "serializable"])
def test_a_snapshot_is_refused(connect: Connect, level: str) -> None:
    """RQ002, and the hint says how to begin."""
    conn = connect(autocommit=False)
    conn.execute(f"set transaction isolation level {level}")
    with pytest.raises(psycopg.Error) as refused:
        conn.execute("select base.check_read_committed()")
    assert refused.value.sqlstate == "RQ002"
    assert "read committed" in (refused.value.diag.message_hint or "")


@pytest.mark.parametrize("level", ["read committed", "read uncommitted"])
def test_read_committed_is_accepted(connect: Connect, level: str) -> None:
    """Postgres runs the second as the first."""
    conn = connect(autocommit=False)
    conn.execute(f"set transaction isolation level {level}")
    conn.execute("select base.check_read_committed()")


def test_an_envelope_has_version_key_nonce_text_and_tag(conn: Conn) -> None:
    """Plain text, another version, no key id and a missing tag are refused."""
    nonce, text, tag = b"n" * 12, b"x", b"t" * 16
    good = b"\x01\x02k1" + nonce + text + tag
    wrong = [
        b"",
        b"plain text that is long enough to be one",
        b"\x02" + good[1:],
        b"\x01\x00" + nonce + text + tag + b"22",
        good[:-1],
        b"\x01\x02k\n" + good[4:],  # a key id that would break a line
        b"\x01\x02k\xff" + good[4:],
        b"\x01\x02k/" + good[4:],
    ]

    assert scalar(conn, "select base.is_envelope(%s::bytea)", good) is True
    letters = b"ABCXYZabcxyz0189._-"
    assert scalar(conn, "select base.is_envelope(%s::bytea)", bytes((1, len(letters))) + letters + nonce + text + tag) is True
    assert [scalar(conn, "select base.is_envelope(%s::bytea)", one) for one in wrong] == [False] * len(wrong)
    assert scalar(conn, "select base.is_envelope(null)") is None


def test_the_roles_cannot_log_in_or_pass_by_policies(conn: Conn) -> None:
    """Not superuser, no bypass of row policies, no log-in."""
    roles = conn.execute("select rolname, rolcanlogin, rolsuper, rolbypassrls from pg_roles order by 1").fetchall()
    names = ("reelq_admin", "reelq_app", "reelq_readonly", "reelq_support", "reelq_worker")
    assert [role for role in roles if role[0] in names] == [(name, False, False, False) for name in names]


def test_missing_roles_and_no_right_to_create_them_is_told(connect: Connect) -> None:
    """A managed Postgres may give no CREATEROLE: the hint is the statement for whoever has it."""
    conn = connect(autocommit=False)
    conn.execute("alter role reelq_worker rename to reelq_worker_away")
    conn.execute("create role plain nologin")
    conn.execute("grant usage on schema base to plain")
    conn.execute("grant execute on function base.ensure_roles() to plain")
    conn.execute("set local role plain")
    with pytest.raises(psycopg.errors.InsufficientPrivilege) as refused:
        conn.execute("select base.ensure_roles()")
    assert "create role reelq_worker nologin" in (refused.value.diag.message_hint or "")
    conn.rollback()


def test_two_installations_may_create_the_roles_at_once(connect: Connect) -> None:
    """The loser waits for the winner's commit and goes on: the role is there."""
    admin, winner, loser = connect(), connect(autocommit=False), connect()
    admin.execute("alter role reelq_readonly rename to reelq_readonly_away")
    try:
        winner.execute("select base.ensure_roles()")
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(loser.execute, "select base.ensure_roles()")
            until_blocked(admin, loser.info.backend_pid)
            winner.commit()
            waiting.result(timeout=QUICK_S)
        assert scalar(loser, "select to_regrole('reelq_readonly') is not null")
    finally:
        winner.rollback()
        admin.execute("drop role if exists reelq_readonly")
        admin.execute("alter role reelq_readonly_away rename to reelq_readonly")


def until_blocked(conn: Conn, pid: int) -> None:
    """Return when that backend waits for a lock; fail after 10 seconds."""
    until = time.monotonic() + QUICK_S
    while not scalar(conn, "select cardinality(pg_blocking_pids(%s)) > 0", pid):
        assert time.monotonic() < until, "the other session never waited"


def test_a_tenant_table_is_protected_again_and_again(conn: Conn) -> None:
    """Its two policies are put back as they were, a third one stays; the owner may have a name that needs quotes."""
    policies = "select polname::text, polcmd::text, pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid), polroles::regrole[]::text[] from pg_policy where polrelid = 'media.videos'::regclass order by 1"
    before = conn.execute(policies).fetchall()
    conn.execute("create policy more on media.videos as restrictive using (true)")
    conn.execute("drop policy owner_sees_all on media.videos; alter policy tenant_sees_its_own on media.videos using (true)")
    conn.execute("alter table media.videos no force row level security; alter table media.videos disable row level security")
    conn.execute("select base.protect_tenant_rows('media.videos')")
    assert [row for row in conn.execute(policies).fetchall() if row[0] != "more"] == before
    on = "select relrowsecurity and relforcerowsecurity from pg_class where oid = 'media.videos'::regclass"
    assert conn.execute(on).fetchone() == (True,)
    name = f"Own-er {uuid4().hex[:6]}"
    conn.execute(f'create role "{name}"; alter table media.videos owner to "{name}"; select base.protect_tenant_rows(\'media.videos\')')
    try:
        assert [f'"{name}"'] in [row[4] for row in conn.execute(policies).fetchall()]
    finally:
        conn.execute("alter table media.videos owner to current_user; drop policy owner_sees_all on media.videos")
        conn.execute(f'drop role "{name}"')


@pytest.mark.parametrize("what", ["queue.job_types", "media.video_overview", "identity.tenants", None])
def test_only_a_table_with_a_tenant_is_protected(conn: Conn, what: str | None) -> None:
    """Not a view, and not a table without the column."""
    with pytest.raises(psycopg.Error) as caught:
        conn.execute("select base.protect_tenant_rows(%s)", [what])
    assert (caught.value.sqlstate, bool(caught.value.diag.message_hint)) == ("RQ008", True)
