"""Sealed columns in the database: found by the catalogue, counted and replaced by key, a bounded part at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from tests import rules
from tests.sql.mediakit import scalar
from tests.sql.plankit import Explained, in_bulk
from tests.sql.rolekit import Tenant, open_as
from tests.sql.secretkit import CHECK_VALUE, add_users, key_ids, shaped

Conn = psycopg.Connection[Any]
Connect = Callable[..., Conn]
COLUMN = ("identity.users", "two_factor_secret")
CALLS = (
    ("select * from ops.list_used_secret_keys()", ()),
    ("select * from ops.count_sealed_rows('identity.users', 'two_factor_secret', 'k1')", ()),
    ("select * from ops.list_sealed_rows('identity.users', 'two_factor_secret', 'k1')", ()),
    ("select ops.replace_sealed_rows('identity.users', 'two_factor_secret', array['00000000-0000-0000-0000-000000000000'], array[%s], array[%s])", (shaped("k1"), shaped("k1"))),
    ("select ops.set_current_secret_key('k9', '0123456789abcdef', 'k1')", ()),
    ("select ops.forget_secret_key('k9')", ()),
)


def make_current(conn: Conn, key_id: str, instead_of: str | None = None) -> None:
    conn.execute("select ops.set_current_secret_key(%s, %s, %s)", [key_id, CHECK_VALUE, instead_of])


def replace(conn: Conn, ids: list[Any], old: list[bytes], new: list[bytes]) -> int:
    count: int = scalar(conn, "select ops.replace_sealed_rows(%s, %s, %s, %s, %s)", *COLUMN, [str(one) for one in ids], old, new)
    return count


def refused(conn: Conn, code: str, statement: str, *args: Any) -> str:
    with pytest.raises(psycopg.Error) as error:
        conn.execute(statement.encode(), args)
    assert error.value.sqlstate == code, str(error.value)
    assert error.value.diag.message_hint
    return str(error.value.diag.message_primary)


def test_a_column_is_found_by_its_check_alone(conn: Conn) -> None:
    """Also in a table that is made later, and one by another type of key; not in a partition, nor what has another check."""
    conn.execute(
        "create table media.test_channels (number bigint primary key, token bytea constraint token_is_sealed check (base.is_envelope(token)),"
        " other bytea constraint other_is_short check (octet_length(other) < 9))"
    )
    assert conn.execute("select * from ops.list_sealed_columns()").fetchall() == [
        ("identity.users", "two_factor_secret", "id", "uuid"),
        ("media.test_channels", "token", "number", "bigint"),
        ("ops.system_config", "sealed_value", "key", "text"),
        ("ops.webhook_secrets", "secret", "id", "uuid"),
    ]
    conn.execute("create index on media.test_channels (base.envelope_key(token), number) where token is not null")
    conn.execute("insert into media.test_channels (number, token) select n, %s from generate_series(1, 3) as n", [shaped("k1")])
    make_current(conn, "k2")
    assert conn.execute("select row_id from ops.list_sealed_rows('media.test_channels', 'token', 'k1', '1')").fetchall() == [("2",), ("3",)]
    assert scalar(conn, "select ops.replace_sealed_rows('media.test_channels', 'token', '{2}', array[%s], array[%s])", shaped("k1"), shaped("k2")) == 1
    assert conn.execute("select * from ops.list_used_secret_keys()").fetchall() == [("media.test_channels", "token", "k1"), ("media.test_channels", "token", "k2")]


def test_a_sealed_column_that_rotation_could_not_work_on_is_told(conn: Conn) -> None:
    """By the rules that every installation is asked: no index by the key, a primary key of two columns, a comment that does not say it."""
    conn.execute(
        "create table media.test_channels (a int, b int, token bytea constraint token_is_sealed check (base.is_envelope(token)), primary key (a, b));"
        " create index on media.test_channels (base.envelope_key(token), a) where token is not null; comment on column media.test_channels.token is '[secret]'"
    )
    said = "says that it is secret: not media.test_channels.token"
    assert said in "\n".join(rules.broken(conn)), "two columns"
    conn.execute("alter table media.test_channels drop constraint test_channels_pkey, add primary key (a)")
    assert said not in "\n".join(rules.broken(conn))
    conn.execute("comment on column media.test_channels.token is '[internal]'")
    assert said in "\n".join(rules.broken(conn)), "its class"
    conn.execute("comment on column media.test_channels.token is '[secret]'; drop index media.test_channels_envelope_key_a_idx")
    assert said in "\n".join(rules.broken(conn)), "no index"


def test_the_key_of_an_envelope_is_told_whatever_it_is(conn: Conn) -> None:
    assert [scalar(conn, "select base.envelope_key(%s)", one) for one in (shaped("k1"), b"\x01\x01\xff" + b"x" * 40, None)] == ["k1", "\\377", None]


def test_rows_are_counted_and_listed_a_part_at_a_time(conn: Conn) -> None:
    add_users(conn, 25, shaped("k1"), "a")
    add_users(conn, 7, shaped("k2"), "b")
    add_users(conn, 3, None, "c")
    found, reached = [], None
    while True:
        count, reached = conn.execute("select * from ops.count_sealed_rows(%s, %s, 'k1', %s, 10)", [*COLUMN, reached]).fetchone() or (0, None)
        found.append(count)
        if reached is None:
            break
    assert found == [10, 10, 5]
    first = conn.execute("select row_id from ops.list_sealed_rows(%s, %s, 'k2', null, 5)", COLUMN).fetchall()
    second = conn.execute("select row_id from ops.list_sealed_rows(%s, %s, 'k2', %s, 5)", [*COLUMN, first[-1][0]]).fetchall()
    assert (len(first), len(second)) == (5, 2) and sorted(first + second) == first + second
    assert conn.execute("select * from ops.list_used_secret_keys()").fetchall() == [(*COLUMN, "k1"), (*COLUMN, "k2")]
    assert conn.execute("select * from ops.count_sealed_rows(%s, %s, 'k3')", COLUMN).fetchall() == [(0, None)]


def test_only_what_is_still_there_is_replaced(conn: Conn) -> None:
    make_current(conn, "k2")
    same, changed, gone = add_users(conn, 3, shaped("k1"))
    conn.execute("update identity.users set two_factor_secret = %s where id = %s", [shaped("k1", "newer"), changed])
    conn.execute("delete from identity.users where id = %s", [gone])
    assert replace(conn, [same, changed, gone], [shaped("k1")] * 3, [shaped("k2")] * 3) == 1
    assert conn.execute("select two_factor_secret from identity.users order by id").fetchall() == [(shaped("k2"),), (shaped("k1", "newer"),)]
    assert replace(conn, [same], [shaped("k1")], [shaped("k2")]) == 0


def test_a_secret_that_changes_while_it_is_sealed_anew_is_not_overwritten(connect: Connect) -> None:
    """The other's transaction holds the row: it is left out at once, and seen as it has become in the next round."""
    ours, theirs = connect(), connect()
    make_current(ours, "k2")
    held, free = add_users(ours, 2, shaped("k1"))
    with theirs.transaction():
        theirs.execute("update identity.users set two_factor_secret = %s where id = %s", [shaped("k1", "newer"), held])
        ours.execute("set lock_timeout = '1ms'")
        assert replace(ours, [held, free], [shaped("k1")] * 2, [shaped("k2")] * 2) == 1
    assert replace(ours, [held], [shaped("k1")], [shaped("k2")]) == 0
    assert key_ids(ours) == {"k1": 1, "k2": 1}


def test_two_rotations_of_the_same_rows_wait_for_nobody(connect: Connect) -> None:
    one, other = connect(), connect()
    make_current(one, "k2")
    ids = add_users(one, 5, shaped("k1"))
    with one.transaction():
        assert replace(one, ids, [shaped("k1")] * 5, [shaped("k2", "one")] * 5) == 5
        other.execute("set lock_timeout = '1ms'")
        assert replace(other, ids, [shaped("k1")] * 5, [shaped("k2", "other")] * 5) == 0
    assert replace(other, ids, [shaped("k1")] * 5, [shaped("k2", "other")] * 5) == 0
    assert conn_texts(one) == {shaped("k2", "one")}


def conn_texts(conn: Conn) -> set[bytes]:
    return {row[0] for row in conn.execute("select two_factor_secret from identity.users")}


def test_rows_are_never_sealed_back_under_an_older_key(conn: Conn) -> None:
    """A rotation that began before another one ended is told, and changes nothing."""
    make_current(conn, "k1")
    make_current(conn, "k2", "k1")
    (user,) = add_users(conn, 1, shaped("k2"))
    told = refused(conn, "RQ017", "select ops.replace_sealed_rows(%s, %s, %s, %s, %s)", *COLUMN, [str(user)], [shaped("k2")], [shaped("k1")])
    assert told == "secrets are sealed anew under the current key only, which is k2"
    assert key_ids(conn) == {"k2": 1}


@pytest.mark.parametrize(
    ("ids", "old", "new"),
    [
        ([], [], []),
        (["00000000-0000-0000-0000-000000000000"], [], [shaped("k1")]),
        (["00000000-0000-0000-0000-000000000000"], [shaped("k1")], [shaped("k1"), shaped("k1")]),
        (["00000000-0000-0000-0000-000000000000"], [shaped("k1")], [b"plain text of a secret, long enough"]),
        (["00000000-0000-0000-0000-000000000000"], [shaped("k1")], [None]),
        (None, None, None),
        (["00000000-0000-0000-0000-000000000000"] * 1001, [shaped("k1")] * 1001, [shaped("k1")] * 1001),
    ],
)
def test_what_is_no_batch_is_refused(conn: Conn, ids: Any, old: Any, new: Any) -> None:
    make_current(conn, "k1")
    refused(conn, "RQ008", "select ops.replace_sealed_rows(%s, %s, %s::text[], %s::bytea[], %s::bytea[])", *COLUMN, ids, old, new)


def test_no_other_table_can_be_read_or_changed_by_its_name(conn: Conn) -> None:
    for table, column in (("identity.users", "email"), ("ops.secret_keys", "key_id"), ("pg_authid", "rolpassword"), ("identity.users; drop table x", "y"), (None, None)):
        for call in ("count_sealed_rows(%s, %s, 'k1')", "list_sealed_rows(%s, %s, 'k1')"):
            assert refused(conn, "RQ004", f"select * from ops.{call}", table, column).startswith("no sealed column")
        refused(conn, "RQ004", "select ops.replace_sealed_rows(%s, %s, '{1}', array[%s], array[%s])", table, column, shaped("k1"), shaped("k1"))
    for limit in (0, -1, 100_000, None):
        for name in ("count", "list"):
            refused(conn, "RQ008", f"select * from ops.{name}_sealed_rows('identity.users', 'two_factor_secret', 'k1', null, %s)", limit)


def test_one_host_makes_its_key_current_and_the_other_is_told(connect: Connect) -> None:
    one, other = connect(), connect()
    make_current(one, "k1")
    make_current(other, "k1")  # the same again changes nothing
    make_current(other, "k1", "whatever")
    make_current(one, "k2", "k1")
    assert refused(other, "RQ017", "select ops.set_current_secret_key('k3', '0123456789abcdef', 'k1')") == "the current key is k2, not k1"
    assert refused(other, "RQ017", "select ops.set_current_secret_key('k3', '0123456789abcdef', null)") == "the current key is k2, not none"
    assert "is another one than that of the host" in refused(other, "RQ017", "select ops.set_current_secret_key('k1', 'fedcba9876543210', 'k2')")
    assert one.execute("select key_id, is_current from ops.list_secret_keys()").fetchall() == [("k1", False), ("k2", True)]
    make_current(one, "k1", "k2")
    assert one.execute("select key_id, is_current from ops.list_secret_keys()").fetchall() == [("k1", True), ("k2", False)]


@pytest.mark.parametrize(("key_id", "check"), [("", CHECK_VALUE), ("K1", CHECK_VALUE), ("k" * 64, CHECK_VALUE), ("k1", "secret"), (None, CHECK_VALUE), ("k1", None), ("k1\n", CHECK_VALUE)])
def test_what_is_no_id_is_refused(conn: Conn, key_id: str | None, check: str | None) -> None:
    refused(conn, "RQ008", "select ops.set_current_secret_key(%s, %s, null)", key_id, check)


def test_a_key_is_not_forgotten_while_rows_use_it(conn: Conn) -> None:
    make_current(conn, "k1")
    (user,) = add_users(conn, 1, shaped("k1"))
    assert refused(conn, "RQ009", "select ops.forget_secret_key('k1')") == "key k1 is the current one"
    make_current(conn, "k2", "k1")
    assert refused(conn, "RQ009", "select ops.forget_secret_key('k1')") == "rows of identity.users.two_factor_secret are sealed under key k1"
    assert replace(conn, [user], [shaped("k1")], [shaped("k2")]) == 1
    assert [scalar(conn, "select ops.forget_secret_key(%s)", key) for key in ("k1", "k1", "k3")] == [True, False, False]


def test_health_says_what_is_under_an_older_key(conn: Conn) -> None:
    def told() -> list[tuple[Any, ...]]:
        return conn.execute("select level, detail, remedy from ops.health() where finding = 'secrets'").fetchall()

    assert told() == [("ok", "None is sealed yet.", None)]
    make_current(conn, "k1")
    (user,) = add_users(conn, 1, shaped("k1"))
    assert told() == [("ok", "All are sealed under the current key, k1.", None)]
    make_current(conn, "k2", "k1")
    assert told() == [("warn", "Rows of identity.users.two_factor_secret are sealed under key k1, not under the current one", "reelq secrets rotate")]
    replace(conn, [user], [shaped("k1")], [shaped("k2")])
    conn.execute("select ops.forget_secret_key('k1')")
    add_users(conn, 1, shaped("k1"), "restored")
    ((level, detail, remedy),) = told()
    assert (level, detail) == ("bad", "Rows of identity.users.two_factor_secret are sealed under key k1, which was removed") and "copy of the key file" in remedy


def test_nobody_but_an_operator_sees_or_changes_anything(connect: Connect, conn: Conn) -> None:
    add_users(conn, 1, shaped("k1"))
    make_current(conn, "k1")
    acme = Tenant(conn, "acme")
    for role in ("reelq_worker", "reelq_app", "reelq_readonly", "reelq_support"):
        theirs = open_as(connect, role)
        for statement, args in (*CALLS, ("select * from ops.list_sealed_columns()", ()), ("select * from ops.list_secret_keys()", ()), ("select * from ops.secret_keys", ()), ("select two_factor_secret from identity.users", ())):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                theirs.execute(statement.encode(), args)
    theirs = open_as(connect, "reelq_admin")
    assert theirs.execute("select * from ops.list_used_secret_keys()").fetchall() == [(*COLUMN, "k1")]
    assert len(theirs.execute("select * from ops.list_sealed_columns()").fetchall()) == 3
    for statement in ("select two_factor_secret from identity.users", "update ops.secret_keys set is_current = false", "delete from ops.secret_keys"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            theirs.execute(statement.encode())
    theirs = open_as(connect, "reelq_admin", acme)  # as if it were that tenant
    for statement, args in CALLS:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            theirs.execute(statement.encode(), args)
    assert theirs.execute("select * from ops.list_sealed_columns()").fetchall() + theirs.execute("select * from ops.list_secret_keys()").fetchall() == []


def test_other_isolation_levels_are_refused(connect: Connect) -> None:
    conn = connect(autocommit=False)
    conn.execute("set transaction isolation level repeatable read")
    refused(conn, "RQ002", "select ops.set_current_secret_key('k1', '0123456789abcdef', null)")


def test_no_call_reads_more_than_it_is_about(conn: Conn) -> None:
    """12,000 sealed rows and some without a secret in the way; the statistics are those of an empty table."""
    make_current(conn, "k2")
    with in_bulk(conn):
        add_users(conn, 12_000, shaped("k2"), "sealed")
        add_users(conn, 3_000, None, "none")
    old = add_users(conn, 300, shaped("k1"), "old")
    explained = Explained(conn)
    asked = explained.call("select * from ops.list_used_secret_keys()")
    assert sum(touch.rows for touch in asked.of("users")) <= 10
    rows = explained.call("select * from ops.list_sealed_rows(%s, %s, 'k1', null, 200)", *COLUMN)
    assert len(rows.rows) == 200 and {touch.index for touch in rows.of("users")} == {"users_by_secret_key"}
    assert sum(touch.rows for touch in rows.of("users")) <= 200
    middle = scalar(conn, "select id::text from identity.users where two_factor_secret is not null order by id offset 10000 limit 1")
    rows = explained.call("select * from ops.list_sealed_rows(%s, %s, 'k2', %s, 10)", *COLUMN, middle)
    assert len(rows.rows) == 10 and sum(touch.rows for touch in rows.of("users")) <= 10
    counted = explained.call("select * from ops.count_sealed_rows(%s, %s, 'k2', null, 10000)", *COLUMN)
    assert counted.rows[0].row_count == 10_000 and sum(touch.rows for touch in counted.of("users")) <= 10_000
    done = explained.call(
        "select ops.replace_sealed_rows(%s, %s, %s::text[], %s::bytea[], %s::bytea[])", *COLUMN, [str(one) for one in old[:200]], [shaped("k1")] * 200, [shaped("k2")] * 200
    )
    assert done.rows == [(200,)]
    assert max(touch.rows for touch in done.of("users")) <= 200, "\n".join(map(str, done.of("users")))
