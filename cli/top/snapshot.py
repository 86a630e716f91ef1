"""One look at everything that `reelq top` shows."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from reelq.cli.app import acting_for

if TYPE_CHECKING:
    import psycopg

    from reelq.worker.rooms.queue.limits import Pause
    from reelq.worker.rooms.queue.reads import Depth, Failure, Rate, Running, Worker

FAILURES = 50  # how many of the latest are asked for
WINDOW = timedelta(minutes=5)  # over which rates are counted


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One look at everything."""

    at: datetime  # the database's host may have another clock; ages are told by ours
    workers: list[Worker]
    running: list[Running]
    depth: list[Depth]
    rates: list[Rate]
    failures: list[Failure]
    pauses: list[Pause]

    def paused(self) -> str:
        """What stands still, in a word or two; nothing when nothing does."""
        if any(one.scope == "all" for one in self.pauses):
            return "all is paused"
        return f"{len(self.pauses)} paused" if self.pauses else ""

    def queues(self) -> list[dict[str, Any]]:
        """Depth and rates by job type."""
        rates = {rate.job_type: asdict(rate) for rate in self.rates}
        depth = {one.job_type: asdict(one) for one in self.depth}
        empty = {"ready": 0, "scheduled": 0, "blocked": 0, "parked": 0, "running": 0, "dead": 0, "at_least": []}
        idle = {"completed": 0, "failed": 0, "per_minute": 0.0, "median_s": None}
        found = []
        for name in sorted(rates.keys() | depth.keys()):
            counts, rate = {**empty, **depth.get(name, {})}, {**idle, **rates.get(name, {})}
            at_least = [*counts["at_least"], *rate.pop("at_least", [])]
            found.append({"job_type": name, **counts, **rate, "at_least": at_least})
        return found


def look(conn: psycopg.Connection[Any], tenant: str | None = None) -> Snapshot:
    """Ask for all of it; for a tenant what is its own, and no workers."""
    from reelq.worker.rooms.queue import limits, reads

    with acting_for(conn, tenant):
        return Snapshot(
            datetime.now(UTC),
            reads.list_workers(conn),
            reads.running_jobs(conn),
            reads.depth(conn) if tenant is None else reads.tenant_depth(conn),
            reads.rates(conn, WINDOW) if tenant is None else reads.tenant_rates(conn, WINDOW),
            reads.recent_failures(conn, FAILURES),
            limits.list_pauses(conn),
        )


def rate_of(one: dict[str, Any]) -> str:
    """Completions a minute of a queue; 3.0+ where not all were looked at."""
    return f"{one['per_minute']:.1f}" + "+" * ("completed" in one["at_least"])
