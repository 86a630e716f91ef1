"""Monthly quotas of users and tenants, as typed calls. One line of SQL each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from reelq.worker.db.calls import Connection, rows, run, scalar


@dataclass(frozen=True, slots=True)
class Quota:
    """How many videos a month somebody may bring in."""

    tenant: str
    user_id: UUID | None  # None: the tenant's own
    monthly_quota: int | None  # None: no bound, and nothing is counted
    used: int
    remaining: int | None
    resets_on: date  # UTC
    source: str  # subscription, set or default


def find_account(conn: Connection, user: str) -> UUID:
    """The id of a live user by id or e-mail address. NotFound when there is none."""
    return scalar(conn, "select identity.find_account(%s)", [user])  # type: ignore[no-any-return]


def show_quota(conn: Connection, tenant: str | None, user_id: UUID | None) -> Quota:
    """The quota of a user, or without one of the tenant."""
    (one,) = rows(conn, Quota, "select * from identity.show_quota(%s, %s)", [tenant, user_id])
    return one


def set_quota(conn: Connection, tenant: str | None, user_id: UUID | None, videos: int | None, reset_day: int | None) -> None:
    """Set it; None videos: no bound; None reset_day: stays. NotAllowed when a live subscription decides."""
    run(conn, "select identity.set_quota(%s, %s, %s, %s)", [tenant, user_id, videos, reset_day])
