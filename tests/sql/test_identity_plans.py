"""What log-ins, checks of sessions, lists and the upkeep of them touch, with twenty thousand accounts in the way.

Counts, not times, and the planner knows the tables as empty, and then as they are.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from reelq.worker.rooms.identity import sessions
from tests.conftest import Clock, Connect
from tests.sql.identitykit import HASH, add_user
from tests.sql.mediakit import Conn, scalar
from tests.sql.plankit import Explained, in_bulk

MANY = 4_000
TABLES = ("users", "user_sessions", "session_last_uses", "one_time_tokens", "login_attempts", "recovery_codes", "tenants")
PAGE = 51  # rows of a page, and the one that it begins after
FILL = """
insert into identity.users (tenant_id, email, password_hash, role, created_at)
select (select id from identity.tenants where slug = 'default'), 'u' || n || '@example.com', %(hash)s, 'member', base.clock() - n * interval '1 second'
from generate_series(1, %(many)s) as n;
insert into identity.user_sessions (tenant_id, user_id, token_hash, expires_at, created_at)
select tenant_id, id, sha256(uuid_send(id)), base.clock() + interval '30 days', created_at from identity.users;
insert into identity.session_last_uses (session_id, used_at) select id, created_at from identity.user_sessions;
insert into identity.one_time_tokens (tenant_id, user_id, purpose, token_hash, email, expires_at)
select tenant_id, id, 'invitation', sha256(uuid_send(id)), email, base.clock() + interval '30 days' from identity.users;
insert into identity.login_attempts (user_id, admitted) select id, true from identity.users cross join generate_series(1, 5);
"""


@pytest.fixture
def tenant(conn: Conn) -> UUID:
    """The tenant of all of them."""
    conn.execute("analyze identity.users, identity.user_sessions, identity.session_last_uses, identity.one_time_tokens, identity.login_attempts")
    with in_bulk(conn):
        for statement in FILL.split(";\n")[:-1]:
            conn.execute(statement.encode(), {"hash": HASH, "many": MANY})
    found: UUID = scalar(conn, "select id from identity.tenants where slug = 'default'")
    return found


@pytest.mark.parametrize("known", [False, True], ids=["as_empty", "as_it_is"])
def test_a_call_reads_what_it_is_about(connect: Connect, conn: Conn, tenant: UUID, clock: Clock, known: bool) -> None:
    admin, ann = add_user(conn, "root@example.com", "admin"), add_user(conn)
    token = sessions.open_session(conn, ann).token
    kept = scalar(conn, "select token from identity.request_reset('ann@example.com')")
    if known:
        conn.execute("analyze identity.users, identity.user_sessions, identity.session_last_uses, identity.one_time_tokens, identity.login_attempts")
    clock.forward(timedelta(seconds=61))
    calls: list[tuple[str, list[Any]]] = [
        ("select * from identity.begin_login('ann@example.com')", []),
        ("select * from identity.begin_login('nobody@example.com')", []),
        ("select identity.give_proof(%s, '')", [attempt := scalar(conn, "select attempt from identity.begin_login('ann@example.com')")]),
        ("select * from identity.finish_login(%s)", [attempt]),
        ("select * from identity.check_session(%s)", [token]),
        ("select * from identity.list_sessions(%s)", [ann]),
        ("select * from identity.list_sessions()", []),
        ("select * from identity.list_users()", []),
        ("select * from identity.list_users(p_after => %s)", [scalar(conn, "select id from identity.list_users(p_limit => 500) order by created_at limit 1")]),
        ("select * from identity.show_user(%s)", [ann]),
        ("select identity.set_user_role(%s, 'viewer')", [ann]),
        ("select identity.set_user_status(%s, 'suspended')", [ann]),
        ("select identity.revoke_sessions(%s)", [ann]),
        ("select * from identity.request_reset('ann@example.com')", []),
        ("select * from identity.show_token(%s)", [kept]),
        ("select identity.use_password_token(%s, '" + HASH + "')", [kept]),
        ("select identity.remove_ended(20)", []),
    ]
    told = []
    for acting in ("", str(tenant)):
        for query, args in calls:
            own = connect()
            explained = Explained(own)
            if acting and "remove_ended" not in query:
                own.execute("select set_config('reelq.tenant_id', %s, false)", [acting])
            with psycopg.Connection.transaction(own, force_rollback=True):
                call = explained.call(query, *args)
            told += [f"{query}: {touch}" for table in TABLES for touch in call.of(table) if touch.rows > PAGE]
            own.close()
    assert not told, "\n".join(told)
    # The tenant's admins are found by an index of theirs.
    own = connect()
    explained = Explained(own)
    with own.transaction(force_rollback=True):
        own.execute("select identity.set_user_role(%s, 'admin')", [ann])
        call = explained.call("select identity.set_user_role(%s, 'member')", admin)
    assert [str(touch) for touch in call.of("users") if touch.rows > PAGE] == []
