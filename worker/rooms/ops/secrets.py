"""Sealed columns and the keys that the database has heard of: ids and envelopes, never a key."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from reelq.worker.db.calls import Connection, rows, scalar


@dataclass(frozen=True, slots=True)
class KnownKey:
    """A row of ops.list_secret_keys()."""

    key_id: str
    check_value: str
    is_current: bool
    current_since: datetime | None
    forgotten_at: datetime | None


@dataclass(frozen=True, slots=True)
class UsedKey:
    """A row of ops.list_used_secret_keys()."""

    table_name: str
    column_name: str
    key_id: str


@dataclass(frozen=True, slots=True)
class SealedRow:
    """A row of ops.list_sealed_rows()."""

    row_id: str
    envelope: bytes


@dataclass(frozen=True, slots=True)
class Counted:
    """What ops.count_sealed_rows() returned."""

    row_count: int
    reached: str | None


def list_keys(conn: Connection) -> list[KnownKey]:
    """The keys that the database has heard of."""
    return rows(conn, KnownKey, "select * from ops.list_secret_keys()")


def list_used_keys(conn: Connection) -> list[UsedKey]:
    """Which keys the rows of each sealed column are sealed under."""
    return rows(conn, UsedKey, "select * from ops.list_used_secret_keys()")


def count_rows(conn: Connection, used: UsedKey) -> int:
    """How many rows of that column are sealed under that key; a bounded part of them a call."""
    found = Counted(0, None)
    count = 0
    while True:
        (found,) = rows(
            conn,
            Counted,
            "select * from ops.count_sealed_rows(%s, %s, %s, %s)",
            [used.table_name, used.column_name, used.key_id, found.reached],
        )
        count += found.row_count
        if found.reached is None:
            return count


def list_rows(conn: Connection, used: UsedKey, limit: int) -> Iterator[list[SealedRow]]:
    """The rows of that column under that key, so many at a time."""
    after = None
    while True:
        part = rows(
            conn,
            SealedRow,
            "select * from ops.list_sealed_rows(%s, %s, %s, %s, %s)",
            [used.table_name, used.column_name, used.key_id, after, limit],
        )
        if not part:
            return
        yield part
        after = part[-1].row_id


def replace_rows(conn: Connection, used: UsedKey, before: Sequence[SealedRow], after: Sequence[bytes]) -> int:
    """Put new envelopes where the old ones still are; return in how many rows."""
    replaced: int = scalar(
        conn,
        "select ops.replace_sealed_rows(%s, %s, %s::text[], %s::bytea[], %s::bytea[])",
        [used.table_name, used.column_name, [row.row_id for row in before], [row.envelope for row in before], list(after)],
    )
    return replaced


def set_current_key(conn: Connection, key_id: str, check_value: str, instead_of: str | None) -> None:
    """Make a key the one that all hosts seal under, unless another host was quicker."""
    scalar(conn, "select ops.set_current_secret_key(%s, %s, %s)", [key_id, check_value, instead_of])


def forget_key(conn: Connection, key_id: str) -> bool:
    """Note that a key may go; refused while rows use it."""
    forgotten: bool = scalar(conn, "select ops.forget_secret_key(%s)", [key_id])
    return forgotten
