"""Tasks by which bytes go, or go where they cost less: what is due, objects that nothing refers to, objects that nobody uses."""

from __future__ import annotations

from dataclasses import asdict

from reelq.worker.objects import cold, retention, sweep
from reelq.worker.objects.stores import ProvedStores
from reelq.worker.upkeep.work import NotNow, Result, Work


def retain(work: Work) -> Result:
    """Rows of files, videos and tenants whose time is over."""
    return asdict(retention.run(work.conn))


def sweep_objects(work: Work) -> Result:
    """Bytes that nothing refers to."""

    def tell(done: sweep.Swept) -> None:
        work.stop.check()
        work.say(f"{done.looked_at} objects looked at, {done.deleted} deleted")

    done = sweep.run(work.conn, ProvedStores(work.conn, work.settings), tell)
    _check_all(done.skipped)
    return {"looked_at": done.looked_at, "deleted": done.deleted, "leftovers": done.leftovers}


def cool_objects(work: Work) -> Result:
    """Objects that nobody uses, and those on their way."""
    done = cold.run(work.conn, ProvedStores(work.conn, work.settings))
    _check_all(done.skipped)
    return {"begun": done.begun, "cold": done.cold, "restored": done.restored}


def _check_all(skipped: dict[str, str]) -> None:
    """Refuse to call a task done that has left a store alone.

    Raises:
        NotNow.
    """
    if skipped:
        raise NotNow("; ".join(f"{bucket} was left alone: {why}" for bucket, why in skipped.items()))
