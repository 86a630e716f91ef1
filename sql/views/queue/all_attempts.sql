create or replace view queue.all_attempts
with (security_invoker = true) as
select
    a.job_id,
    a.attempt,
    a.job_type,
    a.worker_id,
    a.started_at,
    a.ended_at,
    a.outcome,
    a.error_class,
    a.code,
    a.message,
    a.stack,
    a.stderr_tail,
    a.cpu_seconds,
    a.peak_memory_bytes,
    a.created_at,
    a.log
from queue.job_attempts as a
union all
select
    h.job_id,
    h.attempt,
    h.job_type,
    h.worker_id,
    h.started_at,
    h.ended_at,
    h.outcome,
    h.error_class,
    h.code,
    h.message,
    h.stack,
    h.stderr_tail,
    h.cpu_seconds,
    h.peak_memory_bytes,
    h.created_at,
    h.log
from queue.attempt_history as h;

comment on view queue.all_attempts is $$
Every attempt, also of archived jobs: the columns of queue.job_attempts. Ask for a job, or a span of ended_at.
$$;
