"""What a handler may touch: its job, its folder, the store, the log, and a way to hear "stop".

Everything that a handler makes visible goes through `on_complete`: those writes run in the
transaction that completes the job, after the fence. Whoever lost the lease writes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog

from reelq.worker import db
from reelq.worker.errors import LeaseLost, PermanentError
from reelq.worker.rooms import media, queue
from reelq.worker.rooms.queue import bulk
from reelq.worker.rooms.queue.bulk import Enqueued, Spec
from reelq.worker.rooms.queue.jobs import ClaimedJob, JobProgress
from reelq.worker.settings import Settings
from reelq.worker.stop import StopSignal
from reelq.worker.stores.open import Store

STDERR_CHARS = 16_000  # of what ffmpeg said last; longer tails tell nobody more


@dataclass(slots=True)
class Facts:
    """What an attempt cost, over all of its children."""

    cpu_seconds: float = 0.0
    peak_memory_bytes: int = 0  # of the largest child
    stderr: str = ""  # tail of the latest child that said anything; for operators only

    def add(self, cpu_seconds: float, peak_memory_bytes: int, stderr: str = "") -> None:
        """A child has ended."""
        self.cpu_seconds += cpu_seconds
        self.peak_memory_bytes = max(self.peak_memory_bytes, peak_memory_bytes)
        self.stderr = stderr[-STDERR_CHARS:] or self.stderr


@dataclass(slots=True)
class JobContext:
    """One attempt of one job. Only its own slot's thread calls; `progress` may come from any."""

    job: ClaimedJob
    settings: Settings
    stop: StopSignal
    open_store: Callable[[], Store]
    make_scratch: Callable[[], Path]
    report: Callable[[JobProgress], None]
    pool: db.Pool
    facts: Facts = field(default_factory=Facts)
    writes: list[Callable[[db.Connection], None]] = field(default_factory=list)

    @property
    def log(self) -> Any:
        """A structlog logger that bears job_id, job_type and attempt, in whichever thread it is used."""
        job = self.job
        return structlog.get_logger().bind(job_id=str(job.job_id), job_type=job.job_type, attempt=job.token)

    @property
    def store(self) -> Store:
        """Where objects lie."""
        return self.open_store()

    @property
    def scratch(self) -> Path:
        """A folder of this attempt alone; whatever happens, it is removed afterwards."""
        return self.make_scratch()

    @property
    def video_id(self) -> UUID:
        """The job's video.

        Raises:
            PermanentError: "bad_job_data", the job is about no video.
        """
        if self.job.video_id is None:
            raise PermanentError("bad_job_data", f"A job of type {self.job.job_type} needs a video.")
        return self.job.video_id

    def progress(
        self,
        fraction: float | None,
        stage: str | None = None,
        speed: float | None = None,
        eta_s: float | None = None,
    ) -> None:
        """Say how far the work is: 0 to 1, one word, media seconds a second, seconds to go.

        Cheap: it is remembered, and the next heartbeat carries it. A change counts as headway
        against the job type's stall limit.
        """
        self.report(JobProgress(fraction, stage, speed, eta_s))

    def check(self) -> None:
        """Raise StopRequested when the attempt has to end. Call it between steps, and before a visible one."""
        self.stop.check()

    def work(self) -> media.VideoSource:
        """What is known of the job's video; waits while the database is away.

        Raises:
            NotFound: the video was deleted.
        """
        return self.pool.insist(self.stop, media.get_work, self.video_id)

    def advance_video(self, status: str) -> None:
        """Move the video's status forward, under the token. Waits while the database is away.

        Raises:
            StopRequested: the lease is lost, or the attempt has to end for another reason.
        """
        try:
            self.pool.insist(self.stop, queue.advance_video, self.job.job_id, self.job.token, status)
        except LeaseLost:
            self.stop.set("lease_lost")
            self.stop.check()

    def spawn(self, specs: Sequence[Spec]) -> list[Enqueued]:
        """Fan out: enqueue these jobs, and let whoever waits for this one wait for them too. They may begin at once.

        A call may be repeated (the database went away before it answered) and so may the attempt. Each spec therefore
        has an `idempotency_key` that is the same every time, such as f"{ctx.job.job_id}:part 3"; is_new is False for
        what has been made before. Waits while the database is away.

        Raises:
            PermanentError: "spawn_without_key".
            StopRequested: the lease is lost, or the attempt has to end for another reason.
        """
        for place, spec in enumerate(specs, 1):
            if not (spec.get("idempotency_key") if isinstance(spec, Mapping) else spec.idempotency_key):
                raise PermanentError("spawn_without_key", f"Spec {place} of a fan-out has no idempotency key.")
        try:
            return self.pool.insist(self.stop, bulk.spawn_jobs, self.job.job_id, self.job.token, specs)
        except LeaseLost:
            self.stop.set("lease_lost")
            self.stop.check()
            raise

    def on_complete(self, write: Callable[[db.Connection], None]) -> None:
        """Run `write(connection)` in the transaction that completes the job; all of them or none.

        It may run more than once (the database went away before it answered) and must not commit.
        """
        self.writes.append(write)
