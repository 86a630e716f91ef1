"""no_op: do nothing, or wait. For tests and measurements of the queue itself.

Reads nothing, writes nothing; safe to run twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from reelq.worker.jobs.arguments import Range
from reelq.worker.jobs.context import JobContext

EXAMPLE = {"sleep_s": 3}
REQUIRES = None


@dataclass(frozen=True, slots=True)
class Args:
    """How long to wait; ends early when the attempt is told to stop."""

    sleep_s: Annotated[float, "Seconds to wait.", Range(0, 86_400)] = 0.0


def run(args: Args, ctx: JobContext) -> dict[str, Any]:
    """Wait `sleep_s` seconds."""
    if args.sleep_s > 0:
        ctx.stop.wait(args.sleep_s)
        ctx.check()
    return {}
