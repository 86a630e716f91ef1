"""Tenants with users of every role, and sessions as each of them, for the tests of accounts, quotas and keys."""

from __future__ import annotations

from typing import Any, NamedTuple
from uuid import UUID

import psycopg
import pytest

from tests.conftest import Connect
from tests.sql.queuekit import Queue
from tests.sql.rolekit import Tenant, open_as

MEMBERS = ("admin", "member", "viewer")
NOBODY = "00000000-0000-0000-0000-000000000001"


def add_user(queue: Queue, tenant: UUID, email: str, role: str = "member", **columns: Any) -> UUID:
    """A user of a tenant; its id."""
    columns = {"tenant_id": tenant, "email": email, "role": role, **columns}
    names, marks = ", ".join(columns), ", ".join(["%s"] * len(columns))
    return queue.value(f"insert into identity.users ({names}) values ({marks}) returning id", *columns.values())  # type: ignore[no-any-return]


class Company:
    """A tenant with an admin, a member and a viewer."""

    def __init__(self, queue: Queue, connect: Connect, slug: str) -> None:
        self.tenant = Tenant(queue.conn, slug)
        self.id = self.tenant.id
        self.users = {role: add_user(queue, self.id, f"{role}@{slug}.example", role) for role in MEMBERS}
        self._connect = connect

    def server(self, role: str = "reelq_app") -> Queue:
        """The tenant's own server: no user."""
        return Queue(open_as(self._connect, role, self.tenant))

    def user(self, member: str, role: str = "reelq_app") -> Queue:
        """A session of one of its users."""
        queue = self.server(role)
        queue.value("select set_config('reelq.user_id', %s, false)", str(self.users[member]))
        return queue


class Refusal(NamedTuple):
    """What the server said; "" for what it did not say."""

    sqlstate: str
    message_primary: str
    message_hint: str
    message_detail: str


def refusal(queue: Queue, statement: str, *args: Any) -> Refusal:
    """What the server says to a call that it refuses, with a code of ours, in one line, and a hint."""
    with pytest.raises(psycopg.Error) as caught:
        queue.conn.execute(statement.encode(), args)
    diag = caught.value.diag
    assert diag.message_hint and "\n" not in (diag.message_primary or ""), diag.message_primary
    return Refusal(diag.sqlstate or "", diag.message_primary or "", diag.message_hint, diag.message_detail or "")


def code(queue: Queue, statement: str, *args: Any) -> str | None:
    """The SQLSTATE alone; None when it is done."""
    try:
        queue.conn.execute(statement.encode(), args)
    except psycopg.Error as error:
        return error.sqlstate
    return None
