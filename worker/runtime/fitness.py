"""Whether this host can do the work that it would be given: ffmpeg runs, the store takes and gives.

A worker of a host that cannot work would claim and fail job after job, faster than any good one. So it claims nothing,
says so in its row, and looks again. It looks at the start, before the first claim; when an attempt has failed by what may be
the host's trouble; and every RECHECK_S while there is trouble. The main thread looks at the scratch disk (host_state.py).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass

import structlog

from reelq.worker.av.ffmpeg import FFmpeg
from reelq.worker.errors import DatabaseAway, JobError, ReelqError, TransientError
from reelq.worker.settings import Settings
from reelq.worker.stop import StopSignal
from reelq.worker.stores.open import Store
from reelq.worker.stores.remedies import REMEDIES, remedy

log = structlog.get_logger()

RECHECK_S = 10.0
FULL_S = 60.0  # so long a store that said that it is full is believed, though it takes the probe, which is small
NEEDS_FFMPEG = {"extract_metadata", "generate_thumbnail", "video_transcode"}
NEEDS_STORE = NEEDS_FFMPEG | {"download_video"}
INSTALL = "apt-get install ffmpeg, or name it in REELQ_FFMPEG and REELQ_FFPROBE; then: reelq doctor --only host"
# After these the host is looked at again.
DOUBTFUL = {*REMEDIES, "no_store_room", "no_ffmpeg", "other_store", "worker_misconfigured"}


@dataclass(frozen=True, slots=True)
class Trouble:
    """What keeps the host from working, and what an operator does about it."""

    what: str
    remedy: str


class Fitness(threading.Thread):
    """Looks in a thread of its own: a store that is away takes long to say so."""

    def __init__(
        self, settings: Settings, types: Collection[str], open_store: Callable[[], Store], on_change: Callable[[], None]
    ) -> None:
        super().__init__(name="fitness", daemon=True)
        self.trouble: Trouble | None = None
        self.is_known = False  # the first look is over
        self._settings = settings
        self._wants_ffmpeg = bool(NEEDS_FFMPEG & set(types))
        self._wants_store = bool(NEEDS_STORE & set(types))
        self._open_store = open_store
        self._on_change = on_change
        self._wake = threading.Event()
        self._over = False
        self._swept = False
        self._full_until = 0.0  # monotonic

    def doubt(self, code: str | None) -> None:
        """An attempt failed with this code: look, if it may be for the host's sake."""
        if code in DOUBTFUL:
            if code == "store_full":
                self._full_until = time.monotonic() + FULL_S
            self._wake.set()

    def stop(self) -> None:
        """End the thread, after the look that is under way."""
        self._over = True
        self._wake.set()

    def run(self) -> None:
        """Look, tell what has changed, and wait for a reason to look again."""
        while not self._over:
            self._wake.clear()
            found = self._look()
            if found != self.trouble or not self.is_known:
                if found is not None:
                    log.warning("host.unfit", trouble=found.what, remedy=found.remedy)
                elif self.trouble is not None:
                    log.info("host.fit")
                self.trouble, self.is_known = found, True
                self._on_change()
            self._wake.wait(None if found is None else RECHECK_S)

    def _look(self) -> Trouble | None:
        try:
            found = self._look_at_ffmpeg()
            if found is None:
                self._look_at_store()
            return found
        except DatabaseAway:
            return self.trouble  # the store's mark is in the database, which is asked again soon
        except JobError as error:
            detail = f" ({error.detail})" if error.detail else ""
            return Trouble(f"the store {self._settings.store}: {error}{detail}", remedy(error.code, self._settings.store, error.detail))
        except ReelqError as error:
            return Trouble(str(error), "Mend the settings of this host; reelq doctor --only host tries them.")
        except OSError as error:
            return Trouble(f"this host: {error}", "reelq doctor --only host")

    def _look_at_ffmpeg(self) -> Trouble | None:
        if self._wants_ffmpeg:
            ffmpeg = FFmpeg(self._settings, StopSignal(), lambda _: None)
            for program in ("ffmpeg", "ffprobe"):
                ended = ffmpeg.ask(program, "-version")
                if ended.code != 0:
                    said = (ended.stderr_tail.strip().splitlines() or [f"exit code {ended.code}"])[-1]
                    return Trouble(f"{program} does not run: {said}", INSTALL)
        return None

    def _look_at_store(self) -> None:
        """Raises when the store does not take, give and list what is put there."""
        if not self._wants_store:
            return
        store = self._open_store()
        store.check()
        if time.monotonic() < self._full_until:
            detail = "an attempt was told so; the next may try a minute later"
            raise TransientError("store_full", "The object store is full.", detail=detail)
        if not self._swept:
            self._swept = True
            removed = store.sweep()
            if removed:
                log.info("store.swept", store=self._settings.store, removed=removed)
