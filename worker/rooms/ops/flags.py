"""Feature flags as typed calls: SQL decides for whom one is on. One line of SQL each."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from reelq.worker.db.calls import Connection, rows, run, scalar


@dataclass(frozen=True, slots=True)
class Flag:
    """A row of ops.list_flags()."""

    name: str
    description: str
    enabled: bool
    rollout_percentage: Decimal
    rollout_by: str
    user_rules: list[Any]
    tenant_rules: list[Any]
    segment_rules: list[Any]
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Decision:
    """What ops.explain_flag() returned."""

    is_on: bool
    reason: str
    about: str
    bucket: int | None


def is_on(conn: Connection, flag: str, tenant_id: UUID | None = None, user_id: UUID | None = None) -> bool:
    """Whether a flag is on for a tenant and user; one that is not there is off."""
    return scalar(conn, "select ops.is_flag_on(%s, %s, %s)", [flag, tenant_id, user_id])  # type: ignore[no-any-return]


def explain(conn: Connection, flag: str, tenant_id: UUID | None = None, user_id: UUID | None = None) -> Decision:
    """Why it is."""
    (found,) = rows(conn, Decision, "select * from ops.explain_flag(%s, %s, %s)", [flag, tenant_id, user_id])
    return found


def list_flags(conn: Connection) -> list[Flag]:
    """All flags, by name."""
    return rows(conn, Flag, "select * from ops.list_flags()")


def set_flag(conn: Connection, name: str, facts: Mapping[str, Any]) -> None:
    """Make or change a flag; what is left out stays."""
    run(conn, "select ops.set_flag(%s, %s::jsonb)", [name, json.dumps(facts)])


def set_flag_for(conn: Connection, name: str, tenant: str | None, user_id: UUID | None, on: bool | None) -> None:
    """Switch a flag for one tenant (slug or id) or user; None: as for others."""
    run(conn, "select ops.set_flag_for(%s, %s, %s, %s)", [name, tenant, user_id, on])


def delete_flag(conn: Connection, name: str) -> bool:
    """Remove a flag; False when there was none."""
    return scalar(conn, "select ops.delete_flag(%s)", [name])  # type: ignore[no-any-return]
