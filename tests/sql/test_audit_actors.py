"""Who acts stands in the audit as far as the tenant that is named knows them: settings name anybody."""

from __future__ import annotations

import pytest

from tests.conftest import Connect
from tests.sql.accountkit import Company
from tests.sql.mediakit import Conn
from tests.sql.queuekit import Queue, Race
from tests.sql.rolekit import open_as

WHO = "select actor_kind, actor_id, user_id, api_key_id from ops.audit_logs order by id desc limit 1"


@pytest.fixture
def queue(conn: Conn) -> Queue:
    return Queue(conn)


def test_nobody_of_another_tenant_is_named_by_a_setting(queue: Queue, connect: Connect) -> None:
    acme, evil = Company(queue, connect, "acme"), Company(queue, connect, "evil")
    key = queue.value("select id from identity.create_key('Secret plans', 'evil')")
    queue.value("select set_config('reelq.user_id', %s, false), set_config('reelq.tenant_id', %s, false)", str(evil.users["admin"]), str(acme.id))
    queue.value("select base.record_act('a.done', 'thing', '1')")
    assert queue.rows(WHO) == [("role", "postgres", None, None)]
    queue.value("select set_config('reelq.user_id', '', false), set_config('reelq.api_key_id', %s, false)", str(key))
    queue.value("select base.record_act('a.done', 'thing', '1')")
    assert queue.rows(WHO) == [("role", "postgres", None, None)]
    queue.value("select set_config('reelq.user_id', %s, false), set_config('reelq.api_key_id', '', false)", str(acme.users["admin"]))
    queue.value("select base.record_act('a.done', 'thing', '1')")
    assert queue.rows(WHO) == [("user", str(acme.users["admin"]), acme.users["admin"], None)]
    assert acme.server().rows("select actor from ops.list_acts() where action = 'a.done'") == [("admin@acme.example",), ("role",), ("role",)]


def test_an_operator_without_a_tenant_is_no_user_of_one(queue: Queue, connect: Connect) -> None:
    acme = Company(queue, connect, "acme")
    operator = Queue(open_as(connect, "reelq_admin"))
    operator.value("select set_config('reelq.user_id', %s, false)", str(acme.users["admin"]))
    operator.value("select queue.pause('all', '', 'a look')")
    assert [row[:3] for row in queue.rows(WHO)] == [("role", "reelq_admin", None)]


def test_a_log_in_under_way_is_blanked_too(queue: Queue, connect: Connect) -> None:
    """A redaction waits for whoever has the account in hand, and then sees what they have entered."""
    acme = Company(queue, connect, "acme")
    ann, server = acme.users["member"], acme.user("member")
    server.value("select set_config('reelq.client_ip', '198.51.100.7', false)")
    with server.transaction():
        server.value("select identity.set_password(%s, null)", ann)
        race = Race(Queue(connect()), lambda other: other.value("select ops.redact_audit(%s)", ann)).start_and_wait_until_blocked(queue)
    race.finish()
    assert queue.rows("select client_ip, redacted_at is null from ops.audit_logs where action = 'password.changed'") == [(None, False)]
