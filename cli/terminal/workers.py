"""Workers as people see them: a row each, and below the table what keeps one from working, or what one that is gone still has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from reelq.cli.terminal import output

if TYPE_CHECKING:
    from reelq.worker.rooms.queue.reads import Worker


def row(worker: Worker) -> dict[str, Any]:
    """Its values. One that has stopped or is lost has no slots, and was up until its last heartbeat."""
    until = worker.last_beat_at if worker.is_gone else datetime.now(UTC)
    shown = {**asdict(worker), "state": worker.state, "up_s": max(0.0, (until - worker.started_at).total_seconds())}
    return {**shown, "busy": None, "slots": None} if worker.is_gone else shown


def troubles(workers: Sequence[Worker]) -> list[tuple[str, str]]:
    """What is wrong, and what to do, without repetition."""
    found = [one for one in workers if one.state == "in trouble"]
    return list(dict.fromkeys((f"on {one.host} nothing is claimed: {one.trouble}", str(one.remedy)) for one in found))


def tell(workers: Sequence[Worker]) -> None:
    """Say below a table what its cells cannot."""
    for what, remedy in troubles(workers):
        output.say(f"{what}\n→ {remedy}")
    for one in workers:
        if one.is_gone and one.busy:
            jobs = "one job" if one.busy == 1 else f"{one.busy} jobs"
            output.say(f"{one.worker_id} is {one.status} and still has {jobs}; other workers get what it has when the leases end")
