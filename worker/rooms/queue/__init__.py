"""Schema `queue`: what workers and enqueuers call. Imported by name: reads, bulk, changes, limits, maintenance."""

from __future__ import annotations

from reelq.worker.rooms.queue.jobs import FULL_LOOK as FULL_LOOK
from reelq.worker.rooms.queue.jobs import STATUSES as STATUSES
from reelq.worker.rooms.queue.jobs import Bounds as Bounds
from reelq.worker.rooms.queue.jobs import ClaimedJob as ClaimedJob
from reelq.worker.rooms.queue.jobs import JobProgress as JobProgress
from reelq.worker.rooms.queue.jobs import Verdict as Verdict
from reelq.worker.rooms.queue.jobs import advance_video as advance_video
from reelq.worker.rooms.queue.jobs import ask_settle_and_claim as ask_settle_and_claim
from reelq.worker.rooms.queue.jobs import begin_object as begin_object
from reelq.worker.rooms.queue.jobs import cancel_job as cancel_job
from reelq.worker.rooms.queue.jobs import complete_job as complete_job
from reelq.worker.rooms.queue.jobs import deregister_worker as deregister_worker
from reelq.worker.rooms.queue.jobs import drain_host as drain_host
from reelq.worker.rooms.queue.jobs import drain_worker as drain_worker
from reelq.worker.rooms.queue.jobs import enqueue_job as enqueue_job
from reelq.worker.rooms.queue.jobs import fail_job as fail_job
from reelq.worker.rooms.queue.jobs import heartbeat as heartbeat
from reelq.worker.rooms.queue.jobs import ingest_video as ingest_video
from reelq.worker.rooms.queue.jobs import locked_jobs as locked_jobs
from reelq.worker.rooms.queue.jobs import mark_worker_dead as mark_worker_dead
from reelq.worker.rooms.queue.jobs import register_worker as register_worker
from reelq.worker.rooms.queue.jobs import reprioritise_job as reprioritise_job
from reelq.worker.rooms.queue.jobs import reschedule_job as reschedule_job
from reelq.worker.rooms.queue.jobs import retry_job as retry_job
from reelq.worker.rooms.queue.jobs import run_job_now as run_job_now
from reelq.worker.rooms.queue.jobs import set_worker_busy as set_worker_busy
from reelq.worker.rooms.queue.jobs import set_worker_listening as set_worker_listening
from reelq.worker.rooms.queue.jobs import set_worker_trouble as set_worker_trouble
from reelq.worker.rooms.queue.jobs import settle_and_claim as settle_and_claim
from reelq.worker.rooms.queue.jobs import settle_jobs as settle_jobs
