"""Tasks of backups; docs/operate.md, Back up."""

from __future__ import annotations

from reelq.worker.backup import create, prune, verify
from reelq.worker.errors import BackupError
from reelq.worker.rooms.queue import limits
from reelq.worker.upkeep.work import NotNow, Result, Work


def make(work: Work) -> Result:
    """A dump of this database in the store of backups."""
    made = create.create(work.settings, lambda done: work.say(f"{done} bytes"))
    return {"backup": str(made.id), "bytes": made.size_bytes}


def prove(work: Work) -> Result:
    """The newest one, restored into a server of its own and compared."""
    try:
        proved = verify.verify(work.settings, on_progress=lambda done: work.say(f"{done} bytes"))
    except BackupError as error:
        if error.code in ("not_found", "no_store"):  # the first one is still to come
            raise NotNow(str(error)) from error
        raise
    return {"backup": str(proved.id)}


def remove_old(work: Work) -> Result:
    """Those that are older than REELQ_BACKUP_KEEP.

    Raises:
        NotNow: everything is paused, as in a restored copy, whose backups are those of the other database too.
    """
    if any(one.scope == "all" for one in limits.list_pauses(work.conn)):
        raise NotNow("everything is paused: reelq queue resume all")
    return {"removed": len(prune.prune(work.settings))}
