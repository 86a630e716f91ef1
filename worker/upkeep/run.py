"""Do what is due, or what is named, one task after the other. Which one that is, SQL decides: any number of these at once are harmless."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from reelq.worker import db
from reelq.worker.db import schema
from reelq.worker.errors import CHECK_SAYS_NO, DONE, FAILED, TRY_AGAIN, DatabaseAway, ReelqError
from reelq.worker.rooms.ops import upkeep as room
from reelq.worker.settings import Settings
from reelq.worker.stop import StopSignal
from reelq.worker.upkeep.lease import Lease
from reelq.worker.upkeep.tasks import TASKS
from reelq.worker.upkeep.work import Work


@dataclass(frozen=True, slots=True)
class Ran:
    """What became of a task."""

    name: str
    outcome: str  # done, failed, later, interrupted, taken_over; not begun: busy, owner_only, unknown
    seconds: float
    result: dict[str, Any] | None
    error: str | None
    exit_code: int


def who(settings: Settings, clock: str) -> str:
    """How this process is called in ops.upkeep_tasks."""
    return f"{clock} {settings.host}:{os.getpid()}"[:200]


def run(
    settings: Settings,
    names: Sequence[str] = (),
    *,
    clock: str,
    stop: StopSignal | None = None,
    say: Callable[[str, str], None] = lambda _name, _text: None,
    on_stuck: Callable[[], None] = lambda: os._exit(TRY_AGAIN),
) -> Iterator[Ran]:
    """The tasks that are due, in their order, or those that are named, in theirs; each as it ends. One that fails keeps none from running.

    `clock` says who calls, `say` hears of progress, `on_stuck` ends a process in which a task hangs where nothing reaches it.

    Raises:
        NotFound: no such task; nothing was done.
        DatabaseAway: before the first task, or between two.
    """
    stop = stop or StopSignal()
    control = db.Session(settings, "reelq upkeep")
    try:
        control.call(schema.require)
        control.call(room.tell_late_tasks)
        known = [task.name for task in control.call(room.list_tasks)]
        for name in names:
            if name not in known:
                control.call(room.begin_task, name, who(settings, clock), True)  # refuses it
        for name in names or known:
            if stop.reason is not None:
                return
            ran = one(settings, control, name, clock, stop, say, on_stuck, anyway=bool(names))
            if ran is not None:
                yield ran
    finally:
        control.close()


def one(
    settings: Settings,
    control: db.Session,
    name: str,
    clock: str,
    stop: StopSignal,
    say: Callable[[str, str], None],
    on_stuck: Callable[[], None],
    *,
    anyway: bool,
) -> Ran | None:
    """Do one, if it is due; None when it is not, or was not asked for by name and is another's."""
    if name not in TASKS:
        return Ran(name, "unknown", 0.0, None, "this version of reelq does not know the task", FAILED) if anyway else None
    begun = control.call(room.begin_task, name, who(settings, clock), anyway)
    if begun.token is None or begun.seconds is None:
        return not_begun(name, begun.outcome) if anyway else None
    began = time.monotonic()
    mine = StopSignal()
    with stop.killing(lambda: mine.set(stop.reason or "shutdown")):
        outcome, result, error, code = attempt(settings, name, begun.token, begun.seconds, mine, say, on_stuck)
    seconds = round(time.monotonic() - began, 3)
    try:
        if not control.call(room.end_task, name, begun.token, outcome, error, result):
            outcome = "taken_over"
            error = error or "another session has taken it over"
    except DatabaseAway as away:  # the lease runs out, and it is done again
        error = error or f"it was done, and that could not be written down: {away}"
        code = code or TRY_AGAIN
    return Ran(name, outcome, seconds, result, error, code)


def not_begun(name: str, outcome: str) -> Ran:
    """A task that was named and is not this one's to do."""
    if outcome == "owner_only":
        return Ran(name, outcome, 0.0, None, "needs the account that owns the schema", FAILED)
    return Ran(name, outcome, 0.0, None, "another session does it at this moment", TRY_AGAIN)


def attempt(
    settings: Settings, name: str, token: int, seconds: float, stop: StopSignal, say: Callable[[str, str], None], on_stuck: Callable[[], None]
) -> tuple[str, dict[str, Any] | None, str | None, int]:
    """Run the function of a task: outcome, result, error, exit code."""
    try:
        with db.family(), db.connect(settings, f"reelq upkeep {name}", direct=True) as conn:
            with Lease(settings, name, token, seconds, conn, stop, lambda text: say(name, text), on_stuck):
                stop.check()
                return "done", TASKS[name](Work(settings, conn, stop, lambda text: say(name, text))), None, DONE
    except Exception as error:  # noqa: BLE001 - whatever it is, it is written down, and the other tasks go on
        # Of the server its sentence; the statement and the functions that it came through are in the server's log.
        said = error.diag.message_primary if isinstance(error, psycopg.Error) and error.diag.message_primary else f"{error}"
        told = " ".join(said.split()) or type(error).__name__
        if stop.reason == "shutdown":
            return "interrupted", None, "its process was told to end", TRY_AGAIN
        if stop.reason == "time_limit":
            return "failed", None, f"it took longer than its time limit, {seconds:.0f} s", FAILED
        if stop.reason is not None:
            return "interrupted", None, "another session has taken it over", TRY_AGAIN
        if not isinstance(error, ReelqError):
            return "failed", None, f"{type(error).__name__}: {told}", FAILED
        return "later" if error.exit_code == TRY_AGAIN else "failed", None, told, error.exit_code


def exit_code(codes: Sequence[int]) -> int:
    """Of all tasks: failed, else a check that says no, else try again, else done."""
    return next((code for code in (FAILED, CHECK_SAYS_NO, TRY_AGAIN) if code in codes), max(codes, default=DONE))
