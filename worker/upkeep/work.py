"""What a task gets, and how it says that it is not done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from reelq.worker.db.rows import Connection
from reelq.worker.errors import CHECK_SAYS_NO, TRY_AGAIN, ReelqError
from reelq.worker.settings import Settings
from reelq.worker.stop import StopSignal


class NotNow(ReelqError):
    """Something is in the way; the next try may find it gone."""

    exit_code = TRY_AGAIN


class Fault(ReelqError):
    """The task has done its part, and has found what somebody must look at."""

    exit_code = CHECK_SAYS_NO


@dataclass(frozen=True, slots=True)
class Work:
    """A task under way: `conn` is its own, in autocommit, and past any pooler."""

    settings: Settings
    conn: Connection
    stop: StopSignal
    say: Callable[[str], None]

    def repeat(self, step: Callable[[], int | None], until: Callable[[int | None], bool]) -> int:
        """Call a short transaction again and again; the sum of what it says it did.

        Raises:
            StopRequested: between two calls.
        """
        total = 0
        while True:
            self.stop.check()
            did = step()
            total += did or 0
            if until(did):
                return total
            self.say(f"{total} so far")


Result = dict[str, Any]
Task = Callable[[Work], Result]
