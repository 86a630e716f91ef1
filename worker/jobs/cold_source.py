"""A job that needs an object of cold storage asks for it, and goes back to the queue until it is there: that costs no attempt."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

from reelq.worker import db
from reelq.worker.errors import PermanentError, SnoozeError
from reelq.worker.objects import cold
from reelq.worker.stop import StopSignal
from reelq.worker.stores.base import OnBytes, Store

SOON_S, LATER_S = 5.0, 900.0  # back already, as a folder's; of S3's archives it takes hours


class Asking(Protocol):
    """The part of a JobContext that is needed here."""

    stop: StopSignal
    pool: db.Pool

    @property
    def log(self) -> Any:
        """Bears the job."""


def get(ctx: Asking, store: Store, key: str, path: Path, sha256: str | None, on_progress: OnBytes) -> None:
    """Bring an object to `path`; see Store.get.

    Raises:
        SnoozeError: "object_archived", it is cold and was asked for.
        JobError: of the store.
    """
    try:
        store.get(key, path, sha256, stop=ctx.stop, on_progress=on_progress)
    except PermanentError as error:
        if error.code != "object_archived":
            raise
        stands = ctx.pool.insist(ctx.stop, cold.ask, store, key)
        ctx.log.info("object.asked_for", key=key, stands=stands)
        wait_s = LATER_S if stands == "restoring" else SOON_S
        raise SnoozeError("object_archived", "The file is in cold storage and was asked for; the job waits for it.", for_s=wait_s) from error
