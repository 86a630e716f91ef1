"""Every event that is logged, and its keys. A test holds this table against the code.

A job ends in exactly one `job.` line, which says all that is known of the attempt: job_id, job_type,
attempt (the token), video_id, pipeline_step, waited_s (ready to claimed), ran_s, cpu_seconds and
peak_memory_bytes of its children, result, error_class, code, message, stack.
"""

from __future__ import annotations

EVENTS = {
    "job.completed": "The job is done.",
    "job.retried": "The attempt failed; the job runs again after a back-off.",
    "job.failed": "The job failed for good.",
    "job.cancelled": "Somebody cancelled it while it ran.",
    "job.snoozed": "The handler asked to run later; nothing is charged.",
    "job.released": "Released because the worker stopped; nothing is charged.",
    "job.lost": "The lease was lost: another attempt has the job, nothing of this one counts.",
    "worker.started": "Registered and claiming: worker_id, pool, slots, types, sandboxed (bubblewrap around ffmpeg).",
    "worker.draining": "Takes nothing new: why (signal, asked, idle, unfit), jobs that it still runs, grace_s.",
    "worker.undrained": "The request to drain was taken back: jobs that it runs; it claims again.",
    "worker.gave_up": "Heartbeats are answered, settling and claiming is not, for a minute, or the other way: error, failing_s, jobs; it ends.",
    "worker.stuck": "The main thread hangs: turned_s (since it last turned), jobs; no lease is extended, the process ends.",
    "worker.stopping": "A second signal, or the grace is over: running jobs are stopped and released.",
    "worker.stopped": "Stopped: how many jobs ended in which way.",
    "worker.found_dead": "A dead worker of this host was found: worker_id, pid, jobs it held.",
    "database.lost": "Postgres does not answer: error, running jobs, which go on.",
    "database.found": "It answers again: tries.",
    "claim.failed": "The queue refused a claim: error; tried again.",
    "batch.refused": "A batch of settlements was refused: error, jobs; each is settled alone.",
    "settlement.locked": "Another session holds a job that has ended: job_id, error; tried again, others go on; health() names the session.",
    "settlement.unlocked": "The job can be settled now: job_id, locked_s.",
    "result.refused": "The queue does not take a result: job_id, error; the job fails.",
    "completion.delayed": "The transaction that completes a job failed and is done again: job_id, error; once for each reason.",
    "orphan.released": "A claim whose answer was lost was released: job_id, attempt.",
    "deregister.failed": "Postgres could not be told that the worker stops: error, jobs whose leases now run out.",
    "heartbeat.failed": "A heartbeat failed: error, jobs; logged once for each reason in an outage.",
    "heartbeat.relayed": "The heartbeat gets no connection of its own, and the main thread sends it: error, jobs; no lease is lost.",
    "heartbeat.unrelayed": "It has its own connection again: failures.",
    "progress.refused": "A heartbeat was refused for the progress that it bore: error, jobs; their leases were extended without.",
    "heartbeat.recovered": "Heartbeats work again: failures.",
    "listener.lost": "The connection for notifications broke: error; polling goes on.",
    "listener.found": "Notifications come again: tries.",
    "slot.died": "A slot's thread died and was replaced: slot.",
    "thread.died": "Another thread died of a bug: thread, exception.",
    "scratch.filled": "No room for work in progress, nothing is claimed: trouble.",
    "scratch.swept": "A dead worker's folder was removed: worker_id.",
    "systemd.unreachable": "systemd's socket does not take our message: error, message_sent.",
    "host.unfit": "This host cannot work, and claims nothing until it can: trouble, remedy.",
    "host.fit": "It can work again.",
    "store.swept": "Leftovers of killed uploads were removed: store, removed.",
    "store.abort_failed": "A broken upload to S3 could not be taken back: parts stay until a life-cycle rule removes them.",
    "source.broken": "A download broke off and goes on where it was: host, size_bytes so far, error.",
}
