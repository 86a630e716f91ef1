"""Schema `queue`: what workers and enqueuers call. Modules of their own: reads, bulk, limits, maintenance."""

from __future__ import annotations

from reelq.worker.rooms.queue.jobs import FULL_LOOK as FULL_LOOK
from reelq.worker.rooms.queue.jobs import STATUSES as STATUSES
from reelq.worker.rooms.queue.jobs import Bounds as Bounds
from reelq.worker.rooms.queue.jobs import ClaimedJob as ClaimedJob
from reelq.worker.rooms.queue.jobs import JobProgress as JobProgress
from reelq.worker.rooms.queue.jobs import Verdict as Verdict
from reelq.worker.rooms.queue.jobs import advance_video as advance_video
from reelq.worker.rooms.queue.jobs import ask_work as ask_work
from reelq.worker.rooms.queue.jobs import bury_worker as bury_worker
from reelq.worker.rooms.queue.jobs import cancel_job as cancel_job
from reelq.worker.rooms.queue.jobs import complete_job as complete_job
from reelq.worker.rooms.queue.jobs import drain_host as drain_host
from reelq.worker.rooms.queue.jobs import drain_worker as drain_worker
from reelq.worker.rooms.queue.jobs import enqueue_job as enqueue_job
from reelq.worker.rooms.queue.jobs import fail_job as fail_job
from reelq.worker.rooms.queue.jobs import heartbeat as heartbeat
from reelq.worker.rooms.queue.jobs import ingest_video as ingest_video
from reelq.worker.rooms.queue.jobs import register_worker as register_worker
from reelq.worker.rooms.queue.jobs import reprioritise_job as reprioritise_job
from reelq.worker.rooms.queue.jobs import retry_job as retry_job
from reelq.worker.rooms.queue.jobs import settle_jobs as settle_jobs
from reelq.worker.rooms.queue.jobs import sleep_worker as sleep_worker
from reelq.worker.rooms.queue.jobs import stop_worker as stop_worker
from reelq.worker.rooms.queue.jobs import wake_worker as wake_worker
from reelq.worker.rooms.queue.jobs import work as work
