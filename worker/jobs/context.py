"""What a handler may touch: its job, its folder, the store, the log, and a way to hear "stop".

Everything that a handler makes visible goes through `on_complete`: those writes run in the
transaction that completes the job, after the fence. Whoever lost the lease writes nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog

from reelq.worker import db
from reelq.worker.av import allowlists
from reelq.worker.av.ffmpeg import FFmpeg, FFmpegRun
from reelq.worker.av.progress import EncodeProgress
from reelq.worker.errors import LeaseLost, PermanentError
from reelq.worker.jobs import originals, plain
from reelq.worker.jobs.run_log import RunLog
from reelq.worker.jobs.stored import RegisteredObject, store_object
from reelq.worker.rooms import media, queue
from reelq.worker.rooms.ops import flags
from reelq.worker.rooms.queue import bulk
from reelq.worker.rooms.queue.bulk import Enqueued, Spec
from reelq.worker.rooms.queue.jobs import ClaimedJob, JobProgress
from reelq.worker.sandbox.child import Ended
from reelq.worker.settings import Settings
from reelq.worker.stop import StopSignal
from reelq.worker.stores.open import Store

STDERR_CHARS = 16_000  # of what ffmpeg said last; longer tails tell nobody more
STAGE_CHARS = 100  # of a stage; the queue cuts it there too
WHOLE = (0.0, 1.0)  # of the progress bar


@dataclass(slots=True)
class Facts:
    """What an attempt cost, over all of its children."""

    cpu_seconds: float = 0.0
    peak_memory_bytes: int = 0  # of the largest child
    stderr: str = ""  # tail of the latest child that said anything; for operators only
    log: RunLog = field(default_factory=RunLog)  # what each child was called with and printed; for operators only

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
    writes: list[Callable[[db.Connection], object]] = field(default_factory=list)
    fetched: int = 0  # sources so far
    open_bucket: Callable[[str], Store] | None = None  # None: there is but one store
    reserve_scratch: Callable[[int], None] = lambda _size_bytes: None  # see Scratch.reserve; to be called before a large file is written

    @property
    def log(self) -> Any:
        """A structlog logger that bears job_id, job_type and attempt, in whichever thread it is used."""
        job = self.job
        return structlog.get_logger().bind(job_id=str(job.job_id), job_type=job.job_type, attempt=job.token)

    @property
    def store(self) -> Store:
        """Where the tenant's new objects go: into its own bucket where it has one. Bytes come there by `store_file`, which registers them."""
        return self.open_store()

    def store_at(self, bucket: str) -> Store:
        """The store that an object's row names."""
        return self.open_store() if self.open_bucket is None else self.open_bucket(bucket)

    def is_store(self, s3_bucket: str) -> bool:
        """Whether objects of any tenant lie in that bucket of S3: no source may name it."""
        return self.pool.insist(self.stop, media.is_store, s3_bucket)

    @property
    def scratch(self) -> Path:
        """A folder of this attempt alone; whatever happens, it is removed afterwards."""
        return self.make_scratch()

    def folder(self, name: str) -> Path:
        """A folder in the scratch folder, made if it is not there.

        Raises:
            PermanentError: "bad_name", it would lie elsewhere.
        """
        if not isinstance(name, str) or not name or name in (".", "..") or "/" in name or "\0" in name:
            given = plain.line(repr(name), 100)
            raise PermanentError("bad_name", f"The name of a scratch folder must be one without / and .., not {given}.")
        path = self.scratch / name
        path.mkdir(exist_ok=True)
        return path

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
        against the job type's stall limit. Never raises: a fraction beyond 0 to 1 is cut to that, a stage to its
        first 100 characters, and what is no finite number tells nothing.
        """
        done = plain.number(fraction)
        self.report(
            JobProgress(
                None if done is None else min(1.0, max(0.0, done)),
                None if stage is None else plain.line(stage, STAGE_CHARS),
                plain.number(speed),
                plain.number(eta_s),
            )
        )

    def check(self) -> None:
        """Raise StopRequested when the attempt has to end. Call it between steps, and before a visible one."""
        self.stop.check()

    def work(self) -> media.VideoSource:
        """What is known of the job's video; waits while the database is away.

        Raises:
            NotFound: the video was deleted.
        """
        return self.pool.insist(self.stop, media.get_work, self.video_id)

    def original(self, share: tuple[float, float] = WHOLE) -> Path:
        """Bring the stored original of the job's video here, compare its checksum, and return the file.

        `share` is the part of the progress bar that this takes.

        Raises:
            PermanentError: "no_original", the pipeline has not stored it yet; "bad_job_data", the job is about no video; "object_missing",
                "object_corrupt" of the store.
            TransientError: "no_scratch_room", and those of the store.
            SnoozeError: "object_archived", it is in cold storage and was asked for: the job comes back by itself.
            StopRequested.
        """
        work, (start, end) = self.work(), share

        def tell(done: int, total: int | None) -> None:
            self.progress(start + (end - start) * min(1.0, done / max(1, total or work.size_bytes or 1)), "fetch")

        return originals.stage(self, work, self.folder("in") / "original", tell)

    def is_flag_on(self, flag: str) -> bool:
        """Whether a feature flag is on for the job's tenant and user; one that is not there is off. Waits while the database is away."""
        found: bool = self.pool.insist(self.stop, flags.is_on, flag, self.job.tenant_id, self.job.user_id)
        return found

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

    def fetch(self, url: str, share: tuple[float, float] = WHOLE) -> Path:
        """Bring a source here, and return the file, another one for each call.

        `share` is the part of the progress bar that this takes.

        http and https from public addresses, s3, and paths below REELQ_SOURCE_ROOTS; limits are those of the settings.

        Raises:
            PermanentError, RateLimitedError, TransientError: as worker/sources/fetch.py lists them, such as "source_missing".
            StopRequested.
        """
        from reelq.worker.sources.fetch import fetch  # httpx takes a while to load

        self.fetched += 1
        name = "source" if self.fetched == 1 else f"source-{self.fetched}"  # without a suffix: the bytes decide what it is
        path = self.folder("in") / name
        most = self.settings.max_download_bytes
        start, end = share

        def tell(done: int, total: int | None) -> None:
            self.progress(start + (end - start) * min(1.0, done / max(1, total or most)), "fetch")

        fetch(url, path, settings=self.settings, stop=self.stop, on_progress=tell, on_size=self.reserve_scratch, is_store=self.is_store)
        return path

    def ffmpeg(self) -> FFmpeg:
        """ffmpeg and ffprobe for this attempt, one or several at once; what they cost goes into its facts.

        `ctx.ffmpeg().probe(path)` is ffprobe's document of a file: format, streams, chapters.
        """
        lock = threading.Lock()

        def add(ended: Ended) -> None:
            with lock:
                self.facts.add(ended.cpu_seconds, ended.peak_memory_bytes, ended.stderr_tail)
                self.facts.log.add(ended)

        return FFmpeg(self.settings, self.stop, add)

    def run_ffmpeg(
        self,
        source: Path,
        words: Sequence[str],
        output: Path,
        *,
        limit_s: float,
        before: Sequence[str] = (),
        length_s: float | None = None,
        share: tuple[float, float] = WHOLE,
        stage: str = "encode",
    ) -> FFmpegRun:
        """Run `ffmpeg <before> -i source <words> output` in the sandbox, and return what it cost.

        It sees the folders of `source` (to read) and `output` (to write) and nothing else, has no network, takes usual formats
        only, may use memory, CPU and disk as the settings say, and dies with the attempt. `length_s` is how long the
        result will be: then the progress bar moves through `share`. Without headway for a minute it is ended.

        Args:
            before: options of the input, such as ["-ss", "12.5"].
            limit_s: longest that it may run, in seconds.

        Raises:
            PermanentError: the file cannot be converted, as "unreadable_media", "conversion_failed".
            TransientError: this host's trouble, as "too_slow", "stalled", "no_ffmpeg", "disk_full".
            StopRequested.
        """
        for name, given in (("words", words), ("before", before)):
            if isinstance(given, str | bytes) or not all(isinstance(one, str) for one in given):
                raise TypeError(f'{name} must be a list of texts, as ["-c:v", "libx264"], not {plain.line(repr(given), 100)}')
        source, output = Path(source).absolute(), Path(output).absolute()  # the sandbox has a working folder of its own
        start, end = share

        def tell(at: EncodeProgress) -> None:
            if at.out_s is None or not length_s:
                return
            done = min(1.0, at.out_s / length_s)
            eta = max(0.0, length_s - at.out_s) / at.speed if at.speed else None
            self.progress(start + (end - start) * done, stage, at.speed, eta)

        self.progress(start, stage)
        ffmpeg = self.ffmpeg()
        threads = ["-threads", str(ffmpeg.threads)]
        command = [*allowlists.input_flags(), *before, "-i", f"file:{source}", *threads, *words, f"file:{output}"]
        cost, _ = ffmpeg.run(command, read=source.parent, write=output.parent, wall_s=limit_s, on_progress=tell)
        self.progress(end, stage)
        return cost

    def store_file(self, path: Path, name: str | None = None, content_type: str = "application/octet-stream") -> RegisteredObject:
        """Put a file into the store and return its key, size in bytes and SHA-256, its bucket, and the id of its row in media.objects.

        The key bears the job and the attempt ([tenants/<tenant>/]jobs/<job>-<attempt>/<name>), so that an attempt that comes back
        late never writes over a newer one's bytes; bytes that the tenant has stored already keep the key that they have. Nobody knows the key until
        the job completes: return it as part of the result, or write it into a row with `on_complete`. From then on media.job_files
        keeps the object, until media.forget_files of the job. A row of your own that `on_complete` writes may refer to `object_id`.

        Raises:
            PermanentError, TransientError: of the store, as "store_away".
            StopRequested.
        """
        base = f"tenants/{self.job.tenant_id}/" if self.job.tenant_id else ""
        name = name or path.name
        stored = store_object(self, f"{base}jobs/{self.job.job_id}-{self.job.token}/{name}", path, content_type, self.job.tenant_id)
        keep = (stored.object_id, self.job.tenant_id, self.job.user_id, self.job.job_id, name)
        self.on_complete(lambda conn: media.keep_file(conn, *keep))
        return stored

    def on_complete(self, write: Callable[[db.Connection], object]) -> None:
        """Run `write(connection)` in the transaction that completes the job; all of them or none.

        It may run more than once (the database went away before it answered, or there was a deadlock). An error of it fails
        the attempt. It must not commit or roll back, nor catch an error of a statement outside a savepoint
        (`with connection.transaction():`). What it sets on the connection is reset afterwards.
        """
        self.writes.append(write)
