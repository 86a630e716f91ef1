"""The registry: a task is a name, as in ops.upkeep_tasks, and a function that does it and says in a few figures what it did.

Each must be safe to be killed anywhere and to be run twice, also at once: its lease (run.py) keeps two from doing the same work, not from harm.
One that raises has failed; NotNow and whatever has the exit code "try again" means later.
"""

from __future__ import annotations

from reelq.worker import db
from reelq.worker.db import partitions as partitioned
from reelq.worker.doctor.checks.database import repair_all
from reelq.worker.errors import TRY_AGAIN, ReelqError
from reelq.worker.personal.erase import erase
from reelq.worker.rooms.identity import tenants
from reelq.worker.rooms.identity.sessions import remove_ended
from reelq.worker.rooms.ops import notifications, personal
from reelq.worker.rooms.ops import upkeep as room
from reelq.worker.rooms.queue import maintenance
from reelq.worker.upkeep import backups, objects, vacuum
from reelq.worker.upkeep.work import Fault, NotNow, Result, Task, Work

BATCH = 1000
ERASE_WAIT_S = 60.0  # for running jobs of a user; who is left is the next try's
TOLD = 20  # of many faults so many are named


def relay_events(work: Work) -> Result:
    """Events that no worker has passed on."""
    return {"events": work.repeat(lambda: room.relay_events(work.conn, BATCH), lambda did: (did or 0) < BATCH)}


def roll_up_stats(work: Work) -> Result:
    """Hours that are over."""
    return {"hours": maintenance.roll_up(work.conn)}


def archive_jobs(work: Work) -> Result:
    """Jobs that are over for long."""
    return {"moved": work.repeat(lambda: maintenance.archive_jobs(work.conn, BATCH), lambda did: did == 0)}


def partitions(work: Work) -> Result:
    """Months to come, and months that are past their retention."""
    db.check_own_session(work.settings, work.conn, "the task partitions")
    steps = list(partitioned.maintain(work.conn))
    left = [step for step in steps if not step.done]
    told = "; ".join(f"{step.action} {step.partition or step.parent}: {step.detail}" for step in left)
    if any(step.action in partitioned.BY_HAND for step in left):
        raise Fault(told)
    if left:
        raise NotNow(told)
    return {"steps": len(steps)}


def tidy_identity(work: Work) -> Result:
    """Trials, quotas, counters of keys."""
    did = tenants.tidy(work.conn, BATCH)
    return {"trials": did.trials, "quotas": did.quotas, "counters": did.counters}


def remove_old_sessions(work: Work) -> Result:
    """Sessions, tokens and log-ins that ended long ago."""
    return {"removed": work.repeat(lambda: remove_ended(work.conn, BATCH), lambda did: did == 0)}


def erase_requested(work: Work) -> Result:
    """Users who have asked, the oldest first; one who cannot be erased now keeps nobody waiting."""
    erased, failed = 0, list[ReelqError]()
    for one in reversed(personal.list_erasures(work.conn, "open", BATCH)):
        try:
            erase(work.conn, work.settings, personal.begin_erasure(work.conn, one.user_id), ERASE_WAIT_S, lambda _: work.stop.check())
        except ReelqError as error:
            work.stop.check()
            failed.append(error)
        else:
            erased += 1
            work.say(f"{erased} erased")
    if failed:
        told = f"{len(failed)} are not erased, {erased} are: {failed[0]}"
        raise NotNow(told) if all(error.exit_code == TRY_AGAIN for error in failed) else Fault(told)
    return {"erased": erased}


def purge_notifications(work: Work) -> Result:
    """Notifications that have expired, and messages that the inbox has remembered for long enough."""
    return {"removed": work.repeat(lambda: notifications.purge(work.conn, BATCH), lambda did: (did or 0) == 0)}


def repair(work: Work) -> Result:
    """Jobs that stand in the wrong place."""
    mended = 0
    for one in repair_all(work.conn):
        work.stop.check()
        mended += 1
        work.say(f"{one.job_id}: {one.what}")
    if mended:
        raise Fault(f"{mended} places of jobs were repaired: rows were written past the functions, or this is a bug (docs/operate.md, Repair)")
    return {"repaired": 0}


def verify(work: Work) -> Result:
    """The invariants of every job, a window at a time."""
    after, windows, broken = None, 0, list[str]()
    while (until := maintenance.next_window(work.conn, after)) is not None:
        work.stop.check()
        broken += [f"{one.invariant}: {one.job_id} {one.detail}" for one in maintenance.verify_window(work.conn, after, until)]
        after, windows = until, windows + 1
        work.say(f"{windows} windows, {len(broken)} faults")
    if broken:
        raise Fault(f"{len(broken)} faults: {'; '.join(broken[:TOLD])}")
    return {"windows": windows}


def prune_clock(work: Work) -> Result:
    """What procrastinate has left in its tables."""
    return {"removed": work.repeat(lambda: room.prune_clock(work.conn, BATCH), lambda did: (did or 0) < BATCH)}


TASKS: dict[str, Task] = {
    "relay_events": relay_events,
    "roll_up_stats": roll_up_stats,
    "archive_jobs": archive_jobs,
    "partitions": partitions,
    "tidy_identity": tidy_identity,
    "remove_ended": remove_old_sessions,
    "erase_requested": erase_requested,
    "purge_notifications": purge_notifications,
    "retention": objects.retain,
    "sweep": objects.sweep_objects,
    "cool": objects.cool_objects,
    "repair": repair,
    "verify": verify,
    "vacuum_hot": vacuum.hot,
    "vacuum": vacuum.every,
    "prune_clock": prune_clock,
    "backup": backups.make,
    "prune_backups": backups.remove_old,
    "verify_backup": backups.prove,
}
