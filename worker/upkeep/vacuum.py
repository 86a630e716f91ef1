"""VACUUM and ANALYZE, gently: one table after the other, with pauses, and never in anybody's way.

Autovacuum does what it can by itself; this is for what it leaves: statistics of partitioned tables, freezing of what is written once, tables
where it is behind. Never FULL, which locks a table for as long as it takes, and never truncating, which locks it for a moment.
"""

from __future__ import annotations

import psycopg

from reelq.worker import db
from reelq.worker.rooms.ops import upkeep as room
from reelq.worker.upkeep.work import Result, Work

# After 200 points (a page of the cache 1, of the disk 2, one made dirty 20) a pause of 2 ms: as autovacuum does, at most 40 MB/s of pages made dirty.
# By default a VACUUM by hand never pauses.
SESSION = {"vacuum_cost_delay": "2ms", "vacuum_cost_limit": "200", "statement_timeout": "0", "lock_timeout": "5s"}
# What is told after the last table: a lock, a broken index.
REFUSED = (
    psycopg.errors.LockNotAvailable, psycopg.errors.DataError, psycopg.errors.ObjectNotInPrerequisiteState, psycopg.errors.InternalError,
)  # fmt: skip
STATEMENTS = {
    # One process: with `parallel` the indexes of a large table would take several cores. SKIP_LOCKED: what somebody holds is the next round's.
    "vacuum": "vacuum (analyze, skip_locked, truncate off, parallel 0) {}",
    "analyze": "analyze (skip_locked) {}",
}


def hot(work: Work) -> Result:
    """Tables with more dead rows than live ones."""
    return walk(work, True)


def every(work: Work) -> Result:
    """All tables."""
    return walk(work, False)


def walk(work: Work, only_hot: bool) -> Result:
    """Vacuum them one after the other; one that is dropped meanwhile or refuses keeps the others from nothing.

    Raises:
        psycopg.Error: the first of those that were refused, after the last table.
    """
    db.check_own_session(work.settings, work.conn, "VACUUM")
    for name, value in SESSION.items():
        work.conn.execute("select set_config(%s, %s, false)", [name, value])
    done, refused = 0, list[psycopg.Error]()
    found = room.tables_to_vacuum(work.conn, only_hot)
    for table in found:
        work.stop.check()
        try:
            work.conn.execute(STATEMENTS[table.action].format(table.relation).encode())
        except psycopg.errors.UndefinedTable:
            work.say(f"{table.relation} is gone")  # a month whose retention has ended
        except REFUSED as error:
            refused.append(error)
        else:
            done += 1
            work.say(f"{done} of {len(found)} tables")
    if refused:
        raise refused[0]
    return {"tables": done}
