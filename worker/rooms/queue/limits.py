"""Gates of the queue: pauses and limits, as typed calls. One line of SQL each.

A queued job behind a gate is parked: no claim meets it until the gate opens.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from reelq.worker.db.rows import Connection, rows

SCOPES = ("all", "job_type", "tenant", "channel", "input")  # what can be paused by hand; `suspended` follows the tenant


@dataclass(frozen=True, slots=True)
class Pause:
    """One pause."""

    scope: str  # one of SCOPES, or suspended: a tenant that is not active
    key: str  # which of the scope; empty for all
    name: str  # the key for people: a tenant's slug, the title of an input's video
    reason: str
    paused_by: str
    since: datetime
    parked: int | None  # jobs that were parked so far; None: not for a tenant
    at_least: bool | None  # so many or more: counting stopped at 10,000


@dataclass(frozen=True, slots=True)
class Limit:
    """How many jobs of a key may be ready or running together."""

    limit_key: str  # type:<job type>, tenant:<id>, tenant:*, name:<word>
    name: str  # the key for people: tenants by slug
    max_running: int
    used: int  # permits held: by ready and by running jobs
    running: int
    parked: int  # jobs that wait
    at_least: bool  # so many or more: counting stopped at 10,000


def pause(conn: Connection, scope: str, key: str, reason: str) -> None:
    """Let no job of it begin until `resume`; what runs goes on. A second call changes the reason."""
    conn.execute("select queue.pause(%s, %s, %s)", [scope, key, reason])


def resume(conn: Connection, scope: str, key: str = "") -> None:
    """End a pause. NotFound when nothing of the kind is paused."""
    conn.execute("select queue.resume(%s, %s)", [scope, key])


def list_pauses(conn: Connection) -> list[Pause]:
    """What is paused, the longest first."""
    return rows(conn, Pause, "select * from queue.list_pauses()")


def set_limit(conn: Connection, key: str, most: int) -> None:
    """At most `most` jobs of the key at once. A lower limit stops nothing that has entered."""
    conn.execute("select queue.set_limit(%s, %s)", [key, most])


def drop_limit(conn: Connection, key: str) -> None:
    """Lift a limit. NotFound when there is none."""
    conn.execute("select queue.drop_limit(%s)", [key])


def list_limits(conn: Connection) -> list[Limit]:
    """All limits, by key."""
    return rows(conn, Limit, "select * from queue.list_limits()")
