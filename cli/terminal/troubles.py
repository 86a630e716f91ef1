"""Workers that claim nothing because of their host: one line for each host and trouble."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from reelq.cli.terminal import output

if TYPE_CHECKING:
    from reelq.worker.rooms.queue.reads import Worker


def troubles(workers: Sequence[Worker]) -> list[tuple[str, str]]:
    """What is wrong, and what to do, without repetition."""
    found = [one for one in workers if one.state == "in trouble"]
    return list(dict.fromkeys((f"on {one.host} nothing is claimed: {one.trouble}", str(one.remedy)) for one in found))


def tell(workers: Sequence[Worker]) -> None:
    """Say it below a table."""
    for what, remedy in troubles(workers):
        output.say(f"{what}\n→ {remedy}")
