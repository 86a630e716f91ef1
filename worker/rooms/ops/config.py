"""ops.system_config as typed calls: settings of all workers that an operator changes while they run. One line of SQL each."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from reelq.worker.db.calls import Connection, rows, run, scalar

TABLE, COLUMN = "ops.system_config", "sealed_value"  # where a secret's envelope opens


@dataclass(frozen=True, slots=True)
class ConfigKey:
    """A row of ops.list_config()."""

    key: str
    value_type: str
    value: Any  # what holds; of a secret None
    is_default: bool
    default_value: Any
    min_value: Decimal | None
    max_value: Decimal | None
    choices: list[str] | None
    description: str
    is_set: bool
    updated_at: datetime


def list_keys(conn: Connection, under: str | None = None) -> list[ConfigKey]:
    """All keys with what holds, by name; `under`: only those that begin with this word and a dot."""
    return rows(conn, ConfigKey, "select * from ops.list_config(%s)", [under])


def value(conn: Connection, key: str) -> Any:
    """What holds; None for a secret, and where nothing does."""
    return scalar(conn, "select ops.config_value(%s)", [key])


def set_value(conn: Connection, key: str, chosen: Any) -> Any:
    """Change a key, or with None bring back its default; returns what holds now. BadArgument when it does not fit."""
    given = None if chosen is None else json.dumps(chosen)
    return scalar(conn, "select ops.set_config(%s, %s::jsonb)", [key, given])


def sealed(conn: Connection, key: str) -> bytes | None:
    """The envelope of a secret; None: none is set."""
    envelope = scalar(conn, "select ops.sealed_config(%s)", [key])
    return None if envelope is None else bytes(envelope)


def set_sealed(conn: Connection, key: str, envelope: bytes) -> None:
    """Set a secret, sealed for this row."""
    run(conn, "select ops.set_sealed_config(%s, %s)", [key, envelope])
