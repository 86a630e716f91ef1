"""One process of the stress: `python -m tests.stress.actor ROLE URL LOG SEED`; SIGTERM ends it in order, SIGKILL is a crash.

It tells what happened as one JSON object a line, written after the commit. An error that nobody expects ends it with 1.
"""

from __future__ import annotations

import json
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import psycopg
from psycopg.rows import namedtuple_row


class Actor:
    """A connection, a log, dice, and whether it was asked to stop."""

    def __init__(self, url: str, log: Path, seed: int) -> None:
        self.conn: psycopg.Connection[Any] = psycopg.connect(url, autocommit=True, row_factory=namedtuple_row)
        self.conn.execute("set lock_timeout = '10s'")
        self.dice = random.Random(seed)
        self.seed = seed
        self.stopped = False
        self._log = log.open("a", encoding="utf-8", buffering=1)
        signal.signal(signal.SIGTERM, self._stop)

    def _stop(self, _signum: int, _frame: FrameType | None) -> None:
        self.stopped = True

    def rows(self, sql: str, *args: Any) -> list[Any]:
        """Rows with named columns."""
        return self.conn.execute(sql.encode(), args).fetchall()

    def value(self, sql: str, *args: Any) -> Any:
        """First column of the first row; None without one."""
        row = self.conn.execute(sql.encode(), args).fetchone()
        return row[0] if row else None

    def allowed(self, codes: tuple[str, ...], call: Callable[[], Any]) -> tuple[Any, str | None]:
        """A call that may be refused with one of these codes; which one it was."""
        try:
            return call(), None
        except psycopg.Error as error:
            if error.sqlstate not in codes:
                raise
            return None, error.sqlstate

    def note(self, what: str, **facts: Any) -> None:
        """A line of the log."""
        self._log.write(json.dumps({"what": what, **facts}, default=str) + "\n")

    def nap(self, seconds: float) -> None:
        """Pretend to work."""
        time.sleep(seconds)


def main() -> int:
    """Run a role until SIGTERM."""
    from tests.stress import meddler, producer, worker

    role, url, log, seed = sys.argv[1:]
    actor = Actor(url, Path(log), int(seed))
    actor.note("start", role=role)
    try:
        {"worker": worker.run, "producer": producer.run, "meddler": meddler.run}[role](actor)
    except psycopg.Error as error:
        actor.note("error", role=role, code=error.sqlstate, message=str(error), detail=error.diag.message_detail, context=error.diag.context)
        return 1
    actor.note("end", role=role)
    return 0


if __name__ == "__main__":
    sys.exit(main())
