"""The audit in tests: what it holds, and who acts."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from uuid import UUID

from psycopg.rows import dict_row

from tests.sql.mediakit import Conn, scalar

HASH = "$2b$12$" + "a" * 53
OTHER_HASH = "$2b$12$" + "b" * 53


def acts(conn: Conn, action: str = "") -> list[SimpleNamespace]:
    """The rows of the audit, oldest first; only of an action, or of a thing as `user.`."""
    with conn.cursor(row_factory=dict_row) as cursor:
        cursor.execute("select * from ops.audit_logs where starts_with(action, %s) order by id", [action])
        return [SimpleNamespace(**row) for row in cursor.fetchall()]


def act(conn: Conn, action: str) -> SimpleNamespace:
    """The only one of an action."""
    (found,) = acts(conn, action)
    return found


def count(conn: Conn) -> int:
    """How many acts there are."""
    return int(scalar(conn, "select count(*) from ops.audit_logs"))


def add_user(conn: Conn, tenant_id: UUID, email: str, role: str = "member") -> UUID:
    """A user of a tenant."""
    made: UUID = scalar(
        conn, "insert into identity.users (tenant_id, email, role) values (%s, %s, %s) returning id", tenant_id, email, role
    )
    return made


def say(conn: Conn, **settings: Any) -> None:
    """Set what an application says of itself, as user_id or client_ip, until the session ends."""
    for name, value in settings.items():
        conn.execute("select set_config(%s, %s, false)", [f"reelq.{name}", "" if value is None else str(value)])


def record(conn: Conn, action: str, entity: str = "thing", entity_id: str | None = "x", **facts: Any) -> SimpleNamespace:
    """Record an act by hand, as functions do; return its row."""
    from psycopg.types.json import Jsonb

    conn.execute("select base.record_act(%s, %s, %s, p_facts => %s)", [action, entity, entity_id, Jsonb(facts)])
    return acts(conn)[-1]
