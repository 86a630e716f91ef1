"""A look at the store when a worker starts, beside its work: is it there, and what did killed puts leave?"""

from __future__ import annotations

import threading

import structlog

from reelq.worker.errors import ReelqError
from reelq.worker.settings import Settings
from reelq.worker.stores.open import open_store

log = structlog.get_logger()


def sweep_store(settings: Settings) -> threading.Thread:
    """Start it in a thread of its own: a store that is away must not keep a worker from starting."""
    thread = threading.Thread(target=_sweep, args=(settings,), name="sweep", daemon=True)
    thread.start()
    return thread


def _sweep(settings: Settings) -> None:
    """Jobs that need the store find out for themselves; this line is for the operator who looks at the start."""
    try:
        store = open_store(settings)
        store.check()
        removed = store.sweep()
    except ReelqError as error:
        log.warning("store.unusable", store=settings.store, error=str(error), detail=getattr(error, "detail", None))
    else:
        if removed:
            log.info("store.swept", store=settings.store, removed=removed)
