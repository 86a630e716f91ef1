"""Job types as rows of queue.job_types: their defaults, retry policies and arguments. One line of SQL each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Any
from uuid import UUID

from psycopg import sql
from psycopg.types.json import Jsonb

from reelq.worker.db.rows import Connection, rows


@dataclass(frozen=True, slots=True)
class TypeRow:
    """A row of queue.job_types; \\d+ queue.job_types says what each column means."""

    job_type: str
    description: str
    priority: int
    max_attempts: int
    max_crashes: int
    lease: timedelta
    time_limit: timedelta
    stall_limit: timedelta | None
    weight: int
    needs: list[str]
    batch: int
    limits: list[str]
    options_schema: dict[str, Any] | None
    requires: str | None


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """What follows an error; job_type tells whose row names this code, * is everybody's; code * is all other codes."""

    job_type: str
    error_class: str
    code: str
    action: str
    base: timedelta
    factor: float
    cap: timedelta
    jitter: str
    charges: bool


@dataclass(frozen=True, slots=True)
class Change:
    """What a sync did with one thing; `kept` means that it was changed by hand and stays."""

    name: str
    old_value: str | None
    new_value: str | None
    action: str  # added, changed, removed, kept


@dataclass(frozen=True, slots=True)
class Refused:
    """Waiting jobs whose job_data a schema does not take."""

    jobs: int  # counting stops at 1,000
    is_all: bool
    job_id: UUID | None  # one of them
    reason: str | None  # what is wrong with that one


COLUMNS = sql.SQL(", ").join(sql.Identifier(field.name) for field in fields(TypeRow))


def list_job_types(conn: Connection) -> list[TypeRow]:
    """All job types by name."""
    return rows(conn, TypeRow, sql.SQL("select {} from queue.job_types order by job_type").format(COLUMNS))


def find_job_type(conn: Connection, name: str) -> TypeRow | None:
    """The row of a type; None when it has none."""
    found = rows(conn, TypeRow, sql.SQL("select {} from queue.job_types where job_type = %s").format(COLUMNS), [name])
    return found[0] if found else None


def list_retry_policies(conn: Connection, job_type: str) -> list[RetryPolicy]:
    """What follows the errors of a type, for each class and code that it or everybody has a row of: its own first."""
    statement = (
        "select e.job_type, e.error_class, e.code, p.action, p.base, p.factor::float, p.cap, p.jitter, p.charges"
        " from (select max(r.job_type collate \"C\") as job_type, r.error_class, r.code from queue.retry_policies as r"
        " where r.job_type in (%s, '*') group by r.error_class, r.code) as e"
        " cross join lateral queue.find_retry_policy(%s, e.error_class, e.code) as p"
        " order by e.job_type desc, e.error_class, e.code"
    )
    return rows(conn, RetryPolicy, statement, [job_type, job_type])


def sync_job_type(
    conn: Connection,
    name: str,
    defaults: dict[str, Any],
    retry: Sequence[dict[str, Any]],
    options_schema: dict[str, Any],
    *,
    overwrite: bool = False,
) -> list[Change]:
    """Write what a program declares of a type; returns what that changed, or kept because it was changed by hand."""
    given = [name, Jsonb(defaults), Jsonb(list(retry)), Jsonb(options_schema), overwrite]
    return rows(conn, Change, "select * from queue.sync_job_type(%s, %s, %s, %s, %s)", given)


def count_refused_jobs(conn: Connection, name: str, options_schema: dict[str, Any]) -> Refused:
    """How many waiting jobs of a type this schema would refuse."""
    (found,) = rows(conn, Refused, "select * from queue.count_refused_jobs(%s, %s)", [name, Jsonb(options_schema)])
    return found
