"""Settings of log-ins, sessions and passwords, as typed calls. One line of SQL each."""

from __future__ import annotations

from dataclasses import dataclass

from reelq.worker.db.calls import Connection, rows, scalar


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting."""

    name: str
    value: str
    description: str


def list_settings(conn: Connection) -> list[Setting]:
    """All of them, by name."""
    return rows(conn, Setting, "select * from identity.list_login_settings()")


def set_setting(conn: Connection, name: str, value: str) -> str:
    """Change one. BadArgument when it is none, or the value does not fit."""
    return scalar(conn, "select identity.set_login_setting(%s, %s)", [name, value])  # type: ignore[no-any-return]
