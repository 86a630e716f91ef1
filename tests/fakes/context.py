"""A JobContext without a database: a real folder store, real scratch, and rows in a dictionary."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any, cast
from uuid import UUID, uuid4

import pytest

from reelq.worker import settings
from reelq.worker.jobs import arguments
from reelq.worker.jobs.context import JobContext
from reelq.worker.rooms import media, queue
from reelq.worker.rooms.media import VideoSource
from reelq.worker.rooms.ops import flags
from reelq.worker.rooms.queue.jobs import ClaimedJob, JobProgress
from reelq.worker.stop import StopSignal
from reelq.worker.stores.folder import FolderStore


@dataclass
class FakeVideo:
    """One video: what the tables would hold of it, and the attempts that were made."""

    folder: Path
    environ: dict[str, str]
    work: VideoSource
    statuses: list[str] = field(default_factory=list)
    variants: dict[str, dict[str, Any]] = field(default_factory=dict)
    objects: dict[UUID, dict[str, Any]] = field(default_factory=dict)  # rows of media.objects
    seen: list[JobProgress] = field(default_factory=list)
    stop: StopSignal = field(default_factory=StopSignal)
    attempts: int = 0
    flags: set[str] = field(default_factory=set)  # those that are on

    @property
    def store(self) -> FolderStore:
        """The folder store of the settings."""
        return FolderStore(self.folder / "objects")

    def path(self, profile: str) -> Path:
        """The file of a variant."""
        return self.folder / "objects" / str(self.variants[profile]["key"])

    def context(self, job_type: str) -> JobContext:
        """A context for the next attempt."""
        self.attempts += 1
        self.stop = StopSignal()
        scratch = self.folder / f"scratch-{self.attempts}"
        scratch.mkdir()
        chosen = settings.load({"REELQ_STORE": f"file://{self.folder}/objects", "REELQ_SOURCE_ROOTS": "/", **self.environ})
        return JobContext(
            job=_job(job_type, self.work, self.attempts),
            settings=chosen,
            stop=self.stop,
            open_store=lambda: self.store,
            make_scratch=lambda: scratch,
            report=self.seen.append,
            pool=cast("Any", _Pool(self)),
        )

    def run(self, handler: ModuleType, **job_data: Any) -> dict[str, Any]:
        """Run a handler as the runner does: what it wants to be visible is written when it has ended well."""
        ctx = self.context(handler.__name__.rpartition(".")[2])
        result: dict[str, Any] = handler.run(arguments.parse(handler.Args, job_data), ctx)
        for write in ctx.writes:
            write(cast("Any", self))
        return result


class _Pool:
    """Answers ctx.work(), ctx.is_flag_on() and ctx.advance_video()."""

    def __init__(self, video: FakeVideo) -> None:
        self._video = video

    def insist(self, stop: StopSignal, call: Callable[..., Any], *args: Any) -> Any:
        stop.check()
        if call is media.get_work:
            return self._video.work
        if call is media.is_store:
            return False
        if call is media.find_object:
            found = [one for one in self._video.objects.values() if (one.get("sha256"), one.get("size_bytes")) == args[2:]]
            return media.FoundObject(found[0]["id"], found[0]["key"]) if found else None
        if call is queue.begin_object:
            made = uuid4()
            self._video.objects[made] = {"id": made, "bucket": args[3], "key": args[4]}
            return made
        if call is media.finish_object:
            self._video.objects[args[0]] |= {"size_bytes": args[1], "sha256": args[2]}
            return media.FoundObject(args[0], self._video.objects[args[0]]["key"])
        if call is media.touch_object:
            assert args == (self._video.work.bucket, self._video.work.key)
            return None
        if call is flags.is_on:
            return args[0] in self._video.flags
        assert call.__name__ == "advance_video"
        self._video.statuses.append(args[-1])
        return None


@pytest.fixture
def new_video(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., FakeVideo]]:
    """Makes videos: `new_video(source)` has a source to fetch, `new_video(source, stored=True)` an original."""

    def set_original(video: Any, asset_id: UUID, object_id: UUID) -> None:
        video.work = _changed(video.work, **{name: value for name, value in video.objects[object_id].items() if name != "id"})

    def record_probe(video: Any, asset_id: UUID, measured: dict[str, Any], probe: dict[str, Any] | None) -> None:
        video.work = _changed(video.work, measured=measured, probe=probe)

    def put_variant(video: Any, asset_id: UUID, variant: dict[str, Any]) -> None:
        made = video.objects[UUID(variant["object_id"])]
        video.variants[variant["profile"]] = {**variant, **{name: value for name, value in made.items() if name != "id"}}

    for name, fake in (
        ("set_original", set_original), ("record_probe", record_probe), ("put_variant", put_variant),
    ):  # fmt: skip
        monkeypatch.setattr(media, name, fake)

    def make(source: Path, *, stored: bool = False, **environ: str) -> FakeVideo:
        folder = tmp_path / uuid4().hex
        folder.mkdir()
        video = FakeVideo(folder, environ, _work(str(source)))
        if stored:
            video.store.put("original", source)
            digest = hashlib.sha256(source.read_bytes()).hexdigest()
            facts = {"key": "original", "sha256": digest, "size_bytes": source.stat().st_size}
            video.work = _changed(video.work, bucket=video.store.bucket, **facts)
        return video

    yield make


def _work(source_url: str) -> VideoSource:
    return VideoSource(
        video_id=uuid4(), asset_id=uuid4(), tenant_id=uuid4(), source_url=source_url, original_filename=None,
        bucket=None, key=None, size_bytes=None, sha256=None, mime=None, video_status="pending",
        asset_status="uploading", probe=None, measured={},
    )  # fmt: skip


def _changed(work: VideoSource, **facts: Any) -> VideoSource:
    return VideoSource(**{**{name: getattr(work, name) for name in VideoSource.__slots__}, **facts})


def _job(job_type: str, work: VideoSource, token: int) -> ClaimedJob:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    return ClaimedJob(
        verdict="claimed", job_id=uuid4(), token=token, job_type=job_type, tenant_id=work.tenant_id, user_id=None,
        video_id=work.video_id, asset_id=work.asset_id, job_data={}, priority=5, attempts=0, max_attempts=3,
        lease=timedelta(seconds=60), time_limit=timedelta(hours=1), stall_limit=None, weight=1, pipeline_run=None,
        pipeline_step=None, scheduled_for=now, created_at=now, ready_at=now, lane=5, fair_key=0.0, seq=1, batch=1,
    )  # fmt: skip
